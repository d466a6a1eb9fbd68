/* SPDX-License-Identifier: Apache-2.0
 *
 * Tree-structured Parzen estimator for one or more objectives. Trials are split into the better few
 * and the rest; two densities are fitted, and proposals are good where better / rest is large
 * (Bergstra et al., NeurIPS 2011; several objectives by rank, as MOTPE, Ozaki et al., GECCO 2020).
 * A block with its module, arguments, repeat and stride is one multivariate group: each trial is
 * one product kernel over the parameters that it had (Falkner et al., BOHB, ICML 2018), others
 * follow the prior. Groups are independent, so the best candidate is put together group by group.
 * Running trials count as bad: parallel workers do not crowd (constant liar).
 */
#include "study/observed.h"
#include "study/samplers/parzen.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>

#define ROUNDS 6 /* of candidates that all turn out infeasible, before a plain draw */

typedef struct options {
    double startup, candidates, gamma, kernels;
} options;

/* A sampled point; slots and groups of its parameters in the same order. */
typedef struct candidate {
    bti_point point;
    int slot[BTI_POINT_MAX], group[BTI_POINT_MAX];
    double score; /* log ratio of the whole point */
} candidate;

typedef struct tpe {
    const bti_ask *ask;
    options o;
    bti_rng *rng;
    bti_parzen good, bad;
    candidate *cand;   /* o.candidates */
    candidate *now;    /* being sampled ... */
    int group, kernel; /* ... from this kernel of `good` */
    double *best;      /* (n_slots) best log ratio of each group so far */
    int *best_of;      /* (n_slots) the candidate that has it */
} tpe;

/* ---- two densities ---- */
static int n_better(const options *o, int n)
{
    int k = (int)ceil(o->gamma * n);
    return k < 1 ? 1 : k > 25 ? 25 : k; /* as Optuna: more than 25 would flatten the density */
}

static bt_status fit(tpe *t, const bti_observed *seen, bt_error *err)
{
    int better = n_better(&t->o, seen->n), kept = (int)t->o.kernels;
    const bti_trials *all = t->ask->trials;
    bt_status rc = bti_parzen_init(&t->good, t->ask->space, better, err);
    if (!rc)
        rc = bti_parzen_init(&t->bad, t->ask->space, kept + all->n - seen->n, err);
    for (int i = 0; i < better && !rc; i++)
        bti_parzen_add(&t->good, seen->trial[i]);
    /* Of the rest, an even sample: the density of many is that of a few hundred. */
    double left = seen->n - better, step = left > kept ? left / kept : 1;
    for (double i = better; i < seen->n && !rc; i += step)
        bti_parzen_add(&t->bad, seen->trial[(int)i]);
    for (int i = 0; i < all->n && !rc; i++)
        if (all->trial[i].state == BTI_RUNNING)
            bti_parzen_add(&t->bad, &all->trial[i]);
    return rc;
}

/* ---- candidates ---- */
static double pick_better(void *user, int slot, int group, const bti_domain *d)
{
    tpe *t = user;
    int at = t->now->point.n; /* the walk appends after this */
    if (group != t->group) {
        t->group = group;
        t->kernel = (int)bti_rng_below(t->rng, (uint32_t)t->good.n + 1);
    }
    t->now->slot[at] = slot;
    t->now->group[at] = group;
    return bti_parzen_draw(&t->good, t->kernel, slot, d, t->rng);
}

/* Scores each group of a candidate and keeps the best of each. */
static bt_status judge(tpe *t, int index, bt_error *err)
{
    candidate *c = &t->cand[index];
    c->score = 0;
    for (int i = 0, end; i < c->point.n; i = end) {
        double good, bad;
        for (end = i + 1; end < c->point.n && c->group[end] == c->group[i];)
            end++;
        bt_status rc =
            bti_parzen_log(&t->good, &c->point.param[i], &c->slot[i], end - i, &good, err);
        if (!rc)
            rc = bti_parzen_log(&t->bad, &c->point.param[i], &c->slot[i], end - i, &bad, err);
        if (rc)
            return rc;
        c->score += good - bad;
        if (good - bad > t->best[c->group[i]]) {
            t->best[c->group[i]] = good - bad;
            t->best_of[c->group[i]] = index;
        }
    }
    return BT_OK;
}

static bt_status sample_all(tpe *t, bt_error *err)
{
    bt_status rc = BT_OK;
    for (int g = 0; g < t->good.n_slots; g++)
        t->best[g] = -INFINITY;
    for (int i = 0; i < (int)t->o.candidates && !rc; i++) {
        t->now = &t->cand[i];
        t->group = -1;
        bti_space_pick(t->ask->space, pick_better, t, &t->now->point);
        rc = judge(t, i, err);
    }
    return rc;
}

