/* SPDX-License-Identifier: Apache-2.0
 *
 * "Rotate:15", "Equalize" and "all" as a list of changes.
 */
#include "train/under.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include <math.h>
#include <stdlib.h>

static bt_status append(bti_changes *c, bti_op op, double value, bt_error *err)
{
    if (c->n == c->cap) {
        int cap = c->cap ? 2 * c->cap : 32;
        bti_change *more = bti_realloc(c->change, (size_t)cap * sizeof(*more));
        if (!more)
            return bti_fail_nomem(err);
        c->change = more;
        c->cap = cap;
    }
    c->change[c->n++] = (bti_change){op, value};
    return BT_OK;
}

/* k thirds of the range of a policy's levels; whole pixels, whole bits. */
static double strength(bti_op op, int k, int h, int w, int sign)
{
    const bti_op_info *info = bti_op_get(op);
    double v = info->levels.from + (info->levels.to - info->levels.from) * k / 3;

    if (info->levels.scale != BTI_SCALE_ONE)
        v *= info->levels.scale == BTI_SCALE_WIDTH ? w : h;
    if (info->levels.scale != BTI_SCALE_ONE || op == BTI_OP_POSTERIZE)
        v = rint(v);
    if (info->is_signed)
        v = info->identity + sign * v;
    return rint(v * 1e9) / 1e9; /* 0.1, not 0.09999999999999998 */
}

/* The three strengths of one operation; of a signed one from the far end of one direction to that
 * of the other. */
static bt_status append_grid(bti_changes *c, bti_op op, int h, int w, bt_error *err)
{
    const bti_op_info *info = bti_op_get(op);
    bt_status rc = BT_OK;

    if (!info->unit)
        return append(c, op, (double)NAN, err);
    for (int k = info->is_signed ? -3 : 1; k <= 3 && !rc; k++)
        if (k)
            rc = append(c, op, strength(op, abs(k), h, w, k < 0 ? -1 : 1), err);
    return rc;
}

static bt_status append_all(bti_changes *c, int h, int w, bt_error *err)
{
    bt_status rc = BT_OK;

    for (int i = 0; i < BTI_OP_COUNT && !rc; i++) {
        const bti_op_info *info = bti_op_get((bti_op)i);
        if (i != BTI_OP_IDENTITY && !info->needs_partner)
            rc = append_grid(c, (bti_op)i, h, w, err);
    }
    return rc;
}

bt_status bti_changes_add(bti_changes *c, const char *text, int h, int w, bt_error *err)
{
    const char *colon = strchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : strlen(text);
    double value = (double)NAN;
    char name[64];
    bti_op op = BTI_OP_IDENTITY;
    bt_error why = {0};

    if (bti_streq(text, "all"))
        return append_all(c, h, w, err);
    snprintf(name, sizeof(name), "%.*s", (int)(n < sizeof(name) ? n : sizeof(name) - 1), text);
    bt_status rc = bti_op_parse(name, &op, &why);
    if (rc)
        return bti_fail(err, rc, "--under", "%s", why.text);
    const bti_op_info *info = bti_op_get(op);
    if (colon && !info->unit)
        return bti_fail(err, BT_INVAL, "--under", "%s takes no value, found '%s'", info->name,
                        text);
    if (info->unit &&
        (!colon || !bti_parse_double(colon + 1, &value) || value < info->lo || value > info->hi))
        return bti_fail(err, BT_INVAL, "--under",
                        "%s needs a number from %g to %g (%s), as %s:%g; found '%s'", info->name,
                        info->lo, info->hi, info->unit, info->name, info->levels.to, text);
    return append(c, op, value, err);
}

void bti_changes_release(bti_changes *c)
{
    bti_free(c->change);
    *c = (bti_changes){0};
}

bt_status bti_change_policy(bti_policy **out, const bti_change *change, bt_error *err)
{
    char text[128], number[32];

    if (isnan(change->value))
        snprintf(text, sizeof(text), "%s", bti_op_name(change->op));
    else
        snprintf(text, sizeof(text), "%s:%s", bti_op_name(change->op),
                 bti_format_double(number, change->value));
    return bti_policy_parse(out, text, err);
}
