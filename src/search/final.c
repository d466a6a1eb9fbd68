/* SPDX-License-Identifier: Apache-2.0
 *
 * Final training of the picks and the one reading of the test split for each.
 *
 * This is the only file of the search that can open the test split, and it writes nothing that a
 * sampler or a choice reads: final records are for the report.
 */
#include "search/final.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "search/cost.h"

#include <math.h>

#define READS_KEY "bantam:test_reads"

bt_status bti_final_open(bti_storage **out, const char *dir, bt_error *err)
{
    const bti_study_spec spec = {"final", 2, {"test_accuracy", "params"}, {true, false}};
    char *url = bti_run_final_url(dir);
    bt_status rc = url ? bti_storage_open(out, url, &spec, true, err) : bti_fail_nomem(err);
    bti_free(url);
    return rc;
}

const bti_json *bti_final_record(const bti_trial *t, int round)
{
    const bti_json *f = bti_json_get(t->attrs, "final");
    return f && bti_json_as_int(bti_json_get(f, "round"), -1) == round ? f : NULL;
}

/* A seeded sample of n indices of the whole split. */
static bt_status sample_view(bti_view *out, const bti_dataset *set, int64_t n, uint64_t seed,
                             bt_error *err)
{
    bt_status rc = bti_view_all(out, set, err);
    if (rc || n >= out->n)
        return rc;
    bti_rng rng = bti_rng_at(seed, BTI_RNG_SPLIT, 1, 0, 0);
    for (int64_t i = 0; i < n; i++) { /* partial Fisher-Yates: the first n are a uniform sample */
        int64_t j = i + bti_rng_below(&rng, (uint32_t)(out->n - i));
        int32_t swap = out->index[i];
        out->index[i] = out->index[j];
        out->index[j] = swap;
    }
    out->n = n;
    return BT_OK;
}

typedef struct finish_line {
    const bti_pick *pick;
    const bti_trial *trial;
    int round;
    const bti_graph *graph;
    const char *yaml;
    const float *weights;
    bool retrained;
    int epochs;
    int64_t images;
    double seconds, train_cpu_s;
    const char *note; /* NULL: none */
} finish_line;

static bti_json *final_json(const finish_line *f, const bti_score *score, uint64_t seed)
{
    char text[64];
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "name", f->pick->name);
    bti_json_set_int(o, "round", f->round);
    bti_json_set_int(o, "trial", f->trial->number);
    bti_json_set_int(o, "params", f->graph->params);
    bti_json_set_int(o, "macs", f->graph->macs);
    bti_json_set_num(o, "val_accuracy", f->trial->value[0]);
    bti_json_set(o, "test_accuracy", score ? bti_json_num(score->accuracy) : bti_json_null());
    bti_json *interval = bti_json_array();
    if (score) {
        bti_json_append(interval, bti_json_num(score->lo));
        bti_json_append(interval, bti_json_num(score->hi));
    }
    bti_json_set(o, "interval", interval);
    bti_json_set_num(o, "macro_f1", score ? score->macro_f1 : NAN);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
    bti_json_set_str(o, "seed", text);
    snprintf(text, sizeof(text), "models/%s", f->pick->name);
    bti_json_set_str(o, "path", text);
    bti_json_set_bool(o, "retrained", f->retrained);
    bti_json_set_int(o, "epochs", f->epochs);
    bti_json_set_int(o, "images", f->images);
    bti_json_set_num(o, "seconds", f->seconds);
    bti_json_set_num(o, "train_cpu_s", f->train_cpu_s);
    if (f->note)
        bti_json_set_str(o, "note", f->note);
    return o;
}

/* Appends to the study's log of test readings. */
static bt_status log_reading(bti_storage *st, const finish_line *f, bt_error *err)
{
    bti_json *log = NULL;
    bt_status rc = st->ops->study_attr_get(st, false, READS_KEY, &log, err);
    if (rc)
        return rc;
    if (!log)
        log = bti_json_array();
    bti_json *o = bti_json_object();
    bti_json_set_int(o, "trial", f->trial->number);
    bti_json_set_int(o, "round", f->round);
    bti_json_set_num(o, "at", bti_wall_seconds());
    bti_json_append(log, o);
    rc = st->ops->study_attr_set(st, false, READS_KEY, log, err);
    bti_json_free(log);
    return rc;
}

/* Reads test (NULL: not), saves the model directory, records it on the trial. *out: the record,
 * yours. */
