/* SPDX-License-Identifier: Apache-2.0
 *
 * The space `auto`: seven blocks after examples/spaces/brief.yaml whose stride budget follows the
 * resolution and whose widths and cost ceiling follow what the budget can train. Written as an
 * ordinary space file, so that a person can read it, change it and give it back with --space.
 */
#ifndef BTI_AUTO_SPACE_H
#define BTI_AUTO_SPACE_H

#include "bantam/status.h"
#include <stdbool.h>

typedef struct bti_auto_space {
    int size;        /* side of the images in pixels */
    double width;    /* of the blocks: one of bti_auto_widths */
    double max_macs; /* constraint of a network; 0: none */
    int batch;       /* images a step; the learning rate is 0.1 a 128 of them */
    double passes;   /* of a trial over its images: strong augmentation needs many */
    bool unequal;    /* classes: rare ones count more, balanced accuracy decides */
} bti_auto_space;

/* Ascending; 1: about fashion7's channels, 3: about brief's. 0 ends the list. */
extern const double bti_auto_widths[];

/* The space of a size when nothing is known of data and budget: for `bantam space info auto`. */
bti_auto_space bti_auto_space_of(int size);

/* The file's text; yours (bti_free). */
bt_status bti_auto_space_text(char **text, const bti_auto_space *a, bt_error *err);

/* Whether a --space option means this space: NULL or "auto". */
bool bti_is_auto(const char *option);
/* Whether a space file was written by bti_auto_space_text. */
bool bti_is_auto_text(const char *text);

#endif
