/* SPDX-License-Identifier: Apache-2.0
 *
 * What every export promises, over every module and activation: the folded network is the trained
 * one, the arena plan destroys nothing, int8 is near, and the written C gives the same logits.
 */
#include "model_text.h"
#include "support.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "export/emit.h"
#include "export/prove.h"
#include "export/quantise.h"
#include "export/run_f32.h"
#include "model/acts.h"
#include "nn/net.h"
#include <float.h>
#include <math.h>
#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "export/kernels/window.inc"

#include "export/kernels/s8.inc"
#pragma GCC diagnostic pop

#define SIDE 12
#define IMAGES 24
#define STEM "[1, Conv, [16, 3, 1, null, 1, Hardswish]], "
#define TAIL ", [1, GlobalAvgPool, []], [1, Flatten, []], [1, Linear, [7]]"

static const struct {
    const char *name, *rows;
} nets[] = {
    {"conv", "[1, Conv, [8, 3, 2]], [2, Conv, [24, 3, 2, null, 8, Hardswish]], "
             "[1, Conv, [40, 1, 1]]" TAIL},
    {"kernels", "[1, Conv, [8, 4, 1]], [1, Conv, [24, 3, 1, [0]]], [1, Conv, [40, 1, 2]]" TAIL},
    {"dwconv", "[1, DWConv, [8, 3, 1]], [1, DWConv, [24, 3, 1]], [1, DWConv, [40, 3, 2]], "
               "[2, DWConv, [40, 5, 2, null, Hardswish]]" TAIL},
    {"fixedconv", STEM "[1, GlobalAvgPool, []], [1, FixedConv, [7, 1, 1, null, 1, null]]"},
    {"bottleneck", STEM "[2, Bottleneck, [16]], [1, Bottleneck, [40, True, 4, 0.5, SiLU]]" TAIL},
    {"irv2", STEM "[2, InvertedResidualv2, [16, 3, 1]], [2, InvertedResidualv2, [24, 2, 2]]" TAIL},
    {"irv3", STEM "[1, InvertedResidualv3, [3, 1, 16, 1, 1, 1]], "
                  "[2, InvertedResidualv3, [5, 2.5, 24, 1, 0, 2]]" TAIL},
    {"mbconv", STEM "[1, MBConv, [1, 16, 1, 3]], [2, MBConv, [3, 24, 2, 3]]" TAIL},
    {"basicblock", STEM "[2, BasicBlock, [16]], [1, BasicBlock, [24, 2, Hardswish]]" TAIL},
    {"maxpool",
     STEM "[1, MaxPool, [3, 2, 1]], [1, Conv, [24, 3, 1]], [1, MaxPool, [2, 1, 0, 2]]" TAIL},
    {"avgpool", STEM "[1, AvgPool, [3, 2, 1]], [1, Conv, [24, 3, 1]], "
                     "[1, AvgPool, [3, 1, 1, False, False]], [1, AvgPool, [2, 2, 0, True]]" TAIL},
    {"grid", STEM "[1, GlobalAvgPool, [5]], [1, Conv, [24, 3, 1]]" TAIL},
    {"image", "[1, MaxPool, [2]], [1, Pass, []], [1, Conv, [24, 3, 1]]" TAIL},
    {"linear", STEM "[1, GlobalAvgPool, []], [1, Flatten, []], [1, Linear, [40, ReLU]], "
                    "[1, Linear, [7]]"},
};
#define N_NETS (sizeof(nets) / sizeof(nets[0]))

/* A network with the running statistics of images, nowhere 0 or 1, and these images. */
typedef struct subject {
    bti_graph *graph;
    float *weights;
    bti_model_meta meta;
    bti_folded *net;
    bti_images images;
    float *engine; /* logits */
} subject;

