/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON text. Our own writer because jansson prints 17 digits ("0.10000000000000001") and refuses
 * non-finite numbers; the layout is that of Python's json.dumps.
 */
#include "base/json.h"

#include "base/json_int.h"
#include "base/str.h"
#include <jansson.h>
#include <math.h>

typedef struct text_writer {
    bti_str out;
    int indent; /* 0: one line */
} text_writer;

static void add_string(bti_str *out, const char *s)
{
    const char *run = s;

    bti_str_add(out, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        bti_str_addn(out, run, (size_t)(s - run));
        run = s + 1;
        if (c == '"' || c == '\\')
            bti_str_addf(out, "\\%c", c);
        else if (c == '\n')
            bti_str_add(out, "\\n");
        else if (c == '\t')
            bti_str_add(out, "\\t");
        else
            bti_str_addf(out, "\\u%04x", c);
    }
    bti_str_addn(out, run, (size_t)(s - run));
    bti_str_add(out, "\"");
}

static void add_real(bti_str *out, double v)
{
    char buf[32];

    if (!isfinite(v)) {
        bti_str_add(out, "null");
        return;
    }
    bti_str_add(out, bti_format_double(buf, v));
    if (!strpbrk(buf, ".e")) /* stays a real when read back */
        bti_str_add(out, ".0");
}

static void add_break(text_writer *w, int depth)
{
    if (w->indent)
        bti_str_addf(&w->out, "\n%*s", w->indent * depth, "");
}

static void add_value(text_writer *w, const json_t *v, int depth);

static void add_array(text_writer *w, const json_t *v, int depth)
{
    size_t n = json_array_size(v);

    bti_str_add(&w->out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            bti_str_add(&w->out, w->indent ? "," : ", ");
        add_break(w, depth + 1);
        add_value(w, json_array_get(v, i), depth + 1);
    }
    if (n)
        add_break(w, depth);
    bti_str_add(&w->out, "]");
}

static void add_object(text_writer *w, const json_t *v, int depth)
{
    json_t *object =
        (json_t *)(uintptr_t)v; /* the iterator takes a mutable object; it only reads */
    bool first = true;

    bti_str_add(&w->out, "{");
    for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
        if (!first)
            bti_str_add(&w->out, w->indent ? "," : ", ");
        first = false;
        add_break(w, depth + 1);
        add_string(&w->out, json_object_iter_key(it));
        bti_str_add(&w->out, ": ");
        add_value(w, json_object_iter_value(it), depth + 1);
    }
    if (!first)
        add_break(w, depth);
    bti_str_add(&w->out, "}");
}

static void add_value(text_writer *w, const json_t *v, int depth)
{
    if (bti_json_is_broken(v)) {
        w->out.failed = true;
        return;
    }
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        add_object(w, v, depth);
        break;
    case JSON_ARRAY:
        add_array(w, v, depth);
        break;
    case JSON_STRING:
        add_string(&w->out, json_string_value(v));
        break;
    case JSON_INTEGER:
        bti_str_addf(&w->out, "%lld", (long long)json_integer_value(v));
        break;
    case JSON_REAL:
        add_real(&w->out, json_real_value(v));
        break;
    case JSON_TRUE:
        bti_str_add(&w->out, "true");
        break;
    case JSON_FALSE:
        bti_str_add(&w->out, "false");
        break;
    case JSON_NULL:
        bti_str_add(&w->out, "null");
        break;
    }
}

char *bti_json_text(const bti_json *v, int indent)
{
    text_writer w = {.indent = indent};

    if (!v)
        return NULL;
    add_value(&w, v, 0);
    return bti_str_take(&w.out);
}
