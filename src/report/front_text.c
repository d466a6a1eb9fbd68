/* SPDX-License-Identifier: Apache-2.0
 *
 * The front as CSV, JSON, and a table for a terminal.
 */
#include "report/report.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

static bt_status status_of(const bti_str *out)
{
    return out->failed ? BT_NOMEM : BT_OK;
}

/* ---- CSV ---- */

/* Quoted only when it must be (RFC 4180). */
static void csv_text(bti_str *out, const char *s)
{
    if (!s || !s[strcspn(s, ",\"\r\n")]) {
        bti_str_add(out, s ? s : "");
        return;
    }
    bti_str_add(out, "\"");
    for (; *s; s++)
        bti_str_addf(out, *s == '"' ? "\"%c" : "%c", *s);
    bti_str_add(out, "\"");
}

static void csv_number(bti_str *out, const char *format, double v)
{
    bti_str_add(out, ",");
    if (isfinite(v))
        bti_str_addf(out, format, v);
}

/* Further columns: objectives other than accuracy, parameters and MACs; where models are exported,
 * also what an export takes. */
typedef struct extras {
    int n, goal[BTI_OBJECTIVES_MAX + 2]; /* -1: no objective */
    bti_metric metric[BTI_OBJECTIVES_MAX + 2];
} extras;

static bool is_goal(const bti_goals *g, bti_metric m)
{
    for (int i = 0; i < g->n; i++)
        if (g->metric[i] == m)
            return true;
    return false;
}

static bool is_deployed(const bti_trials *t)
{
    for (int i = 0; i < t->n; i++)
        if (bti_json_get(t->trial[i].attrs, "flash"))
            return true;
    return false;
}

static extras extras_of(const bti_trials *t)
{
    static const bti_metric usual[] = {BTI_METRIC_ACCURACY, BTI_METRIC_PARAMS, BTI_METRIC_MACS};
    static const bti_metric device[] = {BTI_METRIC_FLASH, BTI_METRIC_PEAK_MEMORY};
    const bti_goals *g = bti_trials_goals(t);
    extras x = {0};
    for (int i = 0; i < g->n; i++) {
        if (g->metric[i] == usual[0] || g->metric[i] == usual[1] || g->metric[i] == usual[2])
            continue;
        x.goal[x.n] = i;
        x.metric[x.n++] = g->metric[i];
    }
    for (int i = 0; i < 2 && is_deployed(t); i++) {
        if (is_goal(g, device[i]))
            continue;
        x.goal[x.n] = -1;
        x.metric[x.n++] = device[i];
    }
    return x;
}

static double extra_value(const extras *x, int i, const bti_goals *g, const bti_trial *t)
{
    return x->goal[i] >= 0 ? t->value[x->goal[i]] : bti_trial_metric(g, t, x->metric[i]);
}

static const char *objective_name(const bti_goals *g, int i, char buf[24])
{
    if (g->metric[i] != BTI_METRIC_NONE)
        return bti_metric_of(g->metric[i])->name;
    snprintf(buf, 24, "objective_%d", i);
    return buf;
}

static const char *extra_name(const extras *x, int i, const bti_goals *g, char buf[24])
{
    return x->goal[i] >= 0 ? objective_name(g, x->goal[i], buf) : bti_metric_of(x->metric[i])->name;
}

bt_status bti_report_front_csv(const bti_trials *t, bti_str *out)
{
    const bti_goals *g = bti_trials_goals(t);
    const extras x = extras_of(t);
    bti_report_model *model;
    char buf[24];
    int n;
    bt_status rc = bti_report_models(t, &model, &n, NULL);
    if (rc)
        return rc;
    bti_str_add(out,
                "name,params,macs,val_accuracy,test_accuracy,interval_lo,interval_hi,seed,trial,"
                "path");
    for (int k = 0; k < x.n; k++)
        bti_str_addf(out, ",%s", extra_name(&x, k, g, buf));
    bti_str_add(out, "\n");
    for (int i = 0; i < n; i++) {
        const bti_report_model *m = &model[i];
        csv_text(out, m->name);
        csv_number(out, "%.0f", m->params);
        csv_number(out, "%.0f", m->macs);
        csv_number(out, "%.6g", m->val_accuracy);
        csv_number(out, "%.6g", m->test_accuracy);
        csv_number(out, "%.6g", m->lo);
        csv_number(out, "%.6g", m->hi);
        bti_str_addf(out, ",%s,%d,", m->seed, m->trial->number);
        csv_text(out, m->path);
        for (int k = 0; k < x.n; k++)
            csv_number(out, "%.6g", extra_value(&x, k, g, m->trial));
        bti_str_add(out, "\n");
    }
    bti_free(model);
    return status_of(out);
}

