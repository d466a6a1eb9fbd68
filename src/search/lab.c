/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a run for work: everything that stays over many trials.
 */
#include "search/lab.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"

static bt_status open_images(bti_lab *lab, const bt_progress *progress, bt_error *err)
{
    bt_data_options opt = bti_run_data_options(&lab->run);
    if (progress)
        opt.progress = *progress;
    const bti_run *run = &lab->run;
    bt_status rc = BT_EMPTY;
    /* The supervisor looked at every file when the session began: what it found is what a trial is
     * to see. Groups come from the names of files. */
    if (run->cache_key && !run->group_by)
        rc = bti_data_open_entry(&lab->data, run->data, run->cache_key, &opt, NULL);
    if (!rc)
        lab->data->has_test = run->has_test;
    else
        rc = bti_data_open(&lab->data, run->data, &opt, err);
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
    bti_slab_release(&lab->maps);
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

int bti_lab_ahead(int cores, int jobs, int threads)
{
    int left = cores / jobs - threads;
    return left < 0 ? 0 : left < threads ? left : threads;
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
    job.precision = bti_run_precision(&lab->run);
    job.ahead = bti_lab_ahead(bti_cpu_count(), lab->run.jobs, lab->run.threads);
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
