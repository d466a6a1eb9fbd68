/* SPDX-License-Identifier: Apache-2.0
 *
 * Contract of every engine behind net.h, over small networks that hold every module and every
 * activation of a model file: outputs, gradients and running statistics equal the double
 * reference's; the same thread count gives the same bits; flat arrays and plain weights are two
 * views of one thing.
 */
#include "model_text.h"

#include "base/alloc.h"
#include "nn/kernels/ref/ref.h"
#include "nn/loss.h"
#include "nn/net.h"
#include "nn_numbers.h"

#include <math.h>
#include <string.h>

#define BATCH 4
#define HEIGHT 9
#define WIDTH 11
#define IMAGE (3 * HEIGHT * WIDTH)
#define SMOOTHING 0.1

/* ---- the networks ---- */

#define TAIL "  - [1, GlobalAvgPool, []]\n  - [1, Flatten, []]\n  - [1, Linear, [10]]\n"
#define STEM "  - [1, Conv, [16, 3, 1]]\n"

static const struct {
    const char *name, *rows;
} nets[] = {
    {"Conv", "  - [1, Conv, [8, 3, 2]]\n  - [2, Conv, [24, 3, 2, null, 8, Hardswish]]\n"
             "  - [1, Conv, [40, 1, 1]]\n" TAIL},
    {"Conv of even size, with literal padding, with a stride wider than the kernel",
     "  - [1, Conv, [8, 4, 1]]\n  - [1, Conv, [24, 3, 1, [0]]]\n  - [1, Conv, [40, 1, 2]]\n" TAIL},
    {"DWConv", "  - [1, DWConv, [8, 3, 1]]\n  - [1, DWConv, [24, 3, 1]]\n"
               "  - [1, DWConv, [40, 3, 2]]\n  - [2, DWConv, [40, 5, 2, null, Hardswish]]\n" TAIL},
    {"FixedConv",
     STEM "  - [1, GlobalAvgPool, []]\n  - [1, FixedConv, [10, 1, 1, null, 1, null]]\n"},
    {"FixedConv of an odd width", "  - [2, FixedConv, [5, 3, 1]]\n" TAIL},
    {"Bottleneck", STEM "  - [2, Bottleneck, [16]]\n  - [1, Bottleneck, [40, True, 4, 0.5, SiLU]]\n"
                        "  - [1, Bottleneck, [40, False]]\n" TAIL},
    {"InvertedResidualv2", STEM "  - [1, InvertedResidualv2, [8, 1, 1]]\n"
                                "  - [2, InvertedResidualv2, [24, 3, 2]]\n"
                                "  - [2, InvertedResidualv2, [40, 6, 1]]\n" TAIL},
    {"InvertedResidualv3", STEM "  - [1, InvertedResidualv3, [3, 1, 16, 0, 0, 1]]\n"
                                "  - [2, InvertedResidualv3, [3, 3, 24, 0, 1, 2]]\n"
                                "  - [1, InvertedResidualv3, [5, 2.5, 40, 0, 0, 1]]\n" TAIL},
    {"InvertedResidualv3 with squeeze and excite",
     STEM "  - [1, InvertedResidualv3, [3, 1, 16, 1, 1, 1]]\n"
          "  - [2, InvertedResidualv3, [5, 3, 24, 1, 1, 2]]\n"
          "  - [1, InvertedResidualv3, [3, 4, 40, 1, 0, 1]]\n" TAIL},
    {"MBConv", STEM "  - [1, MBConv, [1, 16, 1, 3]]\n  - [2, MBConv, [3, 24, 2, 3]]\n"
                    "  - [1, MBConv, [4, 40, 2, 5]]\n" TAIL},
    {"MaxPool", STEM "  - [1, MaxPool, [3, 2, 1]]\n  - [1, Conv, [24, 3, 1, null, 1, Tanh]]\n"
                     "  - [1, MaxPool, [2]]\n" TAIL},
    {"AvgPool", STEM "  - [1, AvgPool, [3, 2, 1]]\n  - [1, Conv, [24, 3, 1]]\n"
                     "  - [1, AvgPool, [3, 1, 1, False, False]]\n  - [1, AvgPool, [2]]\n" TAIL},
    {"pools with dilation and ceil_mode",
     STEM "  - [1, MaxPool, [3, 2, 1, 2, False, True]]\n  - [1, Conv, [24, 3, 1]]\n"
          "  - [1, AvgPool, [3, 2, 1, True]]\n  - [1, AvgPool, [2, null, 1, True, False]]\n" TAIL},
    {"GlobalAvgPool to a larger size",
     STEM "  - [1, GlobalAvgPool, [[13, 4]]]\n  - [1, Conv, [24, 3, 1]]\n" TAIL},
    {"GlobalAvgPool to another size",
     STEM "  - [1, GlobalAvgPool, [4]]\n  - [1, Conv, [24, 3, 1]]\n" TAIL},
    {"Linear, twice, with an activation",
     STEM "  - [1, GlobalAvgPool, []]\n  - [1, Flatten, []]\n  - [1, Linear, [40, ReLU]]\n"
          "  - [1, Linear, [7]]\n"},
    {"BasicBlock", STEM "  - [2, BasicBlock, [16]]\n  - [1, BasicBlock, [24, 2, Hardswish]]\n"
                        "  - [1, BasicBlock, [40, 1]]\n" TAIL},
    {"Pass", "  - [1, Pass, []]\n" STEM "  - [1, Pass, []]\n" TAIL},
    {"maps of one pixel", "  - [1, Conv, [16, 3, 2]]\n  - [4, InvertedResidualv2, [16, 2, 2]]\n"
                          "  - [2, DWConv, [24, 3, 2]]\n  - [2, DWConv, [24, 5, 2]]\n" TAIL},
};
#define N_NETS (sizeof(nets) / sizeof(nets[0]))

