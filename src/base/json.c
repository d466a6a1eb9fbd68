/* SPDX-License-Identifier: Apache-2.0
 *
 * Building, reading and parsing over jansson. A value that cannot be stored (no memory) leaves a
 * mark in its parent, `broken_value`, on which bti_json_text() gives up: callers build without
 * checks.
 */
#include "base/json.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json_int.h"
#include <jansson.h>
#include <math.h>

#include "base/json_int.h"

/* Compared by address only. The reference count is jansson's "never freed". */
static json_t broken_value = {JSON_NULL, (size_t)-1};

bool bti_json_is_broken(const bti_json *v)
{
    return v == &broken_value;
}

static void mark_broken(json_t *parent)
{
    if (json_is_array(parent)) {
        if (json_array_size(parent) == 0)
            json_array_append(parent, &broken_value);
        else
            json_array_set(parent, 0, &broken_value);
    } else if (json_is_object(parent)) {
        void *first = json_object_iter(parent);
        if (first)
            json_object_iter_set(parent, first, &broken_value);
        else
            json_object_set_nocheck(parent, "", &broken_value);
    }
}

/* Bytes of the UTF-8 sequence at s (RFC 3629), 0 if it is not one. */
static size_t utf8_length(const unsigned char *s)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;

    if (n <= 1)
        return n;
    unsigned code = s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[n] || code > 0x10ffff || surrogate ? 0 : n;
}

/* File names may hold any bytes; JSON may not: others become U+FFFD. NULL on no memory. */
static char *valid_utf8(const char *s)
{
    bti_str out = {0};

    bti_str_add(&out, "");
    while (*s) {
        size_t n = utf8_length((const unsigned char *)s);
        if (n)
            bti_str_addn(&out, s, n);
        else
            bti_str_add(&out, "\xef\xbf\xbd");
        s += n ? n : 1;
    }
    return bti_str_take(&out);
}

bti_json *bti_json_object(void)
{
    return json_object();
}

bti_json *bti_json_array(void)
{
    return json_array();
}

bti_json *bti_json_str(const char *s)
{
    if (!s)
        return json_null();
    json_t *v = json_string(s);
    if (v)
        return v;
    char *clean = valid_utf8(s);
    if (clean)
        v = json_string(clean);
    bti_free(clean);
    return v;
}

bti_json *bti_json_int(int64_t v)
{
    return json_integer(v);
}

