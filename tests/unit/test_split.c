/* SPDX-License-Identifier: Apache-2.0
 *
 * Training and validation samples: exact shares, the same for the same seed, never one in both.
 */
#include "support.h"

#include "base/alloc.h"
#include "data/dataset.h"

#include <stdio.h>
#include <string.h>

#define N 24000

static int32_t labels[N], val_labels[50];
static char name[4][2] = {"a", "b", "c", "d"};
static char *names[] = {name[0], name[1], name[2], name[3]};
static bti_data data;

/* n samples of 4 classes: half a, a quarter b, and c, d the rest, mixed. */
static void make(int64_t n, bool own_val)
{
    static const int pattern[8] = {0, 1, 0, 2, 0, 1, 0, 3};
    for (int64_t i = 0; i < n; i++)
        labels[i] = pattern[i % 8];
    for (int i = 0; i < 50; i++)
        val_labels[i] = i % 4;
    data = (bti_data){.classes = 4, .class_names = names};
    data.train = (bti_dataset){.n = n, .h = 1, .w = 1, .c = 1, .classes = 4, .labels = labels};
    data.val = (bti_dataset){
        .n = own_val ? 50 : 0, .h = 1, .w = 1, .c = 1, .classes = 4, .labels = val_labels};
}

static void split(const char *subset, const char *val, uint64_t seed, bti_view *t, bti_view *v)
{
    bt_error err;
    assert_ok(bti_data_split(&data, subset, val, seed, t, v, &err), &err);
}

static void release(bti_view *t, bti_view *v)
{
    bti_view_release(t);
    bti_view_release(v);
}

static int64_t count(const bti_view *v, int label)
{
    int64_t n = 0;
    for (int64_t i = 0; i < v->n; i++)
        n += v->set->labels[v->index[i]] == label;
    return n;
}

static void assert_counts(const bti_view *v, int64_t a, int64_t b, int64_t c, int64_t d)
{
    assert_int_equal(count(v, 0), a);
    assert_int_equal(count(v, 1), b);
    assert_int_equal(count(v, 2), c);
    assert_int_equal(count(v, 3), d);
}

static void automatic_validation_is_a_tenth_two_thousand_or_a_fifth(void **state)
{
    (void)state;
    bti_view t, v;
    make(24000, false);
    split(NULL, NULL, 0, &t, &v);
    assert_int_equal(v.n, 2400);
    assert_int_equal(t.n, 21600);
    release(&t, &v);
    make(16000, false);
    split("", "auto", 0, &t, &v);
    assert_int_equal(v.n, 2000);
    release(&t, &v);
    make(800, false);
    split(NULL, "auto", 0, &t, &v);
    assert_int_equal(v.n, 160);
    release(&t, &v);
    make(24000, false);
    split("800", "auto", 0, &t, &v); /* counted on the subset */
    assert_int_equal(v.n, 160);
    assert_int_equal(t.n, 640);
    release(&t, &v);
}

static void the_datas_own_validation_split_is_used_unless_another_is_asked_for(void **state)
{
    (void)state;
    bti_view t, v;
    make(800, true);
    split(NULL, NULL, 0, &t, &v);
    assert_true(v.set == &data.val && v.n == 50 && t.n == 800);
    release(&t, &v);
    split(NULL, "25%", 0, &t, &v);
    assert_true(v.set == &data.train && v.n == 200 && t.n == 600);
    release(&t, &v);
    split(NULL, "0", 0, &t, &v);
    assert_true(v.n == 0 && t.n == 800);
    release(&t, &v);
}

static void shares_are_exact_for_every_class(void **state)
{
    (void)state;
    bti_view t, v;
    make(800, false); /* 400 200 100 100 */
    split(NULL, "10%", 1, &t, &v);
    assert_counts(&v, 40, 20, 10, 10);
    assert_counts(&t, 360, 180, 90, 90);
    release(&t, &v);
    split(NULL, "0.1", 1, &t, &v);
    assert_counts(&v, 40, 20, 10, 10);
    release(&t, &v);
    split(NULL, "81", 1, &t,
          &v); /* 40.5 20.25 10.125 10.125: the largest remainder gets the odd one */
    assert_counts(&v, 41, 20, 10, 10);
    release(&t, &v);
    split("20%", "0", 1, &t, &v);
    assert_counts(&t, 80, 40, 20, 20);
    release(&t, &v);
    split("83", "0", 1, &t, &v); /* 41.5 20.75 10.375 10.375 */
    assert_counts(&t, 42, 21, 10, 10);
    release(&t, &v);
}

