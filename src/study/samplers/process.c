/* SPDX-License-Identifier: Apache-2.0
 *
 * Gaussian process regression with a mixed kernel for conditional spaces. A row of x has one cell a
 * slot: the place on the axis 0..1 (numbers, ordered choices), the index (unordered), NaN where the
 * parameter is not active; then log(1 + parameters) and log(1 + MACs), scaled to 0..1.
 */
#include "study/samplers/process.h"

#include "base/alloc.h"
#include "base/error.h"

#include <lapacke.h>
#include <math.h>

#define LENGTH 0.3 /* of a number's main effect, of its range */
#define SIZE_LENGTH 0.35
#define JITTER 1e-8
#define TRIAL_SIZE 48 /* observations on which the kernel is chosen */

static const double weights[][3] = {
    {0.6, 0.3, 0.1}, {0.3, 0.5, 0.2}, {0.2, 0.2, 0.6}, {0.1, 0.8, 0.1}};
static const double noises[] = {0.003, 0.03, 0.2};
#define N_WEIGHTS (sizeof(weights) / sizeof(weights[0]))
#define N_NOISES (sizeof(noises) / sizeof(noises[0]))

/* What a pair of points has in common, 0..1 each. */
typedef struct likeness {
    double main, size, product;
} likeness;

/* ---- rows ---- */
static int row_length(const bti_process *p)
{
    return p->n_slots + 2;
}

static void fill_row(bti_process *p, const bti_point *point, double params, double macs,
                     double *row)
{
    for (int s = 0; s < p->n_slots; s++)
        row[s] = NAN;
    for (int i = 0, at = 0; i < point->n; i++) {
        const bti_param *q = &point->param[i];
        int slot = bti_space_slot(p->space, q->name, at);
        double lo, hi;
        if (slot < 0)
            continue;
        at = slot + 1;
        p->nominal[slot] = q->domain.kind == BTI_DOMAIN_CHOICE && !q->domain.ordered;
        bti_domain_cell(&q->domain, q->value, &lo, &hi);
        row[slot] = p->nominal[slot] ? q->value : 0.5 * (lo + hi);
    }
    row[p->n_slots] = log1p(params);
    row[p->n_slots + 1] = log1p(macs);
}

static void fill_rows(bti_process *p, const bti_trial *const *trial)
{
    bti_point point;
    int length = row_length(p);
    for (int i = 0; i < p->n; i++) {
        const bti_trial *t = trial[i];
        (void)bti_space_restore(p->space, (const char *const *)t->param_name, t->param_value,
                                t->n_params, &point);
        fill_row(p, &point, bti_json_as_num(bti_json_get(t->attrs, "params"), 0),
                 bti_json_as_num(bti_json_get(t->attrs, "macs"), 0), &p->x[i * length]);
    }
    for (int s = 0; s < p->n_slots; s++) {
        bool differs = false;
        for (int i = 1; i < p->n && !differs; i++) {
            double a = p->x[s], b = p->x[i * length + s];
            differs = isnan(a) != isnan(b) || (!isnan(a) && a != b);
        }
        if (differs)
            p->used[p->n_used++] = s;
    }
    for (int k = 0; k < 2; k++) {
        double lo = INFINITY, hi = -INFINITY;
        for (int i = 0; i < p->n; i++) {
            lo = fmin(lo, p->x[i * length + p->n_slots + k]);
            hi = fmax(hi, p->x[i * length + p->n_slots + k]);
        }
        p->size_lo[k] = lo;
        p->size_width[k] = hi > lo ? hi - lo : 1;
    }
}

/* ---- kernel ---- */
static double alike(const bti_process *p, int slot, double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    if (p->nominal[slot])
        return a == b;
    double z = (a - b) / LENGTH;
    return 1 / (1 + 0.5 * z * z); /* rational quadratic: as smooth here as exp, and cheaper */
}

static likeness compare(const bti_process *p, const double *a, const double *b)
{
    double sum = 0, square = 0;
    for (int i = 0; i < p->n_used; i++) {
        int s = p->used[i];
        sum += alike(p, s, a[s], b[s]);
    }
    for (int k = 0; k < 2; k++) {
        double d = (a[p->n_slots + k] - b[p->n_slots + k]) / p->size_width[k] / SIZE_LENGTH;
        square += d * d;
    }
    likeness l = {.main = p->n_used ? sum / p->n_used : 1, .size = exp(-0.5 * square)};
    l.product = l.size * exp(-(p->n_used - sum) / p->reach);
    return l;
}

