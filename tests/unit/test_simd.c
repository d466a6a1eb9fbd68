/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own kernels, for every instruction set that this CPU can run, against naive loops over plain
 * (n,c,h,w) maps in double. Gradients of linear operations are checked by the adjoint identity
 * <dy, f(x)> = <f'(dy), x>, others by finite differences of the naive function.
 */
#include "support.h"

#include "base/rng.h"
#include "nn/kernels/simd/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES 3
#define CHANNELS 21 /* two or three blocks, the last one with padding lanes */

typedef void kernel_test(const bti_simd_kernels *k);

/* Runs a test for each instruction set up to the CPU's. */
static void on_every_isa(kernel_test *test)
{
    for (int isa = BTI_ISA_PORTABLE; isa <= (int)bti_cpu_isa() && isa <= BTI_ISA_AVX512; isa++)
        test(bti_simd_for((bti_isa)isa));
}

/* ---- maps ---- */

static int blocks(const bti_simd_kernels *k, int c)
{
    return (c + k->lanes - 1) / k->lanes;
}

static bti_simd_map map_of(const bti_simd_kernels *k, int c, int hw)
{
    const int cb = blocks(k, c);
    return (bti_simd_map){.n = IMAGES, .cb = cb, .hw = hw, .tail = c - (cb - 1) * k->lanes};
}

static size_t floats_of(const bti_simd_kernels *k, int c, int hw)
{
    return (size_t)(IMAGES * blocks(k, c) * hw * k->lanes);
}

/* Where channel c of pixel j of image i is, in a blocked map of `channels`. */
static size_t at(const bti_simd_kernels *k, int channels, int hw, int i, int c, int j)
{
    return (size_t)(((i * blocks(k, channels) + c / k->lanes) * hw + j) * k->lanes + c % k->lanes);
}

static float *zeros(size_t n)
{
    float *x = calloc(n, sizeof(float));
    assert_non_null(x);
    return x;
}

static float draw(bti_rng *rng, double scale, double shift)
{
    return (float)(bti_rng_uniform(rng, -scale, scale) + shift);
}

/* A blocked map of random numbers, padding lanes zero. */
static float *random_map(const bti_simd_kernels *k, int channels, int hw, uint32_t stream,
                         double scale, double shift)
{
    bti_rng rng = bti_rng_at(1, BTI_RNG_INIT, 0, stream, 0);
    float *x = zeros(floats_of(k, channels, hw));
    for (int i = 0; i < IMAGES; i++)
        for (int c = 0; c < channels; c++)
            for (int j = 0; j < hw; j++)
                x[at(k, channels, hw, i, c, j)] = draw(&rng, scale, shift);
    return x;
}

/* One number a channel. */
static float *random_channels(const bti_simd_kernels *k, uint32_t stream, double scale,
                              double shift)
{
    bti_rng rng = bti_rng_at(2, BTI_RNG_INIT, 0, stream, 0);
    float *x = zeros((size_t)(blocks(k, CHANNELS) * k->lanes));
    for (int c = 0; c < CHANNELS; c++)
        x[c] = draw(&rng, scale, shift);
    return x;
}

static void assert_near(const bti_simd_kernels *k, const char *what, double x, double truth,
                        double tolerance)
{
    if (!(fabs(x - truth) <= tolerance * fmax(1, fabs(truth))))
        fail_msg("%s, %s: %.9g, expected %.9g", k->name, what, x, truth);
}

