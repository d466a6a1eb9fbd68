/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the space `auto`. What is the same for all is text; what follows the resolution is one row
 * of a table; what follows the budget is a width, a ceiling and a batch size.
 */
#include "search/auto_space.h"

#include "base/error.h"
#include "base/str.h"

#include <math.h>

#define BATCH_OF_LR 128          /* linear scaling: Goyal et al., arXiv:1706.02677 */
#define RANDAUGMENT_PASSES 10    /* decisions/003: a shorter training is worse off with it */
#define CROP_PASSES 3            /* the same of shifts */
#define OUT_SIZE_FROM 24         /* smaller images may end in half their size */
#define DENSITY_UNTOLD 5000.0    /* MACs a pixel, of the ceiling that `space info` shows */
#define WIDTH_OF_DEEP_BLOCKS 2.0 /* from here on three copies of a block and expansion by six */

const double bti_auto_widths[] = {1, 1.5, 2, 3, 0};

/* Where the map is halved. A block that is forced halves it unless more halvings have come before;
 * where a block is Pass the next one makes up for it. */
static const struct {
    int from; /* side in pixels */
    int max;
    const char *force;
} strides[] = {
    {192, 5, "{m1: 0, m2: 1, m3: 2, m4: 2, m5: 3, m6: 4, m7: 4}"},
    {96, 4, "{m1: 0, m2: 1, m3: 1, m4: 2, m5: 2, m6: 3, m7: 3}"},
    {48, 4, "{m2: 0, m3: 0, m4: 1, m5: 1, m6: 2, m7: 2}"},
    {32, 3, "{m2: 0, m3: 0, m5: 1, m6: 1, m7: 1}"},
    {24, 2, "{m2: 0, m3: 0, m5: 1, m6: 1, m7: 1}"},
    {16, 2, "{m4: 0, m5: 0, m6: 0}"},
    {1, 1, "{m4: 0, m5: 0, m6: 0}"},
};

static int channels(const bti_auto_space *a, int base)
{
    int n = 8 * (int)lround(base * a->width / 8);
    return n < 8 ? 8 : n;
}

static void put_int(bti_str *b, int hi, int step)
{
    bti_str_addf(b, "{out: {int: [%d, %d, %d]}", step, hi, step);
}

/* The modules that a block chooses from; `wide`: the widest plain convolution at width 1. */
static void put_modules(bti_str *b, const bti_auto_space *a, const char *anchor, int conv, int dw,
                        int inverted, int bottleneck)
{
    const char *act = ", act: {choice: [ReLU, Hardswish]}}\n";
    int expand = a->width >= WIDTH_OF_DEEP_BLOCKS ? 6 : 4;
    bti_str_addf(b, "    module: &%s\n      Conv: ", anchor);
    put_int(b, channels(a, conv), 8);
    bti_str_addf(b, ", kernel: {int: [1, 3, 2]}%s      DWConv: ", act);
    put_int(b, channels(a, dw), 8);
    bti_str_addf(b, ", kernel: {int: [3, 5, 2]}%s      InvertedResidualv2: ", act);
    put_int(b, channels(a, inverted), 8);
    bti_str_addf(b, ", expand: {int: [1, %d]}}\n      InvertedResidualv3: ", expand);
    put_int(b, channels(a, inverted), 8);
    bti_str_addf(b,
                 ", kernel: {int: [3, 5, 2]}, expand: {float: [1.0, %d.0, 0.5]}, se: {choice: [0, "
                 "1]}, hs: {choice: [0, 1]}}\n",
                 expand);
    if (bottleneck) {
        bti_str_add(b, "      Bottleneck: ");
        put_int(b, channels(a, bottleneck), 8);
        bti_str_add(b, ", expand: 0.5}\n");
    }
    bti_str_add(b, "      Pass: {}\n");
}

static void put_block(bti_str *b, int number, int repeat)
{
    bti_str_addf(b, "  - id: m%d\n    repeat: {int: [1, %d]}\n    stride: {int: [1, 2]}\n", number,
                 repeat);
}

