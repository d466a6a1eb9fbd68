/* SPDX-License-Identifier: Apache-2.0
 *
 * One instruction set's kernels as a struct.
 */
#include "augment/simd/kernels_int.h"

#define SET_NAME_(set) bti_pixel_kernels_##set
#define SET_NAME(set) SET_NAME_(set)

const bti_pixel_kernels SET_NAME(BTI_SIMD) = {
    .table = SIMD(table),
    .tables = SIMD(tables),
    .blend = SIMD(blend),
    .blend_flat = SIMD(blend_flat),
    .blend_luma = SIMD(blend_luma),
    .sum_luma = SIMD(sum_luma),
    .range = SIMD(range),
    .smooth = SIMD(smooth),
    .gather = SIMD(gather),
    .mirror = SIMD(mirror),
    .normalise = SIMD(normalise),
    .normalise_grey = SIMD(normalise_grey),
    .retone = SIMD(retone),
};
