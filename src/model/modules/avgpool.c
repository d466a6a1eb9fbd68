/* SPDX-License-Identifier: Apache-2.0
 *
 * AvgPool: the mean of each window; padded zeros count in the divisor unless told otherwise.
 * Repeated: that many in a row.
 */
#include "model/module.h"

static int build(bti_builder *b, int x, int repeat)
{
    bti_pool_spec spec = {.dilation = 1, .k = bti_arg_int(b, 0, "kernel", 1, BTI_MAX_KERNEL, 1)};
    spec.stride = bti_arg_given(b, 1) ? bti_arg_int(b, 1, "stride", 1, BTI_MAX_MAP, 1) : spec.k;
    spec.pad = bti_arg_int(b, 2, "pad", 0, BTI_MAX_KERNEL, 0);
    spec.ceil_mode = bti_arg_bool(b, 3, "ceil_mode", false);
    spec.count_include_pad = bti_arg_bool(b, 4, "count_include_pad", true);

    for (int i = 0; i < repeat && !b->rc; i++)
        x = bti_add_pool(b, x, &spec);
    return x;
}

const bti_module bti_module_avgpool = {
    .args = "[kernel, stride=kernel, pad=0, ceil_mode=False, count_include_pad=True]",
    .min_args = 1,
    .max_args = 5,
    .build = build,
};
