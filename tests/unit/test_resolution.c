/* SPDX-License-Identifier: Apache-2.0
 *
 * The resolution rule: native size, budget, and what is said about them.
 */
#include "support.h"

#include "search/calibrate.h"
#include "search/resolution.h"

#include <string.h>

static char why[160];

static int side_of(int own, int shorter, double macs)
{
    const bti_image_sizes s = {.own = own, .shorter = shorter};
    return bti_resolution_choose(&s, macs, why, sizeof(why));
}

static void a_generous_budget_takes_the_images_as_they_are(void **state)
{
    (void)state;
    static const int native[][2] = {{20, 32},   {40, 48},   {50, 48},   {64, 64},   {90, 96},
                                    {120, 128}, {178, 128}, {180, 224}, {300, 224}, {4000, 224}};
    for (size_t i = 0; i < sizeof(native) / sizeof(native[0]); i++) {
        assert_int_equal(side_of(0, native[i][0], 1e12), native[i][1]);
        assert_true(native[i][1] <= 32 || native[i][1] <= 1.25 * native[i][0]);
        assert_non_null(strstr(why, "shorter side"));
    }
}

static void a_short_budget_takes_what_its_networks_can_fill(void **state)
{
    (void)state;
    assert_int_equal(side_of(0, 300, 5e5), 32); /* never below */
    assert_int_equal(side_of(0, 300, 2.4e6), 48);
    assert_int_equal(side_of(0, 300, 1e7), 96);
    assert_int_equal(side_of(0, 300, 1.7e7), 128);
    assert_int_equal(side_of(0, 300, 6e7), 224);
    assert_non_null(strstr(why, "300 pixels"));
    side_of(0, 300, 1e7);
    assert_non_null(strstr(why, "10.0M MACs"));
    int last = 0;
    for (double macs = 1e5; macs < 1e9; macs *= 1.3) { /* more budget is never fewer pixels */
        int side = side_of(0, 300, macs);
        assert_true(side >= last);
        last = side;
    }
}

static void images_that_are_alike_and_small_keep_their_size(void **state)
{
    (void)state;
    assert_int_equal(side_of(28, 28, 1e5), 28);
    assert_int_equal(side_of(32, 32, 1e12), 32);
    assert_int_equal(side_of(40, 40, 1e12), 40);
    assert_int_equal(side_of(64, 64, 1e12), 64);
    assert_int_equal(side_of(64, 64, 1e6), 32); /* unless the budget is too short for it */
}

static void a_budget_buys_resolution_in_minutes_and_hours_on_two_cores(void **state)
{
    (void)state;
    static const struct {
        double search_s;
        int side;
    } want[] = {{45, 32}, {150, 32}, {1000, 48}, {2000, 64}, {8000, 96}, {30000, 128}};
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        double total = bti_affordable_images(8e9, 2, want[i].search_s); /* MACs a second a core */
        bti_means m = bti_means_share(total, 50000);
        int side = side_of(0, 300, m.macs);
        if (side != want[i].side)
            fail_msg("%.0f s of search: %d, expected %d", want[i].search_s, side, want[i].side);
    }
}

static void means_grow_alike_until_the_images_have_been_seen_sixty_times(void **state)
{
    (void)state;
    bti_means a = bti_means_share(1e10, 1000000), b = bti_means_share(4e10, 1000000);
    assert_true(b.images / a.images > 1.99 && b.images / a.images < 2.01);
    assert_true(b.macs / a.macs > 1.99 && b.macs / a.macs < 2.01);
    b = bti_means_share(4e10, 400);
    assert_true(b.images == 24000.0);
    assert_true(b.macs * b.images > 3.9e10);
    b = bti_means_share(4e10, 48); /* few: a thousand steps of sixteen */
    assert_true(b.images == 16000.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_generous_budget_takes_the_images_as_they_are),
        cmocka_unit_test(a_short_budget_takes_what_its_networks_can_fill),
        cmocka_unit_test(images_that_are_alike_and_small_keep_their_size),
        cmocka_unit_test(a_budget_buys_resolution_in_minutes_and_hours_on_two_cores),
        cmocka_unit_test(means_grow_alike_until_the_images_have_been_seen_sixty_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
