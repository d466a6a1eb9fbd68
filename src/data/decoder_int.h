/* SPDX-License-Identifier: Apache-2.0
 *
 * What passes between a decoding process and the one that started it: both are the same binary, so
 * the structs themselves go through the socket.
 */
#ifndef BTI_DECODER_INT_H
#define BTI_DECODER_INT_H

#include "data/answer.h"

#include <stdbool.h>

#define BTI_DECODER_HELLO "bantam decoder 1" /* the first bytes that a child sends */
#define BTI_DECODER_PATH 4096                /* longest path, with the NUL */

/* Followed by path_bytes bytes of a path, without a NUL. */
typedef struct bti_request {
    bti_ask ask;
    uint32_t path_bytes;
} bti_request;

/* Followed by text_bytes bytes of a sentence if rc is set, else by bti_ask_bytes() of pixels. */
typedef struct bti_reply {
    int32_t rc;
    int32_t w, h, c;
    uint32_t text_bytes;
    char hash[BTI_HASH_HEX];
} bti_reply;

/* The child's side of the socket. Requests are read and replies are written many at a time: a
 * system call for each would cost as much as a small image. Zeroed but for fd = open. */
typedef struct bti_decoder_end {
    int fd;
    size_t in_at, in_n, out_n;
    double flushed_s; /* when the parent last heard of us */
    char in[32 * 1024], out[64 * 1024];
} bti_decoder_end;

/* A test puts its own deeds between them; false: the parent has gone. */
bool bti_decoder_greet(bti_decoder_end *e);
bool bti_decoder_take(bti_decoder_end *e, bti_request *request, char path[BTI_DECODER_PATH]);
bool bti_decoder_reply(bti_decoder_end *e, const bti_request *request, const char *path);

#endif
