/* SPDX-License-Identifier: Apache-2.0
 *
 * Recipes from options and files: every key, ranges, typos, file:line.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/files.h"
#include "train/recipe.h"
#include <math.h>

static void the_defaults_are_the_course_recipe(void **state)
{
    (void)state;
    bt_recipe r = bt_recipe_defaults();
    bt_error e;
    assert_int_equal(r.epochs, 15);
    assert_int_equal(r.batch, 128);
    assert_true(r.lr == 0.1 && r.weight_decay == 5e-4 && r.momentum == 0.9 && r.nesterov);
    assert_string_equal(r.schedule, "cosine");
    assert_string_equal(r.augment, "flip+crop:4");
    assert_ok(bti_recipe_check(&r, &e), &e);
}

static void every_key_can_be_set_from_text(void **state)
{
    (void)state;
    bt_recipe r = bt_recipe_defaults();
    bt_error e;
    const char *pairs[][2] = {{"epochs", "3"},
                              {"batch", "64"},
                              {"lr", "0.05"},
                              {"weight_decay", "1e-4"},
                              {"schedule", "OneCycle:pct_start=0.1"},
                              {"optimizer", "AdamW"},
                              {"momentum", "0.8"},
                              {"nesterov", "off"},
                              {"warmup", "1.5"},
                              {"label_smoothing", ".1"},
                              {"augment", "flip"},
                              {"decay", "weights"},
                              {"beta2", "0.99"},
                              {"clip", "5"},
                              {"ema", "0.998"},
                              {"no_aug_epochs", "2"},
                              {"sampling", "oversample:0.25"},
                              {"logit_adjustment", "1"},
                              {"class_weights", "balanced"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_ok(bt_recipe_set(&r, pairs[i][0], pairs[i][1], NULL, 0, &e), &e);
    bti_json *o = bti_recipe_json(&r);
    char *text = bti_json_text(o, 0);
    assert_string_equal(text,
                        "{\"epochs\": 3, \"batch\": 64, \"lr\": 0.05, \"weight_decay\": 0.0001, "
                        "\"decay\": \"weights\", \"schedule\": \"onecycle:pct_start=0.1\", "
                        "\"optimizer\": \"adamw\", \"momentum\": 0.8, \"beta2\": 0.99, "
                        "\"nesterov\": false, \"warmup\": 1.5, \"label_smoothing\": 0.1, "
                        "\"clip\": 5.0, \"ema\": 0.998, \"class_weights\": \"balanced\", "
                        "\"sampling\": \"oversample:0.25\", \"logit_adjustment\": 1.0, "
                        "\"no_aug_epochs\": 2, \"augment\": \"flip\"}");
    bti_free(text);
    bti_json_free(o);
}

static void a_policy_file_is_kept_as_what_it_says(void **state)
{
    (void)state;
    bt_recipe r = bt_recipe_defaults();
    bt_error e;
    assert_ok(
        bt_recipe_set(&r, "augment", test_source("examples/policies/cifar10.yaml"), NULL, 0, &e),
        &e);
    assert_non_null(strstr(r.augment, "autoaugment:levels=10,p0=Invert/0.1/0|Contrast/0.2/6,p1="));
    assert_non_null(strstr(r.augment, "+flip:p=0.5+crop:pad=4,fill=mean"));
    assert_ok(bti_recipe_check(&r, &e), &e);
    assert_int_equal(bt_recipe_set(&r, "augment", "no-such.yaml", NULL, 0, &e), BT_IO);
}

static void a_bad_value_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    bt_recipe r = bt_recipe_defaults();
    bt_error e;
    const char *bad[][2] = {{"epochs", "0"},
                            {"epochs", "1.5"},
                            {"lr", "-1"},
                            {"lr", "nan"},
                            {"nesterov", "2"},
                            {"momentum", "1.1"},
                            {"batch", ""},
                            {"schedule", "cosin"},
                            {"optimizer", "lion"},
                            {"augment", "flop"},
                            {"label_smoothing", "1"},
                            {"decay", "some"},
                            {"ema", "1"},
                            {"beta2", "1"},
                            {"clip", "-1"},
                            {"schedule", "onecycle:pct=1"},
                            {"class_weights", "fair"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (bt_recipe_set(&r, bad[i][0], bad[i][1], "r.yaml", 7, &e) != BT_INVAL)
            fail_msg("%s = '%s' was accepted", bad[i][0], bad[i][1]);
        assert_string_equal(e.where, "r.yaml");
        assert_int_equal(e.line, 7);
        assert_non_null(strstr(e.text, bad[i][0]));
    }
    bt_recipe fresh = bt_recipe_defaults();
    assert_memory_equal(&r, &fresh, sizeof(r));
}

static void an_unknown_key_names_the_nearest(void **state)
{
    (void)state;
    bt_recipe r = bt_recipe_defaults();
    bt_error e;
    assert_int_equal(bt_recipe_set(&r, "weight_decey", "1", NULL, 0, &e), BT_INVAL);
    assert_non_null(strstr(e.text, "'weight_decay'"));
}

static bt_status keep(void *user, const char *key, const char *value, int line, bt_error *err)
{
    char *text = user;
    (void)err;
    snprintf(text + strlen(text), 100, "%s=%s@%d ", key, value, line);
    return BT_OK;
}

static void a_file_sets_its_keys_and_hands_on_the_others(void **state)
{
    (void)state;
    bt_recipe r = bt_recipe_defaults();
    bt_error e;
    char *path = bti_path_join(test_tmp_dir(), "r.yaml"), others[400] = "";
    const char *text = "epochs: 20 # short\nsubset: first:100\nlr: 0.2\nval: 0\nseed: 3\n";
    assert_ok(bti_file_write(path, text, strlen(text), &e), &e);
    assert_ok(bt_recipe_load(&r, path, keep, others, &e), &e);
    assert_int_equal(r.epochs, 20);
    assert_true(r.lr == 0.2);
    assert_string_equal(others, "subset=first:100@2 val=0@4 seed=3@5 ");
    assert_ok(bt_recipe_load(&r, path, NULL, NULL, &e), &e);

    text = "epochs: 20\n\nlearn: 1\n";
    assert_ok(bti_file_write(path, text, strlen(text), &e), &e);
    assert_int_equal(bt_recipe_load(&r, path, NULL, NULL, &e), BT_INVAL);
    assert_int_equal(e.line, 3);
    text = "- 1\n";
    assert_ok(bti_file_write(path, text, strlen(text), &e), &e);
    assert_int_equal(bt_recipe_load(&r, path, NULL, NULL, &e), BT_FORMAT);
    bti_free(path);
}

static void the_example_recipe_is_the_brief(void **state)
{
    (void)state;
    bt_recipe r = bt_recipe_defaults();
    bt_error e;
    assert_ok(bt_recipe_load(&r, test_source("examples/recipes/brief.yaml"), NULL, NULL, &e), &e);
    assert_int_equal(r.epochs, 200);
    assert_int_equal(r.batch, 128);
    assert_string_equal(r.augment, "flip+crop:4+randaugment:n=2,m=15");
    r.lr = NAN;
    assert_int_equal(bti_recipe_check(&r, &e), BT_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_the_course_recipe),
        cmocka_unit_test(every_key_can_be_set_from_text),
        cmocka_unit_test(a_policy_file_is_kept_as_what_it_says),
        cmocka_unit_test(a_bad_value_is_refused_and_changes_nothing),
        cmocka_unit_test(an_unknown_key_names_the_nearest),
        cmocka_unit_test(a_file_sets_its_keys_and_hands_on_the_others),
        cmocka_unit_test(the_example_recipe_is_the_brief),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
