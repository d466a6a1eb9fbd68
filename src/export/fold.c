/* SPDX-License-Identifier: Apache-2.0
 *
 * From the graph of primitive nodes to the folded network.
 *
 * Normalisation of pixels goes into the first convolutions exactly: with black = 255 * mean and
 * weights divided by 255 * std, w * (pixel - black) equals w' * (pixel / 255 - mean) / std, and
 * zero padding after normalisation is simply a tap that is left out.
 */
#include "export/folded.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/acts.h"
#include <float.h>
#include <math.h>

#define BN_EPS 1e-5
#define MAX_EXTENT 65535 /* sizes and strides are 16 bits on the device */

typedef struct folding {
    bti_folded *f;
    const bti_graph *g;
    const float *weights; /* NULL: shapes only */
    const float *mean, *std;
    int *value;   /* by node: the operation that makes its output, or BTI_IMAGE */
    int *readers; /* by node */
    bool image_to_convs;
    bt_error *err;
} folding;

static const bti_node *node_at(const folding *s, int i)
{
    return &s->g->node[i];
}

/* The only node that reads node i, if it is of this kind; -1 otherwise. */
static int sole_reader(const folding *s, int i, bti_node_kind kind)
{
    if (s->readers[i] != 1)
        return -1;
    for (int j = i + 1; j < s->g->n_nodes; j++)
        if (node_at(s, j)->in[0] == i || node_at(s, j)->in[1] == i)
            return node_at(s, j)->kind == kind ? j : -1;
    return -1;
}

static bti_folded_op *new_op(folding *s, bti_folded_kind kind, int i)
{
    const bti_node *n = node_at(s, i);
    bti_folded_op *op = &s->f->op[s->f->n_ops];
    *op = (bti_folded_op){.kind = kind,
                          .in = {BTI_NOTHING, BTI_NOTHING},
                          .row = n->row,
                          .h = n->h,
                          .w = n->w,
                          .c = n->c,
                          .k = n->k,
                          .stride = n->stride,
                          .dilation = n->dilation,
                          .groups = n->groups,
                          .pad_t = n->pad_t,
                          .pad_l = n->pad_l,
                          .pad_b = n->pad_b,
                          .pad_r = n->pad_r,
                          .count_pad = n->count_include_pad,
                          .lo = -FLT_MAX,
                          .hi = FLT_MAX,
                          .act = n->act};
    op->size = (int64_t)n->c * n->h * n->w;
    for (int j = 0; j < 2; j++)
        if (n->in[j] >= 0)
            op->in[j] = s->value[n->in[j]];
    if (n->in[0] >= 0) {
        const bti_node *in = node_at(s, n->in[0]);
        op->in_h = in->h, op->in_w = in->w, op->in_c = in->c;
    }
    s->value[i] = s->f->n_ops++;
    return op;
}

/* ---- weights ---- */

static const float *tensor(const folding *s, int t)
{
    return s->weights + s->g->tensor[t].offset;
}

static bt_status alloc_weights(folding *s, bti_folded_op *op, int64_t n_weight)
{
    op->n_weight = n_weight;
    op->n_bias = op->c;
    s->f->n_weight += n_weight;
    s->f->n_bias += op->c;
    if (!s->weights)
        return BT_OK;
    op->weight = bti_arena_alloc(&s->f->memory, (size_t)n_weight * sizeof(float));
    op->bias = bti_arena_alloc(&s->f->memory, (size_t)op->c * sizeof(float));
    return op->weight && op->bias ? BT_OK : bti_fail_nomem(s->err);
}

/* Slope and intercept of batch normalisation at inference. */
static double bn_slope(const folding *s, const bti_node *bn, int c)
{
    return (double)tensor(s, bn->weight)[c] / sqrt((double)tensor(s, bn->var)[c] + BN_EPS);
}

static double bn_offset(const folding *s, const bti_node *bn, int c)
{
    return (double)tensor(s, bn->bias)[c] - (double)tensor(s, bn->mean)[c] * bn_slope(s, bn, c);
}

/* (O, I/groups, k, k) to (O, k, k, I/groups), or to (k, k, C) for depthwise; times the slope. */
static void store_filter(const folding *s, bti_folded_op *op, const float *from, int o,
                         double slope)
{
    const int group = op->in_c / op->groups, taps = op->k * op->k;
    for (int i = 0; i < group; i++) {
        const int channel = o / (op->c / op->groups) * group + i;
        double gain = op->in[0] == BTI_IMAGE ? 1 / (255 * (double)s->std[channel]) : 1;
        for (int t = 0; t < taps; t++) {
            float w = (float)((double)from[((int64_t)o * group + i) * taps + t] * slope * gain);
            if (op->kind == BTI_OP_DEPTHWISE)
                op->weight[(int64_t)t * op->c + o] = w;
            else
                op->weight[((int64_t)o * taps + t) * group + i] = w;
        }
    }
}

