/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution on blocked maps, any kernel, stride and padding: for the cases that oneDNN
 * leaves to its reference code (weight gradients of 5x5 kernels in 2.6, uneven padding).
 */
#include "nn/kernels/simd/simd_int.h"
#include "nn/kernels/simd/vec.h"

#define TILE 4 /* output pixels computed together: independent chains of multiply-adds */

/* Outputs [*lo, *hi) of `out` for which tap kx of a window lies inside the input. */
static void tap_range(int kx, int stride, int pad, int in, int out, int *lo, int *hi)
{
    const int first = pad - kx; /* smallest o * stride */
    *lo = first > 0 ? (first + stride - 1) / stride : 0;
    const int last = in - 1 + pad - kx; /* largest o * stride */
    *hi = last < 0 ? 0 : last / stride + 1;
    if (*hi > out)
        *hi = out;
    if (*lo > *hi)
        *lo = *hi;
}

VINLINE vf edge_pixel(const bti_simd_window *w, const elem *x, const float *wei, int oh, int ow)
{
    vf sum = vset(0);
    for (int kh = 0; kh < w->k; kh++) {
        const int r = oh * w->stride - w->pad_t + kh;
        if (r < 0 || r >= w->ih)
            continue;
        for (int kw = 0; kw < w->k; kw++) {
            const int c = ow * w->stride - w->pad_l + kw;
            if (c >= 0 && c < w->iw)
                sum += vload(x + ((int64_t)r * w->iw + c) * VL) *
                       vload(wei + (int64_t)(kh * w->k + kw) * VL);
        }
    }
    return sum;
}

/* TILE neighbours of which every column lies inside. */
VINLINE void inner_tile(const bti_simd_window *w, const elem *x, const float *wei, int oh, int ow,
                        elem *y)
{
    vf sum[TILE] = {};
    for (int kh = 0; kh < w->k; kh++) {
        const int r = oh * w->stride - w->pad_t + kh;
        if (r < 0 || r >= w->ih)
            continue;
        const elem *p = x + ((int64_t)r * w->iw + ow * w->stride - w->pad_l) * VL;
        for (int kw = 0; kw < w->k; kw++) {
            const vf v = vload(wei + (int64_t)(kh * w->k + kw) * VL);
            for (int t = 0; t < TILE; t++)
                sum[t] += vload(p + (int64_t)(t * w->stride + kw) * VL) * v;
        }
    }
    for (int t = 0; t < TILE; t++)
        vstore(y + (int64_t)t * VL, sum[t]);
}

void SIMD(depthwise)(const bti_simd_window *w, const void *in, const float *wei, void *out)
{
    const elem *x = in;
    elem *y = out;

    int lo, hi, unused;
    tap_range(0, w->stride, w->pad_l, w->iw, w->ow, &lo, &unused);
    tap_range(w->k - 1, w->stride, w->pad_l, w->iw, w->ow, &unused, &hi);
    for (int p = 0; p < w->n * w->cb; p++, x += (int64_t)w->ih * w->iw * VL) {
        const float *taps = wei + (int64_t)(p % w->cb) * w->k * w->k * VL;
        for (int oh = 0; oh < w->oh; oh++, y += (int64_t)w->ow * VL)
            for (int ow = 0; ow < w->ow;) {
                if (ow >= lo && ow + TILE <= hi) {
                    inner_tile(w, x, taps, oh, ow, y + (int64_t)ow * VL);
                    ow += TILE;
                } else {
                    vstore(y + (int64_t)ow * VL, edge_pixel(w, x, taps, oh, ow));
                    ow++;
                }
            }
    }
}

/* One row of dx gathers from the rows of dy whose windows cover it. */
static void back_row(const bti_simd_window *w, const elem *dy, const float *taps, int r, elem *dx)
{
    for (int c = 0; c < w->iw; c++)
        vstore(dx + (int64_t)c * VL, vset(0));
    for (int kh = 0; kh < w->k; kh++) {
        const int up = r + w->pad_t - kh;
        if (up < 0 || up % w->stride || up / w->stride >= w->oh)
            continue;
        const elem *g = dy + (int64_t)(up / w->stride) * w->ow * VL;
        for (int kw = 0; kw < w->k; kw++) {
            const vf v = vload(taps + (int64_t)(kh * w->k + kw) * VL);
            int lo, hi;
            tap_range(kw, w->stride, w->pad_l, w->iw, w->ow, &lo, &hi);
            for (int o = lo; o < hi; o++) {
                elem *d = dx + (int64_t)(o * w->stride - w->pad_l + kw) * VL;
                vstore(d, vload(d) + vload(g + (int64_t)o * VL) * v);
            }
        }
    }
}

