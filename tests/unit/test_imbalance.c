/* SPDX-License-Identifier: Apache-2.0
 *
 * Unequal classes: draws, weights and offsets against values worked out by hand, the order of an
 * epoch, and what each way does for a rare class.
 */
#include "stripes.h"

#include "base/files.h"
#include "train/imbalance.h"
#include <math.h>

static void assert_draws(const char *sampling, int64_t a, int64_t b, int64_t c)
{
    const int64_t images[4] = {100, 50, 0, 10};
    int64_t draws[4];

    bti_class_draws(draws, images, 4, sampling);
    if (draws[0] != a || draws[1] != b || draws[2] != 0 || draws[3] != c)
        fail_msg("%s: %lld %lld %lld %lld", sampling, (long long)draws[0], (long long)draws[1],
                 (long long)draws[2], (long long)draws[3]);
}

static void draws_are_those_worked_out_by_hand(void **state)
{
    (void)state;
    assert_draws("shuffle", 100, 50, 10);
    assert_draws("balanced", 53, 54, 53);             /* 160 / 3, borders 53.3 and 106.7 */
    assert_draws("sqrt", 79, 56, 25);                 /* 10 : 7.071 : 3.162 */
    assert_draws("oversample:ratio=0.5", 80, 40, 40); /* 100 : 50 : 50 */
    assert_draws("oversample", 80, 40, 40);
    assert_draws("oversample:0.2", 94, 47, 19); /* 100 : 50 : 20, borders 94.1 and 141.2 */
    assert_draws("oversample:ratio=0", 100, 50, 10);
    assert_draws("oversample:ratio=1", 53, 54, 53);
}

static void weights_are_those_worked_out_by_hand(void **state)
{
    const int64_t images[3] = {10, 1, 0};
    float w[3];

    (void)state;
    bti_class_weights(w, images, 3, "balanced"); /* 11 / (2 * images) */
    assert_true(fabsf(w[0] - 0.55f) < 1e-6f && fabsf(w[1] - 5.5f) < 1e-6f && w[2] == 0);
    /* 0.1 / (1 - 0.9^10) = 0.1535340 and 0.1 / 0.1 = 1, times 2 / 1.1535340 */
    bti_class_weights(w, images, 3, "effective:beta=0.9");
    assert_true(fabsf(w[0] - 0.2661976f) < 1e-6f && fabsf(w[1] - 1.7338024f) < 1e-6f && w[2] == 0);
    bti_class_weights(w, images, 3, "effective:0"); /* no image counts less than the first */
    assert_true(w[0] == 1 && w[1] == 1);
    bti_class_weights(w, images, 3, "effective:0.9999999"); /* nearly balanced: 1 : 10 */
    assert_true(fabsf(w[1] / w[0] - 10) < 1e-4f);
}

static void offsets_are_tau_times_the_logarithm_of_the_share(void **state)
{
    const int64_t images[3] = {90, 10, 0};
    float offset[3];

    (void)state;
    bti_logit_offsets(offset, images, 3, 1);
    assert_true(fabsf(offset[0] + 0.1053605f) < 1e-6f && fabsf(offset[1] + 2.3025851f) < 1e-6f);
    assert_true(fabsf(offset[2] + 4.6051702f) < 1e-6f); /* as one image */
    bti_logit_offsets(offset, images, 3, 2);
    assert_true(fabsf(offset[1] + 4.6051702f) < 1e-6f);
}

static void a_wrong_way_gets_the_ways(void **state)
{
    static const char *const bad[] = {"fair", "oversample:ratio=2", "balanced:1",
                                      "oversample:", ""};
    bt_error e;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(bti_sampling_check(bad[i], &e), BT_INVAL);
        assert_non_null(strstr(e.text, "shuffle, balanced, sqrt or oversample:ratio=0..1"));
    }
    assert_int_equal(bti_class_weights_check("effective:beta=1", &e), BT_INVAL);
    assert_non_null(strstr(e.text, "none, balanced or effective:beta=0..0.9999999"));
}

