/* SPDX-License-Identifier: Apache-2.0
 *
 * Scalars: YAML 1.2 core rules, and text that reads back as the same value. Rows as a model file.
 */
#include "support.h"

#include "base/rows.h"
#include "base/value.h"
#include "base/yaml.h"
#include <math.h>

static void plain_text_takes_the_type_of_yaml_core(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bti_value_kind kind;
    } known[] = {
        {"null", BTI_NULL}, {"~", BTI_NULL},     {"Null", BTI_NULL},   {"", BTI_NULL},
        {"true", BTI_BOOL}, {"False", BTI_BOOL}, {"yes", BTI_STR},     {"12", BTI_INT},
        {"-3", BTI_INT},    {"0x1f", BTI_INT},   {"0o17", BTI_INT},    {"1e-3", BTI_FLOAT},
        {"1.", BTI_FLOAT},  {".5", BTI_FLOAT},   {"-.inf", BTI_FLOAT}, {".nan", BTI_FLOAT},
        {"1e", BTI_STR},    {"nan", BTI_STR},    {"1 2", BTI_STR},     {"ReLU", BTI_STR},
        {"0x", BTI_STR},    {"None", BTI_STR},   {"-", BTI_STR},       {"1_000", BTI_STR},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (bti_value_from_text(known[i].text).kind != known[i].kind)
            fail_msg("'%s' has the wrong type", known[i].text);
    }
    assert_int_equal(bti_value_from_text("0x1f").u.i, 31);
    assert_int_equal(bti_value_from_text("0o17").u.i, 15);
    assert_true(bti_value_from_text("99999999999999999999").kind == BTI_FLOAT);
}

static void equal_means_kind_and_content_but_1_is_1_point_0(void **state)
{
    (void)state;
    assert_true(bti_value_equal(bti_value_int(1), bti_value_float(1)));
    assert_false(bti_value_equal(bti_value_int(1), bti_value_bool(true)));
    assert_false(bti_value_equal(bti_value_str("1"), bti_value_int(1)));
    assert_true(bti_value_equal(bti_value_str("a"), bti_value_str("a")));
    assert_true(bti_value_equal((bti_value){0}, (bti_value){0}));
    assert_true(isnan(bti_value_num(bti_value_str("1"))));
    assert_true(bti_value_num(bti_value_bool(true)) == 1);
}

static void the_text_of_a_value_reads_back_as_the_value(void **state)
{
    (void)state;
    const bti_value values[] = {
        {0},
        bti_value_bool(false),
        bti_value_int(-7),
        bti_value_float(1),
        bti_value_float(0.1),
        bti_value_float(1e22),
        bti_value_float(-INFINITY),
        bti_value_str("ReLU"),
        bti_value_str("true"),
        bti_value_str("1"),
        bti_value_str(""),
        bti_value_str("a: b # \"c\"\n\t"),
        bti_value_str("[x]"),
        bti_value_str("\xea\xb0\x80"),
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[64], doc[80];
        bti_arena arena = {0};
        bt_error e;
        const bti_yaml *y;
        snprintf(doc, sizeof(doc), "[%s]", bti_value_text(text, sizeof(text), values[i]));
        assert_ok(bti_yaml_parse(&y, &arena, doc, strlen(doc), "doc", &e), &e);
        assert_int_equal(y->n, 1);
        if (y->child[0]->value.kind != values[i].kind ||
            !bti_value_equal(y->child[0]->value, values[i]))
            fail_msg("%s does not read back", text);
        bti_arena_release(&arena);
    }
}

static void rows_become_a_model_file_with_a_row_a_line(void **state)
{
    (void)state;
    bti_arena arena = {0};
    bti_rows rows = {.h = 28, .w = 28, .channels = 1, .depth_multiple = 1, .width_multiple = 0.5};
    bti_row *r = bti_rows_add(&rows, &arena);
    r->repeat = 2;
    r->module = "Conv";
    r->n_args = 3;
    r->arg[0] = bti_value_int(16);
    r->arg[2] = bti_value_str("ReLU");
    for (int i = 0; i < 40; i++) {
        r = bti_rows_add(&rows, &arena);
        r->repeat = 1;
        r->module = "Flatten";
    }
    bti_str out = {0};
    bti_rows_to_yaml(&rows, &out);
    assert_memory_equal(bti_str_c(&out),
                        "input_size: [28, 28]\ninput_channel: 1\ndepth_multiple: 1.0\n"
                        "width_multiple: 0.5\nbackbone:\n  - [2, Conv, [16, null, ReLU]]\n"
                        "  - [1, Flatten, []]\n",
                        139);
    assert_int_equal(rows.n, 41);
    bti_str_release(&out);
    bti_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_takes_the_type_of_yaml_core),
        cmocka_unit_test(equal_means_kind_and_content_but_1_is_1_point_0),
        cmocka_unit_test(the_text_of_a_value_reads_back_as_the_value),
        cmocka_unit_test(rows_become_a_model_file_with_a_row_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
