/* SPDX-License-Identifier: Apache-2.0
 *
 * 8-bit images in memory: decode (one format per file), resize as Pillow does, write PNG.
 */
#ifndef BTI_IMAGE_H
#define BTI_IMAGE_H

#include "bantam/status.h"

/* (h,w,c) interleaved, c = 1 (grey) or 3 (RGB), no row padding. Zeroed struct = no image. */
typedef struct bti_image {
    int w, h, c;
    uint8_t *px; /* bti_malloc; release with bti_image_release */
} bti_image;

#define BTI_IMAGE_MAX_PIXELS (64 * 1024 * 1024) /* width * height is checked before allocating */
#define BTI_IMAGE_MAX_BYTES (256 * 1024 * 1024) /* of one image file */

static inline size_t bti_image_bytes(const bti_image *im)
{
    return (size_t)im->w * (size_t)im->h * (size_t)im->c;
}

void bti_image_release(bti_image *im); /* NULL or zeroed is fine */
/* Pixels are not set. BT_INVAL for an impossible shape, BT_FORMAT when too large. */
bt_status bti_image_new(bti_image *im, int w, int h, int c, bt_error *err);
bt_status bti_image_copy(bti_image *out, const bti_image *in, bt_error *err);

/* Size and channels without decoding pixels. Of a PNG whose EXIF block follows its pixels, the size
 * may be that of the image on its side. */
bt_status bti_image_probe(const char *path, int *w, int *h, int *c, bt_error *err);

/* Decodes JPEG, PNG or WebP (by content, not by name). channels: 0 = as stored (grey stays 1), 1 or
 * 3 converts. Alpha is dropped by compositing on black; 16-bit is cut to its high byte; palettes
 * become RGB; CMYK JPEG becomes RGB; it is turned upright by its EXIF orientation (exif.h).
 * JPEG pixels equal libjpeg's default (islow, fancy upsampling), as Pillow's do.
 * BT_FORMAT: damaged, truncated, empty, another format or too large. */
bt_status bti_image_read(bti_image *out, const char *path, int channels, bt_error *err);

/* The same from n bytes in memory; `where` names them in errors. */
bt_status bti_image_decode(bti_image *out, const void *bytes, size_t n, const char *where,
                           int channels, bt_error *err);

/* 8-bit grey or RGB PNG, atomic. */
bt_status bti_image_write_png(const bti_image *im, const char *path, bt_error *err);

/* The same in memory: *n bytes, yours (bti_free). */
bt_status bti_image_encode_png(const bti_image *im, uint8_t **out, size_t *n, bt_error *err);

/* Pillow's Image.resize((w, h), BILINEAR) with antialiasing (reducing_gap None), bit-exact:
 * separable, triangle filter widened when shrinking, 22-bit fixed-point coefficients, horizontal
 * pass first. */
bt_status bti_image_resize(bti_image *out, const bti_image *in, int w, int h, bt_error *err);

/* A window of pixels in somebody's image: w pixels a row, rows `row` bytes apart. */
typedef struct bti_pixels {
    uint8_t *px;
    int w, h, c;
    size_t row;
} bti_pixels;

/* The same resize between windows (which must not overlap), without allocation. scratch: bytes of
 * bti_resize_scratch, 8-byte aligned. */
size_t bti_resize_scratch(int w_in, int h_in, int w_out, int h_out, int c);
void bti_resize_pixels(const bti_pixels *out, const bti_pixels *in, void *scratch);

/* Black bars to a square (floor of half the difference before, the rest after), then
 * bti_image_resize. The rule by which every data set is brought to the study's resolution
 * ("pad-square+bilinear"). */
bt_status bti_image_fit_square(bti_image *out, const bti_image *in, int side, bt_error *err);

/* ITU-R 601 grey: (19595 R + 38470 G + 7471 B + 32768) >> 16; grey to RGB copies. */
bt_status bti_image_convert(bti_image *out, const bti_image *in, int channels, bt_error *err);

/* Drops the alpha of n pixels of c + 1 channels: colour * alpha / 255, rounded. */
void bti_image_over_black(uint8_t *dst, const uint8_t *src, size_t n, int c);

#endif
