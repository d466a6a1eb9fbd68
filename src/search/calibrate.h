/* SPDX-License-Identifier: Apache-2.0
 *
 * How large a trial may be: the speed of a median network is measured on the user's images, then
 * the number of images and epochs of a trial follow from the budget.
 */
#ifndef BTI_CALIBRATE_H
#define BTI_CALIBRATE_H

#include "data/dataset.h"
#include "search/run.h"

#define BTI_TRIALS_WANTED 40 /* median trials that a budget should hold */

typedef struct bti_fidelity {
    int epochs;
    int64_t images; /* of the training split a trial trains on */
    int64_t val_images;
    double images_per_s; /* measured: one worker, the median network */
    double median_macs;
} bti_fidelity;

/* seconds: of wall clock that the search phase will have. Fixed settings (run->epochs > 0,
 * run->subset not NULL) stay as they are. At least 2 epochs, at most BTI_FINAL_EPOCHS; images: all
 * for a generous budget, 1,000 at least. */
bt_status bti_calibrate(bti_fidelity *out, const bti_run *run, const bti_space *space,
                        const bti_data *data, double seconds, bt_error *err);

#endif
