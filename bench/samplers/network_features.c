/* SPDX-License-Identifier: Apache-2.0
 *
 * What a network is like, read from its primitive operations.
 */
#include "network_features.h"

#include <math.h>

/* 32 -> 0, 16 -> 1, 8 -> 2, the rest 3 */
static int side_of(int h)
{
    return h > 16 ? 0 : h > 8 ? 1 : h > 4 ? 2 : 3;
}

static void add_conv(const bti_graph *g, const bti_node *n, double out[FEATURES])
{
    const bti_node *from = &g->node[n->in[0]];
    double weights = (double)n->c * n->k * n->k * from->c / n->groups;
    double macs = weights * n->h * n->w;
    int side = side_of(n->h);
    bool is_map = n->h > 1 || n->w > 1; /* else: inside squeeze-and-excite */
    if (!is_map)
        return;
    feature kind = n->groups == 1 ? (n->k > 1 ? FEATURE_DENSE_MACS : FEATURE_POINT_MACS)
                   : n->groups == from->c && n->groups == n->c ? FEATURE_DEPTH_MACS
                                                               : FEATURE_GROUP_MACS;
    out[kind] += macs;
    out[FEATURE_CONVS]++;
    out[FEATURE_WIDE_CONVS] += n->k > 1;
    out[FEATURE_KERNEL_5] += n->k > 3;
    out[FEATURE_STRIDES] += n->stride > 1;
    out[FEATURE_NARROWEST] = fmin(out[FEATURE_NARROWEST], n->c);
    out[FEATURE_TIGHTEST] = fmin(out[FEATURE_TIGHTEST], (double)n->c * n->h * n->w);
    out[FEATURE_SIDE_CONVS + side]++;
    out[FEATURE_SIDE_MACS + side] += macs;
    out[FEATURE_SIDE_PARAMS + side] += weights;
    out[FEATURE_SIDE_WIDTH + side] = fmax(out[FEATURE_SIDE_WIDTH + side], n->c);
}

/* Of the way through the network that sees most: each operation of a map widens it in turn. */
static double receptive_field(const bti_graph *g)
{
    double field = 1, jump = 1;
    for (int i = 1; i < g->n_nodes; i++) {
        const bti_node *n = &g->node[i];
        if (n->kind != BTI_NODE_CONV || (n->h == 1 && n->w == 1))
            continue;
        field += (n->k - 1) * jump;
        jump *= n->stride;
    }
    return field;
}

void features_of(const bti_graph *g, double out[FEATURES])
{
    static const feature logs[] = {FEATURE_PARAMS,     FEATURE_MACS,       FEATURE_MEMORY,
                                   FEATURE_MAPS,       FEATURE_DENSE_MACS, FEATURE_POINT_MACS,
                                   FEATURE_DEPTH_MACS, FEATURE_GROUP_MACS, FEATURE_LAST_SIDE,
                                   FEATURE_NARROWEST,  FEATURE_FIELD,      FEATURE_LAST_CHANNELS,
                                   FEATURE_TIGHTEST};
    for (int f = 0; f < FEATURES; f++)
        out[f] = 0;
    out[FEATURE_PARAMS] = (double)g->params;
    out[FEATURE_MACS] = (double)g->macs;
    out[FEATURE_MEMORY] = (double)g->peak_activation_bytes;
    out[FEATURE_NARROWEST] = out[FEATURE_TIGHTEST] = INFINITY;
    for (int i = 1; i < g->n_nodes; i++) {
        const bti_node *n = &g->node[i];
        out[FEATURE_MAPS] += (double)n->c * n->h * n->w;
        if (n->kind == BTI_NODE_CONV)
            add_conv(g, n, out);
        out[FEATURE_ACTS] += n->kind == BTI_NODE_ACT;
        out[FEATURE_HARDSWISH] += n->kind == BTI_NODE_ACT && n->act == BTI_ACT_HARDSWISH;
        out[FEATURE_ADDS] += n->kind == BTI_NODE_ADD;
        out[FEATURE_SCALES] += n->kind == BTI_NODE_SCALE;
        if (n->kind == BTI_NODE_LINEAR) {
            out[FEATURE_LAST_CHANNELS] = g->node[n->in[0]].c;
        } else if (n->h > 1) {
            out[FEATURE_LAST_SIDE] = n->h;
        }
    }
    out[FEATURE_HARDSWISH] /= fmax(out[FEATURE_ACTS], 1);
    out[FEATURE_FIELD] = receptive_field(g);
    for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
        out[logs[i]] = log1p(out[logs[i]]);
    for (int s = 0; s < FEATURE_SIDES; s++) {
        out[FEATURE_SIDE_MACS + s] = log1p(out[FEATURE_SIDE_MACS + s]);
        out[FEATURE_SIDE_PARAMS + s] = log1p(out[FEATURE_SIDE_PARAMS + s]);
        out[FEATURE_SIDE_WIDTH + s] = log1p(out[FEATURE_SIDE_WIDTH + s]);
    }
}