/* The best of each group in one point; conditions between groups may drop or add parameters. */
static void assemble(const tpe *t, bti_point *out)
{
    static const bti_point nothing;
    bti_point wish = nothing;
    for (int i = 0; i < (int)t->o.candidates; i++) {
        const candidate *c = &t->cand[i];
        for (int k = 0; k < c->point.n && wish.n < BTI_POINT_MAX; k++)
            if (t->best_of[c->group[k]] == i)
                wish.param[wish.n++] = c->point.param[k];
    }
    bti_space_repair(t->ask->space, &wish, t->rng, out);
}

static int by_score(const void *a, const void *b)
{
    double x = ((const candidate *)a)->score, y = ((const candidate *)b)->score;
    return (x < y) - (x > y);
}

/* The assembled point (on a retry somebody has just taken it), else the first candidate that is
 * allowed. BT_EMPTY: none is. */
static bt_status take_best(tpe *t, bti_answer *out, bt_error *err)
{
    int n = (int)t->o.candidates, first = t->ask->retry % n;
    bt_status rc = BT_EMPTY;
    if (!t->ask->retry) {
        assemble(t, &out->point);
        rc = bti_sampler_complete(t->ask, out, err);
        out->rejected += rc == BT_EMPTY;
    }
    if (rc != BT_EMPTY)
        return rc;
    qsort(t->cand, (size_t)n, sizeof(*t->cand), by_score);
    for (int i = first; i < n && rc == BT_EMPTY; i++) {
        out->point = t->cand[i].point;
        rc = bti_sampler_complete(t->ask, out, err);
        out->rejected += rc == BT_EMPTY;
    }
    return rc;
}

static bt_status propose(tpe *t, bti_answer *out, bt_error *err)
{
    bt_status rc = BT_EMPTY;
    int64_t rejected = 0;
    for (int round = 0; round < ROUNDS && rc == BT_EMPTY; round++) {
        out->rejected = 0;
        rc = sample_all(t, err);
        if (!rc)
            rc = take_best(t, out, err);
        rejected += out->rejected;
    }
    if (rc == BT_EMPTY)
        rc = bti_sampler_draw(t->ask, t->rng, -1, out, err);
    out->rejected += rejected;
    return rc;
}

static bt_status ask_fitted(tpe *t, const bti_observed *seen, bti_answer *out, bt_error *err)
{
    size_t n_slots = (size_t)bti_space_n_slots(t->ask->space);
    t->cand = bti_array((size_t)t->o.candidates, sizeof(*t->cand));
    t->best = bti_array(n_slots + 1, sizeof(*t->best));
    t->best_of = bti_array(n_slots + 1, sizeof(*t->best_of));
    bt_status rc = t->cand && t->best && t->best_of ? fit(t, seen, err) : bti_fail_nomem(err);
    if (!rc)
        rc = propose(t, out, err);
    bti_parzen_release(&t->good);
    bti_parzen_release(&t->bad);
    bti_free(t->cand);
    bti_free(t->best);
    bti_free(t->best_of);
    return rc;
}

static bt_status ask_tpe(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    options o = {.startup = 12, .candidates = 24, .gamma = 0.1, .kernels = 200};
    const bti_sampler_option known[] = {{"startup", &o.startup, 1, 1e6},
                                        {"candidates", &o.candidates, 1, 1000},
                                        {"gamma", &o.gamma, 0.01, 0.5},
                                        {"kernels", &o.kernels, 10, 10000}};
    bti_observed seen = {0};
    bt_status rc = bti_sampler_options(ask->params, "tpe", known, 4, err);
    if (rc)
        return rc;
    bti_rng rng =
        bti_rng_at(ask->seed, BTI_RNG_SAMPLER, (uint32_t)ask->number, (uint32_t)ask->retry, 3);
    rc = bti_observe(ask, 0, &seen, err);
    if (!rc && seen.n < (int)o.startup) {
        rc = bti_quasi_random_draw(ask, &rng, out, err);
    } else if (!rc) {
        tpe t = {.ask = ask, .o = o, .rng = &rng};
        rc = ask_fitted(&t, &seen, out, err);
    }
    bti_observed_release(&seen);
    return rc;
}

const bti_sampler_ops bti_sampler_tpe = {
    .name = "tpe",
    .help = "Parzen estimators of good and other trials, a block one group (Bergstra et al. 2011; "
            "Ozaki et al. 2020)",
    .ask = ask_tpe,
};