static bt_status cross_line(bti_lab *lab, const finish_line *f, const bti_test_data *test,
                            bti_json **out, bt_error *err)
{
    bti_score score = {0};
    bti_model_meta meta = bti_lab_meta(lab->data);
    bt_status rc = BT_OK;
    char *models = NULL, *dir = NULL;

    *out = NULL;
    if (test) {
        rc = log_reading(lab->study, f, err);
        if (!rc)
            rc = bti_evaluate(&score, f->graph, f->weights, &test->set, NULL, lab->data->mean,
                              lab->data->std, lab->run.threads, err);
    }
    if (rc)
        return rc;
    bti_json *record = final_json(f, test ? &score : NULL,
                                  bti_seed_mix(lab->run.seed, (uint64_t)f->trial->number));
    models = bti_run_path(lab->dir, "models");
    dir = models ? bti_path_join(models, f->pick->name) : NULL;
    rc = dir ? bti_make_dirs(dir, err) : bti_fail_nomem(err);
    if (!rc)
        rc = bti_model_save(dir, f->yaml, f->graph, f->weights, &meta, record, err);
    if (!rc)
        rc = lab->study->ops->trial_attr_set(lab->study, f->trial->id, false, "final", record, err);
    if (rc)
        bti_json_free(record);
    else
        *out = record;
    bti_score_release(&score);
    bti_free(dir);
    bti_free(models);
    return rc;
}

static bt_status open_test(bti_test_data **test, const bti_lab *lab, bt_error *err)
{
    bt_data_options opt = bt_data_defaults();
    *test = NULL;
    if (!lab->data->has_test)
        return BT_OK;
    opt.cache_dir = lab->run.cache_dir;
    opt.size = lab->run.size;
    return bti_test_open(test, lab->run.data, &opt, err);
}

/* Weights that the search left for this trial: the fall-back of a pick. */
static bt_status keep_search_weights(bti_lab *lab, const bti_pick *pick, const bti_trial *t,
                                     int round, const bti_test_data *test, const char *note,
                                     bti_json **record, bt_error *err)
{
    bti_graph *g = NULL;
    float *weights = NULL;
    bti_model_meta meta = {0};
    bti_json *result = NULL;
    char *dir = bti_run_trial_dir(lab->dir, t->number);
    const char *yaml = bti_json_as_str(bti_json_get(t->attrs, "model_yaml"), NULL);

    bt_status rc =
        dir ? bti_model_load(dir, &g, &weights, &meta, &result, err) : bti_fail_nomem(err);
    if (!rc && !yaml)
        rc = bti_fail(err, BT_FORMAT, dir, "trial %d has no model_yaml attribute", t->number);
    if (!rc) {
        finish_line f = {.pick = pick,
                         .trial = t,
                         .round = round,
                         .graph = g,
                         .yaml = yaml,
                         .weights = weights,
                         .note = note,
                         .epochs = (int)bti_json_as_int(bti_json_get(t->attrs, "epochs"), 0)};
        rc = cross_line(lab, &f, test, record, err);
    }
    bti_free(dir);
    bti_json_free(result);
    bti_model_meta_release(&meta);
    bti_free(weights);
    bti_graph_free(g);
    return rc;
}

typedef struct final_job {
    bti_graph *graph;
    char *yaml;
    bt_recipe recipe;
    bti_view view, extra;
    bti_job job;
} final_job;

static void final_job_release(final_job *j)
{
    bti_view_release(&j->view);
    bti_view_release(&j->extra);
    bti_graph_free(j->graph);
    bti_free(j->yaml);
}

/* The job of a pick within `seconds` (0: no limit): whole epochs over as much of the data as the
 * images buy. */
