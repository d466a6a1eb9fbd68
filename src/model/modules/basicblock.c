/* SPDX-License-Identifier: Apache-2.0
 *
 * BasicBlock: two 3x3 convolutions and a shortcut (He et al., "Deep Residual Learning", 2016),
 * which makes ResNet-20 and ResNet8 expressible. Ours, not the course's; names as in torchvision's
 * resnet.
 */
#include "model/module.h"

static int build_copy(bti_builder *b, int x, int out, int stride, bti_act act)
{
    bool same = stride == 1 && bti_channels(b, x) == out;
    bti_conv_spec first = {
        .out = out, .k = 3, .stride = stride, .groups = 1, .pad_lo = 1, .pad_hi = 1};
    bti_conv_spec second = first;
    second.stride = 1;
    bti_conv_spec project = {.out = out, .k = 1, .stride = stride, .groups = 1};

    int y = bti_add_conv_bn_act(b, x, "conv1", "bn1", &first, act);
    y = bti_add_conv_bn_act(b, y, "conv2", "bn2", &second, BTI_ACT_IDENTITY);
    if (!same)
        x = bti_add_conv_bn_act(b, x, "downsample.0", "downsample.1", &project, BTI_ACT_IDENTITY);
    return bti_add_act(b, bti_add_sum(b, x, y), act);
}

static int build(bti_builder *b, int x, int repeat)
{
    int out = bti_arg_channels(b, 0, "out");
    int stride = bti_arg_int(b, 1, "stride", 1, BTI_MAX_MAP, 1);
    bti_act act = bti_arg_act(b, 2, BTI_ACT_RELU);

    for (int i = 0; i < repeat; i++) {
        size_t mark = bti_name_push_index(b, i);
        x = build_copy(b, x, out, i == 0 ? stride : 1, act);
        bti_name_pop(b, mark);
    }
    return x;
}

const bti_module bti_module_basicblock = {
    .args = "[out, stride=1, act=ReLU]",
    .min_args = 1,
    .max_args = 3,
    .build = build,
};