/* ---- one training step, by the judge and by an engine ---- */

/* Everything that a step leaves behind. */
typedef struct outcome {
    int n_logits;
    int64_t n_floats;
    double loss;
    float *inference, *logits; /* (batch,classes): by running statistics, by the batch's */
    float *grads, *tensors;    /* plain, after the step */
} outcome;

static outcome outcome_new(const bti_graph *g)
{
    outcome o = {.n_logits = BATCH * g->classes, .n_floats = g->n_floats};
    o.inference = calloc((size_t)o.n_logits, sizeof(float));
    o.logits = calloc((size_t)o.n_logits, sizeof(float));
    o.grads = calloc((size_t)o.n_floats, sizeof(float));
    o.tensors = calloc((size_t)o.n_floats, sizeof(float));
    assert_true(o.inference && o.logits && o.grads && o.tensors);
    return o;
}

static void outcome_free(outcome *o)
{
    free(o->inference);
    free(o->logits);
    free(o->grads);
    free(o->tensors);
}

typedef struct problem {
    const char *name;
    bti_graph *graph;
    float *weights;
    float input[BATCH * IMAGE];
    int32_t labels[BATCH];
    outcome truth; /* the judge's, rounded to float at the end */
} problem;

/* How near an activation's argument comes to a jump of its slope: there a rounding error makes
 * another gradient, legitimately. */
static double kink_distance(const bti_graph *g, bti_ref64 *judge)
{
    double nearest = INFINITY;
    for (int i = 0; i < g->n_nodes; i++) {
        const bti_node *n = &g->node[i];
        if (n->kind != BTI_NODE_ACT)
            continue;
        const double *x = bti_ref64_output(judge, n->in[0]);
        const bool at_three = n->act == BTI_ACT_HARDSWISH || n->act == BTI_ACT_HARDSIGMOID;
        for (int j = 0; j < BATCH * n->c * n->h * n->w; j++) {
            const double kinks[] = {at_three ? -3 : 0, at_three ? 3 : 6};
            for (int k = 0; k < 2; k++)
                nearest = fmin(nearest, fabs(x[j] - kinks[k]));
            if (n->act == BTI_ACT_HARDTANH)
                nearest = fmin(nearest, fabs(fabs(x[j]) - 1));
        }
    }
    return nearest;
}

static void judge_input(problem *p, bti_ref64 *judge, int stream)
{
    char name[32];
    snprintf(name, sizeof(name), "input %d", stream);
    nn_fill(p->input, BATCH * IMAGE, name, 1.7);
    for (int i = 0; i < BATCH * IMAGE; i++)
        bti_ref64_input(judge)[i] = (double)p->input[i];
}

