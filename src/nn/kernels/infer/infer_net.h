/* SPDX-License-Identifier: Apache-2.0
 *
 * How the inference engine runs a network, one image at a time. Private to this folder.
 *
 * 1. infer_lower.c    turns the graph into steps: a convolution takes the batch normalisation
 * behind it into its weights, and the activation and the residual addition into its last pass over
 * registers.
 * 2. infer_place.c    gives every map its border and its place in one arena.
 * 3. infer_weights.c  folds and packs weights.
 * 4. infer_backend.c  walks the steps; the kernels are in nn/kernels/simd/infer_*.c.
 */
#ifndef BTI_INFER_NET_H
#define BTI_INFER_NET_H

#include "nn/backend.h"
#include "nn/kernels/simd/infer.h"

typedef enum bti_infer_kind {
    BTI_INFER_PACK,
    BTI_INFER_CONV,
    BTI_INFER_DEPTHWISE, /* also a normalisation that follows no convolution */
    BTI_INFER_MAXPOOL,
    BTI_INFER_AVGPOOL,
    BTI_INFER_MEAN,
    BTI_INFER_POINTWISE, /* addition, channel scaling, activation */
    BTI_INFER_SOFTMAX,
    BTI_INFER_FLATTEN,
    BTI_INFER_KINDS
} bti_infer_kind;

typedef struct bti_infer_value {
    int c, h, w;
    bool narrow;             /* no padding lanes: the image, where only convolutions read it */
    bti_infer_border border; /* the widest that a window asks for */
    int first, last;         /* the step that writes it, the last one that reads it */
    bti_infer_map map;
    int64_t floats, start; /* in the arena */
    int64_t origin;        /* pixel (0, 0), from start */
} bti_infer_value;

typedef struct bti_infer_step {
    bti_infer_kind kind;
    int in, out;                 /* values */
    int other;                   /* that is added, or scales; -1: none */
    const bti_node *node, *norm; /* CONV, DEPTHWISE: what gives the weights; NULL: none */
    bti_act act;
    bti_simd_join join;
    bti_infer_conv conv;
    bti_infer_window window;
    bti_infer_part *part;
    int64_t weight, bias; /* where its weights begin */
} bti_infer_step;

typedef struct bti_infer_net {
    bti_net net; /* first member: nn/backend.h */
    const bti_graph *graph;
    bti_net_options opt;
    const bti_infer_kernels *k;
    char name[48];
    bti_infer_value *value;
    bti_infer_step *step;
    int n_values, n_steps, result; /* result: the value of the logits */
    float *plain;                  /* as set: graph->n_floats */
    float *weight;
    int64_t n_weight;
    float **arena; /* one a thread */
    int64_t arena_floats;
    float *input, *logits;
    double *step_s; /* seconds in each step; NULL: nobody asks */
    bti_arena memory;
} bti_infer_net;

/* Fills value (shapes) and step. */
bt_status bti_infer_lower(bti_infer_net *e, bt_error *err);
/* Fills borders, maps and places, and what kernels know of them; arena_floats, n_weight. */
bt_status bti_infer_place(bti_infer_net *e, bt_error *err);
/* Folds and packs e->plain into e->weight. */
void bti_infer_fold(bti_infer_net *e);

/* Rows or columns of zeros that a window of size k reads behind the end of n. */
static inline int bti_infer_reach(int out, int stride, int k, int dilation, int before, int n)
{
    const int reach = (out - 1) * stride + (k - 1) * dilation + 1 - before - n;
    return reach > 0 ? reach : 0;
}

#endif
