/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the images of MixUp, CutMix and Mosaic go.
 */
#include "augment/mix.h"

#include <math.h>

#define MOSAIC_MARGIN 5 /* the corner keeps a fifth of a side from the border */

static void add_part(bti_mix *m, bti_mix_part part, int h, int w)
{
    double area = (double)(part.x1 - part.x0) * (double)(part.y1 - part.y0);

    part.share = part.opacity * area / ((double)h * (double)w);
    m->own -= part.share;
    m->part[m->n++] = part;
}

static int clip(int v, int n)
{
    return v < 0 ? 0 : v > n ? n : v;
}

/* Yun et al., "CutMix", ICCV 2019: a rectangle of the image's proportions and 1 - lambda of its
 * area about a drawn centre, clipped to the image; the label follows what is left of it. */
static bti_mix_part cutmix(double lambda, bti_rng *rng, int h, int w)
{
    double side = sqrt(1 - lambda);
    int half_w = (int)(w * side) / 2, half_h = (int)(h * side) / 2;
    int cx = (int)bti_rng_below(rng, (uint32_t)w), cy = (int)bti_rng_below(rng, (uint32_t)h);

    return (bti_mix_part){.x0 = clip(cx - half_w, w),
                          .x1 = clip(cx + half_w, w),
                          .y0 = clip(cy - half_h, h),
                          .y1 = clip(cy + half_h, h),
                          .opacity = 1};
}

/* Bochkovskiy et al., "YOLOv4", 2020, as for a classifier: four images meet in a drawn point, each
 * seen where it lies; the first is the image itself. */
static void mosaic(bti_mix *m, bti_rng *rng, int h, int w)
{
    int x = (int)bti_rng_range(rng, w / MOSAIC_MARGIN, w - w / MOSAIC_MARGIN);
    int y = (int)bti_rng_range(rng, h / MOSAIC_MARGIN, h - h / MOSAIC_MARGIN);
    bti_mix_part part[BTI_MIX_PARTS] = {
        {x, w, 0, y, 1, 0, 0}, {0, x, y, h, 1, 0, 0}, {x, w, y, h, 1, 0, 0}};

    for (int i = 0; i < BTI_MIX_PARTS; i++) {
        part[i].who = bti_rng_unit(rng);
        add_part(m, part[i], h, w);
    }
}

void bti_mix_draw(bti_mix *out, const bti_policy_item *item, bti_rng *rng, int h, int w)
{
    bti_mix_part part = {.x1 = w, .y1 = h};

    *out = (bti_mix){.own = 1};
    bool used = bti_rng_unit(rng) <
                item->arg[item->kind == BTI_ITEM_MOSAIC ? BTI_ARG_MOSAIC_P : BTI_ARG_MIX_P];
    if (!used)
        return;
    if (item->kind == BTI_ITEM_MOSAIC) {
        mosaic(out, rng, h, w);
        return;
    }
    double who = bti_rng_unit(rng);
    double lambda = bti_rng_beta(rng, item->arg[BTI_ARG_ALPHA], item->arg[BTI_ARG_ALPHA]);
    if (item->kind == BTI_ITEM_CUTMIX)
        part = cutmix(lambda, rng, h, w);
    else /* Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018 */
        part.opacity = 1 - lambda;
    part.who = who;
    add_part(out, part, h, w);
}

void bti_mix_paint(float *x, const float *other, const bti_mix_part *part, int c, int h, int w)
{
    float theirs = (float)part->opacity, ours = (float)(1 - part->opacity);

    for (int k = 0; k < c; k++) {
        for (int row = part->y0; row < part->y1; row++) {
            size_t at = ((size_t)k * (size_t)h + (size_t)row) * (size_t)w;
            for (int i = part->x0; i < part->x1; i++)
                x[at + (size_t)i] = theirs >= 1
                                        ? other[at + (size_t)i]
                                        : ours * x[at + (size_t)i] + theirs * other[at + (size_t)i];
        }
    }
}
