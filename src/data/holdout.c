/* SPDX-License-Identifier: Apache-2.0
 *
 * Holding out, without groups: each class is shuffled once by address (seed, class) and a choice
 * takes a prefix of that order, so a larger choice contains the smaller one of the same seed.
 *
 * With groups: they are shuffled, and one is taken when it fills the classes' shares more than it
 * overfills them (the greedy step of scikit-learn's StratifiedGroupKFold, for one fold of any
 * size); then the smallest ones that bring in a class that was missed.
 */
#include "data/holdout.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/rng.h"

#define LEAST_FROM 10 /* a class of so many gives two, a smaller one gives one */
/* The address of the groups' order: no class has this number */
#define GROUP_ORDER UINT32_MAX

/* Positions sorted by a key: order[start[v] .. start[v + 1]) have value v, ascending. */
typedef struct sorted {
    int64_t n_values;
    int64_t *start; /* n_values + 1 */
    int32_t *order;
} sorted;

static void sorted_release(sorted *s)
{
    bti_free(s->start);
    bti_free(s->order);
    *s = (sorted){0};
}

static bt_status sort_by(sorted *s, const int32_t *key, int64_t n, int64_t n_values, bt_error *err)
{
    *s = (sorted){.n_values = n_values};
    s->start = bti_calloc((size_t)n_values + 2, sizeof(int64_t));
    s->order = bti_array((size_t)n, sizeof(int32_t));
    if (!s->start || !s->order) {
        sorted_release(s);
        return bti_fail_nomem(err);
    }
    /* Counting sort; start is kept one place ahead while it fills. */
    for (int64_t i = 0; i < n; i++)
        s->start[key[i] + 2]++;
    for (int64_t v = 2; v <= n_values; v++)
        s->start[v] += s->start[v - 1];
    for (int64_t i = 0; i < n; i++)
        s->order[s->start[key[i] + 1]++] = (int32_t)i;
    return BT_OK;
}

static int64_t size_of(const sorted *s, int64_t v)
{
    return s->start[v + 1] - s->start[v];
}

/* ---- how many of each class ---- */
static int64_t least_of(int64_t size, int keep)
{
    int64_t least = size >= LEAST_FROM ? 2 : size >= 2 ? 1 : 0;
    return least < size - keep ? least : size > keep ? size - keep : 0;
}

/* Moves shares from the classes that have most to those below their least, if k is enough for all.
 */
static void raise_to_least(int64_t *quota, const sorted *by_class, int64_t k, int keep)
{
    int classes = (int)by_class->n_values;
    int64_t all = 0;
    for (int c = 0; c < classes; c++)
        all += least_of(size_of(by_class, c), keep);
    for (int c = 0; c < classes && all <= k; c++) {
        while (quota[c] < least_of(size_of(by_class, c), keep)) {
            int from = -1;
            for (int d = 0; d < classes; d++) {
                bool spare = quota[d] > least_of(size_of(by_class, d), keep);
                if (spare && (from < 0 || quota[d] > quota[from]))
                    from = d;
            }
            if (from < 0)
                return;
            quota[from]--;
            quota[c]++;
        }
    }
}

/* quota[c] = k * size[c] / n rounded by largest remainder; at most size[c] - keep of each class. */
static bt_status allocate(int64_t *quota, const sorted *by_class, int64_t n, int64_t k, int keep,
                          bt_error *err)
{
    int classes = (int)by_class->n_values;
    int64_t *rest = bti_array((size_t)classes, sizeof(*rest));
    if (!rest)
        return bti_fail_nomem(err);
    int64_t left = k;
    for (int c = 0; c < classes; c++) {
        quota[c] = k * size_of(by_class, c) / n;
        rest[c] = k * size_of(by_class, c) % n;
        left -= quota[c];
    }
    while (left > 0) {
        int best = -1;
        for (int c = 0; c < classes; c++) {
            if (quota[c] < size_of(by_class, c) - keep && (best < 0 || rest[c] > rest[best]))
                best = c;
        }
        if (best < 0)
            break; /* every class is at its limit */
        quota[best]++;
        rest[best] -= n; /* asked again only after all others */
        left--;
    }
    bti_free(rest);
    raise_to_least(quota, by_class, k, keep);
    return BT_OK;
}

/* ---- one by one ---- */
static void mark_samples(uint8_t *mark, const sorted *by_class, const int64_t *quota, uint64_t seed,
                         uint32_t slot)
{
    for (int c = 0; c < (int)by_class->n_values; c++) {
        int32_t *order = by_class->order + by_class->start[c];
        bti_rng rng = bti_rng_at(seed, BTI_RNG_SPLIT, 0, (uint32_t)c, slot);
        bti_rng_shuffle(&rng, order, (size_t)size_of(by_class, c));
        for (int64_t i = 0; i < quota[c]; i++)
            mark[order[i]] = 1;
    }
}

