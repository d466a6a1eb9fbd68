/* SPDX-License-Identifier: Apache-2.0
 *
 * Contract of the reference kernels, for every kind of node and every activation: the double
 * engine's gradients equal finite differences, its values equal PyTorch's, the float engine equals
 * the double one. Networks of one to five nodes are written by hand here, so that nothing but nn/
 * is tested.
 */
#include "support.h"

#include "base/json.h"
#include "base/rng.h"
#include "nn/kernels/ref/ref.h"
#include "nn/net.h"

#include <math.h>
#include <string.h>

#define MAX_NODES 8
#define MAX_TENSORS 12
#define BATCH 3

typedef struct hand_graph {
    bti_graph g;
    bti_node node[MAX_NODES];
    bti_tensor tensor[MAX_TENSORS];
} hand_graph;

/* ---- writing small graphs ---- */

static int add_tensor(hand_graph *h, bti_tensor_kind kind, int64_t size)
{
    bti_tensor *t = &h->tensor[h->g.n_tensors];
    *t = (bti_tensor){.name = "t", .kind = kind, .n_dims = 1, .dim = {(int)size}, .size = size};
    t->offset = h->g.n_floats;
    h->g.n_floats += size;
    return h->g.n_tensors++;
}

static int add_node(hand_graph *h, bti_node node)
{
    h->node[h->g.n_nodes] = node;
    h->g.node = h->node;
    h->g.tensor = h->tensor;
    h->g.classes = node.c * node.h * node.w;
    return h->g.n_nodes++;
}

/* A node of the given kind whose shape is that of node `in`, without parameters. */
static bti_node like(const hand_graph *h, bti_node_kind kind, int in)
{
    const bti_node *x = &h->node[in];
    return (bti_node){.kind = kind,
                      .in = {in, -1},
                      .c = x->c,
                      .h = x->h,
                      .w = x->w,
                      .k = 1,
                      .stride = 1,
                      .groups = 1,
                      .dilation = 1,
                      .weight = -1,
                      .bias = -1,
                      .mean = -1,
                      .var = -1};
}

static hand_graph with_input(int c, int height, int width)
{
    hand_graph h = {0};
    h.g.in_c = c, h.g.in_h = height, h.g.in_w = width;
    add_node(&h, (bti_node){.kind = BTI_NODE_INPUT,
                            .in = {-1, -1},
                            .c = c,
                            .h = height,
                            .w = width,
                            .weight = -1,
                            .bias = -1,
                            .mean = -1,
                            .var = -1});
    return h;
}

typedef struct window {
    int k, stride;
    int pad[4];           /* top, left, bottom, right */
    int groups, dilation; /* 0: 1 */
    bool bias, count_pad;
} window;

static int add_window(hand_graph *h, bti_node_kind kind, int in, int out_c, window p)
{
    bti_node n = like(h, kind, in);
    const int reach = (p.dilation ? p.dilation : 1) * (p.k - 1) + 1;
    const int groups = p.groups ? p.groups : 1;
    n.k = p.k, n.stride = p.stride, n.groups = groups, n.dilation = p.dilation ? p.dilation : 1;
    n.pad_t = p.pad[0], n.pad_l = p.pad[1], n.pad_b = p.pad[2], n.pad_r = p.pad[3];
    n.count_include_pad = p.count_pad;
    n.h = (n.h + p.pad[0] + p.pad[2] - reach) / p.stride + 1;
    n.w = (n.w + p.pad[1] + p.pad[3] - reach) / p.stride + 1;
    n.c = out_c;
    if (kind == BTI_NODE_CONV) {
        n.weight =
            add_tensor(h, BTI_TENSOR_WEIGHT, (int64_t)out_c * (h->node[in].c / groups) * p.k * p.k);
        n.bias = p.bias ? add_tensor(h, BTI_TENSOR_BIAS, out_c) : -1;
    }
    return add_node(h, n);
}

static int add_bn(hand_graph *h, int in)
{
    bti_node n = like(h, BTI_NODE_BN, in);
    n.weight = add_tensor(h, BTI_TENSOR_GAMMA, n.c);
    n.bias = add_tensor(h, BTI_TENSOR_BETA, n.c);
    n.mean = add_tensor(h, BTI_TENSOR_MEAN, n.c);
    n.var = add_tensor(h, BTI_TENSOR_VAR, n.c);
    return add_node(h, n);
}

