/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy grammar: what people may write, what it means, and what they are told when it is
 * wrong.
 */
#include "support.h"

#include "augment/augment.h"
#include "base/alloc.h"
#include "base/files.h"
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
    means("randaugment:3,m=Any", "randaugment:n=3,m=any,levels=31");
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

static void trivialaugment_and_cutout_have_defaults_too(void **state)
{
    (void)state;
    means("trivialaugment", "trivialaugment:levels=31");
    means("cutout", "cutout:p=1,ratio=0.5,fill=mean");
    means("cutout:p=0.5,ratio=0.25,fill=0+flip", "flip:p=0.5+cutout:p=0.5,ratio=0.25,fill=0");
    means("Cutout:0.2+SamplePairing:0.4", "Cutout:value=0.2,p=1+SamplePairing:value=0.4,p=1");
}

static void a_searched_autoaugment_policy_is_one_compact_text(void **state)
{
    const char *searched =
        "autoaugment:levels=10,p0=ShearX/0.4/3|Invert/0.1/2,p1=Rotate/1/9|Cutout/0.5/0";

    (void)state;
    means(searched, searched);
    means("autoaugment:p0=shearx/0.40/3", "autoaugment:levels=10,p0=ShearX/0.4/3");
    means("autoaugment:p0=Invert/1/3 | Rotate/0/0 , levels=5",
          "autoaugment:levels=5,p0=Invert/1/3|Rotate/0/0");
    means("autoaugment:p0=Invert/1/0+autoaugment:p0=Equalize/1/0,p1=Color/1/1",
          "autoaugment:levels=10,p0=Invert/1/0+autoaugment:levels=10,p0=Equalize/1/0,p1=Color/1/1");
}

static void a_wrong_sub_policy_gets_what_was_expected(void **state)
{
    (void)state;
    fails("autoaugment", "cifar10, svhn, imagenet");
    fails("autoaugment:cifar11", "cifar10, svhn or imagenet");
    fails("autoaugment:p0=ShearX/0.4", "OP/P/LEVEL");
    fails("autoaugment:p0=ShearX/0.4/3/1", "OP/P/LEVEL");
    fails("autoaugment:p0=", "OP/P/LEVEL");
    fails("autoaugment:p0=Sheer/0.4/3", "'ShearX'");
    fails("autoaugment:p0=ShearX/1.4/3", "from 0 to 1");
    fails("autoaugment:p0=ShearX/0.4/x", "whole number");
    fails("autoaugment:p0=ShearX/0.4/10", "below levels (10)");
    fails("autoaugment:p0=ShearX/0.4/9,levels=5", "below levels (5)");
    fails("autoaugment:p1=ShearX/0.4/3", "unknown key 'p1'");
    fails("autoaugment:cifar10,p0=ShearX/0.4/3", "not both");
}

/* ---- files ---- */

/* The path of a file that holds `yaml`. */
static const char *policy_file(const char *yaml)
{
    static char path[512];
    bt_error err;

    if (!path[0])
        snprintf(path, sizeof(path), "%s/policy.yaml", test_tmp_dir());
    assert_ok(bti_file_write(path, yaml, strlen(yaml), &err), &err);
    return path;
}

static void file_means(const char *yaml, const char *canonical)
{
    means(policy_file(yaml), canonical);
}

static void file_fails(const char *yaml, int line, const char *saying)
{
    bti_policy *p;
    bt_error err;

    if (!bti_policy_parse(&p, policy_file(yaml), &err))
        fail_msg("'%s' was accepted", yaml);
    assert_null(p);
    if (!strstr(err.text, saying))
        fail_msg("'%s': the error '%s' does not say '%s'", yaml, err.text, saying);
    assert_non_null(strstr(err.where, "policy.yaml"));
    assert_int_equal(err.line, line);
}

static char *text_of(const char *spec)
{
    bti_policy *p;
    bt_error err;

    assert_ok(bti_policy_parse(&p, spec, &err), &err);
    char *text = bti_policy_text(p);
    bti_policy_free(p);
    return text;
}

