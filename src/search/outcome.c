/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a finished run. Everything here is read from the study: writing them again gives the
 * same.
 */
#include "search/outcome.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "report/report.h"

#include <errno.h>
#include <math.h>
#include <unistd.h>

typedef struct picked {
    const bti_json *final[BTI_PICKS_MAX]; /* records of this round */
    bti_report_model model[BTI_PICKS_MAX];
    int n;
} picked;

/* Sorted by cost. */
static void collect(const bti_session *s, const bti_plan *plan, picked *out)
{
    out->n = 0;
    for (int i = 0; i < plan->n; i++) {
        const bti_trial *t = bti_trials_number(&s->trials, plan->pick[i].trial);
        const bti_json *f = t ? bti_final_record(t, plan->round) : NULL;
        bti_report_model m;
        int at = out->n;
        if (!f)
            continue;
        bti_report_model_of(&s->trials, t, &m);
        for (; at > 0 && out->model[at - 1].cost > m.cost; at--) {
            out->model[at] = out->model[at - 1];
            out->final[at] = out->final[at - 1];
        }
        out->model[at] = m;
        out->final[at] = f;
        out->n++;
    }
}

static bt_status link_model(const char *models, const char *name, const bti_report_model *m,
                            bt_error *err)
{
    char tmp_name[64];
    snprintf(tmp_name, sizeof(tmp_name), ".%s.tmp", name);
    char *link = bti_path_join(models, name), *tmp = bti_path_join(models, tmp_name);
    bt_status rc = BT_OK;
    if (!link || !tmp)
        rc = bti_fail_nomem(err);
    else {
        unlink(tmp);
        if (bti_files_step_fails() || symlink(m->name, tmp) || bti_files_step_fails() ||
            rename(tmp, link)) {
            rc = bti_fail_errno(err, link, "cannot make the link");
            unlink(tmp);
        }
    }
    bti_free(link);
    bti_free(tmp);
    return rc;
}

static bool wanted(const char *name, const picked *p)
{
    if (bti_streq(name, "smallest") || bti_streq(name, "value") || bti_streq(name, "best"))
        return p->n > 0;
    for (int i = 0; i < p->n; i++)
        if (bti_streq(name, p->model[i].name))
            return true;
    return false;
}

static bt_status tidy_models(const bti_session *s, const picked *p, bt_error *err)
{
    bti_names names = {0};
    char *models = bti_path_join(s->dir, "models");
    bt_status rc = models ? bti_list_dir(models, &names, err) : bti_fail_nomem(err);
    for (size_t i = 0; !rc && i < names.n; i++) {
        char *path = wanted(names.name[i], p) ? NULL : bti_path_join(models, names.name[i]);
        if (path)
            rc = bti_remove_tree(path, err);
        bti_free(path);
    }
    int best, value;
    bti_report_choose(p->model, p->n, &best, &value);
    if (!rc && p->n)
        rc = link_model(models, "smallest", &p->model[0], err);
    if (!rc && p->n)
        rc = link_model(models, "best", &p->model[best], err);
    if (!rc && p->n)
        rc = link_model(models, "value", &p->model[value], err);
    bti_names_free(&names);
    bti_free(models);
    return rc;
}

static bt_status write_text(const char *dir, const char *name, bti_str *text, bt_error *err)
{
    char *path = bti_path_join(dir, name);
    bt_status rc = path && !text->failed ? bti_file_write(path, bti_str_c(text), text->len, err)
                                         : bti_fail_nomem(err);
    bti_free(path);
    return rc;
}

typedef struct totals {
    int complete, failed, running;
} totals;

static totals count(const bti_trials *t)
{
    totals n = {0};
    for (int i = 0; i < t->n; i++) {
        n.complete += t->trial[i].state == BTI_COMPLETE;
        n.failed += t->trial[i].state == BTI_FAIL;
        n.running += t->trial[i].state == BTI_RUNNING;
    }
    return n;
}

double bti_outcome_train_cpu(const bti_trials *trials, int round)
{
    double s = 0;
    for (int i = 0; i < trials->n; i++) {
        const bti_trial *t = &trials->trial[i];
        const bti_json *used =
            bti_trial_state_finished(t->state) ? t->attrs : bti_json_get(t->attrs, "bantam:used");
        s += bti_json_as_num(bti_json_get(used, "train_cpu_s"), 0);
        s += bti_json_as_num(bti_json_get(bti_final_record(t, round), "train_cpu_s"), 0);
    }
    return s;
}

