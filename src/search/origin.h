/* SPDX-License-Identifier: Apache-2.0
 *
 * Going on from another study, and what an enqueued trial becomes.
 */
#ifndef BTI_ORIGIN_H
#define BTI_ORIGIN_H

#include "search/run.h"

/* Enqueues the front of the study `from` (--from) as WAITING trials of `st`, each with those of its
 * parameters that have a place and a value in `space`; names of the course's Optuna studies are
 * translated. Says through `progress` how many fit whole and what does not. Done once a study: the
 * attribute "bantam:from" remembers it. */
bt_status bti_origin_enqueue(bti_storage *st, const bti_space *space, const char *from,
                             uint64_t seed, const bt_progress *progress, bt_error *err);

/* The point of a WAITING trial: its fixed values where they fit, the rest drawn. *drawn: how many.
 */
bt_status bti_origin_point(bti_storage *st, const bti_space *space, const bti_trial *t,
                           bti_rng *rng, bti_point *out, int *drawn, bt_error *err);

#endif
