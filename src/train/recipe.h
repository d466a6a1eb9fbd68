/* SPDX-License-Identifier: Apache-2.0
 *
 * Recipes inside train/: checked as a whole, and as the text that a checkpoint and a result keep.
 */
#ifndef BTI_RECIPE_H
#define BTI_RECIPE_H

#include "bantam/train.h"
#include "base/json.h"

/* A recipe that a program filled in: BT_INVAL names the first key out of range. */
bt_status bti_recipe_check(const bt_recipe *r, bt_error *err);
/* Every key in the order of recipe.def; yours. */
bti_json *bti_recipe_json(const bt_recipe *r);

#endif
