/* SPDX-License-Identifier: Apache-2.0
 *
 * Main effects by binning: draws of the space, predicted by the forest, averaged in bins of one
 * parameter. The variance of few draws a bin is taken off.
 */
#include "study/importance.h"

#include "base/alloc.h"
#include "base/error.h"
#include "study/forest.h"

#include <math.h>

#define TREES 64
#define DRAWS 8192
#define BINS 12 /* of numbers; names have one each, up to this many */

typedef struct table {
    const bti_space *space;
    int n, d;
    double *x; /* (n, d): values, NaN where not active */
    double *y;
} table;

/* ---- observations ---- */
static bt_status make_table(table *t, const bti_space *space, int n, bt_error *err)
{
    *t = (table){.space = space, .n = n, .d = bti_space_n_slots(space)};
    t->x = bti_array((size_t)n * (size_t)t->d, sizeof(double));
    t->y = bti_array((size_t)n, sizeof(double));
    return t->x && t->y ? BT_OK : bti_fail_nomem(err);
}

static void release_table(table *t)
{
    bti_free(t->x);
    bti_free(t->y);
}

static void fill_row(const table *t, int row, int n, char *const *names, const double *values)
{
    double *x = t->x + (size_t)row * (size_t)t->d;
    for (int s = 0; s < t->d; s++)
        x[s] = NAN;
    for (int i = 0, at = 0; i < n; i++) {
        int slot = bti_space_slot(t->space, names[i], at);
        if (slot < 0)
            continue;
        x[slot] = values[i];
        at = slot + 1;
    }
}

/* Ranks of non-domination as targets. */
static bt_status fill_ranks(table *t, const bti_goals *g, const bti_trial *const *list,
                            bt_error *err)
{
    double *values = bti_array((size_t)t->n * (size_t)g->n, sizeof(*values));
    int *rank = bti_array((size_t)t->n, sizeof(*rank));
    bool ok = values && rank;
    for (int i = 0; ok && i < t->n; i++)
        memcpy(&values[i * g->n], list[i]->value, (size_t)g->n * sizeof(*values));
    if (ok)
        bti_pareto_rank(values, t->n, g->n, g->maximize, rank);
    for (int i = 0; ok && i < t->n; i++)
        t->y[i] = rank[i];
    bti_free(values);
    bti_free(rank);
    return ok ? BT_OK : bti_fail_nomem(err);
}

static bt_status observe(table *t, const bti_space *space, const bti_trials *trials, int objective,
                         bt_error *err)
{
    const bti_goals *g = bti_trials_goals(trials);
    const bti_trial **list = bti_array((size_t)trials->n + 1, sizeof(*list));
    int n = 0;
    if (!list)
        return bti_fail_nomem(err);
    for (int i = 0; i < trials->n; i++)
        if (bti_trial_counts(g, &trials->trial[i]))
            list[n++] = &trials->trial[i];
    bt_status rc = BT_OK;
    if (n < BTI_IMPORTANCE_LEAST)
        rc = bti_fail(err, BT_EMPTY, bti_space_name(space),
                      "importance needs at least %d finished trials, there are %d",
                      BTI_IMPORTANCE_LEAST, n);
    if (!rc)
        rc = make_table(t, space, n, err);
    for (int i = 0; i < n && !rc; i++) {
        fill_row(t, i, list[i]->n_params, list[i]->param_name, list[i]->param_value);
        double v = objective < 0 ? 0 : list[i]->value[objective];
        t->y[i] = objective >= 0 && !g->maximize[objective] && v >= 0 ? log1p(v) : v;
    }
    if (!rc && objective < 0)
        rc = fill_ranks(t, g, list, err);
    bti_free(list);
    return rc;
}

/* ---- draws ---- */
typedef struct draws {
    table t;
    bti_domain *domain; /* (d) as wide as it occurred */
    bool *occurs;       /* (d) */
} draws;

typedef struct picker {
    draws *d;
    double *row;
    bti_rng *rng;
} picker;

static double pick_and_note(void *user, int slot, int group, const bti_domain *d)
{
    picker *p = user;
    bti_domain *seen = &p->d->domain[slot];
    (void)group;
    double v = bti_domain_unit(d, bti_rng_unit(p->rng));
    p->row[slot] = v;
    if (!p->d->occurs[slot])
        *seen = *d;
    p->d->occurs[slot] = true;
    seen->lo = fmin(seen->lo, d->lo);
    seen->hi = fmax(seen->hi, d->hi);
    return v;
}

static bt_status draw_all(draws *d, const bti_space *space, bti_rng *rng, bt_error *err)
{
    bti_point *point = bti_malloc(sizeof(*point));
    bt_status rc = make_table(&d->t, space, DRAWS, err);
    d->domain = bti_calloc((size_t)d->t.d, sizeof(*d->domain));
    d->occurs = bti_calloc((size_t)d->t.d, sizeof(*d->occurs));
    if (!rc && (!point || !d->domain || !d->occurs))
        rc = bti_fail_nomem(err);
    for (int i = 0; i < DRAWS && !rc; i++) {
        picker p = {.d = d, .row = d->t.x + (size_t)i * (size_t)d->t.d, .rng = rng};
        for (int s = 0; s < d->t.d; s++)
            p.row[s] = NAN;
        bti_space_pick(space, pick_and_note, &p, point);
    }
    bti_free(point);
    return rc;
}

