/* SPDX-License-Identifier: Apache-2.0
 *
 * Linear: weights, bias, activation. Channels are taken as written; the repeat is ignored.
 */
#include "model/module.h"

/* A Flatten declares the channels of its map, not their product with height and width, so the
 * baseline's Linear fails on anything larger than 1x1; a silent C*h*w here would build a network
 * that the baseline cannot. */
static int check_input(bti_builder *b, int x)
{
    const bti_node *in = bti_at(b, x);
    if (!b->flat)
        return bti_row_fail(b, "the input is a %dx%dx%d map: put [1, Flatten, []] before Linear",
                            in->h, in->w, in->c);
    if (in->kind != BTI_NODE_FLATTEN)
        return x;
    const bti_node *map = bti_at(b, in->in[0]);
    if (map->h > 1 || map->w > 1)
        return bti_row_fail(b,
                            "the Flatten before it declares %d channels but gives %d values (a "
                            "%dx%d map): put [1, GlobalAvgPool, []] before the Flatten",
                            map->c, in->c, map->h, map->w);
    return x;
}

static int build(bti_builder *b, int x, int repeat)
{
    (void)repeat;
    int out = bti_arg_int(b, 0, "out", 1, BTI_MAX_CHANNELS, 1);
    bti_act act = bti_arg_act(b, 1, BTI_ACT_IDENTITY);
    return bti_add_act(b, bti_add_linear(b, check_input(b, x), "linear", out), act);
}

const bti_module bti_module_linear = {
    .args = "[out, act=null]",
    .min_args = 1,
    .max_args = 2,
    .takes_flat = true,
    .build = build,
};
