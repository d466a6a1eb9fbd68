/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of operations: names, values, and the one call that applies any of them.
 * The arithmetic lives in the files ops_*.c by family; a new operation adds a row to ops.def.
 */
#include "augment/augment.h"

#include "augment/op_int.h"
#include "base/error.h"
#include "base/str.h"
#include <math.h>
#include <strings.h>

#define LEVELS(from, to, scale)                                                                    \
    {                                                                                              \
        from, to, BTI_SCALE_##scale                                                                \
    }
#define STAY                                                                                       \
    {                                                                                              \
        BTI_BOXES_STAY, NULL, NULL                                                                 \
    }
#define HIDE(rect)                                                                                 \
    {                                                                                              \
        BTI_BOXES_HIDE, NULL, rect                                                                 \
    }
#define MOVE(map)                                                                                  \
    {                                                                                              \
        BTI_BOXES_MOVE, map, NULL                                                                  \
    }
#define FN(fn) fn, NULL, false
#define NEAREST(fn) fn, NULL, true
#define TONE(tone) NULL, tone, false
static const bti_op_info info_table[] = {
#define OP(id, name, unit, lo, hi, identity, levels, is_signed, draws, partner, boxes, pixels,     \
           source)                                                                                 \
    {name,    unit,  lo,     hi,    (double)(identity), levels, is_signed, draws,                  \
     partner, boxes, pixels, source},
#include "augment/ops.def"
#undef OP
};

const bti_op_info *bti_op_get(bti_op op)
{
    return &info_table[op];
}

const char *bti_op_name(bti_op op)
{
    return info_table[op].name;
}

bt_status bti_op_parse(const char *name, bti_op *op, bt_error *err)
{
    const char *names[BTI_OP_COUNT + 1];
    const char *near;

    for (int i = 0; i < BTI_OP_COUNT; i++) {
        names[i] = info_table[i].name;
        if (!strcasecmp(names[i], name)) {
            *op = (bti_op)i;
            return BT_OK;
        }
    }
    names[BTI_OP_COUNT] = NULL;
    near = bti_nearest(name, names);
    if (near)
        return bti_fail(err, BT_INVAL, "augment", "unknown operation '%s', did you mean '%s'?",
                        name, near);
    return bti_fail(err, BT_INVAL, "augment",
                    "unknown operation '%s', expected one of `bantam augment list`", name);
}

size_t bti_op_scratch(int h, int w, int c)
{
    size_t image = (size_t)h * (size_t)w * (size_t)c; /* a degenerate image to blend with */
    size_t side = (size_t)(h > w ? h : w);            /* taps of a resize; columns; lines */

    return image + side * 48 + 128;
}

void bti_op_apply(bti_op op, double value, const bti_op_image *im)
{
    const bti_op_info *info = &info_table[op];
    uint8_t to[3][256];

    if (!info->tone) {
        info->fn(value, im);
        return;
    }
    info->tone(value, im, NULL, to);
    bti_tone_look(im->dst, im->src, (size_t)im->h * (size_t)im->w, im->c,
                  (const uint8_t(*)[256])to);
}

void bti_op_identity(double value, const bti_op_image *im)
{
    (void)value;
    memcpy(im->dst, im->src, (size_t)im->h * (size_t)im->w * (size_t)im->c);
}
