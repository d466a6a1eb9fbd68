/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_policy_search: prepare a way of scoring, then propose, score and record policies until the
 * time, the trials or the policies run out. The file holds a valid policy from the first second on.
 */
#include "search/policy_search.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "search/shipped.h"

#include <math.h>

#define RESERVE_S 0.3 /* of the budget: the last writes */
#define WRITE_S 10.0  /* between two writes of the policy */
#define TELL_S 5.0    /* between two lines of progress */

bt_stop bti_policy_stop(const bti_policy_search *s)
{
    return (bt_stop){s->lab.opt->stop.flag, s->deadline_s};
}

static bt_status find_way(const bti_policy_way **out, const char *name, bt_error *err)
{
    static const bti_policy_way *const ways[] = {&bti_policy_density, &bti_policy_training};
    static const char *const names[] = {"density", "training", NULL};

    for (int i = 0; i < 2; i++) {
        *out = ways[i];
        if (!name || bti_streq(name, ways[i]->name))
            return BT_OK;
    }
    const char *near = bti_nearest(name, names);
    return bti_fail(err, BT_INVAL, "--by", "'%s': density or training%s%s%s", name,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The space, and what "no policy" means in it. */
static bt_status open_space(bti_policy_search *s, bt_error *err)
{
    const char *name = s->lab.opt->space_path ? s->lab.opt->space_path : "autoaugment";
    const bti_space_vars vars = {10, 32, 3, NULL}; /* of networks: a space of policies has none */
    bti_policy *policy = NULL;
    char *text = NULL;
    bti_point *p = bti_calloc(1, sizeof(*p));

    bt_status rc = p ? bti_space_source(&s->space_text, name, err) : bti_fail_nomem(err);
    if (!rc)
        rc = bti_space_parse(&s->space, s->space_text, strlen(s->space_text), name, &vars, err);
    if (!rc && bti_space_has_network(s->space))
        rc = bti_fail(err, BT_INVAL, name,
                      "holds networks: a space of policies has an augment section and no blocks, "
                      "such as autoaugment and randaugment");
    if (!rc) {
        bti_space_default(s->space, p);
        rc = bti_policy_of_point(s, p, &text, err);
    }
    if (!rc)
        rc = bti_policy_parse(&policy, text, err);
    if (!rc)
        rc = bti_policy_plain(&s->plain, policy, err);
    bti_policy_free(policy);
    bti_free(text);
    bti_free(p);
    return rc;
}

static bt_status check_options(const bt_policy_options *o, bt_error *err)
{
    if (o->folds < 2 || o->folds > BTI_FOLDS_MAX)
        return bti_fail(err, BT_INVAL, "--folds", "from 2 to %d, found %d", BTI_FOLDS_MAX,
                        o->folds);
    if (o->budget_s <= 0 && o->trials <= 0)
        return bti_fail(err, BT_INVAL, "--budget", "a search needs a budget or a number of trials");
    return BT_OK;
}

static bt_status search_open(bti_policy_search *s, const bt_policy_options *o, bt_error *err)
{
    bt_status rc = check_options(o, err);

    s->began_s = bt_now();
    s->lab.lock = -1;
    if (!rc)
        rc = find_way(&s->way, o->by, err);
    if (!rc)
        rc =
            bti_sampler_find(&s->sampler, o->sampler ? o->sampler : "tpe", &s->sampler_params, err);
    if (!rc)
        rc = bti_policy_lab_open(&s->lab, o, err);
    if (!rc)
        rc = open_space(s, err);
    if (!rc)
        rc = bti_policy_study_open(s, err);
    if (!rc && o->budget_s > 0) {
        double left = o->budget_s - (o->budget_adds ? 0 : s->used_s);
        s->deadline_s = s->began_s + fmax(left - RESERVE_S, 0);
    }
    return rc;
}

static void search_close(bti_policy_search *s)
{
    if (s->way)
        s->way->release(s);
    bti_json_free(s->measured);
    bti_trials_release(&s->trials);
    bti_storage_close(s->study);
    bti_space_free(s->space);
    bti_free(s->space_text);
    bti_free(s->plain);
    bti_policy_lab_close(&s->lab);
}

/* ---- the loop ---- */

static int complete(const bti_trials *t)
{
    int n = 0;
    for (int i = 0; i < t->n; i++)
        n += t->trial[i].state == BTI_COMPLETE;
    return n;
}

static bt_status write_best(bti_policy_search *s, bt_error *err)
{
    bti_policy_choice c;
    bt_status rc = bti_policy_choose(s, &c, err);
    if (!rc)
        rc = bti_policy_write(s, &c, err);
    bti_policy_choice_release(&c);
    s->written_s = bt_now();
    return rc;
}

static void tell(bti_policy_search *s, double *next_s)
{
    const bt_progress *p = &s->lab.opt->progress;
    bti_policy_choice c;
    bti_str line = {0};

    if (!p->report || bt_now() < *next_s || !complete(&s->trials) || bti_policy_choose(s, &c, NULL))
        return;
    *next_s = bt_now() + TELL_S;
    bti_str_addf(&line, "%d policies tried, best %s %.4f, without one %.4f", c.n_trials,
                 s->way->metric, c.score, c.plain);
    const bt_event e = {.kind = BT_EVENT_SEARCH,
                        .text = bti_str_c(&line),
                        .table = bti_str_c(&line),
                        .left_s = s->deadline_s > 0 ? fmax(s->deadline_s - bt_now(), 0) : -1};
    p->report(p->user, &e);
    bti_str_release(&line);
    bti_policy_choice_release(&c);
}

/* One policy. *more false: time or policies have run out. */
static bt_status try_one(bti_policy_search *s, bool *more, bt_error *err)
{
    bti_policy_trial t;
    bt_error why = {0};
    double value = 0, began = bt_now();

    bt_status rc = bti_policy_next(s, &t, err);
    *more = !rc && t.id >= 0;
    if (*more) {
        bt_status scored = s->way->score(s, t.part, t.policy, &value, &why);
        double took = bt_now() - began;
        s->longest_s = fmax(s->longest_s, scored ? 0 : took);
        *more = scored != BT_STOPPED;
        if (scored && scored != BT_STOPPED && scored != BT_DIVERGED) {
            if (err)
                *err = why;
            rc = scored; /* no fault of the policy's: it is tried again */
            scored = BT_STOPPED;
        }
        bt_status ended = bti_policy_end(s, &t, scored, value, took, &why, rc ? NULL : err);
        rc = rc ? rc : ended;
    }
    bti_free(t.policy);
    return rc;
}

static bt_status try_policies(bti_policy_search *s, bt_error *err)
{
    const bt_policy_options *o = s->lab.opt;
    const bt_stop stop = bti_policy_stop(s);
    double next_s = 0;
    bool more = true;
    bt_status rc = BT_OK;

    while (!rc && more && !bti_stopped(&stop)) {
        if (o->trials && complete(&s->trials) >= o->trials)
            break;
        if (s->deadline_s > 0 && bt_now() + s->longest_s > s->deadline_s)
            break; /* it would not come to its end */
        rc = try_one(s, &more, err);
        if (rc || bt_now() - s->written_s < WRITE_S) {
            tell(s, &next_s);
            continue;
        }
        rc = write_best(s, err);
        if (!rc)
            rc = bti_policy_save(s, err);
    }
    return rc;
}

/* ---- the result ---- */

static bt_status report(const bti_policy_search *s, const bti_policy_choice *c, char **json,
                        bt_error *err)
{
    bti_json *o = bti_json_object();
    bti_str study = {0};
    double seconds = bt_now() - s->began_s;

    bti_str_addf(&study, "%s.db", s->lab.stem);
    bti_json_set_str(o, "policy", c->text);
    bti_json_set_str(o, "path", s->lab.opt->out_path);
    bti_json_set_str(o, "study", bti_str_c(&study));
    bti_json_set_str(o, "by", s->way->name);
    bti_json_set_bool(o, "found", c->n_policies > 0);
    bti_json_set_int(o, "policies", c->n_policies);
    bti_json_set_int(o, "trials", c->n_trials);
    bti_json_set_str(o, "metric", s->way->metric);
    bti_json_set_num(o, "score", c->score);
    bti_json_set_num(o, "plain_score", c->plain);
    bti_json_set_num(o, "seconds", seconds);
    bti_json_set_num(o, "used_s", s->used_s + seconds);
    *json = bti_json_text(o, 2);
    bti_json_free(o);
    bti_str_release(&study);
    return *json ? BT_OK : bti_fail_nomem(err);
}

/* Images, network, and a way that can score. BT_STOPPED: no time was left for it. */
static bt_status prepare(bti_policy_search *s, bt_error *err)
{
    bt_status rc = bti_policy_lab_load(&s->lab, s->deadline_s, err);
    if (!rc)
        rc = bti_policy_study_settle(s, err);
    if (rc && rc != BT_STOPPED && s->is_new) { /* wrong options leave nothing behind */
        bti_policy_study_drop(s);
        bti_remove_tree(s->lab.opt->out_path, NULL);
    }
    return rc ? rc : s->way->prepare(s, err);
}

static bt_status finish(bti_policy_search *s, char **json, bt_error *err)
{
    bti_policy_choice c;
    bt_status rc = bti_policy_choose(s, &c, err);

    if (!rc)
        rc = bti_policy_write(s, &c, err);
    if (!rc)
        rc = bti_policy_save(s, err);
    if (!rc && json)
        rc = report(s, &c, json, err);
    bti_policy_choice_release(&c);
    return rc;
}

static bt_status run(bti_policy_search *s, char **json, bt_error *err)
{
    bt_error why = {0};
    /* Something valid before anything takes time; an earlier session's answer stands till then. */
    bt_status rc = bti_is_file(s->lab.opt->out_path) ? BT_OK : write_best(s, err);

    s->written_s = bt_now();
    if (rc)
        return rc;
    rc = prepare(s, &why);
    if (!rc) {
        rc = try_policies(s, &why);
    } else if (rc == BT_STOPPED) {
        bti_warn(
            &s->lab.opt->progress,
            "the time ended before %s policy was tried: give it more, the same command goes on",
            s->trials.n ? "another" : "the first");
    }
    if (!rc || rc == BT_STOPPED)
        return finish(s, json, err);
    if (err)
        *err = why;
    return rc;
}

bt_status bt_policy_search(char **json, const bt_policy_options *opt, bt_error *err)
{
    bti_policy_search *s = bti_calloc(1, sizeof(*s));

    if (json)
        *json = NULL;
    if (!s)
        return bti_fail_nomem(err);
    bt_status rc = search_open(s, opt, err);
    if (!rc)
        rc = run(s, json, err);
    search_close(s);
    bti_free(s);
    return rc;
}
