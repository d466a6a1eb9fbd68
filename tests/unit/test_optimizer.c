/* SPDX-License-Identifier: Apache-2.0
 *
 * Update rule and learning rates against PyTorch (tools/make_train_goldens.py).
 */
#include "support.h"

#include "base/alloc.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include <math.h>

static void read_floats(FILE *f, float *v, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%f", &v[i]), 1);
}

/* Walks `o` along the gradients of the file and compares each step. */
static void follow(FILE *f, bti_optimizer *o, float *p, float *g, int n, int steps, double lr)
{
    float expected[8];

    for (int s = 0; s < steps; s++) {
        read_floats(f, g, n);
        read_floats(f, expected, n);
        bti_optimizer_step(o, lr);
        for (int i = 0; i < n; i++)
            if (!(fabsf(p[i] - expected[i]) <= 2e-6f * fmaxf(1, fabsf(expected[i]))))
                fail_msg("step %d, [%d]: %.9g, torch has %.9g", s, i, (double)p[i],
                         (double)expected[i]);
    }
    assert_int_equal(o->steps, steps);
}

static void sgd_walks_as_torch_does(void **state)
{
    (void)state;
    FILE *f = fopen(test_source("tests/golden/train/sgd.txt"), "r");
    double lr, momentum, decay;
    int nesterov, n, steps, cases = 0;
    bt_error e;

    assert_non_null(f);
    while (fscanf(f, "%lf %lf %d %lf %d %d", &lr, &momentum, &nesterov, &decay, &n, &steps) == 6) {
        bt_recipe r = bt_recipe_defaults();
        float p[8], g[8];
        bti_optimizer o;
        r.momentum = momentum;
        r.nesterov = nesterov;
        r.weight_decay = decay;
        read_floats(f, p, n);
        assert_ok(bti_optimizer_init(&o, &r, (bti_flat){n, p, g}, NULL, 0, 2, &e), &e);
        follow(f, &o, p, g, n, steps, lr);
        bti_optimizer_release(&o);
        cases++;
    }
    fclose(f);
    assert_int_equal(cases, 4);
}

static void adam_and_adamw_walk_as_torchs_do(void **state)
{
    (void)state;
    FILE *f = fopen(test_source("tests/golden/train/adam.txt"), "r");
    double lr, beta1, beta2, decay;
    char name[16];
    int n, steps, cases = 0;
    bt_error e;

    assert_non_null(f);
    while (fscanf(f, "%15s %lf %lf %lf %lf %d %d", name, &lr, &beta1, &beta2, &decay, &n, &steps) ==
           7) {
        bt_recipe r = bt_recipe_defaults();
        float p[8], g[8];
        bti_optimizer o;
        assert_ok(bt_recipe_set(&r, "optimizer", name, NULL, 0, &e), &e);
        r.momentum = beta1;
        r.beta2 = beta2;
        r.weight_decay = decay;
        read_floats(f, p, n);
        assert_ok(bti_optimizer_init(&o, &r, (bti_flat){n, p, g}, NULL, 0, 2, &e), &e);
        follow(f, &o, p, g, n, steps, lr);
        bti_optimizer_release(&o);
        cases++;
    }
    fclose(f);
    assert_int_equal(cases, 6);
}

static void clipping_is_torchs(void **state)
{
    (void)state;
    FILE *f = fopen(test_source("tests/golden/train/clip.txt"), "r");
    double clip;
    int n, steps, cases = 0;
    bt_error e;

    assert_non_null(f);
    while (fscanf(f, "%lf %d %d", &clip, &n, &steps) == 3) {
        bt_recipe r = bt_recipe_defaults();
        float p[8], g[8];
        bti_optimizer o;
        r.clip = clip;
        r.momentum = r.weight_decay = 0;
        read_floats(f, p, n);
        assert_ok(bti_optimizer_init(&o, &r, (bti_flat){n, p, g}, NULL, 0, 2, &e), &e);
        follow(f, &o, p, g, n, steps, 0.1);
        bti_optimizer_release(&o);
        cases++;
    }
    fclose(f);
    assert_int_equal(cases, 3);
}

