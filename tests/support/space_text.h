/* SPDX-License-Identifier: Apache-2.0
 *
 * Spaces from text or from files of the source tree, points as text, for the tests of space/ and
 * samplers.
 */
#ifndef BT_TEST_SPACE_TEXT_H
#define BT_TEST_SPACE_TEXT_H

#include "support.h"

#include "base/alloc.h"
#include "base/files.h"
#include "space/space.h"

#define SPACE_HEAD "format: search-space/1\nname: small\n"
#define SPACE_TAIL                                                                                 \
    "tail:\n  - [1, GlobalAvgPool, []]\n  - [1, Flatten, []]\n  - [1, Linear, [$classes]]\n"

/* The space of a text; fails the test with the parser's sentence. Free with bti_space_free. */
static inline bti_space *space_of(const char *text)
{
    const bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3};
    bti_space *s = NULL;
    bt_error err = {0};
    if (bti_space_parse(&s, text, strlen(text), "small.yaml", &vars, &err))
        fail_msg("%s:%d: %s", err.where, err.line, err.text);
    return s;
}

static inline bti_space *space_file(const char *rel, int size, int channels)
{
    const bti_space_vars vars = {.classes = 10, .size = size, .channels = channels};
    bti_space *s = NULL;
    char *text = NULL;
    size_t n;
    bt_error err = {0};
    assert_ok(bti_file_read(test_source(rel), 1 << 20, &text, &n, &err), &err);
    assert_ok(bti_space_parse(&s, text, n, rel, &vars, &err), &err);
    bti_free(text);
    return s;
}

static inline bti_rng test_rng(uint32_t i)
{
    return bti_rng_at(7, BTI_RNG_TEST, i, 0, 0);
}

/* "m1.repeat=2 m1.stride=1 ..."; yours (bti_free). */
static inline char *point_text(const bti_point *p)
{
    bti_str out = {0};
    for (int i = 0; i < p->n; i++) {
        char buf[128];
        bti_str_addf(&out, "%s%s=%s", i ? " " : "", p->param[i].name,
                     bti_value_text(buf, sizeof(buf), bti_param_value(&p->param[i])));
    }
    char *text = bti_str_take(&out);
    return text ? text : bti_strdup("");
}

/* The model file of a point; yours (bti_free). */
static inline char *rows_text(const bti_space *s, const bti_point *p)
{
    bti_arena arena = {0};
    bti_rows rows;
    bti_str out = {0};
    bt_error err = {0};
    assert_ok(bti_space_rows(s, p, &rows, &arena, &err), &err);
    bti_rows_to_yaml(&rows, &out);
    bti_arena_release(&arena);
    return bti_str_take(&out);
}

static inline double param_num(const bti_point *p, const char *name)
{
    const bti_param *q = bti_point_find(p, name);
    if (!q)
        fail_msg("the point has no %s", name);
    return bti_value_num(bti_param_value(q));
}

/* Number of different points among `draws` random ones. */
static inline int count_distinct(const bti_space *s, int draws)
{
    char **seen = bti_array((size_t)draws, sizeof(*seen));
    int n = 0;
    for (int i = 0; i < draws; i++) {
        bti_point p;
        bti_rng rng = test_rng((uint32_t)i);
        bti_space_draw(s, &rng, &p);
        seen[n] = point_text(&p);
        int k = 0;
        while (strcmp(seen[k], seen[n]))
            k++;
        if (k < n)
            bti_free(seen[n]);
        else
            n++;
    }
    for (int i = 0; i < n; i++)
        bti_free(seen[i]);
    bti_free(seen);
    return n;
}

#endif
