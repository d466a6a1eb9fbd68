/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fast engine does that small maps do not show: a batch that runs in many chunks, shared
 * out to several threads. Its results equal the double reference's; a step allocates nothing.
 * Smooth activations only, so that no rounding error can land on the other side of a corner.
 */
#include "support.h"

#include "base/alloc.h"
#include "nn/kernels/ref/ref.h"
#include "nn/net.h"
#include "nn_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 6
#define HEAD "input_channel: 3\ndepth_multiple: 1.0\nwidth_multiple: 1.0\nbackbone:\n"
#define TAIL "  - [1, GlobalAvgPool, []]\n  - [1, Flatten, []]\n  - [1, Linear, [10]]\n"

/* At 44 x 44 the engine takes one to three images at a time. */
static const char many_chunks[] =
    HEAD "  - [1, Conv, [16, 3, 1, null, 1, SiLU]]\n"
         "  - [1, Conv, [24, 3, 1, null, 8, SiLU]]\n" /* groups that are merged */
         "  - [2, MBConv, [3, 24, 1, 5]]\n"     /* depthwise 5x5, squeeze and excite, residual */
         "  - [1, BasicBlock, [32, 2, SiLU]]\n" /* two normalisations meet */
         "  - [1, AvgPool, [2]]\n"
         "  - [1, BasicBlock, [32, 1, SiLU]]\n" TAIL;

/* Padding wider than half the kernel, kernels larger than the map, down to a map of one pixel. */
static const char odd_windows[] = HEAD
    "  - [1, Conv, [16, 1, 1, 1, 1, SiLU]]\n  - [1, Conv, [24, 3, 2, 3, 1, SiLU]]\n"
    "  - [1, Conv, [24, 1, 1, 2, 1, SiLU]]\n  - [1, Conv, [24, 5, 2, null, 3, SiLU]]\n"
    "  - [1, Conv, [24, 3, 2, null, 1, SiLU]]\n  - [1, Conv, [32, 7, 1, null, 1, SiLU]]\n"
    "  - [1, Conv, [32, 5, 2, null, 1, SiLU]]\n  - [1, DWConv, [32, 5, 1, null, SiLU]]\n"
    "  - [1, Conv, [40, 5, 1, null, 2, SiLU]]\n  - [1, Conv, [40, 3, 1, null, 1, SiLU]]\n" TAIL;

typedef struct fixture {
    bti_graph *graph;
    int n_input;
    float *weights, *input;
    double *logits, *grads; /* the judge's */
} fixture;

static bti_graph *build(const char *rows_text, int side)
{
    bt_error err = {0};
    bti_arena arena = {0};
    bti_rows rows;
    bti_graph *g;
    assert_ok(bti_rows_parse(&rows, &arena, rows_text, strlen(rows_text), "net", NULL, &err), &err);
    assert_ok(bti_graph_build(&g, &rows, 3, side, side, &err), &err);
    bti_arena_release(&arena);
    return g;
}

/* d(loss)/d(logits) that depends on nothing but the position. */
static double slope(int i)
{
    return sin(1.7 * i + 0.3) / BATCH;
}

static void judge(fixture *f)
{
    bt_error err = {0};
    bti_ref64 *judge;
    assert_ok(bti_ref64_new(&judge, f->graph, BATCH, 2, &err), &err);
    bti_ref64_set_weights(judge, f->weights);
    for (int i = 0; i < f->n_input; i++)
        bti_ref64_input(judge)[i] = (double)f->input[i];
    bti_ref64_forward(judge, true);
    memcpy(f->logits, bti_ref64_logits(judge), BATCH * 10 * sizeof(double));
    for (int i = 0; i < BATCH * 10; i++)
        bti_ref64_dlogits(judge)[i] = slope(i);
    bti_ref64_backward(judge);
    for (int t = 0; t < f->graph->n_tensors; t++)
        if (bti_ref64_grad(judge, t))
            memcpy(f->grads + f->graph->tensor[t].offset, bti_ref64_grad(judge, t),
                   (size_t)f->graph->tensor[t].size * sizeof(double));
    bti_ref64_free(judge);
}

