/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_eval_int8(): the accuracy that an int8 export has on its device, by the same kernels.
 */
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
    bti_free(e.arena);
    bti_free(e.logits);
    bti_deployable_close(&d);
    return rc;
}
