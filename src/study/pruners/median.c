/* SPDX-License-Identifier: Apache-2.0
 *
 * Median rule (Golovin et al., "Google Vizier", KDD 2017): a trial stops if it is worse at a rung
 * than the median of the trials at comparable cost, the half of them nearest in the logarithm of
 * the first cost objective.
 */
#include "study/pruner.h"

#include "base/alloc.h"
#include "base/error.h"
#include "study/sampler.h"

#include <math.h>

typedef struct options {
    double warmup, every;
} options;

typedef struct peer {
    double away, value;
} peer;

static bt_status read_options(options *o, const char *params, bt_error *err)
{
    *o = (options){.warmup = 8, .every = 2};
    const bti_sampler_option known[] = {{"warmup", &o->warmup, 1, 1e6},
                                        {"eta", &o->every, 1.5, 100}};
    return bti_sampler_options(params, "median", known, 2, err);
}

static bt_status median_rungs(const char *params, int epochs, int rung[BTI_RUNGS_MAX], int *n,
                              bt_error *err)
{
    options o;
    bt_status rc = read_options(&o, params, err);
    *n = rc ? 0 : bti_geometric_rungs(epochs, o.every, 1, rung);
    return rc;
}

static int by_distance(const void *a, const void *b)
{
    double x = ((const peer *)a)->away, y = ((const peer *)b)->away;
    return (x > y) - (x < y);
}

static int by_value(const void *a, const void *b)
{
    double x = ((const peer *)a)->value, y = ((const peer *)b)->value;
    return (x > y) - (x < y);
}

static int gather(const bti_prune_ask *ask, int cost, peer *out)
{
    const bti_goals *g = ask->goals;
    int n = 0;
    for (int i = 0; i < ask->trials->n; i++) {
        const bti_trial *t = &ask->trials->trial[i];
        double v = bti_rung_value(t, ask->epochs);
        if (t->number == ask->number || isnan(v))
            continue;
        double c = cost < 0 ? 0 : bti_trial_metric(g, t, g->metric[cost]);
        double away = cost < 0 ? 0 : fabs(log1p(c) - log1p(ask->value[cost]));
        out[n++] = (peer){isnan(away) ? INFINITY : away, g->maximize[0] ? v : -v};
    }
    return n;
}

static bt_status median_ask(const bti_prune_ask *ask, bool *stop, bt_error *err)
{
    options o;
    peer *p = bti_array((size_t)ask->trials->n + 1, sizeof(*p));
    bt_status rc = read_options(&o, ask->params, err);
    *stop = false;
    if (!rc && !p)
        rc = bti_fail_nomem(err);
    int n = rc ? 0 : gather(ask, bti_goals_cost(ask->goals), p);
    if (!rc && n >= o.warmup) {
        qsort(p, (size_t)n, sizeof(*p), by_distance);
        int near = (n + 1) / 2;
        qsort(p, (size_t)near, sizeof(*p), by_value);
        double median =
            near % 2 ? p[near / 2].value : 0.5 * (p[near / 2 - 1].value + p[near / 2].value);
        *stop = (ask->goals->maximize[0] ? ask->value[0] : -ask->value[0]) < median;
    }
    bti_free(p);
    return rc;
}

const bti_pruner_ops bti_pruner_median = {
    .name = "median",
    .help = "stop below the median of trials at comparable cost (Golovin et al. 2017)",
    .cost = 0.65, /* half end early */
    .rungs = median_rungs,
    .ask = median_ask,
};
