/* SPDX-License-Identifier: Apache-2.0
 *
 * Points of a space: conditions, bounds, the stride budget, and what repair, mutation, crossover
 * and restoring keep.
 */
#include "space_text.h"

#include <math.h>

/* ---- stride budget: every assignment of a small space against the rules written again ---- */
#define BUDGET_BLOCK(id)                                                                           \
    "  - {id: " id ", stride: {int: [1, 2]}, module: {Conv: {out: 8, kernel: 3}, Bottleneck: "     \
    "{out: 8}, Pass: {}}}\n"
#define BUDGET_SPACE(rule)                                                                         \
    SPACE_HEAD "stride_budget: {max: 2, force: {b: 0, d: 1}, force_rule: " rule                    \
               "}\nblocks:\n" BUDGET_BLOCK("a") BUDGET_BLOCK("b") BUDGET_BLOCK("c")                \
                   BUDGET_BLOCK("d") SPACE_TAIL

enum { CONV, BOTTLENECK, PASS };

/* The strides of the Conv blocks by model-format.md 4.3; -1: no stride. forced[i]: not a parameter.
 */
static void budget_says(const int module[4], const int wish[4], bool at_most, int stride[4],
                        bool forced[4])
{
    const int force[4] = {-1, 0, -1, 1};
    int n = 0;
    for (int i = 0; i < 4; i++) {
        forced[i] = true;
        stride[i] = -1;
        if (module[i] != CONV)
            continue;
        if (force[i] >= 0 && (at_most ? n <= force[i] : n == force[i])) {
            stride[i] = 2;
        } else if (n >= 2) {
            stride[i] = 1;
        } else {
            stride[i] = wish[i];
            forced[i] = false;
        }
        n += stride[i] == 2;
    }
}

static void check_budget(const bti_space *s, const int module[4], const int wish[4], bool at_most)
{
    static const char *const names[8] = {"a", "a.stride", "b", "b.stride",
                                         "c", "c.stride", "d", "d.stride"};
    double values[8];
    int stride[4];
    bool forced[4];
    bti_point p;
    bti_arena arena = {0};
    bti_rows rows;
    bt_error err = {0};
    for (int i = 0; i < 4; i++) {
        values[2 * i] = module[i];
        values[2 * i + 1] = wish[i];
    }
    budget_says(module, wish, at_most, stride, forced);
    assert_true(bti_space_restore(s, names, values, 8, &p));
    assert_ok(bti_space_rows(s, &p, &rows, &arena, &err), &err);
    int row = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(bti_point_find(&p, names[2 * i + 1]) == NULL, forced[i]);
        if (module[i] == PASS)
            continue;
        if (module[i] == CONV)
            assert_int_equal(rows.row[row].arg[2].u.i, stride[i]);
        else
            assert_string_equal(rows.row[row].module, "Bottleneck");
        row++;
    }
    assert_int_equal(rows.n, row + 3);
    bti_arena_release(&arena);
}

static void check_all_budgets(const char *text, bool at_most)
{
    bti_space *s = space_of(text);
    for (int m = 0; m < 81; m++)
        for (int w = 0; w < 16; w++) {
            const int module[4] = {m % 3, m / 3 % 3, m / 9 % 3, m / 27};
            const int wish[4] = {1 + w % 2, 1 + w / 2 % 2, 1 + w / 4 % 2, 1 + w / 8};
            check_budget(s, module, wish, at_most);
        }
    bti_space_free(s);
}

static void a_stride_is_forced_when_exactly_so_many_came_before(void **state)
{
    (void)state;
    check_all_budgets(BUDGET_SPACE("exactly"), false);
}

static void a_stride_is_forced_when_at_most_so_many_came_before(void **state)
{
    (void)state;
    check_all_budgets(BUDGET_SPACE("at_most"), true);
}

