/* SPDX-License-Identifier: Apache-2.0
 *
 * Domains: from what the file says to a list or a range of values, given the values chosen so far.
 * Grids are lo + i * step (floats rounded to 10 decimals); the upper end is lowered to the grid.
 */
#include "space/space_int.h"

#include <math.h>

/* A grid's last step may miss the upper end by rounding: [1.0, 6.0, 0.1] has 51 values. */
#define GRID_SLACK 1e-9

static bool cond_holds(const bti_walk *w, const bti_cond *c)
{
    if (!w->present[c->slot])
        return false;
    bti_value v = w->value[c->slot];
    if (!c->n)
        return bti_value_num(v) >= c->lo && bti_value_num(v) <= c->hi; /* false for NaN */
    for (int i = 0; i < c->n; i++)
        if (bti_value_equal(v, c->any[i]))
            return true;
    return false;
}

bool bti_when_holds(const bti_walk *w, const bti_when *when)
{
    for (int i = 0; i < when->n; i++)
        if (!cond_holds(w, &when->cond[i]))
            return false;
    return true;
}

static bool expr_now(const bti_walk *w, const bti_expr *e, bti_value *out)
{
    if (e->ref == BTI_REF_NONE)
        *out = e->value;
    else if (e->ref == BTI_REF_PREV_OUT)
        *out = bti_value_int((int64_t)w->prev_out);
    else if (w->present[e->ref])
        *out = w->value[e->ref];
    else
        return false;
    if (!e->op)
        return true;
    double v = bti_value_num(*out);
    if (isnan(v))
        return false;
    v = e->op == '+' ? v + e->operand : v * e->operand;
    if (!(fabs(v) <= BTI_NUMBER_MAX))
        return false;
    *out = v == rint(v) && out->kind != BTI_FLOAT ? bti_value_int((int64_t)v) : bti_value_float(v);
    return true;
}

static double round10(double v)
{
    return rint(v * 1e10) / 1e10;
}

static bool range_now(const bti_walk *w, const bti_alt *a, bti_domain *d)
{
    bti_value lo, hi;
    if (!expr_now(w, &a->lo, &lo) || !expr_now(w, &a->hi, &hi))
        return false;
    d->lo = bti_value_num(lo);
    d->hi = bti_value_num(hi);
    if (!(fabs(d->lo) <= BTI_NUMBER_MAX) || !(fabs(d->hi) <= BTI_NUMBER_MAX))
        return false;
    if (d->step > 0 && (d->hi - d->lo) / d->step > BTI_NUMBER_MAX)
        return false;
    if (d->log && d->lo <= 0)
        return false;
    if (d->kind == BTI_DOMAIN_INT) {
        d->lo = ceil(d->lo);
        d->hi = floor(d->hi);
    }
    /* Ends that cross (a lower end that grew past the upper one) leave the lower end alone. */
    if (d->hi < d->lo)
        d->hi = d->lo;
    if (d->step > 0)
        d->hi = round10(d->lo + floor((d->hi - d->lo) / d->step + GRID_SLACK) * d->step);
    return true;
}

/* The domain without its condition. */
static bool domain_now(const bti_walk *w, const bti_alt *a, bti_domain *d)
{
    *d = (bti_domain){.ordered = a->ordered, .log = a->log, .step = a->step};
    if (a->form == BTI_FORM_CHOICE) {
        d->kind = BTI_DOMAIN_CHOICE;
        d->n = a->n;
        d->choice = a->choice;
        return true;
    }
    d->kind = a->form == BTI_FORM_INT ? BTI_DOMAIN_INT : BTI_DOMAIN_FLOAT;
    return range_now(w, a, d);
}

void bti_alt_settle(bti_alt *a)
{
    bool choice = a->form == BTI_FORM_CHOICE;
    bool depends = a->lo.ref != BTI_REF_NONE || a->hi.ref != BTI_REF_NONE;
    if (choice || (a->form != BTI_FORM_CONST && !depends))
        a->is_settled = domain_now(NULL, a, &a->domain);
}

