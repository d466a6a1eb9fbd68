/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of a point, as training reads them, and the identity of a trial.
 */
#include "space_text.h"

#include "bantam/train.h"
#include "base/arena.h"

static const char *find(const bti_settings *s, const char *key)
{
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->set[i].key, key))
            return s->set[i].value;
    return NULL;
}

/* The settings of the default point of head + tail + `body`; `keep` owns them. */
static bti_settings settings_of(const char *body, bti_arena *keep)
{
    bti_str text = {0};
    bti_settings out;
    bt_error err = {0};
    bti_point p;
    bti_str_addf(&text, "%s%s%s", SPACE_HEAD, SPACE_TAIL, body);
    bti_space *s = space_of(bti_str_c(&text));
    bti_space_default(s, &p);
    assert_ok(bti_space_settings(s, &p, &out, keep, &err), &err);
    for (int i = 0; i < out.n; i++) /* the keys belong to the space */
        out.set[i].key = bti_arena_strdup(keep, out.set[i].key);
    bti_space_free(s);
    bti_str_release(&text);
    return out;
}

static void the_briefs_recipe_comes_out_in_recipe_words(void **state)
{
    (void)state;
    static const char *const expected[][2] = {
        {"batch", "128"}, {"optimizer", "sgd"},       {"momentum", "0.9"},    {"nesterov", "true"},
        {"lr", "0.1"},    {"weight_decay", "0.0005"}, {"schedule", "cosine"}, {"augment", NULL},
    };
    const char *const files[] = {"examples/spaces/brief.yaml", "examples/spaces/fashion7.yaml"};
    const char *const augment[] = {"flip+crop:4+randaugment:n=2,m=15",
                                   "flip"}; /* of the default point */
    for (int f = 0; f < 2; f++) {
        bti_space *s = space_file(files[f], 32, 3);
        bti_arena arena = {0};
        bti_settings out;
        bt_error err = {0};
        bti_point p;
        bti_space_default(s, &p);
        assert_ok(bti_space_settings(s, &p, &out, &arena, &err), &err);
        assert_int_equal(out.n, 8); /* no epochs: the search chooses them */
        for (int i = 0; i < out.n; i++) {
            assert_string_equal(out.set[i].key, expected[i][0]);
            assert_string_equal(out.set[i].value, expected[i][1] ? expected[i][1] : augment[f]);
        }
        bti_arena_release(&arena);
        bti_space_free(s);
    }
}

static void policies_become_one_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"augment: {policy: none}\n", "none"},
        {"augment: {policy: flip_crop}\n", "flip+crop:4"},
        {"augment: {policy: trivialaugment, flip: {p: 0.5}}\n", "flip+trivialaugment"},
        {"augment: flip+autoaugment:cifar10\n", "flip+autoaugment:cifar10"},
        {"augment: {policy: flip_crop, crop: {pad: 2}}\n", "flip+crop:2"},
        {"augment: {policy: flip_crop, flip: {p: 0.3}}\n", "flip:p=0.3+crop:4"},
        {"augment: {policy: none, flip: {p: 0.5}}\n", "flip"},
        {"augment: {policy: randaugment, randaugment: {n: 2, m: 9}}\n", "randaugment:n=2,m=9"},
        {"augment: {policy: randaugment, randaugment: {n: 3, m: 14, levels: 10, flavour: course}, "
         "cutout: {p: 0.8, ratio: 0.45}}\n",
         "randaugment:n=3,m=14,levels=10,flavour=course+cutout:p=0.8,ratio=0.45"},
        {"augment: {policy: flip_crop, randaugment: {when: {augment.policy: randaugment}, n: 2}, "
         "cutout: {p: 0.0}}\n",
         "flip+crop:4"},
        {"augment: {policy: autoaugment, autoaugment: {levels: 10, fixed: [[[ShearX, 0.4, 3], "
         "[Invert, 0.1, 2]], [[Rotate, 1.0, 9], [Color, 0, 0]]]}}\n",
         "autoaugment:levels=10,p0=ShearX/0.4/3|Invert/0.1/2,p1=Rotate/1.0/9|Color/0/0"},
        {"augment: {policy: autoaugment, autoaugment: {policies: 2, ops_per_policy: 1, op: "
         "{choice: [Invert, Color]}, p: 0.5, level: {int: [0, 9]}}}\n",
         "autoaugment:p0=Invert/0.5/4,p1=Invert/0.5/4"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bti_arena keep = {0};
        bti_settings out = settings_of(cases[i][0], &keep);
        assert_int_equal(out.n, 1);
        assert_string_equal(find(&out, "augment"), cases[i][1]);
        bti_arena_release(&keep);
    }
}

