/* SPDX-License-Identifier: Apache-2.0
 *
 * MixUp, CutMix and Mosaic: what is seen of an image is its share of the label, and any image of
 * any epoch comes out the same alone, in a batch and for any number of threads.
 */
#include "support.h"

#include "augment/augment.h"
#include "base/alloc.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Image i is one grey level and class all by itself, so that pixels tell whose they are. */
enum { N = 40, W = 20, H = 16, AREA = W * H };

typedef struct world {
    bti_dataset set;
    uint8_t pixels[N * AREA];
    int32_t labels[N], index[N], got[N];
    float x[N * AREA], targets[N * N];
    bti_policy *policy;
    bti_pipeline *pipe;
} world;

static void open_world(world *w, const char *policy, int threads, const bti_pipeline_options *base)
{
    bti_pipeline_options opt = base ? *base : (bti_pipeline_options){.seed = 5};
    bt_error err;

    for (int i = 0; i < N; i++) {
        memset(w->pixels + i * AREA, 6 * i, AREA);
        w->labels[i] = i;
        w->index[i] = (i * 7) % N;
    }
    w->set = (bti_dataset){
        .n = N, .h = H, .w = W, .c = 1, .classes = N, .pixels = w->pixels, .labels = w->labels};
    assert_ok(bti_policy_parse(&w->policy, policy, &err), &err);
    opt.policy = w->policy;
    opt.std[0] = opt.std[1] = opt.std[2] = 1;
    opt.threads = threads;
    assert_ok(bti_pipeline_new(&w->pipe, &w->set, &opt, &err), &err);
}

static void close_world(world *w)
{
    bti_pipeline_free(w->pipe);
    bti_policy_free(w->policy);
}

static bti_batch batch_of(world *w, uint32_t epoch)
{
    return (bti_batch){.epoch = epoch,
                       .index = w->index,
                       .n = N,
                       .x = w->x,
                       .labels = w->got,
                       .targets = w->targets};
}

static void fill(world *w, const char *policy, uint32_t epoch)
{
    bti_batch b;

    open_world(w, policy, 1, NULL);
    b = batch_of(w, epoch);
    bti_pipeline_fill_batch(w->pipe, &b);
    close_world(w);
}

/* Whose pixel this is, if nothing was blended. */
static int owner(float x)
{
    return (int)lrint((double)x * 255 / 6);
}

/* Counts whose pixels image i shows and asks that its target says just that. */
static int check_shares(const world *w, int i)
{
    int count[N] = {0}, images = 0;

    for (int at = 0; at < AREA; at++)
        count[owner(w->x[i * AREA + at])]++;
    for (int k = 0; k < N; k++) {
        double share = (double)count[k] / AREA, target = (double)w->targets[i * N + k];
        if (fabs(share - target) > 1e-6)
            fail_msg("image %d shows %g of class %d, its target says %g", i, share, k, target);
        images += count[k] > 0;
    }
    return images;
}

static void cutmix_shares_the_label_by_pixels(void **state)
{
    static world w;
    int mixed = 0, clipped = 0;

    (void)state;
    for (uint32_t epoch = 0; epoch < 8; epoch++) {
        fill(&w, "cutmix", epoch);
        for (int i = 0; i < N; i++) {
            mixed += check_shares(&w, i) == 2;
            assert_int_equal(w.got[i], w.index[i]);        /* the label proper stays */
            clipped += owner(w.x[i * AREA]) != w.index[i]; /* in the corner: the border cut it */
        }
    }
    assert_in_range(mixed, 250, 8 * N);
    assert_in_range(clipped, 10, 150);
}

static void mosaic_shares_the_label_of_four_by_area(void **state)
{
    static world w;
    int four = 0;

    (void)state;
    fill(&w, "mosaic", 0);
    for (int i = 0; i < N; i++) {
        four += check_shares(&w, i) == 4; /* less when one was drawn twice */
        assert_int_equal(owner(w.x[i * AREA]), w.index[i]);
    }
    assert_in_range(four, 25, N);
}

