/* SPDX-License-Identifier: Apache-2.0
 *
 * FixedConv: a Conv, batch normalisation included, whose output channels are taken as written.
 * The usual classifier is [classes, 1, 1, null, 1, null].
 */
#include "model/module.h"

static int build(bti_builder *b, int x, int repeat)
{
    bti_conv_args args = {.out = bti_arg_int(b, 0, "out", 1, BTI_MAX_CHANNELS, 1)};
    args.k = bti_arg_int(b, 1, "kernel", 1, BTI_MAX_KERNEL, 1);
    args.stride = bti_arg_int(b, 2, "stride", 1, BTI_MAX_MAP, 1);
    args.pad = bti_arg_pad(b, 3, args.k);
    args.groups = bti_arg_int(b, 4, "groups", 1, BTI_MAX_CHANNELS, 1);
    args.act = bti_arg_act(b, 5, BTI_ACT_RELU);
    return bti_build_convs(b, x, repeat, &args);
}

const bti_module bti_module_fixedconv = {
    .args = "[out, kernel, stride=1, pad=null, groups=1, act=ReLU]",
    .min_args = 2,
    .max_args = 6,
    .build = build,
};
