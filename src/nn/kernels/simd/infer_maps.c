/* SPDX-License-Identifier: Apache-2.0
 *
 * What is not a convolution, on one image: pools, means, sums, activations, and the way in and out.
 */
#include "nn/kernels/simd/infer_int.h"

#if !BTI_BF16
#include "nn/kernels/simd/vec_act.h"

#include <math.h>

VINLINE void finish(bti_act act, int n, const float *r, float *y)
{
    for (int i = 0; i < n; i++) {
        vf v = vact(act, vload(y + i * VL));
        if (r)
            v += vload(r + i * VL);
        vstore(y + i * VL, v);
    }
}

void SIMD(infer_finish)(bti_act act, int n, const float *r, float *y)
{
    switch (act) {
#define ACT(id, ...)                                                                               \
    case BTI_ACT_##id:                                                                             \
        finish(BTI_ACT_##id, n, r, y);                                                             \
        break;
#include "model/acts.def"
#undef ACT
    case BTI_ACT_COUNT:
        break;
    }
}

void SIMD(infer_pointwise)(const bti_infer_map *in, const bti_infer_map *other,
                           const bti_infer_map *out, bti_act act, const float *x, const float *r,
                           const float *s, float *y)
{
    float lo, hi;
    bti_act rest;
    bti_infer_clamp(act, &lo, &hi, &rest);
    for (int c = 0, b = 0; c < out->c; c += VL, b++) {
        const vf scale = s ? vload(s + c) : vset(1);
        for (int j = 0; j < out->h; j++) {
            const float *from = x + b * in->block + j * in->row;
            const float *add = r ? r + b * other->block + j * other->row : NULL;
            float *to = y + b * out->block + j * out->row;
            for (int i = 0; i < out->w * VL; i += VL) {
                vf v = vload(from + i) * scale;
                if (add)
                    v += vload(add + i);
                vstore(to + i, vmin(vset(hi), vmax(vset(lo), v)));
            }
            if (rest != BTI_ACT_IDENTITY)
                SIMD(infer_finish)(rest, out->w, NULL, to);
        }
    }
}

/* A range of a window that lies on the map: [*lo, *hi). */
static void inside(int at, int k, int dilation, int n, int *lo, int *hi)
{
    *lo = at < 0 ? (-at + dilation - 1) / dilation : 0;
    *hi = at + (k - 1) * dilation < n ? k : at >= n ? 0 : (n - at + dilation - 1) / dilation;
}

/* Rows or columns of a window that lie on the map or its padding of `after` at the end. */
static int extent(int at, int k, int n, int after)
{
    const int end = at + k < n + after ? at + k : n + after;
    return end - at;
}

VINLINE void pool(const bti_infer_window *p, const float *x, float *y, const bool max)
{
    const bti_infer_map *in = &p->in;
    for (int b = 0; b * VL < p->out.c; b++)
        for (int j = 0; j < p->out.h; j++)
            for (int i = 0; i < p->out.w; i++) {
                const int top = j * p->stride - p->pad_t, left = i * p->stride - p->pad_l;
                int ulo, uhi, vlo, vhi;
                inside(top, p->k, p->dilation, in->h, &ulo, &uhi);
                inside(left, p->k, p->dilation, in->w, &vlo, &vhi);
                vf sum = vset(max ? -__builtin_inff() : 0);
                for (int u = ulo; u < uhi; u++)
                    for (int v = vlo; v < vhi; v++) {
                        const vf one = vload(x + b * in->block + (top + u * p->dilation) * in->row +
                                             (left + v * p->dilation) * VL);
                        sum = max ? vmax(sum, one) : sum + one;
                    }
                const int count = p->count_pad ? extent(top, p->k, in->h, p->pad_t) *
                                                     extent(left, p->k, in->w, p->pad_l)
                                               : (uhi - ulo) * (vhi - vlo);
                if (!max)
                    sum *= 1 / (float)count;
                vstore(y + b * p->out.block + j * p->out.row + i * VL, sum);
            }
}

void SIMD(infer_maxpool)(const bti_infer_window *p, const float *x, float *y)
{
    pool(p, x, y, true);
}

void SIMD(infer_avgpool)(const bti_infer_window *p, const float *x, float *y)
{
    pool(p, x, y, false);
}

/* PyTorch's adaptive windows: [floor(i n / m), ceil((i + 1) n / m)). */
static vf area(const bti_infer_map *in, const bti_infer_map *out, const float *x, int j, int i)
{
    const int top = j * in->h / out->h, bottom = ((j + 1) * in->h + out->h - 1) / out->h;
    const int left = i * in->w / out->w, right = ((i + 1) * in->w + out->w - 1) / out->w;
    vf sum[4] = {};
    for (int u = top; u < bottom; u++) {
        const float *row = x + u * in->row;
        int v = left;
        for (; v + 4 <= right; v += 4)
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++)
                sum[k] += vload(row + (v + k) * VL);
        for (; v < right; v++)
            sum[0] += vload(row + v * VL);
    }
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) * (1 / (float)((bottom - top) * (right - left)));
}

