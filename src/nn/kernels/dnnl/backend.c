/* SPDX-License-Identifier: Apache-2.0
 *
 * The dnnl backend's table: builds an engine (everything that can fail happens here) and walks its
 * segments with one OpenMP team per pass.
 */
#include "nn/kernels/dnnl/dnnl_backend.h"
#include "nn/kernels/dnnl/engine.h"
#include "nn/kernels/dnnl/fold.h"
#include "nn/kernels/dnnl/params.h"
#include "nn/kernels/dnnl/steps.h"

#include "base/alloc.h"
#include "base/process.h"

#include <omp.h>

static bti_engine *engine_of(bti_net *net)
{
    return (bti_engine *)(void *)net;
}

static const bti_engine *const_engine_of(const bti_net *net)
{
    return (const bti_engine *)(const void *)net;
}

/* ---- running ---- */

static void run_segment(bti_engine *e, int g, int thread, bool training)
{
    const bti_segment *segment = &e->segment[g];
    float *scratch = e->scratch[thread];
    bti_run r = {.e = e,
                 .thread = thread,
                 .training = training,
                 .n = segment->chunk,
                 .scratch = scratch,
                 .weight_scratch = scratch + e->scratch_floats,
                 .conv_scratch = scratch + e->scratch_floats + e->weight_floats};
    int lo, hi;
    bti_engine_share(e, g, thread, &lo, &hi);
    for (int c = lo; c < hi; c++) {
        r.first = c * segment->chunk;
        for (int i = 0; i < segment->n_steps; i++) {
            const bti_step *s = &e->step[segment->first_step + i];
            if (!training && s->train_only)
                continue;
            const double began = e->step_s ? bti_thread_cpu_seconds() : 0;
            s->run(&r, s);
            if (e->step_s)
                e->step_s[(int64_t)thread * e->n_steps + segment->first_step + i] +=
                    bti_thread_cpu_seconds() - began;
        }
        r.seen += segment->chunk;
    }
}

/* Finishing works on a few numbers a channel; steps are dealt to threads. */
static void finish_segment(bti_engine *e, int g, int thread, int threads, bool training)
{
    const bti_segment *segment = &e->segment[g];
    int turn = 0;
    for (int i = 0; i < segment->n_steps; i++) {
        const bti_step *s = &e->step[segment->first_step + i];
        const bool stats = s->train_only || s->norm >= 0;
        if (s->finish && (training || !stats) && turn++ % threads == thread)
            s->finish(e, s, g);
    }
}

/* In every thread of the team. A team smaller than asked for takes several shares each. */
static void walk(bti_engine *e, int first, int end, bool training)
{
    const int me = omp_get_thread_num(), team = omp_get_num_threads();
    for (int g = first; g < end; g++) {
        for (int t = me; t < e->opt.threads; t += team)
            run_segment(e, g, t, training);
        bti_barrier_wait(&e->barrier, team);
        finish_segment(e, g, me, team, training);
        bti_barrier_wait(&e->barrier, team);
    }
}

/* Copies of weights for convolutions that read them in another layout or type. */
static void make_copies(bti_engine *e, bti_conv_dir dir)
{
    const int me = omp_get_thread_num(), team = omp_get_num_threads();
    for (int i = 0; i < e->n_ops; i++) {
        if (e->op[i].kind != BTI_FUSED_CONV)
            continue;
        const bti_conv_state *c = &e->conv[e->op[i].conv];
        if (c->copy[dir] && e->op[i].conv % team == me)
            bti_conv_make_copy(c->conv, dir, 0, e->read + e->slot[e->op[i].weight].offset,
                               c->copy[dir]);
    }
    bti_barrier_wait(&e->barrier, team);
}

static void forward(bti_net *net, bool training)
{
    bti_engine *e = engine_of(net);
    const int before = omp_get_max_threads();
    const bool train = training && e->opt.training;
    if (!train && e->opt.training)
        bti_norm_use_running(e);
    omp_set_num_threads(1); /* oneDNN works inside one of our threads */
#pragma omp parallel num_threads(e->opt.threads)
    {
        if (e->opt.training)
            make_copies(e, BTI_CONV_FORWARD);
        walk(e, 0, e->n_forward, train);
    }
    omp_set_num_threads(before);
}

/* Sums the threads' gradients in thread order; weights between merged groups stay zero. */
static void sum_gradients(bti_engine *e)
{
    const int me = omp_get_thread_num(), team = omp_get_num_threads();
    const int64_t blocks = e->n_flat / 16;
    const int64_t lo = blocks * me / team * 16, hi = blocks * (me + 1) / team * 16;
    for (int t = 1; t < e->opt.threads; t++)
        e->f32->accumulate(hi - lo, e->grad + lo, e->thread_grad[t] + lo);
    bti_barrier_wait(&e->barrier, team);
    for (int t = me; t < e->graph->n_tensors; t += team)
        if (e->slot[t].mask)
            e->f32->multiply(e->slot[t].n, e->grad + e->slot[t].offset, e->slot[t].mask);
}

