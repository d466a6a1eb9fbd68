/* SPDX-License-Identifier: Apache-2.0
 *
 * The study in one SQLite file, in Optuna's schema (docs/format/study.md). This file: opening,
 * closing, attributes, and the table of operations; trials are in sqlite_trials.c, sqlite_lease.c,
 * sqlite_refresh.c.
 */
#include "study/storages/storages.h"

#include "base/alloc.h"
#include "base/error.h"
#include "study/storages/sqlite_int.h"

static void sqlite_close(bti_storage *base)
{
    bti_sqlite *s = (bti_sqlite *)base;
    if (!s)
        return;
    bti_sqlite_disconnect(s);
    for (int i = 0; i < s->signatures.n; i++) {
        bti_free(s->signatures.item[i].name);
        bti_free(s->signatures.item[i].text);
    }
    bti_free(s->signatures.item);
    bti_free(s->base.name);
    bti_free(s->path);
    bti_free(s);
}

static bt_status sqlite_open(bti_storage **out, const char *url, const bti_study_spec *spec,
                             bool create, bt_error *err)
{
    bt_status rc;
    bti_sqlite *s = bti_calloc(1, sizeof(*s));
    *out = NULL;
    if (!s)
        return bti_fail_nomem(err);
    s->base.ops = &bti_sqlite_ops;
    s->path = bti_strdup(url);
    rc = s->path ? bti_sqlite_connect(s, create, err) : bti_fail_nomem(err);
    if (!rc)
        rc = bti_sqlite_study(s, spec, create, err);
    if (rc) {
        sqlite_close(&s->base);
        return rc;
    }
    *out = &s->base;
    return BT_OK;
}

static bt_status sqlite_study_attr_set(bti_storage *base, bool system, const char *key,
                                       const bti_json *v, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    if (rc)
        return rc;
    rc = bti_sqlite_set_json(s, system ? BTI_SQL_STUDY_SYSTEM_SET : BTI_SQL_STUDY_USER_SET,
                             s->study_id, key, v, err);
    return bti_sqlite_end(s, rc, err);
}

static bt_status sqlite_study_attr_get(bti_storage *base, bool system, const char *key,
                                       bti_json **out, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    sqlite3_stmt *stmt;
    bool more = false;
    *out = NULL;
    bt_status rc =
        bti_sqlite_query(s, &stmt, err, system ? BTI_SQL_STUDY_SYSTEM_GET : BTI_SQL_STUDY_USER_GET,
                         "it", s->study_id, key);
    if (!rc)
        rc = bti_sqlite_next(s, stmt, &more, err);
    if (!rc && more) {
        rc = bti_json_parse(out, bti_sqlite_text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0),
                            key, err);
        sqlite3_reset(stmt);
    }
    return rc;
}

static bt_status sqlite_trial_attr_set(bti_storage *base, int64_t id, bool system, const char *key,
                                       const bti_json *v, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    if (rc)
        return rc;
    rc = bti_sqlite_set_json(s, system ? BTI_SQL_TRIAL_SYSTEM_SET : BTI_SQL_TRIAL_USER_SET, id, key,
                             v, err);
    return bti_sqlite_end(s, rc, err);
}

const bti_storage_ops bti_sqlite_ops = {
    .scheme = "sqlite",
    .shared = true,
    .open = sqlite_open,
    .close = sqlite_close,
    .study_attr_set = sqlite_study_attr_set,
    .study_attr_get = sqlite_study_attr_get,
    .refresh = bti_sqlite_refresh,
    .reclaim = bti_sqlite_reclaim,
    .claim = bti_sqlite_claim,
    .renew = bti_sqlite_renew,
    .report = bti_sqlite_report,
    .finish = bti_sqlite_finish,
    .yield = bti_sqlite_yield,
    .enqueue = bti_sqlite_enqueue,
    .start = bti_sqlite_start,
    .drop = bti_sqlite_drop,
    .trial_attr_get = bti_sqlite_trial_attr_get,
    .params_get = bti_sqlite_params_get,
    .trial_attr_set = sqlite_trial_attr_set,
};
