/* SPDX-License-Identifier: Apache-2.0
 *
 * Which models a study's front has, and the public call that shows them.
 */
#include "bantam/study.h"

#include "base/alloc.h"
#include "base/error.h"
#include "report/report.h"

#include <math.h>

bti_metric bti_report_cost_metric(const bti_trials *ts)
{
    const bti_goals *g = bti_trials_goals(ts);
    int c = bti_goals_cost(g);
    return c < 0 ? BTI_METRIC_PARAMS : g->metric[c];
}

bti_metric bti_report_quality_metric(const bti_trials *ts)
{
    const bti_goals *g = bti_trials_goals(ts);
    int q = bti_goals_quality(g);
    return q < 0 ? BTI_METRIC_NONE : g->metric[q];
}

double bti_report_cost(const bti_trials *ts, const bti_trial *t)
{
    const bti_goals *g = bti_trials_goals(ts);
    int c = bti_goals_cost(g);
    if (c >= 0)
        return c < t->n_values ? t->value[c] : NAN;
    return bti_trial_metric(g, t, BTI_METRIC_PARAMS);
}

double bti_report_quality(const bti_trials *ts, const bti_trial *t)
{
    int q = bti_goals_quality(bti_trials_goals(ts));
    return q >= 0 && q < t->n_values ? t->value[q] : NAN;
}

/* A seed is 64 bits and JSON readers keep 53: it is stored as text, small ones maybe as a number.
 */
static bool seed_text(const bti_json *v, char out[24])
{
    const char *text = bti_json_as_str(v, NULL);
    int64_t number = bti_json_as_int(v, -1);
    if (text)
        snprintf(out, 24, "%s", text);
    else if (number >= 0)
        snprintf(out, 24, "%lld", (long long)number);
    return out[0] != 0;
}

void bti_report_model_of(const bti_trials *ts, const bti_trial *t, bti_report_model *out)
{
    const bti_goals *g = bti_trials_goals(ts);
    const bti_json *final = bti_json_get(t->attrs, "final");
    const bti_json *interval = bti_json_get(final, "interval");
    const char *name = bti_json_as_str(bti_json_get(final, "name"), NULL);
    *out = (bti_report_model){.trial = t, .final = bti_json_is_object(final)};
    if (name)
        snprintf(out->name, sizeof(out->name), "%s", name);
    else
        snprintf(out->name, sizeof(out->name), "trial-%d", t->number);
    out->cost = bti_report_cost(ts, t);
    out->quality = bti_report_quality(ts, t);
    out->params =
        bti_json_as_num(bti_json_get(final, "params"), bti_trial_metric(g, t, BTI_METRIC_PARAMS));
    out->macs =
        bti_json_as_num(bti_json_get(final, "macs"), bti_trial_metric(g, t, BTI_METRIC_MACS));
    out->val_accuracy = bti_trial_metric(g, t, BTI_METRIC_ACCURACY);
    out->test_accuracy = bti_json_as_num(bti_json_get(final, "test_accuracy"), NAN);
    out->lo = bti_json_as_num(bti_json_at(interval, 0), NAN);
    out->hi = bti_json_as_num(bti_json_at(interval, 1), NAN);
    out->path = bti_json_as_str(bti_json_get(final, "path"), NULL);
    out->note = bti_json_as_str(bti_json_get(final, "note"), NULL);
    if (!seed_text(bti_json_get(final, "seed"), out->seed))
        seed_text(bti_json_get(t->attrs, "seed"), out->seed);
    out->retrained = bti_json_as_bool(bti_json_get(final, "retrained"), false);
    out->epochs = (int)bti_json_as_int(bti_json_get(final, "epochs"), 0);
}

