/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches: what a network sees of a data set under a policy.
 */
#include "support.h"

#include "augment/augment.h"
#include "augment/policy_int.h"
#include "base/alloc.h"
#include "base/rng.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 64, SIDE = 16 };

typedef struct world {
    bti_dataset set;
    uint8_t *pixels;
    int32_t labels[N];
    int32_t index[N];
    float *x;
    int32_t got[N];
} world;

static void make_world(world *w, int c)
{
    bti_rng rng = bti_rng_at(7, BTI_RNG_TEST, 0, 0, 0);
    size_t n = (size_t)N * SIDE * SIDE * (size_t)c;

    w->pixels = malloc(n);
    w->x = malloc(n * sizeof(float));
    assert_non_null(w->pixels);
    assert_non_null(w->x);
    for (size_t i = 0; i < n; i++)
        w->pixels[i] = (uint8_t)bti_rng_u32(&rng);
    for (int i = 0; i < N; i++) {
        w->labels[i] = i % 10;
        w->index[i] = (i * 37) % N;
    }
    w->set = (bti_dataset){.n = N,
                           .h = SIDE,
                           .w = SIDE,
                           .c = c,
                           .classes = 10,
                           .pixels = w->pixels,
                           .labels = w->labels};
}

static void free_world(world *w)
{
    free(w->pixels);
    free(w->x);
}

static size_t values(const world *w)
{
    return (size_t)N * SIDE * SIDE * (size_t)w->set.c;
}

/* Fills w->x and w->got for a policy; mean 0.5, std 0.25. */
static void fill(world *w, const char *policy, uint32_t epoch, int threads)
{
    bti_policy *p;
    bti_pipeline *pipe;
    bt_error err;
    bti_pipeline_options opt = {
        .mean = {0.5f, 0.5f, 0.5f}, .std = {0.25f, 0.25f, 0.25f}, .seed = 5, .threads = threads};

    assert_ok(bti_policy_parse(&p, policy, &err), &err);
    opt.policy = p;
    assert_ok(bti_pipeline_new(&pipe, &w->set, &opt, &err), &err);
    bti_pipeline_fill(pipe, epoch, w->index, N, w->x, w->got);
    bti_pipeline_free(pipe);
    bti_policy_free(p);
}

/* The value of pixel (x, y, k) of sample i after plain normalisation. */
static float plain(const world *w, int i, int y, int x, int k)
{
    const bti_dataset *s = &w->set;
    size_t at =
        (((size_t)w->index[i] * SIDE + (size_t)y) * SIDE + (size_t)x) * (size_t)s->c + (size_t)k;

    return (float)((s->pixels[at] / 255.0 - 0.5) / 0.25);
}

static const float *image(const world *w, int i)
{
    return w->x + (size_t)i * SIDE * SIDE * (size_t)w->set.c;
}

static void without_a_policy_pixels_are_normalised_into_planes_and_labels_follow(void **state)
{
    (void)state;
    for (int c = 1; c <= 3; c += 2) {
        world w;
        make_world(&w, c);
        fill(&w, NULL, 0, 1);
        for (int i = 0; i < N; i++) {
            assert_int_equal(w.got[i], w.labels[w.index[i]]);
            for (int k = 0; k < c; k++)
                for (int y = 0; y < SIDE; y++)
                    for (int x = 0; x < SIDE; x++)
                        assert_true(image(&w, i)[(k * SIDE + y) * SIDE + x] ==
                                    plain(&w, i, y, x, k));
        }
        free_world(&w);
    }
}

static void flip_mirrors_the_columns_of_every_row(void **state)
{
    world w;
    (void)state;
    make_world(&w, 3);
    fill(&w, "flip:p=1", 0, 1);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 3; k++)
            for (int y = 0; y < SIDE; y++)
                for (int x = 0; x < SIDE; x++)
                    assert_true(image(&w, i)[(k * SIDE + y) * SIDE + x] ==
                                plain(&w, i, y, SIDE - 1 - x, k));
    free_world(&w);
}