static void no_sample_is_in_both_and_all_are_used_and_ascending(void **state)
{
    (void)state;
    bti_view t, v;
    static uint8_t seen[N];
    make(8000, false);
    memset(seen, 0, sizeof(seen));
    split(NULL, "20%", 5, &t, &v);
    for (int k = 0; k < 2; k++) {
        const bti_view *w = k ? &v : &t;
        for (int64_t i = 0; i < w->n; i++) {
            assert_true(i == 0 || w->index[i] > w->index[i - 1]);
            assert_int_equal(seen[w->index[i]]++, 0);
        }
    }
    assert_int_equal(t.n + v.n, 8000);
    release(&t, &v);
}

static void the_seed_decides_and_the_same_seed_repeats(void **state)
{
    (void)state;
    bti_view t[3], v[3];
    make(8000, false);
    for (int i = 0; i < 3; i++)
        split("50%", "10%", i == 2 ? 8 : 7, &t[i], &v[i]);
    assert_memory_equal(t[0].index, t[1].index, (size_t)t[0].n * 4);
    assert_memory_equal(v[0].index, v[1].index, (size_t)v[0].n * 4);
    assert_memory_not_equal(v[0].index, v[2].index, (size_t)v[0].n * 4);
    for (int i = 0; i < 3; i++)
        release(&t[i], &v[i]);
}

static void a_larger_subset_contains_the_smaller_one(void **state)
{
    (void)state;
    bti_view small, large, v;
    static uint8_t in[N];
    make(8000, false);
    memset(in, 0, sizeof(in));
    split("800", "0", 3, &small, &v);
    bti_view_release(&v);
    split("4000", "0", 3, &large, &v);
    for (int64_t i = 0; i < large.n; i++)
        in[large.index[i]] = 1;
    for (int64_t i = 0; i < small.n; i++)
        assert_int_equal(in[small.index[i]], 1);
    release(&small, &large);
    bti_view_release(&v);
}

static void first_k_takes_each_class_in_name_order(void **state)
{
    (void)state;
    bti_view t, v;
    make(800, false);
    split("first:3", "0", 9, &t, &v);
    static const int32_t expected[] = {0, 1, 2, 3, 4, 5, 7, 9, 11, 15, 19, 23};
    assert_int_equal(t.n, 12);
    assert_memory_equal(t.index, expected, sizeof(expected));
    release(&t, &v);
    split("first:150", "0", 9, &t, &v);
    assert_counts(&t, 150, 150, 100, 100); /* all there are */
    release(&t, &v);
}

static void every_class_keeps_a_training_sample(void **state)
{
    (void)state;
    bti_view t, v;
    make(16, false); /* 8 4 2 2 */
    split(NULL, "12", 0, &t, &v);
    for (int c = 0; c < 4; c++)
        assert_true(count(&t, c) >= 1);
    assert_int_equal(v.n, 12);
    release(&t, &v);
}

static void anything_else_is_refused_with_the_expected_form(void **state)
{
    (void)state;
    static const struct {
        const char *subset, *val, *reason;
    } bad[] = {
        {"ten", NULL, "expected a count (10000)"},
        {"first:", NULL, "first:1000"},
        {"first:0", NULL, "first:1000"},
        {"-5", NULL, "expected a count"},
        {"0", NULL, "expected a count"},
        {"120%", NULL, "expected a count"},
        {"801", NULL, "more than the 800"},
        {"2", NULL, "without a training sample"},
        {NULL, "yes", "expected auto, 0, a share"},
        {NULL, "-1", "expected auto"},
        {NULL, "100%", "no training sample"},
        {NULL, "800", "no training sample"},
        {NULL, "1.5", "expected auto"},
        {NULL, "10 %", "expected auto"},
        {NULL, "nan", "expected auto"},
        {NULL, "%", "expected auto"},
    };
    make(800, false);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bti_view t, v;
        bt_error err = {0};
        if (bti_data_split(&data, bad[i].subset, bad[i].val, 0, &t, &v, &err) != BT_INVAL)
            fail_msg("subset \"%s\" val \"%s\" was accepted", bad[i].subset ? bad[i].subset : "",
                     bad[i].val ? bad[i].val : "");
        if (!strstr(err.text, bad[i].reason))
            fail_msg("\"%s\" does not contain \"%s\"", err.text, bad[i].reason);
        assert_true(!t.index && !v.index);
    }
}

