/* SPDX-License-Identifier: Apache-2.0
 *
 * Building a network from rows: the rules of repeats, channels, padding and shapes (tables made
 * with PyTorch), every refusal with its place, memory, and time.
 */
#include "model_text.h"

#include "base/alloc.h"
#include "model/acts.h"
#include "model/builder.h"

/* The output of the last row. */
static void gives(test_model m, int c, int h, int w)
{
    bti_graph *g = test_graph(m);
    const bti_row_info *last = &g->row[g->n_rows - 1];
    if (last->c != c || last->h != h || last->w != w)
        fail_msg("%s gives %dx%dx%d, expected %dx%dx%d", m.rows, last->c, last->h, last->w, c, h,
                 w);
    bti_graph_free(g);
}

static void refused(test_model m, const char *says)
{
    bti_graph *g;
    bt_error err = {0};
    bt_status rc = test_build(&g, m, &err);
    if (rc != BT_INVAL || err.line != 4 || !strstr(err.text, says))
        fail_msg("%s\ngave status %d, line %d: %s\ninstead of: ... %s ...", m.rows, rc, err.line,
                 err.text, says);
    assert_string_equal(err.where, "m.yaml");
    assert_null(g);
}

static void depth_multiple_rounds_half_to_even(void **state)
{
    (void)state;
    static const struct {
        double depth;
        int repeat[8];
    } table[] = {
        {0.25, {1, 1, 1, 1, 1, 2, 2, 2}},
        {0.5, {1, 1, 2, 2, 2, 3, 4, 4}},
        {0.75, {1, 2, 2, 3, 4, 4, 5, 6}},
        {1.0, {1, 2, 3, 4, 5, 6, 7, 8}},
    };
    for (size_t i = 0; i < 4; i++)
        for (int r = 1; r <= 8; r++) {
            char rows[64];
            snprintf(rows, sizeof(rows), "[%d, Conv, [8, 3, 1]]", r);
            bti_graph *g = test_graph((test_model){.rows = rows, .depth = table[i].depth});
            assert_int_equal(g->row[0].repeat, table[i].repeat[r - 1]);
            assert_int_equal(g->n_nodes, 1 + 3 * table[i].repeat[r - 1]);
            bti_graph_free(g);
        }
}

