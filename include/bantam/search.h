/* SPDX-License-Identifier: Apache-2.0
 *
 * The main job: labelled images and a budget in, a front of small trained models out.
 */
#ifndef BANTAM_SEARCH_H
#define BANTAM_SEARCH_H

#include "bantam/train.h"

/* A bound on a metric (docs/metrics.md): the most of what is minimised, the least of what is
 * maximised. What is known before training is never exceeded; the rest is written as Optuna's
 * constraints, and a model outside is no model of the front. */
typedef struct bt_limit {
    const char *metric; /* "params" "macs" "peak_memory" "latency_ms" "accuracy" ... */
    double bound;       /* 0: none */
} bt_limit;
#define BT_LIMITS_MAX 8

typedef struct bt_search_options {
    const char *data;
    bt_data_options data_opt;
    const char *space_path; /* a file or a shipped name; NULL: "auto" */
    const char *augment;    /* policy or policy file of every trial; NULL: the space's */
    const char *sampler;    /* NULL: "portfolio" */
    const char *pruner;     /* NULL: "none" */
    const char *out_dir;    /* run directory; required */
    double budget_s; /* wall clock from start to the front on disk; 0: no limit (then trials must be
                        set) */
    bool budget_adds; /* "+T": add to an existing study's active seconds instead of reaching T in
                         all */
    int trials;       /* 0: no limit */
    int epochs;       /* 0: chosen so that 40 median trials fit, fewer in a minute or two */
    int jobs;         /* worker processes; 0: one a core */
    int threads;      /* per worker; 0: cores / jobs */
    const char *objectives; /* "accuracy,params,latency_ms", the first measured on validation; NULL:
                               the space's */
    bt_limit limit[BT_LIMITS_MAX]; /* tighter than the space's; metric NULL: no further one */
    /* "int8" or "f32": models are exported as C (bantam/export.h). Then "flash" is known, and
       "peak_memory" is the exported arena; with int8 every quality of a trial and of the front is
       that of the integer kernels. NULL: no export */
    const char *deploy;
    /* A study whose front is enqueued before anything else when out_dir's is new: a run directory,
       a .db or a URL, also one that Optuna made (docs/howto/go-on-from-a-study.md); NULL: none */
    const char *from;
    const char *subset; /* of the training split for trials; NULL: chosen from data and budget */
    const char *val;
    uint64_t seed;
    const char *isa;       /* NULL: best */
    const char *precision; /* "f32", "bf16"; NULL: bf16 where the CPU has it */
    bt_stop stop;          /* Ctrl-C: a deadline brought forward */
    bt_progress progress;
} bt_search_options;

BT_API bt_search_options bt_search_defaults(void);

/* Runs or goes on with the study in out_dir. *json (yours, bt_free; may be NULL): what summary.md
 * says. BT_EMPTY: the budget ended with no feasible model. */
BT_API BT_MUST_USE bt_status bt_search(char **json, const bt_search_options *opt, bt_error *err);

/* How a search stands, while it runs or after, as one JSON object (yours, bt_free):
 * {"dir", "data", "state": "running" | "ended" | "interrupted" (killed: the same search goes on),
 *  "phase" (null when ended), "used_s", "left_s", "phase_left_s" (null: no limit, or not running),
 *  "trials": {"complete", "failed", "running", "waiting", "unfinished"}, "final": null or {"picks",
 * "done"}, "front": models on it, "hypervolume" (docs/metrics.md), "best", "smallest": null or
 * {"name", "trial", "params", "macs", "val_accuracy", "test_accuracy", "path"}, "errors": [{"from",
 * "line"}]: reasons of the newest failed trials, last lines of the workers' logs}. */
BT_API BT_MUST_USE bt_status bt_search_status(char **json, const char *run_dir, bt_error *err);

/* Writes image `id` of the training split as trial `trial` of the run saw its copy in `epoch`: see
 * bt_augment_show. BT_INVAL: there is no such trial, image or epoch. */
BT_API BT_MUST_USE bt_status bt_search_show(const char *run_dir, int trial, int64_t id, int epoch,
                                            int copy, const char *out_png, bt_error *err);

/* The body of `bantam worker`: serves the run directory until its supervisor says stop. */
BT_API BT_MUST_USE bt_status bt_worker(const char *run_dir, const char *worker_id, bt_stop stop,
                                       bt_error *err);

#endif
