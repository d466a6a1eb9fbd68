/* SPDX-License-Identifier: Apache-2.0
 *
 * Folded operations as ONNX nodes. Maps are (N,C,H,W); a linear layer is a 1x1 convolution, the
 * last one Gemm. Names are "row3/conv5/Relu": row of the model file, operation, node.
 *
 * Pixels get their `black` added (below 0) before the first convolution and its weights hold the
 * rest of the normalisation, so that zero padding is exactly what it was in training.
 */
#include "export/onnx_net.h"

#include "base/alloc.h"
#include "base/error.h"
#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define NAME 96 /* of a value: the longest activation, two numbers and the longest node fit */

typedef struct adding {
    bti_onnx *o;
    const bti_folded *f;
    const bti_quantised *q; /* or NULL */
    const bti_folded_op *op;
    int i;
    char prefix[NAME / 2];
    char at[NAME];       /* the value that the next node takes */
    char (*value)[NAME]; /* by operation: its map */
    bti_arena scratch;
    bool failed; /* no memory for scratch */
} adding;

static void *scratch(adding *s, size_t n, size_t size)
{
    void *p = bti_arena_alloc(&s->scratch, n * size);
    if (!p)
        s->failed = true;
    return p;
}

static const char *named(const adding *s, char name[NAME], const char *label)
{
    snprintf(name, NAME, "%s/%s", s->prefix, label);
    return name;
}

/* Name of the map of an operation, or of the image. */
static const char *map_of(const adding *s, int in)
{
    return in == BTI_IMAGE ? "input" : s->value[in];
}

/* A node on the value at hand and on a, b if they are not NULL; its output is then at hand. */
static void apply(adding *s, const char *op_type, const char *label, const char *a, const char *b)
{
    char name[NAME];
    const char *const in[] = {s->at, a, b};
    bti_onnx_node(s->o, op_type, named(s, name, label), b ? 3 : a ? 2 : 1, in);
    memcpy(s->at, name, NAME);
}

static const char *scalar(adding *s, char name[NAME], const char *label, float v)
{
    bti_onnx_constant(s->o, named(s, name, label), BTI_ONNX_F32, 0, NULL, &v);
    return name;
}

static void multiply(adding *s, const char *label, float v)
{
    char name[NAME], factor[NAME / 2];
    snprintf(factor, sizeof(factor), "%s.by", label);
    apply(s, "Mul", label, scalar(s, name, factor, v), NULL);
}

/* A value a channel, which broadcasts over N, H and W. */
static void apply_channels(adding *s, const char *op_type, const char *label, int c, const float *v)
{
    char name[NAME];
    const int64_t dims[] = {1, c, 1, 1};
    bti_onnx_constant(s->o, named(s, name, label), BTI_ONNX_F32, 4, dims, v);
    apply(s, op_type, op_type, name, NULL);
}

/* ---- int8 ---- */

/* scale * (value - zero), of the value at hand; one scale. */
static void quantise_map(adding *s)
{
    char scale[NAME], zero[NAME];
    if (!s->q)
        return;
    const bti_scale *out = &s->q->op[s->i].out;
    const int8_t z = (int8_t)out->zero;
    scalar(s, scale, "scale", (float)out->scale);
    bti_onnx_constant(s->o, named(s, zero, "zero"), BTI_ONNX_S8, 0, NULL, &z);
    apply(s, "QuantizeLinear", "QuantizeLinear", scale, zero);
    apply(s, "DequantizeLinear", "DequantizeLinear", scale, zero);
}

/* Scales of an operation's weights, from the factors that the integer kernels use. */
static float *weight_scales(adding *s, double in_scale)
{
    const bti_quantised_op *q = &s->q->op[s->i];
    float *scale = scratch(s, (size_t)s->op->c, sizeof(*scale));
    for (int c = 0; scale && c < s->op->c; c++) {
        const double factor = ldexp((double)q->multiplier[c], q->shift[c] - 31);
        scale[c] = fmaxf((float)(factor * q->out.scale / in_scale), FLT_MIN);
    }
    return scale;
}

