/* SPDX-License-Identifier: Apache-2.0
 *
 * Search spaces that travel inside the program (examples/spaces/, embedded by
 * cmake/EmbedFiles.cmake), and where the text of a space comes from.
 */
#ifndef BTI_SHIPPED_H
#define BTI_SHIPPED_H

#include "bantam/status.h"

typedef struct bti_shipped {
    const char *name; /* "brief"; NULL ends the table */
    const char *text; /* the YAML file */
} bti_shipped;

extern const bti_shipped bti_shipped_spaces[];

/* The text of a space file, or else of the shipped space of that name; yours (bti_free). BT_IO,
 * with the nearest name, if there is neither. */
bt_status bti_space_source(char **text, const char *name, bt_error *err);

#endif
