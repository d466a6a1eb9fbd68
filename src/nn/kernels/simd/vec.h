/* SPDX-License-Identifier: Apache-2.0
 *
 * A vector of BTI_LANES floats: GCC/Clang vector extensions, plus the few operations that compilers
 * do not find by themselves. Private to simd/; the including file is compiled once per instruction
 * set.
 *
 * min and max keep a NaN of their second operand, so that a diverged value stays visible.
 */
#ifndef BTI_VEC_H
#define BTI_VEC_H

#include <stdint.h>

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

VINLINE vf vload(const float *p)
{
    return *(const vf_any *)p;
}

VINLINE void vstore(float *p, vf v)
{
    *(vf_any *)p = v;
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
#if VL == 16
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
#if VL == 16
    return (vf)_mm512_maskz_mov_ps(_mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b), (__m512)x);
#else
    return (vf)((vi)x & (a == b));
#endif
}

VINLINE vf vmax(vf a, vf b)
{
#if VL == 16
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return vgt(a, b, a, b);
#endif
}

VINLINE vf vmin(vf a, vf b)
{
#if VL == 16
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return vgt(b, a, a, b);
#endif
}

VINLINE float vsum(vf v)
{
#if VL == 16
    return _mm512_reduce_add_ps((__m512)v);
#else
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
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
