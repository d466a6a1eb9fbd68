/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_eval_int8(): the accuracy that an int8 export has on its device, by the same kernels.
 */
#include "export/eval_int8.h"

#include "bantam/export.h"
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "export/load.h"

typedef struct engine {
    const bti_quantised *quant;
    int8_t *arena, *logits; /* of each thread */
} engine;

static void run(void *ctx, int thread, const uint8_t *image, float *logits)
{
    const engine *e = ctx;
    const bti_folded *f = e->quant->net;
    const bti_scale *s = &e->quant->op[f->n_ops - 1].out;
    int8_t *q = e->logits + (int64_t)thread * f->classes;

    bti_run_s8(e->quant, image, e->arena + thread * f->arena, q);
    for (int c = 0; c < f->classes; c++)
        logits[c] = (float)(s->scale * (q[c] - s->zero));
}

static void engine_release(engine *e)
{
    bti_free(e->arena);
    bti_free(e->logits);
}

/* Release in any case. */
static bt_status engine_init(engine *e, const bti_quantised *q, int threads, bt_error *err)
{
    const size_t t = (size_t)threads;
    *e = (engine){.quant = q,
                  .arena = bti_array(t, (size_t)(q->net->arena > 0 ? q->net->arena : 1)),
                  .logits = bti_array(t, (size_t)q->net->classes)};
    return e->arena && e->logits ? BT_OK : bti_fail_nomem(err);
}

bt_status bt_eval_int8(char **json, const bt_eval_options *opt, const bt_quant_options *quant,
                       bt_error *err)
{
    const int threads = opt->threads > 0 ? opt->threads : bti_cpu_count();
    bt_quant_options q = *quant;
    bti_deployable d;
    engine e = {0};

    *json = NULL;
    if (!q.calibrate)
        q.calibrate = opt->data;
    bt_status rc = bti_deployable_open(&d, opt->model_dir, true, &q, err);
    if (rc)
        return rc;
    rc = engine_init(&e, d.int8.quant, threads, err);
    if (!rc) {
        const bti_predictor by = {.run = run, .ctx = &e, .threads = threads};
        rc = bti_eval_by(json, opt, &by, err);
    }
    engine_release(&e);
    bti_deployable_close(&d);
    return rc;
}

/* ---- on open images ---- */

/* *f and *quant are yours on success. */
static bt_status quantise(bti_folded **f, bti_quantised **quant, const bti_int8_subject *s,
                          bt_error *err)
{
    bti_folded *copy = NULL;
    bti_images images = {0};
    bti_chosen chosen = {0};
    float *want = NULL;

    bt_status rc = bti_fold(f, s->graph, s->weights, s->mean, s->std, err);
    if (!rc)
        rc = bti_fold(&copy, s->graph, s->weights, s->mean, s->std, err);
    if (!rc)
        rc = bti_images_take(&images, s->calibration, s->images, err);
    if (!rc)
        rc = bti_folded_logits(&want, *f, &images, s->threads, err);
    if (!rc)
        rc = bti_quantise_best(&chosen, *f, copy, &images, want, "auto", s->threads, err);
    *quant = chosen.quant;
    bti_free(want);
    bti_images_release(&images);
    bti_folded_free(copy);
    if (rc) {
        bti_folded_free(*f);
        *f = NULL;
    }
    return rc;
}

bt_status bti_int8_score(bti_score *out, const bti_int8_subject *s, const bti_view *view,
                         double *eval_s, bt_error *err)
{
    bti_folded *f = NULL;
    bti_quantised *quant = NULL;
    engine e = {0};

    *out = (bti_score){0};
    bt_status rc = quantise(&f, &quant, s, err);
    const double began = bt_now();
    if (!rc)
        rc = engine_init(&e, quant, s->threads, err);
    if (!rc) {
        const bti_predictor by = {.run = run, .ctx = &e, .threads = s->threads};
        rc = bti_evaluate_by(out, s->graph, &by, view, err);
    }
    if (eval_s)
        *eval_s = bt_now() - began;
    engine_release(&e);
    bti_quantised_free(quant);
    bti_folded_free(f);
    return rc;
}
