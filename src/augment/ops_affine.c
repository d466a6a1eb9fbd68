/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that move pixels by an affine map: ShearX, ShearY, TranslateX, TranslateY, Rotate,
 * Scale, AspectRatio; nearest neighbour, black outside. They equal torchvision's F.affine and
 * F.rotate on PIL images, hence the paths of Pillow's Geometry.c: an output pixel shows source
 * position M (x + 1/2, y + 1/2), in 16.16 fixed point where that can hold it, else in double.
 */
#include "augment/op_int.h"

#include "augment/simd/kernels.h"
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define PI 3.14159265358979323846

/* Source x = m[0] x + m[1] y + m[2], source y = m[3] x + m[4] y + m[5]. */
typedef struct matrix {
    double m[6];
} matrix;

/* A 16.16 coordinate along a row: at + x * step must lie in [0, size). */
typedef struct line {
    int64_t at, step, size;
} line;

static size_t row_bytes(const bti_op_image *im)
{
    return (size_t)im->w * (size_t)im->c;
}

/* ---- 16.16 fixed point ---- */

static int64_t fix(double v)
{
    return (int64_t)floor(v * 65536.0 + 0.5);
}

/* ceil(a / b) for a < 2^32 and 0 < b < 2^32; 0 if a is negative: x starts there anyway. */
static int64_t ceil_div(int64_t a, int64_t b)
{
    return a > 0 ? (int64_t)(((uint32_t)a - 1) / (uint32_t)b) + 1 : 0;
}

/* Shrinks [*from, *to), *from >= 0, to the x for which the coordinate is inside. */
static void clip_span(line l, int64_t *from, int64_t *to)
{
    int64_t lo, hi; /* the x that are inside: lo <= x < hi */

    if (!l.step) {
        if (l.at < 0 || l.at >= l.size)
            *from = *to = 0;
        return;
    }
    if (l.step > 0) {
        lo = ceil_div(-l.at, l.step);
        hi = ceil_div(l.size - l.at, l.step);
    } else { /* at - x s >= 0 and at - x s < size, s = -step */
        lo = ceil_div(l.at - l.size + 1, -l.step);
        hi = ceil_div(l.at + 1, -l.step);
    }
    *from = lo > *from ? lo : *from;
    *to = hi < *to ? hi : *to;
    if (*to < *from)
        *from = *to = 0; /* empty */
}

#define NEAR (64 << 10) /* bytes that are near anyway, once they were asked for */

/* Rows of a turned image come from all over the source: it is brought near in the order in which
 * memory streams it, a large one as a copy. */
static const uint8_t *bring_near(const bti_op_image *im)
{
    size_t bytes = (size_t)im->h * row_bytes(im);

    if (bytes > NEAR)
        return memcpy(im->scratch, im->src, bytes);
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch(im->src + i);
    return im->src;
}

/* Pixels [from, to) of a row, of which `below` bytes follow that are written later. */
static void copy_span(uint8_t *out, const bti_op_image *im, line x, line y, int64_t from,
                      int64_t to, size_t below)
{
    ptrdiff_t w = im->w, c = im->c;

    x.at += from * x.step;
    y.at += from * y.step;
    if (x.step == 65536 && !y.step && to > from) { /* the source is a run of the same row */
        memcpy(out + from * c, im->src + ((y.at >> 16) * w + (x.at >> 16)) * c,
               (size_t)((to - from) * c));
        return;
    }
    if (c == 3 && to > from) { /* 16.16 with a coordinate below 32768 fits 32 bits */
        const int32_t at[4] = {(int32_t)x.at, (int32_t)y.at, (int32_t)x.step, (int32_t)y.step};
        bti_pixel_kernels_now()->gather(out + 3 * from, im->src, im->w, im->h, at,
                                        (size_t)(to - from), below + (size_t)(3 * (w - to)));
        return;
    }
    for (int64_t i = from; i < to; i++, x.at += x.step, y.at += y.step)
        out[i] = im->src[(y.at >> 16) * w + (x.at >> 16)];
}

