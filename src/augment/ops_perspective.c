/* SPDX-License-Identifier: Apache-2.0
 *
 * Perspective: each corner moves inwards by a drawn number of pixels, as torchvision's
 * RandomPerspective; nearest neighbour, black outside, by the arithmetic of Pillow's Geometry.c.
 */
#include "augment/op_int.h"

#include <stddef.h>
#include <string.h>

typedef struct point {
    double x, y;
} point;

/* Corners clockwise from the top left; value: the farthest that one goes, in halves of the side. */
static void move_corners(double value, const bti_op_image *im, point p[4])
{
    int far_x = (int)(value * (im->w / 2)), far_y = (int)(value * (im->h / 2));

    for (int i = 0; i < 4; i++) {
        int dx = (int)(im->draw[2 * i] * (far_x + 1)),
            dy = (int)(im->draw[2 * i + 1] * (far_y + 1));
        bool right = i == 1 || i == 2, low = i >= 2;
        p[i].x = right ? im->w - 1 - dx : dx;
        p[i].y = low ? im->h - 1 - dy : dy;
    }
}

/* The map of the unit square to a quadrangle (Heckbert, "Fundamentals of texture mapping", 1989,
 * section 2.2.3). */
static void square_to_quad(const point p[4], double m[9])
{
    double dx1 = p[1].x - p[2].x, dx2 = p[3].x - p[2].x, sx = p[0].x - p[1].x + p[2].x - p[3].x;
    double dy1 = p[1].y - p[2].y, dy2 = p[3].y - p[2].y, sy = p[0].y - p[1].y + p[2].y - p[3].y;
    double det = dx1 * dy2 - dx2 * dy1;
    double g = (sx * dy2 - dx2 * sy) / det, h = (dx1 * sy - sx * dy1) / det;
    const double all[9] = {p[1].x - p[0].x + g * p[1].x,
                           p[3].x - p[0].x + h * p[3].x,
                           p[0].x,
                           p[1].y - p[0].y + g * p[1].y,
                           p[3].y - p[0].y + h * p[3].y,
                           p[0].y,
                           g,
                           h,
                           1};

    memcpy(m, all, sizeof(all));
}

static void adjugate(const double a[9], double m[9])
{
    const double all[9] = {
        a[4] * a[8] - a[5] * a[7], a[2] * a[7] - a[1] * a[8], a[1] * a[5] - a[2] * a[4],
        a[5] * a[6] - a[3] * a[8], a[0] * a[8] - a[2] * a[6], a[2] * a[3] - a[0] * a[5],
        a[3] * a[7] - a[4] * a[6], a[1] * a[6] - a[0] * a[7], a[0] * a[4] - a[1] * a[3]};

    memcpy(m, all, sizeof(all));
}

/* The moved corners show the corners of the image; m[8] = 1. A value that moves no corner, or an
 * image without an inside, is left alone. */
void bti_map_perspective(double value, const bti_op_image *im, double m[9])
{
    const double same[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    double quad[9];
    point p[4];

    memcpy(m, same, sizeof(same));
    if ((int)(value * (im->w / 2)) == 0 && (int)(value * (im->h / 2)) == 0)
        return;
    if (im->w < 2 || im->h < 2)
        return;
    move_corners(value, im, p);
    square_to_quad(p, quad);
    adjugate(quad, m);
    for (int i = 0; i < 3; i++) {
        m[i] *= im->w - 1;
        m[3 + i] *= im->h - 1;
    }
    double last = m[8];
    for (int i = 0; i < 9; i++)
        m[i] /= last;
}

void bti_op_perspective(double value, const bti_op_image *im)
{
    size_t c = (size_t)im->c, row = (size_t)im->w * c;
    double a[9];

    bti_map_perspective(value, im, a);
    memset(im->dst, 0, (size_t)im->h * row);
    for (int y = 0; y < im->h; y++) {
        uint8_t *out = im->dst + (size_t)y * row;
        double yin = y + 0.5;
        for (int x = 0; x < im->w; x++, out += c) {
            double xin = x + 0.5, z = a[6] * xin + a[7] * yin + 1;
            double sx = (a[0] * xin + a[1] * yin + a[2]) / z;
            double sy = (a[3] * xin + a[4] * yin + a[5]) / z;
            /* Written so that a NaN, from z = 0, is outside. */
            if (sx >= 0 && sx < im->w && sy >= 0 && sy < im->h)
                memcpy(out, im->src + (size_t)sy * row + (size_t)sx * c, c);
        }
    }
}
