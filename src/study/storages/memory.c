/* SPDX-License-Identifier: Apache-2.0
 *
 * A study in memory, for tests and for searches that leave no trace: the contract of study.h
 * without a file. Written for reading: it says in the fewest lines what every store must do.
 */
#include "study/storages/storages.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/process.h"
#include "base/str.h"
#include "study/storages/optuna_text.h"

#include <math.h>
#include <string.h>

typedef struct entry {
    bti_trial trial;           /* attrs: user attributes */
    bti_json *system, *params; /* params: {"name": value} as people write them */
    char *key;                 /* NULL while WAITING */
    char worker[128];          /* lease; empty: given back */
    int yields;
    double expires;
    int64_t changed; /* the store's clock at the newest change of the user attributes */
} entry;

typedef struct memory {
    bti_storage base;
    bti_json *user, *system; /* study attributes */
    bti_json *signatures;    /* parameter name: what it stands for */
    entry *entry;
    int n, cap;
    int64_t clock;
} memory;

static void entry_release(entry *e)
{
    bti_trial_release(&e->trial);
    bti_json_free(e->system);
    bti_json_free(e->params);
    bti_free(e->key);
}

static void memory_close(bti_storage *base)
{
    memory *m = (memory *)base;
    for (int i = 0; i < m->n; i++)
        entry_release(&m->entry[i]);
    bti_free(m->entry);
    bti_json_free(m->user);
    bti_json_free(m->system);
    bti_json_free(m->signatures);
    bti_free(m->base.name);
    bti_free(m);
}

static bt_status memory_open(bti_storage **out, const char *url, const bti_study_spec *spec,
                             bool create, bt_error *err)
{
    (void)url;
    *out = NULL;
    if (!create)
        return bti_fail(err, BT_IO, "memory://", "a study in memory cannot be opened again");
    if (spec->n_objectives < 1 || spec->n_objectives > BTI_OBJECTIVES_MAX)
        return bti_fail(err, BT_INVAL, "memory://", "a study has 1 to %d objectives, not %d",
                        BTI_OBJECTIVES_MAX, spec->n_objectives);
    memory *m = bti_calloc(1, sizeof(*m));
    if (!m)
        return bti_fail_nomem(err);
    m->base.ops = &bti_memory_ops;
    m->base.name = bti_strdup(spec->name ? spec->name : "study");
    m->base.goals.n = spec->n_objectives;
    for (int i = 0; i < spec->n_objectives; i++) {
        m->base.goals.maximize[i] = spec->maximize[i];
        m->base.goals.metric[i] = bti_metric_find(spec->metric[i]);
    }
    m->user = bti_json_object();
    m->system = bti_json_object();
    m->signatures = bti_json_object();
    bti_json *names = bti_json_array();
    for (int i = 0; i < spec->n_objectives; i++)
        bti_json_append(names, bti_json_str(spec->metric[i]));
    bti_json_set(m->system, "study:metric_names", names);
    if (!m->base.name || !m->user || !m->system || !m->signatures) {
        memory_close(&m->base);
        return bti_fail_nomem(err);
    }
    *out = &m->base;
    return BT_OK;
}

static bt_status memory_study_attr_set(bti_storage *base, bool system, const char *key,
                                       const bti_json *v, bt_error *err)
{
    memory *m = (memory *)base;
    bti_json *copy = bti_json_copy(v);
    if (!copy)
        return bti_fail_nomem(err);
    bti_json_set(system ? m->system : m->user, key, copy);
    return BT_OK;
}

static bt_status memory_study_attr_get(bti_storage *base, bool system, const char *key,
                                       bti_json **out, bt_error *err)
{
    memory *m = (memory *)base;
    const bti_json *v = bti_json_get(system ? m->system : m->user, key);
    *out = v ? bti_json_copy(v) : NULL;
    return v && !*out ? bti_fail_nomem(err) : BT_OK;
}

/* ---- refresh ---- */

static bt_status copy_trial(bti_trial *to, const bti_trial *from, bt_error *err)
{
    *to = (bti_trial){.id = from->id, .number = from->number, .state = from->state};
    bt_status rc = bti_trial_params(to, from->n_params, err);
    if (rc)
        return rc;
    to->attempt = from->attempt;
    to->n_values = from->n_values;
    to->violation = from->violation;
    memcpy(to->value, from->value, sizeof(to->value));
    to->started = from->started;
    to->completed = from->completed;
    to->attrs = bti_json_copy(from->attrs);
    bool ok = to->attrs != NULL;
    for (int i = 0; i < from->n_params; i++) {
        to->param_name[i] = bti_strdup(from->param_name[i]);
        to->param_value[i] = from->param_value[i];
        ok = ok && to->param_name[i];
    }
    if (ok)
        return BT_OK;
    bti_trial_release(to);
    return bti_fail_nomem(err);
}

