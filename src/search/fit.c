/* SPDX-License-Identifier: Apache-2.0
 *
 * Fitting resolution and space to the images and the budget: measure, apply the rules, say what was
 * chosen and why.
 */
#include "search/fit.h"

#include "base/alloc.h"
#include "base/error.h"
#include "search/auto_space.h"
#include "search/limits.h"
#include "search/resolution.h"

#include <math.h>

#define UNTOLD_S 150.0   /* of search, when only a number of trials is given: as of five minutes */
#define CEILING 3.0      /* of the space, in networks that the budget trains well */
#define STEPS_WANTED 300 /* of a trial: a short one takes smaller batches */
#define STEPS_AN_EPOCH 8 /* the same of a small set */
#define UNEQUAL 3.0      /* classes; beyond it the plain accuracy says little of the rare ones */
#define CEILING_TRIES 12 /* doublings until the space holds a network */

bt_status bti_fit_size(bti_fit *fit, bti_run *run, const bt_search_options *opt, double seconds,
                       bt_error *err)
{
    double rate = 1;
    char why[160];
    bti_look look;
    bt_status rc = bti_measure_machine(&rate, run, err);
    if (!rc)
        rc = bti_data_look(&look, opt->data, &opt->data_opt, err);
    if (rc)
        return rc;
    fit->trial_macs = bti_affordable_images(rate, run->jobs, seconds > 0 ? seconds : UNTOLD_S);
    if (opt->data_opt.size) {
        run->size = opt->data_opt.size;
        snprintf(why, sizeof(why), "--size");
    } else {
        const bti_image_sizes sizes = {.own = look.own_side, .shorter = look.shorter_side};
        bti_means means = bti_means_share(fit->trial_macs, look.train);
        run->size = bti_resolution_choose(&sizes, means.macs, why, sizeof(why));
    }
    run->size_why = bti_arena_strdup(&run->arena, why);
    bti_note(&opt->progress, "resolution: %dx%d pixels (%s)", run->size, run->size, why);
    return run->size_why ? BT_OK : bti_fail_nomem(err);
}

/* 1, 1.5, 2, 3, 5 or 7 times a power of ten: the same space on a machine that is as fast. */
static double round_number(double v)
{
    static const double step[] = {1, 1.5, 2, 3, 5, 7, 10};
    double unit = pow(10, floor(log10(fmax(v, 1))));
    int i = 0;
    while (step[i + 1] * unit <= v)
        i++;
    return step[i] * unit;
}

/* Median MACs of the networks of a space; BT_EMPTY if it holds none. *text: the space's file; err
 * not NULL: with the limit that is out of reach. */
static bt_status median_macs(double *macs, char **text, const bti_run *run, const bti_auto_space *a,
                             bt_error *err)
{
    bti_run own = *run; /* its strings are borrowed */
    bti_space *space = NULL;
    bti_answer *median = bti_calloc(1, sizeof(*median));
    bt_status rc = median ? bti_auto_space_text(text, a, err) : bti_fail_nomem(err);
    own.space_text = *text;
    if (!rc)
        rc = bti_run_space(&own, &space, err);
    if (!rc)
        rc = bti_median_point(&own, space, median, err);
    if (rc == BT_EMPTY)
        bti_limits_explain(&own, err);
    if (!rc)
        *macs = median->cost.macs;
    bti_free(median);
    bti_space_free(space);
    return rc;
}

/* The widest blocks whose median network the budget trains well; the narrowest if none are so.
 * BT_EMPTY: the limits of the options leave no network even there. */
static bt_status choose_width(bti_auto_space *a, const bti_run *run, double macs, bt_error *err)
{
    bt_status rc = BT_OK;
    bool fits = true;
    a->width = bti_auto_widths[0];
    a->max_macs = 0;
    for (int i = 0; !rc && fits && bti_auto_widths[i] > 0; i++) {
        char *text = NULL;
        double median = 0;
        bti_auto_space wider = *a;
        wider.width = bti_auto_widths[i];
        rc = median_macs(&median, &text, run, &wider, i ? NULL : err);
        bti_free(text);
        if (rc == BT_EMPTY && i) { /* outside the limits of the options */
            fits = false;
            rc = BT_OK;
        }
        fits = fits && (median <= macs || !i);
        if (fits)
            a->width = wider.width;
    }
    return rc;
}

/* The ceiling is raised until there are networks below it. */
static bt_status write_space(bti_run *run, bti_auto_space *a, double macs, bt_error *err)
{
    bt_status rc = BT_EMPTY;
    char *text = NULL;
    double median = 0;
    a->max_macs = round_number(CEILING * macs);
    for (int i = 0; rc == BT_EMPTY && i < CEILING_TRIES; i++) {
        bti_free(text);
        text = NULL;
        rc = median_macs(&median, &text, run, a, i < CEILING_TRIES - 1 ? NULL : err);
        if (rc == BT_EMPTY)
            a->max_macs = round_number(2 * a->max_macs);
    }
    if (!rc) {
        run->space_text = bti_arena_strdup(&run->arena, text);
        rc = run->space_text ? BT_OK : bti_fail_nomem(err);
    }
    bti_free(text);
    return rc;
}

bt_status bti_class_ratio(double *ratio, const bti_dataset *set, bt_error *err)
{
    int64_t most = 0, least = INT64_MAX;
    int64_t *n = bti_calloc((size_t)set->classes + 1, sizeof(*n));
    if (!n)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < set->n; i++)
        n[set->labels[i]]++;
    for (int c = 0; c < set->classes; c++) {
        most = n[c] > most ? n[c] : most;
        least = n[c] < least ? n[c] : least;
    }
    *ratio = (double)most / (double)(least > 0 ? least : 1);
    bti_free(n);
    return BT_OK;
}

bt_status bti_fit_space(bti_run *run, const bti_fit *fit, const bti_data *d,
                        const bt_progress *progress, bt_error *err)
{
    char ceiling[16], typical[16];
    double ratio = 1;
    bti_means means = bti_means_share(fit->trial_macs, d->train.n);
    bti_auto_space a = {
        .size = run->size, .batch = 128, .passes = means.images / (double)d->train.n};
    bt_status rc = bti_class_ratio(&ratio, &d->train, err);
    a.unequal = ratio >= UNEQUAL;
    while (a.batch > 16 && (means.images < STEPS_WANTED * a.batch ||
                            d->train.n < (int64_t)STEPS_AN_EPOCH * a.batch))
        a.batch /= 2;
    if (!rc)
        rc = choose_width(&a, run, means.macs, err);
    if (!rc)
        rc = write_space(run, &a, means.macs, err);
    if (rc)
        return rc;
    bti_note(progress,
             "space auto: networks of at most %s MACs (the budget trains about %s well), batches "
             "of %d",
             bti_format_count(ceiling, a.max_macs), bti_format_count(typical, means.macs), a.batch);
    if (a.unequal)
        bti_note(progress,
                 "the largest class has %.1f times the images of the smallest: %srare classes "
                 "count more in the loss",
                 ratio, run->objectives ? "" : "balanced accuracy decides, and ");
    return BT_OK;
}
