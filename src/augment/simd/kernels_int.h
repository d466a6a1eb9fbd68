/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of one instruction set's kernels: BTI_SIMD is the set, given by the build.
 */
#ifndef BTI_PIXEL_KERNELS_INT_H
#define BTI_PIXEL_KERNELS_INT_H

#include "augment/simd/kernels.h"
#include <string.h>

#define BTI_PASTE(name, set) bti_px_##name##_##set
#define BTI_PASTE_SET(name, set) BTI_PASTE(name, set)
#define SIMD(name) BTI_PASTE_SET(name, BTI_SIMD)

void SIMD(table)(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t to[256]);
void SIMD(tables)(uint8_t *dst, const uint8_t *rgb, size_t n, const uint8_t to[3][256]);
void SIMD(blend)(uint8_t *dst, const uint8_t *a, const uint8_t *b, float weight, size_t n);
void SIMD(blend_flat)(uint8_t *dst, const uint8_t *src, int grey, float weight, size_t n);
void SIMD(blend_luma)(uint8_t *dst, const uint8_t *rgb, float weight, size_t n);
uint64_t SIMD(sum_luma)(const uint8_t *rgb, size_t n);
void SIMD(range)(uint8_t lo[3], uint8_t hi[3], const uint8_t *rgb, size_t n);
void SIMD(smooth)(uint8_t *dst, const uint8_t *up, const uint8_t *mid, const uint8_t *down,
                  size_t n, size_t d);
void SIMD(gather)(uint8_t *out, const uint8_t *rgb, int w, int h, const int32_t at[4], size_t n,
                  size_t spare);
void SIMD(mirror)(uint8_t *dst, const uint8_t *rgb, size_t n);
void SIMD(normalise)(float *out, size_t plane, const uint8_t *rgb, size_t n, const bti_shades *s);
void SIMD(normalise_grey)(float *out, const uint8_t *src, size_t n, const bti_shades *s);
void SIMD(retone)(bti_shades *out, const bti_shades *of, const uint8_t tone[3][256], int c);

/* What fits the first cache beside its planes. */
#define BLOCK 128

/* Up to BLOCK pixels, one array a channel. */
typedef struct planes {
    uint8_t r[BLOCK], g[BLOCK], b[BLOCK];
} planes;

static inline void split(planes *p, const uint8_t *restrict rgb, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p->r[i] = rgb[3 * i];
        p->g[i] = rgb[3 * i + 1];
        p->b[i] = rgb[3 * i + 2];
    }
}

static inline void join(uint8_t *restrict rgb, const planes *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rgb[3 * i] = p->r[i];
        rgb[3 * i + 1] = p->g[i];
        rgb[3 * i + 2] = p->b[i];
    }
}

#endif
