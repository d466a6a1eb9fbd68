/* SPDX-License-Identifier: Apache-2.0
 *
 * Model-file text: both styles, every type of value, and each malformed file refused with its line
 * and row.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/str.h"
#include "model/graph.h"

#define HEAD "input_channel: 3\ndepth_multiple: 1.0\nwidth_multiple: 1.0\nbackbone:\n"

typedef struct parsed {
    bti_arena arena;
    bti_rows rows;
    bt_error err;
    char warnings[512];
} parsed;

static void keep_warning(void *user, const bt_event *event)
{
    parsed *p = user;
    size_t n = strlen(p->warnings);
    if (event->kind == BT_EVENT_WARN)
        snprintf(p->warnings + n, sizeof(p->warnings) - n, "%s\n", event->text);
}

static bt_status parse(parsed *p, const char *text)
{
    bt_progress progress = {.report = keep_warning, .user = p};
    *p = (parsed){0};
    return bti_rows_parse(&p->rows, &p->arena, text, strlen(text), "m.yaml", &progress, &p->err);
}

/* The text is refused at `line` with a sentence that contains `says`. */
static void refused(const char *text, int line, const char *says)
{
    parsed p;
    bt_status rc = parse(&p, text);
    if (rc != BT_FORMAT || p.err.line != line || !strstr(p.err.text, says))
        fail_msg("%s\ngave status %d, line %d: %s\ninstead of line %d: ... %s ...", text, rc,
                 p.err.line, p.err.text, line, says);
    assert_string_equal(p.err.where, "m.yaml");
    bti_arena_release(&p.arena);
}

static void a_file_gives_its_rows_in_order(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "# 한국어 주석\nINPUT_SIZE: [48, 64]\ninput_channel: 3\ndepth_multiple: 0.5\n"
        "width_multiple: 1\nbackbone:\n"
        "  - [1, Conv, [16, 3, 1, null, 1, \"ReLU\"]] # stem\n\n"
        "  - [2, InvertedResidualv3, [3, 2.5, 24, True, 0, 2]]\n  - [1, Flatten, []]",
        "backbone:\n- - 1\n  - Conv\n  - - 16\n    - 3\n    - 1\n    - null\n    - 1\n    - ReLU\n"
        "- - 2\n  - InvertedResidualv3\n  - - 3\n    - 2.5\n    - 24\n    - true\n    - 0\n    - "
        "2\n"
        "- - 1\n  - Flatten\n  - []\n"
        "depth_multiple: 0.5\ninput_channel: 3\ninput_size:\n- 48\n- 64\nwidth_multiple: 1\n",
    };
    for (size_t i = 0; i < 2; i++) {
        parsed p;
        assert_ok(parse(&p, texts[i]), &p.err);
        assert_string_equal(p.warnings, "");
        assert_int_equal(p.rows.h, 48);
        assert_int_equal(p.rows.w, 64);
        assert_int_equal(p.rows.channels, 3);
        assert_true(p.rows.depth_multiple == 0.5 && p.rows.width_multiple == 1);
        assert_int_equal(p.rows.n, 3);
        const bti_row *stem = &p.rows.row[0], *block = &p.rows.row[1];
        assert_string_equal(stem->module, "Conv");
        assert_int_equal(stem->n_args, 6);
        assert_int_equal(stem->arg[3].kind, BTI_NULL);
        assert_string_equal(stem->arg[5].u.s, "ReLU");
        assert_int_equal(block->repeat, 2);
        assert_true(block->arg[1].u.f == 2.5);
        assert_true(block->arg[3].kind == BTI_BOOL && block->arg[3].u.b);
        assert_int_equal(stem->line, i == 0 ? 7 : 2);
        assert_int_equal(p.rows.row[2].n_args, 0);
        bti_arena_release(&p.arena);
    }
}

static void rows_written_as_a_file_read_back_the_same(void **state)
{
    (void)state;
    parsed p, q;
    bti_str first = {0}, second = {0};
    assert_ok(
        parse(&p, HEAD "- [2, Conv, [16, 3, 2, [0], 1, null]]\n- [1, GlobalAvgPool, [[2, 3]]]\n"),
        &p.err);
    bti_rows_to_yaml(&p.rows, &first);
    assert_ok(parse(&q, bti_str_c(&first)), &q.err);
    bti_rows_to_yaml(&q.rows, &second);
    assert_string_equal(bti_str_c(&first), bti_str_c(&second));
    bti_str_release(&first);
    bti_str_release(&second);
    bti_arena_release(&p.arena);
    bti_arena_release(&q.arena);
}

static void unknown_keys_are_told_and_ignored(void **state)
{
    (void)state;
    parsed p;
    assert_ok(parse(&p, "epochs: 3\ninput_size: big\n" HEAD "- [1, Conv, [8, 3]]\n"), &p.err);
    assert_non_null(strstr(p.warnings, "m.yaml:1: unknown key epochs"));
    assert_non_null(strstr(p.warnings, "m.yaml:2: the input size is not [height, width]"));
    assert_int_equal(p.rows.h, 0);
    bti_arena_release(&p.arena);
}

static void a_missing_key_is_named(void **state)
{
    (void)state;
    refused("depth_multiple: 1\nwidth_multiple: 1\nbackbone: [[1, Conv, [8, 3]]]\n", 1,
            "input_channel is missing");
    refused("input_channel: 3\nwidth_multiple: 1\nbackbone: [[1, Conv, [8, 3]]]\n", 1,
            "depth_multiple is missing");
    refused("input_channel: 3\ndepth_multiple: 1\nbackbone: [[1, Conv, [8, 3]]]\n", 1,
            "width_multiple is missing");
    refused("input_channel: 3\ndepth_multiple: 1\nwidth_multiple: 1\n", 1, "backbone is missing");
    refused("just text\n", 1, "not a model file");
}

