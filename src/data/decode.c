/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding a split in parallel, straight into the mapped output files. Samples keep their order for
 * any number of threads; unreadable ones are taken out afterwards.
 */
#include "data/decode.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/threads.h"
#include "data/npy.h"

#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>

#define MAX_UNREADABLE_PERCENT 1
#define REPORT_EVERY_S 0.1
#define NAME_CAP 4096

typedef struct decode_job {
    const bti_source *s;
    bti_split split;
    const bti_decode_options *opt;
    int64_t n;
    uint8_t *pixels; /* (n,side,side,channels) */
    char **reason;   /* n; not NULL: unreadable */
    atomic_llong done;
    atomic_int failed; /* bt_status of the first failure that ends the whole job */
    bt_error error;    /* of the thread that set `failed` */
    double reported_s;
} decode_job;

void bti_decoded_release(bti_decoded *d)
{
    for (int64_t i = 0; i < d->n_skipped; i++) {
        bti_free(d->skipped[i].path);
        bti_free(d->skipped[i].reason);
    }
    bti_free(d->skipped);
    *d = (bti_decoded){0};
}

static bt_status decode_one(const decode_job *job, int64_t i, bt_error *err)
{
    bti_image raw = {0}, colour = {0}, fit = {0};
    const bti_decode_options *opt = job->opt;
    const bti_image *use = &raw;
    bt_status rc = job->s->reader->decode(job->s, job->split, i, &raw, err);
    if (!rc && raw.c != opt->channels) {
        rc = bti_image_convert(&colour, &raw, opt->channels, err);
        use = &colour;
    }
    if (!rc)
        rc = bti_image_fit_square(&fit, use, opt->side, err);
    if (!rc)
        memcpy(job->pixels + (size_t)i * bti_image_bytes(&fit), fit.px, bti_image_bytes(&fit));
    bti_image_release(&raw);
    bti_image_release(&colour);
    bti_image_release(&fit);
    return rc;
}

static void end_job(decode_job *job, bt_status rc, const bt_error *err)
{
    int none = BT_OK;
    if (atomic_compare_exchange_strong(&job->failed, &none, (int)rc))
        job->error = *err;
}

static void report(decode_job *job, int64_t done)
{
    const bt_progress *p = &job->opt->progress;
    bt_event e = {.kind = BT_EVENT_DECODE,
                  .text = bti_split_name[job->split],
                  .done = done,
                  .total = job->n,
                  .left_s = -1,
                  .accuracy = -1};
    if (p->report)
        p->report(p->user, &e);
}

static void decode_task(void *ctx, int64_t i, int thread)
{
    decode_job *job = ctx;
    bt_error err;
    if (atomic_load_explicit(&job->failed, memory_order_relaxed))
        return;
    bt_status rc = decode_one(job, i, &err);
    if (rc && (!job->s->reader->may_skip || rc == BT_NOMEM)) {
        end_job(job, rc, &err);
        return;
    }
    if (rc) {
        job->reason[i] = bti_strdup(err.text);
        if (!job->reason[i])
            end_job(job, bti_fail_nomem(&err), &err);
    }
    int64_t done = atomic_fetch_add(&job->done, 1) + 1;
    if (thread == 0 && bt_now() - job->reported_s > REPORT_EVERY_S) { /* thread 0 is the caller */
        job->reported_s = bt_now();
        report(job, done);
    }
}

static bt_status list_skipped(bti_decoded *out, decode_job *job, bt_error *err)
{
    char name[NAME_CAP];
    int64_t n = 0;
    for (int64_t i = 0; i < job->n; i++)
        n += job->reason[i] != NULL;
    if (!n)
        return BT_OK;
    out->skipped = bti_calloc((size_t)n, sizeof(*out->skipped));
    if (!out->skipped)
        return bti_fail_nomem(err);
    out->n_skipped = n;
    for (int64_t i = 0, k = 0; i < job->n; i++) {
        if (!job->reason[i])
            continue;
        job->s->reader->sample_name(job->s, job->split, i, name, sizeof(name));
        out->skipped[k].path = bti_strdup(name);
        out->skipped[k].reason = bti_strdup(job->reason[i]);
        if (!out->skipped[k].path || !out->skipped[k++].reason)
            return bti_fail_nomem(err);
    }
    if (n * 100 > job->n * MAX_UNREADABLE_PERCENT)
        return bti_fail(err, BT_FORMAT, job->s->path,
                        "%" PRId64 " of %" PRId64
                        " %s images are unreadable (at most %d %% may be), "
                        "first %s: %s",
                        n, job->n, bti_split_name[job->split], MAX_UNREADABLE_PERCENT,
                        out->skipped[0].path, out->skipped[0].reason);
    return BT_OK;
}