/* Geometry.c, affine_fixed, with the span of each row computed instead of testing every pixel. */
static void affine_fixed(const bti_op_image *im, const matrix *a)
{
    const double *m = a->m;
    line x = {fix(m[2] + m[0] * 0.5 + m[1] * 0.5), fix(m[0]), (int64_t)im->w << 16};
    line y = {fix(m[5] + m[3] * 0.5 + m[4] * 0.5), fix(m[3]), (int64_t)im->h << 16};
    int64_t x_down = fix(m[1]), y_down = fix(m[4]);
    size_t row = row_bytes(im), c = (size_t)im->c;
    bti_op_image near = *im;

    if (y.step)
        near.src = bring_near(im);
    for (int i = 0; i < im->h; i++, x.at += x_down, y.at += y_down) {
        uint8_t *out = im->dst + (size_t)i * row;
        size_t below = (size_t)(im->h - 1 - i) * row;
        int64_t from = 0, to = im->w;

        clip_span(x, &from, &to);
        clip_span(y, &from, &to);
        memset(out, 0, (size_t)from * c);
        copy_span(out, &near, x, y, from, to, below);
        memset(out + (size_t)to * c, 0, row - (size_t)to * c);
    }
}

/* ---- double ---- */

/* Geometry.c, COORD: -1 is outside. Values beyond int are outside too. */
static int coord(double v)
{
    return v < 0.0 || v >= 2147483648.0 ? -1 : (int)v;
}

/* No rotation or shear (Geometry.c, ImagingScaleAffine). The coordinate is added up step by step,
 * as there. */
static void affine_scale(const bti_op_image *im, const matrix *a)
{
    int *column = im->scratch;
    double xo = a->m[2] + a->m[0] * 0.5, yo = a->m[5] + a->m[4] * 0.5;
    size_t c = (size_t)im->c, row = row_bytes(im);

    for (int x = 0; x < im->w; x++, xo += a->m[0])
        column[x] = coord(xo) < im->w ? coord(xo) : -1;
    for (int y = 0; y < im->h; y++, yo += a->m[4]) {
        uint8_t *out = im->dst + (size_t)y * row;
        int from = coord(yo);

        memset(out, 0, row);
        for (int x = 0; from >= 0 && from < im->h && x < im->w; x++)
            if (column[x] >= 0)
                memcpy(out + (size_t)x * c, im->src + (size_t)from * row + (size_t)column[x] * c,
                       c);
    }
}

/* Coordinates beyond 16.16 (Geometry.c, end of ImagingTransformAffine): only for images thousands
 * of pixels wide. */
static void affine_double(const bti_op_image *im, const matrix *a)
{
    const double *m = a->m;
    double xo = m[2] + m[1] * 0.5 + m[0] * 0.5, yo = m[5] + m[4] * 0.5 + m[3] * 0.5;
    size_t c = (size_t)im->c, row = row_bytes(im);

    for (int y = 0; y < im->h; y++, xo += m[1], yo += m[4]) {
        uint8_t *out = im->dst + (size_t)y * row;
        double xx = xo, yy = yo;

        memset(out, 0, row);
        for (int x = 0; x < im->w; x++, xx += m[0], yy += m[3]) {
            int xin = coord(xx), yin = coord(yy);
            if (xin >= 0 && xin < im->w && yin >= 0 && yin < im->h)
                memcpy(out + (size_t)x * c, im->src + (size_t)yin * row + (size_t)xin * c, c);
        }
    }
}

static bool in_fixed_range(const matrix *a, double x, double y)
{
    const double *m = a->m;

    return fabs(x * m[0] + y * m[1] + m[2]) < 32768.0 && fabs(x * m[3] + y * m[4] + m[5]) < 32768.0;
}

