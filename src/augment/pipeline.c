/* SPDX-License-Identifier: Apache-2.0
 *
 * Stored uint8 images to float batches: operations, flip, crop, cutout and normalise, one sample at
 * a time. Flip, crop and normalise are one pass: each output row is a run of table look-ups between
 * two runs of fill.
 *
 * Every random number is addressed by (seed, epoch, sample id, slot of the item), so a sample is
 * the same whichever thread makes it and whatever else is in the batch or the policy. All memory is
 * taken in bti_pipeline_new.
 */
#include "augment/mix.h"
#include "augment/policy_int.h"

#include "augment/simd/kernels.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/threads.h"
#include <math.h>

typedef struct worker {
    uint8_t *image[2]; /* (h,w,c) ping-pong of the operations; NULL without any */
    void *scratch;
    uint8_t *row;    /* w pixels */
    float *other[2]; /* (c,h,w): an image to mix in, and the image for show; NULL without mixing */
} worker;

struct bti_pipeline {
    const bti_dataset *set;
    const bti_policy *policy; /* NULL: none */
    const int32_t *partners;  /* NULL: every sample of the set */
    int64_t n_partners;
    uint64_t seed;
    int threads;
    bool standard;        /* flip and crop only */
    worker *worker;       /* one per thread */
    float lut[3][256];    /* normalised value of a pixel */
    bti_affine affine[3]; /* the same as arithmetic */
    bool is_affine;       /* it gives lut, all 256 values bit for bit */
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

/* A worker applying what a policy draws. */
typedef struct drawing {
    const bti_pipeline *p;
    worker *w;
    const uint8_t *image; /* so far: as stored, or in one of the worker's buffers */
} drawing;

static void apply_drawn(void *user, bti_op op, double value, bti_rng *rng)
{
    drawing *d = user;
    const bti_op_info *info = bti_op_get(op);
    worker *w = d->w;
    bti_op_image im = {.src = d->image, .h = d->p->set->h, .w = d->p->set->w, .c = d->p->set->c};

    if (op == BTI_OP_IDENTITY)
        return;
    im.dst = d->image == w->image[0] ? w->image[1] : w->image[0];
    im.scratch = w->scratch;
    for (int i = 0; i < info->draws; i++)
        im.draw[i] = bti_rng_unit(rng);
    if (info->needs_partner)
        im.partner = stored(d->p, partner_at(d->p, im.draw[0]));
    bti_op_apply(op, value, &im);
    d->image = im.dst;
}

/* Runs the pixel items and draws flip, crop and cutout. */
static const uint8_t *draw(const bti_pipeline *p, const bti_draw_at *at, worker *w, bti_window *win)
{
    drawing d = {p, w, stored(p, at->sample)};

    *win = (bti_window){0};
    if (p->policy)
        bti_policy_draw(p->policy, at, apply_drawn, &d, win);
    return d.image;
}

static void fill_run(float *out, int from, int to, float v)
{
    for (int x = from; x < to; x++)
        out[x] = v;
}

/* [from, to) of one output row: n pixels at s, from the first or, mirrored, from the last. */
static void show_row(const bti_pipeline *p, float *out, size_t plane, const uint8_t *s, size_t n,
                     bool mirrored)
{
    const bti_pixel_kernels *k = p->kernels;
    int c = p->set->c;

    if (!p->is_affine) {
        for (size_t x = 0; x < n; x++)
            for (int ch = 0; ch < c; ch++)
                out[(size_t)ch * plane + (mirrored ? n - 1 - x : x)] = p->lut[ch][s[x * c + ch]];
    } else if (c == 1) {
        k->normalise_grey(out, s, n, mirrored, p->affine[0]);
    } else {
        k->normalise(out, plane, s, n, mirrored, p->affine);
    }
}

/* Row y of the image from column `first` on, w pixels: what lies beside the row is anything. At the
 * ends of the image, where that would be beyond it, a copy in `row`. */
static const uint8_t *row_at(const bti_dataset *set, const uint8_t *image, int y, int first,
                             uint8_t *row)
{
    ptrdiff_t c = set->c, bytes = set->w * c, at = y * bytes + first * c;
    ptrdiff_t end = set->h * bytes;

    if (at >= 0 && at + bytes <= end)
        return image + at;
    ptrdiff_t skip = at < 0 ? -at : 0, n = at + bytes > end ? end - at : bytes;
    memset(row, 0, (size_t)bytes);
    memcpy(row + skip, image + at + skip, (size_t)(n - skip));
    return row;
}

/* image (h,w,c) -> out (c,h,w): flip, crop and normalise. Rows are shown whole, then the columns
 * outside the image are filled. */
static void normalise(const bti_pipeline *p, const uint8_t *image, bti_window win, uint8_t *scratch,
                      float *out)
{
    int h = p->set->h, w = p->set->w, c = p->set->c;
    size_t plane = (size_t)h * (size_t)w;
    int from = win.dx < 0 ? -win.dx : 0; /* output columns [from, to) show the image */
    int to = win.dx > 0 ? w - win.dx : w;

    if (!win.flip && !win.dx && !win.dy) { /* all rows as one */
        show_row(p, out, plane, image, plane, false);
        return;
    }
    for (int y = 0; y < h; y++) {
        int sy = y + win.dy;
        float *row = out + (size_t)y * (size_t)w;
        bool inside = sy >= 0 && sy < h;

        if (inside)
            show_row(p, row, plane, row_at(p->set, image, sy, win.flip ? -win.dx : win.dx, scratch),
                     (size_t)w, win.flip);
        for (int k = 0; k < c; k++) {
            fill_run(row + (size_t)k * plane, 0, inside ? from : w, p->crop_fill[k]);
            fill_run(row + (size_t)k * plane, inside ? to : w, w, p->crop_fill[k]);
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
    bti_window win;
    const uint8_t *image = draw(p, at, w, &win);

    normalise(p, image, win, w->row, x);
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
static const uint8_t *look_through(const bti_pipeline *p, const uint8_t *image,
                                   const bti_window *win, int x, int y, const float **fill)
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
            out[i * c + k] = nearest_pixel(p->lut[k], x[k * plane + i]);
}

void bti_pipeline_show(bti_pipeline *p, uint32_t epoch, int32_t sample, uint8_t *out)
{
    bti_draw_at at = draw_at(p, epoch, (uint32_t)sample, 0);
    bti_mix mix = draw_mix(p, &at);
    bti_window win;
    int c = p->set->c;

    if (mix.n) {
        show_mixed(p, &at, &mix, out);
        return;
    }
    const uint8_t *image = draw(p, &at, &p->worker[0], &win);

    for (int y = 0; y < p->set->h; y++) {
        for (int x = 0; x < p->set->w; x++, out += c) {
            const float *fill;
            const uint8_t *px = look_through(p, image, &win, x, y, &fill);
            for (int k = 0; k < c; k++)
                out[k] = px ? px[k] : nearest_pixel(p->lut[k], fill[k]);
        }
    }
}

/* ---- life ---- */

/* The table is what counts; vectors compute it when all of its values come out the same. */
static void make_affine(bti_pipeline *p, const bti_pipeline_options *opt)
{
    p->is_affine = true;
    for (int k = 0; k < 3; k++) {
        double std = opt->std[k] > 0 ? (double)opt->std[k] : 1.0;
        bti_affine *a = &p->affine[k];
        *a = (bti_affine){1.0 / (255.0 * std), -(double)opt->mean[k] / std};
        for (int v = 0; v < 256; v++)
            p->is_affine = p->is_affine && (float)(v * a->scale + a->shift) == p->lut[k][v];
    }
}

static void make_tables(bti_pipeline *p, const bti_pipeline_options *opt)
{
    for (int k = 0; k < 3; k++) {
        /* A channel without any spread normalises to zero, not to a division by it. */
        double std = opt->std[k] > 0 ? (double)opt->std[k] : 1.0;
        for (int v = 0; v < 256; v++)
            p->lut[k][v] = (float)((v / 255.0 - (double)opt->mean[k]) / std);
    }
    make_affine(p, opt);
    for (int i = 0; p->policy && i < p->policy->n; i++) {
        const bti_policy_item *item = &p->policy->item[i];
        for (int k = 0; k < 3; k++) {
            if (item->kind == BTI_ITEM_CROP && item->arg[BTI_ARG_FILL_MEAN] <= 0)
                p->crop_fill[k] = p->lut[k][0];
            if (item->kind == BTI_ITEM_CUTOUT && item->arg[BTI_ARG_CUTOUT_FILL_MEAN] <= 0)
                p->cutout_fill[k] = p->lut[k][0];
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
        w->row = bti_malloc((size_t)set->w * (size_t)set->c);
        if (!w->row)
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
        if (!w->image[0] || !w->image[1] || !w->scratch)
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
        bti_free(p->worker[t].row);
        bti_free(p->worker[t].other[0]);
        bti_free(p->worker[t].other[1]);
    }
    bti_free(p->worker);
    bti_free(p);
}
