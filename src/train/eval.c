/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_eval: a model directory measured on the split that it was validated on, or on the test split;
 * on its images as they are and, if asked, under changes of them.
 */
#include "bantam/train.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "train/evaluate.h"
#include "train/under.h"

#define WORTH_SAYING 10 /* changes, from which on each is announced */

typedef struct measured {
    const bt_eval_options *opt;
    bti_graph *graph;
    float *weights;
    bti_model_meta meta;
    bti_json *result; /* result.json */
    int threads;
    bti_changes changes;
    const bti_predictor *by; /* NULL: nn/ */
} measured;

/* ---- as JSON ---- */

static void set_interval(bti_json *o, const bti_score *s)
{
    bti_json *interval = bti_json_array();
    bti_json_append(interval, bti_json_num(s->lo));
    bti_json_append(interval, bti_json_num(s->hi));
    bti_json_set(o, "interval", interval);
}

/* One row of "under". */
static bti_json *change_json(const bti_change *c, const bti_score *s, double unchanged)
{
    const bti_op_info *info = bti_op_get(c->op);
    bti_json *o = bti_json_object();

    bti_json_set_str(o, "op", info->name);
    bti_json_set_num(o, "value", c->value); /* NaN: null */
    bti_json_set(o, "unit", info->unit ? bti_json_str(info->unit) : bti_json_null());
    bti_json_set_num(o, "accuracy", s->accuracy);
    set_interval(o, s);
    bti_json_set_num(o, "macro_f1", s->macro_f1);
    bti_json_set_num(o, "balanced_accuracy", s->balanced);
    bti_json_set_num(o, "change", s->accuracy - unchanged);
    return o;
}

/* [[...], ...]: a row for each true class. */
static bti_json *confusion_json(const bti_score *s)
{
    bti_json *rows = bti_json_array();

    for (int t = 0; t < s->classes; t++) {
        bti_json *row = bti_json_array();
        for (int p = 0; p < s->classes; p++)
            bti_json_append(row, bti_json_int(s->confusion[t * s->classes + p]));
        bti_json_append(rows, row);
    }
    return rows;
}

static bti_json *score_json(const bti_score *s, const bti_model_meta *meta)
{
    bti_json *o = bti_json_object(), *classes = bti_json_array();

    for (int c = 0; c < s->classes; c++) {
        bti_json *row = bti_json_object();
        bti_json_set_str(row, "class", meta->class_names[c]);
        bti_json_set_int(row, "n", s->count[c]);
        bti_json_set_num(row, "recall", s->recall[c]);
        bti_json_set_num(row, "precision", s->precision[c]);
        bti_json_set_num(row, "f1", s->f1[c]);
        bti_json_append(classes, row);
    }
    bti_json_set_num(o, "accuracy", s->accuracy);
    set_interval(o, s);
    bti_json_set_num(o, "top5", s->top5);
    bti_json_set_num(o, "macro_f1", s->macro_f1);
    bti_json_set_num(o, "balanced_accuracy", s->balanced);
    bti_json_set_int(o, "n", s->n);
    bti_json_set(o, "per_class", classes);
    bti_json_set(o, "confusion", confusion_json(s));
    return o;
}

/* ---- the images, then what the model makes of them ---- */

static bti_subject subject_of(const measured *m)
{
    bti_subject s = {.graph = m->graph, .weights = m->weights, .threads = m->threads, .by = m->by};
    memcpy(s.mean, m->meta.mean, sizeof(s.mean));
    memcpy(s.std, m->meta.std, sizeof(s.std));
    return s;
}

static bt_status measure_under(bti_json *rows, const measured *m, const bti_view *view, int i,
                               double unchanged, bt_error *err)
{
    const bti_subject subject = subject_of(m);
    const bti_change *c = &m->changes.change[i];
    bti_policy *policy;
    bti_score score = {0};

    if (m->changes.n >= WORTH_SAYING)
        bti_note(&m->opt->progress, "%s, %d of %d", bti_op_name(c->op), i + 1, m->changes.n);
    bt_status rc = bti_change_policy(&policy, c, err);
    if (rc)
        return rc;
    rc = bti_evaluate_under(&score, &subject, view, policy, err);
    if (!rc)
        bti_json_append(rows, change_json(c, &score, unchanged));
    bti_score_release(&score);
    bti_policy_free(policy);
    return rc;
}

/* RFC 4180: quotes where they are needed. */
static void add_field(bti_str *b, const char *text, const char *end)
{
    bool plain = !strpbrk(text, ",\"\r\n");
    bti_str_add(b, plain ? "" : "\"");
    for (const char *p = text; *p; p++)
        bti_str_addf(b, *p == '"' ? "\"%c" : "%c", *p);
    bti_str_addf(b, "%s%s", plain ? "" : "\"", end);
}

static bt_status write_predictions(const char *path, const bti_score *s, const bti_test_data *test,
                                   const bti_model_meta *meta, bt_error *err)
{
    bti_str b = {0};
    bti_str_add(&b, "path,class,prediction\n");
    for (int64_t i = 0; i < s->n; i++) {
        add_field(&b, test->name[i], ",");
        add_field(&b, meta->class_names[test->set.labels[i]], ",");
        add_field(&b, meta->class_names[s->guess[i]], "\n");
    }
    bt_status rc = b.failed ? bti_fail_nomem(err) : bti_file_write(path, bti_str_c(&b), b.len, err);
    bti_str_release(&b);
    return rc;
}

