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
#define BTI_PLAN_TILES 9

/* How images meet in one canvas (plan_mix.c); an image gets at most one of these. */
typedef enum bti_plan_mix {
    BTI_PLAN_MOSAIC,
    BTI_PLAN_MOSAIC9,
    BTI_PLAN_MIXUP,
    BTI_PLAN_CUTMIX,
    BTI_PLAN_COPY_PASTE,
    BTI_PLAN_MIXES
} bti_plan_mix;

typedef struct bti_step {
    bti_op op;
    double value;
    double draw[BTI_OP_DRAWS];
    int64_t partner; /* image mixed in, -1: none */
} bti_step;

/* An image in the canvas: image `source` at w x h pixels, its top left corner at (x, y), seen in
 * columns x0..x1 and rows y0..y1, which may be none. Later tiles are painted over earlier ones. */
typedef struct bti_tile {
    int64_t source;
    int w, h, x, y;
    int x0, y0, x1, y1;
    double opacity; /* 0..1 */
} bti_tile;

typedef struct bti_plan {
    int64_t source;
    int copy; /* 0: the image as it is */
    int w, h;
    bti_plan_mix mix; /* of n_tiles > 0 */
    int n_tiles;      /* 0: the image alone */
    bti_tile tile[BTI_PLAN_TILES];
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
    double mix[BTI_PLAN_MIXES]; /* probabilities, at most 1 in all */
} bti_plan_rules;

/* Whether images of this set can be planned: BT_INVAL says what is too large, or that the policy
 * mixes images. */
bt_status bti_plan_check(const bti_plan_rules *rules, bt_error *err);
const char *bti_plan_mix_name(bti_plan_mix mix);
/* Draws whether the image is mixed, how, and its tiles. */
void bti_plan_draw_mix(bti_plan *p, const bti_plan_rules *rules, bti_rng *rng);
/* Copy `copy` (from 1) of image `source`; copy 0 is the image as it is. */
void bti_plan_draw(bti_plan *p, const bti_plan_rules *rules, int64_t source, int copy);
/* Adds what is left of the boxes to image `image` of `out`; *dropped counts the others. */
bt_status bti_plan_boxes(const bti_plan *p, const bti_box_set *set, const bti_box_rules *rules,
                         bti_box_set *out, int32_t image, int64_t *dropped, bt_error *err);
/* The pixels; *out is yours. */
bt_status bti_plan_pixels(const bti_plan *p, const bti_plan_rules *rules, bti_image *out,
                          bt_error *err);
/* {"source", "copy" are the caller's; "mosaic" or another mix: [...], "operations": [...], "flip",
 * ...} into row.
 */
void bti_plan_to_json(const bti_plan *p, const bti_box_set *set, bti_json *row);

#endif
