/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/metric.h"

#include <math.h>
#include <string.h>

static double read_as(bti_metric m, const char *text)
{
    double v = NAN;
    const char *expected = NULL;
    bool ok = bti_metric_parse(m, text, &v, &expected);
    assert_non_null(expected);
    return ok ? v : NAN;
}

static void limits_are_read_in_the_unit_that_people_write(void **state)
{
    (void)state;
    assert_true(read_as(BTI_METRIC_PARAMS, "50k") == 50000);
    assert_true(read_as(BTI_METRIC_PEAK_MEMORY, "64KiB") == 65536);
    assert_true(read_as(BTI_METRIC_PEAK_MEMORY, "1.5MB") == 1.5e6);
    assert_true(read_as(BTI_METRIC_PEAK_MEMORY, "4096") == 4096);
    assert_true(read_as(BTI_METRIC_LATENCY_MS, "2.5ms") == 2.5);
    assert_true(read_as(BTI_METRIC_LATENCY_MS, "5") == 5);
    assert_true(read_as(BTI_METRIC_ACCURACY, "85%") == 0.85);
    assert_true(read_as(BTI_METRIC_ACCURACY, "0.85") == 0.85);
}

static void a_number_of_another_unit_is_refused(void **state)
{
    (void)state;
    assert_true(isnan(read_as(BTI_METRIC_ACCURACY, "85"))); /* is it 85 % or a slip? */
    assert_true(isnan(read_as(BTI_METRIC_ACCURACY, "120%")));
    assert_true(isnan(read_as(BTI_METRIC_PEAK_MEMORY, "64k")));
    assert_true(isnan(read_as(BTI_METRIC_LATENCY_MS, "5s")));
    assert_true(isnan(read_as(BTI_METRIC_LATENCY_MS, "0")));
    assert_true(isnan(read_as(BTI_METRIC_PARAMS, "-3")));
    assert_true(isnan(read_as(BTI_METRIC_PARAMS, "")));
}

static void values_are_written_with_their_unit(void **state)
{
    (void)state;
    char buf[24];
    assert_string_equal(bti_metric_format(buf, BTI_METRIC_ACCURACY, 0.91234), "91.23%");
    assert_string_equal(bti_metric_format(buf, BTI_METRIC_PEAK_MEMORY, 65536), "64 KiB");
    assert_string_equal(bti_metric_format(buf, BTI_METRIC_LATENCY_MS, 1.256), "1.26 ms");
    assert_string_equal(bti_metric_format(buf, BTI_METRIC_PARAMS, NAN), "-");
    assert_string_equal(bti_metric_format(buf, BTI_METRIC_NONE, 0.25), "0.25");
}

static void the_coordinate_runs_from_the_best_to_the_reference(void **state)
{
    (void)state;
    assert_true(bti_metric_coordinate(BTI_METRIC_ACCURACY, 1) == 0);
    assert_true(bti_metric_coordinate(BTI_METRIC_ACCURACY, 0) == 1);
    assert_true(fabs(bti_metric_coordinate(BTI_METRIC_PARAMS, 1e4) - 0.5) < 1e-12); /* of 1..1e8 */
    assert_true(bti_metric_coordinate(BTI_METRIC_PARAMS, 1e12) == 1);
    assert_true(bti_metric_coordinate(BTI_METRIC_LATENCY_MS, NAN) == 1);
}

static void every_row_has_a_name_an_option_and_a_range(void **state)
{
    (void)state;
    for (int i = 0; i < BTI_METRICS; i++) {
        const bti_metric_info *m = bti_metric_of((bti_metric)i);
        assert_int_equal(bti_metric_find(m->name), i);
        assert_true(!strncmp(m->option, m->maximize ? "min-" : "max-", 4));
        assert_true(m->high > m->low && (m->maximize || m->low > 0));
        assert_true(m->maximize == (m->source == BTI_FROM_VALIDATION));
    }
    assert_int_equal(bti_metric_find("speed"), BTI_METRIC_NONE);
    assert_int_equal(bti_metric_find(NULL), BTI_METRIC_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_read_in_the_unit_that_people_write),
        cmocka_unit_test(a_number_of_another_unit_is_refused),
        cmocka_unit_test(values_are_written_with_their_unit),
        cmocka_unit_test(the_coordinate_runs_from_the_best_to_the_reference),
        cmocka_unit_test(every_row_has_a_name_an_option_and_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
