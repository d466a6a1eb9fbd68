/* SPDX-License-Identifier: Apache-2.0
 *
 * The study of a policy search: settings that scores depend on, trials claimed and ended. Each part
 * (fold) has its own networks, so its trials are asked for, and told, apart from the others'.
 */
#include "search/policy_search.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "train/recipe.h"

#include <math.h>

#define SETTINGS "bantam:policy"
#define MEASURED "bantam:policy_measured"
#define USED "bantam:policy_used_s"
#define WORKER "policy"
#define LEASE_S 1.0 /* the lock keeps others away: it only has to end before the next session */
#define ASKS_MAX 8  /* after proposals that were tried before */

/* ---- settings ---- */

static bti_json *settings_of(const bti_policy_search *s)
{
    const bt_policy_options *o = s->lab.opt;
    bt_recipe recipe = o->recipe;
    bti_json *j = bti_json_object();

    snprintf(recipe.augment, sizeof(recipe.augment), "%s", s->plain);
    bti_json_set_str(j, "model", s->lab.graph->hash);
    bti_json_set_str(j, "data", s->lab.data->fingerprint);
    bti_json_set_str(j, "space", s->space_text);
    bti_json_set_str(j, "by", s->way->name);
    bti_json_set_int(j, "folds", o->folds);
    bti_json_set_int(j, "child-epochs", o->child_epochs);
    bti_json_set_str(j, "subset", o->subset ? o->subset : "all");
    bti_json_set_str(j, "val", o->val ? o->val : "auto");
    bti_json_set_int(j, "seed", (int64_t)o->seed);
    bti_json_set_str(j, "precision", bti_precision_name(s->lab.precision));
    bti_json_set(j, "recipe", bti_recipe_json(&recipe));
    return j;
}

/* Scores of other settings cannot be compared. */
static bt_status check_settings(const bti_policy_search *s, const bti_json *given,
                                const bti_json *stored, bt_error *err)
{
    char option[32];
    const char *key = bti_policy_differs(stored, given);

    if (!key)
        return BT_OK;
    snprintf(option, sizeof(option), "%s%s", bti_streq(key, "data") ? "" : "--", key);
    return bti_fail(err, BT_INVAL, option,
                    "the study of %s was started with another: the same options go on with it, or "
                    "use another --out",
                    s->lab.opt->out_path);
}

static char *study_path(const bti_policy_search *s)
{
    bti_str path = {0};
    bti_str_addf(&path, "%s.db", s->lab.stem);
    return bti_str_take(&path);
}

static bt_status open_storage(bti_policy_search *s, bt_error *err)
{
    const bti_study_spec spec = {.name = "policy",
                                 .n_objectives = 1,
                                 .metric = {s->way->metric},
                                 .maximize = {s->way->maximize}};
    const char *out = s->lab.opt->out_path;
    char *path = study_path(s);

    if (!path)
        return bti_fail_nomem(err);
    s->is_new = !bti_is_file(path);
    bt_status rc = BT_OK;
    if (s->is_new && bti_is_file(out)) {
        s->is_new = false; /* it is somebody's */
        rc = bti_fail(err, BT_INVAL, out, "exists, but its study %s does not: use another --out",
                      path);
    }
    if (!rc)
        rc = bti_storage_open(&s->study, path, &spec, true, err);
    if (rc == BT_INVAL && !s->is_new && bti_is_file(path)) /* other objectives: another way */
        rc = bti_fail(err, BT_INVAL, "--by",
                      "the study of %s was not started by %s: use the same, or another --out", out,
                      s->way->name);
    bti_free(path);
    return rc;
}

/* Scores of no policy, as an earlier session measured them. */
static void load_plain(bti_policy_search *s)
{
    const bti_json *plain = bti_json_get(s->measured, "plain");
    size_t n = bti_json_len(plain);

    s->n_parts = n < BTI_FOLDS_MAX ? (int)n : BTI_FOLDS_MAX;
    for (int k = 0; k < s->n_parts; k++)
        s->plain_score[k] = bti_json_as_num(bti_json_at(plain, (size_t)k), NAN);
}

