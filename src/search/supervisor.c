/* SPDX-License-Identifier: Apache-2.0
 *
 * bantam search: the budget clock, the worker processes, the phases.
 *
 *   open session -> SEARCH (workers run trials) -> FINAL (workers train the picks again) -> STOP ->
 * files
 *
 * The budget is wall clock from the call to the files on disk. The time of the final phase is
 * reserved from the beginning: a share of the budget, never more than the front at hand can use. A
 * stop request goes straight to STOP; picks without a final record then keep their search-time
 * weights, so there is always a front.
 *
 * The supervisor holds no state that the study lacks: killed at any point, the same command goes
 * on.
 */
#include "bantam/search.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "report/report.h"
#include "search/crew.h"
#include "search/final.h"
#include "search/outcome.h"
#include "search/setup.h"

#include <math.h>
#include <unistd.h>

#define FINAL_SHARE 0.40 /* of the budget, at most, for training the picks again and reading test  \
                          */
#define CLOSING_S 0.8    /* stopping workers, writing the files */
#define TICK_US 100000
#define IDLE_S 2.5 /* no trial running for so long: nothing more fits, or the limit is reached */
#define ACTIVE_EVERY_S 2.0

typedef struct supervisor {
    const bt_search_options *opt;
    bti_session s;
    bti_crew crew;
    bti_control control;
    bti_plan plan;
    bti_account account;
    double start_s, deadline_s; /* bt_now scale; deadline 0: none */
    double active_saved_s, idle_since_s, line_at_s;
    int seen_complete, front_size;
} supervisor;

static double utc_of(double local_s)
{
    return local_s > 0 ? bti_wall_seconds() + (local_s - bt_now()) : 0;
}

static bt_status save_active(supervisor *v, bool now, bt_error *err)
{
    if (!now && bt_now() < v->active_saved_s + ACTIVE_EVERY_S)
        return BT_OK;
    v->active_saved_s = bt_now();
    v->account.active_s = v->s.active_before_s + bt_now() - v->start_s;
    bti_json *j = bti_json_num(v->account.active_s);
    bt_status rc = v->s.study->ops->study_attr_set(v->s.study, false, "bantam:active_s", j, err);
    bti_json_free(j);
    return rc;
}

/* When the search phase must end so that the final phase fits; 0: no deadline. */
static double search_end(const supervisor *v)
{
    if (v->deadline_s <= 0)
        return 0;
    double budget = v->deadline_s - v->start_s;
    double reserve = FINAL_SHARE * budget;
    bti_plan plan = {0};
    bti_plan_choose(&plan, &v->s.trials);
    if (plan.n)
        reserve = fmin(reserve, bti_plan_most_seconds(&plan, v->s.run.jobs,
                                                      v->s.n_train + v->s.n_val, v->s.n_test));
    return v->deadline_s - CLOSING_S - reserve;
}

/* ---- what a person sees ---- */

static int count_state(const bti_trials *t, bti_trial_state state)
{
    int n = 0;
    for (int i = 0; i < t->n; i++)
        n += t->trial[i].state == state;
    return n;
}

static void show(supervisor *v, const char *phase, bool force)
{
    const bti_trials *t = &v->s.trials;
    int complete = count_state(t, BTI_COMPLETE);
    bool news = complete != v->seen_complete;
    char left[24] = "", line[256] = "";
    double left_s = v->deadline_s > 0 ? v->deadline_s - bt_now() : -1;

    if (!v->opt->progress.report || (!news && !force && bt_now() < v->line_at_s))
        return;
    v->seen_complete = complete;
    if (left_s >= 0)
        bti_format_duration(left, left_s);
    int *front = bti_array((size_t)t->n + 1, sizeof(int));
    int n = front ? bti_report_front(t, front) : 0;
    if (force || bt_now() >= v->line_at_s) { /* piped: a plain line now and then */
        double best = n ? t->trial[front[n - 1]].value[0] : 0;
        snprintf(line, sizeof(line),
                 "%s: %d trials, %d on the front, best validation %.2f %%%s%s%s", phase, complete,
                 n, 100 * best, *left ? ", " : "", left, *left ? " left" : "");
    }
    bti_str table = {0};
    bti_str_addf(&table, "%s   %s%s   %d trials, %d running\n", phase, left, *left ? " left" : "",
                 complete, count_state(t, BTI_RUNNING));
    if (bti_report_front_table(t, 10, &table) == BT_OK && !table.failed) {
        const bt_event e = {
            .kind = BT_EVENT_SEARCH, .text = line, .table = bti_str_c(&table), .left_s = left_s};
        v->opt->progress.report(v->opt->progress.user, &e);
    }
    if (*line)
        v->line_at_s =
            bt_now() + (v->deadline_s > 0 ? fmax(5, (v->deadline_s - v->start_s) / 30) : 10);
    bti_str_release(&table);
    bti_free(front);
}

