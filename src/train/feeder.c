/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring and its threads. Work is handed out in runs of rows, in order: batch after batch, so
 * that all threads make the one that is wanted next.
 *
 * Under `lock`: series, claimed, taken, slot.done, quit. A slot's rows belong to whoever claimed
 * them until he counts them as done; the taker reads a slot when all are done and then frees it.
 */
#include "train/feeder.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"

#include <errno.h>
#include <pthread.h>

#define SLOTS 2 /* batches made or being made: one more than the step can want at once */
#define RUN 16  /* rows that a thread claims at a time */

typedef struct slot {
    bti_order order;
    float *x;        /* (batch,c,h,w) */
    int32_t *labels; /* batch */
    int done;        /* rows */
} slot;

typedef struct helper {
    bti_feeder *feeder;
    const bti_parts *parts;
    pthread_t thread;
} helper;

struct bti_feeder {
    bti_feed source;
    slot slot[SLOTS];
    helper *helper;
    int n_helpers;
    pthread_mutex_t lock;
    pthread_cond_t work, ready; /* something to claim; rows were done */
    uint32_t epoch;
    const int32_t *sample;
    int64_t n;       /* batches of the series */
    int64_t claimed; /* rows of the series, from its start: all before are claimed */
    int64_t taken;   /* batches */
    bool quit;
};

void bti_parts_release(bti_parts *p)
{
    for (int i = 0; i < 2; i++)
        bti_pipeline_free(p->of[i]);
    *p = (bti_parts){0};
}

void bti_feed_arrange(const bti_feed *s, uint32_t epoch, const int32_t *sample, bti_order *order)
{
    int32_t first = (int32_t)s->view[0]->n;
    int n = 0;

    order->epoch = epoch;
    for (int i = 0; i < s->batch; i++) {
        if (sample[i] >= first)
            continue;
        if (order->repeat)
            order->copy[n] = order->repeat[i];
        order->index[n++] = s->view[0]->index[sample[i]];
    }
    order->n_first = n;
    for (int i = 0; n < s->batch; i++) {
        if (sample[i] < first)
            continue;
        if (order->repeat)
            order->copy[n] = order->repeat[i];
        order->index[n++] = s->view[1]->index[sample[i] - first];
    }
}

static size_t image_floats(const bti_feed *s)
{
    const bti_dataset *set = s->view[0]->set;
    return (size_t)set->c * (size_t)set->h * (size_t)set->w;
}

void bti_feed_fill(const bti_feed *s, const bti_parts *parts, const bti_order *order, int from,
                   int to, float *x, int32_t *labels)
{
    int cut = order->n_first < from ? from : order->n_first > to ? to : order->n_first;
    const int begin[] = {from, cut, to};

    for (int k = 0; k < 2; k++) {
        int at = begin[k], n = begin[k + 1] - at;
        size_t classes = (size_t)s->view[0]->set->classes;
        bti_batch batch = {.epoch = order->epoch,
                           .index = order->index + at,
                           .copy = order->repeat ? order->copy + at : NULL,
                           .n = n,
                           .x = x + (size_t)at * image_floats(s),
                           .labels = labels + at,
                           .targets =
                               order->targets ? order->targets + (size_t)at * classes : NULL};
        if (n)
            bti_pipeline_fill_batch(parts->of[k], &batch);
    }
}

int bti_feeder_spare(int threads)
{
    int left = bti_cpu_count() - threads;
    return left < 0 ? 0 : left < threads ? left : threads;
}

/* ---- under the lock ---- */

static slot *slot_of(bti_feeder *f, int64_t batch)
{
    return &f->slot[batch % SLOTS];
}

/* Claims up to `most` rows of the batch where work goes on; returns their number. */
static int claim(bti_feeder *f, int most, int64_t *batch, int *from)
{
    int64_t size = f->source.batch;

    *batch = f->claimed / size;
    *from = (int)(f->claimed % size);
    if (*batch >= f->n || *batch >= f->taken + SLOTS)
        return 0;
    slot *s = slot_of(f, *batch);
    if (!*from) {
        s->done = 0;
        bti_feed_arrange(&f->source, f->epoch, f->sample + *batch * size, &s->order);
    }
    int rows = (int)size - *from < most ? (int)size - *from : most;
    f->claimed += rows;
    return rows;
}

/* Makes claimed rows; the lock is given up meanwhile. */
static void make(bti_feeder *f, const bti_parts *parts, int64_t batch, int from, int rows)
{
    slot *s = slot_of(f, batch);

    pthread_mutex_unlock(&f->lock);
    bti_feed_fill(&f->source, parts, &s->order, from, from + rows, s->x, s->labels);
    pthread_mutex_lock(&f->lock);
    s->done += rows;
    pthread_cond_broadcast(&f->ready);
}

