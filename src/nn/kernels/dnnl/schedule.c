/* SPDX-License-Identifier: Apache-2.0
 *
 * From operations to steps and segments, forward and backward.
 *
 * A step's level is the segment it runs in: the lowest one in which everything that it reads has
 * been written and everything that it overwrites has been read. Within a level steps keep the order
 * in which they were emitted, image by image. Statistics raise the level of what depends on them by
 * one. In the backward pass a map that is cheap to recompute is recomputed in each segment that
 * reads it.
 */
#include "nn/kernels/dnnl/engine.h"
#include "nn/kernels/dnnl/steps.h"

#include "base/alloc.h"

typedef struct schedule {
    bti_engine *e;
    bool failed; /* no memory; sticky */
    int pass;    /* 0 forward, 1 backward */
} schedule;

typedef enum access { READ = 1, WRITE = 2, CHANGE = 3 } access;

typedef struct use {
    int buffer; /* -1: none */
    access how;
} use;

static int new_buffer(schedule *s, int64_t floats)
{
    bti_engine *e = s->e;
    if (e->n_buffers == e->cap_buffers) {
        const int cap = e->cap_buffers ? 2 * e->cap_buffers : 64;
        bti_buffer *more = bti_regrow(e->buffer, (size_t)cap, sizeof(*more));
        if (!more) {
            s->failed = true;
            return 0;
        }
        e->buffer = more;
        e->cap_buffers = cap;
    }
    e->buffer[e->n_buffers] =
        (bti_buffer){.floats = floats, .first_segment = -1, .last_segment = -1};
    return e->n_buffers++;
}

static int64_t map_floats(const bti_engine *e, int value)
{
    const bti_fmap *v = &e->value[value];
    const int channels = v->plain ? v->c : v->cb * e->simd->lanes;
    return (int64_t)channels * v->h * v->w;
}

static int map_buffer(schedule *s, int value)
{
    const bool bf16 = s->e->value[value].bf16;
    const int b = new_buffer(s, map_floats(s->e, value) / (bf16 ? 2 : 1));
    if (!s->failed)
        s->e->buffer[b].bf16 = bf16;
    return b;
}

/* The lowest level at which a step with these uses can run. */
static int level_of(const schedule *s, const use *uses, int n, int least)
{
    for (int i = 0; i < n; i++) {
        if (uses[i].buffer < 0)
            continue;
        const bti_buffer *b = &s->e->buffer[uses[i].buffer];
        const int after = uses[i].how & WRITE ? b->access_level : b->write_level;
        least = after > least ? after : least;
    }
    return least;
}

/* Appends a step; NULL on no memory. `least`: lowest level allowed. */
static bti_step *emit(schedule *s, bti_step_run *run, int op, const use *uses, int n, int least)
{
    bti_engine *e = s->e;
    if (s->failed)
        return NULL;
    if (e->n_steps == e->cap_steps) {
        const int cap = e->cap_steps ? 2 * e->cap_steps : 64;
        bti_step *more = bti_regrow(e->step, (size_t)cap, sizeof(*more));
        if (!more) {
            s->failed = true;
            return NULL;
        }
        e->step = more;
        e->cap_steps = cap;
    }
    bti_step *step = &e->step[e->n_steps];
    *step = (bti_step){.run = run,
                       .op = op,
                       .norm = -1,
                       .b = {-1, -1, -1, -1, -1},
                       .pass = s->pass,
                       .level = level_of(s, uses, n, least),
                       .order = e->n_steps};
    for (int i = 0; i < n; i++) {
        step->b[i] = uses[i].buffer;
        if (uses[i].buffer < 0)
            continue;
        bti_buffer *b = &e->buffer[uses[i].buffer];
        if (b->access_level < step->level)
            b->access_level = step->level;
        if (uses[i].how & WRITE && b->write_level < step->level)
            b->write_level = step->level;
    }
    e->n_steps++;
    return step;
}

/* ---- forward ---- */

