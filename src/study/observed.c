/* SPDX-License-Identifier: Apache-2.0
 *
 * Finished trials sorted for samplers, and the quasi-random sequence that most of them start with.
 */
#include "study/observed.h"

#include "base/alloc.h"
#include "base/error.h"
#include "study/memo.h"

#include <math.h>

void bti_observed_release(bti_observed *o)
{
    bti_free(o->trial);
    bti_free(o->value);
    bti_free(o->rank);
    *o = (bti_observed){0};
}

/* Of a trial that was stopped early: what it had reached, which its end would not have been below
 * by much; costs that need no training are known. */
static bool pruned_values(const bti_goals *g, const bti_trial *t, double *out)
{
    const bti_json *rungs = bti_json_get(t->attrs, "rungs");
    const bti_json *last = bti_json_at(rungs, bti_json_len(rungs) - 1);
    if (!bti_json_len(rungs))
        return false;
    out[0] = bti_json_as_num(bti_json_at(last, 1), NAN);
    bool known = !isnan(out[0]);
    for (int j = 1; j < g->n; j++) {
        out[j] = g->metric[j] == BTI_METRIC_NONE ? NAN : bti_trial_metric(g, t, g->metric[j]);
        known = known && !isnan(out[j]);
    }
    return known;
}

static bool finished_values(const bti_goals *g, const bti_trial *t, double *out)
{
    if (t->state == BTI_PRUNED)
        return pruned_values(g, t, out);
    if (t->state != BTI_COMPLETE || t->n_values < g->n)
        return false;
    memcpy(out, t->value, (size_t)g->n * sizeof(*out));
    bool known = true;
    for (int j = 0; j < g->n; j++)
        known = known && isfinite(out[j]);
    return known;
}

/* ---- sightings ---- */
void bti_sightings_release(bti_sightings *s)
{
    bti_free(s->cursor.open);
    bti_free(s->at);
    bti_free(s->value);
    bti_free(s->raw);
    bti_free(s->off);
    bti_free(s->order);
    *s = (bti_sightings){0};
}

static int *order_of(const bti_sightings *s, int j)
{
    return s->order + (size_t)j * (size_t)s->cap;
}

/* Room for `more` entries; the orders have the stride `cap`, so they move. */
static bt_status make_room(bti_sightings *s, int more, bt_error *err)
{
    int cap = s->cap ? s->cap : 64, rows = s->m + 2;
    while (cap < s->n + more)
        cap *= 2;
    if (cap == s->cap)
        return BT_OK;
    size_t cells = (size_t)cap * (size_t)s->m;
    int *at = bti_regrow(s->at, (size_t)cap, sizeof(*at));
    s->at = at ? at : s->at;
    double *value = bti_regrow(s->value, cells, sizeof(*value));
    s->value = value ? value : s->value;
    double *raw = bti_regrow(s->raw, cells, sizeof(*raw));
    s->raw = raw ? raw : s->raw;
    double *off = bti_regrow(s->off, (size_t)cap, sizeof(*off));
    s->off = off ? off : s->off;
    int *order = bti_array((size_t)cap * (size_t)rows, sizeof(*order));
    if (!at || !value || !raw || !off || !order) {
        bti_free(order);
        return bti_fail_nomem(err);
    }
    for (int j = 0; j < rows && s->n; j++)
        memcpy(order + (size_t)j * (size_t)cap, order_of(s, j), (size_t)s->n * sizeof(*order));
    bti_free(s->order);
    s->order = order;
    s->cap = cap;
    return BT_OK;
}

/* qsort_r's context: which of the orders. */
typedef struct ordering {
    const bti_sightings *s;
    int which;
} ordering;

static int in_order(const void *pa, const void *pb, void *user)
{
    const ordering *o = user;
    const bti_sightings *s = o->s;
    int a = *(const int *)pa, b = *(const int *)pb;
    for (int k = 0; o->which < s->m && k < s->m; k++) {
        int j = o->which + k < s->m ? o->which + k : o->which + k - s->m;
        double x = s->value[a * s->m + j], y = s->value[b * s->m + j];
        if (x != y)
            return x < y ? -1 : 1;
    }
    if (o->which > s->m && s->off[a] != s->off[b])
        return s->off[a] < s->off[b] ? -1 : 1;
    return (s->at[a] > s->at[b]) - (s->at[a] < s->at[b]);
}

/* order[0, n) is sorted, order[n, n + more) becomes so, and both are merged by way of `room`. */
static void merge(ordering *o, int *order, int n, int more, int *room)
{
    if (!more)
        return;
    qsort_r(order + n, (size_t)more, sizeof(*order), in_order, o);
    memcpy(room, order + n, (size_t)more * sizeof(*order));
    for (int to = n + more - 1, a = n - 1, b = more - 1; b >= 0; to--)
        order[to] = a >= 0 && in_order(&order[a], &room[b], o) > 0 ? order[a--] : room[b--];
}

