/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches for the step, made ahead of it by threads of their own into a bounded ring. Every sample
 * is addressed by (seed, epoch, sample), so neither who makes it nor when changes a bit.
 */
#ifndef BTI_FEEDER_H
#define BTI_FEEDER_H

#include "augment/augment.h"

/* Where samples come from. The second view may be NULL. Views are borrowed. */
typedef struct bti_feed {
    const bti_view *view[2];
    int batch;
} bti_feed;

/* A pipeline a view: what one caller makes samples with. Pipelines of one seed and policy make the
 * same. */
typedef struct bti_parts {
    bti_pipeline *of[2];
} bti_parts;

void bti_parts_release(bti_parts *p);

/* Samples of one batch: those of the first view come first (their order means nothing to the
 * gradient), as each pipeline serves one view. */
typedef struct bti_order {
    uint32_t epoch;
    int32_t *index;        /* batch samples of their data sets */
    const int32_t *repeat; /* as `sample`: how often each came before in the epoch; NULL: never */
    int32_t *copy;         /* batch: that of index; room where there is a repeat */
    float *targets;        /* (batch,classes): shares of the labels; NULL: the policy shares none */
    int n_first;           /* so many are of the first view */
} bti_order;

/* sample: batch numbers; those below view[0]->n are positions in the first view, the others in the
 * second. order->index has room for them. */
void bti_feed_arrange(const bti_feed *s, uint32_t epoch, const int32_t *sample, bti_order *order);
/* Makes rows from..to-1 of the batch x (batch,c,h,w), labels (batch). */
void bti_feed_fill(const bti_feed *s, const bti_parts *parts, const bti_order *order, int from,
                   int to, float *x, int32_t *labels);

typedef struct bti_feeder bti_feeder;

/* Threads worth starting beside a team of `threads`: the cores that it leaves, at most as many
 * again. A core that computes gains nothing from being shared: there a batch costs what it costs,
 * and the team makes it in one parallel loop. */
int bti_feeder_spare(int threads);

/* Starts `ahead` >= 1 threads; thread k works with parts[k]. The source's views are borrowed, parts
 * too. BT_NOMEM; BT_IO: the system has no more threads. */
bt_status bti_feeder_new(bti_feeder **out, const bti_feed *source, const bti_parts *parts,
                         int ahead, bt_error *err);
void bti_feeder_free(bti_feeder *f); /* joins; NULL is fine */

/* The next n_batches will be these: sample (n_batches, batch), borrowed until all were taken,
 * another series is announced or the feeder is freed. What is left of the series before is dropped.
 */
void bti_feeder_announce(bti_feeder *f, uint32_t epoch, const int32_t *sample, int64_t n_batches);

/* Copies the batch of these samples, the next of the series, into x and labels. Rows that nobody
 * has begun are made with `own`, those begun are waited for. False, and nothing is written: it is
 * not the next one, or nobody has begun it (then it counts as taken). */
bool bti_feeder_take(bti_feeder *f, const int32_t *sample, const bti_parts *own, float *x,
                     int32_t *labels);

#endif
