/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of net.h that no backend owns: checks, the choice of a backend, dispatch, initial
 * weights.
 */
#include "nn/net.h"

#include "base/cpu.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/str.h"
#include "nn/backend.h"
#include "nn/kernels/infer/infer_backend.h"
#include "nn/kernels/ref/ref.h"
#include "nn/kernels/simd/simd.h"
#ifdef BANTAM_DNNL
#include "nn/kernels/dnnl/dnnl_backend.h"
#endif

#include <math.h>

bti_net_options bti_net_defaults(void)
{
    return (bti_net_options){
        .batch = 128, .threads = 1, .training = true, .backend = BTI_BACKEND_AUTO};
}

static const char *const precision_names[] = {"f32", "bf16", "auto"};

const char *bti_precision_name(bti_precision p)
{
    return precision_names[p];
}

bti_precision bti_net_precision(bti_precision asked)
{
    if (asked != BTI_PRECISION_AUTO)
        return asked;
#ifdef BANTAM_DNNL
    return bti_simd_bf16_for(bti_cpu_isa()) ? BTI_PRECISION_BF16 : BTI_PRECISION_F32;
#else
    return BTI_PRECISION_F32;
#endif
}

bt_status bti_precision_parse(bti_precision *out, const char *name, bt_error *err)
{
    for (int p = 0; p <= BTI_PRECISION_AUTO; p++)
        if (bti_streq(name, precision_names[p])) {
            *out = (bti_precision)p;
            if (p == BTI_PRECISION_BF16 && bti_net_precision(BTI_PRECISION_AUTO) != *out)
                return bti_fail(err, BT_NOSUPP, "precision",
                                "bf16 needs a CPU with AVX512_BF16; this one runs %s",
                                bti_isa_name(bti_cpu_isa()));
            return BT_OK;
        }
    return bti_fail(err, BT_INVAL, "precision", "unknown precision '%s', expected auto, f32, bf16",
                    name);
}

/* NULL: not in this build. */
static const bti_backend_ops *find_backend(const bti_net_options *opt)
{
    const bool one = opt->batch == 1 && !opt->training && opt->precision == BTI_PRECISION_F32;
    switch (opt->backend) {
    case BTI_BACKEND_INFER:
        return &bti_backend_infer;
    case BTI_BACKEND_REF:
        return &bti_backend_ref;
    case BTI_BACKEND_DNNL:
#ifdef BANTAM_DNNL
        return &bti_backend_dnnl;
#else
        return NULL;
#endif
    case BTI_BACKEND_AUTO:
        if (one)
            return &bti_backend_infer;
#ifdef BANTAM_DNNL
        return &bti_backend_dnnl;
#else
        return &bti_backend_ref;
#endif
    }
    return NULL;
}

bt_status bti_net_new(bti_net **out, const bti_graph *g, const bti_net_options *opt, bt_error *err)
{
    *out = NULL;
    if (opt->batch < 1)
        return bti_fail(err, BT_INVAL, "batch", "%d images a step; expected at least 1",
                        opt->batch);
    if (opt->threads < 1)
        return bti_fail(err, BT_INVAL, "threads", "%d threads; expected at least 1", opt->threads);
    bti_net_options known = *opt;
    known.precision = bti_net_precision(opt->precision);
    const bti_backend_ops *ops = find_backend(&known);
    if (!ops)
        return bti_fail(err, BT_NOSUPP, "backend",
                        "this build has no oneDNN; configure it with -DBANTAM_DNNL=ON");
    if (ops == &bti_backend_ref || ops == &bti_backend_infer)
        known.precision = BTI_PRECISION_F32;
    if (known.precision == BTI_PRECISION_BF16 &&
        bti_net_precision(BTI_PRECISION_AUTO) != BTI_PRECISION_BF16)
        return bti_fail(err, BT_NOSUPP, "precision", "this CPU has no AVX512_BF16 (%s)",
                        bti_isa_name(bti_cpu_isa()));

    bt_status rc = ops->new (out, g, &known, err);
    if (rc)
        return rc;
    (*out)->ops = ops;
    (*out)->graph = g;
    (*out)->opt = known;
    return BT_OK;
}

void bti_net_free(bti_net *net)
{
    if (net)
        net->ops->free(net);
}

int64_t bti_net_bytes(const bti_net *net)
{
    return net->ops->bytes(net);
}

const char *bti_net_backend_name(const bti_net *net)
{
    return net->ops->name(net);
}

float *bti_net_input(bti_net *net)
{
    return net->ops->input(net);
}

const float *bti_net_logits(bti_net *net)
{
    return net->ops->logits(net);
}

float *bti_net_dlogits(bti_net *net)
{
    return net->ops->dlogits(net);
}

void bti_net_forward(bti_net *net, bool training)
{
    net->ops->forward(net, training);
}

void bti_net_backward(bti_net *net)
{
    net->ops->backward(net);
}

bool bti_net_profile(bti_net *net, bool on)
{
    return net->ops->profile && net->ops->profile(net, on);
}

int bti_net_breakdown(const bti_net *net, bti_net_group *out, int cap)
{
    return net->ops->breakdown ? net->ops->breakdown(net, out, cap) : 0;
}

bti_flat bti_net_flat(bti_net *net)
{
    return net->ops->flat(net);
}

int64_t bti_net_flat_range(const bti_net *net, int tensor, int64_t *offset)
{
    return net->ops->flat_range(net, tensor, offset);
}

void bti_net_set_weights(bti_net *net, const float *plain)
{
    net->ops->set_weights(net, plain);
}

void bti_net_get_weights(bti_net *net, float *plain)
{
    net->ops->get_weights(net, plain);
}

void bti_net_get_grads(bti_net *net, float *plain)
{
    net->ops->get_grads(net, plain);
}

void bti_init_weights(const bti_graph *g, uint64_t seed, float *plain)
{
    for (int t = 0; t < g->n_tensors; t++) {
        const bti_tensor *x = &g->tensor[t];
        const bool one = x->kind == BTI_TENSOR_GAMMA || x->kind == BTI_TENSOR_VAR;
        const bool drawn = x->kind == BTI_TENSOR_WEIGHT || x->kind == BTI_TENSOR_BIAS;
        /* Kaiming uniform with a = sqrt(5), and PyTorch's rule for biases: both are 1/sqrt(fan_in).
         */
        const double bound = drawn ? 1 / sqrt(x->fan_in) : 0;
        bti_rng rng = bti_rng_at(seed, BTI_RNG_INIT, 0, (uint32_t)t, 0);
        for (int64_t j = 0; j < x->size; j++)
            plain[x->offset + j] =
                drawn ? (float)bti_rng_uniform(&rng, -bound, bound) : (one ? 1.0f : 0.0f);
    }
}
