/* SPDX-License-Identifier: Apache-2.0
 *
 * Regression forest. A node asks one cell: missing? equal to a name? below a threshold? Splits
 * minimise the squared error; rows are kept as one array of indices that the splits partition.
 */
#include "study/forest.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>

#define LEAST_ROWS 3
#define DEPTH_MAX 24

typedef enum question { LEAF, IS_MISSING, IS_NAME, IS_BELOW } question;

typedef struct bti_forest_node {
    question ask;
    int column;
    double value; /* of the question; of a leaf: the prediction */
    struct bti_forest_node *yes, *no;
} node;

/* One fit. */
typedef struct grower {
    bti_forest *f;
    const double *x, *y;
    bti_rng *rng;
    int *column; /* order in which columns are tried: those that differ */
    int n_columns;
    int *row;     /* (n) of the bootstrap sample */
    double *cell; /* (2, n) scratch: a column's cells and their y, sorted together */
} grower;

typedef struct split {
    question ask;
    int column;
    double value;
    double gain;
} split;

static bool answer(question ask, double value, double cell)
{
    if (ask == IS_MISSING)
        return isnan(cell);
    return ask == IS_NAME ? cell == value : cell < value;
}

/* Sum of squares explained by means of two groups, up to a constant. */
static double explained(double sum_a, int n_a, double sum_b, int n_b)
{
    if (n_a < LEAST_ROWS || n_b < LEAST_ROWS)
        return -INFINITY;
    return sum_a * sum_a / n_a + sum_b * sum_b / n_b;
}

static void try_question(const grower *g, const int *row, int n, double total, split candidate,
                         split *best)
{
    double sum = 0;
    int yes = 0;
    for (int i = 0; i < n; i++) {
        if (!answer(candidate.ask, candidate.value, g->x[row[i] * g->f->d + candidate.column]))
            continue;
        sum += g->y[row[i]];
        yes++;
    }
    candidate.gain = explained(sum, yes, total - sum, n - yes);
    if (candidate.gain > best->gain)
        *best = candidate;
}

static int by_cell(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Every threshold between two different cells; missing ones are on the "no" side. */
static void try_thresholds(const grower *g, const int *row, int n, double total, int column,
                           split *best)
{
    int m = 0;
    for (int i = 0; i < n; i++) {
        double cell = g->x[row[i] * g->f->d + column];
        if (isnan(cell))
            continue;
        g->cell[2 * m] = cell;
        g->cell[2 * m++ + 1] = g->y[row[i]];
    }
    qsort(g->cell, (size_t)m, 2 * sizeof(double), by_cell);
    double sum = 0;
    for (int i = 0; i + 1 < m; i++) {
        sum += g->cell[2 * i + 1];
        if (g->cell[2 * i] == g->cell[2 * i + 2])
            continue;
        double gain = explained(sum, i + 1, total - sum, n - i - 1);
        if (gain > best->gain)
            *best = (split){IS_BELOW, column, 0.5 * (g->cell[2 * i] + g->cell[2 * i + 2]), gain};
    }
}

static void try_column(const grower *g, const int *row, int n, double total, int column,
                       split *best)
{
    split missing = {.ask = IS_MISSING, .column = column};
    try_question(g, row, n, total, missing, best);
    if (!g->f->nominal[column]) {
        try_thresholds(g, row, n, total, column, best);
        return;
    }
    double tried[64];
    int n_tried = 0;
    for (int i = 0; i < n && n_tried < 64; i++) {
        double cell = g->x[row[i] * g->f->d + column];
        bool is_new = !isnan(cell);
        for (int k = 0; k < n_tried && is_new; k++)
            is_new = tried[k] != cell;
        if (!is_new)
            continue;
        tried[n_tried++] = cell;
        split name = {.ask = IS_NAME, .column = column, .value = cell};
        try_question(g, row, n, total, name, best);
    }
}

/* Rows with "yes" first; how many. */
static int partition(const grower *g, int *row, int n, const split *s)
{
    int yes = 0;
    for (int i = 0; i < n; i++) {
        if (!answer(s->ask, s->value, g->x[row[i] * g->f->d + s->column]))
            continue;
        int swap = row[yes];
        row[yes++] = row[i];
        row[i] = swap;
    }
    return yes;
}

static node *grow(grower *g, int *row, int n, int depth)
{
    node *t = bti_arena_alloc(&g->f->arena, sizeof(*t));
    double total = 0;
    if (!t)
        return NULL;
    for (int i = 0; i < n; i++)
        total += g->y[row[i]];
    t->value = total / n;
    split best = {.ask = LEAF, .gain = total * total / n + 1e-12};
    int tries = (g->n_columns + 1) / 2;
    bti_rng_shuffle(g->rng, g->column, (size_t)g->n_columns);
    for (int i = 0; i < tries && n >= 2 * LEAST_ROWS && depth < DEPTH_MAX; i++)
        try_column(g, row, n, total, g->column[i], &best);
    if (best.ask == LEAF)
        return t;
    int yes = partition(g, row, n, &best);
    t->ask = best.ask;
    t->column = best.column;
    t->value = best.value;
    t->yes = grow(g, row, yes, depth + 1);
    t->no = grow(g, row + yes, n - yes, depth + 1);
    return t->yes && t->no ? t : NULL;
}

static void find_columns(grower *g, int n)
{
    int d = g->f->d;
    for (int k = 0; k < d; k++) {
        bool differs = false;
        for (int i = 1; i < n && !differs; i++) {
            double a = g->x[k], b = g->x[i * d + k];
            differs = isnan(a) != isnan(b) || (!isnan(a) && a != b);
        }
        if (differs)
            g->column[g->n_columns++] = k;
    }
}

bt_status bti_forest_fit(bti_forest *f, const double *x, const double *y, int n, int d,
                         const bool *nominal, int n_trees, bti_rng *rng, bt_error *err)
{
    *f = (bti_forest){.n_trees = n_trees, .d = d, .nominal = nominal};
    grower g = {.f = f, .x = x, .y = y, .rng = rng};
    f->tree = bti_arena_alloc(&f->arena, (size_t)n_trees * sizeof(*f->tree));
    g.column = bti_array((size_t)d, sizeof(int));
    g.row = bti_array((size_t)n, sizeof(int));
    g.cell = bti_array((size_t)n, 2 * sizeof(double));
    bool ok = f->tree && g.column && g.row && g.cell;
    if (ok)
        find_columns(&g, n);
    for (int t = 0; t < n_trees && ok; t++) {
        for (int i = 0; i < n; i++)
            g.row[i] = (int)bti_rng_below(rng, (uint32_t)n);
        f->tree[t] = grow(&g, g.row, n, 0);
        ok = f->tree[t] != NULL;
    }
    bti_free(g.column);
    bti_free(g.row);
    bti_free(g.cell);
    return ok ? BT_OK : bti_fail_nomem(err);
}

void bti_forest_release(bti_forest *f)
{
    bti_arena_release(&f->arena);
    *f = (bti_forest){0};
}

double bti_forest_predict(const bti_forest *f, const double *row)
{
    double sum = 0;
    for (int t = 0; t < f->n_trees; t++) {
        const node *at = f->tree[t];
        while (at->ask != LEAF)
            at = answer(at->ask, at->value, row[at->column]) ? at->yes : at->no;
        sum += at->value;
    }
    return sum / f->n_trees;
}
