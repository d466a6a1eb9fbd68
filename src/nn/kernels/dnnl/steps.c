/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that pass a chunk of images to a kernel: convolutions, linear layers, pooling, pointwise
 * operations. None of them can fail.
 */
#include "nn/kernels/dnnl/steps.h"

#include "nn/kernels/dnnl/fold.h"

static const bti_fused *op_of(const bti_run *r, const bti_step *s)
{
    return &r->e->op[s->op];
}

static bti_simd_window window_of(const bti_run *r, const bti_step *s)
{
    bti_simd_window w = op_of(r, s)->window;
    w.n = r->n;
    return w;
}

static float *param_of(const bti_run *r, int tensor)
{
    return tensor < 0 ? NULL : r->e->read + r->e->slot[tensor].offset;
}

static float *grad_of(const bti_run *r, int tensor)
{
    return tensor < 0 ? NULL : r->e->thread_grad[r->thread] + r->e->slot[tensor].offset;
}

void bti_step_pack(const bti_run *r, const bti_step *s)
{
    const bti_simd_map m = bti_fmap_shape(r->e, op_of(r, s)->out, r->n);
    op_of(r, s)->simd->pack(&m, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]));
}

void bti_step_conv(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_conv_state *c = &r->e->conv[op->conv];
    float *copy = c->copy[BTI_CONV_FORWARD];
    bti_simd_tail tail;
    bti_simd_norm norm;
    const bti_conv_args a = {.src = bti_run_at(r, s->b[0]),
                             .pre = bti_step_pre(r, s, &norm),
                             .weights = copy ? copy : param_of(r, op->weight),
                             .bias = c->shift ? c->shift : param_of(r, op->bias),
                             .dst = bti_run_at(r, s->b[op->in[1] < 0 ? 1 : 2]),
                             .tail = c->shift ? bti_fold_tail(r, s, &tail)
                                              : bti_step_tail(r, s, -1, &tail),
                             .scratch = r->conv_scratch};
    bti_conv_run(c->conv, BTI_CONV_FORWARD, r->thread, &a);
}

void bti_step_conv_back_data(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_conv_state *c = &r->e->conv[op->conv];
    float *copy = c->copy[BTI_CONV_BACK_DATA];
    bti_simd_tail tail;
    const bti_conv_args a = {.src = bti_run_at(r, s->b[1]),
                             .weights = copy ? copy : param_of(r, op->weight),
                             .dst = bti_run_at(r, s->b[0]),
                             .tail = bti_step_tail(r, s, s->b[2], &tail),
                             .scratch = r->conv_scratch};
    bti_conv_run(c->conv, BTI_CONV_BACK_DATA, r->thread, &a);
}

void bti_step_conv_back(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    bti_simd_tail tail;
    bti_simd_norm pre, post;
    const float *abc = NULL;
    const bti_simd_norm *behind = bti_step_post(r, s, &post, &abc);
    const bti_conv_args a = {.src = bti_run_at(r, s->b[0]),
                             .pre = bti_step_pre(r, s, &pre),
                             .param = param_of(r, op->weight),
                             .weights = grad_of(r, op->weight),
                             .dst = bti_run_at(r, s->b[1]),
                             .src_grad = bti_run_at(r, s->b[2]),
                             .tail = bti_step_tail(r, s, s->b[3], &tail),
                             .post = behind,
                             .y = bti_run_at(r, s->b[4]),
                             .abc = abc,
                             .add = r->seen > 0,
                             .scratch = r->conv_scratch};
    bti_conv_run(r->e->conv[op->conv].conv, BTI_CONV_BACK_WEIGHTS, r->thread, &a);
}

