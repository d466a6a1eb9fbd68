/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading constraints, objectives and the selection rule (model-format.md 4.5).
 */
#include "space/parse_int.h"

#include "base/error.h"

#include <math.h>
#include <stddef.h>

static bt_status read_metric(bti_parser *p, int line, const char *word, const char *context,
                             bti_metric *out)
{
    *out = bti_metric_find(word);
    return *out != BTI_METRIC_NONE
               ? BT_OK
               : bti_parse_unknown(p, line, "metric", word, context, bti_metric_names());
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
const bti_bounds *bti_constraint_of(const bti_constraints *c, bti_metric m)
{
    static const size_t at[] = {
#define METRIC(id, name, goal, source, unit, low, high, option, label)                             \
    offsetof(bti_constraints, name),
#include "base/metrics.def"
#undef METRIC
    };
    return (const bti_bounds *)((const char *)c + at[m]);
}

static bti_bounds *bounds_of(bti_constraints *c, bti_metric m)
{
    return (bti_bounds *)(uintptr_t)bti_constraint_of(c, m);
}

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
    const char *keys[BTI_METRICS + 2] = {NULL};
    bti_constraints *c = &p->s->constraints;
    for (int i = 0; i < BTI_METRICS; i++)
        keys[i] = bti_metric_names()[i];
    keys[BTI_METRICS] = "out_size";
    bt_status rc = bti_parse_keys(p, y, "constraints", keys);
    for (int i = 0; keys[i] && !rc; i++) {
        const bti_yaml *v = bti_yaml_get(y, keys[i]);
        if (v)
            rc = parse_bounds(p, keys[i], v,
                              i < BTI_METRICS ? bounds_of(c, (bti_metric)i) : &c->out_size);
    }
    return rc;
}

/* ---- objectives, selection ---- */
/* What a search can work with: its curves and its choice of a best model need a first objective
 * that training is for. */
static bt_status check_objectives(const bti_objective *o, int n, bt_error *err)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            if (o[i].id == o[j].id)
                return bti_fail(err, BT_INVAL, "--objectives", "%s is there twice", o[i].metric);
    if (bti_metric_of(o[0].id)->source != BTI_FROM_VALIDATION)
        return bti_fail(err, BT_INVAL, "--objectives",
                        "the first objective must be measured on validation images (accuracy, "
                        "f1_macro or balanced_accuracy), not %s",
                        o[0].metric);
    return BT_OK;
}

bt_status bti_parse_objectives(bti_parser *p, const bti_yaml *y)
{
    static const char *const keys[] = {"metric", "goal", NULL};
    if (y->kind != BTI_YAML_SEQ || !y->n)
        return bti_parse_fail(p, y->line, "objectives is a list of {metric, goal}");
    bti_objective *o = bti_parse_alloc(p, BTI_OBJECTIVES_MAX, sizeof(*o));
    if (!o)
        return bti_fail_nomem(p->err);
    if (y->n > BTI_OBJECTIVES_MAX)
        return bti_parse_fail(p, y->line, "at most %d objectives, not %d", BTI_OBJECTIVES_MAX,
                              y->n);
    for (int i = 0; i < y->n; i++) {
        const bti_yaml *one = y->child[i];
        bt_status rc = bti_parse_keys(p, one, "an objective", keys);
        const bti_yaml *metric = bti_yaml_get(one, "metric");
        if (!rc)
            rc = read_metric(p, metric ? metric->line : one->line,
                             metric && metric->kind == BTI_YAML_SCALAR ? metric->text : "",
                             "objectives", &o[i].id);
        if (!rc)
            rc = read_goal(p, bti_yaml_get(one, "goal"), one->line, &o[i].maximize);
        if (rc)
            return rc;
        o[i].metric = bti_metric_of(o[i].id)->name;
        if (o[i].maximize != bti_metric_of(o[i].id)->maximize)
            return bti_parse_fail(p, one->line, "the goal of %s is %s", o[i].metric,
                                  o[i].maximize ? "min" : "max");
    }
    bt_error why;
    if (check_objectives(o, y->n, &why))
        return bti_parse_fail(p, y->line, "%s", why.text);
    p->s->objective = o;
    p->s->n_objectives = y->n;
    return BT_OK;
}

