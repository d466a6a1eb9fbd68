/* SPDX-License-Identifier: Apache-2.0
 *
 * Training with labels shared between images, and its last epochs without.
 */
#include "stripes.h"

#include "base/files.h"

static void use(bench *b, const char *key, const char *value)
{
    bt_error e;
    assert_ok(bt_recipe_set(&b->job.recipe, key, value, NULL, 0, &e), &e);
}

static void a_training_on_mixed_images_learns_to_tell_them_apart(void **state)
{
    static const char *const policies[] = {"mixup", "cutmix", "mosaic", "flip+mixup+cutmix+mosaic"};
    bench *b = *state;
    bt_error e;

    use(b, "epochs", "12");
    for (int k = 0; k < 4; k++) {
        bti_outcome o;
        use(b, "augment", policies[k]);
        assert_ok(bti_train_job(&o, &b->job, &e), &e);
        if (!(o.val_accuracy > 0.9))
            fail_msg("%s: validation accuracy %g", policies[k], o.val_accuracy);
        assert_true(o.loss > 0.1); /* a shared label is never certain */
        bti_outcome_release(&o);
    }
}

static void two_trainings(bench *b, const char *one, const char *other, bool same)
{
    bti_outcome x, y;
    bt_error e;

    use(b, "augment", one);
    assert_ok(bti_train_job(&x, &b->job, &e), &e);
    use(b, "augment", other);
    b->job.recipe.no_aug_epochs = 0;
    assert_ok(bti_train_job(&y, &b->job, &e), &e);
    size_t bytes = (size_t)b->graph->n_floats * sizeof(float);
    assert_int_equal(!memcmp(x.weights, y.weights, bytes), same);
    bti_outcome_release(&x);
    bti_outcome_release(&y);
}

static void the_last_epochs_keep_flip_and_crop_alone(void **state)
{
    bench *b = *state;

    b->job.recipe.no_aug_epochs = b->job.recipe.epochs;
    two_trainings(b, "flip+crop:1+cutout+trivialaugment", "flip+crop:1", true);
    b->job.recipe.no_aug_epochs = b->job.recipe.epochs - 1;
    two_trainings(b, "flip+crop:1+cutout+trivialaugment", "flip+crop:1", false);
    b->job.recipe.no_aug_epochs = 1;
    two_trainings(b, "flip+crop:1+cutout", "flip+crop:1+cutout", false);
}

static int stop_after_two(void *user, const bti_epoch *e)
{
    return *(int *)user && e->epoch == 2;
}

static void a_stopped_training_on_mixed_images_goes_on_bit_for_bit(void **state)
{
    bench *b = *state;
    char *path = bti_path_join(test_tmp_dir(), "mixed.safetensors");
    bti_outcome whole, part, rest;
    bt_error e;
    int stop = 1;

    use(b, "augment", "flip+mixup+cutmix");
    use(b, "no_aug_epochs", "1");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_training_on_mixed_images_learns_to_tell_them_apart),
        TEST(the_last_epochs_keep_flip_and_crop_alone),
        TEST(a_stopped_training_on_mixed_images_goes_on_bit_for_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
