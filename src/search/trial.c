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
#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "base/str.h"
#include "export/eval_int8.h"
#include "nn/latency.h"
#include "report/report.h"
#include "search/cost.h"
#include "study/pruner.h"

#include <math.h>

#define CHECKPOINT "checkpoint.safetensors"
#define CHECKPOINT_S 10
/* After which a study without a finished trial shows what it has so far */
#define FIRST_MODEL_S 10
#define VALIDATIONS_MAX 5
#define INT8_IMAGES 64 /* that ranges come from, of an export's 500: trials must train */
/* Steps before the first rung from which on weights are averaged, over a fifth of them: before its
 * end the schedule's learning rate is too high for the plain ones to show what they are worth. With
 * fewer steps running statistics would still hold their initial values. */
#define AVERAGE_STEPS 200
#define VALIDATION_COST 0.33  /* of an image, in trained images */
#define VALIDATION_SHARE 0.08 /* of a trial's time, unless the one at its end alone takes more */

/* What a trial has cost so far; attribute "bantam:used" while it is given back in between. */
typedef struct used {
    double seconds, train_s, eval_s, train_cpu_s, eval_cpu_s;
} used;

typedef struct trial_run {
    bti_lab *lab;
    const bti_claim *claim;
    bti_graph *graph;
    bti_cost cost;
    char *yaml, *dir, *checkpoint;
    bt_recipe recipe;
    bti_outcome outcome;
    double began, age_s; /* of the claim; of the process then */
    used before;         /* in attempts that were given back */
    bool lost;           /* the lease */
    const bti_pruner_ops *pruner;
    const char *pruner_params;
    int rung[BTI_RUNGS_MAX], n_rungs;
    bti_json *rungs; /* [[epochs, value], ...] so far */
    bool pruned;
    double measured[BTI_METRICS]; /* once it is trained; NaN: not measured */
    double int8_images_per_s;     /* of its validation by the integer kernels; 0: there was none */
} trial_run;

/* ---- while it trains ---- */

/* The first objective of a study: what its curves show. */
static double curve_value(const trial_run *t, const bti_epoch *e)
{
    const bti_objective *obj;
    bti_space_objectives(t->lab->space, &obj);
    return obj[0].id == BTI_METRIC_F1_MACRO            ? e->val_f1_macro
           : obj[0].id == BTI_METRIC_BALANCED_ACCURACY ? e->val_balanced_accuracy
                                                       : e->val_accuracy;
}

/* A trial that went on from a checkpoint before a rung comes there again: its last value stands. */
static void note_rung(trial_run *t, int epochs, double reached)
{
    bti_json *now = bti_json_array(), *one = bti_json_array();
    for (size_t i = 0; i < bti_json_len(t->rungs); i++) {
        const bti_json *old = bti_json_at(t->rungs, i);
        if (bti_json_as_int(bti_json_at(old, 0), -1) != epochs)
            bti_json_append(now, bti_json_copy(old));
    }
    bti_json_append(one, bti_json_int(epochs));
    bti_json_append(one, bti_json_num(reached));
    bti_json_append(now, one);
    bti_json_free(t->rungs);
    t->rungs = now;
}

/* At a rung: what it reached goes on record, and the pruner decides. Best effort: a trial that
 * cannot be judged goes on. */
static void at_rung(trial_run *t, int epochs, double reached)
{
    bti_lab *lab = t->lab;
    bti_storage *st = lab->study;
    const bti_objective *obj;
    double value[BTI_OBJECTIVES_MAX];
    note_rung(t, epochs, reached);
    value[0] = reached;
    for (int i = 1, n = bti_space_objectives(lab->space, &obj); i < n; i++)
        value[i] = bti_cost_of(&t->cost, obj[i].id);
    if (st->ops->trial_attr_set(st, t->claim->id, false, "rungs", t->rungs, NULL) ||
        st->ops->refresh(st, &lab->trials, NULL))
        return;
    const bti_prune_ask ask = {.trials = &lab->trials,
                               .goals = bti_trials_goals(&lab->trials),
                               .number = t->claim->number,
                               .epochs = epochs,
                               .rung = t->rung,
                               .n_rungs = t->n_rungs,
                               .value = value,
                               .params = t->pruner_params};
    if (t->pruner->ask(&ask, &t->pruned, NULL))
        t->pruned = false;
}

