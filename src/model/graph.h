/* SPDX-License-Identifier: Apache-2.0
 *
 * A model file, checked and expanded into primitive operations with shapes, parameters and cost.
 * model/ owns meaning, shapes and counts (model-format.md section 1); nn/ only lowers this list.
 */
#ifndef BTI_GRAPH_H
#define BTI_GRAPH_H

#include "bantam/model.h"
#include "base/hash.h"
#include "base/rows.h"
#include <stdbool.h>

typedef enum bti_act {
#define ACT(id, ...) BTI_ACT_##id,
#include "model/acts.def" /* ACT(RELU, "ReLU") ... every name of model-format 1.5; IDENTITY is first (0) */
#undef ACT
    BTI_ACT_COUNT
} bti_act;

typedef enum bti_node_kind {
    BTI_NODE_INPUT,   /* node 0, no inputs */
    BTI_NODE_CONV,    /* k x k, stride, pads, groups, optional bias */
    BTI_NODE_BN,      /* per-channel batch normalisation, eps 1e-5, momentum 0.1 */
    BTI_NODE_ACT,     /* pointwise activation (SOFTMAX: over channels) */
    BTI_NODE_ADD,     /* in[0] + in[1], equal shapes */
    BTI_NODE_SCALE,   /* in[0] (c,h,w) times in[1] (c,1,1) per image and channel: squeeze-and-excite
                       */
    BTI_NODE_MAXPOOL, /* k, stride, pads (never win), dilation; ceil_mode is expressed by pad_b,
                         pad_r */
    BTI_NODE_AVGPOOL, /* the same; count_include_pad: the divisor counts pad_t and pad_l on both
                         sides, nothing of what ceil_mode adds to pad_b, pad_r */
    BTI_NODE_ADAPTIVE_AVGPOOL, /* to h x w of the node; 1x1 = global average */
    BTI_NODE_FLATTEN,          /* (c,h,w) -> (c*h*w,1,1); c-major, no data movement for 1x1 maps */
    BTI_NODE_LINEAR,           /* weight (out,in), bias */
} bti_node_kind;

/* One primitive operation. Nodes are in topological order: in[] < own index. Identity operations
 * (Pass, Identity activation) leave no node. Several nodes may read one output. */
typedef struct bti_node {
    bti_node_kind kind;
    int in[2];   /* node indices, -1: none */
    int c, h, w; /* output shape of one image */
    int row;     /* 0-based row of the file that made it */
    int k, stride, groups, dilation;
    int pad_t, pad_l, pad_b, pad_r;
    bool count_include_pad;
    bti_act act;
    int weight, bias; /* tensor indices; BN: gamma, beta; -1: none */
    int mean, var;    /* BN running statistics: tensor indices; -1 otherwise */
} bti_node;

typedef enum bti_tensor_kind {
    BTI_TENSOR_WEIGHT, /* conv (O, I/groups, KH, KW) or linear (O, I) */
    BTI_TENSOR_BIAS,
    BTI_TENSOR_GAMMA,
    BTI_TENSOR_BETA,
    BTI_TENSOR_MEAN, /* running statistics: not trained, not counted */
    BTI_TENSOR_VAR,
} bti_tensor_kind;

typedef struct bti_tensor {
    const char *name; /* the course model's PyTorch state_dict() key, "model.0.conv.weight" */
    bti_tensor_kind kind;
    int n_dims, dim[4];
    int64_t size;   /* elements */
    int64_t offset; /* in floats into the plain array of all tensors, in state_dict order */
    int fan_in;     /* of the weight (also stated on its bias): bound of the initial uniform =
                       1/sqrt(fan_in) */
} bti_tensor;

typedef struct bti_row_info {
    const char *module;
    int repeat; /* after depth_multiple */
    int64_t params, macs;
    int c, h, w; /* output */
} bti_row_info;

typedef struct bti_graph {
    int in_c, in_h, in_w;
    int classes; /* outputs of the last node (c, with h = w = 1) */
    int n_nodes, n_tensors, n_rows;
    bti_node *node; /* the last node is the output (logits) */
    bti_tensor *tensor;
    bti_row_info *row;
    int64_t params;                /* trained: conv, linear, BN gamma and beta */
    int64_t macs;                  /* for one image, model-format 1.8 */
    int64_t peak_activation_bytes; /* f32, one image, inference: largest sum of maps alive at one
                                      operation (graph_cost.c) */
    int64_t n_floats; /* length of the plain array of all tensors (params + running statistics) */
    char hash[BTI_HASH_HEX]; /* canonical: equal for rows that resolve to the same network and input
                                shape */
    bti_arena arena;
} bti_graph;

/* Reads model-file text into rows (in `arena`). Errors as model-format 1.10: file, line, row
 * number. Unknown top-level keys are warnings to progress (NULL: silent). */
bt_status bti_rows_parse(bti_rows *out, bti_arena *arena, const char *text, size_t n,
                         const char *where, const bt_progress *progress, bt_error *err);
bt_status bti_rows_read(bti_rows *out, bti_arena *arena, const char *path,
                        const bt_progress *progress, bt_error *err);

/* Checks and expands. c, h, w: the input (0: the file's; h, w then default to 32).
 * BT_INVAL or BT_FORMAT with where:line and the row. */
bt_status bti_graph_build(bti_graph **out, const bti_rows *rows, int c, int h, int w,
                          bt_error *err);
/* The same without the rule that the last row gives logits: a part of a network, to look at its
 * cost. `classes` is 0 if the output is a map. */
bt_status bti_graph_build_any(bti_graph **out, const bti_rows *rows, int c, int h, int w,
                              bt_error *err);
void bti_graph_free(bti_graph *g);

#endif
