/* SPDX-License-Identifier: Apache-2.0
 *
 * Stored uint8 images to float batches: operations, flip, crop, cutout and normalise, one sample at
 * a time. Flip, crop and normalise are one pass from bytes to floats. Operations that are tables
 * (tones) are not applied to pixels until they must be: a chain of them is one table, and the last
 * one is part of normalisation.
 *
 * Every random number is addressed by (seed, epoch, sample id, slot of the item), so a sample is
 * the same whichever thread makes it and whatever else is in the batch or the policy. All memory is
 * taken in bti_pipeline_new.
 */
#include "augment/mix.h"
#include "augment/op_int.h"
#include "augment/policy_int.h"

#include "augment/simd/kernels.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/threads.h"
#include <math.h>

#define BAND_BYTES 12288

typedef struct worker {
    uint8_t *image[2]; /* (h,w,c) ping-pong of the operations; NULL without any */
    void *scratch;
    uint8_t *band;   /* some mirrored rows */
    float *other[2]; /* (c,h,w): an image to mix in, and the image for show; NULL without mixing */
    bti_shades *shades; /* the pipeline's, behind a tone; NULL without operations */
} worker;

struct bti_pipeline {
    const bti_dataset *set;
    const bti_policy *policy; /* NULL: none */
    const int32_t *partners;  /* NULL: every sample of the set */
    int64_t n_partners;
    uint64_t seed;
    int threads;
    bool standard;     /* flip and crop only */
    worker *worker;    /* one per thread */
    bti_shades shades; /* normalised value of a pixel */
    const bti_pixel_kernels *kernels;
    float crop_fill[3];   /* what crop shows outside the image */
    float cutout_fill[3]; /* what cutout paints */
};

/* One call of bti_pipeline_fill. */
typedef struct fill_job {
    bti_pipeline *p;
    const bti_batch *b;
} fill_job;

static size_t image_bytes(const bti_dataset *set)
{
    return (size_t)set->h * (size_t)set->w * (size_t)set->c;
}

/* Rows that are mirrored at a time: what stays in the first cache. */
static int band_rows(const bti_dataset *set)
{
    int most = BAND_BYTES / (set->w * set->c);

    return most < 1 ? 1 : most < set->h ? most : set->h;
}

/* ---- one sample ---- */

static bti_draw_at draw_at(const bti_pipeline *p, uint32_t epoch, uint32_t sample, uint32_t copy)
{
    return (bti_draw_at){.seed = p->seed,
                         .epoch = epoch,
                         .sample = sample,
                         .copy = copy,
                         .standard = p->standard,
                         .h = p->set->h,
                         .w = p->set->w};
}

/* The sample at a draw in [0, 1) of those that may be mixed in. */
static uint32_t partner_at(const bti_pipeline *p, double draw)
{
    int64_t i = (int64_t)(draw * (double)p->n_partners);

    return (uint32_t)(p->partners ? p->partners[i] : i);
}

static const uint8_t *stored(const bti_pipeline *p, uint32_t sample)
{
    return p->set->pixels + sample * image_bytes(p->set);
}

/* A worker applying what a policy draws. What the image is: `image` through `tone`. */
typedef struct drawing {
    const bti_pipeline *p;
    worker *w;
    const uint8_t *image; /* as stored, or in one of the worker's buffers */
    bool toned;
    uint8_t tone[3][256];
} drawing;

/* The buffer that does not hold the image. */
static uint8_t *next_image(const drawing *d)
{
    return d->image == d->w->image[0] ? d->w->image[1] : d->w->image[0];
}

/* Pixels go through the tone that is still to come. */
static void settle(drawing *d)
{
    const bti_dataset *set = d->p->set;
    uint8_t *to = next_image(d);

    if (!d->toned)
        return;
    bti_tone_look(to, d->image, (size_t)set->h * (size_t)set->w, set->c,
                  (const uint8_t(*)[256])d->tone);
    d->image = to;
    d->toned = false;
}

