/* SPDX-License-Identifier: Apache-2.0
 *
 * The static arena: an offset for every map so that the whole is as short as the order of
 * operations allows.
 *
 * Maps are placed one after the other, each at the lowest offset where it disturbs none of those
 * already placed. Which order is best is not known beforehand (the problem is NP-hard), so several
 * are tried and then improved by swaps; the largest sum of what one operation touches bounds how
 * good it can become.
 */
#include "export/folded.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/rng.h"
#include <string.h>

#define SWAPS 100 /* tries to improve the best order; a search plans thousands of networks */

typedef struct planner {
    bti_folded *f;
    int32_t *order, *best; /* maps in the order of placement */
    int n;                 /* maps in the arena */
    int64_t (*gap)[2];     /* by operation: bti_overlap() with its inputs */
    int64_t *offset;       /* by operation, of the order just tried */
    int64_t *candidate;    /* scratch: offsets to try for one map */
    int32_t *near;         /* scratch: placed maps that live at the same time */
} planner;

static bool windowed(const bti_folded_op *op)
{
    return op->kind == BTI_OP_CONV || op->kind == BTI_OP_DEPTHWISE || op->kind == BTI_OP_MAXPOOL ||
           op->kind == BTI_OP_AVGPOOL;
}

/* The first input pixel that output pixel p reads (its window's corner inside the map). */
static int64_t first_pixel(const bti_folded_op *op, int64_t p)
{
    int64_t y = p / op->w * op->stride - op->pad_t, x = p % op->w * op->stride - op->pad_l;
    y = y < 0 ? 0 : y;
    x = x < 0 ? 0 : x;
    return y * op->in_w + x;
}

int64_t bti_overlap(const bti_folded_op *op, int which)
{
    if (op->kind == BTI_OP_GRID_AVERAGE)
        return op->h * op->w == 1 ? op->c : -1;
    if (op->kind == BTI_OP_SCALE && which == 1)
        return -1;
    if (!windowed(op))
        return 0; /* value by value: in place */
    /* Backwards, `need` is the first pixel that this or any later output reads. */
    int64_t gap = 0, need = (int64_t)op->in_h * op->in_w;
    for (int64_t p = (int64_t)op->h * op->w - 1; p >= 0; p--) {
        int64_t first = first_pixel(op, p);
        need = first < need ? first : need;
        int64_t ahead = (p + 1) * op->c - need * op->in_c; /* written minus still needed */
        gap = ahead > gap ? ahead : gap;
    }
    return gap;
}

/* The map of `op`'s input i dies with it, so that the output may lie over it. */
static int64_t dying_gap(const planner *s, int reader, int map)
{
    const bti_folded_op *op = &s->f->op[reader];
    for (int j = 0; j < 2; j++)
        if (op->in[j] == map && s->f->op[map].last == reader)
            return op->in[0] == op->in[1] ? -1 : s->gap[reader][j];
    return -1;
}

/* Whether maps a and b, of operations x and y, live at the same time. */
static bool together(const bti_folded_op *x, int a, const bti_folded_op *y, int b)
{
    return x->last >= b && y->last >= a;
}

/* Map a at offset `at` and map b, placed and alive at the same time, can both be where they are. */
static bool agree(const planner *s, int a, int64_t at, int b)
{
    const bti_folded_op *x = &s->f->op[a], *y = &s->f->op[b];
    int64_t other = s->offset[b];
    if (at + x->size <= other || other + y->size <= at)
        return true;
    int out = a > b ? a : b, in = a > b ? b : a;
    int64_t gap = dying_gap(s, out, in);
    int64_t out_at = out == a ? at : other, in_at = out == a ? other : at;
    return gap >= 0 && out_at + gap <= in_at;
}

static bool fits(const planner *s, int map, int64_t at, int n_near)
{
    for (int i = 0; i < n_near; i++)
        if (!agree(s, map, at, s->near[i]))
            return false;
    return true;
}

/* The lowest offset for a map among the ends and edges of those already placed. */
static int64_t lowest(planner *s, int map, int placed)
{
    int64_t best = INT64_MAX;
    int n = 0, n_near = 0;
    for (int i = 0; i < placed; i++)
        if (together(&s->f->op[map], map, &s->f->op[s->order[i]], s->order[i]))
            s->near[n_near++] = s->order[i];
    s->candidate[n++] = 0;
    for (int i = 0; i < n_near; i++) {
        const int other = s->near[i];
        const int64_t at = s->offset[other];
        const int64_t over = dying_gap(s, map, other), under = dying_gap(s, other, map);
        s->candidate[n++] = at + s->f->op[other].size;
        if (over >= 0 && at >= over)
            s->candidate[n++] = at - over; /* this output over that input */
        if (under >= 0)
            s->candidate[n++] = at + under; /* that output over this input */
    }
    for (int i = 0; i < n; i++)
        if (s->candidate[i] < best && fits(s, map, s->candidate[i], n_near))
            best = s->candidate[i];
    return best; /* behind the last one always fits */
}

