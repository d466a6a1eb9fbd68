/* SPDX-License-Identifier: Apache-2.0
 *
 * Drawing a plan, and what it does to boxes. Operations and window are drawn as training draws them
 * (bti_policy_draw, the copy in the place of the epoch).
 */
#include "augment/plan.h"

#include "base/error.h"

bt_status bti_plan_check(const bti_plan_rules *rules, bt_error *err)
{
    const bti_policy *p = rules->policy;
    int most = 0, side = INT32_MAX;

    if (bti_policy_mixes(p))
        return bti_fail(err, BT_INVAL, "augment",
                        "mixup, cutmix and mosaic of a policy share labels between images, which "
                        "only training can; with boxes: --mixup P, --cutmix P, --mosaic P");
    for (int64_t i = 0; i < rules->set->n_images; i++) {
        const bti_boxed_image *im = &rules->set->image[i];
        side = im->w < side ? im->w : side;
        side = im->h < side ? im->h : side;
    }
    for (int i = 0; i < p->n; i++) {
        const bti_policy_item *item = &p->item[i];
        int longest = 1;
        if (item->kind == BTI_ITEM_RANDAUGMENT)
            longest = (int)item->arg[BTI_ARG_N];
        for (int k = 0; k < item->n_subs; k++)
            if (p->sub[item->first_sub + k].n > longest)
                longest = p->sub[item->first_sub + k].n;
        most += longest;
        if (item->kind == BTI_ITEM_CROP && item->arg[BTI_ARG_PAD] >= side)
            return bti_fail(err, BT_INVAL, "augment",
                            "crop: pad is below the shortest side of all images (%d), found %g",
                            side, item->arg[BTI_ARG_PAD]);
    }
    if (most > BTI_PLAN_STEPS)
        return bti_fail(err, BT_INVAL, "augment",
                        "the policy applies up to %d operations to an image, at most %d are "
                        "possible here",
                        most, BTI_PLAN_STEPS);
    return BT_OK;
}

/* ---- drawing ---- */

typedef struct drawing {
    bti_plan *plan;
    const bti_plan_rules *rules;
} drawing;

static void add_step(void *user, bti_op op, double value, bti_rng *rng)
{
    const drawing *d = user;
    const bti_op_info *info = bti_op_get(op);
    bti_step *step = &d->plan->step[d->plan->n++];

    *step = (bti_step){.op = op, .value = value, .partner = -1};
    for (int i = 0; i < info->draws; i++)
        step->draw[i] = bti_rng_unit(rng);
    if (info->needs_partner)
        step->partner = (int64_t)(step->draw[0] * (double)d->rules->n_partners);
}

void bti_plan_draw(bti_plan *p, const bti_plan_rules *rules, int64_t source, int copy)
{
    const bti_boxed_image *im = &rules->set->image[source];
    drawing d = {p, rules};

    p->source = source;
    p->copy = copy;
    p->w = im->w;
    p->h = im->h;
    p->n_tiles = 0;
    p->n = 0;
    p->win = (bti_window){0};
    if (copy == 0)
        return;
    const bti_draw_at at = {.seed = rules->seed,
                            .epoch = (uint32_t)copy,
                            .sample = (uint32_t)source,
                            .h = p->h,
                            .w = p->w};
    bti_rng rng = bti_draw_rng(&at, BTI_SLOT_MOSAIC);
    bti_plan_draw_mix(p, rules, &rng);
    bti_policy_draw(rules->policy, &at, add_step, &d, &p->win);
}

/* ---- boxes ---- */

static void move_through(const bti_plan *p, bti_shape *s)
{
    bti_rect all = {0, 0, p->w, p->h};
    const bti_window *win = &p->win;

    for (int i = 0; i < p->n; i++) {
        const bti_step *step = &p->step[i];
        const bti_op_info *info = bti_op_get(step->op);
        bti_op_image im = {.h = p->h, .w = p->w, .c = 1};
        double m[9];
        int r[4];
        memcpy(im.draw, step->draw, sizeof(im.draw));
        if (info->boxes.effect == BTI_BOXES_MOVE) {
            info->boxes.map(step->value, &im, m);
            bti_shape_move(s, m, all);
        } else if (info->boxes.effect == BTI_BOXES_HIDE) {
            info->boxes.rect(step->value, &im, r);
            bti_shape_hide(s, (bti_rect){r[0], r[1], r[2], r[3]});
        }
    }
    const double flip[9] = {-1, 0, p->w, 0, 1, 0, 0, 0, 1};
    const double shift[9] = {1, 0, win->dx, 0, 1, win->dy, 0, 0, 1};
    if (win->flip)
        bti_shape_move(s, flip, all);
    if (win->dx || win->dy)
        bti_shape_move(s, shift, all);
    bti_shape_hide(s, (bti_rect){win->x0, win->y0, win->x1, win->y1});
}

/* The boxes of an image that nothing is done to: number by number. */
static bt_status copy_boxes(const bti_box_set *set, const bti_boxed_image *im, bti_box_set *out,
                            int32_t image, bt_error *err)
{
    bt_status rc = BT_OK;

    for (int64_t i = im->first; i < im->first + im->n && !rc; i++) {
        bti_box box = set->box[i];
        box.image = image;
        box.id = 0;
        rc = bti_boxes_put(out, &box, err);
    }
    return rc;
}

