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
    int16_t *cell;    /* of each kernel that has the parameter */
    double *centre;   /* continuous: place on 0..1 */
    double *log_norm; /* continuous: log of sigma sqrt(2 pi) mass in 0..1 */
} bti_parzen_axis;

typedef struct bti_parzen {
    const bti_space *space;
    bti_arena arena;
    int n, cap; /* trials; kernel n is the prior */
    int n_slots;
    const int *dims;       /* (n_slots) parameters in the slot's group; borrowed */
    int *count;            /* (n_slots) kernels that have the parameter */
    double *weight;        /* (cap) */
    double *log_weight;    /* (cap) */
    double *value;         /* (n_slots, cap); NaN: not active */
    bti_parzen_axis *axis; /* (n_slots) */
    double *term;          /* (cap + 1), scratch */
} bti_parzen;

/* Room for `cap` trials. dims (n_slots) is kept, and read from the first draw on. Release in any
 * case. */
bt_status bti_parzen_init(bti_parzen *p, const bti_space *space, const int *dims, int cap,
                          bt_error *err);
void bti_parzen_release(bti_parzen *p);
/* One kernel more; beyond `cap` it is left out. Before the first draw or evaluation. Weight:
 * relative to the prior's, which is 1. */
void bti_parzen_add(bti_parzen *p, const bti_trial *t, double weight);

/* A kernel by weight, of those that have the slot's parameter; n: the prior. */
int bti_parzen_kernel(const bti_parzen *p, int slot, bti_rng *rng);
/* A value of a parameter from kernel k (n: the prior). */
double bti_parzen_draw(const bti_parzen *p, int k, int slot, const bti_domain *d, bti_rng *rng);
/* Log density of n_params parameters together, relative to the prior: the mixture of the kernels
 * that have them. Kernels have all of them or none. */
bt_status bti_parzen_log(bti_parzen *p, const bti_param *param, const int *slot, int n_params,
                         double *out, bt_error *err);

#endif
