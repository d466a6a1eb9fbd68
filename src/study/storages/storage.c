/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the store behind what people write for a study: a run directory, a file, or a URL.
 */
#include "study/storages/storages.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#include <math.h>
#include <string.h>

static const bti_storage_ops *const storages[] = {
#define STORAGE(scheme, ops) &ops,
#include "study/storages/storages.def"
#undef STORAGE
};
#define N_STORAGES (sizeof(storages) / sizeof(storages[0]))

bt_status bti_finish_check(const bti_storage *s, bti_trial_state state, const double *values,
                           bt_error *err)
{
    if (!bti_trial_state_finished(state))
        return bti_fail(err, BT_INVAL, s->name, "a trial cannot end as %s",
                        bti_trial_state_name(state));
    for (int i = 0; state == BTI_COMPLETE && i < s->goals.n; i++)
        if (!values || isnan(values[i]))
            return bti_fail(
                err, BT_INVAL, s->name,
                "a COMPLETE trial needs a number for objective %d; without one it is FAIL", i);
    return BT_OK;
}

double bti_constraint_violation(const bti_json *list)
{
    double sum = 0;
    for (size_t i = 0; i < bti_json_len(list); i++)
        sum += fmax(0, bti_json_as_num(bti_json_at(list, i), 0));
    return sum;
}

/* What was written, taken apart. */
typedef struct study_url {
    const bti_storage_ops *ops;
    char *path; /* what follows the scheme */
    char *name; /* after '#', NULL if none */
} study_url;

static void url_release(study_url *u)
{
    bti_free(u->path);
    bti_free(u->name);
}

static const bti_storage_ops *find_scheme(const char *scheme, size_t n)
{
    for (size_t i = 0; i < N_STORAGES; i++)
        if (strlen(storages[i]->scheme) == n && !strncmp(storages[i]->scheme, scheme, n))
            return storages[i];
    return NULL;
}

static bt_status fail_scheme(const char *study, size_t n, bt_error *err)
{
    const char *names[N_STORAGES + 1] = {NULL};
    char scheme[32];
    const char *near;
    snprintf(scheme, sizeof(scheme), "%.*s", (int)(n < 31 ? n : 31), study);
    for (size_t i = 0; i < N_STORAGES; i++)
        names[i] = storages[i]->scheme;
    if (bti_has_prefix(scheme, "postgres") || bti_has_prefix(scheme, "mysql"))
        return bti_fail(err, BT_NOSUPP, study, "%s is not available in this build: use sqlite:///",
                        scheme);
    near = bti_nearest(scheme, names);
    return bti_fail(err, BT_INVAL, study, "unknown kind of study '%s'; did you mean '%s'?", scheme,
                    near ? near : "sqlite");
}

/* "/path": SQLAlchemy's three slashes are relative, four absolute. */
static bt_status parse_url(study_url *u, const char *study, const char *colon, bt_error *err)
{
    const char *path = colon + 3;
    u->ops = find_scheme(study, (size_t)(colon - study));
    if (!u->ops)
        return fail_scheme(study, (size_t)(colon - study), err);
    if (!strcmp(u->ops->scheme, "sqlite")) {
        if (path[0] != '/' || !path[1])
            return bti_fail(err, BT_INVAL, study,
                            "expected sqlite:///relative.db or sqlite:////absolute.db");
        path++;
    }
    u->path = bti_strdup(path);
    return u->path ? BT_OK : bti_fail_nomem(err);
}

static bool is_database_name(const char *path)
{
    return bti_has_suffix_nocase(path, ".db") || bti_has_suffix_nocase(path, ".sqlite") ||
           bti_has_suffix_nocase(path, ".sqlite3");
}

static bt_status parse_path(study_url *u, const char *path, bool create, bt_error *err)
{
    u->ops = find_scheme("sqlite", strlen("sqlite"));
    if (!bti_is_dir(path) && (bti_is_file(path) || is_database_name(path))) {
        u->path = bti_strdup(path);
    } else {
        bt_status rc = create ? bti_make_dirs(path, err) : BT_OK;
        if (rc)
            return rc;
        u->path = bti_path_join(path, "study.db");
    }
    return u->path ? BT_OK : bti_fail_nomem(err);
}

static bt_status parse_study(study_url *u, const char *study, bool create, bt_error *err)
{
    bt_status rc;
    char *text = bti_strdup(study);
    if (!text)
        return bti_fail_nomem(err);
    char *colon = strstr(text, "://");
    char *hash = bti_is_dir(text) || bti_is_file(text) ? NULL : strrchr(text, '#');
    if (hash) {
        *hash = 0;
        u->name = bti_strdup(hash + 1);
    }
    if (hash && !u->name)
        rc = bti_fail_nomem(err);
    else
        rc = colon ? parse_url(u, text, colon, err) : parse_path(u, text, create, err);
    bti_free(text);
    return rc;
}

bt_status bti_storage_open(bti_storage **out, const char *study, const bti_study_spec *spec,
                           bool create, bt_error *err)
{
    study_url u = {0};
    bti_study_spec wanted = spec ? *spec : (bti_study_spec){0};
    *out = NULL;
    if (!study || !*study)
        return bti_fail(err, BT_INVAL, NULL,
                        "which study? expected a run directory, a .db file or a URL");
    bt_status rc = parse_study(&u, study, create, err);
    if (!rc) {
        if (u.name)
            wanted.name = u.name;
        rc = u.ops->open(out, u.path, &wanted, create, err);
    }
    url_release(&u);
    return rc;
}

void bti_storage_close(bti_storage *s)
{
    if (s)
        s->ops->close(s);
}
