/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that show the image mirrored (HorizontalFlip, VerticalFlip), a window of it at full
 * size (RandomCrop, RandomResizedCrop), or all of it in a smaller window (Letterbox). Windows are
 * resized as Pillow's BILINEAR does it, antialiased.
 */
#include "augment/op_int.h"

#include "augment/simd/kernels.h"
#include <math.h>
#include <string.h>

#define CANVAS 114 /* YOLO's grey */

typedef struct window {
    int x, y, w, h;
} window;

/* ---- flips ---- */

void bti_op_horizontal_flip(double value, const bti_op_image *im)
{
    const bti_pixel_kernels *k = bti_pixel_kernels_now();
    size_t w = (size_t)im->w, row = w * (size_t)im->c;

    (void)value;
    for (int y = 0; y < im->h; y++) {
        const uint8_t *s = im->src + (size_t)y * row;
        uint8_t *d = im->dst + (size_t)y * row;
        if (im->c == 3)
            k->mirror(d, s, w);
        else
            for (size_t x = 0; x < w; x++)
                d[x] = s[w - 1 - x];
    }
}

void bti_map_horizontal_flip(double value, const bti_op_image *im, double m[9])
{
    const double all[9] = {-1, 0, im->w, 0, 1, 0, 0, 0, 1};

    (void)value;
    memcpy(m, all, sizeof(all));
}

void bti_op_vertical_flip(double value, const bti_op_image *im)
{
    size_t row = (size_t)im->w * (size_t)im->c;

    (void)value;
    for (int y = 0; y < im->h; y++)
        memcpy(im->dst + (size_t)(im->h - 1 - y) * row, im->src + (size_t)y * row, row);
}

void bti_map_vertical_flip(double value, const bti_op_image *im, double m[9])
{
    const double all[9] = {1, 0, 0, 0, -1, im->h, 0, 0, 1};

    (void)value;
    memcpy(m, all, sizeof(all));
}

/* ---- a window at full size ---- */

static void show(const bti_op_image *im, window v)
{
    size_t row = (size_t)im->w * (size_t)im->c;
    /* The source is only read. */
    bti_pixels from = {(uint8_t *)im->src + (size_t)v.y * row + (size_t)v.x * (size_t)im->c, v.w,
                       v.h, im->c, row};
    bti_pixels to = {im->dst, im->w, im->h, im->c, row};

    bti_resize_pixels(&to, &from, im->scratch);
}

static void map_window(const bti_op_image *im, window v, double m[9])
{
    const double all[9] = {(double)v.w / im->w, 0, v.x, 0, (double)v.h / im->h, v.y, 0, 0, 1};

    memcpy(m, all, sizeof(all));
}

static int place(double draw, int room)
{
    return (int)(draw * (room + 1));
}

/* value: the share of each side that is cut away, in whole pixels; draws: where. */
static window crop_window(double value, const bti_op_image *im)
{
    int w = im->w - (int)(value * im->w), h = im->h - (int)(value * im->h);

    return (window){place(im->draw[0], im->w - w), place(im->draw[1], im->h - h), w, h};
}

void bti_op_random_crop(double value, const bti_op_image *im)
{
    show(im, crop_window(value, im));
}

void bti_map_random_crop(double value, const bti_op_image *im, double m[9])
{
    map_window(im, crop_window(value, im), m);
}

static int clip_side(double v, int n)
{
    double side = rint(v);

    return side < 1 ? 1 : side > n ? n : (int)side;
}

/* Szegedy et al., "Going deeper with convolutions", 2015: an area from `value` to 1 of the image's,
 * an aspect ratio from 3:4 to 4:3, even in its logarithm; a side that does not fit is cut. */
static window resized_window(double value, const bti_op_image *im)
{
    double area = (value + im->draw[0] * (1 - value)) * im->w * im->h;
    double lo = log(3.0 / 4.0), hi = log(4.0 / 3.0);
    double ratio = exp(lo + im->draw[1] * (hi - lo));
    int w = clip_side(sqrt(area * ratio), im->w), h = clip_side(sqrt(area / ratio), im->h);

    return (window){place(im->draw[2], im->w - w), place(im->draw[3], im->h - h), w, h};
}

void bti_op_random_resized_crop(double value, const bti_op_image *im)
{
    show(im, resized_window(value, im));
}

void bti_map_random_resized_crop(double value, const bti_op_image *im, double m[9])
{
    map_window(im, resized_window(value, im), m);
}

/* ---- everything in a smaller window ---- */

static window letterbox_window(double value, const bti_op_image *im)
{
    int w = clip_side(value * im->w, im->w), h = clip_side(value * im->h, im->h);

    return (window){(im->w - w) / 2, (im->h - h) / 2, w, h};
}

void bti_op_letterbox(double value, const bti_op_image *im)
{
    window v = letterbox_window(value, im);
    size_t row = (size_t)im->w * (size_t)im->c;
    bti_pixels from = {(uint8_t *)im->src, im->w, im->h, im->c, row};
    bti_pixels to = {im->dst + (size_t)v.y * row + (size_t)v.x * (size_t)im->c, v.w, v.h, im->c,
                     row};

    memset(im->dst, CANVAS, (size_t)im->h * row);
    bti_resize_pixels(&to, &from, im->scratch);
}

void bti_map_letterbox(double value, const bti_op_image *im, double m[9])
{
    window v = letterbox_window(value, im);
    double kx = (double)im->w / v.w, ky = (double)im->h / v.h;
    const double all[9] = {kx, 0, -v.x * kx, 0, ky, -v.y * ky, 0, 0, 1};

    memcpy(m, all, sizeof(all));
}