static bti_step_run *const forward_run[] = {
    [BTI_FUSED_PACK] = bti_step_pack,       [BTI_FUSED_CONV] = bti_step_conv,
    [BTI_FUSED_LINEAR] = bti_step_linear,   [BTI_FUSED_NORM] = bti_step_norm,
    [BTI_FUSED_ACT] = bti_step_act,         [BTI_FUSED_ADD] = bti_step_add,
    [BTI_FUSED_SCALE] = bti_step_scale,     [BTI_FUSED_MEAN] = bti_step_mean,
    [BTI_FUSED_MAXPOOL] = bti_step_maxpool, [BTI_FUSED_AVGPOOL] = bti_step_avgpool,
    [BTI_FUSED_FLATTEN] = bti_step_flatten, [BTI_FUSED_PAD] = bti_step_pad,
    [BTI_FUSED_OUTPUT] = bti_step_output,   [BTI_FUSED_CAST] = bti_step_cast,
};

/* A normalisation whose input has batch statistics can run one segment later; it does run as late
 * as its readers allow, so that its output is still in cache when they read it. */
static void assign_levels(bti_engine *e)
{
    for (int i = 0; i < e->n_ops; i++) {
        bti_fused *op = &e->op[i];
        for (int k = 0; k < 2; k++)
            if (op->in[k] >= 0) {
                const bool waits = op->kind == BTI_FUSED_NORM && k == 0 && e->opt.training;
                const int ready = e->value[op->in[k]].level + (waits ? 1 : 0);
                op->level = ready > op->level ? ready : op->level;
            }
        if (op->out >= 0)
            e->value[op->out].level = op->level;
    }
    for (int i = e->n_ops - 1; i >= 0; i--) {
        bti_fused *op = &e->op[i];
        int earliest = -1;
        if (op->kind != BTI_FUSED_NORM)
            continue;
        for (int j = i + 1; j < e->n_ops; j++)
            for (int k = 0; k < 2; k++)
                if (e->op[j].in[k] == op->out && (earliest < 0 || e->op[j].level < earliest))
                    earliest = e->op[j].level;
        op->level = earliest > op->level ? earliest : op->level;
        e->value[op->out].level = op->level;
    }
}

static int count_readers(const bti_engine *e, int value)
{
    int n = 0;
    for (int i = 0; i < e->n_ops; i++)
        n += (e->op[i].in[0] == value) + (e->op[i].in[1] == value);
    return n;
}

/* The normalisation before a convolution of ours, if it can be taken back through while the
 * gradient of its output is in registers: nobody else has a part in that gradient. -1: none. */
static int norm_before(const bti_engine *e, const bti_fused *op)
{
    const bti_fmap *v = &e->value[op->in[0]];
    if (op->kind != BTI_FUSED_CONV || v->op < 0 || e->op[v->op].kind != BTI_FUSED_NORM)
        return -1;
    const bti_fused *norm = &e->op[v->op];
    const bool fits = norm->join == BTI_JOIN_NONE && bti_simd_tail_takes(norm->act) &&
                      e->value[norm->in[0]].bf16 && v->bf16;
    return fits && bti_conv_makes_sums(&e->conv[op->conv].shape) && count_readers(e, op->in[0]) == 1
               ? v->op
               : -1;
}

/* The reader's own kernel normalises on the way in: the map is never written. */
static void skip_norms(bti_engine *e)
{
    for (int i = 0; i < e->n_ops; i++) {
        const int before = norm_before(e, &e->op[i]);
        if (before >= 0 && bti_conv_takes_norm(&e->conv[e->op[i].conv].shape)) {
            e->op[i].pre = before;
            e->op[before].skipped = true;
        }
    }
}

/* A convolution of ours adds up its output while it is in registers, for one normalisation. */
static bool sums_itself(const bti_engine *e, const bti_step *maker)
{
    return maker->run == bti_step_conv && maker->norm < 0 &&
           bti_conv_makes_sums(&e->conv[e->op[maker->op].conv].shape);
}

