/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges, histograms and means of every map over the calibration images.
 *
 * Images are dealt to a fixed number of shards that are summed in order, so that the result is the
 * same for any number of threads.
 */
#include "export/quantise.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/threads.h"
#include "export/run_f32.h"
#include <float.h>
#include <math.h>

#define SHARDS 8

typedef struct observing {
    const bti_folded *f;
    const bti_images *m;
    const bti_map_stats *total; /* ranges, in the second pass */
    bti_map_stats shard[SHARDS];
    int64_t channels; /* of all operations */
    float *arena;     /* one a thread */
    float *logits;
    bool count; /* second pass: fill bins */
} observing;

void bti_map_stats_release(bti_map_stats *o)
{
    if (!o)
        return;
    bti_free(o->lo);
    bti_free(o->hi);
    bti_free(o->bins);
    bti_free(o->first);
    bti_free(o->mean);
    bti_free(o->peak);
    *o = (bti_map_stats){0};
}

static int64_t count_channels(const bti_folded *f)
{
    int64_t n = 0;
    for (int i = 0; i < f->n_ops; i++)
        n += f->op[i].c;
    return n;
}

static bt_status observed_init(bti_map_stats *o, const bti_folded *f, bt_error *err)
{
    const size_t n = (size_t)f->n_ops, channels = (size_t)count_channels(f);

    *o = (bti_map_stats){.lo = bti_calloc(n, sizeof(*o->lo)),
                         .hi = bti_calloc(n, sizeof(*o->hi)),
                         .bins = bti_calloc(n, BTI_BINS * sizeof(*o->bins)),
                         .first = bti_calloc(n, sizeof(*o->first)),
                         .mean = bti_calloc(channels, sizeof(*o->mean)),
                         .peak = bti_calloc(channels, sizeof(*o->peak))};
    if (!o->lo || !o->hi || !o->bins || !o->first || !o->mean || !o->peak)
        return bti_fail_nomem(err);
    int64_t at = 0;
    for (int i = 0; i < f->n_ops; i++) {
        o->first[i] = at;
        at += f->op[i].c;
        o->lo[i] = FLT_MAX;
        o->hi[i] = -FLT_MAX;
    }
    return BT_OK;
}

static void see_range(bti_map_stats *o, const bti_folded_op *op, int i, const float *y)
{
    double *mean = o->mean + o->first[i];
    float *peak = o->peak + o->first[i], lo = o->lo[i], hi = o->hi[i];
    for (int p = 0; p < op->h * op->w; p++, y += op->c)
        for (int c = 0; c < op->c; c++) {
            lo = y[c] < lo ? y[c] : lo;
            hi = y[c] > hi ? y[c] : hi;
            peak[c] = fabsf(y[c]) > peak[c] ? fabsf(y[c]) : peak[c];
            mean[c] += (double)y[c];
        }
    o->lo[i] = lo;
    o->hi[i] = hi;
}

static void see_bins(bti_map_stats *o, const bti_map_stats *range, int64_t size, int i,
                     const float *y)
{
    const float lo = range->lo[i], width = range->hi[i] - lo;
    int64_t *bins = o->bins + (int64_t)i * BTI_BINS;
    for (int64_t j = 0; j < size; j++) {
        int b = width > 0 ? (int)((y[j] - lo) / width * BTI_BINS) : 0;
        bins[b < BTI_BINS ? b : BTI_BINS - 1]++;
    }
}

static void see_shard(void *ctx, int64_t shard, int thread)
{
    observing *s = ctx;
    const bti_folded *f = s->f;
    bti_map_stats *o = &s->shard[shard];
    const int64_t pixels = (int64_t)f->in_h * f->in_w * f->in_c;

    for (int64_t m = shard; m < s->m->n; m += SHARDS) {
        const uint8_t *image = s->m->pixels + m * pixels;
        for (int64_t p = 0; !s->count && p < pixels; p++)
            o->pixel[p % f->in_c] += image[p];
        for (int i = 0; i < f->n_ops; i++) {
            const float *y = bti_step_f32(f, i, image, s->arena + thread * f->arena,
                                          s->logits + thread * f->classes);
            if (s->count)
                see_bins(o, s->total, f->op[i].size, i, y);
            else
                see_range(o, &f->op[i], i, y);
        }
    }
}

static void sum_ranges(bti_map_stats *out, const observing *s)
{
    for (int k = 0; k < SHARDS; k++) {
        const bti_map_stats *o = &s->shard[k];
        for (int i = 0; i < s->f->n_ops; i++) {
            out->lo[i] = fminf(out->lo[i], o->lo[i]);
            out->hi[i] = fmaxf(out->hi[i], o->hi[i]);
        }
        for (int64_t c = 0; c < s->channels; c++) {
            out->mean[c] += o->mean[c];
            out->peak[c] = fmaxf(out->peak[c], o->peak[c]);
        }
        for (int c = 0; c < 3; c++)
            out->pixel[c] += o->pixel[c];
    }
    for (int i = 0; i < s->f->n_ops; i++)
        for (int c = 0; c < s->f->op[i].c; c++)
            out->mean[out->first[i] + c] /= (double)s->m->n * s->f->op[i].h * s->f->op[i].w;
    for (int c = 0; c < 3; c++)
        out->pixel[c] /= (double)s->m->n * s->f->in_h * s->f->in_w;
}

static bt_status check_finite(const bti_map_stats *o, const bti_folded *f, bt_error *err)
{
    for (int i = 0; i < f->n_ops; i++)
        if (!isfinite(o->lo[i]) || !isfinite(o->hi[i]) || o->lo[i] > o->hi[i])
            return bti_fail(err, BT_DIVERGED, NULL,
                            "the map of row %d (%s) is not finite on the calibration images",
                            f->op[i].row + 1, bti_folded_op_name(&f->op[i]));
    return BT_OK;
}

bt_status bti_map_stats_collect(bti_map_stats *out, const bti_folded *f, const bti_images *m,
                                int threads, bt_error *err)
{
    observing s = {.f = f, .m = m, .total = out, .channels = count_channels(f)};
    const size_t t = (size_t)threads;

    bt_status rc = observed_init(out, f, err);
    for (int k = 0; !rc && k < SHARDS; k++)
        rc = observed_init(&s.shard[k], f, err);
    s.arena = bti_array(t * (size_t)(f->arena > 0 ? f->arena : 1), sizeof(float));
    s.logits = bti_array(t * (size_t)f->classes, sizeof(float));
    if (!rc && (!s.arena || !s.logits))
        rc = bti_fail_nomem(err);
    if (!rc) {
        bti_parallel_for(threads, SHARDS, see_shard, &s);
        sum_ranges(out, &s);
        rc = check_finite(out, f, err);
    }
    if (!rc) {
        s.count = true;
        bti_parallel_for(threads, SHARDS, see_shard, &s);
        for (int k = 0; k < SHARDS; k++)
            for (int64_t b = 0; b < (int64_t)f->n_ops * BTI_BINS; b++)
                out->bins[b] += s.shard[k].bins[b];
    }
    for (int k = 0; k < SHARDS; k++)
        bti_map_stats_release(&s.shard[k]);
    bti_free(s.arena);
    bti_free(s.logits);
    if (rc)
        bti_map_stats_release(out);
    return rc;
}
