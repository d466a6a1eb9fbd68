/* SPDX-License-Identifier: Apache-2.0
 *
 * Blends, luma and other arithmetic on bytes. ImagingBlend's float32 steps are kept one by one: the
 * build says -ffp-contract=off.
 */
#include "augment/simd/kernels_int.h"

/* Pillow clips before it cuts to an integer; cutting first gives the same number, in fewer steps.
 */
static inline uint8_t blend(int a, int b, float weight)
{
    int v = (int)((float)a + weight * (float)(b - a));

    v = v > 0 ? v : 0;
    return (uint8_t)(v < 255 ? v : 255);
}

void SIMD(blend)(uint8_t *restrict dst, const uint8_t *restrict a, const uint8_t *restrict b,
                 float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = blend(a[i], b[i], weight);
}

void SIMD(blend_flat)(uint8_t *restrict dst, const uint8_t *restrict src, int grey, float weight,
                      size_t n)
{
#ifdef __AVX512VBMI__
    uint8_t to[256], v[256];

    for (int i = 0; i < 256; i++)
        v[i] = (uint8_t)i;
    for (int i = 0; i < 256; i++)
        to[i] = blend(grey, v[i], weight);
    SIMD(table)(dst, src, n, to);
#else
    for (size_t i = 0; i < n; i++)
        dst[i] = blend(grey, src[i], weight);
#endif
}

/* bti_luma of every pixel. */
static inline void luma_block(uint8_t *restrict grey, const planes *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        grey[i] = (uint8_t)((19595u * p->r[i] + 38470u * p->g[i] + 7471u * p->b[i] + 32768u) >> 16);
}

static inline void blend_block(uint8_t *restrict channel, const uint8_t *restrict grey,
                               float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        channel[i] = blend(grey[i], channel[i], weight);
}

static inline void colour_block(uint8_t *dst, const uint8_t *rgb, float weight, size_t n)
{
    planes p;
    uint8_t grey[BLOCK];

    split(&p, rgb, n);
    luma_block(grey, &p, n);
    blend_block(p.r, grey, weight, n);
    blend_block(p.g, grey, weight, n);
    blend_block(p.b, grey, weight, n);
    join(dst, &p, n);
}

void SIMD(blend_luma)(uint8_t *dst, const uint8_t *rgb, float weight, size_t n)
{
    size_t i = 0;

    for (; i + BLOCK <= n; i += BLOCK)
        colour_block(dst + 3 * i, rgb + 3 * i, weight, BLOCK);
    if (i < n)
        colour_block(dst + 3 * i, rgb + 3 * i, weight, n - i);
}

static inline uint32_t sum_block(const uint8_t *rgb, size_t n)
{
    planes p;
    uint8_t grey[BLOCK];
    uint32_t sum = 0;

    split(&p, rgb, n);
    luma_block(grey, &p, n);
    for (size_t i = 0; i < n; i++)
        sum += grey[i];
    return sum;
}

uint64_t SIMD(sum_luma)(const uint8_t *rgb, size_t n)
{
    uint64_t sum = 0;
    size_t i = 0;

    for (; i + BLOCK <= n; i += BLOCK)
        sum += sum_block(rgb + 3 * i, BLOCK);
    return i < n ? sum + sum_block(rgb + 3 * i, n - i) : sum;
}

void SIMD(invert)(uint8_t *restrict dst, const uint8_t *restrict src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = (uint8_t)~src[i];
}

void SIMD(mask)(uint8_t *restrict dst, const uint8_t *restrict src, uint8_t mask, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = src[i] & mask;
}

void SIMD(solarize)(uint8_t *restrict dst, const uint8_t *restrict src, int threshold, size_t n)
{
    uint8_t from = (uint8_t)threshold;

    if (threshold > 255) {
        memcpy(dst, src, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        dst[i] = src[i] >= from ? (uint8_t)~src[i] : src[i];
}

#define COLUMNS 512

/* Bytes [d, n - d) of up to COLUMNS. */
static inline void smooth_block(uint8_t *restrict dst, const uint8_t *restrict up,
                                const uint8_t *restrict mid, const uint8_t *restrict down, size_t n,
                                size_t d)
{
    uint16_t three[COLUMNS]; /* a column's sum */

    for (size_t i = 0; i < n; i++)
        three[i] = (uint16_t)(up[i] + mid[i] + down[i]);
    for (size_t i = d; i < n - d; i++) {
        uint16_t s = (uint16_t)(three[i - d] + three[i] + three[i + d] + 4 * mid[i] + 6);
        dst[i] = (uint8_t)(s / 13);
    }
}

/* ImageFilter.SMOOTH: (1 1 1; 1 5 1; 1 1 1) / 13, rounded. */
void SIMD(smooth)(uint8_t *dst, const uint8_t *up, const uint8_t *mid, const uint8_t *down,
                  size_t n, size_t d)
{
    for (size_t i = 0; i + 2 * d < n; i += COLUMNS - 2 * d) {
        size_t part = n - i < COLUMNS ? n - i : COLUMNS;
        smooth_block(dst + i, up + i, mid + i, down + i, part, d);
    }
}