static void mixup_weighs_pixels_and_labels_alike(void **state)
{
    static world w;
    int far = 0;

    (void)state;
    fill(&w, "mixup:alpha=1", 3);
    for (int i = 0; i < N; i++) {
        double sum = 0, grey = 0;
        for (int k = 0; k < N; k++) {
            sum += (double)w.targets[i * N + k];
            grey += (double)w.targets[i * N + k] * 6 * k / 255;
        }
        assert_true(fabs(sum - 1) < 1e-6);
        for (int at = 0; at < AREA; at++)
            assert_true(fabs((double)w.x[i * AREA + at] - grey) < 1e-6);
        far += fabs((double)w.targets[i * N + w.index[i]] - 0.5) < 0.25; /* half of all, alpha 1 */
    }
    assert_in_range(far, 10, 30);
}

static void a_small_alpha_leaves_one_image_nearly_alone(void **state)
{
    static world w;
    int alone[2] = {0};

    (void)state;
    for (int k = 0; k < 2; k++) {
        fill(&w, k ? "mixup:alpha=0.001" : "mixup:alpha=100", 1);
        for (int i = 0; i < N; i++) {
            double own = (double)w.targets[i * N + w.index[i]];
            assert_true(own >= 0 && own <= 1); /* never NaN */
            alone[k] += own > 0.99 || own < 0.01;
        }
    }
    assert_in_range(alone[0], 0, 3); /* its own partner now and then */
    assert_in_range(alone[1], N - 2, N);
}

static void the_chance_of_mixing_is_p(void **state)
{
    static world w;
    int mixed = 0;

    (void)state;
    for (uint32_t epoch = 0; epoch < 10; epoch++) {
        fill(&w, "mosaic:p=0.25", epoch);
        for (int i = 0; i < N; i++)
            mixed += check_shares(&w, i) > 1;
    }
    assert_in_range(mixed, 70, 130); /* of 400 */
}

static void of_several_ways_each_image_gets_one(void **state)
{
    static world w;
    int blended = 0, cut = 0;

    (void)state;
    fill(&w, "mosaic+mixup:alpha=10", 0);
    for (int i = 0; i < N; i++) {
        bool whole = true; /* one grey level */
        for (int at = 1; at < AREA; at++)
            whole = whole && w.x[i * AREA + at] == w.x[i * AREA];
        blended += whole;
        cut += !whole && check_shares(&w, i) > 2;
    }
    assert_in_range(blended, 8, 32);
    assert_true(blended + cut >= N - 2);
}

static void the_same_bits_for_any_threads_and_any_batch(void **state)
{
    static world a, b;
    const char *policy = "flip+crop:3+randaugment+mixup:alpha=0.4+cutmix+mosaic";
    int labels[N];

    (void)state;
    fill(&a, policy, 4);
    open_world(&b, policy, 7, NULL);
    for (int i = 0; i < N; i++)
        b.index[i] = a.index[N - 1 - i];
    bti_batch batch = batch_of(&b, 4);
    bti_pipeline_fill_batch(b.pipe, &batch);
    for (int i = 0; i < N; i++) {
        assert_memory_equal(a.x + i * AREA, b.x + (N - 1 - i) * AREA, AREA * sizeof(float));
        assert_memory_equal(a.targets + i * N, b.targets + (N - 1 - i) * N, N * sizeof(float));
    }
    memcpy(labels, b.got, sizeof(labels));
    bti_pipeline_fill(b.pipe, 4, b.index, N, b.x, b.got); /* without targets: the same pixels */
    assert_memory_equal(labels, b.got, sizeof(labels));
    assert_memory_equal(a.x, b.x + (N - 1) * AREA, AREA * sizeof(float));
    close_world(&b);
}

static void replay_shows_what_was_mixed(void **state)
{
    static world w;
    uint8_t shown[AREA];

    (void)state;
    open_world(&w, "flip+cutmix:p=0.7", 1, NULL);
    bti_batch b = batch_of(&w, 2);
    bti_pipeline_fill_batch(w.pipe, &b);
    for (int i = 0; i < N; i++) {
        bti_pipeline_show(w.pipe, 2, w.index[i], 0, shown);
        for (int at = 0; at < AREA; at++)
            assert_int_equal(shown[at], 6 * owner(w.x[i * AREA + at]));
    }
    close_world(&w);
}