/* ---- phases ---- */

/* One look at the study and the workers. `jobs` are what the workers hold now: trials, or final
 * jobs in `store`. */
static bt_status tick(supervisor *v, const char *phase, bti_storage *store, bti_trials *jobs,
                      bt_error *err)
{
    bt_status rc = store->ops->refresh(store, jobs, err);
    if (!rc)
        rc = bti_crew_watch(&v->crew, store, jobs, &v->opt->progress, err);
    if (!rc)
        rc = save_active(v, false, err);
    show(v, phase, false);
    return rc;
}

/* True when no trial has run for a while: the workers found nothing more to start. */
static bool idle(supervisor *v)
{
    if (!v->s.trials.n || count_state(&v->s.trials, BTI_RUNNING)) {
        v->idle_since_s = 0;
        return false;
    }
    if (v->idle_since_s <= 0)
        v->idle_since_s = bt_now();
    if (v->control.max_trials && v->s.trials.n >= v->control.max_trials)
        return true;
    return bt_now() - v->idle_since_s > IDLE_S;
}

static bt_status search_phase(supervisor *v, bt_error *err)
{
    double began = bt_now(), end = search_end(v);
    v->control.phase = BTI_PHASE_SEARCH;
    v->control.until_utc = utc_of(end);
    v->control.max_trials = v->opt->trials;
    bt_status rc = bti_control_save(&v->control, v->s.study, err);
    if (!rc)
        rc = bti_crew_start(&v->crew, v->s.dir, v->s.run.jobs, v->s.run.threads, err);
    while (!rc && !bti_stopped(&v->opt->stop)) {
        rc = tick(v, "search", v->s.study, &v->s.trials, err);
        double now_end = search_end(v);
        if (!rc && now_end > 0 &&
            fabs(now_end - end) > 1) { /* the front at hand needs less, or more, of the reserve */
            end = now_end;
            v->control.until_utc = utc_of(end);
            rc = bti_control_save(&v->control, v->s.study, err);
        }
        if (rc || (end > 0 && bt_now() >= end) || idle(v))
            break;
        usleep(TICK_US);
    }
    v->account.search_s = bt_now() - began;
    return rc;
}

static bool plan_done(const supervisor *v, const bti_trials *jobs)
{
    int done = 0;
    for (int i = 0; i < jobs->n; i++) {
        const bti_trial *j = &jobs->trial[i];
        bool current = bti_json_as_int(bti_json_get(j->attrs, "round"), -1) == v->plan.round;
        done += current && j->state != BTI_RUNNING;
    }
    return done >= v->plan.n;
}

static bt_status final_phase(supervisor *v, bt_error *err)
{
    double began = bt_now(), end = v->deadline_s > 0 ? v->deadline_s - CLOSING_S : 0;
    double seconds = end > 0 ? fmax(0.01, end - bt_now()) : 0;

    bti_plan_fit(&v->plan, seconds, v->s.run.jobs, v->s.n_train + v->s.n_val, v->s.n_test,
                 v->s.run.epochs);
    v->control.phase = BTI_PHASE_FINAL;
    v->control.until_utc = utc_of(end);
    bti_storage *final = NULL;
    bti_trials jobs = {0};
    bt_status rc = bti_plan_save(&v->plan, v->s.study, err);
    if (!rc)
        rc = bti_final_open(&final, v->s.dir, err);
    if (!rc)
        rc = bti_control_save(&v->control, v->s.study, err);
    if (!rc)
        bti_note(&v->opt->progress,
                 "training %d models of the front again on train + validation, %lld images each",
                 v->plan.n, (long long)(v->plan.n ? v->plan.pick[0].images : 0));
    while (!rc && !bti_stopped(&v->opt->stop)) {
        rc = tick(v, "final training", final, &jobs, err);
        if (rc || plan_done(v, &jobs) || (end > 0 && bt_now() >= end))
            break;
        usleep(TICK_US);
    }
    bti_trials_release(&jobs);
    bti_storage_close(final);
    v->account.final_s = bt_now() - began;
    return rc;
}

