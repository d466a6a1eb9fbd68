/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "search/calibrate.h"

static void a_short_budget_still_trains_two_epochs_of_a_thousand_images(void **state)
{
    (void)state;
    const bti_room room = {.affordable = 300, .train = 60000};
    bti_fidelity f = bti_fidelity_choose(&room);
    assert_int_equal(f.epochs, 2);
    assert_int_equal(f.images, 1000);
    assert_int_equal(f.val_images, 500); /* the time goes to training */
}

static void more_time_buys_images_then_epochs_then_images_again(void **state)
{
    (void)state;
    bti_room room = {.affordable = 12000, .train = 60000};
    bti_fidelity f = bti_fidelity_choose(&room);
    assert_int_equal(f.images, 4000);
    assert_int_equal(f.epochs, 3);
    room.affordable = 250000;
    f = bti_fidelity_choose(&room);
    assert_int_equal(f.images, 10000);
    assert_int_equal(f.epochs, 25);
    room.affordable = 1.5e6;
    f = bti_fidelity_choose(&room);
    assert_int_equal(f.images, 25000);
    assert_int_equal(f.epochs, 60);
    room.affordable = 1e9;
    f = bti_fidelity_choose(&room);
    assert_int_equal(f.images, 48000); /* a fifth may be needed for validation */
    assert_int_equal(f.epochs, 60);
}

static void forty_trials_fit_into_what_is_affordable(void **state)
{
    (void)state;
    for (double afford = 3000; afford < 1e7; afford *= 1.7) {
        const bti_room room = {.affordable = afford, .train = 60000};
        bti_fidelity f = bti_fidelity_choose(&room);
        assert_true((double)(f.epochs * f.images) <= afford);
        assert_true(f.images + f.val_images <= 60000);
    }
    assert_true(bti_affordable_images(5000, 2, 120) * BTI_TRIALS_WANTED < 2 * 120 * 5000.0);
}

static void given_epochs_or_images_are_kept_and_the_other_follows(void **state)
{
    (void)state;
    bti_room room = {.affordable = 60000, .train = 60000, .epochs = 20};
    bti_fidelity f = bti_fidelity_choose(&room);
    assert_int_equal(f.epochs, 20);
    assert_int_equal(f.images, 3000);
    room = (bti_room){.affordable = 60000, .train = 60000, .images = 5000};
    f = bti_fidelity_choose(&room);
    assert_int_equal(f.images, 5000);
    assert_int_equal(f.epochs, 12);
}

static void a_validation_folder_leaves_all_training_images_to_training(void **state)
{
    (void)state;
    const bti_room room = {.affordable = 1e9, .train = 3000, .folder = 500};
    bti_fidelity f = bti_fidelity_choose(&room);
    assert_int_equal(f.images, 3000);
    assert_int_equal(f.val_images, 500);
}

static void a_tiny_data_set_gives_at_most_a_fifth_to_validation(void **state)
{
    (void)state;
    const bti_room room = {.affordable = 1e6, .train = 400};
    bti_fidelity f = bti_fidelity_choose(&room);
    assert_int_equal(f.images, 320);
    assert_int_equal(f.val_images, 80);
}

static void a_tiny_data_set_trains_for_a_thousand_steps(void **state)
{
    (void)state;
    const bti_room room = {.affordable = 1e6, .train = 48, .batch = 16};
    bti_fidelity f = bti_fidelity_choose(&room);
    assert_int_equal(f.images, 39);
    assert_int_equal(f.val_images, 9);
    assert_int_equal(f.epochs, 334); /* of three steps */
    assert_int_equal(bti_epochs_most(48000, 128), 60);
}

static void a_short_search_has_fewer_trials_that_learn_something(void **state)
{
    (void)state;
    double longer = bti_affordable_images(5000, 2, 400),
           shorter = bti_affordable_images(5000, 2, 20);
    assert_true(longer / shorter < 400 / 20.0);
    assert_true(shorter * BTI_TRIALS_LEAST < 2 * 20 * 5000.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_budget_still_trains_two_epochs_of_a_thousand_images),
        cmocka_unit_test(more_time_buys_images_then_epochs_then_images_again),
        cmocka_unit_test(forty_trials_fit_into_what_is_affordable),
        cmocka_unit_test(given_epochs_or_images_are_kept_and_the_other_follows),
        cmocka_unit_test(a_validation_folder_leaves_all_training_images_to_training),
        cmocka_unit_test(a_tiny_data_set_gives_at_most_a_fifth_to_validation),
        cmocka_unit_test(a_tiny_data_set_trains_for_a_thousand_steps),
        cmocka_unit_test(a_short_search_has_fewer_trials_that_learn_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
