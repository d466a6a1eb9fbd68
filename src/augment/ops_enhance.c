/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that blend with a degenerate image: Brightness (black), Contrast (mean grey), Color
 * (grey image), Sharpness (smoothed image). They equal PIL.ImageEnhance; value is the factor: 0 the
 * degenerate image, 1 the original.
 *
 * ImagingBlend computes degenerate + factor * (pixel - degenerate) in float32, clips, and cuts to
 * an integer. No fused multiply-add may be used here (the build says -ffp-contract=off).
 */
#include "augment/op_int.h"

#include <stddef.h>

static size_t n_bytes(const bti_op_image *im)
{
    return (size_t)im->h * (size_t)im->w * (size_t)im->c;
}

static inline uint8_t blend(int degenerate, int pixel, float factor)
{
    float v = (float)degenerate + factor * (float)(pixel - degenerate);

    v = v > 0.0f ? v : 0.0f;
    v = v < 255.0f ? v : 255.0f;
    return (uint8_t)(int)v;
}

void bti_blend_bytes(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b,
                     float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = blend(a[i], b[i], weight);
}

/* dst = blend of the degenerate image in scratch and the original. */
static void blend_images(const bti_op_image *im, float factor)
{
    bti_blend_bytes(im->dst, im->scratch, im->src, factor, n_bytes(im));
}

/* A flat degenerate image is a table of 256 values. */
static void blend_flat(const bti_op_image *im, int grey, float factor)
{
    size_t n = n_bytes(im);
    const uint8_t *restrict s = im->src;
    uint8_t *restrict d = im->dst;
    uint8_t to[256];

    for (int v = 0; v < 256; v++)
        to[v] = blend(grey, v, factor);
    for (size_t i = 0; i < n; i++)
        d[i] = to[s[i]];
}

void bti_op_brightness(double value, const bti_op_image *im)
{
    blend_flat(im, 0, (float)value);
}

void bti_op_contrast(double value, const bti_op_image *im)
{
    size_t n = (size_t)im->h * (size_t)im->w;
    const uint8_t *restrict s = im->src;
    uint64_t sum = 0;

    if (im->c == 1)
        for (size_t i = 0; i < n; i++)
            sum += s[i];
    else
        for (size_t i = 0; i < n; i++)
            sum += (uint64_t)bti_luma(s + 3 * i);
    blend_flat(im, (int)((double)sum / (double)n + 0.5), (float)value);
}

void bti_op_color(double value, const bti_op_image *im)
{
    size_t n = (size_t)im->h * (size_t)im->w;
    const uint8_t *restrict s = im->src;
    uint8_t *restrict grey = im->scratch;

    if (im->c == 1) { /* grey is its own grey image */
        bti_op_identity(value, im);
        return;
    }
    for (size_t i = 0; i < n; i++)
        grey[3 * i] = grey[3 * i + 1] = grey[3 * i + 2] = (uint8_t)bti_luma(s + 3 * i);
    blend_images(im, (float)value);
}

/* ImageFilter.SMOOTH, (1 1 1, 1 5 1, 1 1 1) / 13, the border copied. Pillow sums in float and adds
 * 0.5; the weighted sum is a whole number S <= 3315, so S / 13 + 0.5 is at least 1/26 away from an
 * integer and (S + 6) / 13 cut to an integer is the same number. */
static void smooth(uint8_t *restrict out, const uint8_t *restrict in, int h, int w, int c)
{
    size_t row = (size_t)w * (size_t)c;
    ptrdiff_t d = c;

    memcpy(out, in, row * (size_t)h);
    for (int y = 1; y < h - 1; y++) {
        const uint8_t *mid = in + (size_t)y * row;
        const uint8_t *up = mid - row, *down = mid + row;
        uint8_t *o = out + (size_t)y * row;
        for (ptrdiff_t i = d; i < (ptrdiff_t)row - d; i++) {
            unsigned s = (unsigned)(up[i - d] + up[i] + up[i + d] + mid[i - d] + 5 * mid[i] +
                                    mid[i + d] + down[i - d] + down[i] + down[i + d]);
            o[i] = (uint8_t)((uint16_t)(s + 6) / 13);
        }
    }
}

void bti_op_sharpness(double value, const bti_op_image *im)
{
    smooth(im->scratch, im->src, im->h, im->w, im->c);
    blend_images(im, (float)value);
}
