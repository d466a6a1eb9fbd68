/* SPDX-License-Identifier: Apache-2.0
 *
 * Descents over a space without the options' limits: the least that each limited cost can be.
 */
#include "search/limits.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/rng.h"
#include "study/sampler.h"

#include <math.h>

#define DRAWS 200       /* of which the smallest begins the descent */
#define MUTATIONS 1500  /* of the descent */
#define MOST_CHANGES 3U /* of one mutation */

/* The cost `m` of a point; INFINITY: no network, or outside the space's own limits. */
static double value_at(const bti_ask *ask, bti_answer *a, bti_metric m)
{
    const bt_status rc = bti_sampler_complete(ask, a, NULL);
    const double v = rc ? NAN : bti_cost_of(&a->cost, m);
    return isnan(v) ? INFINITY : v;
}

/* The smallest value of m that was found; INFINITY: none. */
static bt_status least(const bti_ask *ask, bti_metric m, double *out, bt_error *err)
{
    bti_rng rng = bti_rng_at(ask->seed, BTI_RNG_SAMPLER, UINT32_MAX, 0, 3);
    bti_answer *best = bti_malloc(sizeof(*best)), *next = bti_malloc(sizeof(*next));
    bt_status rc = best && next ? BT_OK : bti_fail_nomem(err);
    *out = INFINITY;
    for (int i = 0; !rc && i < DRAWS + MUTATIONS; i++) {
        if (!i)
            bti_space_default(ask->space, &next->point);
        else if (i < DRAWS || isinf(*out))
            bti_space_draw(ask->space, &rng, &next->point);
        else
            bti_space_mutate(ask->space, &best->point, 1 + (int)bti_rng_below(&rng, MOST_CHANGES),
                             &rng, &next->point);
        const double v = value_at(ask, next, m);
        if (v <= *out && isfinite(v)) {
            *out = v;
            *best = *next;
        }
    }
    bti_free(best);
    bti_free(next);
    return rc;
}

/* " flash from 6.4 KiB," */
static void add_reach(bti_str *text, bti_metric m, double smallest)
{
    char found[24];
    bti_str_addf(text, "%s %s from %s", text->len ? "," : "", bti_metric_of(m)->label,
                 bti_metric_format(found, m, smallest));
}

static void say_out_of_reach(bt_error *err, bti_metric m, double limit, double smallest)
{
    char option[40], bound[24], found[24];
    snprintf(option, sizeof(option), "--%s", bti_metric_of(m)->option);
    (void)bti_fail(err, BT_EMPTY, option,
                   "no network of the space keeps %s: the smallest that was found takes %s",
                   bti_metric_format(bound, m, limit), bti_metric_format(found, m, smallest));
}

/* True: err says which limit is out of reach, or is to stay as it is. */
static bool one_is_out_of_reach(const bti_ask *ask, const bti_run *run, bti_str *reach,
                                bt_error *err)
{
    for (int i = 0; i < BTI_METRICS; i++) {
        const bti_metric m = (bti_metric)i;
        double smallest;
        if (run->limit[m] <= 0 || bti_metric_of(m)->source != BTI_FROM_COST)
            continue;
        if (least(ask, m, &smallest, NULL) || isinf(smallest))
            return true; /* the space holds no network at all */
        if (smallest > run->limit[m]) {
            say_out_of_reach(err, m, run->limit[m], smallest);
            return true;
        }
        add_reach(reach, m, smallest);
    }
    return !reach->len;
}

void bti_limits_explain(const bti_run *run, bt_error *err)
{
    bti_run unlimited = *run; /* its strings are borrowed */
    bti_space *space;
    bti_trials none = {0};
    bti_str reach = {0};

    memset(unlimited.limit, 0, sizeof(unlimited.limit));
    if (!err || bti_run_space(&unlimited, &space, NULL))
        return;
    const bti_ask ask = {.space = space,
                         .trials = &none,
                         .cost = bti_graph_cost_for(bti_run_deploy(run)),
                         .seed = run->seed};
    if (!one_is_out_of_reach(&ask, run, &reach, err))
        (void)bti_fail(err, BT_EMPTY, bti_space_name(space),
                       "no network was found that keeps all limits together; alone each is in "
                       "reach:%s",
                       bti_str_c(&reach));
    bti_str_release(&reach);
    bti_space_free(space);
}