/* Of several inputs takes the one that stays furthest from all kinks. */
static void choose_input(problem *p, bti_ref64 *judge)
{
    double best_distance = -1;
    int best = 0;
    for (int stream = 0; stream < 4; stream++) {
        judge_input(p, judge, stream);
        bti_ref64_forward(judge, true);
        const double d = kink_distance(p->graph, judge);
        if (d > best_distance) {
            best_distance = d;
            best = stream;
        }
    }
    judge_input(p, judge, best);
    bti_ref64_set_weights(judge, p->weights); /* the running statistics have moved */
}

static void narrow(float *y, const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = (float)x[i];
}

static problem *problem_new(const char *name, const char *rows)
{
    bt_error err = {0};
    bti_ref64 *judge;
    problem *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    p->name = name;
    p->graph = test_classifier(rows, HEIGHT, WIDTH);
    p->weights = calloc((size_t)p->graph->n_floats, sizeof(float));
    assert_non_null(p->weights);
    nn_fill_weights(p->graph, p->weights);
    nn_fill_labels(p->labels, BATCH, p->graph->classes);

    assert_ok(bti_ref64_new(&judge, p->graph, BATCH, 1, &err), &err);
    bti_ref64_set_weights(judge, p->weights);
    choose_input(p, judge);
    outcome o = outcome_new(p->graph);
    bti_ref64_forward(judge, false);
    narrow(o.inference, bti_ref64_logits(judge), o.n_logits);
    bti_ref64_forward(judge, true);
    narrow(o.logits, bti_ref64_logits(judge), o.n_logits);
    o.loss = bti_ref64_loss(judge, p->labels, SMOOTHING);
    bti_ref64_backward(judge);
    for (int t = 0; t < p->graph->n_tensors; t++) {
        const bti_tensor *x = &p->graph->tensor[t];
        narrow(o.tensors + x->offset, bti_ref64_tensor(judge, t), x->size);
        if (bti_ref64_grad(judge, t))
            narrow(o.grads + x->offset, bti_ref64_grad(judge, t), x->size);
    }
    p->truth = o;
    bti_ref64_free(judge);
    return p;
}

static void problem_free(problem *p)
{
    outcome_free(&p->truth);
    bti_graph_free(p->graph);
    free(p->weights);
    free(p);
}

static bti_net *net_for(const problem *p, bti_backend backend, int threads, bool training)
{
    bt_error err = {0};
    bti_net *net;
    const bti_net_options opt = {
        .batch = BATCH, .threads = threads, .training = training, .backend = backend};
    assert_ok(bti_net_new(&net, p->graph, &opt, &err), &err);
    bti_net_set_weights(net, p->weights);
    memcpy(bti_net_input(net), p->input, sizeof(p->input));
    return net;
}

static void take_step(const problem *p, bti_net *net, outcome *o)
{
    const size_t bytes = (size_t)o->n_logits * sizeof(float);
    bti_net_set_weights(net, p->weights);
    bti_net_forward(net, false);
    memcpy(o->inference, bti_net_logits(net), bytes);
    bti_net_forward(net, true);
    memcpy(o->logits, bti_net_logits(net), bytes);
    o->loss = bti_softmax_xent(o->logits, p->labels, BATCH, p->graph->classes, SMOOTHING,
                               bti_net_dlogits(net));
    bti_net_backward(net);
    bti_net_get_grads(net, o->grads);
    bti_net_get_weights(net, o->tensors);
}

/* ---- comparing ---- */

static double largest(const float *x, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++)
        m = fmax(m, fabs((double)x[i]));
    return m;
}

static void check_near(const problem *p, const char *engine, const char *what, const float *x,
                       const float *truth, int64_t n, double scale)
{
    for (int64_t i = 0; i < n; i++) {
        const double off = fabs((double)x[i] - (double)truth[i]);
        if (!(off <= 1e-4 * scale))
            fail_msg("%s, %s: %s [%lld] is %.9g, the reference's %.9g (off by %.2g of the largest)",
                     p->name, engine, what, (long long)i, (double)x[i], (double)truth[i],
                     off / scale);
    }
}

