/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits that no network of a space keeps: what the least would have been.
 */
#ifndef BTI_LIMITS_H
#define BTI_LIMITS_H

#include "search/run.h"

/* Replaces the reason in err, of a space in which no network within the limits was found, by one
 * line: the first limit of the options that is out of reach and the smallest value that a descent
 * found; or that each is in reach alone. Leaves err as it is where the run has no limits that are
 * known before training. */
void bti_limits_explain(const bti_run *run, bt_error *err);

#endif
