/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy grammar: what people may write, what it means, and what they are told when it is
 * wrong.
 */
#include "support.h"

#include "augment/augment.h"
#include "base/alloc.h"
#include <string.h>

static void means(const char *spec, const char *canonical)
{
    bti_policy *p;
    bt_error err;
    char *text;

    if (bti_policy_parse(&p, spec, &err))
        fail_msg("'%s': %s", spec ? spec : "NULL", err.text);
    text = bti_policy_text(p);
    assert_string_equal(text, canonical);
    bti_free(text);
    bti_policy_free(p);
}

static void fails(const char *spec, const char *saying)
{
    bti_policy *p;
    bt_error err;

    if (!bti_policy_parse(&p, spec, &err))
        fail_msg("'%s' was accepted", spec);
    assert_null(p);
    assert_int_equal(err.code, BT_INVAL);
    if (!strstr(err.text, saying))
        fail_msg("'%s': the error '%s' does not say '%s'", spec, err.text, saying);
}

static void nothing_and_none_are_the_empty_policy(void **state)
{
    (void)state;
    means(NULL, "none");
    means("", "none");
    means("none", "none");
}

static void defaults_are_spelled_out(void **state)
{
    (void)state;
    means("flip", "flip:p=0.5");
    means("crop", "crop:pad=4,fill=mean");
    means("randaugment", "randaugment:n=2,m=9,levels=31");
}

static void a_lone_value_is_the_first_key(void **state)
{
    (void)state;
    means("flip:0.25", "flip:p=0.25");
    means("crop:2", "crop:pad=2,fill=mean");
    means("crop:2,fill=0", "crop:pad=2,fill=0");
    means("Rotate:30", "Rotate:value=30,p=1");
    means("Equalize:0.5", "Equalize:p=0.5");
}

static void the_order_of_application_is_fixed_and_operations_keep_theirs(void **state)
{
    (void)state;
    means("flip+crop:4+randaugment:n=2,m=15",
          "randaugment:n=2,m=15,levels=31+flip:p=0.5+crop:pad=4,fill=mean");
    means("crop+Invert+flip+Rotate:value=30,p=0.5",
          "Invert:p=1+Rotate:value=30,p=0.5+flip:p=0.5+crop:pad=4,fill=mean");
}

static void canonical_text_means_itself(void **state)
{
    (void)state;
    means("randaugment:n=2,m=15,levels=31+flip:p=0.5+crop:pad=4,fill=mean",
          "randaugment:n=2,m=15,levels=31+flip:p=0.5+crop:pad=4,fill=mean");
    means("ShearX:value=-0.3,p=1", "ShearX:value=-0.3,p=1");
}

static void blanks_and_case_do_not_matter(void **state)
{
    (void)state;
    means(" Flip + CROP : 4 ", "flip:p=0.5+crop:pad=4,fill=mean");
    means("rotate: Value=3", "Rotate:value=3,p=1");
}

static void a_misspelt_name_gets_the_nearest_and_the_form(void **state)
{
    (void)state;
    fails("flpi", "'flip'");
    fails("randaugmnt:n=2", "'randaugment'");
    fails("Rotat:30", "'Rotate'");
    fails("zzzzzzzzzz", "NAME[:key=value,...]");
    fails("flip+", "empty name");
    fails("flip++crop", "empty name");
    fails("flip,crop", "flip,crop");
}

static void a_wrong_key_gets_the_keys(void **state)
{
    (void)state;
    fails("crop:padding=4", "pad=0..1024, fill=mean|0");
    fails("randaugment:2,15", "n=0..16, m=0..999, levels=2..1000");
    fails("Invert:value=3", "p=0..1");
    fails("flip:p=0.5,p=0.6", "twice");
}

static void a_wrong_value_gets_what_was_expected(void **state)
{
    (void)state;
    fails("flip:p=2", "from 0 to 1");
    fails("flip:p=", "from 0 to 1");
    fails("flip:", "from 0 to 1");
    fails("flip:p=nan", "from 0 to 1");
    fails("crop:pad=1.5", "whole number");
    fails("crop:fill=grey", "'mean' or '0'");
    fails("randaugment:m=31", "below levels (31)");
    fails("randaugment:m=10,levels=10", "below levels (10)");
    fails("Rotate", "degrees");
    fails("Rotate:p=0.5", "value=");
    fails("Posterize:9", "from 0 to 8");
}

static void flip_and_crop_happen_once(void **state)
{
    (void)state;
    fails("flip+flip", "twice");
    fails("crop+randaugment+crop:2", "twice");
    means("Invert+Invert", "Invert:p=1+Invert:p=1");
}

static void absurdly_long_policies_are_refused(void **state)
{
    char spec[4096] = "Invert", name[512];

    (void)state;
    for (int i = 0; i < 40; i++)
        strncat(spec, "+Invert", sizeof(spec) - strlen(spec) - 1);
    fails(spec, "at most");
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = 0;
    fails(name, "unknown augmentation");
    memcpy(name, "flip:", 5);
    fails(name, "too long");
}

static void no_memory_is_reported_and_leaks_nothing(void **state)
{
    int64_t live = bti_alloc_live();
    bti_policy *p;
    bt_error err;

    (void)state;
    bti_alloc_fail_at(1);
    assert_int_equal(bti_policy_parse(&p, "flip", &err), BT_NOMEM);
    bti_alloc_fail_at(0);
    assert_null(p);
    assert_int_equal(bti_policy_parse(&p, "flip+nonsense", &err), BT_INVAL);
    assert_int_equal(bti_alloc_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_and_none_are_the_empty_policy),
        cmocka_unit_test(defaults_are_spelled_out),
        cmocka_unit_test(a_lone_value_is_the_first_key),
        cmocka_unit_test(the_order_of_application_is_fixed_and_operations_keep_theirs),
        cmocka_unit_test(canonical_text_means_itself),
        cmocka_unit_test(blanks_and_case_do_not_matter),
        cmocka_unit_test(a_misspelt_name_gets_the_nearest_and_the_form),
        cmocka_unit_test(a_wrong_key_gets_the_keys),
        cmocka_unit_test(a_wrong_value_gets_what_was_expected),
        cmocka_unit_test(flip_and_crop_happen_once),
        cmocka_unit_test(absurdly_long_policies_are_refused),
        cmocka_unit_test(no_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
