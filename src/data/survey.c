/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at every image's header before decoding: are they all grey, how large are they?
 * Only train and val are asked: nothing about the test split may shape what a study sees.
 */
#include "data/decode.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/threads.h"

#define SIDE_MAX 4096 /* larger ones count as this */

typedef struct header {
    int w, h, c; /* c = 0: unreadable */
} header;

typedef struct survey_job {
    const bti_source *s;
    bti_split split;
    header *found;
} survey_job;

static void survey_task(void *ctx, int64_t i, int thread)
{
    survey_job *job = ctx;
    header *f = &job->found[i];
    (void)thread;
    if (job->s->reader->probe(job->s, job->split, i, &f->w, &f->h, &f->c, NULL))
        *f = (header){0};
}

/* Images by their shorter side. */
typedef struct side_counts {
    int64_t n[SIDE_MAX + 1], all;
} side_counts;

static void merge(bti_survey *out, const header *found, int64_t n, side_counts *sides, bool *first)
{
    for (int64_t i = 0; i < n; i++) {
        if (!found[i].c)
            continue;
        int shorter = found[i].w < found[i].h ? found[i].w : found[i].h;
        sides->n[shorter < SIDE_MAX ? shorter : SIDE_MAX]++;
        sides->all++;
        if (found[i].c != 1)
            out->channels = 3;
        if (*first) {
            out->w = found[i].w;
            out->h = found[i].h;
        } else if (found[i].w != out->w || found[i].h != out->h) {
            out->w = out->h = 0;
        }
        *first = false;
    }
}

static int median(const side_counts *sides)
{
    int64_t below = 0;
    int side = 0;
    while (side < SIDE_MAX && 2 * (below + sides->n[side]) <= sides->all)
        below += sides->n[side++];
    return sides->all ? side : 0;
}

static bt_status survey(bti_survey *out, bti_source *s, int threads, side_counts *sides,
                        bt_error *err)
{
    bool first = true;
    for (int split = BTI_TRAIN; split <= BTI_VAL; split++) {
        if (!s->split[split].present)
            continue;
        bt_status rc = s->reader->load(s, (bti_split)split, err);
        if (rc)
            return rc;
        int64_t n = s->split[split].n;
        survey_job job = {.s = s, .split = (bti_split)split};
        job.found = bti_calloc((size_t)n, sizeof(header));
        if (!job.found)
            return bti_fail_nomem(err);
        bti_parallel_for(threads, n, survey_task, &job);
        merge(out, job.found, n, sides, &first);
        bti_free(job.found);
        if (split == BTI_TRAIN)
            out->train = n;
    }
    out->shorter = median(sides);
    return BT_OK;
}

bt_status bti_survey_source(bti_survey *out, bti_source *s, int threads, bt_error *err)
{
    *out = (bti_survey){.channels = 1};
    side_counts *sides = bti_calloc(1, sizeof(*sides));
    bt_status rc = sides ? survey(out, s, threads, sides, err) : bti_fail_nomem(err);
    bti_free(sides);
    return rc;
}
