/* SPDX-License-Identifier: Apache-2.0
 *
 * The first convolution, 3x3 on up to three plain float channels, in bfloat16: pixels are kept as
 * four channels (8 bytes) with a border of zeros, so that a pair of channels of a tap is one
 * broadcast, and nothing is spent on padding to 16 channels.
 */
#include "nn/kernels/simd/simd_int.h"

#if BTI_BF16
#include "nn/kernels/simd/vec_tail.h"

#define K 3
#define DEPTH 4 /* channels of a stored pixel */
#define TILE 8
#define ROW_PAIRS (K * DEPTH / 2)
#define PAIR_ROW (2 * VL)
#define SLACK 16 /* elements behind the last pixel that a vector may touch */

static int border_width(const bti_simd_window *w)
{
    return w->iw + w->pad_l + w->pad_r + w->stride;
}

static int border_height(const bti_simd_window *w)
{
    return w->ih + w->pad_t + w->pad_b;
}

static size_t image_elems(const bti_simd_window *w)
{
    return (size_t)border_width(w) * (size_t)border_height(w) * DEPTH + SLACK;
}

size_t SIMD(stem_scratch)(const bti_simd_window *w)
{
    const size_t pairs = (size_t)(w->ow / 2 + 1) * (K * 2 * VL + PAIR_ROW);
    return (image_elems(w) + pairs + 64) * sizeof(elem);
}

/* VL pixels of up to three channels, the rest of a stored pixel zero. */
VINLINE void spread_pixels(const float *const *plain, int channels, int j, int n, elem *to)
{
    elem c[3][VL] = {{0}};
    for (int k = 0; k < channels; k++) {
        float in[VL] = {0};
        memcpy(in, plain[k] + j, (size_t)n * sizeof(*in));
        vstore(c[k], vload(in));
    }
    uint64_t pixel[VL];
    for (int l = 0; l < VL; l++)
        pixel[l] = c[0][l] | (uint64_t)c[1][l] << 16 | (uint64_t)c[2][l] << 32;
    memcpy(to, pixel, (size_t)n * sizeof(*pixel));
}

static void spread(const bti_simd_window *w, int channels, const float *plain, elem *to)
{
    const int wide = border_width(w);
    memset(to, 0, image_elems(w) * sizeof(*to));
    for (int r = 0; r < w->ih; r++) {
        elem *row = to + ((int64_t)(r + w->pad_t) * wide + w->pad_l) * DEPTH;
        const float *from[3] = {plain, plain, plain};
        for (int c = 0; c < channels; c++)
            from[c] = plain + ((int64_t)c * w->ih + r) * w->iw;
        int j = 0;
        for (; j + VL <= w->iw; j += VL)
            spread_pixels(from, channels, j, VL, row + (int64_t)j * DEPTH);
        if (j < w->iw)
            spread_pixels(from, channels, j, w->iw - j, row + (int64_t)j * DEPTH);
    }
}

/* Weights [block][kh][kw][DEPTH][lane] to pairs of channels. */
void SIMD(stem_pack)(int ocb, const float *w, void *packed)
{
    uint16_t *to = packed;
    for (int i = 0; i < ocb * K * ROW_PAIRS; i++, w += 2 * VL, to += PAIR_ROW)
        vpair_store(to, vpair_round(vload(w), vload(w + VL)));
}

/* `pixels` outputs of `blocks` blocks; y of block b starts b * plane behind. */
VINLINE void stem_tile(const elem *x, int wide, int stride, const uint16_t *w, elem *y,
                       int64_t plane, int pixels, int blocks, const tail *e, vf *s1, vf *s2,
                       bti_tail_kind kind)
{
    const int64_t block = K * ROW_PAIRS * PAIR_ROW;
    vf acc[2][TILE] = {};
    for (int kh = 0; kh < K; kh++, x += (int64_t)wide * DEPTH)
        for (int q = 0; q < ROW_PAIRS; q++, w += PAIR_ROW) {
            vpair v[2];
            for (int b = 0; b < blocks; b++)
                v[b] = vpair_load(w + b * block);
            for (int t = 0; t < pixels; t++) {
                const vpair a = vpair_all(x + t * stride * DEPTH + 2 * q);
                for (int b = 0; b < blocks; b++)
                    acc[b][t] = vdot(acc[b][t], a, v[b]);
            }
        }
    for (int b = 0; b < blocks; b++)
        for (int t = 0; t < pixels; t++)
            tail_pixel(&e[b], kind, acc[b][t], y + b * plane + t * VL, &s1[b], &s2[b]);
}

VINLINE void stem_blocks(const bti_simd_window *w, const elem *x, const uint16_t *packed, elem *y,
                         int blocks, const tail *e, double *sum, bti_tail_kind kind)
{
    const int wide = border_width(w);
    const int64_t plane = (int64_t)w->oh * w->ow * VL;
    for (int r = 0; r < w->oh; r++, y += (int64_t)w->ow * VL) {
        const elem *row = x + (int64_t)r * w->stride * wide * DEPTH;
        vf s1[2] = {}, s2[2] = {};
        int j = 0;
        for (; j + TILE <= w->ow; j += TILE)
            stem_tile(row + (int64_t)j * w->stride * DEPTH, wide, w->stride, packed,
                      y + (int64_t)j * VL, plane, TILE, blocks, e, s1, s2, kind);
        for (; j < w->ow; j++)
            stem_tile(row + (int64_t)j * w->stride * DEPTH, wide, w->stride, packed,
                      y + (int64_t)j * VL, plane, 1, blocks, e, s1, s2, kind);
        for (int b = 0; sum && b < blocks; b++) {
            vflush(sum + (int64_t)2 * b * VL, s1[b]);
            vflush(sum + (int64_t)2 * b * VL + VL, s2[b]);
        }
    }
}

