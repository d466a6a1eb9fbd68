/* SPDX-License-Identifier: Apache-2.0
 *
 * Pruners: rungs, and who goes on, against a slow reference.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "study/pruner.h"

#include <math.h>

static const bti_goals goals = {
    .n = 2, .metric = {BTI_METRIC_ACCURACY, BTI_METRIC_PARAMS}, .maximize = {true, false}};

static void add(bti_trials *t, int epochs, double accuracy, double params)
{
    bt_error err = {0};
    bti_trial one = {.id = t->n + 1, .number = t->n, .state = BTI_RUNNING};
    bti_json *rungs = bti_json_array(), *row = bti_json_array();
    bti_json_append(row, bti_json_int(epochs));
    bti_json_append(row, bti_json_num(accuracy));
    bti_json_append(rungs, row);
    one.attrs = bti_json_object();
    bti_json_set(one.attrs, "rungs", rungs);
    bti_json_set_num(one.attrs, "params", params);
    assert_ok(bti_trials_take(t, &one, &err), &err);
}

static bool stops(const char *spec, const bti_trials *t, int epochs, double accuracy, double params)
{
    const bti_pruner_ops *ops;
    const char *options;
    bool stop;
    bt_error err = {0};
    const double value[] = {accuracy, params};
    assert_ok(bti_pruner_find(&ops, spec, &options, &err), &err);
    const bti_prune_ask ask = {.trials = t,
                               .goals = &goals,
                               .number = t->n,
                               .epochs = epochs,
                               .value = value,
                               .params = options};
    assert_ok(ops->ask(&ask, &stop, &err), &err);
    return stop;
}

static void rungs_are_powers_of_eta_below_the_end(void **state)
{
    (void)state;
    int rung[BTI_RUNGS_MAX];
    assert_int_equal(bti_geometric_rungs(27, 3, 1, rung), 3);
    assert_true(rung[0] == 1 && rung[1] == 3 && rung[2] == 9);
    assert_int_equal(bti_geometric_rungs(9, 3, 2, rung), 1);
    assert_int_equal(rung[0], 3);
    assert_int_equal(bti_geometric_rungs(2, 3, 1, rung), 0);
    assert_int_equal(bti_geometric_rungs(1, 3, 1, rung), 0);
}

typedef enum verdict { GOES_ON, STOPS, TIE } verdict;

/* The same in the slowest way: ranks by counting who dominates whom, front by front. Ties in rank
 * are decided by crowding, which this does not know. */
static verdict reference(const double (*p)[2], int n, double eta)
{
    int rank[64], better = 0;
    for (int i = 0; i < n; i++)
        rank[i] = -1;
    for (int front = 0, left = n; left > 0; front++) {
        int chosen[64], m = 0;
        for (int i = 0; i < n; i++) {
            bool beaten = rank[i] >= 0;
            for (int k = 0; k < n && !beaten; k++)
                beaten = rank[k] < 0 && p[k][0] >= p[i][0] && p[k][1] <= p[i][1] &&
                         (p[k][0] > p[i][0] || p[k][1] < p[i][1]);
            if (!beaten)
                chosen[m++] = i;
        }
        for (int i = 0; i < m; i++)
            rank[chosen[i]] = front;
        left -= m;
    }
    for (int i = 1; i < n; i++)
        better += rank[i] < rank[0];
    int equal = 0, allowed = (int)ceil(n / eta);
    for (int i = 1; i < n; i++)
        equal += rank[i] == rank[0];
    return better >= allowed ? STOPS : better + equal < allowed ? GOES_ON : TIE;
}

static void asha_stops_whoever_ranks_behind_the_best_third(void **state)
{
    (void)state;
    int seen[3] = {0};
    for (uint32_t seed = 0; seed < 60; seed++) {
        bti_rng rng = bti_rng_at(seed, BTI_RNG_TEST, 0, 0, 0);
        bti_trials t = {0};
        double p[32][2];
        int n = 4 + (int)bti_rng_below(&rng, 24);
        for (int i = 0; i < n; i++) {
            p[i][0] = bti_rng_unit(&rng);
            p[i][1] = 1000 + floor(1e5 * bti_rng_unit(&rng));
            if (i)
                add(&t, 3, p[i][0], p[i][1]);
        }
        bool stop = stops("asha", &t, 3, p[0][0], p[0][1]);
        verdict right = reference(p, n, 3);
        if (right != TIE)
            assert_int_equal(stop, right == STOPS);
        seen[right]++;
        bti_trials_release(&t);
    }
    assert_true(seen[STOPS] > 10 && seen[STOPS] < 50 && seen[GOES_ON] > 5);
}

/* ---- hyperband ---- */
static const int rungs3[] = {1, 3, 9};

static bool hyperband_stops(const bti_trials *t, int number, int epochs, double accuracy,
                            double params)
{
    bool stop;
    bt_error err = {0};
    const double value[] = {accuracy, params};
    const bti_prune_ask ask = {.trials = t,
                               .goals = &goals,
                               .number = number,
                               .epochs = epochs,
                               .rung = rungs3,
                               .n_rungs = 3,
                               .value = value};
    assert_ok(bti_pruner_hyperband.ask(&ask, &stop, &err), &err);
    return stop;
}

/* The worst of all at each rung is stopped from its bracket's first rung on: that tells which it
 * is. */
