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

/* A piece of the flat arrays that has one weight decay; the work of one task. */
typedef struct bti_piece {
    int64_t at, n;
    float decay;
} bti_piece;

typedef struct bti_optimizer_ops {
    const char *name;
    int n_states; /* flat arrays beside the parameters: momentum has one, Adam two */
    void (*step)(const bti_optimizer *o, const bti_piece *piece, double lr);
} bti_optimizer_ops;

struct bti_optimizer {
    const bti_optimizer_ops *ops;
    bti_flat flat;                      /* borrowed from the net */
    float *state[BTI_OPTIMIZER_STATES]; /* flat.n floats each, kernel layout, zero at the start */
    double momentum;                    /* Adam's beta 1; a schedule may set it before each step */
    double beta2;
    double clip; /* largest L2 norm of all gradients, 0: any */
    bool nesterov;
    int threads;
    int64_t steps; /* taken so far, the running one included */
    bti_piece *piece;
    double *square; /* n_pieces: sums of squared gradients, scratch */
    int64_t n_pieces;
};

/* Borrowed for ever. BT_INVAL lists the names. */
bt_status bti_optimizer_find(const bti_optimizer_ops **out, const char *name, bt_error *err);

/* State is allocated here; steps cannot fail. The arrays of `flat` must outlive *o. Ranges of
 * `bare` ({at, n}, ascending, n_bare of them) get no weight decay. */
bt_status bti_optimizer_init(bti_optimizer *o, const bt_recipe *recipe, bti_flat flat,
                             const bti_piece *bare, int n_bare, int threads, bt_error *err);
void bti_optimizer_release(bti_optimizer *o);

/* One update of all parameters; clips the gradients first if asked to. */
void bti_optimizer_step(bti_optimizer *o, double lr);

#endif
