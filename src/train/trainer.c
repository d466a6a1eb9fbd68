/* SPDX-License-Identifier: Apache-2.0
 *
 * The training loop. Invariant: bti_position says how many steps of which epoch are in the weights,
 * and between two steps (net, optimiser, position) is everything there is, so training can stop and
 * go on at any step: the order of an epoch and every augmentation are addressed by (seed, epoch).
 */
#include "train/trainer.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/imbalance.h"
#include "train/schedule.h"
#include "train/step.h"
#include <math.h>

#define REPORT_EVERY_S 0.1

typedef struct training {
    const bti_job *job;
    bti_outcome *out;
    bti_stepper stepper;
    bti_evaluator evaluator; /* zeroed: no validation */
    bti_schedule schedule;
    bti_epoch_order samples;
    int64_t steps, warmup; /* steps an epoch; warm-up steps in all */
    bti_position at;
    int64_t steps_now; /* steps taken in this call */
    double began_s;    /* bt_now() before the first of them */
    bool time_is_up;   /* job.finish_s */
    int evals_now;
    double reported_s, saved_s, shown_s; /* bt_now() of the last report, checkpoint, snapshot */
} training;

bti_job bti_job_defaults(void)
{
    return (bti_job){.recipe = bt_recipe_defaults(),
                     .threads = bti_cpu_count(),
                     .ahead = -1,
                     .eval_every = 1,
                     .checkpoint_s = 60,
                     .std = {1, 1, 1}};
}

void bti_outcome_release(bti_outcome *o)
{
    if (!o)
        return;
    bti_free(o->weights);
    bti_json_free(o->curve);
    *o = (bti_outcome){0};
}

/* ---- progress ---- */

static bool eval_due(const training *t, int epoch)
{
    int every = t->job->eval_every;
    bool due = epoch + 1 == t->job->recipe.epochs || (every > 0 && (epoch + 1) % every == 0);
    for (int i = 0; i < t->job->n_eval_at; i++)
        due = due || epoch + 1 == t->job->eval_at[i];
    return t->evaluator.net && due;
}

/* From the means of this call; negative while nothing is known. running_s: seconds in steps that
 * outcome->train_s does not count yet. */
static double seconds_left(const training *t, double running_s, bool validated)
{
    const bti_outcome *o = t->out;
    int64_t epochs = t->job->recipe.epochs;
    int evals = 0;

    if (!t->steps_now)
        return -1;
    for (int e = t->at.epoch + validated; e < epochs; e++)
        evals += eval_due(t, e);
    double step_s = (o->train_s + running_s) / (double)t->steps_now;
    double eval_s = t->evals_now ? o->eval_s / t->evals_now : 0;
    return step_s * (double)(epochs * t->steps - t->at.epoch * t->steps - t->at.step) +
           eval_s * evals;
}

static void report(training *t, double rate, double left_s)
{
    const bt_progress *p = &t->job->progress;
    bt_event e = {.kind = BT_EVENT_TRAIN,
                  .done = t->at.step,
                  .total = t->steps,
                  .epoch = t->at.epoch + 1,
                  .epochs = t->job->recipe.epochs,
                  .loss = t->at.loss_sum / (double)t->at.step,
                  .accuracy = t->at.val_accuracy,
                  .rate = rate,
                  .left_s = left_s};

    t->reported_s = bt_now();
    if (p->report)
        p->report(p->user, &e);
}

/* Some steps of an epoch, but not its last: that one is reported with the validation accuracy.
 * `began`: bt_now() of this epoch's first step in this call, `first` its number. */
static void report_step(training *t, double began, int64_t first)
{
    double now = bt_now();

    if (t->at.step == t->steps || now - t->reported_s < REPORT_EVERY_S)
        return;
    double images = (double)((t->at.step - first) * t->stepper.batch);
    report(t, images / fmax(now - began, 1e-9), seconds_left(t, now - began, false));
}

/* The weights so far, plain. Running statistics start at (0, 1), which is still 23 % of them after
 * 14 steps: that share is taken out, as Adam does with its moments (Kingma and Ba 2015, section 3).
 * After 200 steps nothing of it is left. */
static void read_weights(training *t, float *plain)
{
    const bti_graph *g = t->job->graph;
    double start = pow(0.9, (double)(t->at.images / t->stepper.batch));

    bti_stepper_get_weights(&t->stepper, plain);
    if (start >= 1 || start < 1e-9 || t->job->recipe.ema > 0) /* an average has its own warm-up */
        return;
    for (int k = 0; k < g->n_tensors; k++) {
        const bti_tensor *x = &g->tensor[k];
        double from = x->kind == BTI_TENSOR_VAR ? start : 0;
        if (x->kind != BTI_TENSOR_MEAN && x->kind != BTI_TENSOR_VAR)
            continue;
        for (int64_t i = x->offset; i < x->offset + x->size; i++)
            plain[i] = (float)(fmax(plain[i] - from, from > 0 ? 0 : -INFINITY) / (1 - start));
    }
}

