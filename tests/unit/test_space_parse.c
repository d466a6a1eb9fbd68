/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading search-space files: what the documented spaces hold, and what people read when a file is
 * wrong.
 */
#include "space_text.h"

#include <math.h>

static void the_documented_spaces_are_read(void **state)
{
    (void)state;
    bti_space *taco = space_file("examples/spaces/taco7.yaml", 96, 3);
    bti_space *cifar = space_file("examples/spaces/cifar7.yaml", 32, 3);
    const bti_objective *o;
    assert_string_equal(bti_space_name(taco), "taco7");
    assert_int_equal(bti_space_objectives(taco, &o), 3);
    assert_string_equal(o[0].metric, "f1_macro");
    assert_true(o[0].maximize);
    assert_string_equal(o[2].metric, "latency_ms");
    assert_false(o[2].maximize);
    bti_constraints c = bti_space_constraints(cifar);
    assert_true(c.params.hi == 500000 && c.macs.hi == 60e6 && isinf(c.peak_memory.hi));
    c = bti_space_constraints(taco);
    assert_true(c.params.lo == 100000 && isinf(c.macs.hi));
    bti_space_free(taco);
    bti_space_free(cifar);
}

static void the_shipped_spaces_have_no_literal_class_count(void **state)
{
    (void)state;
    const char *const files[] = {"examples/spaces/brief.yaml", "examples/spaces/fashion7.yaml"};
    for (int i = 0; i < 2; i++) {
        bti_space_vars vars = {.classes = 37, .size = 28, .channels = 1};
        bti_space *s = space_file(files[i], 28, 1);
        bti_space *other = NULL;
        bt_error err = {0};
        assert_null(strstr(bti_space_text(s), "classes: 1"));
        assert_ok(bti_space_parse(&other, bti_space_text(s), strlen(bti_space_text(s)), files[i],
                                  &vars, &err),
                  &err);
        bti_point p;
        bti_space_default(other, &p);
        char *text = rows_text(other, &p);
        assert_non_null(strstr(text, "Linear, [37]]"));
        assert_non_null(strstr(text, "input_channel: 1"));
        assert_non_null(strstr(text, "input_size: [28, 28]"));
        bti_free(text);
        bti_space_free(other);
        bti_space_free(s);
    }
}

static void parameters_are_listed_in_file_order_with_their_domains(void **state)
{
    (void)state;
    bti_space *s = space_file("examples/spaces/cifar7.yaml", 32, 3);
    const bti_param *p;
    int n = bti_space_params(s, &p), lr = 0;
    assert_string_equal(p[0].name, "m1.Conv.out");
    assert_true(p[0].domain.kind == BTI_DOMAIN_INT && p[0].domain.lo == 16 &&
                p[0].domain.hi == 32 && p[0].domain.step == 8);
    for (int i = 0; i < n; i++) {
        if (strcmp(p[i].name, "train.lr"))
            continue;
        lr++;
        assert_true(p[i].domain.log && p[i].domain.step == 0);
    }
    assert_int_equal(lr, 2);
    assert_string_equal(p[n - 1].name, "augment.cutout.p");
    bti_space_free(s);
}

static void every_autoaugment_slot_has_its_own_copy(void **state)
{
    (void)state;
    bti_space *s = space_file("examples/spaces/cifar7.yaml", 32, 3);
    const bti_param *p;
    int n = bti_space_params(s, &p), copies = 0;
    bool last = false;
    for (int i = 0; i < n; i++) {
        copies += !strncmp(p[i].name, "augment.autoaugment.p", 21);
        last = last || !strcmp(p[i].name, "augment.autoaugment.p4.o1.level");
    }
    assert_int_equal(copies, 30);
    assert_true(last);
    bti_space_free(s);
}

static void option_limits_tighten_but_never_widen(void **state)
{
    (void)state;
    bti_space *s =
        space_of(SPACE_HEAD SPACE_TAIL "constraints: {params: [10, 1000], macs: [0, null]}\n");
    bti_space_limit(s, BTI_METRIC_PARAMS, 5000);
    bti_space_limit(s, BTI_METRIC_MACS, 77);
    bti_constraints c = bti_space_constraints(s);
    assert_true(c.params.lo == 10 && c.params.hi == 1000 && c.macs.hi == 77);
    bti_cost cost = {.params = 1000, .macs = 77, .out_h = 1, .out_w = 1};
    assert_true(bti_constraints_hold(&c, &cost));
    cost.params = 1001;
    assert_false(bti_constraints_hold(&c, &cost));
    cost.params = 9;
    assert_false(bti_constraints_hold(&c, &cost));
    bti_space_free(s);
}

