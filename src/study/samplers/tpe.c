/* SPDX-License-Identifier: Apache-2.0
 *
 * Tree-structured Parzen estimator for one or more objectives. Trials are split into the better few
 * and the rest; two densities are fitted, and proposals are good where better / rest is large
 * (Bergstra et al., NeurIPS 2011; several objectives by rank, as MOTPE, Ozaki et al., GECCO 2020).
 * Parameters that the same trials have are one multivariate group: each trial is one product kernel
 * over it (Falkner et al., BOHB, ICML 2018); a group's best candidate is chosen apart from the
 * others'. The good ones weigh what they add to the hypervolume, and where they cut through a rank
 * its largest hypervolume decides. Running trials count as bad: parallel workers do not crowd
 * (constant liar).
 */
#include "study/observed.h"
#include "study/samplers/parzen.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>

#define LEAST_WEIGHT 1e-12 /* as Optuna */
#define ROUNDS 6           /* of candidates that all turn out infeasible, before a plain draw */

typedef struct options {
    double startup, candidates, gamma, kernels;
} options;

/* A sampled point; slots of its parameters in the same order. */
typedef struct candidate {
    bti_point point;
    int slot[BTI_POINT_MAX];
    double score; /* log ratio of all its groups */
} candidate;

typedef struct tpe {
    const bti_ask *ask;
    options o;
    bti_rng *rng;
    int n_slots;
    int *group, *dims; /* (n_slots) the group of a slot; how many slots that has */
    int main;          /* the group of the parameters that all trials have, -1: none */
    int n_groups;
    bti_parzen good, bad;
    candidate *cand; /* o.candidates */
    candidate *now;  /* being sampled, from these kernels of `good`: */
    int *kernel;     /* (n_slots) of a group, -1: not chosen yet */
    double *decided; /* (n_slots) value of a slot, NaN: sampled */
    double *best;    /* (n_slots) largest log ratio of a group so far */
    int *best_of;    /* (n_slots) the candidate that has it */
} tpe;

/* ---- who is good ---- */
static int n_better(const options *o, int n)
{
    int k = (int)ceil(o->gamma * n);
    return k < 1 ? 1 : k > 25 ? 25 : k; /* as Optuna: more than 25 would flatten the density */
}

/* A tenth of the range beyond the worst of values (n, m). */
static void reference(const double *value, int n, int m, double *ref)
{
    for (int j = 0; j < m; j++) {
        double lo = INFINITY, hi = -INFINITY;
        for (int i = 0; i < n; i++) {
            lo = fmin(lo, value[i * m + j]);
            hi = fmax(hi, value[i * m + j]);
        }
        ref[j] = hi + (hi > lo ? 0.1 * (hi - lo) : 1);
    }
}

static void swap_rows(bti_observed *seen, int a, int b)
{
    const bti_trial *t = seen->trial[a];
    int rank = seen->rank[a];
    seen->trial[a] = seen->trial[b];
    seen->trial[b] = t;
    seen->rank[a] = seen->rank[b];
    seen->rank[b] = rank;
    for (int j = 0; j < seen->m; j++) {
        double v = seen->value[a * seen->m + j];
        seen->value[a * seen->m + j] = seen->value[b * seen->m + j];
        seen->value[b * seen->m + j] = v;
    }
}

/* The rank that the best `n` cut through: those of it that together have the largest hypervolume
 * come first, greedily (Guerreiro, Fonseca, Paquete, Evol. Comput. 24, 2016). Gains only fall, so
 * one that is still the largest after it was renewed is the largest of all. */
