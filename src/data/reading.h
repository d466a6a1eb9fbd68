/* SPDX-License-Identifier: Apache-2.0
 *
 * Many images asked the same question: on all cores, in decoding processes where they are files of
 * their own and a program is given, with progress, and with an end within a second of a stop.
 */
#ifndef BTI_READING_H
#define BTI_READING_H

#include "data/answer.h"
#include "data/reader.h"

typedef struct bti_reading {
    /* Either the samples of a loaded split, or n paths. */
    const bti_source *source;
    bti_split split;
    const char *const *path;
    int64_t n;
    bti_ask ask;
    uint8_t *px;                 /* (n, bti_ask_bytes); in the order of the images */
    const char *program;         /* as in bt_data_options */
    int threads;                 /* at least 1 */
    const bt_stop *stop;         /* may be NULL */
    const bt_progress *progress; /* BT_EVENT_DECODE with the split's name; may be NULL */
    /* Called for image i from any thread, once, unless reading ends before. What it returns ends
     * the reading if it is not BT_OK. */
    bt_status (*take)(void *user, int64_t i, const bti_answer *a, bt_error *err);
    void *user;
} bti_reading;

/* An image that cannot be read is an answer; but where the samples share a file, it ends all.
 * BT_NOMEM, BT_STOPPED, BT_IO if the program is none: nothing more is read. */
bt_status bti_read_images(const bti_reading *r, bt_error *err);

#endif
