/* SPDX-License-Identifier: Apache-2.0
 *
 * Several samplers at once: after a warm-up each trial is proposed by a member that is chosen by
 * the hypervolume that its recent trials have added to the front (probability matching, as
 * adaptive operator selection in Fialho et al., "Analyzing bandit-based adaptive operator
 * selection mechanisms", 2010). Who proposed a trial is in its attribute "sampler".
 *
 * Hypervolume in the coordinates of metrics.def, costs in logarithms; of objectives that are not in
 * that table the reference is the worst value of the warm-up.
 */
#include "study/observed.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

#include <math.h>

typedef struct options {
    double warmup, window, floor;
} options;

/* The members, in one place. Evolution does the warm-up: spread along the parameter axis. */
static const bti_sampler_ops *const members[] = {&bti_sampler_evolution, &bti_sampler_gp,
                                                 &bti_sampler_local};
#define N_MEMBERS ((int)(sizeof(members) / sizeof(members[0])))

/* ---- credit ---- */
static int member_of(const bti_trial *t)
{
    const char *name = bti_json_as_str(bti_json_get(t->attrs, "sampler"), "");
    for (int i = 0; i < N_MEMBERS; i++)
        if (bti_streq(members[i]->name, name))
            return i;
    return -1;
}

static int by_number(const void *a, const void *b)
{
    const bti_trial *x = *(const bti_trial *const *)a, *y = *(const bti_trial *const *)b;
    return (x->number > y->number) - (x->number < y->number);
}

/* Objective j of a trial, minimised, costs in logarithms. */
static double seen_as(const bti_ask *ask, const bti_trial *t, int j)
{
    double v = t->value[j];
    if (ask->goals->metric[j] != BTI_METRIC_NONE)
        return bti_metric_coordinate(ask->goals->metric[j], v);
    return ask->goals->maximize[j] ? -v : v >= 0 ? log1p(v) : v;
}

/* The hypervolume that a trial adds to the front of those before it. */
static double gain_of(const bti_ask *ask, double *front, int *n_front, const double ref[],
                      const bti_trial *t)
{
    int m = ask->goals->n;
    double *p = front + *n_front * m;
    for (int j = 0; j < m; j++)
        p[j] = seen_as(ask, t, j);
    double before = bti_hypervolume(front, *n_front, m, ref);
    double gain = bti_hypervolume(front, *n_front + 1, m, ref) - before;
    *n_front += gain > 0;
    return gain > 0 ? gain : 0; /* NaN on no memory: no credit */
}

typedef struct credit {
    double gain[N_MEMBERS];
    int trials[N_MEMBERS];
} credit;

/* Gains in the last `window` trials a member, all members together. */
static bt_status count_gains(const bti_ask *ask, const options *o, const bti_observed *seen,
                             credit *c, bt_error *err)
{
    double ref[BTI_OBJECTIVES_MAX];
    int n = seen->n, m = ask->goals->n, n_front = 0;
    double *front = bti_array((size_t)n * (size_t)m + 1, sizeof(*front));
    const bti_trial **t = bti_array((size_t)n + 1, sizeof(*t));
    *c = (credit){0};
    if (!front || !t) {
        bti_free(front);
        bti_free(t);
        return bti_fail_nomem(err);
    }
    n = 0;
    for (int i = 0; i < seen->n; i++)
        if (seen->trial[i]->state == BTI_COMPLETE)
            t[n++] = seen->trial[i];
    qsort(t, (size_t)n, sizeof(*t), by_number);
    for (int j = 0; j < m; j++) {
        ref[j] = -INFINITY;
        for (int i = 0; i < n && i < (int)o->warmup; i++)
            ref[j] = fmax(ref[j], seen_as(ask, t[i], j));
        if (ask->goals->metric[j] != BTI_METRIC_NONE)
            ref[j] = 1;
    }
    for (int i = 0; i < n; i++) {
        int who = member_of(t[i]);
        double gain = gain_of(ask, front, &n_front, ref, t[i]);
        if (who < 0 || i < (int)o->warmup || n - i > (int)o->window * N_MEMBERS)
            continue;
        c->gain[who] += gain;
        c->trials[who]++;
    }
    bti_free(front);
    bti_free(t);
    return BT_OK;
}

/* Each member keeps a floor; the rest is shared by gain a trial. A member that nobody has asked
 * for lately is given the benefit of the doubt: the best of the others' gains. */
static int choose_member(const options *o, const credit *c, bti_rng *rng)
{
    double worth[N_MEMBERS], best = 0, sum = 0;
    for (int i = 0; i < N_MEMBERS; i++) {
        worth[i] = c->trials[i] ? c->gain[i] / c->trials[i] : 0;
        best = fmax(best, worth[i]);
    }
    for (int i = 0; i < N_MEMBERS; i++) {
        worth[i] = best > 0 ? (c->trials[i] ? worth[i] / best : 1) : 1;
        sum += worth[i];
    }
    double at = bti_rng_unit(rng);
    for (int i = 0; i < N_MEMBERS; i++) {
        at -= o->floor + (1 - o->floor * N_MEMBERS) * worth[i] / sum;
        if (at < 0)
            return i;
    }
    return N_MEMBERS - 1;
}

static bt_status ask_portfolio(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    options o = {.warmup = 12, .window = 20, .floor = 0.05};
    const bti_sampler_option known[] = {{"warmup", &o.warmup, 0, 1e6},
                                        {"window", &o.window, 1, 1e6},
                                        {"floor", &o.floor, 0, 1.0 / N_MEMBERS}};
    bti_observed seen = {0};
    credit c = {0};
    bti_ask one = *ask;
    bt_status rc = bti_sampler_options(ask->params, "portfolio", known, 3, err);
    if (rc)
        return rc;
    one.params = NULL;
    rc = bti_observe(ask, 0, &seen, err);
    int who = 0;
    if (!rc && ask->number >= (int)o.warmup && seen.n >= 2) {
        bti_rng rng =
            bti_rng_at(ask->seed, BTI_RNG_SAMPLER, (uint32_t)ask->number, (uint32_t)ask->retry, 7);
        rc = count_gains(ask, &o, &seen, &c, err);
        who = choose_member(&o, &c, &rng);
    }
    bti_observed_release(&seen);
    return rc ? rc : bti_sampler_ask(members[who], &one, out, err);
}

const bti_sampler_ops bti_sampler_portfolio = {
    .name = "portfolio",
    .help = "evolution, gp and local search by the hypervolume that each gained lately (Fialho et "
            "al. 2010)",
    .ask = ask_portfolio,
};