static void choose_of_rank(bti_observed *seen, int n, double *gain)
{
    int m = seen->m, first = n, end = n;
    double ref[BTI_OBJECTIVES_MAX];
    while (first > 0 && seen->rank[first - 1] == seen->rank[n])
        first--;
    while (end < seen->n && seen->rank[end] == seen->rank[n])
        end++;
    if (first == n)
        return;
    reference(seen->value + first * m, end - first, m, ref);
    for (int i = first; i < end; i++)
        gain[i] = INFINITY;
    for (int at = first; at < n;) {
        int best = at;
        for (int i = at + 1; i < end; i++)
            best = gain[i] > gain[best] ? i : best;
        double fresh = bti_hypervolume_gain(seen->value + first * m, at - first, m, ref,
                                            seen->value + best * m);
        bool stays = true;
        gain[best] = fresh > 0 ? fresh : 0;
        for (int i = at; i < end && stays; i++)
            stays = gain[i] <= gain[best];
        if (!stays)
            continue;
        swap_rows(seen, at, best);
        gain[best] = gain[at];
        at++;
    }
}

/* Of the good: what each alone adds to the hypervolume of their front, the most 1; next to nothing
 * for those behind it or outside a constraint. */
static bt_status weigh(const bti_observed *seen, int n, double *weight, bt_error *err)
{
    int m = seen->m, feasible = n < seen->n_feasible ? n : seen->n_feasible;
    double ref[BTI_OBJECTIVES_MAX], most = 0;
    double *others = bti_array((size_t)n + 1, (size_t)m * sizeof(*others));
    if (!others)
        return bti_fail_nomem(err);
    reference(seen->value, feasible, m, ref);
    for (int i = 0; i < n; i++) {
        int k = 0;
        for (int j = 0; j < feasible; j++)
            if (j != i)
                memcpy(others + m * k++, seen->value + m * j, (size_t)m * sizeof(*others));
        weight[i] = feasible < 2 || i >= feasible
                        ? i < feasible
                        : bti_hypervolume_gain(others, k, m, ref, seen->value + m * i);
        most = fmax(most, weight[i]);
    }
    for (int i = 0; i < n; i++)
        weight[i] = fmax(most > 0 ? weight[i] / most : 1, LEAST_WEIGHT);
    bti_free(others);
    return BT_OK;
}

/* ---- two densities ---- */
/* The good, and of the rest an even sample: the density of many is that of a few hundred. */
static bt_status fill(tpe *t, bti_observed *seen, double *weight, bt_error *err)
{
    int better = n_better(&t->o, seen->n), kept = (int)t->o.kernels, running = 0;
    const bti_trials *all = t->ask->trials;
    for (int i = 0; i < all->n; i++)
        running += all->trial[i].state == BTI_RUNNING;
    bt_status rc = bti_parzen_init(&t->good, t->ask->space, t->dims, better, err);
    if (!rc)
        rc = bti_parzen_init(&t->bad, t->ask->space, t->dims, kept + running, err);
    if (!rc && better < seen->n)
        choose_of_rank(seen, better, weight);
    if (!rc)
        rc = weigh(seen, better, weight, err);
    if (rc)
        return rc;
    for (int i = 0; i < better; i++)
        bti_parzen_add(&t->good, seen->trial[i], weight[i]);
    double left = seen->n - better, step = left > kept ? left / kept : 1;
    for (double i = better; i < seen->n && t->bad.n < kept; i += step)
        bti_parzen_add(&t->bad, seen->trial[(int)i], 1); /* the running ones have the other rows */
    for (int i = 0; i < all->n; i++)
        if (all->trial[i].state == BTI_RUNNING)
            bti_parzen_add(&t->bad, &all->trial[i], 1);
    return BT_OK;
}

static void mark_slots(const bti_parzen *p, uint64_t salt, uint64_t *mark, uint64_t *all)
{
    for (int k = 0; k < p->n; k++) {
        uint64_t name = bti_seed_mix((uint64_t)k, salt);
        *all += name;
        for (int s = 0; s < p->n_slots; s++)
            mark[s] += isnan(p->value[s * p->cap + k]) ? 0 : name;
    }
}

/* Parameters that the same kernels have are a group (Optuna's group decomposition): those that all
 * have are the main one, the arguments of a block's module one each. `mark` (n_slots), zeroed, is
 * scratch: a hash of the kernels that have the slot. */
