/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions that steps run. Comments give the buffers in order; "x -> y" reads x, writes y.
 */
#ifndef BTI_DNNL_STEPS_H
#define BTI_DNNL_STEPS_H

#include "nn/kernels/dnnl/engine.h"

typedef void bti_step_run(const bti_run *r, const bti_step *s);
typedef void bti_step_finish(bti_engine *e, const bti_step *s, int segment);

/* Forward, one for each kind of operation. */
bti_step_run bti_step_pack;    /* input -> y */
bti_step_run bti_step_conv;    /* x [, r] -> y */
bti_step_run bti_step_linear;  /* x -> y */
bti_step_run bti_step_norm;    /* x, r -> y */
bti_step_run bti_step_act;     /* x -> y */
bti_step_run bti_step_add;     /* a, b -> y */
bti_step_run bti_step_scale;   /* z, s -> y */
bti_step_run bti_step_mean;    /* x -> y */
bti_step_run bti_step_maxpool; /* x -> y, positions */
bti_step_run bti_step_avgpool; /* x -> y */
bti_step_run bti_step_flatten; /* x -> y */
bti_step_run bti_step_pad;     /* x -> y */
bti_step_run bti_step_cast;    /* x -> y, also backward */
bti_step_run bti_step_output;  /* x -> logits */

/* Batch statistics of x, and what follows from them. */
bti_step_run bti_step_stats; /* x */
bti_step_finish bti_finish_stats;
/* The normalisation that a convolution applies while it reads; NULL: none. */
const bti_simd_norm *bti_step_pre(const bti_run *r, const bti_step *s, bti_simd_norm *norm);
/* What a convolution adds up in passing for s->norm: its statistics forward, its gradients' sums
 * backward, where `x` is the buffer of its input (forward: -1). Cleared before the first chunk.
 * NULL: nothing. */
const bti_simd_tail *bti_step_tail(const bti_run *r, const bti_step *s, int x, bti_simd_tail *tail);
/* The normalisation behind a convolution that its backward pass begins with, and the numbers a
 * channel for that; NULL: none. */
const bti_simd_norm *bti_step_post(const bti_run *r, const bti_step *s, bti_simd_norm *norm,
                                   const float **abc);

/* Backward. */
bti_step_run bti_step_output_back;         /* dlogits -> dx */
bti_step_run bti_step_conv_back_weights;   /* x, dy */
bti_step_run bti_step_conv_back;           /* x, dy -> dx; x of s->norm, y of the one behind */
bti_step_run bti_step_conv_back_data;      /* dy -> dx; x of s->norm, if any */
bti_step_run bti_step_linear_back_weights; /* x, dy */
bti_step_run bti_step_linear_back_data;    /* dy -> dx */
bti_step_run bti_step_norm_reduce;         /* x, r, dy (changed if the activation is last) */
bti_step_finish bti_finish_norm_reduce;
bti_step_run bti_step_norm_apply;   /* x, dy -> dx */
bti_step_run bti_step_act_back;     /* x (softmax: y), dy -> dx */
bti_step_run bti_step_scale_back;   /* z, s, dy -> dz, ds */
bti_step_run bti_step_mean_back;    /* dy -> dx */
bti_step_run bti_step_maxpool_back; /* positions, dy -> dx */
bti_step_run bti_step_avgpool_back; /* dy -> dx */
bti_step_run bti_step_flatten_back; /* dy -> dx */
bti_step_run bti_step_pad_back;     /* dy -> dx */
bti_step_run bti_step_accumulate;   /* from, into: into += from */
bti_step_run bti_step_copy;         /* from -> to */

/* mean and scale of every normalisation from its running statistics. */
void bti_norm_use_running(bti_engine *e);
/* Floats that norms need beside the flat arrays; sets the pointers of e->norm from `at` on if not
 * NULL. Starts the running statistics at mean 0, variance 1. */
int64_t bti_norm_state(bti_engine *e, float *at);

#endif
