/* SPDX-License-Identifier: Apache-2.0
 *
 * NSGA-II (Deb et al., IEEE Trans. Evol. Comput. 6, 2002): generations of `population` trials;
 * parents are the best of all earlier generations by rank and crowding, met in binary tournaments.
 * Children take blocks from two parents and mutate one parameter on average. Generations go by
 * trial number, so no worker waits: a generation's parents are what has finished of earlier ones.
 */
#include "study/observed.h"

#include "base/error.h"

#define TRIES 64 /* children before a draw takes their place */

typedef struct options {
    double population, crossover;
} options;

/* The better of two; members are sorted, so the smaller place wins. */
static int tournament(int n, bti_rng *rng)
{
    int a = (int)bti_rng_below(rng, (uint32_t)n), b = (int)bti_rng_below(rng, (uint32_t)n);
    return a < b ? a : b;
}

static bt_status breed(const bti_ask *ask, const options *o, const bti_observed *parents,
                       bti_rng *rng, bti_answer *out, bt_error *err)
{
    bti_point a, b, mixed;
    int n = parents->n < (int)o->population ? parents->n : (int)o->population;
    int64_t rejected = 0;
    for (int i = 0; i < TRIES; i++) {
        bti_observed_point(ask, parents->trial[tournament(n, rng)], &a);
        bti_observed_point(ask, parents->trial[tournament(n, rng)], &b);
        if (bti_rng_unit(rng) < o->crossover)
            bti_space_cross(ask->space, &a, &b, rng, &mixed);
        else
            mixed = a;
        bti_space_mutate(ask->space, &mixed, (int)bti_rng_below(rng, 3), rng, &out->point);
        bt_status rc = bti_sampler_complete(ask, out, err);
        out->rejected = rejected;
        if (rc != BT_EMPTY)
            return rc;
        rejected++;
    }
    bt_status rc = bti_sampler_draw(ask, rng, -1, out, err);
    out->rejected += rejected;
    return rc;
}

/* The trials of earlier generations alone: what a generation's children descend from. */
static bti_trials earlier(const bti_trials *all, int generation_start)
{
    bti_trials t = *all;
    t.n = 0;
    while (t.n < all->n && all->trial[t.n].number < generation_start)
        t.n++;
    return t;
}

static bt_status ask_nsga2(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    options o = {.population = 20, .crossover = 0.9};
    const bti_sampler_option known[] = {{"population", &o.population, 2, 10000},
                                        {"crossover", &o.crossover, 0, 1}};
    bti_observed parents = {0};
    bt_status rc = bti_sampler_options(ask->params, "nsga2", known, 2, err);
    if (rc)
        return rc;
    bti_rng rng =
        bti_rng_at(ask->seed, BTI_RNG_SAMPLER, (uint32_t)ask->number, (uint32_t)ask->retry, 4);
    int start = ask->number / (int)o.population * (int)o.population;
    bti_trials before = earlier(ask->trials, start);
    const bti_ask view = bti_ask_view(ask, &before);
    rc = bti_observe(&view, 0, &parents, err);
    if (!rc && parents.n < 2)
        rc = bti_sampler_draw(ask, &rng, -1, out, err);
    else if (!rc)
        rc = breed(ask, &o, &parents, &rng, out, err);
    bti_observed_release(&parents);
    return rc;
}

const bti_sampler_ops bti_sampler_nsga2 = {
    .name = "nsga2",
    .help = "generations, rank and crowding tournaments, blocks crossed (Deb et al. 2002)",
    .ask = ask_nsga2,
};
