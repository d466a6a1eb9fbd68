/* SPDX-License-Identifier: Apache-2.0
 *
 * Product kernels over conditional parameters. Numbers and ordered choices have truncated normal
 * kernels on the axis 0..1, integrated over a grid's cells; unordered choices keep the trial's
 * value or take another (Aitchison and Aitken 1976).
 */
#include "study/samplers/parzen.h"

#include "base/error.h"

#include <math.h>

#define WIDTH 0.2     /* bandwidth of one kernel, of the range */
#define NEGLIGIBLE 40 /* e^-40 of the largest term is below its rounding */
#define CELLS_MAX 64  /* finer grids count as continuous */

bt_status bti_parzen_init(bti_parzen *p, const bti_space *space, const int *dims, int cap,
                          bt_error *err)
{
    size_t n_slots = (size_t)bti_space_n_slots(space), rows = (size_t)cap + 1;
    *p = (bti_parzen){.space = space, .cap = cap, .n_slots = (int)n_slots, .dims = dims};
    p->count = bti_arena_alloc(&p->arena, n_slots * sizeof(*p->count));
    p->weight = bti_arena_alloc(&p->arena, rows * sizeof(*p->weight));
    p->log_weight = bti_arena_alloc(&p->arena, rows * sizeof(*p->log_weight));
    p->value = bti_arena_alloc(&p->arena, rows * n_slots * sizeof(*p->value));
    p->axis = bti_arena_alloc(&p->arena, n_slots * sizeof(*p->axis));
    p->term = bti_arena_alloc(&p->arena, rows * sizeof(*p->term));
    if (!p->count || !p->weight || !p->log_weight || !p->value || !p->axis || !p->term)
        return bti_fail_nomem(err);
    memset(p->axis, 0, n_slots * sizeof(*p->axis));
    return BT_OK;
}

void bti_parzen_release(bti_parzen *p)
{
    bti_arena_release(&p->arena);
    *p = (bti_parzen){0};
}

void bti_parzen_add(bti_parzen *p, const bti_trial *t, double weight)
{
    int k = p->n;
    if (k == p->cap)
        return;
    p->n++;
    p->weight[k] = weight;
    p->log_weight[k] = log(weight);
    for (int s = 0; s < p->n_slots; s++)
        p->value[s * p->cap + k] = NAN;
    for (int i = 0, at = 0; i < t->n_params; i++) {
        int slot = bti_space_slot(p->space, t->param_name[i], at);
        if (slot < 0)
            continue;
        p->value[slot * p->cap + k] = t->param_value[i];
        p->count[slot]++;
        at = slot + 1;
    }
}

