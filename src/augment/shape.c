/* SPDX-License-Identifier: Apache-2.0
 *
 * Convex polygons: moved by a homography, cut by half-planes (Sutherland & Hodgman, "Reentrant
 * polygon clipping", 1974), measured by the shoelace formula.
 */
#include "augment/shape.h"

#include <string.h>

/* Every cut adds at most one point: this many leave room for the five of a move and the four of
 * bti_shape_hide. */
#define POINTS_BEFORE_MOVE (BTI_SHAPE_POINTS - 9)
#define HORIZON 1e-9 /* what lies behind it would be seen from the back */

void bti_shape_init(bti_shape *s, const bti_box *b)
{
    *s = (bti_shape){
        .n = 4, .x = {b->x0, b->x1, b->x1, b->x0}, .y = {b->y0, b->y0, b->y1, b->y1}, .visible = 1};
}

static double area(const bti_shape *s)
{
    double twice = 0;

    for (int i = 0; i < s->n; i++) {
        int k = i + 1 < s->n ? i + 1 : 0;
        twice += s->x[i] * s->y[k] - s->x[k] * s->y[i];
    }
    return fabs(twice) / 2;
}

/* Keeps the part where a x + b y + c >= 0. */
static void cut(bti_shape *s, double a, double b, double c)
{
    bti_shape old = *s;

    s->n = 0;
    for (int i = 0; i < old.n; i++) {
        int k = i + 1 < old.n ? i + 1 : 0;
        double here = a * old.x[i] + b * old.y[i] + c, there = a * old.x[k] + b * old.y[k] + c;
        if (here >= 0) {
            s->x[s->n] = old.x[i];
            s->y[s->n++] = old.y[i];
        }
        if ((here >= 0) == (there >= 0))
            continue;
        double t = here / (here - there);
        s->x[s->n] = old.x[i] + t * (old.x[k] - old.x[i]);
        s->y[s->n++] = old.y[i] + t * (old.y[k] - old.y[i]);
    }
}

static void cut_to(bti_shape *s, bti_rect r)
{
    cut(s, 1, 0, -r.x0);
    cut(s, -1, 0, r.x1);
    cut(s, 0, 1, -r.y0);
    cut(s, 0, -1, r.y1);
}

static bti_rect bounds(const bti_shape *s)
{
    bti_rect r = {INFINITY, INFINITY, -INFINITY, -INFINITY};

    for (int i = 0; i < s->n; i++) {
        r.x0 = fmin(r.x0, s->x[i]);
        r.y0 = fmin(r.y0, s->y[i]);
        r.x1 = fmax(r.x1, s->x[i]);
        r.y1 = fmax(r.y1, s->y[i]);
    }
    return r;
}

/* The inverse of m up to a positive factor: its determinant keeps the sign of the third row. */
static void inverse(const double m[9], double inv[9])
{
    const double adjugate[9] = {
        m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
        m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
        m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
    double det = m[0] * adjugate[0] + m[1] * adjugate[3] + m[2] * adjugate[6];

    for (int i = 0; i < 9; i++)
        inv[i] = adjugate[i] / det;
}

void bti_shape_move(bti_shape *s, const double m[9], bti_rect keep)
{
    double inv[9];

    if (s->n > POINTS_BEFORE_MOVE) {
        bti_rect r = bounds(s);
        double visible = s->visible;
        bool was_cut = s->cut;
        bti_shape_init(s, &(bti_box){.x0 = r.x0, .y0 = r.y0, .x1 = r.x1, .y1 = r.y1});
        s->visible = visible;
        s->cut = was_cut;
    }
    inverse(m, inv);
    cut(s, inv[6], inv[7], inv[8] - HORIZON);
    for (int i = 0; i < s->n; i++) {
        double x = s->x[i], y = s->y[i], z = inv[6] * x + inv[7] * y + inv[8];
        s->x[i] = (inv[0] * x + inv[1] * y + inv[2]) / z;
        s->y[i] = (inv[3] * x + inv[4] * y + inv[5]) / z;
    }
    double before = area(s);
    bti_rect r = bounds(s);
    if (r.x0 >= keep.x0 && r.y0 >= keep.y0 && r.x1 <= keep.x1 && r.y1 <= keep.y1)
        return;
    cut_to(s, keep);
    s->cut = true;
    s->visible *= before > 0 ? area(s) / before : 0;
}

void bti_shape_hide(bti_shape *s, bti_rect painted)
{
    bti_shape part = *s;
    double all = area(s);

    if (!(painted.x1 > painted.x0) || !(painted.y1 > painted.y0) || !(all > 0))
        return;
    cut_to(&part, painted);
    s->visible *= 1 - fmin(area(&part) / all, 1);
}

bool bti_shape_box(const bti_shape *s, const bti_box_rules *rules, bti_box *box)
{
    bti_rect r = bounds(s);

    if (s->n < 3 || !(s->visible >= rules->min_visible) || !(r.x1 - r.x0 >= rules->min_side) ||
        !(r.y1 - r.y0 >= rules->min_side))
        return false;
    box->x0 = rules->whole_pixels ? floor(r.x0 + BTI_BOX_SLACK) : bti_box_grid(r.x0);
    box->y0 = rules->whole_pixels ? floor(r.y0 + BTI_BOX_SLACK) : bti_box_grid(r.y0);
    box->x1 = rules->whole_pixels ? ceil(r.x1 - BTI_BOX_SLACK) : bti_box_grid(r.x1);
    box->y1 = rules->whole_pixels ? ceil(r.y1 - BTI_BOX_SLACK) : bti_box_grid(r.y1);
    box->truncated = box->truncated || s->cut;
    return box->x1 > box->x0 && box->y1 > box->y0;
}
