/* SPDX-License-Identifier: Apache-2.0
 *
 * From a model directory to a folded network that was compared with the engine that trained it,
 * and its int8 version.
 */
#include "export/load.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

#define MADE_IMAGES 32
#define TOLERANCE 1e-4 /* of the largest logit */

static int threads_of(const bt_quant_options *quant)
{
    return quant->threads > 0 ? quant->threads : bti_cpu_count();
}

static bt_status prove(bti_deployable *d, const char *dir, int threads, bt_error *err)
{
    float *engine = NULL;
    bt_status rc = bti_folded_logits(&d->logits, d->net, &d->images, threads, err);
    if (!rc)
        rc = bti_engine_logits(&engine, d->graph, d->weights, &d->meta, &d->images, threads, err);
    if (!rc) {
        d->difference = bti_difference(d->logits, engine, (int64_t)d->images.n * d->net->classes);
        if (!(d->difference <= TOLERANCE))
            rc = bti_fail(err, BT_NOSUPP, dir,
                          "its exported form would differ by %.2g of the largest logit, more than "
                          "%g: not exported",
                          d->difference, TOLERANCE);
    }
    bti_free(engine);
    return rc;
}

/* Of the data that the model was trained on: the same images are its test split here. */
static bt_status open_images(bti_deployable *d, bool int8, const bt_quant_options *quant,
                             bt_error *err)
{
    const bti_json *split = bti_json_get(d->result, "split");
    const char *spec = quant->calibrate;
    bt_data_options opt = quant->data_opt;
    if (!spec && int8)
        spec = bti_json_as_str(bti_json_get(d->result, "data"), NULL);
    if (!spec && int8)
        return bti_fail(err, BT_INVAL, "calibrate",
                        "result.json does not say what the model was trained on: int8 needs images "
                        "to calibrate on, as in DATA:500");
    if (!spec)
        return bti_images_make(&d->images, MADE_IMAGES, &d->meta, err);
    opt.group_by = bti_json_as_str(bti_json_get(split, "group_by"), NULL);
    opt.test_share = bti_json_as_num(bti_json_get(split, "test_share"), 0);
    return bti_images_open(&d->images, spec, &d->meta, &opt, err);
}

static bt_status quantise(bti_deployable *d, const bt_quant_options *quant, bt_error *err)
{
    bti_folded *copy;
    bt_status rc = bti_fold(&copy, d->graph, d->weights, d->meta.mean, d->meta.std, err);
    if (!rc)
        rc = bti_quantise_best(&d->int8, d->net, copy, &d->images, d->logits, quant->calibration,
                               threads_of(quant), err);
    bti_folded_free(copy);
    return rc;
}

bt_status bti_deployable_check(const char *dtype, bt_error *err)
{
    if (bti_streq(dtype, "int8") || bti_streq(dtype, "f32"))
        return BT_OK;
    return bti_fail(err, BT_INVAL, "dtype", "'%s' is not f32 or int8", dtype ? dtype : "");
}

bt_status bti_deployable_open(bti_deployable *d, const char *model_dir, bool int8,
                              const bt_quant_options *quant, bt_error *err)
{
    *d = (bti_deployable){0};
    bt_status rc = bti_model_load(model_dir, &d->graph, &d->weights, &d->meta, &d->result, err);
    if (!rc)
        rc = bti_fold(&d->net, d->graph, d->weights, d->meta.mean, d->meta.std, err);
    if (!rc)
        rc = open_images(d, int8, quant, err);
    if (!rc)
        rc = prove(d, model_dir, threads_of(quant), err);
    if (!rc && int8)
        rc = quantise(d, quant, err);
    if (rc)
        bti_deployable_close(d);
    return rc;
}

void bti_deployable_report(bti_json *o, const bti_deployable *d)
{
    const bool int8 = d->int8.quant != NULL;
    bti_json_set_int(o, "images", d->images.n);
    bti_json_set_num(o, "difference", int8 ? d->int8.difference : d->difference);
    if (!int8)
        return;
    bti_json_set_str(o, "calibration", bti_range_names[d->int8.rule]);
    bti_json_set_bool(o, "equalised", d->int8.equalised);
    bti_json_set_num(o, "agreement", d->int8.agreement);
}

void bti_deployable_close(bti_deployable *d)
{
    bti_quantised_free(d->int8.quant);
    bti_free(d->logits);
    bti_images_release(&d->images);
    bti_folded_free(d->net);
    bti_json_free(d->result);
    bti_model_meta_release(&d->meta);
    bti_free(d->weights);
    bti_graph_free(d->graph);
    *d = (bti_deployable){0};
}
