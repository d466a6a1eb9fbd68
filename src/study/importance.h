/* SPDX-License-Identifier: Apache-2.0
 *
 * Which parameters matter: the share of an objective's variance over the space that one parameter
 * explains alone.
 */
#ifndef BTI_IMPORTANCE_H
#define BTI_IMPORTANCE_H

#include "study/study.h"

#define BTI_IMPORTANCE_LEAST 10 /* finished trials */

typedef struct bti_importance {
    int slot;         /* bti_space_slot_name */
    double share;     /* 0..1 of the variance */
    bti_value best;   /* the value with the best mean, of those that good trials took */
    double best_mean; /* the objective there, averaged over everything else */
} bti_importance;

/* Functional ANOVA, main effects (Hutter, Hoos, Leyton-Brown, "An efficient approach for assessing
 * hyperparameter importance", ICML 2014), on a regression forest over the finished trials. The
 * average over all else is taken over draws of the space itself, so that conditional parameters
 * count as often as they are active; whether they are is the effect of what they hang on.
 * objective: an index of goals, or -1: the rank of non-domination, i.e. what decides who is on the
 * front. Costs are taken in logarithms. Sorted by share; *n entries, yours (bti_free). BT_EMPTY:
 * fewer than BTI_IMPORTANCE_LEAST finished trials. */
bt_status bti_importance_of(const bti_space *space, const bti_trials *trials, int objective,
                            uint64_t seed, bti_importance **out, int *n, bt_error *err);

#endif
