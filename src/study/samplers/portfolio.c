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
#include "study/memo.h"

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

/* Objective j of a trial, minimised, costs in logarithms. */
static double seen_as(const bti_ask *ask, const bti_trial *t, int j)
{
    double v = t->value[j];
    if (ask->goals->metric[j] != BTI_METRIC_NONE)
        return bti_metric_coordinate(ask->goals->metric[j], v);
    return ask->goals->maximize[j] ? -v : v >= 0 ? log1p(v) : v;
}

/* The worst of the first `warmup` trials that count; 1, the end of the coordinate, where the table
 * has the objective. */
static void find_reference(const bti_ask *ask, const options *o, double ref[])
{
    int m = ask->goals->n, n = 0;
    for (int j = 0; j < m; j++)
        ref[j] = ask->goals->metric[j] != BTI_METRIC_NONE ? 1 : -INFINITY;
    for (int i = 0; i < ask->trials->n && n < (int)o->warmup; i++) {
        const bti_trial *t = &ask->trials->trial[i];
        if (!bti_trial_counts(ask->goals, t))
            continue;
        n++;
        for (int j = 0; j < m; j++)
            if (ask->goals->metric[j] == BTI_METRIC_NONE)
                ref[j] = fmax(ref[j], seen_as(ask, t, j));
    }
}

static bt_status make_room(bti_gains *g, int m, bt_error *err)
{
    if (g->n < g->cap)
        return BT_OK;
    size_t cap = g->cap ? 2 * (size_t)g->cap : 64;
    double *gain = bti_regrow(g->gain, cap, sizeof(*gain));
    g->gain = gain ? gain : g->gain;
    int *who = bti_regrow(g->who, cap, sizeof(*who));
    g->who = who ? who : g->who;
    double *front = bti_regrow(g->front, cap, (size_t)m * sizeof(*front));
    g->front = front ? front : g->front;
    if (!gain || !who || !front)
        return bti_fail_nomem(err);
    g->cap = (int)cap;
    return BT_OK;
}

/* Adds a trial: the hypervolume that it adds to the front of those before it. */
static bt_status add_gain(const bti_ask *ask, const double ref[], const bti_trial *t, bti_gains *g,
                          bt_error *err)
{
    double p[BTI_OBJECTIVES_MAX];
    int m = ask->goals->n, kept = 0;
    bt_status rc = make_room(g, m, err);
    if (rc)
        return rc;
    for (int j = 0; j < m; j++)
        p[j] = seen_as(ask, t, j);
    double gain = bti_hypervolume_gain(g->front, g->n_front, m, ref, p);
    if (isnan(gain))
        return bti_fail_nomem(err);
    g->who[g->n] = member_of(t);
    g->gain[g->n++] = fmax(gain, 0);
    if (!(gain > 0))
        return BT_OK;
    for (int i = 0; i < g->n_front; i++) { /* those that it covers leave */
        const double *q = g->front + i * m;
        bool covered = true;
        for (int j = 0; j < m; j++)
            covered = covered && p[j] <= q[j];
        if (!covered)
            memmove(g->front + kept++ * m, q, (size_t)m * sizeof(*q));
    }
    memcpy(g->front + kept * m, p, (size_t)m * sizeof(*p));
    g->n_front = kept + 1;
    return BT_OK;
}

/* Trials from g->upto on, to the end, or (settled) to the first that has not finished: what comes
 * before it stays as it is. */
static bt_status add_gains(const bti_ask *ask, const double ref[], bool settled, bti_gains *g,
                           bt_error *err)
{
    bt_status rc = BT_OK;
    while (!rc && g->upto < ask->trials->n) {
        const bti_trial *t = &ask->trials->trial[g->upto];
        if (settled && !bti_trial_state_finished(t->state))
            break;
        if (bti_trial_counts(ask->goals, t))
            rc = add_gain(ask, ref, t, g, err);
        g->upto += rc == BT_OK; /* one that found no memory is looked at again */
    }
    return rc;
}

static bt_status copy_gains(const bti_gains *from, int m, bti_gains *to, bt_error *err)
{
    *to = (bti_gains){.upto = from->upto, .n = from->n, .cap = from->n + 64};
    to->gain = bti_array((size_t)to->cap, sizeof(*to->gain));
    to->who = bti_array((size_t)to->cap, sizeof(*to->who));
    to->front = bti_array((size_t)to->cap, (size_t)m * sizeof(*to->front));
    if (!to->gain || !to->who || !to->front)
        return bti_fail_nomem(err);
    if (from->n) {
        memcpy(to->gain, from->gain, (size_t)from->n * sizeof(*to->gain));
        memcpy(to->who, from->who, (size_t)from->n * sizeof(*to->who));
        memcpy(to->front, from->front, (size_t)(from->n_front * m) * sizeof(*to->front));
    }
    to->n_front = from->n_front;
    return BT_OK;
}

typedef struct credit {
    double gain[N_MEMBERS];
    int trials[N_MEMBERS];
    int n; /* trials that count, of whatever member */
} credit;

/* Gains in the last `window` trials a member, all members together. */
static bt_status count_gains(const bti_ask *ask, const options *o, credit *c, bt_error *err)
{
    double ref[BTI_OBJECTIVES_MAX];
    int m = ask->goals->n;
    bti_gains now = {0}, *kept = ask->memo ? &ask->memo->gains : NULL;
    bt_status rc = BT_OK;
    *c = (credit){0};
    find_reference(ask, o, ref);
    if (kept) {
        if (kept->n < (int)o->warmup || kept->warmup != (int)o->warmup)
            bti_gains_release(kept); /* the reference may have moved */
        kept->warmup = (int)o->warmup;
        rc = add_gains(ask, ref, true, kept, err);
        if (!rc)
            rc = copy_gains(kept, m, &now, err);
    }
    if (!rc)
        rc = add_gains(ask, ref, false, &now, err);
    c->n = now.n;
    for (int i = (int)fmax(o->warmup, now.n - o->window * N_MEMBERS); i < now.n && !rc; i++) {
        if (now.who[i] < 0)
            continue;
        c->gain[now.who[i]] += now.gain[i];
        c->trials[now.who[i]]++;
    }
    bti_gains_release(&now);
    return rc;
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
    credit c;
    bti_ask one = *ask;
    bt_status rc = bti_sampler_options(ask->params, "portfolio", known, 3, err);
    if (rc)
        return rc;
    one.params = NULL;
    int who = 0;
    if (ask->number >= (int)o.warmup) {
        bti_rng rng =
            bti_rng_at(ask->seed, BTI_RNG_SAMPLER, (uint32_t)ask->number, (uint32_t)ask->retry, 7);
        rc = count_gains(ask, &o, &c, err);
        if (!rc && c.n >= 2)
            who = choose_member(&o, &c, &rng);
    }
    return rc ? rc : bti_sampler_ask(members[who], &one, out, err);
}

const bti_sampler_ops bti_sampler_portfolio = {
    .name = "portfolio",
    .help = "evolution, gp and local search by the hypervolume that each gained lately (Fialho et "
            "al. 2010)",
    .ask = ask_portfolio,
};