static int add_act(hand_graph *h, int in, bti_act act)
{
    bti_node n = like(h, BTI_NODE_ACT, in);
    n.act = act;
    return add_node(h, n);
}

static int add_two(hand_graph *h, bti_node_kind kind, int a, int b)
{
    bti_node n = like(h, kind, a);
    n.in[1] = b;
    return add_node(h, n);
}

static int add_adaptive(hand_graph *h, int in, int height, int width)
{
    bti_node n = like(h, BTI_NODE_ADAPTIVE_AVGPOOL, in);
    n.h = height, n.w = width;
    return add_node(h, n);
}

static int add_flatten(hand_graph *h, int in)
{
    bti_node n = like(h, BTI_NODE_FLATTEN, in);
    n.c = n.c * n.h * n.w;
    n.h = n.w = 1;
    return add_node(h, n);
}

static int add_linear(hand_graph *h, int in, int out)
{
    bti_node n = like(h, BTI_NODE_LINEAR, in);
    n.weight = add_tensor(h, BTI_TENSOR_WEIGHT, (int64_t)out * n.c);
    n.bias = add_tensor(h, BTI_TENSOR_BIAS, out);
    n.c = out;
    return add_node(h, n);
}

/* ---- numbers ---- */

/* Shuffled points of an even grid over (-4, 8): all different, so that no window has a tie, and
 * none nearer than half a step to -3, -1, 0, 1, 3 or 6, where some activation has a kink. */
static void fill_grid(double *x, int n, uint32_t stream)
{
    const int points = (n + 11) / 12 * 12;
    int32_t *order = calloc((size_t)points, sizeof(*order));
    assert_non_null(order);
    for (int i = 0; i < points; i++)
        order[i] = i;
    bti_rng rng = bti_rng_at(7, BTI_RNG_TEST, 0, stream, 0);
    bti_rng_shuffle(&rng, order, (size_t)points);
    for (int i = 0; i < n; i++)
        x[i] = (double)(float)(-4 + 12 * (order[i] + 0.5) / points);
    free(order);
}

static float *random_weights(const bti_graph *g)
{
    float *plain = calloc((size_t)g->n_floats + 1, sizeof(*plain));
    assert_non_null(plain);
    for (int t = 0; t < g->n_tensors; t++) {
        bti_rng rng = bti_rng_at(11, BTI_RNG_TEST, 0, (uint32_t)t, 0);
        const bool positive =
            g->tensor[t].kind == BTI_TENSOR_VAR || g->tensor[t].kind == BTI_TENSOR_GAMMA;
        for (int64_t j = 0; j < g->tensor[t].size; j++)
            plain[g->tensor[t].offset + j] =
                (float)bti_rng_uniform(&rng, positive ? 0.5 : -0.5, positive ? 1.5 : 0.5);
    }
    return plain;
}

static double largest(const double *x, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++)
        m = fmax(m, fabs(x[i]));
    return m;
}

static int input_size(const bti_graph *g)
{
    return BATCH * g->in_c * g->in_h * g->in_w;
}

static int output_size(const bti_graph *g)
{
    return BATCH * g->classes;
}

/* A direction for the outputs: the scalar whose gradient is checked is direction . outputs. */
static void fill_direction(double *d, int n)
{
    bti_rng rng = bti_rng_at(13, BTI_RNG_TEST, 0, 0, 0);
    for (int i = 0; i < n; i++)
        d[i] = (double)(float)bti_rng_uniform(&rng, -1, 1);
}

static bti_ref64 *judge_of(const bti_graph *g)
{
    bt_error err = {0};
    bti_ref64 *judge;
    assert_ok(bti_ref64_new(&judge, g, BATCH, 2, &err), &err);
    float *plain = random_weights(g);
    bti_ref64_set_weights(judge, plain);
    free(plain);
    fill_grid(bti_ref64_input(judge), input_size(g), 1);
    fill_direction(bti_ref64_dlogits(judge), output_size(g));
    return judge;
}

/* ---- the three laws ---- */

static double scalar(bti_ref64 *judge, const bti_graph *g, bool training)
{
    const double *y, *d = bti_ref64_dlogits(judge);
    double sum = 0;
    bti_ref64_forward(judge, training);
    y = bti_ref64_logits(judge);
    for (int i = 0; i < output_size(g); i++)
        sum += y[i] * d[i];
    return sum;
}

