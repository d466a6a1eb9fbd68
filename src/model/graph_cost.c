/* SPDX-License-Identifier: Apache-2.0
 *
 * What a network costs: parameters, multiply-accumulates, and the most memory its maps need.
 *
 * MACs: a convolution's weights times its output positions, a linear layer's weights; nothing for
 * the rest. Peak: one image in f32 at inference, every map freed after its last reader;
 * element-wise operations (BN, activation, sum, scale, flatten) write over an input that nothing
 * reads later.
 */
#include "model/graph_int.h"
#include <string.h>

static int64_t tensor_size(const bti_graph *g, int t)
{
    return t < 0 ? 0 : g->tensor[t].size;
}

void bti_graph_count(bti_graph *g)
{
    g->params = g->macs = 0;
    for (int i = 1; i < g->n_nodes; i++) {
        const bti_node *node = &g->node[i];
        int64_t weights = tensor_size(g, node->weight);
        int64_t params = weights + tensor_size(g, node->bias);
        int64_t macs = node->kind == BTI_NODE_CONV || node->kind == BTI_NODE_LINEAR
                           ? weights * node->h * node->w
                           : 0; /* at most 2^31 * 2^24 in all */
        g->row[node->row].params += params;
        g->row[node->row].macs += macs;
        g->params += params;
        g->macs += macs;
    }
}

static bool in_place(bti_node_kind kind)
{
    return kind == BTI_NODE_BN || kind == BTI_NODE_ACT || kind == BTI_NODE_ADD ||
           kind == BTI_NODE_SCALE || kind == BTI_NODE_FLATTEN;
}

static int64_t map_bytes(const bti_node *node)
{
    return (int64_t)node->c * node->h * node->w * (int64_t)sizeof(float);
}

bool bti_graph_peak(bti_graph *g)
{
    int *last_reader = bti_arena_alloc(&g->arena, (size_t)g->n_nodes * sizeof(*last_reader));
    if (!last_reader)
        return false;
    for (int i = 1; i < g->n_nodes; i++)
        for (int j = 0; j < 2; j++)
            if (g->node[i].in[j] >= 0)
                last_reader[g->node[i].in[j]] = i;

    int64_t alive = map_bytes(&g->node[0]), peak = alive;
    for (int i = 1; i < g->n_nodes; i++) {
        const bti_node *node = &g->node[i];
        /* The one input whose place the output may take; a scale's second input is too small. */
        int reused = -1;
        for (int j = 0; j < 2 && in_place(node->kind) && reused < 0; j++)
            if (node->in[j] >= 0 && last_reader[node->in[j]] == i &&
                (j == 0 || node->kind == BTI_NODE_ADD))
                reused = node->in[j];
        if (reused < 0)
            alive += map_bytes(node);
        if (alive > peak)
            peak = alive;
        for (int j = 0; j < 2; j++)
            if (node->in[j] >= 0 && last_reader[node->in[j]] == i && node->in[j] != reused)
                alive -= map_bytes(&g->node[node->in[j]]);
    }
    g->peak_activation_bytes = peak;
    return true;
}