static void backward(bti_net *net)
{
    bti_engine *e = engine_of(net);
    const int before = omp_get_max_threads();
    omp_set_num_threads(1);
#pragma omp parallel num_threads(e->opt.threads)
    {
        make_copies(e, BTI_CONV_BACK_DATA);
        walk(e, e->n_forward, e->n_segments, true);
        sum_gradients(e);
    }
    omp_set_num_threads(before);
}

/* ---- building ---- */

static void free_engine(bti_engine *e)
{
    if (!e)
        return;
    bti_fold_release(e);
    bti_engine_params_free(e);
    bti_free(e->step_s);
    for (int i = 0; i < e->n_convs; i++) {
        bti_conv_free(e->conv[i].conv);
        bti_aligned_free(e->conv[i].shift);
        for (int d = 0; d < 2; d++)
            bti_aligned_free(e->conv[i].copy[d]);
    }
    for (int t = 0; e->scratch && t < e->opt.threads; t++)
        bti_aligned_free(e->scratch[t]);
    bti_conv_context_free(e->context);
    bti_slab_release(&e->maps);
    bti_aligned_free(e->logits);
    bti_aligned_free(e->dlogits);
    bti_aligned_free(e->state);
    bti_free(e->scratch);
    bti_free(e->value);
    bti_free(e->op);
    bti_free(e->buffer);
    bti_free(e->step);
    bti_free(e->segment);
    bti_free(e->norm);
    bti_free(e->conv);
    bti_barrier_release(&e->barrier);
    bti_free(e);
}

static bt_status make_conv(bti_engine *e, const bti_step *s, int chunk, bt_error *err)
{
    const bti_fused *op = &e->op[s->op];
    bti_conv_state *c = &e->conv[op->conv];
    bt_status rc = BT_OK;
    if (s->run == bti_step_conv)
        rc = bti_conv_new(&c->conv, e->context, op->simd, &c->shape, chunk, e->opt.threads,
                          e->graph->tensor[op->weight].name, err);
    else if (s->run == bti_step_conv_back_weights || s->run == bti_step_conv_back)
        rc = bti_conv_add(c->conv, BTI_CONV_BACK_WEIGHTS, chunk, err);
    else if (s->run == bti_step_conv_back_data)
        rc = bti_conv_add(c->conv, BTI_CONV_BACK_DATA, chunk, err);
    return rc;
}

/* Segments are in order, so every convolution's forward step comes first. */
static bt_status make_convs(bti_engine *e, bt_error *err)
{
    bt_status rc = BT_OK;
    for (int g = 0; !rc && g < e->n_segments; g++)
        for (int i = 0; !rc && i < e->segment[g].n_steps; i++) {
            const bti_step *s = &e->step[e->segment[g].first_step + i];
            if (s->op >= 0 && e->op[s->op].kind == BTI_FUSED_CONV)
                rc = make_conv(e, s, e->segment[g].chunk, err);
        }
    for (int i = 0; !rc && i < e->n_convs; i++) {
        bti_conv_state *c = &e->conv[i];
        const int64_t scratch = (int64_t)bti_conv_scratch(c->conv) / (int64_t)sizeof(float);
        e->conv_floats = scratch > e->conv_floats ? scratch : e->conv_floats;
        for (int d = 0; d < 2; d++) {
            const int64_t copy = bti_conv_copy(c->conv, (bti_conv_dir)d);
            if (copy > 0 && !(c->copy[d] = bti_aligned_calloc((size_t)copy, sizeof(float))))
                rc = bti_fail_nomem(err);
            e->state_floats += copy;
        }
    }
    return rc;
}

static bt_status make_memory(bti_engine *e, bt_error *err)
{
    const size_t outputs = (size_t)e->opt.batch * (size_t)e->graph->classes;
    const int64_t state = bti_norm_state(e, NULL);
    for (int i = 0; i < e->n_ops; i++)
        if (e->op[i].kind == BTI_FUSED_CONV) {
            int64_t n = e->slot[e->op[i].weight].n;
            if (e->op[i].bias >= 0)
                n += e->slot[e->op[i].bias].n;
            n = (n + 15) & ~(int64_t)15;
            e->weight_floats = n > e->weight_floats ? n : e->weight_floats;
        }
    const int64_t each = e->scratch_floats + e->weight_floats + e->conv_floats + 16;
    /* Buffers share places, so steps write all that others read: a slab may hold anything. */
    e->arena = bti_slab_need(e->opt.maps ? e->opt.maps : &e->maps,
                             (size_t)e->arena_floats * sizeof(float));
    e->state = bti_aligned_calloc((size_t)state + 16, sizeof(float));
    e->logits = bti_aligned_calloc(outputs, sizeof(float));
    e->dlogits = bti_aligned_calloc(outputs, sizeof(float));
    e->scratch = bti_calloc((size_t)e->opt.threads, sizeof(*e->scratch));
    if (!e->arena || !e->state || !e->logits || !e->dlogits || !e->scratch)
        return bti_fail_nomem(err);
    for (int t = 0; t < e->opt.threads; t++)
        if (!(e->scratch[t] = bti_aligned_calloc((size_t)each, sizeof(float))))
            return bti_fail_nomem(err);
    bti_norm_state(e, e->state);
    e->input = e->arena + e->buffer[e->value[0].buffer].offset;
    e->state_floats += state + 2 * (int64_t)outputs + e->opt.threads * each;
    return BT_OK;
}

