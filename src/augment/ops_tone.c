/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that map each channel through a table of 256 values: AutoContrast, Equalize, Invert,
 * Solarize, Posterize equal PIL.ImageOps, Brightness and Contrast PIL.ImageEnhance; integer, float
 * and double arithmetic in Pillow's order. They say the table only, so that a chain of them is one.
 */
#include "augment/op_int.h"

#include "augment/simd/kernels.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define BLOCK 1024 /* pixels that are looked at through tables in the first cache */

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

void bti_tone_look(uint8_t *dst, const uint8_t *src, size_t n, int c, const uint8_t (*to)[256])
{
    const bti_pixel_kernels *k = bti_pixel_kernels_now();
    bool same =
        c == 1 || (!memcmp(to[0], to[1], sizeof(to[0])) && !memcmp(to[0], to[2], sizeof(to[0])));

    if (same)
        k->table(dst, src, n * (size_t)c, to[0]);
    else
        k->tables(dst, src, n, to);
}

/* ---- statistics ---- */

typedef void block_fn(void *user, const uint8_t *px, size_t n, int c);

/* Calls `fn` for all pixels as they look through `before`, a part at a time. */
static void for_blocks(const bti_op_image *im, const uint8_t (*before)[256], block_fn *fn,
                       void *user)
{
    size_t n = n_pixels(im), c = (size_t)im->c;
    uint8_t part[3 * BLOCK];

    if (!before) {
        fn(user, im->src, n, im->c);
        return;
    }
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t many = n - i < BLOCK ? n - i : BLOCK;
        bti_tone_look(part, im->src + i * c, many, im->c, before);
        fn(user, part, many, im->c);
    }
}

/* Counts in turn: neighbours are often equal, and adding to the same place again would wait. */
static void count(const bti_op_image *im, histogram *hist)
{
    size_t n = n_bytes(im), c = (size_t)im->c, i = 0;
    uint32_t turn[6][256]; /* of byte i of 6: channel i mod c */

    memset(turn, 0, sizeof(turn));
    for (; i + 6 <= n; i += 6)
        for (size_t k = 0; k < 6; k++)
            turn[k][im->src[i + k]]++;
    for (size_t k = 0; i + k < n; k++)
        turn[k][im->src[i + k]]++;
    memset(hist, 0, sizeof(*hist));
    for (size_t k = 0; k < 6; k++)
        for (int v = 0; v < 256; v++)
            hist->n[k % c][v] += turn[k][v];
}

/* The counts of the image as it looks through `before`. */
static void count_through(const bti_op_image *im, const uint8_t (*before)[256], histogram *hist)
{
    histogram own;

    count(im, before ? &own : hist);
    if (!before)
        return;
    memset(hist, 0, sizeof(*hist));
    for (int k = 0; k < im->c; k++)
        for (int v = 0; v < 256; v++)
            hist->n[k][before[k][v]] += own.n[k][v];
}

typedef struct limits {
    uint8_t lo[3], hi[3];
} limits;

static void widen(void *user, const uint8_t *px, size_t n, int c)
{
    limits *l = user, part = {{255, 255, 255}, {0, 0, 0}};

    if (c == 3)
        bti_pixel_kernels_now()->range(part.lo, part.hi, px, n);
    for (size_t i = 0; c == 1 && i < n; i++) {
        part.lo[0] = px[i] < part.lo[0] ? px[i] : part.lo[0];
        part.hi[0] = px[i] > part.hi[0] ? px[i] : part.hi[0];
    }
    for (int k = 0; k < c; k++) {
        l->lo[k] = part.lo[k] < l->lo[k] ? part.lo[k] : l->lo[k];
        l->hi[k] = part.hi[k] > l->hi[k] ? part.hi[k] : l->hi[k];
    }
}

static void add_luma(void *user, const uint8_t *px, size_t n, int c)
{
    uint64_t *sum = user;

    if (c == 3)
        *sum += bti_pixel_kernels_now()->sum_luma(px, n);
    for (size_t i = 0; c == 1 && i < n; i++)
        *sum += px[i];
}

/* ---- operations ---- */

static void fill_identity(uint8_t to[256])
{
    for (int v = 0; v < 256; v++)
        to[v] = (uint8_t)v;
}

/* ImageOps.autocontrast with cutoff 0: the darkest value becomes 0, the lightest 255. */
static void stretch(uint8_t to[256], int lo, int hi)
{
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

void bti_tone_auto_contrast(double value, const bti_op_image *im, const uint8_t (*before)[256],
                            uint8_t to[3][256])
{
    limits l = {{255, 255, 255}, {0, 0, 0}};

    (void)value;
    for_blocks(im, before, widen, &l);
    for (int k = 0; k < im->c; k++)
        stretch(to[k], l.lo[k], l.hi[k]);
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

void bti_tone_equalize(double value, const bti_op_image *im, const uint8_t (*before)[256],
                       uint8_t to[3][256])
{
    histogram hist;

    (void)value;
    count_through(im, before, &hist);
    for (int k = 0; k < im->c; k++)
        equalize(to[k], hist.n[k], n_pixels(im));
}

/* The first table to all channels. */
static void spread(const bti_op_image *im, uint8_t to[3][256])
{
    for (int k = 1; k < im->c; k++)
        memcpy(to[k], to[0], sizeof(to[0]));
}

void bti_tone_invert(double value, const bti_op_image *im, const uint8_t (*before)[256],
                     uint8_t to[3][256])
{
    (void)value;
    (void)before;
    for (int v = 0; v < 256; v++)
        to[0][v] = (uint8_t)(255 - v);
    spread(im, to);
}

/* value: pixels at or above it are inverted. */
void bti_tone_solarize(double value, const bti_op_image *im, const uint8_t (*before)[256],
                       uint8_t to[3][256])
{
    int threshold = (int)ceil(value);

    (void)before;
    for (int v = 0; v < 256; v++)
        to[0][v] = (uint8_t)(v >= threshold ? 255 - v : v);
    spread(im, to);
}

/* value: bits to keep, cut to a whole number. */
void bti_tone_posterize(double value, const bti_op_image *im, const uint8_t (*before)[256],
                        uint8_t to[3][256])
{
    int mask = 0xff00 >> (int)value;

    (void)before;
    for (int v = 0; v < 256; v++)
        to[0][v] = (uint8_t)(v & mask);
    spread(im, to);
}

/* ImageEnhance: a blend of a degenerate image, here of one grey, and the image. value is the
 * factor: 0 the degenerate image, 1 the original. */
static void blend_with(int grey, double value, const bti_op_image *im, uint8_t to[3][256])
{
    uint8_t all[256];

    fill_identity(all);
    bti_pixel_kernels_now()->blend_flat(to[0], all, grey, (float)value, sizeof(all));
    spread(im, to);
}

void bti_tone_brightness(double value, const bti_op_image *im, const uint8_t (*before)[256],
                         uint8_t to[3][256])
{
    (void)before;
    blend_with(0, value, im, to);
}

/* The grey is the mean of the luma, rounded. */
void bti_tone_contrast(double value, const bti_op_image *im, const uint8_t (*before)[256],
                       uint8_t to[3][256])
{
    uint64_t sum = 0;

    for_blocks(im, before, add_luma, &sum);
    blend_with((int)((double)sum / (double)n_pixels(im) + 0.5), value, im, to);
}