/* Five-point central difference of scalar() by *x: the error is of order step^4. */
static double slope(bti_ref64 *judge, const bti_graph *g, bool training, double *x)
{
    const double step = 2e-4, at = *x;
    double f[4];
    const double move[4] = {-2, -1, 1, 2};
    for (int i = 0; i < 4; i++) {
        *x = at + move[i] * step;
        f[i] = scalar(judge, g, training);
    }
    *x = at;
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step);
}

static void check_array(const char *name, const char *what, bti_ref64 *judge, const bti_graph *g,
                        bool training, double *x, const double *grad, int64_t n)
{
    const int64_t stride = n > 60 ? n / 60 : 1; /* about 60 elements of large arrays */
    const double scale = largest(grad, n);
    double worst = 0;
    for (int64_t i = 0; i < n; i += stride)
        worst = fmax(worst, fabs(slope(judge, g, training, &x[i]) - grad[i]));
    if (!(worst <= 1e-6 * scale))
        fail_msg("%s (%s): gradient of %s is off by %.3g, the largest is %.3g", name,
                 training ? "training" : "inference", what, worst, scale);
}

static void check_differences(const char *name, const bti_graph *g, bool training)
{
    bti_ref64 *judge = judge_of(g);
    bti_ref64_forward(judge, training);
    bti_ref64_backward(judge);
    const int n = input_size(g);
    double *grad = calloc((size_t)(n > g->n_floats ? n : g->n_floats), sizeof(*grad));
    assert_non_null(grad);
    memcpy(grad, bti_ref64_input_grad(judge), (size_t)n * sizeof(*grad));
    check_array(name, "the input", judge, g, training, bti_ref64_input(judge), grad, n);
    for (int t = 0; t < g->n_tensors; t++) {
        const bti_tensor *x = &g->tensor[t];
        const double *analytic = bti_ref64_grad(judge, t);
        if (x->kind == BTI_TENSOR_MEAN || x->kind == BTI_TENSOR_VAR) {
            assert_null(analytic);
            continue;
        }
        char what[32];
        snprintf(what, sizeof(what), "tensor %d", t);
        memcpy(grad, analytic, (size_t)x->size * sizeof(*grad));
        check_array(name, what, judge, g, training, bti_ref64_tensor(judge, t), grad, x->size);
    }
    free(grad);
    bti_ref64_free(judge);
}

static void check_near(const char *name, const char *what, const float *x, const double *truth,
                       int64_t n)
{
    const double scale = largest(truth, n);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs((double)x[i] - truth[i]) <= 1e-5 * scale + 1e-12))
            fail_msg("%s: %s [%lld] is %.9g in float and %.9g in double", name, what, (long long)i,
                     (double)x[i], truth[i]);
}

/* One step of the float engine with the judge's numbers: outputs, gradients, all tensors after it.
 */
typedef struct step {
    float *out, *grads, *weights;
} step;

static step float_step(const bti_graph *g, bti_ref64 *judge, int threads, bool training)
{
    bt_error err = {0};
    bti_net *net;
    const bti_net_options opt = {
        .batch = BATCH, .threads = threads, .training = true, .backend = BTI_BACKEND_REF};
    assert_ok(bti_net_new(&net, g, &opt, &err), &err);
    assert_string_equal(bti_net_backend_name(net), "ref");
    float *plain = random_weights(g);
    bti_net_set_weights(net, plain);
    free(plain);
    for (int i = 0; i < input_size(g); i++)
        bti_net_input(net)[i] = (float)bti_ref64_input(judge)[i];
    for (int i = 0; i < output_size(g); i++)
        bti_net_dlogits(net)[i] = (float)bti_ref64_dlogits(judge)[i];
    bti_net_forward(net, training);
    step s = {calloc((size_t)output_size(g), sizeof(float)),
              calloc((size_t)g->n_floats + 1, sizeof(float)),
              calloc((size_t)g->n_floats + 1, sizeof(float))};
    memcpy(s.out, bti_net_logits(net), (size_t)output_size(g) * sizeof(float));
    if (training) {
        bti_net_backward(net);
        bti_net_get_grads(net, s.grads);
    }
    bti_net_get_weights(net, s.weights);
    bti_net_free(net);
    return s;
}

static void step_free(step *s)
{
    free(s->out);
    free(s->grads);
    free(s->weights);
}

