/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_train: data, model and split from what the user said; one job; a model directory.
 */
#include "bantam/train.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "train/recipe.h"
#include "train/trainer.h"

#define LARGEST_MODEL ((size_t)4 << 20)
#define CHECKPOINT "checkpoint.safetensors"

typedef struct session {
    const bt_train_options *opt;
    int threads;
    bti_precision precision; /* F32 or BF16 */
    bti_data *data;
    bti_view train, val;
    char *yaml;
    bti_graph *graph;
    char *checkpoint; /* path, NULL without out_dir */
} session;

bt_train_options bt_train_defaults(void)
{
    return (bt_train_options){.data_opt = bt_data_defaults(),
                              .recipe = bt_recipe_defaults(),
                              .precision = "auto",
                              .ahead = -1};
}

static void session_close(session *s)
{
    bti_free(s->checkpoint);
    bti_graph_free(s->graph);
    bti_free(s->yaml);
    bti_view_release(&s->train);
    bti_view_release(&s->val);
    bti_data_close(s->data);
}

bt_status bti_model_read(bti_graph **g, char **yaml, const char *path, const bti_data *data,
                         const bt_progress *progress, bt_error *err)
{
    const bti_dataset *set = &data->train;
    bti_arena arena = {0};
    bti_rows rows;
    size_t n;

    bt_status rc = bti_file_read(path, LARGEST_MODEL, yaml, &n, err);
    if (!rc)
        rc = bti_rows_parse(&rows, &arena, *yaml, n, path, progress, err);
    if (!rc)
        rc = bti_graph_build(g, &rows, set->c, set->h, set->w, err);
    if (!rc && (*g)->classes != data->classes)
        rc = bti_fail(err, BT_INVAL, path, "has %d outputs but the data has %d classes",
                      (*g)->classes, data->classes);
    bti_arena_release(&arena);
    return rc;
}

static bt_status session_open(session *s, bt_error *err)
{
    const bt_train_options *o = s->opt;

    if (!o->model_path || !o->data)
        return bti_fail(err, BT_INVAL, NULL, "a model file and data are needed");
    bt_status rc = bti_recipe_check(&o->recipe, err);
    if (!rc)
        rc = bti_precision_parse(&s->precision, o->precision, err);
    s->precision = bti_net_precision(s->precision);
    if (!rc)
        rc = bti_data_open(&s->data, o->data, &o->data_opt, err);
    if (!rc)
        rc = bti_model_read(&s->graph, &s->yaml, o->model_path, s->data, &o->progress, err);
    if (!rc)
        rc = bti_data_split(s->data, o->subset, o->val, o->seed, &s->train, &s->val, err);
    if (!rc && o->out_dir) {
        rc = bti_make_dirs(o->out_dir, err);
        s->checkpoint = bti_path_join(o->out_dir, CHECKPOINT);
        if (!rc && !s->checkpoint)
            rc = bti_fail_nomem(err);
    }
    if (!rc && o->resume && !o->out_dir)
        rc = bti_fail(err, BT_INVAL, NULL, "going on needs the output folder of the training");
    if (!rc && o->resume && !bti_is_file(s->checkpoint))
        bti_note(&o->progress, "no checkpoint in %s: training starts from the beginning",
                 o->out_dir);
    return rc;
}

static bti_job make_job(const session *s)
{
    bti_job job = bti_job_defaults();

    job.graph = s->graph;
    job.train = &s->train;
    job.val = &s->val;
    memcpy(job.mean, s->data->mean, sizeof(job.mean));
    memcpy(job.std, s->data->std, sizeof(job.std));
    job.recipe = s->opt->recipe;
    job.seed = s->opt->seed;
    job.threads = s->threads;
    job.precision = s->precision;
    job.ahead = s->opt->ahead;
    job.checkpoint = s->checkpoint;
    job.resume = s->opt->resume;
    job.stop = s->opt->stop;
    job.progress = s->opt->progress;
    return job;
}

static bti_json *split_json(const bt_train_options *o)
{
    bti_json *split = bti_json_object();
    bti_json_set(split, "subset", bti_json_str(o->subset));
    bti_json_set_str(split, "val", o->val ? o->val : "auto");
    bti_json_set(split, "seed", bti_json_int((int64_t)o->seed));
    bti_json_set(split, "group_by",
                 o->data_opt.group_by ? bti_json_str(o->data_opt.group_by) : bti_json_null());
    return split;
}

