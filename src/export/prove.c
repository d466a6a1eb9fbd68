/* SPDX-License-Identifier: Apache-2.0
 *
 * Test images; logits by the training engine and by the exported kernels.
 */
#include "export/prove.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/threads.h"
#include "export/eval_int8.h"
#include "export/run_f32.h"
#include "nn/net.h"
#include <math.h>
#include <string.h>

#define MAX_IMAGES 100000
#define BATCH 32

void bti_images_release(bti_images *m)
{
    if (!m)
        return;
    bti_free(m->pixels);
    *m = (bti_images){0};
}

static size_t image_bytes(const bti_model_meta *m)
{
    return (size_t)m->h * (size_t)m->w * (size_t)m->c;
}

/* "DATA:500" into its parts; a path may hold colons of its own. *data is yours. */
static bt_status split_spec(char **data, int *n, const char *spec, bt_error *err)
{
    const char *colon = strrchr(spec, ':');
    int64_t count = BTI_CALIBRATION_IMAGES;
    bool counted = colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1);

    if (counted && !bti_parse_int(colon + 1, 1, MAX_IMAGES, &count))
        return bti_fail(err, BT_INVAL, "calibrate", "'%s' is not a number of images, 1 to %d",
                        colon + 1, MAX_IMAGES);
    *n = (int)count;
    *data = bti_strdup(spec);
    if (!*data)
        return bti_fail_nomem(err);
    if (counted)
        (*data)[colon - spec] = 0;
    return BT_OK;
}

static bt_status check_classes(const bti_data *d, const bti_model_meta *m, bt_error *err)
{
    if (d->classes != m->classes)
        return bti_fail(err, BT_INVAL, d->name, "has %d classes, the model %d", d->classes,
                        m->classes);
    for (int c = 0; c < m->classes; c++)
        if (!bti_streq(d->class_names[c], m->class_names[c]))
            return bti_fail(err, BT_INVAL, d->name,
                            "its class %d is '%s', the model's is '%s': calibrate with images of "
                            "the same classes",
                            c, d->class_names[c], m->class_names[c]);
    if (d->train.h != m->h || d->train.w != m->w || d->train.c != m->c)
        return bti_fail(err, BT_INVAL, d->name, "has %dx%dx%d images, the model takes %dx%dx%d",
                        d->train.h, d->train.w, d->train.c, m->h, m->w, m->c);
    return BT_OK;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    return b ? common_divisor(b, a % b) : a;
}

/* In an order whose every beginning is spread over it too: steps of
 * the golden section. */
bt_status bti_images_take(bti_images *out, const bti_view *view, int n, bt_error *err)
{
    const bti_dataset *set = view->set;
    const size_t one = (size_t)set->h * (size_t)set->w * (size_t)set->c;

    out->n = n < view->n ? n : (int)view->n;
    out->pixels = bti_array((size_t)out->n, one);
    if (!out->pixels)
        return bti_fail_nomem(err);
    int64_t step = (int64_t)(out->n * 0.6180339887498949) + 1;
    while (common_divisor(step, out->n) != 1)
        step++;
    for (int i = 0; i < out->n; i++)
        memcpy(out->pixels + (size_t)i * one,
               set->pixels + (size_t)view->index[i * step % out->n * view->n / out->n] * one, one);
    return BT_OK;
}

bt_status bti_images_open(bti_images *out, const char *spec, const bti_model_meta *meta,
                          const bt_data_options *data_opt, bt_error *err)
{
    bt_data_options opt = *data_opt;
    bti_data *data = NULL;
    bti_view all = {0};
    char *name = NULL;
    int n = 0;

    *out = (bti_images){0};
    bt_status rc = split_spec(&name, &n, spec, err);
    if (rc)
        return rc;
    opt.size = meta->h;
    rc = bti_data_open(&data, name, &opt, err);
    if (!rc)
        rc = check_classes(data, meta, err);
    if (!rc)
        rc = bti_view_all(&all, &data->train, err);
    if (!rc)
        rc = bti_images_take(out, &all, n, err);
    bti_view_release(&all);
    bti_data_close(data);
    bti_free(name);
    return rc;
}

