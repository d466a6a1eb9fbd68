/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings and control records of a run as JSON attributes of the study; its folders and lock.
 */
#include "search/run.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define RUN_KEY "bantam:run"
#define CONTROL_KEY "bantam:control"

void bti_run_release(bti_run *run)
{
    bti_arena_release(&run->arena);
    *run = (bti_run){0};
}

static void set_text(bti_json *o, const char *key, const char *text)
{
    bti_json_set(o, key, text ? bti_json_str(text) : bti_json_null());
}

static bti_json *limits_json(const bti_run *run)
{
    bti_json *o = bti_json_object();
    for (int i = 0; i < BTI_METRICS; i++)
        if (run->limit[i] > 0)
            bti_json_set_num(o, bti_metric_names()[i], run->limit[i]);
    return o;
}

bt_status bti_run_save(const bti_run *run, bti_storage *st, bt_error *err)
{
    char seed[24];
    bti_json *o = bti_json_object();
    snprintf(seed, sizeof(seed), "%llu",
             (unsigned long long)run->seed); /* JSON numbers end at 2^53 */
    set_text(o, "data", run->data);
    set_text(o, "cache_dir", run->cache_dir);
    set_text(o, "data_dir", run->data_dir);
    bti_json_set_int(o, "size", run->size);
    set_text(o, "size_why", run->size_why);
    bti_json_set_int(o, "channels", run->channels);
    bti_json_set_int(o, "classes", run->classes);
    set_text(o, "space", run->space_text);
    set_text(o, "augment", run->augment);
    set_text(o, "sampler", run->sampler);
    set_text(o, "pruner", run->pruner);
    bti_json_set_int(o, "epochs", run->epochs);
    set_text(o, "subset", run->subset);
    set_text(o, "val", run->val);
    set_text(o, "group_by", run->group_by);
    bti_json_set_num(o, "test_share", run->test_share);
    set_text(o, "seed", seed);
    bti_json_set_int(o, "jobs", run->jobs);
    bti_json_set_int(o, "threads", run->threads);
    bti_json_set(o, "limits", limits_json(run));
    set_text(o, "objectives", run->objectives);
    set_text(o, "isa", run->isa);
    set_text(o, "precision", run->precision);
    set_text(o, "deploy", run->deploy);
    set_text(o, "train_key", run->train_key);
    bti_json_set_int(o, "train_images", run->train_images);
    set_text(o, "cache_key", run->cache_key);
    bti_json_set_bool(o, "has_test", run->has_test);
    bt_status rc = st->ops->study_attr_set(st, false, RUN_KEY, o, err);
    bti_json_free(o);
    return rc;
}

/* *ok becomes false on no memory. */
static const char *get_text(bti_run *run, const bti_json *o, const char *key, bool *ok)
{
    const char *s = bti_json_as_str(bti_json_get(o, key), NULL);
    const char *copy = s ? bti_arena_strdup(&run->arena, s) : NULL;
    *ok = *ok && (copy || !s);
    return copy;
}

static bool is_complete(const bti_run *r)
{
    return r->data && r->cache_dir && r->space_text && r->epochs > 0 && r->jobs > 0 &&
           r->threads > 0 && r->size > 0 && r->channels > 0 && r->classes > 0;
}

