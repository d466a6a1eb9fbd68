/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of trials in memory: names of states, ownership of a trial's parts, and the list of all
 * trials that a store brings up to date.
 */
#include "study/study.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>
#include <string.h>

static const char *const state_names[] = {
    [BTI_RUNNING] = "RUNNING", [BTI_COMPLETE] = "COMPLETE", [BTI_PRUNED] = "PRUNED",
    [BTI_FAIL] = "FAIL",       [BTI_WAITING] = "WAITING",
};
#define N_STATES ((int)(sizeof(state_names) / sizeof(state_names[0])))

const char *bti_trial_state_name(bti_trial_state s)
{
    return state_names[s];
}

bool bti_trial_state_find(const char *name, bti_trial_state *out)
{
    for (int i = 0; name && i < N_STATES; i++) {
        if (!strcmp(name, state_names[i])) {
            *out = (bti_trial_state)i;
            return true;
        }
    }
    return false;
}

bool bti_trial_state_finished(bti_trial_state s)
{
    return s == BTI_COMPLETE || s == BTI_PRUNED || s == BTI_FAIL;
}

static void release_params(bti_trial *t)
{
    for (int i = 0; i < t->n_params; i++)
        bti_free(t->param_name[i]);
    bti_free(t->param_name);
    bti_free(t->param_value);
    t->param_name = NULL;
    t->param_value = NULL;
    t->n_params = 0;
}

void bti_trial_release(bti_trial *t)
{
    if (!t)
        return;
    release_params(t);
    bti_json_free(t->attrs);
    *t = (bti_trial){0};
}

bt_status bti_trial_params(bti_trial *t, int n, bt_error *err)
{
    release_params(t);
    if (!n)
        return BT_OK;
    t->param_name = bti_calloc((size_t)n, sizeof(*t->param_name));
    t->param_value = bti_calloc((size_t)n, sizeof(*t->param_value));
    if (!t->param_name || !t->param_value) {
        release_params(t);
        return bti_fail_nomem(err);
    }
    t->n_params = n;
    return BT_OK;
}

void bti_trials_release(bti_trials *t)
{
    if (!t)
        return;
    for (int i = 0; i < t->n; i++)
        bti_trial_release(&t->trial[i]);
    bti_free(t->trial);
    *t = (bti_trials){0};
}

bt_status bti_trials_take(bti_trials *t, bti_trial *trial, bt_error *err)
{
    if (t->n == t->cap) {
        int cap = t->cap ? t->cap * 2 : 64;
        bti_trial *grown = bti_regrow(t->trial, (size_t)cap, sizeof(*grown));
        if (!grown)
            return bti_fail_nomem(err);
        t->trial = grown;
        t->cap = cap;
    }
    t->trial[t->n++] = *trial;
    *trial = (bti_trial){0};
    return BT_OK;
}

const bti_goals *bti_trials_goals(const bti_trials *t)
{
    static const bti_goals usual = {
        .n = 2, .metric = {BTI_METRIC_ACCURACY, BTI_METRIC_PARAMS}, .maximize = {true, false}};
    return t->goals.n ? &t->goals : &usual;
}

static int first_goal(const bti_goals *g, bool maximize)
{
    for (int i = 0; i < g->n; i++)
        if (g->maximize[i] == maximize)
            return i;
    return -1;
}

int bti_goals_quality(const bti_goals *g)
{
    return first_goal(g, true);
}

int bti_goals_cost(const bti_goals *g)
{
    return first_goal(g, false);
}

double bti_trial_metric(const bti_goals *g, const bti_trial *t, bti_metric m)
{
    for (int i = 0; i < g->n && i < t->n_values; i++)
        if (g->metric[i] == m)
            return t->value[i];
    return bti_json_as_num(bti_json_get(t->attrs, bti_metric_of(m)->name), NAN);
}

bool bti_trial_counts(const bti_goals *g, const bti_trial *t)
{
    bool counts = t->state == BTI_COMPLETE && t->n_values >= g->n && t->violation <= 0;
    for (int i = 0; counts && i < g->n; i++)
        counts = isfinite(t->value[i]);
    return counts;
}

bool bti_goals_covers(const bti_goals *g, const double *a, const double *b)
{
    for (int i = 0; i < g->n; i++)
        if (g->maximize[i] ? a[i] < b[i] : a[i] > b[i])
            return false;
    return true;
}

bti_trial *bti_trials_id(const bti_trials *t, int64_t id)
{
    int lo = 0, hi = t->n;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if (t->trial[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->n && t->trial[lo].id == id ? &t->trial[lo] : NULL;
}

const bti_trial *bti_trials_number(const bti_trials *t, int number)
{
    int lo = 0, hi = t->n;
    /* Numbers have no gaps unless somebody deleted rows: then search. */
    if (number >= 0 && number < t->n && t->trial[number].number == number)
        return &t->trial[number];
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if (t->trial[mid].number < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->n && t->trial[lo].number == number ? &t->trial[lo] : NULL;
}