/* Of the 190 images: 0 stays, class 1 keeps one in three, class 2 one in nine; the rest is 0. */
static void make_unequal(bench *b)
{
    int seen[CLASSES] = {0};

    for (int i = 0; i < 190; i++) {
        int32_t *label = &b->train.labels[i];
        int nth = seen[*label]++;
        if ((*label == 1 && nth % 3) || (*label == 2 && nth % 9))
            *label = 0;
    }
}

static void an_epoch_draws_no_image_twice_before_all_of_its_class(void **state)
{
    static const char *const ways[] = {"shuffle", "balanced", "sqrt", "oversample:ratio=0.9"};
    bench *b = *state;
    bt_error e;

    make_unequal(b);
    for (int k = 0; k < 4; k++) {
        bti_epoch_order o;
        int64_t images[CLASSES], draws[CLASSES], drawn[CLASSES] = {0};
        int times[190] = {0};
        assert_ok(bt_recipe_set(&b->job.recipe, "sampling", ways[k], NULL, 0, &e), &e);
        assert_ok(bti_epoch_order_init(&o, &b->job, &e), &e);
        assert_int_equal(o.n, 190);
        bti_epoch_order_draw(&o, 7, 3);
        bti_class_images(images, &b->job);
        bti_class_draws(draws, images, CLASSES, ways[k]);
        for (int i = 0; i < 190; i++) {
            assert_in_range(o.order[i], 0, 189);
            assert_int_equal(o.copy ? o.copy[i] : 0, times[o.order[i]]);
            times[o.order[i]]++;
            drawn[b->train.labels[o.order[i]]]++;
        }
        for (int i = 0; i < 190; i++) {
            int64_t c = b->train.labels[i], least = draws[c] / images[c];
            assert_in_range(times[i], least, least + (draws[c] % images[c] > 0));
        }
        assert_memory_equal(drawn, draws, sizeof(draws));
        bti_epoch_order_release(&o);
    }
}

static void an_epochs_order_is_its_own_and_replays(void **state)
{
    bench *b = *state;
    bti_epoch_order one, other;
    bt_error e;

    make_unequal(b);
    snprintf(b->job.recipe.sampling, sizeof(b->job.recipe.sampling), "balanced");
    assert_ok(bti_epoch_order_init(&one, &b->job, &e), &e);
    assert_ok(bti_epoch_order_init(&other, &b->job, &e), &e);
    size_t bytes = (size_t)one.n * sizeof(int32_t);
    bti_epoch_order_draw(&one, 1, 5);
    for (uint32_t epoch = 4; epoch <= 6; epoch++) {
        bti_epoch_order_draw(&other, 1, epoch);
        assert_int_equal(!memcmp(one.order, other.order, bytes), epoch == 5);
    }
    bti_epoch_order_draw(&other, 1, 5);
    assert_memory_equal(one.order, other.order, bytes);
    assert_memory_equal(one.copy, other.copy, bytes);
    bti_epoch_order_release(&one);
    bti_epoch_order_release(&other);
}

static double rare_recall(bench *b, const char *key, const char *value)
{
    bti_job job = b->job;
    bti_outcome o;
    bti_score score;
    bt_error e;

    if (key)
        assert_ok(bt_recipe_set(&job.recipe, key, value, NULL, 0, &e), &e);
    assert_ok(bti_train_job(&o, &job, &e), &e);
    assert_ok(
        bti_evaluate(&score, b->graph, o.weights, &b->val.set, NULL, job.mean, job.std, 2, &e), &e);
    double recall = score.recall[2];
    bti_score_release(&score);
    bti_outcome_release(&o);
    return recall;
}

/* Chess boards are mostly labelled as horizontal stripes, a quarter of vertical ones as the rare
 * class: what vertical stripes are taken for is a matter of how much the rare class counts. */
