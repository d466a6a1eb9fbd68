/* SPDX-License-Identifier: Apache-2.0
 *
 * Learning-rate schedules: adding one is a function and a row. Curves are functions of the step
 * alone, so that training can go on anywhere and its length may be estimated anew.
 */
#include "train/schedule.h"

#include "base/error.h"
#include "base/str.h"
#include <math.h>

typedef struct arg_row {
    const char *key;
    double usual, lo, hi;
} arg_row;

struct bti_schedule_ops {
    const char *name;
    arg_row arg[BTI_SCHEDULE_ARGS]; /* unused ones have no key */
    bool has_milestones;
    double (*factor)(const bti_schedule *s, const bti_moment *m); /* of the peak, after warm-up */
    double (*momentum)(const bti_schedule *s, double own, const bti_moment *m); /* NULL: own */
};

static double constant(const bti_schedule *s, const bti_moment *m)
{
    (void)s;
    (void)m;
    return 1;
}

/* Loshchilov, Hutter: "SGDR", ICLR 2017, equation 5 without restarts. */
static double cosine(const bti_schedule *s, const bti_moment *m)
{
    double rest = (double)(m->total - m->warmup);
    (void)s;
    return rest > 0 ? 0.5 * (1.0 + cos(M_PI * (double)(m->t - m->warmup) / rest)) : 1;
}

/* ---- onecycle: Smith, Topin: "Super-Convergence", 2018, as torch.optim.lr_scheduler.OneCycleLR
 * with cosine annealing in two phases ---- */
enum { PCT_START, DIV_FACTOR, FINAL_DIV_FACTOR, BASE_MOMENTUM, MAX_MOMENTUM };

static double anneal(double from, double to, double share)
{
    return to + (from - to) / 2 * (1 + cos(M_PI * share));
}

/* The value of a step that goes low -> high -> last. */
static double cycle(const bti_schedule *s, const bti_moment *m, double low, double high,
                    double last)
{
    double total = (double)(m->total - m->warmup), t = (double)(m->t - m->warmup);
    double top = s->arg[PCT_START] * total - 1;

    if (t <= top)
        return anneal(low, high, top > 0 ? t / top : 1);
    double rest = total - 1 - top;
    return anneal(high, last, rest > 0 ? fmin(1, (t - top) / rest) : 1);
}

static double onecycle(const bti_schedule *s, const bti_moment *m)
{
    double low = 1 / s->arg[DIV_FACTOR];
    return cycle(s, m, low, 1, low / s->arg[FINAL_DIV_FACTOR]);
}

/* Against the learning rate, as torch's cycle_momentum; max_momentum=0 leaves it to the recipe. */
static double onecycle_momentum(const bti_schedule *s, double own, const bti_moment *m)
{
    double most = s->arg[MAX_MOMENTUM], least = s->arg[BASE_MOMENTUM];

    if (most == 0)
        return own;
    if (m->t < m->warmup)
        return most;
    return cycle(s, m, most, least, most);
}

/* ---- step ---- */
enum { EVERY, GAMMA };

/* First step of a milestone: in epochs, or below 1 a share of the whole. */
static double milestone_step(double value, const bti_moment *m)
{
    return value < 1 ? value * (double)m->total : value * (double)m->epoch_steps;
}

static double staircase(const bti_schedule *s, const bti_moment *m)
{
    double t = (double)m->t, falls = 0;

    if (s->n_milestones) {
        for (int i = 0; i < s->n_milestones; i++)
            falls += t >= milestone_step(s->milestone[i], m);
    } else {
        falls = floor(t / fmax(1, milestone_step(s->arg[EVERY], m)));
    }
    return pow(s->arg[GAMMA], falls);
}

static const bti_schedule_ops schedules[] = {
    {"cosine", {{0}}, false, cosine, NULL},
    {"constant", {{0}}, false, constant, NULL},
    {"onecycle",
     {{"pct_start", 0.3, 0, 1},
      {"div_factor", 25, 1e-3, 1e12},
      {"final_div_factor", 1e4, 1e-3, 1e12},
      {"base_momentum", 0.85, 0, 1},
      {"max_momentum", 0.95, 0, 1}},
     false,
     onecycle,
     onecycle_momentum},
    {"step", {{"every", 30, 1e-6, 1e6}, {"gamma", 0.1, 0, 1}}, true, staircase, NULL},
};
#define N_SCHEDULES (sizeof(schedules) / sizeof(schedules[0]))