static void fill_weights(const bti_graph *g, float *w)
{
    bti_init_weights(g, 3, w);
    for (int t = 0; t < g->n_tensors; t++) {
        const bti_tensor *x = &g->tensor[t];
        bti_rng r = bti_rng_at(5, BTI_RNG_TEST, 0, (uint32_t)t, 0);
        const bool positive = x->kind == BTI_TENSOR_GAMMA || x->kind == BTI_TENSOR_VAR;
        if (x->kind == BTI_TENSOR_WEIGHT || x->kind == BTI_TENSOR_BIAS)
            continue;
        for (int64_t j = 0; j < x->size; j++)
            w[x->offset + j] =
                (float)bti_rng_uniform(&r, positive ? 0.5 : -0.4, positive ? 1.5 : 0.4);
    }
}

/* Running statistics as some steps of training leave them, so that maps have lively values. */
static void settle(subject *s)
{
    bti_net_options opt = bti_net_defaults();
    bt_error e = {0};
    bti_net *net;
    const int one = s->meta.h * s->meta.w * s->meta.c, map = s->meta.h * s->meta.w;
    opt.batch = s->images.n;
    opt.threads = 1;
    opt.training = true;
    assert_ok(bti_net_new(&net, s->graph, &opt, &e), &e);
    bti_net_set_weights(net, s->weights);
    for (int i = 0; i < s->images.n * one; i++) {
        const int c = i % s->meta.c, p = i % one / s->meta.c;
        bti_net_input(net)[i / one * one + c * map + p] =
            ((float)s->images.pixels[i] / 255 - s->meta.mean[c]) / s->meta.std[c];
    }
    for (int i = 0; i < 30; i++)
        bti_net_forward(net, true);
    bti_net_get_weights(net, s->weights);
    bti_net_free(net);
}

static void subject_open(subject *s, const char *rows, int channels, int side)
{
    bt_error e = {0};
    *s = (subject){.graph =
                       test_graph((test_model){.rows = rows, .c = channels, .h = side, .w = side})};
    s->meta = (bti_model_meta){.classes = s->graph->classes,
                               .mean = {0.49f, 0.31f, 0.62f},
                               .std = {0.25f, 0.2f, 0.3f},
                               .c = channels,
                               .h = side,
                               .w = side};
    s->weights = bti_array((size_t)s->graph->n_floats, sizeof(float));
    assert_non_null(s->weights);
    fill_weights(s->graph, s->weights);
    assert_ok(bti_images_make(&s->images, IMAGES, &s->meta, &e), &e);
    settle(s);
    assert_ok(bti_fold(&s->net, s->graph, s->weights, s->meta.mean, s->meta.std, &e), &e);
    assert_ok(bti_engine_logits(&s->engine, s->graph, s->weights, &s->meta, &s->images, 1, &e), &e);
}

static void subject_close(subject *s)
{
    bti_free(s->engine);
    bti_images_release(&s->images);
    bti_folded_free(s->net);
    bti_free(s->weights);
    bti_graph_free(s->graph);
}

static double folded_difference(const subject *s)
{
    bt_error e = {0};
    float *logits;
    assert_ok(bti_folded_logits(&logits, s->net, &s->images, 2, &e), &e);
    const double d = bti_difference(logits, s->engine, (int64_t)s->images.n * s->graph->classes);
    bti_free(logits);
    return d;
}

static void every_module_gives_the_engines_logits_when_folded(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETS; i++)
        for (int channels = 1; channels <= 3; channels += 2) {
            subject s;
            subject_open(&s, nets[i].rows, channels, SIDE);
            const double d = folded_difference(&s);
            if (!(d < 1e-4))
                fail_msg("%s, %d channels: logits differ by %g", nets[i].name, channels, d);
            subject_close(&s);
        }
}

static void every_activation_gives_the_engines_logits_when_folded(void **state)
{
    (void)state;
    for (int a = 0; a < BTI_ACT_COUNT; a++) {
        char rows[512];
        const char *act = bti_act_name((bti_act)a);
        snprintf(rows, sizeof(rows),
                 "[1, Conv, [8, 3, 2, null, 1, %s]], [1, Bottleneck, [8, True, 1, 0.5, %s]]" TAIL,
                 act, act);
        subject s;
        subject_open(&s, rows, 3, SIDE);
        const double d = folded_difference(&s);
        if (!(d < 1e-4))
            fail_msg("%s: logits differ by %g", act, d);
        subject_close(&s);
    }
}

