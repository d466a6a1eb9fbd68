/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing string, checked number parsers, and the nearest name for typos.
 */
#ifndef BTI_STR_H
#define BTI_STR_H

#include "bantam/status.h"
#include <stdbool.h>

/* Growing string. A zeroed struct is empty. After a failed append `failed` stays set and
 * further appends do nothing, so a whole text is built first and checked once. */
typedef struct bti_str {
    char *s; /* NUL-terminated once anything was appended; use bti_str_c() */
    size_t len, cap;
    bool failed;
} bti_str;

void bti_str_release(bti_str *b);
void bti_str_reset(bti_str *b); /* empties, keeps the buffer */
void bti_str_add(bti_str *b, const char *s);
void bti_str_addn(bti_str *b, const char *s, size_t n);
void bti_str_addf(bti_str *b, const char *fmt, ...) BT_PRINTF(2, 3);
const char *bti_str_c(const bti_str *b); /* "" when empty; borrowed */
char *bti_str_take(bti_str *b);          /* yours (bti_free), NULL if failed */

/* Whole-string parsers; false when anything is left over, empty, or out of range. */
bool bti_parse_int(const char *s, int64_t lo, int64_t hi, int64_t *out);
bool bti_parse_double(const char *s, double *out);   /* finite, decimal point always '.' */
bool bti_parse_bool(const char *s, bool *out);       /* true/false/yes/no/on/off/1/0, any case */
bool bti_parse_count(const char *s, int64_t *out);   /* "50k" "1.2M" "3G": SI suffixes */
bool bti_parse_duration(const char *s, double *out); /* "45s" "5m" "8h" "1d" "1h30m", seconds > 0 */
bool bti_parse_size(const char *s, int *h, int *w,
                    int *c); /* "32x32x3" (HWC) or "32x32" or "32"; absent c = 0 */

/* Shortest decimal text that reads back as the same double; buf >= 32 bytes. Returns buf. */
char *bti_format_double(char *buf, double v);
/* "12.3k", "2.24M", "873" for people; buf >= 16 bytes. Returns buf. */
char *bti_format_count(char *buf, double v);
/* "4m 12s" for people; buf >= 24 bytes. Returns buf. */
char *bti_format_duration(char *buf, double seconds);

bool bti_streq(const char *a, const char *b);
bool bti_has_prefix(const char *s, const char *prefix);
bool bti_has_suffix_nocase(const char *s, const char *suffix);

/* The closest of `names` (edit distance <= 1/2 of the length, at least 2), NULL if none is near.
 * `names` ends with NULL. */
const char *bti_nearest(const char *word, const char *const *names);

#endif