bool bti_alt_now(const bti_walk *w, const bti_alt *a, bti_domain *d, bti_value *fixed)
{
    if (a->when.n && !bti_when_holds(w, &a->when))
        return false;
    if (a->form == BTI_FORM_CONST) {
        if (a->value.ref != BTI_REF_NONE || a->value.op)
            return expr_now(w, &a->value, fixed);
        *fixed = a->value.value;
        return true;
    }
    if (!a->is_settled)
        return domain_now(w, a, d);
    *d = a->domain;
    return true;
}

uint64_t bti_domain_count(const bti_domain *d)
{
    if (d->kind == BTI_DOMAIN_CHOICE)
        return (uint64_t)d->n;
    if (d->hi <= d->lo)
        return 1;
    return d->step > 0 ? (uint64_t)floor((d->hi - d->lo) / d->step + 0.5) + 1 : 0;
}

double bti_domain_at(const bti_domain *d, uint64_t i)
{
    if (d->kind == BTI_DOMAIN_CHOICE)
        return (double)i;
    double v = d->lo + (double)i * d->step;
    return d->kind == BTI_DOMAIN_INT ? rint(v) : round10(v);
}

/* Uniform below n for counts beyond 32 bits; the bias of 2^-53 is far below what a search can see.
 */
static uint64_t below(bti_rng *rng, uint64_t n)
{
    if (n <= UINT32_MAX)
        return bti_rng_below(rng, (uint32_t)n);
    uint64_t i = (uint64_t)(bti_rng_unit(rng) * (double)n);
    return i < n ? i : n - 1;
}

double bti_domain_draw(const bti_domain *d, bti_rng *rng)
{
    if (d->kind != BTI_DOMAIN_CHOICE && d->log && d->hi > d->lo) {
        /* An integer owns the half unit on both sides of it. */
        double half = d->kind == BTI_DOMAIN_INT ? 0.5 : 0;
        return bti_domain_clamp(d, exp(bti_rng_uniform(rng, log(d->lo - half), log(d->hi + half))));
    }
    uint64_t n = bti_domain_count(d);
    return n ? bti_domain_at(d, below(rng, n)) : bti_rng_uniform(rng, d->lo, d->hi);
}

void bti_domain_cell(const bti_domain *d, double value, double *lo, double *hi)
{
    double v = bti_domain_clamp(d, value);
    if (d->kind != BTI_DOMAIN_CHOICE && d->log && d->hi > d->lo) {
        double half = d->kind == BTI_DOMAIN_INT ? 0.5 : 0, from = log(d->lo - half);
        double width = log(d->hi + half) - from;
        *lo = (log(v - half) - from) / width;
        *hi = (log(v + half) - from) / width;
        return;
    }
    uint64_t n = bti_domain_count(d);
    if (n == 1) {
        *lo = 0;
        *hi = 1;
    } else if (n) {
        double i = d->kind == BTI_DOMAIN_CHOICE ? v : rint((v - d->lo) / d->step);
        *lo = i / (double)n;
        *hi = (i + 1) / (double)n;
    } else {
        *lo = *hi = (v - d->lo) / (d->hi - d->lo);
    }
}

double bti_domain_unit(const bti_domain *d, double u)
{
    if (d->kind != BTI_DOMAIN_CHOICE && d->log && d->hi > d->lo) {
        double half = d->kind == BTI_DOMAIN_INT ? 0.5 : 0, from = log(d->lo - half);
        return bti_domain_clamp(d, exp(from + u * (log(d->hi + half) - from)));
    }
    uint64_t n = bti_domain_count(d);
    if (!n)
        return bti_domain_clamp(d, d->lo + u * (d->hi - d->lo));
    double i = floor(u * (double)n);
    return bti_domain_at(d, i < 0 ? 0 : i >= (double)n ? n - 1 : (uint64_t)i);
}