void SIMD(infer_mean)(const bti_infer_map *in, const bti_infer_map *out, const float *x, float *y)
{
    for (int b = 0; b * VL < out->c; b++)
        for (int j = 0; j < out->h; j++)
            for (int i = 0; i < out->w; i++)
                vstore(y + b * out->block + j * out->row + i * VL,
                       area(in, out, x + b * in->block, j, i));
}

static int64_t place(const bti_infer_map *m, int c, int j, int i)
{
    return c / VL * m->block + j * m->row + i * (int64_t)m->step + c % VL;
}

void SIMD(infer_softmax)(const bti_infer_map *in, const bti_infer_map *out, const float *x,
                         float *y)
{
    for (int j = 0; j < in->h; j++)
        for (int i = 0; i < in->w; i++) {
            float top = -__builtin_inff(), sum = 0;
            for (int c = 0; c < in->c; c++)
                top = fmaxf(top, x[place(in, c, j, i)]);
            for (int c = 0; c < in->c; c++) {
                const float e = expf(x[place(in, c, j, i)] - top);
                y[place(out, c, j, i)] = e;
                sum += e;
            }
            for (int c = 0; c < in->c; c++)
                y[place(out, c, j, i)] /= sum;
        }
}

void SIMD(infer_pack)(const bti_infer_map *out, const float *plain, float *y)
{
    for (int c = 0; c < out->c; c++)
        for (int j = 0; j < out->h; j++) {
            float *to = y + c / VL * out->block + j * out->row + c % VL;
            for (int i = 0; i < out->w; i++)
                to[i * out->step] = *plain++;
        }
}

void SIMD(infer_flatten)(const bti_infer_map *in, const float *x, float *plain)
{
    for (int c = 0; c < in->c; c++)
        for (int j = 0; j < in->h; j++)
            for (int i = 0; i < in->w; i++)
                *plain++ = x[place(in, c, j, i)];
}

static void zero(float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = 0;
}

/* The right border of a row and the left one of the next are neighbours. */
void SIMD(infer_edge)(const bti_infer_map *m, const bti_infer_border *b, float *y)
{
    const int64_t side = (int64_t)(b->left + b->right) * m->step;
    const int64_t left = (int64_t)b->left * m->step;
    const int blocks = m->step < VL ? 1 : (m->c + VL - 1) / VL;
    for (int k = 0; k < blocks; k++, y += m->block) {
        zero(y - b->top * m->row - left, b->top * m->row + left);
        for (int j = 0; j + 1 < m->h; j++)
            zero(y + j * m->row + m->w * m->step, side);
        zero(y + (m->h - 1) * m->row + m->w * m->step, side - left + b->bottom * m->row);
    }
}
#endif