/* Closes the gaps of unreadable samples and writes the labels beside; returns the samples left. */
static int64_t compact(decode_job *job, int32_t *labels)
{
    size_t one = (size_t)job->opt->side * job->opt->side * job->opt->channels;
    int64_t kept = 0;
    for (int64_t i = 0; i < job->n; i++) {
        if (job->reason[i])
            continue;
        if (kept != i)
            memcpy(job->pixels + (size_t)kept * one, job->pixels + (size_t)i * one, one);
        labels[kept++] = job->s->split[job->split].label[i];
    }
    return kept;
}

static bt_status check_classes(const bti_source *s, bti_split split, const int32_t *labels,
                               int64_t n, const char *what, bt_error *err)
{
    if (!n)
        return bti_fail(err, BT_FORMAT, s->path, "no image of the %s split can be read",
                        bti_split_name[split]);
    if (split != BTI_TRAIN)
        return BT_OK;
    int64_t *count = bti_calloc((size_t)s->classes, sizeof(*count));
    if (!count)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < n; i++)
        count[labels[i]]++;
    int empty = 0;
    while (empty < s->classes && count[empty])
        empty++;
    bti_free(count);
    if (empty < s->classes)
        return bti_fail(err, BT_FORMAT, s->path,
                        "the class \"%s\" has no %s in train; every class needs at least one",
                        s->class_name[empty], what);
    return BT_OK;
}

/* Exact sums in integers, so that the result does not depend on any order. */
static void measure(bti_decoded *out, const uint8_t *px, int64_t n_pixels, int c)
{
    uint64_t sum[3] = {0}, square[3] = {0};
    for (int64_t i = 0; i < n_pixels; i++) {
        for (int ch = 0; ch < c; ch++) {
            uint32_t v = *px++;
            sum[ch] += v;
            square[ch] += v * v;
        }
    }
    for (int ch = 0; ch < c; ch++) {
        double mean = (double)sum[ch] / (double)n_pixels;
        double variance = (double)square[ch] / (double)n_pixels - mean * mean;
        out->mean[ch] = mean / 255.0;
        out->std[ch] = variance > 1e-6 ? sqrt(variance) / 255.0 : 1.0;
    }
}

static bt_status write_split(bti_decoded *out, decode_job *job, bti_npy_writer *images,
                             bti_npy_writer *labels, bt_error *err)
{
    const bti_decode_options *opt = job->opt;
    job->pixels = images->data;
    job->reported_s = bt_now();
    report(job, 0);
    bti_parallel_for(opt->threads, job->n, decode_task, job);
    if (job->failed) {
        if (err)
            *err = job->error;
        return (bt_status)job->failed;
    }
    report(job, job->n);
    bt_status rc = list_skipped(out, job, err);
    if (rc)
        return rc;
    out->n = compact(job, labels->data);
    rc = check_classes(job->s, job->split, labels->data, out->n, "readable image", err);
    if (rc)
        return rc;
    measure(out, images->data, out->n * opt->side * opt->side, opt->channels);
    rc = bti_npy_finish(images, out->n, err);
    return rc ? rc : bti_npy_finish(labels, out->n, err);
}

static bt_status create_files(decode_job *job, bti_npy_writer *images, bti_npy_writer *labels,
                              char *image_path, char *label_path, size_t cap, bt_error *err)
{
    const bti_decode_options *opt = job->opt;
    const char *name = bti_split_name[job->split];
    snprintf(image_path, cap, "%s/%s.npy", opt->dir, name);
    snprintf(label_path, cap, "%s/%s-labels.npy", opt->dir, name);
    bti_npy_shape pixels = {BTI_NPY_U8, 4, {job->n, opt->side, opt->side, opt->channels}};
    bti_npy_shape ids = {BTI_NPY_I32, 1, {job->n}};
    bt_status rc = bti_npy_create(images, image_path, &pixels, err);
    return rc ? rc : bti_npy_create(labels, label_path, &ids, err);
}

bt_status bti_decode_split(bti_decoded *out, bti_source *s, bti_split split,
                           const bti_decode_options *opt, bt_error *err)
{
    char image_path[NAME_CAP], label_path[NAME_CAP];
    bti_npy_writer images = {.fd = -1}, labels = {.fd = -1};
    decode_job job = {.s = s, .split = split, .opt = opt};

    *out = (bti_decoded){0};
    bt_status rc = s->reader->load(s, split, err);
    if (rc)
        return rc;
    job.n = s->split[split].n;
    rc = check_classes(s, split, s->split[split].label, job.n, "image", err);
    if (rc)
        goto done;
    job.reason = bti_calloc((size_t)job.n, sizeof(char *));
    if (!job.reason) {
        rc = bti_fail_nomem(err);
        goto done;
    }
    rc = create_files(&job, &images, &labels, image_path, label_path, sizeof(image_path), err);
    if (!rc)
        rc = write_split(out, &job, &images, &labels, err);
done:
    bti_npy_abort(&images);
    bti_npy_abort(&labels);
    for (int64_t i = 0; job.reason && i < job.n; i++)
        bti_free(job.reason[i]);
    bti_free(job.reason);
    s->reader->unload(s, split);
    if (rc)
        bti_decoded_release(out);
    return rc;
}
