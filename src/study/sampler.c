/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of samplers, and what they share: completing a point (cost, constraints, key), the span
 * of parameter counts that a study covers, and draws near a parameter count.
 */
#include "study/sampler.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "study/memo.h"

#include <math.h>

#define UNIFORM_TRIES 2000 /* draws before a climb towards the constraints */
#define CLIMB_STEPS 2000   /* mutations of that climb ... */
#define CLIMB_PATIENCE 200 /* ... which starts anew after so many without a gain */
#define NEAR_DRAWS 24      /* draws of which the nearest to a target starts a walk to it */
#define NEAR_STEPS 60      /* mutations of that walk */
#define NEAR_ENOUGH 0.03   /* of the span */
#define PILOT_DRAWS 192    /* draws that measure the span ... */
#define PILOT_ENOUGH 64    /* ... fewer once so many are feasible */
#define PILOT_STEPS 32     /* mutations that look for smaller networks still */
#define BROKEN 1e9         /* violation of a point that makes no network */

/* ---- the table ---- */
static const bti_sampler_ops *const samplers[] = {
#define SAMPLER(ops) &ops,
#include "study/samplers/samplers.def"
#undef SAMPLER
};
#define N_SAMPLERS ((int)(sizeof(samplers) / sizeof(samplers[0])))

int bti_samplers(const bti_sampler_ops *const **out)
{
    *out = samplers;
    return N_SAMPLERS;
}

bt_status bti_sampler_ask(const bti_sampler_ops *ops, const bti_ask *ask, bti_answer *out,
                          bt_error *err)
{
    out->by = ops->name;
    out->parent = -1;
    return ops->ask(ask, out, err);
}

bt_status bti_sampler_find(const bti_sampler_ops **out, const char *spec, const char **params,
                           bt_error *err)
{
    const char *names[N_SAMPLERS + 1] = {NULL};
    *params = NULL;
    if (!spec || !*spec) {
        *out = samplers[0];
        return BT_OK;
    }
    size_t n = strcspn(spec, ":");
    for (int i = 0; i < N_SAMPLERS; i++) {
        names[i] = samplers[i]->name;
        if (strlen(names[i]) != n || strncmp(names[i], spec, n))
            continue;
        *out = samplers[i];
        *params = spec[n] ? spec + n + 1 : NULL;
        return BT_OK;
    }
    char word[64];
    snprintf(word, sizeof(word), "%.*s", (int)n, spec);
    const char *near = bti_nearest(word, names);
    return bti_fail(err, BT_INVAL, "sampler", "unknown sampler '%s'; did you mean '%s'?", word,
                    near ? near : names[0]);
}

bt_status bti_sampler_options(const char *params, const char *sampler,
                              const bti_sampler_option *opt, int n, bt_error *err)
{
    const char *names[16] = {NULL};
    for (int i = 0; i < n; i++)
        names[i] = opt[i].name;
    for (const char *s = params; s && *s;) {
        size_t len = strcspn(s, ","), eq = strcspn(s, "=,");
        char key[64], value[64];
        snprintf(key, sizeof(key), "%.*s", (int)eq, s);
        snprintf(value, sizeof(value), "%.*s", eq < len ? (int)(len - eq - 1) : 0,
                 s + eq + (eq < len));
        int i = 0;
        while (i < n && !bti_streq(names[i], key))
            i++;
        if (i == n) {
            const char *near = bti_nearest(key, names);
            return bti_fail(err, BT_INVAL, sampler, "unknown option '%s'; did you mean '%s'?", key,
                            near ? near : names[0]);
        }
        double v;
        if (!bti_parse_double(value, &v) || v < opt[i].lo || v > opt[i].hi)
            return bti_fail(err, BT_INVAL, sampler, "%s must be a number from %g to %g, not '%s'",
                            key, opt[i].lo, opt[i].hi, value);
        *opt[i].to = v;
        s += len + (s[len] == ',');
    }
    return BT_OK;
}

/* ---- the axis ---- */
bti_metric bti_ask_axis(const bti_ask *ask)
{
    bti_metric otherwise = BTI_METRIC_PARAMS;
    for (int i = 0; i < ask->goals->n; i++) {
        bti_metric m = ask->goals->metric[i];
        if (m != BTI_METRIC_NONE && bti_metric_of(m)->source == BTI_FROM_COST)
            return m;
        if (m == BTI_METRIC_LATENCY_MS)
            otherwise = BTI_METRIC_MACS;
    }
    return otherwise;
}

static double axis_cost(const bti_ask *ask, const bti_answer *a)
{
    return bti_cost_of(&a->cost, bti_ask_axis(ask));
}

double bti_axis_size(const bti_ask *ask, const bti_cost *cost)
{
    return log(bti_cost_of(cost, bti_ask_axis(ask)) + 1);
}

