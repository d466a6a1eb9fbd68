/* SPDX-License-Identifier: Apache-2.0
 *
 * A run: the settings that every process of one search shares, kept in the study itself so that a
 * worker needs only the run directory; and the control record by which the supervisor steers its
 * workers.
 *
 * Run directory:  study.db                 the study (Optuna's schema)
 *                 front.csv front.svg summary.md
 *                 models/<name>/           retrained models of the front
 *                 work/                    ours: final.db, trials/<n>/ (weights of front and
 * running trials), lock, worker logs; may be deleted once no search is wanted any more
 */
#ifndef BTI_RUN_H
#define BTI_RUN_H

#include "bantam/search.h"
#include "base/arena.h"
#include "nn/net.h"
#include "search/cost.h"
#include "space/space.h"
#include "study/study.h"

typedef struct bti_run {
    const char *data, *cache_dir;
    const char *data_dir; /* NULL: none */
    int size;             /* side in pixels, resolved */
    const char *size_why; /* for people; NULL: an option said so, or the data */
    int channels, classes;
    const char *space_text; /* the YAML itself */
    const char *augment;    /* policy of every trial; NULL: the space's */
    const char *sampler, *pruner;
    int epochs;               /* of a trial */
    const char *subset, *val; /* as bti_data_split reads them */
    const char *group_by;     /* of bt_data_options, and ... */
    double test_share;        /* ... the same */
    uint64_t seed;
    int jobs, threads;
    double limit[BTI_METRICS]; /* 0: the space's own */
    const char *objectives;    /* NULL: the space's own */
    const char *isa;           /* NULL: best */
    const char *precision;     /* of trials: "f32" or "bf16" */
    const char *deploy;        /* what models are exported as: "int8", "f32"; NULL: nothing */
    const char *train_key; /* hash of training pixels and labels: data that changed is noticed */
    int64_t train_images;  /* that it was made of, those of a validation folder too */
    const char *cache_key; /* the cache entry of train and val; NULL: look at the images again */
    bool has_test;         /* what bti_data.has_test was then */
    bti_arena arena;       /* owns the strings */
} bti_run;

void bti_run_release(bti_run *run);
/* Study attribute "bantam:run". load: *found false when the study has none; BT_FORMAT when the
 * record lacks what a worker needs. */
bt_status bti_run_save(const bti_run *run, bti_storage *st, bt_error *err);
bt_status bti_run_load(bti_run *run, bti_storage *st, bool *found, bt_error *err);

bti_precision bti_run_precision(const bti_run *run);
bti_deploy bti_run_deploy(const bti_run *run);
/* What a worker opens the images with. */
bt_data_options bti_run_data_options(const bti_run *run);

/* The space of a run, with its limits applied; yours. */
bt_status bti_run_space(const bti_run *run, bti_space **out, bt_error *err);

/* Trained by this program. Others may tell values in the same study (Optuna's samplers go on with
 * it), which say nothing about weights on disk. */
bool bti_run_trained(const bti_trial *t);
/* Those of a list; the parts are borrowed: free out->trial alone (bti_free). BT_NOMEM. */
bt_status bti_run_own_trials(const bti_trials *all, bti_trials *out);

/* Locks a file, which is made, against other processes (BT_BUSY), until *fd is closed. */
bt_status bti_lock_file(const char *path, int *fd, bt_error *err);
/* Makes the folders of a run directory and locks it against a second supervisor (BT_BUSY). The lock
 * goes with *fd and with the process. */
bt_status bti_run_lock(const char *dir, int *fd, bt_error *err);
/* Whether a supervisor holds that lock now: a worker that was orphaned ends. */
bool bti_run_supervised(const char *dir);

/* Yours (bti_free), NULL on no memory. */
char *bti_run_trial_dir(const char *dir, int number); /* dir/work/trials/00017 */
char *bti_run_study_url(const char *dir);             /* dir/study.db */
char *bti_run_final_url(const char *dir);             /* dir/work/final.db */

/* ---- control ---- */
typedef enum bti_phase { BTI_PHASE_SEARCH, BTI_PHASE_FINAL, BTI_PHASE_STOP } bti_phase;

/* Study attribute "bantam:control", written by the supervisor, read by workers between and during
 * trials. */
typedef struct bti_control {
    bti_phase phase;
    double until_utc;    /* UTC epoch seconds at which the phase ends, 0: open */
    int max_trials;      /* 0: no limit */
    int round;           /* counts final phases; part of a final job's key */
    double deadline_utc; /* of the whole session, for people; 0: open */
} bti_control;
bt_status bti_control_save(const bti_control *c, bti_storage *st, bt_error *err);
bt_status bti_control_load(bti_control *c, bti_storage *st, bt_error *err);

#endif