/* By cost, quality, the other objectives, number: whoever covers a trial comes before it. */
static int cheaper_then_better(const void *pa, const void *pb, void *user)
{
    const bti_trials *ts = user;
    const bti_goals *g = bti_trials_goals(ts);
    const bti_trial *a = &ts->trial[*(const int *)pa], *b = &ts->trial[*(const int *)pb];
    int c = bti_goals_cost(g), q = bti_goals_quality(g);
    for (int k = -2; k < g->n; k++) {
        int i = k == -2 ? c : k == -1 ? q : k;
        if (i < 0 || a->value[i] == b->value[i])
            continue;
        return (a->value[i] < b->value[i]) != g->maximize[i] ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

int bti_report_front(const bti_trials *t, int *index)
{
    const bti_goals *g = bti_trials_goals(t);
    int n = 0, n_front = 0;
    for (int i = 0; i < t->n; i++)
        if (bti_trial_counts(g, &t->trial[i]))
            index[n++] = i;
    if (n)
        qsort_r(index, (size_t)n, sizeof(int), cheaper_then_better, (void *)(uintptr_t)t);
    for (int i = 0; i < n; i++) {
        const double *v = t->trial[index[i]].value;
        bool covered = false;
        /* With two objectives the last of the front is the best so far: it alone decides. */
        for (int k = n_front - 1; k >= 0 && !covered && (g->n > 2 || k == n_front - 1); k--)
            covered = bti_goals_covers(g, t->trial[index[k]].value, v);
        if (!covered)
            index[n_front++] = index[i];
    }
    return n_front;
}

static const bti_json *final_of(const bti_trial *t)
{
    const bti_json *final = bti_json_get(t->attrs, "final");
    return bti_json_is_object(final) ? final : NULL;
}

/* Of the front, whose n_front trials are in `index`, those whose model is on disk; and those that
 * fill it up. By params. Returns how many; 0 leaves the front as it was. */
static int on_disk(const bti_trials *t, int *index, int n_front)
{
    int n = 0;
    for (int i = 0; i < n_front; i++)
        if (final_of(&t->trial[index[i]]))
            index[n++] = index[i];
    for (int i = 0; i < t->n; i++)
        if (t->trial[i].state == BTI_COMPLETE &&
            bti_json_as_bool(bti_json_get(final_of(&t->trial[i]), "behind"), false))
            index[n++] = i;
    if (n)
        qsort_r(index, (size_t)n, sizeof(int), cheaper_then_better, (void *)(uintptr_t)t);
    return n;
}

double bti_report_hypervolume(const bti_trials *t)
{
    const bti_goals *g = bti_trials_goals(t);
    double ref[BTI_OBJECTIVES_MAX], volume = NAN;
    for (int j = 0; j < g->n; j++) {
        ref[j] = 1;
        if (g->metric[j] == BTI_METRIC_NONE)
            return NAN;
    }
    int *front = bti_array((size_t)t->n + 1, sizeof(int));
    double *at = bti_array(((size_t)t->n + 1) * (size_t)g->n, sizeof(double));
    if (front && at) {
        int n = bti_report_front(t, front);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < g->n; j++)
                at[i * g->n + j] = bti_metric_coordinate(g->metric[j], t->trial[front[i]].value[j]);
        volume = bti_hypervolume(at, n, g->n, ref);
    }
    bti_free(front);
    bti_free(at);
    return volume;
}

bt_status bti_report_models(const bti_trials *t, bti_report_model **out, int *n, bt_error *err)
{
    int *index = bti_array(2 * (size_t)t->n, sizeof(int));
    *out = NULL;
    *n = 0;
    if (!index)
        return bti_fail_nomem(err);
    int n_front = bti_report_front(t, index), n_disk = on_disk(t, index, n_front);
    int rows = n_disk ? n_disk : n_front;
    bti_report_model *model = rows ? bti_array((size_t)rows, sizeof(*model)) : NULL;
    for (int i = 0; model && i < rows; i++)
        bti_report_model_of(t, &t->trial[index[i]], &model[i]);
    if (model)
        *n = rows;
    *out = model;
    bti_free(index);
    return rows && !model ? bti_fail_nomem(err) : BT_OK;
}

static bt_status render(bti_str *out, const bti_trials *t, const char *name,
                        const bt_front_options *opt, bt_error *err)
{
    bt_front_format format = opt ? opt->format : BT_FRONT_TABLE;
    bti_marks *marks = bti_malloc(sizeof(*marks));
    bt_status rc = marks ? bti_marks_read(marks, t, opt, err) : bti_fail_nomem(err);
    bt_status text = BT_OK; /* of texts: only memory fails there */
    switch (rc ? -1 : (int)format) {
    case BT_FRONT_TABLE:
        text = bti_report_front_table(t, 0, marks, out);
        break;
    case BT_FRONT_CSV:
        text = bti_report_front_csv(t, out);
        break;
    case BT_FRONT_JSON:
        text = bti_report_front_json(t, name, marks, out);
        break;
    case BT_FRONT_SVG:
        text = bti_report_front_svg(t, name, marks, out);
        break;
    default:
        break;
    }
    bti_free(marks);
    return text ? bti_fail_nomem(err) : rc;
}

bt_status bt_front(char **text, const char *study, const bt_front_options *opt, bt_error *err)
{
    bti_storage *s = NULL;
    bti_trials t = {0};
    bti_str out = {0};
    *text = NULL;
    bt_status rc = bti_storage_open(&s, study, NULL, false, err);
    if (rc)
        return rc;
    rc = s->ops->refresh(s, &t, err);
    if (!rc)
        rc = render(&out, &t, s->name, opt, err);
    if (!rc) {
        *text = bti_str_take(&out);
        if (!*text)
            rc = bti_fail_nomem(err);
    }
    bti_str_release(&out);
    bti_trials_release(&t);
    bti_storage_close(s);
    return rc;
}
