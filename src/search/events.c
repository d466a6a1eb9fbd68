/* SPDX-License-Identifier: Apache-2.0
 *
 * The stream of a search. Best effort: without memory an event is left out.
 */
#include "search/events.h"

#include "base/alloc.h"
#include "base/process.h"
#include "report/report.h"

#include <math.h>
#include <string.h>

static bti_json *new_event(const char *name)
{
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "event", name);
    bti_json_set_num(o, "time", bti_wall_seconds());
    return o;
}

/* Takes o. */
static void send(const bti_events *e, bti_json *o)
{
    char *text = bti_json_text(o, 0);
    const bt_event event = {.kind = BT_EVENT_RECORD, .text = text, .accuracy = -1, .left_s = -1};
    if (text)
        e->progress->report(e->progress->user, &event);
    bti_free(text);
    bti_json_free(o);
}

static bool listening(const bti_events *e)
{
    return e->progress && e->progress->report;
}

static const char *objective_name(const bti_goals *g, int i)
{
    return g->metric[i] == BTI_METRIC_NONE ? "objective" : bti_metric_of(g->metric[i])->name;
}

/* ---- start, phase ---- */

/* Room for the trials there are now. */
static bool reserve(bti_events *e, int n)
{
    if (n <= e->n_told)
        return true;
    bool *grown = bti_regrow(e->told, (size_t)n, sizeof(*grown));
    if (!grown)
        return false;
    memset(grown + e->n_told, 0, (size_t)(n - e->n_told) * sizeof(*grown));
    e->told = grown;
    e->n_told = n;
    return true;
}

void bti_events_start(bti_events *e, const bti_session *s, double budget_s,
                      const bt_progress *progress)
{
    const bti_goals *g = bti_trials_goals(&s->trials);
    *e = (bti_events){.progress = progress};
    if (!listening(e))
        return;
    bti_json *o = new_event("start"), *objectives = bti_json_array(), *limits = bti_json_object();
    for (int i = 0; i < g->n; i++)
        bti_json_append(objectives, bti_json_str(objective_name(g, i)));
    for (int i = 0; i < BTI_METRICS; i++)
        if (s->run.limit[i] > 0)
            bti_json_set_num(limits, bti_metric_names()[i], s->run.limit[i]);
    bti_json_set_str(o, "dir", s->dir);
    bti_json_set_str(o, "study", s->study->name);
    bti_json_set_str(o, "data", s->run.data);
    bti_json_set_bool(o, "resumed", s->resumed);
    bti_json_set_num(o, "budget_s", budget_s > 0 ? budget_s : NAN);
    bti_json_set_int(o, "jobs", s->run.jobs);
    bti_json_set_int(o, "epochs", s->run.epochs);
    bti_json_set_int(o, "train_images", s->n_train);
    bti_json_set(o, "objectives", objectives);
    bti_json_set(o, "limits", limits);
    send(e, o);
    if (reserve(e, s->trials.n))
        for (int i = 0; i < s->trials.n; i++)
            e->told[i] = bti_trial_state_finished(s->trials.trial[i].state);
}

void bti_events_phase(bti_events *e, const char *phase, double left_s)
{
    if (!listening(e))
        return;
    bti_json *o = new_event("phase");
    bti_json_set_str(o, "phase", phase);
    bti_json_set_num(o, "left_s", left_s >= 0 ? left_s : NAN);
    send(e, o);
}

/* ---- trials, front ---- */

static void tell_trial(const bti_events *e, const bti_goals *g, const bti_trial *t)
{
    static const char *const copied[] = {"params", "macs",    "peak_memory", "flash",
                                         "epochs", "seconds", "error",       "from"};
    bti_json *o = new_event("trial"), *values = bti_json_object();
    bti_json_set_int(o, "number", t->number);
    bti_json_set_str(o, "state", bti_trial_state_name(t->state));
    for (int i = 0; i < g->n && i < t->n_values; i++)
        bti_json_set_num(values, objective_name(g, i), t->value[i]);
    bti_json_set(o, "values", values);
    if (t->violation > 0)
        bti_json_set_bool(o, "feasible", false);
    for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
        const bti_json *v = bti_json_get(t->attrs, copied[i]);
        if (v)
            bti_json_set(o, copied[i], bti_json_copy(v));
    }
    send(e, o);
}

static void tell_front(bti_events *e, const bti_trials *t)
{
    int *front = bti_array((size_t)t->n + 1, sizeof(int));
    int n = front ? bti_report_front(t, front) : 0;
    bool same = n == e->n_front;
    for (int i = 0; i < n; i++) {
        front[i] = t->trial[front[i]].number;
        same = same && front[i] == e->front[i];
    }
    if (!front || same) {
        bti_free(front);
        return;
    }
    bti_free(e->front);
    e->front = front;
    e->n_front = n;
    bti_json *o = new_event("front"), *list = bti_json_array();
    for (int i = 0; i < n; i++)
        bti_json_append(list, bti_json_int(front[i]));
    bti_json_set(o, "trials", list);
    bti_json_set_num(o, "hypervolume", bti_report_hypervolume(t));
    send(e, o);
}

void bti_events_trials(bti_events *e, const bti_trials *t)
{
    bool news = false;
    if (!listening(e) || !reserve(e, t->n))
        return;
    for (int i = 0; i < t->n; i++) {
        if (e->told[i] || !bti_trial_state_finished(t->trial[i].state))
            continue;
        e->told[i] = news = true;
        tell_trial(e, bti_trials_goals(t), &t->trial[i]);
    }
    if (news)
        tell_front(e, t);
}

/* ---- final, end ---- */

void bti_events_final(bti_events *e, const bti_trials *t, const bti_plan *plan)
{
    if (!listening(e))
        return;
    if (e->final_round != plan->round)
        memset(e->final_told, 0, sizeof(e->final_told));
    e->final_round = plan->round;
    for (int i = 0; i < plan->n; i++) {
        const bti_trial *trial = bti_trials_number(t, plan->pick[i].trial);
        const bti_json *f = trial ? bti_final_record(trial, plan->round) : NULL;
        if (!f || e->final_told[i])
            continue;
        e->final_told[i] = true;
        bti_json *o = new_event("final");
        bti_json_set(o, "model", bti_json_copy(f));
        send(e, o);
    }
}

void bti_events_end(bti_events *e, const bti_trials *t, double wall_s, bool stopped, bt_status rc,
                    const bt_error *why)
{
    if (!listening(e))
        return;
    bti_json *o = new_event("end");
    int complete = 0;
    for (int i = 0; i < t->n; i++)
        complete += t->trial[i].state == BTI_COMPLETE;
    bti_json_set_bool(o, "ok", !rc);
    bti_json_set(o, "error",
                 !rc   ? bti_json_null()
                 : why ? bti_json_str(why->text)
                       : bti_json_str(bt_status_text(rc)));
    bti_json_set_bool(o, "stopped", stopped);
    bti_json_set_int(o, "trials", complete);
    bti_json_set_int(o, "front", e->n_front);
    bti_json_set_num(o, "hypervolume", bti_report_hypervolume(t));
    bti_json_set_num(o, "wall_s", wall_s);
    send(e, o);
}

void bti_events_release(bti_events *e)
{
    bti_free(e->told);
    bti_free(e->front);
    *e = (bti_events){0};
}
