/* SPDX-License-Identifier: Apache-2.0
 *
 * Which models of the front are trained again, and how long each may take.
 */
#include "search/final.h"

#include "base/alloc.h"
#include "base/error.h"
#include "report/report.h"

#include <math.h>

#define PLAN_KEY "bantam:final"
#define SETUP_S 0.4    /* compiling the network, saving the model */
#define EVAL_COST 0.45 /* of an evaluated image, in trained ones, where no trial measured it */
#define WORKERS_MAX BTI_PICKS_MAX /* more have nothing to do */

static void set_pick(bti_pick *p, const bti_trial *t)
{
    char count[16];
    double params = bti_json_as_num(bti_json_get(t->attrs, "params"), 0);
    double rate = bti_json_as_num(bti_json_get(t->attrs, "images_per_s"), 0);
    double eval = bti_json_as_num(bti_json_get(t->attrs, "eval_images_per_s"), 0);
    *p = (bti_pick){.trial = t->number, .s_per_image = rate > 0 ? 1 / rate : 1e-3};
    p->eval_s_per_image = eval > 0 ? 1 / eval : EVAL_COST * p->s_per_image;
    snprintf(count, sizeof(count), "%.0f%s", params >= 1000 ? params / 1000 : params,
             params >= 1000 ? "k" : "");
    snprintf(p->name, sizeof(p->name), "m%03d-%s", t->number, count);
}

static int by_cost(const void *a, const void *b)
{
    const bti_pick *x = a, *y = b;
    if (x->s_per_image != y->s_per_image)
        return x->s_per_image < y->s_per_image ? 1 : -1;
    return x->trial - y->trial;
}

/* The front in coordinates of 0..1 an objective, costs by their logarithm. Row i: front[i]. */
static void normalise(const bti_trials *trials, const int *front, int n, double *at)
{
    const bti_goals *g = bti_trials_goals(trials);
    for (int j = 0; j < g->n; j++) {
        double lo = INFINITY, hi = -INFINITY;
        for (int i = 0; i < n; i++) {
            double v = trials->trial[front[i]].value[j];
            at[i * g->n + j] = g->maximize[j] ? v : log10(fmax(v, 1e-9));
            lo = fmin(lo, at[i * g->n + j]);
            hi = fmax(hi, at[i * g->n + j]);
        }
        for (int i = 0; i < n; i++)
            at[i * g->n + j] = hi > lo ? (at[i * g->n + j] - lo) / (hi - lo) : 0;
    }
}

/* Along a curve: even steps in the logarithm of the cost, both ends included. */
static int spread_on_curve(const double *at, int m, int cost, int n, int want, int *chosen)
{
    int next = 0; /* first of the front not yet passed */
    for (int k = 0; k < want; k++) {
        double target = want > 1 ? (double)k / (want - 1) : 0;
        int last = n - (want - k); /* leaves enough for the picks after this one */
        int best = next;
        for (int i = next; i <= last; i++)
            if (fabs(at[i * m + cost] - target) <= fabs(at[best * m + cost] - target))
                best = i;
        chosen[k] = best;
        next = best + 1;
    }
    return want;
}

static double squared_distance(const double *a, const double *b, int m)
{
    double sum = 0;
    for (int j = 0; j < m; j++)
        sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sum;
}

static int best_in(const bti_goals *g, const double *at, int n, int j)
{
    int best = 0;
    for (int i = 1; i < n; i++) {
        double a = at[i * g->n + j], b = at[best * g->n + j];
        best = (g->maximize[j] ? a > b : a < b) ? i : best;
    }
    return best;
}

/* On a surface: the best of each objective, then always the point farthest from those chosen
 * (Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985). */
static int spread_on_surface(const bti_goals *g, const double *at, int n, int want, int *chosen)
{
    int k = 0;
    for (int j = 0; j < g->n && k < want; j++) {
        int best = best_in(g, at, n, j);
        bool there = false;
        for (int i = 0; i < k; i++)
            there = there || chosen[i] == best;
        if (!there)
            chosen[k++] = best;
    }
    for (; k < want; k++) {
        double farthest = -1;
        for (int i = 0; i < n; i++) {
            double near = INFINITY;
            for (int c = 0; c < k; c++)
                near = fmin(near, squared_distance(at + i * g->n, at + chosen[c] * g->n, g->n));
            if (near > farthest) {
                farthest = near;
                chosen[k] = i;
            }
        }
    }
    return k;
}

