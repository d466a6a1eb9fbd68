/* SPDX-License-Identifier: Apache-2.0
 *
 * Creation and execution of a convolution's primitives. Channel counts are multiples of the block,
 * so oneDNN never has padding of its own to clear: our padding lanes are ordinary channels that are
 * zero.
 */
#include "nn/kernels/dnnl/conv.h"

#include "base/alloc.h"
#include "nn/kernels/dnnl/dnnl_backend.h"
#include "nn/kernels/dnnl/own.h"
#include "nn/kernels/dnnl/shim.h"

#include <assert.h>

struct bti_conv_context {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attr; /* scratch memory comes from us */
};

/* Memory objects of one thread: a primitive may run in several threads, an object may not. */
typedef struct conv_args {
    dnnl_memory_t src, weights, bias, dst, scratch;
    dnnl_memory_t own_weights; /* in the layout of the parameters, for the reorder */
} conv_args;

typedef struct conv_kernel {
    dnnl_primitive_t prim;    /* NULL: our own depthwise kernel */
    dnnl_primitive_t reorder; /* between this direction's weights and the parameters; often NULL */
    bti_md src, weights, bias, dst, scratch;
    size_t scratch_bytes;
    int images;
    conv_args *thread;
} conv_kernel;

struct bti_conv {
    bti_conv_context *ctx;
    const bti_simd_kernels *simd;
    bti_conv_shape shape;
    bti_own own;                /* not NONE: nothing of oneDNN below is used */
    dnnl_primitive_attr_t attr; /* with the activation; NULL: the context's */
    int threads;
    char where[64];
    bti_md weights; /* layout of the parameters */
    bti_dnnl_window window;
    conv_kernel dir[BTI_CONV_DIRS];
};

static size_t align64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static bt_status failed(const bti_conv *c, dnnl_status_t rc, const char *what, bt_error *err)
{
    if (rc == dnnl_out_of_memory)
        return bti_fail_nomem(err);
    return bti_fail(err, BT_NOSUPP, c->where, "oneDNN cannot create the %s (status %d)", what,
                    (int)rc);
}

bt_status bti_conv_context_new(bti_conv_context **out, bti_isa isa, bt_error *err)
{
    *out = bti_calloc(1, sizeof(**out));
    if (!*out)
        return bti_fail_nomem(err);
    /* Has an effect before the first primitive of the process only; later a cap cannot change. */
    if (isa < BTI_ISA_AVX512)
        dnnl_set_max_cpu_isa(isa == BTI_ISA_AVX2 ? dnnl_cpu_isa_avx2 : dnnl_cpu_isa_sse41);
    dnnl_status_t rc = dnnl_engine_create(&(*out)->engine, dnnl_cpu, 0);
    if (!rc)
        rc = dnnl_stream_create(&(*out)->stream, (*out)->engine, dnnl_stream_default_flags);
    if (!rc)
        rc = dnnl_primitive_attr_create(&(*out)->attr);
    if (!rc)
        rc = dnnl_primitive_attr_set_scratchpad_mode((*out)->attr, dnnl_scratchpad_mode_user);
    if (rc) {
        bti_conv_context_free(*out);
        *out = NULL;
        return bti_fail(err, BT_NOSUPP, "oneDNN", "it cannot start on this processor (status %d)",
                        (int)rc);
    }
    return BT_OK;
}

void bti_conv_context_free(bti_conv_context *ctx)
{
    if (!ctx)
        return;
    dnnl_primitive_attr_destroy(ctx->attr);
    dnnl_stream_destroy(ctx->stream);
    dnnl_engine_destroy(ctx->engine);
    bti_free(ctx);
}

/* src, dst and bias of `images` images. */
static dnnl_status_t make_maps(const bti_conv *c, conv_kernel *k, int images)
{
    const bti_simd_window *w = &c->shape.window;
    const dnnl_format_tag_t blocked = c->simd->lanes == 16 ? dnnl_nChw16c : dnnl_nChw8c;
    const dnnl_dims_t src = {images, c->shape.ic, w->ih, w->iw};
    const dnnl_dims_t dst = {images, c->shape.oc, w->oh, w->ow};
    const dnnl_dims_t bias = {c->shape.oc};
    const dnnl_data_type_t type = c->shape.bf16 ? dnnl_bf16 : dnnl_f32;
    k->images = images;
    dnnl_status_t rc = bti_md_new(&k->src, 4, src, type, c->shape.plain_src ? dnnl_nchw : blocked);
    if (!rc)
        rc = bti_md_new(&k->dst, 4, dst, type, blocked);
    if (!rc && c->shape.bias)
        rc = bti_md_new(&k->bias, 1, bias, dnnl_f32, dnnl_x);
    return rc;
}

