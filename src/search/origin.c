/* SPDX-License-Identifier: Apache-2.0
 *
 * Going on from another study: its front, translated, becomes WAITING trials, in Optuna's form
 * (system attribute fixed_params), so that Optuna's samplers take them up as well. Values are not
 * taken over: they were measured on other data, in another space or by another program.
 */
#include "search/origin.h"

#include "base/alloc.h"
#include "base/error.h"
#include "report/report.h"

#include <math.h>

#define FROM_KEY "bantam:from"
#define NAME_CAP 96

/* Wishes and the memory of their names. */
typedef struct wishes {
    int n;
    bti_wish wish[BTI_POINT_MAX];
    char name[BTI_POINT_MAX][NAME_CAP];
} wishes;

static bti_value value_of(const bti_json *v)
{
    const char *text = bti_json_as_str(v, NULL);
    double x = bti_json_as_num(v, NAN);
    int64_t i = bti_json_as_int(v, INT64_MIN);
    if (text)
        return bti_value_str(text);
    if (i != INT64_MIN)
        return bti_value_int(i);
    if (x == x)
        return bti_value_float(x);
    if (bti_json_is_null(v))
        return (bti_value){0};
    return bti_value_bool(bti_json_as_bool(v, false));
}

/* What the space calls a parameter of another study; unknown names stay and find no place. */
static void translate(const bti_json *params, const char *old, const bti_space *space, char *out)
{
    char block[16];
    static const char *const section[] = {"", "model.", "train.", "augment."};
    const bti_param *known;
    int n = bti_space_params(space, &known);
    for (size_t k = 0; k < 4; k++) { /* the course has "lr" where a space has "train.lr" */
        snprintf(out, NAME_CAP, "%s%s", section[k], old);
        for (int i = 0; i < n; i++)
            if (bti_streq(known[i].name, out))
                return;
    }
    snprintf(block, sizeof(block), "%.*s", (int)strcspn(old, "/"), old);
    if (!bti_course_name(old, bti_json_as_str(bti_json_get(params, block), NULL), out))
        snprintf(out, NAME_CAP, "%s", old);
}

static void make_wishes(const bti_json *params, const bti_space *space, wishes *w)
{
    const char *key;
    const bti_json *value;
    bti_json_walk walk = bti_json_first(params);
    w->n = 0;
    while (w->n < BTI_POINT_MAX && bti_json_next(&walk, &key, &value)) {
        translate(params, key, space, w->name[w->n]);
        w->wish[w->n] = (bti_wish){.name = w->name[w->n], .value = value_of(value)};
        w->n++;
    }
}

bt_status bti_origin_point(bti_storage *st, const bti_space *space, const bti_trial *t,
                           bti_rng *rng, bti_point *out, int *drawn, bt_error *err)
{
    bti_json *fixed = NULL;
    wishes *w = bti_malloc(sizeof(*w));
    bt_status rc = w ? st->ops->trial_attr_get(st, t->id, true, "fixed_params", &fixed, err)
                     : bti_fail_nomem(err);
    if (!rc) {
        make_wishes(fixed, space, w);
        *drawn = bti_space_grant(space, w->wish, w->n, rng, out);
    }
    bti_json_free(fixed);
    bti_free(w);
    return rc;
}

/* ---- a whole front ---- */

typedef struct tally {
    int models, whole;
    char what[160]; /* the first value that does not fit */
} tally;

