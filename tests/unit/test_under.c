/* SPDX-License-Identifier: Apache-2.0
 *
 * What `eval --under` measures: operations at values, and the grid of all.
 */
#include "support.h"

#include "train/under.h"

#include <math.h>

static bti_changes list(const char *text)
{
    bti_changes c = {0};
    bt_error err = {0};
    assert_ok(bti_changes_add(&c, text, 32, 28, &err), &err);
    return c;
}

static void all_covers_every_operation_that_needs_no_other_image(void **state)
{
    (void)state;
    bti_changes c = list("all");
    for (int op = 0; op < BTI_OP_COUNT; op++) {
        const bti_op_info *info = bti_op_get((bti_op)op);
        int want = op == BTI_OP_IDENTITY || info->needs_partner ? 0
                   : !info->unit                                ? 1
                   : info->is_signed                            ? 6
                                                                : 3;
        int n = 0;
        for (int i = 0; i < c.n; i++)
            n += c.change[i].op == (bti_op)op;
        if (n != want)
            fail_msg("%s is there %d times instead of %d", info->name, n, want);
    }
    for (int i = 0; i < c.n; i++) { /* each is one that a policy can make, and makes a difference */
        bti_policy *p;
        bt_error err = {0};
        const bti_op_info *info = bti_op_get(c.change[i].op);
        assert_ok(bti_change_policy(&p, &c.change[i], &err), &err);
        assert_false(info->unit && c.change[i].value == info->identity);
        bti_policy_free(p);
    }
    bti_changes_release(&c);
}

static void the_grid_is_in_thirds_of_the_range_in_whole_pixels(void **state)
{
    (void)state;
    static const struct {
        bti_op op;
        double value[6];
        int n;
    } want[] = {
        {BTI_OP_ROTATE, {-30, -20, -10, 10, 20, 30}, 6},
        {BTI_OP_SHEAR_X, {-0.3, -0.2, -0.1, 0.1, 0.2, 0.3}, 6},
        {BTI_OP_BRIGHTNESS, {0.1, 0.4, 0.7, 1.3, 1.6, 1.9}, 6},
        {BTI_OP_TRANSLATE_X, {-13, -8, -4, 4, 8, 13}, 6},   /* of 28 pixels */
        {BTI_OP_TRANSLATE_Y, {-15, -10, -5, 5, 10, 15}, 6}, /* of 32 */
        {BTI_OP_POSTERIZE, {7, 5, 4}, 3},
        {BTI_OP_SOLARIZE, {170, 85, 0}, 3},
    };
    bti_changes c = list("all");
    for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
        int n = 0;
        for (int i = 0; i < c.n; i++)
            if (c.change[i].op == want[k].op)
                assert_true(c.change[i].value == want[k].value[n++]);
        assert_int_equal(n, want[k].n);
    }
    bti_changes_release(&c);
}

static void one_operation_has_its_value_and_only_that(void **state)
{
    (void)state;
    bti_changes c = list("rotate:-15.5");
    bt_error err = {0};
    assert_ok(bti_changes_add(&c, "Equalize", 32, 28, &err), &err);
    assert_int_equal(c.n, 2);
    assert_true(c.change[0].op == BTI_OP_ROTATE && c.change[0].value == -15.5);
    assert_true(c.change[1].op == BTI_OP_EQUALIZE && isnan(c.change[1].value));
    static const char *const wrong[][2] = {
        {"Rotat:15", "did you mean 'Rotate'"},
        {"Rotate", "Rotate needs a number from -360 to 360 (degrees), as Rotate:30"},
        {"Rotate:400", "found 'Rotate:400'"},
        {"Rotate:1x", "found 'Rotate:1x'"},
        {"Equalize:1", "Equalize takes no value"},
        {"", "unknown operation ''"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(bti_changes_add(&c, wrong[i][0], 32, 28, &err), BT_INVAL);
        if (!strstr(err.text, wrong[i][1]))
            fail_msg("%s\ninstead of: ... %s ...", err.text, wrong[i][1]);
    }
    assert_int_equal(c.n, 2);
    bti_changes_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_covers_every_operation_that_needs_no_other_image),
        cmocka_unit_test(the_grid_is_in_thirds_of_the_range_in_whole_pixels),
        cmocka_unit_test(one_operation_has_its_value_and_only_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