static void emit_stats(schedule *s, int value)
{
    bti_engine *e = s->e;
    for (int i = 0; e->opt.training && !s->failed && i < e->n_ops; i++)
        if (e->op[i].kind == BTI_FUSED_NORM && e->op[i].in[0] == value) {
            bti_step *maker = &e->step[e->n_steps - 1];
            if (sums_itself(e, maker)) {
                maker->norm = e->op[i].norm;
                maker->finish = bti_finish_stats;
                continue;
            }
            const use uses[] = {{e->value[value].buffer, READ}};
            bti_step *step = emit(s, bti_step_stats, i, uses, 1, e->value[value].level);
            if (step) {
                step->finish = bti_finish_stats;
                step->train_only = true;
            }
        }
}

static void emit_forward(schedule *s, int i)
{
    bti_engine *e = s->e;
    bti_fused *op = &e->op[i];
    use uses[4];
    int n = 0;
    if (op->skipped)
        return;
    for (int k = 0; k < 2; k++)
        if (op->in[k] >= 0 || op->kind == BTI_FUSED_NORM)
            uses[n++] = (use){op->in[k] >= 0 ? e->value[op->in[k]].buffer : -1, READ};
    if (op->pre >= 0)
        uses[0].buffer = e->value[e->op[op->pre].in[0]].buffer;
    if (op->out >= 0) {
        e->value[op->out].buffer = map_buffer(s, op->out);
        uses[n++] = (use){e->value[op->out].buffer, WRITE};
    }
    if (op->kind == BTI_FUSED_MAXPOOL) {
        op->arg = new_buffer(s, map_floats(e, op->out));
        uses[n++] = (use){op->arg, WRITE};
    }
    emit(s, forward_run[op->kind], i, uses, n, op->level);
    if (op->out >= 0)
        emit_stats(s, op->out);
}

/* ---- backward ---- */

/* Cheap enough to compute twice: one pass in cache instead of one through memory. */
static bool recomputable(const bti_engine *e, int value)
{
    const bti_fmap *v = &e->value[value];
    if (v->op < 0)
        return false;
    const bti_fused *op = &e->op[v->op];
    if (op->kind != BTI_FUSED_SCALE && op->kind != BTI_FUSED_PAD &&
        (op->kind != BTI_FUSED_NORM || op->join != BTI_JOIN_NONE))
        return false;
    for (int i = 0; i < e->n_ops; i++) /* kept anyway if another segment reads it */
        for (int k = 0; k < 2; k++)
            if (e->op[i].in[k] == value && e->op[i].level != v->level)
                return false;
    return true;
}

/* A buffer with the value, readable at `level` of the backward pass. */
static int readable(schedule *s, int value, int level)
{
    bti_engine *e = s->e;
    bti_fmap *v = &e->value[value];
    if (!recomputable(e, value))
        return v->buffer;
    if (v->again_level == level)
        return v->again;
    const bti_fused *op = &e->op[v->op];
    use uses[3];
    int n = 0;
    for (int k = 0; k < 2; k++)
        if (op->in[k] >= 0 || op->kind == BTI_FUSED_NORM)
            uses[n++] = (use){op->in[k] >= 0 ? readable(s, op->in[k], level) : -1, READ};
    v->again = map_buffer(s, value);
    v->again_level = level;
    uses[n++] = (use){v->again, WRITE};
    emit(s, forward_run[op->kind], v->op, uses, n, level);
    return v->again;
}

/* Where a step should write a part of a value's gradient: the first part goes to its place. */
static int part_begin(schedule *s, int value)
{
    bti_fmap *v = &s->e->value[value];
    const int b = map_buffer(s, value);
    if (v->grad < 0)
        v->grad = b;
    return b;
}

static void part_end(schedule *s, int value, int buffer)
{
    const int grad = s->e->value[value].grad;
    if (buffer == grad)
        return;
    const use uses[] = {{buffer, READ}, {grad, CHANGE}};
    emit(s, bti_step_accumulate, -1, uses, 2, 0);
}

