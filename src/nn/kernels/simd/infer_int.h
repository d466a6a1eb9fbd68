/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of the inference kernels of one instruction set, shared by infer_*.c. Meanings: infer.h.
 */
#ifndef BTI_SIMD_INFER_INT_H
#define BTI_SIMD_INFER_INT_H

#include "nn/kernels/simd/infer.h"
#include "nn/kernels/simd/simd_int.h"

void SIMD(infer_conv)(const bti_infer_conv *p, const float *x, const float *w, const float *bias,
                      const float *r, float *y);
void SIMD(infer_depthwise)(const bti_infer_window *p, const float *x, const float *w,
                           const float *bias, float *y);
void SIMD(infer_maxpool)(const bti_infer_window *p, const float *x, float *y);
void SIMD(infer_avgpool)(const bti_infer_window *p, const float *x, float *y);
void SIMD(infer_mean)(const bti_infer_map *in, const bti_infer_map *out, const float *x, float *y);
void SIMD(infer_pointwise)(const bti_infer_map *in, const bti_infer_map *other,
                           const bti_infer_map *out, bti_act act, const float *x, const float *r,
                           const float *s, float *y);
void SIMD(infer_softmax)(const bti_infer_map *in, const bti_infer_map *out, const float *x,
                         float *y);
void SIMD(infer_pack)(const bti_infer_map *out, const float *plain, float *y);
void SIMD(infer_flatten)(const bti_infer_map *in, const float *x, float *plain);
void SIMD(infer_edge)(const bti_infer_map *m, const bti_infer_border *b, float *y);

/* n vectors in place: act(y), then + r if there is one. For activations that are no clamp. */
void SIMD(infer_finish)(bti_act act, int n, const float *r, float *y);

/* What an activation between two bounds clamps to; every other one: no bounds, and *rest says
 * which is still to do. */
static inline void bti_infer_clamp(bti_act act, float *lo, float *hi, bti_act *rest)
{
    const bool relu = act == BTI_ACT_RELU || act == BTI_ACT_RELU6;
    const bool clamps = relu || act == BTI_ACT_HARDTANH;
    *lo = relu ? 0 : clamps ? -1 : -__builtin_inff();
    *hi = act == BTI_ACT_RELU6 ? 6 : act == BTI_ACT_HARDTANH ? 1 : __builtin_inff();
    *rest = clamps ? BTI_ACT_IDENTITY : act;
}

#endif
