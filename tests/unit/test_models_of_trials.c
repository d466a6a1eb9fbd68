/* SPDX-License-Identifier: Apache-2.0
 *
 * The models that samplers fit to trials: Parzen densities and Gaussian processes, against what
 * they must be by definition.
 */
#include "space_text.h"

#include "study/samplers/parzen.h"
#include "study/samplers/process.h"

#include <math.h>

/* Two modules, so arguments are conditional. */
static bti_space *one_block(void)
{
    return space_of(
        SPACE_HEAD "blocks:\n"
                   "  - id: a\n"
                   "    module:\n"
                   "      Conv: {out: {int: [8, 64, 8]}, kernel: {choice: [1, 3, 5]}}\n"
                   "      InvertedResidualv3: {kernel: 3, expand: {float: [1.0, 6.0]}, out: 8, se: "
                   "{choice: [0, 1]}, hs: 0}\n" SPACE_TAIL);
}

static bti_trial trial_of(const bti_point *p, double params)
{
    bti_trial t = {.state = BTI_COMPLETE};
    bt_error err = {0};
    assert_ok(bti_trial_params(&t, p->n, &err), &err);
    for (int i = 0; i < p->n; i++) {
        t.param_name[i] = bti_strdup(p->param[i].name);
        t.param_value[i] = p->param[i].value;
    }
    t.attrs = bti_json_object();
    bti_json_set_num(t.attrs, "params", params);
    bti_json_set_num(t.attrs, "macs", 10 * params);
    return t;
}

/* Every parameter in a group of its own. */
static int *alone(const bti_space *s)
{
    int *dims = bti_calloc((size_t)bti_space_n_slots(s), sizeof(*dims));
    assert_non_null(dims);
    for (int i = 0; i < bti_space_n_slots(s); i++)
        dims[i] = 1;
    return dims;
}

/* The parameters of one module, or of the blocks themselves, are in a group together; how many of
 * the point's parameters from `first` on. */
static int group_at(const bti_point *p, int first)
{
    int n = 0;
    const char *dot = strrchr(p->param[first].name, '.');
    const size_t prefix = dot ? (size_t)(dot - p->param[first].name) + 1 : 0;
    while (first + n < p->n) {
        const char *name = p->param[first + n].name, *last = strrchr(name, '.');
        if ((last ? (size_t)(last - name) + 1 : 0) != prefix ||
            strncmp(name, p->param[first].name, prefix) != 0)
            break;
        n++;
    }
    return n;
}

static void slots_of(const bti_space *s, const bti_point *p, int *slot)
{
    for (int i = 0; i < p->n; i++)
        slot[i] = bti_space_slot(s, p->param[i].name, 0);
}

/* Draws of the prior weigh each point equally: the mean of the density relative to it is 1. */
static void a_parzen_density_integrates_to_one(void **state)
{
    (void)state;
    bti_space *s = one_block();
    bti_rng rng = test_rng(1);
    bti_parzen d;
    bt_error err = {0};
    int *dims = alone(s);
    assert_ok(bti_parzen_init(&d, s, dims, 5, &err), &err);
    for (int i = 0; i < 5; i++) {
        bti_point p;
        bti_space_draw(s, &rng, &p);
        bti_trial t = trial_of(&p, 1000);
        bti_parzen_add(&d, &t, 1);
        bti_trial_release(&t);
    }
    double sum = 0;
    const int n = 40000;
    for (int i = 0; i < n; i++) {
        bti_point p;
        int slot[BTI_POINT_MAX];
        double log_density;
        bti_space_draw(s, &rng, &p);
        slots_of(s, &p, slot);
        double density = 1;
        for (int at = 0; at < p.n; at += group_at(&p, at)) {
            assert_ok(
                bti_parzen_log(&d, p.param + at, slot + at, group_at(&p, at), &log_density, &err),
                &err);
            density *= exp(log_density);
        }
        sum += density;
    }
    assert_true(fabs(sum / n - 1) < 0.05);
    bti_parzen_release(&d);
    bti_free(dims);
    bti_space_free(s);
}

