/* SPDX-License-Identifier: Apache-2.0
 *
 * play PROBLEM SAMPLER SEED TRIALS: one run of a sampler on a test problem; one line a trial:
 * number, both objectives (minimised), hypervolume so far, milliseconds of the ask.
 * play PROBLEM - SEED TRIALS: the same problem for a foreign sampler over pipes: it is asked for
 * each active parameter ("float NAME LO HI STEP LOG", "int ...", "choice NAME N") and answers with
 * a value or index; after a trial it is told "tell F1 F2". A point that breaks the constraints is
 * answered with "infeasible" and counts as no trial, as bantam never proposes one.
 *
 * Problems: zdt1, zdt3 (Zitzler, Deb, Thiele 2000; 12 variables), dtlz2 (Deb et al. 2002; two
 * objectives, 11 variables), and arch: the networks of examples/spaces/brief.yaml with their real
 * parameter counts and a made-up accuracy that depends on modules, their arguments and neighbours.
 */
#include "base/alloc.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/str.h"
#include "model/graph.h"
#include "study/sampler.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FOREIGN_TRIES 1000

typedef struct problem {
    const char *name;
    int n; /* variables; 0: arch */
    double ref[2];
    void (*f)(const double *x, int n, double out[2]);
} problem;

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

static const problem problems[] = {{"zdt1", 12, {1.1, 7}, zdt1},
                                   {"zdt3", 12, {1.1, 7}, zdt3},
                                   {"dtlz2", 11, {3, 3}, dtlz2},
                                   {"arch", 0, {1, 5.7}, NULL}};

/* ---- spaces ---- */
static bti_space *numeric_space(int n, bt_error *err)
{
    bti_str t = {0};
    bti_space *s = NULL;
    bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3};
    bti_str_add(&t, "format: search-space/1\nname: numbers\n"
                    "input: {channels: 3, classes: 10, size: 32}\nblocks:\n");
    for (int i = 0; i < n; i++)
        bti_str_addf(&t,
                     "  - {id: x%d, module: {InvertedResidualv3: {kernel: 3, expand: {float: [0.0, "
                     "1.0]}, out: 8, se: 0, hs: 0}}}\n",
                     i);
    bti_str_add(&t, "tail:\n  - [1, GlobalAvgPool, []]\n  - [1, Flatten, []]\n"
                    "  - [1, Linear, [10]]\n");
    if (bti_space_parse(&s, bti_str_c(&t), t.len, "numbers", &vars, err))
        s = NULL;
    bti_str_release(&t);
    return s;
}

static bti_space *arch_space(bt_error *err)
{
    bti_space *s = NULL;
    bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3};
    char *text;
    size_t n;
    if (bti_file_read("examples/spaces/brief.yaml", 1 << 20, &text, &n, err))
        return NULL;
    if (bti_space_parse(&s, text, n, "examples/spaces/brief.yaml", &vars, err))
        s = NULL;
    bti_free(text);
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

static bt_status network_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    (void)user;
    bti_graph *g = NULL;
    bt_status rc = bti_graph_build(&g, rows, 0, 0, 0, err);
    if (rc)
        return rc;
    *out = (bti_cost){.params = (double)g->params, .macs = (double)g->macs};
    snprintf(out->hash, sizeof(out->hash), "%s", g->hash);
    bti_graph_free(g);
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

static void evaluate(const problem *pb, const bti_answer *a, double out[2])
{
    double x[64];
    if (pb->f) {
        for (int i = 0; i < pb->n; i++)
            x[i] = a->point.param[i].value;
        pb->f(x, pb->n, out);
        return;
    }
    out[0] = made_up_error(&a->point, a->cost.params);
    out[1] = log10(a->cost.params + 1);
}

/* ---- a foreign sampler ---- */
typedef struct foreign {
    const bti_space *space;
    bool ended;
} foreign;

static double pick_foreign(void *user, int slot, int group, const bti_domain *d)
{
    foreign *f = user;
    char line[128];
    (void)group;
    const char *name = bti_space_slot_name(f->space, slot);
    if (f->ended)
        return bti_domain_unit(d, 0.5);
    if (d->kind == BTI_DOMAIN_CHOICE)
        printf("choice %s %d\n", name, d->n);
    else
        printf("%s %s %.17g %.17g %.17g %d\n", d->kind == BTI_DOMAIN_INT ? "int" : "float", name,
               d->lo, d->hi, d->step, d->log);
    fflush(stdout);
    f->ended = !fgets(line, sizeof(line), stdin);
    return f->ended ? bti_domain_unit(d, 0.5) : strtod(line, NULL);
}