/* Finished trials are read only once; the final records that workers have added to them need a
 * fresh list. */
static bt_status reread(supervisor *v, bt_error *err)
{
    bti_trials_release(&v->s.trials);
    return v->s.study->ops->refresh(v->s.study, &v->s.trials, err);
}

static bool all_recorded(const supervisor *v)
{
    for (int i = 0; i < v->plan.n; i++) {
        const bti_trial *t = bti_trials_number(&v->s.trials, v->plan.pick[i].trial);
        if (t && !bti_final_record(t, v->plan.round))
            return false;
    }
    return true;
}

static bt_status closing(supervisor *v, char **json, bt_error *err)
{
    bool stopped = bti_stopped(&v->opt->stop);
    v->control.phase = BTI_PHASE_STOP;
    bt_status rc = bti_control_save(&v->control, v->s.study, err);
    bti_crew_stop(&v->crew, 2.0);
    if (!rc)
        rc = reread(v, err);
    if (!rc && stopped && v->plan.round != v->control.round) { /* stopped before the final phase */
        v->plan.round = v->control.round;
        bti_plan_choose(&v->plan, &v->s.trials);
        rc = bti_plan_save(&v->plan, v->s.study, err);
    }
    if (!rc && !v->plan.n)
        rc = bti_fail(err, BT_EMPTY, v->s.dir,
                      "no trial was finished: give it more time, or a smaller space");
    if (!rc && !all_recorded(v))
        rc =
            bti_final_keep_rest(v->s.dir, &v->plan,
                                stopped ? "stopped before it was trained again: search-time weights"
                                        : "no time to train it again: search-time weights",
                                bt_now() + (stopped ? 1.0 : 3.0), err);
    v->account.wall_s = bt_now() - v->start_s;
    v->account.cpu_s = bti_cpu_seconds() + bti_child_cpu_seconds();
    v->account.stopped = stopped;
    bt_status saved = save_active(v, true, rc ? NULL : err);
    if (!rc)
        rc = reread(v, err);
    return rc ? rc : saved ? saved : bti_outcome_write(&v->s, &v->plan, &v->account, json, err);
}

static bt_status next_round(supervisor *v, bt_error *err)
{
    bti_control last;
    bt_status rc = bti_control_load(&last, v->s.study, err);
    v->control.round = last.round + 1;
    return rc;
}

bt_search_options bt_search_defaults(void)
{
    return (bt_search_options){.data_opt = bt_data_defaults()};
}

bt_status bt_search(char **json, const bt_search_options *opt, bt_error *err)
{
    supervisor v = {.opt = opt, .start_s = bt_now()};

    if (json)
        *json = NULL;
    if (!opt->out_dir || !opt->data || !opt->data_opt.cache_dir)
        return bti_fail(err, BT_INVAL, NULL,
                        "data, a run directory and a cache directory are required");
    if (opt->budget_s <= 0 && opt->trials <= 0)
        return bti_fail(err, BT_INVAL, "--budget",
                        "give a budget (--budget 5m) or a number of trials (--trials 40)");
    bt_status rc = bti_session_open(&v.s, opt, 1 - FINAL_SHARE, err);
    if (rc)
        return rc;
    if (opt->budget_s > 0) {
        double left = opt->budget_adds ? opt->budget_s : opt->budget_s - v.s.active_before_s;
        if (left <= 0)
            rc = bti_fail(err, BT_INVAL, "--budget",
                          "this study has already used %.0f s: give more, or +T to add",
                          v.s.active_before_s);
        v.deadline_s = v.start_s + left;
        v.account.budget_s = left;
    }
    if (!rc && v.s.resumed)
        bti_note(&opt->progress, "going on with the study in %s", opt->out_dir);
    if (!rc)
        rc = next_round(&v, err);
    if (!rc)
        rc = search_phase(&v, err);
    if (!rc && !bti_stopped(&opt->stop)) {
        v.plan.round = v.control.round;
        bti_plan_choose(&v.plan, &v.s.trials);
        if (v.plan.n)
            rc = final_phase(&v, err);
    }
    if (rc)
        bti_crew_stop(&v.crew, 2.0); /* trials go back to the study; err keeps the first cause */
    else
        rc = closing(&v, json, err);
    bti_crew_release(&v.crew);
    bti_session_close(&v.s);
    return rc;
}
