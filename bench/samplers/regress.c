/* SPDX-License-Identifier: Apache-2.0
 *
 * Two families of regression over networks, both on their features. The kernel, linear plus
 * exp(-|a - b|^2 / (2 l^2)), has its length l and its ridge from the least leave-one-out error,
 * which is known in closed form.
 */
#include "regress.h"

#include "base/alloc.h"
#include "base/error.h"
#include "search/cost.h"
#include "study/forest.h"

#include <math.h>

#define TREES 100

static const double lengths[] = {1, 2, 4};
static const double ridges[] = {0.03, 0.1, 0.3, 1, 3};
#define N_LENGTHS (sizeof(lengths) / sizeof(lengths[0]))
#define N_RIDGES (sizeof(ridges) / sizeof(ridges[0]))

struct regression {
    family f;
    bti_forest forest;
    /* kernel */
    int n;
    double mean_y, length;
    double mean[FEATURES], scale[FEATURES];
    double *x;     /* (n, FEATURES) standardised */
    double *alpha; /* (n) */
};

bt_status row_of(const bti_space *s, const bti_point *p, double row[FEATURES], bt_error *err)
{
    bti_graph *g;
    bt_status rc = bti_point_graph(s, p, &g, NULL, err);
    if (rc)
        return rc;
    features_of(g, row);
    bti_graph_free(g);
    return BT_OK;
}

/* ---- kernel ---- */
/* Of two standardised rows; distances and products are means over the features. */
typedef struct likeness {
    double square, product;
} likeness;

static likeness compare(const double *a, const double *b)
{
    likeness l = {0};
    for (int k = 0; k < FEATURES; k++) {
        l.square += (a[k] - b[k]) * (a[k] - b[k]) / FEATURES;
        l.product += a[k] * b[k] / FEATURES;
    }
    return l;
}

static double kernel(likeness l, double length)
{
    return l.product + exp(-0.5 * l.square / (length * length));
}

static void standardise(regression *r, const double *x)
{
    for (int k = 0; k < FEATURES; k++) {
        double sum = 0, square = 0;
        for (int i = 0; i < r->n; i++)
            sum += x[i * FEATURES + k];
        r->mean[k] = sum / r->n;
        for (int i = 0; i < r->n; i++)
            square += pow(x[i * FEATURES + k] - r->mean[k], 2);
        r->scale[k] = square > 0 ? sqrt(square / r->n) : 1;
        for (int i = 0; i < r->n; i++)
            r->x[i * FEATURES + k] = (x[i * FEATURES + k] - r->mean[k]) / r->scale[k];
    }
}

/* Gauss-Jordan without pivots, which a positive definite matrix does not need. */
static void invert(double *a, int n)
{
    for (int k = 0; k < n; k++) {
        double *pivot = &a[k * n], scale = 1 / pivot[k];
        pivot[k] = 1;
        for (int j = 0; j < n; j++)
            pivot[j] *= scale;
        for (int i = 0; i < n; i++) {
            double factor = a[i * n + k];
            if (i == k)
                continue;
            a[i * n + k] = 0;
            for (int j = 0; j < n; j++)
                a[i * n + j] -= factor * pivot[j];
        }
    }
}

/* Solves for alpha; the mean squared leave-one-out error is returned. k: (n, n) scratch. */
static double solve(regression *r, const double *y, const likeness *pair, double ridge, double *k)
{
    int n = r->n;
    double error = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            k[i * n + j] = k[j * n + i] = kernel(pair[i * n + j], r->length) + (i == j ? ridge : 0);
    invert(k, n);
    for (int i = 0; i < n; i++) {
        r->alpha[i] = 0;
        for (int j = 0; j < n; j++)
            r->alpha[i] += k[i * n + j] * (y[j] - r->mean_y);
        error += pow(r->alpha[i] / k[i * n + i], 2);
    }
    return error / n;
}

static bt_status fit_kernel(regression *r, const double *x, const double *y, int n, bt_error *err)
{
    size_t cells = (size_t)n * (size_t)n;
    likeness *pair = bti_array(cells, sizeof(*pair));
    double *k = bti_array(cells, sizeof(double));
    double best = INFINITY, length = 1, ridge = 1;
    r->n = n;
    r->x = bti_array((size_t)n * FEATURES, sizeof(double));
    r->alpha = bti_array((size_t)n, sizeof(double));
    bool ok = pair && k && r->x && r->alpha;
    if (ok) {
        standardise(r, x);
        for (int i = 0; i < n; i++) {
            r->mean_y += y[i] / n;
            for (int j = 0; j <= i; j++)
                pair[i * n + j] = compare(&r->x[i * FEATURES], &r->x[j * FEATURES]);
        }
        for (size_t l = 0; l < N_LENGTHS; l++)
            for (size_t g = 0; g < N_RIDGES; g++) {
                r->length = lengths[l];
                double error = solve(r, y, pair, ridges[g], k);
                if (error >= best)
                    continue;
                best = error;
                length = lengths[l];
                ridge = ridges[g];
            }
        r->length = length;
        (void)solve(r, y, pair, ridge, k);
    }
    bti_free(pair);
    bti_free(k);
    return ok ? BT_OK : bti_fail_nomem(err);
}

static double predict_kernel(const regression *r, const double *row)
{
    double at[FEATURES], sum = r->mean_y;
    for (int k = 0; k < FEATURES; k++)
        at[k] = (row[k] - r->mean[k]) / r->scale[k];
    for (int i = 0; i < r->n; i++)
        sum += r->alpha[i] * kernel(compare(at, &r->x[i * FEATURES]), r->length);
    return sum;
}

/* ---- both ---- */
bt_status regression_fit(regression **out, family f, const double *x, const double *y, int n,
                         bt_error *err)
{
    static const bool nominal[FEATURES];
    regression *r = *out = bti_calloc(1, sizeof(*r));
    bti_rng rng = bti_rng_at(1, BTI_RNG_TEST, 0, 0, 0);
    if (!r)
        return bti_fail_nomem(err);
    r->f = f;
    return f == FAMILY_KERNEL
               ? fit_kernel(r, x, y, n, err)
               : bti_forest_fit(&r->forest, x, y, n, FEATURES, nominal, TREES, &rng, err);
}

double regression_predict(const regression *r, const double *row)
{
    return r->f == FAMILY_KERNEL ? predict_kernel(r, row) : bti_forest_predict(&r->forest, row);
}

void regression_free(regression *r)
{
    if (!r)
        return;
    bti_forest_release(&r->forest);
    bti_free(r->x);
    bti_free(r->alpha);
    bti_free(r);
}
