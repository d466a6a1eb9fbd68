/* SPDX-License-Identifier: Apache-2.0
 *
 * Hyperband (Li et al., JMLR 18, 2018): several successive halvings at once, for who cannot know
 * how early a rung tells good from bad. Bracket s looks at a trial from the s-th rung on, the last
 * one never; a trial is compared within its bracket. The bracket follows from the trial's number;
 * the shares of the brackets are Optuna's (Hyperband in its pruning form: each bracket is
 * asynchronous).
 */
#include "base/rng.h"
#include "study/pruner.h"
#include "study/sampler.h"

#include <math.h>

typedef struct options {
    double eta, least;
} options;

/* Who is of which bracket. */
typedef struct brackets {
    int n, own;
    uint64_t share[BTI_RUNGS_MAX + 1], total;
} brackets;

static bt_status read_options(options *o, const char *params, bt_error *err)
{
    *o = (options){.eta = 3, .least = 1};
    const bti_sampler_option known[] = {{"eta", &o->eta, 1.5, 100}, {"least", &o->least, 1, 1e6}};
    return bti_sampler_options(params, "hyperband", known, 2, err);
}

static bt_status hyperband_rungs(const char *params, int epochs, int rung[BTI_RUNGS_MAX], int *n,
                                 bt_error *err)
{
    options o;
    bt_status rc = read_options(&o, params, err);
    *n = rc ? 0 : bti_geometric_rungs(epochs, o.eta, (int)o.least, rung);
    return rc;
}

/* A bracket of k halvings begins with n eta^k / (k + 1) trials: the same work in each. */
static void share_out(brackets *b, int n_rungs, double eta)
{
    *b = (brackets){.n = n_rungs + 1};
    for (int s = 0; s < b->n; s++) {
        int halvings = b->n - 1 - s;
        b->share[s] = (uint64_t)ceil(b->n * pow(eta, halvings) / (halvings + 1));
        b->total += b->share[s];
    }
}

static int bracket_of(const brackets *b, int number)
{
    uint64_t at = bti_seed_mix((uint64_t)number, 4) % b->total;
    int s = 0;
    while (at >= b->share[s])
        at -= b->share[s++];
    return s;
}

static bool is_of_bracket(const void *user, int number)
{
    const brackets *b = user;
    return bracket_of(b, number) == b->own;
}

static bt_status hyperband_ask(const bti_prune_ask *ask, bool *stop, bt_error *err)
{
    options o;
    brackets b;
    int at = 0;
    bt_status rc = read_options(&o, ask->params, err);
    *stop = false;
    if (rc)
        return rc;
    share_out(&b, ask->n_rungs, o.eta);
    b.own = bracket_of(&b, ask->number);
    while (at < ask->n_rungs && ask->rung[at] < ask->epochs)
        at++;
    return at < b.own ? BT_OK : bti_halving_stops(ask, o.eta, is_of_bracket, &b, stop, err);
}

const bti_pruner_ops bti_pruner_hyperband = {
    .name = "hyperband",
    .help = "successive halvings that begin at different rungs, side by side (Li et al. 2018)",
    .cost = 0.5, /* eta 3, three rungs: 0.28, and the first of each bracket go on */
    .rungs = hyperband_rungs,
    .ask = hyperband_ask,
};
