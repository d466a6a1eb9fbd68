/* SPDX-License-Identifier: Apache-2.0
 *
 * Data without a test split: a part is set aside, the same for everybody, whole groups of it; and
 * validation keeps groups whole as well.
 */
#include "make_data.h"

#include "data/dataset.h"

#include <string.h>

static char data[256], cache[256];
static bt_data_options opt;
static bt_error err;

/* root/{a,b}: clips of four frames each, and pictures without a clip. */
static int fresh(void **state)
{
    (void)state;
    char rel[64];
    snprintf(data, sizeof(data), "%s", test_tmp_dir());
    snprintf(cache, sizeof(cache), "%s", test_tmp_dir());
    for (int c = 0; c < 2; c++)
        for (int i = 0; i < 40; i++) {
            snprintf(rel, sizeof(rel), i < 32 ? "%c/clip%02d-%d.png" : "%c/still-%d%d.png", 'a' + c,
                     i / 4, i % 4);
            make_png(data, rel, 8, 8, 3, (uint32_t)(c * 100 + i));
        }
    opt = bt_data_defaults();
    opt.cache_dir = cache;
    opt.test_share = 0.2;
    return 0;
}

static bti_test_data *opened(bti_data **d)
{
    bti_test_data *t;
    assert_ok(bti_data_open(d, data, &opt, &err), &err);
    assert_ok(bti_test_open(&t, data, &opt, &err), &err);
    assert_ok(bti_test_name(t, data, &opt, &err), &err);
    return t;
}

static void a_fifth_of_each_class_is_set_aside_and_always_the_same(void **state)
{
    (void)state;
    bti_data *d, *again;
    bti_test_data *t = opened(&d), *u = opened(&again);
    assert_true(d->has_test && d->test_set_aside);
    assert_int_equal(d->train.n, 64);
    assert_int_equal(t->set.n, 16);
    int64_t ones = 0;
    for (int64_t i = 0; i < t->set.n; i++) {
        ones += t->set.labels[i];
        assert_int_equal(t->name[i][0], 'a' + t->set.labels[i]);
        assert_string_equal(t->name[i], u->name[i]);
    }
    assert_int_equal(ones, 8);
    assert_string_equal(d->key, again->key);
    bti_test_close(t);
    bti_test_close(u);
    bti_data_close(d);
    bti_data_close(again);
}

static void without_a_share_all_are_train(void **state)
{
    (void)state;
    bti_data *d;
    bti_test_data *t;
    opt.test_share = 0;
    assert_ok(bti_data_open(&d, data, &opt, &err), &err);
    assert_true(d->train.n == 80 && !d->has_test && !d->test_set_aside);
    assert_int_equal(bti_test_open(&t, data, &opt, &err), BT_INVAL);
    bti_data_close(d);
}

/* The clip of a name, or 0. */
static int clip_of(const char *name)
{
    const char *clip = strstr(name, "clip");
    return clip ? 1 + (int)strtol(clip + 4, NULL, 10) + 10 * (name[0] == 'b') : 0;
}

static void frames_of_a_clip_stay_in_one_split(void **state)
{
    (void)state;
    bti_data *d;
    bti_view train, val;
    int in_test[32] = {0}, of_group[128][2] = {{0}};
    opt.group_by = "(./clip[0-9]+)-";
    bti_test_data *t = opened(&d);
    for (int64_t i = 0; i < t->set.n; i++)
        in_test[clip_of(t->name[i])]++;
    for (int k = 1; k < 32; k++) /* whole or not at all */
        assert_true(in_test[k] == 0 || in_test[k] == 4);
    assert_in_range(t->set.n, 12, 20);

    assert_non_null(d->train.group);
    assert_ok(bti_data_split(d, NULL, "25%", 3, &train, &val, &err), &err);
    assert_int_equal(train.n + val.n, d->train.n);
    assert_in_range(val.n, 12, 20);
    for (int64_t i = 0; i < train.n; i++)
        of_group[d->train.group[train.index[i]]][0]++;
    for (int64_t i = 0; i < val.n; i++)
        of_group[d->train.group[val.index[i]]][1]++;
    int whole = 0;
    for (int g = 0; g < 128; g++) {
        assert_true(!of_group[g][0] || !of_group[g][1]);
        whole += of_group[g][0] + of_group[g][1] == 4;
    }
    assert_true(whole >= 12); /* clips that are not test */
    bti_view_release(&train);
    bti_view_release(&val);
    bti_test_close(t);
    bti_data_close(d);
}

static void another_rule_is_other_data(void **state)
{
    (void)state;
    bti_data *a, *b, *c;
    bti_test_close(opened(&a));
    opt.group_by = "clip[0-9]+";
    bti_test_close(opened(&b));
    opt.test_share = 0.3;
    bti_test_close(opened(&c));
    assert_string_not_equal(a->key, b->key);
    assert_string_not_equal(b->key, c->key);
    bti_data_close(a);
    bti_data_close(b);
    bti_data_close(c);
}

static void what_is_no_regular_expression_is_said_in_one_line(void **state)
{
    (void)state;
    bti_data *d;
    opt.group_by = "clip([0-9]+";
    assert_int_equal(bti_data_open(&d, data, &opt, &err), BT_INVAL);
    assert_string_equal(err.where, "group_by");
    assert_non_null(strstr(err.text, "clip([0-9]+"));
    assert_null(strchr(err.text, '\n'));
    opt.group_by = "^"; /* every name alike: all in one group */
    assert_int_equal(bti_data_open(&d, data, &opt, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "smaller groups"));
}

static void an_own_test_folder_is_left_alone(void **state)
{
    (void)state;
    bti_data *d;
    snprintf(data, sizeof(data), "%s", test_tmp_dir());
    make_class(data, "train", "a", 6, 9, 9, 3);
    make_class(data, "train", "b", 6, 9, 9, 3);
    make_class(data, "test", "a", 2, 9, 9, 3);
    bti_test_data *t = opened(&d);
    assert_true(d->has_test && !d->test_set_aside);
    assert_true(d->train.n == 12 && t->set.n == 2);
    assert_string_equal(t->name[1], "test/a/001.png");
    bti_test_close(t);
    bti_data_close(d);
}

static void a_look_tells_the_median_of_the_shorter_sides_of_what_trains(void **state)
{
    (void)state;
    bti_look look;
    assert_ok(bti_data_look(&look, data, &opt, &err), &err);
    assert_true(look.own_side == 8 && look.shorter_side == 8 && look.train == 64);
    snprintf(data, sizeof(data), "%s", test_tmp_dir());
    make_class(data, "train", "a", 3, 20, 9, 3);
    make_class(data, "train", "b", 4, 30, 50, 3);
    make_class(data, "test", "b", 9, 5, 5, 3);
    for (int i = 0; i < 2; i++) { /* from the headers, then from the cache */
        assert_ok(bti_data_look(&look, data, &opt, &err), &err);
        assert_true(look.own_side == 0 && look.shorter_side == 30 && look.train == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_fifth_of_each_class_is_set_aside_and_always_the_same, fresh),
        cmocka_unit_test_setup(without_a_share_all_are_train, fresh),
        cmocka_unit_test_setup(frames_of_a_clip_stay_in_one_split, fresh),
        cmocka_unit_test_setup(another_rule_is_other_data, fresh),
        cmocka_unit_test_setup(what_is_no_regular_expression_is_said_in_one_line, fresh),
        cmocka_unit_test_setup(a_look_tells_the_median_of_the_shorter_sides_of_what_trains, fresh),
        cmocka_unit_test_setup(an_own_test_folder_is_left_alone, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
