/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading constraints, objectives and the selection rule (model-format.md 4.5).
 */
#include "space/parse_int.h"

#include <math.h>

static const char *const metrics[] = {
    "accuracy", "balanced_accuracy", "f1_macro",    "params", "macs",
    "loss",     "latency_ms",        "peak_memory", NULL};

static bt_status read_metric(bti_parser *p, int line, const char *word, const char *context,
                             const char **out)
{
    for (int i = 0; metrics[i]; i++)
        if (bti_streq(metrics[i], word)) {
            *out = metrics[i];
            return BT_OK;
        }
    return bti_parse_unknown(p, line, "metric", word, context, metrics);
}

static bt_status read_goal(bti_parser *p, const bti_yaml *y, int line, bool *maximize)
{
    static const char *const goals[] = {"max", "min", NULL};
    const char *word = y && y->kind == BTI_YAML_SCALAR ? y->text : "";
    *maximize = bti_streq(word, "max");
    if (!*maximize && !bti_streq(word, "min"))
        return bti_parse_unknown(p, y ? y->line : line, "goal", word, "objectives", goals);
    return BT_OK;
}

/* ---- constraints ---- */
static bt_status parse_bounds(bti_parser *p, const char *key, const bti_yaml *y, bti_bounds *out)
{
    if (y->kind != BTI_YAML_SEQ || y->n != 2)
        return bti_parse_fail(p, y->line, "constraints.%s is [lower, upper]", key);
    for (int i = 0; i < 2; i++) {
        bti_value v;
        bt_status rc = bti_parse_value(p, y->child[i], &v);
        if (rc)
            return rc;
        if (v.kind == BTI_NULL) /* open on this side */
            continue;
        double x = bti_value_num(v);
        if (!bti_value_is_num(v) || !(x >= 0))
            return bti_parse_fail(p, y->child[i]->line,
                                  "constraints.%s needs numbers of at least 0 (or null)", key);
        *(i ? &out->hi : &out->lo) = x;
    }
    if (out->lo > out->hi)
        return bti_parse_fail(p, y->line, "constraints.%s: the lower end is above the upper end",
                              key);
    return BT_OK;
}

bt_status bti_parse_constraints(bti_parser *p, const bti_yaml *y)
{
    static const char *const keys[] = {"params", "macs", "peak_memory", "out_size", NULL};
    bti_constraints *c = &p->s->constraints;
    bti_bounds *bounds[] = {&c->params, &c->macs, &c->peak_memory, &c->out_size};
    bt_status rc = bti_parse_keys(p, y, "constraints", keys);
    for (int i = 0; keys[i] && !rc; i++) {
        const bti_yaml *v = bti_yaml_get(y, keys[i]);
        if (v)
            rc = parse_bounds(p, keys[i], v, bounds[i]);
    }
    return rc;
}

/* ---- objectives, selection ---- */
bt_status bti_parse_objectives(bti_parser *p, const bti_yaml *y)
{
    static const char *const keys[] = {"metric", "goal", NULL};
    if (y->kind != BTI_YAML_SEQ || !y->n)
        return bti_parse_fail(p, y->line, "objectives is a list of {metric, goal}");
    bti_objective *o = bti_parse_alloc(p, (size_t)y->n, sizeof(*o));
    if (!o)
        return bti_fail_nomem(p->err);
    for (int i = 0; i < y->n; i++) {
        const bti_yaml *one = y->child[i];
        bt_status rc = bti_parse_keys(p, one, "an objective", keys);
        const bti_yaml *metric = bti_yaml_get(one, "metric");
        if (!rc)
            rc = read_metric(p, metric ? metric->line : one->line,
                             metric && metric->kind == BTI_YAML_SCALAR ? metric->text : "",
                             "objectives", &o[i].metric);
        if (!rc)
            rc = read_goal(p, bti_yaml_get(one, "goal"), one->line, &o[i].maximize);
        if (rc)
            return rc;
    }
    p->s->objective = o;
    p->s->n_objectives = y->n;
    return BT_OK;
}

static bt_status parse_threshold(bti_parser *p, const bti_yaml *y, const char *metric)
{
    static const char *const keys[] = {"ge", "le", NULL};
    bt_status rc = bti_parse_keys(p, y, "select.where", keys);
    for (int i = 0; i < y->n && !rc; i++) {
        bti_value v;
        rc = bti_parse_value(p, y->child[i], &v);
        if (!rc && !bti_value_is_num(v))
            rc = bti_parse_fail(p, y->child[i]->line, "select.where.%s needs a number", metric);
    }
    return rc;
}

/* Checked so that a slip is seen when the file is read; the rule is applied by readers of the
 * front. */
bt_status bti_parse_select(bti_parser *p, const bti_yaml *y)
{
    static const char *const keys[] = {"where", "order", NULL};
    const bti_yaml *where = bti_yaml_get(y, "where"), *order = bti_yaml_get(y, "order");
    const char *metric;
    bool maximize;
    bt_status rc = bti_parse_keys(p, y, "select", keys);
    if (!rc && where)
        rc = bti_parse_keys(p, where, "select.where", metrics);
    for (int i = 0; where && i < where->n && !rc; i++)
        rc = parse_threshold(p, where->child[i], where->key[i]);
    if (!rc && order && order->kind != BTI_YAML_SEQ)
        rc = bti_parse_fail(p, order->line, "select.order is a list of {metric: min or max}");
    for (int i = 0; order && i < order->n && !rc; i++) {
        const bti_yaml *one = order->child[i];
        if (one->kind != BTI_YAML_MAP || one->n != 1)
            return bti_parse_fail(p, one->line, "select.order is a list of {metric: min or max}");
        rc = read_metric(p, one->line, one->key[0], "select.order", &metric);
        if (!rc)
            rc = read_goal(p, one->child[0], one->line, &maximize);
    }
    return rc;
}

/* ---- what the rules say ---- */
bti_constraints bti_space_constraints(const bti_space *s)
{
    return s->constraints;
}

void bti_space_limit(bti_space *s, double max_params, double max_macs)
{
    if (max_params > 0)
        s->constraints.params.hi = fmin(s->constraints.params.hi, max_params);
    if (max_macs > 0)
        s->constraints.macs.hi = fmin(s->constraints.macs.hi, max_macs);
}

static bool within(bti_bounds b, double v)
{
    return v >= b.lo && v <= b.hi;
}

bool bti_constraints_hold(const bti_constraints *c, const bti_cost *cost)
{
    return within(c->params, cost->params) && within(c->macs, cost->macs) &&
           within(c->peak_memory, cost->peak_memory) && within(c->out_size, cost->out_h) &&
           within(c->out_size, cost->out_w);
}

int bti_space_objectives(const bti_space *s, const bti_objective **out)
{
    static const bti_objective usual[] = {{"accuracy", true}, {"params", false}};
    *out = s->n_objectives ? s->objective : usual;
    return s->n_objectives ? s->n_objectives : 2;
}