static void check_float(const char *name, const bti_graph *g, bool training)
{
    bti_ref64 *judge = judge_of(g);
    step one = float_step(g, judge, 1, training), two = float_step(g, judge, 2, training);
    bti_ref64_forward(judge, training);
    check_near(name, "output", one.out, bti_ref64_logits(judge), output_size(g));
    if (training)
        bti_ref64_backward(judge);
    for (int t = 0; t < g->n_tensors; t++) {
        const bti_tensor *x = &g->tensor[t];
        check_near(name, "tensor", one.weights + x->offset, bti_ref64_tensor(judge, t), x->size);
        if (training && bti_ref64_grad(judge, t))
            check_near(name, "gradient", one.grads + x->offset, bti_ref64_grad(judge, t), x->size);
    }
    const size_t bytes = (size_t)g->n_floats * sizeof(float);
    assert_memory_equal(one.out, two.out, (size_t)output_size(g) * sizeof(float));
    assert_int_equal(bytes ? memcmp(one.grads, two.grads, bytes) : 0, 0);
    assert_int_equal(bytes ? memcmp(one.weights, two.weights, bytes) : 0, 0);
    step_free(&one);
    step_free(&two);
    bti_ref64_free(judge);
}

static void check(const char *name, const hand_graph *h)
{
    hand_graph local = *h; /* the pointers inside follow the copy */
    local.g.node = local.node;
    local.g.tensor = local.tensor;
    assert_true(local.g.n_nodes <= MAX_NODES && local.g.n_tensors <= MAX_TENSORS);
    for (int training = 0; training < 2; training++) {
        check_differences(name, &local.g, training);
        check_float(name, &local.g, training);
    }
}

/* ---- every kind of node ---- */

static void convolutions_obey_their_contract(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int in, out, map[2];
        window p;
    } cases[] = {
        {"3x3, 3 to 8", 3, 8, {7, 5}, {.k = 3, .stride = 1, .pad = {1, 1, 1, 1}}},
        {"1x1, 8 to 24", 8, 24, {5, 3}, {.k = 1, .stride = 1}},
        {"3x3 stride 2, 24 to 40", 24, 40, {7, 5}, {.k = 3, .stride = 2, .pad = {1, 1, 1, 1}}},
        {"depthwise, padded after",
         8,
         8,
         {7, 9},
         {.k = 3, .stride = 2, .pad = {0, 0, 1, 1}, .groups = 8}},
        {"depthwise 5x5", 24, 24, {5, 7}, {.k = 5, .stride = 1, .pad = {2, 2, 2, 2}, .groups = 24}},
        {"depthwise on one pixel",
         40,
         40,
         {1, 1},
         {.k = 3, .stride = 1, .pad = {1, 1, 1, 1}, .groups = 40}},
        {"8 groups, 16 to 24",
         16,
         24,
         {5, 5},
         {.k = 3, .stride = 1, .pad = {1, 1, 1, 1}, .groups = 8}},
        {"1x1 stride 2, 40 to 8", 40, 8, {5, 7}, {.k = 1, .stride = 2}},
        {"even kernel grows the map", 8, 16, {3, 5}, {.k = 4, .stride = 1, .pad = {2, 2, 2, 2}}},
        {"uneven pads", 3, 8, {11, 9}, {.k = 7, .stride = 3, .pad = {3, 2, 1, 0}, .bias = true}},
        {"1x1 with bias on one pixel", 24, 8, {1, 1}, {.k = 1, .stride = 1, .bias = true}},
        {"padding wider than the kernel", 2, 3, {3, 3}, {.k = 1, .stride = 1, .pad = {2, 2, 2, 2}}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hand_graph h = with_input(cases[i].in, cases[i].map[0], cases[i].map[1]);
        add_window(&h, BTI_NODE_CONV, 0, cases[i].out, cases[i].p);
        check(cases[i].name, &h);
    }
}

static void batch_normalisation_obeys_its_contract(void **state)
{
    (void)state;
    static const int channels[] = {8, 24, 40};
    for (int i = 0; i < 3; i++) {
        hand_graph h = with_input(channels[i], 3, 5);
        add_bn(&h, 0);
        check("batch normalisation", &h);
    }
}

static void every_activation_obeys_its_contract(void **state)
{
    (void)state;
    static const char *const names[] = {
#define ACT(id, name) name,
#include "model/acts.def"
#undef ACT
    };
    for (int act = BTI_ACT_IDENTITY + 1; act < BTI_ACT_COUNT; act++) {
        hand_graph h = with_input(8, 3, 5);
        add_act(&h, 0, (bti_act)act);
        check(names[act], &h);
    }
}

