/* SPDX-License-Identifier: Apache-2.0
 *
 * One trial: point -> network -> training -> recorded values, with its weights on disk while it is
 * on the front.
 *
 * Order of writes at the end of a trial: weights first, then the result in one transaction. A crash
 * between the two leaves weights without a finished trial (the trial is taken over and done again),
 * never the reverse.
 */
#include "search/lab.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "report/report.h"
#include "search/cost.h"

typedef struct reporting {
    bti_lab *lab;
    const bti_claim *claim;
    bool lost; /* the lease */
} reporting;

static int on_epoch(void *user, const bti_epoch *e)
{
    reporting *r = user;
    bti_storage *st = r->lab->study;
    if (e->val_accuracy < 0)
        return 0;
    bt_status rc = st->ops->report(st, r->claim->id, r->claim->worker, r->claim->attempt, e->epoch,
                                   e->val_accuracy, NULL);
    r->lost = rc == BT_BUSY;
    return r->lost;
}

static bti_json *result_attrs(const bti_lab *lab, const bti_outcome *o, double seconds)
{
    bti_json *a = bti_json_object();
    bti_json_set_int(a, "epochs", o->epochs_done);
    bti_json_set_int(a, "train_images", lab->train.n);
    bti_json_set_int(a, "val_images", lab->val.n);
    bti_json_set_num(a, "loss", o->loss);
    bti_json_set_num(a, "images_per_s", o->images_per_s);
    bti_json_set_num(a, "train_s", o->train_s);
    bti_json_set_num(a, "eval_s", o->eval_s);
    bti_json_set_num(a, "train_cpu_s", o->train_cpu_s);
    bti_json_set_num(a, "eval_cpu_s", o->eval_cpu_s);
    bti_json_set_num(a, "seconds", seconds);
    return a;
}

static bt_status save_weights(const bti_lab *lab, const bti_graph *g, const char *yaml,
                              const bti_outcome *o, int number, const bti_json *result,
                              bt_error *err)
{
    bti_model_meta meta = bti_lab_meta(lab->data);
    char *dir = bti_run_trial_dir(lab->dir, number);
    bt_status rc =
        dir ? bti_model_save(dir, yaml, g, o->weights, &meta, result, err) : bti_fail_nomem(err);
    bti_free(dir);
    return rc;
}

static void objective_values(const bti_lab *lab, const bti_graph *g, double accuracy, double *value)
{
    const bti_objective *obj;
    int n = bti_space_objectives(lab->space, &obj);
    for (int i = 0; i < n && i < BTI_OBJECTIVES_MAX; i++) {
        if (bti_streq(obj[i].metric, "params"))
            value[i] = (double)g->params;
        else if (bti_streq(obj[i].metric, "macs"))
            value[i] = (double)g->macs;
        else
            value[i] = accuracy;
    }
}

void bti_drop_dominated(const char *dir, const bti_trials *trials)
{
    int *front = bti_array((size_t)trials->n + 1, sizeof(int));
    if (!front)
        return; /* the next call does it */
    int n = bti_report_front(trials, front);
    for (int i = 0; i < trials->n; i++) {
        bool keep = trials->trial[i].state == BTI_RUNNING;
        for (int j = 0; j < n && !keep; j++)
            keep = front[j] == i;
        char *path = keep ? NULL : bti_run_trial_dir(dir, trials->trial[i].number);
        if (path && bti_is_dir(path) && bti_remove_tree(path, NULL) != BT_OK)
            keep = true; /* left for the next call */
        bti_free(path);
    }
    bti_free(front);
}

/* Writes how a trained trial ended. */
static bt_status record(bti_lab *lab, const bti_claim *c, const bti_graph *g, const char *yaml,
                        const bti_outcome *o, double seconds, bt_error *err)
{
    bti_storage *st = lab->study;
    double value[BTI_OBJECTIVES_MAX] = {0};
    bti_json *attrs = result_attrs(lab, o, seconds);

    objective_values(lab, g, o->val_accuracy, value);
    bti_json *result = bti_json_copy(attrs);
    bti_json_set_int(result, "trial", c->number);
    bti_json_set_num(result, "val_accuracy", o->val_accuracy);
    bt_status rc = save_weights(lab, g, yaml, o, c->number, result, err);
    if (!rc)
        rc = st->ops->finish(st, c->id, c->worker, c->attempt, BTI_COMPLETE, value, attrs, err);
    bti_json_free(result);
    bti_json_free(attrs);
    if (!rc && st->ops->refresh(st, &lab->trials, NULL) == BT_OK)
        bti_drop_dominated(lab->dir, &lab->trials);
    return rc;
}

