/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON: text as Python writes it, order kept, numbers exact, errors with a line.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/files.h"
#include "base/json.h"
#include <math.h>

static void assert_text(bti_json *v, int indent, const char *expected)
{
    char *text = bti_json_text(v, indent);
    assert_non_null(text);
    assert_string_equal(text, expected);
    bti_free(text);
    bti_json_free(v);
}

static void an_object_keeps_its_order_and_python_spacing(void **state)
{
    (void)state;
    bti_json *o = bti_json_object(), *a = bti_json_array();
    bti_json_set_int(o, "z", 1);
    bti_json_set_num(o, "a", 0.1);
    bti_json_set_bool(o, "m", true);
    bti_json_append(a, bti_json_num(2));
    bti_json_append(a, bti_json_null());
    bti_json_set(o, "list", a);
    bti_json_set_str(o, "text", "a\"b\\c\n\x01");
    assert_text(o, 0,
                "{\"z\": 1, \"a\": 0.1, \"m\": true, \"list\": [2.0, null], "
                "\"text\": \"a\\\"b\\\\c\\n\\u0001\"}");
}

static void an_indented_text_has_a_line_a_value(void **state)
{
    (void)state;
    bti_json *o = bti_json_object(), *a = bti_json_array();
    bti_json_append(a, bti_json_int(1));
    bti_json_append(a, bti_json_int(2));
    bti_json_set(o, "a", a);
    bti_json_set(o, "e", bti_json_array());
    assert_text(o, 2, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"e\": []\n}");
}

static void a_number_that_is_not_finite_is_null(void **state)
{
    (void)state;
    bti_json *a = bti_json_array();
    bti_json_append(a, bti_json_num(NAN));
    bti_json_append(a, bti_json_num(-INFINITY));
    bti_json_append(a, bti_json_num(1e300));
    assert_text(a, 0, "[null, null, 1e+300]");
}

static void bytes_that_are_not_utf8_become_a_replacement(void **state)
{
    (void)state;
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "\xff", "caf\xe9 \xea\xb0\x80");
    assert_text(o, 0, "{\"\xef\xbf\xbd\": \"caf\xef\xbf\xbd \xea\xb0\x80\"}");
}

static void a_missing_value_makes_the_whole_text_fail(void **state)
{
    (void)state;
    bti_json *o = bti_json_object(), *inner = bti_json_object();
    bti_json_set_int(inner, "a", 1);
    bti_json_set(inner, "b", NULL);
    bti_json_set(o, "inner", inner);
    assert_null(bti_json_text(o, 0));
    assert_null(bti_json_text(NULL, 0));
    bti_json_free(o);
}

static void what_was_written_reads_back(void **state)
{
    (void)state;
    bt_error e;
    bti_json *o = bti_json_object(), *back;
    char *path = bti_path_join(test_tmp_dir(), "x.json");
    bti_json_set_num(o, "pi", 3.141592653589793);
    bti_json_set_int(o, "big", INT64_MAX);
    bti_json_set_num(o, "whole", 3);
    assert_ok(bti_json_write(o, path, &e), &e);
    assert_ok(bti_json_read(&back, path, &e), &e);
    assert_true(bti_json_as_num(bti_json_get(back, "pi"), 0) == 3.141592653589793);
    assert_true(bti_json_as_int(bti_json_get(back, "big"), 0) == INT64_MAX);
    assert_int_equal(bti_json_as_int(bti_json_get(back, "whole"), 0), 3);
    assert_int_equal(bti_json_as_int(bti_json_get(back, "pi"), -1), -1);
    assert_int_equal(bti_json_as_int(bti_json_get(back, "none"), 7), 7);
    const char *key;
    const bti_json *value;
    assert_true(bti_json_pair(back, 1, &key, &value));
    assert_string_equal(key, "big");
    assert_false(bti_json_pair(back, 3, &key, &value));
    bti_json_free(o);
    bti_json_free(back);
    bti_free(path);
}

static void malformed_text_names_the_line(void **state)
{
    (void)state;
    bt_error e;
    bti_json *v;
    const char *text = "{\n \"a\": 1,\n \"a\": 2}";
    assert_int_equal(bti_json_parse(&v, text, strlen(text), "x.json", &e), BT_FORMAT);
    assert_null(v);
    assert_int_equal(e.line, 3);
    assert_string_equal(e.where, "x.json");
    assert_int_equal(bti_json_parse(&v, "[1] x", 5, "x.json", &e), BT_FORMAT);
    assert_int_equal(bti_json_parse(&v, "[1", 2, "x.json", &e), BT_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_keeps_its_order_and_python_spacing),
        cmocka_unit_test(an_indented_text_has_a_line_a_value),
        cmocka_unit_test(a_number_that_is_not_finite_is_null),
        cmocka_unit_test(bytes_that_are_not_utf8_become_a_replacement),
        cmocka_unit_test(a_missing_value_makes_the_whole_text_fail),
        cmocka_unit_test(what_was_written_reads_back),
        cmocka_unit_test(malformed_text_names_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