/* Shows the weights so far to whoever wants to see them early. */
static void snapshot(training *t)
{
    const bti_job *job = t->job;

    if (!job->on_snapshot || bt_now() - t->shown_s < job->snapshot_s)
        return;
    t->shown_s = bt_now();
    read_weights(t, t->stepper.plain);
    job->on_snapshot(job->user, t->stepper.plain, t->at.images);
}

/* ---- one epoch ---- */

static bt_status stopped(const training *t, bt_error *err)
{
    return bti_fail(
        err, BT_STOPPED, NULL, "training was stopped in epoch %d of %d, after step %lld of %lld",
        t->at.epoch + 1, t->job->recipe.epochs, (long long)t->at.step, (long long)t->steps);
}

/* Steps that the whole training will have, as it looks after `done` of them. */
static int64_t total_steps(const training *t, int64_t done)
{
    const bti_job *job = t->job;
    int64_t most = (int64_t)job->recipe.epochs * t->steps;
    if (job->finish_s <= 0 || !t->steps_now)
        return most;
    double now = bt_now(), step_s = (now - t->began_s) / (double)t->steps_now;
    double left = ceil((job->finish_s - now) / fmax(step_s, 1e-9));
    return left < (double)(most - done) ? done + (int64_t)fmax(left, 1) : most;
}

/* The steps of the epoch that are left. */
static bt_status run_steps(training *t, bt_error *err)
{
    const bt_recipe *r = &t->job->recipe;
    int64_t first = t->at.step;
    double began = bt_now(), cpu = bti_cpu_seconds();
    bt_status rc = BT_OK;

    bti_stepper_announce(&t->stepper, (uint32_t)t->at.epoch,
                         t->samples.order + first * t->stepper.batch, t->steps - first);
    while (t->at.step < t->steps && !rc) {
        if (bti_stopped(&t->job->stop)) {
            rc = stopped(t, err);
            break;
        }
        t->time_is_up = t->job->finish_s > 0 && bt_now() >= t->job->finish_s;
        if (t->time_is_up)
            break;
        if (!t->steps_now)
            t->out->first_step_s = bt_now();
        int64_t done = (int64_t)t->at.epoch * t->steps + t->at.step;
        bti_moment now = {done, t->warmup, total_steps(t, done), t->steps};
        double lr = bti_schedule_lr(&t->schedule, r->lr, now);
        t->stepper.optimizer.momentum = bti_schedule_momentum(&t->schedule, r->momentum, now);
        bti_stepper_set_standard(&t->stepper, now.total - done <= r->no_aug_epochs * t->steps);
        int64_t from = t->at.step * t->stepper.batch;
        double loss = bti_stepper_run(&t->stepper, (uint32_t)t->at.epoch, t->samples.order + from,
                                      t->samples.copy ? t->samples.copy + from : NULL, lr);
        if (!isfinite(loss)) {
            rc = bti_fail(
                err, BT_DIVERGED, NULL,
                "the loss became non-finite in epoch %d, step %lld of %lld (learning rate %g)",
                t->at.epoch + 1, (long long)t->at.step + 1, (long long)t->steps, lr);
            break;
        }
        t->at.loss_sum += loss;
        t->at.step++;
        t->at.images += t->stepper.batch;
        t->steps_now++;
        report_step(t, began, first);
        snapshot(t);
    }
    double took = bt_now() - began;
    t->out->train_s += took;
    t->out->train_cpu_s += bti_cpu_seconds() - cpu;
    t->out->images += (t->at.step - first) * t->stepper.batch;
    t->at.train_s += took;
    return rc;
}

static void validate(training *t)
{
    double began = bt_now(), cpu = bti_cpu_seconds();

    read_weights(t, t->stepper.plain);
    t->at.val_accuracy = bti_evaluator_run(&t->evaluator, t->stepper.plain);
    bti_evaluator_macro(&t->evaluator, &t->at.val_f1_macro, &t->at.val_balanced_accuracy);
    t->out->eval_s += bt_now() - began;
    t->out->eval_cpu_s += bti_cpu_seconds() - cpu;
    t->evals_now++;
}

/* Moves on to the next epoch and keeps this one's numbers. */
static void close_epoch(training *t, bti_epoch *e)
{
    bti_json *row = bti_json_object();

    t->at.loss = e->loss;
    bti_json_set_int(row, "epoch", e->epoch);
    bti_json_set_num(row, "loss", e->loss);
    bti_json_set(row, "val_accuracy",
                 e->val_accuracy < 0 ? bti_json_null() : bti_json_num(e->val_accuracy));
    bti_json_set_num(row, "images_per_s", e->images_per_s);
    bti_json_append(t->at.curve, row);
    t->at.epoch++;
    t->at.step = 0;
    t->at.loss_sum = 0;
}

