/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own kernels that slide windows, multiply matrices and change layouts, for every instruction
 * set that this CPU can run: forward against naive loops, backward by the adjoint identity <dy,
 * f(x)> = <f'(dy), x>, which holds for linear f.
 */
#include "support.h"

#include "base/rng.h"
#include "nn/kernels/simd/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES 3
#define CHANNELS 21

typedef void kernel_test(const bti_simd_kernels *k);

static void on_every_isa(kernel_test *test)
{
    for (int isa = BTI_ISA_PORTABLE; isa <= (int)bti_cpu_isa() && isa <= BTI_ISA_AVX512; isa++)
        test(bti_simd_for((bti_isa)isa));
}

static int blocks(const bti_simd_kernels *k)
{
    return (CHANNELS + k->lanes - 1) / k->lanes;
}

/* A random array, every number in it meaningful: windows treat all channels alike. */
static float *random_floats(size_t n, uint32_t stream)
{
    bti_rng rng = bti_rng_at(3, BTI_RNG_INIT, 0, stream, 0);
    float *x = malloc(n * sizeof(float));
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)bti_rng_uniform(&rng, -1, 1);
    return x;
}

static float *zeros(size_t n)
{
    float *x = calloc(n, sizeof(float));
    assert_non_null(x);
    return x;
}

