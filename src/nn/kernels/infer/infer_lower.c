/* SPDX-License-Identifier: Apache-2.0
 *
 * From the graph's primitive operations to the steps of inference.
 */
#include "nn/kernels/infer/infer_net.h"

#include "base/alloc.h"
#include "base/error.h"

#define NARROW_MOST 4 /* channels of an image that is kept without padding lanes */

typedef struct lowering {
    bti_infer_net *e;
    const bti_graph *g;
    int *n_readers; /* per node */
    int *reader;    /* the last reader of a node */
    int *head;      /* node that took this node into itself; -1: none */
    int *end;       /* last node that this node took; itself if none */
    int *value;     /* node to value */
} lowering;

static void count_readers(lowering *l)
{
    for (int i = 0; i < l->g->n_nodes; i++) {
        l->head[i] = -1;
        l->end[i] = i;
        for (int k = 0; k < 2; k++)
            if (l->g->node[i].in[k] >= 0) {
                l->n_readers[l->g->node[i].in[k]]++;
                l->reader[l->g->node[i].in[k]] = i;
            }
    }
}

/* Takes the only reader of the chain that starts at `head`, if it is of that kind and free. */
static bool take(lowering *l, int head, bti_node_kind kind)
{
    const int i = l->end[head];
    if (l->n_readers[i] != 1)
        return false;
    const int j = l->reader[i];
    const bti_node *n = &l->g->node[j];
    if (n->kind != kind || l->head[j] >= 0)
        return false;
    if (kind == BTI_NODE_ADD && n->in[0] == n->in[1])
        return false;
    if (kind == BTI_NODE_ACT && n->act == BTI_ACT_SOFTMAX)
        return false;
    l->head[j] = head;
    l->end[head] = j;
    return true;
}

static bool is_depthwise(const bti_graph *g, const bti_node *n)
{
    return n->kind == BTI_NODE_CONV && n->groups > 1 && n->groups == n->c &&
           n->groups == g->node[n->in[0]].c;
}

static void fuse(lowering *l, int i)
{
    const bti_node *n = &l->g->node[i];
    const bool dense =
        (n->kind == BTI_NODE_CONV && !is_depthwise(l->g, n)) || n->kind == BTI_NODE_LINEAR;
    if (n->kind == BTI_NODE_CONV || n->kind == BTI_NODE_LINEAR)
        take(l, i, BTI_NODE_BN);
    else if (n->kind != BTI_NODE_BN && n->kind != BTI_NODE_ADD && n->kind != BTI_NODE_SCALE)
        return;
    const bool act = take(l, i, BTI_NODE_ACT);
    if (dense && take(l, i, BTI_NODE_ADD) && !act)
        take(l, i, BTI_NODE_ACT);
}

/* The image, packed, without padding lanes if only convolutions over all channels read it. */
static bool image_is_narrow(const bti_graph *g)
{
    bool narrow = g->in_c <= NARROW_MOST;
    for (int i = 1; i < g->n_nodes; i++) {
        const bti_node *n = &g->node[i];
        for (int k = 0; k < 2; k++)
            if (n->in[k] == 0)
                narrow = narrow && n->kind == BTI_NODE_CONV && n->groups == 1 && n->dilation == 1;
    }
    return narrow && g->n_nodes > 1;
}

static int new_value(bti_infer_net *e, const bti_node *n)
{
    e->value[e->n_values] = (bti_infer_value){.c = n->c, .h = n->h, .w = n->w, .first = e->n_steps};
    return e->n_values++;
}

static bti_infer_step *new_step(bti_infer_net *e, bti_infer_kind kind, int in, const bti_node *n)
{
    bti_infer_step *s = &e->step[e->n_steps];
    *s = (bti_infer_step){.kind = kind, .in = in, .other = -1, .out = new_value(e, n), .node = n};
    e->n_steps++;
    return s;
}