/* A box that tile `i` brings, on its way into the canvas and under the tiles above. */
static void move_into(const bti_plan *p, int i, const bti_boxed_image *im, bti_shape *s)
{
    const bti_tile *t = &p->tile[i];
    double kx = (double)im->w / t->w, ky = (double)im->h / t->h;
    const double m[9] = {kx, 0, -t->x * kx, 0, ky, -t->y * ky, 0, 0, 1};

    bti_shape_move(s, m, (bti_rect){t->x0, t->y0, t->x1, t->y1});
    for (int k = i + 1; k < p->n_tiles; k++) {
        const bti_tile *above = &p->tile[k];
        if (above->opacity >= 1)
            bti_shape_hide(s, (bti_rect){above->x0, above->y0, above->x1, above->y1});
    }
}

/* What the reader let pass at the border is not cut by us. */
static void into_the_image(const bti_plan *p, bti_shape *s)
{
    const double same[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};

    bti_shape_move(s, same, (bti_rect){0, 0, p->w, p->h});
    s->cut = false;
    s->visible = 1;
}

/* The boxes of an image: that of tile `tile`, or the image alone (-1). */
static bt_status add_boxes(const bti_plan *p, const bti_box_set *set, int tile,
                           const bti_box_rules *rules, bti_box_set *out, int32_t image,
                           int64_t *dropped, bt_error *err)
{
    const bti_boxed_image *im = &set->image[tile < 0 ? p->source : p->tile[tile].source];

    for (int64_t i = im->first; i < im->first + im->n; i++) {
        bti_box box = set->box[i];
        bti_shape s;
        bti_shape_init(&s, &box);
        if (tile < 0)
            into_the_image(p, &s);
        else
            move_into(p, tile, im, &s);
        move_through(p, &s);
        box.image = image;
        box.id = 0;
        if (!bti_shape_box(&s, rules, &box)) {
            ++*dropped;
            continue;
        }
        bt_status rc = bti_boxes_put(out, &box, err);
        if (rc)
            return rc;
    }
    return BT_OK;
}

bt_status bti_plan_boxes(const bti_plan *p, const bti_box_set *set, const bti_box_rules *rules,
                         bti_box_set *out, int32_t image, int64_t *dropped, bt_error *err)
{
    bt_status rc = BT_OK;

    if (p->copy == 0)
        return copy_boxes(set, &set->image[p->source], out, image, err);
    if (!p->n_tiles)
        return add_boxes(p, set, -1, rules, out, image, dropped, err);
    for (int i = 0; i < p->n_tiles && !rc; i++)
        rc = add_boxes(p, set, i, rules, out, image, dropped, err);
    return rc;
}

/* ---- the manifest ---- */

static bti_json *tile_row(const bti_tile *t, const bti_box_set *set)
{
    bti_json *row = bti_json_object(), *place = bti_json_array(), *seen = bti_json_array();
    const int at[4] = {t->x, t->y, t->w, t->h}, part[4] = {t->x0, t->y0, t->x1, t->y1};

    for (int i = 0; i < 4; i++) {
        bti_json_append(place, bti_json_int(at[i]));
        bti_json_append(seen, bti_json_int(part[i]));
    }
    bti_json_set_str(row, "source", set->image[t->source].name);
    bti_json_set(row, "x_y_w_h", place);
    bti_json_set(row, "seen", seen);
    if (t->opacity < 1)
        bti_json_set_num(row, "weight", t->opacity);
    return row;
}

static bti_json *step_row(const bti_step *step, const bti_box_set *set)
{
    const bti_op_info *info = bti_op_get(step->op);
    bti_json *row = bti_json_object(), *draws = bti_json_array();

    bti_json_set_str(row, "op", info->name);
    if (info->unit)
        bti_json_set_num(row, "value", step->value);
    for (int i = 0; i < info->draws; i++)
        bti_json_append(draws, bti_json_num(step->draw[i]));
    if (info->draws)
        bti_json_set(row, "draws", draws);
    else
        bti_json_free(draws);
    if (step->partner >= 0)
        bti_json_set_str(row, "with", set->image[step->partner].name);
    return row;
}

void bti_plan_to_json(const bti_plan *p, const bti_box_set *set, bti_json *row)
{
    const bti_window *win = &p->win;
    const int square[4] = {win->x0, win->y0, win->x1, win->y1};
    bti_json *steps = bti_json_array(), *shift = bti_json_array(), *cutout = bti_json_array();

    if (p->n_tiles) {
        bti_json *tiles = bti_json_array();
        for (int i = 0; i < p->n_tiles; i++)
            bti_json_append(tiles, tile_row(&p->tile[i], set));
        bti_json_set(row, bti_plan_mix_name(p->mix), tiles);
    }
    for (int i = 0; i < p->n; i++)
        bti_json_append(steps, step_row(&p->step[i], set));
    bti_json_set(row, "operations", steps);
    bti_json_set_bool(row, "flip", win->flip);
    bti_json_append(shift, bti_json_int(win->dx));
    bti_json_append(shift, bti_json_int(win->dy));
    bti_json_set(row, "crop", shift);
    for (int i = 0; i < 4; i++)
        bti_json_append(cutout, bti_json_int(square[i]));
    bti_json_set(row, "cutout", cutout);
}
