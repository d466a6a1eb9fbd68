/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations appended to a graph: shapes, checks, tensors and their names.
 *
 * Invariants: nodes are in topological order; tensors are in state_dict() order, which is the order
 * of these calls; all memory is the graph's arena; after a failure nothing is appended any more.
 */
#include "model/builder.h"

static const bti_node none = {.kind = BTI_NODE_INPUT};

const bti_node *bti_at(const bti_builder *b, int x)
{
    return x < 0 ? &none : &b->g->node[x];
}

int bti_channels(const bti_builder *b, int x)
{
    return bti_at(b, x)->c;
}

/* --- Names --- */

size_t bti_name_push(bti_builder *b, const char *level)
{
    size_t mark = b->prefix_len, n = strlen(level);
    if (mark + n + 2 > sizeof(b->prefix)) {
        bti_row_fail(b, "the tensor name below %s is too long", b->prefix);
        return mark;
    }
    memcpy(b->prefix + mark, level, n);
    b->prefix[mark + n] = '.';
    b->prefix[mark + n + 1] = '\0';
    b->prefix_len = mark + n + 1;
    return mark;
}

size_t bti_name_push_index(bti_builder *b, int i)
{
    /* By hand: snprintf is a noticeable part of building a graph. */
    char digits[12], *p = digits + sizeof(digits) - 1;
    *p = '\0';
    do
        *--p = (char)('0' + i % 10);
    while (i /= 10);
    return bti_name_push(b, p);
}

void bti_name_pop(bti_builder *b, size_t mark)
{
    b->prefix_len = mark;
    b->prefix[mark] = '\0';
}

static const char *tensor_name(bti_builder *b, const char *name, const char *leaf)
{
    size_t n = strlen(name), m = strlen(leaf);
    char *s = bti_arena_alloc(&b->g->arena, b->prefix_len + n + m + 2);
    if (!s)
        return NULL;
    memcpy(s, b->prefix, b->prefix_len);
    memcpy(s + b->prefix_len, name, n);
    s[b->prefix_len + n] = '.';
    memcpy(s + b->prefix_len + n + 1, leaf, m);
    return s;
}

/* --- Storage --- */

static int no_memory(bti_builder *b)
{
    if (!b->rc)
        b->rc = bti_fail_nomem(b->err);
    return -1;
}

/* The old array stays in the arena: it is at most as large as the new one, and short-lived. */
static void *grow(bti_builder *b, const void *old, int n, int *cap, size_t size)
{
    int wider = *cap ? *cap * 2 : 128;
    void *p = bti_arena_alloc(&b->g->arena, (size_t)wider * size);
    if (!p)
        return NULL;
    if (n)
        memcpy(p, old, (size_t)n * size);
    *cap = wider;
    return p;
}

/* A new node with the shape of x and no tensors; NULL after a failure. */
static bti_node *new_node(bti_builder *b, bti_node_kind kind, int x, int y)
{
    bti_graph *g = b->g;
    if (g->n_nodes == b->node_cap) {
        bti_node *wider = grow(b, g->node, g->n_nodes, &b->node_cap, sizeof(*g->node));
        if (!wider) {
            no_memory(b);
            return NULL;
        }
        g->node = wider;
    }
    const bti_node *in = bti_at(b, x);
    bti_node *node = &g->node[g->n_nodes++];
    *node = (bti_node){.kind = kind,
                       .in = {x, y},
                       .c = in->c,
                       .h = in->h,
                       .w = in->w,
                       .row = b->row_index,
                       .k = 1,
                       .stride = 1,
                       .groups = 1,
                       .dilation = 1,
                       .weight = -1,
                       .bias = -1,
                       .mean = -1,
                       .var = -1};
    return node;
}

static int index_of(const bti_builder *b, const bti_node *node)
{
    return (int)(node - b->g->node);
}

typedef struct tensor_spec {
    bti_tensor_kind kind;
    const char *leaf; /* "weight" */
    int n_dims, dim[4];
    int fan_in;
} tensor_spec;

static int new_tensor(bti_builder *b, const char *name, const tensor_spec *spec)
{
    bti_graph *g = b->g;
    if (b->rc)
        return -1;
    if (g->n_tensors == b->tensor_cap) {
        bti_tensor *wider = grow(b, g->tensor, g->n_tensors, &b->tensor_cap, sizeof(*g->tensor));
        if (!wider)
            return no_memory(b);
        g->tensor = wider;
    }
    bti_tensor *t = &g->tensor[g->n_tensors];
    *t = (bti_tensor){.kind = spec->kind,
                      .n_dims = spec->n_dims,
                      .size = 1,
                      .offset = g->n_floats,
                      .fan_in = spec->fan_in};
    for (int i = 0; i < spec->n_dims; i++) {
        t->dim[i] = spec->dim[i];
        t->size *= spec->dim[i]; /* at most 2^16 * 2^16 * 2^8 * 2^8 */
    }
    if (t->size > BTI_MAX_FLOATS - g->n_floats)
        return bti_row_fail(b, "the network has more than 2^31 weights");
    t->name = tensor_name(b, name, spec->leaf);
    if (!t->name)
        return no_memory(b);
    g->n_floats += t->size;
    return g->n_tensors++;
}

