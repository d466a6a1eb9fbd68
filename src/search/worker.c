/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of `bantam worker`: claims trials while the control record says search, final jobs while
 * it says final, and ends when it says stop. All state is in the study, so a worker may die at any
 * point.
 */
#include "bantam/search.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/process.h"
#include "base/str.h"
#include "search/cost.h"
#include "search/final.h"
#include "search/origin.h"
#include "study/sampler.h"

#include <math.h>
#include <signal.h>
#include <unistd.h>

#define POLL_US 100000
#define ASKS_MAX 12 /* proposals looked at for one that fits into the time left */
/* Draws of what an enqueued trial leaves open: a tight limit lets few through. */
#define WAITING_TRIES 4000
#define ASK_AGAIN_S 1.0 /* when none did: asking costs, and time left only shrinks */

typedef struct worker {
    bti_lab lab;
    bti_storage *final; /* opened with the first final job */
    const bti_sampler_ops *sampler;
    const char *sampler_params;
    bti_memo *memo; /* of the sampler */
    char *study_url;
    double ask_at_s; /* not before (bt_now) */
    bt_stop stop;
} worker;

/* Deadline of a phase on the monotonic scale; 0: none. */
static double local_deadline(double until_utc)
{
    return until_utc > 0 ? bt_now() + (until_utc - bti_wall_seconds()) : 0;
}

/* Wall seconds that a trial of `macs` will take: least squares of seconds = a + b * macs over
 * finished trials, negative while there are fewer than three. */
static double predicted_seconds(const bti_trials *t, double macs)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, most = 0;
    for (int i = 0; i < t->n; i++) {
        const bti_json *a = t->trial[i].attrs;
        double x = bti_json_as_num(bti_json_get(a, "macs"), -1);
        double y = bti_json_as_num(bti_json_get(a, "seconds"), -1);
        if (t->trial[i].state != BTI_COMPLETE || x < 0 || y <= 0)
            continue;
        n++;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
        most = fmax(most, y);
    }
    double spread = n * sxx - sx * sx;
    if (n < 3)
        return -1;
    if (spread <= 1e-9 * n * sxx)
        return sy / n;
    double b = (n * sxy - sx * sy) / spread;
    double guess = (sy - b * sx) / n + b * macs;
    return fmin(fmax(guess, 0.1 * sy / n), 2 * most);
}

/* The seed follows from the number, which the claim gives: it is recorded with the result. */
static bti_json *claim_attrs(const bti_lab *lab, const bti_answer *a, const char *yaml)
{
    bti_json *o = bti_json_object();
    bti_json_set_int(o, "params", (int64_t)a->cost.params);
    bti_json_set_int(o, "macs", (int64_t)a->cost.macs);
    bti_json_set_int(o, "peak_memory", (int64_t)a->cost.peak_memory);
    if (a->cost.flash > 0)
        bti_json_set_int(o, "flash", (int64_t)a->cost.flash);
    bti_json_set_str(o, "hash", a->cost.hash);
    bti_json_set_str(o, "key", a->key);
    bti_json_set_str(o, "data_key", lab->run.train_key ? lab->run.train_key : "");
    bti_json_set_int(o, "threads", lab->run.threads);
    bti_json_set_str(o, "isa", bti_isa_name(bti_cpu_isa()));
    bti_json_set_str(o, "precision", lab->run.precision);
    bti_json_set_str(o, "worker", lab->worker);
    bti_json_set_str(o, "sampler", a->by);
    if (a->parent >= 0)
        bti_json_set_int(o, "parent", a->parent);
    bti_json_set_str(o, "model_yaml", yaml);
    return o;
}

static bt_status ask(worker *w, int retry, double deadline_s, bti_answer *answer, bt_error *err)
{
    const bti_ask q = {.space = w->lab.space,
                       .trials = &w->lab.trials,
                       .goals = bti_trials_goals(&w->lab.trials),
                       .cost = bti_graph_cost_for(bti_run_deploy(&w->lab.run)),
                       .params = w->sampler_params,
                       .seed = w->lab.run.seed,
                       .number = w->lab.trials.n,
                       .retry = retry,
                       .memo = w->memo,
                       .deadline_s = deadline_s};
    return bti_sampler_ask(w->sampler, &q, answer, err);
}

/* Everything about a claim that follows from the answer. p->attrs and *yaml are yours. */
static bt_status make_proposal(const bti_lab *lab, const bti_answer *answer, bti_proposal *p,
                               char **yaml, bt_error *err)
{
    bti_graph *g = NULL;
    double value[BTI_METRICS]; /* what is measured is not known yet */
    const bti_constraints limits = bti_space_constraints(lab->space);
    *p = (bti_proposal){.point = &answer->point, .key = answer->key};
    bt_status rc = bti_point_graph(lab->space, &answer->point, &g, yaml, err);
    bti_graph_free(g);
    if (rc)
        return rc;
    for (int i = 0; i < BTI_METRICS; i++)
        value[i] = bti_cost_of(&answer->cost, (bti_metric)i);
    p->n_constraints = bti_constraint_list(&limits, value, p->constraint);
    p->attrs = claim_attrs(lab, answer, *yaml);
    return BT_OK;
}

