/* SPDX-License-Identifier: Apache-2.0
 *
 * Test problems for samplers: numeric functions, made-up networks, and a surrogate of measured
 * ones.
 */
#ifndef PROBLEMS_H
#define PROBLEMS_H

#include "study/sampler.h"
#include "surrogate.h"

typedef struct problem_kind {
    const char *name;
    int n;         /* variables; 0: networks */
    double ref[2]; /* hypervolume's; both objectives are minimised */
    void (*f)(const double *x, int n, double out[2]); /* NULL: networks */
    int family;                                       /* of the surrogate; negative: none */
} problem_kind;

typedef struct problem {
    const problem_kind *kind;
    bti_space *space;
    surrogate *table; /* or NULL */
} problem;

/* What a trial of a point gives. */
typedef struct evaluation {
    double f[2];      /* as a sampler sees it, minimised; networks: error, log10(1 + parameters) */
    double judged[2]; /* without noise */
    curve seen;       /* with noise; zeroed without a surrogate */
} evaluation;

/* NULL: no such problem. */
const problem_kind *problem_find(const char *name);
/* rungs: accuracy at early rungs will be asked for. */
bt_status problem_open(problem *p, const problem_kind *kind, bool rungs, bt_error *err);
void problem_close(problem *p);
bti_goals problem_goals(const problem *p);
bti_cost_fn problem_cost(const problem *p);
bt_status problem_evaluate(const problem *p, const bti_answer *a, uint64_t seed, evaluation *out,
                           bt_error *err);

#endif
