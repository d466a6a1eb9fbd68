/* SPDX-License-Identifier: Apache-2.0
 *
 * The learning rate of each step. A schedule is one row: a name and a curve over [0, 1).
 */
#ifndef BTI_SCHEDULE_H
#define BTI_SCHEDULE_H

#include "bantam/status.h"

typedef struct bti_schedule {
    const char *name;
    double (*factor)(double progress); /* of the peak; progress in [0, 1) after the warm-up */
} bti_schedule;

/* Borrowed for ever. BT_INVAL lists or nears the names. */
bt_status bti_schedule_find(const bti_schedule **out, const char *name, bt_error *err);

/* Learning rate of step t of `total` (from 0): the first `warmup` steps rise linearly, step t
 * having peak * (t + 1) / warmup, then the curve runs over the rest. Without warm-up, cosine equals
 * PyTorch's CosineAnnealingLR(T_max = total) stepped once a step. */
double bti_schedule_lr(const bti_schedule *s, double peak, int64_t t, int64_t warmup,
                       int64_t total);

#endif