/* Entries [first, n) go into the orders. room: n - first. */
static void put_in_order(bti_sightings *s, int first, int *room)
{
    int feasible = 0, had = s->n_feasible;
    for (int i = first; i < s->n; i++)
        feasible += s->off[i] <= 0;
    for (int which = 0; which < s->m + 2; which++) {
        ordering o = {s, which};
        int *order = order_of(s, which), n = which < s->m    ? had
                                             : which == s->m ? first
                                                             : first - had;
        int to = n;
        for (int i = first; i < s->n; i++)
            if (which == s->m || (s->off[i] <= 0) == (which < s->m))
                order[to++] = i;
        merge(&o, order, n, to - n, room);
    }
    s->n_feasible = had + feasible;
}

/* Values in logarithms where every one of a minimised objective allows it, of entries from first
 * on. True: an earlier one is seen in another way now. */
static bool turn_values(bti_sightings *s, const bti_goals *g, int first)
{
    bool turned = false;
    for (int j = 0; j < s->m; j++) {
        bool was = first ? s->positive[j] : !g->maximize[j];
        s->positive[j] = was;
        for (int i = first; i < s->n && s->positive[j]; i++)
            s->positive[j] = s->raw[i * s->m + j] >= 0;
        turned = turned || (first && s->positive[j] != was);
    }
    for (int i = turned ? 0 : first; i < s->n; i++)
        for (int j = 0; j < s->m; j++) {
            double v = s->raw[i * s->m + j];
            s->value[i * s->m + j] = s->positive[j] ? log1p(v) : v;
        }
    return turned;
}

/* Brings the sightings up to the trials. */
static bt_status look(bti_sightings *s, const bti_goals *g, const bti_trials *t, bt_error *err)
{
    const int *fresh;
    int n, first = s->n;
    s->m = g->n;
    bt_status rc = make_room(s, s->cursor.n_open + t->n - s->cursor.n, err);
    int *room = bti_array((size_t)s->cap, sizeof(*room));
    if (!rc && !room)
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = bti_cursor_next(&s->cursor, t, &fresh, &n, err);
    for (int i = 0; !rc && i < n; i++) {
        double *raw = &s->raw[s->n * s->m];
        if (!finished_values(g, &t->trial[fresh[i]], raw))
            continue;
        for (int j = 0; j < s->m; j++)
            raw[j] = g->maximize[j] ? -raw[j] : raw[j];
        s->at[s->n] = fresh[i];
        s->off[s->n++] = fmax(t->trial[fresh[i]].violation, 0);
    }
    if (!rc && turn_values(s, g, first))
        first = s->n_feasible = 0;
    if (!rc && s->n > first)
        put_in_order(s, first, room);
    bti_free(room);
    return rc;
}

/* ---- ranking ---- */
/* qsort_r's context. */
typedef struct standing {
    const bti_sightings *s;
    const double *crowd;
} standing;

static int widest_first(const void *pa, const void *pb, void *user)
{
    const standing *o = user;
    int a = *(const int *)pa, b = *(const int *)pb;
    if (o->crowd[a] != o->crowd[b])
        return o->crowd[a] > o->crowd[b] ? -1 : 1;
    return (o->s->at[a] > o->s->at[b]) - (o->s->at[a] < o->s->at[b]);
}

/* Entries best first into `best`: by rank, then crowding; then those outside a constraint, ranked
 * by how far. rank (n); scratch: 2 cap + 1. */
static void rank_all(const bti_sightings *s, int *rank, double *crowd, int *scratch, int *best)
{
    int n = s->n_feasible, *off = order_of(s, s->m + 1), *start = scratch;
    int last = bti_pareto_sorted(s->value, s->m, s->order, n, s->cap, rank, crowd, scratch);
    standing o = {s, crowd};
    memset(start, 0, (size_t)(last + 1) * sizeof(*start));
    for (int i = 0; i < n; i++)
        start[rank[s->order[i]] + 1]++;
    for (int k = 0; k < last; k++)
        start[k + 1] += start[k];
    for (int i = 0; i < n; i++)
        best[start[rank[s->order[i]]]++] = s->order[i]; /* start[k] is the end of front k now */
    for (int k = 0, begin = 0; k < last; begin = start[k++])
        qsort_r(best + begin, (size_t)(start[k] - begin), sizeof(*best), widest_first, &o);
    for (int i = 0; i < s->n - n; i++) {
        best[n + i] = off[i];
        last += i && s->off[off[i]] > s->off[off[i - 1]];
        rank[off[i]] = last;
    }
}

/* The place in the trials from which on the `newest` last entries are. */
static int oldest_kept(const bti_sightings *s, int newest)
{
    return newest > 0 && s->n > newest ? s->at[order_of(s, s->m)[s->n - newest]] : 0;
}