/* ---- the plan ---- */

/* Runs once as planned and once with every map in a place of its own: not a bit may differ. */
static void assert_plan_harmless(const char *name, subject *s)
{
    bti_folded *f = s->net;
    const int64_t planned = f->arena, image = (int64_t)f->in_h * f->in_w * f->in_c;
    int64_t apart = 0, *offset = bti_array((size_t)f->n_ops, sizeof(*offset));
    float *arena, *a, *b;

    for (int i = 0; i < f->n_ops; i++) {
        offset[i] = apart;
        apart += f->op[i].size;
        assert_true(f->op[i].offset + f->op[i].size <= planned || f->op[i].offset < 0);
    }
    assert_true(planned * 4 <= s->graph->peak_activation_bytes);
    arena = bti_array((size_t)apart, sizeof(float));
    a = bti_array((size_t)f->classes, sizeof(float));
    b = bti_array((size_t)f->classes, sizeof(float));
    assert_true(offset && arena && a && b);
    for (int t = 0; t < 3; t++) {
        for (int64_t j = 0; j < planned; j++)
            arena[j] = NAN;
        bti_run_f32(f, s->images.pixels + t * image, arena, a);
        for (int i = 0; i < f->n_ops - 1; i++) {
            int64_t own = offset[i];
            offset[i] = f->op[i].offset;
            f->op[i].offset = own;
        }
        bti_run_f32(f, s->images.pixels + t * image, arena, b);
        for (int i = 0; i < f->n_ops - 1; i++) {
            int64_t own = f->op[i].offset;
            f->op[i].offset = offset[i];
            offset[i] = own;
        }
        if (memcmp(a, b, (size_t)f->classes * sizeof(float)))
            fail_msg("%s: the plan overwrites a value that is still read", name);
    }
    bti_free(offset);
    bti_free(arena);
    bti_free(a);
    bti_free(b);
}

static void no_map_is_overwritten_before_its_last_reader(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETS; i++) {
        subject s;
        subject_open(&s, nets[i].rows, 3, SIDE + 1); /* odd: windows end beyond the map */
        assert_plan_harmless(nets[i].name, &s);
        subject_close(&s);
    }
}

static void an_expansion_and_a_projection_need_only_the_wide_map_and_two_pixels(void **state)
{
    (void)state;
    subject s;
    subject_open(&s, "[1, Conv, [8, 3, 1]], [1, Conv, [32, 1, 1]], [1, Conv, [8, 1, 1]]" TAIL, 3,
                 SIDE);
    assert_int_equal(s.net->arena, 32 * SIDE * SIDE + 8 + 8);
    subject_close(&s);
}

static void
in_place_operations_and_a_depthwise_convolution_share_the_bytes_of_their_input(void **state)
{
    (void)state;
    subject s;
    subject_open(&s, "[1, Conv, [8, 3, 1]], [1, DWConv, [8, 3, 1, null, SiLU]]" TAIL, 3, SIDE);
    /* A row and a pixel ahead, and the pixel being written. */
    assert_int_equal(s.net->arena, 8 * (SIDE * SIDE + SIDE + 2));
    subject_close(&s);
}

/* ---- int8 ---- */

