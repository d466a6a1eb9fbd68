/* SPDX-License-Identifier: Apache-2.0
 *
 * Bottleneck: 1x1 to trunc(out * expand) channels, 3x3 to out, and + x after the last activation.
 * Repeated: all copies but the last keep the input channels. `act` reaches only the first
 * convolution.
 */
#include "model/module.h"

typedef struct args {
    bool shortcut;
    int groups;
    double expand;
    bti_act act;
} args;

static int build_copy(bti_builder *b, int x, int out, const args *a)
{
    double hidden = out * a->expand;
    if (hidden < 1 || hidden > BTI_MAX_CHANNELS)
        return bti_row_fail(b, "expand %g makes %.0f hidden channels of %d, expected 1 to %d",
                            a->expand, hidden, out, BTI_MAX_CHANNELS);

    bti_conv_spec reduce = {.out = (int)hidden, .k = 1, .stride = 1, .groups = 1};
    bti_conv_spec spread = {
        .out = out, .k = 3, .stride = 1, .groups = a->groups, .pad_lo = 1, .pad_hi = 1};
    int y = bti_add_conv_bn_act(b, x, "conv1.conv", "conv1.bn", &reduce, a->act);
    y = bti_add_conv_bn_act(b, y, "conv2.conv", "conv2.bn", &spread, BTI_ACT_RELU);
    return a->shortcut && bti_channels(b, x) == out ? bti_add_sum(b, x, y) : y;
}

static int build(bti_builder *b, int x, int repeat)
{
    int out = bti_arg_channels(b, 0, "out");
    args a = {.shortcut = bti_arg_bool(b, 1, "shortcut", true)};
    a.groups = bti_arg_int(b, 2, "groups", 1, BTI_MAX_CHANNELS, 1);
    a.expand = bti_arg_ratio(b, 3, "expand", 0.5);
    a.act = bti_arg_act(b, 4, BTI_ACT_RELU);

    int in = bti_channels(b, x);
    for (int i = 0; i < repeat && !b->rc; i++) {
        size_t mark = bti_name_push_index(b, i);
        x = build_copy(b, x, i == repeat - 1 ? out : in, &a);
        bti_name_pop(b, mark);
    }
    return x;
}

const bti_module bti_module_bottleneck = {
    .args = "[out, shortcut=True, groups=1, expand=0.5, act=ReLU]",
    .min_args = 1,
    .max_args = 5,
    .build = build,
};