void bti_plan_choose(bti_plan *plan, const bti_trials *trials, int most)
{
    const bti_goals *g = bti_trials_goals(trials);
    size_t cap = (size_t)trials->n + 1;
    int *front = bti_array(cap, sizeof(int)), chosen[BTI_PICKS_MAX];
    double *at = bti_array(cap * (size_t)g->n, sizeof(double));
    bti_trials ours;
    plan->n = 0;
    if (bti_run_own_trials(trials, &ours) == BT_OK && front && at) {
        int n = bti_report_front(&ours, front), cost = bti_goals_cost(g); /* by cost */
        int want = n < most ? n : most;
        normalise(&ours, front, n, at);
        plan->n = g->n == 2 && cost >= 0 ? spread_on_curve(at, g->n, cost, n, want, chosen)
                                         : spread_on_surface(g, at, n, want, chosen);
        for (int k = 0; k < plan->n; k++)
            set_pick(&plan->pick[k], &ours.trial[front[chosen[k]]]);
        qsort(plan->pick, (size_t)plan->n, sizeof(plan->pick[0]), by_cost);
    }
    bti_free(ours.trial);
    bti_free(front);
    bti_free(at);
}

static double params_of(const bti_trial *t)
{
    return bti_json_as_num(bti_json_get(t->attrs, "params"), 0);
}

/* Takes the picks out of the trials, and with `sizes` all that are as large as one of them. */
static void hide(bti_trials *rest, const bti_plan *plan, bool sizes)
{
    for (int k = 0; k < plan->n; k++) {
        const bti_trial *pick = bti_trials_number(rest, plan->pick[k].trial);
        double params = pick ? params_of(pick) : -1;
        for (int i = 0; i < rest->n; i++) {
            bti_trial *t = &rest->trial[i];
            if (t->number == plan->pick[k].trial || (sizes && params_of(t) == params))
                t->state = BTI_FAIL;
        }
    }
}

/* Fills up from what is left: front after front. */
static void fill_from(bti_plan *plan, bti_trials *rest, bool sizes)
{
    bti_plan more = {.n = 1};
    while (plan->n < BTI_FRONT_LEAST && more.n) {
        hide(rest, plan, sizes);
        bti_plan_choose(&more, rest, BTI_FRONT_LEAST - plan->n);
        for (int i = 0; i < more.n; i++) {
            more.pick[i].behind = true;
            plan->pick[plan->n++] = more.pick[i];
        }
    }
}

void bti_plan_fill(bti_plan *plan, const bti_trials *trials)
{
    bti_trials rest = *trials; /* the records are borrowed */
    size_t n = (size_t)trials->n;
    rest.trial = bti_array(n + 1, sizeof(*rest.trial));
    for (int sizes = 1; rest.trial && n && plan->n && sizes >= 0; sizes--) { /* others first */
        memcpy(rest.trial, trials->trial, n * sizeof(*rest.trial));
        fill_from(plan, &rest, sizes);
    }
    qsort(plan->pick, (size_t)plan->n, sizeof(plan->pick[0]), by_cost);
    bti_free(rest.trial);
}

static double job_seconds(const bti_pick *p, double images, double n_test)
{
    return SETUP_S + p->s_per_image * images + p->eval_s_per_image * n_test;
}

/* The schedule when each pick trains on `images`: who does each job, when each worker ends. Returns
 * the last end. */
static double schedule(const bti_plan *plan, int workers, double images, double n_test, int *owner,
                       double *end)
{
    int w = workers < 1 ? 1 : workers > WORKERS_MAX ? WORKERS_MAX : workers;
    double last = 0;
    memset(end, 0, WORKERS_MAX * sizeof(*end));
    for (int i = 0; i < plan->n; i++) {
        int first = 0;
        for (int k = 1; k < w; k++)
            if (end[k] < end[first])
                first = k;
        owner[i] = first;
        end[first] += job_seconds(&plan->pick[i], images, n_test);
        last = fmax(last, end[first]);
    }
    return last;
}

int bti_final_epochs(int64_t n_all)
{
    double n = fmax(1, (double)n_all);
    return (int)fmax(BTI_FINAL_EPOCHS_MAX, ceil(BTI_FINAL_IMAGES_LEAST / n));
}

