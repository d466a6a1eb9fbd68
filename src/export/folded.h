/* SPDX-License-Identifier: Apache-2.0
 *
 * The network as a device runs it: batch normalisation and pixel normalisation folded into weights,
 * clamps fused, maps channel-last, and every map placed in one static arena.
 *
 * Every operation makes one map; operation i reads the maps of operations in[] < i, or the 8-bit
 * image (BTI_IMAGE). The last operation makes the logits. All exporters start from here.
 */
#ifndef BTI_FOLDED_H
#define BTI_FOLDED_H

#include "model/graph.h"

#define BTI_IMAGE (-1) /* as an input: the image (h,w,c; uint8), owned by the caller */
#define BTI_NOTHING (-2)

typedef enum bti_folded_kind {
    BTI_OP_IMAGE,        /* (pixel - black) * gain by channel; only if no convolution can do it */
    BTI_OP_CONV,         /* weight (out_c, k, k, in_c / groups), bias; also linear layers */
    BTI_OP_DEPTHWISE,    /* weight (k, k, c), bias */
    BTI_OP_MAXPOOL,      /* padding never wins */
    BTI_OP_AVGPOOL,      /* over windows; count_pad: padding counts in the divisor */
    BTI_OP_GRID_AVERAGE, /* adaptive; 1x1: the global average */
    BTI_OP_ADD,
    BTI_OP_SCALE, /* in[0] (h,w,c) times in[1] (c) */
    BTI_OP_CLAMP, /* ReLU, ReLU6, Hardtanh that could not be fused */
    BTI_OP_ACT,   /* every other activation */
} bti_folded_kind;

typedef struct bti_folded_op {
    bti_folded_kind kind;
    int in[2]; /* operations, BTI_IMAGE, or BTI_NOTHING */
    int row;   /* 0-based row of the model file */
    int in_h, in_w, in_c, h, w, c;
    int k, stride, dilation, groups;
    int pad_t, pad_l, pad_b, pad_r;
    bool count_pad;
    float lo, hi; /* clamp after CONV, DEPTHWISE, ADD, and CLAMP itself; -FLT_MAX, FLT_MAX: none */
    bti_act act;  /* ACT */
    float *weight, *bias; /* CONV, DEPTHWISE; NULL when folded without weights */
    int64_t n_weight, n_bias;
    float black[3], gain[3]; /* of what reads the image: pixel that normalises to 0; IMAGE: slope */
    /* The plan (plan.c), in elements. */
    int64_t size, offset; /* offset -1: not in the arena (the logits go to the caller) */
    int last;             /* the last operation that reads it; itself for the logits */
} bti_folded_op;

typedef struct bti_folded {
    int in_h, in_w, in_c, classes;
    int n_ops;
    bti_folded_op *op;
    int64_t n_weight, n_bias; /* of all operations */
    int64_t arena;            /* elements that all maps together need */
    bti_arena memory;
} bti_folded;

/* Folds and plans. weights: plain, g->n_floats; NULL: shapes only, for sizes. mean, std: of pixel /
 * 255, by channel. BT_NOSUPP names the row that an exported network cannot have. The result does
 * not refer to g or weights. */
bt_status bti_fold(bti_folded **out, const bti_graph *g, const float *weights, const float mean[3],
                   const float std[3], bt_error *err);
void bti_folded_free(bti_folded *f);

const char *bti_folded_op_name(const bti_folded_op *op); /* "conv", "depthwise", "Hardswish", ... */

/* A convolution of 1x1 without padding and groups on a map (not the image), or a linear layer. */
bool bti_folded_op_pointwise(const bti_folded_op *op);

/* ---- plan.c: where maps lie ---- */

/* Places every map (offset, last, arena). Maps that live at the same time never share bytes, except
 * that an output may lie over an input that nothing reads later, as far as bti_overlap() allows. */
bt_status bti_plan(bti_folded *f, bt_error *err);
/* The same with every output beside its inputs, to say what overlapping saves. */
bt_status bti_plan_apart(bti_folded *f, bt_error *err);

/* How far below the start of input `which` the output of `op` must begin, in elements, so that no
 * value is overwritten that the operation still reads; -1: they may not touch. 0 is in place.
 * Kernels write pixel by pixel and read nothing before the current pixel's first tap
 * ("diagonal" overlap: Blacker, Bridges and Hadfield, "Optimising TensorFlow Lite Micro with
 * diagonal memory optimisation", 2020). */
int64_t bti_overlap(const bti_folded_op *op, int which);

#endif
