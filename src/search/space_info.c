/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam space info`: what a space file holds, measured by drawing from it. Joins the halves:
 * points come from space/, their cost from model/.
 */
#include "bantam/space.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "search/auto_space.h"
#include "search/cost.h"
#include "search/shipped.h"

#include <math.h>

static bt_status open_space(bti_space **out, const char *path, const bti_space_vars *vars,
                            bt_error *err)
{
    char *text = NULL;
    const bti_auto_space unfitted = bti_auto_space_of(vars->size);
    bt_status rc = bti_streq(path, "auto") ? bti_auto_space_text(&text, &unfitted, err)
                                           : bti_space_source(&text, path, err);
    if (!rc)
        rc = bti_space_parse(out, text, strlen(text), path, vars, err);
    bti_free(text);
    return rc;
}

/* ---- parameters ---- */
static bti_json *list_params(const bti_space *s)
{
    const bti_param *p;
    int n = bti_space_params(s, &p);
    bti_json *list = bti_json_array();
    for (int i = 0; i < n; i++) {
        bti_str text = {0};
        bti_json *one = bti_json_object();
        bti_domain_text(&p[i].domain, &text);
        bti_json_set_str(one, "name", p[i].name);
        bti_json_set_str(one, "domain", bti_str_c(&text));
        bti_json_append(list, one);
        bti_str_release(&text);
    }
    return list;
}

/* ---- draws ---- */
typedef struct tally {
    int n; /* networks, feasible or not */
    int feasible;
    double *params, *macs; /* of the n */
    double *feasible_params;
} tally;

static bt_status draw_one(const bti_space *s, bti_rng *rng, tally *t, bt_error *err)
{
    bti_arena arena = {0};
    bti_point p;
    bti_rows rows;
    bti_cost cost;
    bti_constraints c = bti_space_constraints(s);
    bti_space_draw(s, rng, &p);
    bt_status rc = bti_space_rows(s, &p, &rows, &arena, err);
    if (!rc)
        rc = bti_graph_cost(NULL, &rows, &cost, err);
    bti_arena_release(&arena);
    if (rc)
        return rc;
    if (bti_constraints_hold(&c, &cost))
        t->feasible_params[t->feasible++] = cost.params;
    t->params[t->n] = cost.params;
    t->macs[t->n++] = cost.macs;
    return BT_OK;
}

/* A draw that makes no network counts as infeasible; when none does, the reason is the answer. */
static bt_status draw_all(const bti_space *s, int draws, uint64_t seed, tally *t, bt_error *err)
{
    bt_error why = {0};
    for (int i = 0; i < draws; i++) {
        bti_rng rng = bti_rng_at(seed, BTI_RNG_SPACE, 0, (uint32_t)i, 0);
        bt_status rc = draw_one(s, &rng, t, &why);
        if (rc && rc != BT_INVAL && rc != BT_FORMAT)
            goto fail;
    }
    if (t->n || !draws)
        return BT_OK;
fail:
    if (err)
        *err = why;
    return why.code;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bti_json *quantiles(double *v, int n)
{
    static const struct {
        const char *name;
        double at;
    } q[] = {{"min", 0},    {"q05", 0.05}, {"q25", 0.25}, {"q50", 0.5},
             {"q75", 0.75}, {"q95", 0.95}, {"max", 1}};
    if (!n)
        return bti_json_null();
    bti_json *o = bti_json_object();
    qsort(v, (size_t)n, sizeof(*v), ascending);
    for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++)
        bti_json_set_int(o, q[i].name, (int64_t)v[(int)rint(q[i].at * (n - 1))]);
    return o;
}

/* ---- the report ---- */
static bti_json *bounds(bti_bounds b)
{
    bti_json *a = bti_json_array();
    bti_json_append(a, bti_json_num(b.lo));
    bti_json_append(a, bti_json_num(b.hi)); /* null: none */
    return a;
}

static void put_rules(bti_json *o, const bti_space *s)
{
    bti_constraints c = bti_space_constraints(s);
    const bti_objective *objective;
    int n = bti_space_objectives(s, &objective);
    bti_json *limits = bti_json_object(), *goals = bti_json_array();
    for (int i = 0; i <= BTI_METRICS; i++) {
        const bti_bounds *b = i < BTI_METRICS ? bti_constraint_of(&c, (bti_metric)i) : &c.out_size;
        if (b->lo > 0 || isfinite(b->hi))
            bti_json_set(limits, i < BTI_METRICS ? bti_metric_names()[i] : "out_size", bounds(*b));
    }
    for (int i = 0; i < n; i++) {
        bti_json *one = bti_json_object();
        bti_json_set_str(one, "metric", objective[i].metric);
        bti_json_set_str(one, "goal", objective[i].maximize ? "max" : "min");
        bti_json_append(goals, one);
    }
    bti_json_set(o, "constraints", limits);
    bti_json_set(o, "objectives", goals);
}

static void put_size(bti_json *o, const bti_space *s)
{
    int continuous = 0;
    char *size = bti_space_size(s, &continuous), *network = bti_space_network_size(s, NULL);
    bti_json_set(o, "size", size ? bti_json_str(size) : bti_json_null());
    if (bti_space_has_network(s))
        bti_json_set(o, "network_size", network ? bti_json_str(network) : bti_json_null());
    bti_json_set_bool(o, "continuous", continuous);
    bti_free(size);
    bti_free(network);
}

static bt_status report(char **json, const bti_space *s, int draws, tally *t, bt_error *err)
{
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "name", bti_space_name(s));
    bti_json_set(o, "parameters", list_params(s));
    put_size(o, s);
    put_rules(o, s);
    bti_json_set_int(o, "draws", draws);
    bti_json_set_int(o, "networks", t->n);
    bti_json_set_int(o, "feasible", t->feasible);
    bti_json_set_num(o, "feasible_share", draws ? (double)t->feasible / draws : NAN);
    bti_json_set(o, "params", quantiles(t->params, t->n));
    bti_json_set(o, "macs", quantiles(t->macs, t->n));
    bti_json_set(o, "feasible_params", quantiles(t->feasible_params, t->feasible));
    *json = bti_json_text(o, 2);
    bti_json_free(o);
    return *json ? BT_OK : bti_fail_nomem(err);
}

bt_status bt_space_info(char **json, const char *path, int classes, int size, int channels,
                        int draws, uint64_t seed, bt_error *err)
{
    const bti_space_vars vars = {.classes = classes ? classes : 10,
                                 .size = size ? size : 32,
                                 .channels = channels ? channels : 3};
    bti_space *s;
    tally t = {0};

    *json = NULL;
    if (draws < 0 || draws > 1000000)
        return bti_fail(err, BT_INVAL, "draws", "the number of draws must be from 0 to 1000000");
    bt_status rc = open_space(&s, path, &vars, err);
    if (rc)
        return rc;
    draws = bti_space_has_network(s) ? draws : 0;
    t.params = bti_array((size_t)draws, sizeof(double));
    t.macs = bti_array((size_t)draws, sizeof(double));
    t.feasible_params = bti_array((size_t)draws, sizeof(double));
    if (!t.params || !t.macs || !t.feasible_params)
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = draw_all(s, draws, seed, &t, err);
    if (!rc)
        rc = report(json, s, draws, &t, err);
    bti_free(t.params);
    bti_free(t.macs);
    bti_free(t.feasible_params);
    bti_space_free(s);
    return rc;
}
