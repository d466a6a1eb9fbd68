/* SPDX-License-Identifier: Apache-2.0
 *
 * From the graph's primitive operations to fused ones. A batch normalisation takes the activation,
 * the residual addition and the activation behind that into itself wherever nobody else reads the
 * maps between; a channel scaling takes its activation.
 */
#include "nn/kernels/dnnl/engine.h"
#include "nn/kernels/dnnl/fold.h"

#include "base/alloc.h"

typedef struct lowering {
    bti_engine *e;
    const bti_graph *g;
    int *n_readers; /* per node */
    int *reader;    /* the last reader of a node */
    int *head;      /* node that took this node into itself; -1: none */
    int *end;       /* last node that this node took; itself if none */
    int *value;     /* node to value */
    int packed;     /* value of the blocked input; -1: not needed yet */
} lowering;

static void count_readers(lowering *l)
{
    for (int i = 0; i < l->g->n_nodes; i++) {
        l->head[i] = -1;
        l->end[i] = i;
        l->value[i] = -1;
        for (int k = 0; k < 2; k++)
            if (l->g->node[i].in[k] >= 0) {
                l->n_readers[l->g->node[i].in[k]]++;
                l->reader[l->g->node[i].in[k]] = i;
            }
    }
}

/* The only reader of node i if it is of that kind and free; -1 otherwise. */
static int follower(const lowering *l, int i, bti_node_kind kind)
{
    if (l->n_readers[i] != 1)
        return -1;
    const int j = l->reader[i];
    const bti_node *n = &l->g->node[j];
    if (n->kind != kind || l->head[j] >= 0)
        return -1;
    if (kind == BTI_NODE_ADD && n->in[0] == n->in[1])
        return -1;
    return kind == BTI_NODE_ACT && !bti_simd_act_fuses(n->act) ? -1 : j;
}

static void take(lowering *l, int head, int node)
{
    l->head[node] = head;
    l->end[head] = node;
}

/* BN, then [ACT] [ADD] or [ADD] [ACT]. */
static void fuse_norm(lowering *l, int i)
{
    const int act = follower(l, i, BTI_NODE_ACT);
    if (act >= 0)
        take(l, i, act);
    const int add = follower(l, l->end[i], BTI_NODE_ADD);
    if (add < 0)
        return;
    take(l, i, add);
    const int last = act < 0 ? follower(l, add, BTI_NODE_ACT) : -1;
    if (last >= 0)
        take(l, i, last);
}

static int new_value(bti_engine *e, int c, int h, int w, int op)
{
    const int lanes = e->simd->lanes;
    e->value[e->n_values] = (bti_fmap){.c = c,
                                       .h = h,
                                       .w = w,
                                       .cb = (c + lanes - 1) / lanes,
                                       .op = op,
                                       .buffer = -1,
                                       .grad = -1,
                                       .again = -1,
                                       .again_level = -1};
    return e->n_values++;
}

/* Makes few numbers of many: they stay float in a bf16 net. */
static bool shrinks_to_float(bti_fused_kind kind)
{
    return kind == BTI_FUSED_MEAN || kind == BTI_FUSED_FLATTEN || kind == BTI_FUSED_LINEAR;
}

/* Adds an operation that reads a and b and makes a value shaped as `n` (NULL: none). */
static bti_fused *new_op(bti_engine *e, bti_fused_kind kind, int a, int b, const bti_node *n)
{
    bti_fused *op = &e->op[e->n_ops];
    const bool bf16 = (a >= 0 && e->value[a].bf16) || (kind == BTI_FUSED_CONV && e->simd->bf16);
    *op = (bti_fused){.kind = kind,
                      .in = {a, b},
                      .simd = bf16 || kind == BTI_FUSED_PACK ? e->simd : e->f32,
                      .out = n ? new_value(e, n->c, n->h, n->w, e->n_ops) : -1,
                      .conv = -1,
                      .pre = -1,
                      .post = -1,
                      .norm = -1,
                      .arg = -1,
                      .weight = -1,
                      .bias = -1,
                      .node = n};
    bool grad = kind == BTI_FUSED_CONV || kind == BTI_FUSED_LINEAR || kind == BTI_FUSED_NORM;
    for (int k = 0; k < 2; k++)
        grad = grad || (op->in[k] >= 0 && e->value[op->in[k]].wants_grad);
    if (n) {
        e->value[op->out].wants_grad = grad;
        e->value[op->out].bf16 =
            kind == BTI_FUSED_PACK ? e->simd->bf16 : bf16 && !shrinks_to_float(kind);
    }
    e->n_ops++;
    return op;
}