static void check_outcome(const problem *p, const char *engine, const outcome *o)
{
    const outcome *truth = &p->truth;
    check_near(p, engine, "inference logit", o->inference, truth->inference, o->n_logits,
               largest(truth->inference, o->n_logits));
    check_near(p, engine, "training logit", o->logits, truth->logits, o->n_logits,
               largest(truth->logits, o->n_logits));
    if (!(fabs(o->loss - truth->loss) <= 1e-4 * truth->loss))
        fail_msg("%s, %s: loss is %.9g, the reference's %.9g", p->name, engine, o->loss,
                 truth->loss);
    /* A tensor whose true gradient vanishes is measured against the others. */
    const double of_all = largest(truth->grads, o->n_floats);
    for (int t = 0; t < p->graph->n_tensors; t++) {
        const bti_tensor *x = &p->graph->tensor[t];
        const float *grad = truth->grads + x->offset, *value = truth->tensors + x->offset;
        char what[160];
        snprintf(what, sizeof(what), "gradient of %s", x->name);
        check_near(p, engine, what, o->grads + x->offset, grad, x->size,
                   fmax(largest(grad, x->size), 0.03 * of_all));
        check_near(p, engine, x->name, o->tensors + x->offset, value, x->size,
                   largest(value, x->size));
    }
}

static void check_same_bits(const problem *p, const char *engine, const outcome *a,
                            const outcome *b)
{
    const size_t logits = (size_t)a->n_logits * sizeof(float);
    const size_t floats = (size_t)a->n_floats * sizeof(float);
    if (memcmp(a->inference, b->inference, logits) || memcmp(a->logits, b->logits, logits) ||
        memcmp(a->grads, b->grads, floats) || memcmp(a->tensors, b->tensors, floats) ||
        memcmp(&a->loss, &b->loss, sizeof(a->loss)))
        fail_msg("%s, %s: two runs with the same threads differ", p->name, engine);
}

static void check_with_threads(const problem *p, bti_backend backend, int threads)
{
    outcome first = outcome_new(p->graph), again = outcome_new(p->graph);
    for (int fresh = 0; fresh < 2; fresh++) {
        bti_net *net = net_for(p, backend, threads, true);
        const char *engine = bti_net_backend_name(net);
        if (!fresh) {
            take_step(p, net, &first);
            check_outcome(p, engine, &first);
        }
        take_step(p, net, &again);
        check_same_bits(p, engine, &first, &again);
        bti_net_free(net);
    }
    outcome_free(&first);
    outcome_free(&again);
}

/* The same for any number of threads, and whatever an earlier pass left in memory. */
static void check_inference(const problem *p)
{
    const size_t bytes = (size_t)p->truth.n_logits * sizeof(float);
    const size_t weights = (size_t)p->graph->n_floats * sizeof(float);
    float *first = malloc(bytes), *kept = malloc(weights);
    assert_true(first && kept);
    for (int threads = 1; threads <= 2; threads++) {
        bti_net *net = net_for(p, BTI_BACKEND_INFER, threads, false);
        bti_net_forward(net, false);
        if (threads == 1)
            memcpy(first, bti_net_logits(net), bytes);
        check_near(p, bti_net_backend_name(net), "logit", bti_net_logits(net), p->truth.inference,
                   p->truth.n_logits, largest(p->truth.inference, p->truth.n_logits));
        bti_net_forward(net, false);
        assert_memory_equal(first, bti_net_logits(net), bytes);
        bti_net_get_weights(net, kept);
        assert_memory_equal(kept, p->weights, weights);
        bti_net_free(net);
    }
    free(first);
    free(kept);
}

/* The engine that trains, where that is another one the portable last resort, and the one that only
 * predicts. */
static void check_engines(const problem *p)
{
    check_with_threads(p, BTI_BACKEND_AUTO, 1);
    check_with_threads(p, BTI_BACKEND_AUTO, 2);
#ifdef BANTAM_DNNL
    check_with_threads(p, BTI_BACKEND_REF, 1);
#endif
    check_inference(p);
}

/* ---- tests ---- */

/* One for each of `nets`: the judge's work is done once. */
static problem *problems[N_NETS];