static void rescaling_rounds_as_tensorflow_lite(void **state)
{
    (void)state;
    const int32_t half = 1 << 30; /* 0.5 */
    assert_int_equal(rescale_s8(1000, half, 0), 500);
    assert_int_equal(rescale_s8(1, half, 0), 1); /* the product: ties up */
    assert_int_equal(rescale_s8(-1, half, 0), 0);
    assert_int_equal(rescale_s8(3, half, 1), 3);
    assert_int_equal(rescale_s8(5, half, -1), 2);   /* 2.5 up to 3, 1.5 away from 0 */
    assert_int_equal(rescale_s8(-6, half, -1), -2); /* -3, -1.5 away from 0 */
    assert_int_equal(rescale_s8(-5, half, -1), -1); /* -2.5 up to -2, -1 */
    assert_int_equal(rescale_s8(INT32_MAX, INT32_MAX, -31), 1);
    assert_int_equal(rescale_s8(INT32_MIN, INT32_MAX, -31), -1);
    /* gemmlowp's definition, which TensorFlow Lite uses, on random numbers. */
    bti_rng r = bti_rng_at(1, BTI_RNG_TEST, 0, 0, 0);
    for (int i = 0; i < 100000; i++) {
        const int32_t v = (int32_t)bti_rng_range(&r, -40000000, 40000000);
        const int32_t m = (int32_t)bti_rng_range(&r, half, INT32_MAX);
        const int right = (int)bti_rng_below(&r, 20);
        const int64_t ab = (int64_t)v * m, nudge = ab >= 0 ? 1 << 30 : 1 - (1 << 30);
        const int32_t high = (int32_t)((ab + nudge) / ((int64_t)1 << 31));
        const int32_t mask = (int32_t)((1U << right) - 1), remainder = high & mask;
        const int32_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
        assert_int_equal(rescale_s8(v, m, -right), (high >> right) + (remainder > threshold));
    }
}

static void quantise(bti_quantised **q, const subject *s, bti_range_rule rule, int threads)
{
    bt_error e = {0};
    bti_map_stats seen;
    assert_ok(bti_map_stats_collect(&seen, s->net, &s->images, threads, &e), &e);
    assert_ok(bti_quantise(q, s->net, &seen, rule, &e), &e);
    bti_map_stats_release(&seen);
}

/* Root of the mean squared error of logits, relative to their spread over images. */
static double relative_error(const subject *s, const float *logits)
{
    const int k = s->graph->classes, n = s->images.n;
    double error = 0, spread = 0;
    for (int c = 0; c < k; c++) {
        double mean = 0;
        for (int i = 0; i < n; i++)
            mean += (double)s->engine[i * k + c] / n;
        for (int i = 0; i < n; i++) {
            const double want = (double)s->engine[i * k + c];
            error += pow((double)logits[i * k + c] - want, 2);
            spread += pow(want - mean, 2);
        }
    }
    return sqrt(error / spread);
}

static void every_module_in_int8_is_near_f32(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETS; i++)
        for (int rule = 0; rule < BTI_RANGE_COUNT; rule++) {
            subject s;
            bti_quantised *q;
            bt_error e = {0};
            float *logits;
            subject_open(&s, nets[i].rows, 3, SIDE);
            quantise(&q, &s, (bti_range_rule)rule, 1);
            assert_ok(bti_quantised_logits(&logits, q, &s.images, 2, &e), &e);
            const double d = relative_error(&s, logits);
            if (!(d < 0.1))
                fail_msg("%s, %s: logits are off by %.3f of their spread", nets[i].name,
                         bti_range_names[rule], d);
            bti_free(logits);
            bti_quantised_free(q);
            subject_close(&s);
        }
}

static void quantisation_is_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    subject s;
    bti_quantised *a, *b;
    subject_open(&s, nets[6].rows, 3, SIDE);
    quantise(&a, &s, BTI_RANGE_MSE, 1);
    quantise(&b, &s, BTI_RANGE_MSE, 3);
    for (int i = 0; i < s.net->n_ops; i++) {
        const bti_quantised_op *x = &a->op[i], *y = &b->op[i];
        assert_true(x->out.scale == y->out.scale && x->out.zero == y->out.zero);
        if (x->bias)
            assert_memory_equal(x->bias, y->bias, (size_t)s.net->op[i].n_bias * sizeof(int32_t));
    }
    bti_quantised_free(a);
    bti_quantised_free(b);
    subject_close(&s);
}

