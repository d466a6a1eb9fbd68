/* SPDX-License-Identifier: Apache-2.0
 *
 * Finished trials sorted for samplers, and the quasi-random sequence that most of them start with.
 */
#include "study/observed.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>

void bti_observed_release(bti_observed *o)
{
    bti_free(o->trial);
    bti_free(o->value);
    bti_free(o->rank);
    *o = (bti_observed){0};
}

/* Of a trial that was stopped early: what it had reached, which its end would not have been below
 * by much; costs that need no training are known. */
static bool pruned_values(const bti_goals *g, const bti_trial *t, double *out)
{
    const bti_json *rungs = bti_json_get(t->attrs, "rungs");
    const bti_json *last = bti_json_at(rungs, bti_json_len(rungs) - 1);
    if (!bti_json_len(rungs))
        return false;
    out[0] = bti_json_as_num(bti_json_at(last, 1), NAN);
    bool known = !isnan(out[0]);
    for (int j = 1; j < g->n; j++) {
        out[j] = g->metric[j] == BTI_METRIC_NONE ? NAN : bti_trial_metric(g, t, g->metric[j]);
        known = known && !isnan(out[j]);
    }
    return known;
}

static bool finished_values(const bti_goals *g, const bti_trial *t, double *out)
{
    if (t->state == BTI_PRUNED)
        return pruned_values(g, t, out);
    if (!bti_trial_counts(g, t))
        return false;
    memcpy(out, t->value, (size_t)g->n * sizeof(*out));
    return true;
}

/* Minimised; logarithms where every value of a minimised objective allows it. */
static void turn_values(const bti_goals *g, bti_observed *o)
{
    for (int j = 0; j < o->m; j++) {
        bool positive = !g->maximize[j];
        for (int i = 0; i < o->n && positive; i++)
            positive = o->value[i * o->m + j] >= 0;
        for (int i = 0; i < o->n; i++) {
            double *v = &o->value[i * o->m + j];
            *v = g->maximize[j] ? -*v : positive ? log1p(*v) : *v;
        }
    }
}

/* qsort_r's context: `order` holds places in the arrays. */
typedef struct standing {
    const int *rank;
    const double *crowd;
    const bti_observed *o;
} standing;

static int better_first(const void *pa, const void *pb, void *user)
{
    const standing *s = user;
    int a = *(const int *)pa, b = *(const int *)pb;
    if (s->rank[a] != s->rank[b])
        return s->rank[a] < s->rank[b] ? -1 : 1;
    if (s->crowd[a] != s->crowd[b])
        return s->crowd[a] > s->crowd[b] ? -1 : 1;
    return s->o->trial[a]->number < s->o->trial[b]->number ? -1 : 1;
}

/* Rewrites the arrays in the order given, leaving out old trials beyond the front. */
static void arrange(bti_observed *o, const bti_observed *from, const int *order, const int *rank,
                    int newest)
{
    int oldest = newest > 0 && from->n > newest ? from->trial[from->n - newest]->number : 0;
    for (int i = 0; i < from->n; i++) {
        int at = order[i];
        if (rank[at] > 0 && from->trial[at]->number < oldest)
            continue;
        o->trial[o->n] = from->trial[at];
        o->rank[o->n] = rank[at];
        memcpy(&o->value[o->n * o->m], &from->value[at * o->m], (size_t)o->m * sizeof(double));
        o->n_front += rank[at] == 0;
        o->n++;
    }
}

static bt_status make_room(bti_observed *o, int n, int m)
{
    *o = (bti_observed){.m = m};
    o->trial = bti_array((size_t)n + 1, sizeof(const bti_trial *));
    o->value = bti_array((size_t)n + 1, (size_t)m * sizeof(*o->value));
    o->rank = bti_array((size_t)n + 1, sizeof(*o->rank));
    return o->trial && o->value && o->rank ? BT_OK : BT_NOMEM;
}