static bt_status record_failure(bti_lab *lab, const bti_claim *c, const bt_error *why,
                                const bti_outcome *o, double seconds, bt_error *err)
{
    bti_storage *st = lab->study;
    bti_json *attrs = result_attrs(lab, o, seconds);
    bti_json_set_str(attrs, "error", why->text);
    bt_status rc = st->ops->finish(st, c->id, c->worker, c->attempt, BTI_FAIL, NULL, attrs, err);
    bti_json_free(attrs);
    char *dir = bti_run_trial_dir(lab->dir, c->number);
    if (dir && bti_remove_tree(dir, NULL) != BT_OK)
        bti_drop_dominated(lab->dir, &lab->trials);
    bti_free(dir);
    return rc;
}

static bti_job make_job(const bti_lab *lab, const bti_claim *c, const bti_graph *g,
                        const bt_recipe *recipe)
{
    bti_job job = bti_job_defaults();
    job.graph = g;
    job.train = &lab->train;
    job.val = &lab->val;
    memcpy(job.mean, lab->data->mean, sizeof(job.mean));
    memcpy(job.std, lab->data->std, sizeof(job.std));
    job.recipe = *recipe;
    job.seed = bti_seed_mix(lab->run.seed, (uint64_t)c->number);
    job.threads = lab->run.threads;
    job.eval_every =
        (recipe->epochs + 4) / 5; /* at most five validations: the rest of the time trains */
    job.checkpoint_s = 10;
    job.resume = true;
    return job;
}

bt_status bti_trial_work(bti_lab *lab, const bti_claim *c, const bti_point *point,
                         double deadline_s, const bt_stop *outer, bt_error *err)
{
    bt_status rc;
    bti_graph *g = NULL;
    char *yaml = NULL, *dir = NULL, *checkpoint = NULL;
    bti_keeper *keeper = NULL;
    bti_outcome outcome = {0};
    bt_recipe recipe;
    bt_error why = {0};
    reporting rep = {lab, c, false};
    double began = bt_now();

    rc = bti_point_graph(lab->space, point, &g, &yaml, err);
    if (!rc)
        rc = bti_point_recipe(lab, point, &recipe, err);
    dir = bti_run_trial_dir(lab->dir, c->number);
    checkpoint = dir ? bti_path_join(dir, "checkpoint.safetensors") : NULL;
    if (!rc && !checkpoint)
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = bti_make_dirs(dir, err);
    if (!rc)
        rc = bti_keeper_start(&keeper, c, outer, err);
    if (rc)
        goto done;

    bti_job job = make_job(lab, c, g, &recipe);
    job.checkpoint = checkpoint;
    job.stop = (bt_stop){bti_keeper_halt(keeper), deadline_s};
    job.on_epoch = on_epoch;
    job.user = &rep;
    bt_status trained = bti_train_job(&outcome, &job, &why);
    bti_keeper_stop(keeper);
    keeper = NULL;

    if (trained ==
        BT_STOPPED) { /* the checkpoint is on disk; whoever claims it next goes on from there */
        if (!rep.lost)
            rc = lab->study->ops->yield(lab->study, c->id, c->worker, c->attempt, err);
    } else if (trained == BT_OK) {
        rc = record(lab, c, g, yaml, &outcome, bt_now() - began, err);
        if (remove(checkpoint) != 0 && bti_is_file(checkpoint))
            rc = bti_fail_errno(err, checkpoint, "cannot remove the checkpoint");
    } else {
        rc = record_failure(lab, c, &why, &outcome, bt_now() - began, err);
    }
    if (rc == BT_BUSY)
        rc = BT_OK; /* the lease was lost: another worker has it, nothing of ours was written */
done:
    bti_keeper_stop(keeper);
    bti_outcome_release(&outcome);
    bti_free(checkpoint);
    bti_free(dir);
    bti_free(yaml);
    bti_graph_free(g);
    return rc;
}
