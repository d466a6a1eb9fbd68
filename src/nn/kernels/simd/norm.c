/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch normalisation in as few passes over memory as it can be done (Ioffe and Szegedy 2015), with
 * the activation and the residual addition inside. The normalised map is recomputed in the backward
 * pass from x, so nothing but x is kept.
 *
 * Sums run in float lanes over at most RUN pixels and are then added to doubles.
 */
#include "nn/kernels/simd/simd_int.h"
#include "nn/kernels/simd/vec_act.h"

#define RUN 1024
#define CHAINS 4 /* independent sums: one chain would wait for the adder */

typedef struct sums {
    vf a[CHAINS], b[CHAINS];
    int pixels; /* since the last flush */
} sums;

VINLINE void sums_flush(sums *s, double *a, double *b)
{
    vflush(a, (s->a[0] + s->a[1]) + (s->a[2] + s->a[3]));
    vflush(b, (s->b[0] + s->b[1]) + (s->b[2] + s->b[3]));
    *s = (sums){};
}

VINLINE void stats_pixel(const elem *x, vf pivot, vf *a, vf *b)
{
    const vf d = vload(x) - pivot;
    *a += d;
    *b += d * d;
}

VINLINE void stats_run(const elem *x, int n, vf pivot, sums *s)
{
    int j = 0;
    for (; j + CHAINS <= n; j += CHAINS)
        for (int t = 0; t < CHAINS; t++)
            stats_pixel(x + (int64_t)(j + t) * VL, pivot, &s->a[t], &s->b[t]);
    for (; j < n; j++)
        stats_pixel(x + (int64_t)j * VL, pivot, &s->a[0], &s->b[0]);
    s->pixels += n;
}

/* Merges n samples with sum `first` and square sum `second` of deviations from pivot. */
static void merge(vf pivot, const double *first, const double *second, double n, double seen,
                  double *mean, double *m2)
{
    for (int l = 0; l < VL; l++) {
        const double part = (double)pivot[l] + first[l] / n;
        const double dev = second[l] - first[l] * first[l] / n;
        if (seen > 0) {
            const double delta = part - mean[l];
            m2[l] += dev + delta * delta * seen * n / (seen + n);
            mean[l] += delta * n / (seen + n);
        } else {
            m2[l] = dev;
            mean[l] = part;
        }
    }
}

void SIMD(stats)(const bti_simd_map *m, const void *map, double *mean, double *m2, int64_t seen)
{
    const elem *x = map;

    for (int cb = 0; cb < m->cb; cb++) {
        /* Deviations from one pixel of each channel: no cancellation when the mean is large. */
        const vf pivot = vload(x + (int64_t)cb * m->hw * VL);
        double first[VL] = {0}, second[VL] = {0};
        sums s = {};
        for (int i = 0; i < m->n; i++)
            for (int j = 0; j < m->hw; j += RUN) {
                const int64_t at = ((int64_t)i * m->cb + cb) * m->hw + j;
                stats_run(x + at * VL, m->hw - j < RUN ? m->hw - j : RUN, pivot, &s);
                if (s.pixels >= RUN)
                    sums_flush(&s, first, second);
            }
        sums_flush(&s, first, second);
        merge(pivot, first, second, (double)m->n * m->hw, (double)seen, mean + cb * VL,
              m2 + cb * VL);
    }
}

/* What one channel block needs, in registers. */
typedef struct affine {
    vf mean, scale, beta;
    vf shift; /* beta - mean * scale */
} affine;

VINLINE affine affine_of(const bti_simd_norm *p, int cb)
{
    affine f = {vload(p->mean + cb * VL), vload(p->scale + cb * VL), vload(p->beta + cb * VL),
                vset(0)};
    f.shift = f.beta - f.mean * f.scale;
    return f;
}

/* In bf16, x is rounded so much that a mean far from 0 loses nothing more here. */
VINLINE vf affine_z(const affine *f, vf x)
{
#if BTI_BF16
    return x * f->scale + f->shift;
#else
    return (x - f->mean) * f->scale + f->beta;
#endif
}

VINLINE void norm_planes(const bti_simd_norm *p, const elem *x, const elem *r, elem *y, bti_act act,
                         bti_simd_join join)
{
    const bti_simd_map *m = &p->map;
    const vf mask = vmask(m->tail);
    for (int i = 0; i < m->n; i++)
        for (int cb = 0; cb < m->cb; cb++) {
            const affine f = affine_of(p, cb);
            const bool padded = vact_lifts_zero(act) && cb == m->cb - 1 && m->tail < VL;
            for (int j = 0; j < m->hw; j++, x += VL, y += VL) {
                vf z = affine_z(&f, vload(x));
                if (join == BTI_JOIN_ADD_ACT)
                    z += vload(r);
                z = vact(act, z);
                if (padded)
                    z *= mask;
                if (join == BTI_JOIN_ACT_ADD)
                    z += vload(r);
                if (join != BTI_JOIN_NONE)
                    r += VL;
                vstore(y, z);
            }
        }
}

