/* SPDX-License-Identifier: Apache-2.0
 *
 * InvertedResidualv3: as v2 with any kernel, squeeze-and-excite and hard-swish on request.
 * Howard et al., "Searching for MobileNetV3", ICCV 2019. Repeated: the first copy has the stride.
 */
#include "model/module.h"

typedef struct args {
    int k, out;
    double expand;
    bool se;
    bti_act act;
} args;

static int squeeze_excite(bti_builder *b, int x, const char *reduce, const char *expand)
{
    bti_se_spec se = {.reduce = reduce,
                      .expand = expand,
                      .hidden = bti_round_channels(bti_channels(b, x) / 4),
                      .act = BTI_ACT_RELU,
                      .gate = BTI_ACT_HARDSIGMOID};
    return bti_add_squeeze_excite(b, x, &se);
}

/* The depthwise padding is (k - 1) / 2, as the baseline has it here (Conv has k / 2): the same for
 * every odd kernel. The order of activation and squeeze-and-excite depends on the expansion. */
static int build_copy(bti_builder *b, int x, int stride, const args *a)
{
    int in = bti_channels(b, x);
    int hidden = bti_round_channels(in * a->expand);
    bti_conv_spec widen = {.out = hidden, .k = 1, .stride = 1, .groups = 1};
    bti_conv_spec depthwise = {.out = hidden,
                               .k = a->k,
                               .stride = stride,
                               .groups = hidden,
                               .pad_lo = (a->k - 1) / 2,
                               .pad_hi = (a->k - 1) / 2};
    bti_conv_spec project = {.out = a->out, .k = 1, .stride = 1, .groups = 1};

    int y;
    if (hidden == in) {
        y = bti_add_conv_bn_act(b, x, "conv.0", "conv.1", &depthwise, a->act);
        if (a->se)
            y = squeeze_excite(b, y, "conv.3.fc1", "conv.3.fc2");
        y = bti_add_conv_bn_act(b, y, "conv.4", "conv.5", &project, BTI_ACT_IDENTITY);
    } else {
        y = bti_add_conv_bn_act(b, x, "conv.0", "conv.1", &widen, a->act);
        y = bti_add_conv_bn_act(b, y, "conv.3", "conv.4", &depthwise, BTI_ACT_IDENTITY);
        if (a->se)
            y = squeeze_excite(b, y, "conv.5.fc1", "conv.5.fc2");
        y = bti_add_act(b, y, a->act);
        y = bti_add_conv_bn_act(b, y, "conv.7", "conv.8", &project, BTI_ACT_IDENTITY);
    }
    return stride == 1 && in == a->out ? bti_add_sum(b, x, y) : y;
}

static int build(bti_builder *b, int x, int repeat)
{
    args a = {.k = bti_arg_int(b, 0, "kernel", 1, BTI_MAX_KERNEL, 1)};
    a.expand = bti_arg_ratio(b, 1, "expand", 1);
    a.out = bti_arg_channels(b, 2, "out");
    a.se = bti_arg_bool(b, 3, "se", false);
    a.act = bti_arg_bool(b, 4, "hs", false) ? BTI_ACT_HARDSWISH : BTI_ACT_RELU;
    int stride = bti_arg_int(b, 5, "stride", 1, 2, 1);

    for (int i = 0; i < repeat; i++) {
        size_t mark = bti_name_push_index(b, i);
        x = build_copy(b, x, i == 0 ? stride : 1, &a);
        bti_name_pop(b, mark);
    }
    return x;
}

const bti_module bti_module_invertedresidualv3 = {
    .args = "[kernel, expand, out, se, hs, stride]",
    .min_args = 6,
    .max_args = 6,
    .build = build,
};