bt_status bti_space_set_objectives(bti_space *s, const char *names, bt_error *err)
{
    bti_objective *o = bti_arena_alloc(&s->arena, BTI_OBJECTIVES_MAX * sizeof(*o));
    int n = 0;
    if (!o)
        return bti_fail_nomem(err);
    for (const char *p = names; *p || !n; n++) {
        char word[32];
        size_t len = strcspn(p, ",");
        snprintf(word, sizeof(word), "%.*s", (int)len, p);
        bti_metric m = bti_metric_find(word);
        const char *near = bti_nearest(word, bti_metric_names());
        if (m == BTI_METRIC_NONE)
            return bti_fail(err, BT_INVAL, "--objectives",
                            "unknown metric '%s'; did you mean '%s'?", word,
                            near ? near : "accuracy");
        if (n == BTI_OBJECTIVES_MAX)
            return bti_fail(err, BT_INVAL, "--objectives", "at most %d at once",
                            BTI_OBJECTIVES_MAX);
        o[n] = (bti_objective){bti_metric_of(m)->name, m, bti_metric_of(m)->maximize};
        p += len + (p[len] == ',');
    }
    bt_status rc = check_objectives(o, n, err);
    if (!rc) {
        s->objective = o;
        s->n_objectives = n;
    }
    return rc;
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
    bti_metric metric;
    bool maximize;
    bt_status rc = bti_parse_keys(p, y, "select", keys);
    if (!rc && where)
        rc = bti_parse_keys(p, where, "select.where", bti_metric_names());
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
bti_constraints bti_constraints_none(void)
{
    const bti_bounds open = {0, INFINITY};
    return (bti_constraints){
#define METRIC(id, name, goal, source, unit, low, high, option, label) .name = open,
#include "base/metrics.def"
#undef METRIC
        .out_size = open};
}

bti_constraints bti_space_constraints(const bti_space *s)
{
    return s->constraints;
}

void bti_space_limit(bti_space *s, bti_metric m, double bound)
{
    bti_bounds *b = bounds_of(&s->constraints, m);
    if (bound <= 0)
        return;
    if (bti_metric_of(m)->maximize)
        b->lo = fmax(b->lo, bound);
    else
        b->hi = fmin(b->hi, bound);
}

double bti_cost_of(const bti_cost *cost, bti_metric m)
{
    switch (m) {
    case BTI_METRIC_PARAMS:
        return cost->params;
    case BTI_METRIC_MACS:
        return cost->macs;
    case BTI_METRIC_PEAK_MEMORY:
        return cost->peak_memory;
    case BTI_METRIC_FLASH:
        return cost->flash > 0 ? cost->flash : NAN;
    default:
        return NAN;
    }
}

int bti_constraint_list(const bti_constraints *c, const double value[BTI_METRICS], double *out)
{
    int n = 0;
    for (int i = 0; i < BTI_METRICS; i++) {
        const bti_bounds *b = bti_constraint_of(c, (bti_metric)i);
        bool known = isfinite(value[i]);
        if (isfinite(b->hi))
            out[n++] = known ? value[i] - b->hi : 0;
        if (b->lo > 0)
            out[n++] = known ? b->lo - value[i] : 0;
    }
    return n;
}

static bool within(bti_bounds b, double v)
{
    return v >= b.lo && v <= b.hi;
}

bool bti_constraints_hold(const bti_constraints *c, const bti_cost *cost)
{
    for (int i = 0; i < BTI_METRICS; i++) {
        double v = bti_cost_of(cost, (bti_metric)i);
        if (!isnan(v) && !within(*bti_constraint_of(c, (bti_metric)i), v))
            return false;
    }
    return within(c->out_size, cost->out_h) && within(c->out_size, cost->out_w);
}

int bti_space_objectives(const bti_space *s, const bti_objective **out)
{
    static const bti_objective usual[] = {{"accuracy", BTI_METRIC_ACCURACY, true},
                                          {"params", BTI_METRIC_PARAMS, false}};
    *out = s->n_objectives ? s->objective : usual;
    return s->n_objectives ? s->n_objectives : 2;
}
