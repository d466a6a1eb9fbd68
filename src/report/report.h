/* SPDX-License-Identifier: Apache-2.0
 *
 * What a study found, as text and as a picture. Reads trials only. A front sets a quality (the
 * first objective that is maximised) against a cost (the first that is minimised; parameters where
 * there is none); further objectives are columns.
 *
 * A model that was retrained and tested carries the user attribute "final" on its trial:
 *     {"name", "test_accuracy", "interval": [lo, hi], "params", "macs", "path", "seed",
 * "val_accuracy", "retrained": bool, "behind": bool, "epochs", "note"} Any of them may be missing;
 * null or absent "final": the model is not on disk.
 */
#ifndef BTI_REPORT_H
#define BTI_REPORT_H

#include "bantam/study.h"
#include "base/str.h"
#include "study/study.h"

/* One row of a front: a trial and, where it has a "final", what that says. */
typedef struct bti_report_model {
    const bti_trial *trial; /* borrowed from the trials */
    char name[64];
    double cost, quality; /* the two that the front sets against each other, as the search saw */
    double params, macs, val_accuracy;
    double test_accuracy, lo, hi; /* NaN: not tested */
    const char *path, *note;      /* borrowed; NULL if none */
    char seed[24];                /* decimal digits of 64 bits; empty: unknown */
    bool final, retrained;
    int epochs; /* 0: unknown */
} bti_report_model;
void bti_report_model_of(const bti_trials *ts, const bti_trial *t, bti_report_model *out);

/* The metric of each side; BTI_METRIC_NONE in a foreign study that does not name it. */
bti_metric bti_report_cost_metric(const bti_trials *ts);
bti_metric bti_report_quality_metric(const bti_trials *ts);
/* A trial's value of each side; NaN if it is not there. */
double bti_report_cost(const bti_trials *ts, const bti_trial *t);
double bti_report_quality(const bti_trials *ts, const bti_trial *t);

/* Indices of the COMPLETE, feasible trials that no other beats in the study's objectives (of equal
 * ones the earliest), by cost, then quality. `index` has room for t->n. Returns how many. */
int bti_report_front(const bti_trials *t, int *index);

/* Exact hypervolume of the front in the coordinates of metrics.def: 0 (nothing) .. 1; the reference
 * point is the same for every study: no accuracy at the upper end of each cost. NaN if an objective
 * is not in the table. */
double bti_report_hypervolume(const bti_trials *t);

/* The rows of tables and CSV: the front; once models are on disk, those of the front that are
 * ("final") and those that fill it up ("behind" in "final"). Yours (bti_free). *n 0 and NULL when
 * nothing has finished. */
bt_status bti_report_models(const bti_trials *t, bti_report_model **out, int *n, bt_error *err);

/* ---- marks and choices (choice.c) ---- */
#define BTI_BASELINES_MAX 16
typedef struct bti_baseline {
    char name[48];
    double cost, quality;
} bti_baseline;

typedef struct bti_within {
    double points;          /* as a share: 0.01 */
    const bti_baseline *of; /* NULL: the best model */
} bti_within;

typedef struct bti_marks {
    int n, n_within;
    bti_baseline baseline[BTI_BASELINES_MAX];
    bti_within within[BTI_BASELINES_MAX];
} bti_marks;
/* From the options' texts; opt NULL: none. BT_INVAL names the option. */
bt_status bti_marks_read(bti_marks *m, const bti_trials *t, const bt_front_options *opt,
                         bt_error *err);

/* Indices into models (sorted by cost) of the best and of the best value, by what the search saw:
 * models are never chosen by test. The best value is the knee: farthest above the chord from the
 * cheapest to the best model in (log cost, quality), both scaled to that chord (as Kneedle: Satopaa
 * et al. 2011); the best one when none is above. -1 for n 0. */
void bti_report_choose(const bti_report_model *model, int n, int *best, int *value);
/* The cheapest model whose accuracy (on test where it was read, else on validation: what a baseline
 * quotes) is at least that of w->of less w->points; -1 if there is none. */
int bti_report_within(const bti_report_model *model, int n, int best, const bti_within *w);
/* The same accuracy and its 95 % interval (NaN if it has none). */
double bti_report_shown(const bti_trials *t, const bti_report_model *m, double *lo, double *hi,
                        bool *tested);

/* ---- texts: each appends to *out; BT_NOMEM is the only failure; marks may be NULL ---- */
/* name,params,macs,val_accuracy,test_accuracy,interval_lo,interval_hi,seed,trial,path, then the
 * study's other objectives (RFC 4180, LF). */
bt_status bti_report_front_csv(const bti_trials *t, bti_str *out);
/* {"study", "objectives", "hypervolume", "trials", "complete", "front": [{"trial", "name",
 * "params", ..., "values": {}}], "best", "value", "within": [{"points", "of", "name"}],
 * "baselines": []}, all of the front. */
bt_status bti_report_front_json(const bti_trials *t, const char *study, const bti_marks *marks,
                                bti_str *out);
/* Aligned columns for a terminal, at most max_rows models (0: all), spread evenly when there are
 * more; with marks also the baselines and the choices. */
bt_status bti_report_front_table(const bti_trials *t, int max_rows, const bti_marks *marks,
                                 bti_str *out);
/* A complete SVG document: every trial, the front as steps, retrained models as rings, baselines as
 * diamonds. */
bt_status bti_report_front_svg(const bti_trials *t, const char *title, const bti_marks *marks,
                               bti_str *out);

#endif
