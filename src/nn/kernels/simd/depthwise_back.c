/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolutions on bfloat16 maps, backward: both gradients of a plane while it is in
 * cache. The gradient of the output stands in one border, the input in another one, laid so that
 * their rows meet in pairs.
 */
#include "nn/kernels/simd/simd_int.h"

#if BTI_BF16
#include "nn/kernels/simd/depth_window.h"

/* Around the gradient of the output. Stride 1: begins where the first turned window does. Stride 2:
 * row r of the input is met by rows m, m - 1, ... with m = (r + pad) / 2, at most (k + 1) / 2. */
static border around_output(const bti_simd_window *w, void *scratch)
{
    const int half = (w->k + 1) / 2 - 1, one = w->stride == 1;
    const int top = one ? w->k - 1 - w->pad_t : half, left = one ? w->k - 1 - w->pad_l : half;
    const int down = one ? w->ih + w->k : (w->ih - 1 + w->pad_t) / 2 + top + 1;
    const int across = one ? w->iw + w->k - 1 : (w->iw - 1 + w->pad_l) / 2 + left + 1;
    const int high = top + w->oh > down ? top + w->oh : down;
    return (border){.at = scratch,
                    .wide = left + w->ow > across ? left + w->ow : across,
                    .pairs = (high + 1) / 2,
                    .top = top,
                    .left = left,
                    .gap = 1};
}

/* Rows of vectors of `d` that hold a row of the gradient: [first, first + n). */
static int first_vector(const border *d)
{
    return d->top / 2;
}

static int vectors_of(const bti_simd_window *w, const border *d)
{
    return (d->top + w->oh + 1) / 2 - first_vector(d);
}

/* Around the input: kernel row 0 of the g-th vector of the gradient is vector g * stride. */
static border around_input(const bti_simd_window *w, const border *d, uint16_t *at)
{
    const int reach = (w->ow - 1) * w->stride + w->k, own = w->pad_l + w->iw;
    const int last = vectors_of(w, d) - 1, n = (w->k - 1) / w->stride;
    return (border){.at = at,
                    .wide = reach > own ? reach : own,
                    .pairs = w->stride * (last + (n + 1) / 2 + 1),
                    .top = w->pad_t + w->stride * (d->top % 2),
                    .left = w->pad_l,
                    .gap = w->stride};
}

size_t SIMD(depth_back_scratch)(const bti_simd_window *w)
{
    const border d = around_output(w, NULL), x = around_input(w, &d, NULL);
    return (border_elems(&d) + border_elems(&x)) * sizeof(elem);
}

/* ---- gradient of the input, stride 2 ---- */

/* Taps [parity of m][parity of the row][vector][kw]: kernel rows of one parity meet neighbouring
 * rows of the gradient, which begin in the first or the second row of a vector. */
typedef struct split_taps {
    vpair of[2][2][MOST_PAIRS - 1][MOST_K];
} split_taps;

/* Rows of the gradient that a row of this parity meets, and the vectors that they lie in. */
VINLINE int rows_met(int k, int parity)
{
    return parity ? k / 2 : (k + 1) / 2;
}

VINLINE int vectors_met(int k, int m, int parity)
{
    return (((m + parity) & 1) + rows_met(k, parity) + 1) / 2;
}

/* Of the rows lo .. lo + n - 1 the last one is met by kernel row `parity`, those above by later
 * ones. */
VINLINE void split(const float *wei, int k, split_taps *t)
{
    for (int m = 0; m < 2; m++)
        for (int parity = 0; parity < 2; parity++) {
            const int skip = (m + parity) & 1, n = rows_met(k, parity);
            for (int q = 0; q < vectors_met(k, m, parity); q++) {
                const int first = 2 * (n - 1 - (2 * q - skip)) + parity, second = first - 2;
                for (int kw = 0; kw < k; kw++)
                    t->of[m][parity][q][kw] =
                        vpair_round(tap_at(wei, k, first, kw, false),
                                    second >= parity ? tap_at(wei, k, second, kw, false) : vset(0));
            }
        }
}