double bti_axis_size_of(const bti_ask *ask, const bti_trial *trial)
{
    double cost = bti_trial_metric(ask->goals, trial, bti_ask_axis(ask));
    return cost > 0 ? log(cost + 1) : 0;
}

bti_ask bti_ask_view(const bti_ask *ask, const bti_trials *trials)
{
    bti_ask view = *ask;
    view.trials = trials;
    view.memo = NULL;
    return view;
}

/* ---- completing a point ---- */
static bool is_seen(const bti_ask *ask, const char *key)
{
    bool seen;
    if (ask->memo && ask->trials && !bti_memo_has_key(ask->memo, ask->trials, key, &seen, NULL))
        return seen;
    for (int i = 0; ask->trials && i < ask->trials->n; i++) {
        const bti_json *attrs = ask->trials->trial[i].attrs;
        if (bti_streq(bti_json_as_str(bti_json_get(attrs, "key"), ""), key))
            return true;
    }
    return false;
}

static bt_status complete(const bti_ask *ask, bti_answer *a, bt_error *err)
{
    bti_arena arena = {0};
    bti_rows rows;
    bt_status rc = bti_space_rows(ask->space, &a->point, &rows, &arena, err);
    if (!rc)
        rc = ask->cost(ask->cost_user, &rows, &a->cost, err);
    bti_arena_release(&arena);
    return rc ? rc : bti_space_key(ask->space, &a->point, &a->cost, a->key, err);
}

static double outside(bti_bounds b, double v)
{
    if (v > b.hi)
        return log((v + 1) / (b.hi + 1));
    return v < b.lo ? log((b.lo + 1) / (v + 1)) : 0;
}

/* How far a point is from being allowed, in logarithms of its costs; 0: it is, BROKEN: no network.
 * Above 0, err says why, though the call itself succeeded. */
static bt_status violation(const bti_ask *ask, bti_answer *a, double *out, bt_error *err)
{
    *out = BROKEN;
    if (ask->deadline_s > 0 && bt_now() >= ask->deadline_s)
        return bti_fail(err, BT_EMPTY, NULL, "the time for a proposal is over");
    bt_status rc = complete(ask, a, err);
    if (rc == BT_INVAL ||
        rc == BT_FORMAT) /* the rows make no network: a bad draw, not a bad study */
        return BT_OK;
    if (rc)
        return rc;
    bti_constraints c = bti_space_constraints(ask->space);
    *out = 0;
    if (bti_constraints_hold(&c, &a->cost))
        return BT_OK;
    *out = outside(c.out_size, a->cost.out_h) + outside(c.out_size, a->cost.out_w);
    for (int i = 0; i < BTI_METRICS; i++) {
        double v = bti_cost_of(&a->cost, (bti_metric)i);
        if (!isnan(v))
            *out += outside(*bti_constraint_of(&c, (bti_metric)i), v);
    }
    (void)bti_fail(err, BT_EMPTY, NULL,
                   "a network of %.0f parameters and %.0f MACs is outside the constraints",
                   a->cost.params, a->cost.macs);
    return BT_OK;
}

bt_status bti_sampler_complete(const bti_ask *ask, bti_answer *answer, bt_error *err)
{
    double far;
    bt_status rc = violation(ask, answer, &far, err);
    if (rc)
        return rc;
    if (far > 0)
        return BT_EMPTY; /* err says why */
    if (is_seen(ask, answer->key))
        return bti_fail(err, BT_EMPTY, NULL, "the network was tried before");
    return BT_OK;
}

/* ---- draws ---- */
static bt_status none_found(const bti_ask *ask, int64_t tries, bt_error *err)
{
    bt_error why = err ? *err : (bt_error){0};
    return bti_fail(err, BT_EMPTY, bti_space_name(ask->space),
                    "no new network within the constraints in %lld draws (the last: %.300s)",
                    (long long)tries, why.text);
}

/* Mutates towards the constraints; for limits that uniform draws hardly ever meet. */
static bt_status climb(const bti_ask *ask, bti_rng *rng, bti_answer *out, bt_error *err)
{
    bti_answer next = *out;
    double best = INFINITY;
    int last_gain = 0;
    for (int i = 0; i < CLIMB_STEPS; i++) {
        double far;
        if (i - last_gain >= CLIMB_PATIENCE) {
            best = INFINITY;
            last_gain = i;
        }
        next.rejected = out->rejected;
        if (best >= BROKEN)
            bti_space_draw(ask->space, rng, &next.point);
        else
            bti_space_mutate(ask->space, &out->point, 1 + (int)bti_rng_below(rng, 2), rng,
                             &next.point);
        bt_status rc = violation(ask, &next, &far, err);
        if (rc)
            return rc;
        if (far == 0 && !is_seen(ask, next.key)) {
            *out = next;
            return BT_OK;
        }
        next.rejected = ++out->rejected;
        if (far < best)
            last_gain = i;
        if (far <= best) {
            best = far;
            *out = next;
        }
    }
    return none_found(ask, out->rejected, err);
}