static int make_problems(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETS; i++)
        problems[i] = problem_new(nets[i].name, nets[i].rows);
    return 0;
}

static int free_problems(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETS; i++)
        problem_free(problems[i]);
    return 0;
}

static void every_module_trains_as_the_reference_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETS; i++)
        check_engines(problems[i]);
}

static void every_activation_trains_as_the_reference_does(void **state)
{
    (void)state;
    static const char *const names[] = {
#define ACT(id, name) name,
#include "model/acts.def"
#undef ACT
    };
    for (int act = 0; act < BTI_ACT_COUNT; act++) {
        char rows[512];
        snprintf(rows, sizeof(rows),
                 "  - [1, Conv, [24, 3, 1, null, 1, %s]]\n  - [1, DWConv, [24, 3, 2, null, %s]]\n"
                 "  - [1, Conv, [40, 1, 1, null, 1, %s]]\n" TAIL,
                 names[act], names[act], names[act]);
        problem *p = problem_new(names[act], rows);
        check_engines(p);
        problem_free(p);
    }
}

static void inference_nets_predict_without_gradients(void **state)
{
    (void)state;
    static const bti_backend backends[] = {BTI_BACKEND_AUTO, BTI_BACKEND_REF};
    for (size_t i = 0; i < N_NETS; i++) {
        const problem *p = problems[i];
        for (int b = 0; b < 2; b++) {
            bti_net *net = net_for(p, backends[b], 2, false);
            bti_net *trainer = net_for(p, backends[b], 2, true);
            bti_net_forward(net, false);
            check_near(p, bti_net_backend_name(net), "logit", bti_net_logits(net),
                       p->truth.inference, p->truth.n_logits,
                       largest(p->truth.inference, p->truth.n_logits));
            assert_null(bti_net_flat(net).grad);
            assert_true(bti_net_bytes(net) > 0 && bti_net_bytes(net) < bti_net_bytes(trainer));
            bti_net_free(net);
            bti_net_free(trainer);
        }
    }
}

static void one_image_is_predicted_by_the_inference_engine_which_does_not_train(void **state)
{
    (void)state;
    bt_error err = {0};
    bti_net *net;
    bti_net_options opt = bti_net_defaults();
    opt.batch = 1;
    opt.training = false;
    assert_ok(bti_net_new(&net, problems[0]->graph, &opt, &err), &err);
    assert_non_null(strstr(bti_net_backend_name(net), "inference"));
    bti_net_free(net);
    opt.training = true;
    opt.backend = BTI_BACKEND_INFER;
    assert_int_equal(bti_net_new(&net, problems[0]->graph, &opt, &err), BT_NOSUPP);
    assert_null(net);
}