static fixture *fixture_new(const char *rows_text, int side)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->graph = build(rows_text, side);
    f->n_input = BATCH * 3 * side * side;
    f->weights = calloc((size_t)f->graph->n_floats, sizeof(float));
    f->grads = calloc((size_t)f->graph->n_floats, sizeof(double));
    f->input = calloc((size_t)f->n_input, sizeof(float));
    f->logits = calloc(BATCH * 10, sizeof(double));
    assert_true(f->weights && f->grads && f->input && f->logits);
    nn_fill_weights(f->graph, f->weights);
    nn_fill(f->input, f->n_input, "fast engine", 1.7);
    judge(f);
    return f;
}

static void fixture_free(fixture *f)
{
    bti_graph_free(f->graph);
    free(f->weights);
    free(f->grads);
    free(f->input);
    free(f->logits);
    free(f);
}

static int set_up(void **state)
{
    *state = fixture_new(many_chunks, 44);
    return 0;
}

static int tear_down(void **state)
{
    fixture_free(*state);
    return 0;
}

static bti_net *fast_net(const fixture *f, int threads)
{
    bt_error err = {0};
    bti_net *net = NULL;
    const bti_net_options opt = {
        .batch = BATCH, .threads = threads, .training = true, .backend = BTI_BACKEND_DNNL};
    if (bti_net_new(&net, f->graph, &opt, &err) == BT_NOSUPP)
        skip(); /* a build without oneDNN */
    assert_non_null(net);
    bti_net_set_weights(net, f->weights);
    memcpy(bti_net_input(net), f->input, (size_t)f->n_input * sizeof(float));
    return net;
}

static void take_step(bti_net *net)
{
    bti_net_forward(net, true);
    for (int i = 0; i < BATCH * 10; i++)
        bti_net_dlogits(net)[i] = (float)slope(i);
    bti_net_backward(net);
}

static void check_gradients(const fixture *f, int threads, const float *grads)
{
    for (int t = 0; t < f->graph->n_tensors; t++) {
        const bti_tensor *x = &f->graph->tensor[t];
        double most = 1e-3;
        for (int64_t k = 0; k < x->size; k++)
            most = fmax(most, fabs(f->grads[x->offset + k]));
        for (int64_t k = 0; k < x->size; k++)
            if (!(fabs((double)grads[x->offset + k] - f->grads[x->offset + k]) < 1e-4 * most))
                fail_msg("%d threads: gradient of %s [%lld] is %.8g, expected %.8g", threads,
                         x->name, (long long)k, (double)grads[x->offset + k],
                         f->grads[x->offset + k]);
    }
}

static void check_step(const fixture *f, int threads)
{
    float *plain = calloc((size_t)f->graph->n_floats, sizeof(float));
    assert_non_null(plain);
    bti_net *net = fast_net(f, threads);
    bti_net_get_weights(net, plain);
    assert_memory_equal(plain, f->weights, (size_t)f->graph->n_floats * sizeof(float));
    take_step(net);
    for (int i = 0; i < BATCH * 10; i++)
        if (!(fabs((double)bti_net_logits(net)[i] - f->logits[i]) < 1e-4))
            fail_msg("%d threads: logit %d is %.8g, expected %.8g", threads, i,
                     (double)bti_net_logits(net)[i], f->logits[i]);
    bti_net_get_grads(net, plain);
    check_gradients(f, threads, plain);
    bti_net_free(net);
    free(plain);
}

static void chunks_and_threads_do_not_change_what_is_computed(void **state)
{
    for (int threads = 1; threads <= 4; threads++) /* 4: uneven shares */
        check_step(*state, threads);
}

