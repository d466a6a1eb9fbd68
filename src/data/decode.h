/* SPDX-License-Identifier: Apache-2.0
 *
 * One split of a source, decoded on all cores into two .npy files.
 */
#ifndef BTI_DECODE_H
#define BTI_DECODE_H

#include "data/reader.h"

typedef struct bti_skipped {
    char *path, *reason; /* bti_free both */
} bti_skipped;

/* What decoding a split left behind. Zeroed struct = nothing; release frees the list. */
typedef struct bti_decoded {
    int64_t n; /* samples written */
    int64_t n_skipped;
    bti_skipped *skipped;
    double mean[3], std[3]; /* per channel, pixel / 255, over all samples */
} bti_decoded;

void bti_decoded_release(bti_decoded *d);

/* One BT_EVENT_WARN with their number and, if there are several, one for each of the first 20.
 * `first` holds at least as many as that. */
#define BTI_SKIPPED_SHOWN 20
void bti_skipped_warn(const bti_skipped *first, int64_t n, const char *split,
                      const bt_progress *progress);

typedef struct bti_decode_options {
    int side, channels;
    int threads;                  /* at least 1 */
    const char *dir;              /* receives SPLIT.npy (n,side,side,channels), SPLIT-labels.npy */
    const bt_data_options *given; /* program, strict, stop, progress */
    bti_hash *content;            /* pixels, then labels, of what was written are added */
} bti_decode_options;

/* Loads, decodes, resizes (bti_image_fit_square) and writes a split that is present.
 * BT_FORMAT when more than 1 % (with `strict`: one) is unreadable, after a warning that lists them,
 * or when a class of train is left with no image. BT_STOPPED as bti_read_images. */
bt_status bti_decode_split(bti_decoded *out, bti_source *s, bti_split split,
                           const bti_decode_options *opt, bt_error *err);

/* What all images that learning may see (train and val) have in common, from their headers. */
typedef struct bti_survey {
    int channels; /* 1 if every readable image is grey, else 3 */
    int w, h;     /* of every image, 0 if they differ */
} bti_survey;

/* Loads (and leaves loaded) train and val. Unreadable images are left for decoding to judge. */
bt_status bti_survey_source(bti_survey *out, bti_source *s, int threads, const bt_data_options *opt,
                            bt_error *err);

#endif
