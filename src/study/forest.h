/* SPDX-License-Identifier: Apache-2.0
 *
 * Regression forest (Breiman, "Random forests", Machine Learning 45, 2001) over rows whose cells
 * may be missing: a parameter that is not active is a value of its own.
 */
#ifndef BTI_FOREST_H
#define BTI_FOREST_H

#include "bantam/status.h"
#include "base/arena.h"
#include "base/rng.h"

#include <stdbool.h>

typedef struct bti_forest {
    bti_arena arena;
    int n_trees, d;
    const bool *nominal; /* (d) borrowed: cells are names, split one against the rest */
    struct bti_forest_node **tree;
} bti_forest;

/* Fits n_trees trees, each to a bootstrap sample; x (n, d), NaN: missing; y (n). Leaves hold at
 * least three rows; half of the columns that differ, drawn anew, are tried at each split. BT_NOMEM;
 * release in any case. */
bt_status bti_forest_fit(bti_forest *f, const double *x, const double *y, int n, int d,
                         const bool *nominal, int n_trees, bti_rng *rng, bt_error *err);
void bti_forest_release(bti_forest *f);
double bti_forest_predict(const bti_forest *f, const double *row); /* the mean of the trees */

#endif
