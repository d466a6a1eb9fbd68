/* SPDX-License-Identifier: Apache-2.0
 *
 * How a search stands, read from its run directory while it works or the morning after. Nothing
 * is changed.
 */
#include "bantam/search.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "base/str.h"
#include "report/report.h"
#include "search/final.h"
#include "search/run.h"

#include <math.h>

#define LOG_LINES 3    /* of each worker, from the end */
#define LOG_TAIL 16384 /* bytes that are looked at for them */
#define FAILED_MAX 3   /* failed trials whose reason is told, the newest */

typedef struct look {
    const char *dir;
    bti_storage *study;
    bti_trials trials;
    bti_control control;
    bti_plan plan;
    bool running;
} look;

static const char *state_of(const look *l)
{
    if (l->running)
        return "running";
    return l->control.phase == BTI_PHASE_STOP ? "ended" : "interrupted";
}

/* Seconds until a moment that the control record names; null if there is none or it is over. */
static void set_left(bti_json *o, const char *key, const look *l, double until_utc)
{
    double left = until_utc - bti_wall_seconds();
    bool known = l->running && l->control.phase != BTI_PHASE_STOP && until_utc > 0;
    bti_json_set_num(o, key, known ? fmax(0, left) : NAN);
}

static bt_status put_time(bti_json *o, const look *l, bt_error *err)
{
    static const char *const phase[] = {"search", "final training", "closing"};
    bti_json *active = NULL;
    bt_status rc = l->study->ops->study_attr_get(l->study, false, "bantam:active_s", &active, err);
    bool over = !l->running && l->control.phase == BTI_PHASE_STOP;
    bti_json_set(o, "phase", over ? bti_json_null() : bti_json_str(phase[l->control.phase]));
    bti_json_set_num(o, "used_s", bti_json_as_num(active, 0));
    set_left(o, "left_s", l, l->control.deadline_utc);
    set_left(o, "phase_left_s", l, l->control.until_utc);
    bti_json_free(active);
    return rc;
}

static void put_trials(bti_json *o, const look *l)
{
    int64_t n[BTI_WAITING + 1] = {0};
    bti_json *counts = bti_json_object();
    for (int i = 0; i < l->trials.n; i++)
        n[l->trials.trial[i].state]++;
    bti_json_set_int(counts, "complete", n[BTI_COMPLETE]);
    bti_json_set_int(counts, "pruned", n[BTI_PRUNED]);
    bti_json_set_int(counts, "failed", n[BTI_FAIL]);
    bti_json_set_int(counts, "waiting", n[BTI_WAITING]);
    /* Without a supervisor nobody works on them: the next search takes them over. */
    bti_json_set_int(counts, l->running ? "running" : "unfinished", n[BTI_RUNNING]);
    bti_json_set_int(counts, l->running ? "unfinished" : "running", 0);
    bti_json_set(o, "trials", counts);
}

/* Picks of this round, and how many of them are done: trained again or given up on. */
static void put_final(bti_json *o, const look *l)
{
    int64_t done = 0;
    bool begun = l->plan.n > 0 && l->plan.round == l->control.round;
    bti_json *final = begun ? bti_json_object() : bti_json_null();
    for (int i = 0; begun && i < l->plan.n; i++) {
        const bti_trial *t = bti_trials_number(&l->trials, l->plan.pick[i].trial);
        done += t && bti_final_record(t, l->plan.round);
    }
    if (begun) {
        bti_json_set_int(final, "picks", l->plan.n);
        bti_json_set_int(final, "done", done);
    }
    bti_json_set(o, "final", final);
}

static void set_count(bti_json *o, const char *key, double v)
{
    bti_json_set(o, key, isfinite(v) ? bti_json_int((int64_t)v) : bti_json_null());
}

static bti_json *model_json(const bti_report_model *m)
{
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "name", m->name);
    bti_json_set_int(o, "trial", m->trial->number);
    set_count(o, "params", m->params);
    set_count(o, "macs", m->macs);
    bti_json_set_num(o, "val_accuracy", m->val_accuracy);
    bti_json_set_num(o, "test_accuracy", m->test_accuracy);
    bti_json_set(o, "path", m->path ? bti_json_str(m->path) : bti_json_null());
    return o;
}

static bt_status put_front(bti_json *o, const look *l, bt_error *err)
{
    bti_report_model *model = NULL;
    int n = 0;
    bt_status rc = bti_report_models(&l->trials, &model, &n, err); /* by params */
    int best, value;
    bti_report_choose(model, n, &best, &value);
    bti_json_set_int(o, "front", n);
    bti_json_set_num(o, "hypervolume", bti_report_hypervolume(&l->trials));
    bti_json_set(o, "best", n ? model_json(&model[best]) : bti_json_null());
    bti_json_set(o, "smallest", n ? model_json(&model[0]) : bti_json_null());
    bti_free(model);
    return rc;
}