/* Every second pixel of a row of dx: `at` is the leftmost vector of the first one's last tap. */
VINLINE void split_tile(const uint16_t *at, int64_t step, int vectors, const vpair (*taps)[MOST_K],
                        elem *dx, int pixels, int k, int parity, const tail *e, sums *s,
                        bti_tail_kind kind)
{
    const int n = rows_met(k, parity);
    vf acc[TILE] = {};
    for (int q = 0; q < vectors; q++, at += step)
        VUNROLL for (int j = 0; j < pixels + n - 1; j++)
        {
            const vpair v = vpair_load(at + j * PAIR);
            VUNROLL for (int a = 0; a < n; a++)
            {
                const int t = j - a;
                if (t >= 0 && t < pixels)
                    acc[t] = vdot(acc[t], v, taps[q][2 * (n - 1 - a) + parity]);
            }
        }
    tail_row(e, kind, acc, pixels, dx, 2 * VL, s);
}

VINLINE void split_plane(const bti_simd_window *w, const border *d, const split_taps *taps,
                         elem *dx, const tail *e, sums *s, double *sum, int k, bti_tail_kind kind,
                         const elem *next)
{
    const int64_t step = (int64_t)d->wide * PAIR, line = (int64_t)w->iw * VL;
    for (int r = 0; r < w->ih; r++, dx += line, next += line) {
        fetch(next, line);
        const int m = (r + w->pad_t) / 2, odd = (r + w->pad_t) & 1;
        const int q = (m + odd) / 2, vectors = vectors_met(k, m, odd);
        for (int parity = 0; parity < 2; parity++) {
            int c = (parity + w->pad_l) & 1; /* of the kernel columns' parity */
            const uint16_t *at = border_at(d, q, (c + w->pad_l) / 2 + parity);
#define SPLIT_TILE(pixels)                                                                         \
    for (; c + 2 * (pixels) <= w->iw + 1; c += 2 * (pixels), at += (pixels)*PAIR)                  \
    split_tile(at, step, vectors, taps->of[m & 1][odd], dx + (int64_t)c * VL, pixels, k, parity,   \
               e, s, kind)
            SPLIT_TILE(TILE);
            SPLIT_TILE(4);
            SPLIT_TILE(1);
#undef SPLIT_TILE
        }
        s->pixels += w->iw;
        if (sum && s->pixels >= RUN)
            sums_flush(s, e, sum);
    }
}

/* ---- gradient of the weights ---- */

/* Kernel rows kh .. kh + rows - 1 of one plane. Even steps down from a vector of the input are
 * vectors, odd ones the middle of two, whose rows stand the other way round. */
VINLINE void weight_rows(const bti_simd_window *w, const border *d, const border *x, int kh,
                         int rows, float *dw, int k, int stride, const plane *next)
{
    const int64_t down = (int64_t)stride * x->wide * PAIR;
    const int vectors = vectors_of(w, d);
    vf acc[5][MOST_K] = {};
    for (int g = 0; g < vectors; g++) {
        const int64_t done = (int64_t)2 * g * w->ow * VL, two = (int64_t)2 * w->ow * VL;
        if (kh == 0)
            fetch(next->x + done, two);
        if (kh == 0 && next->other)
            fetch(next->other + done, two);
        const uint16_t *dy = border_at(d, first_vector(d) + g, d->left);
        const uint16_t *top = border_at(x, g * stride, 0);
        for (int c = 0; c < w->ow; c++, dy += PAIR, top += stride * PAIR) {
            const vpair v = vpair_load(dy), turned = vpair_swap(v);
            VUNROLL for (int kw = 0; kw < k; kw++) VUNROLL for (int i = 0; i < rows; i++)
            {
                const int n = (kh + i) / stride, phase = (kh + i) % stride;
                const uint16_t *at =
                    top + (int64_t)phase * x->wide * PAIR + n / 2 * down + kw * PAIR;
                const vpair a = vpair_load(at);
                acc[i][kw] = n % 2
                                 ? vdot(acc[i][kw], vpair_middle(a, vpair_load(at + down)), turned)
                                 : vdot(acc[i][kw], a, v);
            }
        }
    }
    VUNROLL for (int i = 0; i < rows; i++) VUNROLL for (int kw = 0; kw < k; kw++)
    {
        float *at = dw + ((kh + i) * k + kw) * VL;
        vstore(at, vload(at) + acc[i][kw]);
    }
}

