/* SPDX-License-Identifier: Apache-2.0
 *
 * Which models of the front are trained again, and how long each may take.
 *
 * All picks train on the same number of images, so that the final front compares equals; the number
 * is the largest whose longest-job-first schedule (Graham 1969) ends in time.
 */
#include "search/final.h"

#include "base/alloc.h"
#include "base/error.h"
#include "report/report.h"

#include <math.h>

#define PLAN_KEY "bantam:final"
#define SETUP_S 0.4     /* compiling the network, saving the model */
#define EVAL_SHARE 0.45 /* cost of an evaluated image in trained images, rounded up */
#define FILL 0.96       /* of the time that a plan may fill */

static double log_params(const bti_trial *t)
{
    return log10(fmax(1, bti_json_as_num(bti_json_get(t->attrs, "params"), 1)));
}

static void set_pick(bti_pick *p, const bti_trial *t)
{
    char count[16];
    double params = bti_json_as_num(bti_json_get(t->attrs, "params"), 0);
    double rate = bti_json_as_num(bti_json_get(t->attrs, "images_per_s"), 0);
    *p = (bti_pick){.trial = t->number, .s_per_image = rate > 0 ? 1 / rate : 1e-3};
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

void bti_plan_choose(bti_plan *plan, const bti_trials *trials)
{
    plan->n = 0;
    int *front = bti_array((size_t)trials->n + 1, sizeof(int));
    if (!front)
        return;
    int n = bti_report_front(trials, front); /* by params, ascending */
    int want = n < BTI_PICKS_MAX ? n : BTI_PICKS_MAX;
    double lo = n ? log_params(&trials->trial[front[0]]) : 0;
    double hi = n ? log_params(&trials->trial[front[n - 1]]) : 0;
    int next = 0; /* first of the front not yet passed */
    for (int k = 0; k < want; k++) {
        double target = want > 1 ? lo + (hi - lo) * k / (want - 1) : lo;
        int last = n - (want - k); /* leaves enough for the picks after this one */
        int best = next;
        for (int i = next; i <= last; i++)
            if (fabs(log_params(&trials->trial[front[i]]) - target) <=
                fabs(log_params(&trials->trial[front[best]]) - target))
                best = i;
        set_pick(&plan->pick[plan->n++], &trials->trial[front[best]]);
        next = best + 1;
    }
    qsort(plan->pick, (size_t)plan->n, sizeof(plan->pick[0]), by_cost);
    bti_free(front);
}

/* End of the longest-job-first schedule when each pick trains on `images`. */
static double makespan(const bti_plan *plan, int workers, double images, double n_test)
{
    double end[64] = {0};
    int w = workers < 1 ? 1 : workers > 64 ? 64 : workers;
    double last = 0;
    for (int i = 0; i < plan->n; i++) {
        int first = 0;
        for (int k = 1; k < w; k++)
            if (end[k] < end[first])
                first = k;
        end[first] += SETUP_S + plan->pick[i].s_per_image * (images + EVAL_SHARE * n_test);
        last = fmax(last, end[first]);
    }
    return last;
}

double bti_plan_most_seconds(const bti_plan *plan, int workers, int64_t n_train, int64_t n_test)
{
    return makespan(plan, workers, (double)n_train * BTI_FINAL_EPOCHS_MAX, (double)n_test) / FILL;
}

void bti_plan_fit(bti_plan *plan, double seconds, int workers, int64_t n_train, int64_t n_test,
                  int epochs)
{
    double lo = 0, hi = (double)n_train * BTI_FINAL_EPOCHS_MAX;
    if (seconds <= 0)
        lo = (double)n_train * epochs;
    else if (makespan(plan, workers, hi, (double)n_test) <= seconds * FILL)
        lo = hi;
    else
        for (int i = 0; i < 50; i++) {
            double mid = 0.5 * (lo + hi);
            if (makespan(plan, workers, mid, (double)n_test) <= seconds * FILL)
                lo = mid;
            else
                hi = mid;
        }
    for (int i = 0; i < plan->n; i++)
        plan->pick[i].images = (int64_t)lo;
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
        bti_json_set_int(j, "images", p->images);
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
        p->images = bti_json_as_int(bti_json_get(j, "images"), 0);
        snprintf(p->name, sizeof(p->name), "%s", bti_json_as_str(bti_json_get(j, "name"), "model"));
    }
    bti_json_free(o);
    return BT_OK;
}
