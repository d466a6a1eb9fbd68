/* SPDX-License-Identifier: Apache-2.0
 *
 * What samplers remember between the asks of one study: what follows from the space and from
 * finished trials, which never change again. An answer is the same with and without; with it a
 * finished trial is looked at once, not at every ask.
 */
#ifndef BTI_MEMO_H
#define BTI_MEMO_H

#include "base/arena.h"
#include "study/sampler.h"

/* Which trials somebody has not looked at yet. */
typedef struct bti_cursor {
    int n;     /* trials [0, n) have been seen ... */
    int *open; /* ... but for these, which had not finished then (ascending) */
    int n_open, cap;
} bti_cursor;
/* Places in the trials that are new, or were open at the last call, ascending: fresh (borrowed
 * until the next call). BT_NOMEM leaves the cursor as it was. */
bt_status bti_cursor_next(bti_cursor *c, const bti_trials *t, const int **fresh, int *n,
                          bt_error *err);

/* Finished trials in the orders that ranking needs: observed.c. */
typedef struct bti_sightings {
    bti_cursor cursor;
    int m, n, cap;
    int *at;       /* (n) place in the trials */
    double *value; /* (n, m) as bti_observed has them */
    double *raw;   /* (n, m) minimised, before logarithms */
    double *off;   /* (n) violation of constraints */
    int *order; /* (m + 2, cap): feasible ones by objective j, then j + 1, ... of a circle; all by
                   number; those outside a constraint, the least outside first */
    int n_feasible;                    /* in the first m orders */
    bool positive[BTI_OBJECTIVES_MAX]; /* objective j is in logarithms */
} bti_sightings;

/* Hypervolume gains in number order, up to the first trial that has not finished: portfolio.c. */
typedef struct bti_gains {
    int warmup; /* the sampler's option of that name */
    int upto;   /* trials [0, upto) are in */
    int n, cap;
    double *gain;  /* (n) of each that counts (bti_trial_counts) ... */
    int *who;      /* ... and the member that proposed it, -1: none */
    double *front; /* (n_front, m) */
    int n_front;
} bti_gains;

/* One thread at a time; belongs to one space, one set of goals, one growing list of trials. */
struct bti_memo {
    bti_cursor keys;
    int *key; /* (key_cap) open addressing: place in the trials + 1, 0: free */
    int n_keys, key_cap;
    bool has_span;
    bti_span span;
    bti_sightings sightings;
    bti_gains gains;
    bti_arena arena; /* of: */
    float **cells; /* (cells_cap) rows of a trial as process.c has them, NULL: not asked for yet */
    int cells_cap;
};

/* Some trial has this key. BT_NOMEM. */
bt_status bti_memo_has_key(bti_memo *m, const bti_trials *t, const char *key, bool *out,
                           bt_error *err);
/* The row of `n` floats of the trial at a place, a new one if *is_new. NULL on no memory. */
float *bti_memo_cells(bti_memo *m, int at, int n, bool *is_new);
void bti_sightings_release(bti_sightings *s);
void bti_gains_release(bti_gains *g);

#endif