/* The gradient of `value` is that of an addition: `buffer` itself, if nobody else gives a part. */
static void part_same(schedule *s, int value, int buffer, bool may_share)
{
    bti_fmap *v = &s->e->value[value];
    if (!v->wants_grad)
        return;
    if (v->grad >= 0) {
        part_end(s, value, buffer);
    } else if (may_share) {
        v->grad = buffer;
    } else {
        v->grad = map_buffer(s, value);
        const use uses[] = {{buffer, READ}, {v->grad, WRITE}};
        emit(s, bti_step_copy, -1, uses, 2, 0);
    }
}

/* run(extra, dy -> dx) for an operation with one input. */
static void emit_back_data(schedule *s, int i, bti_step_run *run, int extra)
{
    const bti_fused *op = &s->e->op[i];
    if (!s->e->value[op->in[0]].wants_grad)
        return;
    const int dx = part_begin(s, op->in[0]);
    const use uses[] = {{extra, READ}, {s->e->value[op->out].grad, READ}, {dx, WRITE}};
    emit(s, run, i, extra < 0 ? uses + 1 : uses, extra < 0 ? 2 : 3, 0);
    part_end(s, op->in[0], dx);
}

static void emit_conv_back_data(schedule *s, int i)
{
    bti_engine *e = s->e;
    const bti_fused *op = &e->op[i];
    const int before = norm_before(e, op);
    if (before < 0) {
        emit_back_data(s, i, bti_step_conv_back_data, -1);
        return;
    }
    bti_fused *norm = &e->op[before];
    const int dx = part_begin(s, op->in[0]);
    const use uses[] = {
        {e->value[op->out].grad, READ}, {dx, WRITE}, {e->value[norm->in[0]].buffer, READ}};
    bti_step *step = emit(s, bti_step_conv_back_data, i, uses, 3, 0);
    if (!step)
        return;
    step->norm = norm->norm;
    step->finish = bti_finish_norm_reduce;
    norm->reduced = true;
}

/* Both gradients in one step, from that of the normalisation behind it if it is left to do. */
static void emit_conv_back(schedule *s, int i)
{
    bti_engine *e = s->e;
    const bti_fused *op = &e->op[i];
    const int dy = e->value[op->out].grad, before = norm_before(e, op);
    const bool wanted = e->value[op->in[0]].wants_grad;
    const int ready = e->buffer[dy].write_level;
    const int level = op->post_level > ready ? op->post_level : ready;
    const int x =
        op->pre >= 0 ? e->value[e->op[op->pre].in[0]].buffer : readable(s, op->in[0], level);
    const int dx = wanted ? part_begin(s, op->in[0]) : -1;
    const use uses[] = {{x, READ},
                        {dy, READ},
                        {dx, WRITE},
                        {before >= 0 ? e->value[e->op[before].in[0]].buffer : -1, READ},
                        {op->post >= 0 ? e->value[op->out].buffer : -1, READ}};
    bti_step *step = emit(s, bti_step_conv_back, i, uses, 5, level);
    if (!step)
        return;
    if (before >= 0) {
        step->norm = e->op[before].norm;
        step->finish = bti_finish_norm_reduce;
        e->op[before].reduced = true;
    } else if (wanted) {
        part_end(s, op->in[0], dx);
    }
}

static void emit_weighted(schedule *s, int i, bti_step_run *weights, bti_step_run *data)
{
    const bti_fused *op = &s->e->op[i];
    if (op->kind == BTI_FUSED_CONV && bti_conv_joins_back(&s->e->conv[op->conv].shape)) {
        emit_conv_back(s, i);
        return;
    }
    const int dy = s->e->value[op->out].grad;
    const int x = op->pre >= 0 ? s->e->value[s->e->op[op->pre].in[0]].buffer
                               : readable(s, op->in[0], s->e->buffer[dy].write_level);
    const use uses[] = {{x, READ}, {dy, READ}};
    emit(s, weights, i, uses, 2, 0);
    if (op->kind == BTI_FUSED_CONV)
        emit_conv_back_data(s, i);
    else
        emit_back_data(s, i, data, -1);
}

