/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of all parameters with their static domains, for people (`bantam space info`).
 * A bound that looks at another parameter is shown as wide as that parameter allows.
 */
#include "base/error.h"
#include "space/space_int.h"

#include <math.h>

typedef struct range {
    double lo, hi;
} range;

static range alt_range(const bti_space *s, const bti_alt *a);

static void widen(range *r, range other)
{
    r->lo = fmin(r->lo, other.lo);
    r->hi = fmax(r->hi, other.hi);
}

static range slot_range(const bti_space *s, int slot)
{
    range r = {INFINITY, -INFINITY};
    for (int i = 0; i < s->slot[slot].n_alt; i++)
        widen(&r, alt_range(s, &s->slot[slot].alt[i]));
    return r;
}

/* $prev.out: any written `out` of a block, or the input's channels. A cycle is impossible for
 * slots, but an out may itself be bounded by $prev.out, so such bounds are left out. */
static range prev_out_range(const bti_space *s)
{
    range r = {s->first_channels, s->first_channels};
    for (int i = 0; i < s->n_blocks; i++)
        for (int k = 0; k < s->block[i].n_modules; k++) {
            const bti_block_module *m = &s->block[i].module[k];
            for (int j = 0; j < m->n_args; j++) {
                if (!bti_streq(m->def->arg[m->arg[j].position].name, "out"))
                    continue;
                const bti_alt *a = &s->slot[m->arg[j].slot].alt[0];
                if (a->lo.ref == BTI_REF_NONE && a->hi.ref == BTI_REF_NONE &&
                    a->value.ref == BTI_REF_NONE)
                    widen(&r, alt_range(s, a));
            }
        }
    return r;
}

static range expr_range(const bti_space *s, const bti_expr *e)
{
    double v = bti_value_num(e->value);
    range r = {v, v};
    if (e->ref == BTI_REF_PREV_OUT)
        r = prev_out_range(s);
    else if (e->ref >= 0)
        r = slot_range(s, e->ref);
    if (e->op == '+')
        r = (range){r.lo + e->operand, r.hi + e->operand};
    else if (e->op == '*')
        r = (range){r.lo * e->operand, r.hi * e->operand};
    return r;
}

static range alt_range(const bti_space *s, const bti_alt *a)
{
    range r = {INFINITY, -INFINITY};
    if (a->form == BTI_FORM_CONST)
        return expr_range(s, &a->value);
    if (a->form != BTI_FORM_CHOICE)
        return (range){expr_range(s, &a->lo).lo, expr_range(s, &a->hi).hi};
    for (int i = 0; i < a->n; i++) {
        double v = bti_value_num(a->choice[i]);
        widen(&r, (range){v, v});
    }
    return r;
}

static bti_param static_param(const bti_space *s, const bti_slot *slot, const bti_alt *a)
{
    bti_param p = {.name = slot->name};
    p.domain = (bti_domain){.ordered = a->ordered, .log = a->log, .step = a->step};
    if (a->form == BTI_FORM_CHOICE) {
        p.domain.kind = BTI_DOMAIN_CHOICE;
        p.domain.n = a->n;
        p.domain.choice = a->choice;
        return p;
    }
    p.domain.kind = a->form == BTI_FORM_INT ? BTI_DOMAIN_INT : BTI_DOMAIN_FLOAT;
    range r = alt_range(s, a);
    p.domain.lo = r.lo;
    p.domain.hi = r.hi;
    if (isfinite(r.lo) && isfinite(r.hi) && a->step > 0)
        p.domain.hi =
            bti_domain_clamp(&p.domain, r.lo + floor((r.hi - r.lo) / a->step + 1e-9) * a->step);
    return p;
}

/* A frozen value must lie in one of the domains that its parameter may have. */
static bool can_freeze(const bti_space *s, const bti_slot *slot)
{
    for (int k = 0; k < slot->n_alt; k++) {
        double v;
        bti_param p = static_param(s, slot, &slot->alt[k]);
        if (slot->alt[k].form == BTI_FORM_CONST || bti_domain_find(&p.domain, slot->ice, &v))
            return true;
    }
    return false;
}

/* Slots were made in file order except that a block's module comes first and its stride last: as
 * walked. */
bt_status bti_space_list_params(bti_space *s, bt_error *err)
{
    int n = 0;
    for (int i = 0; i < s->n_slots; i++)
        n += s->slot[i].n_alt;
    s->params = bti_arena_alloc(&s->arena, (size_t)(n ? n : 1) * sizeof(*s->params));
    if (!s->params)
        return bti_fail_nomem(err);
    for (int i = 0; i < s->n_slots; i++) {
        const bti_slot *slot = &s->slot[i];
        char text[64];
        if (slot->frozen && !can_freeze(s, slot))
            return bti_fail(err, BT_INVAL, s->where, "freeze: %s cannot be %s", slot->name,
                            bti_value_text(text, sizeof(text), slot->ice));
        for (int k = 0; k < slot->n_alt && !slot->frozen; k++)
            if (slot->alt[k].form != BTI_FORM_CONST)
                s->params[s->n_params++] = static_param(s, slot, &slot->alt[k]);
    }
    return BT_OK;
}

int bti_space_params(const bti_space *s, const bti_param **out)
{
    *out = s->params;
    return s->n_params;
}