static void every_way_lifts_the_rare_class(void **state)
{
    static const char *const ways[][2] = {{"sampling", "balanced"},
                                          {"sampling", "oversample:ratio=1"},
                                          {"class_weights", "balanced"},
                                          {"class_weights", "effective:beta=0.999"},
                                          {"logit_adjustment", "1"}};
    bench *b = *state;
    int vertical = 0;

    for (int i = 0; i < 190; i++) {
        int32_t *label = &b->train.labels[i];
        *label = *label == 2 ? 1 : *label == 1 && vertical++ % 4 == 0 ? 2 : 0;
    }
    for (int i = 0; i < 60; i++)
        b->val.labels[i] = b->val.labels[i] == 0 ? 0 : 3 - b->val.labels[i];
    b->job.recipe.epochs = 12;
    double before = rare_recall(b, NULL, NULL);
    for (int k = 0; k < 5; k++) {
        double after = rare_recall(b, ways[k][0], ways[k][1]);
        if (!(after > before + 0.5))
            fail_msg("%s %s: recall of the rare class %g, plain %g", ways[k][0], ways[k][1], after,
                     before);
    }
}

static int stop_after_two(void *user, const bti_epoch *e)
{
    return *(int *)user && e->epoch == 2;
}

static void a_stopped_training_on_drawn_images_goes_on_bit_for_bit(void **state)
{
    bench *b = *state;
    char *path = bti_path_join(test_tmp_dir(), "drawn.safetensors");
    bti_outcome whole, part, rest;
    bt_error e;
    int stop = 1;

    make_unequal(b);
    snprintf(b->job.recipe.sampling, sizeof(b->job.recipe.sampling), "oversample:ratio=0.8");
    b->job.recipe.logit_adjustment = 1;
    assert_ok(bti_train_job(&whole, &b->job, &e), &e);
    b->job.checkpoint = path;
    b->job.resume = true;
    b->job.on_epoch = stop_after_two;
    b->job.user = &stop;
    assert_int_equal(bti_train_job(&part, &b->job, &e), BT_STOPPED);
    bti_outcome_release(&part);
    stop = 0;
    assert_ok(bti_train_job(&rest, &b->job, &e), &e);
    assert_memory_equal(whole.weights, rest.weights, (size_t)b->graph->n_floats * sizeof(float));
    bti_outcome_release(&whole);
    bti_outcome_release(&rest);
    bti_free(path);
}

static void no_memory_at_any_point_is_a_status_and_leaks_nothing(void **state)
{
    bench *b = *state;
    bti_outcome o;
    bt_error e;
    int64_t n = 0, live = bti_alloc_live();
    bt_status rc;

    snprintf(b->job.recipe.augment, sizeof(b->job.recipe.augment), "mixup");
    snprintf(b->job.recipe.sampling, sizeof(b->job.recipe.sampling), "sqrt");
    snprintf(b->job.recipe.class_weights, sizeof(b->job.recipe.class_weights), "effective");
    b->job.recipe.logit_adjustment = 1;
    b->job.recipe.epochs = 1;
    b->job.threads = 1;
    do {
        bti_alloc_fail_at(++n);
        rc = bti_train_job(&o, &b->job, &e);
        bti_alloc_fail_at(0);
        assert_true(rc == BT_OK || rc == BT_NOMEM);
        bti_outcome_release(&o);
        assert_int_equal(bti_alloc_live(), live);
    } while (rc);
    assert_true(n > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_those_worked_out_by_hand),
        cmocka_unit_test(weights_are_those_worked_out_by_hand),
        cmocka_unit_test(offsets_are_tau_times_the_logarithm_of_the_share),
        cmocka_unit_test(a_wrong_way_gets_the_ways),
        TEST(an_epoch_draws_no_image_twice_before_all_of_its_class),
        TEST(an_epochs_order_is_its_own_and_replays),
        TEST(every_way_lifts_the_rare_class),
        TEST(a_stopped_training_on_drawn_images_goes_on_bit_for_bit),
        TEST(no_memory_at_any_point_is_a_status_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
