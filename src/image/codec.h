/* SPDX-License-Identifier: Apache-2.0
 *
 * One image format: how it is recognised and decoded. Adding one is a file and a line of
 * codecs.def.
 */
#ifndef BTI_CODEC_H
#define BTI_CODEC_H

#include "image/image.h"

#include <stdbool.h>

/* An image file in memory; `where` is its path for errors. */
typedef struct bti_bytes {
    const uint8_t *p;
    size_t n;
    const char *where;
} bti_bytes;

typedef struct bti_codec {
    const char *name;
    bool (*match)(const bti_bytes *in); /* by the first bytes; in->n may be 0 */
    /* Size and channels as bti_image_read(channels 0) would give; the bytes may end after the
     * header. */
    bt_status (*probe)(const bti_bytes *in, int *w, int *h, int *c, bt_error *err);
    /* As stored: c = 1 or 3. On failure *out holds nothing. */
    bt_status (*decode)(bti_image *out, const bti_bytes *in, bt_error *err);
} bti_codec;

#define CODEC(name) extern const bti_codec bti_codec_##name;
#include "image/codecs.def"
#undef CODEC

#endif
