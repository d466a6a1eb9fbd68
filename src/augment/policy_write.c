/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies made from policies, and written as the files that policy_file.c reads.
 */
#include "augment/policy_int.h"

#include "base/alloc.h"
#include "base/error.h"

/* ---- policies from policies ---- */

bt_status bti_policy_standard(bti_policy **out, const bti_policy *p, bt_error *err)
{
    bti_policy *s = bti_calloc(1, sizeof(*s));

    *out = s;
    if (!s)
        return bti_fail_nomem(err);
    for (int i = 0; i < p->n; i++)
        if (p->item[i].stage == BTI_STAGE_FLIP || p->item[i].stage == BTI_STAGE_CROP)
            s->item[s->n++] = p->item[i];
    return BT_OK;
}

static const bti_policy_item *autoaugment_of(const bti_policy *p)
{
    for (int i = 0; i < p->n; i++)
        if (p->item[i].kind == BTI_ITEM_AUTOAUGMENT)
            return &p->item[i];
    return NULL;
}

/* Sub-policies of `from`, which belong to its only autoaugment, after those of `to`. */
static bt_status append_subs(bti_policy *to, const bti_policy *from, bt_error *err)
{
    if (to->n_subs + from->n_subs > BTI_POLICY_SUBS ||
        to->n_steps + from->n_steps > BTI_POLICY_STEPS)
        return bti_fail(err, BT_INVAL, "augment",
                        "a policy has at most %d sub-policies of %d operations in all",
                        BTI_POLICY_SUBS, BTI_POLICY_STEPS);
    for (int i = 0; i < from->n_subs; i++) {
        bti_policy_sub sub = from->sub[i];
        sub.first += to->n_steps;
        to->sub[to->n_subs + i] = sub;
    }
    memcpy(&to->step[to->n_steps], from->step, (size_t)from->n_steps * sizeof(from->step[0]));
    to->n_subs += from->n_subs;
    to->n_steps += from->n_steps;
    return BT_OK;
}

bt_status bti_policy_join(bti_policy **out, const bti_policy *const *p, int n, bt_error *err)
{
    const bti_policy_item *first = autoaugment_of(p[0]);
    bt_status rc = BT_OK;

    *out = NULL;
    for (int i = 0; i < n; i++) {
        const bti_policy_item *one = autoaugment_of(p[i]);
        if (!one || one->n_subs != p[i]->n_subs ||
            one->arg[BTI_ARG_AUTO_LEVELS] != first->arg[BTI_ARG_AUTO_LEVELS])
            return bti_fail(err, BT_INVAL, "augment",
                            "only policies with one autoaugment each, of the same levels, join");
    }
    bti_policy *all = bti_calloc(1, sizeof(*all));
    if (!all)
        return bti_fail_nomem(err);
    *all = *p[0];
    for (int i = 1; i < n && !rc; i++)
        rc = append_subs(all, p[i], err);
    for (int i = 0; i < all->n; i++) {
        if (all->item[i].kind != BTI_ITEM_AUTOAUGMENT)
            continue;
        all->item[i].n_subs = all->n_subs;
        all->item[i].arg[BTI_ARG_POLICY] = 0; /* no longer the shipped one of that name */
    }
    if (rc)
        bti_policy_free(all);
    else
        *out = all;
    return rc;
}

/* ---- as a file ---- */

/* What the file's `policy:` says of an item on pixels. */
static const char *word_of(const bti_policy_item *item)
{
    switch (item->kind) {
    case BTI_ITEM_RANDAUGMENT:
        return "randaugment";
    case BTI_ITEM_TRIVIALAUGMENT:
        return "trivialaugment";
    case BTI_ITEM_AUTOAUGMENT:
        return "autoaugment";
    default:
        return "list";
    }
}

/* "crop:pad=4,fill=mean" as "crop: {pad: 4, fill: mean}". */
static void add_mapping(bti_str *out, const bti_policy *p, const bti_policy_item *item)
{
    bti_str text = {0};
    bool value = false;

    bti_policy_item_text(p, item, &text);
    for (const char *c = bti_str_c(&text); *c; c++) {
        if (*c == ':')
            bti_str_add(out, ": {");
        else if (*c == '=')
            bti_str_add(out, ": ");
        else if (*c == ',')
            bti_str_add(out, ", ");
        else
            bti_str_addn(out, c, 1);
        value = value || *c == ':';
    }
    bti_str_add(out, value ? "}" : ": {}");
    out->failed = out->failed || text.failed;
    bti_str_release(&text);
}

static void add_subs(bti_str *out, const bti_policy *p, const bti_policy_item *item)
{
    char number[32];

    bti_str_addf(out, "autoaugment:\n  levels: %g\n  fixed:\n", item->arg[BTI_ARG_AUTO_LEVELS]);
    for (int s = 0; s < item->n_subs; s++) {
        const bti_policy_sub *sub = &p->sub[item->first_sub + s];
        bti_str_add(out, "    - [");
        for (int i = sub->first; i < sub->first + sub->n; i++)
            bti_str_addf(out, "%s[%s, %s, %d]", i > sub->first ? ", " : "",
                         bti_op_name(p->step[i].op), bti_format_double(number, p->step[i].p),
                         p->step[i].level);
        bti_str_add(out, "]\n");
    }
}

static void add_pixels(bti_str *out, const bti_policy *p, int n)
{
    const bti_policy_item *item = p->item;

    if (item->kind == BTI_ITEM_AUTOAUGMENT && item->arg[BTI_ARG_POLICY] <= 0) {
        add_subs(out, p, item);
        return;
    }
    if (item->kind != BTI_ITEM_OP) {
        add_mapping(out, p, item);
        bti_str_add(out, "\n");
        return;
    }
    bti_str_add(out, "list:\n");
    for (int i = 0; i < n; i++) {
        bti_str_add(out, "  - {");
        add_mapping(out, p, &item[i]);
        bti_str_add(out, "}\n");
    }
}

bt_status bti_policy_yaml(const bti_policy *p, bti_str *out, bt_error *err)
{
    int n = 0; /* items on pixels: they come first */

    while (n < p->n && p->item[n].stage == BTI_STAGE_PIXELS)
        n++;
    for (int i = 0; i < n; i++)
        if (n > 1 && p->item[i].kind != BTI_ITEM_OP)
            return bti_fail(err, BT_INVAL, "augment",
                            "a policy file holds one of randaugment, trivialaugment, autoaugment "
                            "and a list of operations, this policy has more");
    bti_str_addf(out, "policy: %s\n", n ? word_of(p->item) : "none");
    if (n)
        add_pixels(out, p, n);
    for (int i = n; i < p->n; i++) {
        add_mapping(out, p, &p->item[i]);
        bti_str_add(out, "\n");
    }
    return out->failed ? bti_fail_nomem(err) : BT_OK;
}
