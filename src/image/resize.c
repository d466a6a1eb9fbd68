/* SPDX-License-Identifier: Apache-2.0
 *
 * Antialiased bilinear resize, equal to Pillow's to the bit (libImaging/Resample.c of 9.4),
 * and the one rule that brings every image to a square: pad, then resize. The work itself takes its
 * memory from the caller: augmentation resizes windows of images inside training steps.
 */
#include "image/image.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>
#include <stdbool.h>

/* 8 bits for the pixel, 2 for the overshoot of other filters (kept so that the rounding is
 * Pillow's). */
#define PRECISION_BITS (32 - 8 - 2)
#define HALF (1 << (PRECISION_BITS - 1))

/* For each output position: which inputs it sees and with which weights. */
typedef struct taps {
    int size;   /* weights reserved for one output */
    int *first; /* per output: first input */
    int *count; /* per output: inputs used, <= size */
    int *k;     /* per output: `size` weights, fixed point */
} taps;

static double triangle(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Weights of one output pixel: the triangle, widened when shrinking, sampled at the centres of the
 * inputs, normalised to 1 in double, then rounded: every step in Pillow's order. */
static void tap_weights(const taps *t, int out, int n_in, double scale, double support, double *w)
{
    double filter_scale = scale < 1.0 ? 1.0 : scale;
    double centre = (out + 0.5) * scale;
    double total = 0.0, inverse = 1.0 / filter_scale;
    int lo = (int)(centre - support + 0.5);
    int hi = (int)(centre + support + 0.5);

    lo = lo < 0 ? 0 : lo;
    hi = hi > n_in ? n_in : hi;
    for (int i = lo; i < hi; i++) {
        w[i - lo] = triangle((i - centre + 0.5) * inverse);
        total += w[i - lo];
    }
    for (int i = 0; i < hi - lo; i++) {
        double v = total != 0.0 ? w[i] / total : w[i];
        t->k[(size_t)out * t->size + i] = (int)(0.5 + v * (1 << PRECISION_BITS));
    }
    t->first[out] = lo;
    t->count[out] = hi - lo;
}

static int taps_size(int n_in, int n_out)
{
    double scale = (double)n_in / n_out;

    return (int)ceil(scale < 1.0 ? 1.0 : scale) * 2 + 1;
}

/* Bytes of the taps of one axis: doubles to compute with, then integers. */
static size_t taps_bytes(int n_in, int n_out)
{
    size_t size = (size_t)taps_size(n_in, n_out), n = (size_t)n_out;
    size_t bytes = size * sizeof(double) + (n * 2 + n * size) * sizeof(int);

    return (bytes + 7) / 8 * 8;
}

static taps taps_make(void *memory, int n_in, int n_out)
{
    double scale = (double)n_in / n_out;
    double support = scale < 1.0 ? 1.0 : scale;
    taps t = {.size = taps_size(n_in, n_out)};
    double *w = memory;

    t.first = (int *)(void *)(w + t.size);
    t.count = t.first + n_out;
    t.k = t.count + n_out;
    for (int i = 0; i < n_out; i++)
        tap_weights(&t, i, n_in, scale, support, w);
    return t;
}

static uint8_t clip8(int v)
{
    v >>= PRECISION_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Every row of `in` to n_out pixels. */
static void pass_horizontal(const bti_pixels *out, const bti_pixels *in, const taps *t)
{
    int c = in->c;
    for (int y = 0; y < out->h; y++) {
        const uint8_t *row = in->px + (size_t)y * in->row;
        uint8_t *dst = out->px + (size_t)y * out->row;
        for (int x = 0; x < out->w; x++) {
            const int *k = t->k + (size_t)x * t->size;
            for (int ch = 0; ch < c; ch++) {
                const uint8_t *s = row + (size_t)t->first[x] * c + ch;
                int sum = HALF;
                for (int i = 0; i < t->count[x]; i++)
                    sum += s[(size_t)i * c] * k[i];
                *dst++ = clip8(sum);
            }
        }
    }
}

/* Every column; channels are just more columns. */
static void pass_vertical(const bti_pixels *out, const bti_pixels *in, const taps *t)
{
    size_t n = (size_t)in->w * in->c;
    for (int y = 0; y < out->h; y++) {
        const int *k = t->k + (size_t)y * t->size;
        const uint8_t *src = in->px + (size_t)t->first[y] * in->row;
        uint8_t *dst = out->px + (size_t)y * out->row;
        for (size_t x = 0; x < n; x++) {
            int sum = HALF;
            for (int i = 0; i < t->count[y]; i++)
                sum += src[(size_t)i * in->row + x] * k[i];
            dst[x] = clip8(sum);
        }
    }
}

static void copy_pixels(const bti_pixels *out, const bti_pixels *in)
{
    for (int y = 0; y < in->h; y++)
        memcpy(out->px + (size_t)y * out->row, in->px + (size_t)y * in->row, (size_t)in->w * in->c);
}

size_t bti_resize_scratch(int w_in, int h_in, int w_out, int h_out, int c)
{
    size_t across = taps_bytes(w_in, w_out), down = taps_bytes(h_in, h_out);

    return (across > down ? across : down) + (size_t)w_out * (size_t)h_in * (size_t)c;
}

void bti_resize_pixels(const bti_pixels *out, const bti_pixels *in, void *scratch)
{
    size_t across = taps_bytes(in->w, out->w), down = taps_bytes(in->h, out->h);
    size_t row = (size_t)out->w * in->c;
    bti_pixels wide = {(uint8_t *)scratch + (across > down ? across : down), out->w, in->h, in->c,
                       row};

    if (in->w == out->w && in->h == out->h) {
        copy_pixels(out, in);
        return;
    }
    if (in->w != out->w) {
        taps t = taps_make(scratch, in->w, out->w);
        pass_horizontal(in->h == out->h ? out : &wide, in, &t);
        in = &wide;
    }
    if (in->h != out->h) {
        taps t = taps_make(scratch, in->h, out->h);
        pass_vertical(out, in, &t);
    }
}

static bti_pixels pixels_of(const bti_image *im)
{
    return (bti_pixels){im->px, im->w, im->h, im->c, (size_t)im->w * im->c};
}

bt_status bti_image_resize(bti_image *out, const bti_image *in, int w, int h, bt_error *err)
{
    *out = (bti_image){0};
    if (w == in->w && h == in->h)
        return bti_image_copy(out, in, err);
    bt_status rc = bti_image_new(out, w, h, in->c, err);
    if (rc)
        return rc;
    void *scratch = bti_malloc(bti_resize_scratch(in->w, in->h, w, h, in->c));
    if (!scratch) {
        bti_image_release(out);
        return bti_fail_nomem(err);
    }
    bti_pixels to = pixels_of(out), from = pixels_of(in);
    bti_resize_pixels(&to, &from, scratch);
    bti_free(scratch);
    return BT_OK;
}

static bt_status pad_square(bti_image *out, const bti_image *in, bt_error *err)
{
    int side = in->w > in->h ? in->w : in->h;
    bt_status rc = bti_image_new(out, side, side, in->c, err);
    if (rc)
        return rc;
    size_t left = (size_t)((side - in->w) / 2), top = (size_t)((side - in->h) / 2);
    size_t row = (size_t)in->w * in->c, out_row = (size_t)side * in->c;
    memset(out->px, 0, bti_image_bytes(out));
    for (int y = 0; y < in->h; y++)
        memcpy(out->px + (top + y) * out_row + left * in->c, in->px + y * row, row);
    return BT_OK;
}

bt_status bti_image_fit_square(bti_image *out, const bti_image *in, int side, bt_error *err)
{
    *out = (bti_image){0};
    if (in->w == in->h)
        return bti_image_resize(out, in, side, side, err);

    bti_image square;
    bt_status rc = pad_square(&square, in, err);
    if (rc)
        return rc;
    rc = bti_image_resize(out, &square, side, side, err);
    bti_image_release(&square);
    return rc;
}
