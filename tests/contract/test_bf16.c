/* SPDX-License-Identifier: Apache-2.0
 *
 * Training in bf16 against the f32 reference that is fed the same bf16-rounded weights and images:
 * outputs and every gradient point the same way and are as long, networks of every module. Skips
 * where the CPU multiplies no bf16.
 */
#include "model_text.h"

#include "base/cpu.h"
#include "nn/loss.h"
#include "nn/net.h"
#include "nn_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 16
#define SIDE 16
#define INPUTS (BATCH * 3 * SIDE * SIDE)
#define TAIL "  - [1, GlobalAvgPool, []]\n  - [1, Flatten, []]\n  - [1, Linear, [10]]\n"

/* Smooth activations: at a corner a rounding error makes another gradient, legitimately. */
static const struct {
    const char *name, *rows;
} nets[] = {
    {"3x3 convolutions", "  - [1, Conv, [16, 3, 1, null, 1, SiLU]]\n"
                         "  - [1, Conv, [40, 3, 2, null, 1, SiLU]]\n"
                         "  - [1, Conv, [24, 3, 1, null, 1, SiLU]]\n" TAIL},
    {"1x1 convolutions", "  - [1, Conv, [24, 1, 1, null, 1, SiLU]]\n"
                         "  - [1, Conv, [56, 1, 1, null, 1, SiLU]]\n"
                         "  - [1, Conv, [16, 1, 2, null, 1, SiLU]]\n" TAIL},
    {"depthwise",
     "  - [1, Conv, [24, 3, 2, null, 1, SiLU]]\n  - [1, DWConv, [24, 3, 1, null, SiLU]]\n"
     "  - [1, DWConv, [24, 5, 2, null, SiLU]]\n  - [1, DWConv, [24, 7, 1, null, SiLU]]\n" TAIL},
    {"groups", "  - [1, Conv, [16, 3, 1, null, 1, SiLU]]\n"
               "  - [1, Conv, [24, 3, 1, null, 8, SiLU]]\n" TAIL},
    {"inverted residuals with squeeze and excite",
     "  - [1, Conv, [16, 3, 1, null, 1, SiLU]]\n  - [2, MBConv, [3, 24, 1, 5]]\n" TAIL},
    {"basic blocks", "  - [1, Conv, [16, 3, 1, null, 1, SiLU]]\n"
                     "  - [2, BasicBlock, [24, 2, SiLU]]\n" TAIL},
    /* A maximum of rounded numbers has ties: only the input's, which is exact, is compared. */
    {"pooling", "  - [1, MaxPool, [3, 1, 1]]\n  - [1, Conv, [24, 3, 1, null, 1, SiLU]]\n"
                "  - [1, AvgPool, [3, 2, 1]]\n"
                "  - [1, Conv, [24, 3, 1, null, 1, SiLU]]\n  - [1, AvgPool, [2]]\n"
                "  - [1, GlobalAvgPool, [2]]\n  - [1, Conv, [24, 1, 1, null, 1, SiLU]]\n" TAIL},
    {"down to one pixel", "  - [1, Conv, [16, 3, 2, null, 1, SiLU]]\n"
                          "  - [3, Conv, [24, 3, 2, null, 1, SiLU]]\n" TAIL},
};
#define N_NETS (sizeof(nets) / sizeof(nets[0]))

static float rounded(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof(u));
    u = (u + 0x7fff + ((u >> 16) & 1)) & 0xffff0000u;
    memcpy(&x, &u, sizeof(x));
    return x;
}

typedef struct outcome {
    float *logits, *inference, *grads, *tensors;
} outcome;

static outcome run(const bti_graph *g, bti_backend backend, bti_precision precision, int threads)
{
    const size_t n_logits = (size_t)(BATCH * g->classes);
    outcome o = {.logits = calloc(n_logits, sizeof(float)),
                 .inference = calloc(n_logits, sizeof(float)),
                 .grads = calloc((size_t)g->n_floats, sizeof(float)),
                 .tensors = calloc((size_t)g->n_floats, sizeof(float))};
    assert_true(o.logits && o.inference && o.grads && o.tensors);
    nn_fill_weights(g, o.tensors);
    for (int64_t i = 0; i < g->n_floats; i++)
        o.tensors[i] = rounded(o.tensors[i]);
    bt_error err = {0};
    bti_net *net;
    const bti_net_options opt = {.batch = BATCH,
                                 .threads = threads,
                                 .training = true,
                                 .backend = backend,
                                 .precision = precision};
    int32_t labels[BATCH];
    assert_ok(bti_net_new(&net, g, &opt, &err), &err);
    nn_fill_labels(labels, BATCH, g->classes);
    bti_net_set_weights(net, o.tensors);
    nn_fill(bti_net_input(net), INPUTS, "bf16", 1.7);
    for (int i = 0; i < INPUTS; i++)
        bti_net_input(net)[i] = rounded(bti_net_input(net)[i]);
    bti_net_forward(net, false);
    memcpy(o.inference, bti_net_logits(net), n_logits * sizeof(float));
    bti_net_forward(net, true);
    memcpy(o.logits, bti_net_logits(net), n_logits * sizeof(float));
    bti_softmax_xent(o.logits, labels, BATCH, g->classes, 0.1, bti_net_dlogits(net));
    bti_net_backward(net);
    bti_net_get_grads(net, o.grads);
    bti_net_get_weights(net, o.tensors);
    bti_net_free(net);
    return o;
}

