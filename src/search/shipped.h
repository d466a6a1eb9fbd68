/* SPDX-License-Identifier: Apache-2.0
 *
 * Search spaces that travel inside the program (examples/spaces/, embedded by
 * cmake/EmbedFiles.cmake).
 */
#ifndef BTI_SHIPPED_H
#define BTI_SHIPPED_H

typedef struct bti_shipped {
    const char *name; /* "brief"; NULL ends the table */
    const char *text; /* the YAML file */
} bti_shipped;

extern const bti_shipped bti_shipped_spaces[];

#endif
