/* SPDX-License-Identifier: Apache-2.0
 *
 * Training a tiny model on stripes: it learns, it stops and goes on bit for bit, it notices
 * divergence, and no memory is lost when there is none.
 */
#include "stripes.h"

#include "base/alloc.h"
#include "base/files.h"
#include "base/rng.h"
#include "nn/net.h"
#include "train/trainer.h"
#include <math.h>

static void running_statistics_do_not_remember_their_start(void **state)
{
    bench *b = *state;
    bt_error e;
    bti_outcome few, many;
    b->job.recipe.batch = 190; /* every step sees the same images and changes nothing */
    b->job.recipe.lr = 0;
    snprintf(b->job.recipe.augment, sizeof(b->job.recipe.augment), "none");
    b->job.recipe.epochs = 2;
    assert_ok(bti_train_job(&few, &b->job, &e), &e);
    b->job.recipe.epochs = 40;
    assert_ok(bti_train_job(&many, &b->job, &e), &e);
    for (int k = 0; k < b->graph->n_tensors; k++) {
        const bti_tensor *x = &b->graph->tensor[k];
        for (int64_t i = x->offset; i < x->offset + x->size; i++)
            assert_true(fabs(few.weights[i] - many.weights[i]) <
                        1e-4 * (1 + fabs(many.weights[i])));
    }
    bti_outcome_release(&few);
    bti_outcome_release(&many);
}

static void the_loss_falls_and_the_classes_are_told_apart(void **state)
{
    bench *b = *state;
    bti_outcome o;
    bt_error e;
    assert_ok(bti_train_job(&o, &b->job, &e), &e);
    assert_int_equal(o.epochs_done, 4);
    assert_int_equal(o.images, 4 * 176); /* the last partial batch is dropped */
    assert_int_equal(bti_json_len(o.curve), 4);
    double first = bti_json_as_num(bti_json_get(bti_json_at(o.curve, 0), "loss"), 0);
    assert_true(o.loss < 0.5 * first);
    assert_true(o.val_accuracy > 0.95);
    assert_true(o.images_per_s > 0 && o.train_s > 0 && o.eval_s > 0 && o.train_cpu_s > 0);

    bti_score s;
    assert_ok(
        bti_evaluate(&s, b->graph, o.weights, &b->val.set, NULL, b->job.mean, b->job.std, 2, &e),
        &e);
    assert_int_equal(s.n, 60);
    assert_true(s.accuracy == o.val_accuracy);
    assert_true(fabs(s.macro_f1 - o.val_f1_macro) < 1e-12);
    double recall = 0;
    for (int c = 0; c < s.classes; c++) /* every class has images here */
        recall += s.recall[c] / s.classes;
    assert_true(fabs(recall - o.val_balanced_accuracy) < 1e-12);
    assert_int_equal(s.correct, (int)round(60 * s.accuracy));
    assert_int_equal(s.count[0] + s.count[1] + s.count[2], 60);
    assert_int_equal(s.confusion[0] + s.confusion[4] + s.confusion[8], s.correct);
    assert_int_equal(s.confusion[3] + s.confusion[4] + s.confusion[5], s.count[1]);
    assert_true(s.top5 == 1); /* of three classes */
    assert_true(s.lo < s.accuracy && s.accuracy <= s.hi && s.hi <= 1);
    if (s.accuracy == 1) {
        assert_true(fabs(s.lo - 60 / (60 + 1.959963984540054 * 1.959963984540054)) < 1e-12);
        assert_true(s.macro_f1 == 1 && s.recall[1] == 1 && s.precision[2] == 1);
    }
    bti_score_release(&s);
    bti_outcome_release(&o);
}

static void one_seed_gives_one_model_and_two_give_two(void **state)
{
    bench *b = *state;
    bti_outcome a, again, other;
    bt_error e;
    size_t bytes = (size_t)b->graph->n_floats * sizeof(float);
    assert_ok(bti_train_job(&a, &b->job, &e), &e);
    assert_ok(bti_train_job(&again, &b->job, &e), &e);
    b->job.seed = 1;
    assert_ok(bti_train_job(&other, &b->job, &e), &e);
    assert_memory_equal(a.weights, again.weights, bytes);
    assert_memory_not_equal(a.weights, other.weights, bytes);
    bti_outcome_release(&a);
    bti_outcome_release(&again);
    bti_outcome_release(&other);
}