/* Places all in the current order; the arena it takes, or no less than the best so far. */
static int64_t place(planner *s)
{
    int64_t end = 0;
    for (int i = 0; i < s->n && end < s->f->arena; i++) {
        const int map = s->order[i];
        s->offset[map] = lowest(s, map, i);
        if (s->offset[map] + s->f->op[map].size > end)
            end = s->offset[map] + s->f->op[map].size;
    }
    return end;
}

/* Tries the current order and keeps it if it is better. */
static bool try_order(planner *s)
{
    int64_t arena = place(s);
    if (arena >= s->f->arena)
        return false;
    s->f->arena = arena;
    memcpy(s->best, s->order, (size_t)s->n * sizeof(*s->best));
    for (int i = 0; i < s->n; i++)
        s->f->op[s->order[i]].offset = s->offset[s->order[i]];
    return true;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The least that the output of operation i and an input that dies with it take together. */
static int64_t pair_bound(const planner *s, int i, int input)
{
    const int64_t out = s->f->op[i].size, in = s->f->op[input].size, gap = dying_gap(s, i, input);
    return gap >= 0 && gap < out ? larger(out, gap + in) : out + in;
}

/* What no plan can beat: what an operation writes over or beside what it reads, and all that must
 * be there besides. */
static int64_t bound(const planner *s)
{
    int64_t most = 0;
    for (int i = 0; i < s->f->n_ops; i++) {
        const bool logits = i == s->f->n_ops - 1;
        int64_t held = 0, dying = 0, pair = logits ? 0 : s->f->op[i].size;
        for (int m = 0; m < i; m++) {
            if (s->f->op[m].last > i)
                held += s->f->op[m].size;
            if (s->f->op[m].last != i)
                continue;
            dying += s->f->op[m].size;
            if (!logits)
                pair = larger(pair, pair_bound(s, i, m));
        }
        most = larger(most, held + larger(pair, dying));
    }
    return most;
}

static void sort_by_size(planner *s)
{
    for (int i = 1; i < s->n; i++) { /* insertion: stable, and n is small */
        int32_t map = s->order[i];
        int j = i;
        for (; j > 0 && s->f->op[s->order[j - 1]].size < s->f->op[map].size; j--)
            s->order[j] = s->order[j - 1];
        s->order[j] = map;
    }
}

static void search(planner *s)
{
    const int64_t floor_ = bound(s);
    bti_rng r = bti_rng_at(0, BTI_RNG_EXPORT, 0, 0, 0);

    for (int i = 0; i < s->n; i++)
        s->order[i] = s->n - 1 - i; /* from the end: outputs below the inputs that come later */
    try_order(s);
    for (int i = 0; i < s->n; i++)
        s->order[i] = i;
    try_order(s);
    sort_by_size(s);
    try_order(s);
    for (int t = 0; t < SWAPS && s->n > 1 && s->f->arena > floor_; t++) {
        memcpy(s->order, s->best, (size_t)s->n * sizeof(*s->order));
        uint32_t a = bti_rng_below(&r, (uint32_t)s->n), b = bti_rng_below(&r, (uint32_t)s->n);
        int32_t moved = s->order[a];
        s->order[a] = s->order[b];
        s->order[b] = moved;
        try_order(s);
    }
}

static void find_last_readers(bti_folded *f)
{
    for (int i = 0; i < f->n_ops; i++) {
        f->op[i].last = i;
        f->op[i].offset = -1;
        for (int j = 0; j < 2; j++)
            if (f->op[i].in[j] >= 0)
                f->op[f->op[i].in[j]].last = i;
    }
}

static bt_status plan(bti_folded *f, bool overlap, bt_error *err)
{
    size_t n = (size_t)f->n_ops;
    planner s = {.f = f, .n = f->n_ops - 1}; /* the logits go to the caller */

    find_last_readers(f);
    f->arena = INT64_MAX;
    s.order = bti_calloc(n, sizeof(*s.order));
    s.best = bti_calloc(n, sizeof(*s.best));
    s.gap = bti_calloc(n, sizeof(*s.gap));
    s.offset = bti_calloc(n, sizeof(*s.offset));
    s.near = bti_calloc(n, sizeof(*s.near));
    s.candidate = bti_calloc(3 * n + 1, sizeof(*s.candidate));
    bt_status rc = s.order && s.best && s.gap && s.offset && s.near && s.candidate
                       ? BT_OK
                       : bti_fail_nomem(err);
    if (!rc) {
        for (int i = 0; i < f->n_ops; i++)
            for (int j = 0; j < 2; j++)
                s.gap[i][j] = overlap && f->op[i].in[j] >= 0 ? bti_overlap(&f->op[i], j) : -1;
        search(&s);
    }
    bti_free(s.order);
    bti_free(s.best);
    bti_free(s.gap);
    bti_free(s.offset);
    bti_free(s.near);
    bti_free(s.candidate);
    return rc;
}

bt_status bti_plan(bti_folded *f, bt_error *err)
{
    return plan(f, true, err);
}

bt_status bti_plan_apart(bti_folded *f, bt_error *err)
{
    return plan(f, false, err);
}
