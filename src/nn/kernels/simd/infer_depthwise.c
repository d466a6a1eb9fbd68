/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of one image: up to eight pixels of a row are summed in registers.
 */
#include "nn/kernels/simd/infer_int.h"

#if !BTI_BF16
#include "nn/kernels/simd/vec_act.h"

#define TILE BTI_INFER_TILE

/* k, stride: constants at the calls that matter. */
VINLINE void tile(const bti_infer_window *p, const float *x, const float *w, vf bias, vf lo, vf hi,
                  float *y, const int k, const int stride, const int pixels)
{
    vf acc[TILE];
#pragma GCC unroll 8
    for (int i = 0; i < pixels; i++)
        acc[i] = bias;
    for (int u = 0; u < k; u++) {
        const float *row = x + u * p->dilation * p->in.row;
#pragma GCC unroll 5
        for (int v = 0; v < k; v++, w += VL) {
            const vf tap = vload(w);
#pragma GCC unroll 8
            for (int i = 0; i < pixels; i++)
                acc[i] += tap * vload(row + (i * stride + v * p->dilation) * VL);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < pixels; i++)
        vstore(y + i * VL, vmin(hi, vmax(lo, acc[i])));
}

/* Rows are cut evenly, as in infer_conv.c; few pixels go one by one. */
VINLINE void one_row(const bti_infer_window *p, const float *x, const float *w, vf bias, vf lo,
                     vf hi, float *y, const int k, const int stride)
{
    const int n = (p->out.w + TILE - 1) / TILE;
    for (int i = 0, at = 0; i < n; i++) {
        const int pixels = p->out.w / n + (i < p->out.w % n ? 1 : 0);
        const float *from = x + at * stride * VL;
        float *to = y + at * VL;
        at += pixels;
        if (pixels == 8)
            tile(p, from, w, bias, lo, hi, to, k, stride, 8);
        else if (pixels == 7)
            tile(p, from, w, bias, lo, hi, to, k, stride, 7);
        else if (pixels >= 4)
            tile(p, from, w, bias, lo, hi, to, k, stride, 4);
        for (int j = pixels >= 7 ? pixels : pixels >= 4 ? 4 : 0; j < pixels; j++)
            tile(p, from + j * stride * VL, w, bias, lo, hi, to + j * VL, k, stride, 1);
    }
}

static void row_of(const bti_infer_window *p, const float *x, const float *w, vf bias, vf lo, vf hi,
                   float *y)
{
    if (p->k == 3 && p->stride == 1)
        one_row(p, x, w, bias, lo, hi, y, 3, 1);
    else if (p->k == 3 && p->stride == 2)
        one_row(p, x, w, bias, lo, hi, y, 3, 2);
    else if (p->k == 5 && p->stride == 1)
        one_row(p, x, w, bias, lo, hi, y, 5, 1);
    else if (p->k == 5 && p->stride == 2)
        one_row(p, x, w, bias, lo, hi, y, 5, 2);
    else
        one_row(p, x, w, bias, lo, hi, y, p->k, p->stride);
}

void SIMD(infer_depthwise)(const bti_infer_window *p, const float *x, const float *w,
                           const float *bias, float *y)
{
    float lo, hi;
    bti_act rest;
    bti_infer_clamp(p->act, &lo, &hi, &rest);
    const float *corner = x - p->pad_t * p->in.row - p->pad_l * VL;
    for (int c = 0; c < p->out.c; c += VL) {
        for (int j = 0; j < p->out.h; j++) {
            float *to = y + j * p->out.row;
            row_of(p, corner + j * p->stride * p->in.row, w, vload(bias + c), vset(lo), vset(hi),
                   to);
            if (rest != BTI_ACT_IDENTITY)
                SIMD(infer_finish)(rest, p->out.w, NULL, to);
        }
        corner += p->in.block;
        w += p->k * p->k * VL;
        y += p->out.block;
    }
}
#endif
