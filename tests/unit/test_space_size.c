/* SPDX-License-Identifier: Apache-2.0
 *
 * The exact size of a space: the documented numbers, and small spaces counted by drawing until
 * every point has been seen.
 */
#include "space_text.h"

#include "space/bigint.h"

static void check_size(const bti_space *s, const char *all, const char *network, int continuous)
{
    int some = -1;
    char *size = bti_space_size(s, &some), *nets = bti_space_network_size(s, NULL);
    assert_non_null(size);
    assert_string_equal(size, all);
    assert_string_equal(nets, network);
    assert_int_equal(some, continuous);
    bti_free(size);
    bti_free(nets);
}

static void the_seven_block_space_has_its_documented_size(void **state)
{
    (void)state;
    bti_space *s = space_file("examples/spaces/taco7.yaml", 96, 3);
    /* model-format.md section 5; times 1,404 combinations of hyper-parameters */
    check_size(s, "13727916485125472540626325538619392", "9777718294248912065973166338048", 0);
    bti_space_free(s);
}

static void the_32x32_variant_has_its_documented_size(void **state)
{
    (void)state;
    bti_space *s = space_file("examples/spaces/cifar7.yaml", 32, 3);
    /* section 6: networks * 84 * (1 + 60 + 1650^10) * 3, two continuous parameters beside */
    check_size(s, "1407689546225931195749587607686467212695564824801058387008",
               "37347961508900910815664", 1);
    bti_space_free(s);
}

static void spaces_of_policies_have_the_size_of_their_papers(void **state)
{
    (void)state;
    bti_space *s = space_file("examples/spaces/autoaugment.yaml", 32, 3);
    check_size(s, "285184999433627773173760000000000", "1", 0); /* (16 * 11 * 10)^10 */
    assert_false(bti_space_has_network(s));
    bti_space_free(s);
    s = space_file("examples/spaces/randaugment.yaml", 32, 3);
    check_size(s, "100", "1", 0);
    bti_space_free(s);
}

/* Small spaces whose points can all be met by drawing. */
static const char *const small[] = {
    /* forcing and a budget, with Pass and a module without a stride */
    SPACE_HEAD "stride_budget: {max: 2, force: {b: 0, c: 1}}\nblocks:\n"
               "  - {id: a, stride: {int: [1, 2]}, module: {Conv: {out: 8, kernel: 3}, Pass: {}}}\n"
               "  - {id: b, stride: {int: [1, 2]}, module: {Conv: {out: 8, kernel: 3}, Bottleneck: "
               "{out: 8}}}\n"
               "  - {id: c, stride: {int: [1, 2]}, module: {Conv: {out: 8, kernel: {int: [1, 3, "
               "2]}}, Pass: {}}}\n" SPACE_TAIL,
    SPACE_HEAD "stride_budget: {max: 2, force: {b: 0, c: 1}, force_rule: at_most}\nblocks:\n"
               "  - {id: a, stride: {int: [1, 2]}, module: {Conv: {out: 8, kernel: 3}, Pass: {}}}\n"
               "  - {id: b, stride: {int: [1, 2]}, module: {Conv: {out: 8, kernel: 3}, Bottleneck: "
               "{out: 8}}}\n"
               "  - {id: c, stride: {int: [1, 2]}, module: {Conv: {out: 8, kernel: {int: [1, 3, "
               "2]}}, Pass: {}}}\n" SPACE_TAIL,
    /* channels that only grow */
    SPACE_HEAD
    "blocks:\n  - {id: a, module: {Conv: {out: {int: [8, 32, 8]}, kernel: 3}}}\n"
    "  - {id: b, module: {Conv: {out: {int: [$prev.out, 32, 8]}, kernel: 3}, Pass: {}}}\n"
    "  - {id: c, module: {Conv: {out: {int: [$prev.out, 32, 8]}, kernel: 3}}}\n" SPACE_TAIL,
    /* depth by a parameter, a bound by another, a conditional list */
    SPACE_HEAD
    "params: {n: {int: [1, 3]}, w: {ordinal: [8, 16]}}\nblocks:\n"
    "  - {id: a, repeat: {int: [1, 2]}, module: {Conv: {out: $w, kernel: 3}}}\n"
    "  - {id: b, when: {n: {ge: 2}}, module: {Conv: {out: {int: [$w, 24, 8]}, kernel: 3}}}\n"
    "  - {id: c, when: {n: 3}, repeat: {int: [1, 3]}, module: {Conv: {out: 8, kernel: "
    "3}}}\n" SPACE_TAIL
    "train: {lr: [{choice: [0.1, 0.2], when: {n: [1, 2]}}, {choice: [0.3, 0.4, 0.5]}]}\n",
};

static void the_size_is_the_number_of_points_that_can_be_drawn(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
        bti_space *s = space_of(small[i]);
        char digits[16], *size = bti_space_size(s, NULL);
        snprintf(digits, sizeof(digits), "%d", count_distinct(s, 3000));
        assert_string_equal(size, digits);
        bti_free(size);
        bti_space_free(s);
    }
}

static void a_hyper_parameter_that_the_network_follows_does_not_count_as_network(void **state)
{
    (void)state;
    bti_space *s = space_of(
        SPACE_HEAD
        "train: {img_size: {choice: [24, 32]}, epochs: {int: [1, 5]}}\ninput: {size: "
        "$train.img_size}\n"
        "blocks:\n  - {id: a, module: {Conv: {out: {int: [8, 24, 8]}, kernel: 3}}}\n" SPACE_TAIL);
    check_size(s, "30", "3", 0);
    bti_space_free(s);
}

static void long_numbers_carry_over_all_their_limbs(void **state)
{
    (void)state;
    bti_bigint a, b;
    bti_str text = {0};
    bti_bigint_set(&a, 999999999999999999u);
    bti_bigint_set(&b, 1);
    bti_bigint_add(&a, &b); /* 1e18: a carry through every limb */
    bti_bigint_text(&a, &text);
    assert_string_equal(bti_str_c(&text), "1000000000000000000");
    bti_str_reset(&text);
    bti_bigint_set(&a, 1);
    for (int i = 2; i <= 30; i++)
        bti_bigint_mul(&a, (uint64_t)i);
    bti_bigint_text(&a, &text);
    assert_string_equal(bti_str_c(&text), "265252859812191058636308480000000"); /* 30! */
    bti_str_reset(&text);
    bti_bigint_mul(&a, 0);
    bti_bigint_text(&a, &text);
    assert_string_equal(bti_str_c(&text), "0");
    bti_str_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seven_block_space_has_its_documented_size),
        cmocka_unit_test(the_32x32_variant_has_its_documented_size),
        cmocka_unit_test(spaces_of_policies_have_the_size_of_their_papers),
        cmocka_unit_test(the_size_is_the_number_of_points_that_can_be_drawn),
        cmocka_unit_test(a_hyper_parameter_that_the_network_follows_does_not_count_as_network),
        cmocka_unit_test(long_numbers_carry_over_all_their_limbs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