static bt_status prepare(final_job *out, bti_lab *lab, const bti_pick *pick, const bti_trial *t,
                         double seconds, bt_error *err)
{
    bti_point *point = bti_malloc(sizeof(*point));
    *out = (final_job){0};
    if (!point)
        return bti_fail_nomem(err);
    bti_trial_point(lab->space, t, point);
    bt_status rc = bti_point_graph(lab->space, point, &out->graph, &out->yaml, err);
    if (!rc)
        rc = bti_point_recipe(lab, point, &out->recipe, err);
    bti_free(point);

    int64_t n_all = lab->data->train.n + lab->data->val.n, images = pick->images;
    if (seconds > 0 && (double)images * pick->s_per_image > seconds)
        images = (int64_t)(seconds / pick->s_per_image);
    int64_t epochs = (images + n_all - 1) / n_all;
    out->recipe.epochs = (int)(epochs < 1 ? 1 : epochs);
    int64_t n = images / out->recipe.epochs;
    bool all = n >= n_all;
    if (!rc)
        rc = sample_view(&out->view, &lab->data->train,
                         all ? lab->data->train.n : n * lab->data->train.n / n_all, lab->run.seed,
                         err);
    if (!rc && lab->data->val.n)
        rc = sample_view(&out->extra, &lab->data->val,
                         all ? lab->data->val.n : n * lab->data->val.n / n_all, lab->run.seed, err);
    if (!rc && out->view.n < 2)
        rc = bti_fail(err, BT_STOPPED, NULL, "no time is left to train it again");
    if (rc)
        return rc;
    bti_job *job = &out->job;
    *job = bti_job_defaults();
    job->graph = out->graph;
    job->train = &out->view;
    job->extra = lab->data->val.n ? &out->extra : NULL;
    memcpy(job->mean, lab->data->mean, sizeof(job->mean));
    memcpy(job->std, lab->data->std, sizeof(job->std));
    job->recipe = out->recipe;
    job->seed = bti_seed_mix(lab->run.seed, (uint64_t)t->number);
    job->threads = lab->run.threads;
    return BT_OK;
}

static bt_status train_pick(bti_lab *lab, const bti_claim *claim, const bti_plan *plan,
                            const bti_pick *pick, const bti_trial *t, double deadline_s,
                            const bt_stop *outer, bti_json **record, bt_error *err)
{
    final_job fj;
    bti_outcome outcome = {0};
    bti_keeper *keeper = NULL;
    bti_test_data *test = NULL;
    bt_error why = {0};
    double began = bt_now(), train_until = 0, room = 0;

    if (deadline_s > 0) { /* time for the reading of test is taken off first */
        double test_s = lab->data->has_test ? 0.5 + 5000 * pick->s_per_image : 0.2;
        train_until = deadline_s - test_s;
        room = fmax(0.001, train_until - began - 0.3);
    }
    bt_status rc = open_test(&test, lab, err);
    if (!rc)
        rc = bti_keeper_start(&keeper, claim, outer, err);
    if (rc)
        goto done;
    bt_status trained = prepare(&fj, lab, pick, t, room, &why);
    if (!trained) {
        fj.job.stop = (bt_stop){bti_keeper_halt(keeper), train_until};
        trained = bti_train_job(&outcome, &fj.job, &why);
    }
    if (!trained) {
        finish_line f = {.pick = pick,
                         .trial = t,
                         .round = plan->round,
                         .graph = fj.graph,
                         .yaml = fj.yaml,
                         .weights = outcome.weights,
                         .retrained = true,
                         .epochs = outcome.epochs_done,
                         .images = outcome.images,
                         .seconds = bt_now() - began,
                         .train_cpu_s = outcome.train_cpu_s};
        rc = cross_line(lab, &f, test, record, err);
    } else if (trained == BT_STOPPED && bti_stopped(outer)) {
        rc = bti_fail(err, BT_STOPPED, NULL,
                      "stopped"); /* the supervisor keeps the search-time weights */
    } else {
        const char *note = trained == BT_DIVERGED
                               ? "diverged when trained again: search-time weights"
                               : "no time to train it again: search-time weights";
        rc = keep_search_weights(lab, pick, t, plan->round, test, note, record, err);
    }
    final_job_release(&fj);
done:
    bti_keeper_stop(keeper);
    bti_test_close(test);
    bti_outcome_release(&outcome);
    return rc;
}

/* Claims the first job of the plan that nobody has. *index -1 when all are taken. */
static bt_status claim_job(bti_lab *lab, bti_storage *final, const bti_plan *plan, int *index,
                           bti_claim *claim, bt_error *err)
{
    bt_status rc = BT_OK;
    bti_point *point = bti_malloc(sizeof(*point));
    *index = -1;
    if (!point)
        return bti_fail_nomem(err);
    for (int i = 0; i < plan->n && *index < 0 && !rc; i++) {
        const bti_trial *t = bti_trials_number(&lab->trials, plan->pick[i].trial);
        if (!t || bti_final_record(t, plan->round))
            continue;
        char key[40];
        bool duplicate = false;
        snprintf(key, sizeof(key), "round %d trial %d", plan->round, t->number);
        bti_trial_point(lab->space, t, point);
        bti_json *attrs = bti_json_object();
        bti_json_set_int(attrs, "trial", t->number);
        bti_json_set_int(attrs, "round", plan->round);
        const bti_proposal p = {.point = point, .key = key, .attrs = attrs};
        rc = final->ops->claim(final, &p, lab->worker, BTI_LEASE_S, 0, &claim->id, &claim->number,
                               &duplicate, err);
        bti_json_free(attrs);
        claim->attempt = 1;
        if (!rc && !duplicate && claim->id >= 0)
            *index = i;
    }
    bti_free(point);
    return rc;
}

