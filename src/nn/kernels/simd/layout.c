/* SPDX-License-Identifier: Apache-2.0
 *
 * Between plain (n,c,h,w), blocked and zero-padded maps.
 */
#include "nn/kernels/simd/simd_int.h"
#include "nn/kernels/simd/vec.h"

void SIMD(pack)(const bti_simd_map *m, const float *plain, float *y)
{
    const int channels = (m->cb - 1) * VL + m->tail;
    for (int i = 0; i < m->n; i++, plain += (int64_t)channels * m->hw)
        for (int cb = 0; cb < m->cb; cb++) {
            const int lanes = cb == m->cb - 1 ? m->tail : VL;
            const float *p = plain + (int64_t)cb * VL * m->hw;
            for (int j = 0; j < m->hw; j++, y += VL)
                for (int l = 0; l < VL; l++)
                    y[l] = l < lanes ? p[(int64_t)l * m->hw + j] : 0;
        }
}

void SIMD(flatten)(const bti_simd_map *m, int row, const float *x, float *y)
{
    const int channels = (m->cb - 1) * VL + m->tail;
    for (int i = 0; i < m->n; i++, x += (int64_t)m->cb * m->hw * VL, y += row) {
        for (int c = 0; c < channels; c++)
            for (int j = 0; j < m->hw; j++)
                y[c * m->hw + j] = x[((int64_t)(c / VL) * m->hw + j) * VL + c % VL];
        for (int k = channels * m->hw; k < row; k++)
            y[k] = 0;
    }
}

void SIMD(flatten_back)(const bti_simd_map *m, int row, const float *dy, float *dx)
{
    const int channels = (m->cb - 1) * VL + m->tail;
    for (int i = 0; i < m->n; i++, dx += (int64_t)m->cb * m->hw * VL, dy += row) {
        for (int c = 0; c < m->cb * VL; c++)
            for (int j = 0; j < m->hw; j++)
                dx[((int64_t)(c / VL) * m->hw + j) * VL + c % VL] =
                    c < channels ? dy[c * m->hw + j] : 0;
    }
}

void SIMD(pad)(const bti_simd_window *w, const float *x, float *y)
{
    const size_t row = (size_t)w->iw * VL * sizeof(*x);
    memset(y, 0, (size_t)w->n * w->cb * w->oh * w->ow * VL * sizeof(*y));
    for (int p = 0; p < w->n * w->cb; p++, y += (int64_t)w->oh * w->ow * VL)
        for (int r = 0; r < w->ih; r++, x += (int64_t)w->iw * VL)
            memcpy(y + ((int64_t)(r + w->pad_t) * w->ow + w->pad_l) * VL, x, row);
}

void SIMD(pad_back)(const bti_simd_window *w, const float *dy, float *dx)
{
    const size_t row = (size_t)w->iw * VL * sizeof(*dx);
    for (int p = 0; p < w->n * w->cb; p++, dy += (int64_t)w->oh * w->ow * VL)
        for (int r = 0; r < w->ih; r++, dx += (int64_t)w->iw * VL)
            memcpy(dx, dy + ((int64_t)(r + w->pad_t) * w->ow + w->pad_l) * VL, row);
}
