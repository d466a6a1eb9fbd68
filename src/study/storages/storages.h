/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of stores (the operations of every line of storages.def) and what they share.
 */
#ifndef BTI_STORAGES_H
#define BTI_STORAGES_H

#include "study/study.h"

/* Sum of what is above 0 in Optuna's list "constraints"; 0 for NULL. */
double bti_constraint_violation(const bti_json *list);
/* What every store checks before it ends a trial: a finished state, and for COMPLETE a value for
 * each objective that is not NaN (Optuna's tables cannot hold one: use FAIL). */
bt_status bti_finish_check(const bti_storage *s, bti_trial_state state, const double *values,
                           bt_error *err);

#define STORAGE(scheme, ops) extern const bti_storage_ops ops;
#include "study/storages/storages.def"
#undef STORAGE

#endif