static void a_policy_from_outside_replaces_the_section_and_its_parameters(void **state)
{
    (void)state;
    const bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3, .augment = "flip:p=0.5"};
    const char *text = SPACE_HEAD
        "blocks:\n  - id: m1\n    module: {Conv: {out: 8, kernel: 3}}\n" SPACE_TAIL
        "augment: {policy: {choice: [none, randaugment]}, randaugment: {n: {int: [1, 3]}, m: 9}}\n";
    bti_space *s = NULL;
    bti_arena keep = {0};
    bti_settings out;
    bti_point point = {0};
    bt_error err = {0};
    assert_ok(bti_space_parse(&s, text, strlen(text), "small.yaml", &vars, &err), &err);
    assert_ok(bti_space_settings(s, &point, &out, &keep, &err), &err);
    assert_string_equal(find(&out, "augment"), "flip:p=0.5");
    bti_arena_release(&keep);
    bti_space_free(s);
}

static void a_space_without_an_augment_section_leaves_the_recipes_default(void **state)
{
    (void)state;
    bti_arena keep = {0};
    bti_settings out = settings_of("train: {lr: 0.2}\n", &keep);
    assert_null(find(&out, "augment"));
    assert_string_equal(find(&out, "lr"), "0.2");
    bti_arena_release(&keep);
}

static void a_schedule_with_settings_becomes_one_value(void **state)
{
    (void)state;
    bti_arena keep = {0};
    bti_settings out = settings_of(
        "train: {schedule: {onecycle: {pct_start: {float: [0.05, 0.35, 0.05], default: 0.1}}}}\n",
        &keep);
    assert_string_equal(find(&out, "schedule"), "onecycle:pct_start=0.1");
    bti_arena_release(&keep);
}

static void every_train_section_of_the_course_is_a_recipe(void **state)
{
    (void)state;
    const char *files[] = {"tests/golden/spaces/cifar7.yaml", "tests/golden/spaces/taco7.yaml"};
    for (int f = 0; f < 2; f++) {
        bti_space *s = space_file(files[f], 32, 3);
        for (uint32_t i = 0; i < 40; i++) {
            bti_rng rng = test_rng(i);
            bti_arena arena = {0};
            bti_settings out;
            bt_error err = {0};
            bti_point p;
            bt_recipe r = bt_recipe_defaults();
            bti_space_draw(s, &rng, &p);
            assert_ok(bti_space_settings(s, &p, &out, &arena, &err), &err);
            for (int k = 0; k < out.n; k++)
                if (!bti_streq(out.set[k].key, "augment"))
                    assert_ok(bt_recipe_set(&r, out.set[k].key, out.set[k].value, NULL, 0, &err),
                              &err);
            assert_string_equal(r.optimizer, find(&out, "optimizer"));
            assert_true(bti_has_prefix(r.schedule, "onecycle:pct_start=0."));
            if (find(&out, "weight_decay"))
                assert_true(r.weight_decay != 5e-4);
            bti_arena_release(&arena);
        }
        bti_space_free(s);
    }
}

static void a_setting_whose_condition_fails_is_not_there(void **state)
{
    (void)state;
    bti_arena keep = {0};
    bti_settings out = settings_of(
        "train: {optimizer: Adam, momentum: {const: 0.9, when: {train.optimizer: SGD}}}\n", &keep);
    assert_null(find(&out, "momentum"));
    assert_string_equal(find(&out, "optimizer"), "adam");
    bti_arena_release(&keep);
}