static void arrange(const bti_sightings *s, const bti_trials *t, const int *best, const int *rank,
                    int newest, bti_observed *o)
{
    int oldest = oldest_kept(s, newest);
    for (int i = 0; i < s->n; i++) {
        int from = best[i];
        if (rank[from] > 0 && s->at[from] < oldest)
            continue;
        o->trial[o->n] = &t->trial[s->at[from]];
        o->rank[o->n] = rank[from];
        memcpy(&o->value[o->n * o->m], &s->value[from * s->m], (size_t)s->m * sizeof(double));
        o->n_front += rank[from] == 0;
        o->n_feasible += s->off[from] <= 0;
        o->n++;
    }
}

static bt_status make_answer(bti_observed *o, int n, int m, bt_error *err)
{
    *o = (bti_observed){.m = m};
    o->trial = bti_array((size_t)n + 1, sizeof(const bti_trial *));
    o->value = bti_array((size_t)n + 1, (size_t)m * sizeof(*o->value));
    o->rank = bti_array((size_t)n + 1, sizeof(*o->rank));
    return o->trial && o->value && o->rank ? BT_OK : bti_fail_nomem(err);
}

bt_status bti_observe(const bti_ask *ask, int newest, bti_observed *out, bt_error *err)
{
    static const bti_trials none;
    const bti_trials *t = ask->trials ? ask->trials : &none;
    bti_sightings own = {0}, *s = ask->memo ? &ask->memo->sightings : &own;
    double *crowd = NULL;
    int *place = NULL;
    bt_status rc = look(s, ask->goals, t, err);
    *out = (bti_observed){0};
    if (!rc)
        rc = make_answer(out, s->n, s->m, err);
    if (!rc) {
        crowd = bti_array((size_t)s->cap, sizeof(*crowd));
        place = bti_array((size_t)s->cap + 1, 4 * sizeof(*place));
        rc = crowd && place ? BT_OK : bti_fail_nomem(err);
    }
    if (!rc) {
        int *rank = place + 2 * s->cap + 1, *best = rank + s->cap;
        rank_all(s, rank, crowd, place, best);
        arrange(s, t, best, rank, newest, out);
    }
    bti_free(crowd);
    bti_free(place);
    bti_sightings_release(&own);
    return rc;
}

void bti_observed_point(const bti_ask *ask, const bti_trial *t, bti_point *out)
{
    (void)bti_space_restore(ask->space, (const char *const *)t->param_name, t->param_value,
                            t->n_params, out);
}

/* ---- quasi-random ---- */
typedef struct sequence {
    uint64_t seed;
    uint32_t index;
} sequence;

static uint32_t coin(uint64_t path)
{
    return (uint32_t)(bti_seed_mix(path, 2) >> 63);
}

/* Permutes indices inside every aligned block of 2^k, for all k: a bit is flipped by a coin of the
 * bits above it. Without it the parameters would go through their halves in step. */
static uint32_t shuffled(uint32_t index, uint64_t seed)
{
    uint32_t out = 0;
    uint64_t path = bti_seed_mix(seed, 3);
    for (int bit = 31; bit >= 0; bit--) {
        uint32_t digit = (index >> bit) & 1;
        out |= (digit ^ coin(path)) << bit;
        path = bti_seed_mix(path, digit);
    }
    return out;
}

/* Nested uniform scramble: a digit is flipped by a coin of the digits before it. */
static double scrambled_radical_inverse(uint32_t index, uint64_t seed)
{
    double u = 0, half = 0.5;
    uint64_t path = seed;
    for (int bit = 0; bit < 32; bit++, half /= 2) {
        uint32_t digit = (index >> bit) & 1;
        if (digit ^ coin(path))
            u += half;
        path = bti_seed_mix(path, digit);
    }
    return u;
}

static double pick_quasi(void *user, int slot, int group, const bti_domain *d)
{
    const sequence *q = user;
    uint64_t seed = bti_seed_mix(q->seed, (uint64_t)slot);
    (void)group;
    return bti_domain_unit(d, scrambled_radical_inverse(shuffled(q->index, seed), seed));
}

bt_status bti_quasi_random(const bti_ask *ask, uint32_t index, bti_answer *out, bt_error *err)
{
    sequence q = {.seed = ask->seed, .index = index};
    bti_space_pick(ask->space, pick_quasi, &q, &out->point);
    out->rejected = 0;
    return bti_sampler_complete(ask, out, err);
}

bt_status bti_quasi_random_draw(const bti_ask *ask, bti_rng *rng, bti_answer *out, bt_error *err)
{
    bt_status rc = ask->retry ? BT_EMPTY : bti_quasi_random(ask, (uint32_t)ask->number, out, err);
    return rc == BT_EMPTY ? bti_sampler_draw(ask, rng, -1, out, err) : rc;
}
