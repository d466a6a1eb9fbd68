/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loops of augmentation on 8-bit pixels. The sources beside this header are plain C,
 * compiled once per instruction set (cmake/SimdKernels.cmake) and chosen at run time; every set
 * gives the same bytes, which test_pixel_kernels holds against the portable one.
 */
#ifndef BTI_PIXEL_KERNELS_H
#define BTI_PIXEL_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* (float)(v * scale + shift) in double, two roundings. */
typedef struct bti_affine {
    double scale, shift;
} bti_affine;

/* The float that each value of a channel becomes, in the forms that instruction sets want. Made by
 * bti_shades_init; `retone` keeps up only what its own set reads. */
typedef struct bti_shades {
    float value[3][256];
    uint8_t byte[3][4][256]; /* byte j of value[k][v], lowest first */
    bti_affine affine[3];
    int is_affine;              /* affine gives value, all of it bit for bit */
    const uint8_t (*tone)[256]; /* what values go through before; NULL: nothing */
} bti_shades;

/* (v / 255 - mean) / std in double, rounded once; a std of 0 counts as 1. */
void bti_shades_init(bti_shades *s, const float mean[3], const float std[3]);

/* n bytes or n pixels; src and dst are apart. rgb: 3 bytes a pixel. */
typedef struct bti_pixel_kernels {
    void (*table)(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t to[256]);
    void (*tables)(uint8_t *dst, const uint8_t *rgb, size_t n, const uint8_t to[3][256]);
    /* ImagingBlend: a + weight * (b - a) in float32, clipped, cut to an integer; |weight| <= 1e6.
     */
    void (*blend)(uint8_t *dst, const uint8_t *a, const uint8_t *b, float weight, size_t n);
    /* The same from one grey to every byte. */
    void (*blend_flat)(uint8_t *dst, const uint8_t *src, int grey, float weight, size_t n);
    /* The same from each pixel's own luma. */
    void (*blend_luma)(uint8_t *dst, const uint8_t *rgb, float weight, size_t n);
    uint64_t (*sum_luma)(const uint8_t *rgb, size_t n);
    /* The least and the greatest value of each channel; n > 0. */
    void (*range)(uint8_t lo[3], uint8_t hi[3], const uint8_t *rgb, size_t n);
    /* Bytes [d, n - d) of a row from three rows: PIL's SMOOTH; d bytes a pixel. */
    void (*smooth)(uint8_t *dst, const uint8_t *up, const uint8_t *mid, const uint8_t *down,
                   size_t n, size_t d);
    /* out[i] = the pixel of src at 16.16 coordinates (x + i dx, y + i dy), which lie inside it and
     * fit 32 bits; rows of w pixels, h of them. Of the bytes behind, `spare` may be overwritten. */
    void (*gather)(uint8_t *out, const uint8_t *rgb, int w, int h, const int32_t at[4], size_t n,
                   size_t spare);
    /* n pixels backwards: dst[i] = rgb[n - 1 - i]. */
    void (*mirror)(uint8_t *dst, const uint8_t *rgb, size_t n);
    /* n pixels to three planes, `plane` floats apart. */
    void (*normalise)(float *out, size_t plane, const uint8_t *rgb, size_t n, const bti_shades *s);
    void (*normalise_grey)(float *out, const uint8_t *src, size_t n, const bti_shades *s);
    /* out: what `of` makes of values that have gone through tone[0..c-1], borrowed. */
    void (*retone)(bti_shades *out, const bti_shades *of, const uint8_t tone[3][256], int c);
} bti_pixel_kernels;

extern const bti_pixel_kernels bti_pixel_kernels_portable, bti_pixel_kernels_avx2,
    bti_pixel_kernels_avx512, bti_pixel_kernels_avx512vbmi;

/* The set for this processor and the cap of bti_cpu_cap_isa. */
const bti_pixel_kernels *bti_pixel_kernels_now(void);

#endif
