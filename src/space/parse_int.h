/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of reading one space file, shared by space_parse.c and the parse_*.c files of this
 * folder. Every function fails with the file and the line of what it read.
 */
#ifndef BTI_PARSE_INT_H
#define BTI_PARSE_INT_H

#include "base/alloc.h"
#include "base/error.h"
#include "space/space_int.h"
#include <stdarg.h>

typedef struct bti_parser {
    bti_space *s;
    bool hyper;     /* slots made now belong to training or augmentation */
    bti_when scope; /* conditions of the mappings around */
    bt_error *err;
} bti_parser;

/* ---- space_parse.c ---- */
/* BT_INVAL at a line of the file. */
bt_status bti_parse_fail(bti_parser *p, int line, const char *fmt, ...) BT_PRINTF(3, 4);
/* "unknown WHAT 'word' in CONTEXT", with the nearest of `names` or all of them (NULL-terminated).
 */
bt_status bti_parse_unknown(bti_parser *p, int line, const char *what, const char *word,
                            const char *context, const char *const *names);
/* `y` must be a mapping with only these keys. */
bt_status bti_parse_keys(bti_parser *p, const bti_yaml *y, const char *context,
                         const char *const *names);
void *bti_parse_alloc(bti_parser *p, size_t n, size_t size); /* zeroed, in the space's arena */
const char *bti_parse_name(bti_parser *p, const char *fmt, ...) BT_PRINTF(2, 3); /* in the arena */
bt_status bti_parse_item(bti_parser *p, bti_item item);

/* ---- parse_domain.c ---- */
bool bti_yaml_is_domain(const bti_yaml *y); /* a mapping with one of the forms of 4.1 */
bt_status bti_parse_value(bti_parser *p, const bti_yaml *y,
                          bti_value *out); /* literal, or $classes ... */
/* Makes the slot `name` (or its `id:`) of a scalar, a domain, or a list of conditional ones. */
bt_status bti_parse_slot(bti_parser *p, const bti_yaml *y, const char *name, int *slot);
/* The same as an item of its own. */
bt_status bti_parse_single(bti_parser *p, const bti_yaml *y, const char *name, int *slot);
/* A slot that is a given constant. */
bt_status bti_parse_fixed(bti_parser *p, int line, bti_value v, const char *name, int *slot);
/* A slot that is a choice among given values (one value: a constant). */
bt_status bti_parse_choice(bti_parser *p, int line, const bti_value *v, int n, const char *name,
                           int *slot);

/* ---- parse_when.c ---- */
/* The earlier slot that a condition or a bound names. */
bt_status bti_parse_ref(bti_parser *p, int line, const char *word, int *slot);
/* Conditions of a `when:` mapping after those of p->scope. y NULL: the scope alone. */
bt_status bti_parse_when(bti_parser *p, const bti_yaml *y, bti_when *out);

/* ---- parse_blocks.c, parse_recipe.c, parse_rules.c ---- */
bt_status bti_parse_blocks(bti_parser *p, const bti_yaml *y);
bt_status bti_parse_tail(bti_parser *p, const bti_yaml *y);
bt_status bti_parse_budget(bti_parser *p, const bti_yaml *y);
bt_status bti_parse_train(bti_parser *p, const bti_yaml *y);
bt_status bti_parse_augment(bti_parser *p, const bti_yaml *y);
bt_status bti_parse_constraints(bti_parser *p, const bti_yaml *y);
bt_status bti_parse_objectives(bti_parser *p, const bti_yaml *y);
bt_status bti_parse_select(bti_parser *p, const bti_yaml *y);

#endif
