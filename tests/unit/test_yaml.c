/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML: the two styles, types, aliases, line numbers, and every malformed file refused with its
 * line and nothing on the terminal.
 */
#include "support.h"

#include "base/yaml.h"
#include <stdlib.h>
#include <unistd.h>

static bt_status parse(const bti_yaml **y, bti_arena *arena, const char *text, bt_error *e)
{
    return bti_yaml_parse(y, arena, text, strlen(text), "m.yaml", e);
}

static void block_and_flow_style_give_the_same_tree(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a: 1\nrows:\n- [1, Conv, [8, 3]]\n- [2, Flatten, []]\n",
        ("a: 1\nrows:\n  - - 1\n    - Conv\n    - - 8\n      - 3\n  - - 2\n    - Flatten\n    - "
         "[]\n"),
        "{a: 1, rows: [[1, Conv, [8, 3]], [2, 'Flatten', []]]} # end",
        "# head\r\na:   1\r\n\r\nrows: [[1, Conv, [8, 3]],\r\n [2, \"Flatten\", []]]",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        bti_arena arena = {0};
        bt_error e;
        const bti_yaml *y;
        assert_ok(parse(&y, &arena, texts[i], &e), &e);
        assert_int_equal(y->kind, BTI_YAML_MAP);
        assert_int_equal(y->n, 2);
        assert_string_equal(y->key[1], "rows");
        const bti_yaml *rows = bti_yaml_get(y, "rows");
        assert_int_equal(rows->n, 2);
        assert_string_equal(rows->child[0]->child[1]->text, "Conv");
        assert_int_equal(rows->child[0]->child[2]->child[1]->value.u.i, 3);
        assert_string_equal(rows->child[1]->child[1]->value.u.s, "Flatten");
        assert_int_equal(rows->child[1]->child[2]->n, 0);
        assert_null(bti_yaml_get(y, "none"));
        bti_arena_release(&arena);
    }
}

static void every_node_knows_its_line(void **state)
{
    (void)state;
    bti_arena arena = {0};
    bt_error e;
    const bti_yaml *y;
    assert_ok(parse(&y, &arena,
                    "# c\na: 1\n\nrows:\n  - [1, X]\n  # c\n  - [2,\n     Y]\n  - k: v\n", &e),
              &e);
    assert_int_equal(y->line, 2);
    assert_int_equal(y->key_line[1], 4);
    const bti_yaml *rows = bti_yaml_get(y, "rows");
    assert_int_equal(rows->line, 5);
    assert_int_equal(rows->child[0]->line, 5);
    assert_int_equal(rows->child[1]->line, 7);
    assert_int_equal(rows->child[1]->child[1]->line, 8);
    assert_int_equal(rows->child[2]->line, 9);
    bti_arena_release(&arena);
}

static void quoted_scalars_are_strings_and_missing_ones_null(void **state)
{
    (void)state;
    bti_arena arena = {0};
    bt_error e;
    const bti_yaml *y;
    assert_ok(parse(&y, &arena, "a: \"1\"\nb: 'true'\nc:\nd: True\ne: \"\"\nf: |\n  1\n", &e), &e);
    assert_int_equal(bti_yaml_get(y, "a")->value.kind, BTI_STR);
    assert_int_equal(bti_yaml_get(y, "b")->value.kind, BTI_STR);
    assert_int_equal(bti_yaml_get(y, "c")->value.kind, BTI_NULL);
    assert_string_equal(bti_yaml_get(y, "c")->text, "");
    assert_int_equal(bti_yaml_get(y, "d")->value.kind, BTI_BOOL);
    assert_int_equal(bti_yaml_get(y, "e")->value.kind, BTI_STR);
    assert_string_equal(bti_yaml_get(y, "f")->value.u.s, "1\n");
    bti_arena_release(&arena);
}

static void an_alias_is_the_node_of_its_anchor(void **state)
{
    (void)state;
    bti_arena arena = {0};
    bt_error e;
    const bti_yaml *y;
    assert_ok(parse(&y, &arena, "a: &x [1, 2]\nb: *x\nc: &s ReLU\nd: [*s, *x]\n", &e), &e);
    assert_ptr_equal(bti_yaml_get(y, "a"), bti_yaml_get(y, "b"));
    assert_string_equal(bti_yaml_get(y, "d")->child[0]->text, "ReLU");
    bti_arena_release(&arena);
}

static void assert_refused(const char *text, int line, const char *word)
{
    bti_arena arena = {0};
    bt_error e = {0};
    const bti_yaml *y;
    bt_status rc = parse(&y, &arena, text, &e);
    if (rc != BT_FORMAT)
        fail_msg("accepted: %s", text);
    if (e.line != line || !strstr(e.text, word))
        fail_msg("%s\ngave line %d: %s", text, e.line, e.text);
    assert_null(y);
    assert_string_equal(e.where, "m.yaml");
    bti_arena_release(&arena);
}

static void malformed_documents_are_refused_with_their_line(void **state)
{
    (void)state;
    assert_refused("", 0, "empty");
    assert_refused("# only a comment\n", 0, "empty");
    assert_refused("a: 1\nb: 2\na: 3\n", 3, "'a' is given twice");
    assert_refused("a: 1\n---\nb: 2\n", 2, "several");
    assert_refused("a: *nope\n", 1, "anchor");
    assert_refused("a: &x [*x]\n", 1, "anchor");
    assert_refused("[a]: 1\n", 1, "key");
    assert_refused("a:\n  b: 1\n\tc: 2\n", 3, "not valid YAML");
    assert_refused("a: \"abc\n", 1, "not valid YAML");
    assert_refused("a: 1\nrows: [1, 2\n", 3, "not valid YAML");
    assert_refused("a: 1\n b: 2\n", 1, "not valid YAML");
    assert_refused("a: \"x\\0y\"\n", 1, "NUL");
}

static void a_document_that_explodes_is_refused(void **state)
{
    (void)state;
    char text[2048] = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
    for (int i = 1; i < 9; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof(text) - n, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++) {
            n = strlen(text);
            snprintf(text + n, sizeof(text) - n, "*a%d%s", i - 1, j < 9 ? "," : "]\n");
        }
    }
    assert_refused(text, 6, "values");
    char *deep = malloc(20002);
    memset(deep, '[', 10000);
    memset(deep + 10000, ']', 10000);
    deep[20000] = 0;
    bti_arena arena = {0};
    bt_error e;
    const bti_yaml *y;
    assert_int_equal(parse(&y, &arena, deep, &e), BT_FORMAT);
    bti_arena_release(&arena);
    free(deep);
}

/* Runs last: standard error goes to a file while a malformed document is read. */
static void nothing_is_printed(void **state)
{
    (void)state;
    FILE *f = tmpfile();
    int keep = dup(2);
    dup2(fileno(f), 2);
    bti_arena arena = {0};
    bt_error e;
    const bti_yaml *y;
    bt_status rc = parse(&y, &arena, "a: [1\nb: }\n", &e);
    dup2(keep, 2);
    close(keep);
    assert_int_equal(rc, BT_FORMAT);
    fseek(f, 0, SEEK_END);
    assert_int_equal(ftell(f), 0);
    fclose(f);
    bti_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_and_flow_style_give_the_same_tree),
        cmocka_unit_test(every_node_knows_its_line),
        cmocka_unit_test(quoted_scalars_are_strings_and_missing_ones_null),
        cmocka_unit_test(an_alias_is_the_node_of_its_anchor),
        cmocka_unit_test(malformed_documents_are_refused_with_their_line),
        cmocka_unit_test(a_document_that_explodes_is_refused),
        cmocka_unit_test(nothing_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
