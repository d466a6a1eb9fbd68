/* SPDX-License-Identifier: Apache-2.0
 *
 * The course's data file: what becomes of its keys, and what is refused with key and line.
 */
#include "support.h"

#include "bantam/train.h"
#include "base/alloc.h"
#include "base/files.h"

#include <string.h>

/* The course's file for CIFAR-10, key for key. */
#define HEAD                                                                                       \
    "DATA_PATH: /no/such/folder\nDATASET: CIFAR10\nAUG_TRAIN: randaugment_train\n"                 \
    "AUG_TEST: simple_augment_test\n"
#define PARAMS "AUG_TRAIN_PARAMS:\n  n_select: 2\n  level: null\n  n_level: null\n"
#define TAIL                                                                                       \
    "AUG_TEST_PARAMS: null\nBATCH_SIZE: 128\nEPOCHS: 2\nVAL_RATIO: 0.0\nINIT_LR: 0.1\nFP16: "      \
    "True\n"                                                                                       \
    "IMG_SIZE: 32\n"

static bt_status load(bt_data_file *out, const char *text, const bt_progress *progress,
                      bt_error *err)
{
    char *path = bti_path_join(test_tmp_dir(), "data.yaml");
    assert_ok(bti_file_write(path, text, strlen(text), err), err);
    bt_status rc = bt_data_file_load(out, path, progress, err);
    bti_free(path);
    return rc;
}

static bt_data_file loaded(const char *text)
{
    bt_data_file f;
    bt_error err = {0};
    assert_ok(load(&f, text, NULL, &err), &err);
    return f;
}

static void count_notes(void *user, const bt_event *e)
{
    if (e->kind == BT_EVENT_NOTE && strstr(e->text, "data.yaml:14: FP16"))
        ++*(int *)user;
}

static void the_courses_file_is_train_py(void **state)
{
    (void)state;
    bt_data_file f;
    bt_error err = {0};
    int notes = 0;
    const bt_progress progress = {count_notes, &notes};
    assert_ok(load(&f, HEAD PARAMS TAIL, &progress, &err), &err);
    assert_int_equal(notes, 1);
    assert_string_equal(f.data, "cifar10");
    assert_string_equal(f.val, "0");
    assert_int_equal(f.size, 32);
    const bt_recipe *r = &f.recipe;
    assert_true(r->batch == 128 && r->epochs == 2 && r->lr == 0.1 && r->weight_decay == 0);
    assert_true(r->momentum == 0.9 && r->beta2 == 0.999);
    assert_string_equal(r->optimizer, "adam");
    assert_string_equal(r->schedule, "onecycle:pct_start=0.05");
    assert_string_equal(r->augment,
                        "randaugment:n=2,m=any,levels=32+flip:0.5+Cutout:value=0.45,p=0.8");
    /* and every text of it is one that a recipe takes */
    bt_recipe check = bt_recipe_defaults();
    assert_ok(bt_recipe_set(&check, "augment", r->augment, NULL, 0, &err), &err);
    assert_ok(bt_recipe_set(&check, "schedule", r->schedule, NULL, 0, &err), &err);
}

static void arguments_of_the_augmentation_have_the_functions_defaults(void **state)
{
    (void)state;
    bt_data_file f = loaded(HEAD TAIL);
    assert_non_null(strstr(f.recipe.augment, "randaugment:n=2,m=14,levels=32+"));
    f = loaded(HEAD "AUG_TRAIN_PARAMS: {n_select: 3, level: 9, n_level: 10}\n");
    assert_non_null(strstr(f.recipe.augment, "randaugment:n=3,m=9,levels=11+"));
    assert_string_equal(f.val, ""); /* not written: auto */
    f = loaded("DATASET: CIFAR100\nAUG_TRAIN: simple_augment_train\n");
    assert_string_equal(f.recipe.augment, "RandomResizedCrop:value=0.08+flip:0.5");
    bt_recipe check = bt_recipe_defaults();
    bt_error err = {0};
    assert_ok(bt_recipe_set(&check, "augment", f.recipe.augment, NULL, 0, &err), &err);
    f = loaded("DATASET: FashionMNIST\nAUG_TRAIN: null\nVAL_RATIO: 0.25\n");
    assert_string_equal(f.recipe.augment, "none");
    assert_string_equal(f.val, "25%");
    assert_string_equal(f.data, "fashion-mnist");
}

