/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of the inference engine: builds a net (all that can fail) and walks its steps.
 */
#include "nn/kernels/infer/infer_backend.h"
#include "nn/kernels/infer/infer_net.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/process.h"

#include <assert.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

static bti_infer_net *infer_of(bti_net *net)
{
    return (bti_infer_net *)(void *)net;
}

static const bti_infer_net *const_infer_of(const bti_net *net)
{
    return (const bti_infer_net *)(const void *)net;
}

static const bti_infer_kernels *kernels_for(bti_isa isa)
{
    switch (isa) {
    case BTI_ISA_AVX512:
    case BTI_ISA_AVX512_BF16:
        return &bti_infer_kernels_avx512;
    case BTI_ISA_AVX2:
        return &bti_infer_kernels_avx2;
    default:
        return &bti_infer_kernels_portable;
    }
}

/* ---- running ---- */

static void run_step(const bti_infer_net *e, const bti_infer_step *s, float *arena,
                     const float *image)
{
    const bti_infer_kernels *k = e->k;
    const bti_infer_value *out = &e->value[s->out];
    const bti_infer_value *in = s->in >= 0 ? &e->value[s->in] : NULL;
    const bti_infer_value *other = s->other >= 0 ? &e->value[s->other] : NULL;
    const float *x = in ? arena + in->start + in->origin : NULL;
    const float *r = other ? arena + other->start + other->origin : NULL;
    const float *w = e->weight + s->weight, *bias = e->weight + s->bias;
    float *y = arena + out->start + out->origin;

    if (out->border.top | out->border.left | out->border.bottom | out->border.right)
        k->edge(&out->map, &out->border, y);
    switch (s->kind) {
    case BTI_INFER_PACK:
        k->pack(&out->map, image, y);
        break;
    case BTI_INFER_CONV:
        k->conv(&s->conv, x, w, bias, r, y);
        break;
    case BTI_INFER_DEPTHWISE:
        k->depthwise(&s->window, x, w, bias, y);
        break;
    case BTI_INFER_MAXPOOL:
        k->maxpool(&s->window, x, y);
        break;
    case BTI_INFER_AVGPOOL:
        k->avgpool(&s->window, x, y);
        break;
    case BTI_INFER_MEAN:
        k->mean(&in->map, &out->map, x, y);
        break;
    case BTI_INFER_POINTWISE: {
        const bool scale = s->node->kind == BTI_NODE_SCALE;
        k->pointwise(&in->map, other ? &other->map : NULL, &out->map, s->act, x, scale ? NULL : r,
                     scale ? r : NULL, y);
        break;
    }
    case BTI_INFER_SOFTMAX:
        k->softmax(&in->map, &out->map, x, y);
        break;
    case BTI_INFER_FLATTEN:
        k->flatten(&in->map, x, y);
        break;
    case BTI_INFER_KINDS:
        break;
    }
}

static void run_image(bti_infer_net *e, int image, float *arena)
{
    const bti_graph *g = e->graph;
    const float *x = e->input + (int64_t)image * g->in_c * g->in_h * g->in_w;
    for (int i = 0; i < e->n_steps; i++) {
        const double began = e->step_s ? bti_thread_cpu_seconds() : 0;
        run_step(e, &e->step[i], arena, x);
        if (e->step_s)
            e->step_s[i] += bti_thread_cpu_seconds() - began;
    }
    const bti_infer_value *v = &e->value[e->result];
    if (g->classes) /* else it ends in a map: run for its time alone */
        e->k->flatten(&v->map, arena + v->start + v->origin,
                      e->logits + (int64_t)image * g->classes);
}

/* A net that is measured runs on one thread. */
static void forward(bti_net *net, bool training)
{
    bti_infer_net *e = infer_of(net);
    const int n = e->opt.batch;
    (void)training;
    if (n == 1 || e->opt.threads == 1 || e->step_s) {
        for (int i = 0; i < n; i++)
            run_image(e, i, e->arena[0]);
        return;
    }
#pragma omp parallel for num_threads(e->opt.threads) schedule(static)
    for (int i = 0; i < n; i++)
        run_image(e, i, e->arena[omp_get_thread_num()]);
}

static void backward(bti_net *net)
{
    (void)net;
    assert(false && "an inference net has no gradients");
}

/* ---- building ---- */

static void free_infer(bti_infer_net *e)
{
    if (!e)
        return;
    for (int t = 0; e->arena && t < e->opt.threads; t++)
        bti_aligned_free(e->arena[t]);
    bti_free(e->arena);
    bti_aligned_free(e->weight);
    bti_aligned_free(e->input);
    bti_aligned_free(e->logits);
    bti_free(e->plain);
    bti_free(e->step_s);
    bti_free(e->value);
    bti_free(e->step);
    bti_arena_release(&e->memory);
    bti_free(e);
}

static size_t image_floats(const bti_infer_net *e)
{
    return (size_t)e->graph->in_c * (size_t)e->graph->in_h * (size_t)e->graph->in_w;
}