bti_json *bti_json_num(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

bti_json *bti_json_bool(bool v)
{
    return json_boolean(v);
}

bti_json *bti_json_null(void)
{
    return json_null();
}

bti_json *bti_json_value(bti_value v)
{
    switch (v.kind) {
    case BTI_BOOL:
        return bti_json_bool(v.u.b);
    case BTI_INT:
        return bti_json_int(v.u.i);
    case BTI_FLOAT:
        return bti_json_num(v.u.f);
    case BTI_STR:
        return bti_json_str(v.u.s);
    default:
        return bti_json_null();
    }
}

void bti_json_free(bti_json *v)
{
    json_decref(v);
}

bti_json *bti_json_copy(const bti_json *v)
{
    return v ? json_deep_copy(v) : NULL;
}

void bti_json_set(bti_json *object, const char *key, bti_json *value)
{
    if (object && value && json_object_set(object, key, value) != 0) {
        char *clean = valid_utf8(key);
        if (!clean || json_object_set(object, clean, value) != 0)
            mark_broken(object);
        bti_free(clean);
    } else if (object && !value) {
        mark_broken(object);
    }
    json_decref(value);
}

void bti_json_set_str(bti_json *object, const char *key, const char *v)
{
    bti_json_set(object, key, bti_json_str(v));
}

void bti_json_set_int(bti_json *object, const char *key, int64_t v)
{
    bti_json_set(object, key, bti_json_int(v));
}

void bti_json_set_num(bti_json *object, const char *key, double v)
{
    bti_json_set(object, key, bti_json_num(v));
}

void bti_json_set_bool(bti_json *object, const char *key, bool v)
{
    bti_json_set(object, key, bti_json_bool(v));
}

void bti_json_append(bti_json *array, bti_json *value)
{
    if (array && (!value || json_array_append(array, value) != 0))
        mark_broken(array);
    json_decref(value);
}

const bti_json *bti_json_get(const bti_json *object, const char *key)
{
    return json_object_get(object, key);
}

const bti_json *bti_json_at(const bti_json *array, size_t i)
{
    return json_array_get(array, i);
}

size_t bti_json_len(const bti_json *v)
{
    return json_is_array(v) ? json_array_size(v) : json_object_size(v);
}

/* jansson's iterator takes a mutable object; it only reads. */
static json_t *mutable(const bti_json *object)
{
    return (json_t *)(uintptr_t)object;
}

bti_json_walk bti_json_first(const bti_json *object)
{
    return (bti_json_walk){object, json_object_iter(mutable(object))};
}

bool bti_json_next(bti_json_walk *walk, const char **key, const bti_json **value)
{
    if (!walk->at)
        return false;
    *key = json_object_iter_key(walk->at);
    *value = json_object_iter_value(walk->at);
    walk->at = json_object_iter_next(mutable(walk->object), walk->at);
    return true;
}

bool bti_json_pair(const bti_json *object, size_t i, const char **key, const bti_json **value)
{
    bti_json_walk walk = bti_json_first(object);

    while (bti_json_next(&walk, key, value)) {
        if (i-- == 0)
            return true;
    }
    return false;
}

bool bti_json_is_object(const bti_json *v)
{
    return json_is_object(v);
}

bool bti_json_is_array(const bti_json *v)
{
    return json_is_array(v);
}

bool bti_json_is_null(const bti_json *v)
{
    return !v || json_is_null(v);
}

const char *bti_json_as_str(const bti_json *v, const char *otherwise)
{
    return json_is_string(v) ? json_string_value(v) : otherwise;
}

int64_t bti_json_as_int(const bti_json *v, int64_t otherwise)
{
    if (json_is_integer(v))
        return json_integer_value(v);
    double real = json_is_real(v) ? json_real_value(v) : NAN;
    return fabs(real) < 9e15 && real == floor(real) ? (int64_t)real : otherwise;
}

double bti_json_as_num(const bti_json *v, double otherwise)
{
    return json_is_number(v) ? json_number_value(v) : otherwise;
}

bool bti_json_as_bool(const bti_json *v, bool otherwise)
{
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

bt_status bti_json_parse(bti_json **out, const char *text, size_t n, const char *where,
                         bt_error *err)
{
    json_error_t e;

    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (*out)
        return BT_OK;
    /* jansson gives a reason for all but some failed allocations */
    if (json_error_code(&e) == json_error_out_of_memory || !e.text[0])
        return bti_fail_nomem(err);
    return bti_fail_at(err, BT_FORMAT, where, e.line > 0 ? e.line : 0, "is not valid JSON: %s",
                       e.text);
}

bt_status bti_json_read(bti_json **out, const char *path, bt_error *err)
{
    char *text;
    size_t n;

    *out = NULL;
    bt_status rc = bti_file_read(path, (size_t)256 << 20, &text, &n, err);
    if (rc)
        return rc;
    rc = bti_json_parse(out, text, n, path, err);
    bti_free(text);
    return rc;
}

bt_status bti_json_write(const bti_json *v, const char *path, bt_error *err)
{
    char *text = bti_json_text(v, 2);
    if (!text)
        return bti_fail_nomem(err);
    bti_str all = {0};
    bti_str_add(&all, text);
    bti_str_add(&all, "\n");
    bti_free(text);
    bt_status rc =
        all.failed ? bti_fail_nomem(err) : bti_file_write(path, bti_str_c(&all), all.len, err);
    bti_str_release(&all);
    return rc;
}