/* Finds the shift (and mirroring) that explains image i; false if none does. */
static bool explain(const world *w, int i, int pad, float outside, int *dx, int *dy, bool *flip)
{
    for (int mode = 0; mode < 2; mode++)
        for (*dy = -pad; *dy <= pad; (*dy)++)
            for (*dx = -pad; *dx <= pad; (*dx)++) {
                bool same = true;
                *flip = mode == 1;
                for (int at = 0; at < SIDE * SIDE && same; at++) {
                    int y = at / SIDE + *dy, x = at % SIDE + *dx;
                    bool in = x >= 0 && x < SIDE && y >= 0 && y < SIDE;
                    float want = in ? plain(w, i, y, *flip ? SIDE - 1 - x : x, 0) : outside;
                    same = image(w, i)[at] == want;
                }
                if (same)
                    return true;
            }
    return false;
}

static void crop_shifts_by_up_to_pad_and_shows_exactly_zero_outside(void **state)
{
    world w;
    int dx, dy, seen_left = 0, seen_right = 0, seen_up = 0, seen_down = 0, flips = 0;
    bool flip;

    (void)state;
    make_world(&w, 3);
    for (uint32_t epoch = 0; epoch < 4; epoch++) {
        fill(&w, "flip+crop:3", epoch, 1);
        for (int i = 0; i < N; i++) {
            assert_true(explain(&w, i, 3, 0.0f, &dx, &dy, &flip));
            seen_left += dx == -3;
            seen_right += dx == 3;
            seen_up += dy == -3;
            seen_down += dy == 3;
            flips += flip;
        }
    }
    assert_true(seen_left && seen_right && seen_up && seen_down);
    assert_in_range(flips, 4 * N * 0.4, 4 * N * 0.6);
    free_world(&w);
}

static void crop_with_fill_0_shows_black_outside(void **state)
{
    world w;
    int dx, dy;
    bool flip;

    (void)state;
    make_world(&w, 1);
    fill(&w, "crop:pad=3,fill=0", 0, 1);
    for (int i = 0; i < N; i++)
        assert_true(explain(&w, i, 3, -2.0f, &dx, &dy, &flip));
    free_world(&w);
}

static void the_same_epoch_gives_the_same_bits_for_any_number_of_threads(void **state)
{
    const char *policy = "flip+crop:2+randaugment:n=3,m=20+Rotate:value=10,p=0.5+cutout:0.5+"
                         "trivialaugment+Noise:9+RandomErasing:0.3";
    world w;
    float *first;

    (void)state;
    make_world(&w, 3);
    first = malloc(values(&w) * sizeof(float));
    assert_non_null(first);
    fill(&w, policy, 3, 1);
    memcpy(first, w.x, values(&w) * sizeof(float));
    const int counts[] = {2, 3, 64};
    for (int i = 0; i < 3; i++) {
        int threads = counts[i];
        memset(w.x, 0, values(&w) * sizeof(float));
        fill(&w, policy, 3, threads);
        assert_memory_equal(first, w.x, values(&w) * sizeof(float));
    }
    fill(&w, policy, 4, 1);
    assert_memory_not_equal(first, w.x, values(&w) * sizeof(float));
    free(first);
    free_world(&w);
}

static void a_sample_does_not_depend_on_its_place_in_the_batch(void **state)
{
    world w;
    float *first;
    size_t one = SIDE * SIDE * 3;

    (void)state;
    make_world(&w, 3);
    first = malloc(values(&w) * sizeof(float));
    assert_non_null(first);
    fill(&w, "flip+crop:2+randaugment", 1, 1);
    memcpy(first, w.x, values(&w) * sizeof(float));
    for (int i = 0; i < N / 2; i++) {
        int32_t t = w.index[i];
        w.index[i] = w.index[N - 1 - i];
        w.index[N - 1 - i] = t;
    }
    fill(&w, "flip+crop:2+randaugment", 1, 1);
    for (int i = 0; i < N; i++)
        assert_memory_equal(first + (size_t)i * one, image(&w, N - 1 - i), one * sizeof(float));
    free(first);
    free_world(&w);
}