/* A colour of each channel that drifts over the rows, under noise of each image's own strength. */
static void paint(uint8_t *px, const bti_model_meta *m, uint32_t number)
{
    bti_rng r = bti_rng_at(0, BTI_RNG_EXPORT, 1, number, 0);
    double noise = bti_rng_uniform(&r, 5, 120), base[3], slope[3];

    for (int c = 0; c < 3; c++) {
        base[c] = bti_rng_uniform(&r, 0, 255);
        slope[c] = bti_rng_uniform(&r, -200, 200);
    }
    for (int y = 0; y < m->h; y++)
        for (int x = 0; x < m->w; x++)
            for (int c = 0; c < m->c; c++) {
                double v = base[c] + slope[c] * y / m->h + bti_rng_uniform(&r, -noise, noise);
                *px++ = (uint8_t)fmin(255, fmax(0, v));
            }
}

bt_status bti_images_make(bti_images *out, int n, const bti_model_meta *meta, bt_error *err)
{
    const size_t one = image_bytes(meta);

    *out = (bti_images){.n = n, .pixels = bti_array((size_t)n, one)};
    if (!out->pixels)
        return bti_fail_nomem(err);
    for (int i = 0; i < n; i++)
        paint(out->pixels + (size_t)i * one, meta, (uint32_t)i);
    return BT_OK;
}

/* Pixels (h,w,c) to the normalised map (c,h,w) that the engine takes. */
static void normalise(float *x, const uint8_t *px, const bti_model_meta *m)
{
    const int map = m->h * m->w;
    for (int c = 0; c < m->c; c++)
        for (int p = 0; p < map; p++)
            x[c * map + p] = (float)((px[p * m->c + c] / 255.0 - (double)m->mean[c]) /
                                     (m->std[c] > 0 ? (double)m->std[c] : 1));
}

bt_status bti_engine_logits(float **out, const bti_graph *g, const float *weights,
                            const bti_model_meta *meta, const bti_images *m, int threads,
                            bt_error *err)
{
    bti_net_options opt = bti_net_defaults();
    bti_net *net;
    const size_t one = image_bytes(meta), classes = (size_t)meta->classes;

    *out = NULL;
    opt.batch = m->n < BATCH ? m->n : BATCH;
    opt.threads = threads;
    opt.training = false;
    bt_status rc = bti_net_new(&net, g, &opt, err);
    if (rc)
        return rc;
    *out = bti_array((size_t)m->n * classes, sizeof(float));
    if (!*out)
        rc = bti_fail_nomem(err);
    else
        bti_net_set_weights(net, weights);
    for (int at = 0; !rc && at < m->n; at += opt.batch) {
        int n = m->n - at < opt.batch ? m->n - at : opt.batch;
        for (int i = 0; i < n; i++)
            normalise(bti_net_input(net) + (size_t)i * one, m->pixels + (size_t)(at + i) * one,
                      meta);
        bti_net_forward(net, false);
        memcpy(*out + (size_t)at * classes, bti_net_logits(net),
               (size_t)n * classes * sizeof(float));
    }
    bti_net_free(net);
    return rc;
}

typedef struct runs {
    const bti_folded *f;
    const uint8_t *pixels;
    float *arena, *logits; /* an arena a thread */
} runs;

static void run_one(void *ctx, int64_t i, int thread)
{
    const runs *r = ctx;
    const bti_folded *f = r->f;
    bti_run_f32(f, r->pixels + i * f->in_h * f->in_w * f->in_c, r->arena + thread * f->arena,
                r->logits + i * f->classes);
}

bt_status bti_folded_logits(float **out, const bti_folded *f, const bti_images *m, int threads,
                            bt_error *err)
{
    runs r = {.f = f, .pixels = m->pixels};

    *out = NULL;
    r.arena = bti_array((size_t)threads * (size_t)(f->arena > 0 ? f->arena : 1), sizeof(float));
    r.logits = bti_array((size_t)m->n * (size_t)f->classes, sizeof(float));
    if (!r.arena || !r.logits) {
        bti_free(r.arena);
        bti_free(r.logits);
        return bti_fail_nomem(err);
    }
    bti_parallel_for(threads, m->n, run_one, &r);
    bti_free(r.arena);
    *out = r.logits;
    return BT_OK;
}

double bti_difference(const float *a, const float *b, int64_t n)
{
    double most = 0, off = 0;
    for (int64_t i = 0; i < n; i++) {
        const double d = fabs((double)a[i] - (double)b[i]);
        if (!isfinite(d))
            return INFINITY;
        most = fmax(most, fabs((double)b[i]));
        off = fmax(off, d);
    }
    return most > 0 ? off / most : off;
}
