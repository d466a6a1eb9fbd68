/* SPDX-License-Identifier: Apache-2.0
 *
 * Noise and RandomErasing: random bytes from a Philox stream that the operation's first draw
 * names, so that an image is the same wherever it is made.
 */
#include "augment/op_int.h"

#include <math.h>
#include <string.h>

/* The stream of an image: all 53 bits of the draw are its seed. */
static bti_rng stream(double draw)
{
    return bti_rng_at((uint64_t)(draw * 0x1p53), BTI_RNG_AUGMENT, 0, 0, 0);
}

/* Nearly normal, mean 0, variance 1, in exact arithmetic until the last step, so that no
 * mathematical library matters: the sum of the 16 bytes of a block. */
static double normal16(bti_rng *rng)
{
    int sum = 0;

    for (int i = 0; i < 4; i++) {
        uint32_t v = bti_rng_u32(rng);
        sum += (int)((v & 255) + (v >> 8 & 255) + (v >> 16 & 255) + (v >> 24));
    }
    return (sum - 2040) / sqrt(16 * 65535 / 12.0);
}

/* value: the standard deviation in grey levels; every channel of every pixel on its own. */
void bti_op_noise(double value, const bti_op_image *im)
{
    size_t n = (size_t)im->h * (size_t)im->w * (size_t)im->c;
    bti_rng rng = stream(im->draw[0]);

    if (value == 0) {
        memcpy(im->dst, im->src, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        double v = rint(im->src[i] + value * normal16(&rng));
        im->dst[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

static int side(double v, int n)
{
    return v < 1 ? 1 : v > n ? n : (int)v;
}

/* Zhong et al., "Random erasing data augmentation", 2020, with random bytes: an area from 0.02 (or
 * value, if that is less) to `value` of the image's, height to width from 0.3 to 1/0.3. Sides are
 * cut to whole pixels and to the image. Draws: bytes, area, ratio, place. */
void bti_rect_random_erasing(double value, const bti_op_image *im, int r[4])
{
    double least = value < 0.02 ? value : 0.02;
    double area = (least + im->draw[1] * (value - least)) * im->h * im->w;
    double ratio = 0.3 + im->draw[2] * (1 / 0.3 - 0.3);
    int h = side(sqrt(area * ratio), im->h), w = side(sqrt(area / ratio), im->w);

    r[0] = (int)(im->draw[3] * (im->w - w + 1));
    r[1] = (int)(im->draw[4] * (im->h - h + 1));
    r[2] = value > 0 ? r[0] + w : r[0];
    r[3] = value > 0 ? r[1] + h : r[1];
}

void bti_op_random_erasing(double value, const bti_op_image *im)
{
    size_t c = (size_t)im->c, row = (size_t)im->w * c;
    bti_rng rng = stream(im->draw[0]);
    int r[4];

    bti_rect_random_erasing(value, im, r);
    memcpy(im->dst, im->src, (size_t)im->h * row);
    for (int y = r[1]; y < r[3]; y++) {
        uint8_t *at = im->dst + (size_t)y * row + (size_t)r[0] * c;
        for (size_t i = 0; i < (size_t)(r[2] - r[0]) * c; i++)
            at[i] = (uint8_t)(bti_rng_u32(&rng) & 255);
    }
}
