/* SPDX-License-Identifier: Apache-2.0
 *
 * The parallel loop over images: a thread takes a few at a time and has a decoding process of its
 * own, so threads share nothing but a counter and the first failure.
 */
#include "data/reading.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/threads.h"
#include "data/decoder.h"

#include <limits.h>
#include <stdatomic.h>

#define REPORT_EVERY_S 0.1
#define BATCH BTI_DECODER_BATCH

typedef struct job {
    const bti_reading *r;
    bool files;           /* each image is a file of its own */
    bti_decoder *decoder; /* one a thread; NULL: decode here */
    atomic_llong done;
    atomic_int failed; /* bt_status of the first failure */
    bt_error error;    /* of the thread that set it */
    double reported_s; /* thread 0 only, which is the caller */
} job;

static void end_job(job *j, bt_status rc, const bt_error *err)
{
    int none = BT_OK;
    if (atomic_compare_exchange_strong(&j->failed, &none, (int)rc))
        j->error = *err;
}

static void report(const bti_reading *r, int64_t done)
{
    if (!r->progress || !r->progress->report)
        return;
    bt_event e = {.kind = BT_EVENT_DECODE,
                  .text = bti_split_name[r->split],
                  .done = done,
                  .total = r->n,
                  .left_s = -1,
                  .accuracy = -1};
    r->progress->report(r->progress->user, &e);
}

static uint8_t *place(const bti_reading *r, int64_t i)
{
    return r->px ? r->px + (size_t)i * bti_ask_bytes(&r->ask) : NULL;
}

/* Sample i of a source whose samples share files. */
static void answer_sample(const bti_reading *r, int64_t i, bti_answer *a)
{
    const bti_source *s = r->source;
    bti_image im = {0};
    *a = (bti_answer){0};
    if (r->ask.kind == BTI_ASK_SIZE) {
        a->rc = s->reader->probe(s, r->split, i, &a->w, &a->h, &a->c, &a->error);
        return;
    }
    a->rc = s->reader->decode(s, r->split, i, &im, &a->error);
    if (!a->rc)
        bti_answer_image(a, &r->ask, &im, place(r, i));
    bti_image_release(&im);
}

static void file_path(const bti_reading *r, int64_t i, char path[PATH_MAX])
{
    if (r->path)
        snprintf(path, PATH_MAX, "%s", r->path[i]);
    else
        r->source->reader->path(r->source, r->split, i, path, PATH_MAX);
}

static bt_status ask_decoder(const job *j, bti_decoder *d, int64_t first, int n, bti_answer *a,
                             bt_error *err)
{
    char text[BATCH][PATH_MAX];
    const char *path[BATCH];
    uint8_t *px[BATCH];
    for (int k = 0; k < n; k++) {
        file_path(j->r, first + k, text[k]);
        path[k] = text[k];
        px[k] = place(j->r, first + k);
    }
    return bti_decoder_ask(d, &j->r->ask, path, px, n, a, err);
}

static bt_status answer_here(const job *j, int64_t first, int n, bti_answer *a, bt_error *err)
{
    char path[PATH_MAX];
    for (int k = 0; k < n; k++) {
        if (bti_stopped(j->r->stop))
            return bti_fail(err, BT_STOPPED, NULL, "stopped while images were decoded");
        if (j->files) {
            file_path(j->r, first + k, path);
            bti_answer_file(&a[k], &j->r->ask, path, place(j->r, first + k));
        } else {
            answer_sample(j->r, first + k, &a[k]);
        }
        if (a[k].rc && (!j->files || a[k].rc == BT_NOMEM)) {
            if (err)
                *err = a[k].error;
            return a[k].rc;
        }
    }
    return BT_OK;
}

static void batch_task(void *ctx, int64_t b, int thread)
{
    job *j = ctx;
    bti_answer a[BATCH];
    bt_error err;
    int64_t first = b * BATCH;
    int n = j->r->n - first < BATCH ? (int)(j->r->n - first) : BATCH;
    if (atomic_load_explicit(&j->failed, memory_order_relaxed))
        return;
    bt_status rc = j->decoder ? ask_decoder(j, &j->decoder[thread], first, n, a, &err)
                              : answer_here(j, first, n, a, &err);
    for (int k = 0; k < n && !rc; k++)
        rc = j->r->take(j->r->user, first + k, &a[k], &err);
    if (rc) {
        end_job(j, rc, &err);
        return;
    }
    int64_t done = atomic_fetch_add(&j->done, n) + n;
    if (thread == 0 && bt_now() - j->reported_s > REPORT_EVERY_S) {
        j->reported_s = bt_now();
        report(j->r, done);
    }
}

static bt_status hire(job *j, int threads, bt_error *err)
{
    j->decoder = bti_calloc((size_t)threads, sizeof(*j->decoder));
    if (!j->decoder)
        return bti_fail_nomem(err);
    for (int i = 0; i < threads; i++)
        j->decoder[i] = (bti_decoder){.program = j->r->program,
                                      .memory = BTI_DECODER_MEMORY,
                                      .patience_s = BTI_DECODER_PATIENCE_S,
                                      .stop = j->r->stop};
    return BT_OK;
}

bt_status bti_read_images(const bti_reading *r, bt_error *err)
{
    job j = {.r = r, .files = r->path || r->source->reader->path, .reported_s = bt_now()};
    int64_t batches = (r->n + BATCH - 1) / BATCH;
    int threads = batches < r->threads ? (int)batches : r->threads;
    bt_status rc = r->program && j.files ? hire(&j, threads, err) : BT_OK;
    if (rc)
        return rc;
    report(r, 0);
    bti_parallel_for(threads, batches, batch_task, &j);
    for (int i = 0; j.decoder && i < threads; i++)
        bti_decoder_close(&j.decoder[i]);
    bti_free(j.decoder);
    if (j.failed) {
        if (err)
            *err = j.error;
        return (bt_status)j.failed;
    }
    report(r, r->n);
    return BT_OK;
}
