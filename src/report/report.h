/* SPDX-License-Identifier: Apache-2.0
 *
 * What a study found, as text and as a picture. Reads trials only; objective 0 is accuracy (0..1,
 * up).
 *
 * A model that was retrained and tested carries the user attribute "final" on its trial:
 *     {"name", "test_accuracy", "interval": [lo, hi], "params", "macs", "path", "seed",
 * "val_accuracy", "retrained": bool, "behind": bool, "epochs", "note"} Any of them may be missing;
 * null or absent "final": the model is not on disk.
 */
#ifndef BTI_REPORT_H
#define BTI_REPORT_H

#include "base/str.h"
#include "study/study.h"

/* One row of a front: a trial and, where it has a "final", what that says. */
typedef struct bti_report_model {
    const bti_trial *trial; /* borrowed from the trials */
    char name[64];
    double params, macs, val_accuracy;
    double test_accuracy, lo, hi; /* NaN: not tested */
    const char *path, *note;      /* borrowed; NULL if none */
    char seed[24];                /* decimal digits of 64 bits; empty: unknown */
    bool final, retrained;
    int epochs; /* 0: unknown */
} bti_report_model;
void bti_report_model_of(const bti_trial *t, bti_report_model *out);

/* Parameters of the trial's network: attribute "params", else objective 1; NaN if neither is there.
 */
double bti_report_params(const bti_trial *t);

/* Indices of the COMPLETE trials that no other beats (accuracy up, params down; of equal accuracy
 * the smaller, of equal both the earlier), by params. `index` has room for t->n. Returns how many.
 */
int bti_report_front(const bti_trials *t, int *index);

/* The rows of tables and CSV: the front; once models are on disk, those of the front that are
 * ("final") and those that fill it up ("behind" in "final"). Yours (bti_free). *n 0 and NULL when
 * nothing has finished. */
bt_status bti_report_models(const bti_trials *t, bti_report_model **out, int *n, bt_error *err);

/* Each appends to *out. BT_NOMEM is the only failure. */
/* name,params,macs,val_accuracy,test_accuracy,interval_lo,interval_hi,seed,trial,path (RFC 4180,
 * LF). */
bt_status bti_report_front_csv(const bti_trials *t, bti_str *out);
/* {"study", "trials", "complete", "front": [{"trial", "name", "params", ...}]}, all of the front.
 */
bt_status bti_report_front_json(const bti_trials *t, const char *study, bti_str *out);
/* Aligned columns for a terminal, at most max_rows models (0: all), spread evenly when there are
 * more. */
bt_status bti_report_front_table(const bti_trials *t, int max_rows, bti_str *out);
/* A complete SVG document: every trial, the front as steps, retrained models as rings. */
bt_status bti_report_front_svg(const bti_trials *t, const char *title, bti_str *out);

#endif
