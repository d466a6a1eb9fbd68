/* SPDX-License-Identifier: Apache-2.0
 *
 * Gaussian process regression over points of a search space (Rasmussen and Williams 2006, alg.
 * 2.1). The kernel is a sum of three: an additive one (each parameter's main effect), one of the
 * network's size (log parameters and MACs), and a product of all (interactions). Their weights and
 * the noise are the best of a small grid by marginal likelihood.
 */
#ifndef BTI_PROCESS_H
#define BTI_PROCESS_H

#include "study/study.h"

typedef struct bti_process {
    const bti_space *space;
    int n, n_slots;
    double *x;     /* (n, n_slots + 2): see process.c */
    int *used;     /* slots in which the observations differ ... */
    int n_used;    /* ... so many */
    bool *nominal; /* (n_slots) unordered choices: equal or not */
    double size_lo[2], size_width[2];
    double weight[3], noise, reach; /* kernel: additive, size, product; reach of the product */
    double *chol;                   /* (n, n) lower triangle, row-major */
    double *alpha;                  /* (n) */
    double *scratch;                /* (2, n) and one row of x */
} bti_process;

/* y (n): zero mean, unit variance. BT_NOMEM; release in any case. */
bt_status bti_process_fit(bti_process *p, const bti_space *space, const bti_trial *const *trial,
                          const double *y, int n, bt_error *err);
void bti_process_release(bti_process *p);
/* Mean and standard deviation of the noise-free value at a point. */
void bti_process_predict(bti_process *p, const bti_point *point, const bti_cost *cost, double *mu,
                         double *sigma);

#endif