static void pools_obey_their_contract(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bti_node_kind kind;
        window p;
    } cases[] = {
        {"max 2x2", BTI_NODE_MAXPOOL, {.k = 2, .stride = 2}},
        {"max 3x3 stride 2 padded", BTI_NODE_MAXPOOL, {.k = 3, .stride = 2, .pad = {1, 1, 1, 1}}},
        {"max 3x3 stride 1 padded", BTI_NODE_MAXPOOL, {.k = 3, .stride = 1, .pad = {1, 1, 1, 1}}},
        {"max 2x2 dilated", BTI_NODE_MAXPOOL, {.k = 2, .stride = 1, .dilation = 2}},
        {"average 2x2", BTI_NODE_AVGPOOL, {.k = 2, .stride = 2}},
        {"average 3x3 padded", BTI_NODE_AVGPOOL, {.k = 3, .stride = 2, .pad = {1, 1, 1, 1}}},
        {"average 3x3 over the padded edge, as ceil_mode gives",
         BTI_NODE_AVGPOOL,
         {.k = 3, .stride = 3, .pad = {1, 1, 2, 2}, .count_pad = true}},
        {"average 3x3, padding counts",
         BTI_NODE_AVGPOOL,
         {.k = 3, .stride = 2, .pad = {1, 1, 1, 1}, .count_pad = true}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hand_graph h = with_input(8, 7, 5);
        add_window(&h, cases[i].kind, 0, 8, cases[i].p);
        check(cases[i].name, &h);
    }
    static const int sizes[][2] = {{1, 1}, {3, 2}, {7, 5}, {9, 6}};
    for (int i = 0; i < 4; i++) {
        hand_graph h = with_input(8, 7, 5);
        add_adaptive(&h, 0, sizes[i][0], sizes[i][1]);
        check("adaptive average", &h);
    }
}

static void sums_and_scales_obey_their_contract(void **state)
{
    (void)state;
    hand_graph h = with_input(8, 5, 3);
    int a = add_window(&h, BTI_NODE_CONV, 0, 8, (window){.k = 1, .stride = 1});
    add_two(&h, BTI_NODE_ADD, 0, a);
    check("residual around a convolution", &h);

    h = with_input(8, 5, 3);
    a = add_act(&h, 0, BTI_ACT_TANH);
    add_two(&h, BTI_NODE_ADD, a, a);
    check("a map added to itself", &h);

    h = with_input(8, 5, 3);
    a = add_adaptive(&h, 0, 1, 1);
    a = add_window(&h, BTI_NODE_CONV, a, 8, (window){.k = 1, .stride = 1, .bias = true});
    a = add_act(&h, a, BTI_ACT_SIGMOID);
    add_two(&h, BTI_NODE_SCALE, 0, a);
    check("squeeze and excite", &h);
}

static void outputs_with_several_readers_collect_all_gradients(void **state)
{
    (void)state;
    hand_graph h = with_input(8, 3, 5);
    int x = add_window(&h, BTI_NODE_CONV, 0, 8, (window){.k = 1, .stride = 1});
    int a = add_act(&h, x, BTI_ACT_SIGMOID), b = add_bn(&h, x);
    int sum = add_two(&h, BTI_NODE_ADD, b, a);
    add_two(&h, BTI_NODE_ADD, sum, x);
    check("three readers", &h);
}

static void classifiers_obey_their_contract(void **state)
{
    (void)state;
    hand_graph h = with_input(40, 1, 1);
    add_linear(&h, add_flatten(&h, 0), 10);
    check("40 to 10", &h);
    h = with_input(8, 3, 5);
    add_linear(&h, add_flatten(&h, 0), 24);
    check("maps of 3x5, flattened", &h);
}

/* ---- PyTorch's values ---- */

static const bti_json *golden_member(const bti_json *object, const char *key)
{
    const bti_json *v = bti_json_get(object, key);
    if (!v)
        fail_msg("the golden file has no \"%s\"", key);
    return v;
}

static void check_golden(const char *name, const double *x, const bti_json *golden,
                         double tolerance)
{
    for (size_t i = 0; i < bti_json_len(golden); i++) {
        const double want = bti_json_as_num(bti_json_at(golden, i), NAN);
        if (!(fabs(x[i] - want) <= tolerance * fmax(1, fabs(want))))
            fail_msg("%s: element %zu is %.17g, PyTorch's is %.17g", name, i, x[i], want);
    }
}

