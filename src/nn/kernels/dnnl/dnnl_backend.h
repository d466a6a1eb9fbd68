/* SPDX-License-Identifier: Apache-2.0
 *
 * The fast engine behind nn/backend.h: convolutions by oneDNN, everything else by our own fused
 * kernels (nn/kernels/simd). How it works: engine.h.
 */
#ifndef BTI_DNNL_BACKEND_H
#define BTI_DNNL_BACKEND_H

#include "nn/backend.h"

extern const bti_backend_ops bti_backend_dnnl;

/* Of the oneDNN library that runs, which may be newer than the one compiled against. */
void bti_dnnl_version(int *major, int *minor, int *patch);

#endif
