/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches made ahead of the step are those that the step would have made, whoever makes them and
 * whenever; threads end, and no memory is lost when there is none.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/rng.h"
#include "train/feeder.h"
#include <unistd.h>

enum { N = 70, MORE = 30, SIDE = 8, BATCH = 24, BATCHES = 4, VALUES = BATCH * SIDE * SIDE * 3 };

typedef struct world {
    uint8_t pixels[2][N * SIDE * SIDE * 3];
    int32_t labels[2][N];
    bti_dataset set[2];
    bti_view view[2];
    bti_policy *policy;
    bti_feed source;
    int32_t sample[BATCHES * BATCH];
    float want[BATCHES][VALUES], x[VALUES];
    int32_t want_label[BATCHES][BATCH], label[BATCH];
} world;

static bti_parts make_parts(const world *w, int threads)
{
    bti_parts p = {0};
    bt_error e;
    for (int i = 0; i < 2; i++) {
        bti_pipeline_options opt = {.policy = w->policy,
                                    .mean = {0.5f, 0.5f, 0.5f},
                                    .std = {0.2f, 0.3f, 0.4f},
                                    .seed = 5 + (uint64_t)i,
                                    .threads = threads};
        assert_ok(bti_pipeline_new(&p.of[i], &w->set[i], &opt, &e), &e);
    }
    return p;
}

/* Two data sets, four batches of both, and what one thread makes of them. */
static world *make_world(void)
{
    bt_error e;
    world *w = bti_calloc(1, sizeof(*w));
    bti_rng rng = bti_rng_at(3, BTI_RNG_TEST, 0, 0, 0);
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof(w->pixels[i]); k++)
            w->pixels[i][k] = (uint8_t)bti_rng_below(&rng, 256);
        for (int k = 0; k < N; k++)
            w->labels[i][k] = (int32_t)bti_rng_below(&rng, 10);
        w->set[i] = (bti_dataset){.n = i ? MORE : N,
                                  .h = SIDE,
                                  .w = SIDE,
                                  .c = 3,
                                  .classes = 10,
                                  .pixels = w->pixels[i],
                                  .labels = w->labels[i]};
        assert_ok(bti_view_all(&w->view[i], &w->set[i], &e), &e);
    }
    w->source = (bti_feed){.view = {&w->view[0], &w->view[1]}, .batch = BATCH};
    for (int i = 0; i < BATCHES * BATCH; i++)
        w->sample[i] = (i * 37) % (N + MORE);
    assert_ok(bti_policy_parse(&w->policy, "flip+crop:2+randaugment:n=2,m=15", &e), &e);

    bti_parts one = make_parts(w, 1);
    int32_t index[BATCH];
    bti_order order = {.index = index};
    for (int b = 0; b < BATCHES; b++) {
        bti_feed_arrange(&w->source, 2, w->sample + b * BATCH, &order);
        bti_feed_fill(&w->source, &one, &order, 0, BATCH, w->want[b], w->want_label[b]);
    }
    bti_parts_release(&one);
    return w;
}

static void free_world(world *w)
{
    bti_policy_free(w->policy);
    for (int i = 0; i < 2; i++)
        bti_view_release(&w->view[i]);
    bti_free(w);
}

/* As the stepper does it. Returns whether the batch had been begun ahead. */
static bool next(world *w, bti_feeder *f, const bti_parts *own, int b)
{
    int32_t index[BATCH];
    bti_order order = {.index = index};
    memset(w->x, 0, sizeof(w->x));
    if (bti_feeder_take(f, w->sample + b * BATCH, own, w->x, w->label))
        return true;
    bti_feed_arrange(&w->source, 2, w->sample + b * BATCH, &order);
    bti_feed_fill(&w->source, own, &order, 0, BATCH, w->x, w->label);
    return false;
}

