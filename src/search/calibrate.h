/* SPDX-License-Identifier: Apache-2.0
 *
 * How large a trial may be: the speed of a median network is measured on the user's images, then
 * the number of images and epochs of a trial follow from the budget.
 */
#ifndef BTI_CALIBRATE_H
#define BTI_CALIBRATE_H

#include "data/dataset.h"
#include "search/run.h"
#include "study/sampler.h"
#include "train/trainer.h"

#define BTI_TRIALS_WANTED 40 /* median trials that a budget should hold ... */
#define BTI_TRIALS_LEAST 16  /* ... but in the shortest ones, where each must learn something */

/* What is known before the size of a trial is chosen. */
typedef struct bti_room {
    double affordable;     /* images that a median trial may train on, counted once per epoch */
    int64_t train, folder; /* images of the training split, of a validation folder (0: none) */
    int64_t images;        /* of a trial, if the options say so; else 0 */
    int epochs;            /* the same */
    int batch;             /* images a step; 0: unknown */
} bti_room;

typedef struct bti_fidelity {
    int epochs;
    int64_t images;     /* of the training split that a trial trains on */
    int64_t val_images; /* that it is validated on */
} bti_fidelity;

/* At least 2 epochs of 1,000 images; first more images up to 10,000, then more epochs up to 60 (a
 * small set: up to 1,000 steps), then images again up to all that validation leaves. */
bti_fidelity bti_fidelity_choose(const bti_room *room);

/* The feasible draw with the median MACs. BT_EMPTY: the space has no network within its limits. */
bt_status bti_median_point(const bti_run *run, const bti_space *space, bti_answer *out,
                           bt_error *err);

/* Images a second of a training: of `seconds`, longer until there was a step. Sets job->stop's
 * deadline. */
bt_status bti_time_training(double *images_per_s, bti_job *job, double seconds, bt_error *err);
/* Images a second that one worker trains of this network, measured for about a second. */
bt_status bti_measure_speed(double *images_per_s, const bti_run *run, const bti_space *space,
                            const bti_data *data, const bti_point *point, bt_error *err);

/* Multiply-accumulates of the forward pass that one worker trains a second, measured with a small
 * network on noise for about half a second: before the images are decoded. */
bt_status bti_measure_machine(double *macs_per_s, const bti_run *run, bt_error *err);

/* Images that a median trial may train on when the search has `seconds` of wall clock. */
double bti_affordable_images(double images_per_s, int jobs, double seconds);

/* How a trial's means are best spent. */
typedef struct bti_means {
    double images; /* it trains on, counted once per epoch */
    double macs;   /* of its network, an image */
} bti_means;
/* total: multiply-accumulates (forward) that a trial may train. Network and training grow alike
 * (Hoffmann et al., arXiv:2203.15556), until the training images have been seen 60 times (few of
 * them: until a trial has 1,000 small steps). */
bti_means bti_means_share(double total, int64_t train);

/* Epochs beyond which a training of n images is not worth more: 60, or those of
 * 1,000 steps. */
int bti_epochs_most(int64_t n, int batch);

#endif
