/* SPDX-License-Identifier: Apache-2.0
 *
 * MBConv: EfficientNet's block (Tan and Le, ICML 2019) in the argument order most teams repaired it
 * to. TensorFlow padding: what is odd goes below and to the right, so 8 -> 4 and 7 -> 3 at
 * stride 2.
 */
#include "model/module.h"

static int build_copy(bti_builder *b, int x, int out, int expand, int k, int stride)
{
    int in = bti_channels(b, x);
    int64_t wide = (int64_t)in * expand;
    if (wide > BTI_MAX_CHANNELS)
        return bti_row_fail(b, "expand %d makes %lld hidden channels of %d, expected at most %d",
                            expand, (long long)wide, in, BTI_MAX_CHANNELS);

    int hidden = (int)wide;
    int pad = k > stride ? k - stride : 0;
    bti_conv_spec widen = {.out = hidden, .k = 1, .stride = 1, .groups = 1};
    bti_conv_spec depthwise = {.out = hidden,
                               .k = k,
                               .stride = stride,
                               .groups = hidden,
                               .pad_lo = pad / 2,
                               .pad_hi = pad - pad / 2};
    bti_conv_spec project = {.out = out, .k = 1, .stride = 1, .groups = 1};
    /* The squeezed width follows the block's input, not its expansion, and is not rounded. */
    bti_se_spec se = {
        .hidden = in / 4 > 1 ? in / 4 : 1, .act = BTI_ACT_SILU, .gate = BTI_ACT_SIGMOID};

    int y = x;
    if (hidden != in) {
        y = bti_add_conv_bn_act(b, y, "conv.0.1", "conv.0.2", &widen, BTI_ACT_SILU);
        y = bti_add_conv_bn_act(b, y, "conv.1.1", "conv.1.2", &depthwise, BTI_ACT_SILU);
        se.reduce = "conv.2.se.1", se.expand = "conv.2.se.3";
        y = bti_add_squeeze_excite(b, y, &se);
        y = bti_add_conv_bn_act(b, y, "conv.3", "conv.4", &project, BTI_ACT_IDENTITY);
    } else {
        y = bti_add_conv_bn_act(b, y, "conv.0.1", "conv.0.2", &depthwise, BTI_ACT_SILU);
        se.reduce = "conv.1.se.1", se.expand = "conv.1.se.3";
        y = bti_add_squeeze_excite(b, y, &se);
        y = bti_add_conv_bn_act(b, y, "conv.2", "conv.3", &project, BTI_ACT_IDENTITY);
    }
    return stride == 1 && in == out ? bti_add_sum(b, x, y) : y;
}

static int build(bti_builder *b, int x, int repeat)
{
    int expand = bti_arg_int(b, 0, "expand", 1, BTI_MAX_CHANNELS, 1);
    int out = bti_arg_channels(b, 1, "out");
    int stride = bti_arg_int(b, 2, "stride", 1, 2, 1);
    int k = bti_arg_int(b, 3, "kernel", 3, 5, 3);
    if (k == 4)
        return bti_row_fail(b, "the kernel is 4, expected 3 or 5");

    for (int i = 0; i < repeat && !b->rc; i++) {
        size_t mark = bti_name_push_index(b, i);
        x = build_copy(b, x, out, expand, k, i == 0 ? stride : 1);
        bti_name_pop(b, mark);
    }
    return x;
}

const bti_module bti_module_mbconv = {
    .args = "[expand, out, stride, kernel]",
    .min_args = 4,
    .max_args = 4,
    .build = build,
};
