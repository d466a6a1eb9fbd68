/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that makes one augmented image, as numbers: drawn from an address, written to the
 * manifest, and applied to boxes (without pixels) and to pixels.
 */
#ifndef BTI_PLAN_H
#define BTI_PLAN_H

#include "augment/policy_int.h"
#include "augment/shape.h"
#include "base/json.h"

#define BTI_PLAN_STEPS 64

typedef struct bti_step {
    bti_op op;
    double value;
    double draw[BTI_OP_DRAWS];
    int64_t partner; /* image mixed in, -1: none */
} bti_step;

/* A quarter of a mosaic: image `source` at w x h pixels, its top left corner at (x, y) of the
 * canvas, seen in columns x0..x1 and rows y0..y1. */
typedef struct bti_tile {
    int64_t source;
    int w, h, x, y;
    int x0, y0, x1, y1;
} bti_tile;

typedef struct bti_plan {
    int64_t source;
    int copy; /* 0: the image as it is */
    int w, h;
    bool mosaic;
    bti_tile tile[4]; /* left to right, top to bottom; the first is the source */
    int n;
    bti_step step[BTI_PLAN_STEPS];
    bti_window win;
} bti_plan;

/* The images that plans are about; of a set with boxes, or of a folder. */
typedef struct bti_plan_rules {
    const bti_policy *policy;
    const bti_box_set *set;
    int64_t n_partners; /* the first so many images may be mixed in */
    uint64_t seed;
    double mosaic; /* probability */
} bti_plan_rules;

/* Whether images of this set can be planned: BT_INVAL says what is too large, or that the policy
 * mixes images. */
bt_status bti_plan_check(const bti_plan_rules *rules, bt_error *err);
/* Copy `copy` (from 1) of image `source`; copy 0 is the image as it is. */
void bti_plan_draw(bti_plan *p, const bti_plan_rules *rules, int64_t source, int copy);
/* Adds what is left of the boxes to image `image` of `out`; *dropped counts the others. */
bt_status bti_plan_boxes(const bti_plan *p, const bti_box_set *set, const bti_box_rules *rules,
                         bti_box_set *out, int32_t image, int64_t *dropped, bt_error *err);
/* The pixels; *out is yours. */
bt_status bti_plan_pixels(const bti_plan *p, const bti_plan_rules *rules, bti_image *out,
                          bt_error *err);
/* {"source", "copy" are the caller's; "mosaic": [...], "operations": [...], "flip", ...} into row.
 */
void bti_plan_to_json(const bti_plan *p, const bti_box_set *set, bti_json *row);

#endif
