/* SPDX-License-Identifier: Apache-2.0
 *
 * A network as a row of numbers that say what it is like, whatever parameters made it: what a
 * surrogate of measured networks learns from.
 */
#ifndef NETWORK_FEATURES_H
#define NETWORK_FEATURES_H

#include "model/graph.h"

#define FEATURE_SIDES 4 /* sides 32, 16, 8 and 4 or less */

/* Those marked log are log(1 + x). */
typedef enum feature {
    FEATURE_PARAMS,     /* log */
    FEATURE_MACS,       /* log */
    FEATURE_MEMORY,     /* log: largest sum of maps alive at once */
    FEATURE_MAPS,       /* log: elements of all maps */
    FEATURE_DENSE_MACS, /* log: of dense convolutions wider than 1x1 ... */
    FEATURE_POINT_MACS, /* ... 1x1 ones ... */
    FEATURE_DEPTH_MACS, /* ... depthwise ... */
    FEATURE_GROUP_MACS, /* ... and other grouped ones */
    FEATURE_CONVS,      /* how many: convolutions ... */
    FEATURE_WIDE_CONVS, /* ... wider than 1x1 ... */
    FEATURE_KERNEL_5,   /* ... and than 3x3 ... */
    FEATURE_STRIDES,    /* ... that halve the map */
    FEATURE_ACTS,       /* activations ... */
    FEATURE_HARDSWISH,  /* ... share of them */
    FEATURE_ADDS,
    FEATURE_SCALES,
    FEATURE_LAST_SIDE,     /* log: of the map that is pooled at the end */
    FEATURE_LAST_CHANNELS, /* log: of that map */
    FEATURE_NARROWEST,     /* log: fewest channels of a map ... */
    FEATURE_TIGHTEST,      /* log: ... fewest elements */
    FEATURE_FIELD,         /* log: receptive field, pixels */
    FEATURE_SIDE_CONVS,    /* of each side: how many ... */
    FEATURE_SIDE_MACS = FEATURE_SIDE_CONVS + FEATURE_SIDES,   /* log */
    FEATURE_SIDE_PARAMS = FEATURE_SIDE_MACS + FEATURE_SIDES,  /* log */
    FEATURE_SIDE_WIDTH = FEATURE_SIDE_PARAMS + FEATURE_SIDES, /* log: most channels */
    FEATURES = FEATURE_SIDE_WIDTH + FEATURE_SIDES
} feature;

void features_of(const bti_graph *g, double out[FEATURES]);

#endif
