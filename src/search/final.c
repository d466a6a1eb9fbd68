/* SPDX-License-Identifier: Apache-2.0
 *
 * Final training: a worker claims the picks of the plan one by one and trains them on training and
 * validation images within the time that is left.
 */
#include "search/final.h"

#include "base/alloc.h"
#include "base/error.h"
#include "search/cost.h"
#include "search/finish.h"

#include <math.h>

#define SAVE_S 0.3       /* writing a model directory */
#define EVAL_MARGIN 1.25 /* on the time that reading test is thought to take */
#define INT8_IMAGES 3000 /* calibrating on 500 by every rule costs as much as so many */
#define ENOUGH 0.7       /* of the images of its trial: with fewer a pick would lose */

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

int64_t bti_final_readings(const bti_run *run, int64_t n)
{
    return n && bti_run_deploy(run) == BTI_DEPLOY_INT8 ? n + INT8_IMAGES : n;
}

/* A job at work. */
typedef struct final_job {
    bti_lab *lab;
    bti_storage *final;
    const bti_claim *claim;
    const bti_plan *plan;
    bti_pick pick;
    const bti_trial *trial;
    double end_s; /* when all of it must be done, 0: no limit */
    bti_test_data *test;
    bti_graph *graph;
    char *yaml;
    bt_recipe recipe;
    bti_view view, extra;
    bti_outcome outcome;
} final_job;

static void final_job_release(final_job *j)
{
    bti_test_close(j->test);
    bti_outcome_release(&j->outcome);
    bti_view_release(&j->view);
    bti_view_release(&j->extra);
    bti_graph_free(j->graph);
    bti_free(j->yaml);
}

/* When training ends so that test can be read and the model be written; 0: after its epochs. */
static double finish_time(const final_job *j)
{
    if (j->end_s <= 0)
        return 0;
    int64_t images = j->test ? bti_final_readings(&j->lab->run, j->test->set.n) : 0;
    return j->end_s - SAVE_S - EVAL_MARGIN * j->pick.eval_s_per_image * (double)images;
}

static double trial_images(const bti_trial *t)
{
    return bti_json_as_num(bti_json_get(t->attrs, "epochs"), 0) *
           bti_json_as_num(bti_json_get(t->attrs, "train_images"), 0);
}

/* Images below which its search-time weights are better; those of a pick behind the front are gone.
 */
static double needed(const final_job *j)
{
    return j->pick.behind ? 0 : ENOUGH * trial_images(j->trial);
}

/* Network, recipe, all training and validation images. BT_STOPPED: too little time. */
static bt_status prepare(final_job *j, bt_error *err)
{
    const bti_lab *lab = j->lab;
    const bti_data *d = lab->data;
    int epochs = j->end_s > 0 ? bti_final_epochs(d->train.n + d->val.n) : lab->run.epochs;
    double room = finish_time(j) - bt_now();
    if (j->end_s > 0 && room < needed(j) * j->pick.s_per_image)
        return bti_fail(err, BT_STOPPED, NULL, "too little time is left to train it again");
    bti_point *point = bti_malloc(sizeof(*point));
    if (!point)
        return bti_fail_nomem(err);
    bti_trial_point(lab->space, j->trial, point);
    bt_status rc = bti_point_graph(lab->space, point, &j->graph, &j->yaml, err);
    if (!rc)
        rc = bti_point_recipe(lab->space, point, epochs, &j->recipe, err);
    bti_free(point);
    if (!rc)
        rc = bti_view_all(&j->view, &d->train, err);
    if (!rc && d->val.n)
        rc = bti_view_all(&j->extra, &d->val, err);
    return rc;
}

static bt_status train(final_job *j, const volatile int *halt, bt_error *err)
{
    bti_job job = bti_lab_job(j->lab, j->graph, &j->recipe, j->trial->number);
    job.maps = &j->lab->maps;
    job.train = &j->view;
    job.extra = j->extra.n ? &j->extra : NULL;
    job.stop.flag = halt;
    job.finish_s = finish_time(j);
    bt_status rc = bti_train_job(&j->outcome, &job, err);
    if (!rc && j->end_s > 0 && (double)j->outcome.images < needed(j))
        rc = bti_fail(err, BT_STOPPED, NULL, "too little time was left to train it again");
    return rc;
}

/* What follows from how training ended. The lease is asked for before any file: a worker that slept
 * past it must not touch what its successor wrote. */