static void a_module_overrides_the_stride_and_repeat_of_its_block(void **state)
{
    (void)state;
    bti_space *s = space_of(SPACE_HEAD "blocks:\n  - {id: a, repeat: 3, stride: 2, module: "
                                       "{DWConv: {out: 8, kernel: 3, stride: 1, "
                                       "repeat: {int: [1, 2]}}}}\n" SPACE_TAIL);
    bti_point p;
    bti_space_default(s, &p);
    assert_int_equal(p.n, 1);
    assert_string_equal(p.param[0].name, "a.DWConv.repeat");
    char *text = rows_text(s, &p);
    assert_non_null(strstr(text, "[1, DWConv, [8, 3, 1]]"));
    bti_free(text);
    bti_space_free(s);
}

static void pooling_without_a_stride_steps_by_its_kernel_and_counts(void **state)
{
    (void)state;
    bti_space *s = space_of(
        SPACE_HEAD
        "stride_budget: {max: 1}\nblocks:\n"
        "  - {id: a, module: {MaxPool: {kernel: {int: [2, 3]}}}}\n"
        "  - {id: b, stride: {int: [1, 2]}, module: {Conv: {out: 8, kernel: 3}}}\n" SPACE_TAIL);
    const char *names[] = {"a.MaxPool.kernel", "b.stride"};
    bti_point p;
    assert_true(bti_space_restore(s, names, (double[]){2, 2}, 2, &p));
    assert_null(bti_point_find(&p, "b.stride")); /* the budget is used up */
    assert_true(bti_space_restore(s, names, (double[]){3, 2}, 2, &p));
    assert_non_null(bti_point_find(&p, "b.stride"));
    assert_int_equal(count_distinct(s, 200), 3);
    bti_space_free(s);
}

/* ---- conditions and bounds ---- */
static void a_block_whose_condition_fails_leaves_no_row_and_no_parameter(void **state)
{
    (void)state;
    bti_space *s = space_of(SPACE_HEAD "params: {n_layers: {int: [1, 3]}}\nblocks:\n"
                                       "  - {id: m1, module: {Conv: {out: 8, kernel: 3}}}\n"
                                       "  - {id: m2, when: {n_layers: {ge: 2}}, repeat: {int: [1, "
                                       "4]}, module: {Conv: {out: 16, kernel: 3}}}\n"
                                       "  - {id: m3, when: {n_layers: {ge: 3}}, module: {Conv: "
                                       "{out: 24, kernel: 3}}}\n" SPACE_TAIL);
    for (int layers = 1; layers <= 3; layers++) {
        const char *names[] = {"n_layers", "m2.repeat"};
        bti_point p;
        bti_arena arena = {0};
        bti_rows rows;
        bt_error err = {0};
        assert_true(bti_space_restore(s, names, (double[]){layers, 4}, 2, &p));
        assert_ok(bti_space_rows(s, &p, &rows, &arena, &err), &err);
        assert_int_equal(rows.n, layers + 3);
        assert_int_equal(p.n, layers >= 2 ? 2 : 1);
        bti_arena_release(&arena);
    }
    bti_space_free(s);
}

static void the_first_domain_whose_condition_holds_is_taken(void **state)
{
    (void)state;
    bti_space *s = space_file("examples/spaces/cifar7.yaml", 32, 3);
    bool sgd = false, adam = false;
    for (uint32_t i = 0; i < 50; i++) {
        bti_point p;
        bti_rng rng = test_rng(i);
        bti_space_draw(s, &rng, &p);
        double lr = param_num(&p, "train.lr");
        if (bti_point_find(&p, "train.optimizer")->value == 0) {
            sgd = true;
            assert_true(lr >= 0.01 && lr <= 0.4);
        } else {
            adam = true;
            assert_true(lr >= 3e-4 && lr <= 1e-2);
        }
        assert_null(bti_point_find(&p, "train.momentum")); /* a constant is not a parameter */
    }
    assert_true(sgd && adam);
    bti_space_free(s);
}

