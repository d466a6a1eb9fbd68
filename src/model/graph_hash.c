/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical hash: two files that resolve to the same network on the same input hash equal.
 *
 * Serialised are the input shape and every operation with its geometry and connections; names,
 * rows, modules and repeats are not. What cannot change the function is made equal first: an
 * operation without effect is skipped, the stride of a single output position is 1, a sum has no
 * order.
 */
#include "model/graph_int.h"
#include <string.h>

enum { WORDS = 17, VERSION = 1 };

/* A Flatten of a 1x1 map moves nothing: its readers read its input. */
static bool is_transparent(const bti_graph *g, const bti_node *node)
{
    if (node->kind != BTI_NODE_FLATTEN)
        return false;
    const bti_node *in = &g->node[node->in[0]];
    return in->h == 1 && in->w == 1;
}

/* Words are written in host order: every CPU we run on is little-endian. */
static void serialise(const bti_node *node, const int32_t *number, int32_t word[WORDS])
{
    int32_t a = node->in[0] < 0 ? -1 : number[node->in[0]];
    int32_t b = node->in[1] < 0 ? -1 : number[node->in[1]];
    if (node->kind == BTI_NODE_ADD && a > b) {
        int32_t swap = a;
        a = b;
        b = swap;
    }
    bool single = node->h == 1 && node->w == 1;
    bti_act act = node->act == BTI_ACT_CELU ? BTI_ACT_ELU : node->act; /* equal at alpha 1 */
    int i = 0;
    word[i++] = node->kind;
    word[i++] = a;
    word[i++] = b;
    word[i++] = node->c;
    word[i++] = node->h;
    word[i++] = node->w;
    word[i++] = node->k;
    word[i++] = single ? 1 : node->stride;
    word[i++] = node->groups;
    word[i++] = node->dilation;
    word[i++] = node->pad_t;
    word[i++] = node->pad_l;
    word[i++] = node->pad_b;
    word[i++] = node->pad_r;
    word[i++] = node->count_include_pad;
    word[i++] = act;
    word[i++] = node->bias >= 0;
}

bool bti_graph_hash(bti_graph *g)
{
    size_t n_words = 1 + (size_t)g->n_nodes * WORDS;
    int32_t *words = bti_arena_alloc(&g->arena, n_words * sizeof(*words));
    int32_t *number = bti_arena_alloc(&g->arena, (size_t)g->n_nodes * sizeof(*number));
    if (!words || !number)
        return false;
    words[0] = VERSION;
    int32_t n = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        const bti_node *node = &g->node[i];
        if (is_transparent(g, node)) {
            number[i] = number[node->in[0]];
            continue;
        }
        serialise(node, number, words + 1 + (size_t)n * WORDS);
        number[i] = n++;
    }
    bti_hash_buffer(words, (1 + (size_t)n * WORDS) * sizeof(*words), g->hash);
    return true;
}
