/* SPDX-License-Identifier: Apache-2.0
 *
 * A training in the middle, as a .safetensors file: weights and running statistics by name,
 * optimiser state as "<state>.<name>" (state "momentum" = 0), averaged weights as "ema.<name>", the
 * rest as JSON in the metadata key "bantam". Because batches and augmentations are addressed,
 * (epoch, step) is all the randomness there is to keep.
 */
#ifndef BTI_CHECKPOINT_H
#define BTI_CHECKPOINT_H

#include "train/step.h"

/* Where a training stands: `step` steps of `epoch` (from 0) are done. */
typedef struct bti_position {
    int epoch;
    int64_t step;
    double loss_sum;           /* of the steps of this epoch */
    int64_t images;            /* trained on so far, all epochs */
    double train_s;            /* wall seconds in steps so far */
    double loss, val_accuracy; /* newest of a whole epoch; accuracy negative: none yet */
    double val_f1_macro, val_balanced_accuracy;
    bti_json *curve; /* one object an epoch; owned */
} bti_position;

bt_status bti_checkpoint_save(const char *path, const bti_job *job, bti_stepper *s,
                              const bti_position *at, bt_error *err);
/* Fills net, optimiser and *at. BT_INVAL if it belongs to another training (which part differs is
 * said), BT_FORMAT if the file is damaged; then nothing was changed that matters: do not go on. */
bt_status bti_checkpoint_load(const char *path, const bti_job *job, bti_stepper *s,
                              bti_position *at, bt_error *err);

#endif
