/* SPDX-License-Identifier: Apache-2.0
 *
 * NumPy's .npy files (numpy.lib.format). Ours are of version 1.0: a text header of exactly 128
 * bytes, then raw little-endian data, 64-byte aligned, that anybody can map. Others' are only read.
 */
#ifndef BTI_NPY_H
#define BTI_NPY_H

#include "base/files.h"

#define BTI_NPY_HEADER 128

typedef enum bti_npy_type { BTI_NPY_U8, BTI_NPY_I32, BTI_NPY_F32 } bti_npy_type;

typedef struct bti_npy_shape {
    bti_npy_type type;
    int n_dims; /* 1..4 */
    int64_t dim[4];
} bti_npy_shape;

int64_t bti_npy_bytes(const bti_npy_shape *shape); /* of the data, without the header */

/* A file being filled through a map. Its first dimension may shrink at the end. */
typedef struct bti_npy_writer {
    int fd;     /* -1: closed */
    void *data; /* bti_npy_bytes(shape) bytes */
    bti_npy_shape shape;
    const char *path; /* borrowed until finish or abort */
    unsigned char *map;
} bti_npy_writer;

/* Creates path with all of its blocks reserved, so that a full disk is an error here and not a
 * signal later. */
bt_status bti_npy_create(bti_npy_writer *w, const char *path, const bti_npy_shape *shape,
                         bt_error *err);
/* Cuts to n rows, syncs, closes. The writer is closed on failure too. */
bt_status bti_npy_finish(bti_npy_writer *w, int64_t n, bt_error *err);
void bti_npy_abort(bti_npy_writer *w); /* closes; safe after finish */

/* Maps a file that must have exactly this header and length; *data points behind the header. */
bt_status bti_npy_map(bti_map *m, const char *path, const bti_npy_shape *shape, const void **data,
                      bt_error *err);

/* Maps any C-ordered file of one of these types and 1 to 4 dimensions, as NumPy saves it: format
 * 1.0, 2.0 or 3.0. The header is not trusted; *data may be unaligned. BT_FORMAT says what is there
 * instead. */
bt_status bti_npy_open(bti_map *m, const char *path, bti_npy_shape *shape, const void **data,
                       bt_error *err);
/* Writes a whole array atomically, replacing what was there. */
bt_status bti_npy_write(const char *path, const bti_npy_shape *shape, const void *data,
                        bt_error *err);

#endif