static bt_status finish(final_job *j, bt_status trained, double began, bti_json **record,
                        bt_error *err)
{
    bt_status rc = j->final->ops->renew(j->final, j->claim->id, j->claim->worker, j->claim->attempt,
                                        BTI_LEASE_S, err);
    const bti_data *d = j->lab->data;
    double epochs = (double)j->outcome.images / (double)(d->train.n + d->val.n);
    bti_finish f = {.pick = &j->pick,
                    .trial = j->trial,
                    .round = j->plan->round,
                    .graph = j->graph,
                    .yaml = j->yaml,
                    .weights = j->outcome.weights,
                    .retrained = true,
                    .epochs = (int)fmax(1, round(epochs)),
                    .images = j->outcome.images,
                    .seconds = bt_now() - began,
                    .train_s = j->outcome.train_s,
                    .train_cpu_s = j->outcome.train_cpu_s};
    if (rc)
        return rc;
    if (!trained && j->pick.behind)
        f.note = "behind the front on validation: to choose from";
    if (!trained)
        return bti_finish_model(j->lab, &f, j->test, record, err);
    f.note = trained == BT_DIVERGED  ? "diverged when trained again: search-time weights"
             : trained == BT_STOPPED ? "no time to train it again: search-time weights"
                                     : "could not be trained again: search-time weights";
    return bti_finish_fallback(j->lab, &f, j->test, record, err);
}

/* BT_STOPPED: the work is wanted no more, or not by this worker. */
static bt_status do_job(final_job *j, const bt_stop *outer, bti_json **record, bt_error *err)
{
    bti_keeper *keeper = NULL;
    double began = bt_now();
    bt_status rc = bti_finish_open_test(&j->test, j->lab, err);
    if (!rc)
        rc = bti_keeper_start(&keeper, j->claim, outer, err);
    if (rc)
        return rc;
    bt_status trained = prepare(j, NULL);
    if (!trained)
        trained = train(j, bti_keeper_halt(keeper), NULL);
    if (*bti_keeper_halt(keeper) && trained)
        rc = bti_fail(err, BT_STOPPED, NULL, "stopped");
    else
        rc = finish(j, trained, began, record, err);
    bti_keeper_stop(keeper);
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

static bt_status end_job(bti_storage *final, const bti_claim *c, bt_status done,
                         const bti_json *record, const bt_error *why, bt_error *err)
{
    if (done == BT_STOPPED)
        return final->ops->yield(final, c->id, c->worker, c->attempt, err);
    if (done == BT_BUSY) /* the lease was lost: nothing of ours was written */
        return BT_OK;
    if (done == BT_OK) {
        double value[2] = {bti_json_as_num(bti_json_get(record, "test_accuracy"), 0),
                           bti_json_as_num(bti_json_get(record, "params"), 0)};
        return final->ops->finish(final, c->id, c->worker, c->attempt, BTI_COMPLETE, value, record,
                                  err);
    }
    bti_json *attrs = bti_json_object();
    bti_json_set_str(attrs, "error", why->text);
    bt_status rc =
        final->ops->finish(final, c->id, c->worker, c->attempt, BTI_FAIL, NULL, attrs, err);
    bti_json_free(attrs);
    return rc;
}

bt_status bti_final_next(bti_lab *lab, bti_storage *final, const bti_plan *plan, double deadline_s,
                         const bt_stop *outer, bool *worked, bt_error *err)
{
    int index = -1;
    bti_json *record = NULL;
    bt_error why = {0};
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
    double now = bt_now(), end_s = now + plan->pick[index].share * (deadline_s - now);
    final_job j = {.lab = lab,
                   .final = final,
                   .claim = &claim,
                   .plan = plan,
                   .pick = plan->pick[index],
                   .trial = bti_trials_number(&lab->trials, plan->pick[index].trial),
                   .end_s = deadline_s > 0 ? end_s : 0};
    const bti_json *before =
        bti_final_record(j.trial, plan->round); /* its worker died at the end */
    bt_status done = before ? BT_OK : do_job(&j, outer, &record, &why);
    rc = end_job(final, &claim, done, before ? before : record, &why, err);
    final_job_release(&j);
    if (rc == BT_BUSY)
        rc = BT_OK;
done:
    bti_json_free(record);
    bti_free(store);
    bti_free(control);
    return rc;
}
