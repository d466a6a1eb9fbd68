/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixels to other places: spans of turned images, rows backwards.
 */
#include "augment/simd/kernels_int.h"

/* Byte offsets of BLOCK pixels from 16.16 coordinates; those behind the n that are wanted mean
 * nothing. */
static inline void offsets(int32_t *restrict off, int32_t row, const int32_t at[4], int32_t n)
{
    uint32_t x = (uint32_t)at[0], y = (uint32_t)at[1], dx = (uint32_t)at[2], dy = (uint32_t)at[3];

    for (int32_t i = 0; i < (n + 15) / 16 * 16; i++) {
        int32_t px = (int32_t)(x + (uint32_t)i * dx) >> 16;
        int32_t py = (int32_t)(y + (uint32_t)i * dy) >> 16;
        off[i] = (int32_t)((uint32_t)py * (uint32_t)row + 3u * (uint32_t)px);
    }
}

#ifdef __AVX2__
#include <immintrin.h>

static inline int32_t four_bytes(const uint8_t *px)
{
    int32_t v;

    memcpy(&v, px, 4);
    return v;
}

/* Four pixels at a time, and four bytes too many; how many. Short rows do not pay for the start. */
static inline int32_t fours(uint8_t *restrict out, const uint8_t *restrict rgb, const int32_t *off,
                            int32_t n)
{
    const __m128i pack = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    int32_t i = 0;

    for (; n >= 64 && i + 6 <= n; i += 4) {
        __m128i v = _mm_setr_epi32(four_bytes(rgb + off[i]), four_bytes(rgb + off[i + 1]),
                                   four_bytes(rgb + off[i + 2]), four_bytes(rgb + off[i + 3]));
        _mm_storeu_si128((__m128i *)(out + 3 * i), _mm_shuffle_epi8(v, pack));
    }
    return i;
}
#else
static inline int32_t fours(uint8_t *out, const uint8_t *rgb, const int32_t *off, int32_t n)
{
    (void)out, (void)rgb, (void)off, (void)n;
    return 0;
}
#endif

/* Pixels are read as four bytes for three, unless the image's last, which has no fourth, may be one
 * of them. */
static inline void gather_any(uint8_t *restrict out, const uint8_t *restrict rgb, int32_t row,
                              int32_t at[4], size_t n, int has_last)
{
    int32_t off[BLOCK];

    for (size_t from = 0; from < n; from += BLOCK, out += 3 * BLOCK) {
        int32_t part = n - from < BLOCK ? (int32_t)(n - from) : BLOCK;
        offsets(off, row, at, part);
        int32_t i = has_last ? 0 : fours(out, rgb, off, part);
        for (; !has_last && i + 1 < part; i++) /* the next one overwrites the fourth byte */
            memcpy(out + 3 * i, rgb + off[i], 4);
        for (; i < part; i++)
            memcpy(out + 3 * i, rgb + off[i], 3);
        at[0] = (int32_t)((uint32_t)at[0] + (uint32_t)part * (uint32_t)at[2]);
        at[1] = (int32_t)((uint32_t)at[1] + (uint32_t)part * (uint32_t)at[3]);
    }
}

#define RUN 10 /* pixels of 32 bytes, of which the last two are overwritten */

/* A sheared row is made of runs of source rows: of at least 65536 / |dy| pixels, or one more.
 * Copies runs while 32 bytes can be read and written; how many pixels. */
