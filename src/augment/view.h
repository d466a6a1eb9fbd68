/* SPDX-License-Identifier: Apache-2.0
 *
 * An opened bt_augment_view: data set, split, policy and pipeline, for replay and preview.
 */
#ifndef BTI_VIEW_H
#define BTI_VIEW_H

#include "augment/augment.h"

typedef struct bti_augment_view {
    bti_data *data;
    bti_view train, val;
    bti_policy *policy;
    bti_pipeline *pipeline;
} bti_augment_view;

bt_status bti_augment_view_open(bti_augment_view *v, const bt_augment_view *opt, bt_error *err);
void bti_augment_view_close(bti_augment_view *v);

/* Copy `copy` of image `id` of the pipeline's set in `epoch` as a PNG. BT_INVAL when one of them
 * does not exist. */
bt_status bti_pipeline_write(bti_pipeline *p, const bti_dataset *set, int64_t id, int epoch,
                             int copy, const char *out_png, bt_error *err);

#endif
