/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv: convolution without bias, batch normalisation, activation.
 * Repeated: the first copy changes the channels, only the last copy has the stride.
 */
#include "model/module.h"

static int greatest_common_divisor(int a, int b)
{
    while (b) {
        int r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* The baseline wraps repeated copies in a Sequential, a single one not: names follow. */
int bti_build_convs(bti_builder *b, int x, int repeat, const bti_conv_args *args)
{
    for (int i = 0; i < repeat; i++) {
        bti_conv_spec spec = {
            .out = args->out,
            .k = args->k,
            .stride = i == repeat - 1 ? args->stride : 1,
            .groups = args->groups,
            .pad_lo = args->pad,
            .pad_hi = args->pad,
        };
        if (!spec.groups)
            spec.groups = greatest_common_divisor(bti_channels(b, x), args->out);
        size_t mark = repeat > 1 ? bti_name_push_index(b, i) : b->prefix_len;
        x = bti_add_conv_bn_act(b, x, "conv", "bn", &spec, args->act);
        bti_name_pop(b, mark);
    }
    return x;
}

static int build(bti_builder *b, int x, int repeat)
{
    bti_conv_args args = {.out = bti_arg_channels(b, 0, "out")};
    args.k = bti_arg_int(b, 1, "kernel", 1, BTI_MAX_KERNEL, 1);
    args.stride = bti_arg_int(b, 2, "stride", 1, BTI_MAX_MAP, 1);
    args.pad = bti_arg_pad(b, 3, args.k);
    args.groups = bti_arg_int(b, 4, "groups", 1, BTI_MAX_CHANNELS, 1);
    args.act = bti_arg_act(b, 5, BTI_ACT_RELU);
    return bti_build_convs(b, x, repeat, &args);
}

const bti_module bti_module_conv = {
    .args = "[out, kernel, stride=1, pad=null, groups=1, act=ReLU]",
    .min_args = 2,
    .max_args = 6,
    .build = build,
};
