/* SPDX-License-Identifier: Apache-2.0
 *
 * What a study teaches about its space: which parameters matter, and the space with the others
 * frozen.
 */
#include "bantam/study.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "search/run.h"
#include "study/importance.h"

#include <math.h>

#define GOOD_SHARE 0.2 /* of the trials: whose values a frozen parameter takes */

typedef struct insight {
    bti_storage *study;
    bti_trials trials;
    bti_run run;
    bti_space *space;
} insight;

static void close_study(insight *in)
{
    bti_space_free(in->space);
    bti_run_release(&in->run);
    bti_trials_release(&in->trials);
    bti_storage_close(in->study);
}

static bt_status open_study(insight *in, const char *study, bt_error *err)
{
    bool found = false;
    *in = (insight){0};
    bt_status rc = bti_storage_open(&in->study, study, NULL, false, err);
    if (!rc)
        rc = in->study->ops->refresh(in->study, &in->trials, err);
    if (!rc)
        rc = bti_run_load(&in->run, in->study, &found, err);
    if (!rc && !found)
        rc = bti_fail(err, BT_FORMAT, study,
                      "the study keeps no search space: only a study of bantam search does");
    return rc ? rc : bti_run_space(&in->run, &in->space, err);
}

/* ---- importance ---- */
static bti_json *value_json(bti_value v)
{
    char text[64];
    if (v.kind == BTI_INT)
        return bti_json_int(v.u.i);
    if (v.kind == BTI_FLOAT)
        return bti_json_num(v.u.f);
    return bti_json_str(bti_value_text(text, sizeof(text), v));
}

static bt_status put_target(bti_json *o, const insight *in, const char *name, int objective,
                            bt_error *err)
{
    bti_importance *list;
    int n;
    bt_status rc =
        bti_importance_of(in->space, &in->trials, objective, in->run.seed, &list, &n, err);
    if (rc)
        return rc;
    bti_json *rows = bti_json_array();
    for (int i = 0; i < n; i++) {
        bti_json *one = bti_json_object();
        bti_json_set_str(one, "parameter", bti_space_slot_name(in->space, list[i].slot));
        bti_json_set_num(one, "importance", list[i].share);
        bti_json_set(one, "best", value_json(list[i].best));
        bti_json_append(rows, one);
    }
    bti_json_set(o, name, rows);
    bti_free(list);
    return BT_OK;
}

bt_status bt_importance(char **json, const char *study, bt_error *err)
{
    insight in;
    bti_json *o = bti_json_object(), *targets = bti_json_object();
    *json = NULL;
    bt_status rc = open_study(&in, study, err);
    const bti_objective *objective;
    int n = rc ? 0 : bti_space_objectives(in.space, &objective);
    int finished = 0;
    for (int i = 0; i < in.trials.n && !rc; i++)
        finished += bti_trial_counts(bti_trials_goals(&in.trials), &in.trials.trial[i]);
    for (int k = 0; k < n && !rc; k++)
        rc = put_target(targets, &in, objective[k].metric, k, err);
    if (!rc)
        rc = put_target(targets, &in, "front", -1, err);
    bti_json_set_str(o, "study", study);
    bti_json_set_int(o, "trials", finished);
    bti_json_set(o, "importance", targets);
    if (!rc && !(*json = bti_json_text(o, 2)))
        rc = bti_fail_nomem(err);
    bti_json_free(o);
    close_study(&in);
    return rc;
}

/* ---- narrowing ---- */
/* The commonest value of a parameter among the trials of the best ranks; false if none has it. */
static bool common_value(const insight *in, const int *good, int n_good, int slot, bti_value *out)
{
    const char *name = bti_space_slot_name(in->space, slot);
    bti_point *point = bti_malloc(sizeof(*point));
    bti_value seen[256];
    int count[256], n = 0, best = -1;
    for (int i = 0; point && i < n_good; i++) {
        const bti_trial *t = &in->trials.trial[good[i]];
        bti_space_restore(in->space, (const char *const *)t->param_name, t->param_value,
                          t->n_params, point);
        const bti_param *p = bti_point_find(point, name);
        if (!p)
            continue;
        bti_value v = bti_param_value(p);
        int k = 0;
        while (k < n && !bti_value_equal(seen[k], v))
            k++;
        if (k == 256)
            continue;
        if (k == n) {
            seen[n] = v;
            count[n++] = 0;
        }
        count[k]++;
        if (best < 0 || count[k] > count[best])
            best = k;
    }
    bti_free(point);
    if (best >= 0)
        *out = seen[best];
    return best >= 0;
}

