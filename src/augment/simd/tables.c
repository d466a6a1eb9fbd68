/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes through tables of 256. With VBMI a table is four registers and 64 bytes take two
 * permutations; elsewhere a load a byte.
 */
#include "augment/simd/kernels_int.h"

#ifdef __AVX512VBMI__
#include "augment/simd/permute.h"

/* Masked stores are slow on some processors: only the rest takes one. */
void SIMD(table)(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t to[256])
{
    table_regs t = load_table(to);
    size_t i = 0;

    for (; i + 64 <= n; i += 64)
        _mm512_storeu_si512(dst + i, look_up(&t, _mm512_loadu_si512(src + i)));
    __mmask64 m = first(n - i);
    _mm512_mask_storeu_epi8(dst + i, m, look_up(&t, _mm512_maskz_loadu_epi8(m, src + i)));
}

/* Bytes 0, 3, 6 ... are the first channel's; the pattern moves by one byte every 64. */
#define EVERY_THIRD 0x9249249249249249ull

/* The channel of byte k is (k + phase) mod 3. */
static inline __m512i look_up_rgb(const table_regs t[3], __m512i v, size_t phase)
{
    const __mmask64 of[3] = {EVERY_THIRD, EVERY_THIRD << 1, EVERY_THIRD << 2};
    __m512i out = _mm512_mask_blend_epi8(of[(4 - phase) % 3], look_up(&t[0], v), look_up(&t[1], v));

    return _mm512_mask_blend_epi8(of[(5 - phase) % 3], out, look_up(&t[2], v));
}

void SIMD(tables)(uint8_t *dst, const uint8_t *rgb, size_t n, const uint8_t to[3][256])
{
    table_regs t[3] = {load_table(to[0]), load_table(to[1]), load_table(to[2])};
    size_t bytes = 3 * n, phase = 0, i = 0; /* 64 = 1 modulo 3 */

    for (; i + 64 <= bytes; i += 64, phase = phase < 2 ? phase + 1 : 0)
        _mm512_storeu_si512(dst + i, look_up_rgb(t, _mm512_loadu_si512(rgb + i), phase));
    __mmask64 m = first(bytes - i);
    __m512i v = look_up_rgb(t, _mm512_maskz_loadu_epi8(m, rgb + i), phase);
    _mm512_mask_storeu_epi8(dst + i, m, v);
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
