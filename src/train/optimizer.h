/* SPDX-License-Identifier: Apache-2.0
 *
 * Update rules on flat arrays. A rule is one row: a name, how many state arrays it keeps, and one
 * fused pass over parameters, gradients and state.
 */
#ifndef BTI_OPTIMIZER_H
#define BTI_OPTIMIZER_H

#include "bantam/train.h"
#include "nn/net.h"

#define BTI_OPTIMIZER_STATES 2

typedef struct bti_optimizer bti_optimizer;

typedef struct bti_optimizer_ops {
    const char *name;
    int n_states; /* flat arrays beside the parameters: momentum has one, Adam would have two */
    void (*step)(bti_optimizer *o, double lr);
} bti_optimizer_ops;

struct bti_optimizer {
    const bti_optimizer_ops *ops;
    bti_flat flat;                      /* borrowed from the net */
    float *state[BTI_OPTIMIZER_STATES]; /* flat.n floats each, kernel layout, zero at the start */
    float momentum, weight_decay;
    bool nesterov;
    int threads;
    int64_t steps; /* taken so far */
};

/* Borrowed for ever. BT_INVAL lists the names. */
bt_status bti_optimizer_find(const bti_optimizer_ops **out, const char *name, bt_error *err);

/* State is allocated here; steps cannot fail. The arrays of `flat` must outlive *o. */
bt_status bti_optimizer_init(bti_optimizer *o, const bt_recipe *recipe, bti_flat flat, int threads,
                             bt_error *err);
void bti_optimizer_release(bti_optimizer *o);

/* One update of all parameters. */
void bti_optimizer_step(bti_optimizer *o, double lr);

#endif