static double square_sum(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

/* The range of a tensor in the flat array holds the plain values and otherwise zeros. */
static void check_range(const problem *p, const bti_net *net, int t, const float *flat,
                        const float *plain, char *owner, int64_t n)
{
    const bti_tensor *x = &p->graph->tensor[t];
    int64_t offset = -1;
    const int64_t size = bti_net_flat_range(net, t, &offset);
    if (x->kind == BTI_TENSOR_MEAN || x->kind == BTI_TENSOR_VAR) {
        assert_int_equal(size, -1);
        return;
    }
    if (size < x->size || offset < 0 || offset + size > n)
        fail_msg("%s: %s has floats %lld+%lld of %lld", p->name, x->name, (long long)offset,
                 (long long)size, (long long)n);
    const double a = square_sum(flat + offset, size), b = square_sum(plain + x->offset, x->size);
    if (!(fabs(a - b) <= 1e-12 * b))
        fail_msg("%s: %s differs between flat and plain, or its padding is not zero", p->name,
                 x->name);
    for (int64_t i = offset; i < offset + size; i++)
        if (owner[i]++)
            fail_msg("%s: float %lld belongs to two tensors", p->name, (long long)i);
}

static void check_views(const problem *p, bti_backend backend)
{
    bti_net *net = net_for(p, backend, 2, true);
    outcome o = outcome_new(p->graph);
    bti_net_get_weights(net, o.tensors);
    assert_memory_equal(o.tensors, p->weights, (size_t)o.n_floats * sizeof(float));
    const bti_flat before = bti_net_flat(net);
    assert_true(before.n >= p->graph->params && before.param && before.grad);
    take_step(p, net, &o);

    const bti_flat flat = bti_net_flat(net);
    assert_true(flat.n == before.n && flat.param == before.param && flat.grad == before.grad);
    char *owner = calloc((size_t)flat.n, 2);
    assert_non_null(owner);
    for (int t = 0; t < p->graph->n_tensors; t++) {
        check_range(p, net, t, flat.param, o.tensors, owner, flat.n);
        check_range(p, net, t, flat.grad, o.grads, owner + flat.n, flat.n);
    }
    free(owner);

    /* What an optimiser writes through the flat view is what the plain view reads. */
    for (int64_t i = 0; i < flat.n; i++)
        flat.param[i] *= 0.5f;
    bti_net_get_weights(net, o.grads);
    for (int t = 0; t < p->graph->n_tensors; t++) {
        const bti_tensor *x = &p->graph->tensor[t];
        const bool running = x->kind == BTI_TENSOR_MEAN || x->kind == BTI_TENSOR_VAR;
        for (int64_t i = x->offset; i < x->offset + x->size; i++)
            assert_true(o.grads[i] == (running ? 1.0f : 0.5f) * o.tensors[i]);
    }
    outcome_free(&o);
    bti_net_free(net);
}

static void flat_and_plain_weights_are_two_views_of_one_thing(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETS; i++) {
        check_views(problems[i], BTI_BACKEND_AUTO);
        check_views(problems[i], BTI_BACKEND_REF);
    }
}

static void a_weight_that_is_not_a_number_shows_in_the_loss(void **state)
{
    (void)state;
    static const bti_backend backends[] = {BTI_BACKEND_AUTO, BTI_BACKEND_REF};
    for (size_t i = 0; i < N_NETS; i++) {
        problem *p = problems[i];
        float *weight = &p->weights[p->graph->tensor[0].offset];
        const float good = *weight;
        *weight = NAN;
        for (int b = 0; b < 2; b++) {
            outcome o = outcome_new(p->graph);
            bti_net *net = net_for(p, backends[b], 2, true);
            take_step(p, net, &o);
            if (isfinite(o.loss))
                fail_msg("%s, %s: a weight is NaN and the loss is %g", p->name,
                         bti_net_backend_name(net), o.loss);
            bti_net_free(net);
            outcome_free(&o);
        }
        *weight = good;
    }
}

static void a_net_without_memory_fails_and_leaks_nothing(void **state)
{
    (void)state;
    static const bti_backend backends[] = {BTI_BACKEND_AUTO, BTI_BACKEND_REF, BTI_BACKEND_INFER};
    bti_graph *g = test_classifier(nets[8].rows, HEIGHT, WIDTH);
    for (int b = 0; b < 3; b++) {
        const bti_net_options opt = {.batch = BATCH,
                                     .threads = 1,
                                     .training = backends[b] != BTI_BACKEND_INFER,
                                     .backend = backends[b]};
        const int64_t live = bti_alloc_live();
        bti_net *net = NULL;
        bt_status rc = BT_NOMEM;
        for (int64_t at = 1; rc; at++) {
            bt_error err = {0};
            assert_true(at < 100000);
            bti_alloc_fail_at(at);
            rc = bti_net_new(&net, g, &opt, &err);
            bti_alloc_fail_at(0);
            if (!rc)
                break;
            assert_int_equal(rc, BT_NOMEM);
            assert_null(net);
            assert_int_equal(bti_alloc_live(), live);
        }
        bti_net_free(net);
        assert_int_equal(bti_alloc_live(), live);
    }
    bti_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_module_trains_as_the_reference_does),
        cmocka_unit_test(every_activation_trains_as_the_reference_does),
        cmocka_unit_test(inference_nets_predict_without_gradients),
        cmocka_unit_test(one_image_is_predicted_by_the_inference_engine_which_does_not_train),
        cmocka_unit_test(flat_and_plain_weights_are_two_views_of_one_thing),
        cmocka_unit_test(a_weight_that_is_not_a_number_shows_in_the_loss),
        cmocka_unit_test(a_net_without_memory_fails_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, make_problems, free_problems);
}
