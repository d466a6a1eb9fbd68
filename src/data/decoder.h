/* SPDX-License-Identifier: Apache-2.0
 *
 * A process that decodes image files for us: posix_spawn of our own binary, one socket, limited
 * memory. An image that crashes it, or hangs it, is an answer like any other.
 *
 * States: none (no process yet) -> asked <-> idle -> none. It is started by the first question and
 * again after each crash. One thread at a time.
 */
#ifndef BTI_DECODER_H
#define BTI_DECODER_H

#include "base/process.h"
#include "data/answer.h"

/* Address space of a decoding process. The largest image that bti_image_read allows takes less: 192
 * MiB of pixels, twice while it is turned, converted or padded, 256 MiB with alpha, 384 MiB of
 * coefficients of a progressive JPEG. */
#define BTI_DECODER_MEMORY ((int64_t)1 << 30)
#define BTI_DECODER_PATIENCE_S 60.0 /* for one image */
#define BTI_DECODER_BATCH 16        /* images of a question, at most */

/* Zeroed struct with the first four set = no process yet. */
typedef struct bti_decoder {
    const char *program; /* borrowed */
    int64_t memory;      /* bytes */
    double patience_s;
    const bt_stop *stop; /* borrowed, may be NULL */
    bti_child child;
    int fd;
} bti_decoder;

/* Asks about n files (at most BTI_DECODER_BATCH) in order; px[i] receives the pixels, where `ask`
 * wants them. An image that ends a process which was asked about it alone has BT_FORMAT in its
 * answer. BT_STOPPED within 0.1 s of a stop; BT_IO if the program cannot be started or is no
 * decoder. */
bt_status bti_decoder_ask(bti_decoder *d, const bti_ask *ask, const char *const *path,
                          uint8_t *const *px, int n, bti_answer *out, bt_error *err);

/* Ends the process, killing it if it is busy. Zeroed is fine. */
void bti_decoder_close(bti_decoder *d);

#endif
