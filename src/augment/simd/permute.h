/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of 256 bytes in four registers (VBMI): two permutations look up 64 values. For sources
 * that are compiled with __AVX512VBMI__.
 */
#ifndef BTI_PIXEL_PERMUTE_H
#define BTI_PIXEL_PERMUTE_H

#ifdef __AVX512VBMI__

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

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

#endif
#endif
