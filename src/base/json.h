/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON values over jansson (the only folder that sees its header). Written numbers are the shortest
 * text that reads back equal; a non-finite number is written as null.
 *
 * Ownership: a new value is yours until it is put into a parent (`_set`, `_append` take it, even on
 * failure). Building never needs checks in between: NULL parents and values are accepted and make
 * the final bti_json_text() return NULL.
 */
#ifndef BTI_JSON_H
#define BTI_JSON_H

#include "bantam/status.h"
#include "base/value.h"
#include <stdbool.h>

typedef struct json_t bti_json; /* jansson's type */

bti_json *bti_json_object(void); /* keys keep their insertion order */
bti_json *bti_json_array(void);
bti_json *bti_json_str(const char *s);
bti_json *bti_json_int(int64_t v);
bti_json *bti_json_num(double v); /* null if not finite */
bti_json *bti_json_bool(bool v);
bti_json *bti_json_null(void);
bti_json *bti_json_value(bti_value v);
void bti_json_free(bti_json *v);            /* only a value that has no parent */
bti_json *bti_json_copy(const bti_json *v); /* deep */

void bti_json_set(bti_json *object, const char *key, bti_json *value);
void bti_json_set_str(bti_json *object, const char *key, const char *v);
void bti_json_set_int(bti_json *object, const char *key, int64_t v);
void bti_json_set_num(bti_json *object, const char *key, double v);
void bti_json_set_bool(bti_json *object, const char *key, bool v);
void bti_json_append(bti_json *array, bti_json *value);

/* Borrowed children; NULL if absent or of another kind. */
const bti_json *bti_json_get(const bti_json *object, const char *key);
const bti_json *bti_json_at(const bti_json *array, size_t i);
size_t bti_json_len(const bti_json *v); /* elements of an array or object, else 0 */
/* i-th pair of an object in insertion order; false past the end. */
bool bti_json_pair(const bti_json *object, size_t i, const char **key, const bti_json **value);
/* All pairs in insertion order: `walk = bti_json_first(o); while (bti_json_next(&walk, &key,
 * &value))`. */
typedef struct bti_json_walk {
    const bti_json *object;
    void *at;
} bti_json_walk;
bti_json_walk bti_json_first(const bti_json *object);
bool bti_json_next(bti_json_walk *walk, const char **key, const bti_json **value);
bool bti_json_is_object(const bti_json *v);
bool bti_json_is_array(const bti_json *v);
bool bti_json_is_null(const bti_json *v); /* also true for NULL */
const char *bti_json_as_str(const bti_json *v, const char *otherwise);
int64_t bti_json_as_int(const bti_json *v, int64_t otherwise); /* whole reals count */
double bti_json_as_num(const bti_json *v, double otherwise);
bool bti_json_as_bool(const bti_json *v, bool otherwise);

/* Text with the given indent (0: one line, Python's ", " and ": " separators). Yours, bti_free.
 * NULL on no memory. */
char *bti_json_text(const bti_json *v, int indent);
bt_status bti_json_parse(bti_json **out, const char *text, size_t n, const char *where,
                         bt_error *err);
bt_status bti_json_read(bti_json **out, const char *path, bt_error *err);
bt_status bti_json_write(const bti_json *v, const char *path, bt_error *err); /* indent 2, atomic */

#endif
