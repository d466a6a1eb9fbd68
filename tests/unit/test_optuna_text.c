/* SPDX-License-Identifier: Apache-2.0
 *
 * Expected texts are what Optuna 4.5 on Python 3.11 wrote for the same distributions. */
#include "support.h"

#include "study/storages/optuna_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void check_distribution(const bti_domain *d, const char *expected)
{
    bti_str out = {0};
    bti_optuna_distribution(&out, d);
    assert_string_equal(bti_str_c(&out), expected);
    bti_str_release(&out);
}

static void distributions_are_written_as_optuna_writes_them(void **state)
{
    (void)state;
    static const bti_value choices[] = {
        {BTI_INT, {.i = -5}},     {BTI_NULL, {.i = 0}},
        {BTI_BOOL, {.b = true}},  {BTI_STR, {.s = "a\xc3\xa9\""}},
        {BTI_FLOAT, {.f = 0.5}},  {BTI_FLOAT, {.f = 1e-5}},
        {BTI_FLOAT, {.f = 1e20}},
    };
    check_distribution(
        &(bti_domain){.kind = BTI_DOMAIN_FLOAT, .lo = 1e-5, .hi = 1e-3, .log = true},
        "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 1e-05, "
        "\"high\": 0.001, \"log\": true}}");
    check_distribution(
        &(bti_domain){.kind = BTI_DOMAIN_FLOAT, .lo = 0, .hi = 1, .step = 0.25},
        "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": 0.25, \"low\": 0.0, "
        "\"high\": 1.0, \"log\": false}}");
    check_distribution(&(bti_domain){.kind = BTI_DOMAIN_INT, .lo = 0, .hi = 9, .step = 3},
                       "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, "
                       "\"step\": 3, \"low\": 0, \"high\": 9}}");
    check_distribution(&(bti_domain){.kind = BTI_DOMAIN_INT, .lo = 8, .hi = 512, .log = true},
                       "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": true, "
                       "\"step\": 1, \"low\": 8, \"high\": 512}}");
    check_distribution(&(bti_domain){.kind = BTI_DOMAIN_CHOICE, .n = 7, .choice = choices},
                       "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": "
                       "[-5, null, true, \"a\\u00e9\\\"\", 0.5, 1e-05, 1e+20]}}");
}

static void strings_are_escaped_as_python_escapes_them(void **state)
{
    (void)state;
    static const bti_value emoji[] = {{BTI_STR, {.s = "\xf0\x9f\x90\x94\n\x01\\"}}};
    check_distribution(&(bti_domain){.kind = BTI_DOMAIN_CHOICE, .n = 1, .choice = emoji},
                       "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": "
                       "[\"\\ud83d\\udc14\\n\\u0001\\\\\"]}}");
}

static void floats_are_python_reprs(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0.0"},
                 {-0.0, "-0.0"},
                 {1, "1.0"},
                 {100, "100.0"},
                 {0.1, "0.1"},
                 {0.0001, "0.0001"},
                 {0.00012, "0.00012"},
                 {1e-5, "1e-05"},
                 {1.5e-7, "1.5e-07"},
                 {1e15, "1000000000000000.0"},
                 {1e16, "1e+16"},
                 {123456789.125, "123456789.125"},
                 {1.0 / 3, "0.3333333333333333"},
                 {5e-324, "5e-324"},
                 {-2.5, "-2.5"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {INFINITY, "Infinity"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char buf[40];
        assert_string_equal(bti_python_float(buf, cases[i].v), cases[i].text);
    }
}

static void times_have_six_digits_in_local_time_or_utc(void **state)
{
    (void)state;
    char buf[BTI_OPTUNA_TIME_CAP];
    setenv("TZ", "America/New_York", 1);
    tzset();
    assert_string_equal(bti_optuna_time(buf, 1767225599.000001, true),
                        "2025-12-31 23:59:59.000001");
    assert_string_equal(bti_optuna_time(buf, 1767225599.000001, false),
                        "2025-12-31 18:59:59.000001");
    for (int utc = 0; utc < 2; utc++) {
        double back = bti_optuna_time_parse(bti_optuna_time(buf, 1752000000.25, utc), utc);
        assert_true(fabs(back - 1752000000.25) < 1e-6);
    }
    assert_true(bti_optuna_time_parse("2025-12-31 23:59:59", true) == 1767225599);
    assert_true(bti_optuna_time_parse(NULL, true) == 0);
    assert_true(bti_optuna_time_parse("soon", true) == 0);
    unsetenv("TZ");
    tzset();
}

static void what_a_name_stands_for_is_class_log_and_choices(void **state)
{
    (void)state;
    bti_str a = {0}, b = {0};
    bti_optuna_signature(&a, &(bti_domain){.kind = BTI_DOMAIN_INT, .lo = 1, .hi = 5, .step = 1});
    bti_optuna_signature(&b, &(bti_domain){.kind = BTI_DOMAIN_INT, .lo = 2, .hi = 9, .step = 1});
    assert_string_equal(bti_str_c(&a), bti_str_c(&b));
    bti_str_reset(&b);
    bti_optuna_signature(&b, &(bti_domain){.kind = BTI_DOMAIN_INT, .lo = 1, .hi = 5, .log = true});
    assert_string_not_equal(bti_str_c(&a), bti_str_c(&b));
    bti_str_release(&a);
    bti_str_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_are_written_as_optuna_writes_them),
        cmocka_unit_test(strings_are_escaped_as_python_escapes_them),
        cmocka_unit_test(floats_are_python_reprs),
        cmocka_unit_test(times_have_six_digits_in_local_time_or_utc),
        cmocka_unit_test(what_a_name_stands_for_is_class_log_and_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
