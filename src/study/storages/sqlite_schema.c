/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables, versions and the study's own row. The text of the tables is what Optuna 3.2 to 4.x
 * creates, so that its schema checks and migrations find what they expect; ours are named bantam_*.
 */
#include "study/storages/sqlite_int.h"

#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

#define SCHEMA_VERSION 12
#define ALEMBIC_HEAD "v3.2.0.a"
#define LIBRARY_VERSION "4.5.0" /* says, among others: datetimes are local time */

static const char optuna_tables[] =
    "CREATE TABLE studies (study_id INTEGER NOT NULL, study_name VARCHAR(512) NOT NULL, "
    "PRIMARY KEY (study_id));"
    "CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);"
    "CREATE TABLE version_info (version_info_id INTEGER NOT NULL, schema_version INTEGER, "
    "library_version VARCHAR(256), PRIMARY KEY (version_info_id), CHECK (version_info_id=1));"
    "CREATE TABLE study_directions (study_direction_id INTEGER NOT NULL, "
    "direction VARCHAR(8) NOT NULL, study_id INTEGER NOT NULL, objective INTEGER NOT NULL, "
    "PRIMARY KEY (study_direction_id), UNIQUE (study_id, objective), "
    "FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE TABLE study_user_attributes (study_user_attribute_id INTEGER NOT NULL, "
    "study_id INTEGER, \"key\" VARCHAR(512), value_json TEXT, "
    "PRIMARY KEY (study_user_attribute_id), UNIQUE (study_id, \"key\"), "
    "FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE TABLE study_system_attributes (study_system_attribute_id INTEGER NOT NULL, "
    "study_id INTEGER, \"key\" VARCHAR(512), value_json TEXT, "
    "PRIMARY KEY (study_system_attribute_id), UNIQUE (study_id, \"key\"), "
    "FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE TABLE trials (trial_id INTEGER NOT NULL, number INTEGER, study_id INTEGER, "
    "state VARCHAR(8) NOT NULL, datetime_start DATETIME, datetime_complete DATETIME, "
    "PRIMARY KEY (trial_id), FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE INDEX ix_trials_study_id ON trials (study_id);"
    "CREATE TABLE trial_user_attributes (trial_user_attribute_id INTEGER NOT NULL, "
    "trial_id INTEGER, \"key\" VARCHAR(512), value_json TEXT, "
    "PRIMARY KEY (trial_user_attribute_id), UNIQUE (trial_id, \"key\"), "
    "FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE trial_system_attributes (trial_system_attribute_id INTEGER NOT NULL, "
    "trial_id INTEGER, \"key\" VARCHAR(512), value_json TEXT, "
    "PRIMARY KEY (trial_system_attribute_id), UNIQUE (trial_id, \"key\"), "
    "FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE trial_params (param_id INTEGER NOT NULL, trial_id INTEGER, "
    "param_name VARCHAR(512), param_value FLOAT, distribution_json TEXT, PRIMARY KEY (param_id), "
    "UNIQUE (trial_id, param_name), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE trial_values (trial_value_id INTEGER NOT NULL, trial_id INTEGER NOT NULL, "
    "objective INTEGER NOT NULL, value FLOAT, value_type VARCHAR(7) NOT NULL, "
    "PRIMARY KEY (trial_value_id), UNIQUE (trial_id, objective), "
    "FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE trial_intermediate_values (trial_intermediate_value_id INTEGER NOT NULL, "
    "trial_id INTEGER NOT NULL, step INTEGER NOT NULL, intermediate_value FLOAT, "
    "intermediate_value_type VARCHAR(7) NOT NULL, PRIMARY KEY (trial_intermediate_value_id), "
    "UNIQUE (trial_id, step), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE trial_heartbeats (trial_heartbeat_id INTEGER NOT NULL, "
    "trial_id INTEGER NOT NULL, heartbeat DATETIME NOT NULL, PRIMARY KEY (trial_heartbeat_id), "
    "UNIQUE (trial_id), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));"
    "INSERT INTO version_info VALUES(1, 12, '" LIBRARY_VERSION "');"
    "INSERT INTO alembic_version VALUES('" ALEMBIC_HEAD "');";

/* Identity of trials, what a parameter name stands for, and the few RUNNING trials found without a
 * scan. */
static const char bantam_tables[] =
    "CREATE TABLE IF NOT EXISTS bantam_trial_keys (study_id INTEGER NOT NULL, \"key\" TEXT NOT "
    "NULL, "
    "trial_id INTEGER NOT NULL, PRIMARY KEY (study_id, \"key\")) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS bantam_params (study_id INTEGER NOT NULL, param_name TEXT NOT "
    "NULL, "
    "signature TEXT NOT NULL, PRIMARY KEY (study_id, param_name)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS bantam_running ON trials (study_id, trial_id) WHERE state = "
    "'RUNNING';";

