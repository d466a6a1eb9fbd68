/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run leaves for people: front.csv, front.svg, summary.md, links to the smallest, best-value
 * and best model; and the same facts as JSON.
 */
#ifndef BTI_OUTCOME_H
#define BTI_OUTCOME_H

#include "search/final.h"
#include "search/setup.h"

typedef struct bti_account {
    double budget_s;           /* 0: none */
    double wall_s;             /* of this session */
    double active_s;           /* of the study */
    double cpu_s;              /* of all processes of this session */
    double train_cpu_before_s; /* bti_outcome_train_cpu() at its start */
    double search_s, final_s;
    bool stopped; /* by a signal */
} bti_account;

/* CPU seconds in training steps on record: of all trials, and of the final training of `round`. */
double bti_outcome_train_cpu(const bti_trials *trials, int round);

/* Writes the files; *json (may be NULL) receives the summary, yours. s->trials must be fresh.
 * Model directories that are no picks of this plan are removed, and final records that name them
 * become null; the record of a pick that is on the front no more becomes one "behind" it. */
bt_status bti_outcome_write(bti_session *s, const bti_plan *plan, const bti_account *a, char **json,
                            bt_error *err);

#endif