static void bare_ranges_get_no_weight_decay(void **state)
{
    (void)state;
    const char *rules[] = {"sgd", "adam", "adamw"};
    bt_error e;
    for (int k = 0; k < 3; k++) {
        bt_recipe r = bt_recipe_defaults();
        float p[6] = {1, 1, 1, 1, 1, 1}, g[6] = {0};
        const bti_piece bare[] = {{1, 2, 0}, {5, 1, 0}};
        bti_optimizer o;
        assert_ok(bt_recipe_set(&r, "optimizer", rules[k], NULL, 0, &e), &e);
        assert_ok(bti_optimizer_init(&o, &r, (bti_flat){6, p, g}, bare, 2, 1, &e), &e);
        bti_optimizer_step(&o, 0.1);
        assert_true(p[0] < 1 && p[3] < 1 && p[4] < 1);
        assert_true(p[1] == 1 && p[2] == 1 && p[5] == 1);
        bti_optimizer_release(&o);
    }
}

/* Two steps on 100000 values with `threads`; the parameters are yours. */
static float *two_steps(const bt_recipe *r, int threads)
{
    enum { N = 100000 };
    bt_error e;
    bti_optimizer o;
    float *p = bti_array(N, sizeof(float)), *g = bti_array(N, sizeof(float));
    for (int i = 0; i < N; i++) {
        p[i] = (float)sin(i);
        g[i] = (float)cos(3 * i);
    }
    assert_ok(bti_optimizer_init(&o, r, (bti_flat){N, p, g}, NULL, 0, threads, &e), &e);
    bti_optimizer_step(&o, 0.1);
    bti_optimizer_step(&o, 0.1);
    bti_optimizer_release(&o);
    bti_free(g);
    return p;
}

static void the_thread_count_does_not_change_a_bit(void **state)
{
    (void)state;
    const char *rules[] = {"sgd", "adam", "adamw"};
    bt_error e;
    for (int k = 0; k < 3; k++) {
        bt_recipe r = bt_recipe_defaults();
        assert_ok(bt_recipe_set(&r, "optimizer", rules[k], NULL, 0, &e), &e);
        r.clip = 1;
        float *one = two_steps(&r, 1), *three = two_steps(&r, 3);
        assert_memory_equal(one, three, 100000 * sizeof(float));
        bti_free(one);
        bti_free(three);
    }
}

static void cosine_without_warm_up_is_torchs(void **state)
{
    (void)state;
    FILE *f = fopen(test_source("tests/golden/train/cosine.txt"), "r");
    bti_schedule s;
    bt_error e;
    double peak, rate;
    int total, cases = 0;

    assert_non_null(f);
    assert_ok(bti_schedule_parse(&s, "cosine", &e), &e);
    while (fscanf(f, "%lf %d", &peak, &total) == 2) {
        for (int t = 0; t < total; t++) {
            assert_int_equal(fscanf(f, "%lf", &rate), 1);
            assert_true(fabs(bti_schedule_lr(&s, peak, (bti_moment){t, 0, total, 1}) - rate) <
                        1e-12);
        }
        cases++;
    }
    fclose(f);
    assert_int_equal(cases, 3);
}

static void every_schedule_goes_as_torchs_does(void **state)
{
    (void)state;
    FILE *f = fopen(test_source("tests/golden/train/schedules.txt"), "r");
    char text[128];
    double peak, rate, momentum;
    int epochs, steps, cases = 0;
    bt_error e;

    assert_non_null(f);
    while (fscanf(f, "%127s %lf %d %d", text, &peak, &epochs, &steps) == 4) {
        bti_schedule s;
        assert_ok(bti_schedule_parse(&s, text, &e), &e);
        for (int t = 0; t < epochs * steps; t++) {
            bti_moment now = {t, 0, epochs * steps, steps};
            assert_int_equal(fscanf(f, "%lf %lf", &rate, &momentum), 2);
            if (!(fabs(bti_schedule_lr(&s, peak, now) - rate) < 1e-12))
                fail_msg("%s, step %d: %.17g, torch has %.17g", text, t,
                         bti_schedule_lr(&s, peak, now), rate);
            assert_true(fabs(bti_schedule_momentum(&s, 0.7, now) - momentum) < 1e-12);
        }
        cases++;
    }
    fclose(f);
    assert_int_equal(cases, 7);
}