/* Sets the flag once a report is at or past a step of an epoch. */
typedef struct stopper {
    volatile int flag;
    int after_epoch, after_done;
} stopper;

static void stop_in_the_middle(void *user, const bt_event *event)
{
    stopper *s = user;
    if (event->kind == BT_EVENT_TRAIN && event->epoch == s->after_epoch &&
        event->done >= s->after_done)
        s->flag = 1;
}

static int stop_after_second(void *user, const bti_epoch *e)
{
    (void)user;
    return e->epoch == 2;
}

static void assert_same_end(bench *b, const bti_outcome *whole, const bti_outcome *resumed)
{
    assert_memory_equal(whole->weights, resumed->weights,
                        (size_t)b->graph->n_floats * sizeof(float));
    assert_int_equal(resumed->epochs_done, whole->epochs_done);
    assert_true(whole->loss == resumed->loss && whole->val_accuracy == resumed->val_accuracy);
    assert_int_equal(bti_json_len(resumed->curve), bti_json_len(whole->curve));
    for (size_t i = 0; i < bti_json_len(whole->curve); i++)
        assert_true(bti_json_as_num(bti_json_get(bti_json_at(whole->curve, i), "loss"), -1) ==
                    bti_json_as_num(bti_json_get(bti_json_at(resumed->curve, i), "loss"), -2));
}

static void threads_that_work_ahead_change_nothing(void **state)
{
    bench *b = *state;
    static const int counts[] = {1, 2, 4};
    bt_error e;
    b->job.recipe.epochs = 2;
    b->job.extra = &b->val.view;
    snprintf(b->job.recipe.augment, sizeof(b->job.recipe.augment),
             "flip+crop:1+randaugment:n=2,m=15");
    for (int i = 0; i < 3; i++) {
        bti_outcome without, with;
        b->job.threads = counts[i];
        b->job.ahead = 0;
        assert_ok(bti_train_job(&without, &b->job, &e), &e);
        for (int k = 0; k < 3; k++) {
            b->job.ahead = counts[k];
            assert_ok(bti_train_job(&with, &b->job, &e), &e);
            assert_same_end(b, &without, &with);
            bti_outcome_release(&with);
        }
        bti_outcome_release(&without);
    }
}

/* Shared labels, repeated images, a policy that ends: asking for threads ahead changes nothing. */
static void what_cannot_be_made_ahead_is_not(void **state)
{
    bench *b = *state;
    static const char *const recipes[][2] = {
        {"augment", "flip+mixup"}, {"sampling", "balanced"}, {"no_aug_epochs", "1"}};
    const bt_recipe usual = b->job.recipe;
    bt_error e;
    b->job.extra = &b->val.view;
    b->job.threads = 1;
    for (int i = 0; i < 3; i++) {
        bti_outcome without, with;
        b->job.recipe = usual;
        b->job.recipe.epochs = 2;
        assert_ok(
            bt_recipe_set(&b->job.recipe, "augment", "flip+randaugment:n=2,m=15", NULL, 0, &e), &e);
        assert_ok(bt_recipe_set(&b->job.recipe, recipes[i][0], recipes[i][1], NULL, 0, &e), &e);
        b->job.ahead = 0;
        assert_ok(bti_train_job(&without, &b->job, &e), &e);
        b->job.ahead = 2;
        assert_ok(bti_train_job(&with, &b->job, &e), &e);
        assert_same_end(b, &without, &with);
        bti_outcome_release(&with);
        bti_outcome_release(&without);
    }
}

