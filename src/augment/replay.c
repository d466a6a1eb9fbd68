/* SPDX-License-Identifier: Apache-2.0
 *
 * Replay: any image of any epoch as training sees it, alone. Nothing is recorded for this: the
 * random numbers are addressed by (seed, epoch, image).
 */
#include "augment/view.h"

#include "base/error.h"

bt_status bti_augment_view_open(bti_augment_view *v, const bt_augment_view *opt, bt_error *err)
{
    bti_pipeline_options pipeline = {.seed = opt->seed, .threads = 1};

    *v = (bti_augment_view){0};
    bt_status rc = bti_data_open(&v->data, opt->data, &opt->data_opt, err);
    if (!rc)
        rc = bti_data_split(v->data, opt->subset, opt->val, opt->seed, &v->train, &v->val, err);
    if (!rc)
        rc = bti_policy_parse(&v->policy, opt->policy ? opt->policy : "flip+crop:4", err);
    if (!rc) {
        pipeline.policy = v->policy;
        memcpy(pipeline.mean, v->data->mean, sizeof(pipeline.mean));
        memcpy(pipeline.std, v->data->std, sizeof(pipeline.std));
        pipeline.partners = v->train.index;
        pipeline.n_partners = v->train.n;
        rc = bti_pipeline_new(&v->pipeline, &v->data->train, &pipeline, err);
    }
    if (rc)
        bti_augment_view_close(v);
    return rc;
}

void bti_augment_view_close(bti_augment_view *v)
{
    bti_pipeline_free(v->pipeline);
    bti_policy_free(v->policy);
    bti_view_release(&v->train);
    bti_view_release(&v->val);
    bti_data_close(v->data);
    *v = (bti_augment_view){0};
}

bt_status bti_pipeline_write(bti_pipeline *p, const bti_dataset *set, int64_t id, int epoch,
                             int copy, const char *out_png, bt_error *err)
{
    bti_image im;

    if (id < 0 || id >= set->n)
        return bti_fail(err, BT_INVAL, "augment show",
                        "image %lld: the training split has images 0 to %lld", (long long)id,
                        (long long)set->n - 1);
    if (epoch < 0)
        return bti_fail(err, BT_INVAL, "augment show", "epoch %d: epochs count from 0", epoch);
    if (copy < 0)
        return bti_fail(err, BT_INVAL, "augment show", "copy %d: copies count from 0", copy);
    bt_status rc = bti_image_new(&im, set->w, set->h, set->c, err);
    if (rc)
        return rc;
    bti_pipeline_show(p, (uint32_t)epoch, (int32_t)id, copy, im.px);
    rc = bti_image_write_png(&im, out_png, err);
    bti_image_release(&im);
    return rc;
}

bt_status bt_augment_show(const bt_augment_view *view, const char *out_png, bt_error *err)
{
    bti_augment_view v;
    bt_status rc = bti_augment_view_open(&v, view, err);

    if (rc)
        return rc;
    rc = bti_pipeline_write(v.pipeline, &v.data->train, view->id, view->epoch, view->copy, out_png,
                            err);
    bti_augment_view_close(&v);
    return rc;
}