static void windows_may_hang_far_over_the_edge(void **state)
{
    (void)state;
    fixture *f = fixture_new(odd_windows, 9);
    for (int threads = 1; threads <= 2; threads++)
        check_step(f, threads);
    fixture_free(f);
}

static void the_same_threads_give_the_same_bits(void **state)
{
    const fixture *f = *state;
    bti_net *a = fast_net(f, 3), *b = fast_net(f, 3);
    take_step(a);
    take_step(b);
    take_step(b); /* what an earlier step left behind has no influence */
    assert_memory_equal(bti_net_logits(a), bti_net_logits(b), BATCH * 10 * sizeof(float));
    assert_memory_equal(bti_net_flat(a).grad, bti_net_flat(b).grad,
                        (size_t)bti_net_flat(a).n * sizeof(float));
    bti_net_free(a);
    bti_net_free(b);
}

/* A worker's trials use one piece of memory: what the last left there must not be seen. */
static void memory_that_held_something_else_changes_nothing(void **state)
{
    const fixture *f = *state;
    const size_t n = (size_t)f->graph->n_floats;
    float *fresh = calloc(n, sizeof(float)), *used = calloc(n, sizeof(float));
    const size_t plenty = 64 << 20;
    bti_slab maps = {0};
    assert_true(fresh && used);
    for (int p = 0; p <= (bti_net_precision(BTI_PRECISION_AUTO) == BTI_PRECISION_BF16); p++) {
        bt_error err = {0};
        bti_net *net;
        bti_net_options opt = {.batch = BATCH,
                               .threads = 2,
                               .training = true,
                               .precision = p ? BTI_PRECISION_BF16 : BTI_PRECISION_F32};
        for (int k = 0; k < 2; k++) {
            assert_ok(bti_net_new(&net, f->graph, &opt, &err), &err);
            bti_net_set_weights(net, f->weights);
            memcpy(bti_net_input(net), f->input, (size_t)f->n_input * sizeof(float));
            take_step(net);
            bti_net_get_grads(net, k ? used : fresh);
            bti_net_free(net);
            opt.maps = &maps;
            memset(bti_slab_need(&maps, plenty), 0xff, plenty); /* not a number, in both types */
        }
        assert_int_equal(maps.bytes, plenty); /* it was used, not replaced */
        assert_memory_equal(used, fresh, n * sizeof(float));
    }
    bti_slab_release(&maps);
    free(fresh);
    free(used);
}

static void padding_in_the_flat_arrays_stays_zero(void **state)
{
    const fixture *f = *state;
    bti_net *net = fast_net(f, 2);
    take_step(net);
    const bti_flat flat = bti_net_flat(net);
    int64_t real = 0, nonzero = 0;
    for (int t = 0; t < f->graph->n_tensors; t++) {
        int64_t offset;
        if (bti_net_flat_range(net, t, &offset) >= 0)
            real += f->graph->tensor[t].size;
    }
    for (int64_t i = 0; i < flat.n; i++)
        nonzero += flat.param[i] != 0 || flat.grad[i] != 0;
    assert_true(flat.n > real);
    assert_true(nonzero <= real);
    bti_net_free(net);
}

static void a_step_allocates_nothing(void **state)
{
    const fixture *f = *state;
    bti_net *net = fast_net(f, 2);
    bti_alloc_fail_at(1);
    take_step(net);
    bti_net_forward(net, false);
    bti_alloc_fail_at(0);
    for (int i = 0; i < BATCH * 10; i++)
        assert_true(isfinite(bti_net_logits(net)[i]));
    bti_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_and_threads_do_not_change_what_is_computed),
        cmocka_unit_test(windows_may_hang_far_over_the_edge),
        cmocka_unit_test(the_same_threads_give_the_same_bits),
        cmocka_unit_test(memory_that_held_something_else_changes_nothing),
        cmocka_unit_test(padding_in_the_flat_arrays_stays_zero),
        cmocka_unit_test(a_step_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