/* What the chain from `head` holds besides its first node. */
static void describe_chain(const lowering *l, bti_infer_step *s, int head)
{
    for (int i = head, j; i != l->end[head]; i = j) {
        j = l->reader[i];
        const bti_node *n = &l->g->node[j];
        if (n->kind == BTI_NODE_BN) {
            s->norm = n;
        } else if (n->kind == BTI_NODE_ACT) {
            s->act = n->act;
        } else {
            s->join = s->act == BTI_ACT_IDENTITY ? BTI_JOIN_ADD_ACT : BTI_JOIN_ACT_ADD;
            s->other = l->value[n->in[0] == i ? n->in[1] : n->in[0]];
        }
    }
}

static bti_infer_kind kind_of(const bti_graph *g, const bti_node *n)
{
    switch (n->kind) {
    case BTI_NODE_CONV:
        return is_depthwise(g, n) ? BTI_INFER_DEPTHWISE : BTI_INFER_CONV;
    case BTI_NODE_LINEAR:
        return BTI_INFER_CONV;
    case BTI_NODE_BN:
        return BTI_INFER_DEPTHWISE;
    case BTI_NODE_MAXPOOL:
        return BTI_INFER_MAXPOOL;
    case BTI_NODE_AVGPOOL:
        return BTI_INFER_AVGPOOL;
    case BTI_NODE_ADAPTIVE_AVGPOOL:
        return BTI_INFER_MEAN;
    case BTI_NODE_FLATTEN:
        return BTI_INFER_FLATTEN;
    case BTI_NODE_INPUT:
        return BTI_INFER_PACK;
    case BTI_NODE_ACT:
        return n->act == BTI_ACT_SOFTMAX ? BTI_INFER_SOFTMAX : BTI_INFER_POINTWISE;
    default:
        return BTI_INFER_POINTWISE;
    }
}

static void lower_chain(lowering *l, int head)
{
    const bti_graph *g = l->g;
    const bti_node *n = &g->node[head];
    const int in = n->in[0] >= 0 ? l->value[n->in[0]] : -1;
    if (n->kind == BTI_NODE_FLATTEN && n->c == g->node[n->in[0]].c) { /* one pixel: a row already */
        l->value[head] = in;
        return;
    }
    bti_infer_step *s = new_step(l->e, kind_of(g, n), in, n);
    s->act = n->kind == BTI_NODE_ACT ? n->act : BTI_ACT_IDENTITY;
    if (n->kind == BTI_NODE_ADD || n->kind == BTI_NODE_SCALE)
        s->other = l->value[n->in[1]];
    if (n->kind == BTI_NODE_BN) {
        s->norm = n;
        s->node = NULL;
    }
    describe_chain(l, s, head);
    l->value[l->end[head]] = s->out;
}

static void lower_all(lowering *l)
{
    const bti_graph *g = l->g;
    count_readers(l);
    for (int i = 0; i < g->n_nodes; i++)
        if (l->head[i] < 0)
            fuse(l, i);
    for (int i = 0; i < g->n_nodes; i++) { /* where a chain ends, all its inputs exist */
        const int head = l->head[i] >= 0 ? l->head[i] : i;
        if (l->end[head] == i)
            lower_chain(l, head);
    }
    l->e->value[0].narrow = image_is_narrow(g);
    l->e->result = l->value[g->n_nodes - 1];
}

static void find_last_readers(bti_infer_net *e)
{
    for (int i = 0; i < e->n_steps; i++) {
        const bti_infer_step *s = &e->step[i];
        if (s->in >= 0)
            e->value[s->in].last = i;
        if (s->other >= 0)
            e->value[s->other].last = i;
        e->value[s->out].last = i;
    }
    e->value[e->result].last = e->n_steps;
}

bt_status bti_infer_lower(bti_infer_net *e, bt_error *err)
{
    const size_t n = (size_t)e->graph->n_nodes;
    int *ints = bti_calloc(5 * n, sizeof(*ints));
    e->value = bti_calloc(n, sizeof(*e->value));
    e->step = bti_calloc(n, sizeof(*e->step));
    if (!ints || !e->value || !e->step) {
        bti_free(ints);
        return bti_fail_nomem(err);
    }
    lowering l = {.e = e,
                  .g = e->graph,
                  .n_readers = ints,
                  .reader = ints + n,
                  .head = ints + 2 * n,
                  .end = ints + 3 * n,
                  .value = ints + 4 * n};
    lower_all(&l);
    find_last_readers(e);
    bti_free(ints);
    return BT_OK;
}
