/* SPDX-License-Identifier: Apache-2.0
 *
 * A vector of BTI_LANES floats: GCC/Clang vector extensions, plus the few operations that compilers
 * do not find by themselves. Private to simd/; the including file is compiled once per set. Maps
 * hold floats, or bfloat16 (BTI_BF16); arithmetic is always on floats.
 *
 * min and max keep a NaN of their second operand, so that a diverged value stays visible.
 */
#ifndef BTI_VEC_H
#define BTI_VEC_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

/* Only always-inline functions pass vectors: no ABI to worry about. */
#pragma GCC diagnostic ignored "-Wpsabi"

#define VL BTI_LANES
#define VINLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(4 * VL)));
typedef int32_t vi __attribute__((vector_size(4 * VL)));
typedef float vf_any __attribute__((vector_size(4 * VL), aligned(4), may_alias));
typedef int32_t vi_any __attribute__((vector_size(4 * VL), aligned(4), may_alias));

VINLINE vf vload_f32(const float *p)
{
    return *(const vf_any *)p;
}

VINLINE void vstore_f32(float *p, vf v)
{
    *(vf_any *)p = v;
}

/* bfloat16: the upper half of a float; rounded to nearest even. */
typedef uint16_t vh __attribute__((vector_size(2 * VL)));
typedef uint32_t vu __attribute__((vector_size(4 * VL)));
typedef uint16_t vh_any __attribute__((vector_size(2 * VL), aligned(2), may_alias));

VINLINE vf vload_bf16(const uint16_t *p)
{
#if defined(__AVX512F__)
    return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p)), 16);
#else
    return (vf)(__builtin_convertvector(*(const vh_any *)p, vu) << 16);
#endif
}

VINLINE void vstore_bf16(uint16_t *p, vf v)
{
#if defined(__AVX512BF16__)
    _mm256_storeu_si256((void *)p, (__m256i)_mm512_cvtneps_pbh((__m512)v));
#else
    const vu u = (vu)v, nan = (vu)(v != v);
    const vu rounded = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
    *(vh_any *)p = __builtin_convertvector((rounded & ~nan) | (((u >> 16) | 0x40) & nan), vh);
#endif
}

/* What maps hold in this set of kernels. */
#if BTI_BF16
typedef uint16_t elem;
#else
typedef float elem;
#endif

#define vload(p)                                                                                   \
    _Generic((p), uint16_t * : vload_bf16, const uint16_t * : vload_bf16, default : vload_f32)(p)
#define vstore(p, v) _Generic((p), uint16_t * : vstore_bf16, default : vstore_f32)(p, v)

/* One number of a map, and back. */
VINLINE float value_of(elem e)
{
#if BTI_BF16
    const uint32_t u = (uint32_t)e << 16;
    float f;
    memcpy(&f, &u, sizeof(f));
    return f;
#else
    return e;
#endif
}

VINLINE elem elem_of(float f)
{
#if BTI_BF16
    uint32_t u;
    memcpy(&u, &f, sizeof(u));
    if (f != f)
        return (elem)((u >> 16) | 0x40);
    return (elem)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
#else
    return f;
#endif
}

VINLINE void add_to(elem *e, float f)
{
    *e = elem_of(value_of(*e) + f);
}

VINLINE vf vset(float x)
{
    return (vf){} + x;
}

VINLINE vi viset(int32_t x)
{
    return (vi){} + x;
}

/* a > b ? x : y, lane by lane. */
VINLINE vf vgt(vf a, vf b, vf x, vf y)
{
#if defined(__AVX512F__)
    return (vf)_mm512_mask_blend_ps(_mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ), (__m512)y,
                                    (__m512)x);
#elif defined(__AVX2__)
    return (vf)_mm256_blendv_ps((__m256)y, (__m256)x,
                                _mm256_cmp_ps((__m256)a, (__m256)b, _CMP_GT_OQ));
#else
    const vi m = a > b;
    return (vf)(((vi)x & m) | ((vi)y & ~m));
#endif
}

/* a == b ? x : 0 for integers a, b. */
VINLINE vf vieq(vi a, vi b, vf x)
{
#if defined(__AVX512F__)
    return (vf)_mm512_maskz_mov_ps(_mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b), (__m512)x);
#else
    return (vf)((vi)x & (a == b));
#endif
}

VINLINE vf vmax(vf a, vf b)
{
#if defined(__AVX512F__)
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return vgt(a, b, a, b);
#endif
}

VINLINE vf vmin(vf a, vf b)
{
#if defined(__AVX512F__)
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return vgt(b, a, a, b);
#endif
}

VINLINE float vsum(vf v)
{
#if defined(__AVX512F__)
    return _mm512_reduce_add_ps((__m512)v);
#else
    float sum = 0;
    for (int l = 0; l < VL; l += 8)
        sum += ((v[l] + v[l + 4]) + (v[l + 2] + v[l + 6])) +
               ((v[l + 1] + v[l + 5]) + (v[l + 3] + v[l + 7]));
    return sum;
#endif
}

/* Adds the lanes to doubles. */
VINLINE void vflush(double *to, vf v)
{
    for (int l = 0; l < VL; l++)
        to[l] += (double)v[l];
}

/* 1 in the first n lanes, 0 in the others. */
VINLINE vf vmask(int n)
{
    vf m = {};
    for (int l = 0; l < VL; l++)
        m[l] = l < n ? 1.0f : 0.0f;
    return m;
}

/* e^x to about 1 ulp: 2^k times a polynomial on |r| <= ln(2)/2 (after Cephes' expf). */
VINLINE vf vexp(vf x)
{
    const vf magic = vset(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    x = vmax(vset(-87.0f), vmin(vset(88.0f), x));
    const vf t = x * 1.44269504f + magic;
    const vf k = t - magic;
    const vf r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
    vf p = vset(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const vi e = ((vi)t - (vi)magic + 127) << 23;
    return p * (vf)e;
}

/* ln x for normal x > 0, or NaN (after Cephes' logf). */
VINLINE vf vlog(vf x)
{
    const vi bits = (vi)x;
    const vi above = ((bits & 0x007fffff) > 0x003504f3) & 1; /* mantissa above sqrt(2) */
    const vi e = ((bits >> 23) & 255) - 127 + above;
    const vf m = (vf)((bits & 0x007fffff) | ((127 - above) << 23)) - 1.0f;
    const vf k = __builtin_convertvector(e, vf);
    const vf z = m * m;
    vf p = vset(7.0376836292e-2f);
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    p = p * m * z - 2.12194440e-4f * k - 0.5f * z;
    const vf nan = (vf)((vi)x & (x != x)); /* its bits would make a number above */
    return m + p + 0.693359375f * k + nan;
}

#endif
