/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of ops.def, declared from the table; nobody outside this folder includes this.
 */
#ifndef BTI_OP_INT_H
#define BTI_OP_INT_H

#include "augment/augment.h"
#include <stdint.h>

typedef void bti_op_fn(double value, const bti_op_image *im);

#define FN(fn) bti_op_fn fn
#define NEAREST(fn) bti_op_fn fn
#define TONE(tone) bti_op_tone_fn tone
#define STAY
#define HIDE(rect) bti_op_rect_fn rect;
#define MOVE(map) bti_op_map_fn map;
#define OP(id, name, unit, lo, hi, identity, levels, is_signed, draws, partner, boxes, pixels,     \
           source)                                                                                 \
    pixels;                                                                                        \
    boxes
#include "augment/ops.def"
#undef OP
#undef MOVE
#undef HIDE
#undef STAY
#undef TONE
#undef NEAREST
#undef FN

/* n pixels of src through a table a channel. */
void bti_tone_look(uint8_t *dst, const uint8_t *src, size_t n, int c, const uint8_t (*to)[256]);

/* ITU-R 601 luma in 16-bit fixed point, rounded (Convert.c, L24). */
static inline int bti_luma(const uint8_t *rgb)
{
    return (19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16;
}

#endif