/* ---- replay ---- */

static void what_is_shown_is_what_training_sees(void **state)
{
    const char *spec =
        "flip+crop:3+cutout:p=0.7,ratio=0.4+randaugment:n=2,m=20+SamplePairing:value="
        "0.3,p=0.5";
    bti_pipeline_options opt = {
        .mean = {0.5f, 0.5f, 0.5f}, .std = {0.25f, 0.25f, 0.25f}, .seed = 5, .threads = 2};
    uint8_t shown[SIDE * SIDE * 3];
    bti_policy *p;
    bti_pipeline *pipe;
    bt_error err;
    world w;
    int fills = 0;

    (void)state;
    make_world(&w, 3);
    assert_ok(bti_policy_parse(&p, spec, &err), &err);
    opt.policy = p;
    assert_ok(bti_pipeline_new(&pipe, &w.set, &opt, &err), &err);
    bti_pipeline_fill(pipe, 6, w.index, N, w.x, w.got);
    for (int i = 0; i < N; i++) {
        bti_pipeline_show(pipe, 6, w.index[i], 0, shown);
        for (int at = 0; at < SIDE * SIDE * 3; at++) {
            float x = image(&w, i)[at % 3 * SIDE * SIDE + at / 3];
            bool same = x == (float)((shown[at] / 255.0 - 0.5) / 0.25);
            bool fill = x == 0.0f && (shown[at] == 127 || shown[at] == 128);
            assert_true(same || fill);
            fills += fill && !same;
        }
    }
    assert_in_range(fills, 1, N * SIDE * SIDE * 2);
    bti_pipeline_free(pipe);
    bti_policy_free(p);
    free_world(&w);
}

