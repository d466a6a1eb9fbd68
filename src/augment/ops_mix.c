/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that hide a part of the image (Cutout) or mix another one into it (SamplePairing).
 * Labels stay: the other image gives pixels, not its class.
 */
#include "augment/op_int.h"

#include "augment/simd/kernels.h"
#include <string.h>

#define GREY 128

/* A pixel from 0 to n - 1 for a draw in [0, 1). */
static int pick(double draw, int n)
{
    return (int)(draw * n);
}

/* [*from, *to) = `side` pixels about `centre`, clipped to [0, n). */
static void clip_about(int centre, int side, int n, int *from, int *to)
{
    int first = centre - side / 2, end = first + side;

    *from = first > 0 ? first : 0;
    *to = end < n ? end : n;
}

/* DeVries & Taylor, "Improved regularization of convolutional neural networks with Cutout", 2017:
 * a square that may hang over the border. value: its side as a share of the shorter side of the
 * image, cut to whole pixels; draws: its centre. */
void bti_rect_cutout(double value, const bti_op_image *im, int r[4])
{
    int side = (int)(value * (im->h < im->w ? im->h : im->w));

    clip_about(pick(im->draw[0], im->w), side, im->w, &r[0], &r[2]);
    clip_about(pick(im->draw[1], im->h), side, im->h, &r[1], &r[3]);
}

void bti_op_cutout(double value, const bti_op_image *im)
{
    int r[4];
    size_t c = (size_t)im->c, row = (size_t)im->w * c;

    bti_rect_cutout(value, im, r);
    memcpy(im->dst, im->src, (size_t)im->h * row);
    for (int y = r[1]; y < r[3] && r[0] < r[2]; y++)
        memset(im->dst + (size_t)y * row + (size_t)r[0] * c, GREY, (size_t)(r[2] - r[0]) * c);
}

/* Inoue, "Data augmentation by pairing samples for images classification", 2018. */
void bti_op_sample_pairing(double value, const bti_op_image *im)
{
    bti_pixel_kernels_now()->blend(im->dst, im->src, im->partner, (float)value,
                                   (size_t)im->h * (size_t)im->w * (size_t)im->c);
}