static void a_stopped_training_goes_on_bit_for_bit(void **state)
{
    bench *b = *state;
    bti_outcome whole, part, rest;
    bt_error e;
    assert_ok(bti_train_job(&whole, &b->job, &e), &e);

    char *path = bti_path_join(test_tmp_dir(), "checkpoint.safetensors");
    bti_job job = b->job;
    stopper s = {.after_epoch = 2, .after_done = 1};
    job.checkpoint = path;
    job.resume = true; /* nothing there yet: starts from the beginning */
    job.progress = (bt_progress){stop_in_the_middle, &s};
    job.stop.flag = &s.flag;
    assert_int_equal(bti_train_job(&part, &job, &e), BT_STOPPED);
    assert_non_null(strstr(e.text, "epoch"));
    assert_non_null(part.weights);
    assert_true(bti_is_file(path));
    bti_outcome_release(&part);

    s = (stopper){.after_epoch = 99};
    assert_ok(bti_train_job(&rest, &job, &e), &e);
    assert_same_end(b, &whole, &rest);
    bti_outcome_release(&rest);

    /* Between two epochs, at the wish of the caller. */
    remove(path);
    job.on_epoch = stop_after_second;
    assert_int_equal(bti_train_job(&part, &job, &e), BT_STOPPED);
    assert_int_equal(part.epochs_done, 2);
    bti_outcome_release(&part);
    job.on_epoch = NULL;
    assert_ok(bti_train_job(&rest, &job, &e), &e);
    assert_same_end(b, &whole, &rest);
    bti_outcome_release(&rest);

    /* Again and again, a few steps at a time. */
    remove(path);
    job.progress = (bt_progress){0};
    bt_status rc = BT_STOPPED;
    for (int stops = 0; rc == BT_STOPPED; stops++) {
        job.stop = (bt_stop){.deadline_s = stops < 40 ? bt_now() + 0.004 : 0};
        rc = bti_train_job(&rest, &job, &e);
        if (rc == BT_STOPPED)
            bti_outcome_release(&rest);
    }
    assert_int_equal(rc, BT_OK);
    assert_same_end(b, &whole, &rest);
    bti_outcome_release(&rest);
    bti_outcome_release(&whole);
    bti_free(path);
}

static void adam_with_averaged_weights_goes_on_bit_for_bit(void **state)
{
    bench *b = *state;
    const char *pairs[][2] = {{"optimizer", "adamw"},       {"lr", "0.01"},       {"ema", "0.9"},
                              {"schedule", "onecycle"},     {"decay", "weights"}, {"clip", "1"},
                              {"class_weights", "balanced"}};
    bti_outcome whole, part, rest;
    bt_error e;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_ok(bt_recipe_set(&b->job.recipe, pairs[i][0], pairs[i][1], NULL, 0, &e), &e);
    assert_ok(bti_train_job(&whole, &b->job, &e), &e);
    assert_true(whole.val_accuracy > 0.9);

    char *path = bti_path_join(test_tmp_dir(), "adam.safetensors");
    bti_job job = b->job;
    stopper s = {.after_epoch = 2, .after_done = 1};
    job.checkpoint = path;
    job.resume = true;
    job.progress = (bt_progress){stop_in_the_middle, &s};
    job.stop.flag = &s.flag;
    assert_int_equal(bti_train_job(&part, &job, &e), BT_STOPPED);
    bti_outcome_release(&part);
    s = (stopper){.after_epoch = 99};
    assert_ok(bti_train_job(&rest, &job, &e), &e);
    assert_same_end(b, &whole, &rest);
    bti_outcome_release(&rest);
    bti_outcome_release(&whole);
    bti_free(path);
}

/* The weights that `epochs` of a schedule give; yours. */
static float *weights_of(const bench *b, const char *schedule, int epochs)
{
    bti_job job = b->job;
    bti_outcome o;
    bt_error e;
    assert_ok(bt_recipe_set(&job.recipe, "schedule", schedule, NULL, 0, &e), &e);
    job.recipe.epochs = epochs;
    assert_ok(bti_train_job(&o, &job, &e), &e);
    float *weights = o.weights;
    o.weights = NULL;
    bti_outcome_release(&o);
    return weights;
}