static void partners_come_from_the_training_part_only(void **state)
{
    const int32_t part[] = {3, 9, 21};
    bti_pipeline_options opt = {.std = {1, 1, 1}, .threads = 1, .partners = part, .n_partners = 3};
    uint8_t shown[SIDE * SIDE];
    bti_policy *p;
    bti_pipeline *pipe;
    bt_error err;
    world w;
    int seen[3] = {0};

    (void)state;
    make_world(&w, 1);
    assert_ok(bti_policy_parse(&p, "SamplePairing:1", &err), &err);
    opt.policy = p;
    assert_ok(bti_pipeline_new(&pipe, &w.set, &opt, &err), &err);
    for (int i = 0; i < N; i++) {
        int found = 0;
        bti_pipeline_show(pipe, 0, i, 0, shown);
        for (int k = 0; k < 3; k++) {
            bool same = !memcmp(shown, w.pixels + (size_t)part[k] * sizeof(shown), sizeof(shown));
            found += same;
            seen[k] += same;
        }
        assert_int_equal(found, 1);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    bti_pipeline_free(pipe);
    bti_policy_free(p);
    free_world(&w);
}

/* ---- against Python: torchvision's operations, the same addresses (tools/make_augment_goldens.py)
 * ---- */

enum { REPLAY_N = 40, REPLAY_SIDE = 20, REPLAY_VALUES = REPLAY_N * REPLAY_SIDE * REPLAY_SIDE * 3 };

static uint64_t fnv(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t h = 0xCBF29CE484222325u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001B3u;
    return h;
}

/* xorshift64*, as the script fills its images. */
static void fill_replay_pixels(uint8_t *px, size_t n)
{
    uint64_t s = 1001u * 0x9E3779B97F4A7C15u;

    for (size_t i = 0; i < n; i++) {
        s ^= s >> 12;
        s ^= s << 25;
        s ^= s >> 27;
        px[i] = (uint8_t)(((s * 2685821657736338717u) >> 32) % 200);
    }
}

static void replay(const bti_dataset *set, const char *policy, uint64_t seed, uint32_t epoch,
                   uint64_t want)
{
    static float x[REPLAY_VALUES];
    bti_policy *p;
    bti_pipeline *pipe;
    bt_error err;
    int32_t index[REPLAY_N], labels[REPLAY_N];
    bti_pipeline_options opt = {
        .mean = {0.5f, 0.25f, 0.125f}, .std = {0.25f, 0.5f, 0.3f}, .seed = seed, .threads = 2};

    for (int i = 0; i < REPLAY_N; i++)
        index[i] = i;
    assert_ok(bti_policy_parse(&p, policy, &err), &err);
    opt.policy = p;
    assert_ok(bti_pipeline_new(&pipe, set, &opt, &err), &err);
    bti_pipeline_fill(pipe, epoch, index, REPLAY_N, x, labels);
    if (fnv(x, sizeof(x)) != want)
        fail_msg("%s, seed %llu, epoch %u: the batch differs from its replay in Python", policy,
                 (unsigned long long)seed, epoch);
    bti_pipeline_free(pipe);
    bti_policy_free(p);
}

static void whole_batches_equal_their_replay_in_python_with_torchvision(void **state)
{
    static uint8_t pixels[REPLAY_VALUES];
    static int32_t labels[REPLAY_N];
    bti_dataset set = {.n = REPLAY_N, .h = REPLAY_SIDE, .w = REPLAY_SIDE, .c = 3, .classes = 1};
    char line[256], policy[128];
    unsigned long long seed, want;
    unsigned epoch;
    int n = 0;
    FILE *f = fopen(test_source("tests/golden/augment_batches.txt"), "r");

    (void)state;
    assert_non_null(f);
    fill_replay_pixels(pixels, sizeof(pixels));
    set.pixels = pixels;
    set.labels = labels;
    while (fgets(line, sizeof(line), f)) {
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%127s %llu %u %llx", policy, &seed, &epoch, &want), 4);
        replay(&set, policy, seed, epoch, want);
        n++;
    }
    fclose(f);
    assert_int_equal(n, 21);
}

static void zero_strength_leaves_the_images_alone(void **state)
{
    const char *every_op =
        "ShearX:0+ShearY:0+TranslateX:0+TranslateY:0+Rotate:0+Brightness:1+Color:1+"
        "Contrast:1+Sharpness:1+Posterize:8+Solarize:256+Identity";
    const char *policies[] = {"flip:p=0+crop:pad=0", "randaugment:n=0,m=30", "Rotate:value=90,p=0",
                              every_op};
    world w;
    float *want;

    (void)state;
    make_world(&w, 3);
    want = malloc(values(&w) * sizeof(float));
    assert_non_null(want);
    fill(&w, NULL, 0, 1);
    memcpy(want, w.x, values(&w) * sizeof(float));
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        fill(&w, policies[i], 9, 2);
        assert_memory_equal(want, w.x, values(&w) * sizeof(float));
    }
    free(want);
    free_world(&w);
}

/* The operation and its sign are drawn before the level: every image is one of two. */
static void any_level_is_drawn_anew_for_each_operation(void **state)
{
    (void)state;
    world fixed[2], any;
    int n[2] = {0}, either = 0;
    make_world(&any, 3);
    fill(&any, "randaugment:n=1,m=any,levels=2", 1, 2);
    for (int m = 0; m < 2; m++) {
        make_world(&fixed[m], 3);
        fill(&fixed[m], m ? "randaugment:n=1,m=1,levels=2" : "randaugment:n=1,m=0,levels=2", 1, 2);
    }
    const size_t one = values(&any) / N;
    for (size_t i = 0; i < N; i++) {
        bool same[2];
        for (int m = 0; m < 2; m++) {
            same[m] = !memcmp(any.x + i * one, fixed[m].x + i * one, one * sizeof(float));
            n[m] += same[m];
        }
        either += same[0] || same[1];
    }
    assert_int_equal(either, N);
    assert_true(n[0] < N && n[1] < N);
    free_world(&any);
    free_world(&fixed[0]);
    free_world(&fixed[1]);
}