/* --- Operations --- */

static int check_channels(bti_builder *b, int c)
{
    if (c < 1 || c > BTI_MAX_CHANNELS)
        return bti_row_fail(b, "a map of %d channels or more, expected 1 to %d", c,
                            BTI_MAX_CHANNELS);
    return 0;
}

/* floor((in + pads - window) / stride) + 1 of one axis, or -1 with the reason. */
static int extent(bti_builder *b, const bti_node *in, int size, int pads, int window, int stride)
{
    if (size + pads < window)
        return bti_row_fail(b, "a %dx%d map padded by %d in all is smaller than the kernel of %d",
                            in->h, in->w, pads, window);
    int out = (size + pads - window) / stride + 1;
    if (out > BTI_MAX_MAP)
        return bti_row_fail(b, "the map grows to %d, expected at most %d", out, BTI_MAX_MAP);
    return out;
}

int bti_add_conv(bti_builder *b, int x, const char *name, const bti_conv_spec *spec)
{
    if (b->rc || check_channels(b, spec->out) < 0)
        return -1;
    const bti_node *in = bti_at(b, x);
    int in_c = in->c, pads = spec->pad_lo + spec->pad_hi;
    if (in_c % spec->groups || spec->out % spec->groups)
        return bti_row_fail(b, "%d groups do not divide %d input and %d output channels",
                            spec->groups, in_c, spec->out);
    int h = extent(b, in, in->h, pads, spec->k, spec->stride);
    int w = extent(b, in, in->w, pads, spec->k, spec->stride);
    int fan_in = in_c / spec->groups * spec->k * spec->k;
    int weight =
        new_tensor(b, name,
                   &(tensor_spec){.kind = BTI_TENSOR_WEIGHT,
                                  .leaf = "weight",
                                  .n_dims = 4,
                                  .dim = {spec->out, in_c / spec->groups, spec->k, spec->k},
                                  .fan_in = fan_in});
    int bias = -1;
    if (spec->bias)
        bias = new_tensor(b, name,
                          &(tensor_spec){.kind = BTI_TENSOR_BIAS,
                                         .leaf = "bias",
                                         .n_dims = 1,
                                         .dim = {spec->out},
                                         .fan_in = fan_in});
    bti_node *node = b->rc ? NULL : new_node(b, BTI_NODE_CONV, x, -1);
    if (!node)
        return -1;
    node->c = spec->out, node->h = h, node->w = w;
    node->k = spec->k, node->stride = spec->stride, node->groups = spec->groups;
    node->pad_t = node->pad_l = spec->pad_lo;
    node->pad_b = node->pad_r = spec->pad_hi;
    node->weight = weight, node->bias = bias;
    return index_of(b, node);
}

int bti_add_bn(bti_builder *b, int x, const char *name)
{
    static const struct {
        bti_tensor_kind kind;
        const char *leaf;
    } parts[] = {{BTI_TENSOR_GAMMA, "weight"},
                 {BTI_TENSOR_BETA, "bias"},
                 {BTI_TENSOR_MEAN, "running_mean"},
                 {BTI_TENSOR_VAR, "running_var"}};
    int tensor[4];
    for (int i = 0; i < 4; i++)
        tensor[i] = new_tensor(b, name,
                               &(tensor_spec){.kind = parts[i].kind,
                                              .leaf = parts[i].leaf,
                                              .n_dims = 1,
                                              .dim = {bti_channels(b, x)}});
    bti_node *node = b->rc ? NULL : new_node(b, BTI_NODE_BN, x, -1);
    if (!node)
        return -1;
    node->weight = tensor[0], node->bias = tensor[1];
    node->mean = tensor[2], node->var = tensor[3];
    return index_of(b, node);
}

int bti_add_act(bti_builder *b, int x, bti_act act)
{
    if (b->rc)
        return -1;
    if (act == BTI_ACT_IDENTITY)
        return x;
    bti_node *node = new_node(b, BTI_NODE_ACT, x, -1);
    if (!node)
        return -1;
    node->act = act;
    return index_of(b, node);
}

int bti_add_sum(bti_builder *b, int x, int y)
{
    if (b->rc)
        return -1;
    const bti_node *p = bti_at(b, x), *q = bti_at(b, y);
    if (p->c != q->c || p->h != q->h || p->w != q->w)
        return bti_row_fail(b,
                            "the shortcut adds %dx%dx%d to %dx%dx%d: an odd kernel keeps the size",
                            p->h, p->w, p->c, q->h, q->w, q->c);
    bti_node *node = new_node(b, BTI_NODE_ADD, x, y);
    return node ? index_of(b, node) : -1;
}

int bti_add_scale(bti_builder *b, int x, int s)
{
    bti_node *node = b->rc ? NULL : new_node(b, BTI_NODE_SCALE, x, s);
    return node ? index_of(b, node) : -1;
}