static void folds_hold_every_sample_once_and_every_class_evenly(void **state)
{
    (void)state;
    static uint8_t seen[803];
    bti_view all, rest, held, again;
    bt_error err = {0};
    make(803, false);
    assert_ok(bti_view_all(&all, &data.train, &err), &err);
    memset(seen, 0, sizeof(seen));
    for (int k = 0; k < 5; k++) {
        assert_ok(bti_view_fold(&all, k, 5, 7, &rest, &held, &err), &err);
        assert_true(held.n >= 160 && held.n <= 161);
        assert_int_equal(rest.n + held.n, 803);
        for (int c = 0; c < 4; c++) { /* 401 or so, 201, 100, 100 over five folds */
            int64_t whole = count(&rest, c) + count(&held, c);
            assert_true(count(&held, c) >= whole / 5 && count(&held, c) <= whole / 5 + 1);
        }
        for (int64_t i = 0; i < held.n; i++)
            assert_int_equal(seen[held.index[i]]++, 0);
        release(&rest, &held);
    }
    for (int i = 0; i < 803; i++)
        assert_int_equal(seen[i], 1);
    assert_ok(bti_view_fold(&all, 0, 5, 7, &rest, &held, &err), &err);
    bti_view_release(&rest);
    assert_ok(bti_view_fold(&all, 0, 5, 8, &rest, &again, &err), &err);
    assert_memory_not_equal(held.index, again.index, (size_t)held.n * sizeof(int32_t));
    bti_view_release(&held);
    release(&rest, &again);
    bti_view_release(&all);
}

static void groups_stay_together_in_folds(void **state)
{
    (void)state;
    static int32_t group[800];
    bti_view all, rest, held;
    bt_error err = {0};
    make(800, false);
    for (int i = 0; i < 800; i++)
        group[i] = i / 10;
    data.train.group = group;
    assert_ok(bti_view_all(&all, &data.train, &err), &err);
    assert_ok(bti_view_fold(&all, 1, 4, 7, &rest, &held, &err), &err);
    for (int64_t i = 0; i < held.n; i++)
        for (int64_t k = 0; k < rest.n; k++)
            assert_true(group[held.index[i]] != group[rest.index[k]]);
    assert_int_equal(held.n % 10, 0);
    release(&rest, &held);
    for (int i = 0; i < 800; i++)
        group[i] = 0; /* one group is in one fold: a part is empty */
    assert_int_equal(bti_view_fold(&all, 0, 2, 7, &rest, &held, &err), BT_INVAL);
    assert_true(!rest.index && !held.index);
    bti_view_release(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(automatic_validation_is_a_tenth_two_thousand_or_a_fifth),
        cmocka_unit_test(the_datas_own_validation_split_is_used_unless_another_is_asked_for),
        cmocka_unit_test(shares_are_exact_for_every_class),
        cmocka_unit_test(no_sample_is_in_both_and_all_are_used_and_ascending),
        cmocka_unit_test(the_seed_decides_and_the_same_seed_repeats),
        cmocka_unit_test(a_larger_subset_contains_the_smaller_one),
        cmocka_unit_test(first_k_takes_each_class_in_name_order),
        cmocka_unit_test(folds_hold_every_sample_once_and_every_class_evenly),
        cmocka_unit_test(groups_stay_together_in_folds),
        cmocka_unit_test(every_class_keeps_a_training_sample),
        cmocka_unit_test(anything_else_is_refused_with_the_expected_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