static void *help(void *arg)
{
    helper *h = arg;
    bti_feeder *f = h->feeder;

    pthread_mutex_lock(&f->lock);
    while (!f->quit) {
        int64_t batch;
        int from, rows = claim(f, RUN, &batch, &from);
        if (rows)
            make(f, h->parts, batch, from, rows);
        else
            pthread_cond_wait(&f->work, &f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* Waits until nobody works on a batch that was claimed and not taken. */
static void drain(bti_feeder *f)
{
    int64_t size = f->source.batch;

    f->n = 0; /* no new claims */
    for (int64_t b = f->taken; b * size < f->claimed; b++) {
        int64_t claimed = f->claimed - b * size;
        while (slot_of(f, b)->done < (claimed < size ? claimed : size))
            pthread_cond_wait(&f->ready, &f->lock);
    }
}

/* ---- for the step ---- */

void bti_feeder_announce(bti_feeder *f, uint32_t epoch, const int32_t *sample, int64_t n_batches)
{
    pthread_mutex_lock(&f->lock);
    drain(f);
    f->epoch = epoch;
    f->sample = sample;
    f->n = n_batches;
    f->claimed = f->taken = 0;
    pthread_cond_broadcast(&f->work);
    pthread_mutex_unlock(&f->lock);
}

static void count_as_taken(bti_feeder *f)
{
    f->taken++;
    pthread_cond_broadcast(&f->work);
    pthread_mutex_unlock(&f->lock);
}

bool bti_feeder_take(bti_feeder *f, const int32_t *sample, const bti_parts *own, float *x,
                     int32_t *labels)
{
    const int size = f->source.batch;
    int64_t at;
    int from;

    pthread_mutex_lock(&f->lock);
    int64_t batch = f->taken;
    if (batch >= f->n || sample != f->sample + batch * size) {
        pthread_mutex_unlock(&f->lock);
        return false;
    }
    if (f->claimed <= batch * size) {
        f->claimed = (batch + 1) * size;
        count_as_taken(f);
        return false;
    }
    if (f->claimed < (batch + 1) * size) {
        int rows = claim(f, size, &at, &from);
        make(f, own, at, from, rows);
    }
    slot *s = slot_of(f, batch);
    while (s->done < size)
        pthread_cond_wait(&f->ready, &f->lock);
    pthread_mutex_unlock(&f->lock);
    memcpy(x, s->x, (size_t)size * image_floats(&f->source) * sizeof(float));
    memcpy(labels, s->labels, (size_t)size * sizeof(*labels));
    pthread_mutex_lock(&f->lock);
    count_as_taken(f);
    return true;
}

/* ---- life ---- */

static bt_status make_ring(bti_feeder *f, bt_error *err)
{
    size_t batch = (size_t)f->source.batch;

    for (int i = 0; i < SLOTS; i++) {
        slot *s = &f->slot[i];
        s->x = bti_array(batch, image_floats(&f->source) * sizeof(float));
        s->labels = bti_array(batch, sizeof(*s->labels));
        s->order.index = bti_array(batch, sizeof(*s->order.index));
        if (!s->x || !s->labels || !s->order.index)
            return bti_fail_nomem(err);
    }
    return BT_OK;
}

static bt_status start_helpers(bti_feeder *f, const bti_parts *parts, int n, bt_error *err)
{
    f->helper = bti_calloc((size_t)n, sizeof(*f->helper));
    if (!f->helper)
        return bti_fail_nomem(err);
    for (int k = 0; k < n; k++) {
        helper *h = &f->helper[k];
        *h = (helper){.feeder = f, .parts = &parts[k]};
        errno = pthread_create(&h->thread, NULL, help, h);
        if (errno)
            return bti_fail_errno(err, "training", "cannot start a thread that makes batches");
        f->n_helpers++;
    }
    return BT_OK;
}

bt_status bti_feeder_new(bti_feeder **out, const bti_feed *source, const bti_parts *parts,
                         int ahead, bt_error *err)
{
    *out = NULL;
    bti_feeder *f = bti_calloc(1, sizeof(*f));
    if (!f)
        return bti_fail_nomem(err);
    f->source = *source;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->work, NULL);
    pthread_cond_init(&f->ready, NULL);
    bt_status rc = make_ring(f, err);
    if (!rc)
        rc = start_helpers(f, parts, ahead, err);
    if (rc)
        bti_feeder_free(f);
    else
        *out = f;
    return rc;
}

void bti_feeder_free(bti_feeder *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->quit = true;
    pthread_cond_broadcast(&f->work);
    pthread_mutex_unlock(&f->lock);
    for (int k = 0; k < f->n_helpers; k++)
        pthread_join(f->helper[k].thread, NULL);
    pthread_cond_destroy(&f->ready);
    pthread_cond_destroy(&f->work);
    pthread_mutex_destroy(&f->lock);
    for (int i = 0; i < SLOTS; i++) {
        bti_free(f->slot[i].x);
        bti_free(f->slot[i].labels);
        bti_free(f->slot[i].order.index);
    }
    bti_free(f->helper);
    bti_free(f);
}
