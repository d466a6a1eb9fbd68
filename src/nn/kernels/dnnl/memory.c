/* SPDX-License-Identifier: Apache-2.0
 *
 * Chunk sizes and places in memory. Buffers whose lives do not overlap may share a place: lives are
 * counted in segments for the arena (another thread may still be at work on other images), in steps
 * for a thread's own scratch. Placement is greedy, largest first, lowest gap that fits.
 */
#include "nn/kernels/dnnl/engine.h"

#include "base/alloc.h"

/* A thread's share of cache that one chunk should fit into. */
#define CACHE_BYTES (2 << 20)
/* What starting a chunk's steps costs, in images of work. */
#define CHUNK_COST 0.25

typedef struct item {
    int buffer;
    int64_t floats, offset;
    int first, last;
} item;

static int64_t align16(int64_t floats)
{
    return (floats + 15) & ~(int64_t)15;
}

static int larger_first(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->floats != y->floats)
        return x->floats < y->floats ? 1 : -1;
    return x->buffer - y->buffer;
}

/* Lowest offset at which `it` meets none of the n placed items that live at the same time. */
static int64_t find_gap(const item *placed, int n, const item *it)
{
    int64_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const item *p = &placed[i];
            const bool together = p->first <= it->last && it->first <= p->last;
            if (together && offset < p->offset + p->floats && p->offset < offset + it->floats) {
                offset = p->offset + p->floats;
                moved = true;
            }
        }
    }
    return offset;
}

/* Sets offsets; returns the floats needed in all. */
static int64_t place(bti_engine *e, item *items, int n)
{
    int64_t total = 0;
    qsort(items, (size_t)n, sizeof(*items), larger_first);
    for (int i = 0; i < n; i++) {
        items[i].offset = find_gap(items, i, &items[i]);
        e->buffer[items[i].buffer].offset = items[i].offset;
        const int64_t end = items[i].offset + items[i].floats;
        total = end > total ? end : total;
    }
    return total;
}

/* Floats of one image that a segment touches. */
static int64_t segment_floats(const bti_engine *e, const bti_segment *g)
{
    int64_t floats = 0;
    for (int i = g->first_step; i < g->first_step + g->n_steps; i++)
        for (int k = 0; k < BTI_STEP_BUFFERS; k++) {
            bool seen = e->step[i].b[k] < 0;
            for (int j = g->first_step; !seen && j <= i; j++)
                for (int m = 0; m < (j == i ? k : BTI_STEP_BUFFERS); m++)
                    seen = seen || e->step[j].b[m] == e->step[i].b[k];
            floats += seen ? 0 : e->buffer[e->step[i].b[k]].floats;
        }
    return floats;
}

/* The divisor of the batch with the least estimated time: chunks that leave the cache slow down all
 * their images, small ones repeat the cost of starting, a last round may leave threads idle. */
static int choose_chunk(const bti_engine *e, const bti_segment *g)
{
    const double fits =
        (double)CACHE_BYTES / (double)(segment_floats(e, g) * (int64_t)sizeof(float) + 1);
    int best = 1;
    double least = 0;
    for (int c = 1; c <= e->opt.batch; c++) {
        if (e->opt.batch % c)
            continue;
        const int chunks = e->opt.batch / c;
        const int rounds = (chunks + e->opt.threads - 1) / e->opt.threads;
        double slow = c > fits ? 0.1 * (c / fits - 1) : 0;
        slow = slow > 1 ? 1 : slow;
        const double cost = rounds * (c * (1 + slow) + CHUNK_COST);
        if (c == 1 || cost < least) {
            least = cost;
            best = c;
        }
    }
    return best;
}

bt_status bti_engine_place(bti_engine *e, bt_error *err)
{
    item *items = bti_calloc((size_t)e->n_buffers, sizeof(*items));
    if (!items)
        return bti_fail_nomem(err);
    int n = 0;
    for (int b = 0; b < e->n_buffers; b++) {
        const bti_buffer *u = &e->buffer[b];
        if (u->full && u->first_segment >= 0)
            items[n++] = (item){.buffer = b,
                                .floats = align16(u->floats * e->opt.batch),
                                .first = u->first_segment,
                                .last = u->last_segment};
    }
    e->arena_floats = place(e, items, n);

    for (int g = 0; g < e->n_segments; g++) {
        bti_segment *segment = &e->segment[g];
        segment->chunk = choose_chunk(e, segment);
        n = 0;
        for (int b = 0; b < e->n_buffers; b++) {
            const bti_buffer *u = &e->buffer[b];
            if (!u->full && u->first_segment == g)
                items[n++] = (item){.buffer = b,
                                    .floats = align16(u->floats * segment->chunk),
                                    .first = u->first_step,
                                    .last = u->last_step};
        }
        const int64_t floats = place(e, items, n);
        e->scratch_floats = floats > e->scratch_floats ? floats : e->scratch_floats;
    }
    bti_free(items);
    return BT_OK;
}
