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

/* Of one channel block. BOX: gradients of x between low and high pass. HARDSWISH: z = x * scale +
 * shift. FOLDED: y + shift, bounded by low and high. */
typedef struct tail {
    vf mean, scale, shift, low, high;
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

/* Where z = level; at the end that never is where the slope is 0. */
VINLINE vf tail_bound(float level, vf beta, vf scale, vf mean)
{
    return (level - beta) / scale + mean;
}

/* The x for which 0 < z, and z < 6 with RELU6. */
VINLINE void tail_bounds(tail *e, bti_act act, vf beta)
{
    const vf zero = vset(0), never = vset(__builtin_inff());
    const vf first = tail_bound(0, beta, e->scale, e->mean);
    const vf last = act == BTI_ACT_RELU6 ? tail_bound(6, beta, e->scale, e->mean)
                                         : vgt(e->scale, zero, never, -never);
    const vf open =
        vgt(beta, zero, act == BTI_ACT_RELU6 ? vgt(vset(6), beta, -never, never) : -never,
            never); /* where scale is 0: all x or none */
    e->low = vgt(e->scale, zero, first, vgt(zero, e->scale, last, open));
    e->high = vgt(e->scale, zero, last, vgt(zero, e->scale, first, never));
}

/* `origin`: start of y, block `cb`. */
VINLINE tail tail_of(const bti_simd_tail *t, bti_tail_kind kind, const elem *origin, int cb)
{
    tail e = {0};
    if (kind == BTI_TAIL_NONE || kind == BTI_TAIL_SUMS)
        return e;
    const bool relu = t->act == BTI_ACT_RELU || t->act == BTI_ACT_RELU6;
    e.low = vset(relu && tail_folds(kind) ? 0 : -__builtin_inff());
    e.high = vset(t->act == BTI_ACT_RELU6 ? 6 : __builtin_inff());
    e.origin = origin;
    if (tail_folds(kind)) {
        e.shift = vload(t->shift + cb * VL);
        e.x = t->r;
        return e;
    }
    const vf beta = vload(t->beta + cb * VL);
    e.mean = vload(t->mean + cb * VL);
    e.scale = vload(t->scale + cb * VL);
    e.shift = beta - e.mean * e.scale;
    e.x = t->x;
    if (relu)
        tail_bounds(&e, t->act, beta);
    return e;
}

/* Stores y where low < x < high, else 0, and adds. */
VINLINE void tail_box(const tail *e, vf x, vf y, elem *at, vf *s1, vf *s2)
{
#if defined(__AVX512BF16__)
    const __mmask16 above = _mm512_cmp_ps_mask((__m512)x, (__m512)e->low, _CMP_GT_OQ);
    const __mmask16 in = _mm512_mask_cmp_ps_mask(above, (__m512)e->high, (__m512)x, _CMP_GT_OQ);
    _mm256_storeu_si256((void *)at, (__m256i)_mm512_maskz_cvtneps_pbh(in, (__m512)y));
    *s1 = (vf)_mm512_mask_add_ps((__m512)*s1, in, (__m512)*s1, (__m512)y);
    *s2 = (vf)_mm512_mask3_fmadd_ps((__m512)y, (__m512)x, (__m512)*s2, in);
#else
    y = vgt(x, e->low, vgt(e->high, x, y, vset(0)), vset(0));
    vstore(at, y);
    *s1 += y;
    *s2 += y * x;
#endif
}

/* s1 and s2 take in y, and y * y or y * x; tail_flush makes y * (x - mean) of the latter. */
VINLINE void tail_pixel(const tail *e, bti_tail_kind kind, vf y, elem *at, vf *s1, vf *s2)
{
    if (kind == BTI_TAIL_NONE) {
        vstore(at, y);
        return;
    }
    if (tail_folds(kind)) {
        y += e->shift;
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
    const vf x = vload(e->x + (at - e->origin));
    if (kind == BTI_TAIL_BOX) {
        tail_box(e, x, y, at, s1, s2);
        return;
    }
    y = vact_back(BTI_ACT_HARDSWISH, x * e->scale + e->shift, y);
    vstore(at, y);
    *s1 += y;
    *s2 += y * x;
}

/* To doubles: in bf16, x is rounded so much that a mean far from 0 loses nothing more here. */
VINLINE void tail_flush(const tail *e, double *sum, vf s1, vf s2)
{
    for (int l = 0; l < VL; l++) {
        sum[l] += (double)s1[l];
        sum[VL + l] += (double)s2[l] - (double)e->mean[l] * (double)s1[l];
    }
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
