/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at every image's header before decoding: are they all grey, are they all of one size?
 * Only train and val are asked: nothing about the test split may shape what a study sees.
 */
#include "data/decode.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/threads.h"

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

static void merge(bti_survey *out, const header *found, int64_t n, bool *first)
{
    for (int64_t i = 0; i < n; i++) {
        if (!found[i].c)
            continue;
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

bt_status bti_survey_source(bti_survey *out, bti_source *s, int threads, bt_error *err)
{
    bool first = true;
    *out = (bti_survey){.channels = 1};
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
        merge(out, job.found, n, &first);
        bti_free(job.found);
    }
    return BT_OK;
}
