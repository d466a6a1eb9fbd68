/* SPDX-License-Identifier: Apache-2.0
 *
 * Importance on functions whose answer is known, and frozen parameters.
 */
#include "space_text.h"

#include "study/importance.h"

#include <math.h>

static bti_space *three(const char *more)
{
    bti_str text = {0};
    bti_str_add(
        &text, SPACE_HEAD
        "blocks:\n"
        "  - {id: a, repeat: {int: [1, 8]}, module: {Conv: {out: {int: [8, 64, 8]}, kernel: "
        "{choice: [1, 3, 5]}}}}\n"
        "  - id: b\n"
        "    module:\n"
        "      Conv: {out: 8, kernel: 3}\n"
        "      InvertedResidualv3: {kernel: 3, expand: {float: [1.0, 6.0]}, out: 8, se: 0, "
        "hs: 0}\n" SPACE_TAIL);
    bti_str_add(&text, more);
    bti_space *s = space_of(bti_str_c(&text));
    bti_str_release(&text);
    return s;
}

/* accuracy = f(point), params = 1: a study of n random trials. */
static void fill(bti_trials *t, const bti_space *s, int n, double (*f)(const bti_point *p))
{
    bti_rng rng = test_rng(9);
    for (int i = 0; i < n; i++) {
        bti_point p;
        bt_error err = {0};
        bti_trial one = {.id = i + 1, .number = i, .state = BTI_COMPLETE, .n_values = 2};
        bti_space_draw(s, &rng, &p);
        one.value[0] = f(&p);
        one.value[1] = 1;
        assert_ok(bti_trial_params(&one, p.n, &err), &err);
        for (int k = 0; k < p.n; k++) {
            one.param_name[k] = bti_strdup(p.param[k].name);
            one.param_value[k] = p.param[k].value;
        }
        assert_ok(bti_trials_take(t, &one, &err), &err);
    }
}

static double of(const bti_space *s, const bti_importance *list, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(bti_space_slot_name(s, list[i].slot), name))
            return list[i].share;
    fail_msg("no %s", name);
    return 0;
}

static double value(const bti_point *p, const char *name)
{
    const bti_param *q = bti_point_find(p, name);
    return q ? q->value : 0;
}

/* Variances 9 : 1 of two terms; the kernel does nothing. */
static double nine_to_one(const bti_point *p)
{
    return 3 * value(p, "a.Conv.out") / 8 + value(p, "a.repeat");
}

/* Module InvertedResidualv3 is better, and better still with a large expansion. */
static double conditional(const bti_point *p)
{
    const bti_param *e = bti_point_find(p, "b.InvertedResidualv3.expand");
    return e ? 4 + (e->value - 3.5) : 0;
}

static void shares_are_those_of_the_variance(void **state)
{
    (void)state;
    bti_space *s = three("");
    bti_trials t = {0};
    bti_importance *list;
    bt_error err = {0};
    int n;
    fill(&t, s, 400, nine_to_one);
    assert_ok(bti_importance_of(s, &t, 0, 1, &list, &n, &err), &err);
    assert_true(fabs(of(s, list, n, "a.Conv.out") - 0.9) < 0.07);
    assert_true(fabs(of(s, list, n, "a.repeat") - 0.1) < 0.05);
    assert_true(of(s, list, n, "a.Conv.kernel") < 0.02);
    assert_string_equal(bti_space_slot_name(s, list[0].slot), "a.Conv.out");
    assert_true(list[0].best.kind == BTI_INT && list[0].best.u.i >= 56);
    bti_free(list);
    bti_trials_release(&t);
    bti_space_free(s);
}

/* Var = 4 (module: 0 or 4, half each) + 1/2 of 25/12 (expand where it is active). */
static void a_conditional_parameter_counts_where_it_is_active(void **state)
{
    (void)state;
    bti_space *s = three("");
    bti_trials t = {0};
    bti_importance *list;
    bt_error err = {0};
    int n;
    fill(&t, s, 400, conditional);
    assert_ok(bti_importance_of(s, &t, 0, 1, &list, &n, &err), &err);
    double all = 4 + 25.0 / 24;
    assert_true(fabs(of(s, list, n, "b") - 4 / all) < 0.08);
    assert_true(fabs(of(s, list, n, "b.InvertedResidualv3.expand") - 25.0 / 24 / all) < 0.08);
    assert_string_equal(list[0].best.u.s, "InvertedResidualv3");
    bti_free(list);
    bti_trials_release(&t);
    bti_space_free(s);
}

static void few_trials_are_refused_with_their_number(void **state)
{
    (void)state;
    bti_space *s = three("");
    bti_trials t = {0};
    bti_importance *list;
    bt_error err = {0};
    int n;
    fill(&t, s, 9, nine_to_one);
    assert_int_equal(bti_importance_of(s, &t, 0, 1, &list, &n, &err), BT_EMPTY);
    assert_non_null(strstr(err.text, "at least 10 finished trials, there are 9"));
    bti_trials_release(&t);
    bti_space_free(s);
}

static void frozen_parameters_are_constants(void **state)
{
    (void)state;
    bti_space *s = three("freeze:\n  a.Conv.out: 24\n  b: Conv\n");
    const bti_param *params;
    bti_rng rng = test_rng(4);
    int continuous;
    char *size = bti_space_size(s, &continuous);
    assert_string_equal(size, "24"); /* repeat 8 x kernel 3 */
    bti_free(size);
    for (int i = 0; i < bti_space_params(s, &params); i++) {
        assert_string_not_equal(params[i].name, "a.Conv.out");
        assert_string_not_equal(params[i].name, "b");
    }
    for (int i = 0; i < 20; i++) {
        bti_point p;
        bti_rows rows;
        bti_arena arena = {0};
        bt_error err = {0};
        bti_space_draw(s, &rng, &p);
        assert_null(bti_point_find(&p, "a.Conv.out"));
        assert_ok(bti_space_rows(s, &p, &rows, &arena, &err), &err);
        assert_true(bti_value_num(rows.row[0].arg[0]) == 24);
        assert_string_equal(rows.row[1].module, "Conv");
        bti_arena_release(&arena);
    }
    bti_space_free(s);
}

static void what_cannot_be_frozen_is_named(void **state)
{
    (void)state;
    const bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3};
    const char *const text[] = {
        SPACE_HEAD
        "blocks:\n  - {id: a, module: {Conv: {out: {int: [8, 64, 8]}, kernel: 3}}}\n" SPACE_TAIL
        "freeze: {a.Conv.width: 24}\n",
        SPACE_HEAD
        "blocks:\n  - {id: a, module: {Conv: {out: {int: [8, 64, 8]}, kernel: {choice: [1, "
        "3]}}}}\n" SPACE_TAIL "freeze: {a.Conv.kernel: 5}\n"};
    const char *const says[] = {"there is no parameter 'a.Conv.width'",
                                "a.Conv.kernel cannot be 5"};
    for (int i = 0; i < 2; i++) {
        bti_space *s = NULL;
        bt_error err = {0};
        assert_true(bti_space_parse(&s, text[i], strlen(text[i]), "small.yaml", &vars, &err));
        assert_non_null(strstr(err.text, says[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_those_of_the_variance),
        cmocka_unit_test(a_conditional_parameter_counts_where_it_is_active),
        cmocka_unit_test(few_trials_are_refused_with_their_number),
        cmocka_unit_test(frozen_parameters_are_constants),
        cmocka_unit_test(what_cannot_be_frozen_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