/* claim->id stays -1 when the key is taken (*duplicate) or the limit is reached. */
static bt_status claim_answer(worker *w, const bti_answer *answer, int max_trials, bti_claim *claim,
                              bool *duplicate, bt_error *err)
{
    bti_lab *lab = &w->lab;
    bti_proposal p;
    char *yaml = NULL;
    bt_status rc = make_proposal(lab, answer, &p, &yaml, err);
    if (!rc)
        rc = lab->study->ops->claim(lab->study, &p, lab->worker, BTI_LEASE_S, max_trials,
                                    &claim->id, &claim->number, duplicate, err);
    claim->attempt = 1;
    bti_json_free(p.attrs);
    bti_free(yaml);
    return rc;
}

/* Proposes and claims a new trial that fits into the time left. claim->id -1: nothing to claim, for
 * want of time, of trials, or of networks that are new. */
static bt_status claim_new(worker *w, const bti_control *control, bti_answer *answer,
                           bti_claim *claim, bt_error *err)
{
    bti_lab *lab = &w->lab;
    double deadline = local_deadline(control->until_utc);
    claim->id = -1;
    if (bt_now() < w->ask_at_s)
        return BT_OK;
    for (int retry = 0; retry < ASKS_MAX && !bti_stopped(&w->stop); retry++) {
        bool duplicate = false;
        bt_status rc = lab->study->ops->refresh(lab->study, &lab->trials, err);
        if (rc)
            return rc;
        if (control->max_trials && lab->trials.n >= control->max_trials)
            break;
        rc = ask(w, retry, deadline, answer, err);
        if (rc == BT_EMPTY)
            break;
        if (rc)
            return rc;
        double needs = predicted_seconds(&lab->trials, answer->cost.macs);
        if (deadline > 0 && bt_now() + fmax(needs, 0) > deadline)
            continue; /* another proposal may be smaller */
        rc = claim_answer(w, answer, control->max_trials, claim, &duplicate, err);
        if (rc || claim->id >= 0)
            return rc;
        if (!duplicate)
            break;
    }
    w->ask_at_s = bt_now() + ASK_AGAIN_S;
    return BT_OK;
}

/* Proposal of a WAITING trial, drawn again while what it leaves open makes no network. BT_EMPTY:
 * there is none. */
static bt_status ask_waiting(worker *w, const bti_trial *t, bti_answer *answer, bt_error *err)
{
    bti_lab *lab = &w->lab;
    const bti_ask q = {.space = lab->space,
                       .trials = &lab->trials,
                       .goals = bti_trials_goals(&lab->trials),
                       .cost = bti_graph_cost_for(bti_run_deploy(&lab->run)),
                       .seed = lab->run.seed,
                       .number = t->number};
    int drawn = 1;
    bt_status rc = BT_EMPTY;
    for (int i = 0; rc == BT_EMPTY && drawn && i < WAITING_TRIES; i++) {
        bti_rng rng =
            bti_rng_at(lab->run.seed, BTI_RNG_SAMPLER, (uint32_t)t->number, (uint32_t)i, 4);
        rc = bti_origin_point(lab->study, lab->space, t, &rng, &answer->point, &drawn, err);
        if (!rc)
            rc = bti_sampler_complete(&q, answer, err);
    }
    answer->rejected = 0;
    answer->by = "enqueued";
    answer->parent = -1;
    return rc;
}

static bt_status start_waiting(worker *w, const bti_trial *t, const bti_answer *answer,
                               bti_claim *claim, bt_error *err)
{
    bti_lab *lab = &w->lab;
    bti_storage *st = lab->study;
    bti_proposal p;
    bool taken = false, duplicate = false;
    char *yaml = NULL;
    bt_status rc = make_proposal(lab, answer, &p, &yaml, err);
    if (!rc)
        rc = st->ops->start(st, t->id, &p, lab->worker, BTI_LEASE_S, &taken, &duplicate, err);
    if (!rc && duplicate)
        rc = st->ops->drop(st, t->id, "the network was tried before", err);
    if (!rc && taken) {
        claim->id = t->id;
        claim->number = t->number;
        claim->attempt = 1;
    }
    bti_json_free(p.attrs);
    bti_free(yaml);
    return rc;
}

/* The first trial that somebody enqueued (--from, Optuna's enqueue_trial) and that fits into the
 * time left; one that makes no network within the limits becomes FAIL. claim->id -1: none. */
