/* SPDX-License-Identifier: Apache-2.0
 *
 * Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter
 * tuning", MLSys 2020) in its stopping form (Salinas et al., "Syne Tune", AutoML 2022): at a rung a
 * trial goes on if it is among the best 1/eta of all that have been there so far; nobody waits, and
 * who goes on has lost nothing. With several objectives the best are those of smaller
 * non-domination rank, then of wider crowding (Schmucker et al., "Multi-objective asynchronous
 * successive halving", 2021); costs known before training enter as they are.
 */
#include "study/pruner.h"

#include "base/alloc.h"
#include "base/error.h"
#include "study/sampler.h"

#include <math.h>

typedef struct options {
    double eta, least;
} options;

static bt_status read_options(options *o, const char *params, bt_error *err)
{
    *o = (options){.eta = 3, .least = 1};
    const bti_sampler_option known[] = {{"eta", &o->eta, 1.5, 100}, {"least", &o->least, 1, 1e6}};
    return bti_sampler_options(params, "asha", known, 2, err);
}

static bt_status asha_rungs(const char *params, int epochs, int rung[BTI_RUNGS_MAX], int *n,
                            bt_error *err)
{
    options o;
    bt_status rc = read_options(&o, params, err);
    *n = rc ? 0 : bti_geometric_rungs(epochs, o.eta, (int)o.least, rung);
    return rc;
}

/* Objectives at the rung, all minimised: the first as measured there, the others as recorded. */
static void put_row(const bti_goals *g, const double *value, double *row)
{
    for (int j = 0; j < g->n; j++)
        row[j] = isnan(value[j]) ? 0 : g->maximize[j] ? -value[j] : value[j];
}

static int gather(const bti_prune_ask *ask, double *rows)
{
    const bti_goals *g = ask->goals;
    double value[BTI_OBJECTIVES_MAX];
    int n = 1;
    put_row(g, ask->value, rows); /* ours is the first */
    for (int i = 0; i < ask->trials->n; i++) {
        const bti_trial *t = &ask->trials->trial[i];
        value[0] = bti_rung_value(t, ask->epochs);
        if (t->number == ask->number || isnan(value[0]))
            continue;
        for (int j = 1; j < g->n; j++)
            value[j] = isnan(ask->value[j]) ? NAN : bti_trial_metric(g, t, g->metric[j]);
        put_row(g, value, rows + n++ * g->n);
    }
    return n;
}

static bt_status asha_ask(const bti_prune_ask *ask, bool *stop, bt_error *err)
{
    static const bool minimize[BTI_OBJECTIVES_MAX];
    options o;
    size_t most = (size_t)ask->trials->n + 1;
    double *rows = bti_array(most, (size_t)ask->goals->n * sizeof(*rows));
    double *crowd = bti_array(most, sizeof(*crowd));
    int *rank = bti_array(most, sizeof(*rank));
    bt_status rc = read_options(&o, ask->params, err);
    *stop = false;
    if (!rc && (!rows || !crowd || !rank))
        rc = bti_fail_nomem(err);
    if (!rc) {
        int n = gather(ask, rows), better = 0;
        bti_pareto_rank(rows, n, ask->goals->n, minimize, rank);
        bti_crowding(rows, n, ask->goals->n, rank, crowd);
        for (int i = 1; i < n; i++)
            better += rank[i] < rank[0] || (rank[i] == rank[0] && crowd[i] > crowd[0]);
        *stop = n >= o.eta && better >= ceil(n / o.eta);
    }
    bti_free(rows);
    bti_free(crowd);
    bti_free(rank);
    return rc;
}

const bti_pruner_ops bti_pruner_asha = {
    .name = "asha",
    .help = "the best 1/eta at each rung go on (Li et al. 2020; several objectives by rank)",
    .cost = 0.35, /* eta 3: 1/9 + 1/3 of 2/9 + 1/9 of 2/3 = 0.26, and the first trials go on */
    .rungs = asha_rungs,
    .ask = asha_ask,
};