static void assert_near(const bti_simd_kernels *k, const char *what, double x, double truth)
{
    if (!(fabs(x - truth) <= 2e-5 * fmax(1, fabs(truth))))
        fail_msg("%s, %s: %.9g, expected %.9g", k->name, what, x, truth);
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* ---- windows ---- */

static const bti_simd_window windows[] = {
    {.ih = 9, .iw = 7, .k = 3, .stride = 1, .pad_t = 1, .pad_l = 1, .pad_b = 1, .pad_r = 1},
    {.ih = 8, .iw = 8, .k = 3, .stride = 2, .pad_t = 0, .pad_l = 0, .pad_b = 1, .pad_r = 1},
    {.ih = 6, .iw = 13, .k = 5, .stride = 1, .pad_t = 2, .pad_l = 2, .pad_b = 2, .pad_r = 2},
    {.ih = 11, .iw = 11, .k = 5, .stride = 2, .pad_t = 1, .pad_l = 2, .pad_b = 2, .pad_r = 1},
    {.ih = 12, .iw = 9, .k = 7, .stride = 2, .pad_t = 3, .pad_l = 3, .pad_b = 3, .pad_r = 3},
    {.ih = 5, .iw = 6, .k = 4, .stride = 1, .pad_t = 2, .pad_l = 2, .pad_b = 2, .pad_r = 2},
    {.ih = 2, .iw = 1, .k = 5, .stride = 2, .pad_t = 2, .pad_l = 2, .pad_b = 2, .pad_r = 2},
    {.ih = 7, .iw = 7, .k = 2, .stride = 2},
};
#define N_WINDOWS (sizeof(windows) / sizeof(windows[0]))

/* The window for a set of kernels; `ceil`: one more output where a last window hangs over. */
static bti_simd_window window_for(const bti_simd_kernels *k, size_t i, bool ceil)
{
    bti_simd_window w = windows[i];
    const int up = ceil ? w.stride - 1 : 0;
    w.n = IMAGES;
    w.cb = blocks(k);
    w.dilation = 1;
    w.oh = (w.ih + w.pad_t + w.pad_b - w.k + up) / w.stride + 1;
    w.ow = (w.iw + w.pad_l + w.pad_r - w.k + up) / w.stride + 1;
    return w;
}

static size_t in_floats(const bti_simd_kernels *k, const bti_simd_window *w)
{
    return (size_t)(w->n * w->cb * w->ih * w->iw * k->lanes);
}

static size_t out_floats(const bti_simd_kernels *k, const bti_simd_window *w)
{
    return (size_t)(w->n * w->cb * w->oh * w->ow * k->lanes);
}

/* x of lane l at row r, column c of plane p; 0 outside. */
static double pixel(const bti_simd_kernels *k, const bti_simd_window *w, const float *x, int p,
                    int r, int c, int l)
{
    if (r < 0 || r >= w->ih || c < 0 || c >= w->iw)
        return 0;
    return (double)
        x[((size_t)(p * w->ih + r) * (size_t)w->iw + (size_t)c) * (size_t)k->lanes + (size_t)l];
}

static double naive_depthwise(const bti_simd_kernels *k, const bti_simd_window *w, const float *x,
                              const float *wei, size_t o)
{
    const int l = (int)(o % (size_t)k->lanes), pos = (int)(o / (size_t)k->lanes);
    const int ow = pos % w->ow, oh = pos / w->ow % w->oh, p = pos / (w->ow * w->oh);
    double sum = 0;
    for (int kh = 0; kh < w->k; kh++)
        for (int kw = 0; kw < w->k; kw++)
            sum += pixel(k, w, x, p, oh * w->stride - w->pad_t + kh, ow * w->stride - w->pad_l + kw,
                         l) *
                   (double)wei[((p % w->cb * w->k + kh) * w->k + kw) * k->lanes + l];
    return sum;
}

static void check_depthwise(const bti_simd_kernels *k)
{
    for (size_t i = 0; i < N_WINDOWS; i++) {
        const bti_simd_window w = window_for(k, i, false);
        const size_t in = in_floats(k, &w), out = out_floats(k, &w);
        const size_t taps = (size_t)(w.cb * w.k * w.k * k->lanes);
        float *x = random_floats(in, 1), *dy = random_floats(out, 2), *wei = random_floats(taps, 3);
        float *y = zeros(out), *dx = zeros(in), *dw = zeros(taps);
        k->depthwise(&w, x, wei, y);
        for (size_t o = 0; o < out; o++)
            assert_near(k, "depthwise convolution", (double)y[o],
                        naive_depthwise(k, &w, x, wei, o));
        k->depthwise_back_data(&w, dy, wei, dx);
        k->depthwise_back_weights(&w, x, dy, dw);
        assert_near(k, "its gradient of the input", dot(dx, x, in), dot(dy, y, out));
        assert_near(k, "its gradient of the weights", dot(dw, wei, taps), dot(dy, y, out));
        float *all[] = {x, dy, wei, y, dx, dw};
        for (size_t a = 0; a < sizeof(all) / sizeof(all[0]); a++)
            free(all[a]);
    }
}

static void depthwise_convolutions_equal_the_naive_loop(void **state)
{
    (void)state;
    on_every_isa(check_depthwise);
}

/* PyTorch's divisor: the window cut at the padded edge (what pad_b and pad_r have more than pad_t
 * and pad_l is ceil_mode's), or only its real pixels. */
static double naive_average(const bti_simd_kernels *k, const bti_simd_window *w, const float *x,
                            size_t o)
{
    const int l = (int)(o % (size_t)k->lanes), pos = (int)(o / (size_t)k->lanes);
    const int top = pos / w->ow % w->oh * w->stride - w->pad_t;
    const int left = pos % w->ow * w->stride - w->pad_l;
    double sum = 0;
    int padded = 0, real = 0;
    for (int r = top; r < top + w->k; r++)
        for (int c = left; c < left + w->k; c++) {
            sum += pixel(k, w, x, pos / (w->ow * w->oh), r, c, l);
            padded += r < w->ih + w->pad_t && c < w->iw + w->pad_l;
            real += r >= 0 && r < w->ih && c >= 0 && c < w->iw;
        }
    return sum / (w->count_include_pad ? padded : real);
}

static void check_average(const bti_simd_kernels *k)
{
    for (size_t i = 0; i < N_WINDOWS; i++) {
        bti_simd_window w = window_for(k, i, true);
        if (w.pad_t > w.k / 2 || (w.oh - 1) * w.stride >= w.ih + w.pad_t ||
            (w.ow - 1) * w.stride >= w.iw + w.pad_l)
            continue; /* PyTorch drops windows that start beyond the input */
        const size_t in = in_floats(k, &w), out = out_floats(k, &w);
        float *x = random_floats(in, 4), *dy = random_floats(out, 5);
        float *y = zeros(out), *dx = random_floats(in, 6);
        for (int include = 0; include < 2; include++) {
            w.count_include_pad = include;
            k->avgpool(&w, x, y);
            for (size_t o = 0; o < out; o++)
                assert_near(k, "average", (double)y[o], naive_average(k, &w, x, o));
            k->avgpool_back(&w, dy, dx);
            assert_near(k, "gradient of an average", dot(dx, x, in), dot(dy, y, out));
        }
        free(x);
        free(dy);
        free(y);
        free(dx);
    }
}

static void averages_count_what_pytorch_counts(void **state)
{
    (void)state;
    on_every_isa(check_average);
}

static void check_maximum_of(const bti_simd_kernels *k, const bti_simd_window *w)
{
    const size_t in = in_floats(k, w), out = out_floats(k, w);
    float *x = random_floats(in, 7), *y = zeros(out);
    float *dy = random_floats(out, 8), *dx = random_floats(in, 9);
    int32_t *arg = calloc(out, sizeof(*arg));
    assert_non_null(arg);
    k->maxpool(w, x, y, arg);
    for (size_t o = 0; o < out; o++) {
        const int l = (int)(o % (size_t)k->lanes), pos = (int)(o / (size_t)k->lanes);
        double most = -INFINITY;
        for (int t = 0; t < w->k * w->k; t++) {
            const int r = pos / w->ow % w->oh * w->stride - w->pad_t + t / w->k * w->dilation;
            const int c = pos % w->ow * w->stride - w->pad_l + t % w->k * w->dilation;
            if (r >= 0 && r < w->ih && c >= 0 && c < w->iw)
                most = fmax(most, pixel(k, w, x, pos / (w->ow * w->oh), r, c, l));
        }
        assert_near(k, "maximum", (double)y[o], most);
    }
    k->maxpool_back(w, arg, dy, dx); /* linear once the positions are fixed */
    assert_near(k, "gradient of a maximum", dot(dx, x, in), dot(dy, y, out));
    free(x);
    free(y);
    free(dy);
    free(dx);
    free(arg);
}

static void check_maximum(const bti_simd_kernels *k)
{
    for (size_t i = 0; i < N_WINDOWS; i++) {
        const bti_simd_window w = window_for(k, i, false);
        if (w.pad_t <= w.k / 2 && w.ih > 2)
            check_maximum_of(k, &w);
    }
    bti_simd_window dilated = window_for(k, 0, false);
    dilated.dilation = 2;
    dilated.oh = dilated.ih + 2 - 4;
    dilated.ow = dilated.iw + 2 - 4;
    check_maximum_of(k, &dilated);
}

static void maxima_ignore_padding_and_send_gradients_back(void **state)
{
    (void)state;
    on_every_isa(check_maximum);
}

static void check_adaptive(const bti_simd_kernels *k)
{
    const int sizes[][2] = {{1, 1}, {4, 3}, {9, 7}, {11, 8}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        bti_simd_window w = window_for(k, 0, false);
        w.oh = sizes[i][0];
        w.ow = sizes[i][1];
        const size_t in = in_floats(k, &w), out = out_floats(k, &w);
        float *x = random_floats(in, 10), *dy = random_floats(out, 11);
        float *y = zeros(out), *dx = random_floats(in, 12), *ones = zeros(in);
        k->mean(&w, x, y);
        k->mean_back(&w, dy, dx, false);
        assert_near(k, "gradient of a mean", dot(dx, x, in), dot(dy, y, out));
        k->mean_back(&w, dy, dx, true);
        assert_near(k, "gradient of a mean, added", dot(dx, x, in), 2 * dot(dy, y, out));
        for (size_t p = 0; p < in; p++)
            ones[p] = 1;
        k->mean(&w, ones, y);
        for (size_t o = 0; o < out; o++)
            assert_near(k, "mean of ones", (double)y[o], 1);
        if (w.oh == 1) {
            double sum = 0;
            k->mean(&w, x, y);
            for (int p = 0; p < w.ih * w.iw; p++)
                sum += (double)x[p * k->lanes];
            assert_near(k, "mean", (double)y[0], sum / (w.ih * w.iw));
        }
        float *all[] = {x, dy, y, dx, ones};
        for (size_t a = 0; a < sizeof(all) / sizeof(all[0]); a++)
            free(all[a]);
    }
}

static void means_weigh_every_pixel_of_their_window_equally(void **state)
{
    (void)state;
    on_every_isa(check_adaptive);
}

/* ---- matrices and layouts ---- */

static void check_linear(const bti_simd_kernels *k)
{
    const int rows[] = {1, 4, 7};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const bti_simd_linear p = {.n = rows[i], .in = 3 * k->lanes, .out = 2 * k->lanes};
        const size_t in = (size_t)(p.n * p.in), out = (size_t)(p.n * p.out);
        const size_t size = (size_t)(p.in * p.out), n_bias = (size_t)p.out;
        float *x = random_floats(in, 13), *w = random_floats(size, 14);
        float *bias = random_floats(n_bias, 15), *dy = random_floats(out, 16);
        float *y = zeros(out), *dx = zeros(in), *dw = zeros(size), *db = zeros(n_bias);
        k->linear(&p, x, w, bias, y);
        for (size_t o = 0; o < out; o++) {
            double sum = (double)bias[o % n_bias];
            for (int c = 0; c < p.in; c++)
                sum += (double)x[o / n_bias * (size_t)p.in + (size_t)c] *
                       (double)w[(size_t)c * n_bias + o % n_bias];
            assert_near(k, "matrix product", (double)y[o], sum);
        }
        k->linear(&p, x, w, NULL, y);
        k->linear_back_data(&p, dy, w, dx);
        assert_near(k, "its gradient of x", dot(dx, x, in), dot(dy, y, out));
        k->linear_back_weights(&p, x, dy, dw, db, false);
        assert_near(k, "its gradient of w", dot(dw, w, size), dot(dy, y, out));
        k->linear_back_weights(&p, x, dy, dw, db, true);
        assert_near(k, "its gradient of w, added", dot(dw, w, size), 2 * dot(dy, y, out));
        double sum = 0;
        for (size_t o = 0; o < out; o += n_bias)
            sum += (double)dy[o];
        assert_near(k, "its gradient of the bias, added", (double)db[0], 2 * sum);
        float *all[] = {x, w, bias, dy, y, dx, dw, db};
        for (size_t a = 0; a < sizeof(all) / sizeof(all[0]); a++)
            free(all[a]);
    }
}