static void equalised_channels_change_nothing_in_f32_and_even_out_the_ranges(void **state)
{
    (void)state;
    subject s;
    bti_map_stats before, after;
    bt_error e = {0};
    subject_open(&s, "[1, Conv, [16, 3, 1]], [1, DWConv, [16, 3, 2]], [1, Conv, [24, 1, 1]]" TAIL,
                 3, SIDE);
    for (int64_t j = 0; j < s.net->op[0].n_weight / 16; j++) /* one channel far above the rest */
        s.net->op[0].weight[j] *= 12;
    s.net->op[0].bias[0] *= 12;
    for (int t = 0; t < 9; t++)
        s.net->op[1].weight[t * 16] /= 12;
    assert_true(folded_difference(&s) < 1e-4);
    assert_ok(bti_map_stats_collect(&before, s.net, &s.images, 1, &e), &e);
    assert_true(bti_equalise(s.net, &before) >= 2);
    assert_true(folded_difference(&s) < 1e-4);
    assert_ok(bti_map_stats_collect(&after, s.net, &s.images, 1, &e), &e);
    float most = 0, least = FLT_MAX;
    for (int c = 0; c < 16; c++) {
        most = fmaxf(most, after.peak[c]);
        least = fminf(least, after.peak[c] > 0 ? after.peak[c] : least);
    }
    assert_true(most / least < before.peak[0] / least / 2);
    bti_map_stats_release(&before);
    bti_map_stats_release(&after);
    subject_close(&s);
}

/* ---- the written sources ---- */

static void write_sources(const subject *s, const bti_quantised *q, const char *dir,
                          const char *name)
{
    const char *const classes[] = {"a \"b\"", "\xc3\xa9t\xc3\xa9", "c\\", "?\?/", "e", "f", "g"};
    char path[512];
    bt_error e = {0};
    float *f32;
    int8_t logits[7 * 4], *arena = bti_array((size_t)s->net->arena, 1);
    assert_ok(bti_folded_logits(&f32, s->net, &s->images, 1, &e), &e);
    bti_emit out = {.net = s->net,
                    .quant = q,
                    .name = name,
                    .class_name = classes,
                    .hash = s->graph->hash,
                    .sizes = bti_sizes_of(s->net, q != NULL),
                    .n_tests = 4,
                    .image = s->images.pixels,
                    .logits = f32};
    for (int i = 0; q && i < 4; i++)
        bti_run_s8(q, s->images.pixels + i * SIDE * SIDE * 3, arena, logits + i * 7);
    if (q)
        out.logits = logits;
    snprintf(path, sizeof(path), "%s/%s.h", dir, name);
    assert_ok(bti_emit_header(&out, path, &e), &e);
    snprintf(path, sizeof(path), "%s/%s.c", dir, name);
    assert_ok(bti_emit_source(&out, path, &e), &e);
    bti_free(f32);
    bti_free(arena);
}

static void the_written_c_of_every_module_compiles_and_gives_the_same_logits(void **state)
{
    (void)state;
    const char *dir = test_tmp_dir();
    char log[4096];
    if (test_shell(NULL, 0, "command -v cc >/dev/null")) {
        print_message("skipped: there is no cc\n");
        skip();
    }
    for (size_t i = 0; i < N_NETS; i++) {
        subject s;
        bti_quantised *q;
        char name[32];
        subject_open(&s, nets[i].rows, 3, SIDE);
        snprintf(name, sizeof(name), "f_%s", nets[i].name);
        write_sources(&s, NULL, dir, name);
        quantise(&q, &s, BTI_RANGE_MINMAX, 1);
        snprintf(name, sizeof(name), "q_%s", nets[i].name);
        write_sources(&s, q, dir, name);
        bti_quantised_free(q);
        subject_close(&s);
    }
    const int status =
        test_shell(log, sizeof(log),
                   "cd '%s' && for f in *.c; do n=${f%%.c}; u=$(echo $n | tr a-z A-Z); "
                   "cc -std=c99 -Wall -Wextra -Werror -Os -D${u}_SELFTEST $f -o $n -lm 2>&1 && "
                   "./$n || exit 1; "
                   "done",
                   dir);
    if (status)
        fail_msg("%s", log);
}