static void add_tone(drawing *d, const bti_op_info *info, double value, const bti_op_image *im)
{
    uint8_t to[3][256], before[256];

    info->tone(value, im, d->toned ? (const uint8_t(*)[256])d->tone : NULL, to);
    for (int k = 0; k < im->c; k++) {
        if (d->toned) {
            memcpy(before, d->tone[k], sizeof(before));
            d->p->kernels->table(d->tone[k], before, sizeof(before), to[k]);
        } else {
            memcpy(d->tone[k], to[k], sizeof(to[k]));
        }
    }
    d->toned = true;
}

/* Whole pixels may move before their tone: what is black outside stays black. */
static bool commutes(const drawing *d, const bti_op_info *info)
{
    return info->nearest && !d->tone[0][0] &&
           (d->p->set->c == 1 || (!d->tone[1][0] && !d->tone[2][0]));
}

static void apply_drawn(void *user, bti_op op, double value, bti_rng *rng)
{
    drawing *d = user;
    const bti_op_info *info = bti_op_get(op);
    bti_op_image im = {.h = d->p->set->h, .w = d->p->set->w, .c = d->p->set->c};

    if (op == BTI_OP_IDENTITY)
        return;
    if (d->toned && !info->tone && !commutes(d, info))
        settle(d);
    im.src = d->image;
    im.dst = next_image(d);
    im.scratch = d->w->scratch;
    for (int i = 0; i < info->draws; i++)
        im.draw[i] = bti_rng_unit(rng);
    if (info->needs_partner)
        im.partner = stored(d->p, partner_at(d->p, im.draw[0]));
    if (info->tone) {
        add_tone(d, info, value, &im);
        return;
    }
    bti_op_apply(op, value, &im);
    d->image = im.dst;
}

/* Runs the pixel items and draws flip, crop and cutout. */
static void draw(drawing *d, const bti_pipeline *p, const bti_draw_at *at, worker *w,
                 bti_window *win)
{
    d->p = p;
    d->w = w;
    d->image = stored(p, at->sample);
    d->toned = false;
    *win = (bti_window){0};
    if (p->policy)
        bti_policy_draw(p->policy, at, apply_drawn, d, win);
}

/* ---- pixels to floats ---- */

static void fill_run(float *out, int64_t from, int64_t to, float v)
{
    for (int64_t x = from; x < to; x++)
        out[x] = v;
}

/* A plane's place that shows pixels: n of them, from the `first` of `have`; those that are not
 * there are left out. */
typedef struct run {
    const uint8_t *px;
    int64_t have, first, n;
} run;

static void show_run(const bti_pipeline *p, const bti_shades *s, float *out, run r)
{
    int64_t skip = r.first < 0 ? -r.first : 0;
    int64_t end = r.first + r.n > r.have ? r.have - r.first : r.n;
    size_t plane = (size_t)p->set->h * (size_t)p->set->w;
    const uint8_t *px = r.px + (r.first + skip) * p->set->c;

    if (skip >= end)
        return;
    if (p->set->c == 1)
        p->kernels->normalise_grey(out + skip, px, (size_t)(end - skip), s);
    else
        p->kernels->normalise(out + skip, plane, px, (size_t)(end - skip), s);
}

static void mirror_row(const bti_pipeline *p, uint8_t *out, const uint8_t *row)
{
    size_t w = (size_t)p->set->w;

    if (p->set->c == 3)
        p->kernels->mirror(out, row, w);
    else
        for (size_t x = 0; x < w; x++)
            out[x] = row[w - 1 - x];
}

/* Output rows [from, to) show the mirrored image, a band of rows at a time. */
static void show_mirrored(const bti_pipeline *p, const bti_shades *s, const uint8_t *image,
                          const bti_window *win, int from, int to, uint8_t *band, float *out)
{
    int64_t w = p->set->w, bytes = w * p->set->c;
    int most = band_rows(p->set);

    for (int y = from; y < to; y += most) {
        int rows = to - y < most ? to - y : most;
        for (int i = 0; i < rows; i++)
            mirror_row(p, band + i * bytes, image + (y + i + win->dy) * bytes);
        run r = {band, rows * w, win->dx, rows * w};
        show_run(p, s, out + y * w, r);
    }
}

