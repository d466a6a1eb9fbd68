/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of an epoch. With every image once it is a shuffle; else each class gives all of its
 * images as often as its draws allow and a fresh random part of them for the rest, so that no image
 * is drawn twice before all others of its class were drawn once.
 */
#include "train/imbalance.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/str.h"
#include <string.h>

static int32_t label_at(const bti_job *job, int64_t at)
{
    const bti_view *view = at < job->train->n ? job->train : job->extra;

    return view->set->labels[view->index[at < job->train->n ? at : at - job->train->n]];
}

/* Positions in ascending order, class by class. */
static void sort_by_class(bti_epoch_order *o, const bti_job *job)
{
    int64_t *next = o->draws, at = 0; /* borrowed until the draws are known */

    for (int c = 0; c < o->classes; c++) {
        next[c] = at;
        at += o->images[c];
    }
    for (int64_t i = 0; i < o->n; i++)
        o->by_class[next[label_at(job, i)]++] = (int32_t)i;
}

bt_status bti_epoch_order_init(bti_epoch_order *o, const bti_job *job, bt_error *err)
{
    size_t classes = (size_t)job->graph->classes;
    const char *how = job->recipe.sampling;

    *o = (bti_epoch_order){.classes = job->graph->classes, .drawn = !bti_streq(how, "shuffle")};
    o->n = job->train->n + (job->extra ? job->extra->n : 0);
    o->order = bti_array((size_t)o->n, sizeof(*o->order));
    if (!o->order)
        return bti_fail_nomem(err);
    if (!o->drawn)
        return BT_OK;
    o->copy = bti_array((size_t)o->n, sizeof(*o->copy));
    o->by_class = bti_array((size_t)o->n, sizeof(*o->by_class));
    o->scratch = bti_array((size_t)o->n, sizeof(*o->scratch));
    o->images = bti_array(classes, sizeof(*o->images));
    o->draws = bti_array(classes, sizeof(*o->draws));
    if (!o->copy || !o->by_class || !o->scratch || !o->images || !o->draws) {
        bti_epoch_order_release(o);
        return bti_fail_nomem(err);
    }
    bti_class_images(o->images, job);
    sort_by_class(o, job);
    bti_class_draws(o->draws, o->images, o->classes, how);
    return BT_OK;
}

void bti_epoch_order_release(bti_epoch_order *o)
{
    bti_free(o->order);
    bti_free(o->copy);
    bti_free(o->by_class);
    bti_free(o->scratch);
    bti_free(o->images);
    bti_free(o->draws);
    *o = (bti_epoch_order){0};
}

/* The draws of one class, at *to. */
static void draw_class(bti_epoch_order *o, int32_t *to, int c, const int32_t *member, bti_rng *rng)
{
    size_t n = (size_t)o->images[c], left = (size_t)o->draws[c];

    for (; n && left >= n; left -= n, to += n)
        memcpy(to, member, n * sizeof(*to));
    if (!left)
        return;
    memcpy(o->scratch, member, n * sizeof(*member));
    bti_rng_shuffle(rng, o->scratch, n);
    memcpy(to, o->scratch, left * sizeof(*to));
}

static void count_copies(bti_epoch_order *o)
{
    int32_t *seen = o->scratch;

    memset(seen, 0, (size_t)o->n * sizeof(*seen));
    for (int64_t i = 0; i < o->n; i++)
        o->copy[i] = seen[o->order[i]]++;
}

void bti_epoch_order_draw(bti_epoch_order *o, uint64_t seed, uint32_t epoch)
{
    bti_rng rng = bti_rng_at(seed, BTI_RNG_SHUFFLE, epoch, 0, 0);
    int32_t *to = o->order;
    const int32_t *member = o->by_class;

    for (int64_t i = 0; !o->drawn && i < o->n; i++)
        o->order[i] = (int32_t)i;
    for (int c = 0; o->drawn && c < o->classes; c++) {
        bti_rng of_class = bti_rng_at(seed, BTI_RNG_SHUFFLE, epoch, (uint32_t)c + 1, 0);
        draw_class(o, to, c, member, &of_class);
        to += o->draws[c];
        member += o->images[c];
    }
    bti_rng_shuffle(&rng, o->order, (size_t)o->n);
    if (o->drawn)
        count_copies(o);
}
