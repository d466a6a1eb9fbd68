/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of measures, and its units as people read and write them.
 */
#include "base/metric.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX true
#define MIN false
static const bti_metric_info table[] = {
#define METRIC(id, name, goal, source, unit, low, high, option, label)                             \
    {#name, label, goal, BTI_FROM_##source, BTI_UNIT_##unit, low, high, option},
#include "base/metrics.def"
#undef METRIC
};
#undef MAX
#undef MIN

static const char *const names[] = {
#define METRIC(id, name, goal, source, unit, low, high, option, label) #name,
#include "base/metrics.def"
#undef METRIC
    NULL};

const bti_metric_info *bti_metric_of(bti_metric m)
{
    return &table[m];
}

const char *const *bti_metric_names(void)
{
    return names;
}

bti_metric bti_metric_find(const char *name)
{
    for (int i = 0; i < BTI_METRICS; i++)
        if (bti_streq(name, names[i]))
            return (bti_metric)i;
    return BTI_METRIC_NONE;
}

/* ---- units ---- */

static bool parse_bytes(const char *text, double *out)
{
    static const char *const suffix[] = {"B", "KiB", "MiB", "GiB", "kB", "MB", "GB"};
    static const double factor[] = {1, 1024, 1048576, 1073741824, 1e3, 1e6, 1e9};
    char number[32];
    size_t n = strspn(text, "0123456789.");
    const char *unit = text + n + strspn(text + n, " ");
    snprintf(number, sizeof(number), "%.*s", (int)(n < 31 ? n : 31), text);
    if (!bti_parse_double(number, out))
        return false;
    for (int i = 0; *unit && i < 7; i++)
        if (bti_streq(unit, suffix[i])) {
            *out *= factor[i];
            return true;
        }
    return !*unit;
}

/* A number, maybe followed by a unit. */
static bool parse_with(const char *text, const char *unit, double *out, bool *had_unit)
{
    char number[32];
    size_t n = strlen(text), u = strlen(unit);
    *had_unit = n > u && !strcmp(text + n - u, unit);
    n -= *had_unit ? u : 0;
    snprintf(number, sizeof(number), "%.*s", (int)(n < 31 ? n : 31), text);
    return n < 32 && bti_parse_double(number, out);
}

bool bti_metric_parse(bti_metric m, const char *text, double *out, const char **expected)
{
    int64_t count;
    bool unit, ok = false;
    switch (table[m].unit) {
    case BTI_UNIT_COUNT:
        *expected = "a count such as 50k or 1.2M";
        ok = bti_parse_count(text, &count);
        *out = ok ? (double)count : 0;
        break;
    case BTI_UNIT_BYTES:
        *expected = "bytes such as 65536, 64KiB or 1.5MB";
        ok = parse_bytes(text, out);
        break;
    case BTI_UNIT_MS:
        *expected = "milliseconds such as 5 or 2.5ms";
        ok = parse_with(text, "ms", out, &unit);
        break;
    case BTI_UNIT_SHARE:
        *expected = "a share such as 85% or 0.85";
        ok = parse_with(text, "%", out, &unit);
        *out /= ok && unit ? 100 : 1;
        ok = ok && *out <= 1;
        break;
    }
    return ok && *out > 0;
}

char *bti_metric_format(char *buf, bti_metric m, double v)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB"};
    int k = 0;
    if (!isfinite(v)) {
        snprintf(buf, 24, "-");
        return buf;
    }
    switch (m == BTI_METRIC_NONE ? BTI_METRICS : table[m].unit) {
    case BTI_UNIT_COUNT:
        return bti_format_count(buf, v);
    case BTI_UNIT_BYTES:
        for (; v >= 1024 && k < 3; k++)
            v /= 1024;
        snprintf(buf, 24, "%.4g %s", v, unit[k]);
        return buf;
    case BTI_UNIT_MS:
        snprintf(buf, 24, "%.3g ms", v);
        return buf;
    case BTI_UNIT_SHARE:
        snprintf(buf, 24, "%.2f%%", 100 * v);
        return buf;
    default:
        snprintf(buf, 24, "%.6g", v);
        return buf;
    }
}

double bti_metric_coordinate(bti_metric m, double v)
{
    const bti_metric_info *i = &table[m];
    double at = i->maximize ? (i->high - v) / (i->high - i->low)
                : v <= 0    ? 0
                            : log(v / i->low) / log(i->high / i->low);
    return isnan(at) ? 1 : fmin(fmax(at, 0), 1);
}
