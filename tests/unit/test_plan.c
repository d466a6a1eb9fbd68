/* SPDX-License-Identifier: Apache-2.0 */
#include "study_text.h"

#include "search/final.h"

#include <math.h>

static bt_error err;

/* n trials on a front: params 1000 * 2^i, each more accurate than the last, speed falling with
 * size. */
static void make_front(bti_trials *t, int n)
{
    for (int i = 0; i < n; i++)
        add_trial(t, 0.5 + 0.01 * i, 1000 * pow(2, i), 8000.0 / (1 + i));
}

static bool picks(const bti_plan *p, int trial)
{
    for (int i = 0; i < p->n; i++)
        if (p->pick[i].trial == trial)
            return true;
    return false;
}

static void a_small_front_is_trained_whole_and_the_slowest_first(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_plan p = {.round = 3};
    make_front(&t, 5);
    add_trial(&t, 0.1, 50000, 10); /* beaten: not picked */
    bti_plan_choose(&p, &t, BTI_PICKS_MAX);
    assert_int_equal(p.n, 5);
    assert_int_equal(p.round, 3);
    for (int i = 0; i < p.n; i++)
        assert_int_equal(p.pick[i].trial, 4 - i);
    assert_string_equal(p.pick[4].name, "m000-1k");
    bti_trials_release(&t);
}

static void a_large_front_gives_eight_picks_spread_over_its_sizes_with_both_ends(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_plan p = {0};
    make_front(&t, 22);
    bti_plan_choose(&p, &t, BTI_PICKS_MAX);
    assert_int_equal(p.n, BTI_PICKS_MAX);
    for (int i = 0; i < BTI_PICKS_MAX; i++) /* every third: equal steps in log(params) */
        assert_true(picks(&p, 3 * i));
    bti_trials_release(&t);
}

static void a_lopsided_front_still_gives_eight_different_picks(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_plan p = {0};
    for (int i = 0; i < 20; i++) /* all but one in a small corner */
        add_trial(&t, 0.5 + 0.01 * i, i < 19 ? 1000 + i : 1e6, 1000);
    bti_plan_choose(&p, &t, BTI_PICKS_MAX);
    assert_int_equal(p.n, BTI_PICKS_MAX);
    assert_true(picks(&p, 0) && picks(&p, 19));
    for (int i = 0; i < p.n; i++)
        for (int j = 0; j < i; j++)
            assert_int_not_equal(p.pick[i].trial, p.pick[j].trial);
    bti_trials_release(&t);
}

static void picks_of_three_objectives_hold_the_best_of_each(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_plan p = {0};
    t.goals = (bti_goals){.n = 3,
                          .metric = {BTI_METRIC_ACCURACY, BTI_METRIC_PARAMS, BTI_METRIC_LATENCY_MS},
                          .maximize = {true, false, false}};
    for (int i = 0; i < 20; i++) { /* the faster, the larger, the less accurate */
        bti_trial *one = add_trial(&t, 0.5 + 0.01 * (i % 7), 1000 + 100 * i, 1000);
        one->n_values = 3;
        one->value[2] = 5 - 0.1 * i;
    }
    t.trial[9].value[0] = 0.9;
    t.trial[12].value[2] = 0.5; /* faster than the largest */
    bti_plan_choose(&p, &t, 3);
    assert_int_equal(p.n, 3);
    assert_true(picks(&p, 0) && picks(&p, 9) && picks(&p, 12));
    bti_plan_choose(&p, &t, BTI_PICKS_LEAST);
    assert_int_equal(p.n, BTI_PICKS_LEAST);
    for (int i = 0; i < p.n; i++)
        for (int j = 0; j < i; j++)
            assert_int_not_equal(p.pick[i].trial, p.pick[j].trial);
    bti_trials_release(&t);
}

static void a_trial_that_somebody_else_told_is_no_pick(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_plan p = {0};
    make_front(&t, 2);
    bti_trial *told = add_trial(&t, 0.99, 5, 1);
    bti_json_set(told->attrs, "images_per_s", bti_json_null());
    bti_plan_choose(&p, &t, BTI_PICKS_MAX);
    assert_int_equal(p.n, 2); /* though it beats both */
    assert_true(picks(&p, 0) && picks(&p, 1));
    bti_trials_release(&t);
}

static void a_study_without_finished_trials_gives_no_picks(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_plan p = {0};
    bti_plan_choose(&p, &t, BTI_PICKS_MAX);
    assert_int_equal(p.n, 0);
    add_trial(&t, 0.5, 1000, 100)->state = BTI_FAIL;
    bti_plan_choose(&p, &t, BTI_PICKS_MAX);
    assert_int_equal(p.n, 0);
    bti_trials_release(&t);
}

static void a_front_of_one_is_filled_up_to_three_from_behind_it(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_plan p = {0};
    add_trial(&t, 1.0, 2000, 1000); /* beats all */
    add_trial(&t, 1.0, 9000, 1000); /* the front behind it: these two, and ... */
    add_trial(&t, 0.9, 3000, 1000);
    add_trial(&t, 0.8, 4000, 1000); /* ... behind that */
    add_trial(&t, 1.0, 2000, 1000); /* as large as the first: only when there is nothing else */
    bti_plan_make(&p, &t, 60, 2, 1000, 100);
    assert_int_equal(p.n, BTI_FRONT_LEAST);
    assert_true(picks(&p, 0) && picks(&p, 1) && picks(&p, 2));
    for (int i = 0; i < p.n; i++)
        assert_int_equal(p.pick[i].behind, p.pick[i].trial != 0);
    assert_int_equal(t.trial[0].state, BTI_COMPLETE);
    bti_trials_release(&t);

    add_trial(&t, 0.5, 2000, 1000); /* all there is */
    bti_plan_make(&p, &t, 60, 2, 1000, 100);
    assert_int_equal(p.n, 1);
    bti_trials_release(&t);
}

