/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that map each channel through a table of 256 values: AutoContrast, Equalize, Invert,
 * Solarize, Posterize. They equal PIL.ImageOps; integer and double arithmetic in Pillow's order.
 */
#include "augment/op_int.h"

#include "augment/simd/kernels.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

typedef struct tables {
    uint8_t to[3][256];
} tables;

typedef struct histogram {
    uint32_t n[3][256];
} histogram;

static size_t n_pixels(const bti_op_image *im)
{
    return (size_t)im->h * (size_t)im->w;
}

static size_t n_bytes(const bti_op_image *im)
{
    return n_pixels(im) * (size_t)im->c;
}

static void apply_tables(const bti_op_image *im, const tables *t)
{
    const bti_pixel_kernels *k = bti_pixel_kernels_now();

    if (im->c == 1)
        k->table(im->dst, im->src, n_pixels(im), t->to[0]);
    else
        k->tables(im->dst, im->src, n_pixels(im), (const uint8_t(*)[256])t->to);
}

/* Two counts in turn: neighbours are often equal, and adding to the same place twice would wait. */
static void count(const bti_op_image *im, histogram *hist)
{
    const uint8_t *s = im->src, *end = s + n_bytes(im);
    size_t pair = 2 * (size_t)im->c;
    histogram other;

    memset(hist, 0, sizeof(*hist));
    memset(&other, 0, sizeof(other));
    if (im->c == 1)
        for (; (size_t)(end - s) >= pair; s += pair) {
            hist->n[0][s[0]]++;
            other.n[0][s[1]]++;
        }
    else
        for (; (size_t)(end - s) >= pair; s += pair) {
            hist->n[0][s[0]]++;
            hist->n[1][s[1]]++;
            hist->n[2][s[2]]++;
            other.n[0][s[3]]++;
            other.n[1][s[4]]++;
            other.n[2][s[5]]++;
        }
    for (int k = 0; s < end; k++)
        hist->n[k][*s++]++;
    for (int k = 0; k < im->c; k++)
        for (int v = 0; v < 256; v++)
            hist->n[k][v] += other.n[k][v];
}

static void fill_identity(uint8_t to[256])
{
    for (int v = 0; v < 256; v++)
        to[v] = (uint8_t)v;
}

/* ImageOps.autocontrast with cutoff 0: the darkest value becomes 0, the lightest 255. */
static void stretch(uint8_t to[256], const uint32_t n[256])
{
    int lo = 0, hi = 255;

    while (lo < 255 && !n[lo])
        lo++;
    while (hi > 0 && !n[hi])
        hi--;
    if (hi <= lo) {
        fill_identity(to);
        return;
    }
    double scale = 255.0 / (hi - lo);
    double offset = -lo * scale;
    for (int v = 0; v < 256; v++) {
        int t = (int)(v * scale + offset);
        to[v] = (uint8_t)(t < 0 ? 0 : t > 255 ? 255 : t);
    }
}

void bti_op_auto_contrast(double value, const bti_op_image *im)
{
    histogram hist;
    tables t;

    (void)value;
    count(im, &hist);
    for (int k = 0; k < im->c; k++)
        stretch(t.to[k], hist.n[k]);
    apply_tables(im, &t);
}

/* ImageOps.equalize: steps of equal population; the population of the lightest value does not
 * count. */
static void equalize(uint8_t to[256], const uint32_t n[256], size_t total)
{
    int used = 0, last = 0;

    for (int v = 0; v < 256; v++) {
        if (n[v]) {
            used++;
            last = v;
        }
    }
    size_t step = (total - n[last]) / 255;
    if (used <= 1 || !step) {
        fill_identity(to);
        return;
    }
    size_t sum = step / 2;
    for (int v = 0; v < 256; v++) {
        size_t t = sum / step; /* beyond 255 when the step was rounded down; clipped by point() */
        to[v] = (uint8_t)(t > 255 ? 255 : t);
        sum += n[v];
    }
}

void bti_op_equalize(double value, const bti_op_image *im)
{
    histogram hist;
    tables t;

    (void)value;
    count(im, &hist);
    for (int k = 0; k < im->c; k++)
        equalize(t.to[k], hist.n[k], n_pixels(im));
    apply_tables(im, &t);
}

void bti_op_invert(double value, const bti_op_image *im)
{
    (void)value;
    bti_pixel_kernels_now()->invert(im->dst, im->src, n_bytes(im));
}

/* value: pixels at or above it are inverted. */
void bti_op_solarize(double value, const bti_op_image *im)
{
    bti_pixel_kernels_now()->solarize(im->dst, im->src, (int)ceil(value), n_bytes(im));
}

/* value: bits to keep, cut to a whole number. */
void bti_op_posterize(double value, const bti_op_image *im)
{
    bti_pixel_kernels_now()->mask(im->dst, im->src, (uint8_t)(0xff00 >> (int)value), n_bytes(im));
}
