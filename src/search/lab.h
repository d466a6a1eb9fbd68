/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's bench: the open study, the space and the mapped images, kept over many trials;
 * and the two kinds of work done on it: a trial, and the final training of a pick.
 *
 * Lease: while work runs, a second thread renews its lease with a handle of its own and reads the
 * control record. It raises `halt` when the lease is lost, the phase has changed, or the process
 * must stop.
 */
#ifndef BTI_LAB_H
#define BTI_LAB_H

#include "data/dataset.h"
#include "search/run.h"
#include "train/trainer.h"

#define BTI_LEASE_S 20.0 /* silent for so long, a worker is taken for dead ... */
#define BTI_RENEW_S 2.0  /* ... but a working one speaks as often as this */

typedef struct bti_lab {
    const char *dir, *worker; /* borrowed */
    bti_run run;
    bti_storage *study;
    bti_space *space;
    bti_data *data;
    bti_view train, val; /* of the search */
    bti_trials trials;   /* refreshed before each ask */
    int trials_begun;    /* by this worker */
    bti_slab maps;       /* of one training after the other */
} bti_lab;

/* Opens the run in `dir`: study, space, images (from the cache), split. */
bt_status bti_lab_open(bti_lab *lab, const char *dir, const char *worker,
                       const bt_progress *progress, bt_error *err);
void bti_lab_close(bti_lab *lab);

/* A claim being worked on. */
typedef struct bti_claim {
    const char *store;   /* STUDY as bti_storage_open reads it: study.db or final.db */
    const char *control; /* STUDY that holds the control record */
    bti_phase phase;     /* in which this work is wanted */
    const char *worker;
    int64_t id;
    int number, attempt;
} bti_claim;

/* The renewing thread. */
typedef struct bti_keeper bti_keeper;
bt_status bti_keeper_start(bti_keeper **out, const bti_claim *claim, const bt_stop *outer,
                           bt_error *err);
const volatile int *bti_keeper_halt(const bti_keeper *k); /* the flag, for bt_stop */
void bti_keeper_stop(bti_keeper *k);                      /* joins; NULL is fine */

/* Trains and records one trial that this worker has claimed. Divergence and a lost lease are
 * ordinary ends, not errors. deadline_s (bt_now scale, 0: none): work stops there, checkpointed and
 * given back. BT_IO: the disk took no checkpoint or weights; the trial is given back. */
bt_status bti_trial_work(bti_lab *lab, const bti_claim *claim, const bti_point *point,
                         double deadline_s, const bt_stop *outer, bt_error *err);

/* Removes what trials that the front has left keep in work/trials. Only the supervisor calls it,
 * while no plan stands: a pick's weights are its fall-back. Best effort: the next call does the
 * rest. */
void bti_drop_dominated(const char *dir, const bti_trials *trials);

/* Recipe of a point: the space's settings over the defaults. */
bt_status bti_point_recipe(const bti_space *space, const bti_point *p, int epochs, bt_recipe *out,
                           bt_error *err);
/* Threads beside the `threads` of a worker that may make its batches ahead: its part of the cores
 * that no worker computes on, at most as many again. */
int bti_lab_ahead(int cores, int jobs, int threads);
/* A training of trial `number` on this lab's images: normalisation, seed, threads; views are left
 * to set. */
bti_job bti_lab_job(const bti_lab *lab, const bti_graph *g, const bt_recipe *recipe, int number);
/* The point of a stored trial. */
void bti_trial_point(const bti_space *space, const bti_trial *t, bti_point *out);
/* Class names, mean, std, shape for a model directory; borrows from data. */
bti_model_meta bti_lab_meta(const bti_data *d);

#endif