/* Plays the plan as workers do: the first that is free claims the next job. Images of each pick. */
static double play(const bti_plan *p, int workers, double seconds, int64_t n_test, double *images)
{
    double free_at[16] = {0}, last = 0;
    for (int i = 0; i < p->n; i++) {
        int w = 0;
        for (int k = 1; k < workers; k++)
            if (free_at[k] < free_at[w])
                w = k;
        double slot = p->pick[i].share * (seconds - free_at[w]);
        images[i] = (slot - p->pick[i].eval_s_per_image * (double)n_test) / p->pick[i].s_per_image;
        free_at[w] += slot;
        last = fmax(last, free_at[w]);
    }
    return last;
}

static void the_plan_fills_the_time_and_treats_picks_alike(void **state)
{
    (void)state;
    static const int workers[] = {1, 2, 3, 8, 12};
    bti_trials t = {0};
    bti_plan p = {0};
    make_front(&t, 22);
    bti_plan_choose(&p, &t, BTI_PICKS_MAX);
    for (int k = 0; k < 5; k++) {
        double images[BTI_PICKS_MAX], least = INFINITY, most = 0;
        bti_plan_fit(&p, 600, workers[k], 60000, 10000);
        double last = play(&p, workers[k], 600, 10000, images);
        assert_true(last <= 600 + 1e-6 && last > 599);
        for (int i = 0; i < p.n; i++) {
            assert_true(p.pick[i].share > 0 && p.pick[i].share <= 1);
            least = fmin(least, images[i]);
            most = fmax(most, images[i]);
        }
        assert_true(least > 0);
        if (workers[k] == 1) /* nobody is ever done early: all train on the same number */
            assert_true(most < 1.01 * least + 0.4 * 8000);
    }
    bti_trials_release(&t);
}

static void little_time_trains_fewer_models_for_longer(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_plan p = {0};
    make_front(&t, 22);
    bti_plan_make(&p, &t, 1e6, 2, 60000, 10000);
    assert_int_equal(p.n, BTI_PICKS_MAX);
    bti_plan_make(&p, &t, 60, 2, 60000, 10000);
    assert_int_equal(p.n, BTI_PICKS_LEAST);
    bool smallest = false, largest = false;
    for (int i = 0; i < p.n; i++) {
        smallest |= p.pick[i].trial == t.trial[0].number;
        largest |= p.pick[i].trial == t.trial[t.n - 1].number;
    }
    assert_true(smallest && largest);
    bti_trials_release(&t);
}

static void the_time_that_a_plan_can_use_ends_at_the_epoch_limit(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_plan p = {0};
    make_front(&t, 1); /* 8,000 images a second */
    bti_plan_choose(&p, &t, BTI_PICKS_MAX);
    double most = bti_plan_most_seconds(&p, 2, 8000, 0);
    assert_true(fabs(most - BTI_FINAL_EPOCHS_MAX) < 1);
    most = bti_plan_most_seconds(&p, 2, 32, 0); /* a tiny set: so many images all the same */
    assert_true(fabs(most - BTI_FINAL_IMAGES_LEAST / 8000.0) < 1);
    bti_trials_release(&t);
}

static void a_plan_survives_the_study_it_is_kept_in(void **state)
{
    (void)state;
    bti_trials t = {0};
    bti_plan p = {.round = 2}, q;
    bti_storage *st = memory_study();
    make_front(&t, 4);
    bti_plan_choose(&p, &t, BTI_PICKS_MAX);
    bti_plan_fit(&p, 60, 2, 1000, 100);
    assert_ok(bti_plan_save(&p, st, &err), &err);
    assert_ok(bti_plan_load(&q, st, &err), &err);
    assert_int_equal(q.round, 2);
    assert_int_equal(q.n, p.n);
    for (int i = 0; i < p.n; i++) {
        assert_int_equal(q.pick[i].trial, p.pick[i].trial);
        assert_string_equal(q.pick[i].name, p.pick[i].name);
        assert_true(q.pick[i].share == p.pick[i].share);
        assert_true(q.pick[i].s_per_image == p.pick[i].s_per_image);
    }
    bti_storage_close(st);
    bti_trials_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_front_is_trained_whole_and_the_slowest_first),
        cmocka_unit_test(a_large_front_gives_eight_picks_spread_over_its_sizes_with_both_ends),
        cmocka_unit_test(a_lopsided_front_still_gives_eight_different_picks),
        cmocka_unit_test(picks_of_three_objectives_hold_the_best_of_each),
        cmocka_unit_test(a_trial_that_somebody_else_told_is_no_pick),
        cmocka_unit_test(a_study_without_finished_trials_gives_no_picks),
        cmocka_unit_test(a_front_of_one_is_filled_up_to_three_from_behind_it),
        cmocka_unit_test(the_plan_fills_the_time_and_treats_picks_alike),
        cmocka_unit_test(little_time_trains_fewer_models_for_longer),
        cmocka_unit_test(the_time_that_a_plan_can_use_ends_at_the_epoch_limit),
        cmocka_unit_test(a_plan_survives_the_study_it_is_kept_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