static void matrix_products_equal_the_naive_loop(void **state)
{
    (void)state;
    on_every_isa(check_linear);
}

static void check_layouts(const bti_simd_kernels *k)
{
    enum { HW = 6, ROW = 128 }; /* ROW: 21 * 6 rounded up to whole blocks */
    const bti_simd_map m = {
        .n = IMAGES, .cb = blocks(k), .hw = HW, .tail = CHANNELS - (blocks(k) - 1) * k->lanes};
    const size_t n = (size_t)(IMAGES * m.cb * HW * k->lanes);
    float *plain = random_floats(IMAGES * CHANNELS * HW, 17), *map = random_floats(n, 18);
    float *rows = random_floats(IMAGES * ROW, 19), *back = random_floats(n, 20);
    k->pack(&m, plain, map);
    k->flatten(&m, ROW, map, rows);
    k->flatten_back(&m, ROW, rows, back);
    for (int i = 0; i < IMAGES; i++)
        for (int f = 0; f < ROW; f++)
            assert_near(k, "packed, then flattened", (double)rows[i * ROW + f],
                        f < CHANNELS * HW ? (double)plain[i * CHANNELS * HW + f] : 0);
    assert_memory_equal(map, back, n * sizeof(float));
    double sum = 0, sum_plain = 0;
    for (size_t i = 0; i < n; i++)
        sum += fabs((double)map[i]);
    for (int i = 0; i < IMAGES * CHANNELS * HW; i++)
        sum_plain += fabs((double)plain[i]);
    assert_near(k, "padding lanes add", sum, sum_plain);
    free(plain);
    free(map);
    free(rows);
    free(back);
}