static void a_limit_that_training_shows_is_written_but_rejects_nothing_before(void **state)
{
    (void)state;
    double value[BTI_METRICS], list[2 * BTI_METRICS];
    bti_space *s = space_of(SPACE_HEAD SPACE_TAIL "constraints: {params: [10, 1000]}\n");
    bti_space_limit(s, BTI_METRIC_ACCURACY, 0.75);
    bti_space_limit(s, BTI_METRIC_LATENCY_MS, 2);
    bti_constraints c = bti_space_constraints(s);
    const bti_cost cost = {.params = 500, .out_h = 1, .out_w = 1};
    assert_true(bti_constraints_hold(&c, &cost));
    for (int i = 0; i < BTI_METRICS; i++)
        value[i] = bti_cost_of(&cost, (bti_metric)i);
    assert_int_equal(bti_constraint_list(&c, value, list), 4); /* accuracy, params twice, latency */
    assert_true(list[0] == 0 && list[1] == -500 && list[2] == -490 && list[3] == 0);
    value[BTI_METRIC_ACCURACY] = 0.5;
    value[BTI_METRIC_LATENCY_MS] = 1.5;
    bti_constraint_list(&c, value, list);
    assert_true(list[0] == 0.25 && list[3] == -0.5);
    bti_space_free(s);
}

static const char *refusal(const char *text)
{
    static bt_error err;
    const bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3};
    bti_space *s = NULL;
    assert_int_equal(bti_space_parse(&s, text, strlen(text), "s.yaml", &vars, &err), BT_INVAL);
    assert_null(s);
    return err.text;
}