static dnnl_status_t weights_md(const bti_conv *c, bti_md *out, dnnl_data_type_t type,
                                dnnl_format_tag_t ungrouped, dnnl_format_tag_t grouped)
{
    const bti_conv_shape *s = &c->shape;
    const int k = s->window.k;
    if (s->groups > 1) {
        const dnnl_dims_t dims = {s->groups, s->oc / s->groups, s->ic / s->groups, k, k};
        return bti_md_new(out, 5, dims, type, grouped);
    }
    const dnnl_dims_t dims = {s->oc, s->ic, k, k};
    return bti_md_new(out, 4, dims, type, ungrouped);
}

/* The weights' layout to ask for: ours if it is fixed, else oneDNN's choice. Depthwise is fixed to
 * [block][k][k][lane], which oneDNN would choose too and our own kernels read. */
static dnnl_status_t wanted_weights(const bti_conv *c, bti_conv_dir dir, bti_md *out)
{
    const bool bf16 = c->shape.bf16 && dir != BTI_CONV_BACK_WEIGHTS;
    const dnnl_data_type_t type = bf16 ? dnnl_bf16 : dnnl_f32;
    if (c->shape.depthwise)
        return weights_md(c, out, type, dnnl_format_tag_any,
                          c->simd->lanes == 16 ? dnnl_Goihw16g : dnnl_Goihw8g);
    return weights_md(c, out, type, dnnl_format_tag_any, dnnl_format_tag_any);
}

/* The parameters' layout beside bf16: what gradients of weights come in. */
static dnnl_status_t float_weights(const bti_conv *c, bti_md *out)
{
    return weights_md(c, out, dnnl_f32, dnnl_OIhw16i16o,
                      c->shape.depthwise ? dnnl_Goihw16g : dnnl_gOIhw16i16o);
}

static bool is_reference(const_dnnl_primitive_desc_t pd)
{
    const char *info = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &info);
    return !strncmp(info, "ref", 3);
}

static dnnl_status_t make_pd(const bti_conv *c, bti_conv_dir dir, const conv_kernel *k,
                             bti_md_ref weights, const_dnnl_primitive_desc_t hint,
                             dnnl_primitive_desc_t *out)
{
    const bti_conv_context *x = c->ctx;
    switch (dir) {
    case BTI_CONV_BACK_DATA:
        return bti_pd_conv_back_data(out, x->engine, k->src, weights, k->dst, &c->window, hint,
                                     x->attr);
    case BTI_CONV_BACK_WEIGHTS:
        return bti_pd_conv_back_weights(out, x->engine, k->src, weights, k->bias, k->dst,
                                        &c->window, hint, x->attr);
    default:
        return bti_pd_conv_forward(out, x->engine, k->src, weights, k->bias, k->dst, &c->window,
                                   c->attr ? c->attr : x->attr);
    }
}

/* Weight gradients should come in the layout of the parameters; if oneDNN has no fast code for
 * that, take its own choice (a reorder follows). Other directions take oneDNN's choice at once. */
static dnnl_status_t choose_pd(const bti_conv *c, bti_conv_dir dir, conv_kernel *k,
                               const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *out)
{
    bti_md wanted = NULL;
    dnnl_status_t rc;
    if (dir == BTI_CONV_BACK_WEIGHTS) {
        rc = make_pd(c, dir, k, c->weights, hint, out);
        if (!rc && (!is_reference(*out) || c->shape.depthwise))
            return rc;
        if (!rc)
            dnnl_primitive_desc_destroy(*out);
        *out = NULL;
    }
    rc = wanted_weights(c, dir, &wanted);
    if (!rc)
        rc = make_pd(c, dir, k, wanted, hint, out);
    bti_md_free(wanted);
    return rc;
}