/* The choice of Geometry.c, ImagingTransformAffine. */
static void affine(const bti_op_image *im, const matrix *a)
{
    if (a->m[1] == 0 && a->m[3] == 0)
        affine_scale(im, a);
    else if (in_fixed_range(a, 0, 0) && in_fixed_range(a, im->w, im->h) &&
             in_fixed_range(a, 0, im->h) && in_fixed_range(a, im->w, 0))
        affine_fixed(im, a);
    else
        affine_double(im, a);
}

/* ---- shear ---- */

/* torchvision, _get_inverse_affine_matrix for angle 0, scale 1, centre and translation (0, 0);
 * radians. Rotation by zero is left out of its terms, which does not change any of them. */
static matrix shear_matrix(double sx, double sy)
{
    double a = cos(-sy) / cos(sy);
    double b = -cos(-sy) * tan(sx) / cos(sy);
    double c = sin(-sy) / cos(sy);
    double d = -sin(-sy) * tan(sx) / cos(sy) + 1.0;

    return (matrix){{d, -b, 0.0, -c, a, 0.0}};
}

/* The angle of shear factor m on its way through degrees, as _apply_op and F.affine take it. */
static double shear_angle(double m)
{
    double degrees = atan(m) * (180.0 / PI);

    return degrees * (PI / 180.0);
}

static void to_map(double m[9], const matrix *a)
{
    const double *s = a->m;
    const double all[9] = {s[0], s[1], s[2], s[3], s[4], s[5], 0, 0, 1};

    memcpy(m, all, sizeof(all));
}

void bti_op_shear_x(double value, const bti_op_image *im)
{
    matrix a = shear_matrix(shear_angle(value), 0.0);

    affine(im, &a);
}

void bti_map_shear_x(double value, const bti_op_image *im, double m[9])
{
    matrix a = shear_matrix(shear_angle(value), 0.0);

    (void)im;
    to_map(m, &a);
}

void bti_op_shear_y(double value, const bti_op_image *im)
{
    matrix a = shear_matrix(0.0, shear_angle(value));

    affine(im, &a);
}

void bti_map_shear_y(double value, const bti_op_image *im, double m[9])
{
    matrix a = shear_matrix(0.0, shear_angle(value));

    (void)im;
    to_map(m, &a);
}

/* ---- scale and aspect ratio: both axes stretched about the centre ---- */

static matrix stretch_matrix(const bti_op_image *im, double x, double y)
{
    double kx = 1.0 / x, ky = 1.0 / y, cx = im->w / 2.0, cy = im->h / 2.0;

    return (matrix){{kx, 0.0, cx - kx * cx, 0.0, ky, cy - ky * cy}};
}

void bti_op_scale(double value, const bti_op_image *im)
{
    matrix a = stretch_matrix(im, value, value);

    affine(im, &a);
}

void bti_map_scale(double value, const bti_op_image *im, double m[9])
{
    matrix a = stretch_matrix(im, value, value);

    to_map(m, &a);
}

/* The area stays: width times the root of the value, height divided by it. */
void bti_op_aspect_ratio(double value, const bti_op_image *im)
{
    matrix a = stretch_matrix(im, sqrt(value), 1.0 / sqrt(value));

    affine(im, &a);
}

void bti_map_aspect_ratio(double value, const bti_op_image *im, double m[9])
{
    matrix a = stretch_matrix(im, sqrt(value), 1.0 / sqrt(value));

    to_map(m, &a);
}

/* ---- translation: F.affine with whole pixels is an exact shift ---- */

static void shift(const bti_op_image *im, int dx, int dy)
{
    size_t row = row_bytes(im), c = (size_t)im->c;
    int width = im->w - (dx < 0 ? -dx : dx);
    size_t keep = width > 0 ? (size_t)width * c : 0;
    size_t before = keep && dx > 0 ? (size_t)dx * c : 0;
    size_t skip = keep && dx < 0 ? (size_t)-dx * c : 0;

    for (int y = 0; y < im->h; y++) {
        uint8_t *out = im->dst + (size_t)y * row;
        int from = y - dy;

        if (from < 0 || from >= im->h) {
            memset(out, 0, row);
            continue;
        }
        memset(out, 0, before);
        memcpy(out + before, im->src + (size_t)from * row + skip, keep);
        memset(out + before + keep, 0, row - before - keep);
    }
}

