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

#include "study/sampler.h"

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

static bt_status asha_ask(const bti_prune_ask *ask, bool *stop, bt_error *err)
{
    options o;
    bt_status rc = read_options(&o, ask->params, err);
    return rc ? rc : bti_halving_stops(ask, o.eta, NULL, NULL, stop, err);
}

const bti_pruner_ops bti_pruner_asha = {
    .name = "asha",
    .help = "the best 1/eta at each rung go on (Li et al. 2020; several objectives by rank)",
    .cost = 0.35, /* eta 3: 1/9 + 1/3 of 2/9 + 1/9 of 2/3 = 0.26, and the first trials go on */
    .rungs = asha_rungs,
    .ask = asha_ask,
};
