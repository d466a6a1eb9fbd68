/* SPDX-License-Identifier: Apache-2.0
 *
 * C sources of the f32 operations: constants, calls, and which kernels they need.
 */
#include "export/emit.h"

void bti_parts_of_f32(bti_parts *p, const bti_folded_op *op)
{
    static const char *const of_kind[][6] = {
        [BTI_OP_IMAGE] = {"image_f32"},
        [BTI_OP_CONV] = {"window", "taps", "inner", "clip_f32", "conv_layer_f32"},
        [BTI_OP_DEPTHWISE] = {"window", "taps", "inner", "clip_f32", "conv_layer_f32",
                              "depthwise_f32"},
        [BTI_OP_MAXPOOL] = {"window", "maxpool_f32"},
        [BTI_OP_AVGPOOL] = {"window", "area", "pool_area", "mean_f32", "avgpool_f32"},
        [BTI_OP_GRID_AVERAGE] = {"window", "area", "grid_area", "mean_f32", "grid_average_f32"},
        [BTI_OP_ADD] = {"clip_f32", "add_f32"},
        [BTI_OP_SCALE] = {"scale_f32"},
        [BTI_OP_CLAMP] = {"clip_f32", "clamp_f32"},
    };
    static const char *const of_act[BTI_ACT_COUNT] = {
        [BTI_ACT_LEAKY_RELU] = "LeakyReLU_f32",
        [BTI_ACT_ELU] = "ELU_f32",
        [BTI_ACT_CELU] = "ELU_f32",
        [BTI_ACT_SELU] = "SELU_f32",
        [BTI_ACT_SILU] = "SiLU_f32",
        [BTI_ACT_GELU] = "GELU_f32",
        [BTI_ACT_SIGMOID] = "Sigmoid_f32",
        [BTI_ACT_TANH] = "Tanh_f32",
        [BTI_ACT_SOFTPLUS] = "Softplus_f32",
        [BTI_ACT_HARDSWISH] = "Hardswish_f32",
        [BTI_ACT_HARDSIGMOID] = "Hardsigmoid_f32",
        [BTI_ACT_MISH] = "Mish_f32",
        [BTI_ACT_SOFTMAX] = "Softmax_f32",
    };

    if (op->kind == BTI_OP_ACT) {
        bti_parts_add(p, of_act[op->act]);
        if (op->act == BTI_ACT_HARDSWISH || op->act == BTI_ACT_HARDSIGMOID)
            bti_parts_add(p, "clip_f32");
        else if (op->act != BTI_ACT_LEAKY_RELU)
            bti_parts_add(p, "math.h");
        return;
    }
    for (int i = 0; i < 6 && of_kind[op->kind][i]; i++)
        bti_parts_add(p, of_kind[op->kind][i]);
    if (op->kind == BTI_OP_CONV && op->in[0] == BTI_IMAGE) {
        bti_parts_add(p, "image_conv_f32");
    } else if (op->kind == BTI_OP_CONV) {
        bti_parts_add(p, "dot_f32");
        bti_parts_add(p, "conv_f32");
    }
}

static void emit_conv(FILE *f, const bti_folded_op *op, int i)
{
    const bool image = op->in[0] == BTI_IMAGE;

    bti_emit_floats(f, "weight", i, op->weight, op->n_weight);
    bti_emit_floats(f, "bias", i, op->bias, op->n_bias);
    if (image)
        bti_emit_floats(f, "black", i, op->black, op->in_c);
    fprintf(f, "static const conv_f32_layer layer%d = {", i);
    bti_emit_window(f, op);
    fprintf(f, ", weight%d, bias%d, ", i, i);
    bti_emit_float(f, op->lo);
    fputs(", ", f);
    bti_emit_float(f, op->hi);
    if (image)
        fprintf(f, ", black%d};\n\n", i);
    else
        fputs(", 0};\n\n", f);
}

void bti_emit_layer_f32(FILE *f, const bti_folded *net, int i)
{
    const bti_folded_op *op = &net->op[i];

    switch (op->kind) {
    case BTI_OP_CONV:
    case BTI_OP_DEPTHWISE:
        emit_conv(f, op, i);
        break;
    case BTI_OP_IMAGE:
        bti_emit_floats(f, "black", i, op->black, op->c);
        bti_emit_floats(f, "gain", i, op->gain, op->c);
        break;
    case BTI_OP_MAXPOOL:
    case BTI_OP_AVGPOOL:
    case BTI_OP_GRID_AVERAGE:
        fprintf(f, "static const window layer%d = ", i);
        bti_emit_window(f, op);
        fputs(";\n\n", f);
        break;
    case BTI_OP_ADD:
    case BTI_OP_SCALE:
    case BTI_OP_CLAMP:
    case BTI_OP_ACT:
        break; /* all is in the call */
    }
}

static void emit_clamped(FILE *f, const char *name, const bti_folded_op *op)
{
    fprintf(f, "%s(%lld, ", name, (long long)op->size);
    bti_emit_float(f, op->lo);
    fputs(", ", f);
    bti_emit_float(f, op->hi);
    fputs(", ", f);
}

void bti_emit_call_f32(FILE *f, const bti_folded *net, int i)
{
    const bti_folded_op *op = &net->op[i];
    const int pixels = op->h * op->w;

    fputs("    ", f);
    switch (op->kind) {
    case BTI_OP_IMAGE:
        fprintf(f, "image_f32(%d, %d, black%d, gain%d, ", pixels, op->c, i, i);
        break;
    case BTI_OP_CONV:
        fprintf(f, "%s_f32(&layer%d, ", op->in[0] == BTI_IMAGE ? "image_conv" : "conv", i);
        break;
    case BTI_OP_DEPTHWISE:
    case BTI_OP_MAXPOOL:
    case BTI_OP_AVGPOOL:
        fprintf(f, "%s_f32(&layer%d, ", bti_folded_op_name(op), i);
        break;
    case BTI_OP_GRID_AVERAGE:
        fprintf(f, "grid_average_f32(&layer%d, ", i);
        break;
    case BTI_OP_ADD:
        emit_clamped(f, "add_f32", op);
        break;
    case BTI_OP_CLAMP:
        emit_clamped(f, "clamp_f32", op);
        break;
    case BTI_OP_SCALE:
        fprintf(f, "scale_f32(%d, %d, ", pixels, op->c);
        break;
    case BTI_OP_ACT:
        if (op->act == BTI_ACT_SOFTMAX)
            fprintf(f, "Softmax_f32(%d, %d, ", pixels, op->c);
        else
            fprintf(f, "%s_f32(%lld, ", op->act == BTI_ACT_CELU ? "ELU" : bti_folded_op_name(op),
                    (long long)op->size);
        break;
    }
    bti_emit_places(f, net, i);
}
