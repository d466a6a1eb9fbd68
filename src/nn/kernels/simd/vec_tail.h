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

/* Of one channel block. The activation lets gradients of x between low and high pass (BOX); z = x *
 * scale + shift (HARDSWISH). */
typedef struct tail {
    vf mean, scale, shift, low, high;
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
    if (kind != BTI_TAIL_BOX && kind != BTI_TAIL_HARDSWISH)
        return e;
    const vf beta = vload(t->beta + cb * VL);
    e.mean = vload(t->mean + cb * VL);
    e.scale = vload(t->scale + cb * VL);
    e.shift = beta - e.mean * e.scale;
    e.low = vset(-__builtin_inff());
    e.high = vset(__builtin_inff());
    if (t->act == BTI_ACT_RELU || t->act == BTI_ACT_RELU6)
        tail_bounds(&e, t->act, beta);
    e.x = t->x;
    e.origin = origin;
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
