/* SPDX-License-Identifier: Apache-2.0
 *
 * Which model of a front to take: the best, the best value, the smallest that is good enough; and
 * the baselines that people compare them with.
 */
#include "report/report.h"

#include "base/error.h"
#include "base/interval.h"

#include <math.h>
#include <string.h>

#define WITHIN_POINTS 0.01 /* unless told otherwise */

/* ---- baselines ---- */

static bt_status read_baseline(bti_baseline *b, const bti_trials *t, const char *text,
                               bt_error *err)
{
    const char *eq = strchr(text, '='), *comma = eq ? strchr(eq, ',') : NULL, *expected;
    bti_metric c = bti_report_cost_metric(t), q = bti_report_quality_metric(t);
    char cost[48];
    if (!eq || eq == text || !comma)
        return bti_fail(err, BT_INVAL, "--baseline",
                        "'%s': expected NAME=%s,%s such as resnet20=272k,91.25%%", text,
                        c == BTI_METRIC_NONE ? "COST" : bti_metric_of(c)->name,
                        q == BTI_METRIC_NONE ? "QUALITY" : bti_metric_of(q)->name);
    snprintf(b->name, sizeof(b->name), "%.*s", (int)(eq - text), text);
    snprintf(cost, sizeof(cost), "%.*s", (int)(comma - eq - 1), eq + 1);
    if (!bti_metric_parse(c == BTI_METRIC_NONE ? BTI_METRIC_PARAMS : c, cost, &b->cost, &expected))
        return bti_fail(err, BT_INVAL, "--baseline", "%s: '%s' is not %s", b->name, cost, expected);
    if (!bti_metric_parse(q == BTI_METRIC_NONE ? BTI_METRIC_ACCURACY : q, comma + 1, &b->quality,
                          &expected))
        return bti_fail(err, BT_INVAL, "--baseline", "%s: '%s' is not %s", b->name, comma + 1,
                        expected);
    return BT_OK;
}

static bt_status read_within(bti_within *w, const bti_marks *m, const char *text, bt_error *err)
{
    const char *colon = strchr(text, ':'), *expected;
    char points[24];
    snprintf(points, sizeof(points), "%.*s", (int)(colon ? colon - text : 20), text);
    *w = (bti_within){0};
    if (!bti_metric_parse(BTI_METRIC_ACCURACY, points, &w->points, &expected))
        return bti_fail(err, BT_INVAL, "--smallest-within", "'%s' is not %s", points, expected);
    for (int i = 0; colon && i < m->n; i++)
        if (bti_streq(m->baseline[i].name, colon + 1))
            w->of = &m->baseline[i];
    if (colon && !w->of)
        return bti_fail(err, BT_INVAL, "--smallest-within", "there is no --baseline '%s'",
                        colon + 1);
    return BT_OK;
}

bt_status bti_marks_read(bti_marks *m, const bti_trials *t, const bt_front_options *opt,
                         bt_error *err)
{
    bt_status rc = BT_OK;
    m->n = m->n_within = 0;
    if (opt && (opt->n_baselines > BTI_BASELINES_MAX || opt->n_within > BTI_BASELINES_MAX))
        return bti_fail(err, BT_INVAL, "--baseline", "at most %d of them", BTI_BASELINES_MAX);
    for (int i = 0; opt && i < opt->n_baselines && !rc; i++)
        rc = read_baseline(&m->baseline[m->n++], t, opt->baseline[i], err);
    for (int i = 0; opt && i < opt->n_within && !rc; i++)
        rc = read_within(&m->within[m->n_within++], m, opt->within[i], err);
    if (rc || m->n_within)
        return rc;
    for (int i = 0; i < m->n; i++)
        m->within[m->n_within++] = (bti_within){WITHIN_POINTS, &m->baseline[i]};
    if (!m->n)
        m->within[m->n_within++] = (bti_within){WITHIN_POINTS, NULL};
    return BT_OK;
}

/* ---- choices ---- */

/* How far a model lies above the chord from the first to the best one, in (log cost, quality), both
 * scaled to that chord; not positive on it and below. */
static double above_chord(const bti_report_model *first, const bti_report_model *best,
                          const bti_report_model *m)
{
    double width = log(fmax(best->cost, 1e-9) / fmax(first->cost, 1e-9));
    double height = best->quality - first->quality;
    if (!(width > 0 && height > 0))
        return 0;
    return (m->quality - first->quality) / height -
           log(fmax(m->cost, 1e-9) / fmax(first->cost, 1e-9)) / width;
}

void bti_report_choose(const bti_report_model *model, int n, int *best, int *value)
{
    double far = 1e-12;
    *best = -1;
    for (int i = 0; i < n; i++)
        if (*best < 0 || model[i].quality > model[*best].quality)
            *best = i;
    *value = *best;
    for (int i = 0; i < n; i++) {
        double d = above_chord(&model[0], &model[*best], &model[i]);
        if (d > far) {
            far = d;
            *value = i;
        }
    }
}

static double reached(const bti_report_model *m)
{
    return isfinite(m->test_accuracy) ? m->test_accuracy : m->quality;
}

int bti_report_within(const bti_report_model *model, int n, int best, const bti_within *w)
{
    if (best < 0)
        return -1;
    double least = (w->of ? w->of->quality : reached(&model[best])) - w->points - 1e-12;
    for (int i = 0; i < n; i++)
        if (reached(&model[i]) >= least)
            return i;
    return -1;
}

double bti_report_shown(const bti_trials *t, const bti_report_model *m, double *lo, double *hi,
                        bool *tested)
{
    double n = bti_json_as_num(bti_json_get(m->trial->attrs, "val_images"), 0);
    *tested = isfinite(m->test_accuracy);
    *lo = m->lo;
    *hi = m->hi;
    if (*tested)
        return m->test_accuracy;
    if (n > 0 && bti_report_quality_metric(t) == BTI_METRIC_ACCURACY)
        bti_wilson(m->quality, n, lo, hi);
    return m->quality;
}
