/* SPDX-License-Identifier: Apache-2.0
 *
 * tau TABLE.csv: how well the surrogates order networks that they have not seen (Kendall's tau over
 * tenths of the networks held out in turn), beside how well one seed orders what another measured,
 * the most that can be asked for; as a Markdown table.
 */
#include "base/alloc.h"
#include "regress.h"

#include <math.h>
#include <stdio.h>

#define FOLDS 10

/* Tau-b: pairs that tie in one of the two count half. */
static double kendall(const double *a, const double *b, int n)
{
    double agree = 0, in_a = 0, in_b = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) {
            double x = (a[i] > a[j]) - (a[i] < a[j]), y = (b[i] > b[j]) - (b[i] < b[j]);
            agree += x * y;
            in_a += x * x;
            in_b += y * y;
        }
    return in_a > 0 && in_b > 0 ? agree / sqrt(in_a * in_b) : NAN;
}

static const measured *find(const table *t, int network, int seed)
{
    for (int i = 0; i < t->n; i++)
        if (t->run[i].network == network && t->run[i].seed == seed)
            return &t->run[i];
    return NULL;
}

/* Mean over all pairs of seeds; *networks: the most that a pair had in common. */
static double ceiling_of(const table *t, int rung, int *networks)
{
    double *a = bti_array((size_t)t->n + 1, sizeof(double)), sum = 0;
    double *b = bti_array((size_t)t->n + 1, sizeof(double));
    int pairs = 0;
    *networks = 0;
    for (int s = 0; a && b && s < SEEDS_MAX; s++)
        for (int other = s + 1; other < SEEDS_MAX; other++) {
            int n = 0;
            for (int i = 0; i < t->n; i++) {
                const measured *m = find(t, t->run[i].network, other);
                if (t->run[i].seed != s || !m)
                    continue;
                a[n] = t->run[i].accuracy[rung];
                b[n++] = m->accuracy[rung];
            }
            if (n < 10)
                continue;
            sum += kendall(a, b, n);
            pairs++;
            *networks = n > *networks ? n : *networks;
        }
    bti_free(a);
    bti_free(b);
    return pairs ? sum / pairs : NAN;
}

/* Networks of seed 0: the rows x, what to learn y; predictions where they were held out. */
static bt_status hold_out(family f, const double *x, const double *y, int n, double *guess,
                          bt_error *err)
{
    double *xs = bti_array((size_t)n * FEATURES, sizeof(double));
    double *ys = bti_array((size_t)n, sizeof(double));
    bt_status rc = xs && ys ? BT_OK : BT_NOMEM;
    for (int fold = 0; fold < FOLDS && !rc; fold++) {
        regression *r = NULL;
        int k = 0;
        for (int i = 0; i < n; i++)
            if (i % FOLDS != fold) {
                memcpy(&xs[k * FEATURES], &x[i * FEATURES], FEATURES * sizeof(double));
                ys[k++] = y[i];
            }
        rc = regression_fit(&r, f, xs, ys, k, err);
        for (int i = fold; i < n && !rc; i += FOLDS)
            guess[i] = regression_predict(r, &x[i * FEATURES]);
        regression_free(r);
    }
    bti_free(xs);
    bti_free(ys);
    return rc;
}

static bt_status show(const bti_space *s, const table *t, bt_error *err)
{
    static const int epochs[RUNGS] = {1, 3, 9};
    int n = 0, networks;
    size_t most = (size_t)t->n + 1;
    const measured **run = bti_array(most, sizeof(*run));
    double *x = bti_array(most, FEATURES * sizeof(double));
    double *y = bti_array(most, sizeof(double)), *guess = bti_array(most, sizeof(double));
    bt_status rc = run && x && y && guess ? BT_OK : BT_NOMEM;
    for (int i = 0; i < t->n && !rc; i++)
        if (t->run[i].seed == 0) {
            run[n] = &t->run[i];
            rc = row_of(s, &t->run[i].point, &x[n++ * FEATURES], err);
        }
    printf("%d networks held out in turn\n\n| | tau between seeds (networks) | forest | of it | "
           "kernel | of it |\n|---|---:|---:|---:|---:|---:|\n",
           n);
    for (int k = 0; k <= RUNGS && !rc; k++) {
        double ceiling = k < RUNGS ? ceiling_of(t, k, &networks) : NAN;
        if (k < RUNGS)
            printf("| accuracy after %d | %.3f (%d) ", epochs[k], ceiling, networks);
        else
            printf("| CPU seconds of 9 | ");
        for (int i = 0; i < n; i++)
            y[i] = k < RUNGS ? run[i]->accuracy[k] : log(run[i]->cpu_s[RUNGS - 1]);
        for (int f = 0; f < FAMILIES && !rc; f++) {
            rc = hold_out((family)f, x, y, n, guess, err);
            double tau = kendall(guess, y, n);
            printf("| %.3f | ", tau);
            if (k < RUNGS)
                printf("%.0f %% ", 100 * tau / ceiling);
        }
        printf("|\n");
    }
    bti_free(run);
    bti_free(x);
    bti_free(y);
    bti_free(guess);
    return rc;
}

int main(int argc, char **argv)
{
    bt_error err = {0};
    table t = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: tau TABLE.csv\n");
        return 2;
    }
    bti_space *s = brief12_space(&err);
    bt_status rc = s ? table_read(&t, s, argv[1], &err) : BT_IO;
    if (!rc)
        rc = show(s, &t, &err);
    if (rc)
        fprintf(stderr, "tau: %s: %s\n", err.where, err.text);
    table_release(&t);
    bti_space_free(s);
    return rc ? 1 : 0;
}
