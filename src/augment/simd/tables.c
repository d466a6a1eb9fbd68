/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes through tables of 256. With VBMI a table is four registers and 64 bytes take two
 * permutations; elsewhere a load a byte.
 */
#include "augment/simd/kernels_int.h"

#ifdef __AVX512VBMI__
#include <immintrin.h>

typedef struct table_regs {
    __m512i q[4];
} table_regs;

static inline table_regs load_table(const uint8_t to[256])
{
    table_regs t;

    for (int i = 0; i < 4; i++)
        t.q[i] = _mm512_loadu_si512(to + 64 * i);
    return t;
}

static inline __m512i look_up(const table_regs *t, __m512i v)
{
    __m512i low = _mm512_permutex2var_epi8(t->q[0], v, t->q[1]);
    __m512i high = _mm512_permutex2var_epi8(t->q[2], v, t->q[3]);

    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(v), low, high);
}

static inline __mmask64 first(size_t n)
{
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

void SIMD(table)(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t to[256])
{
    table_regs t = load_table(to);

    for (size_t i = 0; i < n; i += 64) {
        __mmask64 m = first(n - i);
        __m512i v = _mm512_maskz_loadu_epi8(m, src + i);
        _mm512_mask_storeu_epi8(dst + i, m, look_up(&t, v));
    }
}

/* Bytes 0, 3, 6 ... are the first channel's; the pattern moves by one byte every 64. */
#define EVERY_THIRD 0x9249249249249249ull

void SIMD(tables)(uint8_t *dst, const uint8_t *rgb, size_t n, const uint8_t to[3][256])
{
    table_regs t[3] = {load_table(to[0]), load_table(to[1]), load_table(to[2])};
    const __mmask64 of[3] = {EVERY_THIRD, EVERY_THIRD << 1, EVERY_THIRD << 2};
    size_t bytes = 3 * n, phase = 0; /* 64 = 1 modulo 3 */

    for (size_t i = 0; i < bytes; i += 64) {
        __mmask64 m = first(bytes - i);
        __m512i v = _mm512_maskz_loadu_epi8(m, rgb + i);
        __m512i r = look_up(&t[0], v), g = look_up(&t[1], v), b = look_up(&t[2], v);
        /* The channel of byte k is (k + phase) mod 3. */
        __m512i out = _mm512_mask_blend_epi8(of[(4 - phase) % 3], r, g);
        out = _mm512_mask_blend_epi8(of[(5 - phase) % 3], out, b);
        _mm512_mask_storeu_epi8(dst + i, m, out);
        phase = (phase + 1) % 3;
    }
}

#else

void SIMD(table)(uint8_t *restrict dst, const uint8_t *restrict src, size_t n,
                 const uint8_t to[256])
{
    for (size_t i = 0; i < n; i++)
        dst[i] = to[src[i]];
}

void SIMD(tables)(uint8_t *restrict dst, const uint8_t *restrict rgb, size_t n,
                  const uint8_t to[3][256])
{
    for (size_t i = 0; i < 3 * n; i += 3) {
        dst[i] = to[0][rgb[i]];
        dst[i + 1] = to[1][rgb[i + 1]];
        dst[i + 2] = to[2][rgb[i + 2]];
    }
}

#endif
