/* SPDX-License-Identifier: Apache-2.0
 *
 * Images, network and trainings of a policy search. Trained networks are kept as model folders, so
 * that a search or a verification that was stopped goes on without training them again.
 */
#include "search/policy_lab.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "search/lab.h"
#include "train/recipe.h"

#include <unistd.h>

bt_policy_options bt_policy_defaults(void)
{
    return (bt_policy_options){.data_opt = bt_data_defaults(),
                               .recipe = bt_recipe_defaults(),
                               .folds = 5,
                               .seeds = 3,
                               .precision = "auto"};
}

/* policy.yaml -> policy, policy.work with a lock in it. */
static bt_status open_work(bti_policy_lab *lab, bt_error *err)
{
    const char *out = lab->opt->out_path;
    bti_str path = {0};
    size_t n = strlen(out);

    if (!bti_has_suffix_nocase(out, ".yaml") || n == strlen(".yaml"))
        return bti_fail(err, BT_INVAL, "--out", "'%s': a policy file ends in .yaml", out);
    bti_str_addn(&path, out, n - strlen(".yaml"));
    lab->stem = bti_str_take(&path);
    bti_str_addf(&path, "%s.work", lab->stem ? lab->stem : "");
    lab->work = bti_str_take(&path);
    if (!lab->stem || !lab->work)
        return bti_fail_nomem(err);
    bt_status rc = bti_make_dirs(lab->work, err);
    char *lock = bti_path_join(lab->work, "lock");
    if (!rc)
        rc = lock ? bti_lock_file(lock, &lab->lock, err) : bti_fail_nomem(err);
    bti_free(lock);
    return rc;
}

static bt_status check_options(bti_policy_lab *lab, bt_error *err)
{
    const bt_policy_options *o = lab->opt;

    if (!o->model_path || !o->data || !o->out_path)
        return bti_fail(err, BT_INVAL, NULL, "a model file, data and a policy file are needed");
    bt_status rc = bti_recipe_check(&o->recipe, err);
    if (!rc)
        rc = bti_precision_parse(&lab->precision, o->precision, err);
    lab->precision = bti_net_precision(lab->precision);
    lab->threads = o->threads > 0 ? o->threads : bti_cpu_count();
    return rc;
}

bt_status bti_policy_lab_open(bti_policy_lab *lab, const bt_policy_options *opt, bt_error *err)
{
    *lab = (bti_policy_lab){.opt = opt, .lock = -1};
    bt_status rc = check_options(lab, err);
    if (!rc)
        rc = open_work(lab, err);
    if (rc)
        bti_policy_lab_close(lab);
    return rc;
}

bt_status bti_policy_lab_load(bti_policy_lab *lab, double deadline_s, bt_error *err)
{
    const bt_policy_options *o = lab->opt;
    bt_data_options data = o->data_opt;

    data.stop.deadline_s = deadline_s;
    bt_status rc = bti_data_open(&lab->data, o->data, &data, err);
    if (!rc)
        rc = bti_model_read(&lab->graph, &lab->yaml, o->model_path, lab->data, &o->progress, err);
    if (!rc)
        rc = bti_data_split(lab->data, o->subset, o->val, o->seed, &lab->train, &lab->val, err);
    return rc;
}

void bti_policy_lab_close(bti_policy_lab *lab)
{
    bti_view_release(&lab->train);
    bti_view_release(&lab->val);
    bti_graph_free(lab->graph);
    bti_data_close(lab->data);
    bti_free(lab->yaml);
    bti_free(lab->stem);
    bti_free(lab->work);
    if (lab->lock >= 0)
        close(lab->lock);
    *lab = (bti_policy_lab){.lock = -1};
}

bt_status bti_policy_job(bti_job *job, const bti_policy_lab *lab, const char *augment,
                         uint64_t seed, bt_error *err)
{
    *job = bti_job_defaults();
    job->graph = lab->graph;
    memcpy(job->mean, lab->data->mean, sizeof(job->mean));
    memcpy(job->std, lab->data->std, sizeof(job->std));
    job->recipe = lab->opt->recipe;
    job->seed = seed;
    job->threads = lab->threads;
    job->ahead = -1;
    job->precision = lab->precision;
    return bt_recipe_set(&job->recipe, "augment", augment, NULL, 0, err);
}

