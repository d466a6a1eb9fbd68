/* SPDX-License-Identifier: Apache-2.0
 *
 * Gaussian process regression with a mixed kernel for conditional spaces. A column of x holds one
 * slot of every observation: the place on the axis 0..1 (numbers, ordered choices), or what is far
 * from all others: FAR times the index (unordered), -FAR where the parameter is not active. So one
 * formula, which vectorises, says how alike two cells are, whatever they are.
 */
#include "study/samplers/process.h"

#include "base/alloc.h"
#include "base/error.h"
#include "study/memo.h"
#include "study/observed.h"

#include <float.h>
#include <math.h>

#define LENGTH 0.3 /* of a number's main effect, of its range */
#define SIZE_LENGTH 0.35
#define FAR 1e6f
#define LANES 8 /* points of a batch that go through the triangle together */
#define JITTER 1e-8
#define TRIAL_SIZE 32 /* observations on which the kernel is chosen */

static const double weights[][3] = {
    {0.6, 0.3, 0.1}, {0.3, 0.5, 0.2}, {0.2, 0.2, 0.6}, {0.1, 0.8, 0.1}};
static const double noises[] = {0.003, 0.03, 0.2};
#define N_WEIGHTS (sizeof(weights) / sizeof(weights[0]))
#define N_NOISES (sizeof(noises) / sizeof(noises[0]))

/* ---- observations ---- */
/* Cells of a point by slot; columns do not matter yet. */
static void fill_row(const bti_process *p, const bti_point *point, float *row)
{
    for (int s = 0; s < p->n_slots; s++)
        row[s] = -FAR;
    for (int i = 0, at = 0; i < point->n; i++) {
        const bti_param *q = &point->param[i];
        int slot = bti_space_slot(p->space, q->name, at);
        double lo, hi;
        if (slot < 0)
            continue;
        at = slot + 1;
        if (q->domain.kind == BTI_DOMAIN_CHOICE && !q->domain.ordered) {
            row[slot] = FAR * (float)q->value;
            continue;
        }
        bti_domain_cell(&q->domain, q->value, &lo, &hi);
        row[slot] = (float)(0.5 * (lo + hi));
    }
}

/* rows (n, n_slots) into columns, of those slots in which they differ. */
static void fill_columns(bti_process *p, const float *rows)
{
    for (int s = 0; s < p->n_slots; s++) {
        bool differs = false;
        float *to = p->x + (size_t)p->n_used * (size_t)p->n;
        for (int i = 0; i < p->n; i++) {
            to[i] = rows[i * p->n_slots + s];
            differs = differs || to[i] != to[0];
        }
        p->column[s] = differs ? p->n_used++ : -1;
    }
}

static void fill_sizes(bti_process *p, const bti_trial *const *trial)
{
    for (int k = 0; k < 2; k++) {
        double lo = INFINITY, hi = -INFINITY;
        for (int i = 0; i < p->n; i++) {
            double *v = &p->size[2 * i + k];
            /* a damaged study may hold anything, and a NaN has no Cholesky factor */
            const double cost =
                bti_json_as_num(bti_json_get(trial[i]->attrs, k ? "macs" : "params"), 0);
            *v = log1p(fmin(fmax(cost, 0), DBL_MAX));
            lo = fmin(lo, *v);
            hi = fmax(hi, *v);
        }
        p->size_lo[k] = lo;
        p->size_width[k] = hi > lo ? hi - lo : 1;
    }
}

/* ---- kernel ---- */
/* How alike a point (cells by column, log sizes) and the first n observations are: main effects,
 * size, product, 0..1 each, written `stride` apart. sum: (n) scratch. */
static void compare(const bti_process *p, const float *cell, const double size[2], int n,
                    float *sum, double *const out[3], int stride)
{
    const float sharp = (float)(0.5 / (LENGTH * LENGTH));
    memset(sum, 0, (size_t)n * sizeof(*sum));
    for (int u = 0; u < p->n_used; u++) {
        const float *x = p->x + (size_t)u * (size_t)p->n, at = cell[u];
        for (int i = 0; i < n; i++) { /* rational quadratic: as smooth here as exp, and cheaper */
            float d = at - x[i];
            sum[i] += 1 / (1 + sharp * d * d);
        }
    }
    for (int i = 0; i < n; i++) {
        double square = 0;
        for (int k = 0; k < 2; k++) {
            double d = (size[k] - p->size[2 * i + k]) / p->size_width[k] / SIZE_LENGTH;
            square += d * d;
        }
        double near = exp(-0.5 * square), differ = p->n_used - (double)sum[i];
        out[0][i * stride] = p->n_used ? (double)sum[i] / p->n_used : 1;
        out[1][i * stride] = near;
        out[2][i * stride] = near * exp(-differ / p->reach);
    }
}

