/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosers for the walk: draw, default, pick, repair, mutate, cross, restore.
 * All but the first three start from wishes and draw only what does not fit.
 */
#include "space/space_int.h"

#include <assert.h>

const bti_param *bti_point_find(const bti_point *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (bti_streq(p->param[i].name, name))
            return &p->param[i];
    return NULL;
}

bti_value bti_param_value(const bti_param *p)
{
    if (p->domain.kind == BTI_DOMAIN_CHOICE)
        return p->domain.choice[(int)p->value];
    return p->domain.kind == BTI_DOMAIN_INT ? bti_value_int((int64_t)p->value)
                                            : bti_value_float(p->value);
}

static void walk_with(const bti_space *s, bti_choose_fn choose, void *user, bti_point *out)
{
    bti_walk w;
    bti_walk_init(&w, s, choose, user, out);
    bti_walk_all(&w);
}

/* ---- draw, default ---- */
static double choose_draw(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    (void)w, (void)slot;
    return bti_domain_draw(d, user);
}

void bti_space_draw(const bti_space *s, bti_rng *rng, bti_point *out)
{
    walk_with(s, choose_draw, rng, out);
}

static double choose_default(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    (void)user;
    const bti_slot *sl = &w->s->slot[slot];
    for (int i = 0; i < sl->n_alt; i++) {
        double v;
        if (sl->alt[i].has_default && bti_when_holds(w, &sl->alt[i].when) &&
            bti_domain_find(d, sl->alt[i].otherwise, &v))
            return v;
    }
    return bti_domain_middle(d);
}

void bti_space_default(const bti_space *s, bti_point *out)
{
    walk_with(s, choose_default, NULL, out);
}

bool bti_space_has_default(const bti_space *s)
{
    return s->has_default;
}

/* ---- pick ---- */
typedef struct picker {
    bti_pick_fn pick;
    void *user;
} picker;

static double choose_pick(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    const picker *p = user;
    return p->pick(p->user, slot, w->item, d);
}

void bti_space_pick(const bti_space *s, bti_pick_fn pick, void *user, bti_point *out)
{
    picker p = {.pick = pick, .user = user};
    walk_with(s, choose_pick, &p, out);
}

int bti_space_n_slots(const bti_space *s)
{
    return s->n_slots;
}

const char *bti_space_slot_name(const bti_space *s, int slot)
{
    return s->slot[slot].name;
}

int bti_space_slot(const bti_space *s, const char *name, int hint)
{
    for (int i = 0, at = hint; i < s->n_slots; i++, at++) {
        at = at < s->n_slots ? at : 0;
        if (s->slot[at].name == name || bti_streq(s->slot[at].name, name))
            return at;
    }
    return -1;
}

/* ---- repair ---- */
/* A point whose values are kept where they fit, and where to look next: points are in walk order.
 */
typedef struct wishes {
    const bti_point *of;
    int next;
} wishes;

/* The value of a wish in a domain that may have changed since. Names are the space's own strings.
 */
static bool wished(wishes *wish, const char *name, const bti_domain *d, double *out)
{
    int n = wish->of->n, at = wish->next;
    for (int i = 0; i < n; i++, at++) {
        at = at < n ? at : 0;
        const bti_param *p = &wish->of->param[at];
        if (p->name != name)
            continue;
        wish->next = at + 1;
        return bti_domain_find(d, bti_param_value(p), out);
    }
    return false;
}

typedef struct repair {
    wishes wish;
    bti_rng *rng;
} repair;

static double choose_repair(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    repair *r = user;
    double v;
    return wished(&r->wish, w->s->slot[slot].name, d, &v) ? v : bti_domain_draw(d, r->rng);
}

void bti_space_repair(const bti_space *s, const bti_point *wish, bti_rng *rng, bti_point *out)
{
    repair r = {.wish = {.of = wish}, .rng = rng};
    assert(wish != out);
    walk_with(s, choose_repair, &r, out);
}

/* ---- mutate ---- */
typedef enum part { PART_MODULE, PART_ARGUMENT, PART_REPEAT, PART_STRIDE, PART_OTHER } part;

/* An active parameter that has another value to go to. */
typedef struct place {
    const char *name;
    int item;
    part part;
} place;

typedef struct mutation {
    wishes parent;
    bti_rng *rng;
    int n_places, n_targets;
    place places[BTI_POINT_MAX];
    const char *target[BTI_POINT_MAX];
} mutation;

static part part_of(const bti_space *s, const bti_item *it, int slot)
{
    if (it->block < 0)
        return PART_OTHER;
    const bti_block *b = &s->block[it->block];
    if (slot == b->module_slot)
        return PART_MODULE;
    for (int i = 0; i < b->n_modules; i++) {
        if (slot == b->module[i].repeat)
            return PART_REPEAT;
        if (slot == b->module[i].stride)
            return PART_STRIDE;
    }
    return PART_ARGUMENT;
}