void SIMD(depthwise_back_data)(const bti_simd_window *w, const void *dout, const float *wei,
                               void *din)
{
    const elem *dy = dout;
    elem *dx = din;

    for (int p = 0; p < w->n * w->cb; p++, dy += (int64_t)w->oh * w->ow * VL)
        for (int r = 0; r < w->ih; r++, dx += (int64_t)w->iw * VL)
            back_row(w, dy, wei + (int64_t)(p % w->cb) * w->k * w->k * VL, r, dx);
}

/* The taps kw .. kw + taps - 1 of one kernel row, over the output rows and columns that they share;
 * `taps` accumulators stay in registers. */
VINLINE void weight_taps(const bti_simd_window *w, const elem *x, const elem *dy, int kh, int kw,
                         int taps, int c0, int c1, vf *sum)
{
    int r0, r1;
    tap_range(kh, w->stride, w->pad_t, w->ih, w->oh, &r0, &r1);
    for (int r = r0; r < r1; r++) {
        const elem *g = dy + (int64_t)r * w->ow * VL;
        const elem *p = x + (((int64_t)r * w->stride - w->pad_t + kh) * w->iw - w->pad_l + kw) * VL;
        for (int c = c0; c < c1; c++) {
            const vf v = vload(g + (int64_t)c * VL);
            for (int t = 0; t < taps; t++)
                sum[t] += vload(p + ((int64_t)c * w->stride + t) * VL) * v;
        }
    }
}

VINLINE void weight_row(const bti_simd_window *w, const elem *x, const elem *dy, int kh, int k,
                        float *dw)
{
    vf sum[7] = {};
    int lo, hi, c0, c1;
    tap_range(0, w->stride, w->pad_l, w->iw, w->ow, &lo, &c1);
    tap_range(k - 1, w->stride, w->pad_l, w->iw, w->ow, &c0, &hi);
    if (hi > lo) /* all taps inside */
        weight_taps(w, x, dy, kh, 0, k, lo, hi, sum);
    for (int t = 0; t < k; t++) { /* the edges, tap by tap */
        tap_range(t, w->stride, w->pad_l, w->iw, w->ow, &c0, &c1);
        const int left = hi > lo && c1 > lo ? lo : c1;
        weight_taps(w, x, dy, kh, t, 1, c0, left, &sum[t]);
        if (hi > lo)
            weight_taps(w, x, dy, kh, t, 1, hi, c1, &sum[t]);
        vstore(dw + (int64_t)t * VL, vload(dw + (int64_t)t * VL) + sum[t]);
    }
}

static void weight_tap(const bti_simd_window *w, const elem *x, const elem *dy, int kh, float *dw)
{
    for (int t = 0; t < w->k; t++) {
        vf sum[1] = {};
        int c0, c1;
        tap_range(t, w->stride, w->pad_l, w->iw, w->ow, &c0, &c1);
        weight_taps(w, x, dy, kh, t, 1, c0, c1, sum);
        vstore(dw + (int64_t)t * VL, vload(dw + (int64_t)t * VL) + sum[0]);
    }
}

void SIMD(depthwise_back_weights)(const bti_simd_window *w, const void *in, const void *dout,
                                  float *dw)
{
    const elem *x = in, *dy = dout;

    memset(dw, 0, (size_t)w->cb * w->k * w->k * VL * sizeof(*dw));
    for (int p = 0; p < w->n * w->cb; p++) {
        float *taps = dw + (int64_t)(p % w->cb) * w->k * w->k * VL;
        for (int kh = 0; kh < w->k; kh++, taps += (int64_t)w->k * VL) {
            if (w->k == 5)
                weight_row(w, x, dy, kh, 5, taps);
            else if (w->k == 3)
                weight_row(w, x, dy, kh, 3, taps);
            else if (w->k == 7)
                weight_row(w, x, dy, kh, 7, taps);
            else
                weight_tap(w, x, dy, kh, taps);
        }
        x += (int64_t)w->ih * w->iw * VL;
        dy += (int64_t)w->oh * w->ow * VL;
    }
}
