/* SPDX-License-Identifier: Apache-2.0
 *
 * Unequal classes as numbers: draws, weights and offsets from the images of each class.
 */
#include "train/imbalance.h"

#include "base/error.h"
#include "base/str.h"
#include <math.h>
#include <string.h>

/* One row a way; `key` NULL: it takes no value. */
typedef struct way {
    const char *name, *key;
    double lo, hi, otherwise;
} way;

enum { SHUFFLE, BALANCED_DRAWS, SQRT_DRAWS, OVERSAMPLE };
static const way samplings[] = {{"shuffle", NULL, 0, 0, 0},
                                {"balanced", NULL, 0, 0, 0},
                                {"sqrt", NULL, 0, 0, 0},
                                {"oversample", "ratio", 0, 1, 0.5},
                                {NULL, NULL, 0, 0, 0}};
enum { NO_WEIGHTS, BALANCED_WEIGHTS, EFFECTIVE_NUMBER };
static const way weightings[] = {{"none", NULL, 0, 0, 0},
                                 {"balanced", NULL, 0, 0, 0},
                                 {"effective", "beta", 0, 0.9999999, 0.9999},
                                 {NULL, NULL, 0, 0, 0}};

/* The value after "NAME", in "NAME:key=VALUE" or "NAME:VALUE"; NULL if there is none. */
static const char *value_in(const char *rest, const char *key)
{
    size_t n = key ? strlen(key) : 0;

    if (*rest != ':')
        return NULL;
    rest++;
    return key && !strncmp(rest, key, n) && rest[n] == '=' ? rest + n + 1 : rest;
}

/* Which row a text names, and its value; -1: none. */
static int find(const way *ways, const char *text, double *value)
{
    for (int i = 0; ways[i].name; i++) {
        size_t n = strlen(ways[i].name);
        if (strncmp(text, ways[i].name, n) != 0 || (text[n] && text[n] != ':'))
            continue;
        const char *given = value_in(text + n, ways[i].key);
        *value = ways[i].otherwise;
        if (!given)
            return i;
        bool fits = ways[i].key && bti_parse_double(given, value) && *value >= ways[i].lo &&
                    *value <= ways[i].hi;
        return fits ? i : -1;
    }
    return -1;
}

static bt_status check(const way *ways, const char *text, bt_error *err)
{
    double value;
    bti_str expected = {0};

    if (find(ways, text, &value) >= 0)
        return BT_OK;
    for (int i = 0; ways[i].name; i++) {
        bti_str_addf(&expected, "%s%s",
                     i == 0             ? ""
                     : ways[i + 1].name ? ", "
                                        : " or ",
                     ways[i].name);
        if (ways[i].key)
            bti_str_addf(&expected, ":%s=%g..%.9g", ways[i].key, ways[i].lo, ways[i].hi);
    }
    bt_status rc = expected.failed ? bti_fail_nomem(err)
                                   : bti_fail(err, BT_INVAL, NULL, "'%s': expected %s", text,
                                              bti_str_c(&expected));
    bti_str_release(&expected);
    return rc;
}

bt_status bti_sampling_check(const char *text, bt_error *err)
{
    return check(samplings, text, err);
}

bt_status bti_class_weights_check(const char *text, bt_error *err)
{
    return check(weightings, text, err);
}

int64_t bti_class_images(int64_t *images, const bti_job *job)
{
    const bti_view *views[] = {job->train, job->extra};
    int64_t all = 0;

    memset(images, 0, (size_t)job->graph->classes * sizeof(*images));
    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; views[k] && i < views[k]->n; i++)
            images[views[k]->set->labels[views[k]->index[i]]]++;
        all += views[k] ? views[k]->n : 0;
    }
    return all;
}

/* What the draws of a class with n images are proportional to. */
static double draw_share(int sampling, double value, int64_t n, int64_t largest)
{
    if (!n)
        return 0;
    switch (sampling) {
    case BALANCED_DRAWS:
        return 1;
    case SQRT_DRAWS:
        return sqrt((double)n);
    case OVERSAMPLE:
        return fmax((double)n, value * (double)largest);
    default:
        return (double)n;
    }
}

void bti_class_draws(int64_t *draws, const int64_t *images, int classes, const char *sampling)
{
    double value = 0, sum = 0, before = 0;
    int64_t all = 0, largest = 0, given = 0;
    int how = find(samplings, sampling, &value);

    for (int c = 0; c < classes; c++) {
        all += images[c];
        largest = images[c] > largest ? images[c] : largest;
    }
    for (int c = 0; c < classes; c++)
        sum += draw_share(how, value, images[c], largest);
    for (int c = 0; c < classes; c++) { /* rounded at the borders, so that nothing is lost */
        before += draw_share(how, value, images[c], largest);
        int64_t upto =
            how > SHUFFLE ? (int64_t)llround(before / sum * (double)all) : given + images[c];
        draws[c] = upto - given;
        given = upto;
    }
}

static double raw_weight(int how, double beta, int64_t n)
{
    if (how == BALANCED_WEIGHTS)
        return 1 / (double)n;
    if (how == EFFECTIVE_NUMBER) /* expm1: 1 - beta^n of a beta near 1 */
        return (1 - beta) / (beta > 0 ? -expm1((double)n * log(beta)) : 1);
    return 1;
}

void bti_class_weights(float *weight, const int64_t *images, int classes, const char *text)
{
    double beta = 0, sum = 0, all = 0, present = 0;
    int how = find(weightings, text, &beta);

    for (int c = 0; c < classes; c++) {
        all += (double)images[c];
        present += images[c] > 0;
        sum += images[c] ? raw_weight(how, beta, images[c]) : 0;
    }
    double scale = how == BALANCED_WEIGHTS ? all / present : present / sum;
    for (int c = 0; c < classes; c++)
        weight[c] = images[c] ? (float)(raw_weight(how, beta, images[c]) * scale) : 0;
}

void bti_logit_offsets(float *offset, const int64_t *images, int classes, double tau)
{
    double all = 0;

    for (int c = 0; c < classes; c++)
        all += (double)images[c];
    for (int c = 0; c < classes; c++)
        offset[c] = (float)(tau * log((double)(images[c] ? images[c] : 1) / all));
}