static void assert_padding_is_zero(const bti_simd_kernels *k, const char *what, const float *x,
                                   int channels, int hw)
{
    for (int i = 0; i < IMAGES; i++)
        for (int c = channels; c < blocks(k, channels) * k->lanes; c++)
            for (int j = 0; j < hw; j++)
                assert_near(k, what, (double)x[at(k, channels, hw, i, c, j)], 0, 0);
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* ---- the naive activations ---- */

static double naive_act(bti_act act, double x)
{
    switch (act) {
    case BTI_ACT_RELU:
        return fmax(x, 0);
    case BTI_ACT_RELU6:
        return fmin(fmax(x, 0), 6);
    case BTI_ACT_LEAKY_RELU:
        return x > 0 ? x : 0.01 * x;
    case BTI_ACT_ELU:
    case BTI_ACT_CELU:
        return x > 0 ? x : expm1(x);
    case BTI_ACT_SELU:
        return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x));
    case BTI_ACT_SILU:
        return x / (1 + exp(-x));
    case BTI_ACT_GELU:
        return x * 0.5 * (1 + erf(x / sqrt(2)));
    case BTI_ACT_SIGMOID:
        return 1 / (1 + exp(-x));
    case BTI_ACT_TANH:
        return tanh(x);
    case BTI_ACT_SOFTPLUS:
        return x > 20 ? x : log1p(exp(x));
    case BTI_ACT_HARDSWISH:
        return x * fmin(fmax(x + 3, 0), 6) / 6;
    case BTI_ACT_HARDSIGMOID:
        return fmin(fmax(x + 3, 0), 6) / 6;
    case BTI_ACT_HARDTANH:
        return fmin(fmax(x, -1), 1);
    case BTI_ACT_MISH:
        return x * tanh(log1p(exp(x)));
    default:
        return x;
    }
}

static double naive_slope(bti_act act, double x)
{
    const double h = 1e-5;
    return (naive_act(act, x + h) - naive_act(act, x - h)) / (2 * h);
}

static bool at_a_kink(double x)
{
    const double kinks[] = {-3, -1, 0, 1, 3, 6, 20};
    for (size_t i = 0; i < sizeof(kinks) / sizeof(kinks[0]); i++)
        if (fabs(x - kinks[i]) < 1e-3)
            return true;
    return false;
}

static void check_activations(const bti_simd_kernels *k)
{
    enum { HW = 37 };
    const bti_simd_map m = map_of(k, CHANNELS, HW);
    const size_t n = floats_of(k, CHANNELS, HW);
    float *x = random_map(k, CHANNELS, HW, 1, 7, 0), *dy = random_map(k, CHANNELS, HW, 2, 1, 0);
    float *y = zeros(n), *dx = zeros(n);
    x[0] = 90;
    x[1] = -90;
    x[2] = 25;
    for (int act = 0; act < BTI_ACT_COUNT; act++) {
        if (act == BTI_ACT_SOFTMAX)
            continue;
        k->act(&m, (bti_act)act, x, y);
        k->act_back(&m, (bti_act)act, x, dy, dx);
        assert_padding_is_zero(k, "padding after an activation", y, CHANNELS, HW);
        assert_padding_is_zero(k, "padding after its gradient", dx, CHANNELS, HW);
        for (int i = 0; i < IMAGES * CHANNELS * HW; i++) {
            const size_t p = at(k, CHANNELS, HW, i / (CHANNELS * HW), i / HW % CHANNELS, i % HW);
            assert_near(k, "activation", (double)y[p], naive_act((bti_act)act, (double)x[p]), 2e-6);
            if (!at_a_kink((double)x[p]))
                assert_near(k, "slope of an activation", (double)dx[p],
                            (double)dy[p] * naive_slope((bti_act)act, (double)x[p]), 1e-5);
        }
    }
    free(x);
    free(dy);
    free(y);
    free(dx);
}

static void activations_and_slopes_equal_the_formulas(void **state)
{
    (void)state;
    on_every_isa(check_activations);
}

static void check_nan(const bti_simd_kernels *k)
{
    const bti_simd_map m = {.n = 1, .cb = 1, .hw = 1, .tail = k->lanes};
    float x[16], y[16];
    for (int l = 0; l < 16; l++)
        x[l] = NAN;
    for (int act = 0; act < BTI_ACT_COUNT; act++)
        if (act != BTI_ACT_SOFTMAX) {
            k->act(&m, (bti_act)act, x, y);
            if (!isnan(y[0]))
                fail_msg("%s: activation %d turns NaN into %g", k->name, act, (double)y[0]);
        }
}

static void a_value_that_is_not_a_number_stays_visible(void **state)
{
    (void)state;
    on_every_isa(check_nan);
}