static void parameters_of_a_section_exist_only_under_its_condition(void **state)
{
    (void)state;
    bti_space *s = space_file("examples/spaces/cifar7.yaml", 32, 3);
    int seen[3] = {0};
    for (uint32_t i = 0; i < 60; i++) {
        bti_point p;
        bti_rng rng = test_rng(i);
        bti_space_draw(s, &rng, &p);
        int policy = (int)bti_point_find(&p, "augment.policy")->value;
        seen[policy]++;
        assert_int_equal(bti_point_find(&p, "augment.randaugment.m") != NULL, policy == 1);
        assert_int_equal(bti_point_find(&p, "augment.autoaugment.p4.o1.op") != NULL, policy == 2);
        assert_non_null(bti_point_find(&p, "augment.cutout.p"));
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    bti_space_free(s);
}

/* A small network needs little regularisation, a wide one more. */
static void the_strength_of_augmentation_may_follow_the_width_of_the_network(void **state)
{
    (void)state;
    bti_space *s =
        space_of(SPACE_HEAD "model: {width_multiple: {choice: [0.25, 0.5, 1.0]}}\n"
                            "blocks:\n  - {id: a, module: {Conv: {out: 8, kernel: 3}}}\n" SPACE_TAIL
                            "augment:\n"
                            "  policy: randaugment\n"
                            "  randaugment:\n"
                            "    n: 2\n"
                            "    m:\n"
                            "      - {int: [1, 5], when: {model.width_multiple: {le: 0.5}}}\n"
                            "      - {int: [10, 20, 5]}\n");
    bool weak = false, strong = false;
    for (uint32_t i = 0; i < 60; i++) {
        bti_point p;
        bti_settings settings;
        bti_arena arena = {0};
        bt_error err = {0};
        char want[64];
        bti_rng rng = test_rng(i);
        bti_space_draw(s, &rng, &p);
        bool narrow = param_num(&p, "model.width_multiple") <= 0.5;
        int m = (int)param_num(&p, "augment.randaugment.m");
        assert_true(narrow ? m >= 1 && m <= 5 : m == 10 || m == 15 || m == 20);
        assert_ok(bti_space_settings(s, &p, &settings, &arena, &err), &err);
        snprintf(want, sizeof(want), "randaugment:n=2,m=%d", m);
        assert_non_null(strstr(settings.set[settings.n - 1].value, want));
        bti_arena_release(&arena);
        weak |= narrow;
        strong |= !narrow;
    }
    assert_true(weak && strong);
    bti_space_free(s);
}

static void channels_that_only_grow_follow_the_block_before(void **state)
{
    (void)state;
    bti_space *s = space_of(
        SPACE_HEAD
        "blocks:\n"
        "  - {id: a, module: {Conv: {out: {int: [8, 64, 8]}, kernel: 3}}}\n"
        "  - {id: b, module: {Conv: {out: {int: [$prev.out, 64, 8]}, kernel: 3}, Pass: {}}}\n"
        "  - {id: c, module: {Conv: {out: {int: [$prev.out + 8, $prev.out * 3, 8]}, kernel: 3}}}\n"
        "tail:\n  - [1, Conv, [{int: [$a.Conv.out * 2, 256, 16], id: last}, 1]]\n");
    bool passed = false, grew = false;
    for (uint32_t i = 0; i < 300; i++) {
        bti_point p;
        bti_rng rng = test_rng(i);
        bti_space_draw(s, &rng, &p);
        double a = param_num(&p, "a.Conv.out"), before = a;
        if (bti_point_find(&p, "b.Conv.out")) {
            before = param_num(&p, "b.Conv.out");
            assert_true(before >= a && before <= 64);
            grew = grew || before > a;
        } else {
            passed = true;
        }
        double c = param_num(&p, "c.Conv.out");
        assert_true(c >= before + 8 && c <= before * 3);
        assert_true(fmod(c - before, 8) == 0);
        assert_true(param_num(&p, "last") >= 2 * a);
    }
    assert_true(passed && grew);
    bti_space_free(s);
}

/* ---- draws ---- */
static void every_draw_lies_in_its_domains_and_keeps_the_budget(void **state)
{
    (void)state;
    bti_space *s = space_file("examples/spaces/cifar7.yaml", 32, 3);
    for (uint32_t i = 0; i < 500; i++) {
        bti_point p;
        bti_arena arena = {0};
        bti_rows rows;
        bt_error err = {0};
        bti_rng rng = test_rng(i);
        bti_space_draw(s, &rng, &p);
        for (int k = 0; k < p.n; k++) {
            const bti_domain *d = &p.param[k].domain;
            double v = p.param[k].value;
            if (d->kind == BTI_DOMAIN_CHOICE)
                assert_true(v >= 0 && v < d->n && v == rint(v));
            else
                assert_true(v >= d->lo && v <= d->hi);
            if (d->kind != BTI_DOMAIN_CHOICE && d->step > 0)
                assert_true(fabs((v - d->lo) / d->step - rint((v - d->lo) / d->step)) < 1e-6);
        }
        assert_ok(bti_space_rows(s, &p, &rows, &arena, &err), &err);
        int strides = 0;
        for (int k = 0; k < rows.n; k++) {
            bool v2 = !strcmp(rows.row[k].module, "InvertedResidualv2");
            bool v3 = !strcmp(rows.row[k].module, "InvertedResidualv3");
            bool conv =
                !strcmp(rows.row[k].module, "Conv") || !strcmp(rows.row[k].module, "DWConv");
            if (v2 || v3 || conv)
                strides += rows.row[k].arg[v3 ? 5 : 2].u.i == 2;
        }
        assert_true(strides <= 3); /* at least two unless Pass or Bottleneck stand at m4 and m6 */
        bti_arena_release(&arena);
    }
    bti_space_free(s);
}

static void log_domains_are_drawn_evenly_in_the_logarithm(void **state)
{
    (void)state;
    bti_space *s = space_of(
        SPACE_HEAD SPACE_TAIL
        "train: {lr: {float: [0.0001, 1.0], log: true}, epochs: {int: [1, 1000], log: true}}\n");
    int below_lr = 0, below_epochs = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        bti_point p;
        bti_rng rng = test_rng(i);
        bti_space_draw(s, &rng, &p);
        below_lr += param_num(&p, "train.lr") < 0.01;
        below_epochs += param_num(&p, "train.epochs") < 32;
    }
    assert_in_range(below_lr, 900, 1100);
    assert_in_range(below_epochs, 900, 1100);
    bti_space_free(s);
}