double bti_domain_middle(const bti_domain *d)
{
    if (d->kind == BTI_DOMAIN_CHOICE)
        return d->ordered ? (d->n - 1) / 2 : 0;
    if (d->log)
        return bti_domain_clamp(d, sqrt(d->lo * d->hi));
    uint64_t n = bti_domain_count(d);
    return n ? bti_domain_at(d, (n - 1) / 2) : 0.5 * (d->lo + d->hi);
}

double bti_domain_clamp(const bti_domain *d, double v)
{
    double lo = d->lo, hi = d->hi;
    if (d->kind == BTI_DOMAIN_CHOICE) {
        lo = 0;
        hi = d->n - 1;
    }
    if (!(v > lo)) /* NaN too */
        return lo;
    if (v >= hi)
        return hi;
    if (d->kind == BTI_DOMAIN_CHOICE)
        return rint(v);
    return d->step > 0 ? bti_domain_at(d, (uint64_t)rint((v - lo) / d->step)) : v;
}

bool bti_domain_find(const bti_domain *d, bti_value v, double *out)
{
    if (d->kind != BTI_DOMAIN_CHOICE) {
        double x = bti_value_num(v);
        if (isnan(x))
            return false;
        *out = bti_domain_clamp(d, x);
        return true;
    }
    for (int i = 0; i < d->n; i++)
        if (bti_value_equal(d->choice[i], v)) {
            *out = i;
            return true;
        }
    return false;
}

/* Grids: index of the value. */
static uint64_t index_of(const bti_domain *d, double v)
{
    double at = bti_domain_clamp(d, v);
    return d->kind == BTI_DOMAIN_CHOICE ? (uint64_t)at : (uint64_t)rint((at - d->lo) / d->step);
}

double bti_domain_move(const bti_domain *d, double from, bti_rng *rng)
{
    uint64_t n = bti_domain_count(d);
    if (n == 1)
        return bti_domain_at(d, 0);
    bool ordered = d->kind != BTI_DOMAIN_CHOICE || d->ordered;
    bool near = ordered && bti_rng_below(rng, 2);
    if (!n) { /* continuous: a normal step of a tenth of the range, or a fresh draw */
        if (!near)
            return bti_domain_draw(d, rng);
        double step = 0.1 * bti_rng_normal(rng);
        if (d->log)
            return bti_domain_clamp(
                d, exp(log(bti_domain_clamp(d, from)) + step * log(d->hi / d->lo)));
        return bti_domain_clamp(d, from + step * (d->hi - d->lo));
    }
    uint64_t i = index_of(d, from);
    if (near) {
        bool up = i == 0 || (i < n - 1 && bti_rng_below(rng, 2));
        return bti_domain_at(d, up ? i + 1 : i - 1);
    }
    uint64_t other = below(rng, n - 1);
    return bti_domain_at(d, other >= i ? other + 1 : other);
}

/* ---- for people ---- */
static void describe_choice(const bti_domain *d, bti_str *out)
{
    for (int i = 0; i < d->n; i++) {
        char buf[256];
        bti_str_addf(out, "%s%s", i ? " " : (d->ordered ? "ordinal " : "choice "),
                     bti_value_text(buf, sizeof(buf), d->choice[i]));
    }
}

void bti_domain_text(const bti_domain *d, bti_str *out)
{
    char lo[32], hi[32], step[32];
    if (d->kind == BTI_DOMAIN_CHOICE) {
        describe_choice(d, out);
        return;
    }
    bti_str_addf(out, "%s %s..%s", d->kind == BTI_DOMAIN_INT ? "int" : "float",
                 bti_format_double(lo, d->lo), bti_format_double(hi, d->hi));
    if (d->step > 0 && !(d->kind == BTI_DOMAIN_INT && d->step == 1))
        bti_str_addf(out, " step %s", bti_format_double(step, d->step));
    if (d->log)
        bti_str_add(out, " log");
}
