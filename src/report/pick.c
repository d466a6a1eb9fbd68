/* SPDX-License-Identifier: Apache-2.0
 *
 * One model of a front by limits and a rule. The best and the best value are chosen by what the
 * search saw; only `within` compares on test where it was read, since a baseline quotes that.
 */
#include "bantam/study.h"

#include "base/alloc.h"
#include "base/error.h"
#include "report/report.h"

#include <math.h>

static bool within_limits(const bti_trials *t, const bti_report_model *m, const bt_pick_options *o)
{
    for (int i = 0; i < o->n_limits; i++) {
        bti_metric metric = bti_metric_find(o->limit[i].metric);
        if (metric == BTI_METRIC_NONE || !(fabs(o->limit[i].bound) > 0))
            continue;
        double v = bti_trial_metric(bti_trials_goals(t), m->trial, metric);
        if (bti_metric_of(metric)->maximize ? !(v >= o->limit[i].bound) : !(v <= o->limit[i].bound))
            return false;
    }
    return true;
}

static bt_status choose(const bti_trials *t, const bti_report_model *model, int n,
                        const bt_pick_options *o, int *picked, bt_error *err)
{
    int best, value;
    const char *const within[] = {o->within};
    const bt_front_options marks_of = {.baseline = o->baseline,
                                       .n_baselines = o->n_baselines,
                                       .within = within,
                                       .n_within = o->within != NULL};
    bti_marks *marks = bti_malloc(sizeof(*marks));
    bt_status rc = marks ? bti_marks_read(marks, t, &marks_of, err) : bti_fail_nomem(err);
    bti_report_choose(model, n, &best, &value);
    *picked = o->knee ? value : best;
    if (!rc && o->within)
        *picked = bti_report_within(model, n, best, &marks->within[0]);
    bti_free(marks);
    return rc;
}

static char *as_json(const bti_trials *t, const bti_report_model *m)
{
    bti_json *o = bti_json_object();
    double lo, hi;
    bool tested;
    double shown = bti_report_shown(t, m, &lo, &hi, &tested);
    bti_json *interval = bti_json_array();
    bti_json_append(interval, bti_json_num(lo));
    bti_json_append(interval, bti_json_num(hi));
    bti_json_set_str(o, "name", m->name);
    bti_json_set_int(o, "trial", m->trial->number);
    bti_json_set(o, "path", m->path ? bti_json_str(m->path) : bti_json_null());
    bti_json_set_num(o, "params", m->params);
    bti_json_set_num(o, "macs", m->macs);
    bti_json_set_num(o, "val_accuracy", m->val_accuracy);
    bti_json_set_num(o, "test_accuracy", m->test_accuracy);
    bti_json_set_num(o, tested ? "test" : "quality", shown);
    bti_json_set(o, "interval", interval);
    char *text = bti_json_text(o, 2);
    bti_json_free(o);
    return text;
}

bt_status bt_pick(char **json, const char *study, const bt_pick_options *opt, bt_error *err)
{
    bti_storage *st = NULL;
    bti_trials trials = {0};
    bti_report_model *model = NULL;
    int n = 0, kept = 0, picked = -1;
    *json = NULL;
    bt_status rc = bti_storage_open(&st, study, NULL, false, err);
    if (!rc)
        rc = st->ops->refresh(st, &trials, err);
    if (!rc)
        rc = bti_report_models(&trials, &model, &n, err);
    for (int i = 0; i < n && !rc; i++)
        if (within_limits(&trials, &model[i], opt))
            model[kept++] = model[i];
    if (!rc && kept)
        rc = choose(&trials, model, kept, opt, &picked, err);
    if (!rc && picked < 0)
        rc =
            bti_fail(err, BT_EMPTY, study, "none of the front's %d models is within the limits", n);
    if (!rc && !(*json = as_json(&trials, &model[picked])))
        rc = bti_fail_nomem(err);
    bti_free(model);
    bti_trials_release(&trials);
    bti_storage_close(st);
    return rc;
}
