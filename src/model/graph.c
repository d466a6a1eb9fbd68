/* SPDX-License-Identifier: Apache-2.0
 *
 * From rows to a graph: the multiples, the repeats, one module after another, then cost and hash.
 * A search does this thousands of times a second: one arena, no lookups after the module's name.
 */
#include "model/graph.h"
#include "base/alloc.h"
#include "base/error.h"
#include "model/graph_int.h"
#include "model/module.h"
#include <math.h>

enum { DEFAULT_SIZE = 32 };

static bt_status check_header(const bti_rows *rows, const bti_graph *g, bt_error *err)
{
    if (g->in_c < 1 || g->in_c > BTI_MAX_CHANNELS)
        return bti_fail(err, BT_INVAL, rows->where, "the input has %d channels, expected 1 to %d",
                        g->in_c, BTI_MAX_CHANNELS);
    if (g->in_h < 1 || g->in_h > BTI_MAX_MAP || g->in_w < 1 || g->in_w > BTI_MAX_MAP)
        return bti_fail(err, BT_INVAL, rows->where, "the input is %dx%d, expected 1x1 to %dx%d",
                        g->in_h, g->in_w, BTI_MAX_MAP, BTI_MAX_MAP);
    if (!(isfinite(rows->depth_multiple) && rows->depth_multiple > 0))
        return bti_fail(err, BT_INVAL, rows->where,
                        "depth_multiple is %g, expected a number above 0", rows->depth_multiple);
    if (!(isfinite(rows->width_multiple) && rows->width_multiple > 0))
        return bti_fail(err, BT_INVAL, rows->where,
                        "width_multiple is %g, expected a number above 0", rows->width_multiple);
    if (rows->n < 1 || rows->n > BTI_MAX_ROWS)
        return bti_fail(err, BT_INVAL, rows->where, "the backbone has %d rows, expected 1 to %d",
                        rows->n, BTI_MAX_ROWS);
    return BT_OK;
}

/* The repeat of a row after depth_multiple, half to even as Python's round(). */
static int repeat_of(bti_builder *b, int *copies)
{
    int64_t written = b->row->repeat;
    if (written < 1 || written > BTI_MAX_REPEAT)
        return bti_row_fail(b, "the repeat is %lld, expected 1 to %d", (long long)written,
                            BTI_MAX_REPEAT);
    double r = written > 1 ? rint((double)written * b->rows->depth_multiple) : 1;
    if (r < 1)
        r = 1;
    if (r > BTI_MAX_REPEAT)
        return bti_row_fail(b, "depth_multiple makes %.0f repeats, expected at most %d", r,
                            BTI_MAX_REPEAT);
    *copies += (int)r;
    if (*copies > BTI_MAX_COPIES)
        return bti_row_fail(b, "the network has more than %d modules", BTI_MAX_COPIES);
    return (int)r;
}

static const bti_module *module_of(bti_builder *b)
{
    const bti_row *row = b->row;
    const bti_module *m = bti_module_find(row->module);
    if (!m) {
        const char *near = bti_nearest(row->module, bti_module_names());
        bti_str known = {0};
        for (const char *const *name = bti_module_names(); *name; name++)
            bti_str_addf(&known, "%s%s", known.len ? ", " : "", *name);
        bti_row_fail(b, "unknown module%s%s; known: %s", near ? ", did you mean " : "",
                     near ? near : "", bti_str_c(&known));
        bti_str_release(&known);
        return NULL;
    }
    if (row->n_args < m->min_args || row->n_args > m->max_args) {
        char range[32];
        snprintf(range, sizeof(range), m->min_args == m->max_args ? "%d" : "%d to %d", m->min_args,
                 m->max_args);
        bti_row_fail(b, "%d argument%s, expected %s: %s", row->n_args, row->n_args == 1 ? "" : "s",
                     range, m->args);
        return NULL;
    }
    if (b->flat && !m->takes_flat) {
        bti_row_fail(b, "needs a map, but a row before it flattened it: put it before the Flatten");
        return NULL;
    }
    return m;
}

