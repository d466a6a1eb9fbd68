/* SPDX-License-Identifier: Apache-2.0
 *
 * What `bantam data info` says: counts, balance, sizes, unreadable files, images that are in two
 * splits.
 */
#include "make_data.h"

#include "bantam/data.h"
#include "base/json.h"

static char data[256];

static int fresh(void **state)
{
    (void)state;
    snprintf(data, sizeof(data), "%s", test_tmp_dir());
    make_class(data, "train", "a", 4, 9, 9, 3);
    make_class(data, "train", "b", 2, 9, 9, 3);
    make_class(data, "test", "a", 1, 9, 9, 3);
    make_class(data, "test", "b", 1, 5, 12, 3);
    return 0;
}

static bti_json *info(void)
{
    char *text;
    bti_json *o;
    bt_error err;
    bt_data_options opt = bt_data_defaults();
    assert_ok(bt_data_info(&text, data, &opt, &err), &err);
    assert_ok(bti_json_parse(&o, text, strlen(text), "info", &err), &err);
    bt_free(text);
    return o;
}

static int64_t number(const bti_json *list, size_t i)
{
    return bti_json_as_int(bti_json_at(list, i), -1);
}

static void counts_balance_sizes_and_classes_are_told(void **state)
{
    (void)state;
    bti_json *o = info();
    const bti_json *splits = bti_json_get(o, "splits"), *train = bti_json_at(splits, 0);
    assert_string_equal(bti_json_as_str(bti_json_get(o, "reader"), ""), "imagefolder");
    assert_string_equal(bti_json_as_str(bti_json_at(bti_json_get(o, "classes"), 1), ""), "b");
    assert_int_equal(bti_json_as_int(bti_json_get(o, "channels"), 0), 3);
    assert_int_equal(bti_json_len(splits), 2);
    assert_string_equal(bti_json_as_str(bti_json_get(train, "name"), ""), "train");
    assert_int_equal(bti_json_as_int(bti_json_get(train, "n"), 0), 6);
    assert_int_equal(number(bti_json_get(train, "per_class"), 0), 4);
    assert_int_equal(number(bti_json_get(train, "per_class"), 1), 2);
    assert_true(bti_json_as_num(bti_json_get(train, "balance"), 0) == 0.5);
    const bti_json *unequal = bti_json_get(o, "imbalance");
    assert_true(bti_json_as_num(bti_json_get(unequal, "ratio"), 0) == 2);
    assert_null(bti_json_as_str(bti_json_get(unequal, "recommended"), NULL));
    const bti_json *sizes = bti_json_get(o, "sizes");
    assert_int_equal(number(bti_json_get(sizes, "min"), 0), 5);
    assert_int_equal(number(bti_json_get(sizes, "min"), 1), 9);
    assert_int_equal(number(bti_json_get(sizes, "max"), 0), 9);
    assert_int_equal(number(bti_json_get(sizes, "max"), 1), 12);
    assert_int_equal(bti_json_as_int(bti_json_get(sizes, "distinct"), 0), 2);
    assert_int_equal(bti_json_len(bti_json_get(o, "leakage")), 0);
    assert_int_equal(bti_json_len(bti_json_get(o, "unreadable")), 0);
    assert_int_equal(bti_json_len(bti_json_get(o, "duplicates_within")), 0);
    bti_json_free(o);
}

static void unreadable_images_are_listed_with_reasons_however_many(void **state)
{
    (void)state;
    assert_int_equal(
        test_shell(
            NULL, 0,
            "cd '%s' && : > train/a/empty.jpg && echo x > test/b/text.png && "
            "ln -s nowhere train/b/broken.jpg && head -c 60 train/a/000.png > train/a/cut.png",
            data),
        0);
    bti_json *o = info();
    const bti_json *list = bti_json_get(o, "unreadable");
    static const char *const expected[][2] = {{"train/a/cut.png", "too early"},
                                              {"train/a/empty.jpg", "empty"},
                                              {"train/b/broken.jpg", "No such file"},
                                              {"test/b/text.png", "not an image"}};
    assert_int_equal(bti_json_len(list), 4);
    for (size_t i = 0; i < 4; i++) {
        const bti_json *u = bti_json_at(list, i);
        assert_string_equal(bti_json_as_str(bti_json_get(u, "path"), ""), expected[i][0]);
        if (!strstr(bti_json_as_str(bti_json_get(u, "reason"), ""), expected[i][1]))
            fail_msg("%s: %s", expected[i][0], bti_json_as_str(bti_json_get(u, "reason"), ""));
    }
    assert_int_equal(
        bti_json_as_int(bti_json_get(bti_json_at(bti_json_get(o, "splits"), 0), "n"), 0), 6);
    bti_json_free(o);
}