static void set_black(const folding *s, bti_folded_op *op)
{
    for (int c = 0; c < s->g->in_c && c < 3; c++) {
        op->black[c] = (float)(255 * (double)s->mean[c]);
        op->gain[c] = (float)(1 / (255 * (double)s->std[c]));
    }
}

/* ---- operations ---- */

static bt_status add_conv(folding *s, int i)
{
    const bti_node *n = node_at(s, i);
    const bti_node *bn = NULL;
    bti_folded_op *op = new_op(s, BTI_OP_CONV, i);
    int norm = sole_reader(s, i, BTI_NODE_BN);

    if (n->kind == BTI_NODE_LINEAR) {
        op->k = op->stride = op->groups = 1;
        op->pad_t = op->pad_l = op->pad_b = op->pad_r = 0;
    }
    if (op->groups == op->in_c && op->groups == op->c && op->groups > 1 && op->in[0] != BTI_IMAGE)
        op->kind = BTI_OP_DEPTHWISE;
    if (op->in[0] == BTI_IMAGE)
        set_black(s, op);
    if (norm >= 0) {
        bn = node_at(s, norm);
        s->value[norm] = s->value[i];
    }
    bt_status rc = alloc_weights(s, op, s->g->tensor[n->weight].size);
    for (int o = 0; !rc && s->weights && o < op->c; o++) {
        double slope = bn ? bn_slope(s, bn, o) : 1, offset = bn ? bn_offset(s, bn, o) : 0;
        double bias = n->bias >= 0 ? (double)tensor(s, n->bias)[o] : 0;
        op->bias[o] = (float)(bias * slope + offset);
        store_filter(s, op, tensor(s, n->weight), o, slope);
    }
    return rc;
}

/* A normalisation that follows no convolution of its own is a depthwise one of 1x1. */
static bt_status add_bn(folding *s, int i)
{
    const bti_node *n = node_at(s, i);
    bti_folded_op *op = new_op(s, BTI_OP_DEPTHWISE, i);
    op->k = op->stride = 1;
    op->groups = op->c;
    bt_status rc = alloc_weights(s, op, op->c);
    for (int c = 0; !rc && s->weights && c < op->c; c++) {
        op->weight[c] = (float)bn_slope(s, n, c);
        op->bias[c] = (float)bn_offset(s, n, c);
    }
    return rc;
}

static bool clamp_of(bti_act act, float *lo, float *hi)
{
    *lo = act == BTI_ACT_HARDTANH ? -1 : 0;
    *hi = act == BTI_ACT_RELU ? FLT_MAX : act == BTI_ACT_RELU6 ? 6 : 1;
    return act == BTI_ACT_RELU || act == BTI_ACT_RELU6 || act == BTI_ACT_HARDTANH;
}

/* Nobody sees the values before the clamp, so the operation that makes them can do it. */
static bool fuses(const folding *s, int i, const bti_folded_op *before)
{
    return s->readers[node_at(s, i)->in[0]] == 1 && before->lo == -FLT_MAX &&
           (before->kind == BTI_OP_CONV || before->kind == BTI_OP_DEPTHWISE ||
            before->kind == BTI_OP_ADD);
}

static void add_act(folding *s, int i)
{
    const int from = s->value[node_at(s, i)->in[0]];
    float lo, hi;
    bool clamp = clamp_of(node_at(s, i)->act, &lo, &hi);
    bti_folded_op *op;

    if (clamp && from >= 0 && fuses(s, i, &s->f->op[from])) {
        op = &s->f->op[from];
        s->value[i] = from;
    } else {
        op = new_op(s, clamp ? BTI_OP_CLAMP : BTI_OP_ACT, i);
    }
    if (clamp)
        op->lo = lo, op->hi = hi;
}

static bt_status add_flatten(folding *s, int i)
{
    const bti_node *n = node_at(s, i), *in = node_at(s, n->in[0]);
    if (in->h * in->w > 1)
        return bti_fail(s->err, BT_NOSUPP, NULL,
                        "row %d (Flatten) flattens a %dx%d map, which cannot be exported: put "
                        "[1, GlobalAvgPool, []] before it",
                        n->row + 1, in->h, in->w);
    s->value[i] = s->value[n->in[0]];
    return BT_OK;
}

/* The image as a map of its own, where something else than a convolution reads it. */
static void add_image(folding *s)
{
    if (s->image_to_convs) {
        s->value[0] = BTI_IMAGE;
        return;
    }
    bti_folded_op *op = new_op(s, BTI_OP_IMAGE, 0);
    op->in[0] = BTI_IMAGE;
    op->in_h = op->h, op->in_w = op->w, op->in_c = op->c;
    set_black(s, op);
}

