/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a net that belongs to no engine: initial weights as PyTorch draws them, refused
 * options.
 */
#include "support.h"

#include "model/graph.h"
#include "nn/net.h"

#include <math.h>
#include <string.h>

static bti_graph *small_graph(void)
{
    static const char text[] = "input_channel: 3\ndepth_multiple: 1.0\nwidth_multiple: 1.0\n"
                               "backbone:\n"
                               "  - [1, Conv, [64, 3, 1]]\n"
                               "  - [1, InvertedResidualv3, [3, 2, 64, 1, 1, 1]]\n"
                               "  - [1, GlobalAvgPool, []]\n"
                               "  - [1, Flatten, []]\n"
                               "  - [1, Linear, [10]]\n";
    bt_error err = {0};
    bti_arena arena = {0};
    bti_rows rows;
    bti_graph *g;
    assert_ok(bti_rows_parse(&rows, &arena, text, sizeof(text) - 1, "net.yaml", NULL, &err), &err);
    assert_ok(bti_graph_build(&g, &rows, 3, 8, 8, &err), &err);
    bti_arena_release(&arena);
    return g;
}

static float *initial_weights(const bti_graph *g, uint64_t seed)
{
    float *w = calloc((size_t)g->n_floats, sizeof(*w));
    assert_non_null(w);
    bti_init_weights(g, seed, w);
    return w;
}

/* Kaiming uniform with a = sqrt(5) and the bias rule: both uniform in +-1/sqrt(fan_in). */
static void initial_weights_are_uniform_within_pytorchs_bounds(void **state)
{
    (void)state;
    bti_graph *g = small_graph();
    float *w = initial_weights(g, 1);
    for (int t = 0; t < g->n_tensors; t++) {
        const bti_tensor *x = &g->tensor[t];
        if (x->kind != BTI_TENSOR_WEIGHT && x->kind != BTI_TENSOR_BIAS)
            continue;
        const double bound = 1 / sqrt(x->fan_in);
        double sum = 0, squares = 0, top = 0;
        for (int64_t i = 0; i < x->size; i++) {
            const double v = (double)w[x->offset + i];
            sum += v;
            squares += v * v;
            top = fmax(top, fabs(v));
        }
        assert_true(top <= bound * (1 + 1e-6));
        if (x->size < 500)
            continue;
        const double sd = sqrt(squares / (double)x->size), mean = sum / (double)x->size;
        const double wanted = bound / sqrt(3), noise = wanted / sqrt((double)x->size);
        if (fabs(mean) > 5 * noise || fabs(sd - wanted) > 5 * noise || top < 0.98 * bound)
            fail_msg("%s: mean %g, deviation %g (wanted %g), largest %g of %g", x->name, mean, sd,
                     wanted, top, bound);
    }
    free(w);
    bti_graph_free(g);
}

static void normalisations_start_as_the_identity(void **state)
{
    (void)state;
    bti_graph *g = small_graph();
    float *w = initial_weights(g, 1);
    for (int t = 0; t < g->n_tensors; t++) {
        const bti_tensor *x = &g->tensor[t];
        const bool one = x->kind == BTI_TENSOR_GAMMA || x->kind == BTI_TENSOR_VAR;
        const bool zero = x->kind == BTI_TENSOR_BETA || x->kind == BTI_TENSOR_MEAN;
        for (int64_t i = 0; (one || zero) && i < x->size; i++)
            assert_true(w[x->offset + i] == (one ? 1.0f : 0.0f));
    }
    free(w);
    bti_graph_free(g);
}

static void a_seed_is_one_network_and_another_seed_another(void **state)
{
    (void)state;
    bti_graph *g = small_graph();
    float *a = initial_weights(g, 1), *b = initial_weights(g, 1), *c = initial_weights(g, 2);
    const size_t bytes = (size_t)g->n_floats * sizeof(float);
    assert_memory_equal(a, b, bytes);
    assert_true(memcmp(a, c, bytes) != 0);
    free(a);
    free(b);
    free(c);
    bti_graph_free(g);
}

static void a_new_net_has_zero_weights_and_variance_one(void **state)
{
    (void)state;
    static const bti_backend backends[] = {BTI_BACKEND_AUTO, BTI_BACKEND_REF};
    bti_graph *g = small_graph();
    float *w = calloc((size_t)g->n_floats, sizeof(*w));
    assert_non_null(w);
    for (int b = 0; b < 2; b++) {
        bt_error err = {0};
        bti_net *net;
        bti_net_options opt = bti_net_defaults();
        opt.batch = 2;
        opt.backend = backends[b];
        assert_ok(bti_net_new(&net, g, &opt, &err), &err);
        bti_net_get_weights(net, w);
        bti_net_free(net);
        for (int t = 0; t < g->n_tensors; t++)
            for (int64_t i = 0; i < g->tensor[t].size; i++)
                assert_true(w[g->tensor[t].offset + i] ==
                            (g->tensor[t].kind == BTI_TENSOR_VAR ? 1.0f : 0.0f));
    }
    free(w);
    bti_graph_free(g);
}

static void impossible_options_are_refused_with_a_sentence(void **state)
{
    (void)state;
    bti_graph *g = small_graph();
    for (int i = 0; i < 2; i++) {
        bt_error err = {0};
        bti_net_options opt = bti_net_defaults();
        bti_net *net = (bti_net *)&opt;
        *(i ? &opt.threads : &opt.batch) = 0;
        assert_int_equal(bti_net_new(&net, g, &opt, &err), BT_INVAL);
        assert_null(net);
        assert_string_equal(err.where, i ? "threads" : "batch");
        assert_non_null(strstr(err.text, "at least 1"));
    }
    bti_net_free(NULL);
    bti_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_weights_are_uniform_within_pytorchs_bounds),
        cmocka_unit_test(normalisations_start_as_the_identity),
        cmocka_unit_test(a_seed_is_one_network_and_another_seed_another),
        cmocka_unit_test(a_new_net_has_zero_weights_and_variance_one),
        cmocka_unit_test(impossible_options_are_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
