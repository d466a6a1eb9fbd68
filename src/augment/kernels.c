/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that chooses a set of pixel kernels. Outside simd/: files in there are compiled
 * once per instruction set.
 */
#include "augment/simd/kernels.h"

#include "base/cpu.h"

const bti_pixel_kernels *bti_pixel_kernels_now(void)
{
    switch (bti_cpu_isa()) {
    case BTI_ISA_AVX512:
    case BTI_ISA_AVX512_BF16:
        return bti_cpu_has_vbmi() ? &bti_pixel_kernels_avx512vbmi : &bti_pixel_kernels_avx512;
    case BTI_ISA_AVX2:
        return &bti_pixel_kernels_avx2;
    default:
        return &bti_pixel_kernels_portable;
    }
}