static bti_json *result_json(const session *s, const bti_outcome *o)
{
    const bt_train_options *opt = s->opt;
    bti_json *r = bti_json_object();

    bti_json_set_str(r, "model", opt->model_path);
    bti_json_set_int(r, "params", s->graph->params);
    bti_json_set_int(r, "macs", s->graph->macs);
    bti_json_set_str(r, "hash", s->graph->hash);
    bti_json_set_str(r, "data", s->data->name);
    bti_json_set_str(r, "data_key", s->data->key);
    bti_json_set(r, "split", split_json(opt));
    bti_json_set_int(r, "train_images", s->train.n);
    bti_json_set_int(r, "val_images", s->val.n);
    bti_json_set(r, "recipe", bti_recipe_json(&opt->recipe));
    bti_json_set(r, "seed", bti_json_int((int64_t)opt->seed));
    bti_json_set_int(r, "threads", s->threads);
    bti_json_set_str(r, "isa", bti_isa_name(bti_cpu_isa()));
    bti_json_set_str(r, "precision", bti_precision_name(s->precision));
    bti_json_set_int(r, "epochs", o->epochs_done);
    bti_json_set_num(r, "loss", o->loss);
    bti_json_set(r, "val_accuracy",
                 o->val_accuracy < 0 ? bti_json_null() : bti_json_num(o->val_accuracy));
    bti_json_set(r, "test_accuracy", bti_json_null()); /* `bantam eval --split test` reads test */
    bti_json_set_num(r, "images_per_s", o->images_per_s);
    bti_json_set_num(r, "seconds", o->prior_s + o->train_s + o->eval_s);
    bti_json_set(r, "curve", bti_json_copy(o->curve));
    return r;
}

static bt_status write_model(const session *s, const bti_outcome *o, const bti_json *result,
                             bt_error *err)
{
    const bti_data *d = s->data;
    bti_model_meta meta = {.class_names = d->class_names,
                           .classes = d->classes,
                           .c = d->train.c,
                           .h = d->train.h,
                           .w = d->train.w};

    memcpy(meta.mean, d->mean, sizeof(meta.mean));
    memcpy(meta.std, d->std, sizeof(meta.std));
    snprintf(meta.resize_rule, sizeof(meta.resize_rule), "%s", d->resize_rule);
    bt_status rc =
        bti_model_save(s->opt->out_dir, s->yaml, s->graph, o->weights, &meta, result, err);
    if (!rc)
        rc = bti_remove_tree(s->checkpoint, err);
    return rc;
}

/* Being stopped, said with what can be done about it. */
static bt_status stopped(const session *s, const bti_outcome *o, bt_error *err)
{
    const bt_recipe *r = &s->opt->recipe;
    if (!s->checkpoint)
        return bti_fail(err, BT_STOPPED, NULL,
                        "stopped after %d of %d epochs; without an output folder nothing was kept",
                        o->epochs_done, r->epochs);
    return bti_fail(err, BT_STOPPED, s->opt->out_dir,
                    "stopped after %d of %d epochs; the checkpoint is saved, the same command with "
                    "--resume goes on",
                    o->epochs_done, r->epochs);
}

bt_status bt_train(char **json, const bt_train_options *opt, bt_error *err)
{
    session s = {.opt = opt};
    bti_outcome outcome = {0};
    bti_json *result = NULL;
    bt_status rc;

    if (json)
        *json = NULL;
    s.threads = opt->threads > 0 ? opt->threads : bti_cpu_count();
    rc = session_open(&s, err);
    if (rc)
        goto done;
    bti_job job = make_job(&s);
    rc = bti_train_job(&outcome, &job, err);
    if (rc == BT_STOPPED)
        rc = stopped(&s, &outcome, err);
    if (rc)
        goto done;
    result = result_json(&s, &outcome);
    if (opt->out_dir)
        rc = write_model(&s, &outcome, result, err);
    if (!rc && json) {
        *json = bti_json_text(result, 0);
        if (!*json)
            rc = bti_fail_nomem(err);
    }
done:
    bti_json_free(result);
    bti_outcome_release(&outcome);
    session_close(&s);
    return rc;
}
