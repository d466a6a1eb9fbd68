/* SPDX-License-Identifier: Apache-2.0
 *
 * Flat arrays in kernel layout and the way of every plain tensor into them.
 */
#ifndef BTI_DNNL_PARAMS_H
#define BTI_DNNL_PARAMS_H

#include "nn/kernels/dnnl/engine.h"

/* Makes slots, parameters (zero) and gradients. After the convolutions exist, which fix layouts.
 * What it made is freed by bti_engine_params_free, on failure too. */
bt_status bti_engine_params(bti_engine *e, bt_error *err);
void bti_engine_params_free(bti_engine *e);

/* All tensors from the plain array; parameters (or gradients, with flat = e->grad) to it. Running
 * statistics come out as zero unless asked for. */
void bti_engine_set(bti_engine *e, const float *plain);
void bti_engine_get(const bti_engine *e, const float *flat, bool with_running, float *plain);

#endif