static void compare_all(bti_process *p, float *cell)
{
    int n = p->n;
    size_t cells = (size_t)n * (size_t)n;
    for (int i = 0; i < n; i++) {
        double *const to[3] = {p->pair + i * n, p->pair + cells + i * n,
                               p->pair + 2 * cells + i * n};
        for (int u = 0; u < p->n_used; u++)
            cell[u] = p->x[u * n + i];
        compare(p, cell, &p->size[2 * i], i + 1, p->row + p->n_slots, to, 1);
    }
}

/* Finished trials do not change, so their cells are worked out once. */
static bool trial_cells(const bti_process *p, const bti_ask *ask, const bti_trial *t,
                        bti_point *point, float *out)
{
    bool is_new = true;
    size_t bytes = (size_t)p->n_slots * sizeof(*out);
    float *kept = out;
    if (ask->memo)
        kept = bti_memo_cells(ask->memo, (int)(t - ask->trials->trial), p->n_slots, &is_new);
    if (!kept)
        return false;
    if (is_new) {
        bti_observed_point(ask, t, point);
        fill_row(p, point, kept);
    }
    if (kept != out)
        memcpy(out, kept, bytes);
    return true;
}

bt_status bti_process_init(bti_process *p, const bti_ask *ask, const bti_trial *const *trial, int n,
                           bt_error *err)
{
    *p = (bti_process){.space = ask->space, .n = n, .n_slots = bti_space_n_slots(ask->space)};
    size_t rows = (size_t)n, slots = (size_t)p->n_slots;
    p->column = bti_array(slots, sizeof(*p->column));
    p->x = bti_array(rows * slots, sizeof(*p->x));
    p->size = bti_array(rows, 2 * sizeof(*p->size));
    p->pair = bti_array(rows * rows, 3 * sizeof(*p->pair));
    p->batch = bti_calloc(rows * BTI_PROCESS_BATCH, 4 * sizeof(*p->batch));
    p->row = bti_array(rows + slots, sizeof(*p->row));
    float *cells = bti_array(rows * slots, sizeof(*cells));
    bti_point *point = bti_malloc(sizeof(*point));
    bool ok = p->column && p->x && p->size && p->pair && p->batch && p->row && cells && point;
    for (int i = 0; ok && i < n; i++)
        ok = trial_cells(p, ask, trial[i], point, cells + (size_t)i * slots);
    if (ok) {
        fill_columns(p, cells);
        fill_sizes(p, trial);
        p->reach = fmax(0.25 * p->n_used, 1);
        compare_all(p, cells);
    }
    bti_free(point);
    bti_free(cells);
    return ok ? BT_OK : bti_fail_nomem(err);
}

void bti_process_release(bti_process *p)
{
    bti_free(p->column);
    bti_free(p->x);
    bti_free(p->size);
    bti_free(p->pair);
    bti_free(p->batch);
    bti_free(p->row);
    *p = (bti_process){0};
}

/* ---- fitting ---- */
/* a (n, n): the lower triangle of A = L L' by rows becomes that of L; right-looking and by columns
 * of the transpose, which is kept in the upper triangle, so that the inner loop is one of
 * neighbours. False if A is not positive. At these sizes the reference LAPACK takes five times as
 * long. */
