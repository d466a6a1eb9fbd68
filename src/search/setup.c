/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a session. Settings that shape results (data, space, sizes, seed, threads) are fixed when
 * a study starts and stored in it; an existing study goes on with its own and refuses options that
 * contradict them.
 */
#include "search/setup.h"

#include "augment/augment.h"
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "search/auto_space.h"
#include "search/calibrate.h"
#include "search/fit.h"
#include "search/lab.h"
#include "search/limits.h"
#include "search/origin.h"
#include "search/shipped.h"
#include "search/suits.h"
#include "study/pruner.h"
#include "study/sampler.h"

#include <unistd.h>

#define NO_TABLES_YET 4096 /* size of a database that has none: a page at most */

static bt_status take_fingerprint(const bti_data *d, bti_run *run, bt_error *err)
{
    run->train_images = d->train.n + d->val.n;
    run->train_key = bti_arena_strdup(&run->arena, d->fingerprint);
    run->cache_key = bti_arena_strdup(&run->arena, d->key);
    run->has_test = d->has_test;
    return run->train_key && run->cache_key ? BT_OK : bti_fail_nomem(err);
}

/* --space FILE or a shipped name. */
static bt_status read_space(bti_run *run, const char *name, bt_error *err)
{
    char *text;
    bt_status rc = bti_space_source(&text, name, err);
    if (rc)
        return rc;
    run->space_text = bti_arena_strdup(&run->arena, text);
    bti_free(text);
    return run->space_text ? BT_OK : bti_fail_nomem(err);
}

/* A copy in the run; NULL stays NULL. *ok becomes false on no memory. */
static const char *copy(bti_run *run, const char *text, bool *ok)
{
    const char *c = text ? bti_arena_strdup(&run->arena, text) : NULL;
    *ok = *ok && (c || !text);
    return c;
}

/* --augment POLICY or FILE.yaml, kept as the policy's own text: the study must not depend on a
 * file.
 */
static bt_status choose_policy(bti_run *run, const char *given, bt_error *err)
{
    bti_policy *policy;
    bool ok = true;
    if (!given)
        return BT_OK;
    bt_status rc = bti_policy_parse(&policy, given, err);
    if (rc)
        return rc;
    char *text = bti_policy_text(policy);
    run->augment = copy(run, text, &ok);
    bti_policy_free(policy);
    bti_free(text);
    return run->augment ? BT_OK : bti_fail_nomem(err);
}

static bt_status read_limits(double limit[BTI_METRICS], const bt_search_options *opt, bt_error *err)
{
    for (int i = 0; i < BT_LIMITS_MAX && opt->limit[i].metric; i++) {
        bti_metric m = bti_metric_find(opt->limit[i].metric);
        if (m == BTI_METRIC_NONE)
            return bti_fail(err, BT_INVAL, "limit", "unknown metric '%s'", opt->limit[i].metric);
        limit[m] = opt->limit[i].bound;
    }
    return BT_OK;
}