static void set_numbers(double *x, const bti_json *numbers)
{
    for (size_t i = 0; i < bti_json_len(numbers); i++)
        x[i] = bti_json_as_num(bti_json_at(numbers, i), NAN);
}

/* Runs one operation on the golden's x with output gradient dy, and compares y and dx. */
static void check_operation(const char *name, const bti_graph *g, const bti_json *golden)
{
    bt_error err = {0};
    bti_ref64 *judge;
    assert_non_null(golden);
    assert_ok(bti_ref64_new(&judge, g, 1, 1, &err), &err);
    const bti_json *x = golden_member(golden, "x"), *y = golden_member(golden, "y");
    assert_int_equal(bti_json_len(x), g->in_c * g->in_h * g->in_w);
    assert_int_equal(bti_json_len(y), g->classes);
    set_numbers(bti_ref64_input(judge), x);
    set_numbers(bti_ref64_dlogits(judge), golden_member(golden, "dy"));
    bti_ref64_forward(judge, true);
    check_golden(name, bti_ref64_logits(judge), y, 1e-12);
    bti_ref64_backward(judge);
    /* PyTorch's slope of Hardsigmoid is 1/6 rounded to float, in double too. */
    check_golden(name, bti_ref64_input_grad(judge), golden_member(golden, "dx"), 1e-7);
    bti_ref64_free(judge);
}

static bti_json *read_golden(const char *file)
{
    bt_error err = {0};
    bti_json *golden;
    assert_ok(bti_json_read(&golden, test_source(file), &err), &err);
    return golden;
}

static void every_activation_has_pytorchs_values_and_slopes(void **state)
{
    (void)state;
    static const char *const names[] = {
#define ACT(id, name) name,
#include "model/acts.def"
#undef ACT
    };
    bti_json *golden = read_golden("tests/golden/nn/operations.json");
    const bti_json *acts = golden_member(golden, "activations");
    for (int act = BTI_ACT_IDENTITY + 1; act < BTI_ACT_COUNT; act++) {
        const bti_json *one = golden_member(acts, names[act]);
        hand_graph h = with_input((int)bti_json_len(golden_member(one, "x")), 1, 1);
        add_act(&h, 0, (bti_act)act);
        check_operation(names[act], &h.g, one);
    }
    bti_json_free(golden);
}

/* The graph of one row of a model file for a 2x7x5 input; free with bti_graph_free. */
static bti_graph *row_graph(const char *row)
{
    static const char head[] =
        "input_channel: 2\ndepth_multiple: 1\nwidth_multiple: 1\nbackbone:\n- ";
    char text[256];
    bti_arena arena = {0};
    bti_rows rows;
    bti_graph *g;
    bt_error err = {0};
    snprintf(text, sizeof(text), "%s%s\n", head, row);
    assert_ok(bti_rows_parse(&rows, &arena, text, strlen(text), "row", NULL, &err), &err);
    assert_ok(bti_graph_build_any(&g, &rows, 2, 7, 5, &err), &err);
    bti_arena_release(&arena);
    const bti_node *last = &g->node[g->n_nodes - 1];
    g->classes = last->c * last->h * last->w; /* a map counts as that many outputs */
    return g;
}

static void every_argument_of_a_pool_gives_pytorchs_values_and_gradients(void **state)
{
    (void)state;
    bti_json *golden = read_golden("tests/golden/nn/operations.json");
    const bti_json *pools = golden_member(golden, "pools");
    assert_true(bti_json_len(pools) >= 24);
    const char *row;
    const bti_json *one;
    for (size_t i = 0; bti_json_pair(pools, i, &row, &one); i++) {
        bti_graph *g = row_graph(row);
        check_operation(row, g, one);
        bti_graph_free(g);
    }
    bti_json_free(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_obey_their_contract),
        cmocka_unit_test(batch_normalisation_obeys_its_contract),
        cmocka_unit_test(every_activation_obeys_its_contract),
        cmocka_unit_test(pools_obey_their_contract),
        cmocka_unit_test(sums_and_scales_obey_their_contract),
        cmocka_unit_test(outputs_with_several_readers_collect_all_gradients),
        cmocka_unit_test(classifiers_obey_their_contract),
        cmocka_unit_test(every_activation_has_pytorchs_values_and_slopes),
        cmocka_unit_test(every_argument_of_a_pool_gives_pytorchs_values_and_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
