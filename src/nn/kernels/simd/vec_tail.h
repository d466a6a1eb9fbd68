/* SPDX-License-Identifier: Apache-2.0
 *
 * What a bf16 convolution does with a result while it is still in a register: store it, add it up
 * for batch statistics, or take it back through the normalisation before and add up for that one's
 * gradients. Private to simd/'s bf16 sets.
 */
#ifndef BTI_VEC_TAIL_H
#define BTI_VEC_TAIL_H

#include "nn/kernels/simd/simd.h"
#include "nn/kernels/simd/vec_act.h"
#include "nn/kernels/simd/vec_pair.h"

typedef enum bti_tail_kind {
    BTI_TAIL_NONE,
    BTI_TAIL_SUMS,      /* sums of y and y * y */
    BTI_TAIL_BOX,       /* back through an activation whose slope is 1 within bounds, else 0 */
    BTI_TAIL_HARDSWISH, /* back through hard-swish */
} bti_tail_kind;

/* Of one channel block. */
typedef struct tail {
    vf mean, scale, beta, low, high;
    const elem *x, *origin; /* the normalisation's input, where y has `origin` */
} tail;

VINLINE bti_tail_kind tail_kind(const bti_simd_tail *t)
{
    if (!t)
        return BTI_TAIL_NONE;
    if (!t->x)
        return BTI_TAIL_SUMS;
    return t->act == BTI_ACT_HARDSWISH ? BTI_TAIL_HARDSWISH : BTI_TAIL_BOX;
}

/* `origin`: start of y, block `cb`. */
VINLINE tail tail_of(const bti_simd_tail *t, bti_tail_kind kind, const elem *origin, int cb)
{
    tail e = {0};
    if (kind != BTI_TAIL_BOX && kind != BTI_TAIL_HARDSWISH)
        return e;
    const bool relu = t->act == BTI_ACT_RELU || t->act == BTI_ACT_RELU6;
    e.mean = vload(t->mean + cb * VL);
    e.scale = vload(t->scale + cb * VL);
    e.beta = vload(t->beta + cb * VL);
    e.low = vset(relu ? 0 : -__builtin_inff());
    e.high = vset(t->act == BTI_ACT_RELU6 ? 6 : __builtin_inff());
    e.x = t->x;
    e.origin = origin;
    return e;
}

VINLINE void tail_pixel(const tail *e, bti_tail_kind kind, vf y, elem *at, vf *s1, vf *s2)
{
    if (kind == BTI_TAIL_NONE) {
        vstore(at, y);
        return;
    }
    if (kind == BTI_TAIL_SUMS) {
        vstore(at, y);
        *s1 += y;
        *s2 += y * y;
        return;
    }
    const vf d = vload(e->x + (at - e->origin)) - e->mean;
    const vf z = d * e->scale + e->beta;
    if (kind == BTI_TAIL_HARDSWISH)
        y = vact_back(BTI_ACT_HARDSWISH, z, y);
    else
        y = vgt(z, e->low, vgt(e->high, z, y, vset(0)), vset(0));
    vstore(at, y);
    *s1 += y;
    *s2 += y * d;
}

/* CALL(kind) with a constant. */
#if VTEMPLATES
#define TAILS(to, CALL)                                                                            \
    switch (tail_kind(to)) {                                                                       \
    case BTI_TAIL_NONE:                                                                            \
        CALL(BTI_TAIL_NONE);                                                                       \
        break;                                                                                     \
    case BTI_TAIL_SUMS:                                                                            \
        CALL(BTI_TAIL_SUMS);                                                                       \
        break;                                                                                     \
    case BTI_TAIL_BOX:                                                                             \
        CALL(BTI_TAIL_BOX);                                                                        \
        break;                                                                                     \
    case BTI_TAIL_HARDSWISH:                                                                       \
        CALL(BTI_TAIL_HARDSWISH);                                                                  \
        break;                                                                                     \
    }

#else
#define TAILS(to, CALL) CALL(tail_kind(to));
#endif

#endif
