/* SPDX-License-Identifier: Apache-2.0
 *
 * Which policies of a search become the answer.
 */
#include "space_text.h"

#include "search/policy_search.h"

#include "base/alloc.h"
#include "base/files.h"
#include <math.h>

#define AUTO(p0) "autoaugment:levels=10,p0=" p0 "+flip:p=0.5"

static char plain[] = "flip:p=0.5";
static bti_policy_search search; /* of hand-made trials */

static void begin(const bti_policy_way *way, int parts)
{
    search = (bti_policy_search){.way = way, .n_parts = parts, .plain = plain};
    for (int k = 0; k < parts; k++)
        search.plain_score[k] = 1 + k; /* folds differ */
}

static void add(int part, double value, const char *policy)
{
    bti_trial t = {.id = search.trials.n + 1,
                   .number = search.trials.n,
                   .state = BTI_COMPLETE,
                   .n_values = 1,
                   .value = {value},
                   .attrs = bti_json_object()};
    bt_error err = {0};
    bti_json_set_int(t.attrs, "fold", part);
    bti_json_set_str(t.attrs, "policy", policy);
    assert_ok(bti_trials_take(&search.trials, &t, &err), &err);
}

/* The answer's text; the choice stays the caller's. */
static bti_policy_choice chosen(const char *text, int policies)
{
    bti_policy_choice c;
    bt_error err = {0};
    assert_ok(bti_policy_choose(&search, &c, &err), &err);
    assert_string_equal(err.text, "");
    assert_string_equal(c.text, text);
    assert_int_equal(c.n_policies, policies);
    return c;
}

static void answer_is(const char *text, int policies)
{
    bti_policy_choice c = chosen(text, policies);
    bti_policy_choice_release(&c);
}

static void end(void)
{
    bti_trials_release(&search.trials);
}

static void without_a_better_policy_the_answer_is_none(void **state)
{
    (void)state;
    begin(&bti_policy_density, 2);
    answer_is("flip:p=0.5", 0);
    add(0, 1.0, AUTO("Rotate/1/9"));  /* the same as none */
    add(1, 2.01, AUTO("Invert/1/9")); /* worse than none in its fold */
    bti_policy_choice c = chosen("flip:p=0.5", 0);
    assert_int_equal(c.n_trials, 2);
    bti_policy_choice_release(&c);
    end();
}

static void a_score_counts_against_no_policy_in_its_own_fold(void **state)
{
    (void)state;
    begin(&bti_policy_density, 2);
    add(0, 0.95, AUTO("Rotate/1/9"));
    add(1, 1.5, AUTO("ShearX/1/9")); /* the larger loss, the larger gain */
    add(0, 1.1, AUTO("Invert/1/9"));
    bti_policy_choice c = chosen("autoaugment:levels=10,p0=ShearX/1/9,p1=Rotate/1/9+flip:p=0.5", 2);
    assert_true(c.score == 1.5 && c.plain == 2);
    bti_policy_choice_release(&c);
    end();
}

static void of_each_fold_the_best_three_are_joined(void **state)
{
    (void)state;
    begin(&bti_policy_density, 2);
    add(0, 0.5, AUTO("Rotate/0.5/1"));
    add(0, 0.4, AUTO("Rotate/0.4/1"));
    add(0, 0.3, AUTO("Rotate/0.3/1"));
    add(0, 0.2, AUTO("Rotate/0.2/1"));
    add(1, 1.9, AUTO("Color/1/1"));
    answer_is("autoaugment:levels=10,p0=Rotate/0.2/1,p1=Rotate/0.3/1,p2=Rotate/0.4/1,p3=Color/1/1"
              "+flip:p=0.5",
              4);
    end();
}

static void accuracies_are_maximised_and_the_best_five_joined(void **state)
{
    (void)state;
    begin(&bti_policy_training, 1);
    search.plain_score[0] = 0.5;
    for (int i = 0; i < 8; i++) {
        char text[64];
        snprintf(text, sizeof(text), AUTO("Rotate/0.%d/1"), i + 1);
        add(0, 0.45 + 0.02 * i, text);
    }
    answer_is("autoaugment:levels=10,p0=Rotate/0.8/1,p1=Rotate/0.7/1,p2=Rotate/0.6/1,"
              "p3=Rotate/0.5/1,p4=Rotate/0.4/1+flip:p=0.5",
              5);
    end();
}

