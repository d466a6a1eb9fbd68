/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of bfloat16 and their dot product, which AVX512_BF16 does at twice the rate of f32: lane l
 * of a pair vector holds two numbers of lane l. Private to simd/'s bf16 sets; without the
 * instruction the same in plain C.
 */
#ifndef BTI_VEC_PAIR_H
#define BTI_VEC_PAIR_H

#include "nn/kernels/simd/vec.h"

/* Kernels are made once for each window and each use only where that gains speed: the twin in plain
 * C and instrumented builds would take minutes to compile. */
#if defined(__AVX512BF16__) && !defined(__SANITIZE_ADDRESS__)
#define VTEMPLATES 1
#else
#define VTEMPLATES 0
#endif

/* Loops over registers: left as loops, the registers would become memory. */
#if VTEMPLATES
#define VUNROLL _Pragma("GCC unroll 32")
#else
#define VUNROLL
#endif

typedef vu vpair;
typedef uint32_t vu_any __attribute__((vector_size(4 * VL), aligned(2), may_alias));

/* sum + a.first * b.first + a.second * b.second */
VINLINE vf vdot(vf sum, vpair a, vpair b)
{
#if defined(__AVX512BF16__)
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    const vu high = (vu){} + 0xffff0000u;
    return sum + (vf)(a & high) * (vf)(b & high) + (vf)(a << 16) * (vf)(b << 16);
#endif
}

VINLINE vpair vpair_load(const uint16_t *p)
{
    return *(const vu_any *)p;
}

VINLINE void vpair_store(uint16_t *p, vpair v)
{
    *(vu_any *)p = v;
}

/* The pair at p in every lane. */
VINLINE vpair vpair_all(const uint16_t *p)
{
    uint32_t u;
    memcpy(&u, p, sizeof(u));
    return (vu){} + u;
}

/* From the vectors a, b one after the other to pairs (a, b). */
VINLINE vpair vpair_mix(vpair both)
{
#if defined(__AVX512F__)
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (vpair)_mm512_permutexvar_epi16(order, (__m512i)both);
#else
    uint16_t in[2 * VL];
    vpair out;
    memcpy(in, &both, sizeof(in));
    for (int l = 0; l < VL; l++)
        out[l] = in[l] | (uint32_t)in[VL + l] << 16;
    return out;
#endif
}

/* Neighbouring pixels p and p + VL. */
VINLINE vpair vpair_next(const uint16_t *p)
{
    return vpair_mix(vpair_load(p));
}

/* Any two pixels. */
VINLINE vpair vpair_two(const uint16_t *a, const uint16_t *b)
{
#if defined(__AVX512F__)
    return vpair_mix(
        (vpair)_mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const void *)a)),
                                  _mm256_loadu_si256((const void *)b), 1));
#else
    vpair out;
    for (int l = 0; l < VL; l++)
        out[l] = a[l] | (uint32_t)b[l] << 16;
    return out;
#endif
}

/* Rounds two float vectors to pairs. */
VINLINE vpair vpair_round(vf first, vf second)
{
#if defined(__AVX512BF16__)
    return vpair_mix((vpair)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first));
#else
    uint16_t h[2 * VL];
    vstore_bf16(h, first);
    vstore_bf16(h + VL, second);
    return vpair_next(h);
#endif
}

/* (a, b) and (c, d) to (c, b): the two in the middle, the later one first. */
VINLINE vpair vpair_middle(vpair ab, vpair cd)
{
#if defined(__AVX512F__)
    return (vpair)_mm512_mask_blend_epi16(0xaaaaaaaa, (__m512i)cd, (__m512i)ab);
#else
    const vu high = (vu){} + 0xffff0000u;
    return (ab & high) | (cd & ~high);
#endif
}

/* (a, b) to (b, a). */
VINLINE vpair vpair_swap(vpair ab)
{
    return ab << 16 | ab >> 16;
}

#endif
