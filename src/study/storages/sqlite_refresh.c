/* SPDX-License-Identifier: Apache-2.0
 *
 * Bringing a list of trials up to date from SQLite. One read transaction, so the answer is one
 * moment. Trials only ever grow at the end, finished ones never change, and an attribute that is
 * written gets a larger row id: so only new rows are read, however long the study is.
 */
#include "study/storages/sqlite_int.h"

#include "base/alloc.h"
#include "base/error.h"
#include "study/storages/optuna_text.h"
#include "study/storages/storages.h"

#include <math.h>
#include <string.h>

static bt_status read_head(bti_sqlite *s, sqlite3_stmt *stmt, bti_trial *t, bt_error *err)
{
    t->id = sqlite3_column_int64(stmt, 0);
    t->number = sqlite3_column_int(stmt, 1);
    if (!bti_trial_state_find(bti_sqlite_text(stmt, 2), &t->state))
        return bti_fail(err, BT_FORMAT, s->path, "trial %d has the unknown state '%s'", t->number,
                        bti_sqlite_text(stmt, 2));
    t->started = bti_optuna_time_parse(bti_sqlite_text(stmt, 3), s->utc);
    t->completed = bti_optuna_time_parse(bti_sqlite_text(stmt, 4), s->utc);
    return BT_OK;
}

static bt_status read_params(bti_sqlite *s, bti_trial *t, bt_error *err)
{
    sqlite3_stmt *stmt;
    bool more = true;
    int n = 0;
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_PARAMS_COUNT, "i", t->id);
    if (!rc)
        rc = bti_sqlite_next(s, stmt, &more, err);
    if (!rc) {
        n = sqlite3_column_int(stmt, 0);
        sqlite3_reset(stmt);
        rc = bti_trial_params(t, n, err);
    }
    if (!rc)
        rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_PARAMS, "i", t->id);
    more = true;
    for (int i = 0; !rc && more; i++) {
        rc = bti_sqlite_next(s, stmt, &more, err);
        if (rc || !more)
            break;
        t->param_name[i] = bti_strdup(bti_sqlite_text(stmt, 0));
        t->param_value[i] = sqlite3_column_double(stmt, 1);
        if (!t->param_name[i]) {
            sqlite3_reset(stmt);
            rc = bti_fail_nomem(err);
        }
    }
    return rc;
}

static bt_status read_values(bti_sqlite *s, bti_trial *t, bt_error *err)
{
    sqlite3_stmt *stmt;
    bool more = true;
    t->n_values = 0;
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_VALUES_GET, "i", t->id);
    while (!rc && more) {
        rc = bti_sqlite_next(s, stmt, &more, err);
        if (rc || !more)
            break;
        int objective = sqlite3_column_int(stmt, 0);
        const char *type = bti_sqlite_text(stmt, 2);
        if (objective < 0 || objective >= BTI_OBJECTIVES_MAX)
            continue;
        t->value[objective] = !strcmp(type, "INF_POS")   ? INFINITY
                              : !strcmp(type, "INF_NEG") ? -INFINITY
                                                         : sqlite3_column_double(stmt, 1);
        t->n_values = objective + 1;
    }
    return rc;
}

static bt_status read_attempt(bti_sqlite *s, bti_trial *t, bt_error *err)
{
    sqlite3_stmt *stmt;
    bool more = false;
    bti_lease lease = {0};
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_LEASE_GET, "ii", t->id, s->study_id);
    if (!rc)
        rc = bti_sqlite_next(s, stmt, &more, err);
    if (!rc && more) {
        rc = bti_lease_parse(bti_sqlite_text(stmt, 1), &lease, err);
        sqlite3_reset(stmt);
    }
    t->attempt = lease.attempt;
    return rc;
}

/* One JSON value by (owner, key); *out NULL if there is none. */
static bt_status read_json(bti_sqlite *s, bti_sql id, int64_t owner, const char *key,
                           bti_json **out, bt_error *err)
{
    sqlite3_stmt *stmt;
    bool more = false;
    *out = NULL;
    bt_status rc = bti_sqlite_query(s, &stmt, err, id, "it", owner, key);
    if (!rc)
        rc = bti_sqlite_next(s, stmt, &more, err);
    if (!rc && more) {
        rc = bti_json_parse(out, bti_sqlite_text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0),
                            key, err);
        sqlite3_reset(stmt);
    }
    return rc;
}

bt_status bti_sqlite_trial_attr_get(bti_storage *base, int64_t id, bool system, const char *key,
                                    bti_json **out, bt_error *err)
{
    return read_json((bti_sqlite *)base, system ? BTI_SQL_TRIAL_SYSTEM_GET : BTI_SQL_TRIAL_USER_GET,
                     id, key, out, err);
}

static bt_status read_violation(bti_sqlite *s, bti_trial *t, bt_error *err)
{
    bti_json *list;
    bt_status rc = read_json(s, BTI_SQL_TRIAL_SYSTEM_GET, t->id, "constraints", &list, err);
    t->violation = rc ? 0 : bti_constraint_violation(list);
    bti_json_free(list);
    return rc == BT_FORMAT ? BT_OK : rc; /* Python writes infinities, which are no JSON */
}

