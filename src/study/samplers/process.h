/* SPDX-License-Identifier: Apache-2.0
 *
 * Gaussian process regression over points of a search space (Rasmussen and Williams 2006, alg.
 * 2.1), for several targets at the same points. The kernel is a sum of three: an additive one (each
 * parameter's main effect), one of the network's size (log parameters and MACs), and a product of
 * all (interactions). Their weights and the noise are, for each target, the best of a small grid by
 * marginal likelihood.
 */
#ifndef BTI_PROCESS_H
#define BTI_PROCESS_H

#include "study/sampler.h"

#define BTI_PROCESS_BATCH 64 /* points that are predicted together */

typedef struct bti_process {
    const bti_space *space;
    int n, n_slots;
    int *column;  /* (n_slots) of x; -1: the observations do not differ in it */
    int n_used;   /* columns */
    float *x;     /* (n_used, n): see process.c */
    double *size; /* (n, 2) log parameters and MACs */
    double size_lo[2], size_width[2];
    double reach;  /* of the product */
    double *pair;  /* (3, n, n) likenesses of observations, lower triangles */
    double *batch; /* (3, n, BATCH) of observations and points; (n, BATCH) scratch */
    float *row;    /* (n_slots), (n) scratch */
} bti_process;

/* What the process says of one target. */
typedef struct bti_target {
    double weight[3], noise; /* kernel: additive, size, product */
    double *chol;            /* (n, n) L and, above the diagonal, its transpose */
    double *alpha;           /* (n) */
} bti_target;

/* Of trials of the ask. BT_NOMEM; release in any case. */
bt_status bti_process_init(bti_process *p, const bti_ask *ask, const bti_trial *const *trial, int n,
                           bt_error *err);
void bti_process_release(bti_process *p);
/* y (n): zero mean, unit variance. BT_NOMEM; release in any case. */
bt_status bti_process_fit(const bti_process *p, const double *y, bti_target *out, bt_error *err);
void bti_target_release(bti_target *t);
/* Point c of the next batch, 0 <= c < BATCH; then, for the first n of them, mean and standard
 * deviation of a target's noise-free value. */
void bti_process_look(bti_process *p, int c, const bti_point *point, const bti_cost *cost);
void bti_process_predict(bti_process *p, const bti_target *t, int n, double *mu, double *sigma);

#endif
