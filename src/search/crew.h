/* SPDX-License-Identifier: Apache-2.0
 *
 * The supervisor's worker processes: started, watched, started again when they die.
 */
#ifndef BTI_CREW_H
#define BTI_CREW_H

#include "base/process.h"
#include "study/study.h"

typedef struct bti_post {
    bti_child child;
    char id[48]; /* post, how often it was filled, time: a dead worker's id is never used again */
    double started_s;
    int64_t log_at; /* size of its log when it started */
    int starts;
} bti_post;

typedef struct bti_crew {
    const char *dir; /* borrowed */
    int jobs, threads;
    bti_post *post;
    int failures; /* workers that ended with an error or within seconds, since a trial was finished
                   */
    int finished; /* trials when that was last looked at */
} bti_crew;

bt_status bti_crew_start(bti_crew *c, const char *dir, int jobs, int threads, bt_error *err);
/* Starts dead workers again; what they held in `study` (`trials` are its newest records) may be
 * taken over at once, as a lost attempt. BT_IO with the log's last line when workers keep dying at
 * once or with an error. */
bt_status bti_crew_watch(bti_crew *c, bti_storage *study, const bti_trials *trials,
                         const bt_progress *progress, bt_error *err);
/* SIGTERM to all, waits up to `seconds`, then SIGKILL; waits for the last. */
void bti_crew_stop(bti_crew *c, double seconds);
void bti_crew_release(bti_crew *c);

#endif