static void find_groups(tpe *t, uint64_t *mark)
{
    uint64_t all = 0;
    mark_slots(&t->good, 1, mark, &all);
    mark_slots(&t->bad, 2, mark, &all);
    t->main = -1;
    for (int s = 0; s < t->n_slots; s++) {
        t->group[s] = 0;
        while (mark[t->group[s]] != mark[s])
            t->group[s]++; /* a group is named after its first slot */
        t->n_groups += t->group[s] == s && mark[s];
        t->dims[t->group[s]]++;
        if (mark[s] == all)
            t->main = t->group[s];
    }
    for (int s = t->n_slots - 1; s >= 0; s--)
        t->dims[s] = t->dims[t->group[s]];
}

static bt_status fit(tpe *t, bti_observed *seen, bt_error *err)
{
    double *weight = bti_array((size_t)seen->n + 1, sizeof(*weight));
    uint64_t *mark = bti_calloc((size_t)t->n_slots + 1, sizeof(*mark));
    bt_status rc = weight && mark ? fill(t, seen, weight, err) : bti_fail_nomem(err);
    if (!rc)
        find_groups(t, mark);
    bti_free(mark);
    bti_free(weight);
    return rc;
}

/* ---- candidates ---- */
static double pick_better(void *user, int slot, int item, const bti_domain *d)
{
    tpe *t = user;
    int *kernel = &t->kernel[t->group[slot]];
    (void)item;
    if (t->now)
        t->now->slot[t->now->point.n] = slot; /* the walk appends after this */
    if (!isnan(t->decided[slot])) {           /* in a domain that may have other bounds here */
        double lo, hi;
        bti_domain_cell(d, t->decided[slot], &lo, &hi);
        return bti_domain_unit(d, 0.5 * (lo + hi));
    }
    if (*kernel < 0)
        *kernel = bti_parzen_kernel(&t->good, slot, t->rng);
    return bti_parzen_draw(&t->good, *kernel, slot, d, t->rng);
}

static void sample(tpe *t, candidate *into, bti_point *out)
{
    for (int s = 0; s < t->n_slots; s++)
        t->kernel[s] = -1;
    t->now = into;
    bti_space_pick(t->ask->space, pick_better, t, out);
}

/* Log ratio of the candidate's parameters of one group, beginning at the i-th. */
static bt_status judge(tpe *t, const candidate *c, int i, double *ratio, bt_error *err)
{
    bti_param param[BTI_POINT_MAX];
    int slot[BTI_POINT_MAX], n = 0, group = t->group[c->slot[i]];
    double good, bad = 0;
    for (; i < c->point.n; i++) {
        if (t->group[c->slot[i]] != group)
            continue;
        param[n] = c->point.param[i];
        slot[n++] = c->slot[i];
    }
    bt_status rc = bti_parzen_log(&t->good, param, slot, n, &good, err);
    if (!rc)
        rc = bti_parzen_log(&t->bad, param, slot, n, &bad, err);
    *ratio = rc ? 0 : good - bad;
    return rc;
}

/* Samples the candidates and notes the best of each group. */
static bt_status sample_all(tpe *t, bt_error *err)
{
    bt_status rc = BT_OK;
    for (int g = 0; g < t->n_slots; g++)
        t->best[g] = -INFINITY;
    for (int k = 0; k < (int)t->o.candidates && !rc; k++) {
        candidate *c = &t->cand[k];
        sample(t, c, &c->point);
        c->score = 0;
        for (int g = 0; g < t->n_slots; g++)
            t->kernel[g] = 0; /* judged: no */
        for (int i = 0; i < c->point.n && !rc; i++) {
            int g = t->group[c->slot[i]];
            double ratio;
            if (t->kernel[g]++ || !isnan(t->decided[c->slot[i]]))
                continue;
            rc = judge(t, c, i, &ratio, err);
            c->score += ratio;
            if (rc || ratio <= t->best[g])
                continue;
            t->best[g] = ratio;
            t->best_of[g] = k;
        }
    }
    return rc;
}

