/* SPDX-License-Identifier: Apache-2.0
 *
 * A box on its way through operations: a convex polygon that moves with the pixels and is cut where
 * they leave the image, so that the box about it at the end is as tight as four corners allow.
 */
#ifndef BTI_SHAPE_H
#define BTI_SHAPE_H

#include "data/boxes.h"

#define BTI_SHAPE_POINTS 48

typedef struct bti_shape {
    int n; /* 0: nothing is left */
    double x[BTI_SHAPE_POINTS], y[BTI_SHAPE_POINTS];
    double visible; /* share of its area that was neither cut off nor painted over so far */
    bool cut;       /* something left the image */
} bti_shape;

/* Columns x0..x1, rows y0..y1. */
typedef struct bti_rect {
    double x0, y0, x1, y1;
} bti_rect;

void bti_shape_init(bti_shape *s, const bti_box *box);
/* m: where the pixels of the new image come from (bti_op_map_fn); `keep`: the part of the new image
 * in which they can be seen. */
void bti_shape_move(bti_shape *s, const double m[9], bti_rect keep);
/* A part of the image is painted over. The shape stays, less of it is visible; what two paintings
 * hide in common counts twice. */
void bti_shape_hide(bti_shape *s, bti_rect painted);

typedef struct bti_box_rules {
    double min_visible; /* share of the area, 0..1 */
    double min_side;    /* pixels */
    bool whole_pixels;  /* sides are moved outwards to whole pixels */
} bti_box_rules;

/* The box about the shape into *box (other fields stay; truncated is set if the shape was cut);
 * false if the rules drop it. */
bool bti_shape_box(const bti_shape *s, const bti_box_rules *rules, bti_box *box);

#endif
