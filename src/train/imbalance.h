/* SPDX-License-Identifier: Apache-2.0
 *
 * What training does about classes of unequal size: which images an epoch draws (`sampling`), how
 * much a class counts in the loss (`class_weights`), and by how much its logit is moved
 * (`logit_adjustment`). The last two count what an epoch draws, not what there is, so that all
 * three together correct once.
 */
#ifndef BTI_IMBALANCE_H
#define BTI_IMBALANCE_H

#include "train/trainer.h"

/* BT_INVAL says what was expected. */
bt_status bti_sampling_check(const char *text, bt_error *err);
bt_status bti_class_weights_check(const char *text, bt_error *err);

/* Images of each class in the job's training views: images (classes). Returns their sum. */
int64_t bti_class_images(int64_t *images, const bti_job *job);

/* Draws of each class in an epoch, as many in all as there are images:
 * shuffle: each image once; balanced: as many of each class; sqrt: by the square root of its images
 * (Mahajan et al., ECCV 2018; all three in Kang et al., "Decoupling representation and classifier",
 * ICLR 2020); oversample:ratio=R: by its images, or R times those of the largest class, whichever
 * is more. A class without images has none. */
void bti_class_draws(int64_t *draws, const int64_t *images, int classes, const char *sampling);

/* none: all 1. balanced: all / (classes present * images), as scikit-learn. effective:beta=B:
 * (1 - B) / (1 - B^images), scaled to a mean of 1 over the classes present (Cui et al.,
 * "Class-balanced loss based on effective number of samples", CVPR 2019). An absent class has 0. */
void bti_class_weights(float *weight, const int64_t *images, int classes, const char *how);

/* tau * log of each class's share (Menon et al., "Long-tail learning via logit adjustment", ICLR
 * 2021), added to the logits in the training loss only. An absent class counts as one image. */
void bti_logit_offsets(float *offset, const int64_t *images, int classes, double tau);

/* ---- the order of an epoch ---- */
typedef struct bti_epoch_order {
    int64_t n;      /* draws an epoch */
    int32_t *order; /* n: positions in the first view, then in the extra one */
    int32_t *copy;  /* n: how often the same image came before in this epoch; NULL: never */
    /* The rest is the order's own. */
    bool drawn; /* not simply every image once */
    int classes;
    int64_t *images, *draws; /* classes */
    int32_t *by_class;       /* n: positions, class by class */
    int32_t *scratch;        /* n */
} bti_epoch_order;

bt_status bti_epoch_order_init(bti_epoch_order *o, const bti_job *job, bt_error *err);
void bti_epoch_order_release(bti_epoch_order *o);
/* Fills order and copy: a pure function of seed and epoch. */
void bti_epoch_order_draw(bti_epoch_order *o, uint64_t seed, uint32_t epoch);

#endif