/* What of one trial fits, as fixed_params. */
static bti_json *fitting(const bti_json *params, const bti_space *space, const bti_trial *t,
                         bti_rng *rng, tally *sum, bt_error *err)
{
    bti_json *fixed = bti_json_object();
    wishes *w = bti_malloc(sizeof(*w));
    bti_point *point = bti_malloc(sizeof(*point));
    if (fixed && w && point) {
        make_wishes(params, space, w);
        int drawn = bti_space_grant(space, w->wish, w->n, rng, point);
        sum->models++;
        sum->whole += drawn == 0;
        for (int i = 0; i < w->n; i++) {
            char text[64];
            if (w->wish[i].used)
                bti_json_set(fixed, w->name[i], bti_json_value(w->wish[i].value));
            else if (w->wish[i].active && !*sum->what)
                snprintf(sum->what, sizeof(sum->what), "%s = %s of trial %d", w->name[i],
                         bti_value_text(text, sizeof(text), w->wish[i].value), t->number);
        }
        if (drawn && !*sum->what)
            snprintf(sum->what, sizeof(sum->what), "trial %d does not have all parameters",
                     t->number);
    } else {
        (void)bti_fail_nomem(err);
        bti_json_free(fixed);
        fixed = NULL;
    }
    bti_free(point);
    bti_free(w);
    return fixed;
}

static bt_status enqueue_one(bti_storage *st, bti_storage *old, const bti_space *space,
                             const bti_trial *t, const char *from, uint64_t seed, tally *sum,
                             bt_error *err)
{
    bti_json *params = NULL, *attrs = bti_json_object();
    int number;
    bt_status rc = old->ops->params_get(old, t->id, &params, err);
    bti_rng rng = bti_rng_at(seed, BTI_RNG_SAMPLER, (uint32_t)t->number, 0, 3);
    bti_json *fixed = rc ? NULL : fitting(params, space, t, &rng, sum, err);
    if (!rc && !fixed)
        rc = BT_NOMEM;
    bti_json *origin = bti_json_object();
    bti_json_set_str(origin, "study", from);
    bti_json_set_int(origin, "trial", t->number);
    bti_json_set(attrs, "from", origin);
    if (!rc)
        rc = st->ops->enqueue(st, fixed, attrs, &number, err);
    bti_json_free(fixed);
    bti_json_free(attrs);
    bti_json_free(params);
    return rc;
}

static bt_status enqueue_front(bti_storage *st, bti_storage *old, const bti_space *space,
                               const char *from, uint64_t seed, tally *sum, bt_error *err)
{
    bti_trials trials = {0};
    bt_status rc = old->ops->refresh(old, &trials, err);
    int *front = rc ? NULL : bti_array((size_t)trials.n + 1, sizeof(int));
    if (!rc && !front)
        rc = bti_fail_nomem(err);
    int n = rc ? 0 : bti_report_front(&trials, front);
    for (int i = 0; i < n && !rc; i++)
        rc = enqueue_one(st, old, space, &trials.trial[front[i]], from, seed, sum, err);
    bti_free(front);
    bti_trials_release(&trials);
    return rc;
}

bt_status bti_origin_enqueue(bti_storage *st, const bti_space *space, const char *from,
                             uint64_t seed, const bt_progress *progress, bt_error *err)
{
    bti_storage *old = NULL;
    bti_json *done = NULL, *mark;
    tally t = {0};
    bt_status rc = st->ops->study_attr_get(st, false, FROM_KEY, &done, err);
    bool before = done != NULL;
    bti_json_free(done);
    if (rc || before)
        return rc;
    rc = bti_storage_open(&old, from, NULL, false, err);
    if (!rc)
        rc = enqueue_front(st, old, space, from, seed, &t, err);
    bti_storage_close(old);
    if (rc)
        return rc;
    mark = bti_json_object();
    bti_json_set_str(mark, "study", from);
    bti_json_set_int(mark, "models", t.models);
    rc = st->ops->study_attr_set(st, false, FROM_KEY, mark, err);
    bti_json_free(mark);
    if (t.whole < t.models)
        bti_note(progress,
                 "%s: %d models of its front are tried first; %d of them fit whole (%s), what does "
                 "not is drawn anew",
                 from, t.models, t.whole, t.what);
    else
        bti_note(progress, "%s: the %d models of its front are tried first, all fit whole", from,
                 t.models);
    return rc;
}