/* ---- batch normalisation ---- */

static void check_stats(const bti_simd_kernels *k)
{
    enum { HW = 1500 }; /* more than one run of float sums */
    const double shifts[] = {0, -3000};
    const bti_simd_map m = map_of(k, CHANNELS, HW);
    bti_simd_map one = m;
    double mean[64], m2[64];
    one.n = 1;
    for (int s = 0; s < 2; s++) {
        float *x = random_map(k, CHANNELS, HW, 3, 1, shifts[s]);
        k->stats(&one, x, mean, m2, 0); /* the first image, then the others */
        bti_simd_map rest = m;
        rest.n = m.n - 1;
        k->stats(&rest, x + floats_of(k, CHANNELS, HW) / IMAGES, mean, m2, HW);
        for (int c = 0; c < CHANNELS; c++) {
            double sum = 0, dev = 0;
            for (int i = 0; i < IMAGES * HW; i++)
                sum += (double)x[at(k, CHANNELS, HW, i / HW, c, i % HW)];
            for (int i = 0; i < IMAGES * HW; i++)
                dev +=
                    pow((double)x[at(k, CHANNELS, HW, i / HW, c, i % HW)] - sum / (IMAGES * HW), 2);
            assert_near(k, "mean", mean[c], sum / (IMAGES * HW), 1e-6);
            assert_near(k, "squared deviations", m2[c], dev, 1e-5);
        }
        free(x);
    }
}

static void statistics_are_exact_even_far_from_zero(void **state)
{
    (void)state;
    on_every_isa(check_stats);
}

typedef struct norm_case {
    const bti_simd_kernels *k;
    bti_simd_norm p;
    int hw;
    float *x, *r, *y, *dy, *dx, *mean, *scale, *beta;
} norm_case;

static double naive_z(const norm_case *t, size_t p, int c)
{
    return ((double)t->x[p] - (double)t->mean[c]) * (double)t->scale[c] + (double)t->beta[c];
}

static void check_norm_pixel(const norm_case *t, int i, int c, int j, const float *old_dy,
                             const float *abc, double *s1, double *s2)
{
    const size_t p = at(t->k, CHANNELS, t->hw, i, c, j);
    const int channels = blocks(t->k, CHANNELS) * t->k->lanes;
    const double z = naive_z(t, p, c), r = (double)t->r[p],
                 d = (double)t->x[p] - (double)t->mean[c];
    const bool last = t->p.join == BTI_JOIN_ADD_ACT;
    const double inner = last ? z + r : z;
    double y = naive_act(t->p.act, inner);
    y += t->p.join == BTI_JOIN_ACT_ADD ? r : 0;
    assert_near(t->k, "normalised", (double)t->y[p], y, 5e-6);
    if (at_a_kink(inner)) { /* take the kernel's side */
        s1[c] = s2[c] = NAN;
        return;
    }
    const double dz = (double)old_dy[p] * naive_slope(t->p.act, inner);
    if (last)
        assert_near(t->k, "gradient before the activation", (double)t->dy[p], dz, 1e-5);
    s1[c] += dz;
    s2[c] += dz * d;
    assert_near(t->k, "gradient of x", (double)t->dx[p],
                (double)abc[c] * dz + (double)abc[channels + c] * d + (double)abc[2 * channels + c],
                1e-5);
}

