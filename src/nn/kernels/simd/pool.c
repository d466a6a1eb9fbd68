/* SPDX-License-Identifier: Apache-2.0
 *
 * Pooling on blocked maps with PyTorch's bounds: windows may hang over the edge, padded pixels
 * count in an average if asked, never in a maximum.
 */
#include "nn/kernels/simd/simd_int.h"
#include "nn/kernels/simd/vec.h"

/* Input rows or columns of output i: those in [*lo, *hi) are real. Returns how many there are with
 * the padding, which is the same on both sides; what ceil_mode adds after it never counts. */
static int span(int i, int k, int stride, int pad, int size, int *lo, int *hi)
{
    const int start = i * stride - pad;
    const int end = start + k < size + pad ? start + k : size + pad;
    *lo = start > 0 ? start : 0;
    *hi = end < size ? end : size;
    return end - start;
}

static void adaptive_span(int i, int out, int size, int *lo, int *hi)
{
    *lo = i * size / out;
    *hi = ((i + 1) * size + out - 1) / out;
}

VINLINE vf window_sum(const float *x, int iw, int top, int bottom, int left, int right)
{
    vf s[4] = {};
    for (int r = top; r < bottom; r++)
        for (int c = left; c < right; c += 4)
            for (int t = 0; t < 4 && c + t < right; t++)
                s[t] += vload(x + ((int64_t)r * iw + c + t) * VL);
    return (s[0] + s[1]) + (s[2] + s[3]);
}

VINLINE void window_add(float *x, int iw, int top, int bottom, int left, int right, vf v)
{
    for (int r = top; r < bottom; r++)
        for (int c = left; c < right; c++) {
            float *p = x + ((int64_t)r * iw + c) * VL;
            vstore(p, vload(p) + v);
        }
}

static void clear(const bti_simd_window *w, float *dx)
{
    memset(dx, 0, (size_t)w->n * w->cb * w->ih * w->iw * VL * sizeof(*dx));
}

void SIMD(mean)(const bti_simd_window *w, const float *x, float *y)
{
    for (int p = 0; p < w->n * w->cb; p++, x += (int64_t)w->ih * w->iw * VL)
        for (int o = 0; o < w->oh * w->ow; o++, y += VL) {
            int top, bottom, left, right;
            adaptive_span(o / w->ow, w->oh, w->ih, &top, &bottom);
            adaptive_span(o % w->ow, w->ow, w->iw, &left, &right);
            const float inv = 1.0f / (float)((bottom - top) * (right - left));
            vstore(y, window_sum(x, w->iw, top, bottom, left, right) * inv);
        }
}

void SIMD(mean_back)(const bti_simd_window *w, const float *dy, float *dx, bool add)
{
    if (!add)
        clear(w, dx);
    for (int p = 0; p < w->n * w->cb; p++, dx += (int64_t)w->ih * w->iw * VL)
        for (int o = 0; o < w->oh * w->ow; o++, dy += VL) {
            int top, bottom, left, right;
            adaptive_span(o / w->ow, w->oh, w->ih, &top, &bottom);
            adaptive_span(o % w->ow, w->ow, w->iw, &left, &right);
            const float inv = 1.0f / (float)((bottom - top) * (right - left));
            window_add(dx, w->iw, top, bottom, left, right, vload(dy) * inv);
        }
}

static void maxpool_pixel(const bti_simd_window *w, const float *x, int oh, int ow, float *y,
                          int32_t *arg)
{
    vf best = vset(-__builtin_inff());
    vf where = (vf)viset(-1);
    for (int kh = 0; kh < w->k; kh++) {
        const int r = oh * w->stride - w->pad_t + kh * w->dilation;
        if (r < 0 || r >= w->ih)
            continue;
        for (int kw = 0; kw < w->k; kw++) {
            const int c = ow * w->stride - w->pad_l + kw * w->dilation;
            if (c < 0 || c >= w->iw)
                continue;
            const int32_t pixel = r * w->iw + c;
            const vf v = vload(x + (int64_t)pixel * VL);
            where = vgt(v, best, (vf)viset(pixel), where);
            best = vmax(best, v); /* a NaN in v wins */
        }
    }
    vstore(y, best);
    *(vi_any *)arg = (vi)where;
}

void SIMD(maxpool)(const bti_simd_window *w, const float *x, float *y, int32_t *arg)
{
    for (int p = 0; p < w->n * w->cb; p++, x += (int64_t)w->ih * w->iw * VL)
        for (int oh = 0; oh < w->oh; oh++)
            for (int ow = 0; ow < w->ow; ow++, y += VL, arg += VL)
                maxpool_pixel(w, x, oh, ow, y, arg);
}

void SIMD(maxpool_back)(const bti_simd_window *w, const int32_t *arg, const float *dy, float *dx)
{
    clear(w, dx);
    for (int p = 0; p < w->n * w->cb; p++, dx += (int64_t)w->ih * w->iw * VL)
        for (int o = 0; o < w->oh * w->ow; o++, dy += VL, arg += VL)
            for (int l = 0; l < VL; l++)
                if (arg[l] >= 0)
                    dx[(int64_t)arg[l] * VL + l] += dy[l];
}

void SIMD(avgpool)(const bti_simd_window *w, const float *x, float *y)
{
    for (int p = 0; p < w->n * w->cb; p++, x += (int64_t)w->ih * w->iw * VL)
        for (int o = 0; o < w->oh * w->ow; o++, y += VL) {
            int top, bottom, left, right;
            const int rows = span(o / w->ow, w->k, w->stride, w->pad_t, w->ih, &top, &bottom);
            const int cols = span(o % w->ow, w->k, w->stride, w->pad_l, w->iw, &left, &right);
            const int n = w->count_include_pad ? rows * cols : (bottom - top) * (right - left);
            vstore(y, window_sum(x, w->iw, top, bottom, left, right) * (1.0f / (float)n));
        }
}

void SIMD(avgpool_back)(const bti_simd_window *w, const float *dy, float *dx)
{
    clear(w, dx);
    for (int p = 0; p < w->n * w->cb; p++, dx += (int64_t)w->ih * w->iw * VL)
        for (int o = 0; o < w->oh * w->ow; o++, dy += VL) {
            int top, bottom, left, right;
            const int rows = span(o / w->ow, w->k, w->stride, w->pad_t, w->ih, &top, &bottom);
            const int cols = span(o % w->ow, w->k, w->stride, w->pad_l, w->iw, &left, &right);
            const int n = w->count_include_pad ? rows * cols : (bottom - top) * (right - left);
            window_add(dx, w->iw, top, bottom, left, right, vload(dy) * (1.0f / (float)n));
        }
}