static bt_status memory_refresh(bti_storage *base, bti_trials *t, bt_error *err)
{
    memory *m = (memory *)base;
    bt_status rc = BT_OK;
    for (int i = 0; !rc && i < m->n; i++) {
        bti_trial now;
        const entry *e = &m->entry[i];
        if (i < t->n && bti_trial_state_finished(t->trial[i].state) && e->changed <= t->attr_seen)
            continue;
        rc = copy_trial(&now, &e->trial, err);
        if (rc)
            break;
        if (i < t->n) {
            bti_trial_release(&t->trial[i]);
            t->trial[i] = now;
            continue;
        }
        rc = bti_trials_take(t, &now, err);
        bti_trial_release(&now);
    }
    t->goals = m->base.goals;
    if (!rc)
        t->attr_seen = m->clock;
    return rc;
}

/* ---- leases ---- */

static entry *find_entry(memory *m, int64_t id)
{
    return id >= 1 && id <= m->n ? &m->entry[id - 1] : NULL;
}

static bt_status check_lease(memory *m, int64_t id, const char *worker, int attempt, entry **out,
                             bt_error *err)
{
    entry *e = find_entry(m, id);
    *out = e;
    if (!e)
        return bti_fail(err, BT_INVAL, "memory://", "the study has no trial with id %lld",
                        (long long)id);
    if (e->trial.state != BTI_RUNNING)
        return bti_fail(err, BT_BUSY, "memory://", "trial id %lld has already ended",
                        (long long)id);
    if (e->trial.attempt != attempt || strncmp(e->worker, worker, sizeof(e->worker) - 1) != 0)
        return bti_fail(err, BT_BUSY, "memory://",
                        "worker %s lost trial id %lld: its lease expired and another took it over",
                        worker, (long long)id);
    return BT_OK;
}

static void set_lease(entry *e, const char *worker, double expires)
{
    snprintf(e->worker, sizeof(e->worker), "%s", worker);
    e->expires = expires;
}

static bt_status memory_reclaim(bti_storage *base, const char *worker, double lease_s, int64_t *id,
                                int *attempt, bt_error *err)
{
    memory *m = (memory *)base;
    double now = bti_wall_seconds();
    (void)err;
    *id = -1;
    *attempt = 0;
    for (int i = 0; i < m->n; i++) {
        entry *e = &m->entry[i];
        if (e->trial.state != BTI_RUNNING || e->expires > now)
            continue;
        if (e->trial.attempt - e->yields >= BTI_ATTEMPTS_MAX) {
            bti_json_set_str(e->trial.attrs, "bantam:failure",
                             "its worker vanished in every attempt");
            e->trial.state = BTI_FAIL;
            e->trial.completed = now;
            e->changed = ++m->clock;
            continue;
        }
        e->trial.attempt++;
        set_lease(e, worker, now + lease_s);
        *id = e->trial.id;
        *attempt = e->trial.attempt;
        break;
    }
    return BT_OK;
}

static bt_status memory_renew(bti_storage *base, int64_t id, const char *worker, int attempt,
                              double lease_s, bt_error *err)
{
    entry *e;
    bt_status rc = check_lease((memory *)base, id, worker, attempt, &e, err);
    if (!rc)
        set_lease(e, worker, bti_wall_seconds() + lease_s);
    return rc;
}

static bt_status memory_yield(bti_storage *base, int64_t id, const char *worker, int attempt,
                              bt_error *err)
{
    entry *e;
    bt_status rc = check_lease((memory *)base, id, worker, attempt, &e, err);
    if (rc)
        return rc;
    set_lease(e, "", 0);
    e->yields++;
    return BT_OK;
}

/* ---- a trial's life ---- */

static bt_status check_signature(memory *m, const bti_param *p, bt_error *err)
{
    bti_str text = {0};
    bt_status rc = BT_OK;
    const char *known = bti_json_as_str(bti_json_get(m->signatures, p->name), NULL);
    bti_optuna_signature(&text, &p->domain);
    if (text.failed)
        rc = bti_fail_nomem(err);
    else if (known && strcmp(known, bti_str_c(&text)))
        rc = bti_fail(err, BT_INVAL, p->name,
                      "this parameter was '%.80s' when the study began and is now '%.80s': "
                      "a changed space needs a new study",
                      known, bti_str_c(&text));
    bti_str_release(&text);
    return rc;
}

static void learn_signature(memory *m, const bti_param *p)
{
    bti_str text = {0};
    bti_optuna_signature(&text, &p->domain);
    bti_json_set_str(m->signatures, p->name, bti_str_c(&text));
    bti_str_release(&text);
}

