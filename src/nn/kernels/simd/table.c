/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of one instruction set: bti_simd_kernels_<isa>.
 */
#include "nn/kernels/simd/simd_int.h"

#define TABLE_PASTE(isa) bti_simd_kernels_##isa
#define TABLE(isa) TABLE_PASTE(isa)
#define TEXT_PASTE(isa) #isa
#define TEXT(isa) TEXT_PASTE(isa)

const bti_simd_kernels TABLE(BTI_SIMD) = {
    .name = TEXT(BTI_SIMD),
    .lanes = BTI_LANES,
    .bf16 = BTI_BF16,
    .peak = SIMD(peak),
    .stats = SIMD(stats),
    .norm = SIMD(norm),
    .norm_reduce = SIMD(norm_reduce),
    .norm_apply = SIMD(norm_apply),
    .act = SIMD(act),
    .act_back = SIMD(act_back),
    .softmax = SIMD(softmax),
    .softmax_back = SIMD(softmax_back),
    .add = SIMD(add),
    .accumulate = SIMD(accumulate),
    .multiply = SIMD(multiply),
    .scale = SIMD(scale),
    .scale_back = SIMD(scale_back),
    .mean = SIMD(mean),
    .mean_back = SIMD(mean_back),
    .maxpool = SIMD(maxpool),
    .maxpool_back = SIMD(maxpool_back),
    .avgpool = SIMD(avgpool),
    .avgpool_back = SIMD(avgpool_back),
    .depthwise = SIMD(depthwise),
    .depthwise_back_data = SIMD(depthwise_back_data),
    .depthwise_back_weights = SIMD(depthwise_back_weights),
    .linear = SIMD(linear),
    .linear_back_data = SIMD(linear_back_data),
    .linear_back_weights = SIMD(linear_back_weights),
    .widen = SIMD(widen),
    .narrow = SIMD(narrow),
    .pack = SIMD(pack),
    .flatten = SIMD(flatten),
    .flatten_back = SIMD(flatten_back),
    .pad = SIMD(pad),
    .pad_back = SIMD(pad_back),
#if BTI_BF16
    .matrix_scratch = SIMD(matrix_scratch),
    .matrix_pack = SIMD(matrix_pack),
    .matrix_pack_back = SIMD(matrix_pack_back),
    .matrix = SIMD(matrix),
    .matrix_back_weights = SIMD(matrix_back_weights),
    .depth_scratch = SIMD(depth_scratch),
    .depth = SIMD(depth),
    .depth_back = SIMD(depth_back),
    .stem_scratch = SIMD(stem_scratch),
    .stem_pack = SIMD(stem_pack),
    .stem = SIMD(stem),
    .stem_back_weights = SIMD(stem_back_weights),
#endif
};
