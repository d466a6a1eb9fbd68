/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxPool: the largest value of each window; padding never wins. Repeated: that many in a row.
 */
#include "model/module.h"

static int build(bti_builder *b, int x, int repeat)
{
    bti_pool_spec spec = {.max = true, .k = bti_arg_int(b, 0, "kernel", 1, BTI_MAX_KERNEL, 1)};
    spec.stride = bti_arg_given(b, 1) ? bti_arg_int(b, 1, "stride", 1, BTI_MAX_MAP, 1) : spec.k;
    spec.pad = bti_arg_int(b, 2, "pad", 0, BTI_MAX_KERNEL, 0);
    spec.dilation = bti_arg_int(b, 3, "dilation", 1, BTI_MAX_KERNEL, 1);
    if (bti_arg_bool(b, 4, "return_indices", false))
        return bti_row_fail(b, "return_indices gives two outputs, expected False");
    spec.ceil_mode = bti_arg_bool(b, 5, "ceil_mode", false);

    for (int i = 0; i < repeat && !b->rc; i++)
        x = bti_add_pool(b, x, &spec);
    return x;
}

const bti_module bti_module_maxpool = {
    .args = "[kernel, stride=kernel, pad=0, dilation=1, return_indices=False, ceil_mode=False]",
    .min_args = 1,
    .max_args = 6,
    .build = build,
};
