/* SPDX-License-Identifier: Apache-2.0
 *
 * gamma (W x - mean) / sqrt(var + eps) + beta = (scale W) x + (beta - mean scale): with running
 * statistics a normalisation costs nothing but another set of weights.
 */
#include "nn/kernels/dnnl/fold.h"

#include "base/alloc.h"

/* The convolution keeps its place among the operations: what it adds must stand before it. */
static bool own_takes(const bti_engine *e, int conv_op, int residual, bti_act act,
                      bti_simd_join join)
{
    const bool can_add = residual >= 0 && e->value[residual].op < conv_op &&
                         join == BTI_JOIN_ACT_ADD && act != BTI_ACT_HARDSWISH;
    return bti_simd_tail_takes(act) && (residual < 0 || can_add);
}

/* oneDNN needs a place for the shift, and no slower code for it. */
static bool dnnl_takes(const bti_engine *e, bti_conv_shape *shape, int residual, bti_act act)
{
    bti_conv_shape folded = *shape;
    folded.bias = true;
    folded.act = act;
    if (residual >= 0 || !bti_conv_acts(act) ||
        bti_conv_is_slow(e->context, e->simd, &folded, false))
        return false;
    *shape = folded;
    return true;
}

bool bti_fold_norm(bti_engine *e, int norm, int residual, bti_act act, bti_simd_join join)
{
    bti_norm *n = &e->norm[norm];
    const int maker = e->value[n->value].op;
    bti_fused *op = maker < 0 ? NULL : &e->op[maker];
    if (e->opt.training || !op || op->kind != BTI_FUSED_CONV || op->norm >= 0)
        return false;
    bti_conv_shape *shape = &e->conv[op->conv].shape;
    const bool takes = bti_conv_makes_sums(shape) ? own_takes(e, maker, residual, act, join)
                                                  : dnnl_takes(e, shape, residual, act);
    if (!takes)
        return false;
    op->norm = norm;
    op->in[1] = residual;
    op->act = act;
    n->op = maker;
    return true;
}

bt_status bti_fold_init(bti_engine *e, bt_error *err)
{
    bool any = false;
    for (int i = 0; i < e->n_ops; i++) {
        const bti_fused *op = &e->op[i];
        if (op->kind != BTI_FUSED_CONV || op->norm < 0)
            continue;
        const int channels = e->norm[op->norm].channels;
        e->conv[op->conv].shift = bti_aligned_calloc((size_t)channels, sizeof(float));
        if (!e->conv[op->conv].shift)
            return bti_fail_nomem(err);
        e->state_floats += channels;
        any = true;
    }
    e->read = any ? bti_aligned_calloc((size_t)e->n_flat + 16, sizeof(float)) : e->param;
    return e->read ? BT_OK : bti_fail_nomem(err);
}

void bti_fold_release(bti_engine *e)
{
    if (e->read != e->param)
        bti_aligned_free(e->read);
}

static void fold(bti_engine *e, const bti_fused *op)
{
    const bti_norm *n = &e->norm[op->norm];
    const bti_slot *slot = &e->slot[op->weight];
    const bti_tensor *t = &e->graph->tensor[op->weight];
    const int64_t each = t->size / t->dim[0]; /* weights of one output channel */
    const float *beta = e->param + e->slot[n->tensor_beta].offset;
    const float *bias = op->bias < 0 ? NULL : e->param + e->slot[op->bias].offset;
    float *shift = e->conv[op->conv].shift;
    for (int64_t k = 0; k < t->size; k++)
        e->read[slot->offset + slot->pos[k]] *= n->scale[k / each];
    for (int c = 0; c < t->dim[0]; c++)
        shift[c] = beta[c] + ((bias ? bias[c] : 0) - n->mean[c]) * n->scale[c];
}

void bti_fold_weights(bti_engine *e)
{
    if (e->read == e->param)
        return;
    memcpy(e->read, e->param, (size_t)e->n_flat * sizeof(float));
    for (int i = 0; i < e->n_ops; i++)
        if (e->op[i].kind == BTI_FUSED_CONV && e->op[i].norm >= 0)
            fold(e, &e->op[i]);
}

const bti_simd_tail *bti_fold_tail(const bti_run *r, const bti_step *s, bti_simd_tail *tail)
{
    const bti_fused *op = &r->e->op[s->op];
    *tail = (bti_simd_tail){.act = op->act,
                            .shift = r->e->conv[op->conv].shift,
                            .r = op->in[1] < 0 ? NULL : bti_run_at(r, s->b[1])};
    return tail;
}
