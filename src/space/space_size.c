/* SPDX-License-Identifier: Apache-2.0
 *
 * The exact number of points, by dynamic programming over the items of the file. A state is what
 * later items can see: the stride count, $prev.out if any bound looks at it, and the values of
 * parameters that later conditions or bounds name. Parameters that nobody looks at only multiply.
 *
 * Each item is walked by the same code that draws (walk.c). The chooser takes parameters that
 * matter through all their values, by replaying the item with an odometer, and multiplies for the
 * others.
 */
#include "base/alloc.h"
#include "space/bigint.h"
#include "space/space_int.h"

#include <assert.h>

#define STATES_MAX 20000
#define PATHS_MAX 2000000 /* replays of items in all: a bound on time */
#define BUCKETS 4096

typedef struct state {
    int next; /* in the same bucket, plus 1; 0: last */
    int strides;
    double prev_out;
    bti_bigint count;
} state;

/* States before and after an item; `seen` holds (cap, n_kept) values beside them. */
typedef struct states {
    int n, cap;
    state *state;
    bti_value *seen;
    bool *present;
    int bucket[BUCKETS]; /* first state, plus 1; 0: empty */
} states;

typedef struct counter {
    const bti_space *s;
    bool network_only; /* hyper-parameters stand at their middle */
    bool continuous;   /* some were counted as one value */
    int n_kept;        /* slots that a later item looks at, at some time */
    int kept[BTI_SLOTS_MAX];
    int64_t paths;
    /* of the item being replayed */
    int depth, n_digits;
    uint64_t digit[BTI_POINT_MAX], base[BTI_POINT_MAX];
    bti_bigint factor;
} counter;

/* ---- one replay of an item ---- */
static bool branches(const bti_walk *w, int slot)
{
    const bti_space *s = w->s;
    const bti_item *it = &s->item[w->item];
    if (s->slot[slot].used)
        return true;
    if (it->block < 0)
        return false;
    const bti_block *b = &s->block[it->block];
    if (slot == b->module_slot)
        return true;
    for (int i = 0; i < b->n_modules; i++) {
        const bti_block_module *m = &b->module[i];
        if (slot == m->stride)
            return true;
        for (int k = 0; m->def && k < m->n_args; k++) {
            const char *arg = m->def->arg[m->arg[k].position].name;
            /* A pooling block without a stride steps by its kernel. */
            if (slot == m->arg[k].slot && ((s->uses_prev_out && bti_streq(arg, "out")) ||
                                           (m->stride < 0 && bti_streq(arg, "kernel"))))
                return true;
        }
    }
    return false;
}

static double choose_count(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    counter *c = user;
    uint64_t n = bti_domain_count(d);
    if (c->network_only && w->s->slot[slot].hyper)
        return bti_domain_middle(d);
    if (!n) {
        c->continuous = true;
        return bti_domain_middle(d);
    }
    if (!branches(w, slot)) {
        bti_bigint_mul(&c->factor, n);
        return bti_domain_at(d, 0);
    }
    assert(c->depth < BTI_POINT_MAX);
    int i = c->depth++;
    if (i == c->n_digits) { /* a place not met on this path so far */
        c->digit[i] = 0;
        c->n_digits++;
    }
    c->base[i] = n;
    return bti_domain_at(d, c->digit[i]);
}

/* The next path through the item; false after the last. */
static bool next_path(counter *c)
{
    c->n_digits = c->depth;
    while (c->n_digits && c->digit[c->n_digits - 1] + 1 == c->base[c->n_digits - 1])
        c->n_digits--;
    if (!c->n_digits)
        return false;
    c->digit[c->n_digits - 1]++;
    return true;
}

/* ---- tables of states ---- */
static void release(states *t)
{
    bti_free(t->state);
    bti_free(t->seen);
    bti_free(t->present);
    memset(t, 0, sizeof(*t));
}

static bool reserve(states *t, int n_kept)
{
    if (t->n < t->cap)
        return true;
    int cap = t->cap ? 2 * t->cap : 16;
    size_t row = n_kept ? (size_t)n_kept : 1;
    state *a = bti_regrow(t->state, (size_t)cap, sizeof(*a));
    if (a)
        t->state = a;
    bti_value *b = bti_regrow(t->seen, (size_t)cap * row, sizeof(*b));
    if (b)
        t->seen = b;
    bool *p = bti_regrow(t->present, (size_t)cap * row, sizeof(*p));
    if (p)
        t->present = p;
    if (!a || !b || !p || cap > 2 * STATES_MAX)
        return false;
    t->cap = cap;
    return true;
}

/* Kept slots whose last look is behind `item` no longer tell states apart. */
static bool still_seen(const counter *c, int k, int item)
{
    return c->s->slot[c->kept[k]].last_use > item;
}

