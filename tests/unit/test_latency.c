/* SPDX-License-Identifier: Apache-2.0 */
#include "model_text.h"

#include "nn/latency.h"

static double latency_of(const char *rows)
{
    bt_error err;
    double ms = -1;
    bti_graph *g = test_graph((test_model){.rows = rows});
    assert_ok(bti_latency_ms(&ms, g, &err), &err);
    bti_graph_free(g);
    return ms;
}

static void twenty_times_the_work_takes_longer(void **state)
{
    (void)state;
    double small = latency_of("[1, Conv, [8, 3, 2]]");
    double large = latency_of("[1, Conv, [64, 3, 1]], [2, Conv, [64, 3, 1]]");
    assert_true(small > 0);
    assert_true(large > 2 * small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(twenty_times_the_work_takes_longer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
