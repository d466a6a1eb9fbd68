/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax cross-entropy with label smoothing against PyTorch, and how it behaves on bad logits.
 */
#include "support.h"

#include "base/json.h"
#include "nn/loss.h"

#include <math.h>
#include <string.h>

#define MAX 64

typedef struct loss_case {
    int n, classes;
    double smoothing, loss;
    float logits[MAX];
    double dlogits[MAX];
    int32_t labels[MAX];
} loss_case;

static double number(const bti_json *object, const char *key)
{
    return bti_json_as_num(bti_json_get(object, key), NAN);
}

static loss_case read_case(const bti_json *one)
{
    loss_case c = {.n = (int)number(one, "n"), .classes = (int)number(one, "classes")};
    c.smoothing = number(one, "smoothing");
    c.loss = number(one, "loss");
    const size_t size = (size_t)(c.n * c.classes);
    assert_in_range(size, 1, MAX);
    for (size_t i = 0; i < size; i++) {
        c.logits[i] = (float)bti_json_as_num(bti_json_at(bti_json_get(one, "logits"), i), NAN);
        c.dlogits[i] = bti_json_as_num(bti_json_at(bti_json_get(one, "dlogits"), i), NAN);
    }
    for (size_t i = 0; i < (size_t)c.n; i++)
        c.labels[i] = (int32_t)bti_json_as_int(bti_json_at(bti_json_get(one, "labels"), i), -1);
    return c;
}

static void loss_and_gradient_equal_pytorchs(void **state)
{
    (void)state;
    bt_error err = {0};
    bti_json *golden;
    assert_ok(bti_json_read(&golden, test_source("tests/golden/nn/loss.json"), &err), &err);
    assert_true(bti_json_len(golden) >= 4);
    for (size_t k = 0; k < bti_json_len(golden); k++) {
        const loss_case c = read_case(bti_json_at(golden, k));
        float dlogits[MAX];
        const double loss =
            bti_softmax_xent(c.logits, c.labels, c.n, c.classes, c.smoothing, dlogits);
        if (!(fabs(loss - c.loss) <= 1e-12 * fmax(1, c.loss)))
            fail_msg("case %zu: loss is %.17g, PyTorch's is %.17g", k, loss, c.loss);
        for (int i = 0; i < c.n * c.classes; i++)
            if (!(fabs((double)dlogits[i] - c.dlogits[i]) <= 1e-7))
                fail_msg("case %zu: gradient [%d] is %.9g, PyTorch's is %.9g", k, i,
                         (double)dlogits[i], c.dlogits[i]);
        /* Without a gradient the loss is the same bits. */
        const double again =
            bti_softmax_xent(c.logits, c.labels, c.n, c.classes, c.smoothing, NULL);
        assert_memory_equal(&loss, &again, sizeof(loss));
    }
    bti_json_free(golden);
}

static void class_weights_equal_pytorchs(void **state)
{
    (void)state;
    FILE *f = fopen(test_source("tests/golden/train/class_weights.txt"), "r");
    enum { N = 4, CLASSES = 3 };
    double smoothing, loss, expected[N * CLASSES];
    int labels[N], cases = 0;
    assert_non_null(f);
    while (fscanf(f, "%lf %lf", &smoothing, &loss) == 2) {
        float weight[CLASSES], logits[N * CLASSES], d[N * CLASSES];
        int32_t label[N];
        for (int i = 0; i < CLASSES; i++)
            assert_int_equal(fscanf(f, "%f", &weight[i]), 1);
        for (int i = 0; i < N; i++) {
            assert_int_equal(fscanf(f, "%d", &labels[i]), 1);
            label[i] = labels[i];
        }
        for (int i = 0; i < N * CLASSES; i++)
            assert_int_equal(fscanf(f, "%f", &logits[i]), 1);
        for (int i = 0; i < N * CLASSES; i++)
            assert_int_equal(fscanf(f, "%lf", &expected[i]), 1);
        double ours = bti_softmax_xent_weighted(logits, label, N, CLASSES, smoothing, weight, d);
        assert_true(fabs(ours - loss) < 1e-7);
        for (int i = 0; i < N * CLASSES; i++)
            assert_true(fabs((double)d[i] - expected[i]) < 1e-7);
        cases++;
    }
    fclose(f);
    assert_int_equal(cases, 3);
}