static void schedules_move_the_momentum_and_count_epochs(void **state)
{
    bench *b = *state;
    const bti_tensor *first = &b->graph->tensor[0];
    size_t bytes = (size_t)b->graph->n_floats * sizeof(float);
    float *cycled = weights_of(b, "onecycle", 2);
    float *still = weights_of(b, "onecycle:max_momentum=0", 2);
    float *same = weights_of(b, "onecycle:base_momentum=0.9,max_momentum=0.9", 2);
    assert_memory_not_equal(cycled, still, bytes);
    assert_memory_equal(same, still, bytes); /* the recipe's momentum is 0.9 */
    float *one = weights_of(b, "constant", 1);
    float *stands = weights_of(b, "step:milestones=1,gamma=0", 3);
    assert_int_equal(first->kind, BTI_TENSOR_WEIGHT);
    assert_memory_equal(one + first->offset, stands + first->offset,
                        (size_t)first->size * sizeof(float));
    float *all[] = {cycled, still, same, one, stands};
    for (int i = 0; i < 5; i++)
        bti_free(all[i]);
}

static void the_average_of_weights_is_what_is_measured_and_kept(void **state)
{
    bench *b = *state;
    bti_outcome with, without;
    bti_score score;
    bt_error e;
    size_t bytes = (size_t)b->graph->n_floats * sizeof(float);
    assert_ok(bti_train_job(&without, &b->job, &e), &e);
    b->job.recipe.ema = 0.99;
    assert_ok(bti_train_job(&with, &b->job, &e), &e);
    assert_true(with.loss == without.loss); /* training itself does not notice */
    assert_memory_not_equal(with.weights, without.weights, bytes);
    assert_ok(bti_evaluate(&score, b->graph, with.weights, &b->val.set, NULL, b->job.mean,
                           b->job.std, 2, &e),
              &e);
    assert_true(score.accuracy == with.val_accuracy);
    bti_score_release(&score);
    bti_outcome_release(&with);
    bti_outcome_release(&without);
}

static void decay_of_weights_alone_spares_batch_norm_and_biases(void **state)
{
    bench *b = *state;
    b->job.recipe.epochs = 1;
    b->job.recipe.weight_decay = 1e3;
    snprintf(b->job.recipe.decay, sizeof(b->job.recipe.decay), "weights");
    float *first = bti_array((size_t)b->graph->n_floats, sizeof(float));
    bti_outcome o;
    bt_error e;
    b->job.recipe.lr = 1e-7; /* the gradient moves little, the decay a lot */
    bti_init_weights(b->graph, b->job.seed, first);
    assert_ok(bti_train_job(&o, &b->job, &e), &e);
    for (int i = 0; i < b->graph->n_tensors; i++) {
        const bti_tensor *t = &b->graph->tensor[i];
        double moved = 0;
        for (int64_t k = t->offset; k < t->offset + t->size; k++)
            moved = fmax(moved, fabs((double)(o.weights[k] - first[k])));
        if (t->kind == BTI_TENSOR_WEIGHT)
            assert_true(moved > 1e-4);
        else if (t->kind != BTI_TENSOR_MEAN && t->kind != BTI_TENSOR_VAR)
            assert_true(moved < 2e-5);
    }
    bti_free(first);
    bti_outcome_release(&o);
}

/* Horizontal stripes are 0, a chess board 1, vertical stripes 2 once in four and 0 else: who counts
 * images alike never says 2; with each class of equal weight vertical stripes are 2. */
static void balanced_classes_lift_the_rare_one(void **state)
{
    bench *b = *state;
    double recall[2];
    int vertical = 0;
    bt_error e;
    for (int i = 0; i < 190; i++) {
        int32_t *label = &b->train.labels[i];
        *label = *label == 2 ? 1 : *label == 1 && vertical++ % 4 == 0 ? 2 : 0;
    }
    for (int i = 0; i < 60; i++)
        b->val.labels[i] = b->val.labels[i] == 0 ? 0 : 3 - b->val.labels[i];
    for (int k = 0; k < 2; k++) {
        bti_outcome o;
        bti_score score;
        snprintf(b->job.recipe.class_weights, sizeof(b->job.recipe.class_weights), "%s",
                 k ? "balanced" : "none");
        assert_ok(bti_train_job(&o, &b->job, &e), &e);
        assert_ok(bti_evaluate(&score, b->graph, o.weights, &b->val.set, NULL, b->job.mean,
                               b->job.std, 2, &e),
                  &e);
        recall[k] = score.recall[2];
        const double mean = (score.recall[0] + score.recall[1] + score.recall[2]) / 3;
        assert_true(fabs(score.balanced - mean) < 1e-12);
        bti_score_release(&score);
        bti_outcome_release(&o);
    }
    if (!(recall[1] > recall[0] + 0.5))
        fail_msg("recall of the rare class: %g plain, %g balanced", recall[0], recall[1]);
}

