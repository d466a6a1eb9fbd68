/* SPDX-License-Identifier: Apache-2.0
 *
 * How images meet in one canvas before the policy is applied: Mosaic, Mosaic-9, MixUp, CutMix and
 * copy-paste. Each is a list of tiles, painted in turn; boxes follow their tiles.
 */
#include "augment/plan.h"

#include <math.h>

typedef void mix_fn(bti_plan *p, const bti_plan_rules *rules, bti_rng *rng);

static int64_t draw_source(const bti_plan_rules *rules, bti_rng *rng)
{
    return (int64_t)(bti_rng_unit(rng) * (double)rules->n_partners);
}

static int pixels(double v)
{
    return v < 1 ? 1 : (int)v;
}

/* The next tile: image `source`, `scale` times its size; nothing of it is seen yet. */
static bti_tile *add_tile(bti_plan *p, const bti_plan_rules *rules, int64_t source, double scale)
{
    const bti_boxed_image *im = &rules->set->image[source];
    bti_tile *t = &p->tile[p->n_tiles++];

    *t = (bti_tile){
        .source = source, .w = pixels(scale * im->w), .h = pixels(scale * im->h), .opacity = 1};
    return t;
}

/* Columns [x0, x1) and rows [y0, y1) of the canvas show the tile, where it lies. */
static void see(bti_tile *t, int x0, int y0, int x1, int y1)
{
    t->x0 = x0 > t->x ? x0 : t->x;
    t->y0 = y0 > t->y ? y0 : t->y;
    t->x1 = x1 < t->x + t->w ? x1 : t->x + t->w;
    t->y1 = y1 < t->y + t->h ? y1 : t->y + t->h;
}

/* The image itself, all of it. */
static void add_own(bti_plan *p, const bti_plan_rules *rules)
{
    see(add_tile(p, rules, p->source, 1), 0, 0, p->w, p->h);
}

/* The factor that makes an image fit into w x h, or cover it. */
static double to_fit(const bti_boxed_image *im, int w, int h)
{
    return fmin((double)w / im->w, (double)h / im->h);
}

static double to_cover(const bti_boxed_image *im, int w, int h)
{
    return fmax((double)w / im->w, (double)h / im->h);
}

/* Bochkovskiy et al., "YOLOv4", 2020, as YOLOv5 lays it out: four images meet with their corners at
 * a drawn centre. Each is scaled to fit the canvas, then by a factor from 0.5 to 1. */
static void mosaic(bti_plan *p, const bti_plan_rules *rules, bti_rng *rng)
{
    int cx = (int)(bti_rng_uniform(rng, 0.25, 0.75) * p->w);
    int cy = (int)(bti_rng_uniform(rng, 0.25, 0.75) * p->h);

    for (int i = 0; i < 4; i++) {
        int64_t other = draw_source(rules, rng), source = i ? other : p->source;
        double factor = bti_rng_uniform(rng, 0.5, 1);
        bool right = i % 2, low = i / 2;
        bti_tile *t =
            add_tile(p, rules, source, to_fit(&rules->set->image[source], p->w, p->h) * factor);
        t->x = right ? cx : cx - t->w;
        t->y = low ? cy : cy - t->h;
        see(t, right ? cx : 0, low ? cy : 0, right ? p->w : cx, low ? p->h : cy);
    }
}

/* YOLOv5's mosaic of nine: here three rows of three cells between drawn lines. Each image is scaled
 * to cover its cell, at a drawn place behind it; the image itself is in the middle. */
static void mosaic9(bti_plan *p, const bti_plan_rules *rules, bti_rng *rng)
{
    int x[4] = {0, 0, 0, p->w}, y[4] = {0, 0, 0, p->h};

    for (int i = 1; i < 3; i++) {
        x[i] = (int)(bti_rng_uniform(rng, i / 3.0 - 1 / 12.0, i / 3.0 + 1 / 12.0) * p->w);
        y[i] = (int)(bti_rng_uniform(rng, i / 3.0 - 1 / 12.0, i / 3.0 + 1 / 12.0) * p->h);
    }
    for (int i = 0; i < 9; i++) {
        int col = i % 3, row = i / 3, w = x[col + 1] - x[col], h = y[row + 1] - y[row];
        int64_t other = draw_source(rules, rng), source = i == 4 ? p->source : other;
        bti_tile *t =
            add_tile(p, rules, source, to_cover(&rules->set->image[source], w, h) * 1.0001);
        double along = bti_rng_unit(rng), down = bti_rng_unit(rng);
        t->x = x[col] - (t->w > w ? (int)(along * (t->w - w + 1)) : 0);
        t->y = y[row] - (t->h > h ? (int)(down * (t->h - h + 1)) : 0);
        see(t, x[col], y[row], x[col + 1], y[row + 1]);
    }
}