void bti_op_translate_x(double value, const bti_op_image *im)
{
    shift(im, (int)value, 0);
}

void bti_op_translate_y(double value, const bti_op_image *im)
{
    shift(im, 0, (int)value);
}

void bti_map_translate_x(double value, const bti_op_image *im, double m[9])
{
    matrix a = {{1, 0, -(int)value, 0, 1, 0}};

    (void)im;
    to_map(m, &a);
}

void bti_map_translate_y(double value, const bti_op_image *im, double m[9])
{
    matrix a = {{1, 0, 0, 0, 1, -(int)value}};

    (void)im;
    to_map(m, &a);
}

/* ---- rotation ---- */

/* Python's round(v, 15) for |v| <= 1: to the nearest multiple of 1e-15, ties to even, then to the
 * nearest double. v * 1e15 is taken exactly as p + e, so the rounding sees the true value. */
static double round15(double v)
{
    double p = v * 1e15, e = fma(v, 1e15, -p);
    double n = rint(p);
    double rest = (p - n) + e; /* both terms are exact; the sum is far from +-0.5 or exact */

    if (rest > 0.5 || (rest == 0.5 && fmod(n, 2.0) != 0))
        n += 1;
    else if (rest < -0.5 || (rest == -0.5 && fmod(n, 2.0) != 0))
        n -= 1;
    return n / 1e15;
}

/* Copies every pixel to (x0 + x xs + y ys) of the output, in pixels. */
static void transpose(const bti_op_image *im, ptrdiff_t x0, ptrdiff_t xs, ptrdiff_t ys)
{
    const uint8_t *s = im->src;

    for (ptrdiff_t y = 0; y < im->h; y++) {
        for (ptrdiff_t x = 0; x < im->w; x++, s += im->c) {
            uint8_t *d = im->dst + (x0 + x * xs + y * ys) * im->c;
            for (int k = 0; k < im->c; k++)
                d[k] = s[k];
        }
    }
}

/* The quarter turns that Image.rotate does exactly; false for any other angle (in [0, 360)). */
static bool quarter_turn(const bti_op_image *im, double degrees)
{
    ptrdiff_t w = im->w, h = im->h;

    if (degrees == 0)
        bti_op_identity(0, im);
    else if (degrees == 180)
        transpose(im, w * h - 1, -1, -w);
    else if (degrees == 90 && w == h) /* out[w-1-x][y] = in[y][x] */
        transpose(im, (w - 1) * w, -w, 1);
    else if (degrees == 270 && w == h) /* out[x][h-1-y] = in[y][x] */
        transpose(im, h - 1, w, -1);
    else
        return false;
    return true;
}

static double turn(double degrees)
{
    degrees = fmod(degrees, 360.0);
    return degrees < 0 ? degrees + 360.0 : degrees;
}

static matrix rotation_matrix(double degrees, const bti_op_image *im)
{
    double cx = im->w / 2.0, cy = im->h / 2.0, angle = -(degrees * (PI / 180.0));
    double co = round15(cos(angle)), si = round15(sin(angle));
    matrix a = {{co, si, 0.0, -si, co, 0.0}};

    a.m[2] = co * -cx + si * -cy;
    a.m[5] = -si * -cx + co * -cy;
    a.m[2] += cx;
    a.m[5] += cy;
    return a;
}

/* value: degrees, counter-clockwise about the centre (Image.rotate). */
void bti_op_rotate(double value, const bti_op_image *im)
{
    double degrees = turn(value);

    if (quarter_turn(im, degrees))
        return;
    matrix a = rotation_matrix(degrees, im);
    affine(im, &a);
}

void bti_map_rotate(double value, const bti_op_image *im, double m[9])
{
    matrix a = rotation_matrix(turn(value), im);

    to_map(m, &a);
}
