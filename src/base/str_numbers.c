/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as people write them, to and from text. Locale never matters: strtod and printf run in
 * the "C" locale, which glibc hands out without allocating.
 */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <strings.h>

static locale_t c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

bool bti_parse_int(const char *s, int64_t lo, int64_t hi, int64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)s[0]) &&
        !((s[0] == '-' || s[0] == '+') && isdigit((unsigned char)s[1])))
        return false;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || *end || v < lo || v > hi)
        return false;
    *out = v;
    return true;
}

/* Length of a decimal number [+-]digits[.digits][e[+-]digits] at s, 0 if there is none. */
static size_t number_length(const char *s)
{
    const char *p = s;
    size_t digits = 0;

    p += *p == '-' || *p == '+';
    for (; isdigit((unsigned char)*p); p++)
        digits++;
    if (*p == '.') {
        for (p++; isdigit((unsigned char)*p); p++)
            digits++;
    }
    if (!digits)
        return 0;
    if (*p == 'e' || *p == 'E') {
        const char *q = p + 1;
        q += *q == '-' || *q == '+';
        if (!isdigit((unsigned char)*q))
            return (size_t)(p - s);
        while (isdigit((unsigned char)*q))
            q++;
        p = q;
    }
    return (size_t)(p - s);
}

/* Reads the number at s; *rest is what follows it. */
static bool take_number(const char *s, double *out, const char **rest)
{
    size_t n = number_length(s);
    char *end;

    if (!n)
        return false;
    double v = strtod_l(s, &end, c_locale());
    if (end != s + n || !isfinite(v))
        return false;
    *out = v;
    *rest = end;
    return true;
}

bool bti_parse_double(const char *s, double *out)
{
    const char *rest;
    double v;

    if (!take_number(s, &v, &rest) || *rest)
        return false;
    *out = v;
    return true;
}

bool bti_parse_bool(const char *s, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(s, words[i]) == 0) {
            *out = i % 2;
            return true;
        }
    }
    return false;
}

bool bti_parse_count(const char *s, int64_t *out)
{
    const char *rest;
    double v, unit = 1;

    if (*s == '-' || !take_number(s, &v, &rest))
        return false;
    switch (*rest) {
    case 0:
        break;
    case 'k':
    case 'K':
        unit = 1e3;
        break;
    case 'm':
    case 'M':
        unit = 1e6;
        break;
    case 'g':
    case 'G':
        unit = 1e9;
        break;
    default:
        return false;
    }
    if (*rest && rest[1])
        return false;
    double product = v * unit, whole = round(product);
    /* 1.2M is a whole count even if 1.2 is not a binary number; 0.5 is not a count. */
    if (product > 9e15 || fabs(product - whole) > 1e-9 * (product + 1))
        return false;
    *out = (int64_t)whole;
    return true;
}

bool bti_parse_duration(const char *s, double *out)
{
    double total = 0, smallest = INFINITY;

    if (!*s)
        return false;
    while (*s) {
        double v, unit;
        const char *rest;
        if (*s == '-' || *s == '+' || !take_number(s, &v, &rest))
            return false;
        switch (*rest) {
        case 's':
            unit = 1;
            break;
        case 'm':
            unit = 60;
            break;
        case 'h':
            unit = 3600;
            break;
        case 'd':
            unit = 86400;
            break;
        default:
            return false;
        }
        if (unit >= smallest) /* 1h30m, not 30m1h or 1h1h */
            return false;
        smallest = unit;
        total += v * unit;
        s = rest + 1;
    }
    if (!(total > 0) || !isfinite(total))
        return false;
    *out = total;
    return true;
}

bool bti_parse_size(const char *s, int *h, int *w, int *c)
{
    int v[3] = {0, 0, 0};
    int n = 0;

    for (;;) {
        int digits = 0;
        if (n == 3)
            return false;
        for (; isdigit((unsigned char)*s); s++) {
            if (++digits > 5)
                return false;
            v[n] = 10 * v[n] + (*s - '0');
        }
        if (!v[n])
            return false;
        n++;
        if (!*s)
            break;
        if (*s != 'x' && *s != 'X')
            return false;
        s++;
    }
    *h = v[0];
    *w = n > 1 ? v[1] : v[0];
    *c = v[2];
    return true;
}

char *bti_format_double(char *buf, double v)
{
    const int cap = 32;

    if (!isfinite(v)) {
        snprintf(buf, cap, "%s", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
        return buf;
    }
    /* A decimal of at most 15 digits survives the way to a double and back, so if 15 digits
     * (without trailing zeros) give v back, nothing shorter does better; subnormals hold fewer
     * digits. */
    locale_t before = uselocale(c_locale());
    for (int digits = fabs(v) < 1e-300 ? 1 : 15; digits <= 17; digits++) {
        snprintf(buf, cap, "%.*g", digits, v);
        if (strtod(buf, NULL) == v)
            break;
    }
    uselocale(before);
    return buf;
}

char *bti_format_count(char *buf, double v)
{
    static const char suffix[] = {0, 'k', 'M', 'G', 'T'};
    const int cap = 16;
    int unit = 0;

    while (fabs(v) >= 999.5 && unit < 4) {
        v /= 1000;
        unit++;
    }
    if (!unit) {
        snprintf(buf, cap, "%.0f", v);
        return buf;
    }
    /* Three digits: 1.23k 12.3k 123k */
    int decimals = fabs(v) < 9.995 ? 2 : fabs(v) < 99.95 ? 1 : 0;
    snprintf(buf, cap, "%.*f%c", decimals, v, suffix[unit]);
    return buf;
}

char *bti_format_duration(char *buf, double seconds)
{
    const int cap = 24;

    if (!(seconds >= 0) || seconds > 1e9) {
        snprintf(buf, cap, "?");
        return buf;
    }
    if (seconds < 9.95) {
        snprintf(buf, cap, "%.1fs", seconds);
        return buf;
    }
    int64_t s = (int64_t)(seconds + 0.5);
    if (s < 60)
        snprintf(buf, cap, "%ds", (int)s);
    else if (s < 3600)
        snprintf(buf, cap, "%dm %02ds", (int)(s / 60), (int)(s % 60));
    else if (s < 86400)
        snprintf(buf, cap, "%dh %02dm", (int)(s / 3600), (int)(s / 60 % 60));
    else
        snprintf(buf, cap, "%dd %02dh", (int)(s / 86400), (int)(s / 3600 % 24));
    return buf;
}
