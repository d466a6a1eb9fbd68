/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked about one image, and the answer: the unit of work of a decoding thread or process.
 */
#ifndef BTI_ANSWER_H
#define BTI_ANSWER_H

#include "base/hash.h"
#include "image/image.h"

typedef enum bti_ask_kind {
    BTI_ASK_SIZE,   /* width, height and channels, from the header */
    BTI_ASK_HASH,   /* the same and a hash of the pixels as stored: every pixel is decoded */
    BTI_ASK_PIXELS, /* the pixels as a data set has them */
} bti_ask_kind;

typedef struct bti_ask {
    bti_ask_kind kind;
    int side, channels; /* PIXELS: (side,side,channels), brought there by bti_image_fit_square */
} bti_ask;

typedef struct bti_answer {
    bt_status rc;
    int w, h, c; /* upright, c = 1 or 3; 0 if rc is set */
    char hash[BTI_HASH_HEX];
    bt_error error; /* if rc is set */
} bti_answer;

/* Bytes of pixels that come with an answer; 0 unless PIXELS. */
size_t bti_ask_bytes(const bti_ask *ask);

/* Both decode in this process. `px` receives bti_ask_bytes(ask) bytes; NULL is fine if there are
 * none. */
void bti_answer_file(bti_answer *out, const bti_ask *ask, const char *path, uint8_t *px);
void bti_answer_image(bti_answer *out, const bti_ask *ask, const bti_image *im, uint8_t *px);

#endif