static bt_status claim_waiting(worker *w, const bti_control *control, bti_answer *answer,
                               bti_claim *claim, bt_error *err)
{
    bti_lab *lab = &w->lab;
    double deadline = local_deadline(control->until_utc);
    bt_status rc = lab->study->ops->refresh(lab->study, &lab->trials, err);
    for (int i = 0; i < lab->trials.n && !rc && claim->id < 0; i++) {
        const bti_trial *t = &lab->trials.trial[i];
        bt_error why = {0};
        if (t->state != BTI_WAITING)
            continue;
        rc = ask_waiting(w, t, answer, &why);
        if (rc == BT_EMPTY || rc == BT_INVAL || rc == BT_FORMAT) {
            rc = lab->study->ops->drop(lab->study, t->id, why.text, err);
            continue;
        }
        if (rc && err)
            *err = why;
        double needs = predicted_seconds(&lab->trials, answer->cost.macs);
        if (!rc && (deadline <= 0 || bt_now() + fmax(needs, 0) <= deadline))
            rc = start_waiting(w, t, answer, claim, err);
    }
    return rc;
}

/* A dead worker's trial, claim->id -1 if there is none. */
static bt_status claim_orphan(worker *w, bti_answer *answer, bti_claim *claim, bt_error *err)
{
    bti_lab *lab = &w->lab;
    bti_storage *st = lab->study;
    bt_status rc = st->ops->reclaim(st, lab->worker, BTI_LEASE_S, &claim->id, &claim->attempt, err);
    if (rc || claim->id < 0)
        return rc;
    rc = st->ops->refresh(st, &lab->trials, err);
    const bti_trial *t = rc ? NULL : bti_trials_id(&lab->trials, claim->id);
    if (!rc && !t)
        rc =
            bti_fail(err, BT_FORMAT, lab->dir, "trial id %lld has no record", (long long)claim->id);
    if (!rc) {
        claim->number = t->number;
        bti_trial_point(lab->space, t, &answer->point);
    }
    return rc;
}

/* One trial: a dead worker's first, else a new one. *worked false: nothing to do now. */
static bt_status search_once(worker *w, const bti_control *control, bool *worked, bt_error *err)
{
    bti_claim claim = {.store = w->study_url,
                       .control = w->study_url,
                       .phase = BTI_PHASE_SEARCH,
                       .worker = w->lab.worker};
    double deadline = local_deadline(control->until_utc);

    *worked = false;
    if (deadline > 0 && bt_now() >= deadline)
        return BT_OK;
    bti_answer *answer = bti_calloc(1, sizeof(*answer));
    if (!answer)
        return bti_fail_nomem(err);
    bt_status rc = claim_orphan(w, answer, &claim, err);
    if (!rc && claim.id < 0)
        rc = claim_waiting(w, control, answer, &claim, err);
    if (!rc && claim.id < 0)
        rc = claim_new(w, control, answer, &claim, err);
    if (!rc && claim.id >= 0) {
        *worked = true;
        rc = bti_trial_work(&w->lab, &claim, &answer->point, deadline, &w->stop, err);
    }
    bti_free(answer);
    return rc;
}

static bt_status final_once(worker *w, const bti_control *control, bool *worked, bt_error *err)
{
    bti_plan plan;
    *worked = false;
    bt_status rc = bti_plan_load(&plan, w->lab.study, err);
    if (!rc && !w->final)
        rc = bti_final_open(&w->final, w->lab.dir, err);
    if (rc || plan.round != control->round)
        return rc;
    return bti_final_next(&w->lab, w->final, &plan, local_deadline(control->until_utc), &w->stop,
                          worked, err);
}

static bt_status serve(worker *w, bt_error *err)
{
    bt_status rc = BT_OK;
    while (!rc && !bti_stopped(&w->stop) && bti_run_supervised(w->lab.dir)) {
        bti_control control;
        bool worked = false;
        rc = bti_control_load(&control, w->lab.study, err);
        if (rc || control.phase == BTI_PHASE_STOP)
            break;
        if (control.phase == BTI_PHASE_SEARCH)
            rc = search_once(w, &control, &worked, err);
        else
            rc = final_once(w, &control, &worked, err);
        if (!worked)
            usleep(POLL_US);
    }
    return rc;
}

bt_status bt_worker(const char *run_dir, const char *worker_id, bt_stop stop, bt_error *err)
{
    worker w = {.stop = stop};

    bti_die_with_parent(SIGTERM); /* checkpoint, give the trial back, end */
    w.study_url = bti_run_study_url(run_dir);
    w.memo = bti_memo_new();
    bt_status rc = w.study_url && w.memo ? BT_OK : bti_fail_nomem(err);
    if (!rc)
        rc = bti_lab_open(&w.lab, run_dir, worker_id, NULL, err);
    if (!rc)
        rc = bti_sampler_find(&w.sampler, w.lab.run.sampler, &w.sampler_params, err);
    if (!rc)
        rc = serve(&w, err);
    bti_storage_close(w.final);
    bti_lab_close(&w.lab);
    bti_memo_free(w.memo);
    bti_free(w.study_url);
    return rc;
}
