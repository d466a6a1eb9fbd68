/* SPDX-License-Identifier: Apache-2.0
 *
 * The space auto: every size and width is a space whose networks train, and whose maps end small.
 */
#include "support.h"

#include "bantam/train.h"
#include "base/alloc.h"
#include "search/auto_space.h"
#include "search/cost.h"
#include "search/lab.h"

#include <string.h>

static bti_space *parsed(const bti_auto_space *a)
{
    bt_error err;
    char *text;
    bti_space *s;
    const bti_space_vars vars = {.classes = 7, .size = a->size, .channels = 3};
    assert_ok(bti_auto_space_text(&text, a, &err), &err);
    assert_true(bti_is_auto_text(text));
    assert_ok(bti_space_parse(&s, text, strlen(text), "auto", &vars, &err), &err);
    bti_free(text);
    return s;
}

static void draw(const bti_space *s, int i, bti_point *p, bti_cost *cost)
{
    bt_error err;
    bti_rows rows;
    bti_arena arena = {0};
    bti_rng rng = bti_rng_at(0, BTI_RNG_TEST, 0, (uint32_t)i, 0);
    bti_space_draw(s, &rng, p);
    assert_ok(bti_space_rows(s, p, &rows, &arena, &err), &err);
    assert_ok(bti_graph_cost(NULL, &rows, cost, &err), &err);
    bti_arena_release(&arena);
}

static void every_draw_is_a_network_whose_last_map_is_small(void **state)
{
    (void)state;
    static const int sizes[][3] = {{28, 7, 14}, {32, 4, 8},  {48, 3, 6}, {64, 4, 8},
                                   {96, 6, 6},  {128, 8, 8}, {224, 7, 7}};
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
        for (int w = 0; bti_auto_widths[w] > 0; w++) {
            bti_auto_space a = bti_auto_space_of(sizes[k][0]);
            a.width = bti_auto_widths[w];
            a.max_macs = 0;
            bti_space *s = parsed(&a);
            bti_constraints limits = bti_space_constraints(s);
            int feasible = 0;
            for (int i = 0; i < 20; i++) {
                bti_point p;
                bti_cost cost;
                draw(s, i, &p, &cost);
                if (bti_constraints_hold(&limits, &cost)) {
                    assert_in_range(cost.out_h, sizes[k][1], sizes[k][2]);
                    feasible++;
                }
            }
            assert_true(feasible >= 10);
            bti_space_free(s);
        }
}

static double mean_macs(double width)
{
    double sum = 0;
    bti_auto_space a = bti_auto_space_of(32);
    a.width = width;
    bti_space *s = parsed(&a);
    for (int i = 0; i < 100; i++) {
        bti_point p;
        bti_cost cost;
        draw(s, i, &p, &cost);
        sum += cost.macs / 100;
    }
    bti_space_free(s);
    return sum;
}

static void wider_spaces_hold_costlier_networks(void **state)
{
    (void)state;
    for (int w = 1; bti_auto_widths[w] > 0; w++)
        assert_true(mean_macs(bti_auto_widths[w]) > 1.2 * mean_macs(bti_auto_widths[w - 1]));
}

static void what_is_chosen_for_the_data_reaches_recipe_limits_and_goals(void **state)
{
    (void)state;
    bt_error err;
    bt_recipe r;
    bti_point p;
    bti_cost cost;
    const bti_objective *goal;
    bti_auto_space a = bti_auto_space_of(64);
    a.batch = 32;
    a.max_macs = 3e6;
    a.unequal = true;
    a.passes = 1;
    bti_space *s = parsed(&a);
    draw(s, 0, &p, &cost);
    assert_ok(bti_point_recipe(s, &p, 5, &r, &err), &err);
    assert_int_equal(r.batch, 32);
    assert_true(r.lr == 0.025);
    assert_string_equal(r.class_weights, "balanced");
    assert_null(strstr(r.augment, "randaugment"));
    assert_true(bti_space_constraints(s).macs.hi == 3e6);
    assert_int_equal(bti_space_objectives(s, &goal), 2);
    assert_string_equal(goal[0].metric, "balanced_accuracy");
    bti_space_free(s);

    a = bti_auto_space_of(64); /* ten passes: the search decides on strong augmentation */
    s = parsed(&a);
    bool with = false, without = false;
    for (int i = 0; i < 20; i++) {
        draw(s, i, &p, &cost);
        assert_ok(bti_point_recipe(s, &p, 5, &r, &err), &err);
        with |= strstr(r.augment, "randaugment") != NULL;
        without |= strstr(r.augment, "randaugment") == NULL;
    }
    assert_true(with && without);
    bti_space_objectives(s, &goal);
    assert_string_equal(goal[0].metric, "accuracy");
    bti_space_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_draw_is_a_network_whose_last_map_is_small),
        cmocka_unit_test(wider_spaces_hold_costlier_networks),
        cmocka_unit_test(what_is_chosen_for_the_data_reaches_recipe_limits_and_goals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
