/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk: items in file order, conditions, the stride budget. It asks a chooser for every active
 * parameter and knows nothing of why; drawing, repairing, counting and resolving differ in that
 * alone.
 */
#include "base/error.h"
#include "space/space_int.h"

#include <assert.h>
#include <math.h>

void bti_walk_init(bti_walk *w, const bti_space *s, bti_choose_fn choose, void *user,
                   bti_point *out)
{
    w->s = s;
    w->choose = choose;
    w->user = user;
    w->out = out;
    w->item = 0;
    w->strides = 0;
    w->prev_out = s->first_channels;
    memset(w->present, 0, sizeof(w->present));
    if (out)
        out->n = 0;
}

static bti_value value_in(const bti_domain *d, double v)
{
    if (d->kind == BTI_DOMAIN_CHOICE)
        return d->choice[(int)v];
    return d->kind == BTI_DOMAIN_INT ? bti_value_int((int64_t)v) : bti_value_float(v);
}

static void walk_slot(bti_walk *w, int slot)
{
    const bti_slot *sl = &w->s->slot[slot];
    w->present[slot] = false;
    for (int i = 0; i < sl->n_alt; i++) {
        const bti_alt *a = &sl->alt[i];
        bti_domain d;
        bti_value fixed;
        if (!bti_alt_now(w, a, &d, &fixed))
            continue;
        w->present[slot] = true;
        if (a->form == BTI_FORM_CONST) {
            w->value[slot] = fixed;
            return;
        }
        double v;
        if (sl->frozen && bti_domain_find(&d, sl->ice, &v)) {
            w->value[slot] = value_in(&d, v);
            return;
        }
        v = w->choose(w->user, w, slot, &d);
        w->value[slot] = value_in(&d, v);
        if (w->out) {
            assert(w->out->n < BTI_POINT_MAX); /* the parser bounds it */
            w->out->param[w->out->n++] = (bti_param){.name = sl->name, .domain = d, .value = v};
        }
        return;
    }
}

/* The stride budget, model-format.md 4.3. A forced stride is a constant, whatever its domain. */
static void walk_stride(bti_walk *w, const bti_block *b, int slot)
{
    bool forced =
        b->force >= 0 && (w->s->at_most ? w->strides <= b->force : w->strides == b->force);
    if (!forced && w->strides < w->s->stride_max) {
        walk_slot(w, slot);
        return;
    }
    w->present[slot] = true;
    w->value[slot] = bti_value_int(forced ? 2 : 1);
}

/* The stride that a block's row will have: its slot's, else (pooling) its kernel's, else 1. */
static double stride_of(const bti_walk *w, const bti_block_module *m)
{
    if (m->stride >= 0 && w->present[m->stride] && w->value[m->stride].kind != BTI_NULL)
        return bti_value_num(w->value[m->stride]);
    if (m->stride_at < 0 || !m->def->arg[m->stride_at].otherwise ||
        m->otherwise[m->stride_at].kind != BTI_NULL)
        return 1;
    for (int i = 0; i < m->n_args; i++)
        if (m->arg[i].position == m->kernel_at && w->present[m->arg[i].slot])
            return bti_value_num(w->value[m->arg[i].slot]);
    return 1;
}

static void walk_module(bti_walk *w, const bti_block *b, const bti_block_module *m)
{
    double new_out = w->prev_out;
    for (int i = 0; i < m->n_args; i++) {
        int slot = m->arg[i].slot;
        walk_slot(w, slot);
        double v = w->present[slot] ? bti_value_num(w->value[slot]) : NAN;
        if (m->arg[i].position == m->out_at && fabs(v) <= BTI_NUMBER_MAX)
            new_out = v;
    }
    if (m->repeat >= 0)
        walk_slot(w, m->repeat);
    if (m->stride >= 0)
        walk_stride(w, b, m->stride);
    if (stride_of(w, m) == 2)
        w->strides++;
    w->prev_out = new_out;
}

static void walk_block(bti_walk *w, int index)
{
    const bti_block *b = &w->s->block[index];
    w->block[index].module = -1;
    if (!bti_when_holds(w, &b->when))
        return;
    walk_slot(w, b->module_slot);
    const char *name = w->value[b->module_slot].u.s;
    for (int i = 0; i < b->n_modules; i++) {
        const bti_block_module *m = &b->module[i];
        if (!m->def || (m->def->name != name && !bti_streq(m->def->name, name)))
            continue;
        w->block[index].module = i;
        walk_module(w, b, m);
        return;
    }
}

void bti_walk_item(bti_walk *w, int item)
{
    const bti_item *it = &w->s->item[item];
    w->item = item;
    if (it->block >= 0)
        walk_block(w, it->block);
    else
        walk_slot(w, it->slot);
}

void bti_walk_all(bti_walk *w)
{
    for (int i = 0; i < w->s->n_items; i++)
        bti_walk_item(w, i);
}

/* ---- the values of a given point ---- */
typedef struct replay {
    const bti_point *p;
    int next;
    const char *missing;
} replay;

static double choose_replay(void *user, const bti_walk *w, int slot, const bti_domain *d)
{
    replay *r = user;
    const char *name = w->s->slot[slot].name;
    /* Points are in walk order, so the next one is nearly always it. */
    for (int i = 0; i < r->p->n; i++) {
        const bti_param *q = &r->p->param[(r->next + i) % r->p->n];
        if (q->name == name || bti_streq(q->name, name)) {
            r->next = (r->next + i + 1) % r->p->n;
            return bti_domain_clamp(d, q->value);
        }
    }
    r->missing = name;
    return bti_domain_middle(d);
}

bt_status bti_walk_point(bti_walk *w, const bti_space *s, const bti_point *p, bt_error *err)
{
    replay r = {.p = p};
    bti_walk_init(w, s, choose_replay, &r, NULL);
    bti_walk_all(w);
    w->user = NULL;
    if (r.missing)
        return bti_fail(err, BT_INVAL, s->where, "the point has no value for the parameter %s",
                        r.missing);
    return BT_OK;
}
