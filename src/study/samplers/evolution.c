/* SPDX-License-Identifier: Apache-2.0
 *
 * Asynchronous evolution of the front: every ask makes one child of what has finished so far, so
 * that no worker waits for a generation. Mutation of good parents as in regularised evolution (Real
 * et al., "Regularized evolution for image classifier architecture search", AAAI 2019), parents by
 * non-domination and crowding (Deb et al., NSGA-II, IEEE Trans. Evol. Comput. 6, 2002).
 *
 * Quality against cost is one curve, so asks are spread along it: each aims at a cost, in the
 * widest hole of the front or anywhere, takes parents near it, and keeps the child nearest to it.
 * Trials outside a constraint come after all others, the least outside first (constrained
 * domination, Deb et al. 2002).
 */
#include "study/observed.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>

#define NEAR_PARENTS 3 /* a parent is one of so many nearest to the target */
#define CHILD_TRIES 64 /* children made before a draw takes their place */
#define CLOSE 0.08     /* of the span: a child so near to the target is taken at once */
#define HOLE_SHARE 0.5 /* of the asks that aim at the widest hole of the front */
/* Of the parents that come from the front itself, not from the ranks below */
#define FRONT_SHARE 0.8

typedef struct options {
    double warmup, population, children, crossover;
} options;

/* A finished trial that may be a parent. */
typedef struct member {
    const bti_trial *trial;
    double size; /* bti_axis_size_of() */
    int rank;
} member;

typedef struct pool {
    int n;
    member *member;
} pool;

/* ---- the pool ---- */
/* Of the finished trials that ran to their end the best `keep` by rank, then crowding; the front
 * stays whole. While no trial is inside the constraints, all are one rank: the pool moves inwards
 * from everywhere. */
static bt_status make_pool(const bti_ask *ask, const bti_observed *seen, int keep, pool *out,
                           bt_error *err)
{
    out->n = 0;
    out->member = bti_array((size_t)seen->n + 1, sizeof(*out->member));
    if (!out->member)
        return bti_fail_nomem(err);
    for (int i = 0; i < seen->n; i++) {
        int rank = seen->n_feasible ? seen->rank[i] : 0;
        if (seen->trial[i]->state != BTI_COMPLETE)
            continue;
        if (out->n >= keep && (rank > 0 || !seen->n_feasible))
            break;
        out->member[out->n++] =
            (member){seen->trial[i], bti_axis_size_of(ask, seen->trial[i]), rank};
    }
    return BT_OK;
}

/* ---- where to aim ---- */
static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The middle of the widest hole between the front, the trials that run now, and the ends of the
 * span. */
static bt_status widest_hole(const bti_ask *ask, const pool *p, bti_span span, double *out,
                             bt_error *err)
{
    double *at = bti_array((size_t)(p->n + ask->trials->n + 2), sizeof(*at));
    int n = 0;
    if (!at)
        return bti_fail_nomem(err);
    for (int i = 0; i < p->n; i++)
        if (p->member[i].rank == 0)
            at[n++] = p->member[i].size;
    for (int i = 0; i < ask->trials->n; i++)
        if (ask->trials->trial[i].state == BTI_RUNNING)
            at[n++] = bti_axis_size_of(ask, &ask->trials->trial[i]);
    at[n++] = span.lo;
    at[n++] = span.hi;
    qsort(at, (size_t)n, sizeof(*at), ascending);
    double widest = 0;
    *out = 0.5 * (span.lo + span.hi);
    for (int i = 0; i + 1 < n; i++) {
        double lo = fmax(at[i], span.lo), hi = fmin(at[i + 1], span.hi);
        if (hi - lo <= widest)
            continue;
        widest = hi - lo;
        *out = 0.5 * (lo + hi);
    }
    bti_free(at);
    return BT_OK;
}

/* ---- parents and children ---- */
/* One of the members nearest to the goal, other than `not`; -1 if there is none. */
static int pick_parent(const pool *p, double goal, int not, bti_rng *rng)
{
    int near[NEAR_PARENTS], n = 0;
    int worst_rank = bti_rng_unit(rng) < FRONT_SHARE ? 0 : 1;
    for (int i = 0; i < p->n; i++) {
        if (i == not || p->member[i].rank > worst_rank)
            continue;
        int at = n < NEAR_PARENTS ? n++ : NEAR_PARENTS;
        for (; at > 0; at--) { /* insertion into the sorted few */
            if (fabs(p->member[near[at - 1]].size - goal) <= fabs(p->member[i].size - goal))
                break;
            if (at < NEAR_PARENTS)
                near[at] = near[at - 1];
        }
        if (at < NEAR_PARENTS)
            near[at] = i;
    }
    return n ? near[bti_rng_below(rng, (uint32_t)n)] : -1;
}

