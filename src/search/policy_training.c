/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies by training (Cubuk et al., "AutoAugment", CVPR 2019): each policy trains a network of
 * its own for a few epochs; the accuracy on a fold that none of them trains on is what the sampler
 * learns from. Initial weights and order of the images are those of one seed for all.
 */
#include "search/policy_search.h"

#include "base/alloc.h"
#include "base/error.h"
#include "search/calibrate.h"

#include <math.h>

#define MEASURE_S 1.5
#define MEASURE_SHARE 0.05 /* of the budget at most */
#define TRIALS_WANTED 40   /* that a budget should hold, as in a search of networks */
#define SPEED 0.85         /* of the measured one: set-up, validation */

static bt_status child(bti_policy_search *s, const char *policy, int epochs, double *accuracy,
                       bt_error *err)
{
    bti_job job;
    bti_outcome outcome = {0};
    bt_status rc = bti_policy_job(&job, &s->lab, policy, s->lab.opt->seed, err);

    if (rc)
        return rc;
    job.recipe.epochs = epochs;
    job.train = &s->part[0].rest;
    job.val = &s->part[0].held;
    job.stop = bti_policy_stop(s);
    rc = bti_train_job(&outcome, &job, err);
    *accuracy = outcome.val_accuracy;
    bti_outcome_release(&outcome);
    return rc;
}

/* Epochs of a child: given, as an earlier session chose, or so that enough of them fit. */
static bt_status choose_epochs(bti_policy_search *s, int *epochs, bt_error *err)
{
    const bt_policy_options *o = s->lab.opt;
    double rate = 0, n = (double)s->part[0].rest.n;
    bti_job job;

    *epochs = (int)bti_json_as_int(bti_json_get(s->measured, "epochs"), o->child_epochs);
    if (*epochs > 0)
        return BT_OK;
    *epochs = o->recipe.epochs;
    if (s->deadline_s <= 0)
        return BT_OK;
    bt_status rc = bti_policy_job(&job, &s->lab, s->plain, o->seed, err);
    if (rc)
        return rc;
    job.train = &s->part[0].rest;
    job.recipe.epochs = 1000; /* the deadline ends it */
    job.stop.flag = o->stop.flag;
    double seconds = fmin(MEASURE_S, MEASURE_SHARE * (s->deadline_s - s->began_s));
    rc = bti_time_training(&rate, &job, seconds, err);
    double fit = (s->deadline_s - bt_now()) * SPEED * rate / (TRIALS_WANTED * n);
    *epochs = (int)fmin(fmax(floor(fit), 1), o->recipe.epochs);
    return rc;
}

static bt_status prepare(bti_policy_search *s, bt_error *err)
{
    const bt_policy_options *o = s->lab.opt;
    bti_policy_part *p = &s->part[0];
    int epochs;

    s->n_parts = 1;
    bt_status rc = bti_view_fold(&s->lab.train, 0, o->folds, o->seed, &p->rest, &p->held, err);
    if (!rc)
        rc = choose_epochs(s, &epochs, err);
    if (rc)
        return rc;
    if (bti_json_get(s->measured, "plain"))
        return BT_OK;
    double began = bt_now();
    rc = child(s, s->plain, epochs, &s->plain_score[0], err);
    if (rc)
        return rc;
    s->longest_s = bt_now() - began;
    bti_note(&o->progress,
             "a policy trains %d epochs on %lld images (%.1f s); without one: accuracy %.2f%% on "
             "%lld others",
             epochs, (long long)p->rest.n, s->longest_s, 100 * s->plain_score[0],
             (long long)p->held.n);
    bti_json *list = bti_json_array();
    bti_json_append(list, bti_json_num(s->plain_score[0]));
    bti_json_set_int(s->measured, "epochs", epochs);
    bti_json_set(s->measured, "plain", list);
    return bti_policy_save(s, err);
}

static bt_status score(bti_policy_search *s, int part, const char *policy, double *value,
                       bt_error *err)
{
    int epochs = (int)bti_json_as_int(bti_json_get(s->measured, "epochs"), 1);
    (void)part;
    return child(s, policy, epochs, value, err);
}

static void release(bti_policy_search *s)
{
    bti_view_release(&s->part[0].rest);
    bti_view_release(&s->part[0].held);
}

const bti_policy_way bti_policy_training = {.name = "training",
                                            .metric = "accuracy",
                                            .maximize = true,
                                            .policies_a_fold = 5,
                                            .policies_most = 5,
                                            .prepare = prepare,
                                            .score = score,
                                            .release = release};