static void only_the_training_part_is_mixed_in(void **state)
{
    static world w;
    const int32_t part[] = {3, 9, 21};
    bti_pipeline_options opt = {.seed = 1, .partners = part, .n_partners = 3};

    (void)state;
    open_world(&w, "cutmix", 2, &opt);
    bti_batch b = batch_of(&w, 0);
    bti_pipeline_fill_batch(w.pipe, &b);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            if (k != 3 && k != 9 && k != 21 && k != w.index[i])
                assert_true(w.targets[i * N + k] == 0);
    close_world(&w);
}

/* Image 0 with a bright pixel, so that crops differ. */
static void copies_of_an_epoch_are_augmented_anew(void **state)
{
    static world w;
    const int32_t index[3] = {0, 0, 0}, copy[3] = {0, 1, 0};

    (void)state;
    open_world(&w, "crop:7", 1, NULL);
    w.pixels[AREA / 2 + W / 2] = 255;
    bti_batch b = batch_of(&w, 0);
    b.index = index;
    b.n = 3;
    b.copy = copy;
    bti_pipeline_fill_batch(w.pipe, &b);
    assert_memory_equal(w.x, w.x + 2 * AREA, AREA * sizeof(float));
    assert_memory_not_equal(w.x, w.x + AREA, AREA * sizeof(float));
    close_world(&w);
}

static void standard_augmentation_is_flip_and_crop(void **state)
{
    static world w, plain;
    bti_batch b;

    (void)state;
    fill(&plain, "flip+crop:3", 4);
    open_world(&w, "flip+crop:3+cutout+trivialaugment+SamplePairing:0.3+mixup", 1, NULL);
    b = batch_of(&w, 4);
    bti_pipeline_set_standard(w.pipe, true);
    bti_pipeline_fill_batch(w.pipe, &b);
    assert_memory_equal(w.x, plain.x, sizeof(w.x));
    assert_memory_equal(w.targets, plain.targets, sizeof(w.targets));
    close_world(&w);
}

static void mixes_are_one_text_in_any_order(void **state)
{
    bti_policy *p;
    bt_error err;

    (void)state;
    assert_ok(bti_policy_parse(&p, "cutmix:p=0.5+mixup:0.4+flip", &err), &err);
    char *text = bti_policy_text(p);
    assert_string_equal(text, "flip:p=0.5+mixup:alpha=0.4,p=1+cutmix:alpha=1,p=0.5");
    assert_true(bti_policy_mixes(p));
    bti_free(text);
    bti_policy_free(p);
    assert_int_equal(bti_policy_parse(&p, "mixup+cutmix+mixup", &err), BT_INVAL);
    assert_non_null(strstr(err.text, "'mixup' is given twice"));
    assert_int_equal(bti_policy_parse(&p, "mixup:alpha=0", &err), BT_INVAL);
    assert_int_equal(bti_policy_parse(&p, "mosaik", &err), BT_INVAL);
    assert_non_null(strstr(err.text, "did you mean 'mosaic'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cutmix_shares_the_label_by_pixels),
        cmocka_unit_test(mosaic_shares_the_label_of_four_by_area),
        cmocka_unit_test(mixup_weighs_pixels_and_labels_alike),
        cmocka_unit_test(a_small_alpha_leaves_one_image_nearly_alone),
        cmocka_unit_test(the_chance_of_mixing_is_p),
        cmocka_unit_test(of_several_ways_each_image_gets_one),
        cmocka_unit_test(the_same_bits_for_any_threads_and_any_batch),
        cmocka_unit_test(replay_shows_what_was_mixed),
        cmocka_unit_test(only_the_training_part_is_mixed_in),
        cmocka_unit_test(copies_of_an_epoch_are_augmented_anew),
        cmocka_unit_test(standard_augmentation_is_flip_and_crop),
        cmocka_unit_test(mixes_are_one_text_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
