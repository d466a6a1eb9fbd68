/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain tensors and their places in the flat arrays. Each trained tensor has a list of positions,
 * so set, get and gradients are the same loop whatever layout oneDNN chose.
 */
#include "nn/kernels/dnnl/params.h"

#include "base/alloc.h"

static int64_t align16(int64_t floats)
{
    return (floats + 15) & ~(int64_t)15;
}

/* Position of plain weight (o, i, tap) in the convolution's own plain (G, O/G, I/G, k, k), where G
 * counts merged groups and channels are padded. */
static int64_t widened(const bti_conv_state *c, const bti_node *n, int64_t per_group, int64_t o,
                       int64_t i, int64_t tap)
{
    const bti_conv_shape *s = &c->shape;
    const int64_t group = o / (n->c / n->groups), wide = group / c->merged;
    const int64_t out = o - wide * c->merged * (n->c / n->groups);
    const int64_t in = group % c->merged * per_group + i;
    return ((wide * (s->oc / s->groups) + out) * (s->ic / s->groups) + in) * n->k * n->k + tap;
}

static bt_status conv_slot(bti_engine *e, const bti_fused *op, bti_slot *slot, bt_error *err)
{
    const bti_conv_state *c = &e->conv[op->conv];
    const bti_conv_shape *s = &c->shape;
    const int64_t taps = (int64_t)op->node->k * op->node->k;
    const int64_t wide = (int64_t)s->oc * (s->ic / s->groups) * taps;
    const bti_tensor *t = &e->graph->tensor[op->weight];
    int32_t *kernel = bti_array((size_t)wide, sizeof(*kernel));
    bt_status rc = kernel ? bti_conv_positions(c->conv, kernel, err) : bti_fail_nomem(err);

    slot->n = bti_conv_weights(c->conv);
    slot->pos = rc ? NULL : bti_array((size_t)t->size, sizeof(*slot->pos));
    if (!rc && !slot->pos)
        rc = bti_fail_nomem(err);
    const int64_t per_group = t->dim[1];
    for (int64_t k = 0; !rc && k < t->size; k++)
        slot->pos[k] = kernel[widened(c, op->node, per_group, k / (per_group * taps),
                                      k / taps % per_group, k % taps)];
    if (!rc && c->merged > 1) {
        slot->mask = bti_aligned_calloc((size_t)slot->n, sizeof(float));
        if (!slot->mask)
            rc = bti_fail_nomem(err);
        for (int64_t k = 0; !rc && k < t->size; k++)
            slot->mask[slot->pos[k]] = 1;
    }
    bti_free(kernel);
    return rc;
}

/* (out, in) becomes (in, out), both padded. Of a convolution of one pixel only one tap meets the
 * pixel; the weights of the others wait behind the matrix, where their gradient stays zero. */
static bt_status linear_slot(bti_engine *e, const bti_fused *op, bti_slot *slot, bt_error *err)
{
    const bti_tensor *t = &e->graph->tensor[op->weight];
    const bti_node *n = op->node;
    const int64_t in = t->dim[1], taps = t->size / ((int64_t)t->dim[0] * in);
    const int64_t live = taps > 1 ? (int64_t)n->pad_t * n->k + n->pad_l : 0;
    const int64_t wide_out = (int64_t)e->value[op->out].cb * e->simd->lanes;
    slot->n = (int64_t)e->value[op->in[0]].cb * e->simd->lanes * wide_out;
    slot->pos = bti_array((size_t)t->size, sizeof(*slot->pos));
    if (!slot->pos)
        return bti_fail_nomem(err);
    for (int64_t k = 0; k < t->size; k++) {
        const int64_t i = k / taps % in, o = k / taps / in;
        slot->pos[k] = (int32_t)(k % taps == live ? i * wide_out + o : slot->n++);
    }
    return BT_OK;
}

static bool trained(const bti_tensor *t)
{
    return t->kind != BTI_TENSOR_MEAN && t->kind != BTI_TENSOR_VAR;
}