static void objectives_that_a_search_cannot_work_with_are_refused(void **state)
{
    (void)state;
    const char *head = SPACE_HEAD SPACE_TAIL "objectives: ";
    char text[1024];
    static const char *const row[][2] = {
        {"[{metric: params, goal: min}]", "must be measured on validation"},
        {"[{metric: accuracy, goal: min}]", "the goal of accuracy is max"},
        {"[{metric: accuracy, goal: max}, {metric: accuracy, goal: max}]", "there twice"},
        {"[{metric: acuracy, goal: max}]", "accuracy"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        snprintf(text, sizeof(text), "%s%s\n", head, row[i][0]);
        assert_non_null(strstr(refusal(text), row[i][1]));
    }
}

static void objectives_of_an_option_replace_those_of_the_file(void **state)
{
    (void)state;
    bt_error err;
    const bti_objective *o;
    bti_space *s = space_of(SPACE_HEAD SPACE_TAIL
                            "objectives: [{metric: f1_macro, goal: max}, {metric: macs, goal: "
                            "min}]\n");
    assert_int_equal(bti_space_objectives(s, &o), 2);
    assert_int_equal(o[1].id, BTI_METRIC_MACS);
    assert_ok(bti_space_set_objectives(s, "accuracy,params,latency_ms", &err), &err);
    assert_int_equal(bti_space_objectives(s, &o), 3);
    assert_true(o[0].maximize && o[2].id == BTI_METRIC_LATENCY_MS && !o[2].maximize);
    assert_int_equal(bti_space_set_objectives(s, "params,accuracy", &err), BT_INVAL);
    assert_int_equal(bti_space_set_objectives(s, "", &err), BT_INVAL);
    assert_int_equal(bti_space_objectives(s, &o), 3); /* a refused list changes nothing */
    bti_space_free(s);
}

static void min_out_bounds_the_map_at_the_tail(void **state)
{
    (void)state;
    bti_space *s = space_of(SPACE_HEAD SPACE_TAIL "stride_budget: {max: 3, min_out: 4}\n");
    bti_constraints c = bti_space_constraints(s);
    bti_cost cost = {.out_h = 4, .out_w = 4};
    assert_true(bti_constraints_hold(&c, &cost));
    cost.out_w = 3;
    assert_false(bti_constraints_hold(&c, &cost));
    bti_space_free(s);
}

static void objectives_default_to_accuracy_and_parameters(void **state)
{
    (void)state;
    bti_space *s = space_of(SPACE_HEAD SPACE_TAIL);
    const bti_objective *o;
    assert_int_equal(bti_space_objectives(s, &o), 2);
    assert_string_equal(o[0].metric, "accuracy");
    assert_string_equal(o[1].metric, "params");
    assert_true(o[0].maximize && !o[1].maximize);
    bti_space_free(s);
}

/* A block m1 whose modules are `body`, on line 5. */
#define BLOCK(body) SPACE_HEAD "blocks:\n  - id: m1\n    module: " body "\n" SPACE_TAIL

static const struct {
    const char *text;
    int line;
    const char *says; /* a part of the sentence */
} wrong[] = {
    {"name: x\n", 1, "format: search-space/1"},
    {"format: search-space/2\n", 1, "search-space/1"},
    {"format: search-space/1\nblocs: []\n", 2,
     "unknown key 'blocs' in a search space; did you mean 'blocks'?"},
    {SPACE_HEAD, 1, "needs blocks or a tail"},
    {BLOCK("{Cov: {out: 8, kernel: 3}}"), 5, "unknown module 'Cov'; did you mean 'Conv'?"},
    {BLOCK("{Transformer: {}}"), 5, "known are Conv, DWConv"},
    {BLOCK("{Conv: {out: 8, kernal: 3}}"), 5,
     "unknown argument 'kernal' in Conv; did you mean 'kernel'?"},
    {BLOCK("{Conv: {out: 8}}"), 5, "m1.Conv needs the argument 'kernel'"},
    {BLOCK("{Bottleneck: {out: 8, stride: 2}}"), 5, "unknown argument 'stride' in Bottleneck"},
    {BLOCK("{Conv: {out: {int: [64, 16, 8]}, kernel: 3}}"), 5,
     "the lower end 64 is above the upper end 16"},
    {BLOCK("{Conv: {out: {int: [16]}, kernel: 3}}"), 5,
     "int needs [lower, upper] or [lower, upper, step]"},
    {BLOCK("{Conv: {out: {int: [1.5, 4]}, kernel: 3}}"), 5, "'1.5' is not a whole number"},
    {BLOCK("{Conv: {out: {int: [1, 4, 0]}, kernel: 3}}"), 5, "step must be a number above 0"},
    {BLOCK("{Conv: {out: {int: [1, 4, 2], log: true}, kernel: 3}}"), 5, "log: true takes no step"},
    {BLOCK("{Conv: {out: {int: [0, 4], log: true}, kernel: 3}}"), 5, "lower end above 0"},
    {BLOCK("{Conv: {out: {int: [1, 4], chioce: [1]}, kernel: 3}}"), 5, "did you mean 'choice'?"},
    {BLOCK("{Conv: {out: {int: [1, 4], choice: [1]}, kernel: 3}}"), 5,
     "either choice or int, not both"},
    {BLOCK("{Conv: {out: {choice: []}, kernel: 3}}"), 5, "at least one value"},
    {BLOCK("{Conv: {out: {choice: [8, 8]}, kernel: 3}}"), 5, "'8' is listed twice"},
    {BLOCK("{Conv: {out: {choice: [8, 16], default: 12}, kernel: 3}}"), 5,
     "default '12' is not in the domain"},
    {BLOCK("{Conv: {out: $widht, kernel: 3}}"), 5, "no earlier parameter is named 'widht'"},
    {BLOCK("{Conv: {out: $classes - 2, kernel: 3}}"), 5, "$name + number or $name * number"},
    {SPACE_HEAD
     "params: {n_layers: {int: [1, 3]}}\nblocks:\n  - id: m1\n    when: {n_layer: {ge: 2}}\n"
     "    module: {Conv: {out: 8, kernel: 3}}\n",
     6, "did you mean 'n_layers'?"},
    {SPACE_HEAD "params: {x: {float: [0, 1]}}\nblocks:\n  - id: m1\n    when: {x: {ge: 0.5}}\n"
                "    module: {Conv: {out: 8, kernel: 3}}\n",
     6, "'x' is continuous"},
    {SPACE_HEAD "params: {a: {choice: [1, 2]}, b: {int: [1, 2], id: a}}\n" SPACE_TAIL, 3,
     "'a' is the name of an earlier parameter"},
    {SPACE_HEAD SPACE_TAIL "stride_budget: {force: {m9: 0}}\n", 7, "unknown block 'm9' in force"},
    {SPACE_HEAD SPACE_TAIL "stride_budget: {force_rule: at_least}\n", 7, "did you mean 'at_most'?"},
    {SPACE_HEAD SPACE_TAIL "stride_budget: {max: -1}\n", 7, "max is a whole number of at least 0"},
    {SPACE_HEAD "tail:\n  - [1, Linear]\n  - [1, Liner, [10]]\n", 5, "did you mean 'Linear'?"},
    {SPACE_HEAD "tail:\n  - Linear\n", 4, "a tail row is [repeat, Module, [arguments]]"},
    {SPACE_HEAD SPACE_TAIL "train: {epoch: 3}\n", 7, "did you mean 'epochs'?"},
    {SPACE_HEAD SPACE_TAIL "train: {lr: {low: 1}}\n", 7, "train.lr is a value or a domain"},
    {SPACE_HEAD SPACE_TAIL "augment: {policy: randaugmnt}\n", 7, "did you mean 'randaugment'?"},
    {SPACE_HEAD SPACE_TAIL "augment: {policy: {choice: [none, strong]}}\n", 7,
     "unknown policy 'strong'"},
    {SPACE_HEAD SPACE_TAIL "augment: {autoaugment: {fixed: [[[ShearZ, 0.1, 2]]]}}\n", 7,
     "did you mean 'ShearX'?"},
    {SPACE_HEAD SPACE_TAIL "augment: {autoaugment: {fixed: [[[ShearX, 1.5, 2]]]}}\n", 7,
     "probability of ShearX"},
    {SPACE_HEAD SPACE_TAIL "augment: {autoaugment: {op: Invert, level: 3}}\n", 7, "needs 'p'"},
    {SPACE_HEAD SPACE_TAIL "constraints: {parms: [0, 1]}\n", 7, "did you mean 'params'?"},
    {SPACE_HEAD SPACE_TAIL "constraints: {params: 5}\n", 7, "constraints.params is [lower, upper]"},
    {SPACE_HEAD SPACE_TAIL "constraints: {params: [5, 1]}\n", 7, "above the upper end"},
    {SPACE_HEAD SPACE_TAIL "objectives: [{metric: acuracy, goal: max}]\n", 7,
     "did you mean 'accuracy'?"},
    {SPACE_HEAD SPACE_TAIL "objectives: [{metric: params, goal: less}]\n", 7,
     "unknown goal 'less'"},
    {SPACE_HEAD SPACE_TAIL "select: {order: [{prams: min}]}\n", 7, "did you mean 'params'?"},
    {"format: search-space/1\nblocks: [\n", 0, ""},
};

static void mistakes_name_the_line_and_the_nearest_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3};
        bti_space *s = NULL;
        bt_error err = {0};
        bt_status rc =
            bti_space_parse(&s, wrong[i].text, strlen(wrong[i].text), "w.yaml", &vars, &err);
        if (rc == BT_OK || s)
            fail_msg("accepted:\n%s", wrong[i].text);
        if (strcmp(err.where, "w.yaml") || (wrong[i].line && err.line != wrong[i].line) ||
            !strstr(err.text, wrong[i].says))
            fail_msg("%s:%d: %s\n  expected line %d, '%s', for:\n%s", err.where, err.line, err.text,
                     wrong[i].line, wrong[i].says, wrong[i].text);
    }
}

