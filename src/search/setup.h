/* SPDX-License-Identifier: Apache-2.0
 *
 * Before the first trial: a new study from the options, or an existing one to go on with.
 */
#ifndef BTI_SETUP_H
#define BTI_SETUP_H

#include "search/fit.h"

typedef struct bti_session {
    const char *dir; /* borrowed from the options */
    int lock_fd;     /* of work/lock: one supervisor a run directory */
    bti_run run;
    bti_fit fit; /* of a new study whose space is auto */
    bti_storage *study;
    int64_t n_train, n_val; /* images of the training split, of a validation folder (0: none) */
    int64_t n_test;         /* 0: the data has no test split */
    double decode_s;        /* wall seconds until the images were ready */
    bool resumed;
    double active_before_s; /* from earlier sessions of this study */
    bti_trials trials;      /* as they are now */
} bti_session;

/* search_share: part of the budget that the search phase may use, for the size of a trial. */
bt_status bti_session_open(bti_session *s, const bt_search_options *opt, double search_share,
                           bt_error *err);
void bti_session_close(bti_session *s);

#endif
