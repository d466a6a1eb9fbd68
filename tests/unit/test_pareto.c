/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "study/study.h"

#include <math.h>
#include <stdlib.h>

static const bool up_down[2] = {true, false}; /* accuracy up, params down */
static const bool all_down[3];

static void points_on_the_front_have_rank_zero_and_the_next_front_rank_one(void **state)
{
    (void)state;
    /*           0 best big   1 small      2 between    3 worse than 2  4 worse than 3 and all */
    const double v[] = {0.9, 100, 0.5, 10, 0.8, 50, 0.7, 60, 0.6, 120};
    int rank[5];
    bti_pareto_rank(v, 5, 2, up_down, rank);
    const int expected[5] = {0, 0, 0, 1, 2};
    for (int i = 0; i < 5; i++)
        assert_int_equal(rank[i], expected[i]);
}

static void equal_points_share_a_rank_and_equal_accuracy_favours_the_smaller(void **state)
{
    (void)state;
    const double v[] = {0.9, 100, 0.9, 100, 0.9, 90, 0.8, 90};
    int rank[4];
    bti_pareto_rank(v, 4, 2, up_down, rank);
    assert_int_equal(rank[2], 0);
    assert_int_equal(rank[0], 1);
    assert_int_equal(rank[1], 1);
    assert_int_equal(rank[3], 1); /* 0.9 at 90 beats it; 0.9 at 100 does not */
}

static void a_value_that_is_not_a_number_is_worst(void **state)
{
    (void)state;
    const double v[] = {NAN, 10, 0.1, 10, NAN, 5};
    int rank[3];
    bti_pareto_rank(v, 3, 2, up_down, rank);
    assert_int_equal(rank[1], 0);
    assert_int_equal(rank[2], 0); /* the smallest of all */
    assert_int_equal(rank[0], 1);
}

/* The definition: rank = 1 + the largest rank among those that dominate. */
static int rank_by_definition(const double *v, int n, int m, int i, int *memo)
{
    int rank = 0;
    if (memo[i] >= 0)
        return memo[i];
    for (int k = 0; k < n; k++) {
        bool no_worse = true, better = false;
        for (int j = 0; j < m; j++) {
            no_worse = no_worse && v[k * m + j] <= v[i * m + j];
            better = better || v[k * m + j] < v[i * m + j];
        }
        if (no_worse && better) {
            int r = rank_by_definition(v, n, m, k, memo) + 1;
            rank = r > rank ? r : rank;
        }
    }
    return memo[i] = rank;
}

static void ranks_of_random_points_follow_the_definition_with_and_without_memory(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int m = 1; m <= 3; m++) {
        for (int round = 0; round < 30; round++) {
            double v[40 * 3];
            int rank[40], peeled[40], memo[40];
            for (int i = 0; i < 40; i++)
                memo[i] = -1;
            for (int i = 0; i < 40 * m; i++) {
                seed = seed * 1664525u + 1013904223u;
                v[i] = (double)((seed >> 16) % 12); /* few values: many ties */
            }
            bti_pareto_rank(v, 40, m, all_down, rank);
            bti_alloc_fail_at(1);
            bti_pareto_rank(v, 40, m, all_down, peeled);
            bti_alloc_fail_at(0);
            for (int i = 0; i < 40; i++) {
                assert_int_equal(rank[i], rank_by_definition(v, 40, m, i, memo));
                assert_int_equal(peeled[i], rank[i]);
            }
        }
    }
}

static void crowding_is_the_half_perimeter_of_the_box_between_neighbours(void **state)
{
    (void)state;
    /* One front along two objectives of range 10 and 100, and one lone point behind it. */
    const double v[] = {0, 100, 2, 50, 5, 30, 10, 0, 20, 200};
    const int rank[] = {0, 0, 0, 0, 1};
    double crowd[5];
    bti_crowding(v, 5, 2, rank, crowd);
    assert_true(isinf(crowd[0]) && isinf(crowd[3]) && isinf(crowd[4]));
    assert_true(fabs(crowd[1] - (5.0 / 10 + 70.0 / 100)) < 1e-12);
    assert_true(fabs(crowd[2] - (8.0 / 10 + 50.0 / 100)) < 1e-12);
}

static void equal_points_are_crowded(void **state)
{
    (void)state;
    const double v[] = {0, 4, 1, 1, 1, 1, 1, 1, 4, 0};
    const int rank[] = {0, 0, 0, 0, 0};
    double crowd[5];
    bti_crowding(v, 5, 2, rank, crowd);
    double least = fmin(crowd[1], fmin(crowd[2], crowd[3]));
    assert_true(least == 0);
}

/* By objective j, then j + 1, ... of a circle. */
static bool is_before(const double *v, int m, int j, int a, int b)
{
    for (int k = 0; k < m; k++) {
        double x = v[a * m + (j + k) % m], y = v[b * m + (j + k) % m];
        if (x != y)
            return x < y;
    }
    return false;
}