static bt_status build(bti_engine *e, bt_error *err)
{
    bt_status rc = bti_conv_context_new(&e->context, bti_cpu_isa(), err);
    if (!rc)
        rc = bti_engine_lower(e, err);
    if (!rc)
        rc = bti_engine_schedule(e, err);
    if (!rc)
        rc = bti_engine_place(e, err);
    if (!rc)
        rc = make_convs(e, err);
    if (!rc)
        rc = bti_engine_params(e, err);
    if (!rc)
        rc = bti_fold_init(e, err);
    if (!rc)
        rc = make_memory(e, err);
    return rc;
}

static bt_status new_net(bti_net **out, const bti_graph *g, const bti_net_options *opt,
                         bt_error *err)
{
    bti_engine *e = bti_calloc(1, sizeof(*e));
    *out = NULL;
    if (!e)
        return bti_fail_nomem(err);
    if (bti_barrier_init(&e->barrier)) {
        bti_free(e);
        return bti_fail_nomem(err);
    }
    e->graph = g;
    e->opt = *opt;
    e->f32 = bti_simd_for(bti_cpu_isa());
    e->simd = opt->precision == BTI_PRECISION_BF16 ? bti_simd_bf16_for(bti_cpu_isa()) : e->f32;
    int major, minor, patch;
    bti_dnnl_version(&major, &minor, &patch);
    snprintf(e->name, sizeof(e->name), "dnnl %d.%d.%d %s", major, minor, patch, e->simd->name);

    const int before = omp_get_max_threads();
    omp_set_num_threads(1); /* oneDNN plans for the threads it sees now */
    const bt_status rc = build(e, err);
    omp_set_num_threads(before);
    if (rc) {
        free_engine(e);
        return rc;
    }
    *out = &e->net;
    return BT_OK;
}

/* ---- the rest of the table ---- */

static const char *name(const bti_net *net)
{
    return const_engine_of(net)->name;
}

static void free_net(bti_net *net)
{
    free_engine(engine_of(net));
}

static bti_flat flat(bti_net *net)
{
    const bti_engine *e = engine_of(net);
    return (bti_flat){.n = e->n_flat, .param = e->param, .grad = e->grad};
}

static int64_t flat_range(const bti_net *net, int tensor, int64_t *offset)
{
    const bti_slot *slot = &const_engine_of(net)->slot[tensor];
    if (slot->offset < 0)
        return -1;
    *offset = slot->offset;
    return slot->n;
}

/* Weights that no step will change are prepared for all forward passes at once. */
static void set_weights(bti_net *net, const float *plain)
{
    bti_engine *e = engine_of(net);
    bti_engine_set(e, plain);
    if (e->opt.training)
        return;
    bti_norm_use_running(e);
    bti_fold_weights(e);
    const int before = omp_get_max_threads();
    omp_set_num_threads(1); /* its reorders were planned for one */
    make_copies(e, BTI_CONV_FORWARD);
    omp_set_num_threads(before);
}

static void get_weights(bti_net *net, float *plain)
{
    bti_engine_get(engine_of(net), engine_of(net)->param, true, plain);
}

static void get_grads(bti_net *net, float *plain)
{
    bti_engine_get(engine_of(net), engine_of(net)->grad, false, plain);
}

static bool profile(bti_net *net, bool on)
{
    return bti_engine_profile(engine_of(net), on);
}

static int breakdown(const bti_net *net, bti_net_group *out, int cap)
{
    return bti_engine_breakdown(const_engine_of(net), out, cap);
}

static float *input(bti_net *net)
{
    return engine_of(net)->input;
}

static const float *logits(bti_net *net)
{
    return engine_of(net)->logits;
}

static float *dlogits(bti_net *net)
{
    return engine_of(net)->dlogits;
}

static int64_t bytes(const bti_net *net)
{
    const bti_engine *e = const_engine_of(net);
    /* parameters, gradients; parameters with folds */
    const int64_t copies = e->opt.training ? 1 + e->opt.threads : 1 + (e->read != e->param);
    return (e->arena_floats + e->state_floats + copies * e->n_flat) * (int64_t)sizeof(float);
}

const bti_backend_ops bti_backend_dnnl = {
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