/* oneDNN overwrites the gradient, so all chunks but the first of a thread go through scratch. */
void bti_step_conv_back_weights(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_conv *conv = r->e->conv[op->conv].conv;
    const int64_t n = r->e->slot[op->weight].n;
    float *weights = grad_of(r, op->weight), *bias = grad_of(r, op->bias);
    const bool aside = r->seen && !bti_conv_is_own(conv);
    bti_simd_norm norm;
    const bti_conv_args a = {.src = bti_run_at(r, s->b[0]),
                             .pre = bti_step_pre(r, s, &norm),
                             .weights = aside ? r->weight_scratch : weights,
                             .bias = aside && bias ? r->weight_scratch + n : bias,
                             .dst = bti_run_at(r, s->b[1]),
                             .add = r->seen > 0,
                             .scratch = r->conv_scratch};
    bti_conv_run(conv, BTI_CONV_BACK_WEIGHTS, r->thread, &a);
    if (!aside)
        return;
    r->e->f32->accumulate(n, weights, a.weights);
    if (bias)
        r->e->f32->accumulate(r->e->slot[op->bias].n, bias, a.bias);
}

static bti_simd_linear linear_of(const bti_run *r, const bti_fused *op)
{
    const int lanes = r->e->simd->lanes;
    return (bti_simd_linear){
        .n = r->n, .in = r->e->value[op->in[0]].cb * lanes, .out = r->e->value[op->out].cb * lanes};
}

void bti_step_linear(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_simd_linear p = linear_of(r, op);
    op_of(r, s)->simd->linear(&p, bti_run_at(r, s->b[0]), param_of(r, op->weight),
                              param_of(r, op->bias), bti_run_at(r, s->b[1]));
}

void bti_step_linear_back_data(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_simd_linear p = linear_of(r, op);
    op_of(r, s)->simd->linear_back_data(&p, bti_run_at(r, s->b[0]), param_of(r, op->weight),
                                        bti_run_at(r, s->b[1]));
}

void bti_step_linear_back_weights(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_simd_linear p = linear_of(r, op);
    op_of(r, s)->simd->linear_back_weights(&p, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]),
                                           grad_of(r, op->weight), grad_of(r, op->bias),
                                           r->seen > 0);
}

void bti_step_act(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_simd_map m = bti_fmap_shape(r->e, op->out, r->n);
    if (op->act == BTI_ACT_SOFTMAX)
        op_of(r, s)->simd->softmax(&m, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]));
    else
        op_of(r, s)->simd->act(&m, op->act, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]));
}

void bti_step_act_back(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_simd_map m = bti_fmap_shape(r->e, op->out, r->n);
    const float *x = bti_run_at(r, s->b[0]), *dy = bti_run_at(r, s->b[1]);
    if (op->act == BTI_ACT_SOFTMAX)
        op_of(r, s)->simd->softmax_back(&m, x, dy, bti_run_at(r, s->b[2]));
    else
        op_of(r, s)->simd->act_back(&m, op->act, x, dy, bti_run_at(r, s->b[2]));
}

static int64_t numbers(const bti_run *r, int buffer)
{
    const bti_buffer *b = &r->e->buffer[buffer];
    return r->n * b->floats * (b->bf16 ? 2 : 1);
}

void bti_step_add(const bti_run *r, const bti_step *s)
{
    const int64_t n = numbers(r, s->b[2]);
    op_of(r, s)->simd->add(n, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]),
                           bti_run_at(r, s->b[2]));
}

void bti_step_accumulate(const bti_run *r, const bti_step *s)
{
    const bti_engine *e = r->e;
    const bti_simd_kernels *simd = e->buffer[s->b[0]].bf16 ? e->simd : e->f32;
    simd->accumulate(numbers(r, s->b[0]), bti_run_at(r, s->b[1]), bti_run_at(r, s->b[0]));
}

void bti_step_copy(const bti_run *r, const bti_step *s)
{
    const size_t n = (size_t)(r->n * r->e->buffer[s->b[0]].floats);
    memcpy(bti_run_at(r, s->b[1]), bti_run_at(r, s->b[0]), n * sizeof(float));
}

void bti_step_scale(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_simd_map m = bti_fmap_shape(r->e, op->out, r->n);
    op_of(r, s)->simd->scale(&m, op->act, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]),
                             bti_run_at(r, s->b[2]));
}