static void check_norm_case(norm_case *t)
{
    const bti_simd_kernels *k = t->k;
    const size_t n = floats_of(k, CHANNELS, t->hw);
    const int channels = blocks(k, CHANNELS) * k->lanes;
    double s1[64] = {0}, s2[64] = {0}, n1[64] = {0}, n2[64] = {0};
    float *old_dy = zeros(n), *abc = zeros((size_t)(3 * channels));
    for (int part = 0; part < 3; part++) {
        float *some = random_channels(k, 30 + (uint32_t)part, 1, 0);
        memcpy(abc + part * channels, some, (size_t)CHANNELS * sizeof(float));
        free(some);
    }
    memcpy(old_dy, t->dy, n * sizeof(float));
    k->norm(&t->p, t->x, t->p.join == BTI_JOIN_NONE ? NULL : t->r, t->y);
    k->norm_reduce(&t->p, t->x, t->p.join == BTI_JOIN_NONE ? NULL : t->r, t->dy, s1, s2);
    k->norm_apply(&t->p, abc, t->x, t->dy, t->dx);
    assert_padding_is_zero(k, "padding of a normalised map", t->y, CHANNELS, t->hw);
    assert_padding_is_zero(k, "padding of its gradient", t->dx, CHANNELS, t->hw);
    for (int i = 0; i < IMAGES * CHANNELS * t->hw; i++)
        check_norm_pixel(t, i / (CHANNELS * t->hw), i / t->hw % CHANNELS, i % t->hw, old_dy, abc,
                         n1, n2);
    for (int c = 0; c < CHANNELS; c++) {
        if (isnan(n1[c]))
            continue;
        assert_near(k, "sum of dz", s1[c], n1[c], 1e-4);
        assert_near(k, "sum of dz (x - mean)", s2[c], n2[c], 1e-4);
    }
    memcpy(t->dy, old_dy, n * sizeof(float));
    free(old_dy);
    free(abc);
}

static void check_norms(const bti_simd_kernels *k)
{
    const int sizes[] = {1, 39, 1100};
    for (int s = 0; s < 3; s++) {
        const int hw = sizes[s];
        norm_case t = {.k = k, .hw = hw};
        t.x = random_map(k, CHANNELS, hw, 4, 2, 1);
        t.r = random_map(k, CHANNELS, hw, 5, 2, 0);
        t.dy = random_map(k, CHANNELS, hw, 6, 1, 0);
        t.y = zeros(floats_of(k, CHANNELS, hw));
        t.dx = zeros(floats_of(k, CHANNELS, hw));
        t.mean = random_channels(k, 7, 1, 1);
        t.scale = random_channels(k, 8, 1, 2);
        t.beta = random_channels(k, 9, 1, 0);
        t.p = (bti_simd_norm){
            .map = map_of(k, CHANNELS, hw), .mean = t.mean, .scale = t.scale, .beta = t.beta};
        for (int join = BTI_JOIN_NONE; join <= BTI_JOIN_ADD_ACT; join++)
            for (int act = 0; act < BTI_ACT_COUNT; act++)
                if (bti_simd_act_fuses((bti_act)act)) {
                    t.p.join = (bti_simd_join)join;
                    t.p.act = (bti_act)act;
                    check_norm_case(&t);
                }
        float *all[] = {t.x, t.r, t.dy, t.y, t.dx, t.mean, t.scale, t.beta};
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
            free(all[i]);
    }
}

static void fused_normalisation_equals_its_parts(void **state)
{
    (void)state;
    on_every_isa(check_norms);
}

/* ---- pointwise ---- */

