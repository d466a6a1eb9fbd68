/* SPDX-License-Identifier: Apache-2.0
 *
 * The finish line of a pick: one reading of the test split, the model directory, the record.
 *
 * Nothing written here is read by a sampler or a choice: final records are for the report.
 */
#include "search/finish.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "export/eval_int8.h"

#include <math.h>

#define READS_KEY "bantam:test_reads"

bt_status bti_finish_open_test(bti_test_data **test, const bti_lab *lab, bt_error *err)
{
    bt_data_options opt = bti_run_data_options(&lab->run);
    *test = NULL;
    if (!lab->data->has_test)
        return BT_OK;
    return bti_test_open(test, lab->run.data, &opt, err);
}

/* What the test split said of a model. */
typedef struct reading {
    bti_score score;       /* as it is deployed */
    double float_accuracy; /* of the engine that trained it; NaN: the same */
} reading;

static double attr(const bti_finish *f, const char *name)
{
    return bti_json_as_num(bti_json_get(f->trial->attrs, name), NAN);
}

static void set_deployment(bti_json *o, const bti_finish *f, const char *dtype, const reading *r)
{
    if (!dtype)
        return;
    bti_json_set_str(o, "dtype", dtype);
    bti_json_set_num(o, "flash", attr(f, "flash"));
    bti_json_set_num(o, "peak_memory", attr(f, "peak_memory"));
    if (!isnan(attr(f, "float_accuracy")))
        bti_json_set_num(o, "float_val_accuracy", attr(f, "float_accuracy"));
    if (r && !isnan(r->float_accuracy))
        bti_json_set_num(o, "float_test_accuracy", r->float_accuracy);
}

/* r NULL: test was not read. */
static bti_json *final_json(const bti_lab *lab, const bti_finish *f, const reading *r)
{
    const bti_goals *g = bti_trials_goals(&lab->trials);
    const bti_score *score = r ? &r->score : NULL;
    const uint64_t seed = bti_seed_mix(lab->run.seed, (uint64_t)f->trial->number);
    char text[64];
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "name", f->pick->name);
    bti_json_set_int(o, "round", f->round);
    bti_json_set_int(o, "trial", f->trial->number);
    bti_json_set_int(o, "params", f->graph->params);
    bti_json_set_int(o, "macs", f->graph->macs);
    bti_json_set_num(o, "val_accuracy", bti_trial_metric(g, f->trial, BTI_METRIC_ACCURACY));
    bti_json_set(o, "test_accuracy", score ? bti_json_num(score->accuracy) : bti_json_null());
    bti_json *interval = bti_json_array();
    if (score) {
        bti_json_append(interval, bti_json_num(score->lo));
        bti_json_append(interval, bti_json_num(score->hi));
    }
    bti_json_set(o, "interval", interval);
    bti_json_set_num(o, "macro_f1", score ? score->macro_f1 : NAN);
    bti_json_set_num(o, "balanced_accuracy", score ? score->balanced : NAN);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
    bti_json_set_str(o, "seed", text);
    snprintf(text, sizeof(text), "models/%s", f->pick->name);
    bti_json_set_str(o, "path", text);
    bti_json_set_bool(o, "retrained", f->retrained);
    bti_json_set_bool(o, "behind", f->pick->behind);
    bti_json_set_int(o, "epochs", f->epochs);
    bti_json_set_int(o, "images", f->images);
    bti_json_set_num(o, "seconds", f->seconds);
    bti_json_set_num(o, "train_s", f->train_s);
    bti_json_set_num(o, "train_cpu_s", f->train_cpu_s);
    set_deployment(o, f, lab->run.deploy, r);
    if (f->note)
        bti_json_set_str(o, "note", f->note);
    return o;
}