/* ---- in groups ---- */
typedef struct grouping {
    const bti_pool *pool;
    const sorted *by_class, *by_group;
    const int64_t *quota;
    int64_t *have; /* classes: held out so far */
    int64_t *in;   /* classes: of the group that is looked at, zero in between */
    int keep;
    uint8_t *mark;
} grouping;

/* How much of a group is wanted, less what nobody wants; INT64_MIN: a class would lose all. */
static int64_t worth(const grouping *g, int64_t group)
{
    const int32_t *member = g->by_group->order + g->by_group->start[group];
    int64_t n = size_of(g->by_group, group), value = 0;
    for (int64_t i = 0; i < n; i++)
        g->in[g->pool->label[member[i]]]++;
    for (int64_t i = 0; i < n; i++) {
        int c = g->pool->label[member[i]];
        int64_t wanted = g->quota[c] - g->have[c], fits = g->in[c] < wanted ? g->in[c] : wanted;
        fits = fits < 0 ? 0 : fits;
        if (g->in[c] && size_of(g->by_class, c) - g->have[c] - g->in[c] < g->keep)
            value = INT64_MIN;
        if (value > INT64_MIN)
            value += 2 * fits - g->in[c]; /* what fits, less what does not */
        g->in[c] = 0;                     /* a class counts once */
    }
    return value;
}

static void take_group(grouping *g, int64_t group)
{
    for (int64_t i = g->by_group->start[group]; i < g->by_group->start[group + 1]; i++) {
        int32_t at = g->by_group->order[i];
        g->mark[at] = 1;
        g->have[g->pool->label[at]]++;
    }
}

static bool has_class(const grouping *g, int64_t group, int c)
{
    for (int64_t i = g->by_group->start[group]; i < g->by_group->start[group + 1]; i++)
        if (g->pool->label[g->by_group->order[i]] == c)
            return true;
    return false;
}

/* The smallest group that brings in class c and leaves enough of all. */
static void take_missing(grouping *g, int c)
{
    int64_t best = -1;
    for (int64_t v = 0; v < g->by_group->n_values; v++) {
        bool smaller = best < 0 || size_of(g->by_group, v) < size_of(g->by_group, best);
        if (smaller && has_class(g, v, c) && worth(g, v) > INT64_MIN)
            best = v;
    }
    if (best >= 0)
        take_group(g, best);
}

static bt_status mark_groups(grouping *g, uint64_t seed, uint32_t slot, bt_error *err)
{
    int64_t n_groups = g->by_group->n_values;
    int32_t *order = bti_array((size_t)n_groups + 1, sizeof(*order));
    g->have = bti_calloc((size_t)g->pool->classes, sizeof(*g->have));
    g->in = bti_calloc((size_t)g->pool->classes, sizeof(*g->in));
    bt_status rc = order && g->have && g->in ? BT_OK : bti_fail_nomem(err);
    for (int64_t i = 0; !rc && i < n_groups; i++)
        order[i] = (int32_t)i;
    bti_rng rng = bti_rng_at(seed, BTI_RNG_SPLIT, 0, GROUP_ORDER, slot);
    if (!rc)
        bti_rng_shuffle(&rng, order, (size_t)n_groups);
    for (int64_t i = 0; !rc && i < n_groups; i++)
        if (worth(g, order[i]) > 0)
            take_group(g, order[i]);
    for (int c = 0; !rc && c < g->pool->classes; c++)
        if (!g->have[c] && g->quota[c])
            take_missing(g, c);
    bti_free(order);
    bti_free(g->have);
    bti_free(g->in);
    return rc;
}

static int64_t count_groups(const bti_pool *pool)
{
    int64_t most = -1;
    for (int64_t i = 0; i < pool->n; i++)
        most = pool->group[i] > most ? pool->group[i] : most;
    return most + 1;
}

bt_status bti_hold_out(uint8_t *mark, const bti_pool *pool, int64_t k, int keep, uint64_t seed,
                       uint32_t slot, bt_error *err)
{
    sorted by_class, by_group = {0};
    bt_status rc = sort_by(&by_class, pool->label, pool->n, pool->classes, err);
    if (rc)
        return rc;
    int64_t *quota = bti_array((size_t)pool->classes, sizeof(*quota));
    rc = quota ? allocate(quota, &by_class, pool->n, k, keep, err) : bti_fail_nomem(err);
    if (!rc && pool->group) {
        grouping g = {.pool = pool,
                      .by_class = &by_class,
                      .by_group = &by_group,
                      .quota = quota,
                      .keep = keep,
                      .mark = mark};
        rc = sort_by(&by_group, pool->group, pool->n, count_groups(pool), err);
        if (!rc)
            rc = mark_groups(&g, seed, slot, err);
    } else if (!rc) {
        mark_samples(mark, &by_class, quota, seed, slot);
    }
    bti_free(quota);
    sorted_release(&by_class);
    sorted_release(&by_group);
    return rc;
}