static void published_policies_are_those_of_torchvision(void **state)
{
    char line[4096], name[16], want[4000], spec[64];
    FILE *f = fopen(test_source("tests/golden/augment_policies.txt"), "r");
    int n = 0;

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (line[0] == '#')
            continue;
        assert_int_equal(sscanf(line, "%15s %3999s", name, want), 2);
        snprintf(spec, sizeof(spec), "examples/policies/%s.yaml", name);
        char *text = text_of(test_source(spec));
        if (strncmp(text, want, strlen(want)) != 0 || text[strlen(want)] != '+')
            fail_msg("%s: %s is not %s", spec, text, want);
        bti_free(text);
        snprintf(spec, sizeof(spec), "autoaugment:policy=%s", name);
        means(spec, spec);
        n++;
    }
    fclose(f);
    assert_int_equal(n, 3);
}

static void a_file_says_the_same_as_the_augment_section_of_a_space(void **state)
{
    (void)state;
    file_means("policy: none\n", "none");
    file_means("policy: flip_crop\n", "flip:p=0.5+crop:pad=4,fill=mean");
    file_means("policy: flip_crop\ncrop: {pad: 2}\n", "flip:p=0.5+crop:pad=2,fill=mean");
    file_means("policy: randaugment\nrandaugment: {n: 3, m: 5}\nautoaugment: {policy: svhn}\n"
               "cutout: {p: 0.5, ratio: 0.5}\n",
               "randaugment:n=3,m=5,levels=31+cutout:p=0.5,ratio=0.5,fill=mean");
    file_means("policy: trivialaugment\nflip:\n", "trivialaugment:levels=31+flip:p=0.5");
    file_means("policy: autoaugment\nautoaugment: {policy: svhn}\n", "autoaugment:policy=svhn");
    file_means("policy: autoaugment\nautoaugment:\n  fixed:\n    - [[Invert, 0.5, 0]]\n"
               "    - [[Rotate, 1, 9], [Cutout, 0.25, 3]]\n  levels: 11\n",
               "autoaugment:levels=11,p0=Invert/0.5/0,p1=Rotate/1/9|Cutout/0.25/3");
    file_means("name: mine\npolicy: list\nlist: [Equalize, \"Rotate:30,p=0.5\", "
               "{ShearX: {value: 0.1, p: 0.5}}, {Posterize: 4}]\n",
               "Equalize:p=1+Rotate:value=30,p=0.5+ShearX:value=0.1,p=0.5+Posterize:value=4,p=1");
}

static void a_wrong_file_gets_the_line(void **state)
{
    (void)state;
    file_fails("[1, 2]\n", 1, "policy");
    file_fails("flip: {p: 1}\n", 1, "policy");
    file_fails("policy: randagment\n", 1, "'randaugment'");
    file_fails("policy: none\nflipp: {p: 1}\n", 2, "'flip'");
    file_fails("policy: none\nflip: {p: 3}\n", 2, "from 0 to 1");
    file_fails("policy: none\nflip: [1]\n", 2, "mapping");
    file_fails("policy: list\n", 1, "list:");
    file_fails("policy: list\nlist:\n  - Equalize\n  - Rotat:30\n", 4, "'Rotate'");
    file_fails("policy: list\nlist: [[Rotate, 1]]\n", 2, "an operation is");
    file_fails("policy: autoaugment\n", 1, "needs a policy");
    file_fails("policy: autoaugment\nautoaugment:\n  fixed:\n    - [Invert, 0.5, 0]\n", 4,
               "[OP, P, LEVEL]");
    file_fails("policy: autoaugment\nautoaugment: {fixed: [[[Invert, 0.5]]]}\n", 2,
               "[OP, P, LEVEL]");
    file_fails("policy: autoaugment\nautoaugment: {fixed: [[[Invert, 2, 0]]]}\n", 2, "from 0 to 1");
    bti_policy *p;
    bt_error err;
    assert_int_equal(bti_policy_parse(&p, "no-such.yaml", &err), BT_IO);
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
    fails("randaugment:2,15", "n=0..16, m=any|0..999, levels=2..1000");
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
    fails("randaugment:m=all", "m is 'any' or a whole number from 0 to 999, found 'all'");
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

static bti_policy *parsed(const char *spec)
{
    bti_policy *p;
    bt_error err = {0};
    assert_ok(bti_policy_parse(&p, spec, &err), &err);
    return p;
}

static void a_policy_written_as_a_file_is_read_as_the_same(void **state)
{
    static const char *const specs[] = {
        "none",
        "flip+crop:4",
        "flip:0.3+crop:pad=2,fill=0+cutout:p=0.5,ratio=0.25+mixup:0.2+cutmix:p=0.5+mosaic:0.1",
        "randaugment:n=3,m=any+flip",
        "trivialaugment+crop",
        "autoaugment:svhn+flip",
        "autoaugment:levels=10,p0=ShearX/0.4/3|Invert/0.1/2,p1=Cutout/1/9+flip+crop:4",
        "Equalize+Rotate:30,p=0.5+flip"};
    (void)state;
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        bti_policy *p = parsed(specs[i]);
        bti_str yaml = {0};
        bt_error err = {0};
        char *text = bti_policy_text(p);
        assert_ok(bti_policy_yaml(p, &yaml, &err), &err);
        file_means(bti_str_c(&yaml), text);
        bti_str_release(&yaml);
        bti_free(text);
        bti_policy_free(p);
    }
}