static inline size_t copy_runs(uint8_t *restrict out, const uint8_t *restrict rgb,
                               const uint8_t *end, ptrdiff_t row, const int32_t at[4], size_t n,
                               size_t spare)
{
    int32_t step = at[3] < 0 ? -at[3] : at[3];
    int32_t done = (at[3] < 0 ? ~at[1] : at[1]) & 0xffff; /* of the way to the next row */
    int32_t least = 65536 / step, many = (65535 - done) / step + 1;
    const uint8_t *s = rgb + (at[1] >> 16) * row + (at[0] >> 16) * 3;
    size_t i = 0, room = n + spare / 3;

    for (ptrdiff_t down = at[3] < 0 ? -row : row; i < n; s += down) {
        size_t next = i + (size_t)many < n ? i + (size_t)many : n;
        if (next + RUN + 1 > room || s + 3 * (next + RUN + 1) > end)
            return i;
        for (; i < next; i += RUN)
            memcpy(out + 3 * i, s + 3 * i, 32);
        i = next;
        done += many * step - 65536;
        many = least + (done + least * step < 65536);
    }
    return n;
}

void SIMD(gather)(uint8_t *out, const uint8_t *rgb, int w, int h, const int32_t at[4], size_t n,
                  size_t spare)
{
    int32_t from[4] = {at[0], at[1], at[2], at[3]};
    size_t row = 3 * (size_t)w, i = 0;
    int64_t x_end = at[0] + (int64_t)(n - 1) * at[2], y_end = at[1] + (int64_t)(n - 1) * at[3];
    int has_last = (at[0] >> 16 == w - 1 || x_end >> 16 == w - 1) &&
                   (at[1] >> 16 == h - 1 || y_end >> 16 == h - 1);

    if (at[2] == 65536 && at[3] && at[3] > -32768 && at[3] < 32768)
        i = copy_runs(out, rgb, rgb + (size_t)h * row, (ptrdiff_t)row, at, n, spare);
    from[0] += (int32_t)i * at[2];
    from[1] += (int32_t)i * at[3];
    gather_any(out + 3 * i, rgb, (int32_t)row, from, n - i, has_last);
}

#ifdef __AVX512VBMI__
#include <immintrin.h>

/* 21 pixels backwards, behind one byte that the next step overwrites. */
static const uint8_t all_back[64] = {
    0,  60, 61, 62, 57, 58, 59, 54, 55, 56, 51, 52, 53, 48, 49, 50, 45, 46, 47, 42, 43, 44,
    39, 40, 41, 36, 37, 38, 33, 34, 35, 30, 31, 32, 27, 28, 29, 24, 25, 26, 21, 22, 23, 18,
    19, 20, 15, 16, 17, 12, 13, 14, 9,  10, 11, 6,  7,  8,  3,  4,  5,  0,  1,  2,
};

void SIMD(mirror)(uint8_t *restrict dst, const uint8_t *restrict rgb, size_t n)
{
    const __m512i back = _mm512_loadu_si512(all_back);
    uint8_t *d = dst + 3 * n;

    for (; n >= 22; n -= 21, rgb += 63, d -= 63)
        _mm512_storeu_si512(d - 64, _mm512_permutexvar_epi8(back, _mm512_loadu_si512(rgb)));
    __mmask64 in = ((__mmask64)1 << 3 * n) - 1, out = n ? in << (64 - 3 * n) : 0;
    __m512i v = _mm512_permutexvar_epi8(back, _mm512_maskz_loadu_epi8(in, rgb));
    _mm512_mask_storeu_epi8(d - 64, out, v);
}

#else

typedef uint8_t bytes16 __attribute__((vector_size(16)));

void SIMD(mirror)(uint8_t *restrict dst, const uint8_t *restrict rgb, size_t n)
{
    size_t i = 0;
    uint8_t *d = dst + 3 * n;

    for (; i + 6 <= n; i += 5, d -= 15) { /* reads and writes 16 bytes for 15 */
        bytes16 v;
        memcpy(&v, rgb + 3 * i, 16);
        /* Five pixels backwards, behind one byte that the next step overwrites. */
        v = __builtin_shufflevector(v, v, 0, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2);
        memcpy(d - 16, &v, 16);
    }
    for (; i < n; i++) {
        d -= 3;
        memcpy(d, rgb + 3 * i, 3);
    }
}

#endif
