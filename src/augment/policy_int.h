/* SPDX-License-Identifier: Apache-2.0
 *
 * A parsed policy as the pipeline reads it; nobody else includes this.
 * Items are sorted by stage, so that "flip+randaugment" and "randaugment+flip" are the same policy.
 */
#ifndef BTI_POLICY_INT_H
#define BTI_POLICY_INT_H

#include "augment/augment.h"
#include <stdbool.h>

#define BTI_POLICY_ITEMS 32
#define BTI_POLICY_KEYS 3

/* In the order of application. */
typedef enum bti_stage { BTI_STAGE_PIXELS, BTI_STAGE_FLIP, BTI_STAGE_CROP } bti_stage;

typedef enum bti_item_kind {
#define POLICY(id, ...) BTI_ITEM_##id,
#include "augment/policy.def"
#undef POLICY
    BTI_ITEM_COUNT,
    BTI_ITEM_OP = BTI_ITEM_COUNT, /* a single operation of ops.def */
} bti_item_kind;

/* Positions in `arg`: the order of the keys in policy.def. */
enum { BTI_ARG_N, BTI_ARG_M, BTI_ARG_LEVELS }; /* RANDAUGMENT */
enum { BTI_ARG_FLIP_P };                       /* FLIP */
enum { BTI_ARG_PAD, BTI_ARG_FILL_MEAN };       /* CROP */
enum { BTI_ARG_VALUE, BTI_ARG_P };             /* OP */

typedef struct bti_policy_item {
    bti_item_kind kind;
    bti_stage stage;
    bti_op op; /* of BTI_ITEM_OP */
    double arg[BTI_POLICY_KEYS];
} bti_policy_item;

struct bti_policy {
    int n;
    bti_policy_item item[BTI_POLICY_ITEMS];
};

/* ---- random-number slots: one per item, independent of what else is in the policy ---- */
enum {
    BTI_SLOT_FLIP = 1,
    BTI_SLOT_CROP = 2,
    BTI_SLOT_PIXELS = 16 /* + position among pixel items */
};

/* ---- RandAugment (randaugment.c) ---- */
#define BTI_RANDAUGMENT_OPS 14

/* The i-th of RandAugment's operations, in torchvision's order. */
bti_op bti_randaugment_op(int i);

/* The value of `op` at bin m of `levels` for an h x w image, in the operation's unit; sign -1 or
 * +1, ignored by operations without one. torchvision 0.14, RandAugment._augmentation_space. */
double bti_randaugment_value(bti_op op, int m, int levels, int h, int w, int sign);

#endif
