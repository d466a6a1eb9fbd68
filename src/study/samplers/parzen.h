/* SPDX-License-Identifier: Apache-2.0
 *
 * Density of points of a search space: a mixture of product kernels, one a trial, and a uniform
 * prior. A parameter that a trial did not have follows the prior in its kernel, so that conditional
 * spaces need no imputation.
 */
#ifndef BTI_PARZEN_H
#define BTI_PARZEN_H

#include "base/arena.h"
#include "study/study.h"

/* One parameter as the kernels see it, made when it is first evaluated. */
typedef struct bti_parzen_axis {
    bool made;
    bti_domain domain;
    double sigma;
    int n_cells;      /* grids and choices: table (n_cells, n_cells) of log densities */
    double *table;    /* row: the value's cell; column: the kernel's */
    int16_t *cell;    /* (n) of each kernel; -1: it follows the prior */
    double *centre;   /* (n) continuous: place on 0..1, NaN: the prior */
    double *log_norm; /* (n) continuous: log of sigma sqrt(2 pi) mass in 0..1 */
} bti_parzen_axis;

typedef struct bti_parzen {
    const bti_space *space;
    bti_arena arena;
    int n, cap; /* trials; kernel n is the prior */
    int n_slots;
    double *value;         /* (cap, n_slots); NaN: not active */
    bti_parzen_axis *axis; /* (n_slots) */
    double *term;          /* (cap + 1), scratch */
} bti_parzen;

/* Room for `cap` trials. Release in any case. */
bt_status bti_parzen_init(bti_parzen *p, const bti_space *space, int cap, bt_error *err);
void bti_parzen_release(bti_parzen *p);
/* One kernel more; beyond `cap` it is left out. Before the first evaluation. */
void bti_parzen_add(bti_parzen *p, const bti_trial *t);

/* A value of a parameter from kernel k (n: the prior). */
double bti_parzen_draw(const bti_parzen *p, int k, int slot, const bti_domain *d, bti_rng *rng);
/* Log density of n_params parameters together, relative to the prior. */
bt_status bti_parzen_log(bti_parzen *p, const bti_param *param, const int *slot, int n_params,
                         double *out, bt_error *err);

#endif