static void release_draws(draws *d)
{
    release_table(&d->t);
    bti_free(d->domain);
    bti_free(d->occurs);
}

/* ---- main effects ---- */
static int bin_of(const bti_domain *d, double v)
{
    double lo, hi;
    if (isnan(v))
        return 0;
    bti_domain_cell(d, v, &lo, &hi);
    int bin = (int)(0.5 * (lo + hi) * BINS);
    if (d->kind == BTI_DOMAIN_CHOICE && d->n <= BINS)
        bin = (int)v;
    return 1 + (bin < BINS ? bin : BINS - 1);
}

/* Share of one parameter, and the place of its best mean (smallest for `minimize`). Whether it is
 * active is its module's doing: only differences between its values count. */
static double main_effect(const draws *d, int slot, double variance, bool minimize,
                          bti_importance *out)
{
    double sum[BINS + 1] = {0}, square[BINS + 1] = {0}, of[BINS + 1] = {0}, effect = 0;
    int count[BINS + 1] = {0};
    for (int i = 0; i < DRAWS; i++) {
        double v = d->t.x[(size_t)i * (size_t)d->t.d + (size_t)slot], y = d->t.y[i];
        int b = bin_of(&d->domain[slot], v);
        sum[b] += y;
        square[b] += y * y;
        of[b] = v;
        count[b]++;
    }
    double mean = 0;
    int active = 0;
    for (int b = 1; b <= BINS; b++) {
        mean += sum[b];
        active += count[b];
    }
    mean /= active ? active : 1;
    double best = minimize ? INFINITY : -INFINITY;
    for (int b = 1; b <= BINS; b++) {
        if (count[b] < 2)
            continue;
        double m = sum[b] / count[b];
        double noise = (square[b] / count[b] - m * m) / (count[b] - 1); /* of the bin's mean */
        effect += count[b] * ((m - mean) * (m - mean) - noise) / DRAWS;
        if (minimize ? m < best : m > best) {
            best = m;
            const bti_param p = {.domain = d->domain[slot], .value = of[b]};
            out->best = bti_param_value(&p);
            out->best_mean = m;
        }
    }
    return variance > 0 ? fmax(effect / variance, 0) : 0;
}

static int by_share(const void *a, const void *b)
{
    const bti_importance *x = a, *y = b;
    if (x->share != y->share)
        return x->share > y->share ? -1 : 1;
    return x->slot - y->slot;
}

static bt_status effects(const draws *d, bool minimize, bti_importance **out, int *n, bt_error *err)
{
    double mean = 0, variance = 0;
    bti_importance *list = bti_calloc((size_t)d->t.d + 1, sizeof(*list));
    if (!list)
        return bti_fail_nomem(err);
    for (int i = 0; i < DRAWS; i++)
        mean += d->t.y[i] / DRAWS;
    for (int i = 0; i < DRAWS; i++)
        variance += (d->t.y[i] - mean) * (d->t.y[i] - mean) / DRAWS;
    for (int s = 0; s < d->t.d; s++) {
        if (!d->occurs[s])
            continue;
        list[*n].slot = s;
        list[*n].share = main_effect(d, s, variance, minimize, &list[*n]);
        (*n)++;
    }
    qsort(list, (size_t)*n, sizeof(*list), by_share);
    *out = list;
    return BT_OK;
}

static void find_nominal(const draws *d, bool *nominal)
{
    for (int s = 0; s < d->t.d; s++)
        nominal[s] = d->domain[s].kind == BTI_DOMAIN_CHOICE && !d->domain[s].ordered;
}

bt_status bti_importance_of(const bti_space *space, const bti_trials *trials, int objective,
                            uint64_t seed, bti_importance **out, int *n, bt_error *err)
{
    const bti_goals *g = bti_trials_goals(trials);
    bti_rng rng = bti_rng_at(seed, BTI_RNG_SAMPLER, UINT32_MAX, 1, 10);
    bti_forest forest = {0};
    table seen = {0};
    draws d = {0};
    bool *nominal = bti_calloc((size_t)bti_space_n_slots(space) + 1, sizeof(*nominal));

    *out = NULL;
    *n = 0;
    bt_status rc = nominal ? observe(&seen, space, trials, objective, err) : bti_fail_nomem(err);
    if (!rc)
        rc = draw_all(&d, space, &rng, err);
    if (!rc) {
        find_nominal(&d, nominal);
        rc = bti_forest_fit(&forest, seen.x, seen.y, seen.n, seen.d, nominal, TREES, &rng, err);
    }
    for (int i = 0; i < DRAWS && !rc; i++)
        d.t.y[i] = bti_forest_predict(&forest, d.t.x + (size_t)i * (size_t)d.t.d);
    if (!rc)
        rc = effects(&d, objective < 0 || !g->maximize[objective], out, n, err);
    bti_forest_release(&forest);
    release_draws(&d);
    release_table(&seen);
    bti_free(nominal);
    return rc;
}