/* The blocked form of a node's value. */
static int blocked(lowering *l, int node)
{
    const int v = l->value[node];
    if (!l->e->value[v].plain)
        return v;
    if (l->packed < 0)
        l->packed = new_op(l->e, BTI_FUSED_PACK, v, -1, &l->g->node[0])->out;
    return l->packed;
}

/* The value as bf16 or as float, in a bf16 net; in an f32 net it is float already. */
static int cast(bti_engine *e, int v, bool bf16)
{
    if (e->value[v].bf16 == (bf16 && e->simd->bf16))
        return v;
    const bti_node shape = {.c = e->value[v].c, .h = e->value[v].h, .w = e->value[v].w};
    bti_fused *op = new_op(e, BTI_FUSED_CAST, v, -1, &shape);
    op->node = NULL;
    op->simd = e->simd;
    e->value[op->out].bf16 = bf16;
    return op->out;
}

/* Both operands in one type: bf16 if either is. */
static void same_type(bti_engine *e, int *a, int *b)
{
    const bool bf16 = e->value[*a].bf16 || e->value[*b].bf16;
    *a = cast(e, *a, bf16);
    *b = cast(e, *b, bf16);
}

static bti_simd_window window_of(const bti_engine *e, int in, const bti_node *n)
{
    const bti_fmap *v = &e->value[in];
    return (bti_simd_window){.cb = v->cb,
                             .ih = v->h,
                             .iw = v->w,
                             .oh = n->h,
                             .ow = n->w,
                             .k = n->k,
                             .stride = n->stride,
                             .dilation = n->dilation > 0 ? n->dilation : 1,
                             .pad_t = n->pad_t,
                             .pad_l = n->pad_l,
                             .pad_b = n->pad_b,
                             .pad_r = n->pad_r,
                             .count_include_pad = n->count_include_pad};
}

/* Groups that share one group here: the fewest that fill whole blocks on both sides. */
static int groups_to_merge(const bti_node *n, int ic, int lanes)
{
    for (int m = 1; m < n->groups; m++)
        if (n->groups % m == 0 && ic / n->groups * m % lanes == 0 &&
            n->c / n->groups * m % lanes == 0)
            return m;
    return n->groups;
}

/* The shape of a convolution that reads value `source`. */
static bti_conv_shape conv_shape(const bti_engine *e, int source, const bti_node *n, int merged)
{
    const bti_fmap *v = &e->value[source];
    const int lanes = e->simd->lanes;
    const bool depthwise = n->groups == v->c && n->groups == n->c && v->c > 1;
    const int ic = v->plain ? v->c : v->cb * lanes;
    return (bti_conv_shape){.ic = ic,
                            .oc = (n->c + lanes - 1) / lanes * lanes,
                            .groups = depthwise ? ic : n->groups / merged,
                            .depthwise = depthwise,
                            .plain_src = v->plain,
                            .bf16 = e->simd->bf16,
                            .bias = n->bias >= 0,
                            .window = window_of(e, source, n)};
}

/* The same convolution of a map that already has its border. */
static bti_conv_shape without_padding(bti_conv_shape s)
{
    bti_simd_window *w = &s.window;
    w->ih += w->pad_t + w->pad_b;
    w->iw += w->pad_l + w->pad_r;
    w->pad_t = w->pad_l = w->pad_b = w->pad_r = 0;
    return s;
}

/* A value with the border of a window written out. */
static int bordered(bti_engine *e, int source, const bti_node *n)
{
    bti_node border = *n;
    border.c = e->value[source].c;
    border.h = e->value[source].h + n->pad_t + n->pad_b;
    border.w = e->value[source].w + n->pad_l + n->pad_r;
    bti_fused *op = new_op(e, BTI_FUSED_PAD, source, -1, &border);
    op->node = n;
    op->window = window_of(e, source, &border);
    return op->out;
}

/* Of our own first-layer kernel in bf16. */
static bool reads_plain(const bti_engine *e, int source, const bti_node *n)
{
    const bti_conv_shape shape = conv_shape(e, source, n, 1);
    return shape.plain_src && bti_conv_makes_sums(&shape);
}

