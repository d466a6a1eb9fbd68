/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of pixels backwards, and into normalised float planes: what ends every augmentation.
 */
#include "augment/simd/kernels_int.h"

/* Byte offsets of BLOCK pixels, none above `most`; those behind the n that are wanted mean nothing.
 */
static inline void offsets(int32_t *restrict off, int32_t row, int32_t most, const int32_t at[4],
                           int32_t n)
{
    uint32_t x = (uint32_t)at[0], y = (uint32_t)at[1], dx = (uint32_t)at[2], dy = (uint32_t)at[3];

    for (int32_t i = 0; i < (n + 15) / 16 * 16; i++) {
        int32_t px = (int32_t)(x + (uint32_t)i * dx) >> 16;
        int32_t py = (int32_t)(y + (uint32_t)i * dy) >> 16;
        int32_t at_byte = (int32_t)((uint32_t)py * (uint32_t)row + 3u * (uint32_t)px);
        off[i] = at_byte < most ? at_byte : most;
    }
}

/* Pixels as four bytes for three, which the next one overwrites. The image's last pixel, at `last`,
 * has no fourth byte: it is read a byte too early, then, where it may occur, put right. */
static inline void gather_block(uint8_t *out, const uint8_t *rgb, int32_t row, int32_t last,
                                const int32_t at[4], int32_t n, int has_last)
{
    int32_t off[BLOCK];

    offsets(off, row, last - 1, at, n);
    for (int32_t i = 0; i < n - 1; i++)
        memcpy(out + 3 * i, rgb + off[i], 4);
    memcpy(out + 3 * (n - 1), rgb + off[n - 1], 3);
    for (int32_t i = 0; has_last && i < n; i++)
        if (off[i] == last - 1)
            memcpy(out + 3 * i, rgb + last, 3);
}

void SIMD(gather)(uint8_t *out, const uint8_t *rgb, int w, int h, const int32_t at[4], size_t n)
{
    int32_t from[4] = {at[0], at[1], at[2], at[3]}, last = (w * h - 1) * 3;
    int64_t x_end = at[0] + (int64_t)(n - 1) * at[2], y_end = at[1] + (int64_t)(n - 1) * at[3];
    int has_last = (at[0] >> 16 == w - 1 || x_end >> 16 == w - 1) &&
                   (at[1] >> 16 == h - 1 || y_end >> 16 == h - 1);

    for (size_t i = 0; last == 0 && i < n; i++) /* a single pixel */
        memcpy(out + 3 * i, rgb, 3);
    for (size_t i = 0; last > 0 && i < n; i += BLOCK) {
        int32_t part = n - i < BLOCK ? (int32_t)(n - i) : BLOCK;
        gather_block(out + 3 * i, rgb, 3 * w, last, from, part, has_last);
        if (i + BLOCK < n) {
            from[0] += part * from[2];
            from[1] += part * from[3];
        }
    }
}

#ifdef __AVX512VBMI__
#include <immintrin.h>

/* 21 pixels at once: byte 3 k + j of the result is byte 3 (20 - k) + j; the 64th is not written. */
void SIMD(mirror)(uint8_t *restrict dst, const uint8_t *restrict rgb, size_t n)
{
    uint8_t from[64] = {0};
    uint8_t *d = dst + 3 * n;

    for (int i = 0; i < 63; i++)
        from[i] = (uint8_t)(3 * (20 - i / 3) + i % 3);
    __m512i back = _mm512_loadu_si512(from);
    while (n) {
        size_t part = n < 21 ? n : 21;
        __mmask64 in = ((__mmask64)1 << 3 * part) - 1, out = in << (63 - 3 * part);
        __m512i v = _mm512_permutexvar_epi8(back, _mm512_maskz_loadu_epi8(in, rgb));
        _mm512_mask_storeu_epi8(d - 63, out, v);
        rgb += 3 * part;
        d -= 3 * part;
        n -= part;
    }
}

#else

typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* Five pixels backwards, behind one byte that the next step overwrites. */
static const bytes16 five_back = {0, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2};

void SIMD(mirror)(uint8_t *restrict dst, const uint8_t *restrict rgb, size_t n)
{
    size_t i = 0;
    uint8_t *d = dst + 3 * n;

    for (; i + 6 <= n; i += 5, d -= 15) { /* reads and writes 16 bytes for 15 */
        bytes16 v;
        memcpy(&v, rgb + 3 * i, 16);
        v = __builtin_shuffle(v, five_back);
        memcpy(d - 16, &v, 16);
    }
    for (; i < n; i++) {
        d -= 3;
        memcpy(d, rgb + 3 * i, 3);
    }
}

#endif

static inline void to_float(float *restrict out, const uint8_t *restrict v, size_t n, bti_affine to)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((double)(int)v[i] * to.scale + to.shift);
}

static inline void to_float_back(float *restrict out, const uint8_t *restrict v, size_t n,
                                 bti_affine to)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((double)(int)v[n - 1 - i] * to.scale + to.shift);
}

#define STEP 32 /* pixels whose loops the compiler unrolls */

static inline void block(float *out, size_t plane, const uint8_t *rgb, size_t n, int mirrored,
                         const bti_affine to[3])
{
    planes p;

    split(&p, rgb, n);
    if (mirrored) {
        to_float_back(out, p.r, n, to[0]);
        to_float_back(out + plane, p.g, n, to[1]);
        to_float_back(out + 2 * plane, p.b, n, to[2]);
    } else {
        to_float(out, p.r, n, to[0]);
        to_float(out + plane, p.g, n, to[1]);
        to_float(out + 2 * plane, p.b, n, to[2]);
    }
}

void SIMD(normalise)(float *out, size_t plane, const uint8_t *rgb, size_t n, int mirrored,
                     const bti_affine to[3])
{
    size_t i = 0;

    for (; i + STEP <= n; i += STEP)
        block(out + (mirrored ? n - i - STEP : i), plane, rgb + 3 * i, STEP, mirrored, to);
    if (i == n)
        return;
    if (n < STEP) {
        block(out, plane, rgb, n, mirrored, to);
        return;
    }
    i = n - STEP; /* the last step once more where it fits: the same values */
    block(out + (mirrored ? 0 : i), plane, rgb + 3 * i, STEP, mirrored, to);
}

void SIMD(normalise_grey)(float *out, const uint8_t *src, size_t n, int mirrored, bti_affine to)
{
    if (mirrored)
        to_float_back(out, src, n, to);
    else
        to_float(out, src, n, to);
}
