/* SPDX-License-Identifier: Apache-2.0
 *
 * C sources of the int8 operations: constants, calls, and which kernels they need.
 */
#include "export/emit.h"

static const char *conv_kernel(const bti_folded_op *op, const bti_quantised_op *q)
{
    if (op->kind == BTI_OP_DEPTHWISE)
        return "depthwise_s8";
    if (op->in[0] == BTI_IMAGE)
        return "image_conv_s8";
    return q->pointwise ? "pointwise_s8" : "conv_s8";
}

void bti_parts_of_s8(bti_parts *p, const bti_folded_op *op, const bti_quantised_op *q)
{
    static const char *const of_kind[][8] = {
        [BTI_OP_IMAGE] = {"image_s8"},
        [BTI_OP_CONV] = {"window", "rescale_s8", "clip_s8", "conv_layer_s8"},
        [BTI_OP_DEPTHWISE] = {"window", "rescale_s8", "clip_s8", "conv_layer_s8"},
        [BTI_OP_MAXPOOL] = {"window", "maxpool_s8"},
        [BTI_OP_AVGPOOL] = {"window", "area", "pool_area", "rescale_s8", "clip_s8", "mean_s8",
                            "avgpool_s8"},
        [BTI_OP_GRID_AVERAGE] = {"window", "area", "grid_area", "rescale_s8", "clip_s8", "mean_s8",
                                 "grid_average_s8"},
        [BTI_OP_ADD] = {"rescale_s8", "clip_s8", "add_s8"},
        [BTI_OP_SCALE] = {"rescale_s8", "clip_s8", "scale_s8"},
        [BTI_OP_CLAMP] = {"table_s8"},
        [BTI_OP_ACT] = {"table_s8"},
    };

    for (int i = 0; i < 8 && of_kind[op->kind][i]; i++)
        bti_parts_add(p, of_kind[op->kind][i]);
    if (op->kind == BTI_OP_CONV || op->kind == BTI_OP_DEPTHWISE) {
        bti_parts_add(p, conv_kernel(op, q));
        if (!q->pointwise)
            bti_parts_add(p, "taps");
        if (op->kind == BTI_OP_CONV && op->in[0] != BTI_IMAGE)
            bti_parts_add(p, "dot_s8");
        bti_parts_add(p, "inner");
    }
}

static int zero_of(const bti_quantised *q, int in)
{
    return in >= 0 ? q->op[in].out.zero : 0;
}

static void emit_conv(FILE *f, const bti_quantised *quant, int i)
{
    const bti_folded_op *op = &quant->net->op[i];
    const bti_quantised_op *q = &quant->op[i];
    const bool image = op->in[0] == BTI_IMAGE;

    bti_emit_int8s(f, "weight", i, q->weight, op->n_weight);
    bti_emit_int32s(f, "bias", i, q->bias, op->n_bias);
    bti_emit_int32s(f, "multiplier", i, q->multiplier, op->n_bias);
    bti_emit_int8s(f, "shift", i, q->shift, op->n_bias);
    if (image) {
        fprintf(f, "static const uint8_t black%d[%d] = {", i, op->in_c);
        for (int c = 0; c < op->in_c; c++)
            fprintf(f, "%d, ", q->black[c]);
        fputs("};\n", f);
    }
    fprintf(f, "static const conv_s8_layer layer%d = {", i);
    bti_emit_window(f, op);
    fprintf(f, ", weight%d, bias%d, multiplier%d, shift%d, %d, %d, %d, %d, ", i, i, i, i,
            zero_of(quant, op->in[0]), q->out.zero, q->lo, q->hi);
    if (image)
        fprintf(f, "black%d};\n\n", i);
    else
        fputs("0};\n\n", f);
}

static void emit_add(FILE *f, const bti_quantised *quant, int i)
{
    const bti_folded_op *op = &quant->net->op[i];
    const bti_quantised_op *q = &quant->op[i];

    fprintf(f,
            "static const add_s8_layer layer%d = {%lld, %ld, %ld, %ld, %d, %d, %d, %d, %d, %d, %d, "
            "%d};\n\n",
            i, (long long)op->size, (long)q->mult[0], (long)q->mult[1], (long)q->mult[2],
            q->exponent[0], q->exponent[1], q->exponent[2], zero_of(quant, op->in[0]),
            zero_of(quant, op->in[1]), q->out.zero, q->lo, q->hi);
}

void bti_emit_layer_s8(FILE *f, const bti_quantised *quant, int i)
{
    const bti_folded_op *op = &quant->net->op[i];
    const bti_quantised_op *q = &quant->op[i];

    switch (op->kind) {
    case BTI_OP_CONV:
    case BTI_OP_DEPTHWISE:
        emit_conv(f, quant, i);
        break;
    case BTI_OP_IMAGE:
        bti_emit_int8s(f, "table", i, q->table, 256 * (int64_t)op->c);
        break;
    case BTI_OP_CLAMP:
    case BTI_OP_ACT:
        fprintf(f, "/* %s */\n", bti_folded_op_name(op));
        bti_emit_int8s(f, "table", i, q->table, 256);
        fputc('\n', f);
        break;
    case BTI_OP_MAXPOOL:
        fprintf(f, "static const window layer%d = ", i);
        bti_emit_window(f, op);
        fputs(";\n\n", f);
        break;
    case BTI_OP_AVGPOOL:
    case BTI_OP_GRID_AVERAGE:
        fprintf(f, "static const average_s8_layer layer%d = {", i);
        bti_emit_window(f, op);
        fprintf(f, ", %ld, %d, %d, %d, %d};\n\n", (long)q->mult[0], q->count, q->exponent[0],
                zero_of(quant, op->in[0]), q->out.zero);
        break;
    case BTI_OP_ADD:
        emit_add(f, quant, i);
        break;
    case BTI_OP_SCALE:
        fprintf(f, "static const scale_s8_layer layer%d = {%d, %d, %ld, %d, %d, %d, %d};\n\n", i,
                op->h * op->w, op->c, (long)q->mult[0], q->exponent[0], zero_of(quant, op->in[0]),
                zero_of(quant, op->in[1]), q->out.zero);
        break;
    }
}

void bti_emit_call_s8(FILE *f, const bti_quantised *quant, int i)
{
    const bti_folded *net = quant->net;
    const bti_folded_op *op = &net->op[i];

    fputs("    ", f);
    switch (op->kind) {
    case BTI_OP_IMAGE:
        fprintf(f, "image_s8(%d, %d, table%d, ", op->h * op->w, op->c, i);
        break;
    case BTI_OP_CONV:
    case BTI_OP_DEPTHWISE:
        fprintf(f, "%s(&layer%d, ", conv_kernel(op, &quant->op[i]), i);
        break;
    case BTI_OP_CLAMP:
    case BTI_OP_ACT:
        fprintf(f, "table_s8(%lld, table%d, ", (long long)op->size, i);
        break;
    case BTI_OP_GRID_AVERAGE:
        fprintf(f, "grid_average_s8(&layer%d, ", i);
        break;
    case BTI_OP_MAXPOOL:
    case BTI_OP_AVGPOOL:
    case BTI_OP_ADD:
    case BTI_OP_SCALE:
        fprintf(f, "%s_s8(&layer%d, ", bti_folded_op_name(op), i);
        break;
    }
    bti_emit_places(f, net, i);
}