static bool same(const counter *c, const states *t, int i, const bti_walk *w, int item)
{
    const state *st = &t->state[i];
    if (st->strides != w->strides || (c->s->uses_prev_out && st->prev_out != w->prev_out))
        return false;
    for (int k = 0; k < c->n_kept; k++) {
        size_t at = (size_t)i * (size_t)c->n_kept + (size_t)k;
        bool present = w->present[c->kept[k]];
        if (!still_seen(c, k, item))
            continue;
        if (t->present[at] != present ||
            (present && !bti_value_equal(t->seen[at], w->value[c->kept[k]])))
            return false;
    }
    return true;
}

static uint64_t mix_num(uint64_t h, double v)
{
    uint64_t bits;
    v += 0.0; /* one zero */
    memcpy(&bits, &v, sizeof(bits));
    return bti_seed_mix(h, bits);
}

/* Equal outcomes have equal buckets; what `same` ignores is left out. */
static int bucket_of(const counter *c, const bti_walk *w, int item)
{
    uint64_t h = (uint64_t)w->strides;
    if (c->s->uses_prev_out)
        h = mix_num(h, w->prev_out);
    for (int k = 0; k < c->n_kept; k++) {
        bti_value v = w->value[c->kept[k]];
        if (!still_seen(c, k, item) || !w->present[c->kept[k]])
            continue;
        h = bti_seed_mix(h, (uint64_t)k);
        for (const char *s = v.kind == BTI_STR ? v.u.s : ""; *s; s++)
            h = h * 31 + (unsigned char)*s;
        if (bti_value_is_num(v))
            h = mix_num(h, bti_value_num(v));
    }
    return (int)(bti_seed_mix(h, 0) % BUCKETS);
}

/* Adds the outcome of one replay to the states after the item. */
static bool add_outcome(const counter *c, states *t, const bti_walk *w, const bti_bigint *count)
{
    int *first = &t->bucket[bucket_of(c, w, w->item)];
    for (int i = *first; i; i = t->state[i - 1].next)
        if (same(c, t, i - 1, w, w->item)) {
            bti_bigint_add(&t->state[i - 1].count, count);
            return true;
        }
    if (t->n == STATES_MAX || !reserve(t, c->n_kept))
        return false;
    for (int k = 0; k < c->n_kept; k++) {
        size_t at = (size_t)t->n * (size_t)c->n_kept + (size_t)k;
        t->present[at] = w->present[c->kept[k]];
        t->seen[at] = t->present[at] ? w->value[c->kept[k]] : (bti_value){0};
    }
    state *st = &t->state[t->n++];
    st->next = *first;
    *first = t->n;
    st->strides = w->strides;
    st->prev_out = w->prev_out;
    bti_bigint_copy(&st->count, count);
    return true;
}

static void enter_state(const counter *c, const states *t, int i, bti_walk *w)
{
    memset(w->present, 0, sizeof(w->present));
    for (int k = 0; k < c->n_kept; k++) {
        size_t at = (size_t)i * (size_t)c->n_kept + (size_t)k;
        w->present[c->kept[k]] = t->present[at];
        w->value[c->kept[k]] = t->seen[at];
    }
    w->strides = t->state[i].strides;
    w->prev_out = t->state[i].prev_out;
}

static bool count_item(counter *c, bti_walk *w, int item, const states *before, states *after)
{
    for (int i = 0; i < before->n; i++) {
        c->n_digits = 0;
        do {
            c->depth = 0;
            bti_bigint_copy(&c->factor, &before->state[i].count);
            enter_state(c, before, i, w);
            bti_walk_item(w, item);
            if (!add_outcome(c, after, w, &c->factor) || ++c->paths > PATHS_MAX)
                return false;
        } while (next_path(c));
    }
    return true;
}

static char *count_all(counter *c, bti_walk *w)
{
    states tables[2] = {{0}};
    states *now = &tables[0], *next = &tables[1];
    bti_bigint one;
    bti_str text = {0};
    bti_bigint_set(&one, 1);
    bool ok = add_outcome(c, now, w, &one);
    for (int item = 0; item < c->s->n_items && ok; item++) {
        ok = count_item(c, w, item, now, next);
        release(now);
        states *swap = now;
        now = next;
        next = swap;
    }
    if (ok) {
        bti_bigint_set(&one, 0);
        for (int i = 0; i < now->n; i++)
            bti_bigint_add(&one, &now->state[i].count);
        bti_bigint_text(&one, &text);
    }
    release(now);
    release(next);
    return ok ? bti_str_take(&text) : NULL;
}

static char *count_points(const bti_space *s, bool network_only, int *continuous)
{
    bti_walk w;
    counter *c = bti_calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->s = s;
    c->network_only = network_only;
    for (int i = 0; i < s->n_slots; i++)
        if (s->slot[i].used)
            c->kept[c->n_kept++] = i;
    bti_walk_init(&w, s, choose_count, c, NULL);
    char *text = count_all(c, &w);
    if (continuous)
        *continuous = c->continuous;
    bti_free(c);
    return text;
}

char *bti_space_size(const bti_space *s, int *continuous)
{
    return count_points(s, false, continuous);
}

char *bti_space_network_size(const bti_space *s, int *continuous)
{
    return count_points(s, true, continuous);
}