static bt_status fill_slots(bti_engine *e, bt_error *err)
{
    for (int t = 0; t < e->graph->n_tensors; t++)
        e->slot[t] = (bti_slot){.offset = -1, .n = align16(e->graph->tensor[t].size)};
    for (int i = 0; i < e->n_ops; i++) {
        const bti_fused *op = &e->op[i];
        bt_status rc = BT_OK;
        if (op->kind == BTI_FUSED_CONV)
            rc = conv_slot(e, op, &e->slot[op->weight], err);
        else if (op->kind == BTI_FUSED_LINEAR)
            rc = linear_slot(e, op, &e->slot[op->weight], err);
        if (rc)
            return rc;
    }
    for (int t = 0; t < e->graph->n_tensors; t++)
        if (trained(&e->graph->tensor[t])) {
            e->slot[t].offset = e->n_flat;
            e->n_flat += align16(e->slot[t].n);
        }
    return BT_OK;
}

bt_status bti_engine_params(bti_engine *e, bt_error *err)
{
    e->slot = bti_calloc((size_t)e->graph->n_tensors + 1, sizeof(*e->slot));
    if (!e->slot)
        return bti_fail_nomem(err);
    const bt_status rc = fill_slots(e, err);
    if (rc)
        return rc;
    e->param = bti_aligned_calloc((size_t)e->n_flat + 16, sizeof(float));
    e->thread_grad = bti_calloc((size_t)e->opt.threads, sizeof(*e->thread_grad));
    if (!e->param || !e->thread_grad)
        return bti_fail_nomem(err);
    for (int t = 0; e->opt.training && t < e->opt.threads; t++) {
        e->thread_grad[t] = bti_aligned_calloc((size_t)e->n_flat + 16, sizeof(float));
        if (!e->thread_grad[t])
            return bti_fail_nomem(err);
    }
    e->grad = e->thread_grad[0];
    return BT_OK;
}

void bti_engine_params_free(bti_engine *e)
{
    for (int t = 0; e->slot && t < e->graph->n_tensors; t++) {
        bti_free(e->slot[t].pos);
        bti_aligned_free(e->slot[t].mask);
    }
    for (int t = 0; e->thread_grad && t < e->opt.threads; t++)
        bti_aligned_free(e->thread_grad[t]);
    bti_free(e->thread_grad);
    bti_aligned_free(e->param);
    bti_free(e->slot);
}

/* The running statistics' own arrays; NULL for a trained tensor. */
static float *running(const bti_engine *e, int tensor)
{
    for (int i = 0; i < e->n_norms; i++) {
        if (e->norm[i].tensor_mean == tensor)
            return e->norm[i].running_mean;
        if (e->norm[i].tensor_var == tensor)
            return e->norm[i].running_var;
    }
    return NULL;
}

void bti_engine_set(bti_engine *e, const float *plain)
{
    for (int t = 0; t < e->graph->n_tensors; t++) {
        const bti_tensor *tensor = &e->graph->tensor[t];
        const bti_slot *slot = &e->slot[t];
        const float *from = plain + tensor->offset;
        float *to = slot->offset < 0 ? running(e, t) : e->param + slot->offset;
        for (int64_t k = 0; to && k < tensor->size; k++)
            to[slot->pos ? slot->pos[k] : k] = from[k];
    }
}

void bti_engine_get(const bti_engine *e, const float *flat, bool with_running, float *plain)
{
    for (int t = 0; t < e->graph->n_tensors; t++) {
        const bti_tensor *tensor = &e->graph->tensor[t];
        const bti_slot *slot = &e->slot[t];
        float *to = plain + tensor->offset;
        const float *from = flat + slot->offset;
        if (slot->offset < 0)
            from = with_running ? running(e, t) : NULL;
        for (int64_t k = 0; k < tensor->size; k++)
            to[k] = from ? from[slot->pos ? slot->pos[k] : k] : 0;
    }
}