/* What ceil_mode adds: PyTorch rounds the number of windows up, but no window may start in the
 * padding below. *pad_hi becomes the padding below that makes the floor formula give the same
 * number; an average counts only the given padding (pad_t, pad_l) of it. */
static int ceil_extent(const bti_pool_spec *spec, int size, int floor_out, int *pad_hi)
{
    int window = spec->dilation * (spec->k - 1) + 1;
    int room = size + 2 * spec->pad - window;
    int out = (room + spec->stride - 1) / spec->stride + 1;
    if ((out - 1) * spec->stride >= size + spec->pad)
        out--;
    if (out <= floor_out)
        return floor_out;
    *pad_hi = (out - 1) * spec->stride + window - size - spec->pad;
    return out;
}

int bti_add_pool(bti_builder *b, int x, const bti_pool_spec *spec)
{
    if (b->rc)
        return -1;
    const bti_node *in = bti_at(b, x);
    int window = spec->dilation * (spec->k - 1) + 1;
    int pad_b = spec->pad, pad_r = spec->pad;
    if (spec->k == 1 && spec->stride == 1 && spec->pad == 0)
        return x;
    if (spec->pad > spec->k / 2)
        return bti_row_fail(b, "the padding is %d, expected at most half of the kernel of %d",
                            spec->pad, spec->k);
    int h = extent(b, in, in->h, 2 * spec->pad, window, spec->stride);
    int w = extent(b, in, in->w, 2 * spec->pad, window, spec->stride);
    if (b->rc)
        return -1;
    bool count = spec->count_include_pad && spec->pad > 0;
    if (spec->ceil_mode) {
        h = ceil_extent(spec, in->h, h, &pad_b);
        w = ceil_extent(spec, in->w, w, &pad_r);
    }
    bti_node *node = new_node(b, spec->max ? BTI_NODE_MAXPOOL : BTI_NODE_AVGPOOL, x, -1);
    if (!node)
        return -1;
    node->h = h, node->w = w;
    node->k = spec->k, node->stride = spec->stride, node->dilation = spec->dilation;
    node->pad_t = node->pad_l = spec->pad;
    node->pad_b = pad_b, node->pad_r = pad_r;
    node->count_include_pad = !spec->max && count;
    return index_of(b, node);
}

int bti_add_average(bti_builder *b, int x, int h, int w)
{
    const bti_node *in = bti_at(b, x);
    if (b->rc)
        return -1;
    if (in->h == h && in->w == w)
        return x;
    bti_node *node = new_node(b, BTI_NODE_ADAPTIVE_AVGPOOL, x, -1);
    if (!node)
        return -1;
    node->h = h, node->w = w;
    return index_of(b, node);
}

int bti_add_flatten(bti_builder *b, int x)
{
    if (b->rc)
        return -1;
    const bti_node *in = bti_at(b, x);
    int64_t n = (int64_t)in->c * in->h * in->w;
    if (n > BTI_MAX_FLAT)
        return bti_row_fail(b, "flattens to %lld values, expected at most %d", (long long)n,
                            BTI_MAX_FLAT);
    bti_node *node = new_node(b, BTI_NODE_FLATTEN, x, -1);
    if (!node)
        return -1;
    node->c = (int)n, node->h = node->w = 1;
    return index_of(b, node);
}

int bti_add_linear(bti_builder *b, int x, const char *name, int out)
{
    int in = bti_channels(b, x);
    int weight = new_tensor(b, name,
                            &(tensor_spec){.kind = BTI_TENSOR_WEIGHT,
                                           .leaf = "weight",
                                           .n_dims = 2,
                                           .dim = {out, in},
                                           .fan_in = in});
    int bias = new_tensor(
        b, name,
        &(tensor_spec){
            .kind = BTI_TENSOR_BIAS, .leaf = "bias", .n_dims = 1, .dim = {out}, .fan_in = in});
    bti_node *node = b->rc ? NULL : new_node(b, BTI_NODE_LINEAR, x, -1);
    if (!node)
        return -1;
    node->c = out;
    node->weight = weight, node->bias = bias;
    return index_of(b, node);
}

/* --- Groups of operations --- */

int bti_add_conv_bn_act(bti_builder *b, int x, const char *conv_name, const char *bn_name,
                        const bti_conv_spec *spec, bti_act act)
{
    x = bti_add_conv(b, x, conv_name, spec);
    x = bti_add_bn(b, x, bn_name);
    return bti_add_act(b, x, act);
}

int bti_add_squeeze_excite(bti_builder *b, int x, const bti_se_spec *spec)
{
    bti_conv_spec reduce = {.out = spec->hidden, .k = 1, .stride = 1, .groups = 1, .bias = true};
    bti_conv_spec expand = reduce;
    expand.out = bti_channels(b, x);

    int s = bti_add_average(b, x, 1, 1);
    s = bti_add_conv(b, s, spec->reduce, &reduce);
    s = bti_add_act(b, s, spec->act);
    s = bti_add_conv(b, s, spec->expand, &expand);
    s = bti_add_act(b, s, spec->gate);
    return bti_add_scale(b, x, s);
}
