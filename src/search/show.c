/* SPDX-License-Identifier: Apache-2.0
 *
 * Replay of a trial's images: its policy, seed and training part come from the study.
 */
#include "augment/view.h"
#include "base/alloc.h"
#include "base/error.h"
#include "search/lab.h"

static bt_status show(bti_lab *lab, int number, int64_t id, int epoch, int copy,
                      const char *out_png, bt_error *err)
{
    bti_pipeline *pipeline = NULL;
    bti_policy *policy = NULL;
    bt_recipe recipe;
    const bti_trial *t = bti_trials_number(&lab->trials, number);

    if (!t)
        return bti_fail(err, BT_INVAL, lab->dir, "the study has no trial %d", number);
    bti_point *point = bti_calloc(1, sizeof(*point));
    if (!point)
        return bti_fail_nomem(err);
    bti_trial_point(lab->space, t, point);
    bt_status rc = bti_point_recipe(lab->space, point, lab->run.epochs, &recipe, err);
    bti_free(point);
    if (!rc && epoch >= recipe.epochs)
        rc = bti_fail(err, BT_INVAL, lab->dir, "epoch %d: trial %d has epochs 0 to %d", epoch,
                      number, recipe.epochs - 1);
    if (!rc)
        rc = bti_policy_parse(&policy, recipe.augment, err);
    if (!rc) {
        bti_job job = bti_lab_job(lab, NULL, &recipe, number);
        bti_pipeline_options opt = {.policy = policy,
                                    .seed = job.seed,
                                    .threads = 1,
                                    .partners = lab->train.index,
                                    .n_partners = lab->train.n};
        memcpy(opt.mean, job.mean, sizeof(opt.mean));
        memcpy(opt.std, job.std, sizeof(opt.std));
        rc = bti_pipeline_new(&pipeline, lab->train.set, &opt, err);
    }
    if (!rc)
        bti_pipeline_set_standard(pipeline, epoch >= recipe.epochs - recipe.no_aug_epochs);
    if (!rc)
        rc = bti_pipeline_write(pipeline, lab->train.set, id, epoch, copy, out_png, err);
    bti_pipeline_free(pipeline);
    bti_policy_free(policy);
    return rc;
}

bt_status bt_search_show(const char *run_dir, int trial, int64_t id, int epoch, int copy,
                         const char *out_png, bt_error *err)
{
    bti_lab lab;
    bt_status rc = bti_lab_open(&lab, run_dir, "show", NULL, err);

    if (rc)
        return rc;
    rc = lab.study->ops->refresh(lab.study, &lab.trials, err);
    if (!rc)
        rc = show(&lab, trial, id, epoch, copy, out_png, err);
    bti_lab_close(&lab);
    return rc;
}