static bool cholesky(double *a, int n)
{
    for (int k = 0; k < n; k++) {
        double *u = a + k * n, pivot = u[k];
        if (!(pivot > 0))
            return false;
        pivot = sqrt(pivot);
        for (int j = k; j < n; j++)
            u[j] /= pivot;
        for (int i = k + 1; i < n; i++)
            for (int j = i; j < n; j++)
                a[i * n + j] -= u[i] * u[j];
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            a[i * n + j] = a[j * n + i];
    return true;
}

/* Factorises the kernel matrix of the first n observations with the weights and noise of *t. False
 * if it is not positive. */
static bool factorise(const bti_process *p, bti_target *t, int n)
{
    size_t cells = (size_t)p->n * (size_t)p->n;
    for (int i = 0; i < n; i++) {
        const double *k = p->pair + i * p->n;
        for (int j = 0; j <= i; j++)
            t->chol[j * n + i] = t->weight[0] * k[j] + t->weight[1] * k[cells + (size_t)j] +
                                 t->weight[2] * k[2 * cells + (size_t)j];
        t->chol[i * n + i] += t->noise + JITTER;
    }
    return cholesky(t->chol, n);
}

/* alpha = K^-1 y; the log marginal likelihood is returned. */
static double solve(bti_target *t, const double *y, int n)
{
    double fit = 0, volume = 0, *v = t->alpha;
    memcpy(v, y, (size_t)n * sizeof(double));
    for (int j = 0; j < n; j++) { /* L v = y, column by column: they are rows of the transpose */
        const double *u = t->chol + j * n;
        v[j] /= u[j];
        for (int i = j + 1; i < n; i++)
            v[i] -= u[i] * v[j];
        fit += v[j] * v[j];
        volume += log(u[j]);
    }
    for (int j = n - 1; j >= 0; j--) { /* L' alpha = v */
        const double *l = t->chol + j * n;
        v[j] /= l[j];
        for (int i = 0; i < j; i++)
            v[i] -= l[i] * v[j];
    }
    return -0.5 * fit - volume;
}

/* On the first observations alone, which are the front and its neighbours. */
static void choose_kernel(const bti_process *p, const double *y, bti_target *t)
{
    int n = p->n < TRIAL_SIZE ? p->n : TRIAL_SIZE;
    double best = -INFINITY, weight[3] = {0.6, 0.3, 0.1}, noise = 0.2;
    for (size_t w = 0; w < N_WEIGHTS; w++)
        for (size_t k = 0; k < N_NOISES; k++) {
            memcpy(t->weight, weights[w], sizeof(t->weight));
            t->noise = noises[k];
            double likelihood = factorise(p, t, n) ? solve(t, y, n) : -INFINITY;
            if (likelihood <= best)
                continue;
            best = likelihood;
            memcpy(weight, t->weight, sizeof(weight));
            noise = t->noise;
        }
    memcpy(t->weight, weight, sizeof(weight));
    t->noise = noise;
}

bt_status bti_process_fit(const bti_process *p, const double *y, bti_target *out, bt_error *err)
{
    *out = (bti_target){.chol = bti_array((size_t)p->n * (size_t)p->n, sizeof(double)),
                        .alpha = bti_array((size_t)p->n, sizeof(double))};
    if (!out->chol || !out->alpha)
        return bti_fail_nomem(err);
    choose_kernel(p, y, out);
    while (!factorise(p, out, p->n)) /* a sum of kernels: positive but for rounding */
        out->noise *= 2;
    (void)solve(out, y, p->n);
    return BT_OK;
}

void bti_target_release(bti_target *t)
{
    bti_free(t->chol);
    bti_free(t->alpha);
    *t = (bti_target){0};
}

/* ---- prediction ---- */
void bti_process_look(bti_process *p, int c, const bti_point *point, const bti_cost *cost)
{
    size_t plane = (size_t)p->n * BTI_PROCESS_BATCH;
    double *const to[3] = {p->batch + c, p->batch + plane + c, p->batch + 2 * plane + c};
    const double size[2] = {log1p(cost->params), log1p(cost->macs)};
    fill_row(p, point, p->row);
    for (int s = 0; s < p->n_slots; s++) /* columns rise with slots: in place */
        if (p->column[s] >= 0)
            p->row[p->column[s]] = p->row[s];
    compare(p, p->row, size, p->n, p->row + p->n_slots, to, BTI_PROCESS_BATCH);
}

/* L v = k for LANES columns of k (n, BATCH), in place; the squares of v are summed. */
static void through_triangle(const double *chol, int n, double *k, double explained[LANES])
{
    for (int c = 0; c < LANES; c++)
        explained[c] = 0;
    for (int i = 0; i < n; i++) {
        double v[LANES];
        memcpy(v, k + i * BTI_PROCESS_BATCH, sizeof(v));
        for (int j = 0; j < i; j++)
            for (int c = 0; c < LANES; c++)
                v[c] -= chol[i * n + j] * k[j * BTI_PROCESS_BATCH + c];
        for (int c = 0; c < LANES; c++) {
            v[c] /= chol[i * n + i];
            explained[c] += v[c] * v[c];
        }
        memcpy(k + i * BTI_PROCESS_BATCH, v, sizeof(v));
    }
}

void bti_process_predict(bti_process *p, const bti_target *t, int n, double *mu, double *sigma)
{
    size_t plane = (size_t)p->n * BTI_PROCESS_BATCH;
    double *k = p->batch + 3 * plane, own = t->weight[0] + t->weight[1] + t->weight[2];
    for (size_t i = 0; i < plane; i++)
        k[i] = t->weight[0] * p->batch[i] + t->weight[1] * p->batch[plane + i] +
               t->weight[2] * p->batch[2 * plane + i];
    for (int first = 0; first < n; first += LANES) {
        double mean[LANES] = {0}, explained[LANES];
        for (int i = 0; i < p->n; i++)
            for (int c = 0; c < LANES; c++)
                mean[c] += k[i * BTI_PROCESS_BATCH + first + c] * t->alpha[i];
        through_triangle(t->chol, p->n, k + first, explained);
        for (int c = 0; c < LANES && first + c < n; c++) {
            mu[first + c] = mean[c];
            sigma[first + c] = sqrt(fmax(own - explained[c], 1e-9));
        }
    }
}