static dnnl_status_t make_reorder(const bti_conv *c, bti_conv_dir dir, conv_kernel *k)
{
    dnnl_primitive_desc_t pd;
    const bool in = dir != BTI_CONV_BACK_WEIGHTS; /* parameters to this direction's layout */
    dnnl_status_t rc =
        dnnl_reorder_primitive_desc_create(&pd, in ? c->weights : k->weights, c->ctx->engine,
                                           in ? k->weights : c->weights, c->ctx->engine, NULL);
    if (rc)
        return rc;
    rc = dnnl_primitive_create(&k->reorder, pd);
    dnnl_primitive_desc_destroy(pd);
    return rc;
}

static dnnl_status_t make_memory(const bti_conv *c, bti_md_ref md, dnnl_memory_t *out)
{
    return md ? dnnl_memory_create(out, md, c->ctx->engine, DNNL_MEMORY_NONE) : dnnl_success;
}

static dnnl_status_t make_args(const bti_conv *c, conv_kernel *k)
{
    dnnl_status_t rc = dnnl_success;
    k->thread = bti_calloc((size_t)c->threads, sizeof(*k->thread));
    if (!k->thread)
        return dnnl_out_of_memory;
    for (int t = 0; t < c->threads && !rc; t++) {
        conv_args *a = &k->thread[t];
        rc = make_memory(c, k->src, &a->src);
        if (!rc)
            rc = make_memory(c, k->weights, &a->weights);
        if (!rc)
            rc = make_memory(c, k->bias, &a->bias);
        if (!rc)
            rc = make_memory(c, k->dst, &a->dst);
        if (!rc)
            rc = make_memory(c, k->scratch, &a->scratch);
        if (!rc)
            rc = make_memory(c, c->weights, &a->own_weights);
    }
    return rc;
}

/* Turns a chosen descriptor into a runnable kernel. */
static dnnl_status_t finish(bti_conv *c, bti_conv_dir dir, conv_kernel *k,
                            const_dnnl_primitive_desc_t pd)
{
    const dnnl_query_t which =
        dir == BTI_CONV_BACK_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
    dnnl_status_t rc = bti_md_clone(&k->weights, dnnl_primitive_desc_query_md(pd, which, 0));
    if (!rc)
        rc = bti_md_clone(&k->scratch,
                          dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0));
    if (!rc && !c->weights)
        rc = bti_md_clone(&c->weights, k->weights);
    if (rc)
        return rc;
    k->scratch_bytes = align64(dnnl_memory_desc_get_size(k->scratch));
    if (c->shape.depthwise && is_reference(pd) && !c->shape.bias && c->shape.window.dilation == 1)
        return dnnl_success; /* our own kernel is better */
    rc = dnnl_primitive_create(&k->prim, pd);
    if (!rc && !dnnl_memory_desc_equal(k->weights, c->weights))
        rc = make_reorder(c, dir, k);
    return rc ? rc : make_args(c, k);
}

bool bti_conv_acts(bti_act act)
{
    return act == BTI_ACT_IDENTITY || act == BTI_ACT_RELU || act == BTI_ACT_RELU6 ||
           act == BTI_ACT_LEAKY_RELU || act == BTI_ACT_HARDSWISH || act == BTI_ACT_SILU;
}

/* Scratch memory from us, as in the context's, and the shape's activation. */
static dnnl_status_t make_attr(bti_conv *c)
{
    const bti_act act = c->shape.act;
    dnnl_alg_kind_t alg = dnnl_eltwise_relu;
    float alpha = act == BTI_ACT_LEAKY_RELU ? 0.01f : 0, beta = 0;
    if (act == BTI_ACT_IDENTITY || c->own)
        return dnnl_success;
    if (act == BTI_ACT_RELU6) {
        alg = dnnl_eltwise_clip;
        beta = 6;
    } else if (act == BTI_ACT_HARDSWISH) {
        alg = dnnl_eltwise_hardswish;
        alpha = 1.0f / 6;
        beta = 0.5f;
    } else if (act == BTI_ACT_SILU) {
        alg = dnnl_eltwise_swish;
        alpha = 1;
    }
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t rc = dnnl_primitive_attr_create(&c->attr);
    if (!rc)
        rc = dnnl_primitive_attr_set_scratchpad_mode(c->attr, dnnl_scratchpad_mode_user);
    if (!rc)
        rc = dnnl_post_ops_create(&ops);
    if (!rc)
        rc = bti_post_eltwise(ops, alg, alpha, beta);
    if (!rc)
        rc = dnnl_primitive_attr_set_post_ops(c->attr, ops);
    if (ops)
        dnnl_post_ops_destroy(ops);
    return rc;
}

