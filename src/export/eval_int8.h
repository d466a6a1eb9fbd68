/* SPDX-License-Identifier: Apache-2.0
 *
 * The accuracy of a network in int8 on images that are already open: as its export would have it.
 */
#ifndef BTI_EVAL_INT8_H
#define BTI_EVAL_INT8_H

#include "data/dataset.h"
#include "train/trainer.h"

#define BTI_CALIBRATION_IMAGES 500 /* what bt_quant_options takes without a number */

/* A trained network, and the images that its ranges come from; pointers are borrowed. */
typedef struct bti_int8_subject {
    const bti_graph *graph;
    const float *weights;
    float mean[3], std[3];
    const bti_view *calibration; /* images are taken evenly over it ... */
    int images;                  /* ... at most so many */
    int threads;
} bti_int8_subject;

/* Quantises as bt_export_c() with calibration "auto" and the same images, and evaluates with the
 * exported kernels: bt_eval_int8() counts the same. *eval_s (may be NULL): wall seconds of the
 * evaluation alone. BT_NOSUPP: the row that int8 cannot do; BT_DIVERGED: weights that are not
 * finite. */
bt_status bti_int8_score(bti_score *out, const bti_int8_subject *s, const bti_view *view,
                         double *eval_s, bt_error *err);

#endif
