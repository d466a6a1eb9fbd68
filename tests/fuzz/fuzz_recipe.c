/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a recipe file: a recipe within its ranges, or a sentence.
 */
#include "files.h"
#include "train/recipe.h"
#include "yaml_leak.h"

static bt_status take_other(void *user, const char *key, const char *value, int line, bt_error *err)
{
    (void)user;
    (void)err;
    assert(key && value && line > 0);
    return BT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    bt_recipe r = bt_recipe_defaults();
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    bt_status rc = bt_recipe_load(&r, fuzz_put("recipe.yaml", bytes, n), take_other, NULL, &err);
    assert(!rc == !err.text[0]);
    if (!rc) {
        bti_json *o = bti_recipe_json(&r);
        assert(o && (!bti_recipe_check(&r, &err) || err.text[0]));
        bti_json_free(o);
    }
    assert(bti_alloc_live() == live);
    return 0;
}