bt_status bti_conv_add(bti_conv *c, bti_conv_dir dir, int images, bt_error *err)
{
    static const char *const what[] = {"convolution", "gradient of the input",
                                       "gradient of the weights"};
    conv_kernel *k = &c->dir[dir];
    dnnl_primitive_desc_t pd = NULL, hint = NULL;
    bti_md any = NULL;

    if (c->own) {
        k->images = images;
        return BT_OK;
    }
    dnnl_status_t rc = make_maps(c, k, images);
    if (!rc && c->shape.bf16 && !c->weights)
        rc = float_weights(c, &c->weights);
    if (!rc && dir != BTI_CONV_FORWARD) { /* oneDNN wants to see the forward pass first */
        rc = wanted_weights(c, BTI_CONV_FORWARD, &any);
        if (!rc)
            rc = make_pd(c, BTI_CONV_FORWARD, k, any, NULL, &hint);
    }
    if (!rc)
        rc = choose_pd(c, dir, k, hint, &pd);
    if (!rc)
        rc = finish(c, dir, k, pd);
    bti_md_free(any);
    if (hint)
        dnnl_primitive_desc_destroy(hint);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    return rc ? failed(c, rc, what[dir], err) : BT_OK;
}

static void describe(bti_conv *c, bti_conv_context *ctx, const bti_simd_kernels *simd,
                     const bti_conv_shape *shape)
{
    const bti_simd_window *w = &shape->window;
    c->ctx = ctx;
    c->simd = simd;
    c->shape = *shape;
    c->own = bti_own_for(shape);
    c->window = (bti_dnnl_window){.strides = {w->stride, w->stride},
                                  .dilates = {w->dilation - 1, w->dilation - 1},
                                  .pad_l = {w->pad_t, w->pad_l},
                                  .pad_r = {w->pad_b, w->pad_r}};
}

bool bti_conv_is_slow(bti_conv_context *ctx, const bti_simd_kernels *simd,
                      const bti_conv_shape *shape, bool training)
{
    bti_conv c = {0};
    conv_kernel k = {0};
    dnnl_primitive_desc_t forward = NULL, pd = NULL;
    bti_md any = NULL;
    describe(&c, ctx, simd, shape);
    if (c.own)
        return false;
    dnnl_status_t rc = make_attr(&c);
    if (!rc)
        rc = make_maps(&c, &k, 1);
    if (!rc)
        rc = wanted_weights(&c, BTI_CONV_FORWARD, &any);
    if (!rc)
        rc = make_pd(&c, BTI_CONV_FORWARD, &k, any, NULL, &forward);
    bool slow = !rc && is_reference(forward);
    for (int d = BTI_CONV_BACK_DATA; training && !rc && d < BTI_CONV_DIRS; d++) {
        if (d == BTI_CONV_BACK_DATA && shape->plain_src)
            continue; /* nobody asks for the gradient of the input */
        bti_md_free(any);
        any = NULL;
        rc = wanted_weights(&c, (bti_conv_dir)d, &any);
        if (!rc)
            rc = make_pd(&c, (bti_conv_dir)d, &k, any, forward, &pd);
        slow = slow || (!rc && is_reference(pd));
        if (!rc)
            dnnl_primitive_desc_destroy(pd);
    }
    if (forward)
        dnnl_primitive_desc_destroy(forward);
    bti_md_free(any);
    bti_md_free(k.src);
    bti_md_free(k.dst);
    bti_md_free(k.bias);
    if (c.attr)
        dnnl_primitive_attr_destroy(c.attr);
    return slow; /* a failure shows again, with its message, when the convolution is made */
}

bt_status bti_conv_new(bti_conv **out, bti_conv_context *ctx, const bti_simd_kernels *simd,
                       const bti_conv_shape *shape, int images, int threads, const char *where,
                       bt_error *err)
{
    bti_conv *c = bti_calloc(1, sizeof(*c));
    *out = NULL;
    if (!c)
        return bti_fail_nomem(err);
    describe(c, ctx, simd, shape);
    c->threads = threads;
    snprintf(c->where, sizeof(c->where), "%s", where);
    const dnnl_status_t attr = make_attr(c);
    const bt_status rc =
        attr ? failed(c, attr, "activation", err) : bti_conv_add(c, BTI_CONV_FORWARD, images, err);
    if (rc) {
        bti_conv_free(c);
        return rc;
    }
    *out = c;
    return BT_OK;
}

