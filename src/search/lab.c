/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a run for work: everything that stays over many trials.
 */
#include "search/lab.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/process.h"

static bt_status open_images(bti_lab *lab, const bt_progress *progress, bt_error *err)
{
    bt_data_options opt = bt_data_defaults();
    opt.cache_dir = lab->run.cache_dir;
    opt.data_dir = lab->run.data_dir;
    opt.size = lab->run.size;
    opt.program = bti_self_path();
    if (progress)
        opt.progress = *progress;
    bt_status rc = bti_data_open(&lab->data, lab->run.data, &opt, err);
    if (!rc)
        rc = bti_data_split(lab->data, lab->run.subset, lab->run.val, lab->run.seed, &lab->train,
                            &lab->val, err);
    return rc;
}

bt_status bti_lab_open(bti_lab *lab, const char *dir, const char *worker,
                       const bt_progress *progress, bt_error *err)
{
    bool found = false;
    char *url = bti_run_study_url(dir);

    *lab = (bti_lab){.dir = dir, .worker = worker};
    bt_status rc = url ? bti_storage_open(&lab->study, url, NULL, false, err) : bti_fail_nomem(err);
    if (!rc)
        rc = bti_run_load(&lab->run, lab->study, &found, err);
    if (!rc && !found)
        rc = bti_fail(err, BT_FORMAT, dir,
                      "the study holds no settings: start it with bantam search");
    bti_isa isa;
    if (!rc && lab->run.isa && bti_isa_parse(lab->run.isa, &isa) == 0)
        bti_cpu_cap_isa(isa);
    if (!rc)
        rc = bti_run_space(&lab->run, &lab->space, err);
    if (!rc)
        rc = open_images(lab, progress, err);
    bti_free(url);
    if (rc)
        bti_lab_close(lab);
    return rc;
}

void bti_lab_close(bti_lab *lab)
{
    bti_trials_release(&lab->trials);
    bti_view_release(&lab->train);
    bti_view_release(&lab->val);
    bti_data_close(lab->data);
    bti_space_free(lab->space);
    bti_storage_close(lab->study);
    bti_run_release(&lab->run);
    *lab = (bti_lab){0};
}

bt_status bti_point_recipe(const bti_space *space, const bti_point *p, int epochs, bt_recipe *out,
                           bt_error *err)
{
    bti_arena arena = {0};
    bti_settings settings;

    *out = bt_recipe_defaults();
    bt_status rc = bti_space_settings(space, p, &settings, &arena, err);
    for (int i = 0; !rc && i < settings.n; i++) {
        const bti_setting *s = &settings.set[i];
        rc = bt_recipe_set(out, s->key, s->value, "space", 0, err);
    }
    out->epochs = epochs;
    bti_arena_release(&arena);
    return rc;
}

bti_job bti_lab_job(const bti_lab *lab, const bti_graph *g, const bt_recipe *recipe, int number)
{
    bti_job job = bti_job_defaults();
    job.graph = g;
    memcpy(job.mean, lab->data->mean, sizeof(job.mean));
    memcpy(job.std, lab->data->std, sizeof(job.std));
    job.recipe = *recipe;
    job.seed = bti_seed_mix(lab->run.seed, (uint64_t)number);
    job.threads = lab->run.threads;
    return job;
}

void bti_trial_point(const bti_space *space, const bti_trial *t, bti_point *out)
{
    bti_space_restore(space, (const char *const *)t->param_name, t->param_value, t->n_params, out);
}

bti_model_meta bti_lab_meta(const bti_data *d)
{
    bti_model_meta m = {.class_names = d->class_names,
                        .classes = d->classes,
                        .c = d->train.c,
                        .h = d->train.h,
                        .w = d->train.w};
    memcpy(m.mean, d->mean, sizeof(m.mean));
    memcpy(m.std, d->std, sizeof(m.std));
    snprintf(m.resize_rule, sizeof(m.resize_rule), "%s", d->resize_rule);
    return m;
}
