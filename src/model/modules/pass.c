/* SPDX-License-Identifier: Apache-2.0
 *
 * Pass: nothing. A word of search spaces ("no module here") that a written file may keep.
 */
#include "model/module.h"

static int build(bti_builder *b, int x, int repeat)
{
    (void)b;
    (void)repeat;
    return x;
}

const bti_module bti_module_pass = {
    .args = "[]",
    .min_args = 0,
    .max_args = 0,
    .takes_flat = true,
    .build = build,
};
