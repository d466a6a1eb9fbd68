/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations that nothing could be fused with, softmax over channels, sums and products, and the
 * channel scaling of squeeze-and-excite (Hu et al. 2018).
 */
#include "nn/kernels/simd/simd_int.h"
#include "nn/kernels/simd/vec_act.h"

#include <math.h>

/* y = act(x), or with dy: y = dy * act'(x). */
VINLINE void act_planes(const bti_simd_map *m, const elem *x, const elem *dy, elem *y, bti_act act,
                        bool back)
{
    const vf mask = vmask(m->tail);
    for (int i = 0; i < m->n; i++)
        for (int cb = 0; cb < m->cb; cb++) {
            const bool padded = vact_lifts_zero(act) && cb == m->cb - 1 && m->tail < VL;
            for (int j = 0; j < m->hw; j++, x += VL, y += VL) {
                vf v;
                if (back) {
                    v = vact_back(act, vload(x), vload(dy));
                    dy += VL;
                } else {
                    v = vact(act, vload(x));
                }
                if (padded)
                    v *= mask;
                vstore(y, v);
            }
        }
}

void SIMD(act)(const bti_simd_map *m, bti_act act, const void *x, void *y)
{

    switch (act) {
#define ACT(id, ...)                                                                               \
    case BTI_ACT_##id:                                                                             \
        act_planes(m, x, NULL, y, BTI_ACT_##id, false);                                            \
        break;
#include "model/acts.def"
#undef ACT
    case BTI_ACT_COUNT:
        break;
    }
}

void SIMD(act_back)(const bti_simd_map *m, bti_act act, const void *x, const void *dy, void *dx)
{

    switch (act) {
#define ACT(id, ...)                                                                               \
    case BTI_ACT_##id:                                                                             \
        act_planes(m, x, dy, dx, BTI_ACT_##id, true);                                              \
        break;
#include "model/acts.def"
#undef ACT
    case BTI_ACT_COUNT:
        break;
    }
}

/* Channel c of pixel j in image i. */
static int64_t at(const bti_simd_map *m, int i, int c, int j)
{
    return (((int64_t)i * m->cb + c / VL) * m->hw + j) * VL + c % VL;
}

void SIMD(softmax)(const bti_simd_map *m, const void *in, void *out)
{
    const elem *x = in;
    elem *y = out;

    const int channels = (m->cb - 1) * VL + m->tail;
    memset(y, 0, (size_t)m->n * m->cb * m->hw * VL * sizeof(*y));
    for (int i = 0; i < m->n; i++)
        for (int j = 0; j < m->hw; j++) {
            float top = value_of(x[at(m, i, 0, j)]), sum = 0;
            for (int c = 1; c < channels; c++)
                top = fmaxf(top, value_of(x[at(m, i, c, j)]));
            for (int c = 0; c < channels; c++)
                sum += expf(value_of(x[at(m, i, c, j)]) - top);
            for (int c = 0; c < channels; c++)
                y[at(m, i, c, j)] = elem_of(expf(value_of(x[at(m, i, c, j)]) - top) / sum);
        }
}

void SIMD(softmax_back)(const bti_simd_map *m, const void *out, const void *dout, void *din)
{
    const elem *y = out, *dy = dout;
    elem *dx = din;

    for (int i = 0; i < m->n; i++)
        for (int j = 0; j < m->hw; j++) {
            float dot = 0;
            for (int c = 0; c < m->cb * VL; c++)
                dot += value_of(y[at(m, i, c, j)]) * value_of(dy[at(m, i, c, j)]);
            for (int c = 0; c < m->cb * VL; c++)
                dx[at(m, i, c, j)] =
                    elem_of(value_of(y[at(m, i, c, j)]) * (value_of(dy[at(m, i, c, j)]) - dot));
        }
}

void SIMD(add)(int64_t n, const void *in, const void *more, void *out)
{
    const elem *a = in, *b = more;
    elem *y = out;

    int64_t i = 0;
    for (; i + VL <= n; i += VL)
        vstore(y + i, vload(a + i) + vload(b + i));
    for (; i < n; i++)
        y[i] = elem_of(value_of(a[i]) + value_of(b[i]));
}

void SIMD(accumulate)(int64_t n, void *a, const void *b)
{

    SIMD(add)(n, a, b, a);
}

void SIMD(multiply)(int64_t n, float *a, const float *b)
{
    for (int64_t i = 0; i < n; i++)
        a[i] *= b[i];
}

VINLINE void scale_planes(const bti_simd_map *m, const elem *z, const float *s, elem *u,
                          bti_act act)
{
    const vf mask = vmask(m->tail);
    for (int i = 0; i < m->n; i++)
        for (int cb = 0; cb < m->cb; cb++, s += VL) {
            const vf gate = vload(s);
            const bool padded = vact_lifts_zero(act) && cb == m->cb - 1 && m->tail < VL;
            for (int j = 0; j < m->hw; j++, z += VL, u += VL) {
                vf v = vact(act, vload(z) * gate);
                if (padded)
                    v *= mask;
                vstore(u, v);
            }
        }
}

void SIMD(scale)(const bti_simd_map *m, bti_act act, const void *z, const float *s, void *u){

#define SCALE(act) scale_planes(m, z, s, u, act)
    FUSED_ACTS(act, SCALE)}

/* Returns the pixel's part of ds. */
VINLINE vf scale_back_pixel(const elem *z, vf gate, const elem *du, elem *dz, bti_act act)
{
    const vf v = vload(z);
    const vf g = vact_back(act, v * gate, vload(du));
    vstore(dz, g * gate);
    return g * v;
}

VINLINE void scale_back_planes(const bti_simd_map *m, const elem *z, const float *s, const elem *du,
                               elem *dz, float *ds, bti_act act)
{
    for (int i = 0; i < m->n; i++)
        for (int cb = 0; cb < m->cb; cb++, s += VL, ds += VL) {
            const vf gate = vload(s);
            vf sum[4] = {};
            int j = 0;
            for (; j + 4 <= m->hw; j += 4)
                for (int t = 0; t < 4; t++)
                    sum[t] += scale_back_pixel(z + (j + t) * VL, gate, du + (j + t) * VL,
                                               dz + (j + t) * VL, act);
            for (; j < m->hw; j++)
                sum[0] += scale_back_pixel(z + j * VL, gate, du + j * VL, dz + j * VL, act);
            vstore(ds, (sum[0] + sum[1]) + (sum[2] + sum[3]));
            z += (int64_t)m->hw * VL;
            du += (int64_t)m->hw * VL;
            dz += (int64_t)m->hw * VL;
        }
}

void SIMD(scale_back)(const bti_simd_map *m, bti_act act, const void *z, const float *s,
                      const void *du, void *dz, float *ds)
{

#define SCALE_BACK(act) scale_back_planes(m, z, s, du, dz, ds, act)
    FUSED_ACTS(act, SCALE_BACK)
}
