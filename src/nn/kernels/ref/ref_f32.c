/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference engine in float, as a backend of net.h: the portable last resort, slow and right.
 */
#include "nn/kernels/ref/ref.h"

#include "base/alloc.h"
#include "base/error.h"
#include "nn/kernels/ref/shape.h"

#include <assert.h>
#include <math.h>
#include <tgmath.h>

typedef float real;

#include "nn/kernels/ref/act.inc"
#include "nn/kernels/ref/conv.inc"
#include "nn/kernels/ref/joint.inc"
#include "nn/kernels/ref/linear.inc"
#include "nn/kernels/ref/norm.inc"
#include "nn/kernels/ref/pool.inc"

#include "nn/kernels/ref/net.inc" /* the engine that calls them */

typedef struct ref_backend {
    bti_net base; /* first: net.h's handle points here */
    ref_net net;
} ref_backend;

static ref_net *ref_of(bti_net *net)
{
    return &((ref_backend *)net)->net;
}

static const ref_net *ref_of_const(const bti_net *net)
{
    return &((const ref_backend *)net)->net;
}

static const char *backend_name(const bti_net *net)
{
    (void)net;
    return "ref";
}

static bt_status backend_new(bti_net **out, const bti_graph *g, const bti_net_options *opt,
                             bt_error *err)
{
    *out = NULL;
    ref_backend *b = bti_calloc(1, sizeof(*b));
    if (!b)
        return bti_fail_nomem(err);
    b->net.graph = g;
    b->net.batch = opt->batch;
    b->net.threads = opt->threads;
    b->net.training = opt->training;
    bt_status rc = ref_init(&b->net, err);
    if (rc) {
        bti_free(b);
        return rc;
    }
    *out = &b->base;
    return BT_OK;
}

static void backend_free(bti_net *net)
{
    ref_release(ref_of(net));
    bti_free(net);
}

static void backend_forward(bti_net *net, bool training)
{
    ref_forward(ref_of(net), training);
}

static void backend_backward(bti_net *net)
{
    ref_backward(ref_of(net));
}

static bti_flat backend_flat(bti_net *net)
{
    const ref_net *r = ref_of(net);
    return (bti_flat){.n = r->param_n, .param = r->param, .grad = r->dparam};
}

static int64_t backend_flat_range(const bti_net *net, int tensor, int64_t *offset)
{
    const ref_net *r = ref_of_const(net);
    const bti_tensor *t = &r->graph->tensor[tensor];
    if (!ref_is_trained(t))
        return -1;
    *offset = r->value[tensor] - r->param;
    return t->size;
}

static void backend_set_weights(bti_net *net, const float *plain)
{
    ref_set_plain(ref_of(net), plain);
}

static void backend_get_weights(bti_net *net, float *plain)
{
    const ref_net *r = ref_of(net);
    for (int t = 0; t < r->graph->n_tensors; t++) {
        const bti_tensor *x = &r->graph->tensor[t];
        memcpy(plain + x->offset, r->value[t], (size_t)x->size * sizeof(float));
    }
}

static void backend_get_grads(bti_net *net, float *plain)
{
    const ref_net *r = ref_of(net);
    for (int t = 0; t < r->graph->n_tensors; t++) {
        const bti_tensor *x = &r->graph->tensor[t];
        const size_t bytes = (size_t)x->size * sizeof(float);
        if (r->grad[t])
            memcpy(plain + x->offset, r->grad[t], bytes);
        else
            memset(plain + x->offset, 0, bytes);
    }
}

static float *backend_input(bti_net *net)
{
    return ref_of(net)->y[0];
}

static const float *backend_logits(bti_net *net)
{
    const ref_net *r = ref_of(net);
    return r->y[r->graph->n_nodes - 1];
}

static float *backend_dlogits(bti_net *net)
{
    const ref_net *r = ref_of(net);
    return r->dy[r->graph->n_nodes - 1];
}

static int64_t backend_bytes(const bti_net *net)
{
    return (int64_t)sizeof(ref_backend) + ref_bytes(ref_of_const(net));
}

const bti_backend_ops bti_backend_ref = {
    .name = backend_name,
    .new = backend_new,
    .free = backend_free,
    .forward = backend_forward,
    .backward = backend_backward,
    .flat = backend_flat,
    .flat_range = backend_flat_range,
    .set_weights = backend_set_weights,
    .get_weights = backend_get_weights,
    .get_grads = backend_get_grads,
    .input = backend_input,
    .logits = backend_logits,
    .dlogits = backend_dlogits,
    .bytes = backend_bytes,
};