static void make_child(const bti_ask *ask, const options *o, const pool *p, double goal,
                       bti_rng *rng, bti_point *child)
{
    bti_point first, second, mixed;
    int a = pick_parent(p, goal, -1, rng);
    bti_observed_point(ask, p->member[a].trial, &first);
    int b = bti_rng_unit(rng) < o->crossover ? pick_parent(p, goal, a, rng) : -1;
    if (b < 0) {
        bti_space_mutate(ask->space, &first, 1 + (int)bti_rng_below(rng, 2), rng, child);
        return;
    }
    bti_observed_point(ask, p->member[b].trial, &second);
    bti_space_cross(ask->space, &first, &second, rng, &mixed);
    bti_space_mutate(ask->space, &mixed, 1, rng, child);
}

/* The nearest to the goal of `children` allowed children (the first that is close enough). */
static bt_status best_child(const bti_ask *ask, const options *o, const pool *p, double goal,
                            double close, bti_rng *rng, bti_answer *out, bt_error *err)
{
    bti_answer next = *out;
    int found = 0;
    double best = INFINITY;
    int64_t rejected = 0;
    for (int i = 0; i < CHILD_TRIES && found < (int)o->children && best > close; i++) {
        make_child(ask, o, p, goal, rng, &next.point);
        bt_status rc = bti_sampler_complete(ask, &next, err);
        if (rc && rc != BT_EMPTY)
            return rc;
        if (rc) {
            rejected++;
            continue;
        }
        found++;
        double miss = fabs(bti_axis_size(ask, &next.cost) - goal);
        if (miss < best) {
            best = miss;
            *out = next;
        }
    }
    out->rejected = rejected;
    return found ? BT_OK : BT_EMPTY;
}

static bt_status evolve(const bti_ask *ask, const options *o, const pool *p, bti_rng *rng,
                        bti_answer *out, bt_error *err)
{
    bti_span span;
    bt_status rc = bti_sampler_span(ask, &span, err);
    if (rc)
        return rc;
    double goal = bti_rng_uniform(rng, span.lo, span.hi);
    if (bti_rng_unit(rng) < HOLE_SHARE)
        rc = widest_hole(ask, p, span, &goal, err);
    if (!rc)
        rc = best_child(ask, o, p, goal, CLOSE * (span.hi - span.lo), rng, out, err);
    if (rc != BT_EMPTY)
        return rc;
    double width = span.hi - span.lo;
    int64_t rejected = out->rejected;
    rc = bti_sampler_draw(ask, rng, width > 0 ? (goal - span.lo) / width : 0, out, err);
    out->rejected += rejected;
    return rc;
}

/* ---- warm-up ---- */
/* van der Corput sequence in base 2: 1/2, 1/4, 3/4, 1/8, ... fills 0..1 evenly at every length. */
static double radical_inverse(uint32_t i)
{
    double x = 0, half = 0.5;
    for (; i; i >>= 1, half /= 2)
        if (i & 1)
            x += half;
    return x;
}

static bt_status warm_up(const bti_ask *ask, bti_rng *rng, bti_answer *out, bt_error *err)
{
    if (ask->number == 0 && ask->retry == 0 && bti_space_has_default(ask->space)) {
        bti_space_default(ask->space, &out->point);
        out->rejected = 0;
        bt_status rc = bti_sampler_complete(ask, out, err);
        if (rc != BT_EMPTY)
            return rc;
    }
    return bti_sampler_draw(ask, rng, radical_inverse((uint32_t)ask->number + 1), out, err);
}

static bt_status ask_evolution(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    options o = {.warmup = 12, .population = 24, .children = 8, .crossover = 0.3};
    const bti_sampler_option known[] = {{"warmup", &o.warmup, 0, 1e6},
                                        {"population", &o.population, 2, 1e6},
                                        {"children", &o.children, 1, CHILD_TRIES},
                                        {"crossover", &o.crossover, 0, 1}};
    bti_observed seen = {0};
    pool p = {0};
    bt_status rc = bti_sampler_options(ask->params, "evolution", known, 4, err);
    if (rc)
        return rc;
    bti_rng rng =
        bti_rng_at(ask->seed, BTI_RNG_SAMPLER, (uint32_t)ask->number, (uint32_t)ask->retry, 1);
    if (ask->number < (int)o.warmup)
        return warm_up(ask, &rng, out, err);
    rc = bti_observe(ask, 0, &seen, err);
    if (!rc)
        rc = make_pool(ask, &seen, (int)o.population, &p, err);
    if (!rc)
        rc = p.n < 2 ? warm_up(ask, &rng, out, err) : evolve(ask, &o, &p, &rng, out, err);
    bti_free(p.member);
    bti_observed_release(&seen);
    return rc;
}

const bti_sampler_ops bti_sampler_evolution = {
    .name = "evolution",
    .help = "mutation and crossover of the front, spread along its cost (Real et al. 2019; Deb et "
            "al. 2002)",
    .ask = ask_evolution,
};