static void put_blocks(bti_str *b, const bti_auto_space *a)
{
    int deep = a->width >= WIDTH_OF_DEEP_BLOCKS ? 3 : 2;
    bti_str_add(b, "blocks:\n  - id: m1\n    repeat: 1\n    stride: {int: [1, 2]}\n    module:\n"
                   "      Conv: ");
    put_int(b, channels(a, 16), 8);
    bti_str_add(b, ", kernel: 3, act: {choice: [ReLU, Hardswish]}}\n");
    put_block(b, 2, deep);
    put_modules(b, a, "early", 16, 32, 24, 32);
    put_block(b, 3, deep);
    bti_str_add(b, "    module: *early\n");
    put_block(b, 4, deep);
    put_modules(b, a, "middle", 40, 64, 40, 64);
    put_block(b, 5, deep);
    bti_str_add(b, "    module: *middle\n");
    put_block(b, 6, 3);
    put_modules(b, a, "late", 64, 96, 64, 0);
    put_block(b, 7, 3);
    bti_str_add(b, "    module: *late\n\ntail:\n  - [1, Conv, [");
    bti_str_addf(b, "{int: [32, %d, 32], id: last_dim}", 32 * (int)lround(4 * a->width));
    bti_str_add(b, ", 1, 1]]\n  - [1, GlobalAvgPool, []]\n  - [1, Flatten, []]\n"
                   "  - [1, Linear, [$classes]]\n\n");
}

#define FIRST_LINE                                                                                 \
    "# Made by bantam search: seven blocks whose strides follow the resolution and whose"

static void put_head(bti_str *b, const bti_auto_space *a)
{
    size_t i = 0;
    while (a->size < strides[i].from)
        i++;
    bti_str_add(b, FIRST_LINE
                "\n"
                "# width and cost follow the budget. Change it and give it back with --space.\n"
                "# $classes, $size and $channels are the data's.\n"
                "format: search-space/1\nname: auto\n"
                "input: {channels: $channels, classes: $classes, size: $size}\n\n"
                "model: {depth_multiple: 1.0, width_multiple: 1.0}\n\n");
    bti_str_addf(b, "stride_budget:\n  max: %d\n  force: %s\n  force_rule: at_most\n\n",
                 strides[i].max, strides[i].force);
}

static void put_training(bti_str *b, const bti_auto_space *a)
{
    bti_str_add(b, "train:                          # epochs: chosen by the search from its "
                   "budget\n");
    bti_str_addf(b, "  batch_size: %d\n  optimizer: SGD\n  momentum: 0.9\n  nesterov: true\n",
                 a->batch);
    bti_str_addf(b, "  lr: %g\n  weight_decay: 5.0e-4\n  schedule: cosine\n",
                 0.1 * a->batch / BATCH_OF_LR);
    if (a->unequal)
        bti_str_add(b, "  class_weights: balanced       # the classes are very unequal\n");
    bti_str_add(b, "  loss: cross_entropy\n\naugment:\n");
    if (a->passes >= RANDAUGMENT_PASSES)
        bti_str_add(b, "  policy: {choice: [none, randaugment]}\n  randaugment:\n"
                       "    when: {augment.policy: randaugment}\n"
                       "    n: 2\n    m: 15\n    levels: 31\n");
    else
        bti_str_add(b, "  policy: none                  # a short training is worse off with "
                       "RandAugment\n");
    bti_str_add(b, "  flip: {p: {choice: [0.5, 0.0]}}\n");
    if (a->passes >= CROP_PASSES && a->size >= 8)
        bti_str_addf(b, "  crop: {pad: {choice: [0, %d]}}\n", a->size / 8);
}

static void put_goals(bti_str *b, const bti_auto_space *a)
{
    bti_str_add(b, "\nconstraints:\n  params: [0, 1000000]\n");
    if (a->max_macs > 0)
        bti_str_addf(b, "  macs: [0, %.0f]\n", a->max_macs);
    if (a->size >= OUT_SIZE_FROM)
        bti_str_add(b, "  out_size: [0, 8]              # of the last map\n");
    bti_str_addf(b, "\nobjectives:\n  - {metric: %s, goal: max}\n  - {metric: params, goal: min}\n",
                 a->unequal ? "balanced_accuracy" : "accuracy");
}

bti_auto_space bti_auto_space_of(int size)
{
    return (bti_auto_space){.size = size,
                            .width = bti_auto_widths[0],
                            .max_macs = DENSITY_UNTOLD * size * size,
                            .batch = BATCH_OF_LR,
                            .passes = RANDAUGMENT_PASSES};
}

bt_status bti_auto_space_text(char **text, const bti_auto_space *a, bt_error *err)
{
    bti_str b = {0};
    put_head(&b, a);
    put_blocks(&b, a);
    put_training(&b, a);
    put_goals(&b, a);
    *text = bti_str_take(&b);
    return *text ? BT_OK : bti_fail_nomem(err);
}

bool bti_is_auto(const char *option)
{
    return !option || bti_streq(option, "auto");
}

bool bti_is_auto_text(const char *text)
{
    return bti_has_prefix(text, FIRST_LINE);
}