/* First pass: repeats the parent and notes what could change. */
static double choose_note(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    mutation *m = user;
    const char *name = w->s->slot[slot].name;
    double v;
    if (!wished(&m->parent, name, d, &v))
        return bti_domain_middle(d);
    if (bti_domain_count(d) != 1 && m->n_places < BTI_POINT_MAX)
        m->places[m->n_places++] =
            (place){name, w->item, part_of(w->s, &w->s->item[w->item], slot)};
    return v;
}

/* Second pass: the parent, with the targets moved. */
static double choose_mutate(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    mutation *m = user;
    const char *name = w->s->slot[slot].name;
    double v;
    if (!wished(&m->parent, name, d, &v))
        return bti_domain_draw(d, m->rng);
    for (int i = 0; i < m->n_targets; i++)
        if (m->target[i] == name)
            return bti_domain_move(d, v, m->rng);
    return v;
}

/* A uniform pick among the different values of a key that `of` gives to places[first..last). */
static int item_key(const place *p)
{
    return p->item;
}
static int part_key(const place *p)
{
    return (int)p->part;
}
static int pick_key(const place *p, int n, int (*of)(const place *), bti_rng *rng)
{
    int picked = of(&p[0]), seen = 1;
    for (int i = 1; i < n; i++) {
        bool is_new = true;
        for (int j = 0; j < i && is_new; j++)
            is_new = of(&p[j]) != of(&p[i]);
        if (is_new && bti_rng_below(rng, (uint32_t)++seen) == 0) /* reservoir of one */
            picked = of(&p[i]);
    }
    return picked;
}

static int keep_key(place *p, int n, int (*of)(const place *), int key)
{
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (of(&p[i]) == key)
            p[kept++] = p[i];
    return kept;
}

/* One target: a group (block or other parameter), a part of it, one of the part's parameters. */
static const char *pick_target(const mutation *m)
{
    place p[BTI_POINT_MAX];
    int n = m->n_places;
    memcpy(p, m->places, (size_t)n * sizeof(p[0]));
    n = keep_key(p, n, item_key, pick_key(p, n, item_key, m->rng));
    n = keep_key(p, n, part_key, pick_key(p, n, part_key, m->rng));
    return p[bti_rng_below(m->rng, (uint32_t)n)].name;
}

void bti_space_mutate(const bti_space *s, const bti_point *parent, int n_changes, bti_rng *rng,
                      bti_point *out)
{
    mutation m = {.parent = {.of = parent}, .rng = rng};
    assert(parent != out);
    walk_with(s, choose_note, &m, NULL);
    for (int i = 0; i < n_changes && i < BTI_POINT_MAX && m.n_places; i++)
        m.target[m.n_targets++] = pick_target(&m);
    walk_with(s, choose_mutate, &m, out);
}

/* ---- cross ---- */
typedef struct cross {
    wishes parent[2];
    bti_rng *rng;
    int item, side;
} cross;

static double choose_cross(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    cross *c = user;
    const char *name = w->s->slot[slot].name;
    double v;
    if (w->item != c->item) {
        c->item = w->item;
        c->side = (int)bti_rng_below(c->rng, 2);
    }
    if (wished(&c->parent[c->side], name, d, &v) || wished(&c->parent[!c->side], name, d, &v))
        return v;
    return bti_domain_draw(d, c->rng);
}

void bti_space_cross(const bti_space *s, const bti_point *a, const bti_point *b, bti_rng *rng,
                     bti_point *out)
{
    cross c = {.parent = {{.of = a}, {.of = b}}, .rng = rng, .item = -1};
    assert(a != out && b != out);
    walk_with(s, choose_cross, &c, out);
}

/* ---- restore ---- */
typedef struct stored {
    const char *const *names;
    const double *values;
    int n, next;
    bool complete;
} stored;

static double choose_stored(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    stored *r = user;
    const char *name = w->s->slot[slot].name;
    for (int i = 0, at = r->next; i < r->n; i++, at++) {
        at = at < r->n ? at : 0; /* stored in walk order: nearly always the next one */
        if (!bti_streq(r->names[at], name))
            continue;
        r->next = at + 1;
        return bti_domain_clamp(d, r->values[at]);
    }
    r->complete = false;
    return bti_domain_middle(d);
}

bool bti_space_restore(const bti_space *s, const char *const *names, const double *values, int n,
                       bti_point *out)
{
    stored r = {.names = names, .values = values, .n = n, .complete = true};
    walk_with(s, choose_stored, &r, out);
    return r.complete;
}
