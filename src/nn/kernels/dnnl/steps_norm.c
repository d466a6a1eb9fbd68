/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch normalisation: the passes over the maps are kernels (simd/norm.c), here are the few numbers
 * a channel between them. eps 1e-5, momentum 0.1, the biased variance normalises and the unbiased
 * one is kept, as in PyTorch.
 */
#include "nn/kernels/dnnl/steps.h"

#include <math.h>

#define EPS 1e-5
#define MOMENTUM 0.1

static bti_norm *norm_of(bti_engine *e, const bti_step *s)
{
    return &e->norm[e->op[s->op].norm];
}

static const float *tensor(const bti_engine *e, int t)
{
    return e->param + e->slot[t].offset;
}

static bti_simd_norm kernel_of(const bti_run *r, const bti_fused *op)
{
    const bti_norm *n = &r->e->norm[op->norm];
    return (bti_simd_norm){.map = bti_fmap_shape(r->e, n->value, r->n),
                           .mean = n->mean,
                           .scale = n->scale,
                           .beta = tensor(r->e, n->tensor_beta),
                           .act = op->act,
                           .join = op->join};
}

/* The two sums that thread t keeps for this normalisation. */
static double *part_of(const bti_norm *n, int thread)
{
    return n->part + (int64_t)thread * 2 * n->channels;
}

void bti_step_norm(const bti_run *r, const bti_step *s)
{
    const bti_simd_norm p = kernel_of(r, &r->e->op[s->op]);
    r->e->op[s->op].simd->norm(&p, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]),
                               bti_run_at(r, s->b[2]));
}

void bti_step_stats(const bti_run *r, const bti_step *s)
{
    const bti_norm *n = norm_of(r->e, s);
    const bti_simd_map m = bti_fmap_shape(r->e, n->value, r->n);
    double *part = part_of(n, r->thread);
    r->e->op[s->op].simd->stats(&m, bti_run_at(r, s->b[0]), part, part + n->channels,
                                (int64_t)r->seen * m.hw);
}

/* Samples a channel that thread t saw in this segment. */
static double samples_of(const bti_engine *e, const bti_norm *n, int segment, int t)
{
    int lo, hi;
    bti_engine_share(e, segment, t, &lo, &hi);
    const bti_fmap *v = &e->value[n->value];
    return (double)(hi - lo) * e->segment[segment].chunk * v->h * v->w;
}

/* Merges the threads' statistics in thread order (Chan, Golub and LeVeque 1983) into thread 0's. */
static double merge_threads(const bti_engine *e, const bti_norm *n, int segment)
{
    double *mean = part_of(n, 0), *m2 = mean + n->channels;
    double seen = samples_of(e, n, segment, 0);
    for (int t = 1; t < e->opt.threads; t++) {
        const double more = samples_of(e, n, segment, t);
        const double *part = part_of(n, t);
        if (more == 0)
            continue;
        for (int c = 0; c < n->channels; c++) {
            const double delta = part[c] - mean[c];
            m2[c] += part[n->channels + c] + delta * delta * seen * more / (seen + more);
            mean[c] += delta * more / (seen + more);
        }
        seen += more;
    }
    return seen;
}

static void set_scale(const bti_engine *e, bti_norm *n, int c, double mean, double var)
{
    n->mean[c] = (float)mean;
    n->invstd[c] = (float)(1 / sqrt(var + EPS));
    n->scale[c] = tensor(e, n->tensor_gamma)[c] * n->invstd[c];
}

const bti_simd_norm *bti_step_pre(const bti_run *r, const bti_step *s, bti_simd_norm *norm)
{
    const int pre = r->e->op[s->op].pre;
    if (pre < 0)
        return NULL;
    *norm = kernel_of(r, &r->e->op[pre]);
    return norm;
}

const bti_simd_norm *bti_step_post(const bti_run *r, const bti_step *s, bti_simd_norm *norm,
                                   const float **abc)
{
    const int post = r->e->op[s->op].post;
    if (post < 0)
        return NULL;
    *norm = kernel_of(r, &r->e->op[post]);
    *abc = r->e->norm[r->e->op[post].norm].abc;
    return norm;
}

const bti_simd_tail *bti_step_tail(const bti_run *r, const bti_step *s, int x, bti_simd_tail *tail)
{
    if (s->norm < 0 || !r->training)
        return NULL;
    const bti_norm *n = &r->e->norm[s->norm];
    double *part = part_of(n, r->thread);
    if (!r->seen)
        memset(part, 0, (size_t)(2 * n->channels) * sizeof(*part));
    *tail = (bti_simd_tail){.sum = part,
                            .x = bti_run_at(r, x),
                            .mean = n->mean,
                            .scale = n->scale,
                            .beta = tensor(r->e, n->tensor_beta),
                            .act = r->e->op[n->op].act};
    return tail;
}

/* Adds the threads' sums to thread 0's, in thread order; returns the samples a channel. */
static double merge_sums(const bti_engine *e, const bti_norm *n, int segment)
{
    double samples = samples_of(e, n, segment, 0);
    for (int t = 1; t < e->opt.threads; t++) {
        if (samples_of(e, n, segment, t) == 0)
            continue;
        samples += samples_of(e, n, segment, t);
        for (int k = 0; k < 2 * n->channels; k++)
            part_of(n, 0)[k] += part_of(n, t)[k];
    }
    return samples;
}