static bt_status add_attrs(bti_json *to, const bti_json *attrs, bt_error *err)
{
    const char *key;
    const bti_json *value;
    for (size_t i = 0; attrs && bti_json_pair(attrs, i, &key, &value); i++) {
        bti_json *copy = bti_json_copy(value);
        if (!copy)
            return bti_fail_nomem(err);
        bti_json_set(to, key, copy);
    }
    return BT_OK;
}

/* Takes list. */
static void set_constraints(entry *e, bti_json *list)
{
    e->trial.violation = bti_constraint_violation(list);
    bti_json_set(e->system, "constraints", list);
}

static bt_status make_entry(memory *m, entry *e, const bti_proposal *p, bt_error *err)
{
    bt_status rc = BT_OK;
    bti_json *constraints = bti_json_array();
    e->params = bti_json_object();
    for (int i = 0; !rc && i < p->point->n; i++)
        rc = check_signature(m, &p->point->param[i], err);
    if (!rc)
        rc = bti_trial_params(&e->trial, p->point->n, err);
    bool ok = true;
    for (int i = 0; !rc && i < p->point->n; i++) {
        learn_signature(m, &p->point->param[i]);
        e->trial.param_name[i] = bti_strdup(p->point->param[i].name);
        e->trial.param_value[i] = p->point->param[i].value;
        bti_json_set(e->params, p->point->param[i].name,
                     bti_json_value(bti_param_value(&p->point->param[i])));
        ok = ok && e->trial.param_name[i];
    }
    e->key = bti_strdup(p->key);
    if (!e->trial.attrs)
        e->trial.attrs = bti_json_object();
    if (!e->system)
        e->system = bti_json_object();
    if (!rc)
        rc = add_attrs(e->trial.attrs, p->attrs, err);
    bti_json_set_str(e->trial.attrs, "key", p->key);
    for (int i = 0; i < p->n_constraints; i++)
        bti_json_append(constraints, bti_json_num(p->constraint[i]));
    set_constraints(e, constraints);
    if (!rc && (!ok || !e->key || !e->trial.attrs || !e->system || !e->params))
        rc = bti_fail_nomem(err);
    return rc;
}

static bool has_key(const entry *e, const char *key)
{
    return e->key && !strcmp(e->key, key);
}

static bt_status make_room(memory *m, bt_error *err)
{
    if (m->n < m->cap)
        return BT_OK;
    int cap = m->cap ? m->cap * 2 : 32;
    entry *grown = bti_regrow(m->entry, (size_t)cap, sizeof(*grown));
    if (!grown)
        return bti_fail_nomem(err);
    m->entry = grown;
    m->cap = cap;
    return BT_OK;
}

static bt_status memory_claim(bti_storage *base, const bti_proposal *p, const char *worker,
                              double lease_s, int max_trials, int64_t *id, int *number,
                              bool *duplicate, bt_error *err)
{
    memory *m = (memory *)base;
    entry e = {0};
    *id = -1;
    *number = -1;
    *duplicate = false;
    for (int i = 0; i < m->n && !*duplicate; i++)
        *duplicate = has_key(&m->entry[i], p->key);
    if (*duplicate || (max_trials > 0 && m->n >= max_trials))
        return BT_OK;
    bt_status rc = make_room(m, err);
    if (!rc)
        rc = make_entry(m, &e, p, err);
    if (rc) {
        entry_release(&e);
        return rc;
    }
    e.trial.id = m->n + 1;
    e.trial.number = m->n;
    e.trial.state = BTI_RUNNING;
    e.trial.attempt = 1;
    e.trial.started = bti_wall_seconds();
    e.changed = ++m->clock;
    set_lease(&e, worker, e.trial.started + lease_s);
    m->entry[m->n++] = e;
    *id = e.trial.id;
    *number = e.trial.number;
    return BT_OK;
}

static bt_status memory_report(bti_storage *base, int64_t id, const char *worker, int attempt,
                               int step, double value, bt_error *err)
{
    entry *e;
    bt_status rc = check_lease((memory *)base, id, worker, attempt, &e, err);
    (void)step; /* nobody reads a curve back from here */
    (void)value;
    return rc;
}

static bt_status memory_finish(bti_storage *base, int64_t id, const char *worker, int attempt,
                               bti_trial_state state, const double *values, const bti_json *attrs,
                               bt_error *err)
{
    memory *m = (memory *)base;
    entry *e;
    bt_status rc = bti_finish_check(base, state, values, err);
    if (!rc)
        rc = check_lease(m, id, worker, attempt, &e, err);
    if (!rc)
        rc = add_attrs(e->trial.attrs, attrs, err);
    if (rc)
        return rc;
    for (int i = 0; state == BTI_COMPLETE && i < base->goals.n; i++)
        e->trial.value[i] = values[i];
    e->trial.n_values = state == BTI_COMPLETE ? base->goals.n : 0;
    e->trial.state = state;
    e->trial.completed = bti_wall_seconds();
    e->changed = ++m->clock;
    return BT_OK;
}