static bt_status build_rows(bti_builder *b)
{
    bti_graph *g = b->g;
    int x = 0, copies = 0;
    for (int i = 0; i < b->rows->n && !b->rc; i++) {
        b->row_index = i;
        b->row = &b->rows->row[i];
        int repeat = repeat_of(b, &copies);
        const bti_module *m = b->rc ? NULL : module_of(b);
        if (!m)
            break;
        size_t mark = bti_name_push_index(b, i);
        x = m->build(b, x, repeat);
        bti_name_pop(b, mark);
        if (b->rc)
            break;
        const bti_node *out = bti_at(b, x);
        g->row[i] = (bti_row_info){
            .module = b->row->module, .repeat = repeat, .c = out->c, .h = out->h, .w = out->w};
    }
    return b->rc;
}

/* The input node; the copies of the module names, which outlive the rows. */
static bt_status start(bti_graph *g, const bti_rows *rows, bti_builder *b)
{
    g->n_rows = rows->n;
    g->row = bti_arena_alloc(&g->arena, (size_t)rows->n * sizeof(*g->row));
    b->node_cap = b->tensor_cap = 128;
    g->node = bti_arena_alloc(&g->arena, (size_t)b->node_cap * sizeof(*g->node));
    g->tensor = bti_arena_alloc(&g->arena, (size_t)b->tensor_cap * sizeof(*g->tensor));
    if (!g->row || !g->node || !g->tensor)
        return bti_fail_nomem(b->err);
    g->node[0] = (bti_node){.kind = BTI_NODE_INPUT,
                            .in = {-1, -1},
                            .c = g->in_c,
                            .h = g->in_h,
                            .w = g->in_w,
                            .row = -1,
                            .k = 1,
                            .stride = 1,
                            .groups = 1,
                            .dilation = 1,
                            .weight = -1,
                            .bias = -1,
                            .mean = -1,
                            .var = -1};
    g->n_nodes = 1;
    bti_name_push(b, "model");
    return BT_OK;
}

static bt_status finish(bti_graph *g, bt_error *err)
{
    const bti_node *out = &g->node[g->n_nodes - 1];
    g->classes = out->h == 1 && out->w == 1 ? out->c : 0;
    for (int i = 0; i < g->n_rows; i++) {
        g->row[i].module = bti_arena_strdup(&g->arena, g->row[i].module);
        if (!g->row[i].module)
            return bti_fail_nomem(err);
    }
    bti_graph_count(g);
    if (!bti_graph_peak(g) || !bti_graph_hash(g))
        return bti_fail_nomem(err);
    return BT_OK;
}

bt_status bti_graph_build_any(bti_graph **out, const bti_rows *rows, int c, int h, int w,
                              bt_error *err)
{
    *out = NULL;
    bti_graph *g = bti_calloc(1, sizeof(*g));
    if (!g)
        return bti_fail_nomem(err);
    g->in_c = c ? c : rows->channels;
    g->in_h = h ? h : rows->h ? rows->h : DEFAULT_SIZE;
    g->in_w = w ? w : rows->w ? rows->w : DEFAULT_SIZE;

    bti_builder b = {.g = g, .rows = rows, .err = err};
    bt_status rc = check_header(rows, g, err);
    if (!rc)
        rc = start(g, rows, &b);
    if (!rc)
        rc = build_rows(&b);
    if (!rc)
        rc = finish(g, err);
    if (rc) {
        bti_graph_free(g);
        return rc;
    }
    *out = g;
    return BT_OK;
}

bt_status bti_graph_build(bti_graph **out, const bti_rows *rows, int c, int h, int w, bt_error *err)
{
    bt_status rc = bti_graph_build_any(out, rows, c, h, w, err);
    if (rc || (*out)->classes)
        return rc;

    const bti_graph *g = *out;
    const bti_node *last = &g->node[g->n_nodes - 1];
    rc = bti_fail_at(err, BT_INVAL, rows->where, rows->row[rows->n - 1].line,
                     "row %d (%s): the last row gives a %dx%d map of %d channels instead of one "
                     "value a class: end with GlobalAvgPool, Flatten and Linear",
                     rows->n, rows->row[rows->n - 1].module, last->h, last->w, last->c);
    bti_graph_free(*out);
    *out = NULL;
    return rc;
}

void bti_graph_free(bti_graph *g)
{
    if (!g)
        return;
    bti_arena_release(&g->arena);
    bti_free(g);
}
