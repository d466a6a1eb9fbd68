/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution of one image: up to eight pixels of a row by up to three blocks of output channels
 * are kept in registers while all taps and inputs pass. Pixels are broadcast, weights are vectors.
 */
#include "nn/kernels/simd/infer_int.h"

#if !BTI_BF16
#include "nn/kernels/simd/vec_act.h"

#define TILE BTI_INFER_TILE
/* Tiles compiled once more for what is usual: more code, a few per cent of speed. */
#if defined(__AVX512F__)
#define SPECIAL 1
#else
#define SPECIAL 0
#endif
#define BLOCKS BTI_INFER_BLOCKS
/* Pixels of a tile that the registers hold: with 16 of them, six of two blocks. */
#define MOST(blocks) (VL == 16 || (blocks) == 1 ? TILE : (blocks) == 2 ? 6 : 4)

/* What the tiles of one convolution share. */
typedef struct pass {
    const bti_infer_conv *p;
    const bti_infer_part *part;
    const float *w, *bias; /* of the part */
    int64_t pixel;         /* floats between inputs of neighbouring outputs */
    float lo, hi;
    bool before, after; /* r is added before, after the clamp */
} pass;

/* One number in all lanes, straight from memory: vset() would add zero first, for the sake of -0.
 */
VINLINE vf vsplat(const float *p)
{
#if defined(__AVX512F__)
    return (vf)_mm512_set1_ps(*p);
#elif defined(__AVX2__)
    return (vf)_mm256_broadcast_ss(p);
#else
    return vset(*p);
#endif
}

/* acc += inputs [at, at + n) of every pixel times their weights; returns the weights behind. */
VINLINE const float *take(vf (*acc)[TILE], const float *x, int64_t pixel, int n, const float *w,
                          const int blocks, const int pixels)
{
#pragma GCC unroll 4
    for (int l = 0; l < n; l++, w += blocks * VL) {
        vf wv[BLOCKS];
#pragma GCC unroll 3
        for (int b = 0; b < blocks; b++)
            wv[b] = vload(w + b * VL);
#pragma GCC unroll 8
        for (int i = 0; i < pixels; i++) {
            const vf v = vsplat(x + i * pixel + l);
#pragma GCC unroll 3
            for (int b = 0; b < blocks; b++)
                acc[b][i] += v * wv[b];
        }
    }
    return w;
}

/* One pixel and one block leave the adders waiting for each other: four sums instead. */
VINLINE const float *take_one(vf (*acc)[TILE], const float *x, int n, const float *w,
                              const int blocks)
{
    vf sum[BLOCKS][4] = {};
    int l = 0;
    for (; l + 4 <= n; l += 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++, w += blocks * VL)
#pragma GCC unroll 3
            for (int b = 0; b < blocks; b++)
                sum[b][i] += vsplat(x + l + i) * vload(w + b * VL);
    }
#pragma GCC unroll 3
    for (int b = 0; b < blocks; b++)
        acc[b][0] += (sum[b][0] + sum[b][1]) + (sum[b][2] + sum[b][3]);
    return take(acc, x + l, 0, n - l, w, blocks, 1);
}

VINLINE void tile(const pass *s, const float *x, const float *r, float *y, const int64_t pixel,
                  const int blocks, const int pixels)
{
    const bti_infer_conv *p = s->p;
    const float *w = s->w;
    vf acc[BLOCKS][TILE];
#pragma GCC unroll 3
    for (int b = 0; b < blocks; b++)
#pragma GCC unroll 8
        for (int i = 0; i < pixels; i++)
            acc[b][i] = vload(s->bias + b * VL);
    for (int c = s->part->first, end; c < s->part->end; c = end) {
        const int run = c / p->run;
        const float *from = x + run * p->in.block + c % p->run;
        end = (run + 1) * p->run < s->part->end ? (run + 1) * p->run : s->part->end;
        for (int u = 0; u < p->kh; u++)
            for (int v = 0; v < p->kw; v++) {
                const float *at = from + p->dilation * (u * p->in.row + v * (int64_t)p->in.step);
                w = pixels == 1                ? take_one(acc, at, end - c, w, blocks)
                    : SPECIAL && end - c == VL ? take(acc, at, pixel, VL, w, blocks, pixels)
                                               : take(acc, at, pixel, end - c, w, blocks, pixels);
            }
    }
    const vf lo = vset(s->lo), hi = vset(s->hi);
#pragma GCC unroll 3
    for (int b = 0; b < blocks; b++)
#pragma GCC unroll 8
        for (int i = 0; i < pixels; i++) {
            vf v = acc[b][i];
            if (s->before)
                v += vload(r + b * p->other.block + i * VL);
            v = vmin(hi, vmax(lo, v));
            if (s->after)
                v += vload(r + b * p->other.block + i * VL);
            vstore(y + b * p->out.block + i * VL, v);
        }
}

