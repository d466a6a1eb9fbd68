/* SPDX-License-Identifier: Apache-2.0
 *
 * Which samples are held out of a pool, for validation or as test: stratified, seeded, and with
 * groups of near-duplicates kept together.
 */
#ifndef BTI_HOLDOUT_H
#define BTI_HOLDOUT_H

#include "bantam/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct bti_pool {
    int64_t n;
    int classes;
    const int32_t *label; /* n, 0..classes-1 */
    const int32_t *group; /* n, from 0; samples of one number stay together; NULL: each is alone */
} bti_pool;

/* Each choice has its own slot, so that the same seed serves all of them. */
enum { BTI_HOLD_SUBSET, BTI_HOLD_VAL, BTI_HOLD_TEST, BTI_HOLD_FOLD };

/* Sets mark[i] (n, zeroed) of k samples. Of each class its proportional share, by largest
 * remainder; of a class of 2 or more at least one, of 10 or more at least two, if k allows for it;
 * at least `keep` of each class are left. Without groups exactly k as far as `keep` allows; with
 * groups as near as whole groups come. slot: BTI_HOLD_*. */
bt_status bti_hold_out(uint8_t *mark, const bti_pool *pool, int64_t k, int keep, uint64_t seed,
                       uint32_t slot, bt_error *err);

#endif
