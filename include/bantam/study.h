/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a study: its front as CSV, JSON, text or a picture.
 * STUDY is a run directory (holding study.db), a .db file, or sqlite:///path[#study name].
 */
#ifndef BANTAM_STUDY_H
#define BANTAM_STUDY_H

#include "bantam/search.h"
#include "bantam/status.h"

#include <stdbool.h>

typedef enum bt_front_format {
    BT_FRONT_TABLE,
    BT_FRONT_CSV,
    BT_FRONT_JSON,
    BT_FRONT_SVG
} bt_front_format;

typedef struct bt_front_options {
    bt_front_format format;
    const char *const *baseline; /* n_baselines texts "NAME=COST,QUALITY": "resnet20=272k,91.25%" */
    int n_baselines;
    /* "POINTS[:NAME]", n_within of them: the smallest model within so many points of a baseline, or
     * of the best model ("1%:resnet20", "0.5%"). None: within 1 point of each baseline, else of the
     * best. */
    const char *const *within;
    int n_within;
} bt_front_options;

/* The trials that no other beats in the study's objectives, or for SVG every trial with the front
 * as a line. Once models are on disk, TABLE and CSV show those. opt NULL: a table without
 * baselines. TABLE and JSON name the best, the best value (knee) and the smallest model. Yours,
 * bt_free. BT_INVAL: a baseline that cannot be read, or a name that is none. */
BT_API BT_MUST_USE bt_status bt_front(char **text, const char *study, const bt_front_options *opt,
                                      bt_error *err);

typedef struct bt_pick_options {
    const bt_limit *limit; /* n_limits; bound 0: none */
    int n_limits;
    bool knee;          /* the best value instead of the best model */
    const char *within; /* "POINTS[:NAME]": the smallest within so many points; NULL: not this */
    const char *const *baseline;
    int n_baselines;
} bt_pick_options;

/* One model of the front (of those on disk, once there are any) within the limits: the best, or by
 * knee or within. {"name", "trial", "path" (null: not on disk), "params", "macs", "val_accuracy",
 * "test_accuracy", "interval"}; yours, bt_free. BT_EMPTY: none is within the limits. */
BT_API BT_MUST_USE bt_status bt_pick(char **json, const char *study, const bt_pick_options *opt,
                                     bt_error *err);

/* Which parameters matter: functional ANOVA, main effects (Hutter et al. 2014), for each objective
 * and for the front (rank of non-domination). {"study", "trials", "importance": {"accuracy":
 * [{"parameter", "importance" (share of variance), "best" (value of best mean)}], ..., "front":
 * []}}, sorted. Yours, bt_free. BT_EMPTY: fewer than 10 finished trials; BT_FORMAT: not a study of
 * bantam search. */
BT_API BT_MUST_USE bt_status bt_importance(char **json, const char *study, bt_error *err);

/* Writes the study's space to `path` with all but the `keep` most important parameters (for the
 * front) frozen at the commonest value of the good trials. {"space", "kept": [names], "frozen": N};
 * yours, bt_free. */
BT_API BT_MUST_USE bt_status bt_space_narrow(char **json, const char *study, int keep,
                                             const char *path, bt_error *err);

#endif
