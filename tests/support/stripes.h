/* SPDX-License-Identifier: Apache-2.0
 *
 * A job that trains in milliseconds: horizontal stripes, vertical stripes and chess boards.
 */
#ifndef BT_TEST_STRIPES_H
#define BT_TEST_STRIPES_H

#include "support.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

#define SIDE 8
#define CLASSES 3

static const char model_text[] =
    "input_size: [8, 8]\ninput_channel: 1\ndepth_multiple: 1.0\n"
    "width_multiple: 1.0\nbackbone:\n- [1, Conv, [8, 3, 1]]\n"
    "- [1, GlobalAvgPool, []]\n- [1, Flatten, []]\n- [1, Linear, [3]]\n";

typedef struct stripes {
    bti_dataset set;
    bti_view view;
    uint8_t *pixels;
    int32_t *labels;
} stripes;

/* Horizontal stripes, vertical stripes, or a chess board, with noise. */
static inline void make_stripes(stripes *s, int n, uint32_t seed)
{
    bt_error e;
    *s = (stripes){.pixels = bti_array((size_t)n, SIDE * SIDE),
                   .labels = bti_array((size_t)n, sizeof(int32_t))};
    bti_rng r = bti_rng_at(seed, BTI_RNG_TEST, 0, 0, 0);
    for (int i = 0; i < n; i++) {
        s->labels[i] = i % CLASSES;
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                int on = s->labels[i] == 0 ? y : s->labels[i] == 1 ? x : x + y;
                s->pixels[(i * SIDE + y) * SIDE + x] =
                    (uint8_t)((on % 2 ? 150 : 50) + bti_rng_below(&r, 50));
            }
    }
    s->set = (bti_dataset){.n = n,
                           .h = SIDE,
                           .w = SIDE,
                           .c = 1,
                           .classes = CLASSES,
                           .pixels = s->pixels,
                           .labels = s->labels};
    assert_ok(bti_view_all(&s->view, &s->set, &e), &e);
}

static inline void free_stripes(stripes *s)
{
    bti_view_release(&s->view);
    bti_free(s->pixels);
    bti_free(s->labels);
}

typedef struct bench {
    stripes train, val;
    bti_graph *graph;
    bti_job job;
    int64_t live; /* blocks before the test */
} bench;

static inline int set_up(void **state)
{
    static bench b;
    bt_error e;
    bti_arena arena = {0};
    bti_rows rows;
    b = (bench){.live = bti_alloc_live()};
    make_stripes(&b.train, 190, 1);
    make_stripes(&b.val, 60, 2);
    assert_ok(bti_rows_parse(&rows, &arena, model_text, strlen(model_text), "tiny", NULL, &e), &e);
    assert_ok(bti_graph_build(&b.graph, &rows, 0, 0, 0, &e), &e);
    bti_arena_release(&arena);
    b.job = bti_job_defaults();
    b.job.graph = b.graph;
    b.job.train = &b.train.view;
    b.job.val = &b.val.view;
    b.job.mean[0] = 0.49f;
    b.job.std[0] = 0.2f;
    b.job.recipe.epochs = 4;
    b.job.recipe.batch = 16;
    snprintf(b.job.recipe.augment, sizeof(b.job.recipe.augment), "flip+crop:1");
    b.job.threads = 2;
    *state = &b;
    return 0;
}

static inline int tear_down(void **state)
{
    bench *b = *state;
    free_stripes(&b->train);
    free_stripes(&b->val);
    bti_graph_free(b->graph);
    return bti_alloc_live() != b->live; /* every test gives back all memory */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
