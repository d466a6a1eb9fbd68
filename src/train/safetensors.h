/* SPDX-License-Identifier: Apache-2.0
 *
 * .safetensors: 8 bytes little-endian header length, a JSON header {"name": {"dtype", "shape",
 * "data_offsets"}, "__metadata__": {text: text}}, then the data. Written: F32 only. Read: any dtype
 * is listed, F32 can be taken.
 */
#ifndef BTI_SAFETENSORS_H
#define BTI_SAFETENSORS_H

#include "base/arena.h"
#include "base/files.h"
#include "base/json.h"

#define BTI_SAFETENSORS_DIMS 8

typedef struct bti_stored {
    const char *name;
    int n_dims;
    int64_t dim[BTI_SAFETENSORS_DIMS];
    int64_t size; /* elements */
    bool is_f32;
    const unsigned char *data; /* size floats, unaligned when read; any floats to write */
} bti_stored;

/* Writes atomically, data in the order given, 64-byte aligned. `metadata`: an object of texts, may
 * be NULL. The names must differ. BT_IO, BT_NOMEM. */
bt_status bti_safetensors_write(const char *path, const bti_stored *tensor, size_t n,
                                const bti_json *metadata, bt_error *err);

typedef struct bti_safetensors {
    size_t n;
    bti_stored *tensor; /* by position in the file */
    bti_json *header;
    bti_map map;
    bti_arena arena;
} bti_safetensors;

/* Opens and checks everything: header length, JSON, shapes, sizes, and that the tensors cover the
 * data without gap or overlap. BT_FORMAT says what is wrong. */
bt_status bti_safetensors_open(bti_safetensors *s, const char *path, bt_error *err);
void bti_safetensors_close(bti_safetensors *s);

const bti_stored *bti_safetensors_find(const bti_safetensors *s, const char *name); /* or NULL */
const char *bti_safetensors_meta(const bti_safetensors *s, const char *key);        /* or NULL */
/* Copies an F32 tensor of `size` elements; BT_FORMAT if it is absent or of another size or dtype.
 */
bt_status bti_safetensors_take(const bti_safetensors *s, const char *path, const char *name,
                               int64_t size, float *out, bt_error *err);

#endif
