/* SPDX-License-Identifier: Apache-2.0
 *
 * Captions: a tiny font of 3 x 5 dots, drawn twice as large. Letters are capitals.
 */
#ifndef BTI_FONT_H
#define BTI_FONT_H

#include "image/image.h"

#define BTI_FONT_W 8     /* pixels from one letter to the next */
#define BTI_FONT_H_PX 10 /* height of a letter */

/* Draws text on a colour image with its top left corner at (x, y), cut at the image's sides. */
void bti_draw_text(bti_image *im, int x, int y, const char *text, uint8_t grey);

#endif
