/* SPDX-License-Identifier: Apache-2.0
 *
 * 1x1 convolutions on bfloat16 maps: for each pixel a product with the weights, summed in float.
 * Tiles of pixels by blocks of output channels stay in registers; a weight vector holds a pair of
 * input channels of 16 outputs. The backward pass to the data is the same product with other
 * weights; that to the weights pairs up pixels instead of channels.
 */
#include "nn/kernels/simd/simd_int.h"

#if BTI_BF16
#include "nn/kernels/simd/vec_tail.h"

#define TILE 8        /* pixels */
#define HALF (VL / 2) /* pairs of channels in a block */
#define AHEAD 64      /* pixels between a tile and what it asks the memory for */
#define RUN 1024      /* pixels that float sums take in before they go to doubles */
#define PIXELS 128    /* pixels that a pass over the weights' gradients takes in */

/* [block of outputs][pair of inputs][lane][2] */
#define PAIR_ROW (2 * VL)

void SIMD(matrix_pack)(const bti_simd_matrix *p, const float *w, void *packed)
{
    uint16_t *to = packed;
    for (int64_t i = 0; i < (int64_t)p->ocb * p->icb * HALF; i++, w += 2 * VL, to += PAIR_ROW)
        vpair_store(to, vpair_round(vload(w), vload(w + VL)));
}

/* Block (o, i) of w is [input][output]: its rows are pairs of outputs already. */
void SIMD(matrix_pack_back)(const bti_simd_matrix *p, const float *w, void *packed)
{
    uint16_t *to = packed, row[VL];
    for (int o = 0; o < p->ocb; o++)
        for (int i = 0; i < p->icb; i++)
            for (int l = 0; l < VL; l++, w += VL) {
                vstore(row, vload(w));
                uint16_t *at = to + ((int64_t)i * p->ocb + o) * HALF * PAIR_ROW + 2 * l;
                for (int q = 0; q < HALF; q++)
                    memcpy(at + (int64_t)q * PAIR_ROW, row + 2 * q, 2 * sizeof(*row));
            }
}

/* y of `pixels` pixels and `blocks` blocks of outputs; x points at the first pixel of block 0, y at
 * that of the first output block. */
VINLINE void tile(const bti_simd_matrix *p, const elem *x, const uint16_t *w, elem *y, int pixels,
                  int blocks, const tail *e, vf *s1, vf *s2, bti_tail_kind kind)
{
    const int64_t plane = (int64_t)p->hw * VL, wide = (int64_t)p->icb * HALF * PAIR_ROW;
    vf acc[3][TILE] = {};
    for (int i = 0; i < p->icb; i++, x += plane)
        for (int q = 0; q < HALF; q++, w += PAIR_ROW) {
            vpair v[3];
            for (int b = 0; b < blocks; b++)
                v[b] = vpair_load(w + b * wide);
            for (int t = 0; t < pixels; t++) {
                const vpair a = vpair_all(x + t * VL + 2 * q);
                for (int b = 0; b < blocks; b++)
                    acc[b][t] = vdot(acc[b][t], a, v[b]);
            }
        }
    VUNROLL for (int b = 0; b < blocks; b++)
    {
        vf first[2] = {s1[b], vset(0)}, second[2] = {s2[b], vset(0)};
        VUNROLL for (int t = 0; t < pixels; t++) tail_pixel(
            &e[b], kind, acc[b][t], y + b * plane + t * VL, &first[t % 2], &second[t % 2]);
        s1[b] = first[0] + first[1];
        s2[b] = second[0] + second[1];
    }
}

VINLINE void flush(const tail *e, vf *s1, vf *s2, int blocks, double *sum)
{
    for (int b = 0; b < blocks; b++) {
        tail_flush(&e[b], sum + 2 * b * VL, s1[b], s2[b]);
        s1[b] = s2[b] = vset(0);
    }
}

/* What a later tile reads and writes comes near while this one computes: left to itself, the
 * processor waits at the start of each page. */
VINLINE void fetch_ahead(const tail *e, bti_tail_kind kind, elem *y)
{
    y += AHEAD * VL;
    for (int t = 0; t < TILE; t += 2) {
        __builtin_prefetch(y + t * VL, 1);
        if (kind != BTI_TAIL_NONE && kind != BTI_TAIL_SUMS && e->x)
            __builtin_prefetch(e->x + (y + t * VL - e->origin));
    }
}

VINLINE void blocks_of_image(const bti_simd_matrix *p, const elem *x, const uint16_t *w, elem *y,
                             int blocks, const bti_simd_tail *to, const elem *origin, int block,
                             bti_tail_kind kind)
{
    vf s1[3] = {}, s2[3] = {};
    tail e[3];
    int j = 0;
    for (int b = 0; b < blocks; b++)
        e[b] = tail_of(to, kind, origin, block + b);
    double *sum = to && to->sum ? to->sum + (int64_t)2 * block * VL : NULL;
    for (; j + TILE <= p->hw; j += TILE) {
        for (int b = 0; b < blocks; b++)
            fetch_ahead(&e[b], kind, y + ((int64_t)b * p->hw + j) * VL);
        tile(p, x + (int64_t)j * VL, w, y + (int64_t)j * VL, TILE, blocks, e, s1, s2, kind);
        if (sum && (j + TILE) % RUN == 0)
            flush(e, s1, s2, blocks, sum);
    }
    for (; j < p->hw; j++)
        tile(p, x + (int64_t)j * VL, w, y + (int64_t)j * VL, 1, blocks, e, s1, s2, kind);
    if (sum)
        flush(e, s1, s2, blocks, sum);
}

