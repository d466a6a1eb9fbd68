/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers, counts, durations and sizes as people write them; shortest doubles; the nearest name;
 * memory that runs out in the middle of a text.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/str.h"
#include <math.h>

static void a_failed_append_is_noticed_once_at_the_end(void **state)
{
    (void)state;
    bti_str b = {0};
    bti_str_add(&b, "abc");
    bti_alloc_fail_at(1);
    for (int i = 0; i < 100; i++)
        bti_str_addf(&b, "%d,", i);
    bti_alloc_fail_at(0);
    bti_str_add(&b, "more");
    assert_true(b.failed);
    assert_null(bti_str_take(&b));
    assert_int_equal(bti_alloc_live(), 0);
}

static void a_text_grows_over_any_length(void **state)
{
    (void)state;
    bti_str b = {0};
    for (int i = 0; i < 1000; i++)
        bti_str_addf(&b, "%04d", i);
    assert_int_equal(b.len, 4000);
    assert_memory_equal(b.s + 3996, "0999", 5);
    bti_str_reset(&b);
    assert_string_equal(bti_str_c(&b), "");
    bti_str_release(&b);
    char *empty = bti_str_take(&b);
    assert_string_equal(empty, "");
    bti_free(empty);
    assert_null(bti_strdup(NULL));
}

static void whole_numbers_must_be_whole_and_in_range(void **state)
{
    (void)state;
    int64_t v = 0;
    assert_true(bti_parse_int("-12", -20, 20, &v));
    assert_int_equal(v, -12);
    assert_true(bti_parse_int("+7", 0, 9, &v));
    assert_true(bti_parse_int("9223372036854775807", 0, INT64_MAX, &v));
    const char *bad[] = {"", " 1", "1 ", "1.0", "0x10", "21", "-", "9223372036854775808", "1e3"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(bti_parse_int(bad[i], -20, 20, &v));
}

static void reals_must_be_finite_decimals(void **state)
{
    (void)state;
    double v = 0;
    assert_true(bti_parse_double("5e-4", &v) && v == 5e-4);
    assert_true(bti_parse_double(".5", &v) && v == 0.5);
    assert_true(bti_parse_double("-3.", &v) && v == -3);
    const char *bad[] = {"", "nan", "inf", "1e999", "0x1p3", "1,5", "1e", ".", " 1", "1 "};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(bti_parse_double(bad[i], &v));
}

static void counts_take_si_suffixes(void **state)
{
    (void)state;
    int64_t v = 0;
    assert_true(bti_parse_count("50k", &v) && v == 50000);
    assert_true(bti_parse_count("1.2M", &v) && v == 1200000);
    assert_true(bti_parse_count("3G", &v) && v == 3000000000);
    assert_true(bti_parse_count("17", &v) && v == 17);
    assert_false(bti_parse_count("0.5", &v));
    assert_false(bti_parse_count("-1k", &v));
    assert_false(bti_parse_count("1kk", &v));
    assert_false(bti_parse_count("k", &v));
}

static void durations_take_units_from_large_to_small(void **state)
{
    (void)state;
    double v = 0;
    assert_true(bti_parse_duration("45s", &v) && v == 45);
    assert_true(bti_parse_duration("1h30m", &v) && v == 5400);
    assert_true(bti_parse_duration("0.5d", &v) && v == 43200);
    const char *bad[] = {"", "5", "0s", "-1m", "30m1h", "1h1h", "5x", "m"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(bti_parse_duration(bad[i], &v));
}

static void sizes_are_height_width_channels(void **state)
{
    (void)state;
    int h = 0, w = 0, c = 0;
    assert_true(bti_parse_size("32x24x3", &h, &w, &c));
    assert_true(h == 32 && w == 24 && c == 3);
    assert_true(bti_parse_size("28", &h, &w, &c));
    assert_true(h == 28 && w == 28 && c == 0);
    assert_false(bti_parse_size("0x3", &h, &w, &c));
    assert_false(bti_parse_size("1x2x3x4", &h, &w, &c));
    assert_false(bti_parse_size("32x", &h, &w, &c));
}

static void a_double_is_written_with_the_fewest_digits_that_read_back_equal(void **state)
{
    (void)state;
    char buf[32];
    assert_string_equal(bti_format_double(buf, 0.1), "0.1");
    assert_string_equal(bti_format_double(buf, 1.0 / 3), "0.3333333333333333");
    assert_string_equal(bti_format_double(buf, 5e-324), "5e-324");
    assert_string_equal(bti_format_double(buf, -0.0005), "-0.0005");
    uint64_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        double v, back;
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        memcpy(&v, &bits, sizeof(v));
        if (!isfinite(v))
            continue;
        assert_true(bti_parse_double(bti_format_double(buf, v), &back));
        assert_memory_equal(&v, &back, sizeof(v));
    }
}

static void numbers_for_people_have_three_digits(void **state)
{
    (void)state;
    char buf[32];
    assert_string_equal(bti_format_count(buf, 873), "873");
    assert_string_equal(bti_format_count(buf, 12345), "12.3k");
    assert_string_equal(bti_format_count(buf, 2240000), "2.24M");
    assert_string_equal(bti_format_count(buf, 999999), "1.00M");
    assert_string_equal(bti_format_duration(buf, 252), "4m 12s");
    assert_string_equal(bti_format_duration(buf, 59.7), "1m 00s");
}

static void a_typo_finds_the_nearest_name(void **state)
{
    (void)state;
    const char *names[] = {"epochs", "batch", "lr", "weight_decay", "momentum", NULL};
    assert_string_equal(bti_nearest("epoch", names), "epochs");
    assert_string_equal(bti_nearest("wieght_decay", names), "weight_decay");
    assert_string_equal(bti_nearest("Momentun", names), "momentum");
    assert_null(bti_nearest("xyzzyq", names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_append_is_noticed_once_at_the_end),
        cmocka_unit_test(a_text_grows_over_any_length),
        cmocka_unit_test(whole_numbers_must_be_whole_and_in_range),
        cmocka_unit_test(reals_must_be_finite_decimals),
        cmocka_unit_test(counts_take_si_suffixes),
        cmocka_unit_test(durations_take_units_from_large_to_small),
        cmocka_unit_test(sizes_are_height_width_channels),
        cmocka_unit_test(a_double_is_written_with_the_fewest_digits_that_read_back_equal),
        cmocka_unit_test(numbers_for_people_have_three_digits),
        cmocka_unit_test(a_typo_finds_the_nearest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