/* ---- trained networks on disk ---- */

bti_json *bti_policy_mark(const bti_policy_lab *lab, const char *augment, uint64_t seed)
{
    bt_recipe recipe = lab->opt->recipe;
    bti_json *o = bti_json_object(), *r = NULL;

    snprintf(recipe.augment, sizeof(recipe.augment), "%s", augment);
    r = bti_recipe_json(&recipe);
    bti_json_set_str(o, "model", lab->graph->hash);
    bti_json_set_str(o, "data", lab->data->fingerprint);
    bti_json_set(o, "train_images", bti_json_int(lab->train.n));
    bti_json_set(o, "val_images", bti_json_int(lab->val.n));
    bti_json_set(o, "seed", bti_json_int((int64_t)seed));
    bti_json_set_str(o, "precision", bti_precision_name(lab->precision));
    bti_json_set(o, "recipe", r);
    return o;
}

bt_status bti_policy_keep(const bti_policy_lab *lab, const char *name, const float *weights,
                          bti_json *result, bt_error *err)
{
    char *dir = bti_path_join(lab->work, name);
    const bti_model_meta meta = bti_lab_meta(lab->data);
    bt_status rc = dir ? bti_make_dirs(dir, err) : bti_fail_nomem(err);

    if (!rc)
        rc = bti_model_save(dir, lab->yaml, lab->graph, weights, &meta, result, err);
    bti_free(dir);
    return rc;
}

static bool same_value(const bti_json *a, const bti_json *b)
{
    char *x = bti_json_text(a, 0), *y = bti_json_text(b, 0);
    bool same = x && y && bti_streq(x, y);
    bti_free(x);
    bti_free(y);
    return same;
}

const char *bti_policy_differs(const bti_json *o, const bti_json *like)
{
    const char *key;
    const bti_json *value;
    for (size_t i = 0; bti_json_pair(like, i, &key, &value); i++)
        if (!same_value(bti_json_get(o, key), value))
            return key;
    return NULL;
}

bt_status bti_policy_kept(const bti_policy_lab *lab, const char *name, const bti_json *like,
                          float **weights, bti_json **result, bt_error *err)
{
    bti_graph *graph = NULL;
    bti_model_meta meta = {0};
    bti_json *known = NULL;
    char *dir = bti_path_join(lab->work, name),
         *path = dir ? bti_path_join(dir, "result.json") : NULL;

    *weights = NULL;
    *result = NULL;
    if (!path) {
        bti_free(dir);
        return bti_fail_nomem(err);
    }
    /* What cannot be read, or belongs to something else, is trained again. */
    if (bti_is_file(path) && bti_model_load(dir, &graph, weights, &meta, &known, NULL) == BT_OK) {
        if (bti_policy_differs(known, like)) {
            bti_json_free(known);
            bti_free(*weights);
            *weights = NULL;
        } else {
            *result = known;
        }
        bti_graph_free(graph);
        bti_model_meta_release(&meta);
    }
    bti_free(path);
    bti_free(dir);
    return BT_OK;
}

/* ---- policy texts ---- */

bt_status bti_policy_plain(char **out, const bti_policy *p, bt_error *err)
{
    bti_policy *plain;
    bt_status rc = bti_policy_standard(&plain, p, err);

    *out = NULL;
    if (rc)
        return rc;
    *out = bti_policy_text(plain);
    bti_policy_free(plain);
    return *out ? BT_OK : bti_fail_nomem(err);
}

char *bti_policy_plus(const char *plain, const char *more)
{
    bti_str text = {0};
    bti_str_addf(&text, "%s%s%s", bti_streq(plain, "none") ? "" : plain,
                 bti_streq(plain, "none") ? "" : "+", more);
    return bti_str_take(&text);
}
