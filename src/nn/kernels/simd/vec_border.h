/* SPDX-License-Identifier: Apache-2.0
 *
 * A plane of a bf16 map copied into a border of zeros, two rows to a vector of pairs: one
 * instruction then takes in two taps of a column, no tap asks where the edge is, and nothing is
 * shuffled in the loops. What lies before or behind the plane in the network (normalisation and
 * activation, or the gradient of a normalisation) is computed on the way in. Private to simd/'s
 * bf16 sets.
 */
#ifndef BTI_VEC_BORDER_H
#define BTI_VEC_BORDER_H

#include "nn/kernels/simd/simd.h"
#include "nn/kernels/simd/vec_act.h"
#include "nn/kernels/simd/vec_pair.h"

#define PAIR (2 * VL) /* numbers of a vector of pairs */

/* Vector (q, c) holds column c of two rows: with gap 1 rows 2q and 2q + 1, with gap 2 (for windows
 * of stride 2) rows f and f + 2 of every four, f = q % 2. Pixel (0, 0) is in row `top`, column
 * `left`. */
typedef struct border {
    uint16_t *at;
    int wide, pairs; /* columns, rows of vectors */
    int top, left;
    int gap;
} border;

VINLINE size_t border_elems(const border *b)
{
    return (size_t)b->wide * (size_t)b->pairs * PAIR;
}

VINLINE uint16_t *border_at(const border *b, int q, int column)
{
    return b->at + ((int64_t)q * b->wide + column) * PAIR;
}

typedef enum pass_kind {
    PASS_COPY,
    PASS_BOX,       /* normalised, then an activation that only bounds */
    PASS_HARDSWISH, /* normalised, then hard-swish */
    PASS_APPLY,     /* the gradient before a normalisation, as norm_apply */
} pass_kind;

/* Of one channel block: v -> v * scale + shift, bounded; APPLY adds other * slope. */
typedef struct pass {
    vf scale, shift, slope, low, high;
} pass;

VINLINE pass_kind pass_kind_of(const bti_simd_norm *pre)
{
    if (!pre)
        return PASS_COPY;
    return pre->act == BTI_ACT_HARDSWISH ? PASS_HARDSWISH : PASS_BOX;
}

VINLINE pass pass_of(const bti_simd_norm *norm, const float *abc, int cb, pass_kind kind)
{
    pass p = {0};
    if (kind == PASS_COPY)
        return p;
    const vf mean = vload(norm->mean + cb * VL);
    if (kind == PASS_APPLY) {
        const int channels = norm->map.cb * VL;
        p.scale = vload(abc + cb * VL);
        p.slope = vload(abc + channels + cb * VL);
        p.shift = vload(abc + 2 * channels + cb * VL) - p.slope * mean;
        return p;
    }
    const bool relu = norm->act == BTI_ACT_RELU || norm->act == BTI_ACT_RELU6;
    p.scale = vload(norm->scale + cb * VL);
    p.shift = vload(norm->beta + cb * VL) - mean * p.scale;
    p.low = vset(relu ? 0 : -__builtin_inff());
    p.high = vset(norm->act == BTI_ACT_RELU6 ? 6 : __builtin_inff());
    return p;
}

/* `other`: the pixel of the second map, for APPLY. */
VINLINE vf pass_pixel(const pass *p, const elem *x, const elem *other, pass_kind kind)
{
    const vf v = vload(x) * p->scale + p->shift;
    if (kind == PASS_APPLY)
        return v + vload(other) * p->slope;
    return kind == PASS_HARDSWISH ? vact(BTI_ACT_HARDSWISH, v) : vmin(p->high, vmax(p->low, v));
}

/* Brings n numbers near: planes pass into borders faster than memory gives them, so the loops that
 * compute ask for the next plane. */
VINLINE void fetch(const elem *p, int64_t n)
{
    for (int64_t i = 0; i < n; i += PAIR)
        __builtin_prefetch(p + i, 0, 2);
}

/* Where a row of a plane lies in the map, and in the second map; NULL: it is zero. */
typedef struct row {
    const elem *x, *other;
} row;

VINLINE vf row_pixel(const pass *p, const row *r, int j, pass_kind kind)
{
    return r->x ? pass_pixel(p, r->x + j, r->other + j, kind) : vset(0);
}

VINLINE void pass_rows(const pass *p, row a, row b, int w, uint16_t *to, pass_kind kind)
{
    static const elem zero[VL];
    if (kind == PASS_COPY) {
        for (int j = 0; j < w * VL; j += VL)
            vpair_store(to + 2 * j, vpair_two(a.x ? a.x + j : zero, b.x ? b.x + j : zero));
    } else if (a.x && b.x) {
        for (int j = 0; j < w * VL; j += VL)
            vpair_store(to + 2 * j, vpair_round(pass_pixel(p, a.x + j, a.other + j, kind),
                                                pass_pixel(p, b.x + j, b.other + j, kind)));
    } else {
        for (int j = 0; j < w * VL; j += VL)
            vpair_store(to + 2 * j,
                        vpair_round(row_pixel(p, &a, j, kind), row_pixel(p, &b, j, kind)));
    }
}

/* A plane of block cb: x (h, w), and for APPLY the second map's. */
typedef struct plane {
    const elem *x, *other;
    int h, w, cb;
} plane;

VINLINE row row_of(const plane *f, int r, pass_kind kind)
{
    if (r < 0 || r >= f->h)
        return (row){0};
    const int64_t at = (int64_t)r * f->w * VL;
    return (row){f->x + at, kind == PASS_APPLY ? f->other + at : f->x + at};
}

VINLINE void enclose_kind(const border *b, const bti_simd_norm *norm, const float *abc,
                          const plane *f, pass_kind kind)
{
    const size_t pixel = PAIR * sizeof(uint16_t);
    const pass p = pass_of(norm, abc, f->cb, kind);
    for (int q = 0; q < b->pairs; q++) {
        uint16_t *to = border_at(b, q, 0);
        const int r = (b->gap == 1 ? 2 * q : 2 * q - q % 2) - b->top;
        const row one = row_of(f, r, kind), two = row_of(f, r + b->gap, kind);
        if (!one.x && !two.x) {
            memset(to, 0, (size_t)b->wide * pixel);
            continue;
        }
        memset(to, 0, (size_t)b->left * pixel);
        pass_rows(&p, one, two, f->w, to + b->left * PAIR, kind);
        memset(to + (b->left + f->w) * PAIR, 0, (size_t)(b->wide - b->left - f->w) * pixel);
    }
}

/* Through the normalisation `pre` (NULL: as it is). */
static void enclose(const border *b, const bti_simd_norm *pre, const plane *f)
{
    switch (pass_kind_of(pre)) {
    case PASS_BOX:
        enclose_kind(b, pre, NULL, f, PASS_BOX);
        break;
    case PASS_HARDSWISH:
        enclose_kind(b, pre, NULL, f, PASS_HARDSWISH);
        break;
    default:
        enclose_kind(b, NULL, NULL, f, PASS_COPY);
    }
}

#endif