/* Both forms of a channel's statistics: merged moments, or sums block by block. */
static void moments_of(const bti_engine *e, const bti_norm *n, bool sums, double samples, int c,
                       double *mean, double *m2)
{
    const double *part = part_of(n, 0);
    const int lanes = e->simd->lanes;
    if (!sums) {
        *mean = part[c];
        *m2 = part[n->channels + c];
        return;
    }
    part += c + c / lanes * lanes;
    *mean = part[0] / samples;
    *m2 = fmax(0, part[lanes] - part[0] * *mean);
}

void bti_finish_stats(bti_engine *e, const bti_step *s, int segment)
{
    const bool sums = s->norm >= 0;
    bti_norm *n = sums ? &e->norm[s->norm] : norm_of(e, s);
    const double samples = sums ? merge_sums(e, n, segment) : merge_threads(e, n, segment);
    const bti_fmap *v = &e->value[n->value];
    for (int c = 0; c < n->channels; c++) {
        double mean, m2;
        moments_of(e, n, sums, samples, c, &mean, &m2);
        set_scale(e, n, c, mean, m2 / samples);
        if (c >= v->c)
            continue;
        const double unbiased = m2 / (samples > 1 ? samples - 1 : 1);
        n->running_mean[c] = (float)((1 - MOMENTUM) * n->running_mean[c] + MOMENTUM * mean);
        n->running_var[c] = (float)((1 - MOMENTUM) * n->running_var[c] + MOMENTUM * unbiased);
    }
}

void bti_norm_use_running(bti_engine *e)
{
    for (int i = 0; i < e->n_norms; i++)
        for (int c = 0; c < e->norm[i].channels; c++)
            set_scale(e, &e->norm[i], c, e->norm[i].running_mean[c], e->norm[i].running_var[c]);
}

void bti_step_norm_reduce(const bti_run *r, const bti_step *s)
{
    const bti_norm *n = norm_of(r->e, s);
    const bti_simd_norm p = kernel_of(r, &r->e->op[s->op]);
    double *part = part_of(n, r->thread);
    if (!r->seen)
        memset(part, 0, (size_t)(2 * n->channels) * sizeof(*part));
    r->e->op[s->op].simd->norm_reduce(&p, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]),
                                      bti_run_at(r, s->b[2]), part, part + n->channels);
}

/* With d = x - mean and sums over all samples: dbeta = sum dz, dgamma = sum dz d * invstd and
 * dx = scale * (dz - mean(dz) - d * invstd^2 * mean(dz d)), written as a dz + b d + c. */
void bti_finish_norm_reduce(bti_engine *e, const bti_step *s, int segment)
{
    const bool sums = s->norm >= 0; /* by a convolution, block by block */
    bti_norm *n = sums ? &e->norm[s->norm] : norm_of(e, s);
    const int lanes = e->simd->lanes, second = sums ? lanes : n->channels;
    float *dgamma = e->grad + e->slot[n->tensor_gamma].offset;
    float *dbeta = e->grad + e->slot[n->tensor_beta].offset;
    const bti_fmap *v = &e->value[n->value];
    const double samples = (double)e->opt.batch * v->h * v->w;
    for (int c = 0; c < n->channels; c++) {
        double s1 = 0, s2 = 0;
        for (int t = 0; t < e->opt.threads; t++) {
            if (samples_of(e, n, segment, t) == 0)
                continue;
            const double *part = part_of(n, t) + (sums ? c + c / lanes * lanes : c);
            s1 += part[0];
            s2 += part[second];
        }
        const double scale = n->scale[c], invstd = n->invstd[c];
        dbeta[c] = (float)s1;
        dgamma[c] = c < v->c ? (float)(s2 * invstd) : 0;
        n->abc[c] = (float)scale;
        n->abc[n->channels + c] = (float)(-scale * invstd * invstd * s2 / samples);
        n->abc[2 * n->channels + c] = (float)(-scale * s1 / samples);
    }
}

void bti_step_norm_apply(const bti_run *r, const bti_step *s)
{
    const bti_norm *n = norm_of(r->e, s);
    bti_simd_norm p = kernel_of(r, &r->e->op[s->op]);
    if (r->e->op[s->op].reduced)
        p.act = BTI_ACT_IDENTITY; /* the sums were made of what has passed it */
    r->e->op[s->op].simd->norm_apply(&p, n->abc, bti_run_at(r, s->b[0]), bti_run_at(r, s->b[1]),
                                     bti_run_at(r, s->b[2]));
}

int64_t bti_norm_state(bti_engine *e, float *at)
{
    int64_t floats = 0;
    for (int i = 0; i < e->n_norms; i++) {
        bti_norm *n = &e->norm[i];
        const int64_t c = n->channels; /* a multiple of the block: all parts stay aligned */
        if (at) {
            n->mean = at + floats;
            n->scale = n->mean + c;
            n->invstd = n->scale + c;
            n->running_mean = n->invstd + c;
            n->running_var = n->running_mean + c;
            n->abc = n->running_var + c;
            n->part = (double *)(void *)(n->abc + 3 * c);
            for (int64_t k = 0; k < c; k++)
                n->running_var[k] = 1;
        }
        floats += 8 * c + (int64_t)e->opt.threads * 4 * c;
    }
    return floats;
}
