/* SPDX-License-Identifier: Apache-2.0
 *
 * GlobalAvgPool: the mean of each channel; another output size is an adaptive pool.
 * The repeat is ignored, as in the baseline.
 */
#include "model/module.h"

static int build(bti_builder *b, int x, int repeat)
{
    (void)repeat;
    int h, w;
    bti_arg_extent(b, 0, "output_size", 1, &h, &w);
    return bti_add_average(b, x, h, w);
}

const bti_module bti_module_globalavgpool = {
    .args = "[output_size=1]",
    .min_args = 0,
    .max_args = 1,
    .build = build,
};
