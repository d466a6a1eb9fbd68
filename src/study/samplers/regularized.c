/* SPDX-License-Identifier: Apache-2.0
 *
 * Regularised (aging) evolution: the best of a random few of the last `population` trials is
 * mutated once; old trials die whatever their worth (Real et al., AAAI 2019). With several
 * objectives the best is the one of smallest rank, then of widest crowding.
 */
#include "study/observed.h"

#include "base/error.h"

#define TRIES 64

typedef struct options {
    double population, sample;
} options;

/* Finished trials that still live: the last `population` ones. */
static bti_trials living(const bti_ask *ask, int population)
{
    bti_trials t = *ask->trials;
    int left = population, first = t.n;
    while (first > 0 && left > 0)
        left -= t.trial[--first].state == BTI_COMPLETE;
    t.trial += first;
    t.n -= first;
    return t;
}

static bt_status mutate_one(const bti_ask *ask, const options *o, const bti_observed *alive,
                            bti_rng *rng, bti_answer *out, bt_error *err)
{
    bti_point parent;
    int64_t rejected = 0;
    for (int i = 0; i < TRIES; i++) {
        int best = alive->n - 1;
        for (int k = 0; k < (int)o->sample; k++) {
            int one = (int)bti_rng_below(rng, (uint32_t)alive->n);
            best = one < best ? one : best; /* they are sorted, best first */
        }
        bti_observed_point(ask, alive->trial[best], &parent);
        bti_space_mutate(ask->space, &parent, 1 + i / 16, rng, &out->point);
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

static bt_status ask_regularized(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    options o = {.population = 30, .sample = 8};
    const bti_sampler_option known[] = {{"population", &o.population, 2, 10000},
                                        {"sample", &o.sample, 1, 10000}};
    bti_observed alive = {0};
    bt_status rc = bti_sampler_options(ask->params, "regularized", known, 2, err);
    if (rc)
        return rc;
    bti_rng rng =
        bti_rng_at(ask->seed, BTI_RNG_SAMPLER, (uint32_t)ask->number, (uint32_t)ask->retry, 5);
    bti_trials last = living(ask, (int)o.population);
    const bti_ask view = bti_ask_view(ask, &last);
    rc = bti_observe(&view, 0, &alive, err);
    if (!rc && alive.n < (int)o.population / 2)
        rc = bti_sampler_draw(ask, &rng, -1, out, err);
    else if (!rc)
        rc = mutate_one(ask, &o, &alive, &rng, out, err);
    bti_observed_release(&alive);
    return rc;
}

const bti_sampler_ops bti_sampler_regularized = {
    .name = "regularized",
    .help = "aging evolution: a tournament of the youngest, one mutation (Real et al. 2019)",
    .ask = ask_regularized,
};