/* Biases as of a kernel that subtracts the zero of its input: pointwise ones do not. */
static int32_t *plain_biases(adding *s)
{
    const bti_quantised_op *q = &s->q->op[s->i];
    int32_t *bias = scratch(s, (size_t)s->op->c, sizeof(*bias));
    for (int c = 0; bias && c < s->op->c; c++) {
        int32_t sum = 0;
        for (int j = 0; q->pointwise && j < s->op->in_c; j++)
            sum += q->weight[(int64_t)c * s->op->in_c + j];
        bias[c] = q->bias[c] + (sum ? s->q->op[s->op->in[0]].out.zero * sum : 0);
    }
    return bias;
}

/* An integer constant with a scale a channel of its first dimension, as real numbers. */
static void dequantised(adding *s, const char *label, bti_onnx_type type, int n_dims,
                        const int64_t *dims, const void *data, const float *scale)
{
    char integers[NAME], scales[NAME], name[NAME];
    snprintf(integers, NAME, "%s/%s.int", s->prefix, label);
    snprintf(scales, NAME, "%s/%s.scale", s->prefix, label);
    const char *const in[] = {integers, scales};
    bti_onnx_constant(s->o, integers, type, n_dims, dims, data);
    bti_onnx_constant(s->o, scales, BTI_ONNX_F32, 1, dims, scale);
    bti_onnx_node(s->o, "DequantizeLinear", named(s, name, label), 2, in);
    bti_onnx_attr_int(s->o, "axis", 0);
}

/* ---- convolutions ---- */

/* (O, k, k, I/groups) or, of depthwise ones, (k, k, C), to ONNX's (O, I/groups, k, k). */
static void *onnx_filter(adding *s, const void *from, size_t size)
{
    const bti_folded_op *op = s->op;
    const int taps = op->k * op->k, group = op->in_c / op->groups;
    char *to = scratch(s, (size_t)op->n_weight, size);
    int64_t n = 0;
    if (!to)
        return NULL;
    for (int o = 0; o < op->c; o++)
        for (int j = 0; j < group * taps; j++) {
            const int c = j / taps, t = j % taps;
            const int64_t at = op->kind == BTI_OP_DEPTHWISE ? (int64_t)t * op->c + o
                                                            : ((int64_t)o * taps + t) * group + c;
            memcpy(to + (size_t)n++ * size, (const char *)from + (size_t)at * size, size);
        }
    return to;
}

static void add_weights(adding *s, int n_dims, char weight[NAME], char bias[NAME])
{
    const bti_folded_op *op = s->op;
    const int64_t dims[] = {op->c, op->in_c / op->groups, op->k, op->k};
    named(s, weight, "weight");
    named(s, bias, "bias");
    if (!s->q) {
        const void *w = onnx_filter(s, op->weight, sizeof(*op->weight));
        if (!w)
            return;
        bti_onnx_constant(s->o, weight, BTI_ONNX_F32, n_dims, dims, w);
        bti_onnx_constant(s->o, bias, BTI_ONNX_F32, 1, dims, op->bias);
        return;
    }
    const double in_scale = op->in[0] >= 0 ? s->q->op[op->in[0]].out.scale : 1;
    const void *w = onnx_filter(s, s->q->op[s->i].weight, 1);
    const int32_t *b = plain_biases(s);
    float *scale = weight_scales(s, in_scale);
    if (!w || !b || !scale)
        return;
    dequantised(s, "weight", BTI_ONNX_S8, n_dims, dims, w, scale);
    for (int c = 0; c < op->c; c++)
        scale[c] = (float)((double)scale[c] * in_scale);
    dequantised(s, "bias", BTI_ONNX_S32, 1, dims, b, scale);
}