static void the_same_numbers_draw_the_same_point(void **state)
{
    (void)state;
    bti_space *s = space_file("examples/spaces/brief.yaml", 32, 3);
    bti_point p;
    bti_rng a = test_rng(3), b = test_rng(3), c = test_rng(4);
    bti_space_draw(s, &a, &p);
    char *first = point_text(&p);
    bti_space_draw(s, &b, &p);
    char *again = point_text(&p);
    bti_space_draw(s, &c, &p);
    char *other = point_text(&p);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    bti_free(first);
    bti_free(again);
    bti_free(other);
    bti_space_free(s);
}

static void the_first_trial_takes_written_defaults_and_middles(void **state)
{
    (void)state;
    bti_space *s =
        space_of(SPACE_HEAD SPACE_TAIL "train: {lr: {float: [0.0, 1.0, 0.25], default: 0.75}, "
                                       "epochs: {int: [1, 9]}, optimizer: {choice: [SGD, Adam]}, "
                                       "batch_size: {ordinal: [32, 64, 128]}, weight_decay: "
                                       "{float: [0.0001, 0.01], log: true}}\n");
    bti_point p;
    assert_true(bti_space_has_default(s));
    bti_space_default(s, &p);
    assert_true(param_num(&p, "train.lr") == 0.75);
    assert_true(param_num(&p, "train.epochs") == 5);
    assert_true(param_num(&p, "train.batch_size") == 64);
    assert_true(fabs(param_num(&p, "train.weight_decay") - 0.001) < 1e-9);
    assert_string_equal(bti_param_value(bti_point_find(&p, "train.optimizer")).u.s, "SGD");
    bti_space_free(s);
}