static void batches_are_the_same_bits_for_any_number_of_threads_beside_any_team(void **state)
{
    world *w = make_world();
    static const int counts[] = {1, 2, 4};
    int64_t live = bti_alloc_live();
    bt_error e;
    (void)state;
    for (int run = 0; run < 9; run++) {
        int ahead = counts[run / 3], began = 0;
        bti_parts own = make_parts(w, counts[run % 3]), parts[4];
        bti_feeder *f;
        for (int k = 0; k < ahead; k++)
            parts[k] = make_parts(w, 1);
        assert_ok(bti_feeder_new(&f, &w->source, parts, ahead, &e), &e);
        for (int epoch = 0; epoch < 10; epoch++) {
            bti_feeder_announce(f, 2, w->sample, BATCHES);
            for (int b = 0; b < BATCHES; b++) {
                usleep(epoch % 3 * 200); /* at once, in the middle, when all are ready */
                began += next(w, f, &own, b);
                assert_memory_equal(w->x, w->want[b], sizeof(w->x));
                assert_memory_equal(w->label, w->want_label[b], sizeof(w->label));
            }
        }
        assert_true(began > 0);
        bti_feeder_free(f);
        for (int k = 0; k < ahead; k++)
            bti_parts_release(&parts[k]);
        bti_parts_release(&own);
    }
    assert_int_equal(bti_alloc_live(), live);
    free_world(w);
}

static void another_series_may_begin_in_the_middle_of_one(void **state)
{
    world *w = make_world();
    bti_parts parts[2] = {make_parts(w, 1), make_parts(w, 1)}, own = make_parts(w, 2);
    bti_feeder *f;
    bt_error e;
    (void)state;
    assert_ok(bti_feeder_new(&f, &w->source, parts, 2, &e), &e);
    assert_false(bti_feeder_take(f, w->sample, &own, w->x, w->label)); /* nothing announced */
    for (int i = 0; i < 60; i++) {
        bti_feeder_announce(f, 7, w->sample, BATCHES); /* another epoch: other pixels */
        usleep((useconds_t)(i % 4) * 100);
        if (i % 2)
            next(w, f, &own, 0);
        bti_feeder_announce(f, 2, w->sample + BATCH, BATCHES - 1);
        assert_false(bti_feeder_take(f, w->sample, &own, w->x, w->label)); /* not of the series */
        for (int b = 1; b < BATCHES; b++) {
            next(w, f, &own, b);
            assert_memory_equal(w->x, w->want[b], sizeof(w->x));
        }
    }
    bti_feeder_free(f); /* with work under way */
    for (int k = 0; k < 2; k++)
        bti_parts_release(&parts[k]);
    bti_parts_release(&own);
    free_world(w);
}

static void a_team_on_all_cores_gets_no_threads_beside_it(void **state)
{
    int cores = bti_cpu_count();
    (void)state;
    assert_int_equal(bti_feeder_spare(cores), 0);
    assert_int_equal(bti_feeder_spare(cores + 3), 0);
    if (cores > 1)
        assert_int_equal(bti_feeder_spare(1), 1);
}

static void a_failed_allocation_leaves_no_thread_and_no_memory(void **state)
{
    world *w = make_world();
    bti_parts parts[2] = {make_parts(w, 1), make_parts(w, 1)};
    int64_t live = bti_alloc_live();
    bti_feeder *f;
    bt_error e;
    bt_status rc;
    int n = 0;
    (void)state;
    do {
        bti_alloc_fail_at(++n);
        rc = bti_feeder_new(&f, &w->source, parts, 2, &e);
        bti_alloc_fail_at(0);
        assert_true(rc == BT_OK || (rc == BT_NOMEM && !f));
    } while (rc);
    assert_true(n > 5);
    bti_feeder_free(f);
    assert_int_equal(bti_alloc_live(), live);
    for (int k = 0; k < 2; k++)
        bti_parts_release(&parts[k]);
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_the_same_bits_for_any_number_of_threads_beside_any_team),
        cmocka_unit_test(another_series_may_begin_in_the_middle_of_one),
        cmocka_unit_test(a_team_on_all_cores_gets_no_threads_beside_it),
        cmocka_unit_test(a_failed_allocation_leaves_no_thread_and_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
