/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a session. Settings that shape results (data, space, sizes, seed, threads) are fixed when
 * a study starts and stored in it; an existing study goes on with its own and refuses options that
 * contradict them.
 */
#include "search/setup.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "search/calibrate.h"
#include "search/shipped.h"
#include "study/sampler.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/file.h>
#include <unistd.h>

static bt_status lock_dir(bti_session *s, bt_error *err)
{
    char *work = bti_run_path(s->dir, "work/trials");
    char *models = bti_run_path(s->dir, "models");
    char *path = bti_run_path(s->dir, "work/lock");
    bt_status rc = work && models && path ? bti_make_dirs(work, err) : bti_fail_nomem(err);
    if (!rc)
        rc = bti_make_dirs(models, err);
    if (!rc) {
        s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (s->lock_fd < 0)
            rc = bti_fail_errno(err, path, "cannot open the lock");
        else if (flock(s->lock_fd, LOCK_EX | LOCK_NB))
            rc = bti_fail(err, BT_BUSY, s->dir,
                          "another bantam search is working in this directory");
    }
    bti_free(work);
    bti_free(models);
    bti_free(path);
    return rc;
}

static bt_status hash_train(const bti_data *d, bti_run *run, bt_error *err)
{
    bti_hash h = {0};
    char hex[BTI_HASH_HEX];
    const bti_dataset *set[2] = {&d->train, &d->val};
    if (bti_hash_init(&h))
        return bti_fail_nomem(err);
    for (int i = 0; i < 2; i++) {
        bti_hash_add(&h, set[i]->pixels, (size_t)set[i]->n * set[i]->h * set[i]->w * set[i]->c);
        bti_hash_add(&h, set[i]->labels, (size_t)set[i]->n * sizeof(int32_t));
    }
    bti_hash_hex(&h, hex);
    bti_hash_release(&h);
    run->train_key = bti_arena_strdup(&run->arena, hex);
    return run->train_key ? BT_OK : bti_fail_nomem(err);
}

/* The shipped space of this name, NULL if there is none. */
static const char *shipped(const char *name)
{
    for (const bti_shipped *s = bti_shipped_spaces; s->name; s++)
        if (bti_streq(s->name, name))
            return s->text;
    return NULL;
}

/* --space FILE or a shipped name; without it fashion7 for small grey images, else brief. */
static bt_status choose_space(bti_run *run, const char *given, const bti_data *d, bt_error *err)
{
    const char *name = given ? given : d->train.c == 1 && d->train.h == 28 ? "fashion7" : "brief";
    const char *text = shipped(name);
    if (text) {
        run->space_text = bti_arena_strdup(&run->arena, text);
    } else {
        char *file;
        size_t n;
        bt_status rc = bti_file_read(name, 1 << 20, &file, &n, err);
        if (rc)
            return rc;
        run->space_text = bti_arena_strdup(&run->arena, file);
        bti_free(file);
    }
    return run->space_text ? BT_OK : bti_fail_nomem(err);
}

static bt_status fix_settings(bti_run *run, const bt_search_options *opt, const bti_data *d,
                              bt_error *err)
{
    int cores = bti_cpu_count();
    run->data = bti_arena_strdup(&run->arena, opt->data);
    run->cache_dir = bti_arena_strdup(&run->arena, opt->data_opt.cache_dir);
    run->sampler = bti_arena_strdup(&run->arena, opt->sampler ? opt->sampler : "evolution");
    run->val = opt->val ? bti_arena_strdup(&run->arena, opt->val) : NULL;
    run->subset = opt->subset ? bti_arena_strdup(&run->arena, opt->subset) : NULL;
    run->isa = opt->isa ? bti_arena_strdup(&run->arena, opt->isa) : NULL;
    run->size = d->train.h;
    run->channels = d->train.c;
    run->classes = d->classes;
    run->seed = opt->seed;
    run->jobs = opt->jobs ? opt->jobs : cores;
    run->threads = opt->threads ? opt->threads : cores / run->jobs > 1 ? cores / run->jobs : 1;
    run->max_params = (double)opt->max_params;
    run->max_macs = (double)opt->max_macs;
    run->epochs = opt->epochs;
    const bti_sampler_ops *sampler;
    const char *params;
    bt_status rc = bti_sampler_find(&sampler, run->sampler, &params, err);
    bti_isa isa;
    if (!rc && run->isa && bti_isa_parse(run->isa, &isa))
        rc = bti_fail(err, BT_INVAL, "--isa",
                      "'%s': expected portable, avx2, avx512 or avx512_bf16", run->isa);
    else if (!rc && run->isa)
        bti_cpu_cap_isa(isa);
    return rc ? rc : choose_space(run, opt->space_path, d, err);
}

/* Epochs and images of a trial, where the options leave them open. */
static bt_status size_trials(bti_session *s, const bti_space *space, const bti_data *d,
                             const bt_search_options *opt, double seconds, bt_error *err)
{
    bti_run *run = &s->run;
    if (run->epochs && (run->subset || !opt->budget_s))
        return BT_OK;
    bti_fidelity f;
    char text[96];
    bt_status rc = bti_calibrate(&f, run, space, d, seconds > 0 ? seconds : 3600, err);
    if (rc)
        return rc;
    run->epochs = f.epochs;
    if (!run->subset && opt->budget_s > 0 && f.images + f.val_images < d->train.n) {
        bool folder = d->val.n > 0; /* the validation images are not taken from train */
        snprintf(text, sizeof(text), "%lld",
                 (long long)(f.images + (folder || run->val ? 0 : f.val_images)));
        run->subset = bti_arena_strdup(&run->arena, text);
        snprintf(text, sizeof(text), "%lld", (long long)f.val_images);
        if (!folder && !run->val)
            run->val = bti_arena_strdup(&run->arena, text);
    }
    bti_note(
        &opt->progress,
        "a trial: %d epochs of %lld images (a median network trains %.0f images/s on one worker)",
        run->epochs, (long long)f.images, f.images_per_s);
    return BT_OK;
}

