/* SPDX-License-Identifier: Apache-2.0
 *
 * What the forward and the backward pass of a depthwise convolution share: sizes of the borders,
 * the limits of the kernels, and one kernel for each window. Private to simd/'s bf16 sets.
 */
#ifndef BTI_DEPTH_WINDOW_H
#define BTI_DEPTH_WINDOW_H

#include "nn/kernels/simd/vec_border.h"
#include "nn/kernels/simd/vec_tail.h"

#define TILE 8 /* columns computed together */
#define MOST_K 7
#define MOST_PAIRS ((MOST_K + 1) / 2)
#define RUN 1024 /* pixels that float sums take in before they go to doubles */

/* Sums of a channel block on their way to a tail's. */
typedef struct sums {
    vf a[2], b[2];
    int pixels;
} sums;

/* A row of results. Sums stay in registers while results go to memory. */
VINLINE void tail_row(const tail *e, bti_tail_kind kind, const vf *y, int n, elem *at, int apart,
                      sums *s)
{
    vf a[2] = {s->a[0], s->a[1]}, b[2] = {s->b[0], s->b[1]};
    VUNROLL for (int t = 0; t < n; t++)
        tail_pixel(e, kind, y[t], at + t * apart, &a[t % 2], &b[t % 2]);
    s->a[0] = a[0];
    s->a[1] = a[1];
    s->b[0] = b[0];
    s->b[1] = b[1];
}

VINLINE void sums_flush(sums *s, const tail *e, double *to)
{
    tail_flush(e, to, s->a[0] + s->a[1], s->b[0] + s->b[1]);
    *s = (sums){};
}

/* CALL(k, stride) with constants; where speed does not matter, once with variables. */
#if VTEMPLATES
#define WINDOWS(w, CALL)                                                                           \
    switch ((w)->k * 2 + (w)->stride) {                                                            \
    case 7:                                                                                        \
        CALL(3, 1);                                                                                \
        break;                                                                                     \
    case 8:                                                                                        \
        CALL(3, 2);                                                                                \
        break;                                                                                     \
    case 11:                                                                                       \
        CALL(5, 1);                                                                                \
        break;                                                                                     \
    case 12:                                                                                       \
        CALL(5, 2);                                                                                \
        break;                                                                                     \
    case 15:                                                                                       \
        CALL(7, 1);                                                                                \
        break;                                                                                     \
    default:                                                                                       \
        CALL(7, 2);                                                                                \
    }

#else
#define WINDOWS(w, CALL) CALL((w)->k, (w)->stride);
#endif

/* Taps for two output rows that begin in the same vector of rows: `even` in its first row, `odd` in
 * its second one; [vector][kw]. */
typedef struct row_taps {
    vpair even[MOST_PAIRS][MOST_K], odd[MOST_PAIRS][MOST_K];
} row_taps;

/* flip: turned round, for the gradient of the input. */
VINLINE vf tap_at(const float *wei, int k, int kh, int kw, bool flip)
{
    if (kh < 0 || kh >= k)
        return vset(0);
    return vload(wei + (flip ? k * k - 1 - (kh * k + kw) : kh * k + kw) * VL);
}

VINLINE void pair_taps(const float *wei, int k, bool flip, row_taps *t)
{
    for (int q = 0; q < (k + 1) / 2; q++)
        for (int kw = 0; kw < k; kw++) {
            const vf middle = tap_at(wei, k, 2 * q, kw, flip);
            t->even[q][kw] = vpair_round(middle, tap_at(wei, k, 2 * q + 1, kw, flip));
            t->odd[q][kw] = vpair_round(tap_at(wei, k, 2 * q - 1, kw, flip), middle);
        }
}

/* `pixels` outputs of one row, or of two (stride 1); `at` is the vector where they begin, `step`
 * from one row of vectors to the next. second: the lower one exists. */
VINLINE void depth_tile(const uint16_t *at, int64_t step, const row_taps *taps, elem *y,
                        int64_t below, bool second, int pixels, int k, int stride, const tail *e,
                        sums *s, bti_tail_kind kind)
{
    const int rows = stride == 1 ? 2 : 1;
    vf acc[2][TILE] = {};
    for (int q = 0; q < (k + 1) / 2; q++, at += step)
        VUNROLL for (int j = 0; j < (pixels - 1) * stride + k; j++)
        {
            const vpair v = vpair_load(at + j * PAIR);
            VUNROLL for (int kw = j % stride; kw < k; kw += stride)
            {
                const int t = (j - kw) / stride;
                if (j < kw || t >= pixels)
                    continue;
                acc[0][t] = vdot(acc[0][t], v, taps->even[q][kw]);
                if (rows == 2)
                    acc[1][t] = vdot(acc[1][t], v, taps->odd[q][kw]);
            }
        }
    tail_row(e, kind, acc[0], pixels, y, VL, s);
    if (second)
        tail_row(e, kind, acc[1], pixels, y + below, VL, s);
}

/* y (oh,ow) from a border that begins where the first window does. `next`: the plane to fetch, two
 * rows of `fetched` numbers at a time. */
VINLINE void depth_plane(const border *b, const row_taps *taps, elem *y, int oh, int ow, int k,
                         int stride, const tail *e, sums *s, double *sum, bti_tail_kind kind,
                         const elem *next, int64_t fetched)
{
    const int64_t step = (int64_t)b->wide * PAIR, below = (int64_t)ow * VL;
    const int rows = stride == 1 ? 2 : 1;
    for (int r = 0; r < oh; r += rows, y += rows * below) {
        const uint16_t *at = border_at(b, rows == 2 ? r / 2 : r, 0);
        const bool second = rows == 2 && r + 1 < oh;
        int c = 0;
        fetch(next, 2 * fetched);
        next += 2 * fetched;
#define DEPTH_TILE(pixels)                                                                         \
    for (; c + (pixels) <= ow; c += (pixels))                                                      \
    depth_tile(at + (int64_t)c * stride * PAIR, step, taps, y + (int64_t)c * VL, below, second,    \
               pixels, k, stride, e, s, kind)
        DEPTH_TILE(TILE);
        DEPTH_TILE(4);
        DEPTH_TILE(1);
#undef DEPTH_TILE
        s->pixels += rows * ow;
        if (sum && s->pixels >= RUN)
            sums_flush(s, e, sum);
    }
}

VINLINE double *sum_of(const bti_simd_tail *to, int cb)
{
    return to && to->sum ? to->sum + (int64_t)2 * cb * VL : NULL;
}

#endif