static void operations_of_a_policy_run_in_order_before_flip_and_crop(void **state)
{
    world w;
    uint8_t a[SIDE * SIDE * 3], b[SIDE * SIDE * 3];
    void *scratch = malloc(bti_op_scratch(SIDE, SIDE, 3));

    (void)state;
    assert_non_null(scratch);
    make_world(&w, 3);
    fill(&w, "flip:p=1+TranslateX:3+Invert", 0, 1);
    for (int i = 0; i < N; i++) {
        bti_op_image first = {.src = w.pixels + (size_t)w.index[i] * sizeof(a),
                              .dst = a,
                              .h = SIDE,
                              .w = SIDE,
                              .c = 3,
                              .scratch = scratch};
        bti_op_image second = first;
        second.src = a;
        second.dst = b;
        bti_op_apply(BTI_OP_TRANSLATE_X, 3, &first);
        bti_op_apply(BTI_OP_INVERT, 0, &second);
        for (int at = 0; at < SIDE * SIDE; at++) {
            int mirrored = at / SIDE * SIDE + SIDE - 1 - at % SIDE;
            float want = (float)((b[3 * mirrored + 1] / 255.0 - 0.5) / 0.25);
            assert_true(image(&w, i)[SIDE * SIDE + at] == want);
        }
    }
    free(scratch);
    free_world(&w);
}

/* Sample 0 of the world through operations one by one, without draws. */
static void one_by_one(const world *w, const bti_op op[4], const double value[4], uint8_t *out)
{
    uint8_t a[SIDE * SIDE * 3];
    int c = w->set.c;
    size_t n = (size_t)(SIDE * SIDE * c);
    void *scratch = malloc(bti_op_scratch(SIDE, SIDE, c));

    assert_non_null(scratch);
    memcpy(out, w->pixels, n);
    for (int k = 0; k < 4; k++) {
        memcpy(a, out, n);
        bti_op_image im = {.src = a, .dst = out, .h = SIDE, .w = SIDE, .c = c, .scratch = scratch};
        bti_op_apply(op[k], value[k], &im);
    }
    free(scratch);
}

static void check_chain(world *w, bti_rng *rng)
{
    uint8_t want[SIDE * SIDE * 3], got[SIDE * SIDE * 3];
    bti_op op[4];
    double value[4];
    char spec[300] = "";
    int c = w->set.c;
    bti_pipeline_options opt = {.std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f}, .threads = 1};
    bti_policy *p;
    bti_pipeline *pipe;
    bt_error err;

    for (int k = 0; k < 4; k++) {
        op[k] = bti_randaugment_op((int)bti_rng_below(rng, BTI_RANDAUGMENT_OPS));
        if (bti_rng_below(rng, 4) == 0)
            op[k] = bti_rng_below(rng, 2) ? BTI_OP_INVERT : BTI_OP_VERTICAL_FLIP;
        value[k] = bti_op_level(op[k], (int)bti_rng_below(rng, 31), 31, SIDE, SIDE,
                                bti_rng_below(rng, 2) ? 1 : -1);
        snprintf(spec + strlen(spec), sizeof(spec) - strlen(spec), "%s%s", k ? "+" : "",
                 bti_op_name(op[k]));
        if (bti_op_get(op[k])->unit)
            snprintf(spec + strlen(spec), sizeof(spec) - strlen(spec), ":%.17g", value[k]);
    }
    one_by_one(w, op, value, want);
    assert_ok(bti_policy_parse(&p, spec, &err), &err);
    opt.policy = p;
    assert_ok(bti_pipeline_new(&pipe, &w->set, &opt, &err), &err);
    bti_pipeline_fill(pipe, 0, w->index, 1, w->x, NULL);
    bti_pipeline_show(pipe, 0, 0, 0, got);
    for (int i = 0; i < SIDE * SIDE * c; i++)
        if (rintf(w->x[i % c * SIDE * SIDE + i / c]) != want[i] || got[i] != want[i])
            fail_msg("%s: byte %d is %g, shown as %d, expected %d", spec, i,
                     (double)w->x[i % c * SIDE * SIDE + i / c], got[i], want[i]);
    bti_pipeline_free(pipe);
    bti_policy_free(p);
}