static void check_scale(const bti_simd_kernels *k)
{
    enum { HW = 23 };
    const bti_simd_map m = map_of(k, CHANNELS, HW);
    const size_t n = floats_of(k, CHANNELS, HW);
    float *z = random_map(k, CHANNELS, HW, 10, 3, 0), *s = random_map(k, CHANNELS, 1, 11, 1, 1);
    float *du = random_map(k, CHANNELS, HW, 12, 1, 0), *u = zeros(n), *dz = zeros(n);
    float *ds = zeros(floats_of(k, CHANNELS, 1));
    for (int act = 0; act < BTI_ACT_COUNT; act++) {
        if (!bti_simd_act_fuses((bti_act)act))
            continue;
        k->scale(&m, (bti_act)act, z, s, u);
        k->scale_back(&m, (bti_act)act, z, s, du, dz, ds);
        assert_padding_is_zero(k, "padding of a scaled map", u, CHANNELS, HW);
        for (int i = 0; i < IMAGES * CHANNELS; i++) {
            const double gate = (double)s[at(k, CHANNELS, 1, i / CHANNELS, i % CHANNELS, 0)];
            double sum = 0;
            bool kink = false;
            for (int j = 0; j < HW; j++) {
                const size_t p = at(k, CHANNELS, HW, i / CHANNELS, i % CHANNELS, j);
                const double v = (double)z[p] * gate;
                const double g = (double)du[p] * naive_slope((bti_act)act, v);
                assert_near(k, "scaled", (double)u[p], naive_act((bti_act)act, v), 2e-6);
                kink = kink || at_a_kink(v);
                if (!at_a_kink(v))
                    assert_near(k, "gradient through a scale", (double)dz[p], g * gate, 1e-5);
                sum += g * (double)z[p];
            }
            if (!kink)
                assert_near(k, "gradient of a scale",
                            (double)ds[at(k, CHANNELS, 1, i / CHANNELS, i % CHANNELS, 0)], sum,
                            1e-4);
        }
    }
    float *all[] = {z, s, du, u, dz, ds};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

static void channel_scaling_equals_its_parts(void **state)
{
    (void)state;
    on_every_isa(check_scale);
}

static void check_softmax(const bti_simd_kernels *k)
{
    enum { HW = 5 };
    const double h = 1e-2;
    const bti_simd_map m = map_of(k, CHANNELS, HW);
    const size_t n = floats_of(k, CHANNELS, HW);
    float *x = random_map(k, CHANNELS, HW, 13, 4, 100), *dy = random_map(k, CHANNELS, HW, 14, 1, 0);
    float *y = zeros(n), *up = zeros(n), *down = zeros(n), *dx = zeros(n);
    k->softmax(&m, x, y);
    k->softmax_back(&m, y, dy, dx);
    assert_padding_is_zero(k, "padding of a softmax", y, CHANNELS, HW);
    double sum = 0;
    for (int c = 0; c < CHANNELS; c++)
        sum += (double)y[at(k, CHANNELS, HW, 1, c, 2)];
    assert_near(k, "sum of a softmax", sum, 1, 1e-6);
    for (int c = 0; c < CHANNELS; c++) { /* one pixel by finite differences */
        float *one = &x[at(k, CHANNELS, HW, 1, c, 2)];
        const float was = *one;
        *one = was + (float)h;
        k->softmax(&m, x, up);
        *one = was - (float)h;
        k->softmax(&m, x, down);
        *one = was;
        assert_near(k, "gradient of a softmax", (double)dx[at(k, CHANNELS, HW, 1, c, 2)],
                    (dot(dy, up, n) - dot(dy, down, n)) / (2 * h), 2e-3);
    }
    float *all[] = {x, dy, y, up, down, dx};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        free(all[i]);
}

static void softmax_runs_over_the_real_channels_only(void **state)
{
    (void)state;
    on_every_isa(check_softmax);
}

static void check_sums(const bti_simd_kernels *k)
{
    enum { N = 53 }; /* not a multiple of any block */
    float a[N], b[N], y[N];
    for (int i = 0; i < N; i++) {
        a[i] = (float)i;
        b[i] = (float)(100 - 3 * i);
    }
    k->add(N, a, b, y);
    for (int i = 0; i < N; i++)
        assert_near(k, "sum", (double)y[i], 100 - 2 * i, 0);
    k->accumulate(N, y, a);
    for (int i = 0; i < N; i++)
        assert_near(k, "accumulated sum", (double)y[i], 100 - i, 0);
    k->multiply(N, y, a);
    for (int i = 0; i < N; i++)
        assert_near(k, "product", (double)y[i], (double)(100 - i) * i, 0);
}

static void sums_and_products_reach_the_last_element(void **state)
{
    (void)state;
    on_every_isa(check_sums);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_and_slopes_equal_the_formulas),
        cmocka_unit_test(a_value_that_is_not_a_number_stays_visible),
        cmocka_unit_test(statistics_are_exact_even_far_from_zero),
        cmocka_unit_test(fused_normalisation_equals_its_parts),
        cmocka_unit_test(channel_scaling_equals_its_parts),
        cmocka_unit_test(softmax_runs_over_the_real_channels_only),
        cmocka_unit_test(sums_and_products_reach_the_last_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