static void soft_targets_equal_pytorchs(void **state)
{
    (void)state;
    FILE *f = fopen(test_source("tests/golden/train/soft_targets.txt"), "r");
    enum { N = 4, CLASSES = 3 };
    double smoothing, loss, expected[N * CLASSES];
    int cases = 0;
    assert_non_null(f);
    while (fscanf(f, "%lf %lf", &smoothing, &loss) == 2) {
        float weight[CLASSES], target[N * CLASSES], logits[N * CLASSES], d[N * CLASSES];
        for (int i = 0; i < CLASSES; i++)
            assert_int_equal(fscanf(f, "%f", &weight[i]), 1);
        for (int i = 0; i < N * CLASSES; i++)
            assert_int_equal(fscanf(f, "%f", &target[i]), 1);
        for (int i = 0; i < N * CLASSES; i++)
            assert_int_equal(fscanf(f, "%f", &logits[i]), 1);
        for (int i = 0; i < N * CLASSES; i++)
            assert_int_equal(fscanf(f, "%lf", &expected[i]), 1);
        double ours = bti_softmax_xent_soft(logits, target, N, CLASSES, smoothing, weight, d);
        assert_true(fabs(ours - loss) < 1e-6);
        for (int i = 0; i < N * CLASSES; i++)
            assert_true(fabs((double)d[i] - expected[i]) < 1e-6);
        if (weight[0] >= 1 && weight[1] >= 1) /* and without weights the same as with ones */
            assert_true(bti_softmax_xent_soft(logits, target, N, CLASSES, smoothing, NULL, NULL) ==
                        ours);
        cases++;
    }
    fclose(f);
    assert_int_equal(cases, 4);
}

static void a_target_of_one_class_is_that_label(void **state)
{
    (void)state;
    const float logits[8] = {1, -2, 3, 0.5f, -9, 8, 0, 1}, weight[4] = {1, 2, 0.5f, 3};
    const int32_t labels[2] = {3, 0};
    const float targets[8] = {0, 0, 0, 1, 1, 0, 0, 0};
    float hard[8], soft[8];
    double a = bti_softmax_xent_weighted(logits, labels, 2, 4, 0.1, weight, hard);
    double b = bti_softmax_xent_soft(logits, targets, 2, 4, 0.1, weight, soft);
    assert_true(fabs(a - b) < 1e-14);
    for (int i = 0; i < 8; i++)
        assert_true(fabsf(hard[i] - soft[i]) < 1e-7f);
}

static void gradients_of_an_image_sum_to_zero(void **state)
{
    (void)state;
    const float logits[8] = {1, -2, 3, 0.5f, -90, 80, 0, 1};
    const int32_t labels[2] = {3, 0};
    float d[8];
    bti_softmax_xent(logits, labels, 2, 4, 0.1, d);
    for (int i = 0; i < 2; i++)
        assert_true(fabsf(d[4 * i] + d[4 * i + 1] + d[4 * i + 2] + d[4 * i + 3]) < 1e-7f);
}

static void huge_finite_logits_do_not_overflow(void **state)
{
    (void)state;
    const float logits[3] = {3e38f, -3e38f, 0};
    const int32_t right = 0;
    assert_true(isfinite(bti_softmax_xent(logits, &right, 1, 3, 0, NULL)));
    assert_true(bti_softmax_xent(logits, &right, 1, 3, 0, NULL) == 0);
}

static void a_bad_logit_never_hides(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const double smoothing[] = {0, 0.1};
    for (int b = 0; b < 3; b++) {
        for (int at = 0; at < 6; at++) {
            for (int s = 0; s < 2; s++) {
                float logits[6] = {1, 2, 3, 4, 5, 6};
                const int32_t labels[2] = {0, 2};
                logits[at] = bad[b];
                if (isfinite(bti_softmax_xent(logits, labels, 2, 3, smoothing[s], NULL)))
                    fail_msg("a logit of %g at %d went unnoticed", (double)bad[b], at);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_and_gradient_equal_pytorchs),
        cmocka_unit_test(class_weights_equal_pytorchs),
        cmocka_unit_test(soft_targets_equal_pytorchs),
        cmocka_unit_test(a_target_of_one_class_is_that_label),
        cmocka_unit_test(gradients_of_an_image_sum_to_zero),
        cmocka_unit_test(huge_finite_logits_do_not_overflow),
        cmocka_unit_test(a_bad_logit_never_hides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