static void check_borders(const bti_simd_kernels *k)
{
    bti_simd_window w = window_for(k, 3, false);
    w.oh = w.ih + w.pad_t + w.pad_b;
    w.ow = w.iw + w.pad_l + w.pad_r;
    const size_t in = in_floats(k, &w), out = out_floats(k, &w);
    float *x = random_floats(in, 21), *y = random_floats(out, 22), *back = random_floats(in, 23);
    k->pad(&w, x, y);
    k->pad_back(&w, y, back);
    assert_memory_equal(x, back, in * sizeof(float));
    assert_near(k, "a border adds", dot(y, y, out), dot(x, x, in));
    free(x);
    free(y);
    free(back);
}

static void borders_are_zero_and_go_away_again(void **state)
{
    (void)state;
    on_every_isa(check_borders);
}

static void layouts_change_without_loss(void **state)
{
    (void)state;
    on_every_isa(check_layouts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depthwise_convolutions_equal_the_naive_loop),
        cmocka_unit_test(averages_count_what_pytorch_counts),
        cmocka_unit_test(maxima_ignore_padding_and_send_gradients_back),
        cmocka_unit_test(means_weigh_every_pixel_of_their_window_equally),
        cmocka_unit_test(matrix_products_equal_the_naive_loop),
        cmocka_unit_test(borders_are_zero_and_go_away_again),
        cmocka_unit_test(layouts_change_without_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
