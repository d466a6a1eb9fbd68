/* SPDX-License-Identifier: Apache-2.0
 *
 * The reference engine in double: the judge that finite differences confirm and that every float
 * engine is compared with. Not used for training.
 */
#include "nn/kernels/ref/ref.h"

#include "base/alloc.h"
#include "base/error.h"
#include "nn/kernels/ref/shape.h"

#include <assert.h>
#include <math.h>
#include <tgmath.h>

typedef double real;

#include "nn/kernels/ref/act.inc"
#include "nn/kernels/ref/conv.inc"
#include "nn/kernels/ref/joint.inc"
#include "nn/kernels/ref/linear.inc"
#include "nn/kernels/ref/norm.inc"
#include "nn/kernels/ref/pool.inc"

#include "nn/kernels/ref/net.inc" /* the engine that calls them */

struct bti_ref64 {
    ref_net net;
};

bt_status bti_ref64_new(bti_ref64 **out, const bti_graph *g, int batch, int threads, bt_error *err)
{
    *out = NULL;
    bti_ref64 *r = bti_calloc(1, sizeof(*r));
    if (!r)
        return bti_fail_nomem(err);
    r->net.graph = g;
    r->net.batch = batch;
    r->net.threads = threads;
    r->net.training = r->net.input_grad = true;
    bt_status rc = ref_init(&r->net, err);
    if (rc) {
        bti_free(r);
        return rc;
    }
    *out = r;
    return BT_OK;
}

void bti_ref64_free(bti_ref64 *r)
{
    if (!r)
        return;
    ref_release(&r->net);
    bti_free(r);
}

double *bti_ref64_input(bti_ref64 *r)
{
    return r->net.y[0];
}

const double *bti_ref64_input_grad(bti_ref64 *r)
{
    return r->net.dy[0];
}

const double *bti_ref64_logits(bti_ref64 *r)
{
    return r->net.y[r->net.graph->n_nodes - 1];
}

const double *bti_ref64_output(const bti_ref64 *r, int node)
{
    return r->net.y[node];
}

double *bti_ref64_dlogits(bti_ref64 *r)
{
    return r->net.dy[r->net.graph->n_nodes - 1];
}

double *bti_ref64_tensor(bti_ref64 *r, int tensor)
{
    return r->net.value[tensor];
}

const double *bti_ref64_grad(bti_ref64 *r, int tensor)
{
    return r->net.grad[tensor];
}

void bti_ref64_set_weights(bti_ref64 *r, const float *plain)
{
    ref_set_plain(&r->net, plain);
}

void bti_ref64_forward(bti_ref64 *r, bool training)
{
    ref_forward(&r->net, training);
}

void bti_ref64_backward(bti_ref64 *r)
{
    ref_backward(&r->net);
}

int64_t bti_ref64_bytes(const bti_ref64 *r)
{
    return (int64_t)sizeof(*r) + ref_bytes(&r->net);
}

double bti_ref64_loss(bti_ref64 *r, const int32_t *labels, double smoothing)
{
    const int classes = r->net.graph->classes;
    const double *logits = bti_ref64_logits(r);
    double *dlogits = bti_ref64_dlogits(r), loss = 0;
    for (int n = 0; n < r->net.batch; n++) {
        const double *x = logits + (size_t)n * classes;
        double *dx = dlogits + (size_t)n * classes;
        softmax_forward(dx, x, classes, 1);
        for (int c = 0; c < classes; c++) {
            const double target = (c == labels[n] ? 1 - smoothing : 0) + smoothing / classes;
            loss -= target * log(dx[c]);
            dx[c] = (dx[c] - target) / r->net.batch;
        }
    }
    return loss / r->net.batch;
}
