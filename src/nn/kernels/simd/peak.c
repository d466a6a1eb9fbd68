/* SPDX-License-Identifier: Apache-2.0
 *
 * The most multiply-adds that this set of kernels can do: independent chains in registers, nothing
 * from memory. The yardstick of `bantam bench train`.
 */
#include "nn/kernels/simd/simd_int.h"
#include "nn/kernels/simd/vec.h"

#define CHAINS 10

/* Returns the floating-point operations done. *out keeps the compiler from leaving them out. */
double SIMD(peak)(int64_t rounds, float *out)
{
    vf sum[CHAINS];
    const vf a = vset(1e-3f), b = vset(0.999f);
    for (int t = 0; t < CHAINS; t++)
        sum[t] = vset((float)t);
#if BTI_BF16 && defined(__AVX512BF16__)
    const __m512bh x = (__m512bh)_mm512_cvtne2ps_pbh((__m512)a, (__m512)b);
#endif
    for (int64_t i = 0; i < rounds; i++)
        for (int t = 0; t < CHAINS; t++) {
#if BTI_BF16 && defined(__AVX512BF16__)
            sum[t] = (vf)_mm512_dpbf16_ps((__m512)sum[t], x, x);
#else
            sum[t] = sum[t] * b + a;
#endif
        }
    for (int t = 1; t < CHAINS; t++)
        sum[0] += sum[t];
    *out = vsum(sum[0]);
    return 2.0 * (BTI_BF16 ? 2 : 1) * VL * CHAINS * (double)rounds;
}