/* test: to be named in opt->predictions; NULL: not the test split. */
static bt_status measure(bti_json **out, const measured *m, const bti_view *view,
                         const bti_test_data *test, bt_error *err)
{
    const bti_subject subject = subject_of(m);
    bti_score score = {0};
    bti_json *rows = NULL;

    bt_status rc = bti_evaluate_under(&score, &subject, view, NULL, err);
    if (rc)
        return rc;
    *out = score_json(&score, &m->meta);
    if (test && m->opt->predictions)
        rc = write_predictions(m->opt->predictions, &score, test, &m->meta, err);
    if (m->changes.n)
        rows = bti_json_array();
    for (int i = 0; i < m->changes.n && !rc; i++)
        rc = measure_under(rows, m, view, i, score.accuracy, err);
    if (rows)
        bti_json_set(*out, "under", rows);
    bti_score_release(&score);
    return rc;
}

/* The validation split of the training that made the model, from the same settings. */
static bt_status measure_val(bti_json **out, const measured *m, const bt_data_options *data_opt,
                             bt_error *err)
{
    const bt_eval_options *o = m->opt;
    const bti_json *split = bti_json_get(m->result, "split");
    const char *subset = bti_json_as_str(bti_json_get(split, "subset"), NULL);
    const char *val = bti_json_as_str(bti_json_get(split, "val"), NULL);
    const char *key = bti_json_as_str(bti_json_get(m->result, "data_key"), NULL);
    int64_t seed = bti_json_as_int(bti_json_get(split, "seed"), 0);
    bti_data *data = NULL;
    bti_view train = {0}, held = {0};

    if (!split)
        return bti_fail(
            err, BT_INVAL, o->model_dir,
            "its result.json does not say how validation was split; use the test split");
    bt_status rc = bti_data_open(&data, o->data, data_opt, err);
    if (!rc && key && !bti_streq(key, data->key))
        bti_warn(&o->progress,
                 "%s is not the data that the model was trained on: its validation "
                 "images may have been trained on",
                 o->data);
    if (!rc)
        rc = bti_data_split(data, subset, val, (uint64_t)seed, &train, &held, err);
    if (!rc && held.n == 0)
        rc =
            bti_fail(err, BT_INVAL, o->model_dir,
                     "was trained on everything (val = 0): there is no validation split, use test");
    if (!rc)
        rc = measure(out, m, &held, NULL, err);
    bti_view_release(&train);
    bti_view_release(&held);
    bti_data_close(data);
    return rc;
}

static bt_status measure_test(bti_json **out, const measured *m, const bt_data_options *data_opt,
                              bt_error *err)
{
    bti_test_data *test;
    bti_view all = {0};
    bt_status rc = bti_test_open(&test, m->opt->data, data_opt, err);

    if (rc)
        return rc;
    rc = bti_view_all(&all, &test->set, err);
    if (!rc && m->opt->predictions)
        rc = bti_test_name(test, m->opt->data, data_opt, err);
    if (!rc)
        rc = measure(out, m, &all, test, err);
    bti_view_release(&all);
    bti_test_close(test);
    return rc;
}

bt_status bt_eval(char **json, const bt_eval_options *opt, bt_error *err)
{
    return bti_eval_by(json, opt, NULL, err);
}

bt_status bti_eval_by(char **json, const bt_eval_options *opt, const bti_predictor *by,
                      bt_error *err)
{
    measured m = {
        .opt = opt, .threads = opt->threads > 0 ? opt->threads : bti_cpu_count(), .by = by};
    bt_data_options data_opt = opt->data_opt;
    bti_json *result = NULL;

    *json = NULL;
    if (!bti_streq(opt->split, "val") && !bti_streq(opt->split, "test"))
        return bti_fail(err, BT_INVAL, "split", "'%s' is not val or test",
                        opt->split ? opt->split : "");
    if (opt->predictions && !bti_streq(opt->split, "test"))
        return bti_fail(err, BT_INVAL, "predictions", "are written for the test split only");
    if (by && opt->n_under > 0)
        return bti_fail(err, BT_INVAL, "under", "changes of the images are measured in f32 only");
    bt_status rc = bti_model_load(opt->model_dir, &m.graph, &m.weights, &m.meta, &m.result, err);
    if (rc)
        return rc;
    const bti_json *split = bti_json_get(m.result, "split"); /* images come as the model saw them */
    data_opt.size = m.meta.h;
    data_opt.group_by = bti_json_as_str(bti_json_get(split, "group_by"), NULL);
    data_opt.test_share = bti_json_as_num(bti_json_get(split, "test_share"), 0);
    for (int i = 0; i < opt->n_under && !rc; i++)
        rc = bti_changes_add(&m.changes, opt->under[i], m.meta.h, m.meta.w, err);
    if (!rc && bti_streq(opt->split, "val"))
        rc = measure_val(&result, &m, &data_opt, err);
    else if (!rc)
        rc = measure_test(&result, &m, &data_opt, err);
    if (!rc) {
        *json = bti_json_text(result, 0);
        if (!*json)
            rc = bti_fail_nomem(err);
    }
    bti_json_free(result);
    bti_changes_release(&m.changes);
    bti_graph_free(m.graph);
    bti_free(m.weights);
    bti_model_meta_release(&m.meta);
    bti_json_free(m.result);
    return rc;
}
