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
    BTI_TAIL_FOLDED,    /* shift and bounds: what is left of a normalisation in the weights */
    BTI_TAIL_FOLDED_HARDSWISH,
    BTI_TAIL_FOLDED_ADD, /* FOLDED, then r is added */
} bti_tail_kind;

/* Of one channel block. */
typedef struct tail {
    vf mean, scale, beta, low, high;
    const elem *x, *origin; /* what is read along (NULL: nothing), where y has `origin` */
} tail;

VINLINE bti_tail_kind tail_kind(const bti_simd_tail *t)
{
    if (!t)
        return BTI_TAIL_NONE;
    if (t->shift && t->r)
        return BTI_TAIL_FOLDED_ADD;
    if (t->shift)
        return t->act == BTI_ACT_HARDSWISH ? BTI_TAIL_FOLDED_HARDSWISH : BTI_TAIL_FOLDED;
    if (!t->x)
        return BTI_TAIL_SUMS;
    return t->act == BTI_ACT_HARDSWISH ? BTI_TAIL_HARDSWISH : BTI_TAIL_BOX;
}

VINLINE bool tail_folds(bti_tail_kind kind)
{
    return kind >= BTI_TAIL_FOLDED;
}

/* `origin`: start of y, block `cb`. */
VINLINE tail tail_of(const bti_simd_tail *t, bti_tail_kind kind, const elem *origin, int cb)
{
    tail e = {0};
    if (kind == BTI_TAIL_NONE || kind == BTI_TAIL_SUMS)
        return e;
    const bool relu = t->act == BTI_ACT_RELU || t->act == BTI_ACT_RELU6;
    e.low = vset(relu ? 0 : -__builtin_inff());
    e.high = vset(t->act == BTI_ACT_RELU6 ? 6 : __builtin_inff());
    e.origin = origin;
    if (tail_folds(kind)) {
        e.beta = vload(t->shift + cb * VL);
        e.x = t->r;
        return e;
    }
    e.mean = vload(t->mean + cb * VL);
    e.scale = vload(t->scale + cb * VL);
    e.beta = vload(t->beta + cb * VL);
    e.x = t->x;
    return e;
}

VINLINE void tail_pixel(const tail *e, bti_tail_kind kind, vf y, elem *at, vf *s1, vf *s2)
{
    if (kind == BTI_TAIL_NONE) {
        vstore(at, y);
        return;
    }
    if (tail_folds(kind)) {
        y += e->beta;
        y = kind == BTI_TAIL_FOLDED_HARDSWISH ? vact(BTI_ACT_HARDSWISH, y)
                                              : vmin(e->high, vmax(e->low, y));
        if (kind == BTI_TAIL_FOLDED_ADD)
            y += vload(e->x + (at - e->origin));
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

/* CALL(kind) with a constant: those of a backward pass, those of a forward pass. */
#if VTEMPLATES
#define TAIL_CASE(kind, CALL)                                                                      \
    case kind:                                                                                     \
        CALL(kind);                                                                                \
        break;
#define BACK_TAILS(to, CALL)                                                                       \
    switch (tail_kind(to)) {                                                                       \
        TAIL_CASE(BTI_TAIL_BOX, CALL)                                                              \
        TAIL_CASE(BTI_TAIL_HARDSWISH, CALL)                                                        \
    default:                                                                                       \
        CALL(BTI_TAIL_NONE);                                                                       \
    }
#define FORWARD_TAILS(to, CALL)                                                                    \
    switch (tail_kind(to)) {                                                                       \
        TAIL_CASE(BTI_TAIL_SUMS, CALL)                                                             \
        TAIL_CASE(BTI_TAIL_FOLDED, CALL)                                                           \
        TAIL_CASE(BTI_TAIL_FOLDED_HARDSWISH, CALL)                                                 \
        TAIL_CASE(BTI_TAIL_FOLDED_ADD, CALL)                                                       \
    default:                                                                                       \
        CALL(BTI_TAIL_NONE);                                                                       \
    }

#else
#define BACK_TAILS(to, CALL) CALL(tail_kind(to));
#define FORWARD_TAILS(to, CALL) CALL(tail_kind(to));
#endif

#endif