static bt_status run_epoch(training *t, bt_error *err)
{
    double before_s = t->out->train_s;
    int64_t before = t->out->images;

    bti_epoch_order_draw(&t->samples, t->job->seed, (uint32_t)t->at.epoch);
    bt_status rc = run_steps(t, err);
    if (rc || t->time_is_up)
        return rc;
    bool due = eval_due(t, t->at.epoch);
    if (due && bti_stopped(&t->job->stop)) /* going on from here validates first */
        return stopped(t, err);
    if (due)
        validate(t);
    bti_epoch e = {.epoch = t->at.epoch + 1,
                   .loss = t->at.loss_sum / (double)t->steps,
                   .val_accuracy = due ? t->at.val_accuracy : -1,
                   .val_f1_macro = t->at.val_f1_macro,
                   .val_balanced_accuracy = t->at.val_balanced_accuracy,
                   .images_per_s =
                       (double)(t->out->images - before) / fmax(t->out->train_s - before_s, 1e-9)};
    report(t, e.images_per_s, seconds_left(t, 0, due));
    close_epoch(t, &e);
    if (t->job->on_epoch && t->job->on_epoch(t->job->user, &e) &&
        t->at.epoch < t->job->recipe.epochs)
        return stopped(t, err);
    return BT_OK;
}

/* ---- the whole training ---- */

static bt_status save(training *t, bt_error *err)
{
    if (!t->job->checkpoint)
        return BT_OK;
    t->saved_s = bt_now();
    return bti_checkpoint_save(t->job->checkpoint, t->job, &t->stepper, &t->at, err);
}

static bt_status start(training *t, bt_error *err)
{
    const bti_job *job = t->job;
    const bt_recipe *r = &job->recipe;

    t->at = (bti_position){.val_accuracy = -1, .curve = bti_json_array()};
    bt_status rc =
        t->at.curve ? bti_schedule_parse(&t->schedule, r->schedule, err) : bti_fail_nomem(err);
    if (!rc)
        rc = bti_stepper_init(&t->stepper, job, err);
    if (!rc && job->val && job->val->n)
        rc = bti_evaluator_init(&t->evaluator, job->graph, job->val, NULL, job->mean, job->std,
                                job->threads, job->precision, err);
    if (rc)
        return rc;
    rc = bti_epoch_order_init(&t->samples, job, err);
    if (rc)
        return rc;
    t->steps = t->samples.n / t->stepper.batch; /* the last partial batch is dropped */
    t->warmup = (int64_t)(r->warmup * (double)t->steps + 0.5);
    bti_init_weights(job->graph, job->seed, t->stepper.plain);
    bti_stepper_set_weights(&t->stepper, t->stepper.plain);
    if (job->resume && job->checkpoint && bti_is_file(job->checkpoint))
        rc = bti_checkpoint_load(job->checkpoint, job, &t->stepper, &t->at, err);
    t->saved_s = t->shown_s = t->began_s = bt_now();
    return rc;
}

/* Moves the result into the outcome; BT_DIVERGED if the very last update broke a weight. */
static bt_status finish(training *t, bt_status rc, bt_error *err)
{
    bti_outcome *o = t->out;
    int64_t n = t->job->graph->n_floats;

    o->epochs_done = t->at.epoch;
    o->loss = t->at.epoch ? t->at.loss : t->at.step ? t->at.loss_sum / (double)t->at.step : 0;
    o->val_accuracy = t->at.val_accuracy;
    o->val_f1_macro = t->at.val_f1_macro;
    o->val_balanced_accuracy = t->at.val_balanced_accuracy;
    o->images_per_s = o->train_s > 0 ? (double)o->images / o->train_s : 0;
    o->prior_s = t->at.train_s - o->train_s;
    o->curve = t->at.curve;
    t->at.curve = NULL;
    if (rc && rc != BT_STOPPED)
        return rc;
    o->weights = bti_array((size_t)n, sizeof(float));
    if (!o->weights)
        return bti_fail_nomem(err);
    read_weights(t, o->weights);
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(o->weights[i]))
            return bti_fail(err, BT_DIVERGED, NULL, "a weight became non-finite in epoch %d",
                            t->at.epoch + (t->at.step > 0));
    }
    return rc;
}

static void drop_weights(bti_outcome *o)
{
    bti_free(o->weights);
    o->weights = NULL;
}

bt_status bti_train_job(bti_outcome *out, const bti_job *job, bt_error *err)
{
    training t = {.job = job, .out = out};
    bt_status rc;

    *out = (bti_outcome){.val_accuracy = -1};
    rc = start(&t, err);
    if (rc)
        goto done;
    while (!rc && !t.time_is_up && t.at.epoch < job->recipe.epochs) {
        bt_error save_error = {0};
        rc = run_epoch(&t, err);
        bool due = bt_now() - t.saved_s >= job->checkpoint_s && t.at.epoch < job->recipe.epochs;
        bool must = rc == BT_STOPPED || (!rc && due);
        bt_status saved = must ? save(&t, &save_error) : BT_OK;
        if (saved) { /* more urgent than having been stopped: the work would be lost */
            rc = saved;
            if (err)
                *err = save_error;
        }
    }
    rc = finish(&t, rc, err);
done:
    if (rc && rc != BT_STOPPED)
        drop_weights(out);
    bti_json_free(t.at.curve);
    bti_evaluator_release(&t.evaluator);
    bti_stepper_release(&t.stepper);
    bti_epoch_order_release(&t.samples);
    return rc;
}
