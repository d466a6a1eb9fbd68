/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at every image's header before decoding: are they all grey, are they all of one size?
 * Only train and val are asked: nothing about the test split may shape what a study sees.
 */
#include "data/decode.h"

#include "base/alloc.h"
#include "base/error.h"
#include "data/reading.h"

typedef struct header {
    int w, h, c; /* c = 0: unreadable */
} header;

static bt_status take_header(void *user, int64_t i, const bti_answer *a, bt_error *err)
{
    (void)err; /* decoding will say what is wrong with an image */
    if (!a->rc)
        ((header *)user)[i] = (header){.w = a->w, .h = a->h, .c = a->c};
    return BT_OK;
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

bt_status bti_survey_source(bti_survey *out, bti_source *s, int threads, const bt_data_options *opt,
                            bt_error *err)
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
        header *found = bti_calloc((size_t)n, sizeof(*found));
        if (!found)
            return bti_fail_nomem(err);
        bti_reading reading = {.source = s,
                               .split = (bti_split)split,
                               .n = n,
                               .ask = {.kind = BTI_ASK_SIZE},
                               .program = opt->program,
                               .threads = threads,
                               .stop = &opt->stop,
                               .take = take_header,
                               .user = found};
        rc = bti_read_images(&reading, err);
        if (!rc)
            merge(out, found, n, &first);
        bti_free(found);
        if (rc)
            return rc;
    }
    return BT_OK;
}
