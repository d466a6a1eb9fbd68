/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the SQLite store: the handle, prepared statements, transactions. One handle, one
 * connection, one thread at a time; other processes have their own.
 *
 * Every write is one BEGIN IMMEDIATE transaction, so it waits for its turn at the beginning and
 * never fails half way for being late. synchronous = FULL: a commit that returned survives a power
 * cut.
 */
#ifndef BTI_SQLITE_INT_H
#define BTI_SQLITE_INT_H

#include "base/str.h"
#include "study/study.h"

#include <sqlite3.h>

typedef enum bti_sql {
#define SQL(id, text) BTI_SQL_##id,
#include "study/storages/sqlite_sql.def"
#undef SQL
    BTI_SQL_COUNT
} bti_sql;

/* What a parameter name stands for in this study, once looked up. */
typedef struct bti_signatures {
    int n, cap;
    struct bti_signature {
        char *name, *text;
    } * item;
} bti_signatures;

typedef struct bti_sqlite {
    bti_storage base;
    sqlite3 *db;
    sqlite3_stmt *stmt[BTI_SQL_COUNT];
    char *path;
    int64_t study_id;
    bool utc; /* datetimes: false = local time (Optuna 3 and 4), true = UTC (5) */
    bti_signatures signatures;
} bti_sqlite;

/* ---- sqlite_db.c: connection ---- */
bt_status bti_sqlite_connect(bti_sqlite *s, bool create, bt_error *err);
void bti_sqlite_disconnect(bti_sqlite *s);
/* The newest error of the connection as a status and a sentence that begins with `what`. */
bt_status bti_sqlite_fail(bti_sqlite *s, const char *what, bt_error *err);
/* Runs SQL text without parameters. */
bt_status bti_sqlite_exec(bti_sqlite *s, const char *sql, bt_error *err);

/* A statement with its parameters bound by `types`, a letter each: i int64_t, d double (NaN and
 * infinities bind NULL), t const char * (borrowed until the next bind; NULL binds NULL). */
bt_status bti_sqlite_query(bti_sqlite *s, sqlite3_stmt **out, bt_error *err, bti_sql id,
                           const char *types, ...);
/* Next row. At the end and on failure the statement is reset and *more is false. */
bt_status bti_sqlite_next(bti_sqlite *s, sqlite3_stmt *stmt, bool *more, bt_error *err);
/* query + run to the end. */
bt_status bti_sqlite_run(bti_sqlite *s, bt_error *err, bti_sql id, const char *types, ...);

bt_status bti_sqlite_begin(bti_sqlite *s, bti_sql kind, bt_error *err);
/* Commits if rc is BT_OK, else rolls back. Returns rc or the failure of the commit. */
bt_status bti_sqlite_end(bti_sqlite *s, bt_status rc, bt_error *err);

const char *bti_sqlite_text(sqlite3_stmt *stmt,
                            int column); /* NULL for NULL; borrowed until the next row */
/* Statement `id` with (owner, key, json text of v). */
bt_status bti_sqlite_set_json(bti_sqlite *s, bti_sql id, int64_t owner, const char *key,
                              const bti_json *v, bt_error *err);
/* Every pair of the object as a user attribute of the trial; NULL: none. */
bt_status bti_sqlite_set_attrs(bti_sqlite *s, int64_t trial, const bti_json *attrs, bt_error *err);

/* ---- sqlite_schema.c: tables, versions, the study's row ---- */
bt_status bti_sqlite_study(bti_sqlite *s, const bti_study_spec *spec, bool create, bt_error *err);

/* ---- sqlite_trials.c, sqlite_lease.c, sqlite_refresh.c: see bti_storage_ops ---- */
bt_status bti_sqlite_claim(bti_storage *base, const bti_proposal *p, const char *worker,
                           double lease_s, int max_trials, int64_t *id, int *number,
                           bool *duplicate, bt_error *err);
bt_status bti_sqlite_enqueue(bti_storage *base, const bti_json *fixed, const bti_json *attrs,
                             int *number, bt_error *err);
bt_status bti_sqlite_start(bti_storage *base, int64_t id, const bti_proposal *p, const char *worker,
                           double lease_s, bool *taken, bool *duplicate, bt_error *err);
bt_status bti_sqlite_drop(bti_storage *base, int64_t id, const char *why, bt_error *err);
bt_status bti_sqlite_trial_attr_get(bti_storage *base, int64_t id, bool system, const char *key,
                                    bti_json **out, bt_error *err);
bt_status bti_sqlite_params_get(bti_storage *base, int64_t id, bti_json **out, bt_error *err);
bt_status bti_sqlite_report(bti_storage *base, int64_t id, const char *worker, int attempt,
                            int step, double value, bt_error *err);
bt_status bti_sqlite_finish(bti_storage *base, int64_t id, const char *worker, int attempt,
                            bti_trial_state state, const double *values, const bti_json *attrs,
                            bt_error *err);
bt_status bti_sqlite_reclaim(bti_storage *base, const char *worker, double lease_s, int64_t *id,
                             int *attempt, bt_error *err);
bt_status bti_sqlite_renew(bti_storage *base, int64_t id, const char *worker, int attempt,
                           double lease_s, bt_error *err);
bt_status bti_sqlite_yield(bti_storage *base, int64_t id, const char *worker, int attempt,
                           bt_error *err);
bt_status bti_sqlite_refresh(bti_storage *base, bti_trials *t, bt_error *err);

/* The lease of a trial, in the trial system attribute "bantam:lease". */
typedef struct bti_lease {
    char worker[128]; /* empty: given back */
    int attempt;      /* from 1; grows with every reclaim: the fencing token */
    int yields;       /* attempts that were given back, not lost */
    double expires;   /* UTC epoch seconds */
} bti_lease;
/* Attempt 0: no lease. BT_NOMEM. */
bt_status bti_lease_parse(const char *json, bti_lease *out, bt_error *err);
bt_status bti_sqlite_lease_set(bti_sqlite *s, int64_t id, const bti_lease *lease, bt_error *err);
/* BT_BUSY unless the trial is RUNNING and leased to (worker, attempt). Inside a transaction. */
bt_status bti_sqlite_lease_check(bti_sqlite *s, int64_t id, const char *worker, int attempt,
                                 bti_lease *out, bt_error *err);
/* State, completion time; inside a transaction. */
bt_status bti_sqlite_trial_end(bti_sqlite *s, int64_t id, bti_trial_state state, bt_error *err);

#endif