VINLINE void all_images(const bti_simd_matrix *p, const elem *x, const uint16_t *w, elem *y,
                        const bti_simd_tail *to, bti_tail_kind kind)
{
    const int64_t plane = (int64_t)p->hw * VL, wide = (int64_t)p->icb * HALF * PAIR_ROW;
    const elem *origin = y;
    for (int n = 0; n < p->n; n++, x += p->icb * plane, y += p->ocb * plane)
        for (int o = 0; o < p->ocb;) {
            const int left = p->ocb - o;
            const uint16_t *at = w + o * wide;
            elem *out = y + o * plane;
            if (left == 3 || left > 4) {
                blocks_of_image(p, x, at, out, 3, to, origin, o, kind);
                o += 3;
            } else if (left >= 2) {
                blocks_of_image(p, x, at, out, 2, to, origin, o, kind);
                o += 2;
            } else {
                blocks_of_image(p, x, at, out, 1, to, origin, o, kind);
                o += 1;
            }
        }
}

void SIMD(matrix)(const bti_simd_matrix *p, const void *x, const void *w, void *y,
                  const bti_simd_tail *to)
{
#define MATRIX(kind) all_images(p, x, w, y, to, kind)
    if (to && to->x) {
        BACK_TAILS(to, MATRIX)
    } else {
        FORWARD_TAILS(to, MATRIX)
    }
}

/* ---- gradient of the weights ---- */

/* Pixel pairs of a map, from pair `from` on, block by block: [block][pair][lane][2]. An odd last
 * pixel of an image is paired with zero. */
static void pair_up(const elem *x, int blocks, int hw, int64_t from, int pairs, uint16_t *to)
{
    static const elem zero[VL];
    const int each = (hw + 1) / 2; /* pairs of an image */
    const int64_t image = (int64_t)blocks * hw * VL;
    const int skip = (int)(from % each);
    x += from / each * image;
    for (int b = 0; b < blocks; b++, x += (int64_t)hw * VL) {
        const elem *plane = x;
        int j = 2 * skip;
        for (int k = 0; k < pairs; plane += image, j = 0)
            for (; j < hw && k < pairs; j += 2, k++, to += PAIR_ROW)
                vpair_store(to, j + 1 < hw ? vpair_next(plane + (int64_t)j * VL)
                                           : vpair_two(plane + (int64_t)j * VL, zero));
    }
}

/* HALF inputs by `blocks` blocks of outputs: dw += sum over pairs. */
VINLINE void weight_tile(const uint16_t *x, const uint16_t *dy, int pairs, int64_t dy_block,
                         float *dw, int64_t dw_block, int blocks)
{
    vf acc[2][HALF];
    for (int b = 0; b < blocks; b++)
        for (int t = 0; t < HALF; t++)
            acc[b][t] = vload(dw + b * dw_block + t * VL);
    for (int k = 0; k < pairs; k++, x += PAIR_ROW, dy += PAIR_ROW) {
        vpair g[2];
        for (int b = 0; b < blocks; b++)
            g[b] = vpair_load(dy + b * dy_block);
        for (int t = 0; t < HALF; t++) {
            const vpair a = vpair_all(x + 2 * t);
            for (int b = 0; b < blocks; b++)
                acc[b][t] = vdot(acc[b][t], a, g[b]);
        }
    }
    for (int b = 0; b < blocks; b++)
        for (int t = 0; t < HALF; t++)
            vstore(dw + b * dw_block + t * VL, acc[b][t]);
}

size_t SIMD(matrix_scratch)(const bti_simd_matrix *p)
{
    return (size_t)(p->icb + p->ocb) * (PIXELS / 2) * PAIR_ROW * sizeof(uint16_t);
}

void SIMD(matrix_back_weights)(const bti_simd_matrix *p, const void *x, const void *dy, float *dw,
                               bool add, void *scratch)
{
    const int64_t all = (int64_t)p->n * ((p->hw + 1) / 2), block = (int64_t)VL * VL;
    uint16_t *px = scratch;
    if (!add)
        memset(dw, 0, (size_t)(p->ocb * p->icb * block) * sizeof(*dw));
    for (int64_t from = 0; from < all; from += PIXELS / 2) {
        const int pairs = (int)(all - from < PIXELS / 2 ? all - from : PIXELS / 2);
        const int64_t wide = (int64_t)pairs * PAIR_ROW;
        uint16_t *pdy = px + p->icb * wide;
        pair_up(x, p->icb, p->hw, from, pairs, px);
        pair_up(dy, p->ocb, p->hw, from, pairs, pdy);
        for (int i = 0; i < p->icb; i++)
            for (int half = 0; half < 2; half++) {
                const uint16_t *ix = px + i * wide + half * VL;
                float *at = dw + i * block + half * HALF * VL;
                int o = 0;
                for (; o + 2 <= p->ocb; o += 2)
                    weight_tile(ix, pdy + o * wide, pairs, wide, at + o * p->icb * block,
                                p->icb * block, 2);
                if (o < p->ocb)
                    weight_tile(ix, pdy + o * wide, pairs, wide, at + o * p->icb * block, 0, 1);
            }
    }
}
#endif