static void outcome_free(outcome *o)
{
    free(o->logits);
    free(o->inference);
    free(o->grads);
    free(o->tensors);
}

/* ||x - truth|| <= limit ||truth|| and cosine >= 0.999; `floor`: below it a tensor is only noise.
 */
static void check_near(const char *net, const char *what, const float *x, const float *truth,
                       int64_t n, double limit, double floor)
{
    double dd = 0, xx = 0, tt = 0, xt = 0;
    for (int64_t i = 0; i < n; i++) {
        const double a = (double)x[i], b = (double)truth[i];
        dd += (a - b) * (a - b);
        xx += a * a;
        tt += b * b;
        xt += a * b;
    }
    const double off = sqrt(dd) / fmax(sqrt(tt), floor), cosine = xt / sqrt(xx * tt);
    if (!(off <= limit) || (sqrt(tt) > floor && !(cosine >= 0.999)))
        fail_msg("%s: %s is off by %.2g of its length, cosine %.6f", net, what, off, cosine);
}

static double length(const float *x, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++)
        s += (double)x[i] * (double)x[i];
    return sqrt(s);
}

static void check_net(const char *name, const char *rows)
{
    bti_graph *g = test_classifier(rows, SIDE, SIDE);
    outcome truth = run(g, BTI_BACKEND_REF, BTI_PRECISION_F32, 2);
    outcome o = run(g, BTI_BACKEND_DNNL, BTI_PRECISION_BF16, 2);
    const int64_t n = (int64_t)BATCH * g->classes;
    check_near(name, "inference logits", o.inference, truth.inference, n, 2e-2, 0);
    check_near(name, "logits", o.logits, truth.logits, n, 2e-2, 0);
    /* A tensor whose true gradient vanishes (a bias before a normalisation) is measured against
     * the largest. */
    double largest = 0;
    for (int t = 0; t < g->n_tensors; t++)
        largest = fmax(largest, length(truth.grads + g->tensor[t].offset, g->tensor[t].size));
    for (int t = 0; t < g->n_tensors; t++) {
        const bti_tensor *x = &g->tensor[t];
        /* Gamma's and beta's gradients are sums over all pixels that mostly cancel. */
        const bool sum = x->kind == BTI_TENSOR_GAMMA || x->kind == BTI_TENSOR_BETA;
        check_near(name, x->name, o.grads + x->offset, truth.grads + x->offset, x->size,
                   sum ? 4e-2 : 2e-2, 0.03 * largest);
        if (x->kind == BTI_TENSOR_MEAN || x->kind == BTI_TENSOR_VAR)
            check_near(name, x->name, o.tensors + x->offset, truth.tensors + x->offset, x->size,
                       2e-2, 0);
    }
    outcome_free(&o);
    outcome_free(&truth);
    bti_graph_free(g);
}

static void outputs_and_gradients_follow_the_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETS; i++)
        check_net(nets[i].name, nets[i].rows);
}

static void the_same_threads_give_the_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETS; i++) {
        bti_graph *g = test_classifier(nets[i].rows, SIDE, SIDE);
        outcome a = run(g, BTI_BACKEND_DNNL, BTI_PRECISION_BF16, 2);
        outcome b = run(g, BTI_BACKEND_DNNL, BTI_PRECISION_BF16, 2);
        assert_memory_equal(a.grads, b.grads, (size_t)g->n_floats * sizeof(float));
        assert_memory_equal(a.tensors, b.tensors, (size_t)g->n_floats * sizeof(float));
        outcome_free(&a);
        outcome_free(&b);
        bti_graph_free(g);
    }
}

int main(void)
{
    if (bti_net_precision(BTI_PRECISION_AUTO) != BTI_PRECISION_BF16) {
        printf("skipped: no AVX512_BF16 here, or no oneDNN\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_and_gradients_follow_the_reference),
        cmocka_unit_test(the_same_threads_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
