/* SPDX-License-Identifier: Apache-2.0
 *
 * Under what changes of the images a model is measured: operations of augment/ at fixed values.
 */
#ifndef BTI_UNDER_H
#define BTI_UNDER_H

#include "augment/augment.h"

typedef struct bti_change {
    bti_op op;
    double value; /* in the operation's unit; NaN for one without */
} bti_change;

typedef struct bti_changes {
    int n, cap;
    bti_change *change;
} bti_changes;

/* `text` is OP, OP:VALUE or "all": every operation at a third, two thirds and all of the range that
 * policies draw from (Rotate 10, 20, 30), in both directions where it has two, once where it has no
 * value; not what needs another image. Appends; BT_INVAL names the nearest operation, or the range.
 * h, w: of the images. */
bt_status bti_changes_add(bti_changes *c, const char *text, int h, int w, bt_error *err);
void bti_changes_release(bti_changes *c);

/* The policy that makes this change to every image; yours (bti_policy_free). */
bt_status bti_change_policy(bti_policy **out, const bti_change *change, bt_error *err);

#endif