static int on_epoch(void *user, const bti_epoch *e)
{
    trial_run *t = user;
    const bti_claim *c = t->claim;
    bti_storage *st = t->lab->study;
    if (e->val_accuracy < 0)
        return 0;
    for (int i = 0; i < t->n_rungs; i++)
        if (e->epoch == t->rung[i])
            at_rung(t, e->epoch, curve_value(t, e));
    bt_status rc =
        st->ops->report(st, c->id, c->worker, c->attempt, e->epoch, curve_value(t, e), NULL);
    t->lost = rc == BT_BUSY;
    return t->lost || t->pruned;
}

/* Nothing is complete yet, and no earlier trial is at work. */
static bool is_first(const bti_trials *trials, int number)
{
    for (int i = 0; i < trials->n; i++) {
        const bti_trial *t = &trials->trial[i];
        if (t->state == BTI_COMPLETE || (t->state == BTI_RUNNING && t->number < number))
            return false;
    }
    return true;
}

/* models/first: something usable early, however long the first trial takes. Best effort. */
static void show_first(void *user, const float *weights, int64_t images)
{
    trial_run *t = user;
    bti_lab *lab = t->lab;
    if (lab->study->ops->refresh(lab->study, &lab->trials, NULL) ||
        !is_first(&lab->trials, t->claim->number))
        return;
    bti_model_meta meta = bti_lab_meta(lab->data);
    char *dir = bti_path_join(lab->dir, "models/first");
    bti_json *result = bti_json_object();
    bti_json_set_str(result, "name", "first");
    bti_json_set_int(result, "trial", t->claim->number);
    bti_json_set_int(result, "params", t->graph->params);
    bti_json_set_int(result, "macs", t->graph->macs);
    bti_json_set_int(result, "images", images);
    bti_json_set(result, "val_accuracy", bti_json_null());
    bti_json_set_str(result, "note", "still training: not validated yet");
    if (dir && bti_model_save(dir, t->yaml, t->graph, weights, &meta, result, NULL))
        bti_remove_tree(dir, NULL); /* a half-written one would be no use */
    bti_json_free(result);
    bti_free(dir);
}

/* ---- how it ends ---- */

static void read_used(const bti_trials *trials, int64_t id, used *out)
{
    const bti_trial *t = bti_trials_id(trials, id);
    const bti_json *u = t ? bti_json_get(t->attrs, "bantam:used") : NULL;
    *out = (used){.seconds = bti_json_as_num(bti_json_get(u, "seconds"), 0),
                  .train_s = bti_json_as_num(bti_json_get(u, "train_s"), 0),
                  .eval_s = bti_json_as_num(bti_json_get(u, "eval_s"), 0),
                  .train_cpu_s = bti_json_as_num(bti_json_get(u, "train_cpu_s"), 0),
                  .eval_cpu_s = bti_json_as_num(bti_json_get(u, "eval_cpu_s"), 0)};
}

static void set_used(const trial_run *t, bti_json *o)
{
    const bti_outcome *out = &t->outcome;
    bti_json_set_num(o, "seconds", t->before.seconds + bt_now() - t->began);
    bti_json_set_num(o, "train_s", t->before.train_s + out->train_s);
    bti_json_set_num(o, "eval_s", t->before.eval_s + out->eval_s);
    bti_json_set_num(o, "train_cpu_s", t->before.train_cpu_s + out->train_cpu_s);
    bti_json_set_num(o, "eval_cpu_s", t->before.eval_cpu_s + out->eval_cpu_s);
}