static void a_chain_of_operations_gives_what_they_give_one_by_one(void **state)
{
    bti_rng rng = bti_rng_at(3, BTI_RNG_TEST, 0, 0, 0);

    (void)state;
    for (int c = 1; c <= 3; c += 2) {
        world w;
        make_world(&w, c);
        for (int i = 0; i < 600; i++) {
            uint32_t lo = bti_rng_below(&rng, 200), span = 1 + bti_rng_below(&rng, 56);
            for (int at = 0; at < SIDE * SIDE * c; at++)
                w.pixels[at] = (uint8_t)(lo + bti_rng_u32(&rng) % span);
            check_chain(&w, &rng);
        }
        free_world(&w);
    }
}

static void a_channel_without_spread_becomes_zero_not_nan(void **state)
{
    world w;
    bti_pipeline *pipe;
    bt_error err;
    bti_pipeline_options opt = {.mean = {0.2f}, .std = {0.0f}, .threads = 1};

    (void)state;
    make_world(&w, 1);
    memset(w.pixels, 51, values(&w));
    opt.mean[0] = (float)(51 / 255.0);
    assert_ok(bti_pipeline_new(&pipe, &w.set, &opt, &err), &err);
    bti_pipeline_fill(pipe, 0, w.index, N, w.x, w.got);
    for (size_t i = 0; i < values(&w); i++)
        assert_true(fabsf(w.x[i]) < 1e-6f);
    bti_pipeline_free(pipe);
    free_world(&w);
}

static void a_crop_as_large_as_the_image_is_refused(void **state)
{
    world w;
    bti_policy *p;
    bti_pipeline *pipe;
    bt_error err;
    bti_pipeline_options opt = {.std = {1, 1, 1}, .threads = 1};

    (void)state;
    make_world(&w, 1);
    assert_ok(bti_policy_parse(&p, "crop:16", &err), &err);
    opt.policy = p;
    assert_int_equal(bti_pipeline_new(&pipe, &w.set, &opt, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "16"));
    assert_null(pipe);
    bti_policy_free(p);
    free_world(&w);
}

static void a_failed_allocation_is_reported_and_leaks_nothing(void **state)
{
    world w;
    bti_policy *p;
    bti_pipeline *pipe = NULL;
    bt_error err;
    bti_pipeline_options opt = {.std = {1, 1, 1}, .threads = 2};
    int64_t live = bti_alloc_live(), n = 0;
    bt_status rc;

    (void)state;
    make_world(&w, 1);
    assert_ok(bti_policy_parse(&p, "randaugment", &err), &err);
    opt.policy = p;
    do {
        bti_alloc_fail_at(++n);
        rc = bti_pipeline_new(&pipe, &w.set, &opt, &err);
        bti_alloc_fail_at(0);
        assert_true(rc == BT_OK || rc == BT_NOMEM);
    } while (rc);
    assert_true(n > 5);
    bti_pipeline_free(pipe);
    bti_policy_free(p);
    assert_int_equal(bti_alloc_live(), live);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_policy_pixels_are_normalised_into_planes_and_labels_follow),
        cmocka_unit_test(flip_mirrors_the_columns_of_every_row),
        cmocka_unit_test(crop_shifts_by_up_to_pad_and_shows_exactly_zero_outside),
        cmocka_unit_test(crop_with_fill_0_shows_black_outside),
        cmocka_unit_test(the_same_epoch_gives_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(a_sample_does_not_depend_on_its_place_in_the_batch),
        cmocka_unit_test(what_is_shown_is_what_training_sees),
        cmocka_unit_test(partners_come_from_the_training_part_only),
        cmocka_unit_test(whole_batches_equal_their_replay_in_python_with_torchvision),
        cmocka_unit_test(zero_strength_leaves_the_images_alone),
        cmocka_unit_test(any_level_is_drawn_anew_for_each_operation),
        cmocka_unit_test(operations_of_a_policy_run_in_order_before_flip_and_crop),
        cmocka_unit_test(a_chain_of_operations_gives_what_they_give_one_by_one),
        cmocka_unit_test(a_channel_without_spread_becomes_zero_not_nan),
        cmocka_unit_test(a_crop_as_large_as_the_image_is_refused),
        cmocka_unit_test(a_failed_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
