/* SPDX-License-Identifier: Apache-2.0
 *
 * The measures of a model: one table (metrics.def) for names, directions, units and where a number
 * comes from. Objectives, limits, reports and options read it.
 */
#ifndef BTI_METRIC_H
#define BTI_METRIC_H

#include "bantam/status.h"
#include <stdbool.h>

typedef enum bti_metric {
    BTI_METRIC_NONE = -1, /* a foreign study's objective */
#define METRIC(id, name, goal, source, unit, low, high, option, label) BTI_METRIC_##id,
#include "base/metrics.def"
#undef METRIC
    BTI_METRICS
} bti_metric;

typedef enum bti_metric_source {
    BTI_FROM_VALIDATION, /* of a trained model, on validation images */
    BTI_FROM_COST,       /* of the resolved network, exact, before training */
    BTI_FROM_MEASURED    /* on this machine */
} bti_metric_source;

typedef enum bti_metric_unit {
    BTI_UNIT_SHARE, /* 0..1; "85%" for people */
    BTI_UNIT_COUNT,
    BTI_UNIT_BYTES,
    BTI_UNIT_MS
} bti_metric_unit;

typedef struct bti_metric_info {
    const char *name, *label; /* of studies and files; of people */
    bool maximize;
    bti_metric_source source;
    bti_metric_unit unit;
    double low, high;   /* range of the hypervolume */
    const char *option; /* "max-params" */
} bti_metric_info;

const bti_metric_info *bti_metric_of(bti_metric m); /* m within the table */
bti_metric bti_metric_find(const char *name);       /* BTI_METRIC_NONE if unknown */
/* Every name of the table, NULL-terminated, for bti_nearest(). */
const char *const *bti_metric_names(void);

/* A limit as people write it: "50k", "64KiB" (or plain bytes), "5ms" (or a plain number), "85%" (or
 * 0.85). False, with what was expected in *expected, otherwise. */
bool bti_metric_parse(bti_metric m, const char *text, double *out, const char **expected);
/* A value for people: "12.3k", "64 KiB", "1.25 ms", "85.00%". buf >= 24 bytes. Returns buf. */
char *bti_metric_format(char *buf, bti_metric m, double v);
/* 0 (best) .. 1 (the reference, or worse): the coordinate of the hypervolume. */
double bti_metric_coordinate(bti_metric m, double v);

#endif