/* The checkpoint is on disk; whoever claims the trial next goes on from there. */
static bt_status give_back(trial_run *t, bt_error *err)
{
    const bti_claim *c = t->claim;
    bti_storage *st = t->lab->study;
    bt_status rc = st->ops->renew(st, c->id, c->worker, c->attempt, BTI_LEASE_S, err);
    if (rc)
        return rc;
    bti_json *u = bti_json_object();
    set_used(t, u);
    rc = st->ops->trial_attr_set(st, c->id, false, "bantam:used", u, err);
    bti_json_free(u);
    return rc ? rc : st->ops->yield(st, c->id, c->worker, c->attempt, err);
}

/* Images a second in validation; 0 if there was none in this call. */
static double eval_speed(const trial_run *t)
{
    int times = 0;
    for (size_t i = 0; i < bti_json_len(t->outcome.curve); i++)
        times += bti_json_as_num(bti_json_get(bti_json_at(t->outcome.curve, i), "val_accuracy"),
                                 -1) >= 0;
    return t->outcome.eval_s > 0 ? times * (double)t->lab->val.n / t->outcome.eval_s : 0;
}

static bti_json *result_attrs(const trial_run *t)
{
    char seed[24];
    const bti_lab *lab = t->lab;
    bti_json *a = bti_json_object();
    snprintf(seed, sizeof(seed), "%llu", /* may exceed JSON's integers */
             (unsigned long long)bti_seed_mix(lab->run.seed, (uint64_t)t->claim->number));
    bti_json_set_str(a, "seed", seed);
    bti_json_set_int(a, "epochs", t->outcome.epochs_done);
    bti_json_set_int(a, "train_images", lab->train.n);
    bti_json_set_int(a, "val_images", lab->val.n);
    bti_json_set_num(a, "loss", t->outcome.loss);
    bti_json_set_num(a, "images_per_s", t->outcome.images_per_s);
    if (t->int8_images_per_s > 0) {
        bti_json_set_num(a, "float_accuracy", t->outcome.val_accuracy);
        bti_json_set_num(a, "eval_images_per_s", t->int8_images_per_s);
    } else if (!t->before.eval_s) /* else the curve counts validations of an earlier attempt */
        bti_json_set_num(a, "eval_images_per_s", eval_speed(t));
    if (t->outcome.first_step_s > 0) {
        double setup_s = t->outcome.first_step_s - t->began;
        bti_json_set_num(a, "setup_s", setup_s);
        if (t->lab->trials_begun == 1) /* the worker's first: its own start too */
            bti_json_set_num(a, "since_exec_s", t->age_s + setup_s);
    }
    set_used(t, a);
    return a;
}

/* Latency takes a fraction of a second: only where it is asked for. */
static bool is_wanted(const bti_space *space, bti_metric m)
{
    const bti_objective *obj;
    const bti_constraints c = bti_space_constraints(space);
    const bti_bounds *b = bti_constraint_of(&c, m);
    bool wanted = b->lo > 0 || isfinite(b->hi);
    for (int i = 0, n = bti_space_objectives(space, &obj); i < n; i++)
        wanted = wanted || obj[i].id == m;
    return wanted;
}

/* The same qualities as the device will have them. */
static bt_status measure_int8(trial_run *t, bt_error *err)
{
    const bti_lab *lab = t->lab;
    bti_int8_subject s = {.graph = t->graph,
                          .weights = t->outcome.weights,
                          .calibration = &lab->train,
                          .images = INT8_IMAGES,
                          .threads = lab->run.threads};
    bti_score score;
    double seconds;
    memcpy(s.mean, lab->data->mean, sizeof(s.mean));
    memcpy(s.std, lab->data->std, sizeof(s.std));
    bt_status rc = bti_int8_score(&score, &s, &lab->val, &seconds, err);
    if (rc)
        return rc;
    t->int8_images_per_s = seconds > 0 ? (double)lab->val.n / seconds : 0;
    t->measured[BTI_METRIC_ACCURACY] = score.accuracy;
    t->measured[BTI_METRIC_F1_MACRO] = score.macro_f1;
    t->measured[BTI_METRIC_BALANCED_ACCURACY] = score.balanced;
    bti_score_release(&score);
    return BT_OK;
}