static void failed_and_running_trials_are_no_answer(void **state)
{
    (void)state;
    begin(&bti_policy_training, 1);
    add(0, 3, AUTO("Rotate/1/1"));
    search.trials.trial[0].state = BTI_FAIL;
    add(0, 3, AUTO("Rotate/1/2"));
    search.trials.trial[1].state = BTI_RUNNING;
    answer_is("flip:p=0.5", 0);
    end();
}

static void policies_without_sub_policies_are_not_joined(void **state)
{
    (void)state;
    begin(&bti_policy_training, 1);
    add(0, 2, "randaugment:n=2,m=9,levels=31+flip:p=0.5");
    add(0, 3, "randaugment:n=1,m=5,levels=31+flip:p=0.5");
    answer_is("randaugment:n=1,m=5,levels=31+flip:p=0.5", 1);
    end();
}

static void what_a_recipe_cannot_hold_is_left_out(void **state)
{
    (void)state;
    bti_str big = {0};
    bti_str_add(&big, "autoaugment:levels=10");
    for (int i = 0; i < 60; i++)
        bti_str_addf(&big, ",p%d=SamplePairing/0.5/9|Brightness/0.5/9", i);
    begin(&bti_policy_training, 1);
    add(0, 4, AUTO("Rotate/1/1"));
    add(0, 3, bti_str_c(&big)); /* 61 sub-policies fit ... */
    add(0, 2, bti_str_c(&big)); /* ... 121 are too long a text */
    bti_policy_choice c;
    bt_error err = {0};
    assert_ok(bti_policy_choose(&search, &c, &err), &err);
    assert_int_equal(c.n_policies, 2);
    assert_true(strlen(c.text) < sizeof(((bt_recipe *)NULL)->augment));
    bti_policy_choice_release(&c);
    bti_str_release(&big);
    end();
}

static void the_file_says_where_the_policy_comes_from_and_holds_it(void **state)
{
    (void)state;
    char path[600];
    bt_error err = {0};
    snprintf(path, sizeof(path), "%s/found.yaml", test_tmp_dir());
    const bt_policy_options opt = {
        .data = "photos\nof: cats", .model_path = "m/nano.yaml", .out_path = path};
    begin(&bti_policy_density, 1);
    search.lab.opt = &opt;
    search.space = space_of("format: search-space/1\nname: \"mine\\npolicy\"\naugment: flip\n");
    add(0, 0.5, AUTO("Rotate/0.5/1|Cutout/1/9"));
    bti_policy_choice c = chosen("autoaugment:levels=10,p0=Rotate/0.5/1|Cutout/1/9+flip:p=0.5", 1);
    assert_ok(bti_policy_write(&search, &c, &err), &err);
    bti_policy *read;
    assert_ok(bti_policy_parse(&read, path, &err), &err);
    char *text = bti_policy_text(read), *file;
    size_t n;
    assert_string_equal(text, c.text);
    assert_ok(bti_file_read(path, 10000, &file, &n, &err), &err);
    assert_non_null(strstr(file, "photos?of: cats, model nano.yaml, space mine?policy"));
    assert_non_null(strstr(file, "best loss 0.5000, without a policy 1.0000"));
    bti_free(file);
    bti_free(text);
    bti_policy_free(read);
    bti_policy_choice_release(&c);
    bti_space_free(search.space);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_better_policy_the_answer_is_none),
        cmocka_unit_test(a_score_counts_against_no_policy_in_its_own_fold),
        cmocka_unit_test(of_each_fold_the_best_three_are_joined),
        cmocka_unit_test(accuracies_are_maximised_and_the_best_five_joined),
        cmocka_unit_test(failed_and_running_trials_are_no_answer),
        cmocka_unit_test(policies_without_sub_policies_are_not_joined),
        cmocka_unit_test(what_a_recipe_cannot_hold_is_left_out),
        cmocka_unit_test(the_file_says_where_the_policy_comes_from_and_holds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
