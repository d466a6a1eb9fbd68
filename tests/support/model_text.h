/* SPDX-License-Identifier: Apache-2.0
 *
 * Model tests: rows as they are written in a file, straight to a graph.
 */
#ifndef BT_TEST_MODEL_TEXT_H
#define BT_TEST_MODEL_TEXT_H

#include "support.h"

#include "base/str.h"
#include "model/graph.h"

/* `rows` is flow style, all in line 4 of m.yaml: "[1, Conv, [8, 3]], [1, Flatten, []]". */
typedef struct test_model {
    const char *rows;
    double depth, width; /* 0: 1.0 */
    int c, h, w;         /* 0: 3, 32, 32 */
} test_model;

/* Parses and builds; the last row may give a map. *err tells why not. */
static inline bt_status test_build(bti_graph **out, test_model m, bt_error *err)
{
    bti_str text = {0};
    bti_arena arena = {0};
    bti_rows rows;
    bti_str_addf(&text,
                 "input_channel: %d\ndepth_multiple: %g\nwidth_multiple: %g\nbackbone: [%s]\n",
                 m.c ? m.c : 3, m.depth > 0 ? m.depth : 1.0, m.width > 0 ? m.width : 1.0, m.rows);
    *out = NULL;
    bt_status rc = bti_rows_parse(&rows, &arena, bti_str_c(&text), text.len, "m.yaml", NULL, err);
    if (!rc)
        rc = bti_graph_build_any(out, &rows, 0, m.h, m.w, err);
    bti_arena_release(&arena);
    bti_str_release(&text);
    return rc;
}

/* The same where it must succeed. Free with bti_graph_free. */
static inline bti_graph *test_graph(test_model m)
{
    bti_graph *g;
    bt_error err = {0};
    if (test_build(&g, m, &err))
        fail_msg("%s: %s", m.rows, err.text);
    return g;
}

/* A classifier of 3 channels from lines of a model file: "  - [1, Conv, [16, 3, 1]]\n...". Free
 * with bti_graph_free. */
static inline bti_graph *test_classifier(const char *lines, int h, int w)
{
    bti_str text = {0};
    bti_arena arena = {0};
    bti_rows rows;
    bti_graph *g;
    bt_error err = {0};
    bti_str_addf(&text, "input_channel: 3\ndepth_multiple: 1.0\nwidth_multiple: 1.0\nbackbone:\n%s",
                 lines);
    assert_ok(bti_rows_parse(&rows, &arena, bti_str_c(&text), text.len, "net.yaml", NULL, &err),
              &err);
    assert_ok(bti_graph_build(&g, &rows, 3, h, w, &err), &err);
    bti_arena_release(&arena);
    bti_str_release(&text);
    return g;
}

#endif