/* Appends to the trial's log of test readings. Whoever holds a pick is its only writer. */
static bt_status log_reading(bti_lab *lab, const bti_finish *f, bt_error *err)
{
    const bti_json *old = bti_json_get(f->trial->attrs, READS_KEY);
    bti_json *log = bti_json_is_array(old) ? bti_json_copy(old) : bti_json_array();
    bti_json *o = bti_json_object();
    bti_json_set_int(o, "round", f->round);
    bti_json_set_num(o, "at", bti_wall_seconds());
    bti_json_append(log, o);
    bt_status rc =
        lab->study->ops->trial_attr_set(lab->study, f->trial->id, false, READS_KEY, log, err);
    bti_json_free(log);
    return rc;
}

/* The record, and which images validated the weights, for `bantam eval --split val`. */
static bti_json *result_json(const bti_lab *lab, const bti_finish *f, const bti_json *record)
{
    bti_json *result = bti_json_copy(record), *split = bti_json_object();
    const bti_run *r = &lab->run;
    bool all = f->retrained; /* on train + validation: nothing was held out */
    bti_json_set(split, "subset", r->subset && !all ? bti_json_str(r->subset) : bti_json_null());
    bti_json_set_str(split, "val", all ? "0" : r->val ? r->val : "auto");
    bti_json_set_int(split, "seed", (int64_t)r->seed);
    bti_json_set(split, "group_by", r->group_by ? bti_json_str(r->group_by) : bti_json_null());
    bti_json_set_num(split, "test_share", r->test_share);
    bti_json_set(result, "split", split);
    bti_json_set_str(result, "data", r->data);
    bti_json_set_str(result, "data_key", lab->data->key);
    return result;
}

static bt_status save_model(const bti_lab *lab, const bti_finish *f, const bti_json *record,
                            bt_error *err)
{
    bti_json *result = result_json(lab, f, record);
    bti_model_meta meta = bti_lab_meta(lab->data);
    char *models = bti_path_join(lab->dir, "models");
    char *dir = models ? bti_path_join(models, f->pick->name) : NULL;
    bt_status rc = dir ? bti_model_save(dir, f->yaml, f->graph, f->weights, &meta, result, err)
                       : bti_fail_nomem(err);
    bti_json_free(result);
    bti_free(dir);
    bti_free(models);
    return rc;
}

/* By the integer kernels, ranges from as many training images as an export takes. */
static bt_status score_int8(bti_score *out, const bti_lab *lab, const bti_finish *f,
                            const bti_test_data *test, bt_error *err)
{
    bti_view train = {0}, all = {0};
    bti_int8_subject s = {.graph = f->graph,
                          .weights = f->weights,
                          .calibration = &train,
                          .images = BTI_CALIBRATION_IMAGES,
                          .threads = lab->run.threads};
    memcpy(s.mean, lab->data->mean, sizeof(s.mean));
    memcpy(s.std, lab->data->std, sizeof(s.std));
    bt_status rc = bti_view_all(&train, &lab->data->train, err);
    if (!rc)
        rc = bti_view_all(&all, &test->set, err);
    if (!rc)
        rc = bti_int8_score(out, &s, &all, NULL, err);
    bti_view_release(&train);
    bti_view_release(&all);
    return rc;
}

/* The only pass over test: as it is deployed, and in float beside it. */
static bt_status read_test(reading *r, const bti_lab *lab, const bti_finish *f,
                           const bti_test_data *test, bt_error *err)
{
    *r = (reading){.float_accuracy = NAN};
    bt_status rc = bti_evaluate(&r->score, f->graph, f->weights, &test->set, NULL, lab->data->mean,
                                lab->data->std, lab->run.threads, err);
    if (rc || bti_run_deploy(&lab->run) != BTI_DEPLOY_INT8)
        return rc;
    r->float_accuracy = r->score.accuracy;
    bti_score_release(&r->score);
    return score_int8(&r->score, lab, f, test, err);
}