static bt_status fix_settings(bti_run *run, const bt_search_options *opt, bt_error *err)
{
    int cores = bti_cpu_count();
    bool ok = true;
    run->data = copy(run, opt->data, &ok);
    run->cache_dir = copy(run, opt->data_opt.cache_dir, &ok);
    run->data_dir = copy(run, opt->data_opt.data_dir, &ok);
    run->sampler = copy(run, opt->sampler ? opt->sampler : "portfolio", &ok);
    run->pruner = copy(run, opt->pruner ? opt->pruner : "none", &ok);
    run->val = copy(run, opt->val, &ok);
    run->subset = copy(run, opt->subset, &ok);
    run->group_by = copy(run, opt->data_opt.group_by, &ok);
    run->test_share = opt->data_opt.test_share;
    run->isa = copy(run, opt->isa, &ok);
    run->objectives = copy(run, opt->objectives, &ok);
    run->deploy = copy(run, opt->deploy, &ok);
    if (!ok)
        return bti_fail_nomem(err);
    run->seed = opt->seed;
    run->jobs = opt->jobs ? opt->jobs : cores;
    run->threads = opt->threads ? opt->threads : cores / run->jobs > 1 ? cores / run->jobs : 1;
    run->epochs = opt->epochs;
    const bti_sampler_ops *sampler;
    const char *params;
    const bti_pruner_ops *pruner;
    int rung[BTI_RUNGS_MAX], n_rungs;
    bt_status rc = bti_sampler_find(&sampler, run->sampler, &params, err);
    if (!rc)
        rc = bti_pruner_find(&pruner, run->pruner, &params, err);
    if (!rc)
        rc = pruner->rungs(params, 1, rung, &n_rungs, err); /* its options are numbers in range */
    if (!rc)
        rc = read_limits(run->limit, opt, err);
    if (!rc && run->deploy && bti_run_deploy(run) == BTI_DEPLOY_NONE)
        rc = bti_fail(err, BT_INVAL, "--deploy", "'%s': expected int8 or f32", run->deploy);
    if (!rc && run->limit[BTI_METRIC_FLASH] > 0 && !run->deploy)
        rc = bti_fail(err, BT_INVAL, "--max-flash",
                      "flash is that of an exported network: add --deploy int8 or --deploy f32");
    bti_isa isa;
    if (!rc && run->isa && bti_isa_parse(run->isa, &isa))
        rc = bti_fail(err, BT_INVAL, "--isa",
                      "'%s': expected portable, avx2, avx512 or avx512_bf16", run->isa);
    else if (!rc && run->isa)
        bti_cpu_cap_isa(isa);
    bti_precision precision;
    if (!rc)
        rc = bti_precision_parse(&precision, opt->precision ? opt->precision : "auto", err);
    if (!rc)
        run->precision = bti_precision_name(bti_net_precision(precision));
    if (!rc)
        rc = choose_policy(run, opt->augment, err);
    return rc;
}

/* The space as a file beside the study, for people. */
static bt_status write_space(const bti_session *s, bt_error *err)
{
    char *path = bti_path_join(s->dir, "space.yaml");
    const char *text = s->run.space_text;
    bt_status rc = path ? bti_file_write(path, text, strlen(text), err) : bti_fail_nomem(err);
    bti_free(path);
    return rc;
}

static bt_status fix_space(bti_session *s, const bt_search_options *opt, const bti_data *d,
                           bt_error *err)
{
    s->run.size = d->train.h;
    s->run.channels = d->train.c;
    s->run.classes = d->classes;
    bt_status rc = bti_is_auto(opt->space_path)
                       ? bti_fit_space(&s->run, &s->fit, d, &opt->progress, err)
                       : read_space(&s->run, opt->space_path, err);
    return rc ? rc : write_space(s, err);
}

/* Images that the options let a trial train on; 0 if they leave it open. Fails when the split is
 * impossible, before anything is started. */
static bt_status given_images(const bti_run *run, const bti_data *d, int64_t *out, bt_error *err)
{
    bti_view train = {0}, val = {0};
    bt_status rc = bti_data_split(d, run->subset, run->val, run->seed, &train, &val, err);
    if (!rc && !val.n)
        rc = bti_fail(err, BT_INVAL, "--val", "a search needs validation images; 0 leaves none");
    *out = run->subset ? train.n : 0;
    bti_view_release(&train);
    bti_view_release(&val);
    return rc;
}

/* The subset that gives a trial f's images, and its validation images. */
static bt_status take_subset(bti_run *run, const bti_fidelity *f, bool folder, bt_error *err)
{
    char text[24];
    bool ok = true, own_val = !folder && !run->val;
    snprintf(text, sizeof(text), "%lld", (long long)(f->images + (own_val ? f->val_images : 0)));
    run->subset = copy(run, text, &ok);
    snprintf(text, sizeof(text), "%lld", (long long)f->val_images);
    if (own_val)
        run->val = copy(run, text, &ok);
    return ok ? BT_OK : bti_fail_nomem(err);
}

