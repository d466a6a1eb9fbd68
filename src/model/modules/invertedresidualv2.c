/* SPDX-License-Identifier: Apache-2.0
 *
 * InvertedResidualv2: expand 1x1, depthwise 3x3, project 1x1, + x where the shape stays.
 * Sandler et al., "MobileNetV2", CVPR 2018. Repeated: the first copy has the stride and the
 * channels.
 */
#include "model/module.h"
#include <math.h>

static int build_copy(bti_builder *b, int x, int out, double expand, int stride)
{
    int in = bti_channels(b, x);
    double hidden = rint(in * expand); /* half to even, as Python's round() */
    if (hidden < 1 || hidden > BTI_MAX_CHANNELS)
        return bti_row_fail(b, "expand %g makes %.0f hidden channels of %d, expected 1 to %d",
                            expand, hidden, in, BTI_MAX_CHANNELS);

    bool wide = expand != 1.0;
    bti_conv_spec widen = {.out = (int)hidden, .k = 1, .stride = 1, .groups = 1};
    bti_conv_spec depthwise = {.out = (int)hidden,
                               .k = 3,
                               .stride = stride,
                               .groups = (int)hidden,
                               .pad_lo = 1,
                               .pad_hi = 1};
    bti_conv_spec project = {.out = out, .k = 1, .stride = 1, .groups = 1};

    int y = x;
    if (wide)
        y = bti_add_conv_bn_act(b, y, "conv.0.0", "conv.0.1", &widen, BTI_ACT_RELU6);
    y = bti_add_conv_bn_act(b, y, wide ? "conv.1.0" : "conv.0.0", wide ? "conv.1.1" : "conv.0.1",
                            &depthwise, BTI_ACT_RELU6);
    y = bti_add_conv_bn_act(b, y, wide ? "conv.2" : "conv.1", wide ? "conv.3" : "conv.2", &project,
                            BTI_ACT_IDENTITY);
    return stride == 1 && in == out ? bti_add_sum(b, x, y) : y;
}

static int build(bti_builder *b, int x, int repeat)
{
    int out = bti_arg_channels(b, 0, "out");
    double expand = bti_arg_ratio(b, 1, "expand", 1);
    int stride = bti_arg_int(b, 2, "stride", 1, 2, 1);

    for (int i = 0; i < repeat && !b->rc; i++) {
        size_t mark = bti_name_push_index(b, i);
        x = build_copy(b, x, out, expand, i == 0 ? stride : 1);
        bti_name_pop(b, mark);
    }
    return x;
}

const bti_module bti_module_invertedresidualv2 = {
    .args = "[out, expand, stride]",
    .min_args = 3,
    .max_args = 3,
    .build = build,
};
