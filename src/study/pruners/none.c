/* SPDX-License-Identifier: Apache-2.0
 *
 * Every trial runs to its end.
 */
#include "study/pruner.h"

static bt_status no_rungs(const char *params, int epochs, int rung[BTI_RUNGS_MAX], int *n,
                          bt_error *err)
{
    (void)params, (void)epochs, (void)rung, (void)err;
    *n = 0;
    return BT_OK;
}

static bt_status go_on(const bti_prune_ask *ask, bool *stop, bt_error *err)
{
    (void)ask, (void)err;
    *stop = false;
    return BT_OK;
}

const bti_pruner_ops bti_pruner_none = {
    .name = "none", .help = "every trial to its end", .cost = 1, .rungs = no_rungs, .ask = go_on};
