/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that blend with a degenerate image: Brightness (black), Contrast (mean grey), Color
 * (grey image), Sharpness (smoothed image). They equal PIL.ImageEnhance; value is the factor: 0 the
 * degenerate image, 1 the original.
 */
#include "augment/op_int.h"

#include "augment/simd/kernels.h"
#include <stddef.h>
#include <string.h>

static size_t n_bytes(const bti_op_image *im)
{
    return (size_t)im->h * (size_t)im->w * (size_t)im->c;
}

static void blend_flat(const bti_op_image *im, int grey, double factor)
{
    bti_pixel_kernels_now()->blend_flat(im->dst, im->src, grey, (float)factor, n_bytes(im));
}

void bti_op_brightness(double value, const bti_op_image *im)
{
    blend_flat(im, 0, value);
}

void bti_op_contrast(double value, const bti_op_image *im)
{
    size_t n = (size_t)im->h * (size_t)im->w;
    uint64_t sum = 0;

    if (im->c == 1)
        for (size_t i = 0; i < n; i++)
            sum += im->src[i];
    else
        sum = bti_pixel_kernels_now()->sum_luma(im->src, n);
    blend_flat(im, (int)((double)sum / (double)n + 0.5), value);
}

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
    size_t row = (size_t)im->w * (size_t)im->c;
    uint8_t *smooth = im->scratch;

    for (int y = 0; y < im->h; y++) {
        const uint8_t *mid = im->src + (size_t)y * row;
        memcpy(smooth, mid, row);
        if (y > 0 && y < im->h - 1)
            k->smooth(smooth, mid - row, mid, mid + row, row, (size_t)im->c);
        k->blend(im->dst + (size_t)y * row, smooth, mid, (float)value, row);
    }
}