/* Epochs and images of a trial, where the options leave them open. */
static bt_status size_trials(bti_run *run, const bti_space *space, const bti_data *d,
                             const bt_search_options *opt, double seconds, bt_error *err)
{
    bti_room room = {.train = d->train.n, .folder = d->val.n, .epochs = run->epochs};
    if (!bti_space_has_network(space))
        return bti_fail(err, BT_INVAL, "--space",
                        "'%s' holds policies, no networks: it is for bantam policy search",
                        bti_space_name(space));
    bt_status rc = given_images(run, d, &room.images, err);
    bti_answer *median = bti_calloc(1, sizeof(*median));
    if (!rc && !median)
        rc = bti_fail_nomem(err);
    if (!rc) /* also when nothing is left to choose: a space that holds no network ends here */
        rc = bti_median_point(run, space, median, err);
    if (rc == BT_EMPTY)
        bti_limits_explain(run, err);
    if (!rc)
        rc = bti_space_suits(space, run, &median->point, err);
    bt_recipe recipe;
    if (!rc)
        rc = bti_point_recipe(space, &median->point, 1, &recipe, err);
    room.batch = recipe.batch;
    if (rc || opt->budget_s <= 0 || (run->epochs && run->subset)) {
        if (!run->epochs)
            run->epochs = bt_recipe_defaults().epochs;
        bti_free(median);
        return rc;
    }
    double rate = 1;
    rc = bti_measure_speed(&rate, run, space, d, &median->point, err);
    bti_free(median);
    if (rc)
        return rc;
    room.affordable = bti_affordable_images(rate, run->jobs, seconds);
    const bti_pruner_ops *pruner;
    const char *params;
    rc = bti_pruner_find(&pruner, run->pruner, &params, err);
    if (rc)
        return rc;
    room.affordable /= pruner->cost; /* trials that end early leave time for longer ones */
    bti_fidelity f = bti_fidelity_choose(&room);
    run->epochs = f.epochs;
    if (!run->subset && f.images + (d->val.n ? 0 : f.val_images) < d->train.n)
        rc = take_subset(run, &f, d->val.n > 0, err);
    bti_note(&opt->progress,
             "a trial: %d epochs of %lld images (a median network trains %.0f images/s on one "
             "worker)",
             run->epochs, (long long)f.images, rate);
    return rc;
}

static bt_status create(bti_session *s, const bt_search_options *opt, const bti_data *d,
                        double seconds, bt_error *err)
{
    bti_space *space = NULL;
    const bti_objective *obj;
    bti_study_spec spec = {0};
    char *url = bti_run_study_url(s->dir), *name = NULL;
    bt_status rc = url ? fix_space(s, opt, d, err) : bti_fail_nomem(err);
    if (!rc)
        rc = bti_run_space(&s->run, &space, err);
    if (rc && err && opt->space_path && bti_streq(err->where, "space"))
        snprintf(err->where, sizeof(err->where), "%s", opt->space_path);
    if (!rc)
        rc = size_trials(&s->run, space, d, opt, seconds, err);
    if (rc)
        goto done;
    /* An empty study from a start that was killed keeps its name: one file, one study. */
    name = bti_strdup(s->study ? s->study->name : bti_space_name(space));
    bti_storage_close(s->study);
    s->study = NULL;
    spec.name = name;
    spec.n_objectives = bti_space_objectives(space, &obj);
    for (int i = 0; i < spec.n_objectives; i++) {
        spec.metric[i] = obj[i].metric;
        spec.maximize[i] = obj[i].maximize;
    }
    rc = name ? bti_storage_open(&s->study, url, &spec, true, err) : bti_fail_nomem(err);
    if (!rc)
        rc = bti_run_save(&s->run, s->study, err);
done:
    bti_free(name);
    bti_free(url);
    bti_space_free(space);
    return rc;
}