/* One-off questions of opening; not worth a kept statement. First column of the first row as text
 * (yours), NULL if there is no row. */
static bt_status ask(bti_sqlite *s, const char *sql, const char *text, char **out, bt_error *err)
{
    sqlite3_stmt *stmt = NULL;
    bt_status rc = BT_OK;
    int code;
    *out = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return bti_sqlite_fail(s, "cannot read the study's tables", err);
    sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
    code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        *out = bti_strdup(sqlite3_column_text(stmt, 0) ? bti_sqlite_text(stmt, 0) : "");
        if (!*out)
            rc = bti_fail_nomem(err);
    } else if (code != SQLITE_DONE) {
        rc = bti_sqlite_fail(s, "cannot read the study's tables", err);
    }
    sqlite3_finalize(stmt);
    return rc;
}

static bt_status check_versions(bti_sqlite *s, bt_error *err)
{
    char *head = NULL, *schema = NULL, *library = NULL;
    bt_status rc = ask(s, "SELECT version_num FROM alembic_version", NULL, &head, err);
    if (!rc)
        rc = ask(s, "SELECT schema_version FROM version_info", NULL, &schema, err);
    if (!rc)
        rc = ask(s, "SELECT library_version FROM version_info", NULL, &library, err);
    if (!rc && (!head || !schema || strcmp(head, ALEMBIC_HEAD) ||
                strtol(schema, NULL, 10) != SCHEMA_VERSION))
        rc = bti_fail(err, BT_FORMAT, s->path,
                      "the study has schema %s (%s), expected %d (%s): `optuna storage upgrade` "
                      "brings older ones up to date",
                      schema ? schema : "none", head ? head : "none", SCHEMA_VERSION, ALEMBIC_HEAD);
    if (!rc)
        s->utc = library && strtol(library, NULL, 10) >= 5;
    bti_free(head);
    bti_free(schema);
    bti_free(library);
    return rc;
}

static bt_status check_tables(bti_sqlite *s, bool create, bt_error *err)
{
    char *found;
    bt_status rc =
        ask(s, "SELECT name FROM sqlite_master WHERE name = 'studies'", NULL, &found, err);
    if (rc)
        return rc;
    if (!found && !create)
        return bti_fail(err, BT_FORMAT, s->path,
                        "the file holds no study (it has no table `studies`)");
    if (!found)
        rc = bti_sqlite_exec(s, optuna_tables, err);
    bti_free(found);
    if (!rc)
        rc = check_versions(s, err);
    if (!rc && create)
        rc = bti_sqlite_exec(s, bantam_tables, err);
    return rc;
}

static bt_status add_study(bti_sqlite *s, const bti_study_spec *spec, bt_error *err)
{
    bti_str sql = {0};
    bti_json *names = bti_json_array();
    char *unused = NULL;
    bt_status rc = ask(s, "INSERT INTO studies(study_name) VALUES(?1)", spec->name, &unused, err);
    s->study_id = sqlite3_last_insert_rowid(s->db);
    for (int i = 0; i < spec->n_objectives; i++) {
        bti_str_addf(&sql,
                     "INSERT INTO study_directions(direction, study_id, objective) "
                     "VALUES('%s', %lld, %d);",
                     spec->maximize[i] ? "MAXIMIZE" : "MINIMIZE", (long long)s->study_id, i);
        bti_json_append(names, bti_json_str(spec->metric[i]));
    }
    if (!rc)
        rc = sql.failed ? bti_fail_nomem(err) : bti_sqlite_exec(s, bti_str_c(&sql), err);
    if (!rc)
        rc = bti_sqlite_set_json(s, BTI_SQL_STUDY_SYSTEM_SET, s->study_id, "study:metric_names",
                                 names, err);
    bti_free(unused);
    bti_json_free(names);
    bti_str_release(&sql);
    return rc;
}

/* s->base.name and study_id of the study asked for (name NULL: the only one); *found false if it is
 * not there. */
static bt_status find_study(bti_sqlite *s, const char *name, bool *found, bt_error *err)
{
    char *id = NULL, *stored = NULL;
    bt_status rc =
        name ? ask(s, "SELECT study_id FROM studies WHERE study_name = ?1", name, &id, err)
             : ask(s, "SELECT MAX(study_id) FROM studies HAVING COUNT(*) = 1", NULL, &id, err);
    *found = id != NULL;
    if (!rc && id)
        rc = ask(s, "SELECT study_name FROM studies WHERE study_id = CAST(?1 AS INTEGER)", id,
                 &stored, err);
    if (!rc && id) {
        s->study_id = (int64_t)strtoll(id, NULL, 10);
        bti_free(s->base.name);
        s->base.name = stored;
        stored = NULL;
    }
    bti_free(id);
    bti_free(stored);
    return rc;
}