static bt_status draw_anywhere(const bti_ask *ask, bti_rng *rng, bti_answer *out, bt_error *err)
{
    for (int i = 0; i < UNIFORM_TRIES; i++) {
        bti_space_draw(ask->space, rng, &out->point);
        bt_status rc = bti_sampler_complete(ask, out, err);
        if (rc != BT_EMPTY)
            return rc;
        out->rejected++;
    }
    return climb(ask, rng, out, err);
}

double bti_span_target(bti_span span, double fraction)
{
    return span.lo + fraction * (span.hi - span.lo);
}

static double miss(const bti_ask *ask, const bti_answer *a, double goal)
{
    return fabs(bti_axis_size(ask, &a->cost) - goal);
}

bt_status bti_sampler_draw(const bti_ask *ask, bti_rng *rng, double target, bti_answer *out,
                           bt_error *err)
{
    bti_answer next = *out;
    bti_span span;
    out->rejected = 0;
    if (target < 0)
        return draw_anywhere(ask, rng, out, err);
    bt_status rc = bti_sampler_span(ask, &span, err);
    if (!rc)
        rc = draw_anywhere(ask, rng, out, err);
    if (rc)
        return rc;
    double goal = bti_span_target(span, target);
    for (int i = 1; i < NEAR_DRAWS + NEAR_STEPS; i++) {
        if (miss(ask, out, goal) <= NEAR_ENOUGH * (span.hi - span.lo))
            break;
        next.rejected = out->rejected;
        if (i < NEAR_DRAWS)
            bti_space_draw(ask->space, rng, &next.point);
        else
            bti_space_mutate(ask->space, &out->point, 1, rng, &next.point);
        rc = bti_sampler_complete(ask, &next, err);
        if (rc && rc != BT_EMPTY)
            return rc;
        if (rc)
            out->rejected++;
        else if (miss(ask, &next, goal) < miss(ask, out, goal))
            *out = next;
    }
    return BT_OK;
}

/* ---- the span ---- */
/* Mutations of the smallest pilot reach below what uniform draws show. */
static bt_status look_smaller(const bti_ask *ask, bti_rng *rng, bti_answer *least, bt_error *err)
{
    bti_answer next;
    for (int i = 0; i < PILOT_STEPS; i++) {
        double far;
        bti_space_mutate(ask->space, &least->point, 1, rng, &next.point);
        bt_status rc = violation(ask, &next, &far, err);
        if (rc)
            return rc;
        if (far == 0 && axis_cost(ask, &next) < axis_cost(ask, least))
            *least = next;
    }
    return BT_OK;
}

static bt_status measure_span(const bti_ask *ask, bti_span *span, bt_error *err)
{
    const bti_constraints c = bti_space_constraints(ask->space);
    bti_rng rng = bti_rng_at(ask->seed, BTI_RNG_SAMPLER, UINT32_MAX, 0, 2);
    bti_answer pilot, least;
    double lo = INFINITY, hi = -INFINITY;
    int feasible = 0;
    for (int i = 0; i < PILOT_DRAWS && feasible < PILOT_ENOUGH; i++) {
        double far;
        bti_space_draw(ask->space, &rng, &pilot.point);
        bt_status rc = violation(ask, &pilot, &far, err);
        if (rc)
            return rc;
        if (far > 0)
            continue;
        feasible++;
        hi = fmax(hi, axis_cost(ask, &pilot));
        if (axis_cost(ask, &pilot) < lo) {
            lo = axis_cost(ask, &pilot);
            least = pilot;
        }
    }
    bt_status rc = feasible ? look_smaller(ask, &rng, &least, err) : BT_OK;
    if (rc)
        return rc;
    const bti_bounds *limit = bti_constraint_of(&c, bti_ask_axis(ask));
    lo = feasible ? axis_cost(ask, &least) : fmax(limit->lo, 1);
    /* Too few feasible pilots say little about the upper end: then it is the limit itself. */
    if (feasible < PILOT_ENOUGH / 4 && isfinite(limit->hi))
        hi = limit->hi;
    *span = (bti_span){.lo = log(lo + 1), .hi = log(fmax(hi, lo) + 1)};
    return BT_OK;
}

bt_status bti_sampler_span(const bti_ask *ask, bti_span *span, bt_error *err)
{
    bti_memo *m = ask->memo;
    if (m && m->has_span) {
        *span = m->span;
        return BT_OK;
    }
    bt_status rc = measure_span(ask, span, err);
    if (m && !rc) {
        m->span = *span;
        m->has_span = true;
    }
    return rc;
}
