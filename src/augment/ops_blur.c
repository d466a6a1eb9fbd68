/* SPDX-License-Identifier: Apache-2.0
 *
 * BoxBlur and GaussianBlur, equal to PIL.ImageFilter's (BoxBlur.c): a box of fractional width along
 * every row, then along every column, in 8.24 fixed point; a Gaussian is three boxes (Gwosdek et
 * al., "Theoretical foundations of Gaussian convolution by extended box filtering", 2011).
 */
#include "augment/op_int.h"

#include <math.h>
#include <string.h>

typedef struct box {
    int radius;           /* whole pixels each way; the next one counts in part */
    uint32_t whole, part; /* weights, 2^24 = 1 */
} box;

static box make_box(float radius)
{
    box b = {.radius = (int)radius};

    b.whole = (uint32_t)((float)(1 << 24) / (radius * 2 + 1));
    b.part = ((1 << 24) - (uint32_t)(b.radius * 2 + 1) * b.whole) / 2;
    return b;
}

static inline int within(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

/* One line of n pixels; beyond its ends it goes on as its last pixel. */
static void blur_line(uint8_t *out, const uint8_t *in, int n, box b)
{
    int r = b.radius;
    uint32_t sum = 0;

    for (int i = -r - 1; i < r; i++)
        sum += in[within(i, n)];
    for (int i = 0; i < n; i++) {
        int before = in[within(i - r - 1, n)], after = in[within(i + r + 1, n)];
        sum += in[within(i + r, n)] - (uint32_t)before;
        out[i] =
            (uint8_t)((sum * b.whole + (uint32_t)(before + after) * b.part + (1u << 23)) >> 24);
    }
}

/* n pixels, `stride` bytes apart, blurred `passes` times. line: room for 2 n bytes. */
static void blur_strided(uint8_t *px, ptrdiff_t stride, int n, box b, int passes, uint8_t *line)
{
    uint8_t *a = line, *other = line + n;

    for (int i = 0; i < n; i++)
        a[i] = px[i * stride];
    for (int k = 0; k < passes; k++) {
        blur_line(other, a, n, b);
        uint8_t *t = a;
        a = other;
        other = t;
    }
    for (int i = 0; i < n; i++)
        px[i * stride] = a[i];
}

static void blur(const bti_op_image *im, float radius, int passes)
{
    box b = make_box(radius);
    ptrdiff_t c = im->c, row = im->w * c;

    memcpy(im->dst, im->src, (size_t)(im->h * row));
    if (radius == 0)
        return;
    for (ptrdiff_t y = 0; y < im->h; y++)
        for (ptrdiff_t k = 0; k < c; k++)
            blur_strided(im->dst + y * row + k, c, im->w, b, passes, im->scratch);
    for (ptrdiff_t x = 0; x < row; x++)
        blur_strided(im->dst + x, row, im->h, b, passes, im->scratch);
}

void bti_op_box_blur(double value, const bti_op_image *im)
{
    blur(im, (float)value, 1);
}

/* value: the standard deviation. The comments name the paper's equations. */
void bti_op_gaussian_blur(double value, const bti_op_image *im)
{
    const int passes = 3;
    float radius = (float)value;
    float variance = radius * radius / (float)passes;
    float length = (float)sqrt(12.0 * (double)variance + 1.0);           /* [7] */
    float whole = (float)floor(((double)length - 1.0) / 2.0);            /* [11] */
    float part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance); /* [14] */

    part /= 6 * (variance - (whole + 1) * (whole + 1));
    blur(im, whole + part, passes);
}
