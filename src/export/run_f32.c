/* SPDX-License-Identifier: Apache-2.0
 *
 * Dispatch of folded operations to the f32 kernels.
 */
#include "export/run_f32.h"

#include <assert.h>
#include <math.h>

#include "export/kernels/window.inc"

#include "export/kernels/f32.inc"

#include "export/window_of.inc"

static void act(bti_act which, int n, const float *x, float *y)
{
    switch (which) {
#define CASE(id, name)                                                                             \
    case BTI_ACT_##id:                                                                             \
        name##_f32(n, x, y);                                                                       \
        break
        CASE(LEAKY_RELU, LeakyReLU);
        CASE(SELU, SELU);
        CASE(SILU, SiLU);
        CASE(GELU, GELU);
        CASE(SIGMOID, Sigmoid);
        CASE(TANH, Tanh);
        CASE(SOFTPLUS, Softplus);
        CASE(HARDSWISH, Hardswish);
        CASE(HARDSIGMOID, Hardsigmoid);
        CASE(MISH, Mish);
#undef CASE
    case BTI_ACT_ELU:
    case BTI_ACT_CELU: /* both with alpha = 1: the same function */
        ELU_f32(n, x, y);
        break;
    case BTI_ACT_IDENTITY: /* leaves no node */
    case BTI_ACT_RELU:     /* clamps */
    case BTI_ACT_RELU6:
    case BTI_ACT_HARDTANH:
    case BTI_ACT_SOFTMAX: /* not pointwise */
    case BTI_ACT_COUNT:
        assert(false && "an activation with a kernel of its own");
    }
}

float bti_act_f32(bti_act which, float x)
{
    float y = x;
    act(which, 1, &x, &y);
    return y;
}

const float *bti_step_f32(const bti_folded *f, int i, const uint8_t *image, float *arena,
                          float *logits)
{
    const bti_folded_op *op = &f->op[i];
    const float *x = op->in[0] >= 0 ? arena + f->op[op->in[0]].offset : NULL;
    const float *other = op->in[1] >= 0 ? arena + f->op[op->in[1]].offset : NULL;
    float *y = op->offset >= 0 ? arena + op->offset : logits;
    const conv_f32_layer layer = {.g = window_of(op),
                                  .weight = op->weight,
                                  .bias = op->bias,
                                  .lo = op->lo,
                                  .hi = op->hi,
                                  .black = op->black};
    const int pixels = op->h * op->w, n = (int)op->size;

    switch (op->kind) {
    case BTI_OP_IMAGE:
        image_f32(pixels, op->c, op->black, op->gain, image, y);
        break;
    case BTI_OP_CONV:
        if (op->in[0] == BTI_IMAGE)
            image_conv_f32(&layer, image, y);
        else
            conv_f32(&layer, x, y);
        break;
    case BTI_OP_DEPTHWISE:
        depthwise_f32(&layer, x, y);
        break;
    case BTI_OP_MAXPOOL:
        maxpool_f32(&layer.g, x, y);
        break;
    case BTI_OP_AVGPOOL:
        avgpool_f32(&layer.g, x, y);
        break;
    case BTI_OP_GRID_AVERAGE:
        grid_average_f32(&layer.g, x, y);
        break;
    case BTI_OP_ADD:
        add_f32(n, op->lo, op->hi, x, other, y);
        break;
    case BTI_OP_SCALE:
        scale_f32(pixels, op->c, x, other, y);
        break;
    case BTI_OP_CLAMP:
        clamp_f32(n, op->lo, op->hi, x, y);
        break;
    case BTI_OP_ACT:
        if (op->act == BTI_ACT_SOFTMAX)
            Softmax_f32(pixels, op->c, x, y);
        else
            act(op->act, n, x, y);
        break;
    }
    return y;
}

void bti_run_f32(const bti_folded *f, const uint8_t *image, float *arena, float *logits)
{
    for (int i = 0; i < f->n_ops; i++)
        bti_step_f32(f, i, image, arena, logits);
}