static void lower_one_pixel(lowering *l, const bti_node *n)
{
    const int x = cast(l->e, blocked(l, n->in[0]), false);
    bti_fused *op = new_op(l->e, BTI_FUSED_LINEAR, x, -1, n);
    op->weight = n->weight;
    op->bias = n->bias;
}

static void lower_conv(lowering *l, const bti_node *n)
{
    bti_engine *e = l->e;
    int source = l->value[n->in[0]];
    const int ic = e->value[source].c;
    if (e->value[source].h * e->value[source].w == 1 && n->h * n->w == 1 && n->groups == 1) {
        lower_one_pixel(l, n);
        return;
    }
    /* First-layer kernels read up to three plain channels. */
    if (ic > 3 || n->groups > 1 || (e->simd->bf16 && !reads_plain(e, source, n)))
        source = cast(e, blocked(l, n->in[0]), true);
    const bool depthwise = n->groups == ic && n->groups == n->c && ic > 1;
    const int merged = depthwise ? 1 : groups_to_merge(n, ic, e->simd->lanes);
    bti_conv_shape shape = conv_shape(e, source, n, merged);
    if (!depthwise && bti_conv_is_slow(e->context, e->simd, &shape, e->opt.training)) {
        const int b = cast(e, blocked(l, n->in[0]), true);
        const bti_conv_shape padded = without_padding(conv_shape(e, b, n, merged));
        if (!bti_conv_is_slow(e->context, e->simd, &padded, e->opt.training)) {
            source = bordered(e, b, n);
            shape = padded;
        }
    }
    bti_fused *op = new_op(e, BTI_FUSED_CONV, source, -1, n);
    op->weight = n->weight;
    op->bias = n->bias;
    op->window = shape.window;
    op->conv = e->n_convs;
    e->conv[e->n_convs++] = (bti_conv_state){.shape = shape, .merged = merged};
}

/* Our depthwise kernels normalise while they read (schedule.c), which costs them less than it would
 * cost a 1x1 convolution while it stores: its accumulators take all registers. */
static bool read_by_depthwise(const lowering *l, int end)
{
    const bti_node *n = l->n_readers[end] == 1 ? &l->g->node[l->reader[end]] : NULL;
    return l->e->simd->bf16 && n && n->kind == BTI_NODE_CONV && n->groups > 1 &&
           n->groups == l->g->node[end].c;
}

/* Returns its value. */
static int lower_norm(lowering *l, int i)
{
    bti_engine *e = l->e;
    const bti_node *bn = &l->g->node[i];
    int x = blocked(l, bn->in[0]);
    int before = i, residual = -1;
    bti_act act = BTI_ACT_IDENTITY;
    bti_simd_join join = BTI_JOIN_NONE;

    while (before != l->end[i]) { /* the chain of nodes taken into this one */
        const int j = l->reader[before];
        const bti_node *n = &l->g->node[j];
        if (n->kind == BTI_NODE_ACT) {
            act = n->act;
            join = residual >= 0 ? BTI_JOIN_ADD_ACT : join;
        } else {
            residual = blocked(l, n->in[n->in[0] == before ? 1 : 0]);
            join = BTI_JOIN_ACT_ADD;
        }
        before = j;
    }
    if (residual >= 0)
        same_type(e, &x, &residual);
    bti_norm *norm = &e->norm[e->n_norms];
    *norm = (bti_norm){.value = x,
                       .op = e->n_ops,
                       .channels = e->value[x].cb * e->simd->lanes,
                       .tensor_gamma = bn->weight,
                       .tensor_beta = bn->bias,
                       .tensor_mean = bn->mean,
                       .tensor_var = bn->var};
    e->n_norms++;
    if (l->n_readers[bn->in[0]] == 1 && !read_by_depthwise(l, l->end[i]) &&
        bti_fold_norm(e, e->n_norms - 1, residual, act, join))
        return x;
    bti_fused *op = new_op(e, BTI_FUSED_NORM, x, residual, bn);
    op->norm = e->n_norms - 1;
    op->act = act;
    op->join = join;
    return op->out;
}