void SIMD(norm)(const bti_simd_norm *p, const void *x, const void *r, void *y)
{

#define NORM_NONE(act) norm_planes(p, x, NULL, y, act, BTI_JOIN_NONE)
#define NORM_ACT_ADD(act) norm_planes(p, x, r, y, act, BTI_JOIN_ACT_ADD)
#define NORM_ADD_ACT(act) norm_planes(p, x, r, y, act, BTI_JOIN_ADD_ACT)
    switch (p->join) {
    case BTI_JOIN_NONE:
        FUSED_ACTS(p->act, NORM_NONE)
        break;
    case BTI_JOIN_ACT_ADD:
        FUSED_ACTS(p->act, NORM_ACT_ADD)
        break;
    case BTI_JOIN_ADD_ACT:
        FUSED_ACTS(p->act, NORM_ADD_ACT)
        break;
    }
}

VINLINE void reduce_pixel(const elem *x, const elem *r, elem *dy, const affine *f, bti_act act,
                          bool joined, vf *a, vf *b)
{
    const vf d = vload(x) - f->mean;
    vf z = d * f->scale + f->beta;
    if (joined)
        z += vload(r);
    const vf dz = vact_back(act, z, vload(dy));
    if (joined)
        vstore(dy, dz);
    *a += dz;
    *b += dz * d;
}

VINLINE void reduce_run(const elem *x, const elem *r, elem *dy, int n, const affine *f, bti_act act,
                        bool joined, sums *s)
{
    int j = 0;
    for (; j + CHAINS <= n; j += CHAINS)
        for (int t = 0; t < CHAINS; t++) {
            const int64_t at = (int64_t)(j + t) * VL;
            reduce_pixel(x + at, joined ? r + at : NULL, dy + at, f, act, joined, &s->a[t],
                         &s->b[t]);
        }
    for (; j < n; j++) {
        const int64_t at = (int64_t)j * VL;
        reduce_pixel(x + at, joined ? r + at : NULL, dy + at, f, act, joined, &s->a[0], &s->b[0]);
    }
    s->pixels += n;
}

VINLINE void reduce_planes(const bti_simd_norm *p, const elem *x, const elem *r, elem *dy,
                           double *s1, double *s2, bti_act act, bool joined)
{
    const bti_simd_map *m = &p->map;
    for (int cb = 0; cb < m->cb; cb++) {
        const affine f = affine_of(p, cb);
        sums s = {};
        for (int i = 0; i < m->n; i++)
            for (int j = 0; j < m->hw; j += RUN) {
                const int64_t at = (((int64_t)i * m->cb + cb) * m->hw + j) * VL;
                reduce_run(x + at, joined ? r + at : NULL, dy + at,
                           m->hw - j < RUN ? m->hw - j : RUN, &f, act, joined, &s);
                if (s.pixels >= RUN)
                    sums_flush(&s, s1 + cb * VL, s2 + cb * VL);
            }
        sums_flush(&s, s1 + cb * VL, s2 + cb * VL);
    }
}

void SIMD(norm_reduce)(const bti_simd_norm *p, const void *x, const void *r, void *dy, double *s1,
                       double *s2)
{

#define REDUCE(act) reduce_planes(p, x, NULL, dy, s1, s2, act, false)
#define REDUCE_JOINED(act) reduce_planes(p, x, r, dy, s1, s2, act, true)
    if (p->join == BTI_JOIN_ADD_ACT) {
        FUSED_ACTS(p->act, REDUCE_JOINED)
    } else {
        FUSED_ACTS(p->act, REDUCE)
    }
}

VINLINE void apply_planes(const bti_simd_norm *p, const float *abc, const elem *x, const elem *dy,
                          elem *dx, bti_act act)
{
    const bti_simd_map *m = &p->map;
    const int64_t channels = (int64_t)m->cb * VL;
    for (int i = 0; i < m->n; i++)
        for (int cb = 0; cb < m->cb; cb++) {
            const affine f = affine_of(p, cb);
            const vf a = vload(abc + cb * VL), b = vload(abc + channels + cb * VL);
            const vf c = vload(abc + 2 * channels + cb * VL);
            for (int j = 0; j < m->hw; j++, x += VL, dy += VL, dx += VL) {
                const vf d = vload(x) - f.mean;
                const vf dz = vact_back(act, d * f.scale + f.beta, vload(dy));
                vstore(dx, a * dz + (b * d + c));
            }
        }
}

void SIMD(norm_apply)(const bti_simd_norm *p, const float *abc, const void *x, const void *dy,
                      void *dx)
{

#define APPLY(act) apply_planes(p, abc, x, dy, dx, act)
    /* norm_reduce has already taken dy through an activation behind the addition. */
    FUSED_ACTS(p->join == BTI_JOIN_ADD_ACT ? BTI_ACT_IDENTITY : p->act, APPLY)
}