static void identical_images_are_found_across_and_within_splits(void **state)
{
    (void)state;
    /* A copy under another class and name in test, and one beside its original; equal pixels count,
     * not bytes. */
    assert_int_equal(
        test_shell(NULL, 0,
                   "cd '%s' && cp train/a/002.png test/b/renamed.png && "
                   "cp train/b/000.png train/b/copy.png && printf tail >> train/b/copy.png",
                   data),
        0);
    bti_json *o = info();
    const bti_json *leak = bti_json_at(bti_json_get(o, "leakage"), 0);
    assert_int_equal(bti_json_len(bti_json_get(o, "leakage")), 1);
    assert_string_equal(bti_json_as_str(bti_json_at(bti_json_get(leak, "splits"), 0), ""), "train");
    assert_string_equal(bti_json_as_str(bti_json_at(bti_json_get(leak, "splits"), 1), ""), "test");
    assert_int_equal(bti_json_as_int(bti_json_get(leak, "count"), 0), 1);
    const bti_json *pair = bti_json_at(bti_json_get(leak, "examples"), 0);
    assert_string_equal(bti_json_as_str(bti_json_at(pair, 0), ""), "train/a/002.png");
    assert_string_equal(bti_json_as_str(bti_json_at(pair, 1), ""), "test/b/renamed.png");
    const bti_json *within = bti_json_get(bti_json_get(o, "duplicates_within"), "train");
    assert_int_equal(bti_json_as_int(bti_json_get(within, "count"), 0), 1);
    pair = bti_json_at(bti_json_get(within, "examples"), 0);
    assert_string_equal(bti_json_as_str(bti_json_at(pair, 0), ""), "train/b/000.png");
    assert_string_equal(bti_json_as_str(bti_json_at(pair, 1), ""), "train/b/copy.png");
    bti_json_free(o);
}

static void idx_samples_are_named_by_place(void **state)
{
    (void)state;
    snprintf(data, sizeof(data), "%s", test_tmp_dir());
    make_idx(data, "train", 6, 4, 4, 2);
    make_idx(data, "t10k", 2, 4, 4, 2);
    bti_json *o = info();
    const bti_json *pair =
        bti_json_at(bti_json_get(bti_json_at(bti_json_get(o, "leakage"), 0), "examples"), 0);
    assert_string_equal(bti_json_as_str(bti_json_get(o, "reader"), ""), "idx");
    assert_int_equal(
        bti_json_as_int(bti_json_get(bti_json_at(bti_json_get(o, "leakage"), 0), "count"), 0), 2);
    assert_non_null(strstr(bti_json_as_str(bti_json_at(pair, 0), ""), "train["));
    assert_non_null(strstr(bti_json_as_str(bti_json_at(pair, 1), ""), "test["));
    bti_json_free(o);
}

static void a_source_that_cannot_be_listed_is_an_error(void **state)
{
    (void)state;
    char *text;
    bt_error err;
    bt_data_options opt = bt_data_defaults();
    assert_int_equal(bt_data_info(&text, at(data, "nothing"), &opt, &err), BT_INVAL);
    assert_null(text);
    assert_non_null(strstr(err.text, "no such data set"));
}

static void unequal_classes_get_a_recommendation_with_its_numbers(void **state)
{
    (void)state;
    make_class(data, "train", "c", 18, 9, 9, 3); /* beside 4 of a and 2 of b */
    bti_json *o = info();
    const bti_json *u = bti_json_get(o, "imbalance"), *small = bti_json_get(u, "smallest");
    assert_true(bti_json_as_num(bti_json_get(u, "ratio"), 0) == 9);
    assert_string_equal(bti_json_as_str(bti_json_get(bti_json_get(u, "largest"), "class"), ""),
                        "c");
    assert_string_equal(bti_json_as_str(bti_json_get(small, "class"), ""), "b");
    assert_true(bti_json_as_num(bti_json_get(small, "balanced_weight"), 0) == 4); /* 24 / (3 * 2) */
    double gap = bti_json_as_num(bti_json_get(u, "logit_gap"), 0);
    assert_true(gap > 2.1972 && gap < 2.1973); /* ln 9 */
    assert_string_equal(bti_json_as_str(bti_json_get(u, "recommended"), ""), "logit_adjustment: 1");
    bti_json_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counts_balance_sizes_and_classes_are_told, fresh),
        cmocka_unit_test_setup(unequal_classes_get_a_recommendation_with_its_numbers, fresh),
        cmocka_unit_test_setup(unreadable_images_are_listed_with_reasons_however_many, fresh),
        cmocka_unit_test_setup(identical_images_are_found_across_and_within_splits, fresh),
        cmocka_unit_test_setup(idx_samples_are_named_by_place, fresh),
        cmocka_unit_test_setup(a_source_that_cannot_be_listed_is_an_error, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