/* ---- JSON ---- */

static bti_json *json_of_values(const bti_goals *g, const bti_trial *t)
{
    char buf[24];
    bti_json *o = bti_json_object();
    for (int k = 0; k < g->n && k < t->n_values; k++)
        bti_json_set_num(o, objective_name(g, k, buf), t->value[k]);
    return o;
}

static bti_json *json_of_model(const bti_goals *g, const bti_report_model *m)
{
    bti_json *row = bti_json_object();
    bti_json *interval = isfinite(m->lo) && isfinite(m->hi) ? bti_json_array() : bti_json_null();
    bti_json_set_str(row, "name", m->name);
    bti_json_set_int(row, "trial", m->trial->number);
    bti_json_set(row, "params",
                 isfinite(m->params) ? bti_json_int((int64_t)m->params) : bti_json_null());
    bti_json_set(row, "macs", isfinite(m->macs) ? bti_json_int((int64_t)m->macs) : bti_json_null());
    if (bti_json_get(m->trial->attrs, "flash")) {
        bti_json_set_num(row, "flash", bti_trial_metric(g, m->trial, BTI_METRIC_FLASH));
        bti_json_set_num(row, "peak_memory", bti_trial_metric(g, m->trial, BTI_METRIC_PEAK_MEMORY));
    }
    bti_json_set_num(row, "val_accuracy", m->val_accuracy);
    bti_json_set_num(row, "test_accuracy", m->test_accuracy);
    if (bti_json_is_array(interval)) {
        bti_json_append(interval, bti_json_num(m->lo));
        bti_json_append(interval, bti_json_num(m->hi));
    }
    bti_json_set(row, "interval", interval);
    bti_json_set(row, "values", json_of_values(g, m->trial));
    bti_json_set_str(row, "seed", m->seed);
    bti_json_set(row, "path", m->path ? bti_json_str(m->path) : bti_json_null());
    bti_json_set_bool(row, "retrained", m->retrained);
    if (m->epochs)
        bti_json_set_int(row, "epochs", m->epochs);
    if (m->note)
        bti_json_set_str(row, "note", m->note);
    return row;
}

static bti_json *json_of_objectives(const bti_goals *g)
{
    char buf[24];
    bti_json *list = bti_json_array();
    for (int k = 0; k < g->n; k++) {
        bti_json *o = bti_json_object();
        bti_json_set_str(o, "metric", objective_name(g, k, buf));
        bti_json_set_str(o, "goal", g->maximize[k] ? "max" : "min");
        bti_json_append(list, o);
    }
    return list;
}

static bti_json *json_of_baselines(const bti_marks *marks)
{
    bti_json *list = bti_json_array();
    for (int i = 0; marks && i < marks->n; i++) {
        bti_json *o = bti_json_object();
        bti_json_set_str(o, "name", marks->baseline[i].name);
        bti_json_set_num(o, "cost", marks->baseline[i].cost);
        bti_json_set_num(o, "quality", marks->baseline[i].quality);
        bti_json_append(list, o);
    }
    return list;
}

static bti_json *json_of_choice(const bti_trials *t, const bti_report_model *model, int at)
{
    bti_json *o = at < 0 ? bti_json_null() : bti_json_object();
    double lo, hi;
    bool tested;
    if (at < 0)
        return o;
    bti_json_set_str(o, "name", model[at].name);
    bti_json_set_int(o, "trial", model[at].trial->number);
    bti_json_set_num(o, "cost", model[at].cost);
    bti_json_set_num(o, "quality", bti_report_shown(t, &model[at], &lo, &hi, &tested));
    bti_json *interval = bti_json_array();
    bti_json_append(interval, bti_json_num(lo));
    bti_json_append(interval, bti_json_num(hi));
    bti_json_set(o, "interval", interval);
    bti_json_set_str(o, "measured_on", tested ? "test" : "validation");
    return o;
}

