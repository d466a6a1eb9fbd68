/* SPDX-License-Identifier: Apache-2.0
 *
 * A YAML document as a tree with line numbers, over libfyaml (the only folder that sees its
 * header). Mappings, sequences, scalars, flow style, comments, anchors and aliases; one document a
 * file.
 */
#ifndef BTI_YAML_H
#define BTI_YAML_H

#include "bantam/status.h"
#include "base/arena.h"
#include "base/value.h"
#include <stdbool.h>

typedef enum bti_yaml_kind { BTI_YAML_SCALAR, BTI_YAML_SEQ, BTI_YAML_MAP } bti_yaml_kind;

typedef struct bti_yaml {
    bti_yaml_kind kind;
    int line;                      /* 1-based */
    const char *text;              /* scalar: its text, never NULL */
    bti_value value;               /* scalar: its typed value (YAML 1.2 core; also True/False) */
    int n;                         /* children of a seq, pairs of a map */
    const struct bti_yaml **child; /* seq: elements; map: values */
    const char **key;              /* map only: n keys, in file order */
    const int *key_line;           /* map only */
} bti_yaml;

/* Parses into `arena`; the tree lives as long as it. `where` names the file in errors.
 * BT_FORMAT with where:line for malformed YAML, duplicate keys, tabs, several documents, or an
 * empty one. */
bt_status bti_yaml_parse(const bti_yaml **out, bti_arena *arena, const char *text, size_t n,
                         const char *where, bt_error *err);
bt_status bti_yaml_read(const bti_yaml **out, bti_arena *arena, const char *path, bt_error *err);

const bti_yaml *bti_yaml_get(const bti_yaml *map,
                             const char *key); /* NULL if absent or not a map */

#endif