static bt_status fail_not_found(bti_sqlite *s, const char *name, bt_error *err)
{
    char *all = NULL;
    bt_status rc = ask(s, "SELECT group_concat(study_name, ', ') FROM studies HAVING COUNT(*)",
                       NULL, &all, err);
    if (rc)
        return rc;
    if (!all)
        rc = bti_fail(err, BT_INVAL, s->path, "the file holds no study yet");
    else if (name)
        rc = bti_fail(err, BT_INVAL, s->path, "there is no study '%s' here, only: %s", name, all);
    else
        rc = bti_fail(err, BT_INVAL, s->path, "several studies are here, choose one with #name: %s",
                      all);
    bti_free(all);
    return rc;
}

static bt_status load_directions(bti_sqlite *s, bt_error *err)
{
    char *text = NULL, id[24];
    snprintf(id, sizeof(id), "%lld", (long long)s->study_id);
    bt_status rc = ask(s,
                       "SELECT group_concat(direction, ' ') FROM (SELECT direction FROM "
                       "study_directions WHERE study_id = CAST(?1 AS INTEGER) ORDER BY objective)",
                       id, &text, err);
    s->base.goals.n = 0;
    for (const char *p = text; !rc && p && *p;) {
        size_t n = strcspn(p, " ");
        if (s->base.goals.n == BTI_OBJECTIVES_MAX) {
            rc = bti_fail(err, BT_NOSUPP, s->path, "the study has more than %d objectives",
                          BTI_OBJECTIVES_MAX);
            break;
        }
        s->base.goals.metric[s->base.goals.n] = BTI_METRIC_NONE;
        s->base.goals.maximize[s->base.goals.n++] = n == 8 && !strncmp(p, "MAXIMIZE", n);
        p += n + strspn(p + n, " ");
    }
    bti_free(text);
    return rc;
}

/* Names of the objectives, where the study has them and the table knows them. */
static bt_status load_metrics(bti_sqlite *s, bt_error *err)
{
    bti_json *names = NULL;
    bt_status rc = s->base.ops->study_attr_get(&s->base, true, "study:metric_names", &names, err);
    for (int i = 0; !rc && i < s->base.goals.n; i++)
        s->base.goals.metric[i] =
            bti_metric_find(bti_json_as_str(bti_json_at(names, (size_t)i), NULL));
    bti_json_free(names);
    return rc;
}

static bt_status check_directions(const bti_sqlite *s, const bti_study_spec *spec, bt_error *err)
{
    bool same = spec->n_objectives == s->base.goals.n;
    for (int i = 0; same && i < spec->n_objectives; i++)
        same = spec->maximize[i] == s->base.goals.maximize[i] &&
               (s->base.goals.metric[i] == BTI_METRIC_NONE ||
                s->base.goals.metric[i] == bti_metric_find(spec->metric[i]));
    return same ? BT_OK
                : bti_fail(
                      err, BT_INVAL, s->path,
                      "study '%s' was begun with other objectives (%d of them): use a new study",
                      s->base.name, s->base.goals.n);
}

static bt_status open_study(bti_sqlite *s, const bti_study_spec *spec, bool create, bt_error *err)
{
    bool found = false;
    bt_status rc = check_tables(s, create, err);
    if (rc)
        return rc;
    rc = find_study(s, spec->name, &found, err);
    if (!rc && !found && create && spec->name) {
        rc = add_study(s, spec, err);
        if (!rc)
            rc = find_study(s, spec->name, &found, err);
    }
    if (!rc && !found)
        rc = fail_not_found(s, spec->name, err);
    if (!rc)
        rc = load_directions(s, err);
    if (!rc)
        rc = load_metrics(s, err);
    if (!rc && create)
        rc = check_directions(s, spec, err);
    return rc;
}

bt_status bti_sqlite_study(bti_sqlite *s, const bti_study_spec *spec, bool create, bt_error *err)
{
    if (create && (spec->n_objectives < 1 || spec->n_objectives > BTI_OBJECTIVES_MAX))
        return bti_fail(err, BT_INVAL, s->path, "a study has 1 to %d objectives, not %d",
                        BTI_OBJECTIVES_MAX, spec->n_objectives);
    bt_status rc = bti_sqlite_begin(s, create ? BTI_SQL_BEGIN_WRITE : BTI_SQL_BEGIN_READ, err);
    if (rc)
        return rc;
    return bti_sqlite_end(s, open_study(s, spec, create, err), err);
}