static void channels_round_to_eight_but_never_ten_percent_down(void **state)
{
    (void)state;
    static const struct {
        double lo, hi;
        int out;
    } table[] = {{1, 8, 8},    {9, 17, 16},      {18, 26, 24},       {27, 35, 32},
                 {36, 36, 40}, {13.5, 13.5, 16}, {23.25, 23.25, 24}, {62.5, 62.5, 64}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        for (double v = table[i].lo; v <= table[i].hi; v++)
            assert_int_equal(bti_round_channels(v), table[i].out);
    assert_true(bti_round_channels(1e300) > BTI_MAX_CHANNELS);
}

static void the_width_multiple_scales_what_each_module_declares(void **state)
{
    (void)state;
    const double half = 0.5;
    gives((test_model){.rows = "[1, Conv, [6, 5, 1, 0]]"}, 8, 32, 32);
    gives((test_model){.rows = "[1, Conv, [40, 3]]", .width = half}, 24, 32, 32);
    gives((test_model){.rows = "[1, DWConv, [40, 3]]", .width = half}, 24, 32, 32);
    gives((test_model){.rows = "[1, Bottleneck, [40]]", .width = half}, 24, 32, 32);
    gives((test_model){.rows = "[1, BasicBlock, [40]]", .width = half}, 24, 32, 32);
    gives((test_model){.rows = "[1, InvertedResidualv2, [40, 2, 1]]", .width = half}, 24, 32, 32);
    gives((test_model){.rows = "[1, InvertedResidualv3, [3, 2, 40, 0, 0, 1]]", .width = half}, 24,
          32, 32);
    gives((test_model){.rows = "[1, MBConv, [2, 40, 1, 3]]", .width = half}, 24, 32, 32);
    gives((test_model){.rows = "[1, FixedConv, [10, 1]]", .width = half}, 10, 32, 32);
    gives((test_model){.rows = "[1, GlobalAvgPool, []], [1, Flatten, []], [1, Linear, [10]]",
                       .width = half},
          10, 1, 1);
}

static void padding_is_automatic_unless_a_number_or_a_list_says_otherwise(void **state)
{
    (void)state;
    gives((test_model){.rows = "[1, Conv, [8, 3]]", .h = 8, .w = 8}, 8, 8, 8);
    gives((test_model){.rows = "[1, Conv, [8, 3, 1, null]]", .h = 8, .w = 8}, 8, 8, 8);
    gives((test_model){.rows = "[1, Conv, [8, 3, 1, 0]]", .h = 8, .w = 8}, 8, 8, 8);
    gives((test_model){.rows = "[1, Conv, [8, 3, 1, [0]]]", .h = 8, .w = 8}, 8, 6, 6);
    gives((test_model){.rows = "[1, Conv, [8, 3, 1, 2]]", .h = 8, .w = 8}, 8, 10, 10);
    gives((test_model){.rows = "[1, Conv, [8, 4]]", .h = 8, .w = 8}, 8, 9, 9); /* even: grows */
    gives((test_model){.rows = "[1, Conv, [8, 3, 2]]", .h = 7, .w = 8}, 8, 4, 4);
}

static void mbconv_pads_as_tensorflow(void **state)
{
    (void)state;
    gives((test_model){.rows = "[1, MBConv, [2, 16, 2, 3]]", .h = 7, .w = 8}, 16, 3, 4);
    gives((test_model){.rows = "[1, MBConv, [2, 16, 1, 5]]", .h = 7, .w = 8}, 16, 7, 8);
    refused((test_model){.rows = "[1, MBConv, [2, 16, 2, 3]]", .h = 1, .w = 1},
            "row 1 (MBConv): a 1x1 map padded by 1 in all is smaller than the kernel of 3");
    refused((test_model){.rows = "[1, MBConv, [2, 16, 2, 5]]", .h = 1, .w = 1},
            "smaller than the kernel of 5");
}

static void strided_convolutions_stay_at_one_by_one(void **state)
{
    (void)state;
    gives((test_model){.rows = "[9, InvertedResidualv2, [8, 2, 2]]", .h = 1, .w = 1}, 8, 1, 1);
    gives((test_model){.rows = "[1, InvertedResidualv3, [5, 2, 8, 1, 1, 2]]", .h = 1, .w = 1}, 8, 1,
          1);
    gives((test_model){.rows = "[1, DWConv, [8, 5, 2]]", .h = 1, .w = 1}, 8, 1, 1);
}

/* Where in a row of copies the stride goes, seen at what the first copy gives. */
static void convolutions_have_the_stride_last_and_blocks_first(void **state)
{
    (void)state;
    static const struct {
        const char *row;
        int first_h;
    } table[] = {
        {"[3, Conv, [8, 3, 2]]", 16},
        {"[3, DWConv, [8, 3, 2]]", 16},
        {"[3, FixedConv, [8, 3, 2]]", 16},
        {"[3, InvertedResidualv2, [8, 1, 2]]", 8},
        {"[3, InvertedResidualv3, [3, 1, 8, 0, 0, 2]]", 8},
        {"[3, BasicBlock, [8, 2]]", 8},
        {"[3, MBConv, [1, 8, 2, 3]]", 8},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        bti_graph *g = test_graph((test_model){.rows = table[i].row, .c = 8, .h = 16, .w = 16});
        assert_int_equal(g->node[1].h, table[i].first_h);
        assert_int_equal(g->row[0].h, 8);
        bti_graph_free(g);
    }
    gives((test_model){.rows = "[3, MaxPool, [2]]"}, 3, 4, 4); /* each copy */
}

static void bottlenecks_keep_the_input_channels_until_the_last(void **state)
{
    (void)state;
    bti_graph *g = test_graph((test_model){.rows = "[3, Bottleneck, [32]]", .c = 16});
    static const int out[] = {8, 16, 8, 16, 16, 32};
    int n = 0;
    for (int i = 0; i < g->n_nodes; i++)
        if (g->node[i].kind == BTI_NODE_CONV)
            assert_int_equal(g->node[i].c, out[n++]);
    assert_int_equal(n, 6);
    bti_graph_free(g);
}

static void repeats_of_head_modules_are_ignored(void **state)
{
    (void)state;
    gives((test_model){.rows = "[4, GlobalAvgPool, []], [2, Flatten, []], [3, Linear, [10]]"}, 10,
          1, 1);
    bti_graph *g = test_graph(
        (test_model){.rows = "[1, GlobalAvgPool, []], [1, Flatten, []], [3, Linear, [10]]"});
    assert_int_equal(g->params, 40);
    assert_int_equal(g->macs, 30);
    bti_graph_free(g);
}

static void identities_leave_no_node(void **state)
{
    (void)state;
    bti_graph *g = test_graph((test_model){
        .rows = "[1, Pass, []], [2, MaxPool, [1]], [1, Conv, [8, 3, 1, null, 1, Identity]], "
                "[1, GlobalAvgPool, [32]]"});
    assert_int_equal(g->n_nodes, 3); /* input, conv, bn */
    assert_int_equal(g->n_rows, 4);
    bti_graph_free(g);
}

static void every_activation_is_known_by_name_and_case_matters(void **state)
{
    (void)state;
    bti_act act;
    for (const char *const *name = bti_act_names(); *name; name++) {
        char rows[96];
        snprintf(rows, sizeof(rows), "[1, Conv, [8, 3, 1, null, 1, %s]]", *name);
        assert_true(bti_act_parse(*name, &act));
        bti_graph *g = test_graph((test_model){.rows = rows});
        assert_int_equal(g->node[g->n_nodes - 1].act, act);
        bti_graph_free(g);
    }
    assert_true(bti_act_parse("HardSwish", &act) && act == BTI_ACT_HARDSWISH);
    assert_true(bti_act_parse("Swish", &act) && act == BTI_ACT_SILU);
    assert_false(bti_act_parse("relu", &act));
    refused((test_model){.rows = "[1, Conv, [8, 3, 1, null, 1, Hardswich]]"},
            "row 1 (Conv): unknown activation Hardswich, did you mean Hardswish");
    refused((test_model){.rows = "[1, Conv, [8, 3, 1, null, 1, 3]]"},
            "argument 6 (act) is 3, expected the name of an activation, or null");
}

static void ceil_mode_of_pools_counts_only_windows_that_start_inside(void **state)
{
    (void)state;
    gives((test_model){.rows = "[1, MaxPool, [2, 2, 0, 1, False, True]]", .h = 7, .w = 8}, 3, 4, 4);
    gives((test_model){.rows = "[1, MaxPool, [3, 2, 1, 1, False, True]]", .h = 8, .w = 7}, 3, 5, 4);
    gives((test_model){.rows = "[1, MaxPool, [2, null, 1, 1, 0, 1]]", .h = 7, .w = 8}, 3, 4, 5);
    gives((test_model){.rows = "[1, AvgPool, [2, 2, 0, True]]", .h = 7, .w = 7}, 3, 4, 4);
    gives((test_model){.rows = "[1, AvgPool, [3, 2, 1, True]]", .h = 8, .w = 8}, 3, 5, 5);
}

static void unknown_modules_are_named_with_the_known_ones(void **state)
{
    (void)state;
    refused((test_model){.rows = "[1, Pass, []], [1, InvertedResidualV3, [3, 1, 8, 0, 0, 1]]"},
            "row 2 (InvertedResidualV3): unknown module, did you mean InvertedResidualv3; known: "
            "Conv, DWConv, ");
    refused((test_model){.rows = "[1, ShuffleNetV2, [1]]"}, "unknown module; known: Conv");
}

static void the_number_of_arguments_is_checked(void **state)
{
    (void)state;
    refused((test_model){.rows = "[1, Conv, [8]]"},
            "row 1 (Conv): 1 argument, expected 2 to 6: [out, kernel, stride=1,");
    refused((test_model){.rows = "[1, InvertedResidualv2, [8, 1]]"}, "2 arguments, expected 3:");
    refused((test_model){.rows = "[1, InvertedResidualv2, [8, 1, 1, 0]]"},
            "4 arguments, expected 3");
    refused((test_model){.rows = "[1, InvertedResidualv3, [3, 1, 8, 0, 0]]"}, "5 arguments");
    refused((test_model){.rows = "[1, Flatten, [1]]"}, "1 argument, expected 0: []");
}

static void arguments_of_the_wrong_kind_are_refused(void **state)
{
    (void)state;
    refused((test_model){.rows = "[1, Conv, [wide, 3]]"},
            "argument 1 (out) is wide, expected a number of channels from 1 to 65536");
    refused((test_model){.rows = "[1, Conv, [8, null]]"}, "argument 2 (kernel) is null");
    refused((test_model){.rows = "[1, Conv, [8, 3, null]]"},
            "argument 3 (stride) is null, expected a whole number from 1");
    refused((test_model){.rows = "[1, Conv, [8, 3, 0]]"}, "argument 3 (stride) is 0");
    refused((test_model){.rows = "[1, Conv, [8, 2.5]]"}, "argument 2 (kernel) is 2.5");
    refused((test_model){.rows = "[1, Conv, [8, 3, 1, -1]]"}, "argument 4 (pad) is -1");
    refused((test_model){.rows = "[1, InvertedResidualv2, [8, 0, 1]]"},
            "argument 2 (expand) is 0, expected a number above 0");
    refused((test_model){.rows = "[1, InvertedResidualv2, [8, 0.01, 1]]"},
            "expand 0.01 makes 0 hidden channels of 3");
    refused((test_model){.rows = "[1, InvertedResidualv3, [3, 1, 8, 2, 0, 1]]"},
            "argument 4 (se) is 2, expected True, False, 1 or 0");
    refused((test_model){.rows = "[1, MBConv, [2.5, 16, 1, 3]]"},
            "argument 1 (expand) is 2.5, expected a whole number");
    refused((test_model){.rows = "[1, MBConv, [2, 16, 1, 4]]"}, "the kernel is 4, expected 3 or 5");
    refused((test_model){.rows = "[1, MaxPool, [2, 2, 0, 1, True]]"}, "return_indices");
    refused((test_model){.rows = "[0, Conv, [8, 3]]"}, "the repeat is 0, expected 1 to 1000");
}

static void strides_of_inverted_residuals_are_one_or_two(void **state)
{
    (void)state;
    refused((test_model){.rows = "[1, InvertedResidualv2, [8, 1, 3]]"},
            "row 1 (InvertedResidualv2): argument 3 (stride) is 3, expected 1 or 2");
    refused((test_model){.rows = "[1, InvertedResidualv3, [3, 1, 8, 0, 0, 0]]"},
            "argument 6 (stride) is 0, expected 1 or 2");
    refused((test_model){.rows = "[1, MBConv, [1, 8, 4, 3]]"}, "(stride) is 4, expected 1 or 2");
}

static void groups_must_divide_both_sides(void **state)
{
    (void)state;
    refused((test_model){.rows = "[1, Conv, [8, 3, 1, null, 2]]"},
            "row 1 (Conv): 2 groups do not divide 3 input and 8 output channels");
    refused((test_model){.rows = "[1, Conv, [8, 3]], [1, Bottleneck, [24, True, 5]]"},
            "row 2 (Bottleneck): 5 groups do not divide");
    bti_graph *g = test_graph((test_model){.rows = "[1, DWConv, [24, 3]]", .c = 16});
    assert_int_equal(g->node[1].groups, 8);
    bti_graph_free(g);
}

static void a_map_smaller_than_the_kernel_is_refused_with_its_size(void **state)
{
    (void)state;
    refused((test_model){.rows = "[1, MaxPool, [2]], [1, MaxPool, [5]]", .h = 8, .w = 9},
            "row 2 (MaxPool): a 4x4 map padded by 0 in all is smaller than the kernel of 5");
    refused((test_model){.rows = "[6, MaxPool, [2]]"}, "a 1x1 map padded by 0");
    refused((test_model){.rows = "[1, Conv, [8, 5, 1, 1]]", .h = 2, .w = 2},
            "a 2x2 map padded by 2 in all is smaller than the kernel of 5");
    refused((test_model){.rows = "[1, MaxPool, [3, 1, 2]]"},
            "the padding is 2, expected at most half of the kernel of 3");
}

static void linear_needs_a_flatten_of_a_one_by_one_map(void **state)
{
    (void)state;
    refused((test_model){.rows = "[1, GlobalAvgPool, []], [1, Linear, [10]]"},
            "row 2 (Linear): the input is a 1x1x3 map: put [1, Flatten, []] before Linear");
    refused((test_model){.rows = "[1, Flatten, []], [1, Linear, [10]]", .h = 4, .w = 4},
            "row 2 (Linear): the Flatten before it declares 3 channels but gives 48 values (a 4x4 "
            "map): put [1, GlobalAvgPool, []] before the Flatten");
    refused((test_model){.rows = "[1, Flatten, []], [1, Flatten, []], [1, Linear, [10]]"},
            "declares 3 channels");
    refused((test_model){.rows = "[1, GlobalAvgPool, []], [1, Flatten, []], [1, Conv, [8, 1]]"},
            "row 3 (Conv): needs a map, but a row before it flattened it");
}

static void shortcuts_of_an_even_kernel_do_not_fit(void **state)
{
    (void)state;
    refused((test_model){.rows = "[1, InvertedResidualv3, [4, 1, 8, 0, 0, 1]]", .c = 8},
            "the shortcut adds 32x32x8 to 31x31x8");
}

static void a_trainable_network_ends_in_one_value_a_class(void **state)
{
    (void)state;
    bti_arena arena = {0};
    bti_rows rows = {.channels = 3, .depth_multiple = 1, .width_multiple = 1, .where = "model"};
    bt_error err = {0};
    bti_graph *g;
    bti_row *row = bti_rows_add(&rows, &arena);
    *row = (bti_row){.repeat = 1, .module = "FixedConv", .n_args = 2};
    row->arg[0] = bti_value_int(10);
    row->arg[1] = bti_value_int(1);
    assert_int_equal(bti_graph_build(&g, &rows, 0, 4, 4, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "the last row gives a 4x4 map of 10 channels"));
    assert_ok(bti_graph_build(&g, &rows, 1, 1, 1, &err), &err);
    assert_int_equal(g->classes, 10);
    assert_int_equal(g->in_c, 1);
    bti_graph_free(g);
    bti_arena_release(&arena);
}

static void peak_memory_counts_what_is_alive_together(void **state)
{
    (void)state;
    /* One convolution: input and output; BN and ReLU write in place. */
    bti_graph *g = test_graph((test_model){.rows = "[1, Conv, [8, 3]]"});
    assert_int_equal(g->peak_activation_bytes, (3 + 8) * 32 * 32 * 4);
    bti_graph_free(g);
    /* A shortcut keeps its input: at the depthwise convolution 8 + 24 + 24 channels. */
    g = test_graph((test_model){.rows = "[1, InvertedResidualv2, [8, 3, 1]]", .c = 8});
    assert_int_equal(g->peak_activation_bytes, (8 + 24 + 24) * 32 * 32 * 4);
    bti_graph_free(g);
    /* Without one the input is gone by then. */
    g = test_graph((test_model){.rows = "[1, InvertedResidualv2, [16, 3, 1]]", .c = 8});
    assert_int_equal(g->peak_activation_bytes, (24 + 24) * 32 * 32 * 4);
    bti_graph_free(g);
}

static void absurd_sizes_are_refused_not_computed(void **state)
{
    (void)state;
    refused((test_model){.rows = "[1, Conv, [70000, 3]]"}, "expected a number of channels");
    refused((test_model){.rows = "[1, Conv, [60000, 3]]", .width = 1000}, "channels");
    refused((test_model){.rows = "[1001, Conv, [8, 3]]"}, "the repeat is 1001");
    refused((test_model){.rows = "[1000, Conv, [8, 3]]", .depth = 5}, "depth_multiple makes 5000");
    refused((test_model){.rows = "[1000, Pass, []], [1000, Pass, []], [1000, Pass, []], [1000, "
                                 "Pass, []], [1000, Pass, []]"},
            "row 5 (Pass): the network has more than 4096 modules");
    refused((test_model){.rows = "[1, Conv, [60000, 1]], [1, Conv, [60000, 1]]"},
            "row 2 (Conv): the network has more than 2^31 weights");
    refused((test_model){.rows = "[1, Conv, [8, 1, 1, 255]]", .h = 4096, .w = 4096},
            "the map grows to 4606");
    refused((test_model){.rows = "[1, InvertedResidualv2, [8, 1e6, 1]]"}, "hidden channels");
    refused((test_model){.rows = "[1, InvertedResidualv3, [3, 1e300, 8, 1, 1, 1]]"}, "channels");
}

static void every_failing_allocation_is_an_error_without_a_leak(void **state)
{
    (void)state;
    bti_arena arena = {0};
    bti_rows rows;
    bt_error err = {0};
    assert_ok(
        bti_rows_read(&rows, &arena, test_source("examples/models/mobilenetv2.yaml"), NULL, &err),
        &err);
    int64_t before = bti_alloc_live();
    bt_status rc = BT_NOMEM;
    for (int n = 1; rc != BT_OK; n++) {
        bti_graph *g;
        bti_alloc_fail_at(n);
        rc = bti_graph_build(&g, &rows, 0, 0, 0, &err);
        bti_alloc_fail_at(0);
        bti_graph_free(g);
        assert_int_equal(bti_alloc_live(), before);
        assert_true(rc == BT_OK || rc == BT_NOMEM);
        assert_true(n < 100); /* a search builds thousands a second: an arena, not a heap */
    }
    bti_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depth_multiple_rounds_half_to_even),
        cmocka_unit_test(channels_round_to_eight_but_never_ten_percent_down),
        cmocka_unit_test(the_width_multiple_scales_what_each_module_declares),
        cmocka_unit_test(padding_is_automatic_unless_a_number_or_a_list_says_otherwise),
        cmocka_unit_test(mbconv_pads_as_tensorflow),
        cmocka_unit_test(strided_convolutions_stay_at_one_by_one),
        cmocka_unit_test(convolutions_have_the_stride_last_and_blocks_first),
        cmocka_unit_test(bottlenecks_keep_the_input_channels_until_the_last),
        cmocka_unit_test(repeats_of_head_modules_are_ignored),
        cmocka_unit_test(identities_leave_no_node),
        cmocka_unit_test(every_activation_is_known_by_name_and_case_matters),
        cmocka_unit_test(ceil_mode_of_pools_counts_only_windows_that_start_inside),
        cmocka_unit_test(unknown_modules_are_named_with_the_known_ones),
        cmocka_unit_test(the_number_of_arguments_is_checked),
        cmocka_unit_test(arguments_of_the_wrong_kind_are_refused),
        cmocka_unit_test(strides_of_inverted_residuals_are_one_or_two),
        cmocka_unit_test(groups_must_divide_both_sides),
        cmocka_unit_test(a_map_smaller_than_the_kernel_is_refused_with_its_size),
        cmocka_unit_test(linear_needs_a_flatten_of_a_one_by_one_map),
        cmocka_unit_test(shortcuts_of_an_even_kernel_do_not_fit),
        cmocka_unit_test(a_trainable_network_ends_in_one_value_a_class),
        cmocka_unit_test(peak_memory_counts_what_is_alive_together),
        cmocka_unit_test(absurd_sizes_are_refused_not_computed),
        cmocka_unit_test(every_failing_allocation_is_an_error_without_a_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