static void apply_clamp(adding *s)
{
    const bti_folded_op *op = s->op;
    char lo[NAME], hi[NAME];
    if (op->lo == -FLT_MAX && op->hi == FLT_MAX)
        return;
    if (op->lo == 0 && op->hi == FLT_MAX)
        apply(s, "Relu", "Relu", NULL, NULL);
    else
        apply(s, "Clip", "Clip", scalar(s, lo, "min", op->lo), scalar(s, hi, "max", op->hi));
}

static void add_window(const adding *s, const bti_folded_op *op)
{
    bti_onnx_attr_ints(s->o, "kernel_shape", 2, (int[]){op->k, op->k});
    bti_onnx_attr_ints(s->o, "strides", 2, (int[]){op->stride, op->stride});
    bti_onnx_attr_ints(s->o, "pads", 4, (int[]){op->pad_t, op->pad_l, op->pad_b, op->pad_r});
    if (op->dilation > 1)
        bti_onnx_attr_ints(s->o, "dilations", 2, (int[]){op->dilation, op->dilation});
}

/* Pixels counted from black, in int8 from the whole number that the integer kernels take. */
static void subtract_black(adding *s)
{
    float minus[3];
    for (int c = 0; c < s->op->in_c; c++)
        minus[c] =
            s->q && s->op->kind == BTI_OP_CONV ? -(float)s->q->op[s->i].black[c] : -s->op->black[c];
    apply_channels(s, "Add", "minus_black", s->op->in_c, minus);
}

/* The layer that gives the logits, from a map of 1x1. */
static bool is_gemm(const adding *s)
{
    return s->i == s->f->n_ops - 1 && bti_folded_op_pointwise(s->op) && s->op->in_h == 1 &&
           s->op->in_w == 1;
}

static void add_conv(adding *s)
{
    char weight[NAME], bias[NAME];
    const bool gemm = is_gemm(s);

    if (s->op->in[0] == BTI_IMAGE)
        subtract_black(s);
    add_weights(s, gemm ? 2 : 4, weight, bias);
    if (gemm) {
        apply(s, "Flatten", "Flatten", NULL, NULL);
        apply(s, "Gemm", "Gemm", weight, bias);
        bti_onnx_attr_int(s->o, "transB", 1);
    } else {
        apply(s, "Conv", "Conv", weight, bias);
        add_window(s, s->op);
        bti_onnx_attr_int(s->o, "group", s->op->groups);
    }
    apply_clamp(s);
}

/* ---- pooling ---- */

/* Pads the value at hand by t, l, b, r with a constant. */
static void apply_pad(adding *s, int t, int l, int b, int r, float with)
{
    const int64_t pads[] = {0, 0, t, l, 0, 0, b, r}, n = 8;
    char name[NAME], value[NAME];
    bti_onnx_constant(s->o, named(s, name, "pads"), BTI_ONNX_S64, 1, &n, pads);
    apply(s, "Pad", "Pad", name, scalar(s, value, "padding", with));
}

/* Runtimes want pads smaller than the window, which ceil_mode with dilation may exceed. */
static void add_maxpool(adding *s)
{
    bti_folded_op op = *s->op;
    if (op.pad_t >= op.k || op.pad_l >= op.k || op.pad_b >= op.k || op.pad_r >= op.k) {
        apply_pad(s, op.pad_t, op.pad_l, op.pad_b, op.pad_r, -FLT_MAX);
        op.pad_t = op.pad_l = op.pad_b = op.pad_r = 0;
    }
    apply(s, "MaxPool", "MaxPool", NULL, NULL);
    add_window(s, &op);
}

/* Padding that counts and what ceil_mode adds, which does not, cannot be one attribute: the first
 * becomes zeros of the map. */
static void add_avgpool(adding *s)
{
    bti_folded_op op = *s->op;
    if (op.count_pad && (op.pad_b != op.pad_t || op.pad_r != op.pad_l)) {
        apply_pad(s, op.pad_t, op.pad_l, op.pad_t, op.pad_l, 0);
        op.pad_b -= op.pad_t;
        op.pad_r -= op.pad_l;
        op.pad_t = op.pad_l = 0;
        op.count_pad = false;
    }
    apply(s, "AveragePool", "AveragePool", NULL, NULL);
    add_window(s, &op);
    bti_onnx_attr_int(s->o, "count_include_pad", op.count_pad);
}

