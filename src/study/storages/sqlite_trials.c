/* SPDX-License-Identifier: Apache-2.0
 *
 * A trial's life in the SQLite store: claim, intermediate values, the end. Each is one immediate
 * transaction: after a crash at any moment a trial is either wholly claimed or absent, RUNNING or
 * wholly ended.
 */
#include "study/storages/sqlite_int.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/process.h"
#include "study/storages/optuna_text.h"
#include "study/storages/storages.h"

#include <math.h>
#include <string.h>

/* ---- what a parameter name stands for ---- */

static void forget_signatures(bti_sqlite *s)
{
    for (int i = 0; i < s->signatures.n; i++) {
        bti_free(s->signatures.item[i].name);
        bti_free(s->signatures.item[i].text);
    }
    s->signatures.n = 0;
}

static const char *known_signature(const bti_sqlite *s, const char *name)
{
    for (int i = 0; i < s->signatures.n; i++)
        if (!strcmp(s->signatures.item[i].name, name))
            return s->signatures.item[i].text;
    return NULL;
}

static bt_status remember_signature(bti_sqlite *s, const char *name, const char *text,
                                    bt_error *err)
{
    bti_signatures *known = &s->signatures;
    if (known->n == known->cap) {
        int cap = known->cap ? known->cap * 2 : 32;
        void *grown = bti_regrow(known->item, (size_t)cap, sizeof(*known->item));
        if (!grown)
            return bti_fail_nomem(err);
        known->item = grown;
        known->cap = cap;
    }
    struct bti_signature item = {bti_strdup(name), bti_strdup(text)};
    if (!item.name || !item.text) {
        bti_free(item.name);
        bti_free(item.text);
        return bti_fail_nomem(err);
    }
    known->item[known->n++] = item;
    return BT_OK;
}

/* Stores what `name` stands for if it is new, else reads what it has stood for so far. */
static bt_status learn_signature(bti_sqlite *s, const char *name, const char *text, bt_error *err)
{
    sqlite3_stmt *stmt;
    bool more = false;
    bt_status rc = bti_sqlite_run(s, err, BTI_SQL_SIGNATURE_ADD, "itt", s->study_id, name, text);
    if (!rc)
        rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_SIGNATURE_GET, "it", s->study_id, name);
    if (!rc)
        rc = bti_sqlite_next(s, stmt, &more, err);
    if (!rc && more) {
        rc = remember_signature(s, name, bti_sqlite_text(stmt, 0), err);
        sqlite3_reset(stmt);
    }
    return rc;
}

/* Optuna keeps class, log flag and choices of a name for the whole study; bounds may differ by
 * trial. */
static bt_status check_signature(bti_sqlite *s, const bti_param *p, bt_error *err)
{
    bti_str text = {0};
    const char *known;
    bt_status rc = BT_OK;
    bti_optuna_signature(&text, &p->domain);
    if (text.failed)
        rc = bti_fail_nomem(err);
    if (!rc && !known_signature(s, p->name))
        rc = learn_signature(s, p->name, bti_str_c(&text), err);
    known = known_signature(s, p->name);
    if (!rc && known && strcmp(known, bti_str_c(&text)))
        rc = bti_fail(err, BT_INVAL, p->name,
                      "this parameter was '%.80s' when the study began and is now '%.80s': "
                      "a changed space needs a new study",
                      known, bti_str_c(&text));
    bti_str_release(&text);
    return rc;
}

/* ---- claim ---- */

static bt_status add_params(bti_sqlite *s, int64_t id, const bti_point *point, bt_error *err)
{
    bti_str text = {0};
    bt_status rc = BT_OK;
    for (int i = 0; !rc && i < point->n; i++) {
        const bti_param *p = &point->param[i];
        rc = check_signature(s, p, err);
        bti_str_reset(&text);
        bti_optuna_distribution(&text, &p->domain);
        if (!rc && text.failed)
            rc = bti_fail_nomem(err);
        if (!rc)
            rc = bti_sqlite_run(s, err, BTI_SQL_PARAM_ADD, "itdt", id, p->name, p->value,
                                bti_str_c(&text));
    }
    bti_str_release(&text);
    return rc;
}

static bt_status add_constraints(bti_sqlite *s, int64_t id, const bti_proposal *p, bt_error *err)
{
    if (!p->n_constraints)
        return BT_OK;
    bti_json *list = bti_json_array();
    for (int i = 0; i < p->n_constraints; i++)
        bti_json_append(list, bti_json_num(p->constraint[i]));
    bt_status rc = bti_sqlite_set_json(s, BTI_SQL_TRIAL_SYSTEM_SET, id, "constraints", list, err);
    bti_json_free(list);
    return rc;
}

static bt_status key_taken(bti_sqlite *s, const char *key, bool *taken, bt_error *err)
{
    sqlite3_stmt *stmt;
    *taken = false;
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_KEY_FIND, "it", s->study_id, key);
    if (!rc)
        rc = bti_sqlite_next(s, stmt, taken, err);
    if (!rc && *taken)
        sqlite3_reset(stmt);
    return rc;
}

