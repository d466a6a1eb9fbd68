/* SPDX-License-Identifier: Apache-2.0
 *
 * overhead SAMPLER TRIALS [brief]: median CPU milliseconds of ask + tell in memory once a study has
 * so many trials. 60 numbers and a cost that is free, or (brief) the networks of
 * examples/spaces/brief.yaml with their real cost.
 *
 * The first trials are random ones, marked as made by the portfolio's members in turn; then the
 * sampler is asked and told ASKS times, the last of which the median is of.
 */
#include "base/alloc.h"
#include "base/str.h"
#include "search/cost.h"
#include "spaces.h"
#include "study/sampler.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_NUMBERS 60
#define ASKS 61
#define FIRST 10 /* asks that are not counted */

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* Twelve blocks of five numbers each. */
static bti_space *numbers(bt_error *err)
{
    return numbers_space(
        N_NUMBERS / 5,
        "kernel: {float: [0.0, 1.0]}, expand: {float: [0.0, 1.0]}, "
        "out: {float: [0.0, 1.0]}, se: {float: [0.0, 1.0]}, hs: {float: [0.0, 1.0]}",
        err);
}

/* A number that identifies the point. */
static bt_status free_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    (void)user, (void)err;
    uint64_t h = 0;
    for (int i = 0; i < N_NUMBERS; i++) {
        double v = bti_value_num(rows->row[i / 5].arg[i % 5]);
        uint64_t bits;
        memcpy(&bits, &v, sizeof(bits));
        h = bti_seed_mix(h, bits);
    }
    *out = (bti_cost){.params = 1000};
    snprintf(out->hash, sizeof(out->hash), "%016llx", (unsigned long long)h);
    return BT_OK;
}

/* ZDT1 of the numbers (optuna_overhead.py has the same); of a network its size and something that
 * grows with it unevenly. */
static void evaluate(bool is_network, const bti_answer *a, double value[2])
{
    double sum = 0;
    for (int i = 1; i < a->point.n; i++)
        sum += a->point.param[i].value;
    if (is_network) {
        value[0] = 0.9 - 2 / log(a->cost.params + 10) + 0.02 * sin(sum);
        value[1] = a->cost.params;
        return;
    }
    double g = 1 + 9 * sum / (a->point.n - 1), x = a->point.param[0].value;
    value[0] = -x;
    value[1] = g * (1 - sqrt(x / g));
}

static bt_status tell(bti_trials *t, bool is_network, const bti_answer *a, const char *by,
                      bt_error *err)
{
    bti_trial one = {.id = t->n + 1, .number = t->n, .state = BTI_COMPLETE, .n_values = 2};
    bt_status rc = bti_trial_params(&one, a->point.n, err);
    for (int i = 0; i < one.n_params; i++) {
        one.param_name[i] = bti_strdup(a->point.param[i].name);
        one.param_value[i] = a->point.param[i].value;
    }
    evaluate(is_network, a, one.value);
    one.attrs = bti_json_object();
    bti_json_set_num(one.attrs, "params", a->cost.params);
    bti_json_set_num(one.attrs, "macs", a->cost.macs);
    bti_json_set_str(one.attrs, "key", a->key);
    bti_json_set_str(one.attrs, "sampler", by);
    if (!rc)
        rc = bti_trials_take(t, &one, err);
    bti_trial_release(&one);
    return rc;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bt_status measure(const bti_sampler_ops *ops, bti_ask ask, bti_trials *trials, int n,
                         bool is_network, bt_error *err)
{
    static const char *const members[] = {"evolution", "gp", "local"};
    double ms[ASKS];
    bti_answer *a = bti_calloc(1, sizeof(*a));
    bt_status rc = a ? BT_OK : BT_NOMEM;
    for (int i = 0; i < n && !rc; i++) {
        bti_rng rng = bti_rng_at(1, BTI_RNG_TEST, (uint32_t)i, 0, 0);
        ask.number = i;
        rc = bti_sampler_draw(&ask, &rng, -1, a, err);
        if (!rc)
            rc = tell(trials, is_network, a, members[i % 3], err);
    }
    for (int i = 0; i < ASKS && !rc; i++) {
        double start = cpu_ms();
        ask.number = trials->n;
        rc = bti_sampler_ask(ops, &ask, a, err);
        if (!rc)
            rc = tell(trials, is_network, a, a->by, err);
        ms[i] = cpu_ms() - start;
    }
    if (!rc) {
        qsort(ms + FIRST, ASKS - FIRST, sizeof(*ms), by_size);
        printf("%s %d %.3f %.3f\n", ops->name, n, ms[(FIRST + ASKS) / 2], ms[ASKS - 1]);
    }
    bti_free(a);
    return rc;
}

int main(int argc, char **argv)
{
    const bti_sampler_ops *ops;
    const char *params;
    bt_error err = {0};
    bti_trials trials = {0};
    bool is_network = argc == 4 && !strcmp(argv[3], "brief");
    if (argc < 3 || argc > 4 || (argc == 4 && !is_network)) {
        fprintf(stderr, "usage: overhead SAMPLER TRIALS [brief]\n");
        return 2;
    }
    bt_status rc = bti_sampler_find(&ops, argv[1], &params, &err);
    bti_space *space = rc ? NULL : is_network ? brief_space(NULL, &err) : numbers(&err);
    const bti_goals goals = {.n = 2,
                             .metric = {is_network ? BTI_METRIC_ACCURACY : BTI_METRIC_NONE,
                                        is_network ? BTI_METRIC_PARAMS : BTI_METRIC_NONE},
                             .maximize = {true, false}};
    if (space) {
        bti_ask ask = {.space = space,
                       .trials = &trials,
                       .goals = &goals,
                       .cost = is_network ? bti_graph_cost : free_cost,
                       .params = params,
                       .seed = 1,
                       .memo = bti_memo_new()};
        rc = measure(ops, ask, &trials, (int)strtol(argv[2], NULL, 10), is_network, &err);
        bti_memo_free(ask.memo);
    }
    if (rc || !space)
        fprintf(stderr, "overhead: %s: %s\n", err.where, err.text);
    bti_trials_release(&trials);
    bti_space_free(space);
    return rc || !space ? 1 : 0;
}