/* ---- repair, mutate, cross, restore ---- */
#define GROW_SPACE                                                                                 \
    SPACE_HEAD "blocks:\n"                                                                         \
               "  - {id: a, repeat: {int: [1, 9]}, module: {Conv: {out: {int: [8, 64, 8]}, "       \
               "kernel: 3}, Pass: {}}}\n"                                                          \
               "  - {id: b, repeat: {int: [1, 9]}, module: {Conv: {out: {int: [$prev.out, 64, "    \
               "8]}, kernel: 3}}}\n" SPACE_TAIL

static void repair_keeps_what_fits_clamps_what_does_not_and_draws_the_rest(void **state)
{
    (void)state;
    bti_space *s = space_of(GROW_SPACE);
    bti_point wish, out;
    bti_rng rng = test_rng(1);
    const char *names[] = {"a", "a.Conv.out", "a.repeat", "b.Conv.out", "b.repeat"};
    assert_true(bti_space_restore(s, names, (double[]){0, 16, 7, 24, 3}, 5, &wish));
    for (int i = 0; i < wish.n; i++) /* a grows past b */
        if (wish.param[i].name == bti_point_find(&wish, "a.Conv.out")->name)
            wish.param[i].value = 40;
    bti_space_repair(s, &wish, &rng, &out);
    assert_true(param_num(&out, "a.Conv.out") == 40);
    assert_true(param_num(&out, "a.repeat") == 7);
    assert_true(param_num(&out, "b.Conv.out") == 40); /* 24 is below the new lower end */
    assert_true(param_num(&out, "b.repeat") == 3);

    assert_true(bti_space_restore(s, names, (double[]){1, 0, 0, 24, 3}, 5, &wish)); /* a: Pass */
    wish.param[0].value = 0; /* a: Conv again */
    bti_space_repair(s, &wish, &rng, &out);
    assert_non_null(bti_point_find(&out, "a.Conv.out"));
    assert_non_null(bti_point_find(&out, "a.repeat"));
    assert_true(param_num(&out, "b.repeat") == 3);
    bti_space_free(s);
}

static void one_mutation_changes_one_parameter_and_what_depends_on_it(void **state)
{
    (void)state;
    bti_space *s = space_file("examples/spaces/brief.yaml", 32, 3);
    int changed_at[4] = {0}; /* module, repeat, stride, other */
    for (uint32_t i = 0; i < 400; i++) {
        bti_point parent, child;
        bti_rng rng = test_rng(i);
        int changed = 0;
        const char *what = "";
        bti_space_draw(s, &rng, &parent);
        bti_space_mutate(s, &parent, 1, &rng, &child);
        for (int k = 0; k < parent.n; k++) {
            const bti_param *q = bti_point_find(&child, parent.param[k].name);
            if (!q || q->value == parent.param[k].value)
                continue;
            changed++;
            what = q->name;
        }
        /* A stride that gets forced or freed may leave and enter; a new module brings new
         * arguments. */
        assert_int_equal(changed, 1);
        if (strstr(what, ".repeat"))
            changed_at[1]++;
        else if (strstr(what, ".stride"))
            changed_at[2]++;
        else
            changed_at[strlen(what) == 2 ? 0 : 3]++;
    }
    for (int k = 0; k < 4; k++)
        assert_true(changed_at[k] > 40);
    bti_space_free(s);
}

static void crossover_takes_each_block_whole_from_one_parent(void **state)
{
    (void)state;
    bti_space *s = space_of(SPACE_HEAD "blocks:\n"
                                       "  - {id: a, repeat: {int: [1, 9]}, module: {Conv: {out: "
                                       "{int: [8, 64, 8]}, kernel: {int: [1, 9]}}}}\n"
                                       "  - {id: b, repeat: {int: [1, 9]}, module: {Conv: {out: "
                                       "{int: [8, 64, 8]}, kernel: {int: [1, 9]}}}}\n" SPACE_TAIL);
    const char *names[] = {"a.Conv.out", "a.Conv.kernel", "a.repeat",
                           "b.Conv.out", "b.Conv.kernel", "b.repeat"};
    bti_point x, y, child;
    bool mixed = false;
    assert_true(bti_space_restore(s, names, (double[]){8, 1, 1, 8, 1, 1}, 6, &x));
    assert_true(bti_space_restore(s, names, (double[]){64, 9, 9, 64, 9, 9}, 6, &y));
    for (uint32_t i = 0; i < 40; i++) {
        bti_rng rng = test_rng(i);
        bti_space_cross(s, &x, &y, &rng, &child);
        bool a_from_x = param_num(&child, "a.Conv.out") == 8,
             b_from_x = param_num(&child, "b.Conv.out") == 8;
        assert_true(param_num(&child, "a.repeat") == (a_from_x ? 1 : 9));
        assert_true(param_num(&child, "a.Conv.kernel") == (a_from_x ? 1 : 9));
        assert_true(param_num(&child, "b.repeat") == (b_from_x ? 1 : 9));
        mixed = mixed || a_from_x != b_from_x;
    }
    assert_true(mixed);
    bti_space_free(s);
}

