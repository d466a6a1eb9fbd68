/* SPDX-License-Identifier: Apache-2.0
 *
 * The pixels of a plan: mixed images, operations, flip, crop and cutout on an image of any size.
 */
#include "augment/plan.h"

#include "base/alloc.h"
#include "base/error.h"

#define CANVAS 114 /* YOLO's grey, between the images of a mosaic */

/* Image `source` as `channels` (0: as stored) at w x h. */
static bt_status read_scaled(bti_image *out, const bti_box_set *set, int64_t source, int channels,
                             int w, int h, bt_error *err)
{
    bti_image im;
    bt_status rc = bti_image_read(&im, set->image[source].path, channels, err);

    if (rc)
        return rc;
    if (im.w == w && im.h == h) {
        *out = im;
        return BT_OK;
    }
    rc = bti_image_resize(out, &im, w, h, err);
    bti_image_release(&im);
    return rc;
}

/* Image.blend's arithmetic. */
static void blend_row(uint8_t *out, const uint8_t *row, float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)((float)out[i] + weight * (float)(row[i] - out[i]));
}

static void paint_tile(bti_image *canvas, const bti_image *im, const bti_tile *t)
{
    size_t c = (size_t)canvas->c, n = t->x1 > t->x0 ? (size_t)(t->x1 - t->x0) * c : 0;

    for (int y = t->y0; y < t->y1 && n; y++) {
        uint8_t *out = canvas->px + ((size_t)y * (size_t)canvas->w + (size_t)t->x0) * c;
        const uint8_t *row =
            im->px + ((size_t)(y - t->y) * (size_t)im->w + (size_t)(t->x0 - t->x)) * c;
        if (t->opacity < 1)
            blend_row(out, row, (float)t->opacity, n);
        else
            memcpy(out, row, n);
    }
}

static bt_status make_mix(const bti_plan *p, const bti_box_set *set, bti_image *out, bt_error *err)
{
    bt_status rc = bti_image_new(out, p->w, p->h, 3, err);

    if (rc)
        return rc;
    memset(out->px, CANVAS, bti_image_bytes(out));
    for (int i = 0; i < p->n_tiles && !rc; i++) {
        const bti_tile *t = &p->tile[i];
        bti_image im = {0};
        rc = read_scaled(&im, set, t->source, 3, t->w, t->h, err);
        if (!rc)
            paint_tile(out, &im, t);
        bti_image_release(&im);
    }
    return rc;
}

/* ---- operations ---- */

static bt_status run_step(const bti_step *step, const bti_box_set *set, bti_image *from,
                          bti_image *to, void *scratch, bt_error *err)
{
    bti_image partner = {0};
    bti_op_image im = {.src = from->px,
                       .dst = to->px,
                       .h = from->h,
                       .w = from->w,
                       .c = from->c,
                       .scratch = scratch};
    bt_status rc = BT_OK;

    memcpy(im.draw, step->draw, sizeof(im.draw));
    if (step->partner >= 0) {
        rc = read_scaled(&partner, set, step->partner, from->c, from->w, from->h, err);
        im.partner = partner.px;
    }
    if (!rc)
        bti_op_apply(step->op, step->value, &im);
    bti_image_release(&partner);
    return rc;
}

static void swap(bti_image *a, bti_image *b)
{
    bti_image t = *a;

    *a = *b;
    *b = t;
}

/* ---- flip, crop, cutout ---- */

static bool fills_black(const bti_policy *policy, bti_item_kind kind, int arg)
{
    for (int i = 0; i < policy->n; i++)
        if (policy->item[i].kind == kind && policy->item[i].arg[arg] <= 0)
            return true;
    return false;
}

static void mean_of(const bti_image *im, uint8_t mean[3])
{
    uint64_t sum[3] = {0}, n = (uint64_t)im->w * (uint64_t)im->h;

    for (uint64_t i = 0; i < n; i++)
        for (int k = 0; k < im->c; k++)
            sum[k] += im->px[i * (uint64_t)im->c + (uint64_t)k];
    for (int k = 0; k < im->c; k++)
        mean[k] = (uint8_t)((sum[k] + n / 2) / n);
}

/* to = what the window shows of `from`; a fill with the mean is that of this image. */
static void show(const bti_window *win, const bti_policy *policy, const bti_image *from,
                 bti_image *to)
{
    uint8_t mean[3] = {0}, *out = to->px;
    const uint8_t black[3] = {0};

    mean_of(from, mean);
    const uint8_t *crop = fills_black(policy, BTI_ITEM_CROP, BTI_ARG_FILL_MEAN) ? black : mean;
    const uint8_t *cutout =
        fills_black(policy, BTI_ITEM_CUTOUT, BTI_ARG_CUTOUT_FILL_MEAN) ? black : mean;
    for (int y = 0; y < to->h; y++) {
        for (int x = 0; x < to->w; x++, out += to->c) {
            int sx = x + win->dx, sy = y + win->dy;
            const uint8_t *px = crop;
            if (x >= win->x0 && x < win->x1 && y >= win->y0 && y < win->y1)
                px = cutout;
            else if (sx >= 0 && sx < from->w && sy >= 0 && sy < from->h)
                px = from->px +
                     ((size_t)sy * (size_t)from->w + (size_t)(win->flip ? from->w - 1 - sx : sx)) *
                         (size_t)from->c;
            memcpy(out, px, (size_t)to->c);
        }
    }
}

bt_status bti_plan_pixels(const bti_plan *p, const bti_plan_rules *rules, bti_image *out,
                          bt_error *err)
{
    const bti_window *win = &p->win;
    bti_image other = {0};
    void *scratch = NULL;
    bool window = win->flip || win->dx || win->dy || win->x1 > win->x0;
    bt_status rc = p->n_tiles ? make_mix(p, rules->set, out, err)
                              : read_scaled(out, rules->set, p->source, 0, p->w, p->h, err);

    if (!rc)
        rc = bti_image_new(&other, out->w, out->h, out->c, err);
    if (!rc) {
        scratch = bti_malloc(bti_op_scratch(out->h, out->w, out->c));
        rc = scratch ? BT_OK : bti_fail_nomem(err);
    }
    for (int i = 0; i < p->n && !rc; i++) {
        rc = run_step(&p->step[i], rules->set, out, &other, scratch, err);
        swap(out, &other);
    }
    if (!rc && window) {
        show(win, rules->policy, out, &other);
        swap(out, &other);
    }
    bti_free(scratch);
    bti_image_release(&other);
    if (rc)
        bti_image_release(out);
    return rc;
}
