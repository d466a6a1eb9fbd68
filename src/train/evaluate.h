/* SPDX-License-Identifier: Apache-2.0
 *
 * A net for inference, kept over many evaluations of one training.
 */
#ifndef BTI_EVALUATE_H
#define BTI_EVALUATE_H

#include "augment/augment.h"
#include "nn/net.h"
#include "train/trainer.h"

typedef struct bti_evaluator {
    bti_net *net;
    bti_pipeline *pipeline;
    const bti_view *view; /* borrowed */
    int batch, classes;
    int32_t *labels;    /* batch */
    int64_t *confusion; /* (classes, classes): [truth][prediction] */
    int32_t *guess;     /* view->n predictions to fill, borrowed; or NULL */
    int64_t top5;       /* samples whose true class is among the five likeliest */
} bti_evaluator;

/* policy: applied to every image (borrowed for the evaluator's life); NULL: images as they are. */
bt_status bti_evaluator_init(bti_evaluator *e, const bti_graph *g, const bti_view *view,
                             const bti_policy *policy, const float mean[3], const float std[3],
                             int threads, bt_error *err);
void bti_evaluator_release(bti_evaluator *e);
/* Predicts every sample of the view and fills the confusion matrix and top5; returns the share that
 * is right. */
double bti_evaluator_run(bti_evaluator *e, const float *weights);
/* Of the confusion matrix that run left: macro F1 over all classes (one without examples and
 * predictions scores 0), and the mean recall of the classes that have examples (balanced accuracy).
 */
void bti_evaluator_macro(const bti_evaluator *e, double *f1, double *recall);

/* A trained network and how its images are normalised; pointers are borrowed. */
typedef struct bti_subject {
    const bti_graph *graph;
    const float *weights;
    float mean[3], std[3];
    int threads;
    const bti_predictor *by; /* NULL: nn/; not with a policy */
} bti_subject;

/* bti_evaluate on a view whose images `policy` changes first (NULL: as they are). What it draws is
 * that of seed 0 and epoch 0: the same at every call. */
bt_status bti_evaluate_under(bti_score *out, const bti_subject *subject, const bti_view *view,
                             const bti_policy *policy, bt_error *err);

#endif
