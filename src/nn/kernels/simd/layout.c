/* SPDX-License-Identifier: Apache-2.0
 *
 * Between plain (n,c,h,w), blocked and zero-padded maps.
 */
#include "nn/kernels/simd/simd_int.h"
#include "nn/kernels/simd/vec.h"

void SIMD(widen)(int64_t n, const void *in, float *y)
{
    const elem *x = in;
    for (int64_t i = 0; i < n; i += VL)
        vstore(y + i, vload(x + i));
}

void SIMD(narrow)(int64_t n, const float *x, void *out)
{
    elem *y = out;
    for (int64_t i = 0; i < n; i += VL)
        vstore(y + i, vload(x + i));
}

void SIMD(pack)(const bti_simd_map *m, const float *plain, void *out)
{
    elem *y = out;

    const int channels = (m->cb - 1) * VL + m->tail;
    for (int i = 0; i < m->n; i++, plain += (int64_t)channels * m->hw)
        for (int cb = 0; cb < m->cb; cb++) {
            const int lanes = cb == m->cb - 1 ? m->tail : VL;
            const float *p = plain + (int64_t)cb * VL * m->hw;
            for (int j = 0; j < m->hw; j++, y += VL)
                for (int l = 0; l < VL; l++)
                    y[l] = elem_of(l < lanes ? p[(int64_t)l * m->hw + j] : 0);
        }
}

void SIMD(flatten)(const bti_simd_map *m, int row, const void *in, float *y)
{
    const elem *x = in;

    const int channels = (m->cb - 1) * VL + m->tail;
    for (int i = 0; i < m->n; i++, x += (int64_t)m->cb * m->hw * VL, y += row) {
        for (int c = 0; c < channels; c++)
            for (int j = 0; j < m->hw; j++)
                y[c * m->hw + j] = value_of(x[((int64_t)(c / VL) * m->hw + j) * VL + c % VL]);
        for (int k = channels * m->hw; k < row; k++)
            y[k] = 0;
    }
}

void SIMD(flatten_back)(const bti_simd_map *m, int row, const float *dy, void *din)
{
    elem *dx = din;

    const int channels = (m->cb - 1) * VL + m->tail;
    for (int i = 0; i < m->n; i++, dx += (int64_t)m->cb * m->hw * VL, dy += row) {
        for (int c = 0; c < m->cb * VL; c++)
            for (int j = 0; j < m->hw; j++)
                dx[((int64_t)(c / VL) * m->hw + j) * VL + c % VL] =
                    elem_of(c < channels ? dy[c * m->hw + j] : 0);
    }
}

void SIMD(pad)(const bti_simd_window *w, const void *in, void *out)
{
    const elem *x = in;
    elem *y = out;

    const size_t row = (size_t)w->iw * VL * sizeof(*x);
    memset(y, 0, (size_t)w->n * w->cb * w->oh * w->ow * VL * sizeof(*y));
    for (int p = 0; p < w->n * w->cb; p++, y += (int64_t)w->oh * w->ow * VL)
        for (int r = 0; r < w->ih; r++, x += (int64_t)w->iw * VL)
            memcpy(y + ((int64_t)(r + w->pad_t) * w->ow + w->pad_l) * VL, x, row);
}

void SIMD(pad_back)(const bti_simd_window *w, const void *dout, void *din)
{
    const elem *dy = dout;
    elem *dx = din;

    const size_t row = (size_t)w->iw * VL * sizeof(*dx);
    for (int p = 0; p < w->n * w->cb; p++, dy += (int64_t)w->oh * w->ow * VL)
        for (int r = 0; r < w->ih; r++, dx += (int64_t)w->iw * VL)
            memcpy(dx, dy + ((int64_t)(r + w->pad_t) * w->ow + w->pad_l) * VL, row);
}
