/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolutions on bfloat16 maps, 3x3, 5x5 and 7x7, stride 1 or 2. A vector of pairs holds
 * two neighbouring pixels of 16 channels, so that one instruction takes in two taps. Each plane is
 * copied into a border of zeros in cache first, through the normalisation before if asked: no tap
 * then asks where the edge is.
 */
#include "nn/kernels/simd/simd_int.h"

#if BTI_BF16
#include "nn/kernels/simd/vec_tail.h"

#define TILE 8
#define MOST_K 7
#define MOST_PAIRS ((MOST_K + 1) / 2)
#define SLACK 2 /* pixels that a pair may reach beyond its window */

/* A plane with its border: `wide` pixels a row, pixel (0, 0) at (top, left). */
typedef struct border {
    elem *at;
    int wide, high, top, left;
} border;

/* The normalisation that a plane passes on its way into the border. */
typedef struct pass {
    bool on, hardswish;
    vf scale, shift, low, high;
} pass;

VINLINE pass pass_of(const bti_simd_norm *pre, int cb)
{
    pass p = {.on = pre};
    if (!pre)
        return p;
    const bool relu = pre->act == BTI_ACT_RELU || pre->act == BTI_ACT_RELU6;
    p.hardswish = pre->act == BTI_ACT_HARDSWISH;
    p.scale = vload(pre->scale + cb * VL);
    p.shift = vload(pre->beta + cb * VL) - vload(pre->mean + cb * VL) * p.scale;
    p.low = vset(relu ? 0 : -__builtin_inff());
    p.high = vset(pre->act == BTI_ACT_RELU6 ? 6 : __builtin_inff());
    return p;
}

VINLINE void pass_row(const pass *p, const elem *x, int w, elem *to)
{
    if (!p->on) {
        memcpy(to, x, (size_t)w * VL * sizeof(elem));
    } else if (p->hardswish) {
        for (int j = 0; j < w * VL; j += VL)
            vstore(to + j, vact(BTI_ACT_HARDSWISH, vload(x + j) * p->scale + p->shift));
    } else {
        for (int j = 0; j < w * VL; j += VL)
            vstore(to + j, vmin(p->high, vmax(p->low, vload(x + j) * p->scale + p->shift)));
    }
}

static void enclose(const border *b, const pass *p, const elem *x, int h, int w)
{
    const size_t pixel = VL * sizeof(elem);
    memset(b->at, 0, (size_t)b->top * b->wide * pixel);
    for (int r = 0; r < h; r++) {
        elem *row = b->at + (int64_t)(r + b->top) * b->wide * VL;
        memset(row, 0, (size_t)b->left * pixel);
        pass_row(p, x + (int64_t)r * w * VL, w, row + b->left * VL);
        memset(row + (b->left + w) * VL, 0, (size_t)(b->wide - b->left - w) * pixel);
    }
    memset(b->at + (int64_t)(b->top + h) * b->wide * VL, 0,
           (size_t)(b->high - b->top - h) * b->wide * pixel);
}

/* Around the input, for the forward pass and the weights. */
static border of_input(const bti_simd_window *w, void *scratch)
{
    const int reach = (w->ow - 1) * w->stride + w->k, own = w->pad_l + w->iw;
    const int high = (w->oh - 1) * w->stride + w->k;
    return (border){.at = scratch,
                    .wide = (reach > own ? reach : own) + SLACK + w->stride,
                    .high = high > w->pad_t + w->ih ? high : w->pad_t + w->ih,
                    .top = w->pad_t,
                    .left = w->pad_l};
}

/* Around the gradient of the output. */
static border of_output(const bti_simd_window *w, void *scratch)
{
    const int s = w->stride, across = (w->iw + s - 1) / s, down = (w->ih + s - 1) / s;
    return (border){.at = scratch,
                    .wide = 2 * w->k + (across > w->ow ? across : w->ow) + SLACK,
                    .high = 2 * w->k + (down > w->oh ? down : w->oh),
                    .top = w->k,
                    .left = w->k};
}

size_t SIMD(depth_scratch)(const bti_simd_window *w)
{
    const border a = of_input(w, NULL), b = of_output(w, NULL);
    const size_t x = (size_t)a.wide * a.high, y = (size_t)b.wide * b.high;
    return ((x > y ? x : y) + SLACK) * VL * sizeof(elem);
}