static void a_checkpoint_of_another_training_is_refused(void **state)
{
    bench *b = *state;
    bti_outcome o;
    bt_error e;
    char *path = bti_path_join(test_tmp_dir(), "c.safetensors");
    bti_job job = b->job;
    job.checkpoint = path;
    job.resume = true;
    job.on_epoch = stop_after_second;
    assert_int_equal(bti_train_job(&o, &job, &e), BT_STOPPED);
    bti_outcome_release(&o);
    job.seed = 5;
    assert_int_equal(bti_train_job(&o, &job, &e), BT_INVAL);
    assert_non_null(strstr(e.text, "seed"));
    job.seed = 0;
    job.recipe.lr = 0.05;
    assert_int_equal(bti_train_job(&o, &job, &e), BT_INVAL);
    assert_non_null(strstr(e.text, "lr"));
    assert_ok(bti_file_write(path, "12345678{}", 10, &e), &e);
    assert_int_equal(bti_train_job(&o, &job, &e), BT_FORMAT);
    bti_free(path);
}

static void divergence_names_its_epoch_and_step(void **state)
{
    bench *b = *state;
    bti_outcome o;
    bt_error e;
    b->job.recipe.lr = NAN;
    assert_int_equal(bti_train_job(&o, &b->job, &e), BT_DIVERGED);
    assert_non_null(strstr(e.text, "epoch 1, step 2"));
    assert_null(o.weights);
    bti_outcome_release(&o);
    b->job.recipe.lr = 1e6; /* grows with weight decay until it overflows */
    b->job.recipe.weight_decay = 1;
    assert_int_equal(bti_train_job(&o, &b->job, &e), BT_DIVERGED);
    bti_outcome_release(&o);
    b->job.train = NULL;
}

static void few_images_make_one_smaller_batch(void **state)
{
    bench *b = *state;
    bti_outcome o;
    bt_error e;
    b->train.view.n = 7;
    b->job.recipe.epochs = 1;
    b->job.val = NULL;
    assert_ok(bti_train_job(&o, &b->job, &e), &e);
    assert_int_equal(o.images, 7);
    assert_true(o.val_accuracy < 0);
    bti_outcome_release(&o);
    b->train.view.n = 0;
    assert_int_equal(bti_train_job(&o, &b->job, &e), BT_INVAL);
}

static void extra_samples_are_trained_on_too(void **state)
{
    bench *b = *state;
    bti_outcome o, without;
    bt_error e;
    b->job.val = NULL;
    b->job.recipe.epochs = 1;
    assert_ok(bti_train_job(&without, &b->job, &e), &e);
    b->job.extra = &b->val.view;
    assert_ok(bti_train_job(&o, &b->job, &e), &e);
    assert_int_equal(o.images, 240); /* 190 + 60 in batches of 16 */
    bti_outcome_release(&o);
    bti_outcome_release(&without);
}

static void a_passed_deadline_stops_before_the_first_step(void **state)
{
    bench *b = *state;
    bti_outcome o;
    bt_error e;
    b->job.stop.deadline_s = bt_now() - 1;
    assert_int_equal(bti_train_job(&o, &b->job, &e), BT_STOPPED);
    assert_int_equal(o.images, 0);
    assert_non_null(o.weights);
    bti_outcome_release(&o);
}

typedef struct seen {
    int times;
    int64_t images;
    float first_weight;
} seen;

static void look(void *user, const float *weights, int64_t images)
{
    seen *s = user;
    s->times++;
    s->images = images;
    s->first_weight = weights[0];
}

static void snapshots_show_the_weights_so_far(void **state)
{
    bench *b = *state;
    bti_outcome o;
    bt_error e;
    seen s = {0};
    b->job.recipe.epochs = 1;
    b->job.on_snapshot = look; /* snapshot_s is 0: after every step */
    b->job.user = &s;
    assert_ok(bti_train_job(&o, &b->job, &e), &e);
    assert_int_equal(s.times, 11);
    assert_int_equal(s.images, o.images);
    assert_true(s.first_weight == o.weights[0]);
    bti_outcome_release(&o);
}

