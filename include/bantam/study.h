/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a study: its front as CSV, JSON, text or a picture.
 * STUDY is a run directory (holding study.db), a .db file, or sqlite:///path[#study name].
 */
#ifndef BANTAM_STUDY_H
#define BANTAM_STUDY_H

#include "bantam/status.h"

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

#endif