static bt_status ask_foreign(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    foreign f = {.space = ask->space};
    bt_status rc = BT_EMPTY;
    for (int i = 0; i < FOREIGN_TRIES && rc == BT_EMPTY && !f.ended; i++) {
        printf("%s\n", i ? "infeasible" : "ask");
        fflush(stdout);
        bti_space_pick(ask->space, pick_foreign, &f, &out->point);
        rc = bti_sampler_complete(ask, out, err);
    }
    return rc;
}

static const bti_sampler_ops foreign_ops = {.name = "-", .help = "", .ask = ask_foreign};

/* ---- one run ---- */
static bool record(bti_trials *t, const problem *pb, const bti_answer *a, const double f[2])
{
    bti_trial one = {.id = t->n + 1, .number = t->n, .state = BTI_COMPLETE, .n_values = 2};
    bt_error err;
    if (bti_trial_params(&one, a->point.n, &err))
        return false;
    for (int i = 0; i < a->point.n; i++) {
        one.param_name[i] = bti_strdup(a->point.param[i].name);
        one.param_value[i] = a->point.param[i].value;
    }
    one.value[0] = pb->f ? -f[0] : 1 - f[0]; /* maximised, as accuracy is */
    one.value[1] = pb->f ? f[1] : a->cost.params;
    one.attrs = bti_json_object();
    bti_json_set_num(one.attrs, "params", a->cost.params);
    bti_json_set_str(one.attrs, "key", a->key);
    bti_json_set_str(one.attrs, "sampler", a->by);
    if (a->parent >= 0)
        bti_json_set_int(one.attrs, "parent", a->parent);
    return !bti_trials_take(t, &one, &err);
}

static int play(const problem *pb, const bti_sampler_ops *ops, const char *params, uint64_t seed,
                int n_trials)
{
    const bti_goals goals = {.n = 2,
                             .metric = {pb->f ? BTI_METRIC_NONE : BTI_METRIC_ACCURACY,
                                        pb->f ? BTI_METRIC_NONE : BTI_METRIC_PARAMS},
                             .maximize = {true, false}};
    bt_error err = {0};
    bti_trials trials = {0};
    bti_answer *a = bti_calloc(1, sizeof(*a));
    bti_memo *memo = bti_memo_new();
    double *front = bti_array((size_t)n_trials + 1, 2 * sizeof(*front));
    bti_space *space = pb->f ? numeric_space(pb->n, &err) : arch_space(&err);
    bt_status rc = space && a && front ? BT_OK : BT_NOMEM;
    for (int i = 0; i < n_trials && !rc; i++) {
        bti_ask ask = {.space = space,
                       .trials = &trials,
                       .goals = &goals,
                       .cost = pb->f ? no_network_cost : network_cost,
                       .params = params,
                       .seed = seed,
                       .number = i,
                       .memo = memo};
        double start = bt_now(), ms;
        rc = bti_sampler_ask(ops, &ask, a, &err);
        ms = 1e3 * (bt_now() - start);
        if (rc)
            break;
        evaluate(pb, a, &front[2 * i]);
        if (!record(&trials, pb, a, &front[2 * i]))
            break;
        printf("%s %d %.6g %.6g %.8g %.3f %s\n", ops == &foreign_ops ? "tell" : "trial", i,
               front[2 * i], front[2 * i + 1], bti_hypervolume(front, i + 1, 2, pb->ref), ms,
               a->by);
        fflush(stdout);
    }
    if (rc)
        fprintf(stderr, "play: %s: %s\n", err.where, err.text);
    bti_trials_release(&trials);
    bti_space_free(space);
    bti_memo_free(memo);
    bti_free(front);
    bti_free(a);
    return rc ? 1 : 0;
}

int main(int argc, char **argv)
{
    const problem *pb = NULL;
    const bti_sampler_ops *ops = &foreign_ops;
    const char *params = NULL;
    bt_error err = {0};
    if (argc != 5) {
        fprintf(stderr, "usage: play zdt1|zdt3|dtlz2|arch SAMPLER|- SEED TRIALS\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
        if (!strcmp(argv[1], problems[i].name))
            pb = &problems[i];
    if (!pb || (strcmp(argv[2], "-") && bti_sampler_find(&ops, argv[2], &params, &err))) {
        fprintf(stderr, "play: %s\n", pb ? err.text : "no such problem");
        return 2;
    }
    return play(pb, ops, params, strtoull(argv[3], NULL, 10), (int)strtol(argv[4], NULL, 10));
}
