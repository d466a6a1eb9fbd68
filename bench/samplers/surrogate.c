/* SPDX-License-Identifier: Apache-2.0
 *
 * Regressions fitted to the table: one of each rung's accuracy; CPU seconds, which hardly vary
 * between runs, by the kernel on their logarithms.
 */
#include "surrogate.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>

#define LAST (RUNGS - 1)

struct surrogate {
    const bti_space *space;
    bool rungs; /* early ones too */
    regression *accuracy[RUNGS], *cpu_s[RUNGS], *validation_s;
    int n_noise;
    double *noise; /* (n_noise, RUNGS) */
};

/* One row a network: the mean of its runs. */
typedef struct sample {
    int n;
    double *x;            /* (n, FEATURES) */
    double *y[RUNGS];     /* (n) accuracy */
    double *log_s[RUNGS]; /* (n) */
    double *log_validation;
    double *column; /* what the above point into */
} sample;

static bt_status make_sample(sample *out, const table *t, bt_error *err)
{
    size_t most = (size_t)t->n + 1, columns = 2 * RUNGS + 1;
    *out = (sample){.x = bti_array(most, FEATURES * sizeof(double)),
                    .column = bti_array(most, columns * sizeof(double))};
    if (!out->x || !out->column)
        return bti_fail_nomem(err);
    for (int k = 0; k < RUNGS; k++) {
        out->y[k] = out->column + (size_t)k * most;
        out->log_s[k] = out->column + (size_t)(RUNGS + k) * most;
    }
    out->log_validation = out->column + 2 * RUNGS * most;
    return BT_OK;
}

static void average(sample *out, const table *t, int network)
{
    int runs = 0, n = out->n;
    for (int k = 0; k < RUNGS; k++)
        out->y[k][n] = out->log_s[k][n] = 0;
    out->log_validation[n] = 0;
    for (int i = 0; i < t->n; i++)
        runs += t->run[i].network == network;
    for (int i = 0; i < t->n; i++) {
        const measured *m = &t->run[i];
        if (m->network != network)
            continue;
        for (int k = 0; k < RUNGS; k++) {
            out->y[k][n] += m->accuracy[k] / runs;
            out->log_s[k][n] += log(m->cpu_s[k]) / runs;
        }
        out->log_validation[n] += log(m->validation_s / RUNGS) / runs;
    }
    out->n++;
}

static bool is_first_of_network(const table *t, int i)
{
    for (int j = 0; j < i; j++)
        if (t->run[j].network == t->run[i].network)
            return false;
    return true;
}

/* Deviations of repeated networks, widened by what their own means take out of them. */
static bt_status keep_noise(surrogate *s, const table *t, bt_error *err)
{
    s->noise = bti_array((size_t)t->n + 1, RUNGS * sizeof(double));
    if (!s->noise)
        return bti_fail_nomem(err);
    for (int i = 0; i < t->n; i++) {
        double mean[RUNGS] = {0};
        int runs = 0;
        for (int j = 0; j < t->n; j++)
            runs += t->run[j].network == t->run[i].network;
        if (runs < SEEDS_MAX)
            continue;
        for (int j = 0; j < t->n; j++)
            for (int k = 0; k < RUNGS && t->run[j].network == t->run[i].network; k++)
                mean[k] += t->run[j].accuracy[k] / runs;
        for (int k = 0; k < RUNGS; k++)
            s->noise[s->n_noise * RUNGS + k] =
                (t->run[i].accuracy[k] - mean[k]) * sqrt(runs / (runs - 1.0));
        s->n_noise++;
    }
    return BT_OK;
}

static bt_status fit(surrogate *s, const sample *d, family f, bt_error *err)
{
    bt_status rc = BT_OK;
    for (int k = s->rungs ? 0 : LAST; k < RUNGS && !rc; k++)
        rc = regression_fit(&s->accuracy[k], f, d->x, d->y[k], d->n, err);
    for (int k = 0; k < RUNGS && !rc; k++)
        rc = regression_fit(&s->cpu_s[k], FAMILY_KERNEL, d->x, d->log_s[k], d->n, err);
    if (!rc)
        rc = regression_fit(&s->validation_s, FAMILY_KERNEL, d->x, d->log_validation, d->n, err);
    return rc;
}

bt_status surrogate_open(surrogate **out, const bti_space *space, family f, bool rungs,
                         bt_error *err)
{
    surrogate *s = *out = bti_calloc(1, sizeof(*s));
    table t = {0};
    sample d = {0};
    if (!s)
        return bti_fail_nomem(err);
    *s = (surrogate){.space = space, .rungs = rungs};
    bt_status rc = table_read(&t, space, SURROGATE_TABLE, err);
    if (!rc)
        rc = make_sample(&d, &t, err);
    for (int i = 0; i < t.n && !rc; i++)
        if (is_first_of_network(&t, i)) {
            rc = row_of(space, &t.run[i].point, &d.x[d.n * FEATURES], err);
            average(&d, &t, t.run[i].network);
        }
    if (!rc)
        rc = fit(s, &d, f, err);
    if (!rc)
        rc = keep_noise(s, &t, err);
    bti_free(d.x);
    bti_free(d.column);
    table_release(&t);
    return rc;
}

void surrogate_free(surrogate *s)
{
    if (!s)
        return;
    for (int k = 0; k < RUNGS; k++) {
        regression_free(s->accuracy[k]);
        regression_free(s->cpu_s[k]);
    }
    regression_free(s->validation_s);
    bti_free(s->noise);
    bti_free(s);
}

bt_status surrogate_curve(const surrogate *s, const bti_point *p, curve *out, bt_error *err)
{
    double row[FEATURES];
    bt_status rc = row_of(s->space, p, row, err);
    *out = (curve){0};
    for (int k = 0; k < RUNGS && !rc; k++) {
        bool known = s->accuracy[k] != NULL;
        out->accuracy[k] = known ? regression_predict(s->accuracy[k], row) : NAN;
        out->cpu_s[k] = exp(regression_predict(s->cpu_s[k], row));
    }
    if (!rc)
        out->validation_s = exp(regression_predict(s->validation_s, row));
    return rc;
}

void surrogate_noise(const surrogate *s, const char *hash, uint64_t seed, double out[RUNGS])
{
    uint64_t h = seed;
    for (const char *c = hash; *c; c++)
        h = bti_seed_mix(h, (uint64_t)*c);
    for (int k = 0; k < RUNGS; k++)
        out[k] = s->n_noise ? s->noise[h % (uint64_t)s->n_noise * RUNGS + (uint64_t)k] : 0;
}
