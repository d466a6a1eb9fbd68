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

/* The non-dominated trials (accuracy up, params down), or for SVG every trial with the front as a
 * line. When the run directory has a front.csv of retrained models, TABLE shows it. Yours, bt_free.
 */
BT_API BT_MUST_USE bt_status bt_front(char **text, const char *study, bt_front_format format,
                                      bt_error *err);

#endif
