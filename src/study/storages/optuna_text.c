/* SPDX-License-Identifier: Apache-2.0
 *
 * Optuna's spellings. Optuna parses what it reads, so any JSON would do for it; writing its own
 * text keeps `diff`, dashboards and notebooks that compare strings working.
 */
#include "study/storages/optuna_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Significant digits and decimal exponent of |v| in the shortest form that reads back equal. */
static int shortest_digits(double v, char digits[20], int *exponent)
{
    char buf[40];
    int n = 0;
    for (int precision = 0; precision < 17; precision++) {
        snprintf(buf, sizeof(buf), "%.*e", precision, v);
        if (strtod(buf, NULL) == v)
            break;
    }
    char *e = strchr(buf, 'e');
    *exponent = (int)strtol(e + 1, NULL, 10);
    for (const char *p = buf; p < e; p++)
        if (*p >= '0' && *p <= '9') /* skips the decimal point of any locale */
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = 0;
    return n;
}

char *bti_python_float(char buf[40], double v)
{
    char digits[20];
    int exponent;
    const char *sign = signbit(v) ? "-" : "";
    if (!isfinite(v)) {
        snprintf(buf, 40, "%s", isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
        return buf;
    }
    int n = shortest_digits(fabs(v), digits, &exponent);
    if (exponent < -4 || exponent >= 16)
        snprintf(buf, 40, "%s%c%s%se%c%02d", sign, digits[0], n > 1 ? "." : "", digits + 1,
                 exponent < 0 ? '-' : '+', abs(exponent));
    else if (exponent < 0)
        snprintf(buf, 40, "%s0.%.*s%s", sign, -exponent - 1, "0000", digits);
    else if (n <= exponent + 1)
        snprintf(buf, 40, "%s%s%.*s.0", sign, digits, exponent + 1 - n, "0000000000000000");
    else
        snprintf(buf, 40, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
    return buf;
}

/* Reads one code point of UTF-8; a byte that begins none stands for itself. */
static unsigned next_code_point(const unsigned char **p)
{
    const unsigned char *s = *p;
    int more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc2 ? 1 : 0;
    unsigned c = more ? s[0] & (0x3fu >> more) : s[0];
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            *p = s + 1;
            return s[0];
        }
        c = c << 6 | (s[i] & 0x3fu);
    }
    *p = s + 1 + more;
    return c;
}

/* json.dumps with ensure_ascii: everything above ASCII as \uXXXX, in surrogate pairs where needed.
 */
static void add_json_string(bti_str *out, const char *s)
{
    const unsigned char *p = (const unsigned char *)s;
    bti_str_add(out, "\"");
    while (*p) {
        unsigned c = next_code_point(&p);
        const char *escape = c < 0x20 ? strchr("\nn\rr\tt\bb\ff", (int)c) : NULL;
        if (c == '"' || c == '\\')
            bti_str_addf(out, "\\%c", (char)c);
        else if (escape)
            bti_str_addf(out, "\\%c", escape[1]);
        else if (c < 0x20 || (c >= 0x80 && c < 0x10000))
            bti_str_addf(out, "\\u%04x", c);
        else if (c >= 0x10000)
            bti_str_addf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                         0xdc00 + ((c - 0x10000) & 0x3ff));
        else
            bti_str_addf(out, "%c", (char)c);
    }
    bti_str_add(out, "\"");
}

static void add_choice(bti_str *out, bti_value v)
{
    char number[40];
    switch (v.kind) {
    case BTI_NULL:
        bti_str_add(out, "null");
        break;
    case BTI_BOOL:
        bti_str_add(out, v.u.b ? "true" : "false");
        break;
    case BTI_INT:
        bti_str_addf(out, "%lld", (long long)v.u.i);
        break;
    case BTI_FLOAT:
        bti_str_add(out, bti_python_float(number, v.u.f));
        break;
    case BTI_STR:
        add_json_string(out, v.u.s);
        break;
    }
}

static void add_choices(bti_str *out, const bti_domain *d)
{
    bti_str_add(out, "[");
    for (int i = 0; i < d->n; i++) {
        bti_str_add(out, i ? ", " : "");
        add_choice(out, d->choice[i]);
    }
    bti_str_add(out, "]");
}

void bti_optuna_distribution(bti_str *out, const bti_domain *d)
{
    char lo[40], hi[40], step[40];
    const char *log = d->log ? "true" : "false";
    switch (d->kind) {
    case BTI_DOMAIN_CHOICE:
        bti_str_add(out, "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": ");
        add_choices(out, d);
        bti_str_add(out, "}}");
        break;
    case BTI_DOMAIN_INT:
        bti_str_addf(
            out,
            "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": %s, \"step\": %lld, "
            "\"low\": %lld, \"high\": %lld}}",
            log, d->log || d->step < 1 ? 1LL : (long long)d->step, (long long)d->lo,
            (long long)d->hi);
        break;
    case BTI_DOMAIN_FLOAT:
        bti_str_addf(
            out,
            "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": %s, \"low\": %s, "
            "\"high\": %s, \"log\": %s}}",
            d->log || d->step <= 0 ? "null" : bti_python_float(step, d->step),
            bti_python_float(lo, d->lo), bti_python_float(hi, d->hi), log);
        break;
    }
}

void bti_optuna_signature(bti_str *out, const bti_domain *d)
{
    if (d->kind == BTI_DOMAIN_CHOICE) {
        bti_str_add(out, "choice ");
        add_choices(out, d);
        return;
    }
    bti_str_add(out, d->kind == BTI_DOMAIN_INT ? "int" : "float");
    bti_str_add(out, d->log ? " log" : "");
}

char *bti_optuna_time(char buf[BTI_OPTUNA_TIME_CAP], double epoch_s, bool utc)
{
    int64_t us = (int64_t)llround(epoch_s * 1e6);
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm = {0};
    size_t n;
    if (utc)
        gmtime_r(&seconds, &tm);
    else
        localtime_r(&seconds, &tm);
    n = strftime(buf, BTI_OPTUNA_TIME_CAP, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(buf + n, BTI_OPTUNA_TIME_CAP - n, ".%06d", (int)(us % 1000000));
    return buf;
}

double bti_optuna_time_parse(const char *text, bool utc)
{
    struct tm tm = {.tm_isdst = -1};
    char digits[7] = "000000";
    int used = 0;
    if (!text || sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                        &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    const char *p = text + used;
    for (int i = 0; *p == '.' && i < 6 && p[i + 1] >= '0' && p[i + 1] <= '9'; i++)
        digits[i] = p[i + 1];
    return (double)(utc ? timegm(&tm) : mktime(&tm)) + (double)strtol(digits, NULL, 10) / 1e6;
}