VINLINE void weight_plane(const bti_simd_window *w, const border *d, const border *x, float *dw,
                          int k, int stride, const plane *next)
{
    if (k == 7) { /* as many rows as there are registers for */
        weight_rows(w, d, x, 0, 3, dw, k, stride, next);
        weight_rows(w, d, x, 3, 3, dw, k, stride, next);
        weight_rows(w, d, x, 6, 1, dw, k, stride, next);
    } else {
        weight_rows(w, d, x, 0, k, dw, k, stride, next);
    }
}

/* ---- both ---- */

static void enclose_gradient(const border *d, const bti_simd_depth_back *p, const plane *f)
{
    if (p->post)
        enclose_kind(d, p->post, p->abc, f, PASS_APPLY);
    else
        enclose_kind(d, NULL, NULL, f, PASS_COPY);
}

VINLINE void back_planes(const bti_simd_window *w, const bti_simd_depth_back *a, const border *d,
                         const border *b, int k, int stride, bti_tail_kind kind)
{
    const int64_t in = (int64_t)w->ih * w->iw * VL, out = (int64_t)w->oh * w->ow * VL;
    const elem *x = a->x, *dy = a->dy, *y = a->y;
    elem *dx = a->dx;
    for (int p = 0; p < w->n * w->cb; p++) {
        const int cb = p % w->cb;
        const float *wei = a->wei + (int64_t)cb * k * k * VL;
        const plane f = {x + p * in, NULL, w->ih, w->iw, cb};
        const plane g = {dy + p * out, a->post ? y + p * out : NULL, w->oh, w->ow, cb};
        const tail e = tail_of(a->to, kind, dx, cb);
        double *sum = sum_of(a->to, cb);
        sums s = {};
        enclose(b, a->pre, &f);
        enclose_gradient(d, a, &g);
        const plane next = {g.x + out, a->post ? g.other + out : NULL, w->oh, w->ow, cb};
        weight_plane(w, d, b, a->dw + (int64_t)cb * k * k * VL, k, stride, &next);
        if (dx && stride == 1) {
            row_taps taps;
            pair_taps(wei, k, true, &taps);
            depth_plane(d, &taps, dx + p * in, w->ih, w->iw, k, 1, &e, &s, sum, kind, f.x + in,
                        (int64_t)w->iw * VL);
        } else if (dx) {
            split_taps taps;
            split(wei, k, &taps);
            split_plane(w, d, &taps, dx + p * in, &e, &s, sum, k, kind, f.x + in);
        }
        if (sum)
            sums_flush(&s, &e, sum);
    }
}

VINLINE void back_any(const bti_simd_window *w, const bti_simd_depth_back *p, const border *d,
                      const border *b, bti_tail_kind kind)
{
#define BACK(k, stride) back_planes(w, p, d, b, k, stride, kind)
    WINDOWS(w, BACK)
}

void SIMD(depth_back)(const bti_simd_window *w, const bti_simd_depth_back *p, void *scratch)
{
    const border d = around_output(w, scratch);
    const border b = around_input(w, &d, d.at + border_elems(&d));
    if (!p->add)
        memset(p->dw, 0, (size_t)w->cb * w->k * w->k * VL * sizeof(*p->dw));
#define BACK_TAIL(kind) back_any(w, p, &d, &b, kind)
    BACK_TAILS(p->to, BACK_TAIL)
}
#endif
