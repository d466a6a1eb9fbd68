/* SPDX-License-Identifier: Apache-2.0
 *
 * Leases of running trials in the SQLite store. A lease names its worker and an attempt that grows
 * with every takeover, so a worker that slept past its lease finds another attempt and writes
 * nothing.
 *
 *     claim: attempt 1 -> renew ... -> finish
 *     expired -> reclaim: attempt + 1          expired for the third time -> FAIL
 *     yield: expires now, and the attempt does not count as lost
 * An expired lease that nobody took over still holds.
 */
#include "study/storages/sqlite_int.h"

#include "base/error.h"
#include "base/process.h"
#include "study/storages/optuna_text.h"

#include <string.h>

bt_status bti_lease_parse(const char *json, bti_lease *out, bt_error *err)
{
    bti_json *v = NULL;
    *out = (bti_lease){0};
    if (!json)
        return BT_OK;
    bt_status rc = bti_json_parse(&v, json, strlen(json), "bantam:lease", NULL);
    if (rc) /* what is no JSON is no lease */
        return rc == BT_NOMEM ? bti_fail_nomem(err) : BT_OK;
    snprintf(out->worker, sizeof(out->worker), "%s",
             bti_json_as_str(bti_json_get(v, "worker"), ""));
    out->attempt = (int)bti_json_as_int(bti_json_get(v, "attempt"), 0);
    out->yields = (int)bti_json_as_int(bti_json_get(v, "yields"), 0);
    out->expires = bti_json_as_num(bti_json_get(v, "expires"), 0);
    bti_json_free(v);
    return BT_OK;
}

bt_status bti_sqlite_lease_set(bti_sqlite *s, int64_t id, const bti_lease *lease, bt_error *err)
{
    bti_json *v = bti_json_object();
    bti_json_set_str(v, "worker", lease->worker);
    bti_json_set_int(v, "attempt", lease->attempt);
    bti_json_set_num(v, "expires", lease->expires);
    if (lease->yields)
        bti_json_set_int(v, "yields", lease->yields);
    bt_status rc = bti_sqlite_set_json(s, BTI_SQL_TRIAL_SYSTEM_SET, id, "bantam:lease", v, err);
    bti_json_free(v);
    if (!rc) /* keeps Optuna's own heartbeat from failing our trial */
        rc = bti_sqlite_run(s, err, BTI_SQL_HEARTBEAT, "i", id);
    return rc;
}

bt_status bti_sqlite_lease_check(bti_sqlite *s, int64_t id, const char *worker, int attempt,
                                 bti_lease *out, bt_error *err)
{
    sqlite3_stmt *stmt;
    bool more = false, running, held;
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_LEASE_GET, "ii", id, s->study_id);
    if (!rc)
        rc = bti_sqlite_next(s, stmt, &more, err);
    if (rc)
        return rc;
    if (!more)
        return bti_fail(err, BT_INVAL, s->path, "the study has no trial with id %lld",
                        (long long)id);
    running = !strcmp(bti_sqlite_text(stmt, 0), "RUNNING");
    rc = bti_lease_parse(bti_sqlite_text(stmt, 1), out, err);
    held = out->attempt > 0 && out->attempt == attempt &&
           !strncmp(out->worker, worker, sizeof(out->worker) - 1);
    sqlite3_reset(stmt);
    if (rc)
        return rc;
    if (!running)
        return bti_fail(err, BT_BUSY, s->path, "trial id %lld has already ended", (long long)id);
    if (!held)
        return bti_fail(err, BT_BUSY, s->path,
                        "worker %s lost trial id %lld: its lease expired and another took it over",
                        worker, (long long)id);
    return BT_OK;
}

bt_status bti_sqlite_trial_end(bti_sqlite *s, int64_t id, bti_trial_state state, bt_error *err)
{
    char now[BTI_OPTUNA_TIME_CAP];
    return bti_sqlite_run(s, err, BTI_SQL_TRIAL_END, "itt", id, bti_trial_state_name(state),
                          bti_optuna_time(now, bti_wall_seconds(), s->utc));
}

/* The third lost attempt: the trial kills its workers, or the machine does. */
static bt_status fail_lost(bti_sqlite *s, int64_t id, bt_error *err)
{
    bti_json *why = bti_json_str("its worker vanished in every attempt");
    bt_status rc = bti_sqlite_set_json(s, BTI_SQL_TRIAL_USER_SET, id, "bantam:failure", why, err);
    bti_json_free(why);
    return rc ? rc : bti_sqlite_trial_end(s, id, BTI_FAIL, err);
}

/* The oldest expired lease; *id -1 if there is none. */
static bt_status find_expired(bti_sqlite *s, double now, int64_t *id, bti_lease *lease,
                              bt_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bool more = true;
    *id = -1;
    bt_status rc = bti_sqlite_query(s, &stmt, err, BTI_SQL_LEASES, "i", s->study_id);
    while (!rc && more) {
        rc = bti_sqlite_next(s, stmt, &more, err);
        if (rc || !more)
            break;
        rc = bti_lease_parse(bti_sqlite_text(stmt, 1), lease, err);
        if (rc || lease->attempt <= 0 || lease->expires > now)
            continue;
        *id = sqlite3_column_int64(stmt, 0);
        break;
    }
    if (stmt)
        sqlite3_reset(stmt);
    return rc;
}

static bt_status take_over(bti_sqlite *s, const char *worker, double lease_s, int64_t *id,
                           int *attempt, bt_error *err)
{
    double now = bti_wall_seconds();
    bti_lease lease;
    for (;;) {
        bt_status rc = find_expired(s, now, id, &lease, err);
        if (rc || *id < 0)
            return rc;
        if (lease.attempt - lease.yields < BTI_ATTEMPTS_MAX)
            break;
        rc = fail_lost(s, *id, err);
        if (rc)
            return rc;
    }
    snprintf(lease.worker, sizeof(lease.worker), "%s", worker);
    lease.attempt++;
    lease.expires = now + lease_s;
    *attempt = lease.attempt;
    return bti_sqlite_lease_set(s, *id, &lease, err);
}

bt_status bti_sqlite_reclaim(bti_storage *base, const char *worker, double lease_s, int64_t *id,
                             int *attempt, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    *id = -1;
    *attempt = 0;
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    if (rc)
        return rc;
    rc = bti_sqlite_end(s, take_over(s, worker, lease_s, id, attempt, err), err);
    if (rc)
        *id = -1;
    return rc;
}

bt_status bti_sqlite_renew(bti_storage *base, int64_t id, const char *worker, int attempt,
                           double lease_s, bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bti_lease lease;
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    if (rc)
        return rc;
    rc = bti_sqlite_lease_check(s, id, worker, attempt, &lease, err);
    if (!rc) {
        lease.expires = bti_wall_seconds() + lease_s;
        rc = bti_sqlite_lease_set(s, id, &lease, err);
    }
    return bti_sqlite_end(s, rc, err);
}

bt_status bti_sqlite_yield(bti_storage *base, int64_t id, const char *worker, int attempt,
                           bt_error *err)
{
    bti_sqlite *s = (bti_sqlite *)base;
    bti_lease lease;
    bt_status rc = bti_sqlite_begin(s, BTI_SQL_BEGIN_WRITE, err);
    if (rc)
        return rc;
    rc = bti_sqlite_lease_check(s, id, worker, attempt, &lease, err);
    if (!rc) {
        lease.worker[0] = 0; /* nobody's: its last holder is fenced off too */
        lease.expires = 0;
        lease.yields++;
        rc = bti_sqlite_lease_set(s, id, &lease, err);
    }
    return bti_sqlite_end(s, rc, err);
}
