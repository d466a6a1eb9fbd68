/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of pruners, and what they share.
 */
#include "study/pruner.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

#include <math.h>

static const bti_pruner_ops *const pruners[] = {
#define PRUNER(ops) &ops,
#include "study/pruners/pruners.def"
#undef PRUNER
};
#define N_PRUNERS ((int)(sizeof(pruners) / sizeof(pruners[0])))

bt_status bti_pruner_find(const bti_pruner_ops **out, const char *spec, const char **params,
                          bt_error *err)
{
    const char *names[N_PRUNERS + 1] = {NULL};
    size_t n = spec ? strcspn(spec, ":") : 0;
    char word[64];
    *params = NULL;
    *out = pruners[0];
    if (!n)
        return BT_OK;
    snprintf(word, sizeof(word), "%.*s", (int)n, spec);
    for (int i = 0; i < N_PRUNERS; i++) {
        names[i] = pruners[i]->name;
        if (!bti_streq(word, names[i]))
            continue;
        *out = pruners[i];
        *params = spec[n] ? spec + n + 1 : NULL;
        return BT_OK;
    }
    const char *near = bti_nearest(word, names);
    return bti_fail(err, BT_INVAL, "pruner", "unknown pruner '%s'; did you mean '%s'?", word,
                    near ? near : names[0]);
}

double bti_rung_value(const bti_trial *t, int epochs)
{
    const bti_json *rungs = bti_json_get(t->attrs, "rungs");
    for (size_t i = 0; i < bti_json_len(rungs); i++) {
        const bti_json *one = bti_json_at(rungs, i);
        if (bti_json_as_int(bti_json_at(one, 0), -1) == epochs)
            return bti_json_as_num(bti_json_at(one, 1), NAN);
    }
    return NAN;
}

int bti_geometric_rungs(int epochs, double eta, int least, int rung[BTI_RUNGS_MAX])
{
    int n = 0, down[BTI_RUNGS_MAX];
    for (double at = epochs / eta; n < BTI_RUNGS_MAX && at >= least; at /= eta) {
        int e = (int)lround(at);
        if (e < epochs && (!n || e < down[n - 1]))
            down[n++] = e;
    }
    for (int i = 0; i < n; i++)
        rung[i] = down[n - 1 - i];
    return n;
}

/* ---- successive halving ---- */
/* Objectives at the rung, all minimised: the first as measured there, the others as recorded. */
static void put_row(const bti_goals *g, const double *value, double *row)
{
    for (int j = 0; j < g->n; j++)
        row[j] = isnan(value[j]) ? 0 : g->maximize[j] ? -value[j] : value[j];
}

static int gather(const bti_prune_ask *ask, bool (*belongs)(const void *user, int number),
                  const void *user, double *rows)
{
    const bti_goals *g = ask->goals;
    double value[BTI_OBJECTIVES_MAX];
    int n = 1;
    put_row(g, ask->value, rows); /* ours is the first */
    for (int i = 0; i < ask->trials->n; i++) {
        const bti_trial *t = &ask->trials->trial[i];
        value[0] = bti_rung_value(t, ask->epochs);
        if (t->number == ask->number || isnan(value[0]) || (belongs && !belongs(user, t->number)))
            continue;
        for (int j = 1; j < g->n; j++)
            value[j] = isnan(ask->value[j]) ? NAN : bti_trial_metric(g, t, g->metric[j]);
        put_row(g, value, rows + n++ * g->n);
    }
    return n;
}

bt_status bti_halving_stops(const bti_prune_ask *ask, double eta,
                            bool (*belongs)(const void *user, int number), const void *user,
                            bool *stop, bt_error *err)
{
    static const bool minimize[BTI_OBJECTIVES_MAX];
    size_t most = (size_t)ask->trials->n + 1;
    double *rows = bti_array(most, (size_t)ask->goals->n * sizeof(*rows));
    double *crowd = bti_array(most, sizeof(*crowd));
    int *rank = bti_array(most, sizeof(*rank));
    bt_status rc = rows && crowd && rank ? BT_OK : bti_fail_nomem(err);
    *stop = false;
    if (!rc) {
        int n = gather(ask, belongs, user, rows), better = 0;
        bti_pareto_rank(rows, n, ask->goals->n, minimize, rank);
        bti_crowding(rows, n, ask->goals->n, rank, crowd);
        for (int i = 1; i < n; i++)
            better += rank[i] < rank[0] || (rank[i] == rank[0] && crowd[i] > crowd[0]);
        *stop = n >= eta && better >= ceil(n / eta);
    }
    bti_free(rows);
    bti_free(crowd);
    bti_free(rank);
    return rc;
}