/* Sorted once along each objective: the same ranks and crowding as without. */
static void points_in_order_already_get_the_same_ranks_and_crowding(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 60; round++) {
        bti_rng rng = bti_rng_at(5, BTI_RNG_TEST, round, 0, 0);
        int m = 1 + (int)(round % 3), n = (int)bti_rng_below(&rng, 41);
        int rank[40], again[40], sorted[3 * 40], scratch[2 * 40 + 1], last = -1;
        double v[40 * 3], crowd[40], crowd_again[40];
        for (int i = 0; i < n * m; i++)
            v[i] = bti_rng_below(&rng, round % 2 ? 12 : 1 << 30);
        bti_pareto_rank(v, n, m, all_down, rank);
        bti_crowding(v, n, m, rank, crowd);
        for (int j = 0; j < m; j++)
            for (int i = 0; i < n; i++) {
                int to = i;
                for (; to > 0 && is_before(v, m, j, i, sorted[j * 40 + to - 1]); to--)
                    sorted[j * 40 + to] = sorted[j * 40 + to - 1];
                sorted[j * 40 + to] = i;
            }
        int fronts = bti_pareto_sorted(v, m, sorted, n, 40, again, crowd_again, scratch);
        for (int i = 0; i < n; i++) {
            assert_int_equal(again[i], rank[i]);
            assert_true(crowd_again[i] == crowd[i]);
            last = rank[i] > last ? rank[i] : last;
        }
        assert_int_equal(fronts, last + 1);
    }
}

static void hypervolume_is_the_area_under_the_stairs(void **state)
{
    (void)state;
    const double ref[2] = {10, 10};
    const double v[] = {2, 6, 4, 3, 7, 1, /* dominated: */ 5, 5, 2, 6, /* outside: */ 11, 0, 3, 10};
    /* (10-2)(10-6) + (10-4)(6-3) + (10-7)(3-1) = 32 + 18 + 6 */
    assert_true(bti_hypervolume(v, 7, 2, ref) == 56);
    assert_true(bti_hypervolume(v, 1, 2, ref) == 32);
    assert_true(bti_hypervolume(v, 0, 2, ref) == 0);
}

/* What the definition says, cell by cell of a grid: values are whole numbers below `side`. */
static double counted_cells(const double *v, int n, int m, int side)
{
    int cells = 1, volume = 0;
    for (int j = 0; j < m; j++)
        cells *= side;
    for (int c = 0; c < cells; c++) {
        bool dominated = false;
        for (int i = 0; i < n && !dominated; i++) {
            int rest = c;
            dominated = true;
            for (int j = 0; j < m; j++, rest /= side)
                dominated = dominated && v[i * m + j] <= rest % side;
        }
        volume += dominated;
    }
    return volume;
}

static void hypervolume_of_three_and_four_objectives_is_what_counting_gives(void **state)
{
    (void)state;
    static const double ref[4] = {9, 9, 9, 9};
    double v[24 * 4];
    for (uint32_t round = 0; round < 60; round++) {
        bti_rng rng = bti_rng_at(3, BTI_RNG_TEST, round, 0, 0);
        int m = 1 + (int)(round % 4), n = (int)bti_rng_below(&rng, 24);
        for (int i = 0; i < n * m; i++) /* some on the reference: they count for nothing */
            v[i] = bti_rng_below(&rng, 10);
        assert_true(bti_hypervolume(v, n, m, ref) == counted_cells(v, n, m, 9));
        if (n > 0) /* the last of them added what it alone covers */
            assert_true(bti_hypervolume_gain(v, n - 1, m, ref, v + (n - 1) * m) ==
                        counted_cells(v, n, m, 9) - counted_cells(v, n - 1, m, 9));
    }
}

static void nothing_to_rank_is_fine(void **state)
{
    (void)state;
    bti_pareto_rank(NULL, 0, 2, up_down, NULL);
    bti_crowding(NULL, 0, 2, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_on_the_front_have_rank_zero_and_the_next_front_rank_one),
        cmocka_unit_test(equal_points_share_a_rank_and_equal_accuracy_favours_the_smaller),
        cmocka_unit_test(a_value_that_is_not_a_number_is_worst),
        cmocka_unit_test(ranks_of_random_points_follow_the_definition_with_and_without_memory),
        cmocka_unit_test(crowding_is_the_half_perimeter_of_the_box_between_neighbours),
        cmocka_unit_test(equal_points_are_crowded),
        cmocka_unit_test(points_in_order_already_get_the_same_ranks_and_crowding),
        cmocka_unit_test(hypervolume_is_the_area_under_the_stairs),
        cmocka_unit_test(hypervolume_of_three_and_four_objectives_is_what_counting_gives),
        cmocka_unit_test(nothing_to_rank_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
