/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that blend with a degenerate image of the same shape: Color (grey image) and Sharpness
 * (smoothed image). They equal PIL.ImageEnhance; value is the factor: 0 the degenerate image, 1 the
 * original. Those that blend with one grey are tables (ops_tone.c).
 */
#include "augment/op_int.h"

#include "augment/simd/kernels.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

void bti_op_color(double value, const bti_op_image *im)
{
    if (im->c == 1) /* grey is its own grey image */
        bti_op_identity(value, im);
    else
        bti_pixel_kernels_now()->blend_luma(im->dst, im->src, (float)value,
                                            (size_t)im->h * (size_t)im->w);
}

/* The degenerate image is ImageFilter.SMOOTH, (1 1 1, 1 5 1, 1 1 1) / 13, the border copied. Pillow
 * sums in float and adds 0.5; the weighted sum is a whole number S <= 3315, so S / 13 + 0.5 is at
 * least 1/26 away from an integer and (S + 6) / 13 cut to an integer is the same number. */
void bti_op_sharpness(double value, const bti_op_image *im)
{
    const bti_pixel_kernels *k = bti_pixel_kernels_now();
    size_t row = (size_t)im->w * (size_t)im->c, bytes = (size_t)im->h * row;
    uint8_t *smooth = im->scratch;

    for (int y = 0; y < im->h; y++) {
        const uint8_t *mid = im->src + (size_t)y * row;
        uint8_t *to = smooth + (size_t)y * row;
        bool border = y == 0 || y == im->h - 1 || im->w < 3;
        size_t edge = border ? row : (size_t)im->c; /* bytes at each end that are copied */
        memcpy(to, mid, edge);
        memcpy(to + row - edge, mid + row - edge, edge);
        if (!border)
            k->smooth(to, mid - row, mid, mid + row, row, (size_t)im->c);
    }
    k->blend(im->dst, smooth, im->src, (float)value, bytes);
}