static bt_status differs(const char *option, const char *stored, bt_error *err)
{
    return bti_fail(err, BT_INVAL, option,
                    "this study was started with '%s': leave the option out, or use another --out",
                    stored);
}

static bt_status check_count(const char *option, int64_t given, double stored, bt_error *err)
{
    char text[32];
    if (!given || (double)given == stored)
        return BT_OK;
    snprintf(text, sizeof(text), "%.0f", stored);
    return differs(option, stored > 0 ? text : "none", err);
}

static bt_status check_limits(const bt_search_options *opt, const bti_run *r, bt_error *err)
{
    double limit[BTI_METRICS] = {0};
    bt_status rc = read_limits(limit, opt, err);
    for (int i = 0; i < BTI_METRICS && !rc; i++) {
        char option[40], stored[24] = "none";
        if (limit[i] <= 0 || limit[i] == r->limit[i])
            continue;
        snprintf(option, sizeof(option), "--%s", bti_metric_of((bti_metric)i)->option);
        if (r->limit[i] > 0)
            bti_metric_format(stored, (bti_metric)i, r->limit[i]);
        rc = differs(option, stored, err);
    }
    return rc;
}

static bt_status check_text(const char *option, const char *given, const char *stored,
                            const char *otherwise, bt_error *err)
{
    if (!given || bti_streq(given, stored ? stored : otherwise))
        return BT_OK;
    return differs(option, stored ? stored : otherwise, err);
}

/* The study keeps what `auto` came to when it began. */
static bt_status check_precision(const char *given, const char *stored, bt_error *err)
{
    return bti_streq(given, "auto") ? BT_OK : check_text("--precision", given, stored, "auto", err);
}

/* Both refusals name the way on: a new study that begins with the front of this one. */
static bt_status data_changed(const bti_session *s, const bti_run *fresh, const bti_data *d,
                              bt_error *err)
{
    const bti_run *r = &s->run;
    return bti_fail(err, BT_INVAL, s->dir,
                    "the training images have changed since this study began: %lld of %d classes "
                    "(fingerprint %.8s) then, %lld of %d (%.8s) now; go on with --from %s and "
                    "another --out",
                    (long long)r->train_images, r->classes, r->train_key ? r->train_key : "none",
                    (long long)fresh->train_images, d->classes, fresh->train_key, s->dir);
}

static bt_status space_changed(const bti_session *s, const bti_run *fresh, bt_error *err)
{
    const bti_run *r = &s->run;
    const bti_space_vars vars = {r->classes, r->size, r->channels, r->augment};
    bti_space *was = NULL, *is = NULL;
    char what[300] = "another space";
    bt_status rc = bti_space_parse(&was, r->space_text, strlen(r->space_text), "space", &vars, err);
    if (!rc)
        rc =
            bti_space_parse(&is, fresh->space_text, strlen(fresh->space_text), "space", &vars, err);
    if (!rc) {
        bti_space_difference(was, is, what, sizeof(what));
        rc = bti_fail(err, BT_INVAL, "--space",
                      "the space has changed since this study began: %s; go on with --from %s and "
                      "another --out",
                      what, s->dir);
    }
    bti_space_free(was);
    bti_space_free(is);
    return rc;
}

/* `auto` means whatever was fitted then. */
static bt_status check_space(const bti_session *s, const bt_search_options *opt, bti_run *fresh,
                             bt_error *err)
{
    const bti_run *r = &s->run;
    if (!opt->space_path || (bti_is_auto(opt->space_path) && bti_is_auto_text(r->space_text)))
        return BT_OK;
    if (bti_is_auto(opt->space_path))
        return differs("--space", "a file", err);
    bt_status rc = read_space(fresh, opt->space_path, err);
    if (!rc && !bti_streq(fresh->space_text, r->space_text))
        rc = space_changed(s, fresh, err);
    return rc;
}

