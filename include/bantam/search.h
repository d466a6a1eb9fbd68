/* SPDX-License-Identifier: Apache-2.0
 *
 * The main job: labelled images and a budget in, a front of small trained models out.
 */
#ifndef BANTAM_SEARCH_H
#define BANTAM_SEARCH_H

#include "bantam/train.h"

typedef struct bt_search_options {
    const char *data;
    bt_data_options data_opt;
    const char *space_path; /* NULL: by data (docs: fashion7, brief) */
    const char *sampler;    /* NULL: "evolution" */
    const char *out_dir;    /* run directory; required */
    double budget_s; /* wall clock from start to the front on disk; 0: no limit (then trials must be
                        set) */
    bool budget_adds; /* "+T": add to an existing study's active seconds instead of reaching T in
                         all */
    int trials;       /* 0: no limit */
    int epochs;       /* 0: chosen so that at least 40 median trials fit */
    int jobs;         /* worker processes; 0: one a core */
    int threads;      /* per worker; 0: cores / jobs */
    int64_t max_params, max_macs; /* 0: the space's */
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
 *  "trials": {"complete", "failed", "running", "unfinished"}, "final": null or {"picks", "done"},
 *  "front": models on it, "best", "smallest": null or {"name", "trial", "params", "macs",
 *  "val_accuracy", "test_accuracy", "path"}, "errors": [{"from", "line"}]: reasons of the newest
 *  failed trials, last lines of the workers' logs}. */
BT_API BT_MUST_USE bt_status bt_search_status(char **json, const char *run_dir, bt_error *err);

/* The body of `bantam worker`: serves the run directory until its supervisor says stop. */
BT_API BT_MUST_USE bt_status bt_worker(const char *run_dir, const char *worker_id, bt_stop stop,
                                       bt_error *err);

#endif