static void a_stored_point_is_rebuilt_exactly(void **state)
{
    (void)state;
    const char *const files[] = {"examples/spaces/cifar7.yaml", "examples/spaces/taco7.yaml"};
    for (int f = 0; f < 2; f++) {
        bti_space *s = space_file(files[f], 32, 3);
        for (uint32_t i = 0; i < 100; i++) {
            bti_point p, back;
            const char *names[BTI_POINT_MAX];
            double values[BTI_POINT_MAX];
            bti_rng rng = test_rng(i);
            bti_space_draw(s, &rng, &p);
            for (int k = 0; k < p.n; k++) { /* in another order */
                names[k] = p.param[p.n - 1 - k].name;
                values[k] = p.param[p.n - 1 - k].value;
            }
            assert_true(bti_space_restore(s, names, values, p.n, &back));
            char *a = point_text(&p), *b = point_text(&back);
            assert_string_equal(a, b);
            bti_free(a);
            bti_free(b);
        }
        bti_space_free(s);
    }
}

static void a_stored_point_that_lacks_a_parameter_says_so(void **state)
{
    (void)state;
    bti_space *s = space_of(GROW_SPACE);
    const char *names[] = {"a", "b.Conv.out", "b.repeat", "gone"};
    bti_point p;
    assert_true(bti_space_restore(s, names, (double[]){1, 24, 3, 5}, 4,
                                  &p)); /* a: Pass; "gone" is dropped */
    assert_int_equal(p.n, 3);
    assert_false(bti_space_restore(s, names, (double[]){0, 24, 3, 5}, 4, &p));
    assert_true(param_num(&p, "a.Conv.out") == 32); /* the middle */
    bti_space_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stride_is_forced_when_exactly_so_many_came_before),
        cmocka_unit_test(a_stride_is_forced_when_at_most_so_many_came_before),
        cmocka_unit_test(a_module_overrides_the_stride_and_repeat_of_its_block),
        cmocka_unit_test(pooling_without_a_stride_steps_by_its_kernel_and_counts),
        cmocka_unit_test(a_block_whose_condition_fails_leaves_no_row_and_no_parameter),
        cmocka_unit_test(the_first_domain_whose_condition_holds_is_taken),
        cmocka_unit_test(parameters_of_a_section_exist_only_under_its_condition),
        cmocka_unit_test(the_strength_of_augmentation_may_follow_the_width_of_the_network),
        cmocka_unit_test(channels_that_only_grow_follow_the_block_before),
        cmocka_unit_test(every_draw_lies_in_its_domains_and_keeps_the_budget),
        cmocka_unit_test(log_domains_are_drawn_evenly_in_the_logarithm),
        cmocka_unit_test(the_same_numbers_draw_the_same_point),
        cmocka_unit_test(the_first_trial_takes_written_defaults_and_middles),
        cmocka_unit_test(repair_keeps_what_fits_clamps_what_does_not_and_draws_the_rest),
        cmocka_unit_test(one_mutation_changes_one_parameter_and_what_depends_on_it),
        cmocka_unit_test(crossover_takes_each_block_whole_from_one_parent),
        cmocka_unit_test(a_stored_point_is_rebuilt_exactly),
        cmocka_unit_test(a_stored_point_that_lacks_a_parameter_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
