/* SPDX-License-Identifier: Apache-2.0
 *
 * A search as a stream of JSON objects for programs (docs/format/events.md): start, trial, front,
 * phase, final, end. They leave as BT_EVENT_RECORD; what they say is read from the study.
 */
#ifndef BTI_EVENTS_H
#define BTI_EVENTS_H

#include "search/final.h"
#include "search/setup.h"

/* What has been told. Zeroed: nothing yet. */
typedef struct bti_events {
    const bt_progress *progress; /* borrowed; a NULL receiver: nothing is built */
    bool *told;                  /* of trials, by place in the list */
    int n_told;
    int *front; /* numbers of the trials on the front when it was last told */
    int n_front;
    bool final_told[BTI_PICKS_MAX];
    int final_round;
} bti_events;

/* "start"; trials that have ended before are not told again. */
void bti_events_start(bti_events *e, const bti_session *s, double budget_s,
                      const bt_progress *progress);
void bti_events_phase(bti_events *e, const char *phase, double left_s); /* left_s < 0: no limit */
/* "trial" for each that has ended since, then "front" if it is another one. */
void bti_events_trials(bti_events *e, const bti_trials *t);
/* "final" for each pick whose model is on disk. */
void bti_events_final(bti_events *e, const bti_trials *t, const bti_plan *plan);
/* "end"; why (may be NULL) says what rc is about. */
void bti_events_end(bti_events *e, const bti_trials *t, double wall_s, bool stopped, bt_status rc,
                    const bt_error *why);
void bti_events_release(bti_events *e);

#endif
