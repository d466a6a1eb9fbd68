/* SPDX-License-Identifier: Apache-2.0
 *
 * The side that images are brought to when nobody says: from their sizes and from what the budget
 * can train. docs/own-images.md has the rule in words.
 */
#ifndef BTI_RESOLUTION_H
#define BTI_RESOLUTION_H

#include <stddef.h>

typedef struct bti_image_sizes {
    int own;     /* side of all images if they are square and alike, at most 64 pixels; else 0 */
    int shorter; /* median of the shorter sides; 0: unknown */
} bti_image_sizes;

/* One of 32, 48, 64, 96, 128, 224: the largest that is not far above the images' own size
 * (1.25 times the median shorter side) and that networks of `macs` multiply-accumulates an image
 * can fill (1,000 a pixel). The least is 32; images that are all alike and not larger than what
 * comes out keep their own size. `why`: one clause for people. */
int bti_resolution_choose(const bti_image_sizes *s, double macs, char *why, size_t cap);

#endif