static void data_that_does_not_fit_the_model_is_refused(void **state)
{
    bench *b = *state;
    bti_outcome o;
    bt_error e;
    b->train.set.classes = 4;
    assert_int_equal(bti_train_job(&o, &b->job, &e), BT_INVAL);
    assert_non_null(strstr(e.text, "4 classes"));
    b->train.set.classes = CLASSES;
    b->train.set.h = 7;
    assert_int_equal(bti_train_job(&o, &b->job, &e), BT_INVAL);
}

static void no_memory_at_any_point_is_a_status_and_leaks_nothing(void **state)
{
    bench *b = *state;
    char *path = bti_path_join(test_tmp_dir(), "m.safetensors");
    bt_status rc = BT_NOMEM;
    int64_t live = bti_alloc_live();
    b->job.recipe.epochs = 2;
    b->job.recipe.ema = 0.9;
    snprintf(b->job.recipe.class_weights, sizeof(b->job.recipe.class_weights), "balanced");
    b->job.checkpoint = path;
    b->job.checkpoint_s = 0;
    b->train.view.n = 32;
    for (int64_t n = 1; rc; n++) {
        bti_outcome o;
        bt_error e;
        assert_in_range(n, 1, 5000);
        bti_alloc_fail_at(n);
        rc = bti_train_job(&o, &b->job, &e);
        bti_alloc_fail_at(0);
        if (rc != BT_OK && rc != BT_NOMEM)
            fail_msg("allocation %d failing gave: %s", (int)n, e.text);
        bti_outcome_release(&o);
        assert_int_equal(bti_alloc_live(), live);
    }
    bti_free(path);
}

static void training_by_the_clock_ends_on_time_whatever_its_epochs(void **state)
{
    bench *b = *state;
    bti_outcome o;
    bt_error e;
    b->job.val = NULL;
    b->job.recipe.epochs = 1000000;
    double began = bt_now();
    b->job.finish_s = began + 1.0;
    assert_ok(bti_train_job(&o, &b->job, &e), &e);
    double took = bt_now() - began;
    assert_true(took > 0.95 && took < 3.0); /* a step and a loaded machine beyond it */
    assert_true(o.epochs_done > 0 && o.epochs_done < 1000000);
    assert_true(o.loss < 1.0); /* of ln 3 = 1.1 */
    bti_outcome_release(&o);
    b->job.finish_s = bt_now() + 1000; /* epochs are the other end */
    b->job.recipe.epochs = 2;
    assert_ok(bti_train_job(&o, &b->job, &e), &e);
    assert_int_equal(o.epochs_done, 2);
    bti_outcome_release(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(running_statistics_do_not_remember_their_start),
        TEST(the_loss_falls_and_the_classes_are_told_apart),
        TEST(one_seed_gives_one_model_and_two_give_two),
        TEST(a_stopped_training_goes_on_bit_for_bit),
        TEST(threads_that_work_ahead_change_nothing),
        TEST(what_cannot_be_made_ahead_is_not),
        TEST(adam_with_averaged_weights_goes_on_bit_for_bit),
        TEST(schedules_move_the_momentum_and_count_epochs),
        TEST(the_average_of_weights_is_what_is_measured_and_kept),
        TEST(decay_of_weights_alone_spares_batch_norm_and_biases),
        TEST(balanced_classes_lift_the_rare_one),
        TEST(a_checkpoint_of_another_training_is_refused),
        TEST(divergence_names_its_epoch_and_step),
        TEST(few_images_make_one_smaller_batch),
        TEST(extra_samples_are_trained_on_too),
        TEST(a_passed_deadline_stops_before_the_first_step),
        TEST(snapshots_show_the_weights_so_far),
        TEST(training_by_the_clock_ends_on_time_whatever_its_epochs),
        TEST(data_that_does_not_fit_the_model_is_refused),
        TEST(no_memory_at_any_point_is_a_status_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