/* Rows of taps as pairs: (0,1), (2,3), ..., the last one with zero. */
VINLINE void pair_taps(const float *wei, int k, bool flip, vpair *taps)
{
    for (int r = 0; r < k; r++)
        for (int j = 0; j < (k + 1) / 2; j++) {
            const int a = r * k + 2 * j, b = a + 1;
            const int last = k * k - 1;
            const vf first = vload(wei + (flip ? last - a : a) * VL);
            const vf second = 2 * j + 1 < k ? vload(wei + (flip ? last - b : b) * VL) : vset(0);
            taps[r * ((k + 1) / 2) + j] = vpair_round(first, second);
        }
}

VINLINE void depth_tile(const elem *x, int64_t row, const vpair *taps, elem *y, int pixels, int k,
                        int stride, const tail *e, vf *s1, vf *s2, bti_tail_kind kind)
{
    const int pairs = (k + 1) / 2;
    vf acc[TILE] = {};
    for (int kh = 0; kh < k; kh++, x += row) {
        vpair v[TILE + 2 * MOST_PAIRS];
        const int n = stride == 1 ? pixels + 2 * (pairs - 1) : pixels + pairs - 1;
        for (int i = 0; i < n; i++)
            v[i] = vpair_next(x + i * stride * VL);
        for (int j = 0; j < pairs; j++)
            for (int t = 0; t < pixels; t++)
                acc[t] = vdot(acc[t], v[stride == 1 ? t + 2 * j : t + j], taps[kh * pairs + j]);
    }
    for (int t = 0; t < pixels; t++)
        tail_pixel(e, kind, acc[t], y + t * VL, s1, s2);
}

/* y (oh,ow) from the plane that starts at x, rows `row` apart. */
VINLINE void depth_plane(const elem *x, int64_t row, const vpair *taps, elem *y, int oh, int ow,
                         int k, int stride, const tail *e, double *sum, bti_tail_kind kind)
{
    for (int r = 0; r < oh; r++, x += row * stride, y += (int64_t)ow * VL) {
        vf s1 = vset(0), s2 = vset(0);
        int c = 0;
        for (; c + TILE <= ow; c += TILE)
            depth_tile(x + c * stride * VL, row, taps, y + c * VL, TILE, k, stride, e, &s1, &s2,
                       kind);
        for (; c < ow; c++)
            depth_tile(x + c * stride * VL, row, taps, y + c * VL, 1, k, stride, e, &s1, &s2, kind);
        if (sum) {
            vflush(sum, s1);
            vflush(sum + VL, s2);
        }
    }
}

VINLINE double *sum_of(const bti_simd_tail *to, int cb)
{
    return to && to->sum ? to->sum + (int64_t)2 * cb * VL : NULL;
}

