/* SPDX-License-Identifier: Apache-2.0
 *
 * Which way of quantising this network: all are tried on the calibration images, the one whose
 * logits are nearest to f32 is kept.
 */
#include "export/quantise.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "base/threads.h"
#include <math.h>

#define COMPARED 128 /* images at most that candidates are compared on: it is a choice of six */

typedef struct runs {
    const bti_quantised *q;
    const uint8_t *pixels;
    int8_t *arena, *out; /* of each thread */
    float *logits;
} runs;

static void run_one(void *ctx, int64_t i, int thread)
{
    const runs *r = ctx;
    const bti_folded *f = r->q->net;
    const bti_scale *s = &r->q->op[f->n_ops - 1].out;
    int8_t *out = r->out + (int64_t)thread * f->classes;
    bti_run_s8(r->q, r->pixels + i * f->in_h * f->in_w * f->in_c, r->arena + thread * f->arena,
               out);
    for (int c = 0; c < f->classes; c++)
        r->logits[i * f->classes + c] = (float)(s->scale * (out[c] - s->zero));
}

bt_status bti_quantised_logits(float **out, const bti_quantised *q, const bti_images *m,
                               int threads, bt_error *err)
{
    const bti_folded *f = q->net;
    const size_t t = (size_t)threads;
    runs r = {.q = q, .pixels = m->pixels};

    *out = NULL;
    r.arena = bti_array(t, (size_t)(f->arena > 0 ? f->arena : 1));
    r.out = bti_array(t, (size_t)f->classes);
    r.logits = bti_array((size_t)m->n * (size_t)f->classes, sizeof(float));
    bt_status rc = r.arena && r.out && r.logits ? BT_OK : bti_fail_nomem(err);
    if (!rc) {
        bti_parallel_for(threads, m->n, run_one, &r);
        *out = r.logits;
        r.logits = NULL;
    }
    bti_free(r.arena);
    bti_free(r.out);
    bti_free(r.logits);
    return rc;
}

static double squared_error(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum;
}

static int likeliest(const float *logits, int classes)
{
    int best = 0;
    for (int c = 1; c < classes; c++)
        best = logits[c] > logits[best] ? c : best;
    return best;
}

static double agreement(const float *a, const float *b, int n, int classes)
{
    int same = 0;
    for (int i = 0; i < n; i++)
        same += likeliest(a + (int64_t)i * classes, classes) ==
                likeliest(b + (int64_t)i * classes, classes);
    return (double)same / n;
}

typedef struct choosing {
    const bti_folded *net; /* what the result borrows; equalised ones differ in f32 weights only */
    const bti_images *m;
    const float *want;
    int threads;
    double least; /* squared error of the best so far */
    bti_chosen *best;
} choosing;

/* Quantises by one rule and keeps the result if it is the best. */
static bt_status try_rule(choosing *s, const bti_folded *f, const bti_map_stats *seen,
                          bti_range_rule rule, bool equalised, bt_error *err)
{
    bti_quantised *q;
    float *logits = NULL;
    const bti_images few = {s->m->pixels, s->m->n < COMPARED ? s->m->n : COMPARED};

    bt_status rc = bti_quantise(&q, f, seen, rule, err);
    if (!rc)
        rc = bti_quantised_logits(&logits, q, &few, s->threads, err);
    const double e = rc ? INFINITY : squared_error(logits, s->want, (int64_t)few.n * f->classes);
    if (!rc && e < s->least) {
        bti_quantised_free(s->best->quant);
        *s->best = (bti_chosen){.quant = q, .rule = rule, .equalised = equalised};
        q->net = s->net;
        s->least = e;
        q = NULL;
    }
    bti_free(logits);
    bti_quantised_free(q);
    return rc;
}

static bt_status try_rules(choosing *s, const bti_folded *f, const bti_map_stats *seen,
                           const char *rule, bool equalised, bt_error *err)
{
    bt_status rc = BT_OK;
    for (int r = 0; !rc && r < BTI_RANGE_COUNT; r++)
        if (bti_streq(rule, "auto") || bti_streq(rule, bti_range_names[r]))
            rc = try_rule(s, f, seen, (bti_range_rule)r, equalised, err);
    return rc;
}

/* How near the kept one is to f32 on all images. */
static bt_status measure(choosing *s, bt_error *err)
{
    float *logits;
    const int classes = s->net->classes;
    bt_status rc = bti_quantised_logits(&logits, s->best->quant, s->m, s->threads, err);
    if (rc)
        return rc;
    s->best->difference = bti_difference(logits, s->want, (int64_t)s->m->n * classes);
    s->best->agreement = agreement(logits, s->want, s->m->n, classes);
    bti_free(logits);
    return BT_OK;
}

static bt_status check_rule(const char *rule, bt_error *err)
{
    bool known = bti_streq(rule, "auto");
    for (int r = 0; r < BTI_RANGE_COUNT; r++)
        known = known || bti_streq(rule, bti_range_names[r]);
    return known ? BT_OK
                 : bti_fail(err, BT_INVAL, "calibration",
                            "'%s' is not auto, minmax, percentile or mse", rule ? rule : "");
}

bt_status bti_quantise_best(bti_chosen *out, const bti_folded *f, bti_folded *copy,
                            const bti_images *m, const float *want, const char *rule, int threads,
                            bt_error *err)
{
    choosing s = {
        .net = f, .m = m, .want = want, .threads = threads, .least = INFINITY, .best = out};
    bti_map_stats seen = {0}, equal = {0};

    *out = (bti_chosen){0};
    bt_status rc = check_rule(rule, err);
    if (!rc)
        rc = bti_map_stats_collect(&seen, f, m, threads, err);
    if (!rc)
        rc = try_rules(&s, f, &seen, rule, false, err);
    if (!rc && bti_streq(rule, "auto") && bti_equalise(copy, &seen) > 0) {
        rc = bti_map_stats_collect(&equal, copy, m, threads, err);
        if (!rc)
            rc = try_rules(&s, copy, &equal, rule, true, err);
    }
    if (!rc && !out->quant)
        rc = bti_fail(err, BT_DIVERGED, NULL, "int8 logits are not comparable with f32's");
    if (!rc)
        rc = measure(&s, err);
    bti_map_stats_release(&seen);
    bti_map_stats_release(&equal);
    if (rc) {
        bti_quantised_free(out->quant);
        *out = (bti_chosen){0};
    }
    return rc;
}