/* Options that contradict what the study was started with. `fresh` holds what is the case now. */
static bt_status check_options(const bti_session *s, const bt_search_options *opt, bti_run *fresh,
                               const bti_data *d, bt_error *err)
{
    const bti_run *r = &s->run;
    if (!bti_streq(fresh->train_key, r->train_key))
        return data_changed(s, fresh, d, err);
    bt_status rc = check_count("--epochs", opt->epochs, r->epochs, err);
    if (!rc)
        rc = check_limits(opt, r, err);
    if (!rc)
        rc = check_text("--objectives", opt->objectives, r->objectives, "the space's", err);
    if (!rc)
        rc = check_count("--threads", opt->threads, r->threads, err);
    if (!rc && opt->seed && opt->seed != r->seed)
        rc = check_count("--seed", (int64_t)opt->seed, (double)r->seed, err);
    if (!rc)
        rc = check_text("--subset", opt->subset, r->subset, "all", err);
    if (!rc)
        rc = check_text("--val", opt->val, r->val, "auto", err);
    if (!rc)
        rc = check_text("--group-by", opt->data_opt.group_by, r->group_by, "none", err);
    if (!rc)
        rc = check_text("--sampler", opt->sampler, r->sampler, "portfolio", err);
    if (!rc)
        rc = check_text("--pruner", opt->pruner, r->pruner ? r->pruner : "none", "none", err);
    if (!rc)
        rc = check_text("--deploy", opt->deploy, r->deploy, "none", err);
    if (!rc)
        rc = check_text("--isa", opt->isa, r->isa, "best", err);
    if (!rc)
        rc = check_precision(opt->precision, r->precision, err);
    if (!rc)
        rc = choose_policy(fresh, opt->augment, err);
    if (!rc)
        rc = check_text("--augment", fresh->augment, r->augment, "the space's", err);
    return rc ? rc : check_space(s, opt, fresh, err);
}

/* Where the images are and how many workers there are may change between sessions. */
static bt_status go_on(bti_session *s, const bt_search_options *opt, const bti_run *fresh,
                       bt_error *err)
{
    bool ok = true;
    s->run.data = copy(&s->run, opt->data, &ok);
    s->run.cache_dir = copy(&s->run, opt->data_opt.cache_dir, &ok);
    s->run.data_dir = copy(&s->run, opt->data_opt.data_dir, &ok);
    s->run.cache_key = copy(&s->run, fresh->cache_key, &ok);
    s->run.has_test = fresh->has_test;
    if (opt->jobs)
        s->run.jobs = opt->jobs;
    return ok ? bti_run_save(&s->run, s->study, err) : bti_fail_nomem(err);
}

/* Decodes what is not decoded yet, test too: what is wrong with it must not come out at the end. Of
 * test only the number of images is kept. */
static bt_status open_data(bti_data **d, bti_session *s, const bt_search_options *opt,
                           bt_error *err)
{
    bti_test_data *test = NULL;
    bt_data_options data_opt = opt->data_opt;
    if (s->run.size)
        data_opt.size = s->run.size;
    data_opt.group_by = s->run.group_by;
    data_opt.test_share = s->run.test_share;
    bt_status rc = bti_data_open(d, opt->data, &data_opt, err);
    if (rc)
        return rc;
    s->n_train = (*d)->train.n;
    s->n_val = (*d)->val.n;
    data_opt.size = (*d)->train.h;
    if ((*d)->has_test)
        rc = bti_test_open(&test, opt->data, &data_opt, err);
    s->n_test = test ? test->set.n : 0;
    bti_test_close(test);
    if (!rc && (*d)->test_set_aside)
        bti_note(&opt->progress,
                 "no test split in %s: %lld of its %lld images are set aside as test", opt->data,
                 (long long)s->n_test, (long long)(s->n_test + s->n_train));
    return rc;
}

/* A study in the run directory. One without settings was begun and killed before its first trial;
 * then s->resumed stays false. */
