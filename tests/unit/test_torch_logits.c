/* SPDX-License-Identifier: Apache-2.0
 *
 * Five whole models against PyTorch (tools/make_nn_goldens.py): logits in evaluation and training
 * mode, the loss, every gradient and every running statistic, in the double engine and in the one
 * that trains.
 */
#include "support.h"

#include "base/json.h"
#include "nn/kernels/ref/ref.h"
#include "nn/loss.h"
#include "nn/net.h"
#include "nn_numbers.h"

#include <math.h>
#include <string.h>

#define BATCH 4
#define CLASSES 10
#define SMOOTHING 0.1

typedef struct fixture {
    const char *name;
    bti_arena arena;
    bti_graph *graph;
    bti_json *golden;         /* the file */
    const bti_json *model;    /* this model's part of it */
    float *weights, *tensors; /* plain: before the step, and scratch */
    float input[BATCH * 3 * 32 * 32];
    int32_t labels[BATCH];
} fixture;

static fixture *open_model(const char *name)
{
    bt_error err = {0};
    bti_rows rows;
    char path[64];
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->name = name;
    snprintf(path, sizeof(path), "examples/models/%s.yaml", name);
    assert_ok(bti_rows_read(&rows, &f->arena, test_source(path), NULL, &err), &err);
    assert_ok(bti_graph_build(&f->graph, &rows, 3, 32, 32, &err), &err);
    assert_ok(bti_json_read(&f->golden, test_source("tests/golden/nn/logits.json"), &err), &err);
    f->model = bti_json_get(f->golden, name);
    assert_non_null(f->model);
    assert_int_equal(f->graph->classes, CLASSES);
    assert_int_equal(f->graph->params, bti_json_as_int(bti_json_get(f->model, "params"), -1));

    f->weights = calloc((size_t)f->graph->n_floats, sizeof(float));
    f->tensors = calloc((size_t)f->graph->n_floats, sizeof(float));
    assert_true(f->weights && f->tensors);
    nn_fill_weights(f->graph, f->weights);
    nn_fill(f->input, BATCH * 3 * 32 * 32, bti_json_as_str(bti_json_get(f->model, "input"), ""),
            1.7);
    nn_fill_labels(f->labels, BATCH, CLASSES);
    return f;
}

static void close_model(fixture *f)
{
    bti_json_free(f->golden);
    bti_graph_free(f->graph);
    bti_arena_release(&f->arena);
    free(f->weights);
    free(f->tensors);
    free(f);
}

/* Largest distance to the golden numbers, as a share of the largest of them. */
static double distance(const fixture *f, const char *key, const double *x)
{
    const bti_json *golden = bti_json_get(f->model, key);
    double worst = 0, largest = 0;
    assert_int_equal(bti_json_len(golden), BATCH * CLASSES);
    for (size_t i = 0; i < BATCH * CLASSES; i++) {
        const double want = bti_json_as_num(bti_json_at(golden, i), NAN);
        const double d = fabs(x[i] - want);
        worst = d > worst || isnan(d) ? d : worst;
        largest = fmax(largest, fabs(want));
    }
    return worst / largest;
}

static void check_logits(const fixture *f, const char *engine, const char *key, const double *x,
                         double tolerance)
{
    const double d = distance(f, key, x);
    if (!(d <= tolerance))
        fail_msg("%s, %s: logits in %s are off by %.3g of the largest (limit %.0e)", f->name,
                 engine, key, d, tolerance);
}

static double norm_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* One number that changes when any element does: the product with a fixed random direction. */
static double projection_of(const double *x, const bti_tensor *t)
{
    char name[128];
    double sum = 0;
    snprintf(name, sizeof(name), "%s direction", t->name);
    const uint64_t stream = nn_stream(name);
    for (int64_t i = 0; i < t->size; i++)
        sum += x[i] * (double)(float)(2 * nn_unit(stream, (uint64_t)i) - 1);
    return sum;
}

static void check_number(const fixture *f, const char *engine, const char *group,
                         const bti_tensor *t, double x, double scale, double tolerance)
{
    const bti_json *golden = bti_json_get(bti_json_get(f->model, group), t->name);
    if (!golden)
        fail_msg("%s: PyTorch has no %s of %s", f->name, group, t->name);
    const double want = bti_json_as_num(golden, NAN);
    if (!(fabs(x - want) <= tolerance * scale))
        fail_msg("%s, %s: %s of %s is %.9g, PyTorch's is %.9g", f->name, engine, group, t->name, x,
                 want);
}

/* grads and tensors: plain, as after one training step. A tensor whose true gradient vanishes is
 * measured against the largest gradient of the model. */
static void check_step(const fixture *f, const char *engine, const double *grads,
                       const double *tensors, double loss, double tolerance)
{
    const bti_graph *g = f->graph;
    const double want = bti_json_as_num(bti_json_get(f->model, "loss"), NAN);
    double largest = 0;
    if (!(fabs(loss - want) <= tolerance * want))
        fail_msg("%s, %s: loss is %.9g, PyTorch's is %.9g", f->name, engine, loss, want);
    for (int t = 0; t < g->n_tensors; t++)
        largest = fmax(largest, norm_of(grads + g->tensor[t].offset, g->tensor[t].size));
    for (int t = 0; t < g->n_tensors; t++) {
        const bti_tensor *x = &g->tensor[t];
        const double *grad = grads + x->offset, *value = tensors + x->offset;
        if (x->kind == BTI_TENSOR_MEAN || x->kind == BTI_TENSOR_VAR) {
            check_number(f, engine, "running_projections", x, projection_of(value, x),
                         norm_of(value, x->size), tolerance);
            continue;
        }
        const double scale = fmax(norm_of(grad, x->size), 0.01 * largest);
        check_number(f, engine, "gradient_norms", x, norm_of(grad, x->size), scale, tolerance);
        check_number(f, engine, "gradient_projections", x, projection_of(grad, x), scale,
                     tolerance);
    }
}