/* Takes the best of each group, or of the main one alone. */
static void decide(tpe *t, bool main_only)
{
    for (int k = 0; k < (int)t->o.candidates; k++) {
        const candidate *c = &t->cand[k];
        for (int i = 0; i < c->point.n; i++) {
            int g = t->group[c->slot[i]];
            if ((main_only && g != t->main) || t->best[g] == -INFINITY || t->best_of[g] != k)
                continue;
            t->decided[c->slot[i]] = c->point.param[i].value;
        }
    }
}

static int by_score(const void *a, const void *b)
{
    double x = ((const candidate *)a)->score, y = ((const candidate *)b)->score;
    return (x < y) - (x > y);
}

/* The main group first, since it says which others there are; then those; and the point of all the
 * best. Where it is not allowed, the candidates that came closest to it. BT_EMPTY: none is. */
static bt_status take_best(tpe *t, bti_answer *out, bt_error *err)
{
    int n = (int)t->o.candidates;
    for (int s = 0; s < t->n_slots; s++)
        t->decided[s] = NAN;
    bt_status rc = sample_all(t, err);
    if (!rc && t->main >= 0 && t->n_groups > 1) {
        decide(t, true);
        rc = sample_all(t, err);
    }
    if (rc)
        return rc;
    decide(t, false);
    sample(t, NULL, &out->point);
    rc = bti_sampler_complete(t->ask, out, err);
    qsort(t->cand, (size_t)n, sizeof(*t->cand), by_score);
    for (int i = 0; i < n && rc == BT_EMPTY; i++) {
        out->rejected++;
        out->point = t->cand[i].point;
        rc = bti_sampler_complete(t->ask, out, err);
    }
    out->rejected += rc == BT_EMPTY;
    return rc;
}

static bt_status propose(tpe *t, bti_answer *out, bt_error *err)
{
    bt_status rc = BT_EMPTY;
    int64_t rejected = 0;
    for (int round = 0; round < ROUNDS && rc == BT_EMPTY; round++) {
        out->rejected = 0;
        rc = take_best(t, out, err);
        rejected += out->rejected;
    }
    if (rc == BT_EMPTY)
        rc = bti_sampler_draw(t->ask, t->rng, -1, out, err);
    out->rejected += rejected;
    return rc;
}

static bt_status ask_fitted(tpe *t, bti_observed *seen, bti_answer *out, bt_error *err)
{
    bti_arena arena = {0};
    t->n_slots = bti_space_n_slots(t->ask->space);
    size_t n = (size_t)t->n_slots + 1;
    t->group = bti_arena_alloc(&arena, n * sizeof(*t->group));
    t->dims = bti_arena_alloc(&arena, n * sizeof(*t->dims));
    t->kernel = bti_arena_alloc(&arena, n * sizeof(*t->kernel));
    t->decided = bti_arena_alloc(&arena, n * sizeof(*t->decided));
    t->best = bti_arena_alloc(&arena, n * sizeof(*t->best));
    t->best_of = bti_arena_alloc(&arena, n * sizeof(*t->best_of));
    t->cand = bti_array((size_t)t->o.candidates, sizeof(*t->cand));
    bool ok = t->group && t->dims && t->kernel && t->decided && t->best && t->best_of && t->cand;
    bt_status rc = ok ? fit(t, seen, err) : bti_fail_nomem(err);
    if (!rc)
        rc = propose(t, out, err);
    bti_parzen_release(&t->good);
    bti_parzen_release(&t->bad);
    bti_free(t->cand);
    bti_arena_release(&arena);
    return rc;
}

static bt_status ask_tpe(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    options o = {.startup = 12, .candidates = 24, .gamma = 0.1, .kernels = 100};
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
