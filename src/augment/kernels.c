/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that chooses a set of pixel kernels, and the tables that they normalise by. Outside
 * simd/: files in there are compiled once per instruction set.
 */
#include "augment/simd/kernels.h"

#include "base/cpu.h"
#include <string.h>

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

/* The table is what counts; arithmetic replaces it when all of its values come out the same. */
static void find_affine(bti_shades *s, const float mean[3], const double std[3])
{
    s->is_affine = 1;
    for (int k = 0; k < 3; k++) {
        bti_affine *a = &s->affine[k];
        *a = (bti_affine){1.0 / (255.0 * std[k]), -(double)mean[k] / std[k]};
        for (int v = 0; v < 256; v++)
            s->is_affine = s->is_affine && (float)(v * a->scale + a->shift) == s->value[k][v];
    }
}

void bti_shades_init(bti_shades *s, const float mean[3], const float std[3])
{
    double by[3];

    memset(s, 0, sizeof(*s));
    for (int k = 0; k < 3; k++) {
        /* A channel without any spread normalises to zero, not to a division by it. */
        by[k] = std[k] > 0 ? (double)std[k] : 1.0;
        for (int v = 0; v < 256; v++) {
            float x = (float)((v / 255.0 - (double)mean[k]) / by[k]);
            uint32_t bits;
            memcpy(&bits, &x, sizeof(bits));
            s->value[k][v] = x;
            for (int j = 0; j < 4; j++)
                s->byte[k][j][v] = (uint8_t)(bits >> 8 * j);
        }
    }
    find_affine(s, mean, by);
}
