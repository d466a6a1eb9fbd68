/* SPDX-License-Identifier: Apache-2.0
 *
 * Borders, strides and places of maps, and the shapes that kernels are told.
 */
#include "nn/kernels/infer/infer_net.h"

#include "base/alloc.h"
#include "base/error.h"

#define ALIGN 16 /* floats: a cache line */

static int64_t aligned(int64_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

static void widen(int *side, int to)
{
    *side = to > *side ? to : *side;
}

/* What a convolution reads beyond its input is stored around it. */
static void ask_for_border(bti_infer_net *e, const bti_infer_step *s)
{
    const bti_node *n = s->node;
    bti_infer_value *v = &e->value[s->in];
    if ((s->kind != BTI_INFER_CONV && s->kind != BTI_INFER_DEPTHWISE) || !n ||
        n->kind == BTI_NODE_LINEAR)
        return;
    widen(&v->border.top, n->pad_t);
    widen(&v->border.left, n->pad_l);
    widen(&v->border.bottom, bti_infer_reach(n->h, n->stride, n->k, n->dilation, n->pad_t, v->h));
    widen(&v->border.right, bti_infer_reach(n->w, n->stride, n->k, n->dilation, n->pad_l, v->w));
}

static void shape_map(const bti_infer_net *e, bti_infer_value *v)
{
    const int lanes = e->k->lanes, blocks = v->narrow ? 1 : (v->c + lanes - 1) / lanes;
    const int step = v->narrow ? v->c : lanes;
    const int64_t row = (int64_t)(v->border.left + v->w + v->border.right) * step;
    const int64_t block = (v->border.top + v->h + v->border.bottom) * row;
    v->map =
        (bti_infer_map){.c = v->c, .h = v->h, .w = v->w, .step = step, .row = row, .block = block};
    v->floats = aligned(blocks * block);
    v->origin = v->border.top * row + (int64_t)v->border.left * step;
}

static bool alive_together(const bti_infer_value *a, const bti_infer_value *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest start where v overlaps none of the placed values that live with it. */
static int64_t lowest_start(const bti_infer_net *e, const bti_infer_value *v, const bool *placed)
{
    int64_t start = 0;
    for (int i = 0; i < e->n_values;) {
        const bti_infer_value *o = &e->value[i];
        const bool meet = placed[i] && alive_together(o, v) && start < o->start + o->floats &&
                          o->start < start + v->floats;
        i++;
        if (meet) {
            start = o->start + o->floats;
            i = 0;
        }
    }
    return start;
}

/* The largest first. */
static void place_values(bti_infer_net *e, bool *placed)
{
    for (int n = 0; n < e->n_values; n++) {
        int best = -1;
        for (int i = 0; i < e->n_values; i++)
            if (!placed[i] && (best < 0 || e->value[i].floats > e->value[best].floats))
                best = i;
        bti_infer_value *v = &e->value[best];
        v->start = lowest_start(e, v, placed);
        placed[best] = true;
        if (v->start + v->floats > e->arena_floats)
            e->arena_floats = v->start + v->floats;
    }
}

static bool is_dense_map(const bti_infer_map *m)
{
    return m->row == (int64_t)m->w * m->step;
}

/* All pixels as one row. */
static void flatten_map(bti_infer_map *m)
{
    m->w *= m->h;
    m->h = 1;
    m->row = (int64_t)m->w * m->step;
}

/* Input channels that the outputs of a part depend on. */
static void reach_of(const bti_infer_step *s, int lanes, bti_infer_part *part)
{
    const int groups = s->node->kind == BTI_NODE_CONV ? s->node->groups : 1;
    const int in = s->conv.in.c / groups, out = s->conv.out.c / groups;
    const int first = part->block * lanes;
    int last = (part->block + part->blocks) * lanes - 1;
    last = last < s->conv.out.c ? last : s->conv.out.c - 1;
    part->first = first / out * in;
    part->end = (last / out + 1) * in;
}

static bt_status cut_parts(bti_infer_net *e, bti_infer_step *s, bt_error *err)
{
    const int lanes = e->k->lanes, blocks = (s->conv.out.c + lanes - 1) / lanes;
    const int n = (blocks + BTI_INFER_BLOCKS - 1) / BTI_INFER_BLOCKS;
    const int taps = s->conv.kh * s->conv.kw;
    s->part = bti_arena_alloc(&e->memory, (size_t)n * sizeof(*s->part));
    if (!s->part)
        return bti_fail_nomem(err);
    int64_t weights = 0;
    for (int i = 0, at = 0; i < n; i++) {
        bti_infer_part *part = &s->part[i];
        *part = (bti_infer_part){
            .block = at, .blocks = blocks / n + (i < blocks % n ? 1 : 0), .weight = weights};
        at += part->blocks;
        if (e->value[s->in].narrow)
            part->end = s->conv.run;
        else
            reach_of(s, lanes, part);
        weights += (int64_t)(part->end - part->first) * taps * part->blocks * lanes;
    }
    s->conv.part = s->part;
    s->conv.n_parts = n;
    s->weight = e->n_weight;
    s->bias = s->weight + aligned(weights);
    e->n_weight = s->bias + aligned(blocks * lanes);
    return BT_OK;
}

static bt_status describe_conv(bti_infer_net *e, bti_infer_step *s, bt_error *err)
{
    const bti_node *n = s->node;
    const bti_infer_value *in = &e->value[s->in];
    const bool linear = n->kind == BTI_NODE_LINEAR;
    bti_infer_conv *p = &s->conv;
    *p = (bti_infer_conv){.in = in->map,
                          .out = e->value[s->out].map,
                          .kh = linear ? 1 : n->k,
                          .kw = linear ? 1 : n->k,
                          .run = e->k->lanes,
                          .stride = linear ? 1 : n->stride,
                          .dilation = linear ? 1 : n->dilation,
                          .pad_t = linear ? 0 : n->pad_t,
                          .pad_l = linear ? 0 : n->pad_l,
                          .act = s->act,
                          .join = s->join};
    if (s->other >= 0)
        p->other = e->value[s->other].map;
    if (in->narrow) { /* a row of a window is one run */
        p->run = in->c * p->kw;
        p->kw = 1;
    } else if (in->map.block == e->k->lanes) { /* one pixel: blocks are neighbours */
        p->run = in->c;
    }
    const bool dense =
        is_dense_map(&p->in) && is_dense_map(&p->out) && (s->other < 0 || is_dense_map(&p->other));
    if (p->kh * p->kw == 1 && !in->narrow && p->stride == 1 && !p->pad_t && !p->pad_l && dense) {
        flatten_map(&p->in);
        flatten_map(&p->out);
        if (s->other >= 0)
            flatten_map(&p->other);
    }
    return cut_parts(e, s, err);
}

static void describe_window(bti_infer_net *e, bti_infer_step *s)
{
    const bti_node *n = s->node;
    s->window = (bti_infer_window){.in = e->value[s->in].map,
                                   .out = e->value[s->out].map,
                                   .k = n ? n->k : 1,
                                   .stride = n ? n->stride : 1,
                                   .dilation = n && n->dilation > 0 ? n->dilation : 1,
                                   .act = s->act};
    if (n) {
        s->window.pad_t = n->pad_t;
        s->window.pad_l = n->pad_l;
        s->window.count_pad = n->count_include_pad;
    }
    if (s->kind != BTI_INFER_DEPTHWISE)
        return;
    const int lanes = e->k->lanes, blocks = (s->window.out.c + lanes - 1) / lanes;
    s->weight = e->n_weight;
    s->bias = s->weight + aligned((int64_t)blocks * lanes * s->window.k * s->window.k);
    e->n_weight = s->bias + aligned(blocks * lanes);
}

bt_status bti_infer_place(bti_infer_net *e, bt_error *err)
{
    bool *placed = bti_calloc((size_t)e->n_values, sizeof(*placed));
    if (!placed)
        return bti_fail_nomem(err);
    for (int i = 0; i < e->n_steps; i++)
        ask_for_border(e, &e->step[i]);
    for (int i = 0; i < e->n_values; i++)
        shape_map(e, &e->value[i]);
    place_values(e, placed);
    bti_free(placed);
    bt_status rc = BT_OK;
    for (int i = 0; !rc && i < e->n_steps; i++) {
        bti_infer_step *s = &e->step[i];
        if (s->kind == BTI_INFER_CONV)
            rc = describe_conv(e, s, err);
        else if (s->kind == BTI_INFER_DEPTHWISE || s->kind == BTI_INFER_MAXPOOL ||
                 s->kind == BTI_INFER_AVGPOOL)
            describe_window(e, s);
    }
    return rc;
}