static void files_at_the_path_win_over_the_name_and_folders_keep_their_own_split(void **state)
{
    (void)state;
    char text[600];
    bt_error err = {0};
    const char *dir = test_tmp_dir();
    char *bin = bti_path_join(dir, "cifar-10-batches-bin");
    assert_ok(bti_make_dirs(bin, &err), &err);
    snprintf(text, sizeof(text), "DATA_PATH: %s\nDATASET: CIFAR10\n", dir);
    assert_string_equal(loaded(text).data, bin);
    bt_data_file f = loaded("DATASET: TACO\nDATA_PATH: my/taco\nVAL_RATIO: 0.8\n");
    assert_string_equal(f.data, "my/taco");
    assert_string_equal(f.val, "");
    bti_free(bin);
}

static void what_is_not_understood_is_named_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
        int line;
    } cases[] = {
        {HEAD "BATCH_SIZ: 3\n", "unknown key BATCH_SIZ: did you mean BATCH_SIZE?", 5},
        {HEAD "BATCH_SIZE: many\n", "BATCH_SIZE: expected a whole number from 1 to 65536, found ma",
         5},
        {HEAD "EPOCHS: 1.5\n", "EPOCHS: expected a whole number", 5},
        {HEAD "INIT_LR: 0\n", "INIT_LR: expected a learning rate above 0, found 0", 5},
        {HEAD "VAL_RATIO: 1.0\n", "VAL_RATIO: expected a share from 0 to below 1", 5},
        {HEAD "FP16: maybe\n", "FP16: expected true or false", 5},
        {HEAD "IMG_SIZE: [32, 32]\n", "IMG_SIZE: expected a whole number from 1 to 4096, found a l",
         5},
        {HEAD "AUG_TEST_PARAMS: {a: 1}\n", "AUG_TEST_PARAMS: expected null, found a mapping", 5},
        {HEAD "AUG_TRAIN_PARAMS: {n_selct: 1}\n", "AUG_TRAIN_PARAMS: unknown n_selct; known are n_",
         5},
        {HEAD "AUG_TRAIN_PARAMS: {n_select: 15}\n",
         "n_select: expected a whole number from 0 to 14", 5},
        {HEAD "AUG_TRAIN_PARAMS: {level: 32}\n", "level 32 is above n_level 31", 5},
        {"DATASET: CIFAR10\nAUG_TRAIN: mixup\n", "simple_augment_train or null, found mixup", 2},
        {"DATASET: CIFAR10\nAUG_TEST: tta\n", "expected simple_augment_test or null", 2},
        {"DATA_PATH: x\nDATASET: SVHN\n", "DATASET: SVHN is none of CIFAR10", 2},
        {"DATA_PATH: x\n", "DATASET is missing", 0},
        {"DATASET: TACO\n", "DATA_PATH is missing", 0},
        {"- 1\n", "expected a mapping", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bt_data_file f;
        bt_error err = {0};
        bt_status rc = load(&f, cases[i].text, NULL, &err);
        assert_true(rc == BT_INVAL || rc == BT_FORMAT);
        if (!strstr(err.text, cases[i].says) || err.line != cases[i].line)
            fail_msg("line %d: %s\ninstead of line %d: %s", err.line, err.text, cases[i].line,
                     cases[i].says);
        assert_non_null(strstr(err.where, "data.yaml"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_courses_file_is_train_py),
        cmocka_unit_test(arguments_of_the_augmentation_have_the_functions_defaults),
        cmocka_unit_test(files_at_the_path_win_over_the_name_and_folders_keep_their_own_split),
        cmocka_unit_test(what_is_not_understood_is_named_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