/* Everything that this trial can be judged by. BT_NOSUPP, BT_DIVERGED: int8 cannot hold it. */
static bt_status measure(trial_run *t, bt_error *err)
{
    double *value = t->measured;
    bt_status rc = BT_OK;
    for (int i = 0; i < BTI_METRICS; i++)
        value[i] = bti_cost_of(&t->cost, (bti_metric)i);
    value[BTI_METRIC_ACCURACY] = t->outcome.val_accuracy;
    value[BTI_METRIC_F1_MACRO] = t->outcome.val_f1_macro;
    value[BTI_METRIC_BALANCED_ACCURACY] = t->outcome.val_balanced_accuracy;
    if (bti_run_deploy(&t->lab->run) == BTI_DEPLOY_INT8)
        rc = measure_int8(t, err);
    if (!rc && is_wanted(t->lab->space, BTI_METRIC_LATENCY_MS))
        rc = bti_latency_ms(&value[BTI_METRIC_LATENCY_MS], t->graph, err);
    return rc;
}

/* Measured values and, where there are limits, Optuna's list of them: it stands before the trial is
 * COMPLETE. */
static bt_status put_values(const trial_run *t, bti_json *attrs, double *violation, bt_error *err)
{
    const double *value = t->measured;
    double list[2 * BTI_METRICS];
    const bti_constraints c = bti_space_constraints(t->lab->space);
    bti_storage *st = t->lab->study;
    int n = bti_constraint_list(&c, value, list);
    bti_json *o = bti_json_array();
    *violation = 0;
    for (int i = 0; i < n; i++) {
        *violation += fmax(0, list[i]);
        bti_json_append(o, bti_json_num(list[i]));
    }
    for (int i = 0; i < BTI_METRICS; i++)
        if (bti_metric_of((bti_metric)i)->source != BTI_FROM_COST && isfinite(value[i]))
            bti_json_set_num(attrs, bti_metric_names()[i], value[i]);
    bt_status rc =
        n ? st->ops->trial_attr_set(st, t->claim->id, true, "constraints", o, err) : BT_OK;
    bti_json_free(o);
    return rc;
}

/* False if a finished trial covers this one: then the weights will never be asked for. */
static bool joins_front(const bti_trials *trials, const double *value, double violation)
{
    const bti_goals *g = bti_trials_goals(trials);
    for (int i = 0; i < trials->n; i++)
        if (bti_run_trained(&trials->trial[i]) && bti_trial_counts(g, &trials->trial[i]) &&
            bti_goals_covers(g, trials->trial[i].value, value))
            return false;
    return violation <= 0;
}

static bt_status save_weights(const trial_run *t, const bti_json *attrs, bt_error *err)
{
    bti_model_meta meta = bti_lab_meta(t->lab->data);
    bti_json *result = bti_json_copy(attrs);
    bti_json_set_int(result, "trial", t->claim->number);
    bti_json_set_num(result, "val_accuracy", t->measured[BTI_METRIC_ACCURACY]);
    bt_status rc =
        bti_model_save(t->dir, t->yaml, t->graph, t->outcome.weights, &meta, result, err);
    bti_json_free(result);
    return rc;
}

static bt_status record_failure(trial_run *t, const bt_error *why, bt_error *err)
{
    const bti_claim *c = t->claim;
    bti_storage *st = t->lab->study;
    bti_json *attrs = result_attrs(t);
    bti_json_set_str(attrs, "error", why->text);
    bt_status rc = st->ops->finish(st, c->id, c->worker, c->attempt, BTI_FAIL, NULL, attrs, err);
    bti_json_free(attrs);
    if (!rc)
        bti_remove_tree(t->dir, NULL);
    return rc;
}

/* Writes how a trained trial ended. The lease is asked for before any file: a worker that slept
 * past it must not touch what its successor wrote. */