bt_status bti_policy_study_open(bti_policy_search *s, bt_error *err)
{
    bti_json *used = NULL;
    bt_status rc = open_storage(s, err);
    const bti_storage_ops *ops = rc ? NULL : s->study->ops;

    if (!rc)
        rc = ops->study_attr_get(s->study, false, MEASURED, &s->measured, err);
    if (!rc)
        rc = ops->study_attr_get(s->study, false, USED, &used, err);
    if (!rc)
        rc = ops->refresh(s->study, &s->trials, err);
    if (!rc && !s->measured)
        s->measured = bti_json_object();
    load_plain(s);
    s->used_s = bti_json_as_num(used, 0);
    bti_json_free(used);
    return rc;
}

bt_status bti_policy_study_settle(bti_policy_search *s, bt_error *err)
{
    const bti_storage_ops *ops = s->study->ops;
    bti_json *stored = NULL, *given = settings_of(s);
    bt_status rc = ops->study_attr_get(s->study, false, SETTINGS, &stored, err);

    if (!rc && stored)
        rc = check_settings(s, given, stored, err);
    else if (!rc)
        rc = ops->study_attr_set(s->study, false, SETTINGS, given, err);
    bti_json_free(stored);
    bti_json_free(given);
    return rc;
}

void bti_policy_study_drop(bti_policy_search *s)
{
    char *path = study_path(s);

    bti_storage_close(s->study); /* SQLite's own files beside it go with the last handle */
    s->study = NULL;
    if (path)
        bti_remove_tree(path, NULL);
    bti_free(path);
}

bt_status bti_policy_save(bti_policy_search *s, bt_error *err)
{
    bti_json *used = bti_json_num(s->used_s + bt_now() - s->began_s);
    const bti_storage_ops *ops = s->study->ops;
    bt_status rc = ops->study_attr_set(s->study, false, MEASURED, s->measured, err);
    if (!rc)
        rc = ops->study_attr_set(s->study, false, USED, used, err);
    bti_json_free(used);
    return rc;
}

/* ---- policies of points ---- */

bt_status bti_policy_of_point(const bti_policy_search *s, const bti_point *p, char **text,
                              bt_error *err)
{
    bti_arena arena = {0};
    bti_settings set;
    bti_policy *policy = NULL;

    *text = NULL;
    bt_status rc = bti_space_settings(s->space, p, &set, &arena, err);
    for (int i = 0; !rc && i < set.n; i++)
        if (bti_streq(set.set[i].key, "augment"))
            rc = bti_policy_parse(&policy, set.set[i].value, err);
    if (!rc && policy && !(*text = bti_policy_text(policy)))
        rc = bti_fail_nomem(err);
    if (!rc && !policy)
        rc = bti_fail(err, BT_INVAL, bti_space_name(s->space), "the space has no augment section");
    bti_policy_free(policy);
    bti_arena_release(&arena);
    return rc;
}

/* ---- trials ---- */

typedef struct part_of {
    const bti_policy_search *s;
    int part;
} part_of;

/* The network is always the same; parts are told apart, so that each may try every policy. */
static bt_status network_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    const part_of *at = user;
    const bti_graph *g = at->s->lab.graph;
    (void)rows;
    (void)err;
    *out = (bti_cost){.params = (double)g->params,
                      .macs = (double)g->macs,
                      .peak_memory = (double)g->peak_activation_bytes,
                      .out_h = 1,
                      .out_w = 1};
    snprintf(out->hash, sizeof(out->hash), "part-%d", at->part);
    return BT_OK;
}

static int part_of_trial(const bti_trial *t)
{
    return (int)bti_json_as_int(bti_json_get(t->attrs, "fold"), 0);
}

/* Trials of one part, borrowed: free out->trial alone. */
static bt_status trials_of(const bti_trials *all, int part, bti_trials *out, bt_error *err)
{
    *out = (bti_trials){.goals = all->goals};
    out->trial = bti_array((size_t)all->n + 1, sizeof(*out->trial));
    if (!out->trial)
        return bti_fail_nomem(err);
    for (int i = 0; i < all->n; i++)
        if (part_of_trial(&all->trial[i]) == part)
            out->trial[out->n++] = all->trial[i];
    return BT_OK;
}