/* What Optuna's to_external_repr gives: the choice of a category, a whole number of an int. */
static bti_json *external(double value, const char *distribution)
{
    bti_json *d = NULL;
    if (bti_json_parse(&d, distribution, strlen(distribution), "distribution", NULL))
        return NULL;
    const char *name = bti_json_as_str(bti_json_get(d, "name"), "");
    const bti_json *choices = bti_json_get(bti_json_get(d, "attributes"), "choices");
    bti_json *out;
    if (choices && value >= 0)
        out = bti_json_copy(bti_json_at(choices, (size_t)value));
    else
        out = strstr(name, "Int") ? bti_json_int((int64_t)value) : bti_json_num(value);
    bti_json_free(d);
    return out;
}

bt_status bti_sqlite_params_get(bti_storage *base, int64_t id, bti_json **out, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    sqlite3_stmt *stmt;
    bool more = true;
    *out = bti_json_object();
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_PARAMS_EXTERNAL, "i", id);
    while (!rc && more) {
        rc = bti_sqlite_next(s, stmt, &more, err);
        if (rc || !more)
            break;
        bti_json *v = external(sqlite3_column_double(stmt, 1), bti_sqlite_text(stmt, 2));
        if (v)
            bti_json_set(*out, bti_sqlite_text(stmt, 0), v);
    }
    if (!rc && !*out)
        rc = bti_fail_nomem(err);
    if (rc) {
        bti_json_free(*out);
        *out = NULL;
    }
    return rc;
}

/* Everything but user attributes; t holds what read_head gave. */
static bt_status read_body(bti_sqlite *s, bti_trial *t, bt_error *err)
{
    bt_status rc = read_params(s, t, err);
    if (!rc)
        rc = read_values(s, t, err);
    if (!rc)
        rc = read_violation(s, t, err);
    return rc ? rc : read_attempt(s, t, err);
}

static bt_status read_unfinished(bti_sqlite *s, bti_trials *t, bt_error *err)
{
    sqlite3_stmt *stmt;
    bt_status rc = BT_OK;
    for (int i = 0; !rc && i < t->n; i++) {
        bool more = false;
        bti_trial now = {0}, *old = &t->trial[i];
        if (bti_trial_state_finished(old->state))
            continue;
        rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_TRIAL_GET, "i", old->id);
        if (!rc)
            rc = bti_sqlite_next(s, stmt, &more, err);
        if (rc || !more)
            continue;
        rc = read_head(s, stmt, &now, err);
        sqlite3_reset(stmt);
        if (!rc)
            rc = read_body(s, &now, err);
        if (!rc) { /* the old one stays as it was until all of the new is there */
            bti_json *attrs = old->attrs;
            old->attrs = NULL;
            bti_trial_release(old);
            *old = now;
            old->attrs = attrs;
            now = (bti_trial){0};
        }
        bti_trial_release(&now);
    }
    return rc;
}

static bt_status read_new(bti_sqlite *s, bti_trials *t, bt_error *err)
{
    sqlite3_stmt *stmt;
    bool more = true;
    int64_t last = t->n ? t->trial[t->n - 1].id : -1;
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_TRIALS_AFTER, "ii", s->study_id, last);
    while (!rc && more) {
        bti_trial trial = {0};
        rc = bti_sqlite_next(s, stmt, &more, err);
        if (rc || !more)
            break;
        rc = read_head(s, stmt, &trial, err);
        if (!rc)
            rc = read_body(s, &trial, err);
        trial.attrs = bti_json_object();
        if (!rc && !trial.attrs)
            rc = bti_fail_nomem(err);
        if (!rc)
            rc = bti_trials_take(t, &trial, err);
        if (rc)
            sqlite3_reset(stmt);
        bti_trial_release(&trial);
    }
    return rc;
}

static bt_status read_attrs(bti_sqlite *s, bti_trials *t, bt_error *err)
{
    sqlite3_stmt *stmt;
    bool more = true;
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_ATTRS_AFTER, "i", t->attr_seen);
    while (!rc && more) {
        bti_json *value = NULL;
        rc = bti_sqlite_next(s, stmt, &more, err);
        if (rc || !more)
            break;
        bti_trial *trial =
            bti_trials_id(t, sqlite3_column_int64(stmt, 1)); /* else: another study's */
        if (trial) {
            rc = bti_json_parse(&value, bti_sqlite_text(stmt, 3),
                                (size_t)sqlite3_column_bytes(stmt, 3), s->path, NULL);
            if (rc == BT_FORMAT) /* foreign: Python writes NaN, which is no JSON */
                rc = BT_OK;
            if (rc)
                rc = bti_fail_nomem(err);
            else
                bti_json_set(trial->attrs, bti_sqlite_text(stmt, 2),
                             value ? value : bti_json_null());
        }
        if (rc)
            sqlite3_reset(stmt);
        else
            t->attr_seen = sqlite3_column_int64(stmt, 0);
    }
    return rc;
}

bt_status bti_sqlite_refresh(bti_storage *base, bti_trials *t, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_READ, err);
    if (rc)
        return rc;
    t->goals = base->goals;
    rc = read_unfinished(s, t, err);
    if (!rc)
        rc = read_new(s, t, err);
    if (!rc)
        rc = read_attrs(s, t, err);
    return bti_sqlite_end(s, rc, err);
}
