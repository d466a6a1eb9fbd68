/* SPDX-License-Identifier: Apache-2.0
 *
 * Flash and RAM of an exported network, known before anything is compiled.
 */
#include "export/sizes.h"

#include "export/emit.h"

enum { WINDOW = 30, POINTER = 4 };

/* Code bytes of each part: arm-none-eabi-gcc 12.2 -std=c99 -Os -mcpu=cortex-m4 -mthumb
 * -mfloat-abi=hard -mfpu=fpv4-sp-d16, every function by itself. Inlining makes a whole source a
 * little smaller or larger: tests/cli/export_arm.sh holds the sum to 2 KiB. */
static const struct {
    const char *part;
    int bytes;
} code[] = {
    /* clang-format off */
    {"ELU_f32", 42},
    {"GELU_f32", 72},
    {"Hardsigmoid_f32", 72},
    {"Hardswish_f32", 74},
    {"LeakyReLU_f32", 44},
    {"Mish_f32", 70},
    {"SELU_f32", 74},
    {"SiLU_f32", 56},
    {"Sigmoid_f32", 56},
    {"Softmax_f32", 166},
    {"Softplus_f32", 58},
    {"Tanh_f32", 32},
    {"add_f32", 60},
    {"add_s8", 118},
    {"avgpool_f32", 104},
    {"avgpool_s8", 102},
    {"clamp_f32", 50},
    {"clip_f32", 38},
    {"clip_s8", 18},
    {"conv_f32", 422},
    {"conv_s8", 352},
    {"depthwise_f32", 346},
    {"depthwise_s8", 300},
    {"dot_f32", 24},
    {"dot_s8", 98},
    {"grid_area", 60},
    {"grid_average_f32", 104},
    {"grid_average_s8", 102},
    {"image_conv_f32", 448},
    {"image_conv_s8", 370},
    {"image_f32", 84},
    {"image_s8", 50},
    {"maxpool_f32", 200},
    {"maxpool_s8", 168},
    {"mean_f32", 92},
    {"mean_s8", 146},
    {"pointwise_s8", 148},
    {"pool_area", 102},
    {"rescale_s8", 120},
    {"scale_f32", 62},
    {"scale_s8", 110},
    {"table_s8", 24},
    {"taps", 24},
    /* clang-format on */
};
#define CODE_BASE 64 /* NAME_run() itself, NAME_classify() */
#define CODE_CALL 12 /* one operation */
#define STACK 512    /* all functions together take 300 to 450 bytes; the same test checks it */

static int code_of(const char *part)
{
    for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++)
        if (!strcmp(code[i].part, part))
            return code[i].bytes;
    return 0; /* types */
}

static int64_t even(int64_t bytes, int64_t to)
{
    return (bytes + to - 1) / to * to;
}

static int64_t constants_f32(const bti_folded_op *op)
{
    switch (op->kind) {
    case BTI_OP_CONV:
    case BTI_OP_DEPTHWISE:
        return 4 * (op->n_weight + op->n_bias) + even(WINDOW, 4) + 3 * POINTER + 8 +
               (op->in[0] == BTI_IMAGE ? 4 * op->in_c : 0);
    case BTI_OP_IMAGE:
        return 8 * op->c;
    case BTI_OP_MAXPOOL:
    case BTI_OP_AVGPOOL:
    case BTI_OP_GRID_AVERAGE:
        return WINDOW;
    case BTI_OP_ADD:
    case BTI_OP_SCALE:
    case BTI_OP_CLAMP:
    case BTI_OP_ACT:
        break;
    }
    return 0;
}

static int64_t constants_s8(const bti_folded_op *op)
{
    switch (op->kind) {
    case BTI_OP_CONV:
    case BTI_OP_DEPTHWISE:
        return even(op->n_weight, 4) + 8 * op->n_bias + even(op->n_bias, 4) + even(WINDOW, 4) +
               5 * POINTER + 8 + (op->in[0] == BTI_IMAGE ? 4 : 0);
    case BTI_OP_IMAGE:
        return 256 * (int64_t)op->c;
    case BTI_OP_CLAMP:
    case BTI_OP_ACT:
        return 256;
    case BTI_OP_MAXPOOL:
        return WINDOW;
    case BTI_OP_AVGPOOL:
    case BTI_OP_GRID_AVERAGE:
        return even(WINDOW, 4) + 16;
    case BTI_OP_ADD:
        return 4 * 4 + 8 * 2;
    case BTI_OP_SCALE:
        return 3 * 4 + 4 * 2;
    }
    return 0;
}

bti_sizes bti_sizes_of(const bti_folded *f, bool int8)
{
    bti_sizes s = {.arena = f->arena * (int8 ? 1 : 4), .stack = STACK, .code = CODE_BASE};
    bti_parts parts = {0};

    for (int i = 0; i < f->n_ops; i++) {
        const bti_folded_op *op = &f->op[i];
        const bti_quantised_op q = {.pointwise = bti_folded_op_pointwise(op)};
        s.constants += int8 ? constants_s8(op) : constants_f32(op);
        s.code += CODE_CALL;
        if (int8)
            bti_parts_of_s8(&parts, op, &q);
        else
            bti_parts_of_f32(&parts, op);
    }
    for (int i = 0; i < parts.n; i++)
        s.code += code_of(parts.name[i]);
    s.constants +=
        POINTER * f->classes; /* the names' addresses; the names themselves come on top */
    s.flash = s.constants + s.code;
    return s;
}
