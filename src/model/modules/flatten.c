/* SPDX-License-Identifier: Apache-2.0
 *
 * Flatten: a map becomes a vector, which only Linear reads. The repeat is ignored.
 */
#include "model/module.h"

static int build(bti_builder *b, int x, int repeat)
{
    (void)repeat;
    if (b->flat)
        return x;
    b->flat = true;
    return bti_add_flatten(b, x);
}

const bti_module bti_module_flatten = {
    .args = "[]",
    .min_args = 0,
    .max_args = 0,
    .takes_flat = true,
    .build = build,
};
