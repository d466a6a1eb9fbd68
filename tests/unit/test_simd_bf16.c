/* SPDX-License-Identifier: Apache-2.0
 *
 * The bf16 convolution kernels of AVX512_BF16 against their twins in plain C, which the network
 * tests judge by the reference: every window, normalisation on the way in, sums on the way out.
 * Skips where the CPU has no AVX512_BF16.
 */
#include "support.h"

#include "base/cpu.h"
#include "base/rng.h"
#include "nn/kernels/simd/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16
#define IMAGES 2

static const bti_simd_kernels *const fast = &bti_simd_kernels_avx512_bf16;
static const bti_simd_kernels *const twin = &bti_simd_kernels_portable_bf16;

/* n numbers in (-1, 1), as floats and, if `map`, as bf16. */
static float *numbers(size_t n, uint32_t stream)
{
    bti_rng rng = bti_rng_at(1, BTI_RNG_TEST, 0, stream, 0);
    float *x = calloc(n, sizeof(*x));
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)bti_rng_uniform(&rng, -1, 1);
    return x;
}

static uint16_t *map(size_t n, uint32_t stream)
{
    float *x = numbers(n, stream);
    uint16_t *y = calloc(n, sizeof(*y));
    assert_non_null(y);
    twin->narrow((int64_t)n, x, y);
    free(x);
    return y;
}

static void *zeros(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(p);
    memset(p, 0, (bytes + 63) / 64 * 64);
    return p;
}

/* Two roundings may differ in the last place. */
static void assert_maps_near(const char *what, const uint16_t *a, const uint16_t *b, size_t n)
{
    float *x = calloc(2 * n, sizeof(*x));
    assert_non_null(x);
    twin->widen((int64_t)n, a, x);
    twin->widen((int64_t)n, b, x + n);
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(x[i] - x[n + i]) <= 0.01f * fabsf(x[n + i]) + 1e-3f))
            fail_msg("%s [%zu] is %g, the twin's %g", what, i, (double)x[i], (double)x[n + i]);
    free(x);
}

static void assert_floats_near(const char *what, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-3f * fabsf(b[i]) + 1e-3f))
            fail_msg("%s [%zu] is %g, the twin's %g", what, i, (double)a[i], (double)b[i]);
}

static void assert_sums_near(const char *what, const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= 1e-2 * fabs(b[i]) + 0.05))
            fail_msg("%s [%zu] is %g, the twin's %g", what, i, a[i], b[i]);
}

/* A normalisation of `cb` blocks, and what a tail adds up to. */
typedef struct fixture {
    float *mean, *scale, *beta;
    uint16_t *x;
    double *sum[2];
    bti_simd_norm norm;
} fixture;

static fixture fixture_new(int cb, size_t map_size, bti_act act)
{
    const size_t channels = (size_t)cb * LANES;
    fixture f = {
        .mean = numbers(channels, 21),
        .scale = numbers(channels, 22),
        .beta = numbers(channels, 23),
        .x = map(map_size, 24),
        .sum = {calloc(2 * channels, sizeof(double)), calloc(2 * channels, sizeof(double))}};
    assert_true(f.sum[0] && f.sum[1]);
    f.norm = (bti_simd_norm){.mean = f.mean, .scale = f.scale, .beta = f.beta, .act = act};
    return f;
}

static void fixture_free(fixture *f)
{
    free(f->mean);
    free(f->scale);
    free(f->beta);
    free(f->x);
    free(f->sum[0]);
    free(f->sum[1]);
}

static bti_simd_tail tail_of(const fixture *f, int which, bool back)
{
    return (bti_simd_tail){.x = back ? f->x : NULL,
                           .mean = f->mean,
                           .scale = f->scale,
                           .beta = f->beta,
                           .act = f->norm.act,
                           .sum = f->sum[which]};
}

/* Of an inference net; `adds`: something of the output's shape. */
static bti_simd_tail folded_tail(const fixture *f, bool adds)
{
    const bool add = adds && f->norm.act != BTI_ACT_HARDSWISH;
    return (bti_simd_tail){.shift = f->beta, .act = f->norm.act, .r = add ? f->x : NULL};
}