static bt_status memory_trial_attr_set(bti_storage *base, int64_t id, bool system, const char *key,
                                       const bti_json *v, bt_error *err)
{
    memory *m = (memory *)base;
    entry *e = find_entry(m, id);
    if (!e)
        return bti_fail(err, BT_INVAL, "memory://", "the study has no trial with id %lld",
                        (long long)id);
    bti_json *copy = bti_json_copy(v);
    if (!copy)
        return bti_fail_nomem(err);
    if (system && !strcmp(key, "constraints"))
        set_constraints(e, copy);
    else
        bti_json_set(system ? e->system : e->trial.attrs, key, copy);
    e->changed = ++m->clock;
    return BT_OK;
}

/* ---- enqueued trials ---- */

static bt_status memory_enqueue(bti_storage *base, const bti_json *fixed, const bti_json *attrs,
                                int *number, bt_error *err)
{
    memory *m = (memory *)base;
    entry e = {0};
    bt_status rc = make_room(m, err);
    e.system = bti_json_object();
    e.params = bti_json_object();
    e.trial.attrs = attrs ? bti_json_copy(attrs) : bti_json_object();
    bti_json_set(e.system, "fixed_params", bti_json_copy(fixed));
    if (!rc && (!e.system || !e.params || !e.trial.attrs))
        rc = bti_fail_nomem(err);
    if (rc) {
        entry_release(&e);
        return rc;
    }
    e.trial.id = m->n + 1;
    e.trial.number = *number = m->n;
    e.trial.state = BTI_WAITING;
    e.changed = ++m->clock;
    m->entry[m->n++] = e;
    return BT_OK;
}

static bt_status memory_start(bti_storage *base, int64_t id, const bti_proposal *p,
                              const char *worker, double lease_s, bool *taken, bool *duplicate,
                              bt_error *err)
{
    memory *m = (memory *)base;
    entry *e = find_entry(m, id);
    *taken = *duplicate = false;
    if (!e || e->trial.state != BTI_WAITING)
        return BT_OK;
    for (int i = 0; i < m->n && !*duplicate; i++)
        *duplicate = has_key(&m->entry[i], p->key);
    if (*duplicate)
        return BT_OK;
    bti_json_free(e->params);
    bt_status rc = make_entry(m, e, p, err);
    if (rc)
        return rc;
    *taken = true;
    e->trial.state = BTI_RUNNING;
    e->trial.attempt = 1;
    e->trial.started = bti_wall_seconds();
    e->changed = ++m->clock;
    set_lease(e, worker, e->trial.started + lease_s);
    return BT_OK;
}

static bt_status memory_drop(bti_storage *base, int64_t id, const char *why, bt_error *err)
{
    memory *m = (memory *)base;
    entry *e = find_entry(m, id);
    (void)err;
    if (!e || e->trial.state != BTI_WAITING)
        return BT_OK;
    bti_json_set_str(e->trial.attrs, "error", why);
    e->trial.state = BTI_FAIL;
    e->trial.started = e->trial.completed = bti_wall_seconds();
    e->changed = ++m->clock;
    return BT_OK;
}

static bt_status copy_out(const bti_json *v, bti_json **out, bt_error *err)
{
    *out = v ? bti_json_copy(v) : NULL;
    return v && !*out ? bti_fail_nomem(err) : BT_OK;
}

static bt_status memory_trial_attr_get(bti_storage *base, int64_t id, bool system, const char *key,
                                       bti_json **out, bt_error *err)
{
    const entry *e = find_entry((memory *)base, id);
    return copy_out(e ? bti_json_get(system ? e->system : e->trial.attrs, key) : NULL, out, err);
}

static bt_status memory_params_get(bti_storage *base, int64_t id, bti_json **out, bt_error *err)
{
    const entry *e = find_entry((memory *)base, id);
    return copy_out(e ? e->params : NULL, out, err);
}

const bti_storage_ops bti_memory_ops = {
    .scheme = "memory",
    .shared = false,
    .open = memory_open,
    .close = memory_close,
    .study_attr_set = memory_study_attr_set,
    .study_attr_get = memory_study_attr_get,
    .refresh = memory_refresh,
    .reclaim = memory_reclaim,
    .claim = memory_claim,
    .renew = memory_renew,
    .report = memory_report,
    .finish = memory_finish,
    .yield = memory_yield,
    .enqueue = memory_enqueue,
    .start = memory_start,
    .drop = memory_drop,
    .trial_attr_get = memory_trial_attr_get,
    .params_get = memory_params_get,
    .trial_attr_set = memory_trial_attr_set,
};
