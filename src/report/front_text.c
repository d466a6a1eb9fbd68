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

bt_status bti_report_front_csv(const bti_trials *t, bti_str *out)
{
    bti_report_model *model;
    int n;
    bt_status rc = bti_report_models(t, &model, &n, NULL);
    if (rc)
        return rc;
    bti_str_add(out,
                "name,params,macs,val_accuracy,test_accuracy,interval_lo,interval_hi,seed,trial,"
                "path\n");
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
        bti_str_add(out, "\n");
    }
    bti_free(model);
    return status_of(out);
}

/* ---- JSON ---- */

static bti_json *json_of_model(const bti_report_model *m)
{
    bti_json *row = bti_json_object();
    bti_json *interval = isfinite(m->lo) && isfinite(m->hi) ? bti_json_array() : bti_json_null();
    bti_json_set_str(row, "name", m->name);
    bti_json_set_int(row, "trial", m->trial->number);
    bti_json_set(row, "params",
                 isfinite(m->params) ? bti_json_int((int64_t)m->params) : bti_json_null());
    bti_json_set(row, "macs", isfinite(m->macs) ? bti_json_int((int64_t)m->macs) : bti_json_null());
    bti_json_set_num(row, "val_accuracy", m->val_accuracy);
    bti_json_set_num(row, "test_accuracy", m->test_accuracy);
    if (bti_json_is_array(interval)) {
        bti_json_append(interval, bti_json_num(m->lo));
        bti_json_append(interval, bti_json_num(m->hi));
    }
    bti_json_set(row, "interval", interval);
    bti_json_set_str(row, "seed", m->seed);
    bti_json_set(row, "path", m->path ? bti_json_str(m->path) : bti_json_null());
    bti_json_set_bool(row, "retrained", m->retrained);
    if (m->epochs)
        bti_json_set_int(row, "epochs", m->epochs);
    if (m->note)
        bti_json_set_str(row, "note", m->note);
    return row;
}

bt_status bti_report_front_json(const bti_trials *t, const char *study, bti_str *out)
{
    int *index = bti_array((size_t)t->n, sizeof(int));
    int n_front = index ? bti_report_front(t, index) : 0, n_complete = 0;
    bti_json *root = bti_json_object(), *front = bti_json_array();
    for (int i = 0; i < t->n; i++)
        n_complete += t->trial[i].state == BTI_COMPLETE;
    for (int i = 0; i < n_front; i++) {
        bti_report_model m;
        bti_report_model_of(&t->trial[index[i]], &m);
        bti_json_append(front, json_of_model(&m));
    }
    bti_json_set_str(root, "study", study);
    bti_json_set_int(root, "trials", t->n);
    bti_json_set_int(root, "complete", n_complete);
    bti_json_set(root, "front", front);
    char *text = index ? bti_json_text(root, 2) : NULL;
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

static void table_row(bti_str *out, const bti_report_model *m, bool tested)
{
    count_cell(out, m->params);
    count_cell(out, m->macs);
    bti_str_addf(out, "%11.2f%%", 100 * m->val_accuracy);
    if (tested && isfinite(m->test_accuracy))
        bti_str_addf(out, "%8.2f%%", 100 * m->test_accuracy);
    else if (tested)
        bti_str_addf(out, "%9s", "");
    if (tested && isfinite(m->lo) && isfinite(m->hi))
        bti_str_addf(out, "   %5.2f-%5.2f%%", 100 * m->lo, 100 * m->hi);
    else if (tested)
        bti_str_addf(out, "%15s", "");
    bti_str_addf(out, "   %s%s%s\n", m->name, m->note ? "  " : "", m->note ? m->note : "");
}

bt_status bti_report_front_table(const bti_trials *t, int max_rows, bti_str *out)
{
    bti_report_model *model;
    int n;
    bool tested = false;
    bt_status rc = bti_report_models(t, &model, &n, NULL);
    if (rc)
        return rc;
    for (int i = 0; i < n; i++)
        tested = tested || isfinite(model[i].test_accuracy);
    if (!n)
        bti_str_add(out, "no model has finished yet\n");
    else
        bti_str_addf(out, "%9s%9s%12s%s   model\n", "params", "MACs", "validation",
                     tested ? "     test   95% interval" : "");
    int rows = max_rows > 0 && n > max_rows ? max_rows : n;
    for (int i = 0; i < rows; i++) /* first and last always, the rest spread evenly */
        table_row(out, &model[rows > 1 ? (int)((int64_t)i * (n - 1) / (rows - 1)) : n - 1], tested);
    if (rows < n)
        bti_str_addf(out, "%9s and %d more on the front\n", "...", n - rows);
    bti_free(model);
    return status_of(out);
}
