/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_eval: a model directory measured on the split that it was validated on, or on the test split.
 */
#include "bantam/train.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "train/trainer.h"

typedef struct measured {
    bti_graph *graph;
    float *weights;
    bti_model_meta meta;
    bti_json *result; /* result.json */
    int threads;
    const bti_predictor *by; /* NULL: nn/ */
} measured;

static bt_status score(bti_score *out, const measured *m, const bti_dataset *set,
                       const bti_view *view, bt_error *err)
{
    if (m->by)
        return bti_evaluate_by(out, m->graph, m->by, set, view, err);
    return bti_evaluate(out, m->graph, m->weights, set, view, m->meta.mean, m->meta.std, m->threads,
                        err);
}

/* The validation split of the training that made the model, from the same settings. */
static bt_status score_val(bti_score *out, const measured *m, const bt_eval_options *o,
                           const bt_data_options *data_opt, bt_error *err)
{
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
        rc = score(out, m, held.set, &held, err);
    bti_view_release(&train);
    bti_view_release(&held);
    bti_data_close(data);
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

static bt_status score_test(bti_score *out, const measured *m, const bt_eval_options *o,
                            const bt_data_options *data_opt, bt_error *err)
{
    bti_test_data *test;
    bt_status rc = bti_test_open(&test, o->data, data_opt, err);

    if (rc)
        return rc;
    rc = score(out, m, &test->set, NULL, err);
    if (!rc && o->predictions)
        rc = bti_test_name(test, o->data, data_opt, err);
    if (!rc && o->predictions)
        rc = write_predictions(o->predictions, out, test, &m->meta, err);
    bti_test_close(test);
    return rc;
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

static char *score_text(const bti_score *s, const bti_model_meta *meta)
{
    bti_json *o = bti_json_object(), *interval = bti_json_array(), *classes = bti_json_array();

    bti_json_append(interval, bti_json_num(s->lo));
    bti_json_append(interval, bti_json_num(s->hi));
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
    bti_json_set(o, "interval", interval);
    bti_json_set_num(o, "top5", s->top5);
    bti_json_set_num(o, "macro_f1", s->macro_f1);
    bti_json_set_num(o, "balanced_accuracy", s->balanced);
    bti_json_set_int(o, "n", s->n);
    bti_json_set(o, "per_class", classes);
    bti_json_set(o, "confusion", confusion_json(s));
    char *text = bti_json_text(o, 0);
    bti_json_free(o);
    return text;
}

bt_status bt_eval(char **json, const bt_eval_options *opt, bt_error *err)
{
    return bti_eval_by(json, opt, NULL, err);
}

bt_status bti_eval_by(char **json, const bt_eval_options *opt, const bti_predictor *by,
                      bt_error *err)
{
    measured m = {.threads = opt->threads > 0 ? opt->threads : bti_cpu_count(), .by = by};
    bti_score result = {0};
    bt_data_options data_opt = opt->data_opt;
    bt_status rc;

    *json = NULL;
    if (!bti_streq(opt->split, "val") && !bti_streq(opt->split, "test"))
        return bti_fail(err, BT_INVAL, "split", "'%s' is not val or test",
                        opt->split ? opt->split : "");
    if (opt->predictions && !bti_streq(opt->split, "test"))
        return bti_fail(err, BT_INVAL, "predictions", "are written for the test split only");
    rc = bti_model_load(opt->model_dir, &m.graph, &m.weights, &m.meta, &m.result, err);
    if (rc)
        return rc;
    const bti_json *split = bti_json_get(m.result, "split"); /* images come as the model saw them */
    data_opt.size = m.meta.h;
    data_opt.group_by = bti_json_as_str(bti_json_get(split, "group_by"), NULL);
    data_opt.test_share = bti_json_as_num(bti_json_get(split, "test_share"), 0);
    if (bti_streq(opt->split, "val"))
        rc = score_val(&result, &m, opt, &data_opt, err);
    else
        rc = score_test(&result, &m, opt, &data_opt, err);
    if (!rc) {
        *json = score_text(&result, &m.meta);
        if (!*json)
            rc = bti_fail_nomem(err);
    }
    bti_score_release(&result);
    bti_graph_free(m.graph);
    bti_free(m.weights);
    bti_model_meta_release(&m.meta);
    bti_json_free(m.result);
    return rc;
}