static bt_status put_choices(bti_json *root, const bti_trials *t, const bti_marks *marks)
{
    bti_report_model *model;
    bti_json *list = bti_json_array();
    int n, best, value;
    bt_status rc = bti_report_models(t, &model, &n, NULL);
    bti_report_choose(model, rc ? 0 : n, &best, &value);
    bti_json_set(root, "best", json_of_choice(t, model, best));
    bti_json_set(root, "value", json_of_choice(t, model, value));
    for (int i = 0; marks && i < marks->n_within; i++) {
        const bti_within *w = &marks->within[i];
        bti_json *o = bti_json_object();
        bti_json_set_num(o, "points", w->points);
        bti_json_set(o, "of", w->of ? bti_json_str(w->of->name) : bti_json_null());
        bti_json_set(o, "model",
                     json_of_choice(t, model, bti_report_within(model, rc ? 0 : n, best, w)));
        bti_json_append(list, o);
    }
    bti_json_set(root, "within", list);
    bti_json_set(root, "baselines", json_of_baselines(marks));
    bti_free(model);
    return rc;
}

bt_status bti_report_front_json(const bti_trials *t, const char *study, const bti_marks *marks,
                                bti_str *out)
{
    const bti_goals *g = bti_trials_goals(t);
    int *index = bti_array((size_t)t->n, sizeof(int));
    int n_front = index ? bti_report_front(t, index) : 0, n_complete = 0;
    bti_json *root = bti_json_object(), *front = bti_json_array();
    for (int i = 0; i < t->n; i++)
        n_complete += t->trial[i].state == BTI_COMPLETE;
    for (int i = 0; i < n_front; i++) {
        bti_report_model m;
        bti_report_model_of(t, &t->trial[index[i]], &m);
        bti_json_append(front, json_of_model(g, &m));
    }
    bti_json_set_str(root, "study", study);
    bti_json_set(root, "objectives", json_of_objectives(g));
    bti_json_set_num(root, "hypervolume", bti_report_hypervolume(t));
    bti_json_set_int(root, "trials", t->n);
    bti_json_set_int(root, "complete", n_complete);
    bti_json_set(root, "front", front);
    bt_status chosen = put_choices(root, t, marks);
    char *text = index && !chosen ? bti_json_text(root, 2) : NULL;
    if (text)
        bti_str_add(out, text);
    bt_status rc = text ? status_of(out) : BT_NOMEM;
    bti_free(text);
    bti_json_free(root);
    bti_free(index);
    return rc;
}

/* ---- table ---- */

static void count_cell(bti_str *out, double v)
{
    char text[16] = "";
    if (isfinite(v))
        bti_format_count(text, v);
    bti_str_addf(out, "%9s", text);
}

/* Columns of a table: which are there. */
typedef struct columns {
    const bti_goals *g;
    extras extra;
    bool accuracy, tested;
} columns;

static void share_cell(bti_str *out, int width, double v)
{
    if (isfinite(v))
        bti_str_addf(out, "%*.2f%%", width - 1, 100 * v);
    else
        bti_str_addf(out, "%*s", width, "");
}

static void table_head(bti_str *out, const columns *c)
{
    char buf[24];
    bti_str_addf(out, "%9s%9s", "params", "MACs");
    for (int k = 0; k < c->extra.n; k++)
        bti_str_addf(out, "  %10s", extra_name(&c->extra, k, c->g, buf));
    bti_str_addf(out, "%s%s   model\n", c->accuracy ? "  validation" : "",
                 c->tested ? "     test   95% interval" : "");
}

