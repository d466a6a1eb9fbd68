/* SPDX-License-Identifier: Apache-2.0
 *
 * Which models a study's front has, and the public call that shows them.
 */
#include "bantam/study.h"

#include "base/alloc.h"
#include "base/error.h"
#include "report/report.h"

#include <math.h>

double bti_report_params(const bti_trial *t)
{
    return bti_json_as_num(bti_json_get(t->attrs, "params"), t->n_values > 1 ? t->value[1] : NAN);
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

void bti_report_model_of(const bti_trial *t, bti_report_model *out)
{
    const bti_json *final = bti_json_get(t->attrs, "final");
    const bti_json *interval = bti_json_get(final, "interval");
    const char *name = bti_json_as_str(bti_json_get(final, "name"), NULL);
    *out = (bti_report_model){.trial = t, .final = bti_json_is_object(final)};
    if (name)
        snprintf(out->name, sizeof(out->name), "%s", name);
    else
        snprintf(out->name, sizeof(out->name), "trial-%d", t->number);
    out->params = bti_json_as_num(bti_json_get(final, "params"), bti_report_params(t));
    out->macs = bti_json_as_num(bti_json_get(final, "macs"),
                                bti_json_as_num(bti_json_get(t->attrs, "macs"), NAN));
    out->val_accuracy = t->value[0];
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

static int smaller_then_better(const void *pa, const void *pb, void *user)
{
    const bti_trials *t = user;
    const bti_trial *a = &t->trial[*(const int *)pa], *b = &t->trial[*(const int *)pb];
    double x = bti_report_params(a), y = bti_report_params(b);
    if (x != y)
        return x < y ? -1 : 1;
    if (a->value[0] != b->value[0])
        return a->value[0] > b->value[0] ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

int bti_report_front(const bti_trials *t, int *index)
{
    int n = 0, n_front = 0;
    double best = -INFINITY;
    for (int i = 0; i < t->n; i++) {
        const bti_trial *trial = &t->trial[i];
        if (trial->state == BTI_COMPLETE && trial->n_values > 0 && isfinite(trial->value[0]) &&
            isfinite(bti_report_params(trial)))
            index[n++] = i;
    }
    if (n)
        qsort_r(index, (size_t)n, sizeof(int), smaller_then_better, (void *)(uintptr_t)t);
    for (int i = 0; i < n; i++) {
        double accuracy = t->trial[index[i]].value[0];
        if (accuracy > best) {
            best = accuracy;
            index[n_front++] = index[i];
        }
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
        n += final_of(&t->trial[index[i]]) != NULL;
    for (int i = 0, k = 0; n && i < n_front; i++)
        if (final_of(&t->trial[index[i]]))
            index[k++] = index[i];
    for (int i = 0; n && i < t->n; i++)
        if (t->trial[i].state == BTI_COMPLETE &&
            bti_json_as_bool(bti_json_get(final_of(&t->trial[i]), "behind"), false))
            index[n++] = i;
    if (n)
        qsort_r(index, (size_t)n, sizeof(int), smaller_then_better, (void *)(uintptr_t)t);
    return n;
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
        bti_report_model_of(&t->trial[index[i]], &model[i]);
    if (model)
        *n = rows;
    *out = model;
    bti_free(index);
    return rows && !model ? bti_fail_nomem(err) : BT_OK;
}

bt_status bt_front(char **text, const char *study, bt_front_format format, bt_error *err)
{
    bti_storage *s = NULL;
    bti_trials t = {0};
    bti_str out = {0};
    *text = NULL;
    bt_status rc = bti_storage_open(&s, study, NULL, false, err);
    if (rc)
        return rc;
    rc = s->ops->refresh(s, &t, err);
    if (rc)
        goto done;
    switch (format) {
    case BT_FRONT_TABLE:
        rc = bti_report_front_table(&t, 0, &out);
        break;
    case BT_FRONT_CSV:
        rc = bti_report_front_csv(&t, &out);
        break;
    case BT_FRONT_JSON:
        rc = bti_report_front_json(&t, s->name, &out);
        break;
    case BT_FRONT_SVG:
        rc = bti_report_front_svg(&t, s->name, &out);
        break;
    }
    if (!rc)
        *text = bti_str_take(&out);
    if (rc || !*text)
        rc = bti_fail_nomem(err);
done:
    bti_str_release(&out);
    bti_trials_release(&t);
    bti_storage_close(s);
    return rc;
}
