/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding a split straight into the mapped output files. Samples keep their order for any number
 * of threads; unreadable ones are taken out afterwards.
 */
#include "data/decode.h"

#include "base/alloc.h"
#include "base/error.h"
#include "data/npy.h"
#include "data/reading.h"

#include <inttypes.h>
#include <math.h>

#define MAX_UNREADABLE_PERCENT 1
#define NAME_CAP 4096

typedef struct decode_job {
    const bti_source *s;
    bti_split split;
    const bti_decode_options *opt;
    int64_t n;
    char **reason; /* n; not NULL: unreadable */
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

void bti_skipped_warn(const bti_skipped *first, int64_t n, const char *split,
                      const bt_progress *progress)
{
    if (n == 1)
        bti_warn(progress, "1 unreadable %s image left out: %s (%s)", split, first->path,
                 first->reason);
    if (n <= 1)
        return;
    bti_warn(progress, "%" PRId64 " unreadable %s images left out:", n, split);
    for (int64_t i = 0; i < n && i < BTI_SKIPPED_SHOWN; i++)
        bti_warn(progress, "  %s (%s)", first[i].path, first[i].reason);
    if (n > BTI_SKIPPED_SHOWN)
        bti_warn(progress, "  and %" PRId64 " more", n - BTI_SKIPPED_SHOWN);
}

/* The pixels are in their place already. */
static bt_status take_answer(void *user, int64_t i, const bti_answer *a, bt_error *err)
{
    decode_job *job = user;
    if (!a->rc)
        return BT_OK;
    job->reason[i] = bti_strdup(a->error.text);
    return job->reason[i] ? BT_OK : bti_fail_nomem(err);
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
    bool strict = job->opt->given->strict;
    if (!strict && n * 100 <= job->n * MAX_UNREADABLE_PERCENT)
        return BT_OK;
    bti_skipped_warn(out->skipped, n, bti_split_name[job->split], &job->opt->given->progress);
    return bti_fail(err, BT_FORMAT, job->s->path,
                    "%" PRId64 " of %" PRId64 " %s images are unreadable (at most %d %% may be), "
                    "first %s: %s",
                    n, job->n, bti_split_name[job->split], strict ? 0 : MAX_UNREADABLE_PERCENT,
                    out->skipped[0].path, out->skipped[0].reason);
}

/* Closes the gaps of unreadable samples and writes the labels beside; returns the samples left. */
static int64_t compact(const decode_job *job, uint8_t *pixels, int32_t *labels)
{
    size_t one = (size_t)job->opt->side * job->opt->side * job->opt->channels;
    int64_t kept = 0;
    for (int64_t i = 0; i < job->n; i++) {
        if (job->reason[i])
            continue;
        if (kept != i)
            memcpy(pixels + (size_t)kept * one, pixels + (size_t)i * one, one);
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
    bti_reading reading = {
        .source = job->s,
        .split = job->split,
        .n = job->n,
        .ask = {.kind = BTI_ASK_PIXELS, .side = opt->side, .channels = opt->channels},
        .px = images->data,
        .program = opt->given->program,
        .threads = opt->threads,
        .stop = &opt->given->stop,
        .progress = &opt->given->progress,
        .take = take_answer,
        .user = job};
    bt_status rc = bti_read_images(&reading, err);
    if (!rc)
        rc = list_skipped(out, job, err);
    if (rc)
        return rc;
    out->n = compact(job, images->data, labels->data);
    rc = check_classes(job->s, job->split, labels->data, out->n, "readable image", err);
    if (rc)
        return rc;
    int64_t n_pixels = out->n * opt->side * opt->side;
    measure(out, images->data, n_pixels, opt->channels);
    bti_hash_add(opt->content, images->data, (size_t)n_pixels * (size_t)opt->channels);
    bti_hash_add(opt->content, labels->data, (size_t)out->n * sizeof(int32_t));
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
