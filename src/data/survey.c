/* SPDX-License-Identifier: Apache-2.0
 *
 * A look at every image's header before decoding: are they all grey, how large are they?
 * Only train and val are asked: nothing about the test split may shape what a study sees.
 */
#include "data/decode.h"

#include "base/alloc.h"
#include "base/error.h"
#include "data/reading.h"

#define SIDE_MAX 4096 /* larger ones count as this */

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

static bt_status survey(bti_survey *out, bti_source *s, int threads, const bt_data_options *opt,
                        side_counts *sides, bt_error *err)
{
    bool first = true;
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
            merge(out, found, n, sides, &first);
        bti_free(found);
        if (rc)
            return rc;
        if (split == BTI_TRAIN)
            out->train = n;
    }
    out->shorter = median(sides);
    return BT_OK;
}

bt_status bti_survey_source(bti_survey *out, bti_source *s, int threads, const bt_data_options *opt,
                            bt_error *err)
{
    *out = (bti_survey){.channels = 1};
    side_counts *sides = bti_calloc(1, sizeof(*sides));
    bt_status rc = sides ? survey(out, s, threads, opt, sides, err) : bti_fail_nomem(err);
    bti_free(sides);
    return rc;
}
