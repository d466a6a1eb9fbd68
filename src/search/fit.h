/* SPDX-License-Identifier: Apache-2.0
 *
 * What a new search chooses by itself from the images and the budget: the resolution before the
 * images are decoded, the space after.
 */
#ifndef BTI_FIT_H
#define BTI_FIT_H

#include "search/calibrate.h"

/* Of the machine and the budget. */
typedef struct bti_fit {
    double trial_macs; /* multiply-accumulates (forward) that a trial may train; 0: not measured */
} bti_fit;

/* Measures the machine and chooses the side of the images. run: jobs and threads are read, size and
 * size_why are set. seconds: of the search phase; 0 or less: no budget was given. */
bt_status bti_fit_size(bti_fit *fit, bti_run *run, const bt_search_options *opt, double seconds,
                       bt_error *err);

/* Writes the space `auto` for the decoded images into run->space_text, with one line that says what
 * it is and one for very unequal classes. */
bt_status bti_fit_space(bti_run *run, const bti_fit *fit, const bti_data *d,
                        const bt_progress *progress, bt_error *err);

/* Images of the largest class of train for each of the smallest. */
bt_status bti_class_ratio(double *ratio, const bti_dataset *set, bt_error *err);

#endif