static void nothing_is_leaked_when_memory_runs_out(void **state)
{
    (void)state;
    const bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3};
    static const char text[] =
        BLOCK("{Conv: {out: {int: [8, 16, 8]}, kernel: 3}}") "train: {lr: {float: [0.1, 0.2]}}\n";
    for (int64_t n = 1; n < 200; n++) {
        bti_space *s = NULL;
        bt_error err = {0};
        int64_t live = bti_alloc_live();
        bti_alloc_fail_at(n);
        bt_status rc = bti_space_parse(&s, text, strlen(text), "w.yaml", &vars, &err);
        bti_alloc_fail_at(0);
        bti_space_free(s);
        assert_int_equal(bti_alloc_live(), live);
        if (!rc)
            return;
        assert_null(s);
    }
    fail_msg("never succeeded");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_spaces_are_read),
        cmocka_unit_test(the_shipped_spaces_have_no_literal_class_count),
        cmocka_unit_test(parameters_are_listed_in_file_order_with_their_domains),
        cmocka_unit_test(every_autoaugment_slot_has_its_own_copy),
        cmocka_unit_test(option_limits_tighten_but_never_widen),
        cmocka_unit_test(a_limit_that_training_shows_is_written_but_rejects_nothing_before),
        cmocka_unit_test(objectives_that_a_search_cannot_work_with_are_refused),
        cmocka_unit_test(objectives_of_an_option_replace_those_of_the_file),
        cmocka_unit_test(min_out_bounds_the_map_at_the_tail),
        cmocka_unit_test(objectives_default_to_accuracy_and_parameters),
        cmocka_unit_test(mistakes_name_the_line_and_the_nearest_word),
        cmocka_unit_test(nothing_is_leaked_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