static void schedules_stay_finite_in_trainings_of_any_length(void **state)
{
    (void)state;
    const char *names[] = {"cosine",
                           "constant",
                           "onecycle",
                           "onecycle:pct_start=0",
                           "onecycle:pct_start=1",
                           "step:every=0.25",
                           "step:milestones=0.5/1"};
    bt_error e;
    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        bti_schedule s;
        assert_ok(bti_schedule_parse(&s, names[k], &e), &e);
        for (int total = 1; total < 12; total++) {
            for (int t = 0; t < total; t++) {
                double lr = bti_schedule_lr(&s, 1, (bti_moment){t, total > 8 ? 3 : 0, total, 2});
                if (!(lr >= 0 && lr <= 1))
                    fail_msg("%s: step %d of %d has %g", names[k], t, total, lr);
            }
        }
    }
}

static void milestones_below_one_are_shares_of_the_training(void **state)
{
    (void)state;
    bti_schedule s;
    bt_error e;
    assert_ok(bti_schedule_parse(&s, "step:milestones=0.5/0.75", &e), &e);
    assert_true(bti_schedule_lr(&s, 1, (bti_moment){49, 0, 100, 10}) == 1);
    assert_true(fabs(bti_schedule_lr(&s, 1, (bti_moment){50, 0, 100, 10}) - 0.1) < 1e-15);
    assert_true(fabs(bti_schedule_lr(&s, 1, (bti_moment){75, 0, 100, 10}) - 0.01) < 1e-15);
}

static void a_wrong_setting_of_a_schedule_is_named(void **state)
{
    (void)state;
    const char *bad[][2] = {{"onecycle:pct=1", "pct_start"},
                            {"onecycle:pct_start=2", "0 to 1"},
                            {"onecycle:pct_start", "=value"},
                            {"cosine:x=1", "no settings"},
                            {"step:milestones=3/x", "'x'"},
                            {"step:every=0", "every"},
                            {"step:milestones=", "60/120"},
                            {"onecycle:", "=value"},
                            {"cosin", "cosine, constant, onecycle, step"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bti_schedule s;
        bt_error e = {0};
        assert_int_equal(bti_schedule_parse(&s, bad[i][0], &e), BT_INVAL);
        if (!strstr(e.text, bad[i][1]))
            fail_msg("%s: '%s' does not say '%s'", bad[i][0], e.text, bad[i][1]);
    }
}

static double lr_at(const bti_schedule *s, int t, int total)
{
    return bti_schedule_lr(s, 0.4, (bti_moment){t, 4, total, 1});
}

static void warm_up_rises_to_the_peak_and_the_curve_follows(void **state)
{
    (void)state;
    bti_schedule s;
    bt_error e;
    assert_ok(bti_schedule_parse(&s, "cosine", &e), &e);
    assert_true(fabs(lr_at(&s, 0, 12) - 0.1) < 1e-15);
    assert_true(fabs(lr_at(&s, 3, 12) - 0.4) < 1e-15);
    assert_true(fabs(lr_at(&s, 4, 12) - 0.4) < 1e-15);
    assert_true(fabs(lr_at(&s, 8, 12) - 0.2) < 1e-15);
    assert_true(lr_at(&s, 11, 12) > 0);
    assert_true(isfinite(lr_at(&s, 3, 4))); /* all warm-up */
}

static void an_unknown_name_lists_the_known_ones(void **state)
{
    (void)state;
    bti_schedule s;
    const bti_optimizer_ops *o;
    bt_error e;
    assert_int_equal(bti_schedule_parse(&s, "steps", &e), BT_INVAL);
    assert_non_null(strstr(e.text, "cosine"));
    assert_int_equal(bti_optimizer_find(&o, "lion", &e), BT_INVAL);
    assert_non_null(strstr(e.text, "sgd"));
    assert_int_equal(bti_alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_walks_as_torch_does),
        cmocka_unit_test(adam_and_adamw_walk_as_torchs_do),
        cmocka_unit_test(clipping_is_torchs),
        cmocka_unit_test(bare_ranges_get_no_weight_decay),
        cmocka_unit_test(the_thread_count_does_not_change_a_bit),
        cmocka_unit_test(cosine_without_warm_up_is_torchs),
        cmocka_unit_test(every_schedule_goes_as_torchs_does),
        cmocka_unit_test(schedules_stay_finite_in_trainings_of_any_length),
        cmocka_unit_test(milestones_below_one_are_shares_of_the_training),
        cmocka_unit_test(a_wrong_setting_of_a_schedule_is_named),
        cmocka_unit_test(warm_up_rises_to_the_peak_and_the_curve_follows),
        cmocka_unit_test(an_unknown_name_lists_the_known_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