/* Of this session. */
static double train_cpu(const bti_session *s, const bti_plan *plan, const bti_account *a)
{
    return fmax(0, bti_outcome_train_cpu(&s->trials, plan->round) - a->train_cpu_before_s);
}

static void summary_rows(bti_str *b, const picked *p)
{
    bti_str_add(b, "| model | parameters | MACs | validation (search) | test (retrained) | 95 % "
                   "interval | trial |\n"
                   "|---|---:|---:|---:|---:|---|---:|\n");
    for (int i = 0; i < p->n; i++) {
        const bti_json *f = p->final[i], *iv = bti_json_get(f, "interval");
        double test = bti_json_as_num(bti_json_get(f, "test_accuracy"), -1);
        bti_str_addf(b, "| [%s](%s) | %lld | %lld | %.2f %% | ",
                     bti_json_as_str(bti_json_get(f, "name"), ""),
                     bti_json_as_str(bti_json_get(f, "path"), ""), (long long)p->model[i].params,
                     (long long)bti_json_as_int(bti_json_get(f, "macs"), 0),
                     100 * p->model[i].val_accuracy);
        if (test >= 0)
            bti_str_addf(b, "%.2f %% | %.2f-%.2f | ", 100 * test,
                         100 * bti_json_as_num(bti_json_at(iv, 0), 0),
                         100 * bti_json_as_num(bti_json_at(iv, 1), 0));
        else
            bti_str_add(b, "not read | | ");
        bti_str_addf(b, "%d |\n", p->model[i].trial->number);
    }
    for (int i = 0; i < p->n; i++)
        if (p->model[i].note)
            bti_str_addf(b, "\n%s: %s.\n", p->model[i].name, p->model[i].note);
}

static void summary_goals(bti_str *b, const bti_session *s)
{
    const bti_goals *g = bti_trials_goals(&s->trials);
    double volume = bti_report_hypervolume(&s->trials);
    bti_str_add(b, "- Objectives:");
    for (int i = 0; i < g->n; i++)
        bti_str_addf(b, "%s %s", i ? "," : "",
                     g->metric[i] == BTI_METRIC_NONE ? "?" : bti_metric_of(g->metric[i])->label);
    if (isfinite(volume))
        bti_str_addf(b, "; hypervolume of the front %.4f", volume);
    bti_str_add(b, ".\n");
}

static void summary_text(bti_str *b, const bti_session *s, const bti_plan *plan,
                         const bti_account *a, const picked *p)
{
    const bti_run *r = &s->run;
    totals t = count(&s->trials);
    char budget[24] = "none", wall[24], decode[24];
    if (a->budget_s > 0)
        bti_format_duration(budget, a->budget_s);
    bti_str_addf(b, "# bantam search %s\n\n![front](front.svg)\n\n", r->data);
    summary_rows(b, p);
    bti_str_addf(b,
                 "\n- Time: %s of a budget of %s%s; decoding the images took %s of it. Training "
                 "steps used %.0f %% of the "
                 "CPU time.\n",
                 bti_format_duration(wall, a->wall_s), budget,
                 a->stopped ? " (stopped by a signal)" : "",
                 bti_format_duration(decode, s->decode_s),
                 a->cpu_s > 0 ? 100 * fmin(1, train_cpu(s, plan, a) / a->cpu_s) : 0);
    bti_str_addf(b,
                 "- Trials: %d complete, %d failed, %d unfinished; %d epochs each on %s images of "
                 "the training split, validation (%s) among them; seed %llu.\n",
                 t.complete, t.failed, t.running, r->epochs, r->subset ? r->subset : "all",
                 r->val ? r->val : "auto", (unsigned long long)r->seed);
    summary_goals(b, s);
    bti_str_add(
        b, "- Models were chosen by validation alone. The picks were then trained again "
           "on training + "
           "validation images, and the test split was read once for each (logged in the study: "
           "`bantam:test_reads`).\n");
    bti_str_addf(b,
                 "- Again: `bantam search %s --seed %llu --jobs %d --threads %d`. Go on: the same "
                 "command with this "
                 "directory and a larger budget.\n",
                 r->data, (unsigned long long)r->seed, r->jobs, r->threads);
}

