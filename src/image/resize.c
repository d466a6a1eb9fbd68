/* SPDX-License-Identifier: Apache-2.0
 *
 * Antialiased bilinear resize, equal to Pillow's to the bit (libImaging/Resample.c of 9.4),
 * and the one rule that brings every image to a square: pad, then resize.
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

static void taps_release(taps *t)
{
    bti_free(t->first);
    bti_free(t->count);
    bti_free(t->k);
    *t = (taps){0};
}

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

static bt_status taps_make(taps *t, int n_in, int n_out, bt_error *err)
{
    double scale = (double)n_in / n_out;
    double support = scale < 1.0 ? 1.0 : scale;

    *t = (taps){.size = (int)ceil(support) * 2 + 1};
    t->first = bti_array((size_t)n_out, sizeof(int));
    t->count = bti_array((size_t)n_out, sizeof(int));
    t->k = bti_calloc((size_t)n_out * (size_t)t->size, sizeof(int));
    double *w = bti_array((size_t)t->size, sizeof(double));
    bool ok = t->first && t->count && t->k && w;
    for (int i = 0; ok && i < n_out; i++)
        tap_weights(t, i, n_in, scale, support, w);
    bti_free(w);
    if (ok)
        return BT_OK;
    taps_release(t);
    return bti_fail_nomem(err);
}

static uint8_t clip8(int v)
{
    v >>= PRECISION_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Each row of `in` (h,w_in,c) to `out` (h,w_out,c). */
static void pass_horizontal(bti_image *out, const bti_image *in, const taps *t)
{
    int c = in->c;
    for (int y = 0; y < out->h; y++) {
        const uint8_t *row = in->px + (size_t)y * in->w * c;
        uint8_t *dst = out->px + (size_t)y * out->w * c;
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

/* Each column of `in` (h_in,w,c) to `out` (h_out,w,c); channels are just more columns. */
static void pass_vertical(bti_image *out, const bti_image *in, const taps *t)
{
    size_t row = (size_t)in->w * in->c;
    for (int y = 0; y < out->h; y++) {
        const int *k = t->k + (size_t)y * t->size;
        const uint8_t *src = in->px + (size_t)t->first[y] * row;
        uint8_t *dst = out->px + (size_t)y * row;
        for (size_t x = 0; x < row; x++) {
            int sum = HALF;
            for (int i = 0; i < t->count[y]; i++)
                sum += src[(size_t)i * row + x] * k[i];
            dst[x] = clip8(sum);
        }
    }
}

static bt_status resize_axis(bti_image *out, const bti_image *in, int w, int h, bt_error *err)
{
    taps t;
    bool horizontal = w != in->w;
    bt_status rc = bti_image_new(out, w, h, in->c, err);
    if (rc)
        return rc;
    rc = horizontal ? taps_make(&t, in->w, w, err) : taps_make(&t, in->h, h, err);
    if (rc) {
        bti_image_release(out);
        return rc;
    }
    if (horizontal)
        pass_horizontal(out, in, &t);
    else
        pass_vertical(out, in, &t);
    taps_release(&t);
    return BT_OK;
}

bt_status bti_image_resize(bti_image *out, const bti_image *in, int w, int h, bt_error *err)
{
    *out = (bti_image){0};
    if (w == in->w && h == in->h)
        return bti_image_copy(out, in, err);
    if (w == in->w || h == in->h)
        return resize_axis(out, in, w, h, err);

    bti_image wide;
    bt_status rc = resize_axis(&wide, in, w, in->h, err);
    if (rc)
        return rc;
    rc = resize_axis(out, &wide, w, h, err);
    bti_image_release(&wide);
    return rc;
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