static bt_status next_number(bti_sqlite *s, int *number, bt_error *err)
{
    sqlite3_stmt *stmt;
    bool more = false;
    *number = 0;
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_LAST_NUMBER, "i", s->study_id);
    if (!rc)
        rc = bti_sqlite_next(s, stmt, &more, err);
    if (!rc && more) {
        *number = sqlite3_column_int(stmt, 0) + 1;
        sqlite3_reset(stmt);
    }
    return rc;
}

/* What a trial that begins to run has besides its row. */
static bt_status add_body(bti_sqlite *s, const bti_proposal *p, const bti_lease *lease, int64_t id,
                          bt_error *err)
{
    bti_json *key = bti_json_str(p->key);
    bt_status rc = bti_sqlite_run(s, err, BTI_SQL_KEY_ADD, "iti", s->study_id, p->key, id);
    if (!rc)
        rc = add_params(s, id, p->point, err);
    if (!rc)
        rc = bti_sqlite_set_attrs(s, id, p->attrs, err);
    if (!rc)
        rc = bti_sqlite_set_json(s, BTI_SQL_TRIAL_USER_SET, id, "key", key, err);
    if (!rc)
        rc = add_constraints(s, id, p, err);
    if (!rc)
        rc = bti_sqlite_lease_set(s, id, lease, err);
    bti_json_free(key);
    return rc;
}

static bt_status add_trial(bti_sqlite *s, const bti_proposal *p, const bti_lease *lease, int number,
                           int64_t *id, bt_error *err)
{
    char now[BTI_OPTUNA_TIME_CAP];
    bti_optuna_time(now, bti_wall_seconds(), s->utc);
    bt_status rc =
        bti_sqlite_run(s, err, BTI_SQL_TRIAL_ADD, "iit", (int64_t)number, s->study_id, now);
    *id = sqlite3_last_insert_rowid(s->db);
    return rc ? rc : add_body(s, p, lease, *id, err);
}

static bt_status claim_new(bti_sqlite *s, const bti_proposal *p, const bti_lease *lease,
                           int max_trials, int64_t *id, int *number, bool *duplicate, bt_error *err)
{
    bt_status rc = key_taken(s, p->key, duplicate, err);
    if (rc || *duplicate)
        return rc;
    rc = next_number(s, number, err);
    if (rc || (max_trials > 0 && *number >= max_trials))
        return rc;
    return add_trial(s, p, lease, *number, id, err);
}

bt_status bti_sqlite_claim(bti_storage *base, const bti_proposal *p, const char *worker,
                           double lease_s, int max_trials, int64_t *id, int *number,
                           bool *duplicate, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bti_lease lease = {.attempt = 1, .expires = bti_wall_seconds() + lease_s};
    *id = -1;
    *number = -1;
    *duplicate = false;
    snprintf(lease.worker, sizeof(lease.worker), "%s", worker);
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    if (rc)
        return rc;
    rc = bti_sqlite_end(s, claim_new(s, p, &lease, max_trials, id, number, duplicate, err), err);
    if (rc) {
        *id = -1;
        forget_signatures(s); /* what was learnt may have been rolled back */
    }
    if (*id < 0)
        *number = -1;
    return rc;
}

/* ---- enqueued trials ---- */

static bt_status add_waiting(bti_sqlite *s, const bti_json *fixed, const bti_json *attrs,
                             int *number, bt_error *err)
{
    bt_status rc = next_number(s, number, err);
    if (!rc)
        rc = bti_sqlite_run(s, err, BTI_SQL_TRIAL_ENQUEUE, "ii", (int64_t)*number, s->study_id);
    int64_t id = sqlite3_last_insert_rowid(s->db);
    if (!rc)
        rc = bti_sqlite_set_attrs(s, id, attrs, err);
    if (!rc)
        rc = bti_sqlite_set_json(s, BTI_SQL_TRIAL_SYSTEM_SET, id, "fixed_params", fixed, err);
    return rc;
}

bt_status bti_sqlite_enqueue(bti_storage *base, const bti_json *fixed, const bti_json *attrs,
                             int *number, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    return rc ? rc : bti_sqlite_end(s, add_waiting(s, fixed, attrs, number, err), err);
}

static bt_status start_waiting(bti_sqlite *s, int64_t id, const bti_proposal *p,
                               const bti_lease *lease, bool *taken, bool *duplicate, bt_error *err)
{
    char now[BTI_OPTUNA_TIME_CAP];
    bti_optuna_time(now, bti_wall_seconds(), s->utc);
    bt_status rc = key_taken(s, p->key, duplicate, err);
    if (rc || *duplicate)
        return rc;
    rc = bti_sqlite_run(s, err, BTI_SQL_TRIAL_START, "it", id, now);
    if (rc || sqlite3_changes(s->db) == 0)
        return rc;
    *taken = true;
    return add_body(s, p, lease, id, err);
}