static char *summary_json(const bti_session *s, const bti_plan *plan, const bti_account *a,
                          const picked *p)
{
    totals t = count(&s->trials);
    bti_json *o = bti_json_object(), *models = bti_json_array();
    bti_json_set_num(o, "budget_s", a->budget_s);
    bti_json_set_num(o, "wall_s", a->wall_s);
    bti_json_set_num(o, "decode_s", s->decode_s);
    bti_json_set_num(o, "search_s", a->search_s);
    bti_json_set_num(o, "final_s", a->final_s);
    bti_json_set_num(o, "cpu_s", a->cpu_s);
    bti_json_set_num(o, "train_cpu_s", train_cpu(s, plan, a));
    bti_json_set_bool(o, "stopped", a->stopped);
    bti_json_set_int(o, "trials_complete", t.complete);
    bti_json_set_int(o, "trials_failed", t.failed);
    bti_json_set_int(o, "epochs", s->run.epochs);
    bti_json_set_num(o, "hypervolume", bti_report_hypervolume(&s->trials));
    for (int i = 0; i < p->n; i++)
        bti_json_append(models, bti_json_copy(p->final[i]));
    bti_json_set(o, "models", models);
    char *text = bti_json_text(o, 2);
    bti_json_free(o);
    return text;
}

/* Models of earlier rounds that are no picks now leave the disk: their records must not name them.
 */
static bt_status forget_old(bti_session *s, const bti_plan *plan, bt_error *err)
{
    bti_storage *st = s->study;
    bt_status rc = BT_OK;
    bti_json *null = bti_json_null();
    for (int i = 0; i < s->trials.n && !rc; i++) {
        const bti_trial *t = &s->trials.trial[i];
        if (bti_json_is_object(bti_json_get(t->attrs, "final")) &&
            !bti_final_record(t, plan->round))
            rc = st->ops->trial_attr_set(st, t->id, false, "final", null, err);
    }
    bti_json_free(null);
    return rc;
}

/* A trial that ended after the plan was made may have beaten a pick. The pick's model is there: it
 * stays in the tables, behind the front. */
static bt_status keep_beaten(bti_session *s, const bti_plan *plan, bt_error *err)
{
    bti_storage *st = s->study;
    bt_status rc = BT_OK;
    int *front = bti_array((size_t)s->trials.n + 1, sizeof(int));
    if (!front)
        return bti_fail_nomem(err);
    const int n = bti_report_front(&s->trials, front);
    for (int i = 0; i < s->trials.n && !rc; i++) {
        const bti_trial *t = &s->trials.trial[i];
        const bti_json *f = bti_final_record(t, plan->round);
        bool there = !f || bti_json_as_bool(bti_json_get(f, "behind"), false);
        for (int k = 0; k < n && !there; k++)
            there = front[k] == i;
        if (there)
            continue;
        bti_json *record = bti_json_copy(f);
        bti_json_set_bool(record, "behind", true);
        rc = st->ops->trial_attr_set(st, t->id, false, "final", record, err);
        bti_json_free(record);
    }
    bti_free(front);
    return rc;
}

bt_status bti_outcome_write(bti_session *s, const bti_plan *plan, const bti_account *a, char **json,
                            bt_error *err)
{
    picked p;
    char title[256];
    bti_str text = {0};

    bt_status rc = forget_old(s, plan, err);
    if (!rc)
        rc = keep_beaten(s, plan, err);
    if (!rc)
        rc = s->study->ops->refresh(s->study, &s->trials, err);
    collect(s, plan, &p);
    snprintf(title, sizeof(title), "%s: %d trials", s->run.data, count(&s->trials).complete);
    if (!rc)
        rc = tidy_models(s, &p, err);
    if (!rc && bti_report_front_csv(&s->trials, &text))
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = write_text(s->dir, "front.csv", &text, err);
    bti_str_reset(&text);
    if (!rc && bti_report_front_svg(&s->trials, title, NULL, &text))
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = write_text(s->dir, "front.svg", &text, err);
    bti_str_reset(&text);
    summary_text(&text, s, plan, a, &p);
    if (!rc)
        rc = write_text(s->dir, "summary.md", &text, err);
    bti_str_release(&text);
    if (!rc && json) {
        *json = summary_json(s, plan, a, &p);
        if (!*json)
            rc = bti_fail_nomem(err);
    }
    return rc;
}
