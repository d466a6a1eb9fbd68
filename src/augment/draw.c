/* SPDX-License-Identifier: Apache-2.0
 *
 * What a policy draws for one image: operations with their values, flip, crop and cutout. Only
 * numbers: the pipeline applies them to pixels, `augment run` to pixels of any size and to boxes.
 */
#include "augment/policy_int.h"

static int draw_sign(bti_rng *rng)
{
    return bti_rng_below(rng, 2) ? 1 : -1;
}

/* An item on its way to the caller. */
typedef struct drawing {
    const bti_policy *policy;
    const bti_draw_at *at;
    bti_drawn_fn *drawn;
    void *user;
} drawing;

/* Cubuk et al., "RandAugment", 2020: n operations, drawn with replacement. */
static void randaugment(const drawing *d, const bti_policy_item *item, bti_rng *rng)
{
    for (int k = 0; k < (int)item->arg[BTI_ARG_N]; k++) {
        bti_op op = bti_randaugment_op((int)bti_rng_below(rng, BTI_RANDAUGMENT_OPS));
        int sign = draw_sign(rng), m = (int)item->arg[BTI_ARG_M];
        if (m == BTI_LEVEL_ANY)
            m = (int)bti_rng_below(rng, (uint32_t)item->arg[BTI_ARG_LEVELS]);
        double value =
            bti_op_level(op, m, (int)item->arg[BTI_ARG_LEVELS], d->at->h, d->at->w, sign);
        d->drawn(d->user, op, value, rng);
    }
}

/* Müller & Hutter, "TrivialAugment", 2021: one operation at a level drawn anew for every image. */
static void trivialaugment(const drawing *d, const bti_policy_item *item, bti_rng *rng)
{
    int levels = (int)item->arg[BTI_ARG_TRIVIAL_LEVELS];
    bti_op op = bti_randaugment_op((int)bti_rng_below(rng, BTI_RANDAUGMENT_OPS));
    int m = (int)bti_rng_below(rng, (uint32_t)levels);
    int sign = draw_sign(rng);

    d->drawn(d->user, op, bti_trivialaugment_value(op, m, levels, sign), rng);
}

/* Cubuk et al., "AutoAugment", 2019: one of the sub-policies, each of its operations perhaps. */
static void autoaugment(const drawing *d, const bti_policy_item *item, bti_rng *rng)
{
    uint32_t which = bti_rng_below(rng, (uint32_t)item->n_subs);
    const bti_policy_sub *sub = &d->policy->sub[item->first_sub + (int)which];

    for (int i = sub->first; i < sub->first + sub->n; i++) {
        const bti_policy_step *step = &d->policy->step[i];
        bool used = bti_rng_unit(rng) < step->p;
        int sign = draw_sign(rng);
        double value = bti_op_level(step->op, step->level, (int)item->arg[BTI_ARG_AUTO_LEVELS],
                                    d->at->h, d->at->w, sign);
        if (used)
            d->drawn(d->user, step->op, value, rng);
    }
}

static void draw_item(const drawing *d, const bti_policy_item *item, bti_rng *rng)
{
    switch (item->kind) {
    case BTI_ITEM_RANDAUGMENT:
        randaugment(d, item, rng);
        return;
    case BTI_ITEM_TRIVIALAUGMENT:
        trivialaugment(d, item, rng);
        return;
    case BTI_ITEM_AUTOAUGMENT:
        autoaugment(d, item, rng);
        return;
    default:
        if (bti_rng_unit(rng) < item->arg[BTI_ARG_P])
            d->drawn(d->user, item->op, item->arg[BTI_ARG_VALUE], rng);
    }
}

/* A square of `side` about a drawn centre, clipped to the image. */
static void draw_cutout(bti_window *win, int side, int h, int w, bti_rng *rng)
{
    int x = (int)bti_rng_below(rng, (uint32_t)w) - side / 2;
    int y = (int)bti_rng_below(rng, (uint32_t)h) - side / 2;

    win->x0 = x > 0 ? x : 0;
    win->y0 = y > 0 ? y : 0;
    win->x1 = x + side < w ? x + side : w;
    win->y1 = y + side < h ? y + side : h;
}

static void draw_window(const bti_draw_at *at, const bti_policy_item *item, bti_rng *rng,
                        bti_window *win)
{
    int h = at->h, w = at->w;
    int pad = (int)item->arg[BTI_ARG_PAD];

    if (item->stage == BTI_STAGE_FLIP) {
        win->flip = bti_rng_unit(rng) < item->arg[BTI_ARG_FLIP_P];
    } else if (item->stage == BTI_STAGE_CROP) {
        win->dx = (int)bti_rng_range(rng, -pad, pad);
        win->dy = (int)bti_rng_range(rng, -pad, pad);
    } else if (bti_rng_unit(rng) < item->arg[BTI_ARG_CUTOUT_P]) {
        draw_cutout(win, (int)(item->arg[BTI_ARG_RATIO] * (h < w ? h : w)), h, w, rng);
    }
}

bti_rng bti_draw_rng(const bti_draw_at *at, uint32_t slot)
{
    return bti_rng_at(at->seed, BTI_RNG_AUGMENT, at->epoch, at->sample,
                      slot + at->copy * BTI_SLOTS_A_COPY);
}

void bti_policy_draw(const bti_policy *p, const bti_draw_at *at, bti_drawn_fn *drawn, void *user,
                     bti_window *win)
{
    static const uint32_t slots[] = {[BTI_STAGE_PIXELS] = BTI_SLOT_PIXELS,
                                     [BTI_STAGE_FLIP] = BTI_SLOT_FLIP,
                                     [BTI_STAGE_CROP] = BTI_SLOT_CROP,
                                     [BTI_STAGE_CUTOUT] = BTI_SLOT_CUTOUT};
    drawing d = {p, at, drawn, user};

    *win = (bti_window){0};
    for (int i = 0; i < p->n; i++) {
        const bti_policy_item *item = &p->item[i];
        bool pixels = item->stage == BTI_STAGE_PIXELS;
        bool standard = item->stage == BTI_STAGE_FLIP || item->stage == BTI_STAGE_CROP;
        if (item->stage == BTI_STAGE_MIX || (at->standard && !standard))
            continue; /* images are mixed by whoever has them */
        bti_rng rng = bti_draw_rng(at, slots[item->stage] + (pixels ? (uint32_t)i : 0));
        if (pixels)
            draw_item(&d, item, &rng);
        else
            draw_window(at, item, &rng, win);
    }
}