static bt_status open_study(bti_session *s, bt_error *err)
{
    char *url = bti_run_study_url(s->dir);
    bt_status rc = BT_OK;
    if (!url)
        return bti_fail_nomem(err);
    if (!bti_is_file(url))
        goto done;
    rc = bti_storage_open(&s->study, url, NULL, false, err);
    if ((rc == BT_FORMAT || rc == BT_INVAL) && bti_file_size(url) <= NO_TABLES_YET) {
        rc = BT_OK; /* killed while it was made: making it goes on, or says what else it is */
        goto done;
    }
    if (!rc)
        rc = bti_run_load(&s->run, s->study, &s->resumed, err);
    if (!rc && !s->resumed)
        rc = s->study->ops->refresh(s->study, &s->trials, err);
    if (!rc && s->trials.n)
        rc = bti_fail(err, BT_INVAL, url,
                      "this study was not made by bantam search: use another --out");
done:
    bti_free(url);
    return rc;
}

static bt_status go_on_from(bti_session *s, const bt_search_options *opt, bt_error *err)
{
    bti_space *space = NULL;
    bt_status rc = bti_run_space(&s->run, &space, err);
    if (!rc)
        rc = bti_origin_enqueue(s->study, space, opt->from, s->run.seed, &opt->progress, err);
    bti_space_free(space);
    return rc;
}

/* The reader's and the sampler's errors name the setting; a person gave it as an option. */
static bt_status as_option(bt_status rc, bt_error *err)
{
    static const char *const setting[] = {"subset", "val", "sampler", "pruner", "group_by"};
    static const char *const option[] = {"--subset", "--val", "--sampler", "--pruner",
                                         "--group-by"};
    for (int i = 0; rc == BT_INVAL && err && i < 5; i++)
        if (bti_streq(err->where, setting[i]))
            snprintf(err->where, sizeof(err->where), "%s", option[i]);
    return rc;
}

bt_status bti_session_open(bti_session *s, const bt_search_options *opt, double search_share,
                           bt_error *err)
{
    bti_data *d = NULL;
    bti_run fresh = {0};
    bti_json *active = NULL;
    double began = bt_now();

    *s = (bti_session){.dir = opt->out_dir, .lock_fd = -1};
    bt_status rc = bti_run_lock(s->dir, &s->lock_fd, err);
    if (!rc)
        rc = open_study(s, err);
    if (!rc && !s->resumed)
        rc = fix_settings(&s->run, opt, err);
    if (!rc && !s->resumed && bti_is_auto(opt->space_path))
        rc = bti_fit_size(&s->fit, &s->run, opt, opt->budget_s * search_share, err);
    if (!rc)
        rc = open_data(&d, s, opt, err);
    s->decode_s = bt_now() - began;
    if (!rc)
        rc = take_fingerprint(d, s->resumed ? &fresh : &s->run, err);
    if (!rc && s->resumed)
        rc = check_options(s, opt, &fresh, d, err);
    if (!rc)
        rc = s->resumed
                 ? go_on(s, opt, &fresh, err)
                 : create(s, opt, d, (opt->budget_s - (bt_now() - began)) * search_share, err);
    if (!rc && opt->from)
        rc = go_on_from(s, opt, err);
    if (!rc)
        rc = s->study->ops->study_attr_get(s->study, false, "bantam:active_s", &active, err);
    s->active_before_s = bti_json_as_num(active, 0);
    if (!rc)
        rc = s->study->ops->refresh(s->study, &s->trials, err);
    bti_json_free(active);
    bti_run_release(&fresh);
    bti_data_close(d);
    if (rc)
        bti_session_close(s);
    return as_option(rc, err);
}

void bti_session_close(bti_session *s)
{
    bti_trials_release(&s->trials);
    bti_storage_close(s->study);
    bti_run_release(&s->run);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    *s = (bti_session){.lock_fd = -1};
}