/* image (h,w,c) -> out (c,h,w): flip, crop and normalise. Rows are shown as one run, shifted: what
 * comes from beside a row lies outside the image and is filled. */
static void normalise(const bti_pipeline *p, const bti_shades *s, const uint8_t *image,
                      const bti_window *win, uint8_t *band, float *out)
{
    int64_t h = p->set->h, w = p->set->w, plane = h * w;
    int from = win->dy < 0 ? -win->dy : 0, to = (int)(win->dy > 0 ? h - win->dy : h);
    int left = win->dx < 0 ? -win->dx : 0, right = (int)(win->dx > 0 ? w - win->dx : w);
    run all = {image, plane, (from + win->dy) * w + win->dx, (to - from) * w};

    if (win->flip)
        show_mirrored(p, s, image, win, from, to, band, out);
    else
        show_run(p, s, out + from * w, all);
    for (int k = 0; k < p->set->c; k++, out += plane) {
        fill_run(out, 0, from * w, p->crop_fill[k]);
        fill_run(out, to * w, plane, p->crop_fill[k]);
        for (int y = from; y < to && right - left < w; y++) {
            fill_run(out + y * w, 0, left, p->crop_fill[k]);
            fill_run(out + y * w, right, w, p->crop_fill[k]);
        }
    }
}

static void paint_cutout(const bti_pipeline *p, bti_window win, float *out)
{
    int h = p->set->h, w = p->set->w;

    for (int k = 0; k < p->set->c; k++)
        for (int y = win.y0; y < win.y1; y++)
            fill_run(out + ((size_t)k * (size_t)h + (size_t)y) * (size_t)w, win.x0, win.x1,
                     p->cutout_fill[k]);
}

/* One sample as it is before others are mixed in, (c,h,w). */
static void render(const bti_pipeline *p, const bti_draw_at *at, worker *w, float *x)
{
    const bti_shades *shades = &p->shades;
    bti_window win;
    drawing d;

    draw(&d, p, at, w, &win);
    if (d.toned) {
        p->kernels->retone(w->shades, shades, (const uint8_t(*)[256])d.tone, p->set->c);
        shades = w->shades;
    }
    normalise(p, shades, d.image, &win, w->band, x);
    paint_cutout(p, win, x);
}

/* What is mixed into a sample: one of the policy's ways, at random. */
static bti_mix draw_mix(const bti_pipeline *p, const bti_draw_at *at)
{
    int first = p->policy ? p->policy->n : 0, n = first;
    bti_mix mix = {.own = 1};

    while (first && p->policy->item[first - 1].stage == BTI_STAGE_MIX)
        first--;
    if (first == n || at->standard)
        return mix;
    bti_rng rng = bti_draw_rng(at, BTI_SLOT_MIX);
    int which = first + (int)bti_rng_below(&rng, (uint32_t)(n - first));
    bti_mix_draw(&mix, &p->policy->item[which], &rng, at->h, at->w);
    return mix;
}

/* Mixes into x what was drawn. A partner looks as it does in this epoch, were it alone. */
static void mix_in(const bti_pipeline *p, uint32_t epoch, const bti_mix *mix, worker *w, float *x)
{
    for (int i = 0; i < mix->n; i++) {
        bti_draw_at partner = draw_at(p, epoch, partner_at(p, mix->part[i].who), 0);
        render(p, &partner, w, w->other[0]);
        bti_mix_paint(x, w->other[0], &mix->part[i], p->set->c, p->set->h, p->set->w);
    }
}

static void share_label(const bti_pipeline *p, uint32_t sample, const bti_mix *mix, float *target)
{
    memset(target, 0, (size_t)p->set->classes * sizeof(*target));
    target[p->set->labels[sample]] = (float)mix->own;
    for (int i = 0; i < mix->n; i++)
        target[p->set->labels[partner_at(p, mix->part[i].who)]] += (float)mix->part[i].share;
}