static void free_memory(dnnl_memory_t m)
{
    if (m)
        dnnl_memory_destroy(m);
}

void bti_conv_free(bti_conv *c)
{
    if (!c)
        return;
    for (int d = 0; d < BTI_CONV_DIRS; d++) {
        conv_kernel *k = &c->dir[d];
        for (int t = 0; k->thread && t < c->threads; t++) {
            conv_args *a = &k->thread[t];
            free_memory(a->src);
            free_memory(a->weights);
            free_memory(a->bias);
            free_memory(a->dst);
            free_memory(a->scratch);
            free_memory(a->own_weights);
        }
        bti_free(k->thread);
        if (k->prim)
            dnnl_primitive_destroy(k->prim);
        if (k->reorder)
            dnnl_primitive_destroy(k->reorder);
        bti_md_free(k->src);
        bti_md_free(k->weights);
        bti_md_free(k->bias);
        bti_md_free(k->dst);
        bti_md_free(k->scratch);
    }
    bti_md_free(c->weights);
    if (c->attr)
        dnnl_primitive_attr_destroy(c->attr);
    bti_free(c);
}

int64_t bti_conv_weights(const bti_conv *c)
{
    if (c->own)
        return bti_own_weights(c->own, &c->shape);
    return (int64_t)(dnnl_memory_desc_get_size(c->weights) / sizeof(float));
}

/* Weight gradients that need a reorder are made behind the primitive's own scratch. */
size_t bti_conv_scratch(const bti_conv *c)
{
    size_t most = align64(bti_own_scratch(c->own, c->simd, &c->shape));
    for (int d = 0; d < BTI_CONV_DIRS; d++) {
        const conv_kernel *k = &c->dir[d];
        size_t bytes = k->scratch_bytes;
        if (d == BTI_CONV_BACK_WEIGHTS && k->reorder)
            bytes += align64(dnnl_memory_desc_get_size(k->weights));
        most = bytes > most ? bytes : most;
    }
    return most;
}

int64_t bti_conv_copy(const bti_conv *c, bti_conv_dir dir)
{
    const conv_kernel *k = &c->dir[dir];
    if (c->own)
        return bti_own_copy(c->own, &c->shape, dir);
    return k->reorder ? (int64_t)(dnnl_memory_desc_get_size(k->weights) / sizeof(float)) : 0;
}

static void set(dnnl_memory_t m, const void *p)
{
    const dnnl_status_t rc = dnnl_memory_set_data_handle(m, (void *)(uintptr_t)p);
    assert(!rc);
    (void)rc;
}

static void execute(const bti_conv *c, dnnl_primitive_t prim, int n, const dnnl_exec_arg_t *args)
{
    const dnnl_status_t rc = dnnl_primitive_execute(prim, c->ctx->stream, n, args);
    assert(!rc); /* everything that can fail was checked at creation */
    (void)rc;
}

static void reorder(const bti_conv *c, dnnl_primitive_t prim, dnnl_memory_t from, dnnl_memory_t to)
{
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    execute(c, prim, 2, args);
}

void bti_conv_make_copy(const bti_conv *c, bti_conv_dir dir, int thread, const float *weights,
                        float *copy)
{
    const conv_kernel *k = &c->dir[dir];
    if (c->own) {
        bti_own_make_copy(c->own, c->simd, &c->shape, dir, weights, copy);
        return;
    }
    const conv_args *a = &k->thread[thread];
    set(a->own_weights, weights);
    set(a->weights, copy);
    reorder(c, k->reorder, a->own_weights, a->weights);
}

bool bti_conv_makes_sums(const bti_conv_shape *shape)
{
    const bti_own own = bti_own_for(shape);
    return own != BTI_OWN_NONE && own != BTI_OWN_WINDOW;
}

bool bti_conv_takes_norm(const bti_conv_shape *shape)
{
    return bti_own_for(shape) == BTI_OWN_DEPTH;
}

bool bti_conv_joins_back(const bti_conv_shape *shape)
{
    return bti_own_for(shape) == BTI_OWN_DEPTH;
}

bool bti_conv_is_own(const bti_conv *c)
{
    return bti_conv_makes_sums(&c->shape);
}