bt_status bti_run_load(bti_run *run, bti_storage *st, bool *found, bt_error *err)
{
    bti_json *o = NULL;
    bool ok = true;
    *run = (bti_run){0};
    *found = false;
    bt_status rc = st->ops->study_attr_get(st, false, RUN_KEY, &o, err);
    if (rc || !o)
        return rc;
    run->data = get_text(run, o, "data", &ok);
    run->cache_dir = get_text(run, o, "cache_dir", &ok);
    run->data_dir = get_text(run, o, "data_dir", &ok);
    run->size = (int)bti_json_as_int(bti_json_get(o, "size"), 0);
    run->size_why = get_text(run, o, "size_why", &ok);
    run->channels = (int)bti_json_as_int(bti_json_get(o, "channels"), 0);
    run->classes = (int)bti_json_as_int(bti_json_get(o, "classes"), 0);
    run->space_text = get_text(run, o, "space", &ok);
    run->augment = get_text(run, o, "augment", &ok);
    run->sampler = get_text(run, o, "sampler", &ok);
    run->pruner = get_text(run, o, "pruner", &ok);
    run->epochs = (int)bti_json_as_int(bti_json_get(o, "epochs"), 0);
    run->subset = get_text(run, o, "subset", &ok);
    run->val = get_text(run, o, "val", &ok);
    run->group_by = get_text(run, o, "group_by", &ok);
    run->test_share = bti_json_as_num(bti_json_get(o, "test_share"), 0);
    run->seed = strtoull(bti_json_as_str(bti_json_get(o, "seed"), "0"), NULL, 10);
    run->jobs = (int)bti_json_as_int(bti_json_get(o, "jobs"), 0);
    run->threads = (int)bti_json_as_int(bti_json_get(o, "threads"), 0);
    const bti_json *limits = bti_json_get(o, "limits");
    for (int i = 0; i < BTI_METRICS; i++)
        run->limit[i] = bti_json_as_num(bti_json_get(limits, bti_metric_names()[i]), 0);
    run->objectives = get_text(run, o, "objectives", &ok);
    run->isa = get_text(run, o, "isa", &ok);
    run->precision = get_text(run, o, "precision", &ok);
    run->deploy = get_text(run, o, "deploy", &ok);
    run->train_key = get_text(run, o, "train_key", &ok);
    run->train_images = bti_json_as_int(bti_json_get(o, "train_images"), 0);
    run->cache_key = get_text(run, o, "cache_key", &ok);
    run->has_test = bti_json_as_bool(bti_json_get(o, "has_test"), false);
    bti_json_free(o);
    if (ok && !run->precision)
        run->precision = "f32"; /* a study from before there was a choice */
    if (!ok)
        rc = bti_fail_nomem(err);
    else if (!is_complete(run))
        rc = bti_fail(err, BT_FORMAT, RUN_KEY,
                      "the study's settings are incomplete: it was not made by bantam search");
    if (rc)
        bti_run_release(run);
    *found = !rc;
    return rc;
}

bti_precision bti_run_precision(const bti_run *run)
{
    return bti_streq(run->precision, "bf16") ? BTI_PRECISION_BF16 : BTI_PRECISION_F32;
}

bti_deploy bti_run_deploy(const bti_run *run)
{
    return bti_streq(run->deploy, "int8")  ? BTI_DEPLOY_INT8
           : bti_streq(run->deploy, "f32") ? BTI_DEPLOY_F32
                                           : BTI_DEPLOY_NONE;
}

bt_data_options bti_run_data_options(const bti_run *run)
{
    bt_data_options opt = bt_data_defaults();
    opt.cache_dir = run->cache_dir;
    opt.data_dir = run->data_dir;
    opt.size = run->size;
    opt.program = bti_self_path();
    opt.group_by = run->group_by;
    opt.test_share = run->test_share;
    return opt;
}

bt_status bti_run_space(const bti_run *run, bti_space **out, bt_error *err)
{
    bti_space_vars vars = {run->classes, run->size, run->channels, run->augment};
    *out = NULL;
    bt_status rc =
        bti_space_parse(out, run->space_text, strlen(run->space_text), "space", &vars, err);
    for (int i = 0; i < BTI_METRICS && !rc; i++)
        bti_space_limit(*out, (bti_metric)i, run->limit[i]);
    if (!rc && run->objectives)
        rc = bti_space_set_objectives(*out, run->objectives, err);
    if (rc) {
        bti_space_free(*out);
        *out = NULL;
    }
    return rc;
}

bool bti_run_trained(const bti_trial *t)
{
    return bti_json_as_num(bti_json_get(t->attrs, "images_per_s"), -1) >= 0;
}