static bt_status add_node(folding *s, int i)
{
    if (s->value[i] != BTI_NOTHING)
        return BT_OK; /* folded into the one before */
    switch (node_at(s, i)->kind) {
    case BTI_NODE_INPUT:
        add_image(s);
        break;
    case BTI_NODE_CONV:
    case BTI_NODE_LINEAR:
        return add_conv(s, i);
    case BTI_NODE_BN:
        return add_bn(s, i);
    case BTI_NODE_ACT:
        add_act(s, i);
        break;
    case BTI_NODE_ADD:
        new_op(s, BTI_OP_ADD, i);
        break;
    case BTI_NODE_SCALE:
        new_op(s, BTI_OP_SCALE, i);
        break;
    case BTI_NODE_MAXPOOL:
        new_op(s, BTI_OP_MAXPOOL, i);
        break;
    case BTI_NODE_AVGPOOL:
        new_op(s, BTI_OP_AVGPOOL, i);
        break;
    case BTI_NODE_ADAPTIVE_AVGPOOL:
        new_op(s, BTI_OP_GRID_AVERAGE, i);
        break;
    case BTI_NODE_FLATTEN:
        return add_flatten(s, i);
    }
    return BT_OK;
}

static bt_status check_extent(const folding *s, const bti_folded_op *op)
{
    if (op->c > MAX_EXTENT || op->in_c > MAX_EXTENT)
        return bti_fail(s->err, BT_NOSUPP, NULL,
                        "row %d has a map of more than %d channels, which cannot be exported",
                        op->row + 1, MAX_EXTENT);
    return BT_OK;
}

static bt_status fold_all(folding *s)
{
    const bti_graph *g = s->g;
    bt_status rc = BT_OK;

    s->image_to_convs = true;
    for (int i = 0; i < g->n_nodes; i++) {
        s->value[i] = BTI_NOTHING;
        for (int j = 0; j < 2; j++) {
            if (g->node[i].in[j] < 0)
                continue;
            s->readers[g->node[i].in[j]]++;
            if (g->node[i].in[j] == 0 && g->node[i].kind != BTI_NODE_CONV)
                s->image_to_convs = false;
        }
    }
    for (int i = 0; !rc && i < g->n_nodes; i++)
        rc = add_node(s, i);
    for (int i = 0; !rc && i < s->f->n_ops; i++)
        rc = check_extent(s, &s->f->op[i]);
    if (!rc && s->value[g->n_nodes - 1] != s->f->n_ops - 1)
        rc = bti_fail(s->err, BT_NOSUPP, NULL,
                      "the network gives its input back: nothing to export");
    return rc;
}

bt_status bti_fold(bti_folded **out, const bti_graph *g, const float *weights, const float mean[3],
                   const float std[3], bt_error *err)
{
    size_t n = (size_t)g->n_nodes;
    folding s = {.g = g, .weights = weights, .mean = mean, .std = std, .err = err};

    *out = NULL;
    if (g->in_c > 3)
        return bti_fail(err, BT_NOSUPP, NULL, "images of %d channels cannot be exported, at most 3",
                        g->in_c);
    s.f = bti_calloc(1, sizeof(*s.f));
    s.value = bti_calloc(n, sizeof(*s.value));
    s.readers = bti_calloc(n, sizeof(*s.readers));
    bt_status rc = s.f && s.value && s.readers ? BT_OK : bti_fail_nomem(err);
    if (!rc) {
        s.f->in_h = g->in_h, s.f->in_w = g->in_w, s.f->in_c = g->in_c;
        s.f->classes = g->classes;
        s.f->op = bti_arena_alloc(&s.f->memory, n * sizeof(bti_folded_op));
        rc = s.f->op ? fold_all(&s) : bti_fail_nomem(err);
    }
    if (!rc)
        rc = bti_plan(s.f, err);
    bti_free(s.value);
    bti_free(s.readers);
    if (rc)
        bti_folded_free(s.f);
    else
        *out = s.f;
    return rc;
}

bool bti_folded_op_pointwise(const bti_folded_op *op)
{
    return op->kind == BTI_OP_CONV && op->in[0] != BTI_IMAGE && op->k == 1 && op->groups == 1 &&
           !(op->pad_t || op->pad_l || op->pad_b || op->pad_r);
}

void bti_folded_free(bti_folded *f)
{
    if (!f)
        return;
    bti_arena_release(&f->memory);
    bti_free(f);
}

const char *bti_folded_op_name(const bti_folded_op *op)
{
    static const char *const name[] = {
        [BTI_OP_IMAGE] = "image",
        [BTI_OP_CONV] = "conv",
        [BTI_OP_DEPTHWISE] = "depthwise",
        [BTI_OP_MAXPOOL] = "maxpool",
        [BTI_OP_AVGPOOL] = "avgpool",
        [BTI_OP_GRID_AVERAGE] = "average",
        [BTI_OP_ADD] = "add",
        [BTI_OP_SCALE] = "scale",
        [BTI_OP_CLAMP] = "clamp",
    };
    return op->kind == BTI_OP_ACT ? bti_act_name(op->act) : name[op->kind];
}