static void fill_one(void *ctx, int64_t i, int thread)
{
    const fill_job *job = ctx;
    const bti_batch *b = job->b;
    bti_pipeline *p = job->p;
    uint32_t copy = b->copy ? (uint32_t)b->copy[i] : 0;
    bti_draw_at at = draw_at(p, b->epoch, (uint32_t)b->index[i], copy);
    bti_mix mix = draw_mix(p, &at);
    float *x = b->x + (size_t)i * image_bytes(p->set);

    render(p, &at, &p->worker[thread], x);
    mix_in(p, b->epoch, &mix, &p->worker[thread], x);
    if (b->labels)
        b->labels[i] = p->set->labels[at.sample];
    if (b->targets)
        share_label(p, at.sample, &mix, b->targets + (size_t)i * (size_t)p->set->classes);
}

void bti_pipeline_fill(bti_pipeline *p, uint32_t epoch, const int32_t *index, int n, float *x,
                       int32_t *labels)
{
    bti_batch batch = {.epoch = epoch, .index = index, .n = n, .x = x, .labels = labels};

    bti_pipeline_fill_batch(p, &batch);
}

void bti_pipeline_fill_batch(bti_pipeline *p, const bti_batch *batch)
{
    fill_job job = {p, batch};

    bti_parallel_for(p->threads, batch->n, fill_one, &job);
}

void bti_pipeline_set_standard(bti_pipeline *p, bool standard)
{
    p->standard = standard;
}

/* ---- one sample as pixels ---- */

/* Pixel (x, y) of the window, or NULL where the fill of crop or cutout shows; *fill says which. */
static const uint8_t *pixel_at(const bti_pipeline *p, const uint8_t *image, const bti_window *win,
                               int x, int y, const float **fill)
{
    const bti_dataset *set = p->set;
    int sx = x + win->dx, sy = y + win->dy;

    *fill = p->cutout_fill;
    if (x >= win->x0 && x < win->x1 && y >= win->y0 && y < win->y1)
        return NULL;
    *fill = p->crop_fill;
    if (sx < 0 || sx >= set->w || sy < 0 || sy >= set->h)
        return NULL;
    if (win->flip)
        sx = set->w - 1 - sx;
    return image + ((size_t)sy * (size_t)set->w + (size_t)sx) * (size_t)set->c;
}

/* The pixel whose normalised value is nearest. */
static uint8_t nearest_pixel(const float lut[256], float v)
{
    int best = 0;

    for (int i = 1; i < 256; i++)
        if (fabsf(lut[i] - v) < fabsf(lut[best] - v))
            best = i;
    return (uint8_t)best;
}

/* A sample with others mixed in is known by its normalised values only. */
static void show_mixed(bti_pipeline *p, const bti_draw_at *at, const bti_mix *mix, uint8_t *out)
{
    float *x = p->worker[0].other[1];
    size_t c = (size_t)p->set->c, plane = (size_t)p->set->h * (size_t)p->set->w;

    render(p, at, &p->worker[0], x);
    mix_in(p, at->epoch, mix, &p->worker[0], x);
    for (size_t i = 0; i < plane; i++)
        for (size_t k = 0; k < c; k++)
            out[i * c + k] = nearest_pixel(p->shades.value[k], x[k * plane + i]);
}

void bti_pipeline_show(bti_pipeline *p, uint32_t epoch, int32_t sample, int32_t copy, uint8_t *out)
{
    bti_draw_at at = draw_at(p, epoch, (uint32_t)sample, (uint32_t)copy);
    bti_mix mix = draw_mix(p, &at);
    bti_window win;
    drawing d;
    int c = p->set->c;

    if (mix.n) {
        show_mixed(p, &at, &mix, out);
        return;
    }
    draw(&d, p, &at, &p->worker[0], &win);
    settle(&d);
    for (int y = 0; y < p->set->h; y++) {
        for (int x = 0; x < p->set->w; x++, out += c) {
            const float *fill;
            const uint8_t *px = pixel_at(p, d.image, &win, x, y, &fill);
            for (int k = 0; k < c; k++)
                out[k] = px ? px[k] : nearest_pixel(p->shades.value[k], fill[k]);
        }
    }
}

/* ---- life ---- */

