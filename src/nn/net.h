/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph compiled for one batch size and thread count: primitives, fused steps, one planned arena.
 * Plan, then run: everything that can fail happens in bti_net_new(); forward, backward and the rest
 * cannot fail, allocate or look anything up.
 *
 * Parameters, gradients and momenta are flat float arrays in kernel layout (padding lanes kept
 * zero), so optimisers and EMA are plain loops over [0, n). Plain OIHW order
 * (graph->tensor[].offset) is reached only through bti_net_set_weights() / bti_net_get_weights().
 *
 * Three backends behind one table (nn/backend.h): dnnl (oneDNN + our own fused kernels), infer (one
 * image at a time, normalisations folded into weights) and ref (naive, plain layout, portable; also
 * compiled in double, where it is the judge of the others).
 */
#ifndef BTI_NET_H
#define BTI_NET_H

#include "base/slab.h"
#include "model/graph.h"

typedef struct bti_net bti_net;

typedef enum bti_backend {
    BTI_BACKEND_AUTO, /* infer for one image in f32 without training; else dnnl if built in, or ref
                       */
    BTI_BACKEND_DNNL,
    BTI_BACKEND_INFER, /* BT_NOSUPP for a net that trains */
    BTI_BACKEND_REF,
} bti_backend;

/* Of maps and their gradients. Parameters, sums and statistics are always float. */
typedef enum bti_precision {
    BTI_PRECISION_F32,
    BTI_PRECISION_BF16, /* BT_NOSUPP where bti_net_precision(AUTO) is not BF16 */
    BTI_PRECISION_AUTO, /* bf16 where the CPU multiplies it (AVX512_BF16), else f32 */
} bti_precision;

typedef struct bti_net_options {
    int batch;     /* images a step, fixed */
    int threads;   /* >= 1; OpenMP team of this net */
    bool training; /* false: inference only (no gradients, no backward) */
    bti_backend backend;
    bti_precision precision;
    bti_slab *maps; /* to keep maps and their gradients in, borrowed for the net's life; NULL: the
                     * net's own memory. For nets one after the other. */
} bti_net_options;

bti_net_options bti_net_defaults(void);

/* What a precision comes to on this CPU, under its cap, and in this build: F32 or BF16. */
bti_precision bti_net_precision(bti_precision asked);
const char *bti_precision_name(bti_precision p); /* "f32" "bf16" "auto" */
/* BT_INVAL names the words it knows; "bf16" where this CPU has none: BT_NOSUPP. */
bt_status bti_precision_parse(bti_precision *out, const char *name, bt_error *err);

/* Compiles. The graph is borrowed for the net's life. Weights start at zero (running variance 1).
 * BT_NOSUPP names the operation that a backend cannot do; BT_NOMEM. */
bt_status bti_net_new(bti_net **out, const bti_graph *g, const bti_net_options *opt, bt_error *err);
void bti_net_free(bti_net *net);

/* Bytes of activations, scratch, parameters and gradients that this net holds. */
int64_t bti_net_bytes(const bti_net *net);
const char *bti_net_backend_name(const bti_net *net); /* "dnnl 2.6.3 avx512_bf16" or "ref" */

float *bti_net_input(bti_net *net);        /* (batch,c,h,w): fill before forward */
const float *bti_net_logits(bti_net *net); /* (batch,classes): valid after forward */
float *
bti_net_dlogits(bti_net *net); /* (batch,classes): fill before backward; training nets only */

/* Training mode: BN uses the batch's statistics (biased variance) and updates the running ones
 * (momentum 0.1, unbiased variance). Inference mode: BN uses the running ones. */
void bti_net_forward(bti_net *net, bool training);
/* Gradients of all parameters for dlogits, overwriting the old ones. After a training-mode forward.
 */
void bti_net_backward(bti_net *net);

/* Flat trained parameters and their gradients, kernel layout, n floats each. */
typedef struct bti_flat {
    int64_t n;
    float *param, *grad; /* grad NULL for inference nets */
} bti_flat;
bti_flat bti_net_flat(bti_net *net);
/* Tensor of plain index t as a range of the flat arrays (GAMMA, BETA, WEIGHT, BIAS); returns its
 * floats including padding and sets *offset. -1 for running statistics. */
int64_t bti_net_flat_range(const bti_net *net, int tensor, int64_t *offset);

/* A group of operations of the passes since bti_net_profile(net, true). */
typedef struct bti_net_group {
    const char *name; /* static */
    double seconds;   /* CPU time of all passes, mean of the threads */
    double bytes;     /* of maps read and written, of one forward and backward pass */
    double flops;     /* of its convolutions, of one forward and backward pass */
} bti_net_group;
/* Begins to measure, or ends; false: no memory, or not this backend. */
bool bti_net_profile(bti_net *net, bool on);
/* At most cap groups; returns their number. */
int bti_net_breakdown(const bti_net *net, bti_net_group *out, int cap);

/* All tensors, plain layout, graph->n_floats floats. Running statistics included. */
void bti_net_set_weights(bti_net *net, const float *plain);
void bti_net_get_weights(bti_net *net, float *plain);
void bti_net_get_grads(bti_net *net,
                       float *plain); /* running-statistics entries are 0; for tests */

/* PyTorch's default initial weights (model-format 1.7), addressed by (seed, tensor index): plain
 * layout. */
void bti_init_weights(const bti_graph *g, uint64_t seed, float *plain);

#endif