static double images_most(int64_t n_all)
{
    return (double)n_all * bti_final_epochs(n_all);
}

double bti_plan_most_seconds(const bti_plan *plan, int workers, int64_t n_all, int64_t n_test)
{
    int owner[BTI_PICKS_MAX];
    double end[WORKERS_MAX];
    return schedule(plan, workers, images_most(n_all), (double)n_test, owner, end);
}

double bti_plan_fit(bti_plan *plan, double seconds, int workers, int64_t n_all, int64_t n_test)
{
    int owner[BTI_PICKS_MAX];
    double end[WORKERS_MAX], lo = 0, hi = images_most(n_all);
    for (int i = 0; i < 60; i++) { /* the largest number of images whose schedule ends in time */
        double mid = i ? 0.5 * (lo + hi) : hi;
        if (schedule(plan, workers, mid, (double)n_test, owner, end) <= seconds)
            lo = mid;
        else
            hi = mid;
    }
    schedule(plan, workers, lo, (double)n_test, owner, end);
    for (int i = 0; i < plan->n; i++) { /* end[k]: what worker k has to do from job i on */
        double job = job_seconds(&plan->pick[i], lo, (double)n_test);
        plan->pick[i].share = fmin(1, job / end[owner[i]]);
        end[owner[i]] -= job;
    }
    return lo;
}

void bti_plan_make(bti_plan *plan, const bti_trials *trials, double seconds, int workers,
                   int64_t n_all, int64_t n_test)
{
    for (int most = BTI_PICKS_MAX; most >= BTI_PICKS_LEAST; most--) {
        bti_plan_choose(plan, trials, most);
        bti_plan_fill(plan, trials);
        double images = bti_plan_fit(plan, seconds, workers, n_all, n_test);
        if (images >= (double)n_all * BTI_FINAL_PASSES)
            return;
    }
}

bt_status bti_plan_save(const bti_plan *plan, bti_storage *st, bt_error *err)
{
    bti_json *o = bti_json_object(), *list = bti_json_array();
    bti_json_set_int(o, "round", plan->round);
    for (int i = 0; i < plan->n; i++) {
        const bti_pick *p = &plan->pick[i];
        bti_json *j = bti_json_object();
        bti_json_set_int(j, "trial", p->trial);
        bti_json_set_str(j, "name", p->name);
        bti_json_set_num(j, "s_per_image", p->s_per_image);
        bti_json_set_num(j, "eval_s_per_image", p->eval_s_per_image);
        bti_json_set_num(j, "share", p->share);
        bti_json_set_bool(j, "behind", p->behind);
        bti_json_append(list, j);
    }
    bti_json_set(o, "picks", list);
    bt_status rc = st->ops->study_attr_set(st, false, PLAN_KEY, o, err);
    bti_json_free(o);
    return rc;
}

bt_status bti_plan_load(bti_plan *plan, bti_storage *st, bt_error *err)
{
    bti_json *o = NULL;
    *plan = (bti_plan){0};
    bt_status rc = st->ops->study_attr_get(st, false, PLAN_KEY, &o, err);
    if (rc || !o)
        return rc;
    const bti_json *list = bti_json_get(o, "picks");
    plan->round = (int)bti_json_as_int(bti_json_get(o, "round"), 0);
    for (size_t i = 0; i < bti_json_len(list) && plan->n < BTI_PICKS_MAX; i++) {
        const bti_json *j = bti_json_at(list, i);
        bti_pick *p = &plan->pick[plan->n++];
        p->trial = (int)bti_json_as_int(bti_json_get(j, "trial"), -1);
        p->s_per_image = bti_json_as_num(bti_json_get(j, "s_per_image"), 1e-3);
        p->eval_s_per_image =
            bti_json_as_num(bti_json_get(j, "eval_s_per_image"), EVAL_COST * p->s_per_image);
        p->share = bti_json_as_num(bti_json_get(j, "share"), 1);
        p->behind = bti_json_as_bool(bti_json_get(j, "behind"), false);
        snprintf(p->name, sizeof(p->name), "%s", bti_json_as_str(bti_json_get(j, "name"), "model"));
    }
    bti_json_free(o);
    return BT_OK;
}