/* With stride 1 the distance of pixels is a constant: no registers for addresses. */
#define TILE_OF(blocks, pixels)                                                                    \
    case pixels:                                                                                   \
        if (pixels > MOST(blocks)) /* not asked for, not compiled */                               \
            break;                                                                                 \
        if (SPECIAL && s->pixel == VL)                                                             \
            tile(s, x, r, y, VL, blocks, pixels);                                                  \
        else                                                                                       \
            tile(s, x, r, y, s->pixel, blocks, pixels);                                            \
        break

#define TILES(blocks)                                                                              \
    static void tile_##blocks(const pass *s, int pixels, const float *x, const float *r, float *y) \
    {                                                                                              \
        switch (pixels) {                                                                          \
            TILE_OF(blocks, 1);                                                                    \
            TILE_OF(blocks, 2);                                                                    \
            TILE_OF(blocks, 3);                                                                    \
            TILE_OF(blocks, 4);                                                                    \
            TILE_OF(blocks, 5);                                                                    \
            TILE_OF(blocks, 6);                                                                    \
            TILE_OF(blocks, 7);                                                                    \
            TILE_OF(blocks, 8);                                                                    \
        }                                                                                          \
    }
TILES(1)
TILES(2)
TILES(3)

/* Rows are cut evenly: 14 pixels are 7 and 7. */
static void one_row(const pass *s, int most, const float *x, const float *r, float *y)
{
    static void (*const tiles[])(const pass *, int, const float *, const float *,
                                 float *) = {tile_1, tile_2, tile_3};
    const int w = s->p->out.w, n = (w + most - 1) / most;
    for (int i = 0, at = 0; i < n; i++) {
        const int pixels = w / n + (i < w % n ? 1 : 0);
        tiles[s->part->blocks - 1](s, pixels, x + at * s->pixel, r ? r + at * VL : NULL,
                                   y + at * VL);
        at += pixels;
    }
}

void SIMD(infer_conv)(const bti_infer_conv *p, const float *x, const float *w, const float *bias,
                      const float *r, float *y)
{
    bti_act rest;
    pass s = {.p = p, .pixel = (int64_t)p->stride * p->in.step};
    bti_infer_clamp(p->act, &s.lo, &s.hi, &rest);
    s.before = p->join == BTI_JOIN_ADD_ACT;
    s.after = p->join == BTI_JOIN_ACT_ADD && rest == BTI_ACT_IDENTITY;
    const float *corner = x - p->pad_t * p->in.row - (int64_t)p->pad_l * p->in.step;
    for (int g = 0; g < p->n_parts; g++) {
        const int first = p->part[g].block;
        s.part = &p->part[g];
        s.w = w + s.part->weight;
        s.bias = bias + first * VL;
        for (int j = 0; j < p->out.h; j++) {
            float *to = y + first * p->out.block + j * p->out.row;
            const float *add = r ? r + first * p->other.block + j * p->other.row : NULL;
            one_row(&s, MOST(s.part->blocks), corner + j * p->stride * p->in.row, add, to);
            for (int b = 0; rest != BTI_ACT_IDENTITY && b < s.part->blocks; b++)
                SIMD(infer_finish)
            (rest, p->out.w, p->join == BTI_JOIN_ACT_ADD ? add + b * p->other.block : NULL,
             to + b * p->out.block);
        }
    }
}
#endif