VINLINE void stem_images(const bti_simd_window *w, int channels, int ocb, const float *plain,
                         const void *packed, elem *y, const bti_simd_tail *to, elem *x,
                         bti_tail_kind kind)
{
    const int64_t plane = (int64_t)w->oh * w->ow * VL, block = K * ROW_PAIRS * PAIR_ROW;
    const elem *origin = y;
    for (int n = 0; n < w->n; n++, plain += (int64_t)channels * w->ih * w->iw) {
        spread(w, channels, plain, x);
        for (int o = 0; o < ocb; o += 2) {
            const uint16_t *at = (const uint16_t *)packed + o * block;
            double *sum = to && to->sum ? to->sum + (int64_t)2 * o * VL : NULL;
            tail e[2];
            for (int b = 0; b < 2 && o + b < ocb; b++)
                e[b] = tail_of(to, kind, origin, o + b);
            if (o + 1 < ocb)
                stem_blocks(w, x, at, y + o * plane, 2, e, sum, kind);
            else
                stem_blocks(w, x, at, y + o * plane, 1, e, sum, kind);
        }
        y += ocb * plane;
    }
}

void SIMD(stem)(const bti_simd_window *w, int channels, int ocb, const float *plain,
                const void *packed, void *y, const bti_simd_tail *to, void *scratch)
{
#define STEM(kind) stem_images(w, channels, ocb, plain, packed, y, to, scratch, kind)
    FORWARD_TAILS(to, STEM)
}

/* Pairs of the pixels under one kernel row: [pair][kh][kw][DEPTH][2], one vector a row and pair. */
static void spread_pairs(const bti_simd_window *w, const elem *x, int wide, int pairs, uint16_t *to)
{
    for (int k = 0; k < pairs; k++)
        for (int kh = 0; kh < K; kh++, to += PAIR_ROW) {
            const elem *a = x + ((int64_t)kh * wide + (int64_t)2 * k * w->stride) * DEPTH;
            vpair_store(to, vpair_two(a, a + w->stride * DEPTH));
        }
}

/* One kernel row's gradients for one block of outputs. */
VINLINE void stem_weights(const uint16_t *x, const uint16_t *dy, int pairs, int channels, float *dw)
{
    vf acc[K * 3];
    for (int kw = 0; kw < K; kw++)
        for (int c = 0; c < channels; c++)
            acc[kw * channels + c] = vload(dw + (kw * DEPTH + c) * VL);
    for (int k = 0; k < pairs; k++) {
        const vpair g = vpair_load(dy + (int64_t)k * PAIR_ROW);
        for (int kw = 0; kw < K; kw++)
            for (int c = 0; c < channels; c++)
                acc[kw * channels + c] =
                    vdot(acc[kw * channels + c],
                         vpair_all(x + (int64_t)k * K * PAIR_ROW + 2 * (kw * DEPTH + c)), g);
    }
    for (int kw = 0; kw < K; kw++)
        for (int c = 0; c < channels; c++)
            vstore(dw + (kw * DEPTH + c) * VL, acc[kw * channels + c]);
}

/* The pixel pairs of one row of dy; the partner of an odd last pixel is zero. */
static void row_pairs(const elem *dy, int ow, uint16_t *to)
{
    static const elem zero[VL];
    for (int j = 0; j < ow; j += 2, to += PAIR_ROW)
        vpair_store(
            to, vpair_two(dy + (int64_t)j * VL, j + 1 < ow ? dy + (int64_t)(j + 1) * VL : zero));
}

void SIMD(stem_back_weights)(const bti_simd_window *w, int channels, int ocb, const float *plain,
                             const void *dout, float *dw, bool add, void *scratch)
{
    const elem *dy = dout;
    elem *x = scratch;
    const int wide = border_width(w), pairs = (w->ow + 1) / 2;
    uint16_t *px = x + (image_elems(w) + 31) / 32 * 32, *pdy = px + (int64_t)pairs * K * PAIR_ROW;
    if (!add)
        memset(dw, 0, (size_t)ocb * K * K * DEPTH * VL * sizeof(*dw));
    for (int n = 0; n < w->n; n++, plain += (int64_t)channels * w->ih * w->iw) {
        spread(w, channels, plain, x);
        for (int r = 0; r < w->oh; r++) {
            spread_pairs(w, x + (int64_t)r * w->stride * wide * DEPTH, wide, pairs, px);
            for (int o = 0; o < ocb; o++) {
                row_pairs(dy + ((((int64_t)n * ocb + o) * w->oh + r) * w->ow) * VL, w->ow, pdy);
                for (int kh = 0; kh < K; kh++) {
                    float *at = dw + ((int64_t)o * K + kh) * K * DEPTH * VL;
                    if (channels == 3)
                        stem_weights(px + kh * PAIR_ROW, pdy, pairs, 3, at);
                    else
                        stem_weights(px + kh * PAIR_ROW, pdy, pairs, channels, at);
                }
            }
        }
    }
}
#endif
