/* SPDX-License-Identifier: Apache-2.0 */
#include "space_text.h"

#define BLOCKS                                                                                     \
    "stride_budget: {max: 2, force: {m2: 0}}\n"                                                    \
    "blocks:\n"                                                                                    \
    "  - id: m1\n    repeat: {int: [1, 3]}\n    stride: {int: [1, 2]}\n    module:\n"              \
    "      Conv: {out: {int: [8, 32, 8]}, kernel: {choice: [1, 3]}}\n"                             \
    "      InvertedResidualv3: {kernel: 3, expand: {float: [1.0, 6.0, 0.1]}, out: {int: [8, 40, "  \
    "8]}, se: {choice: [0, 1]}, hs: 0}\n"                                                          \
    "  - id: m2\n    repeat: 1\n    stride: {int: [1, 2]}\n    module:\n"                          \
    "      Conv: {out: {int: [8, 32, 8]}, kernel: 3}\n"

static const char *value_of(const bti_point *p, const char *name)
{
    static char buf[64];
    const bti_param *param = bti_point_find(p, name);
    return param ? bti_value_text(buf, sizeof(buf), bti_param_value(param)) : "(absent)";
}

static void wishes_that_fit_are_granted_and_the_rest_is_drawn(void **state)
{
    (void)state;
    bti_space *s = space_of(SPACE_HEAD BLOCKS SPACE_TAIL);
    bti_rng rng = test_rng(1);
    bti_point p;
    bti_wish w[] = {
        {.name = "m1", .value = bti_value_str("InvertedResidualv3")},
        {.name = "m1.InvertedResidualv3.expand", .value = bti_value_float(2.3)},
        {.name = "m1.InvertedResidualv3.out", .value = bti_value_float(24)}, /* JSON's 24.0 */
        {.name = "m1.InvertedResidualv3.se", .value = bti_value_int(1)},
        {.name = "m1.repeat", .value = bti_value_int(7)},    /* outside 1..3 */
        {.name = "m1.Conv.out", .value = bti_value_int(16)}, /* not active: m1 is another module */
        {.name = "unheard.of", .value = bti_value_int(1)},
    };
    int drawn = bti_space_grant(s, w, 7, &rng, &p);
    assert_string_equal(value_of(&p, "m1"), "InvertedResidualv3");
    assert_string_equal(value_of(&p, "m1.InvertedResidualv3.expand"), "2.3");
    assert_string_equal(value_of(&p, "m1.InvertedResidualv3.out"), "24");
    assert_true(w[0].used && w[1].used && w[2].used && w[3].used);
    assert_true(w[4].active && !w[4].used);
    assert_false(w[5].active || w[6].active);
    assert_true(drawn >= 3); /* m1.repeat, m1.stride, m2.Conv.out */
    bti_space_free(s);
}

static void a_forced_stride_is_no_parameter_whatever_was_wished(void **state)
{
    (void)state;
    bti_space *s = space_of(SPACE_HEAD BLOCKS SPACE_TAIL);
    bti_rng rng = test_rng(2);
    bti_point p;
    bti_wish w[] = {
        {.name = "m1", .value = bti_value_str("Conv")},
        {.name = "m1.stride", .value = bti_value_int(1)},
        {.name = "m2.stride", .value = bti_value_int(1)}, /* forced to 2: m1 has no stride 2 */
    };
    bti_space_grant(s, w, 3, &rng, &p);
    assert_true(w[1].used);
    assert_false(w[2].active);
    assert_string_equal(value_of(&p, "m2.stride"), "(absent)");
    bti_space_free(s);
}

static void names_of_the_course_are_those_of_the_space_file(void **state)
{
    (void)state;
    static const char *const row[][3] = {
        {"m3/v3_t", "InvertedResidualv3", "m3.InvertedResidualv3.expand"},
        {"m3/v3_c", "InvertedResidualv3", "m3.InvertedResidualv3.out"},
        {"m7/v3_se", NULL, "m7.InvertedResidualv3.se"},
        {"m7/v3_hs", NULL, "m7.InvertedResidualv3.hs"},
        {"m2/v2_t", "InvertedResidualv2", "m2.InvertedResidualv2.expand"},
        {"m2/v2_c", "InvertedResidualv2", "m2.InvertedResidualv2.out"},
        {"m1/out_channels", "DWConv", "m1.DWConv.out"},
        {"m1/activation", "Conv", "m1.Conv.act"},
        {"m5/kernel_size", "InvertedResidualv3", "m5.InvertedResidualv3.kernel"},
        {"m1/repeat", "Conv", "m1.repeat"},
        {"m4/stride", NULL, "m4.stride"},
    };
    char out[96];
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_true(bti_course_name(row[i][0], row[i][1], out));
        assert_string_equal(out, row[i][2]);
    }
    assert_false(bti_course_name("m3", "Conv", out));
    assert_false(bti_course_name("m1/out_channels", NULL, out));
    assert_false(bti_course_name("m1/colour", "Conv", out));
    /* sampled for every module, used by two of them */
    assert_false(bti_course_name("m2/out_channels", "InvertedResidualv3", out));
}

static const char *difference(const char *was, const char *is)
{
    static char out[300];
    bti_space *a = space_of(was), *b = space_of(is);
    bti_space_difference(a, b, out, sizeof(out));
    bti_space_free(a);
    bti_space_free(b);
    return out;
}

#define TAIL_OF(width)                                                                             \
    "tail:\n  - [1, Conv, [" width ", 1, 1]]\n  - [1, GlobalAvgPool, []]\n"                        \
    "  - [1, Flatten, []]\n  - [1, Linear, [$classes]]\n"

static void a_difference_names_the_parameter_and_what_it_was(void **state)
{
    (void)state;
    assert_string_equal(difference(SPACE_HEAD TAIL_OF("{int: [8, 16, 8], id: last}"),
                                   SPACE_HEAD TAIL_OF("{int: [8, 32, 8], id: last}")),
                        "last was int 8..16 step 8 and is int 8..32 step 8");
    assert_string_equal(difference(SPACE_HEAD TAIL_OF("{choice: [8, 16], id: last}"),
                                   SPACE_HEAD TAIL_OF("{choice: [8], id: last}")),
                        "last was choice 8 16 and is choice 8");
    assert_string_equal(difference(SPACE_HEAD TAIL_OF("{int: [8, 16, 8], id: last}"),
                                   SPACE_HEAD TAIL_OF("{int: [8, 16, 8], id: wide}")),
                        "last is no longer there (and 1 more)");
    assert_string_equal(difference(SPACE_HEAD TAIL_OF("8"), SPACE_HEAD TAIL_OF("16")),
                        "line 4 was '  - [1, Conv, [8, 1, 1]]' and is '  - [1, Conv, [16, 1, 1]]'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_that_fit_are_granted_and_the_rest_is_drawn),
        cmocka_unit_test(a_forced_stride_is_no_parameter_whatever_was_wished),
        cmocka_unit_test(names_of_the_course_are_those_of_the_space_file),
        cmocka_unit_test(a_difference_names_the_parameter_and_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
