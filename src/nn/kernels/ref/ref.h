/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference engine: naive kernels in plain layout, written once and compiled twice.
 * In float it is a backend of net.h; in double it is the judge of every other engine.
 */
#ifndef BTI_REF_H
#define BTI_REF_H

#include "nn/backend.h"

/* BTI_BACKEND_REF. Results are the same bits for any number of threads. */
extern const bti_backend_ops bti_backend_ref;

/* The double engine, always able to train. Differs from net.h where a judge needs more: the
 * gradient of the input, direct access to every tensor, and a backward pass after an inference-mode
 * forward too (running statistics are then constants). */
typedef struct bti_ref64 bti_ref64;

/* As bti_net_new(); batch and threads >= 1. BT_NOMEM. */
bt_status bti_ref64_new(bti_ref64 **out, const bti_graph *g, int batch, int threads, bt_error *err);
void bti_ref64_free(bti_ref64 *net); /* NULL is fine */

/* (batch,c,h,w) of node 0, writable; and its gradient, after backward. */
double *bti_ref64_input(bti_ref64 *net);
const double *bti_ref64_input_grad(bti_ref64 *net);
/* (batch,c,h,w) of any node, after forward; of the last one. */
const double *bti_ref64_output(const bti_ref64 *net, int node);
const double *bti_ref64_logits(bti_ref64 *net);
/* As the logits: fill before backward. */
double *bti_ref64_dlogits(bti_ref64 *net);

/* A tensor in plain layout, writable; its gradient, after backward: NULL for running statistics. */
double *bti_ref64_tensor(bti_ref64 *net, int tensor);
const double *bti_ref64_grad(bti_ref64 *net, int tensor);
void bti_ref64_set_weights(bti_ref64 *net, const float *plain); /* as bti_net_set_weights() */

void bti_ref64_forward(bti_ref64 *net, bool training);
void bti_ref64_backward(bti_ref64 *net);
/* As bti_softmax_xent() of the logits; fills dlogits. */
double bti_ref64_loss(bti_ref64 *net, const int32_t *labels, double smoothing);
int64_t bti_ref64_bytes(const bti_ref64 *net);

#endif