/* Trials of the best ranks: the front, then the next, until a fifth of all are in. */
static bt_status find_good(const insight *in, int **out, int *n_out, bt_error *err)
{
    const bti_goals *g = bti_trials_goals(&in->trials);
    int n = 0;
    double *values = bti_array((size_t)in->trials.n + 1, (size_t)g->n * sizeof(*values));
    int *rank = bti_array((size_t)in->trials.n + 1, sizeof(*rank));
    int *index = bti_array((size_t)in->trials.n + 1, sizeof(*index));
    *out = index;
    *n_out = 0;
    if (!values || !rank || !index) {
        bti_free(values);
        bti_free(rank);
        return bti_fail_nomem(err);
    }
    for (int i = 0; i < in->trials.n; i++)
        if (bti_trial_counts(g, &in->trials.trial[i])) {
            memcpy(&values[n * g->n], in->trials.trial[i].value, (size_t)g->n * sizeof(*values));
            index[n++] = i;
        }
    bti_pareto_rank(values, n, g->n, g->maximize, rank);
    int worst = 0, kept = 0;
    for (int at_least = (int)ceil(GOOD_SHARE * n); worst <= n && kept < at_least; worst++) {
        kept = 0;
        for (int i = 0; i < n; i++)
            kept += rank[i] <= worst;
    }
    for (int i = 0; i < n; i++)
        if (rank[i] < worst)
            index[(*n_out)++] = index[i];
    bti_free(values);
    bti_free(rank);
    return BT_OK;
}

static bt_status write_narrow(const insight *in, const bti_importance *list, int n, int keep,
                              const char *path, int *frozen, bt_error *err)
{
    bti_str text = {0};
    int *good = NULL, n_good;
    bt_status rc = find_good(in, &good, &n_good, err);
    const char *own = bti_space_text(in->space);
    size_t length = strlen(own);
    bti_str_addf(&text,
                 "%s%s\nfreeze: # %d of %d parameters are left; the others as in good trials\n",
                 own, length && own[length - 1] == '\n' ? "" : "\n", keep < n ? keep : n, n);
    *frozen = 0;
    for (int i = keep; i < n && !rc; i++) {
        char value[64];
        bti_value v = list[i].best;
        (void)common_value(in, good, n_good, list[i].slot, &v);
        bti_str_addf(&text, "  %s: %s\n", bti_space_slot_name(in->space, list[i].slot),
                     bti_value_text(value, sizeof(value), v));
        (*frozen)++;
    }
    if (!rc)
        rc = bti_file_write(path, bti_str_c(&text), text.len, err);
    bti_str_release(&text);
    bti_free(good);
    return rc;
}

bt_status bt_space_narrow(char **json, const char *study, int keep, const char *path, bt_error *err)
{
    insight in;
    bti_importance *list = NULL;
    bti_json *o = bti_json_object(), *kept = bti_json_array();
    int n = 0, frozen = 0;
    *json = NULL;
    bt_status rc = open_study(&in, study, err);
    if (!rc)
        rc = bti_importance_of(in.space, &in.trials, -1, in.run.seed, &list, &n, err);
    if (!rc)
        rc = write_narrow(&in, list, n, keep, path, &frozen, err);
    for (int i = 0; i < n && i < keep; i++)
        bti_json_append(kept, bti_json_str(bti_space_slot_name(in.space, list[i].slot)));
    bti_json_set_str(o, "space", path);
    bti_json_set(o, "kept", kept);
    bti_json_set_int(o, "frozen", frozen);
    if (!rc && !(*json = bti_json_text(o, 2)))
        rc = bti_fail_nomem(err);
    bti_json_free(o);
    bti_free(list);
    close_study(&in);
    return rc;
}
