/* SPDX-License-Identifier: Apache-2.0
 *
 * Scalars and their text. The rules are YAML 1.2's core schema (10.3.2): only what matches a
 * pattern whole is a number or a boolean, everything else is a string.
 */
#include "base/value.h"

#include "base/str.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>

bti_value bti_value_int(int64_t i)
{
    return (bti_value){.kind = BTI_INT, .u.i = i};
}

bti_value bti_value_float(double f)
{
    return (bti_value){.kind = BTI_FLOAT, .u.f = f};
}

bti_value bti_value_bool(bool b)
{
    return (bti_value){.kind = BTI_BOOL, .u.b = b};
}

bti_value bti_value_str(const char *s)
{
    return (bti_value){.kind = BTI_STR, .u.s = s};
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
}

/* 0x1f and 0o17, unsigned as in the core schema. */
static bool parse_prefixed(const char *text, int64_t *out)
{
    int base = text[0] != '0' ? 0 : text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : 0;
    char *end;

    if (!base || !isxdigit((unsigned char)text[2]))
        return false;
    errno = 0;
    long long v = strtoll(text + 2, &end, base);
    if (errno || *end)
        return false;
    *out = v;
    return true;
}

static bool parse_special_float(const char *text, double *out)
{
    static const char *const inf[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nan[] = {".nan", ".NaN", ".NAN", NULL};
    bool minus = text[0] == '-';
    const char *rest = text + (minus || text[0] == '+');

    if (is_one_of(rest, inf)) {
        *out = minus ? -INFINITY : INFINITY;
        return true;
    }
    if (is_one_of(text, nan)) {
        *out = NAN;
        return true;
    }
    return false;
}

bti_value bti_value_from_text(const char *text)
{
    static const char *const null[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    int64_t i;
    double f;

    if (is_one_of(text, null))
        return (bti_value){0};
    if (is_one_of(text, yes))
        return bti_value_bool(true);
    if (is_one_of(text, no))
        return bti_value_bool(false);
    if (bti_parse_int(text, INT64_MIN, INT64_MAX, &i) || parse_prefixed(text, &i))
        return bti_value_int(i);
    if (bti_parse_double(text, &f) || parse_special_float(text, &f))
        return bti_value_float(f);
    return bti_value_str(text);
}

double bti_value_num(bti_value v)
{
    switch (v.kind) {
    case BTI_BOOL:
        return v.u.b;
    case BTI_INT:
        return (double)v.u.i;
    case BTI_FLOAT:
        return v.u.f;
    case BTI_NULL:
    case BTI_STR:
        break;
    }
    return NAN;
}

bool bti_value_is_num(bti_value v)
{
    return v.kind == BTI_INT || v.kind == BTI_FLOAT;
}

bool bti_value_equal(bti_value a, bti_value b)
{
    if (a.kind == BTI_INT && b.kind == BTI_INT)
        return a.u.i == b.u.i;
    if (bti_value_is_num(a) && bti_value_is_num(b))
        return bti_value_num(a) == bti_value_num(b);
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case BTI_BOOL:
        return a.u.b == b.u.b;
    case BTI_STR:
        return strcmp(a.u.s, b.u.s) == 0;
    case BTI_NULL:
    case BTI_INT:
    case BTI_FLOAT:
        break;
    }
    return true;
}

/* Plain in YAML's flow style too: the words of our vocabulary, and nothing that could be misread.
 */
static bool can_be_plain(const char *s)
{
    if (!isalpha((unsigned char)s[0]) && s[0] != '_' && s[0] != '$')
        return false;
    for (const char *p = s; *p; p++) {
        if (!isalnum((unsigned char)*p) && !strchr("_.-+$/", *p))
            return false;
    }
    return bti_value_from_text(s).kind == BTI_STR;
}

/* YAML double-quoted style. */
static void quote(char *buf, int cap, const char *s)
{
    int n = 0;

    if (cap < 3) {
        snprintf(buf, (size_t)cap, "%s", "");
        return;
    }
    buf[n++] = '"';
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        char piece[8];
        if (c == '"' || c == '\\')
            snprintf(piece, sizeof(piece), "\\%c", c);
        else if (c == '\n')
            snprintf(piece, sizeof(piece), "\\n");
        else if (c < 0x20 || c == 0x7f)
            snprintf(piece, sizeof(piece), "\\x%02x", c);
        else
            snprintf(piece, sizeof(piece), "%c", c);
        int len = (int)strlen(piece);
        if (n + len + 2 > cap)
            break;
        memcpy(buf + n, piece, (size_t)len);
        n += len;
    }
    buf[n++] = '"';
    buf[n] = 0;
}

/* A FLOAT must not read back as an INT: 1 becomes 1.0. */
static void float_text(char *buf, int cap, double f)
{
    char number[32];

    if (!isfinite(f)) {
        snprintf(buf, (size_t)cap, "%s", isnan(f) ? ".nan" : f > 0 ? ".inf" : "-.inf");
        return;
    }
    bti_format_double(number, f);
    snprintf(buf, (size_t)cap, "%s%s", number, strpbrk(number, ".e") ? "" : ".0");
}

char *bti_value_text(char *buf, int cap, bti_value v)
{
    switch (v.kind) {
    case BTI_NULL:
        snprintf(buf, (size_t)cap, "null");
        break;
    case BTI_BOOL:
        snprintf(buf, (size_t)cap, "%s", v.u.b ? "true" : "false");
        break;
    case BTI_INT:
        snprintf(buf, (size_t)cap, "%lld", (long long)v.u.i);
        break;
    case BTI_FLOAT:
        float_text(buf, cap, v.u.f);
        break;
    case BTI_STR:
        if (can_be_plain(v.u.s))
            snprintf(buf, (size_t)cap, "%s", v.u.s);
        else
            quote(buf, cap, v.u.s);
        break;
    }
    return buf;
}
