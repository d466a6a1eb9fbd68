/* SPDX-License-Identifier: Apache-2.0
 *
 * A scalar as model files, search spaces and studies know it.
 */
#ifndef BTI_VALUE_H
#define BTI_VALUE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum bti_value_kind {
    BTI_NULL, /* zeroed struct */
    BTI_BOOL,
    BTI_INT,
    BTI_FLOAT,
    BTI_STR,
} bti_value_kind;

typedef struct bti_value {
    bti_value_kind kind;
    union {
        bool b;
        int64_t i;
        double f;
        const char *s; /* borrowed from an arena */
    } u;
} bti_value;

bti_value bti_value_int(int64_t i);
bti_value bti_value_float(double f);
bti_value bti_value_bool(bool b);
bti_value bti_value_str(const char *s);

/* Resolves plain (unquoted) text by YAML 1.2 core rules plus True/False: null ~ true 12 0x1f 1e-3
 * .inf text. */
bti_value bti_value_from_text(const char *text);

/* Number of a BOOL (0/1), INT or FLOAT; NaN otherwise. */
double bti_value_num(bti_value v);
bool bti_value_is_num(bti_value v); /* INT or FLOAT */
/* Equal in kind and content; INT 1 equals FLOAT 1.0, BOOL does not equal INT. */
bool bti_value_equal(bti_value a, bti_value b);

/* Text that reads back as the same value (strings quoted when they must be); buf of 64 bytes is
 * enough for numbers, longer strings are cut: pass their length + 3. Returns buf. */
char *bti_value_text(char *buf, int cap, bti_value v);

#endif
