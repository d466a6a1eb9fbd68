/* SPDX-License-Identifier: Apache-2.0
 *
 * Classes that are probably a mistake: one clear line each.
 */
#include "make_data.h"

#include "data/dataset.h"

/* Opening and `data info` say the same line, and no other. */
static void expect_warning(data_place *p, const char *text)
{
    bti_data *d;
    bt_error err;
    char *json;
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    bti_data_close(d);
    assert_int_equal(p->heard.warn, 1);
    if (!strstr(p->heard.text, text))
        fail_msg("\"%s\" does not contain \"%s\"", p->heard.text, text);
    assert_ok(bt_data_info(&json, p->data, &p->opt, &err), &err);
    bt_free(json);
    assert_int_equal(p->heard.warn, 2);
    assert_non_null(strstr(p->heard.text, text));
}

static void classes_that_differ_by_case_only_are_named(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    make_class(p->data, "", "Cat", 2, 8, 8, 1);
    make_class(p->data, "", "Dog", 2, 8, 8, 1);
    make_class(p->data, "", "cat", 2, 8, 8, 1);
    make_class(p->data, "", "cats", 2, 8, 8, 1);
    expect_warning(p, "and \"cat\" differ by case only; if they mean the same, make them one");
    make_class(p->data, "", "dog", 2, 8, 8, 1);
    p->heard = (heard){0};
    expect_warning(p, "2 pairs of classes differ by case only, first \"");
}

static void a_class_with_one_image_is_named(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    make_class(p->data, "", "a", 3, 8, 8, 1);
    make_class(p->data, "", "b", 1, 8, 8, 1);
    expect_warning(p, "the class \"b\" has only one training image");
    make_class(p->data, "", "c", 1, 8, 8, 1);
    p->heard = (heard){0};
    expect_warning(p, "2 classes have only one training image, first \"b\"");
}

static void an_empty_class_folder_is_refused_before_anything_is_decoded(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bt_error err = {0};
    make_class(p->data, "", "a", 3, 8, 8, 1);
    make_class(p->data, "", "b", 3, 8, 8, 1);
    assert_ok(bti_make_dirs(at(p->data, "c"), &err), &err);
    assert_int_equal(bti_data_open(&d, p->data, &p->opt, &err), BT_FORMAT);
    assert_non_null(strstr(err.text, "the class \"c\" has no image in train"));
    assert_int_equal(p->heard.decode, 0);
}

static void ordinary_classes_give_no_warning(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bt_error err;
    make_class(p->data, "", "a", 2, 8, 8, 1);
    make_class(p->data, "", "b", 2, 8, 8, 1);
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    bti_data_close(d);
    assert_int_equal(p->heard.warn, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_that_differ_by_case_only_are_named),
        cmocka_unit_test(a_class_with_one_image_is_named),
        cmocka_unit_test(an_empty_class_folder_is_refused_before_anything_is_decoded),
        cmocka_unit_test(ordinary_classes_give_no_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
