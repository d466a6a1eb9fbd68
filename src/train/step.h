/* SPDX-License-Identifier: Apache-2.0
 *
 * One training step, the same for training and for its benchmark: assemble the batch, forward,
 * loss, backward, update.
 */
#ifndef BTI_STEP_H
#define BTI_STEP_H

#include "augment/augment.h"
#include "train/feeder.h"
#include "train/optimizer.h"
#include "train/trainer.h"

typedef struct bti_stepper {
    bti_net *net;
    bti_optimizer optimizer;
    bti_policy *policy;
    bti_feed source;  /* the training view, the extra view (or NULL) */
    bti_parts parts;  /* of the team of job.threads */
    bti_parts *ahead; /* n_ahead: of the threads that work ahead */
    int n_ahead;
    bti_feeder *feeder; /* NULL: n_ahead is 0 */
    int batch, classes;
    int64_t n_floats; /* graph->n_floats */
    double smoothing;
    float *class_weight; /* classes; NULL: all alike */
    float *logit_offset; /* classes: added to the logits in the loss; NULL: nothing */
    float *adjusted;     /* (batch,classes): logits with it */
    double ema_decay;    /* 0: no moving average */
    float *ema;          /* graph->n_floats, plain, running statistics included; or NULL */
    int32_t *labels;     /* batch */
    bti_order order;     /* of a batch that the team makes */
    float *plain;        /* graph->n_floats: scratch of whoever needs plain weights between steps */
} bti_stepper;

/* Everything that can fail happens here. batch = min(recipe.batch, images). Weights are zero: set
 * them. */
bt_status bti_stepper_init(bti_stepper *s, const bti_job *job, bt_error *err);
void bti_stepper_release(bti_stepper *s);

/* The next n_steps steps will be on these samples, `batch` each: they are made ahead, if job->ahead
 * says so. Borrowed until the last of them was trained on, or until release. */
void bti_stepper_announce(bti_stepper *s, uint32_t epoch, const int32_t *sample, int64_t n_steps);
/* From now on, of whatever the policy has, flip and crop only; or all of it again. */
void bti_stepper_set_standard(bti_stepper *s, bool standard);

/* Trains on `batch` samples: numbers below view[0]->n are positions in the first view, the others
 * in the second. copy: how often each came before in this epoch; NULL: never. Returns the mean
 * loss; non-finite: no update was made. */
double bti_stepper_run(bti_stepper *s, uint32_t epoch, const int32_t *sample, const int32_t *copy,
                       double lr);

/* The weights that a user gets: the moving average, or else the net's. Plain layout. */
void bti_stepper_get_weights(bti_stepper *s, float *plain);
/* Weights to begin with; the average begins there too. */
void bti_stepper_set_weights(bti_stepper *s, const float *plain);

/* State number i of the optimiser in plain layout (graph->n_floats; the places of running
 * statistics mean nothing), there and back. The parameters pass through the scratch and come back
 * unchanged. */
void bti_stepper_get_state(bti_stepper *s, int i, float *plain);
void bti_stepper_set_state(bti_stepper *s, int i, const float *plain);

#endif