static bt_status record(trial_run *t, bt_error *err)
{
    const bti_claim *c = t->claim;
    bti_storage *st = t->lab->study;
    double value[BTI_OBJECTIVES_MAX] = {0}, violation = 0;
    const bti_objective *obj;
    bt_status rc = st->ops->renew(st, c->id, c->worker, c->attempt, BTI_LEASE_S, err);
    if (!rc)
        rc = st->ops->refresh(st, &t->lab->trials, err);
    if (rc)
        return rc;
    for (int i = 0, n = bti_space_objectives(t->lab->space, &obj); i < n; i++)
        value[i] = t->measured[obj[i].id];
    bti_json *attrs = result_attrs(t);
    rc = put_values(t, attrs, &violation, err);
    bool keep = joins_front(&t->lab->trials, value, violation);
    if (!rc && keep)
        rc = save_weights(t, attrs, err);
    if (!rc)
        rc = st->ops->finish(st, c->id, c->worker, c->attempt, BTI_COMPLETE, value, attrs, err);
    bti_json_free(attrs);
    if (!rc) /* all of it is on record: what cannot be removed now, the supervisor removes */
        bti_remove_tree(keep ? t->checkpoint : t->dir, NULL);
    return rc;
}

static bt_status record_pruned(trial_run *t, bt_error *err)
{
    const bti_claim *c = t->claim;
    bti_storage *st = t->lab->study;
    bti_json *attrs = result_attrs(t);
    bt_status rc = st->ops->finish(st, c->id, c->worker, c->attempt, BTI_PRUNED, NULL, attrs, err);
    bti_json_free(attrs);
    if (!rc)
        bti_remove_tree(t->dir, NULL);
    return rc;
}

/* What a finished trial of the front has beside its model: a checkpoint that a worker wrote which
 * had slept past its lease. */
static void drop_checkpoint(const char *trial_dir)
{
    char *path = bti_path_join(trial_dir, CHECKPOINT);
    if (path)
        bti_remove_tree(path, NULL);
    bti_free(path);
}

static bool on_front(const bti_trials *trials, const int *front, int n, const bti_trial *t)
{
    for (int i = 0; i < n; i++)
        if (trials->trial[front[i]].id == t->id)
            return true;
    return false;
}

void bti_drop_dominated(const char *dir, const bti_trials *trials)
{
    bti_names names = {0};
    char *root = bti_path_join(dir, "work/trials");
    int *front = bti_array((size_t)trials->n + 1, sizeof(int)), n = 0;
    bti_trials own;
    if (bti_run_own_trials(trials, &own) || !root || !front || bti_list_dir(root, &names, NULL))
        goto done;
    n = bti_report_front(&own, front);
    for (size_t i = 0; i < names.n; i++) {
        int64_t number;
        if (!bti_parse_int(names.name[i], 0, INT32_MAX, &number))
            continue;
        const bti_trial *t = bti_trials_number(trials, (int)number);
        char *path = bti_path_join(root, names.name[i]);
        if (path && t && t->state != BTI_RUNNING) { /* unknown: claimed a moment ago */
            if (on_front(&own, front, n, t))
                drop_checkpoint(path);
            else
                bti_remove_tree(path, NULL);
        }
        bti_free(path);
    }
done:
    bti_names_free(&names);
    bti_free(own.trial);
    bti_free(front);
    bti_free(root);
}

/* ---- the whole of it ---- */

static bt_status prepare(trial_run *t, const bti_point *point, bt_error *err)
{
    const bti_lab *lab = t->lab;
    bt_status rc = bti_point_graph(lab->space, point, &t->graph, &t->yaml, err);
    if (!rc)
        rc = bti_cost_of_graph(&t->cost, t->graph, bti_run_deploy(&lab->run), err);
    if (!rc)
        rc = bti_point_recipe(lab->space, point, lab->run.epochs, &t->recipe, err);
    if (rc)
        return rc;
    t->dir = bti_run_trial_dir(lab->dir, t->claim->number);
    t->checkpoint = t->dir ? bti_path_join(t->dir, CHECKPOINT) : NULL;
    read_used(&lab->trials, t->claim->id, &t->before);
    rc = bti_pruner_find(&t->pruner, lab->run.pruner, &t->pruner_params, err);
    if (!rc)
        rc = t->pruner->rungs(t->pruner_params, t->recipe.epochs, t->rung, &t->n_rungs, err);
    if (rc)
        return rc;
    double steps = t->n_rungs ? (double)t->rung[0] * (double)lab->train.n / t->recipe.batch : 0;
    if (steps >= AVERAGE_STEPS && !(t->recipe.ema > 0))
        t->recipe.ema = 1 - 5 / steps;
    const bti_trial *earlier = bti_trials_id(&lab->trials, t->claim->id);
    const bti_json *known = earlier ? bti_json_get(earlier->attrs, "rungs") : NULL;
    t->rungs = known ? bti_json_copy(known) : bti_json_array();
    return t->checkpoint ? bti_make_dirs(t->dir, err) : bti_fail_nomem(err);
}

