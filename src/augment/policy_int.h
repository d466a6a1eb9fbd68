/* SPDX-License-Identifier: Apache-2.0
 *
 * A parsed policy and what it draws; nobody outside this folder includes this.
 * Items are sorted by stage, so that "flip+randaugment" and "randaugment+flip" are the same policy.
 */
#ifndef BTI_POLICY_INT_H
#define BTI_POLICY_INT_H

#include "augment/augment.h"
#include "base/str.h"
#include <stdbool.h>

#define BTI_POLICY_ITEMS 32
#define BTI_POLICY_KEYS 3
#define BTI_LEVEL_ANY (-1)   /* m=any: drawn anew for each operation */
#define BTI_POLICY_SUBS 128  /* sub-policies of autoaugment */
#define BTI_POLICY_STEPS 256 /* operations of all sub-policies */

/* In the order of application. */
typedef enum bti_stage {
    BTI_STAGE_PIXELS,
    BTI_STAGE_FLIP,
    BTI_STAGE_CROP,
    BTI_STAGE_CUTOUT,
    BTI_STAGE_MIX /* other images, after all the rest: one of its items is drawn per image */
} bti_stage;

typedef enum bti_item_kind {
#define POLICY(id, ...) BTI_ITEM_##id,
#include "augment/policy.def"
#undef POLICY
    BTI_ITEM_COUNT,
    BTI_ITEM_OP = BTI_ITEM_COUNT, /* a single operation of ops.def */
} bti_item_kind;

/* Positions in `arg`: the order of the keys in policy.def. */
enum { BTI_ARG_N, BTI_ARG_M, BTI_ARG_LEVELS };                      /* RANDAUGMENT */
enum { BTI_ARG_TRIVIAL_LEVELS };                                    /* TRIVIALAUGMENT */
enum { BTI_ARG_POLICY, BTI_ARG_AUTO_LEVELS };                       /* AUTOAUGMENT */
enum { BTI_ARG_FLIP_P };                                            /* FLIP */
enum { BTI_ARG_PAD, BTI_ARG_FILL_MEAN };                            /* CROP */
enum { BTI_ARG_CUTOUT_P, BTI_ARG_RATIO, BTI_ARG_CUTOUT_FILL_MEAN }; /* CUTOUT */
enum { BTI_ARG_ALPHA, BTI_ARG_MIX_P };                              /* MIXUP, CUTMIX */
enum { BTI_ARG_MOSAIC_P };                                          /* MOSAIC */
enum { BTI_ARG_VALUE, BTI_ARG_P };                                  /* OP */

typedef struct bti_policy_item {
    bti_item_kind kind;
    bti_stage stage;
    bti_op op; /* of BTI_ITEM_OP */
    double arg[BTI_POLICY_KEYS];
    int first_sub, n_subs; /* of AUTOAUGMENT: its part of policy->sub */
} bti_policy_item;

/* One operation of a sub-policy: applied with probability p at `level` of the item's levels. */
typedef struct bti_policy_step {
    bti_op op;
    double p;
    int level;
} bti_policy_step;

/* A sub-policy: steps [first, first + n) in this order. */
typedef struct bti_policy_sub {
    int first, n;
} bti_policy_sub;

/* Plain data without pointers. */
struct bti_policy {
    int n, n_subs, n_steps;
    bti_policy_item item[BTI_POLICY_ITEMS];
    bti_policy_sub sub[BTI_POLICY_SUBS];
    bti_policy_step step[BTI_POLICY_STEPS];
};

/* "crop:pad=4,fill=mean": the canonical text of one item, appended. */
void bti_policy_item_text(const bti_policy *p, const bti_policy_item *item, bti_str *text);

/* ---- sub-policies (policy_sub.c) ---- */

/* Adds the sub-policy "OP/P/LEVEL|OP/P/LEVEL..." (n characters) to the last-begun item. */
bt_status bti_policy_add_sub(bti_policy *p, bti_policy_item *item, const char *text, size_t n,
                             bt_error *err);
/* Levels must lie below the item's `levels`, which may stand after them. */
bt_status bti_policy_check_subs(const bti_policy *p, const bti_policy_item *item, bt_error *err);
/* ",p0=...,p1=..." */
void bti_policy_subs_text(const bti_policy *p, const bti_policy_item *item, bti_str *text);

/* ---- policy files (policy_file.c) ---- */

/* A file of examples/policies, inside the program (cmake/EmbedFiles.cmake). */
typedef struct bti_shipped_policy {
    const char *name; /* "cifar10"; NULL ends the table */
    const char *text; /* the YAML file */
} bti_shipped_policy;
extern const bti_shipped_policy bti_shipped_policies[];

/* The policy text that a YAML file says; yours (bti_free). */
bt_status bti_policy_file_text(char **out, const char *path, bt_error *err);
/* The sub-policies of shipped file number i: "levels=10,p0=...", yours. */
bt_status bti_policy_shipped_text(char **out, int i, bt_error *err);

/* ---- random-number slots: one per item, independent of what else is in the policy ---- */
enum {
    BTI_SLOT_FLIP = 1,
    BTI_SLOT_CROP = 2,
    BTI_SLOT_CUTOUT = 3,
    BTI_SLOT_MIX = 4,
    BTI_SLOT_MOSAIC = 5,
    BTI_SLOT_PIXELS = 16,       /* + position among pixel items */
    BTI_SLOTS_A_COPY = 1 << 10, /* copy k of a sample has its slots from k times this on */
};

/* ---- what a policy draws for one image (draw.c) ---- */

/* Which image, of how many pixels. */
typedef struct bti_draw_at {
    uint64_t seed;
    uint32_t epoch, sample, copy; /* copy: how often it came before in the epoch */
    bool standard;                /* flip and crop only */
    int h, w;
} bti_draw_at;

/* Flip, crop and cutout: output (x, y) is the flipped image at (x + dx, y + dy), but a square of
 * fill at columns [x0, x1) and rows [y0, y1) of the output. */
typedef struct bti_window {
    bool flip;
    int dx, dy;
    int x0, x1, y0, y1;
} bti_window;

/* The random numbers of a slot of the image. */
bti_rng bti_draw_rng(const bti_draw_at *at, uint32_t slot);

/* One operation; it takes the draws of its row in ops.def from rng. */
typedef void bti_drawn_fn(void *user, bti_op op, double value, bti_rng *rng);

/* Calls `drawn` for the operations on pixels in their order, and draws the window. */
void bti_policy_draw(const bti_policy *p, const bti_draw_at *at, bti_drawn_fn *drawn, void *user,
                     bti_window *win);

/* ---- strengths (levels.c) ---- */
#define BTI_RANDAUGMENT_OPS 14

/* The i-th of RandAugment's (and TrivialAugment's) operations, in torchvision's order. */
bti_op bti_randaugment_op(int i);

/* The value of `op` at level m of n for an h x w image, in the operation's unit; sign -1 or +1,
 * ignored by operations without one. torchvision 0.14, RandAugment and AutoAugment,
 * _augmentation_space. */
double bti_op_level(bti_op op, int m, int n, int h, int w, int sign);

/* The same in TrivialAugmentWide's ranges. */
double bti_trivialaugment_value(bti_op op, int m, int n, int sign);

#endif