/* Weights of the average over cell i of n along `size` values, as PyTorch's adaptive pooling cuts
 * them: (n, size), or (size, n) if `across`. */
static float *cells(adding *s, int size, int n, bool across)
{
    float *a = scratch(s, (size_t)size * (size_t)n, sizeof(*a));
    for (int i = 0; a && i < n; i++) {
        const int from = i * size / n, to = ((i + 1) * size + n - 1) / n;
        for (int j = from; j < to; j++)
            a[across ? j * n + i : i * size + j] = 1 / (float)(to - from);
    }
    return a;
}

/* Cells of unequal size: averages along the width, then along the height, as products. */
static void add_uneven_grid(adding *s)
{
    const bti_folded_op *op = s->op;
    const int64_t w_dims[] = {op->in_w, op->w}, h_dims[] = {op->h, op->in_h};
    const float *w = cells(s, op->in_w, op->w, true), *h = cells(s, op->in_h, op->h, false);
    char columns[NAME], rows[NAME], name[NAME];
    if (!w || !h)
        return;
    bti_onnx_constant(s->o, named(s, columns, "columns"), BTI_ONNX_F32, 2, w_dims, w);
    bti_onnx_constant(s->o, named(s, rows, "rows"), BTI_ONNX_F32, 2, h_dims, h);
    apply(s, "MatMul", "MatMul.w", columns, NULL);
    bti_onnx_node(s->o, "MatMul", named(s, name, "MatMul.h"), 2, (const char *[]){rows, s->at});
    memcpy(s->at, name, NAME);
}

static void add_grid_average(adding *s)
{
    const bti_folded_op *op = s->op;
    const int cell[] = {op->in_h / op->h, op->in_w / op->w};
    if (op->h == 1 && op->w == 1) {
        apply(s, "GlobalAveragePool", "GlobalAveragePool", NULL, NULL);
    } else if (op->in_h % op->h || op->in_w % op->w) {
        add_uneven_grid(s);
    } else {
        apply(s, "AveragePool", "AveragePool", NULL, NULL);
        bti_onnx_attr_ints(s->o, "kernel_shape", 2, cell);
        bti_onnx_attr_ints(s->o, "strides", 2, cell);
    }
}

/* ---- activations ---- */

static void add_gelu(adding *s, const char *x)
{
    char one[NAME];
    multiply(s, "Mul.root", 0.707106781f);
    apply(s, "Erf", "Erf", NULL, NULL);
    apply(s, "Add", "Add", scalar(s, one, "one", 1), NULL);
    apply(s, "Mul", "Mul.x", x, NULL);
    multiply(s, "Mul.half", 0.5f);
}