/* After so many epochs a trial is validated, apart from its end: the time is for training. */
static int validation_interval(int epochs, int64_t n_train, int64_t n_val)
{
    double affordable =
        VALIDATION_SHARE * epochs * (double)n_train / (VALIDATION_COST * fmax(1, (double)n_val));
    int times = (int)fmin(fmax(affordable, 1), VALIDATIONS_MAX);
    return (epochs + times - 1) / times;
}

static bt_status train(trial_run *t, bt_stop stop, bt_error *why)
{
    bti_lab *lab = t->lab;
    bti_job job = bti_lab_job(lab, t->graph, &t->recipe, t->claim->number);
    job.maps = &lab->maps;
    job.train = &lab->train;
    job.val = &lab->val;
    job.eval_every = validation_interval(t->recipe.epochs, lab->train.n, lab->val.n);
    job.eval_at = t->rung;
    job.n_eval_at = t->n_rungs;
    job.checkpoint = t->checkpoint;
    job.checkpoint_s = CHECKPOINT_S;
    job.resume = true;
    job.stop = stop;
    job.on_epoch = on_epoch;
    job.on_snapshot = show_first;
    job.snapshot_s = FIRST_MODEL_S;
    job.user = t;
    bt_status rc = bti_train_job(&t->outcome, &job, why);
    if ((rc == BT_FORMAT || rc == BT_INVAL) && bti_is_file(t->checkpoint) &&
        bti_remove_tree(t->checkpoint, NULL) == BT_OK) { /* no checkpoint of ours: from the start */
        bti_outcome_release(&t->outcome);
        rc = bti_train_job(&t->outcome, &job, why);
    }
    return rc;
}

static bt_status end(trial_run *t, bt_status trained, const bt_error *why, bt_error *err)
{
    bt_status rc;
    switch (trained) {
    case BT_OK:
        return record(t, err);
    case BT_STOPPED:
        if (t->pruned)
            return record_pruned(t, err);
        return t->lost ? BT_OK : give_back(t, err);
    case BT_IO: /* the disk's fault, not the trial's */
        rc = give_back(t, err);
        if (!rc && err)
            *err = *why;
        return rc ? rc : trained;
    default:
        return record_failure(t, why, err);
    }
}

bt_status bti_trial_work(bti_lab *lab, const bti_claim *c, const bti_point *point,
                         double deadline_s, const bt_stop *outer, bt_error *err)
{
    trial_run t = {.lab = lab, .claim = c, .began = bt_now(), .age_s = bti_process_age()};
    bti_keeper *keeper = NULL;

    lab->trials_begun++;
    bt_status rc = prepare(&t, point, err);
    if (!rc)
        rc = bti_keeper_start(&keeper, c, outer, err);
    if (!rc) {
        bt_error why = {0};
        bt_status trained = train(&t, (bt_stop){bti_keeper_halt(keeper), deadline_s}, &why);
        if (!trained)
            trained = measure(&t, &why);
        bti_keeper_stop(keeper);
        rc = end(&t, trained, &why, err);
    }
    if (rc == BT_BUSY)
        rc = BT_OK; /* the lease was lost: another worker has it, nothing of ours was written */
    bti_outcome_release(&t.outcome);
    bti_json_free(t.rungs);
    bti_free(t.checkpoint);
    bti_free(t.dir);
    bti_free(t.yaml);
    bti_graph_free(t.graph);
    return rc;
}
