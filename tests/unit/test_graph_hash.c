/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical hash: equal for one network written in different ways, different for anything that
 * computes something else.
 */
#include "model_text.h"

#define HEAD ", [1, GlobalAvgPool, []], [1, Flatten, []], [1, Linear, [10]]"

static void compare(test_model a, test_model b, bool equal)
{
    bti_graph *g = test_graph(a), *h = test_graph(b);
    if ((strcmp(g->hash, h->hash) == 0) != equal)
        fail_msg("%s\n%s\nexpected %s hashes", a.rows, b.rows, equal ? "equal" : "different");
    bti_graph_free(g);
    bti_graph_free(h);
}

static void same(const char *a, const char *b)
{
    compare((test_model){.rows = a}, (test_model){.rows = b}, true);
}

static void different(const char *a, const char *b)
{
    compare((test_model){.rows = a}, (test_model){.rows = b}, false);
}

static void at_depth_a_quarter_repeats_one_to_five_are_one_network(void **state)
{
    (void)state;
    for (int r = 2; r <= 6; r++) {
        char rows[128];
        snprintf(rows, sizeof(rows), "[%d, InvertedResidualv3, [3, 2, 16, 1, 1, 2]]" HEAD, r);
        compare((test_model){.rows = "[1, InvertedResidualv3, [3, 2, 16, 1, 1, 2]]" HEAD,
                             .depth = 0.25},
                (test_model){.rows = rows, .depth = 0.25}, r <= 5);
    }
}

static void written_numbers_that_round_to_the_same_are_the_same(void **state)
{
    (void)state;
    same("[1, Conv, [9, 3]]", "[1, Conv, [16, 3, 1, null, 1, ReLU]]");
    same("[1, Conv, [16, 3]], [1, InvertedResidualv3, [3, 1.6, 16, 0, 0, 1]]",
         "[1, Conv, [16, 3]], [1, InvertedResidualv3, [3, 1.5, 16, 0, 0, 1]]");
    same("[1, Conv, [8, 5, 1, 0]]", "[1, Conv, [8, 5, 1, 2]]");
    same("[1, Conv, [8, 3, 1, null, 1, HardSwish]]", "[1, Conv, [8, 3, 1, null, 1, Hardswish]]");
    compare((test_model){.rows = "[1, Conv, [32, 3]]", .width = 0.5},
            (test_model){.rows = "[1, Conv, [16, 3]]"}, true);
}

static void equal_networks_from_other_modules_are_the_same(void **state)
{
    (void)state;
    same("[2, Conv, [16, 3, 2]]", "[1, Conv, [16, 3, 1]], [1, Conv, [16, 3, 2]]");
    same("[1, DWConv, [16, 3]]", "[1, Conv, [16, 3]]"); /* 3 -> 16 has one group */
    same("[1, Conv, [16, 3]], [1, DWConv, [16, 3]]",
         "[1, FixedConv, [16, 3]], [1, Conv, [16, 3, 1, null, 16]]");
    same("[1, Bottleneck, [16, False]]", "[1, Conv, [8, 1]], [1, Conv, [16, 3]]");
}

static void words_without_effect_do_not_count(void **state)
{
    (void)state;
    same("[1, Conv, [8, 3]], [3, Pass, []]" HEAD, "[1, Conv, [8, 3]]" HEAD);
    same("[1, Conv, [8, 3]], [1, MaxPool, [1]]" HEAD, "[1, Conv, [8, 3]]" HEAD);
    same("[1, GlobalAvgPool, []], [1, FixedConv, [10, 1, 1, null, 1, null]]",
         "[1, GlobalAvgPool, []], [1, FixedConv, [10, 1, 1, null, 1, null]], [1, Flatten, []]");
    compare((test_model){.rows = "[1, Conv, [8, 3, 2]]", .h = 1, .w = 1},
            (test_model){.rows = "[1, Conv, [8, 3, 1]]", .h = 1, .w = 1}, true);
}

static void everything_that_changes_the_function_changes_the_hash(void **state)
{
    (void)state;
    different("[1, Conv, [16, 3]]", "[1, Conv, [24, 3]]");
    different("[1, Conv, [16, 3]]", "[1, Conv, [16, 5]]");
    different("[1, Conv, [16, 3, 2]]", "[1, Conv, [16, 3, 1]]");
    different("[1, Conv, [16, 3, 1, 1]]", "[1, Conv, [16, 3, 1, 2]]");
    different("[1, Conv, [8, 3, 1, null, 1, ReLU]]", "[1, Conv, [8, 3, 1, null, 1, SiLU]]");
    different("[1, Conv, [8, 3, 1, null, 1, ReLU]]", "[1, Conv, [8, 3, 1, null, 1, null]]");
    different("[1, Conv, [16, 3]], [1, Conv, [16, 3]]",
              "[1, Conv, [16, 3]], [1, Conv, [16, 3, 1, null, 2]]");
    different("[2, Conv, [16, 3]]", "[3, Conv, [16, 3]]");
    different("[1, Bottleneck, [16]]", "[1, Conv, [16, 3]], [1, Bottleneck, [16]]");
    different("[1, Conv, [16, 3]], [1, Bottleneck, [16, True]]",
              "[1, Conv, [16, 3]], [1, Bottleneck, [16, False]]");
    different("[1, InvertedResidualv3, [3, 2, 16, 0, 0, 1]]",
              "[1, InvertedResidualv3, [3, 2, 16, 1, 0, 1]]");
    different("[1, InvertedResidualv3, [3, 2, 16, 0, 0, 1]]",
              "[1, InvertedResidualv3, [3, 2, 16, 0, 1, 1]]");
    different("[1, MaxPool, [2]]", "[1, AvgPool, [2]]");
    different("[1, AvgPool, [3, 1, 1]]", "[1, AvgPool, [3, 1, 1, False, False]]");
    different("[1, MaxPool, [2, 1]]", "[1, MaxPool, [2, 1, 0, 2]]");
}

static void the_input_is_part_of_the_network(void **state)
{
    (void)state;
    compare((test_model){.rows = "[1, Conv, [8, 3]]" HEAD},
            (test_model){.rows = "[1, Conv, [8, 3]]" HEAD, .h = 28, .w = 28}, false);
    compare((test_model){.rows = "[1, Conv, [8, 3]]" HEAD},
            (test_model){.rows = "[1, Conv, [8, 3]]" HEAD, .c = 1}, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_depth_a_quarter_repeats_one_to_five_are_one_network),
        cmocka_unit_test(written_numbers_that_round_to_the_same_are_the_same),
        cmocka_unit_test(equal_networks_from_other_modules_are_the_same),
        cmocka_unit_test(words_without_effect_do_not_count),
        cmocka_unit_test(everything_that_changes_the_function_changes_the_hash),
        cmocka_unit_test(the_input_is_part_of_the_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