bt_status bti_finish_model(bti_lab *lab, const bti_finish *f, const bti_test_data *test,
                           bti_json **record, bt_error *err)
{
    reading r = {0};
    bt_status rc = BT_OK;

    *record = NULL;
    if (test)
        rc = log_reading(lab, f, err);
    if (test && !rc)
        rc = read_test(&r, lab, f, test, err);
    if (rc)
        return rc;
    bti_json *o = final_json(lab, f, test ? &r : NULL);
    bti_score_release(&r.score);
    rc = save_model(lab, f, o, err);
    if (!rc)
        rc = lab->study->ops->trial_attr_set(lab->study, f->trial->id, false, "final", o, err);
    if (rc) {
        bti_json_free(o);
        o = NULL;
    }
    *record = o;
    return rc;
}

bt_status bti_finish_fallback(bti_lab *lab, const bti_finish *spent, const bti_test_data *test,
                              bti_json **record, bt_error *err)
{
    bti_graph *g = NULL;
    float *weights = NULL;
    bti_model_meta meta = {0};
    bti_json *result = NULL;
    const bti_trial *t = spent->trial;
    char *dir = bti_run_trial_dir(lab->dir, t->number);

    *record = NULL;
    bt_status rc =
        dir ? bti_model_load(dir, &g, &weights, &meta, &result, err) : bti_fail_nomem(err);
    bti_finish f = *spent;
    f.graph = g;
    f.weights = weights;
    f.yaml = bti_json_as_str(bti_json_get(t->attrs, "model_yaml"), NULL);
    f.retrained = false;
    f.epochs = (int)bti_json_as_int(bti_json_get(t->attrs, "epochs"), 0);
    f.images = f.epochs * bti_json_as_int(bti_json_get(t->attrs, "train_images"), 0);
    if (!rc && !f.yaml)
        rc = bti_fail(err, BT_FORMAT, dir, "trial %d has no model_yaml attribute", t->number);
    if (!rc)
        rc = bti_finish_model(lab, &f, test, record, err);
    bti_free(dir);
    bti_json_free(result);
    bti_model_meta_release(&meta);
    bti_free(weights);
    bti_graph_free(g);
    return rc;
}

/* One pick of keep_rest; test is opened with the first that has time for it. */
static bt_status keep_one(bti_lab *lab, const bti_finish *f, double test_until_s,
                          bti_test_data **test, bt_error *err)
{
    bti_json *record = NULL;
    bt_status rc = BT_OK;
    if (!*test && bt_now() < test_until_s)
        rc = bti_finish_open_test(test, lab, err);
    int64_t images = *test ? bti_final_readings(&lab->run, (*test)->set.n) : 0;
    double seconds = f->pick->eval_s_per_image * (double)images;
    if (!rc)
        rc = bti_finish_fallback(lab, f, bt_now() + seconds < test_until_s ? *test : NULL, &record,
                                 err);
    bti_json_free(record);
    return rc;
}

bt_status bti_final_keep_rest(const char *dir, const bti_plan *plan, const char *note,
                              double test_until_s, const bt_progress *progress, bt_error *err)
{
    bti_lab lab;
    bti_test_data *test = NULL;
    int kept = 0;
    bt_error why = {0};
    bt_status rc = bti_lab_open(&lab, dir, "supervisor", NULL, err);
    if (rc)
        return rc;
    lab.run.threads = bti_cpu_count(); /* the workers have ended */
    rc = lab.study->ops->refresh(lab.study, &lab.trials, err);
    for (int i = 0; !rc && i < plan->n; i++) {
        const bti_trial *t = bti_trials_number(&lab.trials, plan->pick[i].trial);
        if (t && bti_final_record(t, plan->round))
            kept++;
        if (!t || bti_final_record(t, plan->round))
            continue;
        bti_finish f = {.pick = &plan->pick[i], .trial = t, .round = plan->round, .note = note};
        if (keep_one(&lab, &f, test_until_s, &test, &why) == BT_OK)
            kept++;
        else
            bti_warn(progress, "%s has no model on disk: %s", plan->pick[i].name, why.text);
    }
    if (!rc && plan->n && !kept) {
        rc = why.code;
        if (err)
            *err = why;
    }
    bti_test_close(test);
    bti_lab_close(&lab);
    return rc;
}