static void lower_simple(lowering *l, int i)
{
    static const struct {
        bti_node_kind node;
        bti_fused_kind op;
    } same[] = {{BTI_NODE_ACT, BTI_FUSED_ACT},         {BTI_NODE_ADD, BTI_FUSED_ADD},
                {BTI_NODE_SCALE, BTI_FUSED_SCALE},     {BTI_NODE_MAXPOOL, BTI_FUSED_MAXPOOL},
                {BTI_NODE_AVGPOOL, BTI_FUSED_AVGPOOL}, {BTI_NODE_ADAPTIVE_AVGPOOL, BTI_FUSED_MEAN},
                {BTI_NODE_FLATTEN, BTI_FUSED_FLATTEN}, {BTI_NODE_LINEAR, BTI_FUSED_LINEAR}};
    const bti_node *n = &l->g->node[i];
    for (size_t k = 0; k < sizeof(same) / sizeof(same[0]); k++)
        if (same[k].node == n->kind) {
            int a = blocked(l, n->in[0]);
            int b = n->in[1] >= 0 ? blocked(l, n->in[1]) : -1;
            if (n->kind == BTI_NODE_SCALE)
                b = cast(l->e, b, false);
            else if (b >= 0)
                same_type(l->e, &a, &b);
            if (n->kind == BTI_NODE_LINEAR)
                a = cast(l->e, a, false);
            bti_fused *op = new_op(l->e, same[k].op, a, b, n);
            op->window = window_of(l->e, a, n);
            op->act = l->end[i] != i ? l->g->node[l->end[i]].act : n->act;
            op->weight = n->weight;
            op->bias = n->bias;
        }
}

static void lower_node(lowering *l, int i)
{
    const bti_node *n = &l->g->node[i];
    if (n->kind == BTI_NODE_INPUT) {
        l->value[i] = new_value(l->e, n->c, n->h, n->w, -1);
        l->e->value[l->value[i]].plain = true;
        return;
    }
    const int head = l->head[i] >= 0 ? l->head[i] : i;
    if (l->end[head] != i)
        return; /* the operation stands where its last node stood: both inputs exist there */
    if (n->kind == BTI_NODE_FLATTEN && l->g->node[n->in[0]].h == 1 && l->g->node[n->in[0]].w == 1) {
        l->value[i] = blocked(l, n->in[0]); /* one pixel: already a row */
        return;
    }
    if (l->g->node[head].kind == BTI_NODE_BN) {
        l->value[i] = lower_norm(l, head);
        return;
    }
    if (l->g->node[head].kind == BTI_NODE_CONV)
        lower_conv(l, n);
    else
        lower_simple(l, head);
    l->value[i] = l->e->n_values - 1;
}

static void lower_all(lowering *l)
{
    const bti_graph *g = l->g;
    count_readers(l);
    for (int i = 0; i < g->n_nodes; i++) {
        const bool free = l->head[i] < 0;
        if (free && g->node[i].kind == BTI_NODE_BN)
            fuse_norm(l, i);
        const int act =
            free && g->node[i].kind == BTI_NODE_SCALE ? follower(l, i, BTI_NODE_ACT) : -1;
        if (act >= 0)
            take(l, i, act);
    }
    for (int i = 0; i < g->n_nodes; i++)
        lower_node(l, i);
    const int last = cast(l->e, blocked(l, g->n_nodes - 1), false);
    new_op(l->e, BTI_FUSED_OUTPUT, last, -1, NULL);
}

bt_status bti_engine_lower(bti_engine *e, bt_error *err)
{
    /* Each node may need a border and two casts; and the packed input, and the output. */
    const size_t n = 4 * (size_t)e->graph->n_nodes + 3;
    int *ints = bti_calloc(5 * n, sizeof(*ints));
    e->value = bti_calloc(n, sizeof(*e->value));
    e->op = bti_calloc(n, sizeof(*e->op));
    e->norm = bti_calloc(n, sizeof(*e->norm));
    e->conv = bti_calloc(n, sizeof(*e->conv));
    if (!ints || !e->value || !e->op || !e->norm || !e->conv) {
        bti_free(ints);
        return bti_fail_nomem(err);
    }
    lowering l = {.e = e,
                  .g = e->graph,
                  .n_readers = ints,
                  .reader = ints + n,
                  .head = ints + 2 * n,
                  .end = ints + 3 * n,
                  .value = ints + 4 * n,
                  .packed = -1};
    lower_all(&l);
    bti_free(ints);
    return BT_OK;
}
