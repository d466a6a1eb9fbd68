/* SPDX-License-Identifier: Apache-2.0
 *
 * Mixing whole images into one another, with the label that follows: MixUp, CutMix and Mosaic.
 * All three are rectangles of other images, painted over the image with an opacity; each image's
 * share of the label is the share of what is seen of it.
 */
#ifndef BTI_MIX_H
#define BTI_MIX_H

#include "augment/policy_int.h"

#define BTI_MIX_PARTS 3

/* Columns [x0, x1) and rows [y0, y1) of another image. */
typedef struct bti_mix_part {
    int x0, x1, y0, y1;
    double opacity; /* 0..1 */
    double who;     /* in [0, 1): which of the images that may be mixed in */
    double share;   /* of the label */
} bti_mix_part;

/* No part overlaps another. */
typedef struct bti_mix {
    int n; /* 0: the image stays alone */
    bti_mix_part part[BTI_MIX_PARTS];
    double own; /* the image's own share of the label: 1 less the parts' */
} bti_mix;

/* What one item of BTI_STAGE_MIX does to one image of h x w pixels. */
void bti_mix_draw(bti_mix *out, const bti_policy_item *item, bti_rng *rng, int h, int w);

/* Paints the part of `other` over x, both (c,h,w). */
void bti_mix_paint(float *x, const float *other, const bti_mix_part *part, int c, int h, int w);

#endif
