/* SPDX-License-Identifier: Apache-2.0
 *
 * Dispatch of folded operations to the int8 kernels.
 */
#include "export/quantised.h"

#include "base/alloc.h"
#include <string.h>

#include "export/kernels/window.inc"

#include "export/kernels/s8.inc"

#include "export/window_of.inc"

/* The scale of an operation's input; the image is not a quantised map. */
static int zero_of(const bti_quantised *q, int in)
{
    return in >= 0 ? q->op[in].out.zero : 0;
}

static void conv(const bti_quantised *q, int i, const uint8_t *image, const int8_t *x, int8_t *y)
{
    const bti_folded_op *op = &q->net->op[i];
    const bti_quantised_op *o = &q->op[i];
    const conv_s8_layer layer = {.g = window_of(op),
                                 .weight = o->weight,
                                 .bias = o->bias,
                                 .multiplier = o->multiplier,
                                 .shift = o->shift,
                                 .in_zero = (int16_t)zero_of(q, op->in[0]),
                                 .out_zero = (int16_t)o->out.zero,
                                 .lo = (int16_t)o->lo,
                                 .hi = (int16_t)o->hi,
                                 .black = o->black};
    if (op->kind == BTI_OP_DEPTHWISE)
        depthwise_s8(&layer, x, y);
    else if (op->in[0] == BTI_IMAGE)
        image_conv_s8(&layer, image, y);
    else if (o->pointwise)
        pointwise_s8(&layer, x, y);
    else
        conv_s8(&layer, x, y);
}

static void average(const bti_quantised *q, int i, const int8_t *x, int8_t *y)
{
    const bti_folded_op *op = &q->net->op[i];
    const bti_quantised_op *o = &q->op[i];
    const average_s8_layer layer = {.g = window_of(op),
                                    .multiplier = o->mult[0],
                                    .count = o->count,
                                    .shift = (int16_t)o->exponent[0],
                                    .in_zero = (int16_t)zero_of(q, op->in[0]),
                                    .out_zero = (int16_t)o->out.zero};
    if (op->kind == BTI_OP_AVGPOOL)
        avgpool_s8(&layer, x, y);
    else
        grid_average_s8(&layer, x, y);
}

static void add(const bti_quantised *q, int i, const int8_t *a, const int8_t *b, int8_t *y)
{
    const bti_folded_op *op = &q->net->op[i];
    const bti_quantised_op *o = &q->op[i];
    const add_s8_layer layer = {.n = (int32_t)op->size,
                                .multiplier_a = o->mult[0],
                                .multiplier_b = o->mult[1],
                                .multiplier_y = o->mult[2],
                                .shift_a = (int16_t)o->exponent[0],
                                .shift_b = (int16_t)o->exponent[1],
                                .shift_y = (int16_t)o->exponent[2],
                                .zero_a = (int16_t)zero_of(q, op->in[0]),
                                .zero_b = (int16_t)zero_of(q, op->in[1]),
                                .zero_y = (int16_t)o->out.zero,
                                .lo = (int16_t)o->lo,
                                .hi = (int16_t)o->hi};
    add_s8(&layer, a, b, y);
}

static void scale(const bti_quantised *q, int i, const int8_t *x, const int8_t *gate, int8_t *y)
{
    const bti_folded_op *op = &q->net->op[i];
    const bti_quantised_op *o = &q->op[i];
    const scale_s8_layer layer = {.pixels = op->h * op->w,
                                  .channels = op->c,
                                  .multiplier = o->mult[0],
                                  .shift = (int16_t)o->exponent[0],
                                  .x_zero = (int16_t)zero_of(q, op->in[0]),
                                  .gate_zero = (int16_t)zero_of(q, op->in[1]),
                                  .y_zero = (int16_t)o->out.zero};
    scale_s8(&layer, x, gate, y);
}

const int8_t *bti_step_s8(const bti_quantised *q, int i, const uint8_t *image, int8_t *arena,
                          int8_t *logits)
{
    const bti_folded_op *op = &q->net->op[i];
    const int8_t *x = op->in[0] >= 0 ? arena + q->net->op[op->in[0]].offset : NULL;
    const int8_t *other = op->in[1] >= 0 ? arena + q->net->op[op->in[1]].offset : NULL;
    int8_t *y = op->offset >= 0 ? arena + op->offset : logits;
    const window g = window_of(op);

    switch (op->kind) {
    case BTI_OP_IMAGE:
        image_s8(op->h * op->w, op->c, q->op[i].table, image, y);
        break;
    case BTI_OP_CONV:
    case BTI_OP_DEPTHWISE:
        conv(q, i, image, x, y);
        break;
    case BTI_OP_MAXPOOL:
        maxpool_s8(&g, x, y);
        break;
    case BTI_OP_AVGPOOL:
    case BTI_OP_GRID_AVERAGE:
        average(q, i, x, y);
        break;
    case BTI_OP_ADD:
        add(q, i, x, other, y);
        break;
    case BTI_OP_SCALE:
        scale(q, i, x, other, y);
        break;
    case BTI_OP_CLAMP:
    case BTI_OP_ACT:
        table_s8((int32_t)op->size, q->op[i].table, x, y);
        break;
    }
    return y;
}

void bti_run_s8(const bti_quantised *q, const uint8_t *image, int8_t *arena, int8_t *logits)
{
    for (int i = 0; i < q->net->n_ops; i++)
        bti_step_s8(q, i, image, arena, logits);
}

void bti_quantised_free(bti_quantised *q)
{
    if (!q)
        return;
    bti_arena_release(&q->memory);
    bti_free(q);
}
