/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/clock_text.h"

static void a_time_of_day_is_today_or_else_tomorrow(void **state)
{
    (void)state;
    assert_true(bti_seconds_until("08:00", 7 * 3600.0) == 3600);
    assert_true(bti_seconds_until("8:00", 7 * 3600.0) == 3600);
    assert_true(bti_seconds_until("00:00", 86399.5) == 0.5);
    assert_true(bti_seconds_until("08:00", 22 * 3600.0) == 10 * 3600);
    assert_true(bti_seconds_until("08:00", 8 * 3600.0) == 86400); /* now is over */
    assert_true(bti_seconds_until("23:59", 0) == 86340);
}

static void what_is_no_time_of_day_is_negative(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "8",     "8:",    ":30",   "24:00",
                                      "12:60",  "8.30",  "8:3x",  "-1:00", "8:000",
                                      "008:00", " 8:00", "8:00 ", "later", "8:00:00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(bti_seconds_until(bad[i], 0) < 0);
}

static void the_clock_on_the_wall_stays_within_a_day(void **state)
{
    (void)state;
    double now = bti_wall_seconds_local();
    assert_true(now >= 0 && now < 86401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_of_day_is_today_or_else_tomorrow),
        cmocka_unit_test(what_is_no_time_of_day_is_negative),
        cmocka_unit_test(the_clock_on_the_wall_stays_within_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