bt_status bti_run_own_trials(const bti_trials *all, bti_trials *out)
{
    *out = (bti_trials){.trial = bti_array((size_t)all->n + 1, sizeof(bti_trial)),
                        .goals = all->goals};
    if (!out->trial)
        return BT_NOMEM;
    for (int i = 0; i < all->n; i++)
        if (bti_run_trained(&all->trial[i]))
            out->trial[out->n++] = all->trial[i];
    return BT_OK;
}

static int open_lock(const char *dir)
{
    char *path = bti_path_join(dir, "work/lock");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
    bti_free(path);
    return fd;
}

bt_status bti_lock_file(const char *path, int *fd, bt_error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0)
        return bti_fail_errno(err, path, "cannot open the lock");
    if (!fcntl(*fd, F_OFD_SETLK, &whole))
        return BT_OK;
    bt_status rc =
        errno == EAGAIN || errno == EACCES
            ? bti_fail(err, BT_BUSY, path, "another bantam search is working in this directory")
            : bti_fail_errno(err, path, "cannot lock");
    close(*fd);
    *fd = -1;
    return rc;
}

bt_status bti_run_lock(const char *dir, int *fd, bt_error *err)
{
    static const char *const folder[] = {"work/trials", "models"};
    bt_status rc = BT_OK;
    *fd = -1;
    for (int i = 0; i < 2 && !rc; i++) {
        char *path = bti_path_join(dir, folder[i]);
        rc = path ? bti_make_dirs(path, err) : bti_fail_nomem(err);
        bti_free(path);
    }
    if (rc)
        return rc;
    char *path = bti_path_join(dir, "work/lock");
    rc = path ? bti_lock_file(path, fd, err) : bti_fail_nomem(err);
    bti_free(path);
    return rc;
}

bool bti_run_supervised(const char *dir)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open_lock(dir);
    if (fd < 0)
        return false;
    bool held = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    close(fd);
    return held;
}

char *bti_run_trial_dir(const char *dir, int number)
{
    char rel[48];
    snprintf(rel, sizeof(rel), "work/trials/%05d", number);
    return bti_path_join(dir, rel);
}

char *bti_run_study_url(const char *dir)
{
    return bti_path_join(dir, "study.db");
}

char *bti_run_final_url(const char *dir)
{
    return bti_path_join(dir, "work/final.db");
}

static const char *const phase_names[] = {"search", "final", "stop"};

bt_status bti_control_save(const bti_control *c, bti_storage *st, bt_error *err)
{
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "phase", phase_names[c->phase]);
    bti_json_set_num(o, "until", c->until_utc);
    bti_json_set_int(o, "max_trials", c->max_trials);
    bti_json_set_int(o, "round", c->round);
    bti_json_set_num(o, "deadline", c->deadline_utc);
    bt_status rc = st->ops->study_attr_set(st, false, CONTROL_KEY, o, err);
    bti_json_free(o);
    return rc;
}

bt_status bti_control_load(bti_control *c, bti_storage *st, bt_error *err)
{
    bti_json *o = NULL;
    *c = (bti_control){.phase = BTI_PHASE_STOP}; /* no record: nothing is to be done */
    bt_status rc = st->ops->study_attr_get(st, false, CONTROL_KEY, &o, err);
    if (rc || !o)
        return rc;
    const char *name = bti_json_as_str(bti_json_get(o, "phase"), "stop");
    for (int i = 0; i < 3; i++)
        if (bti_streq(name, phase_names[i]))
            c->phase = (bti_phase)i;
    c->until_utc = bti_json_as_num(bti_json_get(o, "until"), 0);
    c->max_trials = (int)bti_json_as_int(bti_json_get(o, "max_trials"), 0);
    c->round = (int)bti_json_as_int(bti_json_get(o, "round"), 0);
    c->deadline_utc = bti_json_as_num(bti_json_get(o, "deadline"), 0);
    bti_json_free(o);
    return BT_OK;
}
