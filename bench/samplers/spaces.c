/* SPDX-License-Identifier: Apache-2.0
 *
 * A space of numbers, which need no network, and the brief's.
 */
#include "spaces.h"

#include "base/alloc.h"
#include "base/files.h"
#include "base/str.h"

#define BRIEF "examples/spaces/brief.yaml"

static bti_space *parse(const char *text, size_t n, const char *where, const char *augment,
                        bt_error *err)
{
    const bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3, .augment = augment};
    bti_space *s = NULL;
    return bti_space_parse(&s, text, n, where, &vars, err) ? NULL : s;
}

bti_space *numbers_space(int blocks, const char *arguments, bt_error *err)
{
    bti_str t = {0};
    bti_str_add(&t, "format: search-space/1\nname: numbers\n"
                    "input: {channels: 3, classes: 10, size: 32}\nblocks:\n");
    for (int i = 0; i < blocks; i++)
        bti_str_addf(&t, "  - {id: x%d, module: {InvertedResidualv3: {%s}}}\n", i, arguments);
    bti_str_add(&t, "tail:\n  - [1, GlobalAvgPool, []]\n  - [1, Flatten, []]\n"
                    "  - [1, Linear, [10]]\n");
    bti_space *s = parse(bti_str_c(&t), t.len, "numbers", NULL, err);
    bti_str_release(&t);
    return s;
}

bti_space *brief_space(const char *augment, bt_error *err)
{
    char *text;
    size_t n;
    if (bti_file_read(BRIEF, 1 << 20, &text, &n, err))
        return NULL;
    bti_space *s = parse(text, n, BRIEF, augment, err);
    bti_free(text);
    return s;
}
