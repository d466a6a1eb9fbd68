/* SPDX-License-Identifier: Apache-2.0
 *
 * AutoAugment's sub-policies in their compact form, OP/P/LEVEL|OP/P/LEVEL: what a search writes
 * into a recipe. One is drawn per image; each of its operations is applied with probability P.
 */
#include "augment/policy_int.h"

#include "base/error.h"
#include <string.h>

#define SUB_HELP "a sub-policy is OP/P/LEVEL joined by '|', such as ShearX/0.4/3|Invert/0.1/2"
#define TOKEN_CAP 40

/* Cuts the next part of *at (up to `stop` or `end`) into out; false if it does not fit. */
static bool cut(char out[TOKEN_CAP], const char **at, const char *end, char stop)
{
    const char *to = memchr(*at, stop, (size_t)(end - *at));
    size_t n = (size_t)((to ? to : end) - *at);

    while (n && (*at)[0] == ' ')
        (*at)++, n--;
    while (n && (*at)[n - 1] == ' ')
        n--;
    if (n >= TOKEN_CAP)
        return false;
    memcpy(out, *at, n);
    out[n] = 0;
    *at = to ? to + 1 : end;
    return true;
}

static bt_status parse_step(bti_policy_step *step, const char *text, size_t n, bt_error *err)
{
    char op[TOKEN_CAP], p[TOKEN_CAP], level[TOKEN_CAP];
    const char *at = text, *end = text + n;
    int64_t whole;

    if (!cut(op, &at, end, '/') || !cut(p, &at, end, '/') || !cut(level, &at, end, '/') ||
        at != end || !op[0] || !p[0] || !level[0])
        return bti_fail(err, BT_INVAL, "augment", "autoaugment: '%.*s': " SUB_HELP,
                        (int)(n > 60 ? 60 : n), text);
    bt_status rc = bti_op_parse(op, &step->op, err);
    if (rc)
        return rc;
    if (!bti_parse_double(p, &step->p) || !(step->p >= 0 && step->p <= 1))
        return bti_fail(
            err, BT_INVAL, "augment",
            "autoaugment: the probability of %s is a number from 0 to 1, found '%s': " SUB_HELP, op,
            p);
    if (!bti_parse_int(level, 0, 999, &whole))
        return bti_fail(
            err, BT_INVAL, "augment",
            "autoaugment: the level of %s is a whole number from 0, found '%s': " SUB_HELP, op,
            level);
    step->level = (int)whole;
    return BT_OK;
}

bt_status bti_policy_add_sub(bti_policy *p, bti_policy_item *item, const char *text, size_t n,
                             bt_error *err)
{
    const char *end = text + n;
    bti_policy_sub *sub = &p->sub[p->n_subs];

    if (p->n_subs == BTI_POLICY_SUBS)
        return bti_fail(err, BT_INVAL, "augment", "a policy has at most %d sub-policies",
                        BTI_POLICY_SUBS);
    *sub = (bti_policy_sub){.first = p->n_steps};
    for (const char *at = text; at <= end;) {
        const char *bar = memchr(at, '|', (size_t)(end - at));
        const char *stop = bar ? bar : end;
        if (p->n_steps == BTI_POLICY_STEPS)
            return bti_fail(err, BT_INVAL, "augment",
                            "the sub-policies of a policy have at most %d operations",
                            BTI_POLICY_STEPS);
        bt_status rc = parse_step(&p->step[p->n_steps], at, (size_t)(stop - at), err);
        if (rc)
            return rc;
        p->n_steps++;
        sub->n++;
        at = stop + 1;
    }
    if (!item->n_subs)
        item->first_sub = p->n_subs;
    item->n_subs++;
    p->n_subs++;
    return BT_OK;
}

bt_status bti_policy_check_subs(const bti_policy *p, const bti_policy_item *item, bt_error *err)
{
    if (!item->n_subs)
        return bti_fail(err, BT_INVAL, "augment",
                        "autoaugment needs a policy: a name (%s) or sub-policies p0=...; " SUB_HELP,
                        "cifar10, svhn, imagenet");
    int levels = (int)item->arg[BTI_ARG_AUTO_LEVELS];
    const bti_policy_sub *last = &p->sub[item->first_sub + item->n_subs - 1];
    for (int i = p->sub[item->first_sub].first; i < last->first + last->n; i++)
        if (p->step[i].level >= levels)
            return bti_fail(err, BT_INVAL, "augment",
                            "autoaugment: a level counts from 0 and is below levels (%d), found %d "
                            "for %s",
                            levels, p->step[i].level, bti_op_name(p->step[i].op));
    return BT_OK;
}

void bti_policy_subs_text(const bti_policy *p, const bti_policy_item *item, bti_str *text)
{
    char number[32];

    for (int s = 0; s < item->n_subs; s++) {
        const bti_policy_sub *sub = &p->sub[item->first_sub + s];
        bti_str_addf(text, ",p%d=", s);
        for (int i = sub->first; i < sub->first + sub->n; i++)
            bti_str_addf(text, "%s%s/%s/%d", i > sub->first ? "|" : "", bti_op_name(p->step[i].op),
                         bti_format_double(number, p->step[i].p), p->step[i].level);
    }
}