/* ---- from text ---- */

static bt_status unknown_name(const char *text, int n, bt_error *err)
{
    bti_str list = {0};

    for (size_t i = 0; i < N_SCHEDULES; i++)
        bti_str_addf(&list, "%s%s", i ? ", " : "", schedules[i].name);
    bt_status rc = bti_fail(err, BT_INVAL, NULL, "unknown schedule '%.*s', expected %s", n, text,
                            bti_str_c(&list));
    bti_str_release(&list);
    return rc;
}

static bt_status unknown_key(const bti_schedule *s, const char *key, bt_error *err)
{
    bti_str list = {0};

    for (int i = 0; i < BTI_SCHEDULE_ARGS && s->ops->arg[i].key; i++)
        bti_str_addf(&list, "%s%s", i ? ", " : "", s->ops->arg[i].key);
    if (s->ops->has_milestones)
        bti_str_add(&list, ", milestones");
    bt_status rc = list.len ? bti_fail(err, BT_INVAL, NULL, "%s has no setting '%s', only %s",
                                       s->ops->name, key, bti_str_c(&list))
                            : bti_fail(err, BT_INVAL, NULL, "%s has no settings, but '%s' is given",
                                       s->ops->name, key);
    bti_str_release(&list);
    return rc;
}

/* 60/120/160; cuts `text` up. */
static bt_status set_milestones(bti_schedule *s, char *text, bt_error *err)
{
    for (char *at = text; at;) {
        char *end = strchr(at, '/');
        if (end)
            *end++ = 0;
        if (s->n_milestones == BTI_SCHEDULE_MILESTONES)
            return bti_fail(err, BT_INVAL, NULL, "more than %d milestones",
                            BTI_SCHEDULE_MILESTONES);
        double *to = &s->milestone[s->n_milestones++];
        if (!bti_parse_double(at, to) || !(*to > 0 && *to <= 1e6))
            return bti_fail(err, BT_INVAL, NULL,
                            "milestones: '%s' is not a number of epochs, such as 60/120/160", at);
        at = end;
    }
    return BT_OK;
}

static bt_status set_arg(bti_schedule *s, char *key, bt_error *err)
{
    char *value = strchr(key, '=');
    double v;

    if (!value)
        return bti_fail(err, BT_INVAL, NULL, "'%s' is not setting=value", key);
    *value++ = 0;
    if (s->ops->has_milestones && bti_streq(key, "milestones"))
        return set_milestones(s, value, err);
    for (int i = 0; i < BTI_SCHEDULE_ARGS && s->ops->arg[i].key; i++) {
        const arg_row *row = &s->ops->arg[i];
        if (!bti_streq(row->key, key))
            continue;
        if (!bti_parse_double(value, &v) || !(v >= row->lo && v <= row->hi))
            return bti_fail(err, BT_INVAL, NULL, "%s: '%s' is not a number from %g to %g", key,
                            value, row->lo, row->hi);
        s->arg[i] = v;
        return BT_OK;
    }
    return unknown_key(s, key, err);
}

bt_status bti_schedule_parse(bti_schedule *out, const char *text, bt_error *err)
{
    char copy[128];
    size_t n = strcspn(text, ":");
    bt_status rc = BT_OK;

    *out = (bti_schedule){0};
    for (size_t i = 0; i < N_SCHEDULES; i++) {
        if (strlen(schedules[i].name) == n && !strncmp(schedules[i].name, text, n))
            out->ops = &schedules[i];
    }
    if (!out->ops || strlen(text) >= sizeof(copy))
        return unknown_name(text, (int)n, err);
    for (int i = 0; i < BTI_SCHEDULE_ARGS; i++)
        out->arg[i] = out->ops->arg[i].usual;
    snprintf(copy, sizeof(copy), "%s", text[n] ? text + n + 1 : "");
    for (char *at = copy; !rc && text[n] && at;) {
        char *end = strchr(at, ',');
        if (end)
            *end++ = 0;
        rc = set_arg(out, at, err);
        at = end;
    }
    return rc;
}

double bti_schedule_lr(const bti_schedule *s, double peak, bti_moment m)
{
    if (m.t < m.warmup)
        return peak * (double)(m.t + 1) / (double)m.warmup;
    return peak * s->ops->factor(s, &m);
}

double bti_schedule_momentum(const bti_schedule *s, double own, bti_moment m)
{
    return s->ops->momentum ? s->ops->momentum(s, own, &m) : own;
}
