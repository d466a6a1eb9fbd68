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
        float p[8], g[8], expected[8];
        bti_optimizer o;
        r.momentum = momentum;
        r.nesterov = nesterov;
        r.weight_decay = decay;
        read_floats(f, p, n);
        assert_ok(bti_optimizer_init(&o, &r, (bti_flat){n, p, g}, 2, &e), &e);
        for (int s = 0; s < steps; s++) {
            read_floats(f, g, n);
            read_floats(f, expected, n);
            bti_optimizer_step(&o, lr);
            for (int i = 0; i < n; i++)
                assert_true(fabsf(p[i] - expected[i]) <= 2e-6f * fmaxf(1, fabsf(expected[i])));
        }
        assert_int_equal(o.steps, steps);
        bti_optimizer_release(&o);
        cases++;
    }
    fclose(f);
    assert_int_equal(cases, 4);
}

static void the_thread_count_does_not_change_a_bit(void **state)
{
    (void)state;
    enum { N = 100000 };
    bt_error e;
    bt_recipe r = bt_recipe_defaults();
    float *v[2][2];
    for (int k = 0; k < 2; k++) {
        bti_optimizer o;
        v[k][0] = bti_array(N, sizeof(float));
        v[k][1] = bti_array(N, sizeof(float));
        for (int i = 0; i < N; i++) {
            v[k][0][i] = (float)sin(i);
            v[k][1][i] = (float)cos(3 * i);
        }
        assert_ok(bti_optimizer_init(&o, &r, (bti_flat){N, v[k][0], v[k][1]}, k ? 3 : 1, &e), &e);
        bti_optimizer_step(&o, 0.1);
        bti_optimizer_step(&o, 0.1);
        bti_optimizer_release(&o);
    }
    assert_memory_equal(v[0][0], v[1][0], N * sizeof(float));
    for (int k = 0; k < 4; k++)
        bti_free(v[k / 2][k % 2]);
}

static void cosine_without_warm_up_is_torchs(void **state)
{
    (void)state;
    FILE *f = fopen(test_source("tests/golden/train/cosine.txt"), "r");
    const bti_schedule *s;
    bt_error e;
    double peak, rate;
    int total, cases = 0;

    assert_non_null(f);
    assert_ok(bti_schedule_find(&s, "cosine", &e), &e);
    while (fscanf(f, "%lf %d", &peak, &total) == 2) {
        for (int t = 0; t < total; t++) {
            assert_int_equal(fscanf(f, "%lf", &rate), 1);
            assert_true(fabs(bti_schedule_lr(s, peak, t, 0, total) - rate) < 1e-12);
        }
        cases++;
    }
    fclose(f);
    assert_int_equal(cases, 3);
}

static void warm_up_rises_to_the_peak_and_the_curve_follows(void **state)
{
    (void)state;
    const bti_schedule *s;
    bt_error e;
    assert_ok(bti_schedule_find(&s, "cosine", &e), &e);
    assert_true(fabs(bti_schedule_lr(s, 0.4, 0, 4, 12) - 0.1) < 1e-15);
    assert_true(fabs(bti_schedule_lr(s, 0.4, 3, 4, 12) - 0.4) < 1e-15);
    assert_true(fabs(bti_schedule_lr(s, 0.4, 4, 4, 12) - 0.4) < 1e-15);
    assert_true(fabs(bti_schedule_lr(s, 0.4, 8, 4, 12) - 0.2) < 1e-15);
    assert_true(bti_schedule_lr(s, 0.4, 11, 4, 12) > 0);
    assert_true(isfinite(bti_schedule_lr(s, 0.4, 3, 4, 4))); /* all warm-up */
}

static void an_unknown_name_lists_the_known_ones(void **state)
{
    (void)state;
    const bti_schedule *s;
    const bti_optimizer_ops *o;
    bt_error e;
    assert_int_equal(bti_schedule_find(&s, "step", &e), BT_INVAL);
    assert_non_null(strstr(e.text, "cosine"));
    assert_int_equal(bti_optimizer_find(&o, "lion", &e), BT_INVAL);
    assert_non_null(strstr(e.text, "sgd"));
    assert_int_equal(bti_alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_walks_as_torch_does),
        cmocka_unit_test(the_thread_count_does_not_change_a_bit),
        cmocka_unit_test(cosine_without_warm_up_is_torchs),
        cmocka_unit_test(warm_up_rises_to_the_peak_and_the_curve_follows),
        cmocka_unit_test(an_unknown_name_lists_the_known_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
