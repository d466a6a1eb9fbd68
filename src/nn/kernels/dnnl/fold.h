/* SPDX-License-Identifier: Apache-2.0
 *
 * Normalisations of an inference net inside the convolutions before them: their scale in the
 * weights, their shift, the activation and the residual addition where the result is stored.
 */
#ifndef BTI_DNNL_FOLD_H
#define BTI_DNNL_FOLD_H

#include "nn/kernels/dnnl/engine.h"

/* Puts norm number `norm`, whose input only it reads, into the convolution that makes that input;
 * the convolution's value is then the normalisation's. residual: value that `join` adds; -1: none.
 * False: it cannot (a training net, no such convolution, an activation or an addition that its
 * kernel does not end with), nothing has changed. */
bool bti_fold_norm(bti_engine *e, int norm, int residual, bti_act act, bti_simd_join join);

/* Memory, when parameters have their places; e->read. */
bt_status bti_fold_init(bti_engine *e, bt_error *err);
void bti_fold_release(bti_engine *e);
/* From e->param and the norms' mean and scale. */
void bti_fold_weights(bti_engine *e);
/* How a convolution with a fold ends, on a kernel of our own. */
const bti_simd_tail *bti_fold_tail(const bti_run *r, const bti_step *s, bti_simd_tail *tail);

#endif
