/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations on hue, saturation and value (Hue, Saturation, Exposure) and Grayscale. Colours go to
 * 8-bit HSV and back as in Pillow's Convert.c, with its float and double arithmetic; grey images
 * have neither hue nor saturation.
 */
#include "augment/op_int.h"

#include <math.h>
#include <string.h>

static size_t n_pixels(const bti_op_image *im)
{
    return (size_t)im->h * (size_t)im->w;
}

static int clip(int v)
{
    return v < 0 ? 0 : v > 255 ? 255 : v;
}

static int max3(int a, int b, int c)
{
    int m = a > b ? a : b;

    return m > c ? m : c;
}

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;

    return m < c ? m : c;
}

/* Convert.c, rgb2hsv_row */
static void to_hsv(const uint8_t *rgb, uint8_t hsv[3])
{
    int r = rgb[0], g = rgb[1], b = rgb[2];
    int most = max3(r, g, b), least = min3(r, g, b);
    float h;

    hsv[0] = hsv[1] = 0;
    hsv[2] = (uint8_t)most;
    if (most == least)
        return;
    float cr = (float)(most - least), s = cr / (float)most;
    float rc = (float)(most - r) / cr, gc = (float)(most - g) / cr, bc = (float)(most - b) / cr;
    if (r == most)
        h = bc - gc;
    else if (g == most)
        h = (float)(2.0 + (double)rc - (double)bc);
    else
        h = (float)(4.0 + (double)gc - (double)rc);
    h = (float)fmod((double)h / 6.0 + 1.0, 1.0);
    hsv[0] = (uint8_t)clip((int)((double)h * 255.0));
    hsv[1] = (uint8_t)clip((int)((double)s * 255.0));
}

/* Convert.c, hsv2rgb */
static void to_rgb(const uint8_t hsv[3], uint8_t *rgb)
{
    float h = hsv[0], v = hsv[2];

    if (!hsv[1]) {
        rgb[0] = rgb[1] = rgb[2] = hsv[2];
        return;
    }
    double sextant = (double)h * 6.0 / 255.0;
    int i = (int)floor(sextant);
    float f = (float)(sextant - i);
    float fs = (float)((double)(float)hsv[1] / 255.0);
    uint8_t p = (uint8_t)clip((int)round((double)v * (1.0 - (double)fs)));
    uint8_t q = (uint8_t)clip((int)round((double)v * (1.0 - (double)(fs * f))));
    uint8_t t = (uint8_t)clip((int)round((double)v * (1.0 - (double)fs * (1.0 - (double)f))));
    const uint8_t x = hsv[2];
    const uint8_t of[6][3] = {{x, t, p}, {q, x, p}, {p, x, t}, {p, q, x}, {t, p, x}, {x, p, q}};

    memcpy(rgb, of[i % 6], 3);
}

/* HSV channel k of every pixel through a table. */
static void map_channel(const bti_op_image *im, int k, const uint8_t to[256])
{
    const uint8_t *s = im->src;
    uint8_t *d = im->dst, hsv[3];
    size_t n = n_pixels(im);

    if (im->c == 1) {
        for (size_t i = 0; i < n; i++)
            d[i] = k == 2 ? to[s[i]] : s[i];
        return;
    }
    for (size_t i = 0; i < n; i++, s += 3, d += 3) {
        to_hsv(s, hsv);
        hsv[k] = to[hsv[k]];
        to_rgb(hsv, d);
    }
}

/* value: turns of the colour circle, cut to steps of 1/255 (torchvision F.adjust_hue). */
void bti_op_hue(double value, const bti_op_image *im)
{
    uint8_t to[256];
    int step = (int)(value * 255);

    if (value == 0) { /* HSV and back would round */
        bti_op_identity(0, im);
        return;
    }
    for (int v = 0; v < 256; v++)
        to[v] = (uint8_t)(v + step);
    map_channel(im, 0, to);
}

static void scale_channel(const bti_op_image *im, int k, double factor)
{
    uint8_t to[256];

    if (factor == 1) { /* as for Hue 0 */
        bti_op_identity(0, im);
        return;
    }
    for (int v = 0; v < 256; v++)
        to[v] = (uint8_t)(v * factor >= 255 ? 255 : (int)rint(v * factor));
    map_channel(im, k, to);
}

void bti_op_saturation(double value, const bti_op_image *im)
{
    scale_channel(im, 1, value);
}

void bti_op_exposure(double value, const bti_op_image *im)
{
    scale_channel(im, 2, value);
}

void bti_op_grayscale(double value, const bti_op_image *im)
{
    const uint8_t *s = im->src;
    uint8_t *d = im->dst;
    size_t n = n_pixels(im);

    if (im->c == 1) {
        bti_op_identity(value, im);
        return;
    }
    for (size_t i = 0; i < n; i++, s += 3, d += 3)
        d[0] = d[1] = d[2] = (uint8_t)bti_luma(s);
}