static void make_tables(bti_pipeline *p, const bti_pipeline_options *opt)
{
    bti_shades_init(&p->shades, opt->mean, opt->std);
    for (int i = 0; p->policy && i < p->policy->n; i++) {
        const bti_policy_item *item = &p->policy->item[i];
        for (int k = 0; k < 3; k++) {
            if (item->kind == BTI_ITEM_CROP && item->arg[BTI_ARG_FILL_MEAN] <= 0)
                p->crop_fill[k] = p->shades.value[k][0];
            if (item->kind == BTI_ITEM_CUTOUT && item->arg[BTI_ARG_CUTOUT_FILL_MEAN] <= 0)
                p->cutout_fill[k] = p->shades.value[k][0];
        }
    }
}

static bt_status check(const bti_dataset *set, const bti_policy *policy, bt_error *err)
{
    int side = set->h < set->w ? set->h : set->w;

    for (int i = 0; policy && i < policy->n; i++) {
        const bti_policy_item *item = &policy->item[i];
        if (item->kind == BTI_ITEM_CROP && item->arg[BTI_ARG_PAD] >= side)
            return bti_fail(err, BT_INVAL, "augment",
                            "crop: pad is below the images' side (%d), found %g", side,
                            item->arg[BTI_ARG_PAD]);
    }
    return BT_OK;
}

static bool has_pixel_items(const bti_policy *policy)
{
    return policy && policy->n && policy->item[0].stage == BTI_STAGE_PIXELS; /* sorted by stage */
}

static bt_status make_workers(bti_pipeline *p, bt_error *err)
{
    const bti_dataset *set = p->set;

    p->worker = bti_calloc((size_t)p->threads, sizeof(*p->worker));
    if (!p->worker)
        return bti_fail_nomem(err);
    for (int t = 0; t < p->threads; t++) {
        worker *w = &p->worker[t];
        w->band = bti_array((size_t)band_rows(set) * (size_t)set->w, (size_t)set->c);
        if (!w->band)
            return bti_fail_nomem(err);
        for (int i = 0; i < 2 && bti_policy_mixes(p->policy); i++) {
            w->other[i] = bti_array(image_bytes(set), sizeof(float));
            if (!w->other[i])
                return bti_fail_nomem(err);
        }
        if (!has_pixel_items(p->policy))
            continue;
        w->image[0] = bti_malloc(image_bytes(set));
        w->image[1] = bti_malloc(image_bytes(set));
        w->scratch = bti_malloc(bti_op_scratch(set->h, set->w, set->c));
        w->shades = bti_calloc(1, sizeof(*w->shades));
        if (!w->image[0] || !w->image[1] || !w->scratch || !w->shades)
            return bti_fail_nomem(err);
    }
    return BT_OK;
}

bt_status bti_pipeline_new(bti_pipeline **out, const bti_dataset *set,
                           const bti_pipeline_options *opt, bt_error *err)
{
    bt_status rc;
    bti_pipeline *p;

    *out = NULL;
    rc = check(set, opt->policy, err);
    if (rc)
        return rc;
    p = bti_calloc(1, sizeof(*p));
    if (!p)
        return bti_fail_nomem(err);
    p->set = set;
    p->seed = opt->seed;
    p->threads = opt->threads > 1 ? opt->threads : 1;
    p->policy = opt->policy;
    p->kernels = bti_pixel_kernels_now();
    p->partners = opt->partners;
    p->n_partners = opt->partners ? opt->n_partners : set->n;
    rc = make_workers(p, err);
    if (rc) {
        bti_pipeline_free(p);
        return rc;
    }
    make_tables(p, opt);
    *out = p;
    return BT_OK;
}

void bti_pipeline_free(bti_pipeline *p)
{
    if (!p)
        return;
    for (int t = 0; p->worker && t < p->threads; t++) {
        bti_free(p->worker[t].image[0]);
        bti_free(p->worker[t].image[1]);
        bti_free(p->worker[t].scratch);
        bti_free(p->worker[t].band);
        bti_free(p->worker[t].shades);
        bti_free(p->worker[t].other[0]);
        bti_free(p->worker[t].other[1]);
    }
    bti_free(p->worker);
    bti_free(p);
}
