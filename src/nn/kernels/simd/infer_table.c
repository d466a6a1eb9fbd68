/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the inference kernels of one instruction set: bti_infer_kernels_<isa>.
 */
#include "nn/kernels/simd/infer_int.h"

#if !BTI_BF16
#define TABLE_PASTE(isa) bti_infer_kernels_##isa
#define TABLE(isa) TABLE_PASTE(isa)

const bti_infer_kernels TABLE(BTI_SIMD) = {
    .lanes = BTI_LANES,
    .conv = SIMD(infer_conv),
    .depthwise = SIMD(infer_depthwise),
    .maxpool = SIMD(infer_maxpool),
    .avgpool = SIMD(infer_avgpool),
    .mean = SIMD(infer_mean),
    .pointwise = SIMD(infer_pointwise),
    .softmax = SIMD(infer_softmax),
    .pack = SIMD(infer_pack),
    .flatten = SIMD(infer_flatten),
    .edge = SIMD(infer_edge),
};
#endif