static void table_row(bti_str *out, const bti_report_model *m, const columns *c)
{
    char cell[24], name[24];
    count_cell(out, m->params);
    count_cell(out, m->macs);
    for (int k = 0; k < c->extra.n; k++) {
        int width = (int)strlen(extra_name(&c->extra, k, c->g, name));
        bti_str_addf(
            out, "  %*s", width > 10 ? width : 10,
            bti_metric_format(cell, c->extra.metric[k], extra_value(&c->extra, k, c->g, m->trial)));
    }
    if (c->accuracy)
        share_cell(out, 12, m->val_accuracy);
    if (c->tested)
        share_cell(out, 9, m->test_accuracy);
    if (c->tested && isfinite(m->lo) && isfinite(m->hi))
        bti_str_addf(out, "   %5.2f-%5.2f%%", 100 * m->lo, 100 * m->hi);
    else if (c->tested)
        bti_str_addf(out, "%15s", "");
    bti_str_addf(out, "   %s%s%s\n", m->name, m->note ? "  " : "", m->note ? m->note : "");
}

/* Below the models: what people compare them with. */
static void table_baselines(bti_str *out, const bti_trials *t, const bti_marks *marks)
{
    char cost[24], quality[24];
    for (int i = 0; marks && i < marks->n; i++) {
        const bti_baseline *b = &marks->baseline[i];
        bti_str_addf(out, "%sbaseline %s: %s, %s\n", i ? "" : "\n", b->name,
                     bti_metric_format(cost, bti_report_cost_metric(t), b->cost),
                     bti_metric_format(quality, bti_report_quality_metric(t), b->quality));
    }
}

static void table_choice(bti_str *out, const bti_trials *t, const char *title,
                         const bti_report_model *m)
{
    char cost[24], quality[24];
    double lo, hi;
    bool tested;
    if (!m) {
        bti_str_addf(out, "%s: none\n", title);
        return;
    }
    double v = bti_report_shown(t, m, &lo, &hi, &tested);
    bti_metric metric = tested ? BTI_METRIC_ACCURACY : bti_report_quality_metric(t);
    bti_str_addf(out, "%s: %s, %s%s %s", title, m->name,
                 bti_metric_format(cost, bti_report_cost_metric(t), m->cost),
                 bti_report_cost_metric(t) == BTI_METRIC_PARAMS ? " parameters," : ",",
                 bti_metric_format(quality, metric, v));
    if (isfinite(lo) && isfinite(hi))
        bti_str_addf(out, " (%.2f-%.2f)", 100 * lo, 100 * hi);
    bti_str_add(out, tested ? " on test\n" : " on validation\n");
}

static void table_choices(bti_str *out, const bti_trials *t, const bti_marks *marks,
                          const bti_report_model *model, int n)
{
    int best, value;
    bti_report_choose(model, n, &best, &value);
    if (best < 0)
        return;
    table_baselines(out, t, marks);
    bti_str_add(out, "\n");
    table_choice(out, t, "best", &model[best]);
    table_choice(out, t, "best value", &model[value]);
    for (int i = 0; i < marks->n_within; i++) {
        const bti_within *w = &marks->within[i];
        int at = bti_report_within(model, n, best, w);
        char title[112];
        snprintf(title, sizeof(title), "smallest within %.4g point%s of %s", 100 * w->points,
                 w->points == 0.01 ? "" : "s", w->of ? w->of->name : "the best");
        table_choice(out, t, title, at < 0 ? NULL : &model[at]);
    }
}

bt_status bti_report_front_table(const bti_trials *t, int max_rows, const bti_marks *marks,
                                 bti_str *out)
{
    bti_report_model *model;
    columns c = {.g = bti_trials_goals(t), .extra = extras_of(t)};
    int n;
    bt_status rc = bti_report_models(t, &model, &n, NULL);
    if (rc)
        return rc;
    for (int i = 0; i < n; i++) {
        c.tested = c.tested || isfinite(model[i].test_accuracy);
        c.accuracy = c.accuracy || isfinite(model[i].val_accuracy);
    }
    if (!n)
        bti_str_add(out, "no model has finished yet\n");
    else
        table_head(out, &c);
    int rows = max_rows > 0 && n > max_rows ? max_rows : n;
    for (int i = 0; i < rows; i++) /* first and last always, the rest spread evenly */
        table_row(out, &model[rows > 1 ? (int)((int64_t)i * (n - 1) / (rows - 1)) : n - 1], &c);
    if (rows < n)
        bti_str_addf(out, "%9s and %d more on the front\n", "...", n - rows);
    if (marks)
        table_choices(out, t, marks, model, n);
    bti_free(model);
    return status_of(out);
}