/* A kernel's draws have the frequencies that its log density says. */
static void a_parzen_kernel_draws_what_its_density_says(void **state)
{
    (void)state;
    bti_space *s = one_block();
    bti_rng rng = test_rng(2);
    bti_parzen d;
    bti_point p;
    bt_error err = {0};
    do
        bti_space_draw(s, &rng, &p);
    while (!bti_point_find(&p, "a.Conv.out"));
    bti_trial t = trial_of(&p, 1000);
    int *dims = alone(s);
    assert_ok(bti_parzen_init(&d, s, dims, 1, &err), &err);
    bti_parzen_add(&d, &t, 1);
    bti_param out = *bti_point_find(&p, "a.Conv.out");
    int slot = bti_space_slot(s, out.name, 0), count[9] = {0};
    const int n = 20000;
    for (int i = 0; i < n; i++) {
        int k = bti_parzen_kernel(&d, slot, &rng); /* the trial's, or the prior */
        count[(int)bti_parzen_draw(&d, k, slot, &out.domain, &rng) / 8]++;
    }
    for (int v = 1; v <= 8; v++) {
        double log_density;
        out.value = 8 * v;
        assert_ok(bti_parzen_log(&d, &out, &slot, 1, &log_density, &err), &err);
        assert_true(fabs(count[v] / (double)n - exp(log_density) / 8) < 0.015);
    }
    bti_trial_release(&t);
    bti_parzen_release(&d);
    bti_free(dims);
    bti_space_free(s);
}

/* Accuracy that rises with `out`: the process orders new points by it, is sure where it has seen
 * values and unsure elsewhere. */
static void a_process_learns_a_main_effect_and_knows_where_it_knows(void **state)
{
    (void)state;
    bti_space *s = one_block();
    bti_rng rng = test_rng(3);
    bti_trial trial[24];
    const bti_trial *list[24];
    double y[24], mean = 0, square = 0;
    bt_error err = {0};
    bti_process gp;
    bti_target target;
    const bti_ask ask = {.space = s};
    for (int i = 0; i < 24; i++) {
        bti_point p;
        do
            bti_space_draw(s, &rng, &p);
        while (!bti_point_find(&p, "a.Conv.out") || bti_point_find(&p, "a.Conv.out")->value > 40);
        y[i] = bti_point_find(&p, "a.Conv.out")->value;
        trial[i] = trial_of(&p, 1000);
        list[i] = &trial[i];
        mean += y[i] / 24;
    }
    for (int i = 0; i < 24; i++)
        square += pow(y[i] - mean, 2) / 24;
    for (int i = 0; i < 24; i++)
        y[i] = (y[i] - mean) / sqrt(square);
    assert_ok(bti_process_init(&gp, &ask, list, 24, &err), &err);
    assert_ok(bti_process_fit(&gp, y, &target, &err), &err);
    double before = -INFINITY, sigma[8], mu;
    for (int v = 1; v <= 8; v++) {
        bti_point p;
        const bti_cost cost = {.params = 1000, .macs = 10000};
        do
            bti_space_draw(s, &rng, &p);
        while (!bti_point_find(&p, "a.Conv.out") ||
               bti_point_find(&p, "a.Conv.out")->value != 8 * v);
        bti_process_look(&gp, 0, &p, &cost);
        bti_process_predict(&gp, &target, 1, &mu, &sigma[v - 1]);
        if (v <= 5) {
            assert_true(mu > before);
            assert_true(fabs(mu - (8 * v - mean) / sqrt(square)) < 0.5);
        }
        before = mu;
    }
    assert_true(sigma[7] > 1.5 * sigma[2]);
    bti_target_release(&target);
    bti_process_release(&gp);
    for (int i = 0; i < 24; i++)
        bti_trial_release(&trial[i]);
    bti_space_free(s);
}

/* A study is a file that anybody may write to: negative parameters end in a fit like others. */
static void a_process_bears_costs_that_cannot_be(void **state)
{
    (void)state;
    bti_space *s = one_block();
    bti_rng rng = test_rng(4);
    bti_trial trial[3];
    const bti_trial *list[3];
    const double y[3] = {-1.2, 0, 1.2};
    bt_error err = {0};
    bti_process gp;
    bti_target target;
    const bti_ask ask = {.space = s};
    for (int i = 0; i < 3; i++) {
        bti_point p;
        bti_space_draw(s, &rng, &p);
        trial[i] = trial_of(&p, i == 0 ? -1e6 : 1000 * i);
        list[i] = &trial[i];
    }
    assert_ok(bti_process_init(&gp, &ask, list, 3, &err), &err);
    assert_ok(bti_process_fit(&gp, y, &target, &err), &err);
    assert_true(isfinite(target.alpha[0]));
    bti_target_release(&target);
    bti_process_release(&gp);
    for (int i = 0; i < 3; i++)
        bti_trial_release(&trial[i]);
    bti_space_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parzen_density_integrates_to_one),
        cmocka_unit_test(a_parzen_kernel_draws_what_its_density_says),
        cmocka_unit_test(a_process_learns_a_main_effect_and_knows_where_it_knows),
        cmocka_unit_test(a_process_bears_costs_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