void bti_step_scale_back(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_simd_map m = bti_fmap_shape(r->e, op->out, r->n);
    op_of(r, s)->simd->scale_back(&m, op->act, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]),
                                  bti_run_at(r, s->b[2]), bti_run_at(r, s->b[3]),
                                  bti_run_at(r, s->b[4]));
}

void bti_step_mean(const bti_run *r, const bti_step *s)
{
    const bti_simd_window w = window_of(r, s);
    op_of(r, s)->simd->mean(&w, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]));
}

void bti_step_mean_back(const bti_run *r, const bti_step *s)
{
    const bti_simd_window w = window_of(r, s);
    op_of(r, s)->simd->mean_back(&w, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]), s->add);
}

void bti_step_maxpool(const bti_run *r, const bti_step *s)
{
    const bti_simd_window w = window_of(r, s);
    op_of(r, s)->simd->maxpool(&w, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]),
                               (int32_t *)(void *)bti_run_at(r, s->b[2]));
}

void bti_step_maxpool_back(const bti_run *r, const bti_step *s)
{
    const bti_simd_window w = window_of(r, s);
    op_of(r, s)->simd->maxpool_back(&w, (const int32_t *)(const void *)bti_run_at(r, s->b[0]),
                                    bti_run_at(r, s->b[1]), bti_run_at(r, s->b[2]));
}

void bti_step_avgpool(const bti_run *r, const bti_step *s)
{
    const bti_simd_window w = window_of(r, s);
    op_of(r, s)->simd->avgpool(&w, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]));
}

void bti_step_avgpool_back(const bti_run *r, const bti_step *s)
{
    const bti_simd_window w = window_of(r, s);
    op_of(r, s)->simd->avgpool_back(&w, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]));
}

static int row_floats(const bti_run *r, const bti_fused *op)
{
    return r->e->value[op->out].cb * r->e->simd->lanes;
}

void bti_step_flatten(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_simd_map m = bti_fmap_shape(r->e, op->in[0], r->n);
    op_of(r, s)->simd->flatten(&m, row_floats(r, op), bti_run_at(r, s->b[0]),
                               bti_run_at(r, s->b[1]));
}

void bti_step_flatten_back(const bti_run *r, const bti_step *s)
{
    const bti_fused *op = op_of(r, s);
    const bti_simd_map m = bti_fmap_shape(r->e, op->in[0], r->n);
    op_of(r, s)->simd->flatten_back(&m, row_floats(r, op), bti_run_at(r, s->b[0]),
                                    bti_run_at(r, s->b[1]));
}

void bti_step_cast(const bti_run *r, const bti_step *s)
{
    const int64_t n = numbers(r, s->b[0]);
    if (r->e->buffer[s->b[0]].bf16)
        r->e->simd->widen(n, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]));
    else
        r->e->simd->narrow(n, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]));
}

void bti_step_pad(const bti_run *r, const bti_step *s)
{
    const bti_simd_window w = window_of(r, s);
    op_of(r, s)->simd->pad(&w, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]));
}

void bti_step_pad_back(const bti_run *r, const bti_step *s)
{
    const bti_simd_window w = window_of(r, s);
    op_of(r, s)->simd->pad_back(&w, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]));
}

/* Rows of logits have no padding. */
void bti_step_output(const bti_run *r, const bti_step *s)
{
    const int classes = r->e->graph->classes;
    const int64_t row = r->e->buffer[s->b[0]].floats;
    const float *x = bti_run_at(r, s->b[0]);
    for (int i = 0; i < r->n; i++)
        memcpy(r->e->logits + (int64_t)(r->first + i) * classes, x + i * row,
               (size_t)classes * sizeof(float));
}

void bti_step_output_back(const bti_run *r, const bti_step *s)
{
    const int classes = r->e->graph->classes;
    const int64_t row = r->e->buffer[s->b[0]].floats;
    float *dx = bti_run_at(r, s->b[0]);
    memset(dx, 0, (size_t)(r->n * row) * sizeof(float));
    for (int i = 0; i < r->n; i++)
        memcpy(dx + i * row, r->e->dlogits + (int64_t)(r->first + i) * classes,
               (size_t)classes * sizeof(float));
}