/* The convolution before a normalisation can take the gradient of its output through it. */
static bool applied_by_conv(const bti_engine *e, const bti_fused *norm)
{
    const int maker = e->value[norm->in[0]].op;
    const bool linear =
        norm->reduced || norm->act == BTI_ACT_IDENTITY || norm->join == BTI_JOIN_ADD_ACT;
    return linear && maker >= 0 && e->op[maker].kind == BTI_FUSED_CONV &&
           bti_conv_joins_back(&e->conv[e->op[maker].conv].shape) &&
           count_readers(e, norm->in[0]) == 1;
}

static void emit_norm(schedule *s, int i)
{
    bti_engine *e = s->e;
    const bti_fused *op = &e->op[i];
    const int x = e->value[op->in[0]].buffer, dy = e->value[op->out].grad;
    const bool last = op->join == BTI_JOIN_ADD_ACT;
    const int level = e->buffer[dy].write_level;
    int after = level + 1;
    if (!op->reduced) {
        const use reduce[] = {{x, READ},
                              {last ? readable(s, op->in[1], level) : -1, READ},
                              {dy, last ? CHANGE : READ}};
        bti_step *step = emit(s, bti_step_norm_reduce, i, reduce, 3, 0);
        if (!step)
            return;
        step->finish = bti_finish_norm_reduce;
        after = step->level + 1;
    }
    if (applied_by_conv(e, op)) {
        bti_fused *conv = &e->op[e->value[op->in[0]].op];
        conv->post = i;
        conv->post_level = after;
        e->value[op->in[0]].grad = dy;
    } else if (e->value[op->in[0]].wants_grad) {
        const int dx = part_begin(s, op->in[0]);
        const use apply[] = {{x, READ}, {dy, READ}, {dx, WRITE}};
        emit(s, bti_step_norm_apply, i, apply, 3, after);
        part_end(s, op->in[0], dx);
    }
    if (op->in[1] >= 0)
        part_same(s, op->in[1], dy, true);
}

static void emit_scale(schedule *s, int i)
{
    bti_engine *e = s->e;
    const bti_fused *op = &e->op[i];
    const int dy = e->value[op->out].grad, level = e->buffer[dy].write_level;
    const int z = readable(s, op->in[0], level), gate = readable(s, op->in[1], level);
    const int dz = part_begin(s, op->in[0]), ds = part_begin(s, op->in[1]);
    const use uses[] = {{z, READ}, {gate, READ}, {dy, READ}, {dz, WRITE}, {ds, WRITE}};
    emit(s, bti_step_scale_back, i, uses, 5, 0);
    part_end(s, op->in[0], dz);
    part_end(s, op->in[1], ds);
}

/* The average's gradient is added where the other reader's part already stands. */
static void emit_mean(schedule *s, int i)
{
    const bti_fused *op = &s->e->op[i];
    bti_fmap *v = &s->e->value[op->in[0]];
    if (!v->wants_grad)
        return;
    const bool add = v->grad >= 0;
    if (!add)
        v->grad = map_buffer(s, op->in[0]);
    const use uses[] = {{s->e->value[op->out].grad, READ}, {v->grad, add ? CHANGE : WRITE}};
    bti_step *step = emit(s, bti_step_mean_back, i, uses, 2, 0);
    if (step)
        step->add = add;
}

static void emit_output(schedule *s, int i)
{
    const int value = s->e->op[i].in[0];
    const int dx = part_begin(s, value);
    const use uses[] = {{dx, WRITE}};
    emit(s, bti_step_output_back, i, uses, 1, 0);
    part_end(s, value, dx);
}

static void emit_act(schedule *s, int i)
{
    const bti_fused *op = &s->e->op[i];
    const int dy = s->e->value[op->out].grad;
    const int from = op->act == BTI_ACT_SOFTMAX ? op->out : op->in[0];
    emit_back_data(s, i, bti_step_act_back, readable(s, from, s->e->buffer[dy].write_level));
}

