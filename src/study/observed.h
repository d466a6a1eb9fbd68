/* SPDX-License-Identifier: Apache-2.0
 *
 * What samplers look at: the finished trials of a study, best first.
 */
#ifndef BTI_OBSERVED_H
#define BTI_OBSERVED_H

#include "study/sampler.h"

/* Finished trials with all values (those that were stopped early with what they had reached),
 * sorted by rank (0: the front), then crowding (wide first), then number; those outside a
 * constraint come after all others, the least outside first, each a rank of its own (constrained
 * domination, Deb et al., NSGA-II, IEEE Trans. Evol. Comput. 6, 2002). Values are as if minimised;
 * quantities that are minimised and never negative (parameters, MACs, bytes, milliseconds) as log(1
 * + v), since a front of small networks spans orders of magnitude. */
typedef struct bti_observed {
    int n, m; /* trials, objectives */
    const bti_trial **trial;
    double *value;  /* (n, m) */
    int *rank;      /* n */
    int n_front;    /* trials of rank 0: they come first */
    int n_feasible; /* trials inside the constraints: they come before the others */
} bti_observed;

/* Of all finished trials of `ask`, or (newest > 0) of the front and the `newest` last ones.
 * BT_NOMEM; release in any case. */
bt_status bti_observe(const bti_ask *ask, int newest, bti_observed *out, bt_error *err);
void bti_observed_release(bti_observed *o);

/* The point of a trial in the ask's space; parameters that it lacks are in their middle. */
void bti_observed_point(const bti_ask *ask, const bti_trial *t, bti_point *out);

/* Point `index` of a low-discrepancy sequence over the whole space: in each parameter a base-2 van
 * der Corput sequence with its own order and nested uniform scramble (Owen, "Randomly permuted
 * (t,m,s)-nets", 1995), so that every aligned 2^k points fill each parameter evenly. BT_EMPTY: that
 * point breaks the constraints or was tried. */
bt_status bti_quasi_random(const bti_ask *ask, uint32_t index, bti_answer *out, bt_error *err);
/* The point of the trial's number; a plain draw where that one will not do, and on a retry. */
bt_status bti_quasi_random_draw(const bti_ask *ask, bti_rng *rng, bti_answer *out, bt_error *err);

#endif