static void a_file_holds_one_policy_on_pixels(void **state)
{
    (void)state;
    bti_policy *p = parsed("randaugment+Equalize");
    bti_str yaml = {0};
    bt_error err = {0};
    assert_int_equal(bti_policy_yaml(p, &yaml, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "one of randaugment"));
    bti_str_release(&yaml);
    bti_policy_free(p);
}

static void joined_policies_have_the_sub_policies_of_all(void **state)
{
    (void)state;
    bti_policy *p[] = {parsed("autoaugment:levels=10,p0=ShearX/0.4/3|Invert/0.1/2+flip"),
                       parsed("autoaugment:levels=10,p0=Rotate/1/9,p1=Color/0/0+crop")};
    bti_policy *all;
    bt_error err = {0};
    assert_ok(bti_policy_join(&all, (const bti_policy *const *)p, 2, &err), &err);
    char *text = bti_policy_text(all);
    assert_string_equal(
        text, "autoaugment:levels=10,p0=ShearX/0.4/3|Invert/0.1/2,p1=Rotate/1/9,p2=Color/0/0"
              "+flip:p=0.5");
    bti_free(text);
    bti_policy_free(all);
    bti_policy_free(p[1]);
    p[1] = parsed("autoaugment:levels=31,p0=Rotate/1/9");
    assert_int_equal(bti_policy_join(&all, (const bti_policy *const *)p, 2, &err), BT_INVAL);
    assert_null(all);
    bti_policy_free(p[0]);
    p[0] = parsed("flip");
    assert_int_equal(bti_policy_join(&all, (const bti_policy *const *)p, 1, &err), BT_INVAL);
    bti_policy_free(p[0]);
    bti_policy_free(p[1]);
}

static void no_policy_is_flip_and_crop_of_one(void **state)
{
    (void)state;
    bti_policy *p = parsed("randaugment+Equalize+crop:3+flip+cutout+mixup"), *plain;
    bt_error err = {0};
    assert_ok(bti_policy_standard(&plain, p, &err), &err);
    char *text = bti_policy_text(plain);
    assert_string_equal(text, "flip:p=0.5+crop:pad=3,fill=mean");
    bti_free(text);
    bti_policy_free(plain);
    bti_policy_free(p);
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
        cmocka_unit_test(trivialaugment_and_cutout_have_defaults_too),
        cmocka_unit_test(a_searched_autoaugment_policy_is_one_compact_text),
        cmocka_unit_test(a_wrong_sub_policy_gets_what_was_expected),
        cmocka_unit_test(published_policies_are_those_of_torchvision),
        cmocka_unit_test(a_file_says_the_same_as_the_augment_section_of_a_space),
        cmocka_unit_test(a_wrong_file_gets_the_line),
        cmocka_unit_test(a_misspelt_name_gets_the_nearest_and_the_form),
        cmocka_unit_test(a_wrong_key_gets_the_keys),
        cmocka_unit_test(a_wrong_value_gets_what_was_expected),
        cmocka_unit_test(flip_and_crop_happen_once),
        cmocka_unit_test(absurdly_long_policies_are_refused),
        cmocka_unit_test(a_policy_written_as_a_file_is_read_as_the_same),
        cmocka_unit_test(a_file_holds_one_policy_on_pixels),
        cmocka_unit_test(joined_policies_have_the_sub_policies_of_all),
        cmocka_unit_test(no_policy_is_flip_and_crop_of_one),
        cmocka_unit_test(no_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