static double *widened(const float *x, int64_t n)
{
    double *y = calloc((size_t)n, sizeof(*y));
    assert_non_null(y);
    for (int64_t i = 0; i < n; i++)
        y[i] = (double)x[i];
    return y;
}

static void check_judge(const fixture *f)
{
    const bti_graph *g = f->graph;
    bt_error err = {0};
    bti_ref64 *judge;
    assert_ok(bti_ref64_new(&judge, g, BATCH, 2, &err), &err);
    bti_ref64_set_weights(judge, f->weights);
    for (int i = 0; i < BATCH * 3 * 32 * 32; i++)
        bti_ref64_input(judge)[i] = (double)f->input[i];
    bti_ref64_forward(judge, false);
    check_logits(f, "double", "evaluation", bti_ref64_logits(judge), 1e-10);
    bti_ref64_forward(judge, true);
    check_logits(f, "double", "training", bti_ref64_logits(judge), 1e-10);
    const double loss = bti_ref64_loss(judge, f->labels, SMOOTHING);
    bti_ref64_backward(judge);

    double *grads = calloc((size_t)g->n_floats, sizeof(*grads));
    double *tensors = calloc((size_t)g->n_floats, sizeof(*tensors));
    assert_true(grads && tensors);
    for (int t = 0; t < g->n_tensors; t++) {
        const size_t bytes = (size_t)g->tensor[t].size * sizeof(double);
        memcpy(tensors + g->tensor[t].offset, bti_ref64_tensor(judge, t), bytes);
        if (bti_ref64_grad(judge, t))
            memcpy(grads + g->tensor[t].offset, bti_ref64_grad(judge, t), bytes);
    }
    /* Not nearer: PyTorch's slope of Hardsigmoid is 1/6 rounded to float. */
    check_step(f, "double", grads, tensors, loss, 1e-6);
    free(grads);
    free(tensors);
    bti_ref64_free(judge);
}

static void check_trainer(const fixture *f, bti_backend backend)
{
    const bti_graph *g = f->graph;
    bt_error err = {0};
    bti_net *net;
    const bti_net_options opt = {
        .batch = BATCH, .threads = 2, .training = true, .backend = backend};
    assert_ok(bti_net_new(&net, g, &opt, &err), &err);
    const char *engine = bti_net_backend_name(net);
    bti_net_set_weights(net, f->weights);
    memcpy(bti_net_input(net), f->input, sizeof(f->input));
    bti_net_forward(net, false);
    double *logits = widened(bti_net_logits(net), BATCH * CLASSES);
    check_logits(f, engine, "evaluation", logits, 1e-4);
    free(logits);
    bti_net_forward(net, true);
    logits = widened(bti_net_logits(net), BATCH * CLASSES);
    check_logits(f, engine, "training", logits, 1e-4);
    free(logits);

    const double loss = bti_softmax_xent(bti_net_logits(net), f->labels, BATCH, CLASSES, SMOOTHING,
                                         bti_net_dlogits(net));
    bti_net_backward(net);
    bti_net_get_grads(net, f->tensors);
    double *grads = widened(f->tensors, g->n_floats);
    bti_net_get_weights(net, f->tensors);
    double *tensors = widened(f->tensors, g->n_floats);
    check_step(f, engine, grads, tensors, loss, 1e-4);
    free(grads);
    free(tensors);
    bti_net_free(net);
}

static void check_model(const char *name)
{
    fixture *f = open_model(name);
    check_judge(f);
    check_trainer(f, BTI_BACKEND_AUTO);
    close_model(f);
}

static void tiny20k_computes_what_pytorch_computes(void **state)
{
    (void)state;
    check_model("tiny20k");
}

static void dw51k_computes_what_pytorch_computes(void **state)
{
    (void)state;
    check_model("dw51k");
}

static void ir139k_computes_what_pytorch_computes(void **state)
{
    (void)state;
    check_model("ir139k");
}

static void se71k_computes_what_pytorch_computes(void **state)
{
    (void)state;
    check_model("se71k");
}

static void conv672k_computes_what_pytorch_computes(void **state)
{
    (void)state;
    check_model("conv672k");
}

static void the_portable_engine_computes_what_pytorch_computes(void **state)
{
    (void)state;
    fixture *f = open_model("se71k");
    check_trainer(f, BTI_BACKEND_REF);
    close_model(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny20k_computes_what_pytorch_computes),
        cmocka_unit_test(dw51k_computes_what_pytorch_computes),
        cmocka_unit_test(ir139k_computes_what_pytorch_computes),
        cmocka_unit_test(se71k_computes_what_pytorch_computes),
        cmocka_unit_test(conv672k_computes_what_pytorch_computes),
        cmocka_unit_test(the_portable_engine_computes_what_pytorch_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
