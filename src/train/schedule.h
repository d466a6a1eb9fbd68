/* SPDX-License-Identifier: Apache-2.0
 *
 * The learning rate (and, where a schedule moves it, the momentum) of each step. A schedule is one
 * row: a name, its settings with defaults, and a curve.
 */
#ifndef BTI_SCHEDULE_H
#define BTI_SCHEDULE_H

#include "bantam/status.h"
#include <stdbool.h>

#define BTI_SCHEDULE_ARGS 5
#define BTI_SCHEDULE_MILESTONES 16

typedef struct bti_schedule_ops bti_schedule_ops;

typedef struct bti_schedule {
    const bti_schedule_ops *ops;
    double arg[BTI_SCHEDULE_ARGS]; /* in the order of the row */
    double milestone[BTI_SCHEDULE_MILESTONES];
    int n_milestones;
} bti_schedule;

/* A point of a training: step t of `total` (from 0), the first `warmup` of which rise. */
typedef struct bti_moment {
    int64_t t, warmup, total;
    int64_t epoch_steps; /* steps an epoch */
} bti_moment;

/* "cosine", "constant", "onecycle:pct_start=0.2,div_factor=10", "step:every=30,gamma=0.1",
 * "step:milestones=60/120/160,gamma=0.2" (epochs; below 1: shares of the whole training).
 * BT_INVAL says what is wrong and lists what is known. */
bt_status bti_schedule_parse(bti_schedule *out, const char *text, bt_error *err);

/* Learning rate of a step: the first `warmup` steps rise linearly, step t having
 * peak * (t + 1) / warmup, then the curve runs over the rest. Without warm-up the rates are those
 * of PyTorch's CosineAnnealingLR(T_max = total) and OneCycleLR(total_steps = total) stepped once a
 * step, and of StepLR and MultiStepLR stepped once an epoch. */
double bti_schedule_lr(const bti_schedule *s, double peak, bti_moment m);

/* Momentum (Adam: beta 1) of a step; `own`, the recipe's, unless the schedule moves it. */
double bti_schedule_momentum(const bti_schedule *s, double own, bti_moment m);

#endif