static bt_status claim(bti_policy_search *s, const bti_answer *a, bti_policy_trial *t,
                       bool *duplicate, bt_error *err)
{
    bti_json *attrs = bti_json_object();
    const bti_proposal p = {.point = &a->point, .key = a->key, .attrs = attrs};

    bti_json_set_int(attrs, "fold", t->part);
    bti_json_set_str(attrs, "policy", t->policy);
    bti_json_set_str(attrs, "sampler", a->by);
    bti_json_set_num(attrs, "plain", s->plain_score[t->part]);
    bti_json_set_int(attrs, "params", s->lab.graph->params);
    bti_json_set_int(attrs, "macs", s->lab.graph->macs);
    bti_json_set_int(attrs, "threads", s->lab.threads);
    bti_json_set_str(attrs, "isa", bti_isa_name(bti_cpu_isa()));
    t->attempt = 1;
    bt_status rc =
        s->study->ops->claim(s->study, &p, WORKER, LEASE_S, 0, &t->id, &t->number, duplicate, err);
    bti_json_free(attrs);
    return rc;
}

static bt_status propose(bti_policy_search *s, bti_policy_trial *t, bti_answer *a, bt_error *err)
{
    part_of at = {s, t->part};
    bti_trials seen;
    bool duplicate = true;
    bt_status rc = trials_of(&s->trials, t->part, &seen, err);

    for (int retry = 0; !rc && duplicate && retry < ASKS_MAX; retry++) {
        const bti_ask ask = {.space = s->space,
                             .trials = &seen,
                             .goals = bti_trials_goals(&s->trials),
                             .cost = network_cost,
                             .cost_user = &at,
                             .params = s->sampler_params,
                             .seed = s->lab.opt->seed,
                             .number = s->trials.n,
                             .retry = retry};
        bti_free(t->policy);
        t->policy = NULL;
        rc = bti_sampler_ask(s->sampler, &ask, a, err);
        if (!rc)
            rc = bti_policy_of_point(s, &a->point, &t->policy, err);
        if (!rc)
            rc = claim(s, a, t, &duplicate, err);
    }
    bti_free(seen.trial);
    return rc == BT_EMPTY ? BT_OK : rc;
}

/* A trial that an earlier session left, as it was. */
static bt_status take_back(bti_policy_search *s, bti_policy_trial *t, bt_error *err)
{
    bti_storage *st = s->study;
    bt_status rc = st->ops->reclaim(st, WORKER, LEASE_S, &t->id, &t->attempt, err);
    if (rc || t->id < 0)
        return rc;
    rc = st->ops->refresh(st, &s->trials, err);
    const bti_trial *old = rc ? NULL : bti_trials_id(&s->trials, t->id);
    const char *policy = old ? bti_json_as_str(bti_json_get(old->attrs, "policy"), NULL) : NULL;
    if (!rc && (!policy || part_of_trial(old) < 0 || part_of_trial(old) >= s->n_parts))
        rc = bti_fail(err, BT_FORMAT, s->lab.opt->out_path, "trial id %lld is none of this search",
                      (long long)t->id);
    if (rc)
        return rc;
    t->number = old->number;
    t->part = part_of_trial(old);
    t->policy = bti_strdup(policy);
    return t->policy ? BT_OK : bti_fail_nomem(err);
}

bt_status bti_policy_next(bti_policy_search *s, bti_policy_trial *t, bt_error *err)
{
    bti_answer *a = bti_calloc(1, sizeof(*a));

    *t = (bti_policy_trial){.id = -1};
    if (!a)
        return bti_fail_nomem(err);
    bt_status rc = s->study->ops->refresh(s->study, &s->trials, err);
    if (!rc)
        rc = take_back(s, t, err);
    for (int i = 0; !rc && t->id < 0 && i < s->n_parts; i++) { /* a part may have tried them all */
        t->part = (s->trials.n + i) % s->n_parts;
        rc = propose(s, t, a, err);
    }
    bti_free(a);
    return rc;
}

bt_status bti_policy_end(bti_policy_search *s, const bti_policy_trial *t, bt_status scored,
                         double value, double seconds, const bt_error *why, bt_error *err)
{
    bti_storage *st = s->study;

    if (scored == BT_STOPPED)
        return st->ops->yield(st, t->id, WORKER, t->attempt, err);
    bti_json *attrs = bti_json_object();
    bti_json_set_num(attrs, "seconds", seconds);
    if (scored)
        bti_json_set_str(attrs, "error", why->text);
    bt_status rc = st->ops->finish(st, t->id, WORKER, t->attempt, scored ? BTI_FAIL : BTI_COMPLETE,
                                   scored ? NULL : &value, attrs, err);
    bti_json_free(attrs);
    return rc ? rc : st->ops->refresh(st, &s->trials, err);
}