/* ---- what went wrong ---- */

static void add_error(bti_json *list, const char *from, const char *line)
{
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "from", from);
    bti_json_set_str(o, "line", line);
    bti_json_append(list, o);
}

static void failed_trials(bti_json *list, const look *l)
{
    int told[FAILED_MAX], n = 0;
    for (int i = l->trials.n - 1; i >= 0 && n < FAILED_MAX; i--)
        if (l->trials.trial[i].state == BTI_FAIL)
            told[n++] = i;
    while (n-- > 0) { /* in the order of their numbers */
        const bti_trial *t = &l->trials.trial[told[n]];
        const bti_json *lost = bti_json_get(t->attrs, "bantam:failure");
        char from[32];
        snprintf(from, sizeof(from), "trial %d", t->number);
        add_error(list, from,
                  bti_json_as_str(bti_json_get(t->attrs, "error"),
                                  bti_json_as_str(lost, "failed without a message")));
    }
}

/* The last lines of a log; all that workers write there is wrong in some way. A log that cannot be
 * read is left out. */
static void log_lines(bti_json *list, const char *path)
{
    char text[LOG_TAIL + 1], *line[LOG_LINES];
    int n = 0;
    int64_t size = bti_file_size(path);
    FILE *f = size > 0 ? fopen(path, "re") : NULL;
    if (!f)
        return;
    size_t got = 0;
    if (!fseeko(f, size > LOG_TAIL ? size - LOG_TAIL : 0, SEEK_SET))
        got = fread(text, 1, LOG_TAIL, f);
    fclose(f);
    text[got] = '\0';
    while (got > 0 && n < LOG_LINES) {
        while (got > 0 && (text[got - 1] == '\n' || text[got - 1] == '\0'))
            text[--got] = '\0';
        while (got > 0 && text[got - 1] != '\n')
            got--;
        if (text[got])
            line[n++] = text + got;
    }
    while (n-- > 0)
        add_error(list, bti_path_base(path), line[n]);
}

static bt_status put_errors(bti_json *o, const look *l, bt_error *err)
{
    bti_names names = {0};
    bti_json *list = bti_json_array();
    bt_status rc = BT_OK;
    failed_trials(list, l);
    char *work = bti_path_join(l->dir, "work");
    if (!work)
        rc = bti_fail_nomem(err);
    else if (bti_is_dir(work)) /* it may have been deleted after the search */
        rc = bti_list_dir(work, &names, err);
    for (size_t i = 0; i < names.n && !rc; i++) {
        if (!bti_has_prefix(names.name[i], "worker-"))
            continue;
        char *path = bti_path_join(work, names.name[i]);
        if (path)
            log_lines(list, path);
        bti_free(path);
    }
    bti_names_free(&names);
    bti_free(work);
    bti_json_set(o, "errors", list);
    return rc;
}

/* ---- the report ---- */

static bt_status open_look(look *l, bti_run *run, const char *dir, bt_error *err)
{
    bool found = false;
    char *url = bti_run_study_url(dir);
    bt_status rc = url ? BT_OK : bti_fail_nomem(err);
    *l = (look){.dir = dir};
    if (!rc && !bti_is_file(url))
        rc = bti_fail(err, BT_IO, dir, "is no run directory: it holds no study.db");
    if (!rc)
        rc = bti_storage_open(&l->study, url, NULL, false, err);
    bti_free(url);
    if (!rc)
        rc = bti_run_load(run, l->study, &found, err);
    if (!rc && !found)
        rc = bti_fail(err, BT_FORMAT, dir, "its study was not made by bantam search");
    /* The lock before the control record: one that ends in between is seen as ended. */
    if (!rc) {
        l->running = bti_run_supervised(dir);
        rc = bti_control_load(&l->control, l->study, err);
    }
    if (!rc)
        rc = bti_plan_load(&l->plan, l->study, err);
    return rc ? rc : l->study->ops->refresh(l->study, &l->trials, err);
}

bt_status bt_search_status(char **json, const char *run_dir, bt_error *err)
{
    look l;
    bti_run run = {0};
    bti_json *o = bti_json_object();

    *json = NULL;
    bt_status rc = open_look(&l, &run, run_dir, err);
    if (!rc) {
        bti_json_set_str(o, "dir", run_dir);
        bti_json_set_str(o, "data", run.data);
        bti_json_set_str(o, "state", state_of(&l));
        rc = put_time(o, &l, err);
        put_trials(o, &l);
        put_final(o, &l);
    }
    if (!rc)
        rc = put_front(o, &l, err);
    if (!rc)
        rc = put_errors(o, &l, err);
    if (!rc) {
        *json = bti_json_text(o, 2);
        if (!*json)
            rc = bti_fail_nomem(err);
    }
    bti_json_free(o);
    bti_trials_release(&l.trials);
    bti_storage_close(l.study);
    bti_run_release(&run);
    return rc;
}