static bt_status make_memory(bti_infer_net *e, bt_error *err)
{
    const bti_graph *g = e->graph;
    const size_t batch = (size_t)e->opt.batch;
    e->plain = bti_calloc((size_t)g->n_floats, sizeof(float));
    e->weight = bti_aligned_calloc((size_t)e->n_weight, sizeof(float));
    e->input = bti_aligned_calloc(batch * image_floats(e), sizeof(float));
    e->logits = bti_aligned_calloc(batch * (size_t)g->classes, sizeof(float));
    e->arena = bti_calloc((size_t)e->opt.threads, sizeof(*e->arena));
    if (!e->plain || !e->weight || !e->input || !e->logits || !e->arena)
        return bti_fail_nomem(err);
    for (int t = 0; t < e->opt.threads; t++)
        if (!(e->arena[t] = bti_aligned_calloc((size_t)e->arena_floats, sizeof(float))))
            return bti_fail_nomem(err);
    for (int t = 0; t < g->n_tensors; t++)
        for (int64_t i = 0; g->tensor[t].kind == BTI_TENSOR_VAR && i < g->tensor[t].size; i++)
            e->plain[g->tensor[t].offset + i] = 1;
    bti_infer_fold(e);
    return BT_OK;
}

static bt_status new_net(bti_net **out, const bti_graph *g, const bti_net_options *opt,
                         bt_error *err)
{
    *out = NULL;
    if (opt->training)
        return bti_fail(err, BT_NOSUPP, "backend", "the inference engine cannot train");
    bti_infer_net *e = bti_calloc(1, sizeof(*e));
    if (!e)
        return bti_fail_nomem(err);
    e->graph = g;
    e->opt = *opt;
    e->k = kernels_for(bti_cpu_isa());
    snprintf(e->name, sizeof(e->name), "inference %s", bti_simd_for(bti_cpu_isa())->name);
    bt_status rc = bti_infer_lower(e, err);
    if (!rc)
        rc = bti_infer_place(e, err);
    if (!rc)
        rc = make_memory(e, err);
    if (rc) {
        free_infer(e);
        return rc;
    }
    *out = &e->net;
    return BT_OK;
}

/* ---- the rest of the table ---- */

static const char *name(const bti_net *net)
{
    return const_infer_of(net)->name;
}

static void free_net(bti_net *net)
{
    free_infer(infer_of(net));
}

static bti_flat flat(bti_net *net)
{
    (void)net;
    return (bti_flat){0};
}

static int64_t flat_range(const bti_net *net, int tensor, int64_t *offset)
{
    (void)net;
    (void)tensor;
    (void)offset;
    return -1;
}

static void set_weights(bti_net *net, const float *plain)
{
    bti_infer_net *e = infer_of(net);
    memcpy(e->plain, plain, (size_t)e->graph->n_floats * sizeof(float));
    bti_infer_fold(e);
}

static void get_weights(bti_net *net, float *plain)
{
    const bti_infer_net *e = infer_of(net);
    memcpy(plain, e->plain, (size_t)e->graph->n_floats * sizeof(float));
}

static void get_grads(bti_net *net, float *plain)
{
    memset(plain, 0, (size_t)infer_of(net)->graph->n_floats * sizeof(float));
}

static float *input(bti_net *net)
{
    return infer_of(net)->input;
}

static const float *logits(bti_net *net)
{
    return infer_of(net)->logits;
}

static float *dlogits(bti_net *net)
{
    (void)net;
    return NULL;
}

static int64_t bytes(const bti_net *net)
{
    const bti_infer_net *e = const_infer_of(net);
    const int64_t each = (int64_t)image_floats(e) + e->graph->classes;
    return (e->graph->n_floats + e->n_weight + e->opt.threads * e->arena_floats +
            e->opt.batch * each) *
           (int64_t)sizeof(float);
}

static bool profile(bti_net *net, bool on)
{
    bti_infer_net *e = infer_of(net);
    bti_free(e->step_s);
    e->step_s = on ? bti_calloc((size_t)e->n_steps, sizeof(*e->step_s)) : NULL;
    return !on || e->step_s;
}

static int breakdown(const bti_net *net, bti_net_group *out, int cap)
{
    static const char *const names[BTI_INFER_KINDS] = {
        "pack the image", "convolution", "depthwise", "max pooling", "average pooling",
        "mean",           "pointwise",   "softmax",   "flatten"};
    const bti_infer_net *e = const_infer_of(net);
    int n = 0;
    for (int kind = 0; kind < BTI_INFER_KINDS && n < cap && e->step_s; kind++) {
        bti_net_group g = {.name = names[kind]};
        for (int i = 0; i < e->n_steps; i++) {
            const bti_infer_step *s = &e->step[i];
            if ((int)s->kind != kind)
                continue;
            g.seconds += e->step_s[i];
            g.bytes += 4.0 * (double)e->value[s->out].floats;
            g.bytes += s->in >= 0 ? 4.0 * (double)e->value[s->in].floats : 0;
            if (kind == BTI_INFER_CONV || (kind == BTI_INFER_DEPTHWISE && s->node))
                g.flops +=
                    2.0 * (double)e->graph->tensor[s->node->weight].size * s->node->h * s->node->w;
        }
        if (g.seconds > 0)
            out[n++] = g;
    }
    return n;
}

const bti_backend_ops bti_backend_infer = {
    .name = name,
    .new = new_net,
    .free = free_net,
    .forward = forward,
    .backward = backward,
    .flat = flat,
    .flat_range = flat_range,
    .set_weights = set_weights,
    .get_weights = get_weights,
    .get_grads = get_grads,
    .input = input,
    .logits = logits,
    .dlogits = dlogits,
    .bytes = bytes,
    .profile = profile,
    .breakdown = breakdown,
};