/* ---- one kernel in one dimension ---- */
static double normal_cdf(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

static double mass(double centre, double sigma, double lo, double hi)
{
    return normal_cdf((hi - centre) / sigma) - normal_cdf((lo - centre) / sigma);
}

static bool is_nominal(const bti_domain *d)
{
    return d->kind == BTI_DOMAIN_CHOICE && !d->ordered;
}

/* Scott's rule in a group's dimensions; never narrower than the trials are apart on average. */
static double bandwidth(const bti_parzen *p, int slot)
{
    int n = p->count[slot];
    double scott = WIDTH * pow(n > 1 ? n : 1, -1.0 / (p->dims[slot] + 4));
    return fmax(scott, 1.0 / (n < 98 ? n + 2 : 100));
}

/* Probability that a nominal kernel keeps its trial's choice; the rest is spread evenly. One prior
 * observation is shared by all kernels. */
static double keep_share(int choices, int n)
{
    double prior = 1.0 / (n + 1.0);
    return (1 + prior) / (1 + choices * prior);
}

static double value_at(const bti_parzen *p, int k, int slot)
{
    return p->value[slot * p->cap + k];
}

int bti_parzen_kernel(const bti_parzen *p, int slot, bti_rng *rng)
{
    double total = 1; /* the prior's */
    for (int k = 0; k < p->n; k++)
        total += isnan(value_at(p, k, slot)) ? 0 : p->weight[k];
    double at = bti_rng_unit(rng) * total;
    for (int k = 0; k < p->n; k++) {
        at -= isnan(value_at(p, k, slot)) ? 0 : p->weight[k];
        if (at < 0)
            return k;
    }
    return p->n;
}

double bti_parzen_draw(const bti_parzen *p, int k, int slot, const bti_domain *d, bti_rng *rng)
{
    double lo, hi;
    double value = k < p->n ? value_at(p, k, slot) : NAN;
    if (isnan(value))
        return bti_domain_unit(d, bti_rng_unit(rng));
    if (is_nominal(d)) {
        int own = value < d->n ? (int)value : 0;
        if (d->n < 2 || bti_rng_unit(rng) < keep_share(d->n, p->count[slot]))
            return own;
        int other = (int)bti_rng_below(rng, (uint32_t)d->n - 1);
        return other >= own ? other + 1 : other;
    }
    bti_domain_cell(d, value, &lo, &hi);
    double centre = 0.5 * (lo + hi), sigma = bandwidth(p, slot);
    for (int i = 0; i < 64; i++) {
        double u = centre + sigma * bti_rng_normal(rng);
        if (u >= 0 && u < 1)
            return bti_domain_unit(d, u);
    }
    return bti_domain_unit(d, centre);
}

/* ---- axes ---- */
static int cells_of(const bti_domain *d)
{
    if (d->kind == BTI_DOMAIN_CHOICE)
        return d->n <= CELLS_MAX ? d->n : 0;
    if (d->hi <= d->lo)
        return 1;
    double n = d->step > 0 ? rint((d->hi - d->lo) / d->step) + 1 : 0;
    return n <= CELLS_MAX ? (int)n : 0;
}

static double value_of_cell(const bti_domain *d, int i)
{
    return d->kind == BTI_DOMAIN_CHOICE ? i : d->lo + i * d->step;
}

static int cell_index(const bti_domain *d, int n_cells, double value)
{
    double i = d->kind == BTI_DOMAIN_CHOICE || d->hi <= d->lo ? value : (value - d->lo) / d->step;
    if (n_cells == 1 || !(i > 0))
        return 0;
    return i < n_cells ? (int)rint(i) : n_cells - 1;
}

static void tabulate(bti_parzen_axis *a, int n_kernels)
{
    const bti_domain *d = &a->domain;
    int n = a->n_cells;
    double keep = keep_share(n, n_kernels);
    for (int from = 0; from < n; from++) {
        double lo, hi;
        bti_domain_cell(d, value_of_cell(d, from), &lo, &hi);
        double centre = 0.5 * (lo + hi), all = mass(centre, a->sigma, 0, 1);
        for (int to = 0; to < n; to++) {
            double density = 1;
            bti_domain_cell(d, value_of_cell(d, to), &lo, &hi);
            if (n > 1 && is_nominal(d))
                density = (to == from ? keep : (1 - keep) / (n - 1)) * n;
            else if (n > 1)
                density = mass(centre, a->sigma, lo, hi) / (all * (hi - lo));
            a->table[to * n + from] = log(fmax(density, 1e-300));
        }
    }
}

static void place_kernels(const bti_parzen *p, bti_parzen_axis *a, int slot)
{
    for (int k = 0, to = 0; k < p->n; k++) {
        double lo, hi, v = value_at(p, k, slot);
        if (isnan(v))
            continue;
        if (a->n_cells) {
            a->cell[to++] = (int16_t)cell_index(&a->domain, a->n_cells, v);
            continue;
        }
        bti_domain_cell(&a->domain, v, &lo, &hi);
        a->centre[to] = 0.5 * (lo + hi);
        a->log_norm[to++] = log(a->sigma * sqrt(2 * M_PI) * mass(0.5 * (lo + hi), a->sigma, 0, 1));
    }
}

static bool same_domain(const bti_domain *a, const bti_domain *b)
{
    return a->kind == b->kind && a->lo == b->lo && a->hi == b->hi && a->step == b->step &&
           a->n == b->n && a->log == b->log && a->ordered == b->ordered;
}

/* The axis of a slot for this domain. Bounds that depend on earlier parameters make it anew. */
static bt_status axis_for(bti_parzen *p, int slot, const bti_domain *d, bti_parzen_axis **out,
                          bt_error *err)
{
    bti_parzen_axis *a = &p->axis[slot];
    *out = a;
    if (a->made && same_domain(&a->domain, d))
        return BT_OK;
    int cells = cells_of(d), had = a->n_cells;
    size_t n = (size_t)p->n + 1;
    a->domain = *d;
    a->sigma = bandwidth(p, slot);
    a->n_cells = cells;
    if (cells && cells > had)
        a->table = bti_arena_alloc(&p->arena, (size_t)cells * (size_t)cells * sizeof(double));
    if (cells && !a->cell)
        a->cell = bti_arena_alloc(&p->arena, n * sizeof(*a->cell));
    if (!cells && !a->centre) {
        a->centre = bti_arena_alloc(&p->arena, n * sizeof(double));
        a->log_norm = bti_arena_alloc(&p->arena, n * sizeof(double));
    }
    if (cells ? !a->table || !a->cell : !a->centre || !a->log_norm)
        return bti_fail_nomem(err);
    a->made = true;
    if (cells)
        tabulate(a, p->count[slot]);
    place_kernels(p, a, slot);
    return BT_OK;
}

/* Adds the log densities of one parameter to the terms of the n kernels that have it. */
static void add_terms(const bti_parzen *p, const bti_parzen_axis *a, int n, double value)
{
    if (a->n_cells) {
        const double *row = a->table + cell_index(&a->domain, a->n_cells, value) * a->n_cells;
        for (int k = 0; k < n; k++)
            p->term[k] += row[a->cell[k]];
        return;
    }
    double lo, hi, sharp = 0.5 / (a->sigma * a->sigma);
    bti_domain_cell(&a->domain, value, &lo, &hi);
    double u = 0.5 * (lo + hi);
    for (int k = 0; k < n; k++) {
        double d = u - a->centre[k];
        p->term[k] -= sharp * d * d + a->log_norm[k];
    }
}

bt_status bti_parzen_log(bti_parzen *p, const bti_param *param, const int *slot, int n_params,
                         double *out, bt_error *err)
{
    int n = 0;
    double total = 1, most = 0, sum = 0;
    for (int k = 0; k < p->n; k++) {
        if (isnan(value_at(p, k, slot[0])))
            continue;
        p->term[n++] = p->log_weight[k];
        total += p->weight[k];
    }
    for (int i = 0; i < n_params; i++) {
        bti_parzen_axis *a;
        bt_status rc = axis_for(p, slot[i], &param[i].domain, &a, err);
        if (rc)
            return rc;
        add_terms(p, a, n, param[i].value);
    }
    p->term[n] = 0; /* the prior's: densities are relative to it */
    for (int k = 0; k < n; k++)
        most = fmax(most, p->term[k]);
    for (int k = 0; k <= n; k++)
        sum += p->term[k] > most - NEGLIGIBLE ? exp(p->term[k] - most) : 0;
    *out = most + log(sum / total);
    return BT_OK;
}
