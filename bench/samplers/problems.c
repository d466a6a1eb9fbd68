/* SPDX-License-Identifier: Apache-2.0
 *
 * zdt1, zdt3 (Zitzler, Deb, Thiele 2000; 12 variables), dtlz2 (Deb et al. 2002; two objectives, 11
 * variables); arch: the networks of examples/spaces/brief.yaml with their real parameter counts and
 * a made-up accuracy that depends on modules, their arguments and neighbours; brief12 and
 * brief12-kernel: what the table of measured networks lets expect, by either family of regression.
 */
#include "problems.h"

#include "base/hash.h"
#include "base/str.h"
#include "search/cost.h"
#include "spaces.h"

#include <math.h>

static void zdt1(const double *x, int n, double out[2])
{
    double sum = 0;
    for (int i = 1; i < n; i++)
        sum += x[i];
    double g = 1 + 9 * sum / (n - 1);
    out[0] = x[0];
    out[1] = g * (1 - sqrt(x[0] / g));
}

static void zdt3(const double *x, int n, double out[2])
{
    zdt1(x, n, out);
    out[1] -= x[0] * sin(10 * M_PI * x[0]); /* g (1 - sqrt(f1 / g) - f1 / g sin(10 pi f1)) */
}

static void dtlz2(const double *x, int n, double out[2])
{
    double g = 0;
    for (int i = 1; i < n; i++)
        g += (x[i] - 0.5) * (x[i] - 0.5);
    out[0] = (1 + g) * cos(x[0] * M_PI / 2);
    out[1] = (1 + g) * sin(x[0] * M_PI / 2);
}

static const problem_kind kinds[] = {{"zdt1", 12, {1.1, 7}, zdt1, -1},
                                     {"zdt3", 12, {1.1, 7}, zdt3, -1},
                                     {"dtlz2", 11, {3, 3}, dtlz2, -1},
                                     {"arch", 0, {1, 5.7}, NULL, -1},
                                     {"brief12", 0, {1, 6}, NULL, FAMILY_FOREST},
                                     {"brief12-kernel", 0, {1, 6}, NULL, FAMILY_KERNEL}};

const problem_kind *problem_find(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (bti_streq(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

/* ---- spaces ---- */
static bti_space *numeric_space(int n, bt_error *err)
{
    return numbers_space(n, "kernel: 3, expand: {float: [0.0, 1.0]}, out: 8, se: 0, hs: 0", err);
}

static bti_space *arch_space(bt_error *err)
{
    bti_space *s = brief_space(NULL, err);
    if (s) {
        bti_space_limit(s, BTI_METRIC_PARAMS, 500e3);
        bti_space_limit(s, BTI_METRIC_MACS, 30e6);
    }
    return s;
}

/* Numbers are no network: they all cost the same. The hash is of the values. */
static bt_status no_network_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    (void)user, (void)err;
    bti_str text = {0};
    *out = (bti_cost){.params = 1000};
    bti_rows_to_yaml(rows, &text);
    bti_hash_buffer(bti_str_c(&text), text.len, out->hash);
    bti_str_release(&text);
    return BT_OK;
}

/* ---- the made-up accuracy ---- */
static double coin(const char *a, const char *b)
{
    uint64_t h = 14695981039346656037u;
    for (const char *s = a; *s; s++)
        h = (h ^ (uint64_t)*s) * 1099511628211u;
    for (const char *s = b; *s; s++)
        h = (h ^ (uint64_t)*s) * 1099511628211u;
    return (double)(bti_seed_mix(h, 1) >> 11) * 0x1p-53;
}

/* How good a value is: a smooth bump at a place of its own for numbers, a table for choices. */
static double worth(const bti_param *p)
{
    char value[32];
    double lo, hi;
    if (p->domain.kind == BTI_DOMAIN_CHOICE) {
        snprintf(value, sizeof(value), "=%d", (int)p->value);
        return coin(p->name, value);
    }
    bti_domain_cell(&p->domain, p->value, &lo, &hi);
    double d = 0.5 * (lo + hi) - coin(p->name, "peak");
    return exp(-6 * d * d);
}

/* Error of a network: falls with log(parameters), and with the mean worth of its choices; blocks
 * that follow each other fit or do not. */
static double made_up_error(const bti_point *p, double params)
{
    double sum = 0, fit = 0;
    int n = 0, n_fit = 0;
    const bti_param *last = NULL;
    for (int i = 0; i < p->n; i++) {
        const bti_param *q = &p->param[i];
        sum += worth(q);
        n++;
        if (!strstr(q->name, ".module"))
            continue;
        if (last) {
            char pair[64];
            snprintf(pair, sizeof(pair), "%d-%d", (int)last->value, (int)q->value);
            fit += coin(q->name, pair);
            n_fit++;
        }
        last = q;
    }
    double quality = n ? sum / n : 0;
    if (n_fit)
        quality = 0.7 * quality + 0.3 * fit / n_fit;
    double size = (log10(params + 1) - 3) / 2.7; /* 1k .. 500k */
    return 0.08 + 0.55 * exp(-1.6 * fmax(size, 0)) * (1.6 - quality) + 0.12 * (1 - quality);
}

/* ---- a problem ---- */
bt_status problem_open(problem *p, const problem_kind *kind, bool rungs, bt_error *err)
{
    *p = (problem){.kind = kind};
    p->space = kind->f            ? numeric_space(kind->n, err)
               : kind->family < 0 ? arch_space(err)
                                  : brief12_space(err);
    if (!p->space)
        return BT_IO;
    return kind->family < 0 ? BT_OK
                            : surrogate_open(&p->table, p->space, (family)kind->family, rungs, err);
}

void problem_close(problem *p)
{
    surrogate_free(p->table);
    bti_space_free(p->space);
    *p = (problem){0};
}

bti_goals problem_goals(const problem *p)
{
    bool numbers = p->kind->f != NULL;
    return (bti_goals){.n = 2,
                       .metric = {numbers ? BTI_METRIC_NONE : BTI_METRIC_ACCURACY,
                                  numbers ? BTI_METRIC_NONE : BTI_METRIC_PARAMS},
                       .maximize = {true, false}};
}

bti_cost_fn problem_cost(const problem *p)
{
    return p->kind->f ? no_network_cost : bti_graph_cost;
}

static bt_status ask_table(const problem *p, const bti_answer *a, uint64_t seed, evaluation *out,
                           bt_error *err)
{
    double noise[RUNGS];
    bt_status rc = surrogate_curve(p->table, &a->point, &out->seen, err);
    if (rc)
        return rc;
    out->judged[0] = 1 - out->seen.accuracy[RUNGS - 1];
    surrogate_noise(p->table, a->cost.hash, seed, noise);
    for (int k = 0; k < RUNGS; k++)
        out->seen.accuracy[k] += noise[k];
    out->f[0] = 1 - out->seen.accuracy[RUNGS - 1];
    return BT_OK;
}

bt_status problem_evaluate(const problem *p, const bti_answer *a, uint64_t seed, evaluation *out,
                           bt_error *err)
{
    double x[64];
    *out = (evaluation){0};
    if (p->kind->f) {
        for (int i = 0; i < p->kind->n; i++)
            x[i] = a->point.param[i].value;
        p->kind->f(x, p->kind->n, out->f);
        memcpy(out->judged, out->f, sizeof(out->judged));
        return BT_OK;
    }
    out->f[1] = out->judged[1] = log10(a->cost.params + 1);
    if (p->table)
        return ask_table(p, a, seed, out, err);
    out->f[0] = out->judged[0] = made_up_error(&a->point, a->cost.params);
    return BT_OK;
}
