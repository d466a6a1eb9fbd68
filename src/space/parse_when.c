/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading `when:` conditions, and looking up the earlier parameters that conditions and bounds
 * name.
 */
#include "space/parse_int.h"

#include <math.h>

static bool is_continuous(const bti_slot *slot)
{
    for (int i = 0; i < slot->n_alt; i++)
        if (slot->alt[i].form == BTI_FORM_FLOAT && slot->alt[i].step == 0)
            return true;
    return false;
}

static bt_status unknown_name(bti_parser *p, int line, const char *word)
{
    const char *names[BTI_SLOTS_MAX + 1];
    for (int i = 0; i < p->s->n_slots; i++)
        names[i] = p->s->slot[i].name;
    names[p->s->n_slots] = NULL;
    const char *near = bti_nearest(word, names);
    if (near)
        return bti_parse_fail(p, line, "no earlier parameter is named '%s'; did you mean '%s'?",
                              word, near);
    return bti_parse_fail(p, line,
                          "no earlier parameter is named '%s' (conditions and bounds may look at "
                          "what stands above them, and at $classes, $size, $channels, $prev.out)",
                          word);
}

bt_status bti_parse_ref(bti_parser *p, int line, const char *word, int *slot)
{
    bti_space *s = p->s;
    for (int i = 0; i < s->n_slots; i++) {
        if (!bti_streq(s->slot[i].name, word))
            continue;
        if (is_continuous(&s->slot[i]))
            return bti_parse_fail(
                p, line, "'%s' is continuous: conditions and bounds need listed values", word);
        s->slot[i].used = true;
        s->slot[i].last_use = s->n_items; /* the item that is being read */
        *slot = i;
        return BT_OK;
    }
    return unknown_name(p, line, word);
}

static bt_status parse_limits(bti_parser *p, const bti_yaml *y, bti_cond *c)
{
    static const char *const keys[] = {"ge", "le", NULL};
    bt_status rc = bti_parse_keys(p, y, "a condition", keys);
    if (rc)
        return rc;
    c->lo = -INFINITY;
    c->hi = INFINITY;
    for (int i = 0; i < y->n; i++) {
        bti_value v;
        rc = bti_parse_value(p, y->child[i], &v);
        if (rc)
            return rc;
        if (!bti_value_is_num(v))
            return bti_parse_fail(p, y->child[i]->line, "%s needs a number", y->key[i]);
        *(bti_streq(y->key[i], "ge") ? &c->lo : &c->hi) = bti_value_num(v);
    }
    return y->n ? BT_OK : bti_parse_fail(p, y->line, "a condition needs ge or le");
}

static bt_status parse_condition(bti_parser *p, const char *name, int line, const bti_yaml *y,
                                 bti_cond *c)
{
    bt_status rc = bti_parse_ref(p, line, name, &c->slot);
    if (rc)
        return rc;
    if (y->kind == BTI_YAML_MAP)
        return parse_limits(p, y, c);
    int n = y->kind == BTI_YAML_SEQ ? y->n : 1;
    if (!n)
        return bti_parse_fail(p, y->line, "the condition on '%s' lists no value", name);
    bti_value *any = bti_parse_alloc(p, (size_t)n, sizeof(*any));
    if (!any)
        return bti_fail_nomem(p->err);
    for (int i = 0; i < n; i++) {
        rc = bti_parse_value(p, y->kind == BTI_YAML_SEQ ? y->child[i] : y, &any[i]);
        if (rc)
            return rc;
    }
    c->n = n;
    c->any = any;
    return BT_OK;
}

/* The surrounding conditions count as looked at by this item too. */
static void renew_scope(bti_parser *p)
{
    for (int i = 0; i < p->scope.n; i++)
        p->s->slot[p->scope.cond[i].slot].last_use = p->s->n_items;
}

bt_status bti_parse_when(bti_parser *p, const bti_yaml *y, bti_when *out)
{
    *out = p->scope;
    renew_scope(p);
    if (!y)
        return BT_OK;
    if (y->kind != BTI_YAML_MAP || !y->n)
        return bti_parse_fail(p, y->line, "when is a mapping of earlier parameters to values");
    bti_cond *c = bti_parse_alloc(p, (size_t)(p->scope.n + y->n), sizeof(*c));
    if (!c)
        return bti_fail_nomem(p->err);
    if (p->scope.n)
        memcpy(c, p->scope.cond, (size_t)p->scope.n * sizeof(*c));
    for (int i = 0; i < y->n; i++) {
        bt_status rc =
            parse_condition(p, y->key[i], y->key_line[i], y->child[i], &c[p->scope.n + i]);
        if (rc)
            return rc;
    }
    *out = (bti_when){.n = p->scope.n + y->n, .cond = c};
    return BT_OK;
}