static void emit_backward(schedule *s, int i)
{
    bti_engine *e = s->e;
    const bti_fused *op = &e->op[i];
    if (op->kind == BTI_FUSED_OUTPUT)
        emit_output(s, i);
    if (op->out < 0 || e->value[op->out].grad < 0)
        return; /* nothing reads it, or nothing before it learns */
    const int dy = e->value[op->out].grad;
    switch (op->kind) {
    case BTI_FUSED_CONV:
        emit_weighted(s, i, bti_step_conv_back_weights, bti_step_conv_back_data);
        break;
    case BTI_FUSED_LINEAR:
        emit_weighted(s, i, bti_step_linear_back_weights, bti_step_linear_back_data);
        break;
    case BTI_FUSED_NORM:
        emit_norm(s, i);
        break;
    case BTI_FUSED_ACT:
        emit_act(s, i);
        break;
    case BTI_FUSED_ADD:
        part_same(s, op->in[0], dy, op->in[0] != op->in[1]);
        part_same(s, op->in[1], dy, false);
        break;
    case BTI_FUSED_SCALE:
        emit_scale(s, i);
        break;
    case BTI_FUSED_MEAN:
        emit_mean(s, i);
        break;
    case BTI_FUSED_MAXPOOL:
        emit_back_data(s, i, bti_step_maxpool_back, op->arg);
        break;
    case BTI_FUSED_AVGPOOL:
        emit_back_data(s, i, bti_step_avgpool_back, -1);
        break;
    case BTI_FUSED_FLATTEN:
        emit_back_data(s, i, bti_step_flatten_back, -1);
        break;
    case BTI_FUSED_PAD:
        emit_back_data(s, i, bti_step_pad_back, -1);
        break;
    case BTI_FUSED_CAST:
        emit_back_data(s, i, bti_step_cast, -1);
        break;
    case BTI_FUSED_PACK:
    case BTI_FUSED_OUTPUT:
        break;
    }
}

/* ---- segments ---- */

static int by_segment(const void *a, const void *b)
{
    const bti_step *x = a, *y = b;
    if (x->pass != y->pass)
        return x->pass - y->pass;
    return x->level != y->level ? x->level - y->level : x->order - y->order;
}

static void note_use(bti_buffer *b, int segment, int step)
{
    if (b->first_segment < 0) {
        b->first_segment = segment;
        b->first_step = step;
    }
    b->last_segment = segment;
    b->last_step = step;
    b->full = b->first_segment != b->last_segment;
}

static bt_status cut_segments(bti_engine *e, bt_error *err)
{
    e->segment = bti_calloc((size_t)e->n_steps, sizeof(*e->segment));
    if (!e->segment)
        return bti_fail_nomem(err);
    qsort(e->step, (size_t)e->n_steps, sizeof(*e->step), by_segment);
    for (int i = 0; i < e->n_steps; i++) {
        const bti_step *s = &e->step[i];
        if (!i || s->pass != s[-1].pass || s->level != s[-1].level)
            e->segment[e->n_segments++] = (bti_segment){.first_step = i};
        e->segment[e->n_segments - 1].n_steps++;
        if (s->pass == 0)
            e->n_forward = e->n_segments;
        for (int k = 0; k < BTI_STEP_BUFFERS; k++)
            if (s->b[k] >= 0)
                note_use(&e->buffer[s->b[k]], e->n_segments - 1, i);
    }
    /* The input is written by the caller before, and read by the first gradient at the end. */
    bti_buffer *input = &e->buffer[e->value[0].buffer];
    input->full = true;
    input->first_segment = 0;
    input->last_segment = e->n_segments - 1;
    return BT_OK;
}

bt_status bti_engine_schedule(bti_engine *e, bt_error *err)
{
    schedule s = {.e = e};
    e->value[0].buffer = map_buffer(&s, 0);
    assign_levels(e);
    skip_norms(e);
    for (int i = 0; !s.failed && i < e->n_ops; i++)
        emit_forward(&s, i);
    for (int i = 0; i < e->n_buffers; i++) /* whatever the forward pass wrote is ready */
        e->buffer[i].write_level = e->buffer[i].access_level = 0;
    s.pass = 1;
    for (int i = e->n_ops - 1; e->opt.training && !s.failed && i >= 0; i--)
        emit_backward(&s, i);
    return s.failed ? bti_fail_nomem(err) : cut_segments(e, err);
}