/* ---- what cannot be exported ---- */

static void what_cannot_be_exported_is_refused_by_its_row(void **state)
{
    (void)state;
    const float mean[3] = {0}, std[3] = {1, 1, 1};
    bt_error e = {0};
    bti_folded *f;
    bti_graph *g =
        test_graph((test_model){.rows = "[1, Conv, [8, 3, 2]], [1, Flatten, []]", .h = 4, .w = 4});
    assert_int_equal(bti_fold(&f, g, NULL, mean, std, &e), BT_NOSUPP);
    assert_null(f);
    assert_non_null(strstr(e.text, "row 2 (Flatten)"));
    bti_graph_free(g);
    g = test_graph((test_model){.rows = "[1, Conv, [8, 3, 2]]" TAIL, .c = 4});
    assert_int_equal(bti_fold(&f, g, NULL, mean, std, &e), BT_NOSUPP);
    assert_non_null(strstr(e.text, "4 channels"));
    bti_graph_free(g);

    subject s;
    bti_map_stats seen;
    bti_quantised *q;
    subject_open(&s,
                 "[1, Conv, [8, 3, 2]], [1, GlobalAvgPool, []], [1, Flatten, []], "
                 "[1, Linear, [7, Softmax]]",
                 3, SIDE);
    assert_ok(bti_map_stats_collect(&seen, s.net, &s.images, 1, &e), &e);
    assert_int_equal(bti_quantise(&q, s.net, &seen, BTI_RANGE_MINMAX, &e), BT_NOSUPP);
    assert_null(q);
    assert_non_null(strstr(e.text, "row 4: Softmax"));
    bti_map_stats_release(&seen);
    subject_close(&s);
}

static void no_memory_is_an_error_and_nothing_leaks(void **state)
{
    (void)state;
    subject s;
    bt_error e = {0};
    subject_open(&s, nets[5].rows, 3, SIDE);
    const int64_t live = bti_alloc_live();
    bt_status rc = BT_NOMEM;
    for (int64_t n = 1; rc; n++) {
        bti_folded *f = NULL, *copy = NULL;
        bti_chosen chosen = {0};
        bti_alloc_fail_at(n);
        rc = bti_fold(&f, s.graph, s.weights, s.meta.mean, s.meta.std, &e);
        if (!rc)
            rc = bti_fold(&copy, s.graph, s.weights, s.meta.mean, s.meta.std, &e);
        if (!rc)
            rc = bti_quantise_best(&chosen, f, copy, &(bti_images){s.images.pixels, 2}, s.engine,
                                   "auto", 1, &e);
        bti_alloc_fail_at(0);
        assert_true(rc == BT_OK || rc == BT_NOMEM);
        bti_quantised_free(chosen.quant);
        bti_folded_free(copy);
        bti_folded_free(f);
        assert_int_equal(bti_alloc_live(), live);
    }
    subject_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_module_gives_the_engines_logits_when_folded),
        cmocka_unit_test(every_activation_gives_the_engines_logits_when_folded),
        cmocka_unit_test(no_map_is_overwritten_before_its_last_reader),
        cmocka_unit_test(an_expansion_and_a_projection_need_only_the_wide_map_and_two_pixels),
        cmocka_unit_test(
            in_place_operations_and_a_depthwise_convolution_share_the_bytes_of_their_input),
        cmocka_unit_test(rescaling_rounds_as_tensorflow_lite),
        cmocka_unit_test(every_module_in_int8_is_near_f32),
        cmocka_unit_test(quantisation_is_the_same_for_any_number_of_threads),
        cmocka_unit_test(equalised_channels_change_nothing_in_f32_and_even_out_the_ranges),
        cmocka_unit_test(the_written_c_of_every_module_compiles_and_gives_the_same_logits),
        cmocka_unit_test(what_cannot_be_exported_is_refused_by_its_row),
        cmocka_unit_test(no_memory_is_an_error_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
