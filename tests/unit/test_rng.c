/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers: the published vectors of Philox4x32-10, addresses that never share numbers, and
 * distributions without bias.
 */
#include "support.h"

#include "base/rng.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Random123's kat_vectors, lines "philox4x32 10". */
static void philox_gives_the_published_numbers(void **state)
{
    (void)state;
    static const struct {
        uint32_t ctr[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        bti_rng r = {.used = 4};
        memcpy(r.ctr, known[i].ctr, sizeof(r.ctr));
        memcpy(r.key, known[i].key, sizeof(r.key));
        for (int j = 0; j < 4; j++)
            assert_int_equal(bti_rng_u32(&r), known[i].out[j]);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void two_addresses_never_give_equal_numbers(void **state)
{
    (void)state;
    enum { N = 3 * 4 * 6 * 10 * 5 };
    uint64_t *seen = calloc(N, sizeof(*seen));
    int n = 0;
    for (uint64_t seed = 0; seed < 3; seed++)
        for (int purpose = 1; purpose <= 4; purpose++)
            for (uint32_t epoch = 0; epoch < 6; epoch++)
                for (uint32_t sample = 0; sample < 10; sample++)
                    for (uint32_t slot = 0; slot < 5; slot++) {
                        bti_rng r = bti_rng_at(seed, (bti_rng_purpose)purpose, epoch, sample, slot);
                        seen[n++] = bti_rng_u64(&r);
                    }
    assert_int_equal(n, N);
    qsort(seen, N, sizeof(*seen), by_value);
    for (int i = 1; i < N; i++)
        assert_true(seen[i - 1] != seen[i]);
    free(seen);
}

static void the_same_address_replays(void **state)
{
    (void)state;
    bti_rng a = bti_rng_at(7, BTI_RNG_AUGMENT, 3, 123, 2), b = a;
    for (int i = 0; i < 50; i++)
        assert_int_equal(bti_rng_u32(&a), bti_rng_u32(&b));
}

static void whole_numbers_below_n_are_even(void **state)
{
    (void)state;
    bti_rng r = bti_rng_at(1, BTI_RNG_TEST, 0, 0, 0);
    int count[7] = {0};
    for (int i = 0; i < 70000; i++)
        count[bti_rng_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(count[i], 9600, 10400); /* 4.3 standard deviations */
    bool low = false, high = false;
    for (int i = 0; i < 200; i++) {
        int64_t v = bti_rng_range(&r, -2, 2);
        assert_true(v >= -2 && v <= 2);
        low |= v == -2;
        high |= v == 2;
    }
    assert_true(low && high);
    bti_rng_range(&r, INT64_MIN, INT64_MAX); /* the whole range is allowed */
}

static void normal_numbers_have_mean_zero_and_variance_one(void **state)
{
    (void)state;
    bti_rng r = bti_rng_at(2, BTI_RNG_TEST, 0, 0, 0);
    double sum = 0, squares = 0;
    for (int i = 0; i < 40000; i++) {
        double v = bti_rng_normal(&r);
        sum += v;
        squares += v * v;
    }
    assert_true(fabs(sum / 40000) < 0.02);
    assert_true(fabs(squares / 40000 - 1) < 0.03);
}

/* Mean 1/2 and variance 1 / (4 (2 alpha + 1)) of Beta(alpha, alpha); never NaN, however small. */
static void beta_numbers_have_their_mean_and_variance(void **state)
{
    const double alpha[] = {0.001, 0.2, 1, 8};
    (void)state;
    for (int k = 0; k < 4; k++) {
        double sum = 0, squares = 0;
        enum { DRAWS = 20000 };
        for (uint32_t i = 0; i < DRAWS; i++) {
            bti_rng r = bti_rng_at(3, BTI_RNG_TEST, 0, i, 0);
            double x = bti_rng_beta(&r, alpha[k], alpha[k]);
            assert_true(x >= 0 && x <= 1);
            sum += x;
            squares += (x - 0.5) * (x - 0.5);
        }
        assert_true(fabs(sum / DRAWS - 0.5) < 0.015);
        assert_true(fabs(squares / DRAWS * 4 * (2 * alpha[k] + 1) - 1) < 0.04);
    }
    bti_rng r = bti_rng_at(3, BTI_RNG_TEST, 1, 0, 0);
    double sum = 0;
    for (int i = 0; i < 20000; i++)
        sum += bti_rng_beta(&r, 1, 3);
    assert_true(fabs(sum / 20000 - 0.25) < 0.006);
}

static void a_shuffle_is_a_permutation(void **state)
{
    (void)state;
    int32_t v[100];
    bool seen[100] = {false};
    int moved = 0;
    for (int i = 0; i < 100; i++)
        v[i] = i;
    bti_rng r = bti_rng_at(0, BTI_RNG_SHUFFLE, 1, 0, 0);
    bti_rng_shuffle(&r, v, 100);
    for (int i = 0; i < 100; i++) {
        assert_false(seen[v[i]]);
        seen[v[i]] = true;
        moved += v[i] != i;
    }
    assert_true(moved > 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_numbers),
        cmocka_unit_test(two_addresses_never_give_equal_numbers),
        cmocka_unit_test(the_same_address_replays),
        cmocka_unit_test(whole_numbers_below_n_are_even),
        cmocka_unit_test(normal_numbers_have_mean_zero_and_variance_one),
        cmocka_unit_test(beta_numbers_have_their_mean_and_variance),
        cmocka_unit_test(a_shuffle_is_a_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
