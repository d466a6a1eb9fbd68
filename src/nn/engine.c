/* SPDX-License-Identifier: Apache-2.0
 *
 * The name of what trains networks in this build and on this CPU.
 */
#include "bantam/engine.h"

#include "base/cpu.h"
#ifdef BANTAM_DNNL
#include "nn/kernels/dnnl/dnnl_backend.h"
#endif

#include <stdio.h>

const char *bt_engine_name(void)
{
    static char text[96]; /* the same text at every call */
#ifdef BANTAM_DNNL
    int major, minor, patch;
    bti_dnnl_version(&major, &minor, &patch);
    snprintf(text, sizeof(text), "oneDNN %d.%d.%d + own kernels, %s", major, minor, patch,
             bti_isa_name(bti_cpu_isa()));
#else
    snprintf(text, sizeof(text), "reference kernels, %s", bti_isa_name(bti_cpu_isa()));
#endif
    return text;
}