bt_status bti_sqlite_start(bti_storage *base, int64_t id, const bti_proposal *p, const char *worker,
                           double lease_s, bool *taken, bool *duplicate, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bti_lease lease = {.attempt = 1, .expires = bti_wall_seconds() + lease_s};
    *taken = *duplicate = false;
    snprintf(lease.worker, sizeof(lease.worker), "%s", worker);
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    if (rc)
        return rc;
    rc = bti_sqlite_end(s, start_waiting(s, id, p, &lease, taken, duplicate, err), err);
    if (rc) {
        *taken = false;
        forget_signatures(s);
    }
    return rc;
}

static bt_status drop_waiting(bti_sqlite *s, int64_t id, const char *why, bt_error *err)
{
    char now[BTI_OPTUNA_TIME_CAP];
    bti_json *text = bti_json_str(why);
    bti_optuna_time(now, bti_wall_seconds(), s->utc);
    bt_status rc = bti_sqlite_run(s, err, BTI_SQL_TRIAL_DROP, "it", id, now);
    if (!rc && sqlite3_changes(s->db))
        rc = bti_sqlite_set_json(s, BTI_SQL_TRIAL_USER_SET, id, "error", text, err);
    bti_json_free(text);
    return rc;
}

bt_status bti_sqlite_drop(bti_storage *base, int64_t id, const char *why, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    return rc ? rc : bti_sqlite_end(s, drop_waiting(s, id, why, err), err);
}

/* ---- values ---- */

static const char *value_type(double v)
{
    return isnan(v) ? "NAN" : isinf(v) ? (v > 0 ? "INF_POS" : "INF_NEG") : "FINITE";
}

bt_status bti_sqlite_report(bti_storage *base, int64_t id, const char *worker, int attempt,
                            int step, double value, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bti_lease lease;
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    if (rc)
        return rc;
    rc = bti_sqlite_lease_check(s, id, worker, attempt, &lease, err);
    if (!rc)
        rc = bti_sqlite_run(s, err, BTI_SQL_STEP_SET, "iidt", id, (int64_t)step, value,
                            value_type(value));
    return bti_sqlite_end(s, rc, err);
}

static bt_status add_values(bti_sqlite *s, int64_t id, const double *values, bt_error *err)
{
    bt_status rc = BT_OK;
    for (int i = 0; !rc && i < s->base.goals.n; i++)
        rc = bti_sqlite_run(s, err, BTI_SQL_VALUE_ADD, "iidt", id, (int64_t)i, values[i],
                            value_type(values[i]));
    return rc;
}

/* Optuna's TPE raises on a PRUNED trial with intermediate rows in a study of several objectives, so
 * its curve moves to a user attribute: [[epochs, fraction, resolution, value], ...]. The two in the
 * middle are null here; a caller that knows them gives "bantam:curve" among the attributes. */
static bt_status move_curve(bti_sqlite *s, int64_t id, bool given, bt_error *err)
{
    sqlite3_stmt *stmt;
    bool more = true;
    bti_json *curve = bti_json_array();
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_STEPS, "i", id);
    while (!rc && more) {
        rc = bti_sqlite_next(s, stmt, &more, err);
        if (rc || !more)
            break;
        bti_json *row = bti_json_array();
        bti_json_append(row, bti_json_int(sqlite3_column_int64(stmt, 0)));
        bti_json_append(row, bti_json_null());
        bti_json_append(row, bti_json_null());
        bti_json_append(row, sqlite3_column_type(stmt, 1) == SQLITE_NULL
                                 ? bti_json_null()
                                 : bti_json_num(sqlite3_column_double(stmt, 1)));
        bti_json_append(curve, row);
    }
    if (!rc && !given)
        rc = bti_sqlite_set_json(s, BTI_SQL_TRIAL_USER_SET, id, "bantam:curve", curve, err);
    if (!rc)
        rc = bti_sqlite_run(s, err, BTI_SQL_STEPS_DROP, "i", id);
    bti_json_free(curve);
    return rc;
}

static bt_status end_trial(bti_sqlite *s, int64_t id, bti_trial_state state, const double *values,
                           const bti_json *attrs, bt_error *err)
{
    bt_status rc = bti_sqlite_set_attrs(s, id, attrs, err);
    if (!rc && state == BTI_COMPLETE)
        rc = add_values(s, id, values, err);
    if (!rc && state == BTI_PRUNED && s->base.goals.n > 1)
        rc = move_curve(s, id, attrs && bti_json_get(attrs, "bantam:curve"), err);
    return rc ? rc : bti_sqlite_trial_end(s, id, state, err);
}

bt_status bti_sqlite_finish(bti_storage *base, int64_t id, const char *worker, int attempt,
                            bti_trial_state state, const double *values, const bti_json *attrs,
                            bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bti_lease lease;
    bt_status rc = bti_finish_check(base, state, values, err);
    if (!rc)
        rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    if (rc)
        return rc;
    rc = bti_sqlite_lease_check(s, id, worker, attempt, &lease, err);
    if (!rc)
        rc = end_trial(s, id, state, values, attrs, err);
    return bti_sqlite_end(s, rc, err);
}