/* A job of this round whose worker died. */
static bt_status reclaim_job(bti_lab *lab, bti_storage *final, const bti_plan *plan, int *index,
                             bti_claim *claim, bt_error *err)
{
    bti_trials jobs = {0};
    *index = -1;
    bt_status rc =
        final->ops->reclaim(final, lab->worker, BTI_LEASE_S, &claim->id, &claim->attempt, err);
    if (!rc && claim->id >= 0)
        rc = final->ops->refresh(final, &jobs, err);
    for (int k = 0; !rc && claim->id >= 0 && k < jobs.n; k++) {
        const bti_trial *job = &jobs.trial[k];
        if (job->id != claim->id)
            continue;
        int64_t trial = bti_json_as_int(bti_json_get(job->attrs, "trial"), -1);
        bool current = bti_json_as_int(bti_json_get(job->attrs, "round"), -1) == plan->round;
        for (int i = 0; current && i < plan->n; i++)
            if (plan->pick[i].trial == trial)
                *index = i;
        if (*index < 0) /* of an earlier round: nobody wants it any more */
            rc = final->ops->finish(final, claim->id, lab->worker, claim->attempt, BTI_FAIL, NULL,
                                    NULL, err);
    }
    bti_trials_release(&jobs);
    return rc;
}

bt_status bti_final_next(bti_lab *lab, bti_storage *final, const bti_plan *plan, double deadline_s,
                         const bt_stop *outer, bool *worked, bt_error *err)
{
    int index;
    bti_json *record = NULL;
    char *store = bti_run_final_url(lab->dir), *control = bti_run_study_url(lab->dir);
    bti_claim claim = {
        .store = store, .control = control, .phase = BTI_PHASE_FINAL, .worker = lab->worker};

    *worked = false;
    bt_status rc = store && control ? lab->study->ops->refresh(lab->study, &lab->trials, err)
                                    : bti_fail_nomem(err);
    if (!rc)
        rc = reclaim_job(lab, final, plan, &index, &claim, err);
    if (!rc && index < 0)
        rc = claim_job(lab, final, plan, &index, &claim, err);
    if (rc || index < 0)
        goto done;
    *worked = true;
    const bti_pick *pick = &plan->pick[index];
    const bti_trial *t = bti_trials_number(&lab->trials, pick->trial);
    bti_pick stretched = *pick;
    if (index == plan->n - 1 && deadline_s > 0)
        stretched.images += pick->images / 2; /* the last job fills what time is left */
    rc = train_pick(lab, &claim, plan, &stretched, t, deadline_s, outer, &record, err);
    if (rc == BT_STOPPED) {
        rc = final->ops->yield(final, claim.id, lab->worker, claim.attempt, err);
    } else if (!rc) {
        double value[2] = {bti_json_as_num(bti_json_get(record, "test_accuracy"), 0),
                           bti_json_as_num(bti_json_get(record, "params"), 0)};
        rc = final->ops->finish(final, claim.id, lab->worker, claim.attempt, BTI_COMPLETE, value,
                                record, err);
    }
    if (rc == BT_BUSY)
        rc = BT_OK;
done:
    bti_json_free(record);
    bti_free(store);
    bti_free(control);
    return rc;
}

bt_status bti_final_keep_rest(const char *dir, const bti_plan *plan, const char *note,
                              double test_until_s, bt_error *err)
{
    bti_lab lab;
    bti_test_data *test = NULL;
    bt_status rc = bti_lab_open(&lab, dir, "supervisor", NULL, err);
    if (rc)
        return rc;
    lab.run.threads = bti_cpu_count(); /* the workers have ended */
    rc = lab.study->ops->refresh(lab.study, &lab.trials, err);
    for (int i = 0; !rc && i < plan->n; i++) {
        const bti_trial *t = bti_trials_number(&lab.trials, plan->pick[i].trial);
        if (!t || bti_final_record(t, plan->round))
            continue;
        if (!test && bt_now() < test_until_s)
            rc = open_test(&test, &lab, err);
        bti_json *record = NULL;
        if (!rc)
            rc = keep_search_weights(&lab, &plan->pick[i], t, plan->round,
                                     bt_now() < test_until_s ? test : NULL, note, &record, err);
        bti_json_free(record);
    }
    bti_test_close(test);
    bti_lab_close(&lab);
    return rc;
}
