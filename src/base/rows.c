/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows in an arena, and their text as a model file that the baseline's parser reads too.
 */
#include "base/rows.h"

bti_row *bti_rows_add(bti_rows *rows, bti_arena *arena)
{
    if (rows->n == rows->cap) {
        int cap = rows->cap ? 2 * rows->cap : 16;
        bti_row *grown = bti_arena_alloc(arena, (size_t)cap * sizeof(*grown));
        if (!grown)
            return NULL;
        if (rows->n)
            memcpy(grown, rows->row, (size_t)rows->n * sizeof(*grown));
        rows->row = grown;
        rows->cap = cap;
    }
    bti_row *row = &rows->row[rows->n++];
    *row = (bti_row){0};
    return row;
}

static void add_value(bti_str *out, bti_value v)
{
    char buf[512];
    if (v.kind == BTI_STR &&
        v.u.s[0] == '[') { /* a list argument such as [0] travels as its text */
        bti_str_add(out, v.u.s);
        return;
    }
    bti_str_add(out, bti_value_text(buf, sizeof(buf), v));
}

void bti_rows_to_yaml(const bti_rows *rows, bti_str *out)
{
    char number[32];

    if (rows->h > 0 && rows->w > 0)
        bti_str_addf(out, "input_size: [%d, %d]\n", rows->h, rows->w);
    bti_str_addf(out, "input_channel: %d\n", rows->channels);
    bti_str_addf(out, "depth_multiple: %s\n",
                 bti_value_text(number, sizeof(number), bti_value_float(rows->depth_multiple)));
    bti_str_addf(out, "width_multiple: %s\n",
                 bti_value_text(number, sizeof(number), bti_value_float(rows->width_multiple)));
    bti_str_add(out, "backbone:\n");
    for (int i = 0; i < rows->n; i++) {
        const bti_row *row = &rows->row[i];
        bti_str_addf(out, "  - [%lld, %s, [", (long long)row->repeat, row->module);
        for (int a = 0; a < row->n_args; a++) {
            if (a)
                bti_str_add(out, ", ");
            add_value(out, row->arg[a]);
        }
        bti_str_add(out, "]]\n");
    }
}
