/* SPDX-License-Identifier: Apache-2.0
 *
 * How a camera was held: the one EXIF tag that pixels depend on.
 */
#ifndef BTI_EXIF_H
#define BTI_EXIF_H

#include "image/image.h"

/* Tag 0x0112 of a file's first EXIF block (CIPA DC-008, section 4.6.4): 1 = as stored, 2..8 = the
 * turn or mirror image that bti_image_orient undoes. 1 when there is none, when it is out of range
 * or when the block is damaged: pixels are still right then, only perhaps lying on their side. The
 * bytes may end anywhere. The block is an APP1 segment of a JPEG, the chunk eXIf of a PNG, the
 * chunk EXIF of a WebP. */
int bti_exif_orientation(const uint8_t *jpeg, size_t n);
int bti_exif_orientation_png(const uint8_t *png, size_t n);
int bti_exif_orientation_webp(const uint8_t *webp, size_t n);

/* Turns the pixels of *im upright, as Pillow's ImageOps.exif_transpose; 5..8 swap w and h.
 * On failure *im is as it was. */
bt_status bti_image_orient(bti_image *im, int orientation, bt_error *err);

#endif
