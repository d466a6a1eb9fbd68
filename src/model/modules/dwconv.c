/* SPDX-License-Identifier: Apache-2.0
 *
 * DWConv: a Conv with as many groups as both channel counts allow (their greatest common divisor).
 * Depthwise only where out is a multiple of in: 16 -> 24 has 8 groups of 2. No pointwise part
 * follows.
 */
#include "model/module.h"

static int build(bti_builder *b, int x, int repeat)
{
    bti_conv_args args = {.out = bti_arg_channels(b, 0, "out")};
    args.k = bti_arg_int(b, 1, "kernel", 1, BTI_MAX_KERNEL, 1);
    args.stride = bti_arg_int(b, 2, "stride", 1, BTI_MAX_MAP, 1);
    args.pad = bti_arg_pad(b, 3, args.k);
    args.act = bti_arg_act(b, 4, BTI_ACT_RELU);
    return bti_build_convs(b, x, repeat, &args);
}

const bti_module bti_module_dwconv = {
    .args = "[out, kernel, stride=1, pad=null, act=ReLU]",
    .min_args = 2,
    .max_args = 5,
    .build = build,
};