bt_status bti_observe(const bti_ask *ask, int newest, bti_observed *out, bt_error *err)
{
    static const bool minimize[BTI_OBJECTIVES_MAX];
    int all = ask->trials ? ask->trials->n : 0;
    bti_observed raw;
    double *crowd = bti_array((size_t)all + 1, sizeof(*crowd));
    int *order = bti_array((size_t)all + 1, sizeof(*order));
    bt_status rc = make_room(out, all, ask->goals->n);
    bt_status raw_rc = make_room(&raw, all, ask->goals->n);
    if (rc || raw_rc || !crowd || !order) {
        rc = bti_fail_nomem(err);
        goto done;
    }
    for (int i = 0; i < all; i++) {
        const bti_trial *t = &ask->trials->trial[i];
        if (finished_values(ask->goals, t, &raw.value[raw.n * raw.m]))
            raw.trial[raw.n++] = t;
    }
    turn_values(ask->goals, &raw);
    bti_pareto_rank(raw.value, raw.n, raw.m, minimize, raw.rank);
    bti_crowding(raw.value, raw.n, raw.m, raw.rank, crowd);
    for (int i = 0; i < raw.n; i++)
        order[i] = i;
    standing s = {.rank = raw.rank, .crowd = crowd, .o = &raw};
    if (raw.n)
        qsort_r(order, (size_t)raw.n, sizeof(*order), better_first, &s);
    arrange(out, &raw, order, raw.rank, newest);
done:
    bti_observed_release(&raw);
    bti_free(crowd);
    bti_free(order);
    return rc;
}

void bti_observed_point(const bti_ask *ask, const bti_trial *t, bti_point *out)
{
    (void)bti_space_restore(ask->space, (const char *const *)t->param_name, t->param_value,
                            t->n_params, out);
}

/* ---- quasi-random ---- */
typedef struct sequence {
    uint64_t seed;
    uint32_t index;
} sequence;

static uint32_t coin(uint64_t path)
{
    return (uint32_t)(bti_seed_mix(path, 2) >> 63);
}

/* Permutes indices inside every aligned block of 2^k, for all k: a bit is flipped by a coin of the
 * bits above it. Without it the parameters would go through their halves in step. */
static uint32_t shuffled(uint32_t index, uint64_t seed)
{
    uint32_t out = 0;
    uint64_t path = bti_seed_mix(seed, 3);
    for (int bit = 31; bit >= 0; bit--) {
        uint32_t digit = (index >> bit) & 1;
        out |= (digit ^ coin(path)) << bit;
        path = bti_seed_mix(path, digit);
    }
    return out;
}

/* Nested uniform scramble: a digit is flipped by a coin of the digits before it. */
static double scrambled_radical_inverse(uint32_t index, uint64_t seed)
{
    double u = 0, half = 0.5;
    uint64_t path = seed;
    for (int bit = 0; bit < 32; bit++, half /= 2) {
        uint32_t digit = (index >> bit) & 1;
        if (digit ^ coin(path))
            u += half;
        path = bti_seed_mix(path, digit);
    }
    return u;
}

static double pick_quasi(void *user, int slot, int group, const bti_domain *d)
{
    const sequence *q = user;
    uint64_t seed = bti_seed_mix(q->seed, (uint64_t)slot);
    (void)group;
    return bti_domain_unit(d, scrambled_radical_inverse(shuffled(q->index, seed), seed));
}

bt_status bti_quasi_random(const bti_ask *ask, uint32_t index, bti_answer *out, bt_error *err)
{
    sequence q = {.seed = ask->seed, .index = index};
    bti_space_pick(ask->space, pick_quasi, &q, &out->point);
    out->rejected = 0;
    return bti_sampler_complete(ask, out, err);
}

bt_status bti_quasi_random_draw(const bti_ask *ask, bti_rng *rng, bti_answer *out, bt_error *err)
{
    bt_status rc = ask->retry ? BT_EMPTY : bti_quasi_random(ask, (uint32_t)ask->number, out, err);
    return rc == BT_EMPTY ? bti_sampler_draw(ask, rng, -1, out, err) : rc;
}
