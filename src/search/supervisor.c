/* SPDX-License-Identifier: Apache-2.0
 *
 * bantam search: the budget clock, the worker processes, the phases.
 *
 *   open session -> SEARCH (workers run trials) -> FINAL (they train the picks again) -> STOP ->
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
#include "search/events.h"
#include "search/final.h"
#include "search/lab.h"
#include "search/outcome.h"
#include "search/setup.h"

#include <math.h>
#include <unistd.h>

/* Of the budget, at most, for training the picks again and reading test. */
#define FINAL_SHARE 0.45
#define TEST_SHARE 0.2 /* of data that has no test split */
#define CLOSING_S 0.8  /* stopping workers, writing the files */
#define READING_S 3.5  /* of closing, at most: until test is read for what is left over */
#define TICK_US 100000
#define IDLE_S 2.5   /* no trial running for so long: nothing more fits, or the space is used up */
#define START_S 60.0 /* the same before the first one: workers open the images first */
#define ACTIVE_EVERY_S 2.0

typedef struct supervisor {
    const bt_search_options *opt;
    bti_session s;
    bti_crew crew;
    bti_control control;
    bti_plan plan;
    bti_account account;
    bti_events events;
    double start_s, deadline_s; /* bt_now scale; deadline 0: none */
    double active_saved_s, idle_since_s, line_at_s;
    int trials_before; /* of earlier sessions */
    int failures_seen; /* of the crew, when idle() last looked */
    bool worked;       /* a trial of this session has been seen at work */
    int complete;      /* trials when the front was last looked at; -1: never */
    double useful_s;   /* of final training, for that front */
    int shown;         /* complete trials when they were last shown */
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

static int count_state(const bti_trials *t, bti_trial_state state)
{
    int n = 0;
    for (int i = 0; i < t->n; i++)
        n += t->trial[i].state == state;
    return n;
}

/* The picks of a final phase that has time for all of them. */
static void choose_all(bti_plan *plan, const bti_trials *trials)
{
    bti_plan_choose(plan, trials, BTI_PICKS_MAX);
    bti_plan_fill(plan, trials);
}

/* After each trial: what the new front could use of the reserve, and what is not on it goes. */
static void look_at_front(supervisor *v)
{
    int complete = count_state(&v->s.trials, BTI_COMPLETE);
    if (complete == v->complete)
        return;
    v->complete = complete;
    bti_plan plan = {0};
    choose_all(&plan, &v->s.trials);
    v->useful_s =
        bti_plan_most_seconds(&plan, v->s.run.jobs, v->s.n_train + v->s.n_val,
                              bti_final_readings(&v->s.run, v->s.n_test)); /* 0 for no picks */
    bti_drop_dominated(v->s.dir, &v->s.trials);
}

/* When the search phase must end so that the final phase fits; 0: no deadline. Without a finished
 * trial there is nothing to reserve time for. */
static double search_end(const supervisor *v)
{
    if (v->deadline_s <= 0)
        return 0;
    double reserve = fmin(FINAL_SHARE * (v->deadline_s - v->start_s), v->useful_s);
    return v->deadline_s - CLOSING_S - reserve;
}

/* ---- what a person sees ---- */

static void show(supervisor *v, const char *phase)
{
    const bti_trials *t = &v->s.trials;
    int complete = count_state(t, BTI_COMPLETE);
    bool news = complete != v->shown;
    char left[24] = "", line[256] = "";
    double left_s = v->deadline_s > 0 ? v->deadline_s - bt_now() : -1;

    if (!v->opt->progress.report || (!news && bt_now() < v->line_at_s))
        return;
    v->shown = complete;
    if (left_s >= 0)
        bti_format_duration(left, left_s);
    int *front = bti_array((size_t)t->n + 1, sizeof(int));
    int n = front ? bti_report_front(t, front) : 0;
    if (bt_now() >= v->line_at_s) { /* piped: a plain line now and then */
        char best[40] = "";
        double most = -1;
        for (int i = 0; i < n; i++)
            most = fmax(most, bti_report_quality(t, &t->trial[front[i]]));
        if (n)
            snprintf(best, sizeof(best), ", best validation %.2f %%", 100 * most);
        snprintf(line, sizeof(line), "%s: %d trials, %d on the front%s%s%s%s", phase, complete, n,
                 best, *left ? ", " : "", left, *left ? " left" : "");
    }
    bti_str table = {0};
    bti_str_addf(&table, "%s   %s%s   %d trials, %d running\n", phase, left, *left ? " left" : "",
                 complete, count_state(t, BTI_RUNNING));
    if (bti_report_front_table(t, 10, NULL, &table) == BT_OK && !table.failed) {
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
    if (!rc && !bti_stopped(&v->opt->stop)) /* workers that end with us are no news */
        rc = bti_crew_watch(&v->crew, store, jobs, &v->opt->progress, err);
    if (!rc)
        rc = save_active(v, false, err);
    bti_events_trials(&v->events, &v->s.trials);
    show(v, phase);
    return rc;
}

/* Trials that our workers hold; others may have asked Optuna's samplers for some and not told. */
static int count_at_work(const bti_trials *t)
{
    int n = 0;
    for (int i = 0; i < t->n; i++)
        n += t->trial[i].state == BTI_RUNNING && t->trial[i].attempt > 0;
    return n;
}

/* True when no trial has run for a while: the workers found nothing more to start. */
static bool idle(supervisor *v)
{
    const bti_trials *t = &v->s.trials;
    if (count_at_work(t) || t->n > v->trials_before) {
        v->worked = true;
        if (count_at_work(t)) {
            v->idle_since_s = 0;
            return false;
        }
    }
    if (v->crew.failures != v->failures_seen) { /* who replaces a dead worker opens images first */
        v->failures_seen = v->crew.failures;
        v->idle_since_s = 0;
    }
    if (v->idle_since_s <= 0)
        v->idle_since_s = bt_now();
    if (v->control.max_trials && t->n >= v->control.max_trials && !count_state(t, BTI_WAITING))
        return true;
    return bt_now() - v->idle_since_s > (v->worked && !v->crew.failures ? IDLE_S : START_S);
}

static bt_status search_phase(supervisor *v, bt_error *err)
{
    double began = bt_now(), end;
    look_at_front(v);
    end = search_end(v);
    v->control.phase = BTI_PHASE_SEARCH;
    v->control.until_utc = utc_of(end);
    v->control.max_trials = v->opt->trials;
    bt_status rc = bti_control_save(&v->control, v->s.study, err);
    bti_events_phase(&v->events, "search", end > 0 ? end - bt_now() : -1);
    if (!rc && !bti_stopped(&v->opt->stop))
        rc = bti_crew_start(&v->crew, v->s.dir, v->s.run.jobs, v->s.run.threads, err);
    while (!rc && !bti_stopped(&v->opt->stop)) {
        rc = tick(v, "search", v->s.study, &v->s.trials, err);
        look_at_front(v);
        double now_end = search_end(v);
        if (!rc && fabs(now_end - end) > 1) { /* the front can use less, or more, of the reserve */
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

    v->plan.round = v->control.round;
    if (end > 0)
        bti_plan_make(&v->plan, &v->s.trials, fmax(0.01, end - bt_now()), v->s.run.jobs,
                      v->s.n_train + v->s.n_val, bti_final_readings(&v->s.run, v->s.n_test));
    else
        choose_all(&v->plan, &v->s.trials);
    if (!v->plan.n)
        return BT_OK;
    v->control.phase = BTI_PHASE_FINAL;
    v->control.until_utc = utc_of(end);
    bti_storage *final = NULL;
    bti_trials jobs = {0};
    bt_status rc = bti_plan_save(&v->plan, v->s.study, err);
    if (!rc)
        rc = bti_final_open(&final, v->s.dir, err);
    if (!rc)
        rc = bti_control_save(&v->control, v->s.study, err);
    bti_events_phase(&v->events, "final", end > 0 ? end - bt_now() : -1);
    if (!rc)
        bti_note(&v->opt->progress, "training %d models of the front again on train + validation",
                 v->plan.n);
    while (!rc && !bti_stopped(&v->opt->stop)) {
        rc = tick(v, "final training", final, &jobs, err);
        if (!rc)
            rc = v->s.study->ops->refresh(v->s.study, &v->s.trials, err);
        bti_events_final(&v->events, &v->s.trials, &v->plan);
        if (rc || plan_done(v, &jobs) || (end > 0 && bt_now() >= end))
            break;
        usleep(TICK_US);
    }
    bti_trials_release(&jobs);
    bti_storage_close(final);
    v->account.final_s = bt_now() - began;
    return rc;
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

/* "accuracy 61.20% (limit 85.00%), latency ...": the limits that a trial breaks. */
static void describe_violation(const bti_space *space, const bti_goals *g, const bti_trial *t,
                               char *out, size_t cap)
{
    const bti_constraints c = bti_space_constraints(space);
    size_t n = 0;
    for (int i = 0; i < BTI_METRICS; i++) {
        char value[24], bound[24];
        const bti_bounds *b = bti_constraint_of(&c, (bti_metric)i);
        double v = bti_trial_metric(g, t, (bti_metric)i);
        if (!(v < b->lo || v > b->hi) || n >= cap)
            continue;
        n += (size_t)snprintf(out + n, cap - n, "%s%s %s (limit %s)", n ? ", " : "",
                              bti_metric_of((bti_metric)i)->label,
                              bti_metric_format(value, (bti_metric)i, v),
                              bti_metric_format(bound, (bti_metric)i, v < b->lo ? b->lo : b->hi));
    }
}

/* Why there is nothing to show: nothing finished, or everything outside a limit. */
static bt_status fail_empty(const supervisor *v, bt_error *err)
{
    const bti_trials *t = &v->s.trials;
    const bti_trial *nearest = NULL;
    for (int i = 0; i < t->n; i++)
        if (t->trial[i].state == BTI_COMPLETE && t->trial[i].violation > 0 &&
            (!nearest || t->trial[i].violation < nearest->violation))
            nearest = &t->trial[i];
    if (!nearest)
        return bti_fail(err, BT_EMPTY, v->s.dir,
                        "no trial was finished: give it more time (the same command goes on), "
                        "fewer epochs or smaller models");
    bti_space *space;
    char what[128] = "a limit";
    bt_status rc = bti_run_space(&v->s.run, &space, err);
    if (rc)
        return rc;
    describe_violation(space, bti_trials_goals(t), nearest, what, sizeof(what));
    bti_space_free(space);
    return bti_fail(err, BT_EMPTY, v->s.dir,
                    "none of %d finished trials keeps the limits; the nearest, trial %d, has %s",
                    count_state(t, BTI_COMPLETE), nearest->number, what);
}

/* Stops the workers, gives every pick a model, writes the files. */
static bt_status closing(supervisor *v, char **json, bt_error *err)
{
    bti_session *s = &v->s;
    bool stopped = bti_stopped(&v->opt->stop);
    double began = bt_now();
    v->control.phase = BTI_PHASE_STOP;
    bti_events_phase(&v->events, "closing", v->deadline_s > 0 ? v->deadline_s - began : -1);
    bt_status rc = bti_control_save(&v->control, s->study, err);
    bti_crew_stop(&v->crew, 2.0);
    if (!rc)
        rc = s->study->ops->refresh(s->study, &s->trials, err);
    if (!rc && v->plan.round != v->control.round) { /* ended before the final phase */
        v->plan.round = v->control.round;
        bti_plan_choose(&v->plan, &s->trials, BTI_PICKS_MAX);
        rc = bti_plan_save(&v->plan, s->study, err);
    }
    if (!rc && !v->plan.n)
        rc = fail_empty(v, err);
    if (!rc && !all_recorded(v))
        rc =
            bti_final_keep_rest(s->dir, &v->plan,
                                stopped ? "stopped before it was trained again: search-time weights"
                                        : "no time to train it again: search-time weights",
                                began + READING_S, &v->opt->progress, err);
    v->account.wall_s = bt_now() - v->start_s;
    v->account.cpu_s = bti_cpu_seconds() + bti_child_cpu_seconds();
    v->account.stopped = stopped;
    bt_status saved = save_active(v, true, rc ? NULL : err);
    if (!rc)
        rc = saved ? saved : s->study->ops->refresh(s->study, &s->trials, err);
    bti_events_trials(&v->events, &s->trials);
    bti_events_final(&v->events, &s->trials, &v->plan);
    return rc ? rc : bti_outcome_write(s, &v->plan, &v->account, json, err);
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
    bt_search_options o = {.data_opt = bt_data_defaults()};
    o.data_opt.test_share = TEST_SHARE;
    return o;
}

/* The budget of this session. */
static bt_status set_clock(supervisor *v, bt_error *err)
{
    const bt_search_options *opt = v->opt;
    if (opt->budget_s <= 0)
        return BT_OK;
    double left = opt->budget_adds ? opt->budget_s : opt->budget_s - v->s.active_before_s;
    if (left <= 0)
        return bti_fail(err, BT_INVAL, "--budget",
                        "this study has already used %.0f s: give more, or +T to add",
                        v->s.active_before_s);
    v->deadline_s = v->start_s + left;
    v->account.budget_s = left;
    return BT_OK;
}

static bt_status run_phases(supervisor *v, bt_error *err)
{
    bt_status rc = next_round(v, err);
    v->trials_before = v->s.trials.n;
    v->control.deadline_utc = utc_of(v->deadline_s);
    v->account.train_cpu_before_s = bti_outcome_train_cpu(&v->s.trials, v->control.round);
    if (v->s.resumed)
        bti_note(&v->opt->progress, "going on with the study in %s", v->s.dir);
    if (!rc)
        rc = search_phase(v, err);
    if (!rc && !bti_stopped(&v->opt->stop))
        rc = final_phase(v, err);
    return rc;
}

bt_status bt_search(char **json, const bt_search_options *opt, bt_error *err)
{
    supervisor v = {.opt = opt, .start_s = bt_now(), .complete = -1};

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
    rc = set_clock(&v, err);
    if (!rc) {
        bti_events_start(&v.events, &v.s, v.account.budget_s, &opt->progress);
        rc = run_phases(&v, err);
        /* Whatever happened: what the study holds is left as a front. err keeps the first cause. */
        bt_status closed = closing(&v, rc ? NULL : json, rc ? NULL : err);
        rc = rc ? rc : closed;
        bti_events_end(&v.events, &v.s.trials, bt_now() - v.start_s, v.account.stopped, rc, err);
    }
    bti_events_release(&v.events);
    bti_crew_release(&v.crew);
    bti_session_close(&v.s);
    return rc;
}
