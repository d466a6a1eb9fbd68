/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of a study's samplers: which trials are new, and the set of keys that were tried.
 */
#include "study/memo.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

bti_memo *bti_memo_new(void)
{
    return bti_calloc(1, sizeof(bti_memo));
}

void bti_memo_free(bti_memo *m)
{
    if (!m)
        return;
    bti_free(m->keys.open);
    bti_free(m->key);
    bti_sightings_release(&m->sightings);
    bti_gains_release(&m->gains);
    bti_free(m->cells);
    bti_arena_release(&m->arena);
    bti_free(m);
}

void bti_gains_release(bti_gains *g)
{
    bti_free(g->gain);
    bti_free(g->who);
    bti_free(g->front);
    *g = (bti_gains){0};
}

/* ---- the cursor ---- */
bt_status bti_cursor_next(bti_cursor *c, const bti_trials *t, const int **fresh, int *n,
                          bt_error *err)
{
    int most = c->n_open + (t->n > c->n ? t->n - c->n : 0), kept = 0;
    if (2 * most > c->cap) { /* the second half lists what is fresh */
        int *grown = bti_regrow(c->open, (size_t)most * 3, sizeof(*grown));
        if (!grown)
            return bti_fail_nomem(err);
        c->open = grown;
        c->cap = most * 3;
    }
    *n = most;
    *fresh = c->open + c->cap - most;
    if (most)
        memmove(c->open + c->cap - most, c->open, (size_t)c->n_open * sizeof(*c->open));
    for (int i = c->n_open; i < most; i++)
        c->open[c->cap - most + i] = c->n + i - c->n_open;
    for (int i = 0; i < most; i++)
        if (!bti_trial_state_finished(t->trial[(*fresh)[i]].state))
            c->open[kept++] = (*fresh)[i];
    c->n_open = kept;
    c->n = t->n;
    return BT_OK;
}

/* ---- keys ---- */
static const char *key_of(const bti_trials *t, int at)
{
    return bti_json_as_str(bti_json_get(t->trial[at].attrs, "key"), NULL);
}

static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 16777619u;
    return h;
}

/* The cell that holds the key, or the free one where it would go. */
static int *cell(const bti_memo *m, const bti_trials *t, const char *key)
{
    uint32_t mask = (uint32_t)m->key_cap - 1, i = hash(key) & mask;
    while (m->key[i] && !bti_streq(key_of(t, m->key[i] - 1), key))
        i = (i + 1) & mask;
    return &m->key[i];
}

static void add_key(bti_memo *m, const bti_trials *t, int at)
{
    const char *key = key_of(t, at);
    int *to = key ? cell(m, t, key) : NULL;
    if (!to || *to)
        return;
    *to = at + 1;
    m->n_keys++;
}

/* At most half full. */
static bt_status make_room(bti_memo *m, const bti_trials *t, int more, bt_error *err)
{
    int cap = m->key_cap ? m->key_cap : 256, *old = m->key, old_cap = m->key_cap;
    while (cap < 2 * (m->n_keys + more))
        cap *= 2;
    if (cap == m->key_cap)
        return BT_OK;
    int *grown = bti_calloc((size_t)cap, sizeof(*grown));
    if (!grown)
        return bti_fail_nomem(err);
    m->key = grown;
    m->key_cap = cap;
    m->n_keys = 0;
    for (int i = 0; i < old_cap; i++)
        if (old[i])
            add_key(m, t, old[i] - 1);
    bti_free(old);
    return BT_OK;
}

bt_status bti_memo_has_key(bti_memo *m, const bti_trials *t, const char *key, bool *out,
                           bt_error *err)
{
    const int *fresh;
    int n = m->keys.n_open + t->n - m->keys.n;
    bt_status rc = make_room(m, t, n, err);
    if (!rc)
        rc = bti_cursor_next(&m->keys, t, &fresh, &n, err);
    for (int i = 0; i < n && !rc; i++)
        add_key(m, t, fresh[i]);
    *out = !rc && *cell(m, t, key);
    return rc;
}

/* ---- cells ---- */
float *bti_memo_cells(bti_memo *m, int at, int n, bool *is_new)
{
    if (at >= m->cells_cap) {
        int cap = at < 128 ? 256 : 2 * at;
        float **grown = bti_regrow(m->cells, (size_t)cap, sizeof(*grown));
        if (!grown)
            return NULL;
        memset(grown + m->cells_cap, 0, (size_t)(cap - m->cells_cap) * sizeof(*grown));
        m->cells = grown;
        m->cells_cap = cap;
    }
    *is_new = !m->cells[at];
    if (*is_new)
        m->cells[at] = bti_arena_alloc(&m->arena, (size_t)n * sizeof(float));
    return m->cells[at];
}
