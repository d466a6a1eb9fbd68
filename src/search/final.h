/* SPDX-License-Identifier: Apache-2.0
 *
 * The last part of a budget: the front's models are trained again on train + validation, then the
 * test split is read once for each and the reading is logged in the study.
 *
 * The supervisor writes a plan (which trials, how much time each); training goes by the clock, its
 * learning rate ends with its time; workers claim its jobs in
 * work/final.db, a study of the same schema, so that leases, fencing and recovery are those of
 * trials. A pick that does not fit or diverges keeps its search-time weights and says so.
 */
#ifndef BTI_FINAL_H
#define BTI_FINAL_H

#include "search/lab.h"

#define BTI_PICKS_MAX 8
#define BTI_PICKS_LEAST 5  /* fewer make no front */
#define BTI_FRONT_LEAST 3  /* a smaller one is filled up: there must be something to choose from */
#define BTI_FINAL_PASSES 6 /* over the data, worth more than a further pick */
/* The brief's setting; more buys nothing a budget should be kept for */
#define BTI_FINAL_EPOCHS_MAX 200
#define BTI_FINAL_IMAGES_LEAST 32000 /* of a tiny set, whose 200 epochs are few steps */

typedef struct bti_pick {
    int trial;          /* number in the study */
    char name[48];      /* "m017-21k": trial number and parameters */
    double s_per_image; /* wall seconds a training image of one worker, as the trial measured */
    double eval_s_per_image; /* the same of an evaluated image */
    double share; /* of the time that is left when it starts; the rest is for picks after it */
    bool behind;  /* the front: it fills it up */
} bti_pick;

typedef struct bti_plan {
    int round; /* of the control record */
    int n;
    bti_pick pick[BTI_PICKS_MAX]; /* most costly first: longest jobs are claimed first */
} bti_plan;

/* Epochs that a final training on n_all images has at most. */
int bti_final_epochs(int64_t n_all);

/* Images that reading a test split of n costs: int8 is calibrated first. */
int64_t bti_final_readings(const bti_run *run, int64_t n);

/* Chooses picks from the front: all of it up to `most` (at most BTI_PICKS_MAX), else spread evenly:
 * with two objectives in the logarithm of the cost, ends included; with three the best of each and
 * then the farthest from those chosen. Keeps plan->round. */
void bti_plan_choose(bti_plan *plan, const bti_trials *trials, int most);
/* A plan of fewer than BTI_FRONT_LEAST picks gets more of the fronts behind it, of other sizes
 * first: on a small validation set one small network may beat all others by luck. */
void bti_plan_fill(bti_plan *plan, const bti_trials *trials);
/* Divides `seconds` of `workers` workers: as far as the jobs can be spread, each pick trains on the
 * same number of images (longest first, Graham 1969), and a worker that would be done early gives
 * its picks more. At most bti_final_epochs() each. Sets pick[].share; returns the
 * images that each pick trains on at least. */
double bti_plan_fit(bti_plan *plan, double seconds, int workers, int64_t n_all, int64_t n_test);
/* All three: BTI_PICKS_MAX picks, but where the time is short so few, BTI_PICKS_LEAST at the least,
 * that each trains BTI_FINAL_PASSES times over the data. */
void bti_plan_make(bti_plan *plan, const bti_trials *trials, double seconds, int workers,
                   int64_t n_all, int64_t n_test);
/* Seconds that the plan needs at the epoch limit: a reserve never needs to be larger. */
double bti_plan_most_seconds(const bti_plan *plan, int workers, int64_t n_all, int64_t n_test);

/* Study attribute "bantam:final". */
bt_status bti_plan_save(const bti_plan *plan, bti_storage *st, bt_error *err);
bt_status bti_plan_load(bti_plan *plan, bti_storage *st, bt_error *err);

/* Opens work/final.db, creating it. */
bt_status bti_final_open(bti_storage **out, const char *dir, bt_error *err);

/* Claims one job of the plan and does it. *worked false when none is left to claim. A job that
 * cannot be done ends as FAIL with its reason. */
bt_status bti_final_next(bti_lab *lab, bti_storage *final, const bti_plan *plan, double deadline_s,
                         const bt_stop *outer, bool *worked, bt_error *err);

/* Gives each pick that has no final record of this round its search-time weights, reads test as far
 * as that ends before test_until_s (bt_now), and records it with `note`. A pick whose weights are
 * lost is left out with a warning; an error only if no model is left. */
bt_status bti_final_keep_rest(const char *dir, const bti_plan *plan, const char *note,
                              double test_until_s, const bt_progress *progress, bt_error *err);

/* The final record of a trial if it belongs to this round, else NULL (borrowed). */
const bti_json *bti_final_record(const bti_trial *t, int round);

#endif