static bt_status create(bti_session *s, const bt_search_options *opt, const bti_data *d,
                        double seconds, bt_error *err)
{
    bti_space *space = NULL;
    bt_status rc = fix_settings(&s->run, opt, d, err);
    if (!rc)
        rc = bti_run_space(&s->run, &space, err);
    if (!rc)
        rc = size_trials(s, space, d, opt, seconds, err);
    if (!rc) { /* the split must be possible before anything is started */
        bti_view train = {0}, val = {0};
        rc = bti_data_split(d, s->run.subset, s->run.val, s->run.seed, &train, &val, err);
        if (!rc && !val.n)
            rc =
                bti_fail(err, BT_INVAL, "--val", "a search needs validation images; 0 leaves none");
        bti_view_release(&train);
        bti_view_release(&val);
    }
    if (!rc) {
        const bti_objective *obj;
        bti_study_spec spec = {.name = bti_space_name(space)};
        spec.n_objectives = bti_space_objectives(space, &obj);
        for (int i = 0; i < spec.n_objectives; i++) {
            spec.metric[i] = obj[i].metric;
            spec.maximize[i] = obj[i].maximize;
        }
        char *url = bti_run_study_url(s->dir);
        rc = url ? bti_storage_open(&s->study, url, &spec, true, err) : bti_fail_nomem(err);
        bti_free(url);
    }
    if (!rc)
        rc = bti_run_save(&s->run, s->study, err);
    bti_space_free(space);
    return rc;
}

/* Options that contradict what the study was started with. */
static bt_status check_options(const bti_session *s, const bt_search_options *opt,
                               const char *train_key, bt_error *err)
{
    const bti_run *r = &s->run;
    if (!bti_streq(train_key, r->train_key))
        return bti_fail(
            err, BT_INVAL, s->dir,
            "the training images have changed since this study began: use another --out");
    if (opt->epochs && opt->epochs != r->epochs)
        return bti_fail(err, BT_INVAL, "--epochs", "this study trains %d epochs a trial",
                        r->epochs);
    if (opt->max_params && (double)opt->max_params != r->max_params)
        return bti_fail(err, BT_INVAL, "--max-params", "this study was started with %.0f",
                        r->max_params);
    if (opt->max_macs && (double)opt->max_macs != r->max_macs)
        return bti_fail(err, BT_INVAL, "--max-macs", "this study was started with %.0f",
                        r->max_macs);
    if (opt->subset && !bti_streq(opt->subset, r->subset ? r->subset : ""))
        return bti_fail(err, BT_INVAL, "--subset", "this study was started with '%s'",
                        r->subset ? r->subset : "all");
    return BT_OK;
}

static bt_status open_data(bti_data **d, const bti_session *s, const bt_search_options *opt,
                           bt_error *err)
{
    bt_data_options data_opt = opt->data_opt;
    if (s->resumed)
        data_opt.size = s->run.size;
    return bti_data_open(d, opt->data, &data_opt, err);
}

/* A study without settings: begun and killed before its first trial, or somebody else's. */
static bt_status discard_empty(bti_session *s, const char *url, bt_error *err)
{
    bt_status rc = s->study->ops->refresh(s->study, &s->trials, err);
    if (!rc && s->trials.n)
        rc = bti_fail(err, BT_INVAL, url,
                      "this study was not made by bantam search: use another --out");
    bti_storage_close(s->study);
    s->study = NULL;
    return rc;
}

bt_status bti_session_open(bti_session *s, const bt_search_options *opt, double search_share,
                           bt_error *err)
{
    bti_data *d = NULL;
    bti_run fresh = {0};
    double began = bt_now();

    *s = (bti_session){.dir = opt->out_dir, .lock_fd = -1};
    char *url = bti_run_study_url(s->dir);
    bt_status rc = url ? lock_dir(s, err) : bti_fail_nomem(err);
    if (!rc && bti_is_file(url)) {
        rc = bti_storage_open(&s->study, url, NULL, false, err);
        if (!rc)
            rc = bti_run_load(&s->run, s->study, &s->resumed, err);
        if (!rc && !s->resumed)
            rc = discard_empty(s, url, err);
    }
    if (!rc)
        rc = open_data(&d, s, opt, err);
    s->decode_s = bt_now() - began;
    if (!rc)
        rc = hash_train(d, s->resumed ? &fresh : &s->run, err);
    if (!rc && s->resumed)
        rc = check_options(s, opt, fresh.train_key, err);
    else if (!rc)
        rc = create(s, opt, d, (opt->budget_s - s->decode_s) * search_share, err);
    if (!rc) {
        bti_json *v = NULL;
        s->n_train = d->train.n;
        s->n_val = d->val.n;
        s->n_test =
            d->has_test ? d->train.n / 5 : 0; /* for time reserves; the split itself stays closed */
        rc = s->study->ops->study_attr_get(s->study, false, "bantam:active_s", &v, err);
        s->active_before_s = bti_json_as_num(v, 0);
        bti_json_free(v);
    }
    bti_run_release(&fresh);
    bti_data_close(d);
    bti_free(url);
    if (rc)
        bti_session_close(s);
    return rc;
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