/* Zhang et al., "Bag of freebies for training object detection neural networks", 2019: the images
 * are blended and the boxes of both stay. The other image is scaled to fit and lies in the middle;
 * as in YOLOv5 its weight is from Beta(32, 32), near a half, as no box may belong to a ghost. */
static void mixup(bti_plan *p, const bti_plan_rules *rules, bti_rng *rng)
{
    int64_t other = draw_source(rules, rng);

    add_own(p, rules);
    bti_tile *t = add_tile(p, rules, other, to_fit(&rules->set->image[other], p->w, p->h));
    t->x = (p->w - t->w) / 2;
    t->y = (p->h - t->h) / 2;
    t->opacity = bti_rng_beta(rng, 32, 32);
    see(t, 0, 0, p->w, p->h);
}

/* Yun et al., "CutMix", ICCV 2019: a rectangle of the other image, which is scaled to cover the
 * canvas, of the canvas' proportions and 1 - lambda of its area about a drawn centre, lambda from
 * Beta(1, 1). */
static void cutmix(bti_plan *p, const bti_plan_rules *rules, bti_rng *rng)
{
    int64_t other = draw_source(rules, rng);
    double side = sqrt(1 - bti_rng_unit(rng));
    int half_w = (int)(p->w * side) / 2, half_h = (int)(p->h * side) / 2;
    int cx = (int)bti_rng_below(rng, (uint32_t)p->w), cy = (int)bti_rng_below(rng, (uint32_t)p->h);

    add_own(p, rules);
    bti_tile *t = add_tile(p, rules, other, to_cover(&rules->set->image[other], p->w, p->h));
    t->x = (p->w - t->w) / 2;
    t->y = (p->h - t->h) / 2;
    see(t, cx - half_w > 0 ? cx - half_w : 0, cy - half_h > 0 ? cy - half_h : 0,
        cx + half_w < p->w ? cx + half_w : p->w, cy + half_h < p->h ? cy + half_h : p->h);
}

/* Pastes what is in a box, at most half a side of the canvas large, to a drawn place. */
static void paste(bti_plan *p, const bti_plan_rules *rules, int64_t source, const bti_box *b,
                  bti_rng *rng)
{
    double w = b->x1 - b->x0, h = b->y1 - b->y0;
    double scale = fmin(1, fmin(p->w / 2.0 / w, p->h / 2.0 / h));
    double along = bti_rng_unit(rng), down = bti_rng_unit(rng);
    bti_tile *t = add_tile(p, rules, source, scale);
    const bti_boxed_image *im = &rules->set->image[source];
    double kx = (double)t->w / im->w, ky = (double)t->h / im->h;
    int x0 = (int)floor(b->x0 * kx), y0 = (int)floor(b->y0 * ky);
    int x1 = (int)ceil(b->x1 * kx), y1 = (int)ceil(b->y1 * ky);

    x1 = x1 - x0 > p->w ? x0 + p->w : x1;
    y1 = y1 - y0 > p->h ? y0 + p->h : y1;
    t->x = (int)(along * (p->w - (x1 - x0) + 1)) - x0;
    t->y = (int)(down * (p->h - (y1 - y0) + 1)) - y0;
    see(t, t->x + x0, t->y + y0, t->x + x1, t->y + y1);
}

/* Ghiasi et al., "Simple copy-paste", CVPR 2021, with boxes in the place of masks: each object of
 * another image at an even chance, at most eight of them. What lies in the box comes along, other
 * objects too. */
static void copy_paste(bti_plan *p, const bti_plan_rules *rules, bti_rng *rng)
{
    int64_t other = draw_source(rules, rng);
    const bti_boxed_image *im = &rules->set->image[other];

    add_own(p, rules);
    for (int64_t i = im->first; i < im->first + im->n && p->n_tiles < BTI_PLAN_TILES; i++)
        if (bti_rng_unit(rng) < 0.5)
            paste(p, rules, other, &rules->set->box[i], rng);
}

static const struct {
    const char *name;
    mix_fn *draw;
} mixes[BTI_PLAN_MIXES] = {
    [BTI_PLAN_MOSAIC] = {"mosaic", mosaic},
    [BTI_PLAN_MOSAIC9] = {"mosaic9", mosaic9},
    [BTI_PLAN_MIXUP] = {"mixup", mixup},
    [BTI_PLAN_CUTMIX] = {"cutmix", cutmix},
    [BTI_PLAN_COPY_PASTE] = {"copy_paste", copy_paste},
};

const char *bti_plan_mix_name(bti_plan_mix mix)
{
    return mixes[mix].name;
}

void bti_plan_draw_mix(bti_plan *p, const bti_plan_rules *rules, bti_rng *rng)
{
    double at = bti_rng_unit(rng), upto = 0;

    p->n_tiles = 0;
    for (int i = 0; i < BTI_PLAN_MIXES; i++) {
        upto += rules->mix[i];
        if (at >= upto)
            continue;
        p->mix = (bti_plan_mix)i;
        mixes[i].draw(p, rules, rng);
        return;
    }
}
