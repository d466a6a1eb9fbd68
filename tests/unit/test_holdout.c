/* SPDX-License-Identifier: Apache-2.0
 *
 * Holding out: small classes are not forgotten, groups are not torn.
 */
#include "support.h"

#include "data/holdout.h"

#include <string.h>

#define N 1000

static int32_t label[N], group[N];
static uint8_t mark[N];

static int64_t hold(int64_t n, int classes, bool grouped, int64_t k, uint64_t seed)
{
    bt_error err;
    const bti_pool pool = {n, classes, label, grouped ? group : NULL};
    int64_t held = 0;
    memset(mark, 0, sizeof(mark));
    assert_ok(bti_hold_out(mark, &pool, k, 1, seed, 1, &err), &err);
    for (int64_t i = 0; i < n; i++)
        held += mark[i];
    return held;
}

static int64_t held_of(int64_t n, int c)
{
    int64_t held = 0;
    for (int64_t i = 0; i < n; i++)
        held += mark[i] && label[i] == c;
    return held;
}

/* 900 of class 0, 90 of class 1, 10 of class 2. */
static void make_unequal(void)
{
    for (int i = 0; i < N; i++)
        label[i] = i < 900 ? 0 : i < 990 ? 1 : 2;
}

static void a_small_class_gives_two_and_a_pair_gives_one(void **state)
{
    (void)state;
    make_unequal();
    assert_int_equal(hold(N, 3, false, 50, 0), 50);
    assert_int_equal(held_of(N, 0), 43);
    assert_int_equal(held_of(N, 1), 5);
    assert_int_equal(held_of(N, 2), 2);

    for (int i = 0; i < 60; i++) /* 56 2 1 1 */
        label[i] = i < 56 ? 0 : i < 58 ? 1 : i - 56;
    assert_int_equal(hold(60, 4, false, 12, 0), 12);
    assert_int_equal(held_of(60, 1), 1);
    assert_int_equal(held_of(60, 2), 0); /* its only one trains */
    assert_int_equal(held_of(60, 3), 0);
}

static void too_few_for_all_small_classes_stay_proportional(void **state)
{
    (void)state;
    make_unequal();
    assert_int_equal(hold(N, 3, false, 3, 0), 3);
    assert_int_equal(held_of(N, 0), 3);
}

/* Groups of 1 to 9 samples, of one class each but for the first, which has two. */
static int32_t make_groups(void)
{
    int32_t g = 0;
    for (int i = 0; i < N;) {
        int size = 1 + (g * 7) % 9;
        for (int k = 0; k < size && i < N; k++, i++) {
            group[i] = g;
            label[i] = g == 0 ? k % 2 : g % 4 == 0 ? 1 : 0;
        }
        g++;
    }
    return g;
}

static void groups_are_whole_and_shares_near(void **state)
{
    (void)state;
    int32_t n_groups = make_groups();
    for (uint64_t seed = 0; seed < 20; seed++) {
        int64_t held = hold(N, 2, true, 200, seed), ones = 0;
        for (int i = 0; i < N; i++)
            ones += label[i];
        assert_in_range(held, 180, 220);
        assert_in_range(held_of(N, 1), ones / 5 - 12, ones / 5 + 12);
        for (int i = 1; i < N; i++)
            if (group[i] == group[i - 1])
                assert_int_equal(mark[i], mark[i - 1]);
    }
    assert_true(n_groups > 100);
}

static void a_class_in_two_groups_is_in_both_parts(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) { /* class 0: groups of ten; class 1: two groups of fifteen */
        label[i] = i >= 70;
        group[i] = i < 70 ? i / 10 : i < 85 ? 7 : 8;
    }
    for (uint64_t seed = 0; seed < 10; seed++) {
        hold(100, 2, true, 10, seed);
        assert_int_equal(held_of(100, 1), 15);
        assert_true(held_of(100, 0) <= 10);
    }
}

static void one_group_for_all_of_a_class_stays_in_training(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        label[i] = i >= 50;
        group[i] = i < 50 ? 0 : i;
    }
    hold(100, 2, true, 20, 0);
    assert_int_equal(held_of(100, 0), 0);
    assert_int_equal(held_of(100, 1), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_class_gives_two_and_a_pair_gives_one),
        cmocka_unit_test(too_few_for_all_small_classes_stay_proportional),
        cmocka_unit_test(groups_are_whole_and_shares_near),
        cmocka_unit_test(a_class_in_two_groups_is_in_both_parts),
        cmocka_unit_test(one_group_for_all_of_a_class_stays_in_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
