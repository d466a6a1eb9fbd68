/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection of the SQLite store: opening, prepared statements, transactions, and SQLite's
 * result codes as one sentence.
 */
#include "study/storages/sqlite_int.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"

#include <math.h>
#include <stdarg.h>

#define BUSY_TIMEOUT_MS 10000
/* A dashboard or a backup may hold the file for long; after a minute we say so */
#define BUSY_TRIES 6

static const char *const sql_text[BTI_SQL_COUNT] = {
#define SQL(id, text) [BTI_SQL_##id] = text,
#include "study/storages/sqlite_sql.def"
#undef SQL
};

bt_status bti_sqlite_fail(bti_sqlite *s, const char *what, bt_error *err)
{
    int code = s->db ? sqlite3_errcode(s->db) & 0xff : SQLITE_NOMEM;
    const char *text = s->db ? sqlite3_errmsg(s->db) : "out of memory";
    switch (code) {
    case SQLITE_NOMEM:
        return bti_fail_nomem(err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return bti_fail(err, BT_FORMAT, s->path, "%s: %s", what, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return bti_fail(err, BT_IO, s->path,
                        "%s: another program holds the study locked for more than %d s", what,
                        BUSY_TIMEOUT_MS / 1000 * BUSY_TRIES);
    default:
        return bti_fail(err, BT_IO, s->path, "%s: %s", what, text);
    }
}

bt_status bti_sqlite_exec(bti_sqlite *s, const char *sql, bt_error *err)
{
    int code = SQLITE_OK;
    /* Changing the journal mode and recovering a log answer BUSY without asking the busy handler.
     */
    for (int i = 0; i < BUSY_TRIES * 100; i++) {
        code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
        if (code != SQLITE_BUSY)
            break;
        sqlite3_sleep(100);
    }
    return code == SQLITE_OK ? BT_OK : bti_sqlite_fail(s, "cannot set up the study", err);
}

bt_status bti_sqlite_connect(bti_sqlite *s, bool create, bt_error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    bt_status rc;
    if (!create && !bti_is_file(s->path))
        return bti_fail(err, BT_IO, s->path, "there is no study here");
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
        return bti_sqlite_fail(s, "cannot open the study", err);
    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    rc = bti_sqlite_exec(s, "PRAGMA synchronous = FULL", err);
    if (!rc && create) /* a mode of the file: stays for all who open it */
        rc = bti_sqlite_exec(s, "PRAGMA journal_mode = WAL", err);
    return rc;
}

void bti_sqlite_disconnect(bti_sqlite *s)
{
    for (int i = 0; i < BTI_SQL_COUNT; i++)
        sqlite3_finalize(s->stmt[i]);
    sqlite3_close(s->db);
    s->db = NULL;
}

static int bind_all(sqlite3_stmt *stmt, const char *types, va_list ap)
{
    int code = SQLITE_OK;
    for (int i = 1; types[i - 1] && code == SQLITE_OK; i++) {
        double v;
        switch (types[i - 1]) {
        case 'i':
            code = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
            break;
        case 'd':
            v = va_arg(ap, double);
            code = isfinite(v) ? sqlite3_bind_double(stmt, i, v) : sqlite3_bind_null(stmt, i);
            break;
        default:
            code = sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
            break;
        }
    }
    return code;
}

static bt_status query(bti_sqlite *s, sqlite3_stmt **out, bt_error *err, bti_sql id,
                       const char *types, va_list ap)
{
    sqlite3_stmt **stmt = &s->stmt[id];
    *out = NULL;
    if (!*stmt && sqlite3_prepare_v3(s->db, sql_text[id], -1, SQLITE_PREPARE_PERSISTENT, stmt,
                                     NULL) != SQLITE_OK)
        return bti_sqlite_fail(s, "the study's tables are not as expected", err);
    sqlite3_reset(*stmt);
    if (bind_all(*stmt, types, ap) != SQLITE_OK)
        return bti_sqlite_fail(s, "cannot bind a value", err);
    *out = *stmt;
    return BT_OK;
}

bt_status bti_sqlite_query(bti_sqlite *s, sqlite3_stmt **out, bt_error *err, bti_sql id,
                           const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    bt_status rc = query(s, out, err, id, types, ap);
    va_end(ap);
    return rc;
}

bt_status bti_sqlite_next(bti_sqlite *s, sqlite3_stmt *stmt, bool *more, bt_error *err)
{
    int code = sqlite3_step(stmt);
    *more = code == SQLITE_ROW;
    if (*more)
        return BT_OK;
    bt_status rc = code == SQLITE_DONE ? BT_OK : bti_sqlite_fail(s, "cannot use the study", err);
    sqlite3_reset(stmt);
    return rc;
}

bt_status bti_sqlite_run(bti_sqlite *s, bt_error *err, bti_sql id, const char *types, ...)
{
    sqlite3_stmt *stmt;
    bool more = true;
    va_list ap;
    va_start(ap, types);
    bt_status rc = query(s, &stmt, err, id, types, ap);
    va_end(ap);
    while (!rc && more)
        rc = bti_sqlite_next(s, stmt, &more, err);
    return rc;
}

bt_status bti_sqlite_begin(bti_sqlite *s, bti_sql kind, bt_error *err)
{
    int code = SQLITE_BUSY;
    sqlite3_stmt *stmt;
    bt_status rc = bti_sqlite_query(s, &stmt, err, kind, "");
    if (rc)
        return rc;
    for (int i = 0; i < BUSY_TRIES && code == SQLITE_BUSY; i++) {
        code = sqlite3_step(stmt);
        sqlite3_reset(stmt);
    }
    return code == SQLITE_DONE ? BT_OK : bti_sqlite_fail(s, "cannot use the study", err);
}

bt_status bti_sqlite_end(bti_sqlite *s, bt_status rc, bt_error *err)
{
    if (!rc)
        rc = bti_sqlite_run(s, err, BTI_SQL_COMMIT, "");
    if (rc && !sqlite3_get_autocommit(s->db))
        (void)!bti_sqlite_run(s, NULL, BTI_SQL_ROLLBACK, ""); /* the cause is already in err */
    return rc;
}

const char *bti_sqlite_text(sqlite3_stmt *stmt, int column)
{
    return (const char *)sqlite3_column_text(stmt, column);
}

bt_status bti_sqlite_set_json(bti_sqlite *s, bti_sql id, int64_t owner, const char *key,
                              const bti_json *v, bt_error *err)
{
    char *text = bti_json_text(v, 0);
    bt_status rc = text ? bti_sqlite_run(s, err, id, "itt", owner, key, text) : bti_fail_nomem(err);
    bti_free(text);
    return rc;
}

bt_status bti_sqlite_set_attrs(bti_sqlite *s, int64_t trial, const bti_json *attrs, bt_error *err)
{
    const char *key;
    const bti_json *value;
    bt_status rc = BT_OK;
    for (size_t i = 0; !rc && attrs && bti_json_pair(attrs, i, &key, &value); i++)
        rc = bti_sqlite_set_json(s, BTI_SQL_TRIAL_USER_SET, trial, key, value, err);
    return rc;
}