static int bracket_seen(const bti_trials *crowd, int number)
{
    int s = 0;
    while (s < 3 && !hyperband_stops(crowd, number, rungs3[s], 0, 1e9))
        s++;
    for (int later = s; later < 3; later++)
        assert_true(hyperband_stops(crowd, number, rungs3[later], 0, 1e9));
    return s;
}

static void at_all_rungs(bti_trials *t, int number)
{
    bti_json *rungs = bti_json_array();
    add(t, 1, 0.5 + 1e-4 * number, 1000 + number);
    for (int i = 0; i < 3; i++) {
        bti_json *row = bti_json_array();
        bti_json_append(row, bti_json_int(rungs3[i]));
        bti_json_append(row, bti_json_num(0.5 + 1e-4 * number));
        bti_json_append(rungs, row);
    }
    bti_json_set(t->trial[t->n - 1].attrs, "rungs", rungs);
}

static void brackets_share_the_trials_as_hyperband_says_and_judge_their_own(void **state)
{
    (void)state;
    bti_trials crowd = {0}, t = {0};
    int count[4] = {0}, seen[3] = {0}, bracket[1000];
    for (int i = 0; i < 200; i++)
        at_all_rungs(&crowd, i);
    for (int i = 0; i < 1000; i++)
        count[bracket[i] = bracket_seen(&crowd, i)]++;
    const double share[] = {27, 12, 6, 4}; /* ceil(4 * 3^s / (s + 1)), s = 3, 2, 1, 0 */
    for (int s = 0; s < 4; s++)
        assert_true(fabs(count[s] - 1000 * share[s] / 49) < 50);
    for (uint32_t seed = 0; seed < 60; seed++) {
        bti_rng rng = bti_rng_at(seed, BTI_RNG_TEST, 1, 0, 0);
        double p[64][2];
        int own = 40, n = 1;
        while (bracket[own] != 0)
            own++;
        for (int i = 0; i < 40; i++) {
            double a = bti_rng_unit(&rng), c = 1000 + floor(1e5 * bti_rng_unit(&rng));
            add(&t, 1, a, c);
            if (bracket[i] != 0)
                continue;
            p[n][0] = a;
            p[n++][1] = c;
        }
        p[0][0] = bti_rng_unit(&rng);
        p[0][1] = 1000 + floor(1e5 * bti_rng_unit(&rng));
        verdict right = reference(p, n, 3);
        bool stop = hyperband_stops(&t, own, 1, p[0][0], p[0][1]);
        if (right != TIE)
            assert_int_equal(stop, right == STOPS);
        seen[right]++;
        bti_trials_release(&t);
    }
    assert_true(seen[STOPS] > 10 && seen[GOES_ON] > 5);
    bti_trials_release(&crowd);
}

static void the_first_at_a_rung_go_on_and_the_front_always_does(void **state)
{
    (void)state;
    bti_trials t = {0};
    assert_false(stops("asha", &t, 3, 0.1, 1e6));
    add(&t, 3, 0.5, 1e4);
    assert_false(stops("asha", &t, 3, 0.1, 1e6)); /* two so far: fewer than eta */
    add(&t, 3, 0.6, 2e4);
    add(&t, 3, 0.7, 3e4);
    assert_true(stops("asha", &t, 3, 0.1, 1e6));
    assert_false(stops("asha", &t, 3, 0.9, 1e5)); /* the new best */
    assert_false(stops("asha", &t, 3, 0.2, 1e3)); /* the smallest: at the end of the front */
    assert_false(stops("asha", &t, 9, 0.1, 1e6)); /* nobody was at that rung */
    bti_trials_release(&t);
}

static void the_median_is_that_of_trials_at_comparable_cost(void **state)
{
    (void)state;
    bti_trials t = {0};
    for (int i = 0; i < 6; i++) {
        add(&t, 2, 0.30 + 0.02 * i, 1000 + i);
        add(&t, 2, 0.80 + 0.02 * i, 1e6 + i);
    }
    assert_false(stops("median", &t, 2, 0.37, 1000)); /* good for its size, below all large ones */
    assert_true(stops("median", &t, 2, 0.37, 1e6));
    assert_true(stops("median", &t, 2, 0.31, 1000));
    bti_trials_release(&t);
}

static void names_and_options_are_checked(void **state)
{
    (void)state;
    const bti_pruner_ops *ops;
    const char *params;
    int rung[BTI_RUNGS_MAX], n;
    bt_error err = {0};
    assert_int_equal(bti_pruner_find(&ops, "ahsa", &params, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "did you mean 'asha'?"));
    assert_ok(bti_pruner_find(&ops, NULL, &params, &err), &err);
    assert_string_equal(ops->name, "none");
    assert_ok(bti_pruner_find(&ops, "asha:eta=2", &params, &err), &err);
    assert_ok(ops->rungs(params, 8, rung, &n, &err), &err);
    assert_true(n == 3 && rung[0] == 1 && rung[1] == 2 && rung[2] == 4);
    assert_int_equal(ops->rungs("eta=1", 8, rung, &n, &err), BT_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rungs_are_powers_of_eta_below_the_end),
        cmocka_unit_test(asha_stops_whoever_ranks_behind_the_best_third),
        cmocka_unit_test(brackets_share_the_trials_as_hyperband_says_and_judge_their_own),
        cmocka_unit_test(the_first_at_a_rung_go_on_and_the_front_always_does),
        cmocka_unit_test(the_median_is_that_of_trials_at_comparable_cost),
        cmocka_unit_test(names_and_options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