static double kernel(const bti_process *p, likeness l)
{
    return p->weight[0] * l.main + p->weight[1] * l.size + p->weight[2] * l.product;
}

/* ---- fitting ---- */
/* Factorises the kernel matrix of the first n observations with the weights and noise of *p. False
 * if it is not positive. pair: (p->n, p->n), lower triangle. */
static bool factorise(bti_process *p, const likeness *pair, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            p->chol[i * n + j] = kernel(p, pair[i * p->n + j]) + (i == j ? p->noise + JITTER : 0);
    return LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, p->chol, n) == 0;
}

/* alpha = K^-1 y; the log marginal likelihood is returned. */
static double solve(bti_process *p, const double *y, int n)
{
    double fit = 0, volume = 0;
    memcpy(p->alpha, y, (size_t)n * sizeof(double));
    (void)LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', n, 1, p->chol, n, p->alpha, 1);
    for (int i = 0; i < n; i++) {
        fit += y[i] * p->alpha[i];
        volume += log(p->chol[i * n + i]);
    }
    return -0.5 * fit - volume;
}

/* On the first observations alone, which are the front and its neighbours. */
static void choose_kernel(bti_process *p, const likeness *pair, const double *y)
{
    int n = p->n < TRIAL_SIZE ? p->n : TRIAL_SIZE;
    double best = -INFINITY, weight[3] = {0.6, 0.3, 0.1}, noise = 0.2;
    for (size_t w = 0; w < N_WEIGHTS; w++)
        for (size_t k = 0; k < N_NOISES; k++) {
            memcpy(p->weight, weights[w], sizeof(p->weight));
            p->noise = noises[k];
            double likelihood = factorise(p, pair, n) ? solve(p, y, n) : -INFINITY;
            if (likelihood <= best)
                continue;
            best = likelihood;
            memcpy(weight, p->weight, sizeof(weight));
            noise = p->noise;
        }
    memcpy(p->weight, weight, sizeof(weight));
    p->noise = noise;
}

bt_status bti_process_fit(bti_process *p, const bti_space *space, const bti_trial *const *trial,
                          const double *y, int n, bt_error *err)
{
    *p = (bti_process){.space = space, .n = n, .n_slots = bti_space_n_slots(space)};
    size_t cells = (size_t)n * (size_t)n, length = (size_t)row_length(p);
    p->x = bti_array((size_t)n * length, sizeof(double));
    p->used = bti_array((size_t)p->n_slots, sizeof(int));
    p->nominal = bti_calloc((size_t)p->n_slots, sizeof(bool));
    p->chol = bti_array(cells, sizeof(double));
    p->alpha = bti_array((size_t)n, sizeof(double));
    p->scratch = bti_array((size_t)n + length, sizeof(double));
    likeness *pair = bti_array(cells, sizeof(*pair));
    bool ok = p->x && p->used && p->nominal && p->chol && p->alpha && p->scratch && pair;
    if (ok) {
        fill_rows(p, trial);
        p->reach = fmax(0.25 * p->n_used, 1);
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++)
                pair[i * n + j] = compare(p, &p->x[i * (int)length], &p->x[j * (int)length]);
        choose_kernel(p, pair, y);
        while (!factorise(p, pair, n)) /* a sum of kernels: positive but for rounding */
            p->noise *= 2;
        (void)solve(p, y, n);
    }
    bti_free(pair);
    return ok ? BT_OK : bti_fail_nomem(err);
}

void bti_process_release(bti_process *p)
{
    bti_free(p->x);
    bti_free(p->used);
    bti_free(p->nominal);
    bti_free(p->chol);
    bti_free(p->alpha);
    bti_free(p->scratch);
    *p = (bti_process){0};
}

void bti_process_predict(bti_process *p, const bti_point *point, const bti_cost *cost, double *mu,
                         double *sigma)
{
    int n = p->n, length = row_length(p);
    double *k = p->scratch, *row = p->scratch + n, mean = 0, explained = 0;
    fill_row(p, point, cost->params, cost->macs, row);
    for (int i = 0; i < n; i++) {
        k[i] = kernel(p, compare(p, row, &p->x[i * length]));
        mean += k[i] * p->alpha[i];
    }
    for (int i = 0; i < n; i++) { /* L v = k; one vector is too small for a library call */
        double v = k[i];
        for (int j = 0; j < i; j++)
            v -= p->chol[i * n + j] * k[j];
        k[i] = v / p->chol[i * n + i];
        explained += k[i] * k[i];
    }
    double own = p->weight[0] + p->weight[1] + p->weight[2];
    *mu = mean;
    *sigma = sqrt(fmax(own - explained, 1e-9));
}