/* ---- rows ---- */
static void rows_have_the_named_arguments_in_their_places(void **state)
{
    (void)state;
    bti_space *s = space_of(
        SPACE_HEAD
        "model: {depth_multiple: 0.5, width_multiple: 0.75}\nblocks:\n"
        "  - {id: a, repeat: 2, stride: 2, module: {Conv: {kernel: 3, act: Hardswish, out: 24}}}\n"
        "  - {id: b, stride: 1, module: {InvertedResidualv3: {out: 16, expand: 2.5, kernel: 5, hs: "
        "1, se: 0}}}\n"
        "  - {id: c, module: {InvertedResidualv2: {out: 16, expand: 4}}}\n"
        "  - {id: d, stride: 2, module: {MBConv: {out: 32, expand: 4, kernel: 3}}}\n"
        "  - {id: e, stride: 2, module: {Bottleneck: {out: 32, groups: 2}}}\n"
        "  - {id: f, module: {Pass: {}}}\n"
        "  - {id: g, module: {MaxPool: {kernel: 2}}}\n" SPACE_TAIL);
    bti_point p;
    bti_space_default(s, &p);
    assert_int_equal(p.n, 0);
    char *text = rows_text(s, &p);
    assert_string_equal(text, "input_size: [32, 32]\ninput_channel: 3\ndepth_multiple: "
                              "0.5\nwidth_multiple: 0.75\nbackbone:\n"
                              "  - [2, Conv, [24, 3, 2, null, 1, Hardswish]]\n"
                              "  - [1, InvertedResidualv3, [5, 2.5, 16, 0, 1, 1]]\n"
                              "  - [1, InvertedResidualv2, [16, 4, 1]]\n"
                              "  - [1, MBConv, [4, 32, 2, 3]]\n"
                              "  - [1, Bottleneck, [32, true, 2]]\n"
                              "  - [1, MaxPool, [2]]\n"
                              "  - [1, GlobalAvgPool, []]\n"
                              "  - [1, Flatten, []]\n"
                              "  - [1, Linear, [10]]\n");
    bti_free(text);
    bti_space_free(s);
}

static void the_input_follows_the_parameter_it_names(void **state)
{
    (void)state;
    bti_space *s = space_file("tests/golden/spaces/taco7.yaml", 32, 3);
    for (uint32_t i = 0; i < 20; i++) {
        bti_point p;
        bti_arena arena = {0};
        bti_rows rows;
        bt_error err = {0};
        bti_rng rng = test_rng(i);
        bti_space_draw(s, &rng, &p);
        assert_ok(bti_space_rows(s, &p, &rows, &arena, &err), &err);
        assert_true(rows.h == param_num(&p, "train.img_size") && rows.w == rows.h);
        assert_true(rows.depth_multiple == param_num(&p, "model.depth_multiple"));
        bti_arena_release(&arena);
    }
    bti_space_free(s);
}

/* ---- identity ---- */
static void the_key_is_the_network_and_the_active_settings(void **state)
{
    (void)state;
    bti_space *s = space_of(SPACE_HEAD "params: {n: {int: [1, 2]}}\n" SPACE_TAIL
                                       "train: {lr: {choice: [0.1, 0.2]}, momentum: {choice: [0.8, "
                                       "0.9], when: {train.lr: 0.2}}}\n");
    const char *names[] = {"n", "train.lr", "train.momentum"};
    bti_cost net = {.hash = "aa"}, other = {.hash = "bb"};
    bti_point p;
    char a[40], b[40];
    bt_error err = {0};
    assert_true(bti_space_restore(s, names, (double[]){1, 0, 0}, 3, &p));
    assert_ok(bti_space_key(s, &p, &net, a, &err), &err);
    assert_int_equal(strlen(a), 32);
    assert_true(bti_space_restore(s, names, (double[]){2, 0, 1}, 3,
                                  &p)); /* momentum is inactive; same network */
    assert_ok(bti_space_key(s, &p, &net, b, &err), &err);
    assert_string_equal(a, b);
    assert_ok(bti_space_key(s, &p, &other, b, &err), &err);
    assert_string_not_equal(a, b);
    assert_true(bti_space_restore(s, names, (double[]){1, 1, 0}, 3, &p));
    assert_ok(bti_space_key(s, &p, &net, b, &err), &err);
    assert_string_not_equal(a, b);
    bti_space_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_briefs_recipe_comes_out_in_recipe_words),
        cmocka_unit_test(policies_become_one_text),
        cmocka_unit_test(a_policy_from_outside_replaces_the_section_and_its_parameters),
        cmocka_unit_test(a_space_without_an_augment_section_leaves_the_recipes_default),
        cmocka_unit_test(a_schedule_with_settings_becomes_one_value),
        cmocka_unit_test(every_train_section_of_the_course_is_a_recipe),
        cmocka_unit_test(a_setting_whose_condition_fails_is_not_there),
        cmocka_unit_test(rows_have_the_named_arguments_in_their_places),
        cmocka_unit_test(the_input_follows_the_parameter_it_names),
        cmocka_unit_test(the_key_is_the_network_and_the_active_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