static void add_act(adding *s)
{
    char x[NAME];
    memcpy(x, s->at, NAME);
    switch (s->op->act) {
    case BTI_ACT_LEAKY_RELU:
        apply(s, "LeakyRelu", "LeakyRelu", NULL, NULL);
        bti_onnx_attr_float(s->o, "alpha", 0.01f);
        break;
    case BTI_ACT_ELU:
    case BTI_ACT_CELU: /* alpha 1: the same function */
        apply(s, "Elu", "Elu", NULL, NULL);
        break;
    case BTI_ACT_SELU:
        apply(s, "Selu", "Selu", NULL, NULL);
        break;
    case BTI_ACT_SILU:
        apply(s, "Sigmoid", "Sigmoid", NULL, NULL);
        apply(s, "Mul", "Mul", x, NULL);
        break;
    case BTI_ACT_GELU:
        add_gelu(s, x);
        break;
    case BTI_ACT_SIGMOID:
        apply(s, "Sigmoid", "Sigmoid", NULL, NULL);
        break;
    case BTI_ACT_TANH:
        apply(s, "Tanh", "Tanh", NULL, NULL);
        break;
    case BTI_ACT_SOFTPLUS:
        apply(s, "Softplus", "Softplus", NULL, NULL);
        break;
    case BTI_ACT_HARDSWISH:
        apply(s, "HardSwish", "HardSwish", NULL, NULL);
        break;
    case BTI_ACT_HARDSIGMOID:
        apply(s, "HardSigmoid", "HardSigmoid", NULL, NULL);
        bti_onnx_attr_float(s->o, "alpha", 1.0f / 6); /* PyTorch's; ONNX's own default is 0.2 */
        bti_onnx_attr_float(s->o, "beta", 0.5f);
        break;
    case BTI_ACT_MISH:
        apply(s, "Softplus", "Softplus", NULL, NULL);
        apply(s, "Tanh", "Tanh", NULL, NULL);
        apply(s, "Mul", "Mul", x, NULL);
        break;
    case BTI_ACT_SOFTMAX:
        apply(s, "Softmax", "Softmax", NULL, NULL);
        bti_onnx_attr_int(s->o, "axis", 1);
        break;
    case BTI_ACT_IDENTITY: /* leaves no node */
    case BTI_ACT_RELU:     /* clamps */
    case BTI_ACT_RELU6:
    case BTI_ACT_HARDTANH:
    case BTI_ACT_COUNT:
        assert(false && "an activation with nodes of its own");
    }
}

/* ---- the network ---- */

static void add_op(adding *s)
{
    const bti_folded_op *op = s->op;
    switch (op->kind) {
    case BTI_OP_IMAGE:
        subtract_black(s);
        apply_channels(s, "Mul", "gain", op->c, op->gain);
        break;
    case BTI_OP_CONV:
    case BTI_OP_DEPTHWISE:
        add_conv(s);
        break;
    case BTI_OP_MAXPOOL:
        add_maxpool(s);
        break;
    case BTI_OP_AVGPOOL:
        add_avgpool(s);
        break;
    case BTI_OP_GRID_AVERAGE:
        add_grid_average(s);
        break;
    case BTI_OP_ADD:
        apply(s, "Add", "Add", map_of(s, op->in[1]), NULL);
        apply_clamp(s);
        break;
    case BTI_OP_SCALE:
        apply(s, "Mul", "Mul", map_of(s, op->in[1]), NULL);
        break;
    case BTI_OP_CLAMP:
        apply_clamp(s);
        break;
    case BTI_OP_ACT:
        add_act(s);
        break;
    }
}

static void add_all(adding *s)
{
    const bti_folded *f = s->f;
    const int64_t image[] = {BTI_ONNX_N, f->in_c, f->in_h, f->in_w};
    const int64_t logits[] = {BTI_ONNX_N, f->classes};
    bool flat = false;

    bti_onnx_input(s->o, "input", 4, image);
    for (s->i = 0; s->i < f->n_ops; s->i++) {
        s->op = &f->op[s->i];
        snprintf(s->prefix, sizeof(s->prefix), "row%d/%s%d", s->op->row + 1,
                 bti_folded_op_name(s->op), s->i);
        snprintf(s->at, NAME, "%s", map_of(s, s->op->in[0]));
        flat = is_gemm(s);
        add_op(s);
        quantise_map(s);
        memcpy(s->value[s->i], s->at, NAME);
    }
    snprintf(s->prefix, sizeof(s->prefix), "logits");
    if (!flat)
        apply(s, "Flatten", "Flatten", NULL, NULL);
    bti_onnx_output(s->o, "logits", 2, logits);
}

bt_status bti_onnx_add_net(bti_onnx *o, const bti_folded *f, const bti_quantised *q, bt_error *err)
{
    adding s = {.o = o, .f = f, .q = q};
    s.value = bti_array((size_t)f->n_ops, sizeof(*s.value));
    if (!s.value)
        return bti_fail_nomem(err);
    add_all(&s);
    bti_arena_release(&s.scratch);
    bti_free(s.value);
    return s.failed ? bti_fail_nomem(err) : BT_OK;
}
