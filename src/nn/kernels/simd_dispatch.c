/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that chooses a set of kernels. Outside simd/: files in there are compiled once per
 * instruction set.
 */
#include "nn/kernels/simd/simd.h"

bool bti_simd_act_fuses(bti_act act)
{
    switch (act) {
    case BTI_ACT_IDENTITY:
    case BTI_ACT_RELU:
    case BTI_ACT_RELU6:
    case BTI_ACT_LEAKY_RELU:
    case BTI_ACT_HARDSWISH:
    case BTI_ACT_HARDSIGMOID:
    case BTI_ACT_HARDTANH:
    case BTI_ACT_SILU:
        return true;
    default:
        return false;
    }
}

bool bti_simd_tail_takes(bti_act act)
{
    return act == BTI_ACT_IDENTITY || act == BTI_ACT_RELU || act == BTI_ACT_RELU6 ||
           act == BTI_ACT_HARDSWISH;
}

const bti_simd_kernels *bti_simd_for(bti_isa isa)
{
    switch (isa) {
    case BTI_ISA_AVX512:
    case BTI_ISA_AVX512_BF16:
        return &bti_simd_kernels_avx512;
    case BTI_ISA_AVX2:
        return &bti_simd_kernels_avx2;
    default:
        return &bti_simd_kernels_portable;
    }
}

const bti_simd_kernels *bti_simd_bf16_for(bti_isa isa)
{
    return isa == BTI_ISA_AVX512_BF16 ? &bti_simd_kernels_avx512_bf16 : NULL;
}
