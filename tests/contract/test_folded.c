/* SPDX-License-Identifier: Apache-2.0
 *
 * A net for inference has its normalisations inside its convolutions: logits are those of the
 * network as written, in f32 and bf16, for every block and activation that folds or does not.
 */
#include "model_text.h"

#include "nn/net.h"
#include "nn_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 12
#define SIDE 20
#define INPUTS (BATCH * 3 * SIDE * SIDE)
#define LOGITS (BATCH * 10)
#define TAIL "  - [1, GlobalAvgPool, []]\n  - [1, Flatten, []]\n  - [1, Linear, [10]]\n"

static const char *const nets[] = {
    "  - [1, Conv, [20, 3, 1, null, 1, ReLU]]\n  - [1, Conv, [24, 3, 2, null, 1, ReLU6]]\n"
    "  - [1, Conv, [24, 3, 1, null, 8, Hardswish]]\n" TAIL,
    "  - [1, Conv, [20, 3, 2, null, 1, Hardswish]]\n  - [1, Conv, [40, 1, 1, null, 1, LeakyReLU]]\n"
    "  - [1, Conv, [24, 1, 1, null, 1, Hardswish]]\n  - [1, Conv, [24, 1, 1, null, 1, ReLU]]\n"
    "  - [1, Conv, [24, 1, 2, null, 1, Tanh]]\n" TAIL,
    "  - [1, Conv, [24, 3, 2, null, 1, SiLU]]\n  - [1, DWConv, [24, 3, 1, null, ReLU]]\n"
    "  - [1, DWConv, [24, 5, 2, null, Hardswish]]\n  - [1, DWConv, [24, 7, 1, null, SiLU]]\n" TAIL,
    "  - [1, Conv, [16, 3, 1, null, 1, ReLU]]\n  - [2, InvertedResidualv2, [24, 3, 1]]\n"
    "  - [2, InvertedResidualv3, [3, 2.5, 24, 1, 1, 1]]\n  - [2, MBConv, [3, 24, 1, 5]]\n" TAIL,
    "  - [1, Conv, [16, 3, 1, null, 1, ReLU]]\n  - [2, BasicBlock, [24, 2, ReLU]]\n"
    "  - [2, Bottleneck, [32]]\n  - [1, Conv, [24, 3, 2, null, 1, Sigmoid]]\n" TAIL,
};
#define N_NETS (sizeof(nets) / sizeof(nets[0]))

/* Every other gamma is negative. */
static float *weights_of(const bti_graph *g)
{
    float *w = calloc((size_t)g->n_floats, sizeof(float));
    assert_non_null(w);
    nn_fill_weights(g, w);
    for (int t = 0; t < g->n_tensors; t++)
        for (int64_t i = 0; g->tensor[t].kind == BTI_TENSOR_GAMMA && i < g->tensor[t].size; i += 2)
            w[g->tensor[t].offset + i] *= -1;
    return w;
}

static bti_net *net_of(const bti_graph *g, const float *weights, bti_backend backend,
                       bti_precision precision, bool training)
{
    bt_error err = {0};
    bti_net *net;
    const bti_net_options opt = {.batch = BATCH,
                                 .threads = 2,
                                 .training = training,
                                 .backend = backend,
                                 .precision = precision};
    assert_ok(bti_net_new(&net, g, &opt, &err), &err);
    bti_net_set_weights(net, weights);
    nn_fill(bti_net_input(net), INPUTS, "folded", 1.7);
    return net;
}

static void logits_of(const bti_graph *g, const float *weights, bti_backend backend,
                      bti_precision precision, bool training, float *out)
{
    bti_net *net = net_of(g, weights, backend, precision, training);
    bti_net_forward(net, false);
    memcpy(out, bti_net_logits(net), LOGITS * sizeof(float));
    bti_net_free(net);
}

/* ||x - truth|| / ||truth|| */
static double off(const float *x, const float *truth)
{
    double d = 0, t = 0;
    for (int i = 0; i < LOGITS; i++) {
        d += pow((double)x[i] - (double)truth[i], 2);
        t += pow((double)truth[i], 2);
    }
    return sqrt(d / t);
}

static void logits_in_f32_are_those_of_the_network_as_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETS; i++) {
        bti_graph *g = test_classifier(nets[i], SIDE, SIDE);
        float *w = weights_of(g), truth[LOGITS], folded[LOGITS];
        logits_of(g, w, BTI_BACKEND_REF, BTI_PRECISION_F32, true, truth);
        logits_of(g, w, BTI_BACKEND_AUTO, BTI_PRECISION_F32, false, folded);
        if (!(off(folded, truth) < 1e-5))
            fail_msg("net %zu: off by %.2g of its length", i, off(folded, truth));
        free(w);
        bti_graph_free(g);
    }
}

/* A folded net rounds other numbers to bf16 (weights times scale), not more of them. */
static void logits_in_bf16_are_as_near_as_without_folding(void **state)
{
    (void)state;
    if (bti_net_precision(BTI_PRECISION_AUTO) != BTI_PRECISION_BF16)
        skip();
    for (size_t i = 0; i < N_NETS; i++) {
        bti_graph *g = test_classifier(nets[i], SIDE, SIDE);
        float *w = weights_of(g), truth[LOGITS], plain[LOGITS], folded[LOGITS];
        logits_of(g, w, BTI_BACKEND_REF, BTI_PRECISION_F32, true, truth);
        logits_of(g, w, BTI_BACKEND_AUTO, BTI_PRECISION_BF16, true, plain);
        logits_of(g, w, BTI_BACKEND_AUTO, BTI_PRECISION_BF16, false, folded);
        const double a = off(plain, truth), b = off(folded, truth);
        if (!(b < 2e-2 && b < 1.5 * a + 1e-3))
            fail_msg("net %zu: off by %.2g of its length, without folding %.2g", i, b, a);
        free(w);
        bti_graph_free(g);
    }
}

static void new_weights_replace_the_old_ones(void **state)
{
    (void)state;
    bti_graph *g = test_classifier(nets[3], SIDE, SIDE);
    float *w = weights_of(g), *other = calloc((size_t)g->n_floats, sizeof(float)), truth[LOGITS];
    assert_non_null(other);
    bti_init_weights(g, 5, other);
    logits_of(g, w, BTI_BACKEND_AUTO, BTI_PRECISION_AUTO, false, truth);
    bti_net *net = net_of(g, other, BTI_BACKEND_AUTO, BTI_PRECISION_AUTO, false);
    bti_net_forward(net, false);
    bti_net_set_weights(net, w);
    bti_net_forward(net, false);
    assert_memory_equal(bti_net_logits(net), truth, sizeof(truth));
    bti_net_get_weights(net, other);
    assert_memory_equal(other, w, (size_t)g->n_floats * sizeof(float));
    bti_net_free(net);
    free(w);
    free(other);
    bti_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_in_f32_are_those_of_the_network_as_written),
        cmocka_unit_test(logits_in_bf16_are_as_near_as_without_folding),
        cmocka_unit_test(new_weights_replace_the_old_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