static void a_key_of_the_wrong_type_is_refused_at_its_line(void **state)
{
    (void)state;
#define ROWS "backbone: [[1, Conv, [8, 3]]]\n"
    refused("input_channel: many\ndepth_multiple: 1\nwidth_multiple: 1\n" ROWS, 1, "input_channel");
    refused("input_channel: 0\ndepth_multiple: 1\nwidth_multiple: 1\n" ROWS, 1, "input_channel");
    refused("input_channel: 3\ndepth_multiple: null\nwidth_multiple: 1\n" ROWS, 2,
            "depth_multiple is not a number above 0");
    refused("input_channel: 3\ndepth_multiple: 1\nwidth_multiple: .nan\n" ROWS, 3,
            "width_multiple is not a number above 0");
    refused("input_channel: 3\ndepth_multiple: 1\nwidth_multiple: -1\n" ROWS, 3,
            "width_multiple is not a number above 0");
    refused("input_channel: 3\ndepth_multiple: 1\nwidth_multiple: 1\nbackbone: 7\n", 4,
            "backbone is not a list of rows");
    refused("input_channel: 3\ndepth_multiple: 1\nwidth_multiple: 1\nbackbone: []\n", 4,
            "backbone is not a list of rows");
}

static void malformed_yaml_is_refused_with_its_line(void **state)
{
    (void)state;
    parsed p;
    assert_int_equal(parse(&p, HEAD "  - [1, Conv, [8, 3]\n  - [1, Flatten, []]\n"), BT_FORMAT);
    assert_string_equal(p.err.where, "m.yaml");
    assert_in_range(p.err.line, 5, 6);
    bti_arena_release(&p.arena);
}

static void a_row_that_is_not_a_row_is_refused_with_its_number(void **state)
{
    (void)state;
    refused(HEAD "- [1, Conv, [8, 3]]\n- Conv\n", 6, "row 2: not a list");
    refused(HEAD "- [1, Conv]\n", 5, "row 1: too few entries, expected [repeat, Module, [args]]");
    refused(HEAD "- [1, Conv, [8, 3], 4, 5, 6]\n", 5, "row 1: too many entries");
    refused(HEAD "- [1, Conv, [8, 3]]\n- [two, Conv, [8, 3]]\n", 6,
            "row 2: the repeat is not a whole number");
    refused(HEAD "- [1.5, Conv, [8, 3]]\n", 5, "row 1: the repeat is not a whole number");
    refused(HEAD "- [1, 2, [8, 3]]\n", 5, "row 1: the module is not a name");
    refused(HEAD "- [1, Conv, 8]\n", 5, "row 1: the arguments are not a list");
    refused(HEAD "- [1, Conv, [8, {k: 3}]]\n", 5,
            "row 1 (Conv): argument 2 is a mapping, expected a single value");
    refused(HEAD "- [1, Conv, [8, [a]]]\n", 5, "row 1 (Conv): argument 2 is a list");
    refused(HEAD "- [1, Conv, [1, 2, 3, 4, 5, 6, 7, 8, 9]]\n", 5, "row 1 (Conv): 9 arguments");
}

static void a_kindle_file_is_recognised(void **state)
{
    (void)state;
    refused(HEAD "- [-1, 1, Conv, [8, 3]]\n", 5, "kindle");
    refused(HEAD "- [-1, Conv, [8, 3]]\n", 5, "kindle");
    refused(HEAD "- [[-1, 2], 1, Concat, []]\n", 5, "kindle");
    refused(HEAD "- [1, Conv, [8, 3]]\n- [-1, 1, Conv, [8, 3], {activation: ReLU}]\n", 6,
            "row 2: this is a kindle model file");
    refused("input_channel: 3\nbackbone:\n- [-1, 1, Conv, [8, 3]]\n", 3, "kindle");
    refused(HEAD "- [1, Conv, [8, 3]]\nhead:\n- [1, Linear, [10]]\n", 7, "kindle");
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    bti_arena arena = {0};
    bti_rows rows;
    bt_error err = {0};
    assert_int_equal(bti_rows_read(&rows, &arena, "/nowhere/m.yaml", NULL, &err), BT_IO);
    assert_string_equal(err.where, "/nowhere/m.yaml");
    bti_arena_release(&arena);
}

static void every_failing_allocation_is_an_error_without_a_leak(void **state)
{
    (void)state;
    const char *text = "x: 1\n" HEAD "- [1, Conv, [8, 3, 1, [0]]]\n";
    int64_t before = bti_alloc_live();
    bt_status rc = BT_NOMEM;
    for (int n = 1; rc != BT_OK; n++) {
        parsed p;
        assert_true(n < 1000);
        bti_alloc_fail_at(n);
        rc = parse(&p, text);
        bti_alloc_fail_at(0);
        bti_arena_release(&p.arena);
        assert_int_equal(bti_alloc_live(), before);
        assert_true(rc == BT_OK || rc == BT_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_gives_its_rows_in_order),
        cmocka_unit_test(rows_written_as_a_file_read_back_the_same),
        cmocka_unit_test(unknown_keys_are_told_and_ignored),
        cmocka_unit_test(a_missing_key_is_named),
        cmocka_unit_test(a_key_of_the_wrong_type_is_refused_at_its_line),
        cmocka_unit_test(malformed_yaml_is_refused_with_its_line),
        cmocka_unit_test(a_row_that_is_not_a_row_is_refused_with_its_number),
        cmocka_unit_test(a_kindle_file_is_recognised),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(every_failing_allocation_is_an_error_without_a_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
