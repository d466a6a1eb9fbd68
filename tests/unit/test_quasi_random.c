/* SPDX-License-Identifier: Apache-2.0
 *
 * Places on an axis, and the quasi-random sequence that fills all of them evenly.
 */
#include "space_text.h"

#include "study/observed.h"

#include <math.h>

static bt_status any_cost(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    bti_str text = {0};
    (void)user, (void)err;
    *out = (bti_cost){.params = 1};
    bti_rows_to_yaml(rows, &text);
    snprintf(out->hash, sizeof(out->hash), "%.39s", bti_str_c(&text) + text.len / 2);
    bti_str_release(&text);
    return BT_OK;
}

static bti_space *two_blocks(void)
{
    return space_of(
        SPACE_HEAD
        "blocks:\n"
        "  - {id: a, repeat: {int: [1, 8]}, module: {Conv: {out: {int: [8, 128, 8]}, kernel: "
        "{choice: "
        "[1, 3, 5, 7]}}}}\n"
        "  - {id: b, module: {InvertedResidualv3: {kernel: 3, expand: {float: [1.0, 6.0]}, out: 8, "
        "se: {choice: [0, 1]}, hs: 0}}}\n" SPACE_TAIL);
}

static void a_cell_holds_the_places_that_give_its_value(void **state)
{
    (void)state;
    const bti_domain d[] = {
        {.kind = BTI_DOMAIN_INT, .lo = 8, .hi = 40, .step = 8},
        {.kind = BTI_DOMAIN_INT, .log = true, .lo = 1, .hi = 64, .step = 1},
        {.kind = BTI_DOMAIN_FLOAT, .lo = 0.5, .hi = 1.5, .step = 0.25},
    };
    for (size_t i = 0; i < sizeof(d) / sizeof(d[0]); i++) {
        double end = 0;
        for (double v = d[i].lo; v <= d[i].hi; v += d[i].step) {
            double lo, hi;
            bti_domain_cell(&d[i], v, &lo, &hi);
            assert_true(fabs(lo - end) < 1e-12 && hi > lo); /* cells tile the axis in order */
            assert_true(bti_domain_unit(&d[i], lo + 1e-9) == v);
            assert_true(bti_domain_unit(&d[i], hi - 1e-9) == v);
            end = hi;
        }
        assert_true(fabs(end - 1) < 1e-12);
    }
    const bti_domain line = {.kind = BTI_DOMAIN_FLOAT, .log = true, .lo = 1e-4, .hi = 1e-2};
    double lo, hi;
    bti_domain_cell(&line, 1e-3, &lo, &hi);
    assert_true(lo == hi && fabs(lo - 0.5) < 1e-12);
    assert_true(fabs(bti_domain_unit(&line, 0.5) - 1e-3) < 1e-12);
}

/* Sixteen aligned points: each parameter takes each sixteenth, quarter or half equally often. */
static void aligned_points_fill_each_parameter_evenly(void **state)
{
    (void)state;
    bti_space *s = two_blocks();
    for (uint32_t first = 0; first < 64; first += 16) {
        int out[17] = {0}, kernel[4] = {0}, repeat[9] = {0}, se[2] = {0}, expand[16] = {0};
        for (uint32_t i = first; i < first + 16; i++) {
            bti_answer a;
            bt_error err = {0};
            const bti_ask ask = {.space = s, .cost = any_cost, .seed = 3};
            assert_ok(bti_quasi_random(&ask, i, &a, &err), &err);
            out[(int)bti_point_find(&a.point, "a.Conv.out")->value / 8]++;
            kernel[(int)bti_point_find(&a.point, "a.Conv.kernel")->value]++;
            repeat[(int)bti_point_find(&a.point, "a.repeat")->value]++;
            se[(int)bti_point_find(&a.point, "b.InvertedResidualv3.se")->value]++;
            double e = bti_point_find(&a.point, "b.InvertedResidualv3.expand")->value;
            expand[(int)((e - 1) / 5 * 16)]++;
        }
        for (int k = 0; k < 16; k++)
            assert_true(out[k + 1] == 1 && expand[k] == 1);
        for (int k = 0; k < 8; k++)
            assert_int_equal(repeat[k + 1], 2);
        for (int k = 0; k < 4; k++)
            assert_int_equal(kernel[k], 4);
        assert_true(se[0] == 8 && se[1] == 8);
    }
    bti_space_free(s);
}

/* The parameters do not go through their halves in step: all four pairs of halves occur. */
static void parameters_are_independent_of_each_other(void **state)
{
    (void)state;
    bti_space *s = two_blocks();
    int pair[4] = {0};
    for (uint32_t i = 0; i < 64; i++) {
        bti_answer a;
        bt_error err = {0};
        const bti_ask ask = {.space = s, .cost = any_cost, .seed = 5};
        assert_ok(bti_quasi_random(&ask, i, &a, &err), &err);
        int x = bti_point_find(&a.point, "a.Conv.out")->value > 64;
        int y = bti_point_find(&a.point, "a.repeat")->value > 4;
        pair[2 * x + y]++;
    }
    for (int k = 0; k < 4; k++)
        assert_in_range(pair[k], 8, 24);
    bti_space_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_holds_the_places_that_give_its_value),
        cmocka_unit_test(aligned_points_fill_each_parameter_evenly),
        cmocka_unit_test(parameters_are_independent_of_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
