/* SPDX-License-Identifier: Apache-2.0
 *
 * The supervisor's worker processes: started, watched, started again when they die.
 */
#ifndef BTI_CREW_H
#define BTI_CREW_H

#include "base/process.h"
#include "study/study.h"

#define BTI_JOBS_MAX 256

typedef struct bti_post {
    bti_child child;
    char id[48]; /* "w3.2": post and how often it was filled; a dead worker's id is never used again
                  */
    double started_s;
    int starts;
    int quick_deaths; /* in a row: ended within two seconds of the start */
} bti_post;

typedef struct bti_crew {
    const char *dir; /* borrowed */
    int jobs, threads;
    bti_post *post;
    char why[256]; /* last line of a log when workers keep failing */
} bti_crew;

bt_status bti_crew_start(bti_crew *c, const char *dir, int jobs, int threads, bt_error *err);
/* Starts dead workers again and gives their trials back (lease ended now). BT_IO with the log's
 * last line when workers keep dying at once. `study` and `trials` serve to find a dead worker's
 * trials. */
bt_status bti_crew_watch(bti_crew *c, bti_storage *study, const bti_trials *trials,
                         const bt_progress *progress, bt_error *err);
int bti_crew_alive(bti_crew *c);
/* SIGTERM to all, waits up to `seconds`, then SIGKILL; waits for the last. */
void bti_crew_stop(bti_crew *c, double seconds);
void bti_crew_release(bti_crew *c);

#endif