void bti_conv_run(const bti_conv *c, bti_conv_dir dir, int thread, const bti_conv_args *args)
{
    static const int names[BTI_CONV_DIRS][4] = {
        {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS},
        {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST, 0},
        {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_BIAS},
    };
    const conv_kernel *k = &c->dir[dir];
    if (!k->prim) { /* depthwise in f32 may lack a fast oneDNN kernel, too */
        bti_own_run(c->own ? c->own : BTI_OWN_WINDOW, c->simd, &c->shape, dir, k->images, args);
        return;
    }
    const conv_args *a = &k->thread[thread];
    const bool reordered = dir == BTI_CONV_BACK_WEIGHTS && k->reorder;
    set(a->src, args->src);
    set(a->weights, reordered ? (char *)args->scratch + k->scratch_bytes : (void *)args->weights);
    set(a->dst, args->dst);
    set(a->scratch, args->scratch);
    dnnl_exec_arg_t list[5] = {{names[dir][0], a->src},
                               {names[dir][1], a->weights},
                               {names[dir][2], a->dst},
                               {DNNL_ARG_SCRATCHPAD, a->scratch}};
    int n = 4;
    if (a->bias && names[dir][3]) {
        set(a->bias, args->bias);
        list[n++] = (dnnl_exec_arg_t){names[dir][3], a->bias};
    }
    execute(c, k->prim, n, list);
    if (reordered) {
        set(a->own_weights, args->weights);
        reorder(c, k->reorder, a->weights, a->own_weights);
    }
}

/* Sends the digits of every element's index through oneDNN's own reorder and reads where they came
 * out: no knowledge of layouts needed. Floats hold the digits exactly. */
bt_status bti_conv_positions(const bti_conv *c, int32_t *pos, bt_error *err)
{
    enum { BASE = 4096 };
    const bti_conv_shape *s = &c->shape;
    const int64_t n = (int64_t)s->oc * (s->ic / s->groups) * s->window.k * s->window.k;
    const int64_t n_kernel = bti_conv_weights(c);
    if (c->own) {
        bti_own_positions(c->own, s, pos);
        return BT_OK;
    }
    float *from = bti_aligned_calloc((size_t)n, sizeof(float));
    float *to = bti_aligned_calloc((size_t)n_kernel, sizeof(float));
    int32_t *index = bti_calloc((size_t)n_kernel, sizeof(int32_t));
    bti_md plain = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t prim = NULL;
    dnnl_memory_t a = NULL, b = NULL;
    dnnl_status_t rc = from && to && index ? dnnl_success : dnnl_out_of_memory;

    if (!rc)
        rc = weights_md(c, &plain, dnnl_f32, dnnl_oihw, dnnl_goihw);
    if (!rc)
        rc = dnnl_reorder_primitive_desc_create(&pd, plain, c->ctx->engine, c->weights,
                                                c->ctx->engine, NULL);
    if (!rc)
        rc = dnnl_primitive_create(&prim, pd);
    if (!rc)
        rc = dnnl_memory_create(&a, plain, c->ctx->engine, from);
    if (!rc)
        rc = dnnl_memory_create(&b, c->weights, c->ctx->engine, to);
    for (int digit = 0; !rc && digit < 2; digit++) {
        for (int64_t i = 0; i < n; i++)
            from[i] = (float)(digit ? (i + 1) / BASE : (i + 1) % BASE); /* 0: padding */
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, a}, {DNNL_ARG_TO, b}};
        rc = dnnl_primitive_execute(prim, c->ctx->stream, 2, args);
        for (int64_t j = 0; j < n_kernel; j++)
            index[j] += (int32_t)to[j] * (digit ? BASE : 1);
    }
    for (int64_t j = 0; !rc && j < n_kernel; j++)
        if (index[j] > 0)
            pos[index[j] - 1] = (int32_t)j;

    free_memory(a);
    free_memory(b);
    if (prim)
        dnnl_primitive_destroy(prim);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    bti_md_free(plain);
    bti_free(index);
    bti_aligned_free(to);
    bti_aligned_free(from);
    return rc ? failed(c, rc, "reorder of the weights", err) : BT_OK;
}

void bti_dnnl_version(int *major, int *minor, int *patch)
{
    const dnnl_version_t *v = dnnl_version();
    *major = v->major;
    *minor = v->minor;
    *patch = v->patch;
}
