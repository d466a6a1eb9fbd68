/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic underneath.
 */
#ifndef BANTAM_ENGINE_H
#define BANTAM_ENGINE_H

#include "bantam/status.h"

/* What trains networks in this process: "oneDNN 2.6.3, avx512" or "reference kernels". Static. */
BT_API const char *bt_engine_name(void);

#endif