VINLINE void forward_planes(const bti_simd_window *w, const bti_simd_norm *pre, const elem *x,
                            const float *wei, elem *y, const bti_simd_tail *to, border b, int k,
                            int stride)
{
    const elem *origin = y;
    vpair taps[MOST_K * MOST_PAIRS];
    for (int p = 0; p < w->n * w->cb; p++) {
        const int cb = p % w->cb;
        pair_taps(wei + (int64_t)cb * k * k * VL, k, false, taps);
        const pass in = pass_of(pre, cb);
        enclose(&b, &in, x, w->ih, w->iw);
        const tail e = tail_of(to, tail_kind(to), origin, cb);
#define PLANE(kind)                                                                                \
    depth_plane(b.at, (int64_t)b.wide *VL, taps, y, w->oh, w->ow, k, stride, &e, sum_of(to, cb),   \
                kind)
        FORWARD_TAILS(to, PLANE)
        x += (int64_t)w->ih * w->iw * VL;
        y += (int64_t)w->oh * w->ow * VL;
    }
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

void SIMD(depth)(const bti_simd_window *w, const bti_simd_norm *pre, const void *x,
                 const float *wei, void *y, const bti_simd_tail *to, void *scratch)
{
    const border b = of_input(w, scratch);
#define FORWARD(k, stride) forward_planes(w, pre, x, wei, y, to, b, k, stride)
    WINDOWS(w, FORWARD)
}

/* ---- gradient of the input ---- */

/* Stride 1: the same convolution of dy, taps turned round. */
VINLINE void back_planes_1(const bti_simd_window *w, const elem *dy, const float *wei, elem *dx,
                           const bti_simd_tail *to, border b, int k, bti_tail_kind kind)
{
    const elem *origin = dx;
    const pass as_is = {0};
    vpair taps[MOST_K * MOST_PAIRS];
    for (int p = 0; p < w->n * w->cb; p++) {
        pair_taps(wei + (int64_t)(p % w->cb) * k * k * VL, k, true, taps);
        enclose(&b, &as_is, dy, w->oh, w->ow);
        const elem *at =
            b.at + ((int64_t)(b.top + w->pad_t - k + 1) * b.wide + b.left + w->pad_l - k + 1) * VL;
        const tail e = tail_of(to, kind, origin, p % w->cb);
        depth_plane(at, (int64_t)b.wide * VL, taps, dx, w->ih, w->iw, k, 1, &e,
                    sum_of(to, p % w->cb), kind);
        dx += (int64_t)w->ih * w->iw * VL;
        dy += (int64_t)w->oh * w->ow * VL;
    }
}

/* Stride 2: column 2o + b of dx sees the taps kw of parity (b + pad) at dy column o + (b + pad -
 * kw)/2; these run through neighbouring columns from `low` on, two to a pair. */
#define HALVES(k) (((k) + 3) / 4) /* pairs of taps of one parity */
#define MOST_HALF HALVES(MOST_K)

typedef struct halves {
    vpair taps[2][MOST_K][MOST_HALF]; /* [column parity][kh] */
    int low[2];
} halves;

VINLINE void split_taps(const float *wei, int k, int pad, halves *h)
{
    for (int b = 0; b < 2; b++) {
        const int odd = (b + pad) & 1;
        int most = k - 1; /* the largest tap of this parity, at the lowest column */
        if ((most & 1) != odd)
            most--;
        h->low[b] = (b + pad - most) / 2;
        for (int kh = 0; kh < k; kh++)
            for (int j = 0; j < HALVES(k); j++) {
                const int a = most - 4 * j, c = a - 2;
                const float *row = wei + kh * k * VL;
                h->taps[b][kh][j] = vpair_round(a >= 0 ? vload(row + a * VL) : vset(0),
                                                c >= 0 ? vload(row + c * VL) : vset(0));
            }
    }
}

VINLINE void back_tile(const bti_simd_window *w, const border *b, const halves *h, int r, int o,
                       elem *dx, int pixels, int k, int parity, const tail *e, vf *s1, vf *s2,
                       bti_tail_kind kind)
{
    vf acc[TILE] = {};
    for (int kh = (r + w->pad_t) & 1; kh < k; kh += 2) {
        const elem *row = b->at + ((int64_t)(b->top + (r + w->pad_t - kh) / 2) * b->wide + b->left +
                                   o + h->low[parity]) *
                                      VL;
        for (int j = 0; j < HALVES(k); j++)
            for (int t = 0; t < pixels; t++)
                acc[t] = vdot(acc[t], vpair_next(row + (t + 2 * j) * VL), h->taps[parity][kh][j]);
    }
    for (int t = 0; t < pixels; t++)
        tail_pixel(e, kind, acc[t], dx + (2 * (o + t) + parity) * VL, s1, s2);
}

VINLINE void back_planes_2(const bti_simd_window *w, const elem *dy, const float *wei, elem *dx,
                           const bti_simd_tail *to, border b, int k, bti_tail_kind kind)
{
    const elem *origin = dx;
    const pass as_is = {0};
    halves h;
    for (int p = 0; p < w->n * w->cb; p++, dy += (int64_t)w->oh * w->ow * VL) {
        split_taps(wei + (int64_t)(p % w->cb) * k * k * VL, k, w->pad_l, &h);
        enclose(&b, &as_is, dy, w->oh, w->ow);
        const tail e = tail_of(to, kind, origin, p % w->cb);
        for (int r = 0; r < w->ih; r++, dx += (int64_t)w->iw * VL) {
            vf s1 = vset(0), s2 = vset(0);
            for (int parity = 0; parity < 2; parity++) {
                const int n = (w->iw + 1 - parity) / 2;
                int o = 0;
                for (; o + TILE <= n; o += TILE)
                    back_tile(w, &b, &h, r, o, dx, TILE, k, parity, &e, &s1, &s2, kind);
                for (; o < n; o++)
                    back_tile(w, &b, &h, r, o, dx, 1, k, parity, &e, &s1, &s2, kind);
            }
            if (sum_of(to, p % w->cb)) {
                vflush(sum_of(to, p % w->cb), s1);
                vflush(sum_of(to, p % w->cb) + VL, s2);
            }
        }
    }
}

VINLINE void back_any(const bti_simd_window *w, const elem *dy, const float *wei, elem *dx,
                      const bti_simd_tail *to, void *scratch, bti_tail_kind kind)
{
    const border b = of_output(w, scratch);
#define BACK_DATA(k, stride)                                                                       \
    do {                                                                                           \
        if (stride == 1)                                                                           \
            back_planes_1(w, dy, wei, dx, to, b, k, kind);                                         \
        else                                                                                       \
            back_planes_2(w, dy, wei, dx, to, b, k, kind);                                         \
    } while (0)
    WINDOWS(w, BACK_DATA)
}

void SIMD(depth_back_data)(const bti_simd_window *w, const void *dy, const float *wei, void *dx,
                           const bti_simd_tail *to, void *scratch){
#define BACK_TAIL(kind) back_any(w, dy, wei, dx, to, scratch, kind)
    BACK_TAILS(to, BACK_TAIL)}

/* ---- gradient of the weights ---- */

/* Kernel rows kh .. kh + rows - 1 of one plane. */
VINLINE void weight_rows(const bti_simd_window *w, const border *b, const elem *dy, int kh,
                         int rows, float *dw, int k, int stride)
{
    static const elem zero[VL];
    vf acc[3][MOST_K] = {};
    for (int r = 0; r < w->oh; r++, dy += (int64_t)w->ow * VL) {
        const elem *x = b->at + (int64_t)(r * stride + kh) * b->wide * VL;
        for (int c = 0; c < w->ow; c += 2) {
            const vpair g = c + 1 < w->ow ? vpair_next(dy + c * VL) : vpair_two(dy + c * VL, zero);
            for (int i = 0; i < rows; i++)
                for (int kw = 0; kw < k; kw++) {
                    const elem *at = x + ((int64_t)i * b->wide + c * stride + kw) * VL;
                    const vpair v = stride == 1 ? vpair_next(at) : vpair_two(at, at + stride * VL);
                    acc[i][kw] = vdot(acc[i][kw], v, g);
                }
        }
    }
    for (int i = 0; i < rows; i++)
        for (int kw = 0; kw < k; kw++) {
            float *at = dw + ((kh + i) * k + kw) * VL;
            vstore(at, vload(at) + acc[i][kw]);
        }
}

VINLINE void weight_planes(const bti_simd_window *w, const bti_simd_norm *pre, const elem *x,
                           const elem *dy, float *dw, border b, int k, int stride)
{
    const int rows = k == 7 ? 2 : 3;
    for (int p = 0; p < w->n * w->cb; p++) {
        float *at = dw + (int64_t)(p % w->cb) * k * k * VL;
        const pass in = pass_of(pre, p % w->cb);
        enclose(&b, &in, x, w->ih, w->iw);
        int kh = 0;
        for (; kh + rows <= k; kh += rows)
            weight_rows(w, &b, dy, kh, rows, at, k, stride);
        if (k % rows)
            weight_rows(w, &b, dy, kh, k % rows, at, k, stride);
        x += (int64_t)w->ih * w->iw * VL;
        dy += (int64_t)w->oh * w->ow * VL;
    }
}

void SIMD(depth_back_weights)(const bti_simd_window *w, const bti_simd_norm *pre, const void *x,
                              const void *dy, float *dw, bool add, void *scratch)
{
    const border b = of_input(w, scratch);
    if (!add)
        memset(dw, 0, (size_t)w->cb * w->k * w->k * VL * sizeof(*dw));
#define BACK_WEIGHTS(k, stride) weight_planes(w, pre, x, dy, dw, b, k, stride)
    WINDOWS(w, BACK_WEIGHTS)
}
#endif
