/* SPDX-License-Identifier: Apache-2.0
 *
 * SGD with momentum as torch.optim.SGD: weight decay is added to the gradient of every parameter,
 * the momentum buffer starts as the first gradient (zero state gives just that), no dampening.
 */
#include "train/optimizer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

/* Floats a task: short arrays stay on one thread. */
#define GRAIN 16384

/* p, g and m do not overlap. The arithmetic per element does not depend on the chunk. */
static void sgd_chunk(float *restrict p, const float *restrict g, float *restrict m, int64_t n,
                      float lr, float momentum, float decay, bool nesterov)
{
    if (nesterov) {
        for (int64_t i = 0; i < n; i++) {
            float d = g[i] + decay * p[i];
            m[i] = momentum * m[i] + d;
            p[i] -= lr * (d + momentum * m[i]);
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        m[i] = momentum * m[i] + (g[i] + decay * p[i]);
        p[i] -= lr * m[i];
    }
}

static void sgd_step(bti_optimizer *o, double lr)
{
    int64_t n = o->flat.n, chunks = (n + GRAIN - 1) / GRAIN;
    float rate = (float)lr;

#pragma omp parallel for num_threads(o->threads) if (chunks > 1 && o->threads > 1) schedule(static)
    for (int64_t c = 0; c < chunks; c++) {
        int64_t at = c * GRAIN, len = n - at < GRAIN ? n - at : GRAIN;
        sgd_chunk(o->flat.param + at, o->flat.grad + at, o->state[0] + at, len, rate, o->momentum,
                  o->weight_decay, o->nesterov);
    }
}

static const bti_optimizer_ops optimizers[] = {
    {"sgd", 1, sgd_step},
};
#define N_OPTIMIZERS (sizeof(optimizers) / sizeof(optimizers[0]))

bt_status bti_optimizer_find(const bti_optimizer_ops **out, const char *name, bt_error *err)
{
    bti_str list = {0};

    *out = NULL;
    for (size_t i = 0; i < N_OPTIMIZERS; i++) {
        if (bti_streq(optimizers[i].name, name)) {
            *out = &optimizers[i];
            bti_str_release(&list);
            return BT_OK;
        }
        bti_str_addf(&list, "%s%s", i ? ", " : "", optimizers[i].name);
    }
    bt_status rc = bti_fail(err, BT_INVAL, NULL, "unknown optimizer '%s', expected %s", name,
                            bti_str_c(&list));
    bti_str_release(&list);
    return rc;
}

bt_status bti_optimizer_init(bti_optimizer *o, const bt_recipe *recipe, bti_flat flat, int threads,
                             bt_error *err)
{
    *o = (bti_optimizer){.flat = flat,
                         .momentum = (float)recipe->momentum,
                         .weight_decay = (float)recipe->weight_decay,
                         .nesterov = recipe->nesterov,
                         .threads = threads};
    bt_status rc = bti_optimizer_find(&o->ops, recipe->optimizer, err);
    for (int i = 0; !rc && i < o->ops->n_states; i++) {
        o->state[i] = bti_aligned_calloc((size_t)flat.n, sizeof(float));
        if (!o->state[i])
            rc = bti_fail_nomem(err);
    }
    if (rc)
        bti_optimizer_release(o);
    return rc;
}

void bti_optimizer_release(bti_optimizer *o)
{
    for (int i = 0; i < BTI_OPTIMIZER_STATES; i++)
        bti_aligned_free(o->state[i]);
    *o = (bti_optimizer){0};
}

void bti_optimizer_step(bti_optimizer *o, double lr)
{
    o->ops->step(o, lr);
    o->steps++;
}