static void check_matrix(int icb, int ocb, int hw, bti_act act, bool back)
{
    const bti_simd_matrix m = {.n = IMAGES, .icb = icb, .ocb = ocb, .hw = hw};
    const size_t n_x = (size_t)(IMAGES * icb * hw * LANES),
                 n_y = (size_t)(IMAGES * ocb * hw * LANES);
    const size_t n_w = (size_t)(icb * ocb * LANES * LANES);
    uint16_t *x = map(n_x, 1), *dy = map(n_y, 2);
    uint16_t *y = zeros(2 * n_y), *truth = zeros(2 * n_y);
    float *w = numbers(n_w, 3), *dw = zeros(4 * n_w), *dw_truth = zeros(4 * n_w);
    void *packed = zeros(2 * n_w), *scratch = zeros(fast->matrix_scratch(&m));
    fixture f = fixture_new(ocb, n_y, act);
    const bti_simd_tail a = tail_of(&f, 0, back), b = tail_of(&f, 1, back);
    fast->matrix_pack(&m, w, packed);
    fast->matrix(&m, x, packed, y, &a);
    memset(packed, 0, 2 * n_w);
    twin->matrix_pack(&m, w, packed);
    twin->matrix(&m, x, packed, truth, &b);
    assert_maps_near("matrix", y, truth, n_y);
    assert_sums_near("matrix sum", f.sum[0], f.sum[1], (size_t)(2 * ocb * LANES));
    const bti_simd_tail c = folded_tail(&f, back);
    fast->matrix(&m, x, packed, y, &c);
    twin->matrix(&m, x, packed, truth, &c);
    assert_maps_near("folded matrix", y, truth, n_y);
    for (int add = 0; add < 2; add++) {
        fast->matrix_back_weights(&m, x, dy, dw, add, scratch);
        twin->matrix_back_weights(&m, x, dy, dw_truth, add, scratch);
        assert_floats_near("matrix weights", dw, dw_truth, n_w);
    }
    fixture_free(&f);
    void *all[] = {x, dy, y, truth, w, dw, dw_truth, packed, scratch};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

static void products_of_1x1_convolutions(void **state)
{
    (void)state;
    check_matrix(1, 1, 1, BTI_ACT_IDENTITY, false);
    check_matrix(1, 2, 25, BTI_ACT_RELU6, true);
    check_matrix(3, 4, 49, BTI_ACT_HARDSWISH, true);
    check_matrix(2, 5, 64, BTI_ACT_RELU, true);
}

static bti_simd_window window_of(int k, int stride, int h, int w, int pad)
{
    return (bti_simd_window){.n = IMAGES,
                             .cb = 2,
                             .ih = h,
                             .iw = w,
                             .oh = (h + 2 * pad - k) / stride + 1,
                             .ow = (w + 2 * pad - k) / stride + 1,
                             .k = k,
                             .stride = stride,
                             .dilation = 1,
                             .pad_t = pad,
                             .pad_l = pad,
                             .pad_b = pad,
                             .pad_r = pad};
}

static void check_depth(const bti_simd_window *w, bti_act act, bool pre, bool back)
{
    const size_t n_x = (size_t)(IMAGES * w->cb * w->ih * w->iw * LANES);
    const size_t n_y = (size_t)(IMAGES * w->cb * w->oh * w->ow * LANES);
    const size_t n_w = (size_t)(w->cb * w->k * w->k * LANES);
    uint16_t *x = map(n_x, 1), *dy = map(n_y, 2), *out = map(n_y, 4);
    uint16_t *y = zeros(2 * (n_x + n_y)), *truth = zeros(2 * (n_x + n_y));
    float *abc = numbers((size_t)(3 * w->cb * LANES), 5);
    float *wei = numbers(n_w, 3), *dw = zeros(4 * n_w), *dw_truth = zeros(4 * n_w);
    void *scratch = zeros(fast->depth_scratch(w));
    fixture f = fixture_new(w->cb, n_x, act);
    const bti_simd_norm *norm = pre ? &f.norm : NULL;
    const bti_simd_tail a = tail_of(&f, 0, false), b = tail_of(&f, 1, false);
    fast->depth(w, norm, x, wei, y, &a, scratch);
    twin->depth(w, norm, x, wei, truth, &b, scratch);
    assert_maps_near("depth", y, truth, n_y);
    assert_sums_near("depth sum", f.sum[0], f.sum[1], (size_t)(2 * w->cb * LANES));
    const bti_simd_tail folded = folded_tail(&f, false);
    fast->depth(w, norm, x, wei, y, &folded, scratch);
    twin->depth(w, norm, x, wei, truth, &folded, scratch);
    assert_maps_near("folded depth", y, truth, n_y);
    const bti_simd_tail c = tail_of(&f, 0, true), d = tail_of(&f, 1, true);
    bti_simd_norm behind = f.norm;
    behind.map.cb = w->cb;
    bti_simd_depth_back both = {.pre = norm,
                                .x = x,
                                .dy = dy,
                                .post = pre ? &behind : NULL,
                                .y = out,
                                .abc = abc,
                                .wei = wei,
                                .dx = y,
                                .to = back ? &c : NULL,
                                .dw = dw};
    for (int add = 0; add < 2; add++) {
        both.add = add;
        both.dx = y;
        both.dw = dw;
        both.to = back ? &c : NULL;
        fast->depth_back(w, &both, scratch);
        both.dx = truth;
        both.dw = dw_truth;
        both.to = back ? &d : NULL;
        twin->depth_back(w, &both, scratch);
        assert_maps_near("depth data", y, truth, n_x);
        assert_sums_near("depth data sum", f.sum[0], f.sum[1], (size_t)(2 * w->cb * LANES));
        assert_floats_near("depth weights", dw, dw_truth, n_w);
    }
    fixture_free(&f);
    void *all[] = {x, dy, out, abc, y, truth, wei, dw, dw_truth, scratch};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

static void depthwise_windows(void **state)
{
    (void)state;
    static const bti_act acts[] = {BTI_ACT_IDENTITY, BTI_ACT_RELU, BTI_ACT_RELU6,
                                   BTI_ACT_HARDSWISH};
    int turn = 0;
    for (int k = 3; k <= 7; k += 2)
        for (int stride = 1; stride <= 2; stride++)
            for (int pad = 0; pad <= k / 2; pad += k / 2) {
                const bti_simd_window w = window_of(k, stride, 11, 18, pad);
                check_depth(&w, acts[turn++ % 4], pad > 0, stride == 1 || pad == 0);
            }
}

static void first_layers(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2)
        for (int stride = 1; stride <= 2; stride++) {
            const bti_simd_window w = window_of(3, stride, 9, 19, 1);
            const int ocb = 3;
            const size_t n_y = (size_t)(IMAGES * ocb * w.oh * w.ow * LANES);
            const size_t n_w = (size_t)(ocb * 9 * 4 * LANES);
            float *x = numbers((size_t)(IMAGES * channels * w.ih * w.iw), 1);
            float *wei = numbers(n_w, 2), *dw = zeros(4 * n_w), *dw_truth = zeros(4 * n_w);
            uint16_t *y = zeros(2 * n_y), *truth = zeros(2 * n_y), *dy = map(n_y, 3);
            double sum[2][2 * 3 * LANES] = {{0}};
            void *packed = zeros(2 * n_w), *scratch = zeros(fast->stem_scratch(&w));
            twin->stem_pack(ocb, wei, packed);
            fast->stem(&w, channels, ocb, x, packed, y, &(bti_simd_tail){.sum = sum[0]}, scratch);
            twin->stem(&w, channels, ocb, x, packed, truth, &(bti_simd_tail){.sum = sum[1]},
                       scratch);
            assert_maps_near("stem", y, truth, n_y);
            assert_sums_near("stem sum", sum[0], sum[1], 2 * 3 * LANES);
            const bti_simd_tail folded = {.shift = wei, .act = BTI_ACT_RELU};
            fast->stem(&w, channels, ocb, x, packed, y, &folded, scratch);
            twin->stem(&w, channels, ocb, x, packed, truth, &folded, scratch);
            assert_maps_near("folded stem", y, truth, n_y);
            fast->stem_back_weights(&w, channels, ocb, x, dy, dw, false, scratch);
            twin->stem_back_weights(&w, channels, ocb, x, dy, dw_truth, false, scratch);
            assert_floats_near("stem weights", dw, dw_truth, n_w);
            void *all[] = {x, wei, dw, dw_truth, y, truth, dy, packed, scratch};
            for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
                free(all[i]);
        }
}

int main(void)
{
    if (!bti_simd_bf16_for(bti_cpu_isa())) {
        printf("skipped: no AVX512_BF16 here\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_1x1_convolutions),
        cmocka_unit_test(depthwise_windows),
        cmocka_unit_test(first_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
