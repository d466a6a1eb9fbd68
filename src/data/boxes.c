/* SPDX-License-Identifier: Apache-2.0
 *
 * Images with boxes in memory, the table of formats, and the checks that every reader's boxes pass.
 */
#include "data/boxes.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "image/image.h"

#include <math.h>
#include <stdarg.h>

static const bti_box_format *const formats[] = {
#define BOX_FORMAT(id) &bti_box_format_##id,
#include "data/box_formats.def"
#undef BOX_FORMAT
};
#define N_FORMATS ((int)(sizeof(formats) / sizeof(formats[0])))

const bti_box_format *bti_box_format_at(int i)
{
    return i < N_FORMATS ? formats[i] : NULL;
}

const bti_box_format *bti_box_format_find(const char *name)
{
    for (int i = 0; i < N_FORMATS; i++)
        if (bti_streq(formats[i]->name, name))
            return formats[i];
    return NULL;
}

static const char *const finding_names[] = {
#define X(id, name) name,
    BTI_FINDING_LIST(X)
#undef X
};

const char *bti_finding_name(bti_finding f)
{
    return finding_names[f];
}

/* ---- building ---- */

bti_box_set *bti_boxes_new(void)
{
    return bti_calloc(1, sizeof(bti_box_set));
}

void bti_boxes_free(bti_box_set *set)
{
    if (!set)
        return;
    bti_free(set->category);
    bti_free(set->image);
    bti_free(set->box);
    bti_arena_release(&set->arena);
    bti_free(set);
}

/* Room for one more element of `size` bytes. */
static void *grown(void *array, int64_t n, int64_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    int64_t more = *cap ? 2 * *cap : 64;
    void *p = bti_regrow(array, (size_t)more, size);
    if (p)
        *cap = more;
    return p;
}

/* Copies *s into the arena; false on no memory. */
static bool keep(bti_box_set *set, const char **s)
{
    if (!*s)
        return true;
    *s = bti_arena_strdup(&set->arena, *s);
    return *s != NULL;
}

bt_status bti_boxes_add_category(bti_box_set *set, const bti_category *c, bt_error *err)
{
    bti_category row = *c;
    bti_category *p =
        grown(set->category, set->n_categories, &set->cap_categories, sizeof(*set->category));
    if (p)
        set->category = p;
    if (!p || set->n_categories == INT32_MAX || !keep(set, &row.name) || !keep(set, &row.super))
        return bti_fail_nomem(err);
    set->category[set->n_categories++] = row;
    return BT_OK;
}

bt_status bti_boxes_add_image(bti_box_set *set, const bti_boxed_image *im, bt_error *err)
{
    bti_boxed_image row = *im;
    bti_boxed_image *p = grown(set->image, set->n_images, &set->cap_images, sizeof(*set->image));
    if (p)
        set->image = p;
    if (!p || set->n_images == INT32_MAX || !keep(set, &row.name) || !keep(set, &row.path))
        return bti_fail_nomem(err);
    row.first = row.n = 0;
    set->image[set->n_images++] = row;
    return BT_OK;
}

bt_status bti_boxes_put(bti_box_set *set, const bti_box *box, bt_error *err)
{
    bti_box row = *box;
    bti_box *p = grown(set->box, set->n_boxes, &set->cap_boxes, sizeof(*set->box));
    if (p)
        set->box = p;
    if (!p || !keep(set, &row.pose))
        return bti_fail_nomem(err);
    set->box[set->n_boxes++] = row;
    return BT_OK;
}

/* A counting sort: stable, so the boxes of an image stay in the order of the file. */
bt_status bti_boxes_sort(bti_box_set *set, bt_error *err)
{
    bti_box *sorted = bti_array((size_t)set->n_boxes + 1, sizeof(*sorted));
    int64_t first = 0;

    if (!sorted)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < set->n_images; i++)
        set->image[i].n = 0;
    for (int64_t i = 0; i < set->n_boxes; i++)
        set->image[set->box[i].image].n++;
    for (int64_t i = 0; i < set->n_images; i++) {
        set->image[i].first = first;
        first += set->image[i].n;
        set->image[i].n = 0;
    }
    for (int64_t i = 0; i < set->n_boxes; i++) {
        bti_boxed_image *im = &set->image[set->box[i].image];
        sorted[im->first + im->n++] = set->box[i];
    }
    bti_free(set->box);
    set->box = sorted;
    set->cap_boxes = set->n_boxes + 1;
    return BT_OK;
}

/* ---- judging ---- */

bt_status bti_boxes_find(bti_box_set *set, bti_finding kind, const char *where, int line,
                         bt_error *err, const char *fmt, ...)
{
    char text[400], place[24] = "";
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    set->found[kind]++;
    if (set->opt.strict)
        return bti_fail_at(err, BT_FORMAT, where, line, "%s", text);
    if (line)
        snprintf(place, sizeof(place), ":%d", line);
    bti_warn(&set->opt.progress, "%s%s: %s", where, place, text);
    return BT_OK;
}

static double cut(double v, double hi)
{
    return v < 0 ? 0 : v > hi ? hi : v;
}

bt_status bti_boxes_check(bti_box_set *set, bti_box box, const char *where, int line,
                          const char *what, bt_error *err)
{
    const bti_boxed_image *im = &set->image[box.image];
    double w = im->w, h = im->h, slack = BTI_BOX_SLACK;

    if (!isfinite(box.x0) || !isfinite(box.y0) || !isfinite(box.x1) || !isfinite(box.y1))
        return bti_boxes_find(set, BTI_FINDING_NUMBER, where, line, err,
                              "%s: a number of the box is missing, infinite or NaN", what);
    if (box.x1 < box.x0 || box.y1 < box.y0)
        return bti_boxes_find(set, BTI_FINDING_INVERTED, where, line, err,
                              "%s: the box ends before it begins (x %g to %g, y %g to %g)", what,
                              box.x0, box.x1, box.y0, box.y1);
    if (!(box.x1 > box.x0) || !(box.y1 > box.y0))
        return bti_boxes_find(set, BTI_FINDING_EMPTY, where, line, err,
                              "%s: the box has no area (x %g to %g, y %g to %g)", what, box.x0,
                              box.x1, box.y0, box.y1);
    if (box.x0 >= w || box.y0 >= h || box.x1 <= 0 || box.y1 <= 0)
        return bti_boxes_find(
            set, BTI_FINDING_BEYOND, where, line, err,
            "%s: the box lies outside its image of %dx%d (x %g to %g, y %g to %g)", what, im->w,
            im->h, box.x0, box.x1, box.y0, box.y1);
    if (box.x0 < -slack || box.y0 < -slack || box.x1 > w + slack || box.y1 > h + slack) {
        bt_status rc = bti_boxes_find(
            set, BTI_FINDING_OUTSIDE, where, line, err,
            "%s: the box reaches out of its image of %dx%d (x %g to %g, y %g to %g); it is cut",
            what, im->w, im->h, box.x0, box.x1, box.y0, box.y1);
        if (rc)
            return rc;
        box.x0 = cut(box.x0, w), box.x1 = cut(box.x1, w);
        box.y0 = cut(box.y0, h), box.y1 = cut(box.y1, h);
    }
    return bti_boxes_put(set, &box, err);
}

bt_status bti_boxes_open_image(bti_box_set *set, bti_boxed_image im, const char *where, int line,
                               bool *added, bt_error *err)
{
    bt_error why = {0};
    int w, h, c;

    *added = false;
    if (!bti_is_file(im.path))
        return bti_boxes_find(set, BTI_FINDING_MISSING, where, line, err,
                              "the image %s is missing (looked for %s)", im.name, im.path);
    bt_status rc = bti_image_probe(im.path, &w, &h, &c, &why);
    if (rc == BT_NOMEM)
        return bti_fail_nomem(err);
    if (rc)
        return bti_boxes_find(set, BTI_FINDING_DAMAGED, where, line, err,
                              "the image %s cannot be read: %s", im.name, why.text);
    if ((im.w && im.w != w) || (im.h && im.h != h))
        return bti_boxes_find(set, BTI_FINDING_DAMAGED, where, line, err,
                              "the image %s is %dx%d, annotated as %dx%d", im.name, w, h, im.w,
                              im.h);
    im.w = w;
    im.h = h;
    *added = true;
    return bti_boxes_add_image(set, &im, err);
}

/* ---- reading and writing ---- */

static bt_status check_left(const bti_box_set *set, const char *path, bt_error *err)
{
    int64_t found = 0;

    for (int i = 0; i < BTI_FINDINGS; i++)
        found += set->found[i];
    if (set->n_images)
        return BT_OK;
    return bti_fail(err, BT_FORMAT, path, "no image is left (%lld findings)", (long long)found);
}

bt_status bti_boxes_read(bti_box_set **out, const bti_box_format *format, const char *path,
                         const bti_boxes_options *opt, bt_error *err)
{
    bti_box_set *set = bti_boxes_new();

    *out = NULL;
    if (!set)
        return bti_fail_nomem(err);
    set->opt = *opt;
    bt_status rc = format->read(set, path, err);
    if (!rc)
        rc = bti_boxes_sort(set, err);
    if (!rc)
        rc = check_left(set, path, err);
    if (rc)
        bti_boxes_free(set);
    else
        *out = set;
    return rc;
}

/* A name that stays below the folder it is put into. */
static bool stays_below(const char *name)
{
    if (!*name || *name == '/')
        return false;
    for (const char *p = name; p; p = strchr(p, '/')) {
        p += *p == '/';
        size_t n = strcspn(p, "/");
        if (n == 0 || (n <= 2 && !strncmp(p, "..", n)))
            return false;
    }
    return true;
}

bt_status bti_boxes_write(const bti_box_set *set, const bti_box_format *format, const char *dir,
                          bt_error *err)
{
    for (int64_t i = 0; i < set->n_images; i++)
        if (!stays_below(set->image[i].name))
            return bti_fail(err, BT_INVAL, dir, "the image name \"%s\" leaves the folder",
                            set->image[i].name);
    bt_status rc = bti_make_dirs(dir, err);
    return rc ? rc : format->write(set, dir, err);
}

/* ---- numbers ---- */

static double rounded(double v, int digits)
{
    char text[400];
    double back;

    snprintf(text, sizeof(text), "%.*f", digits, v);
    return bti_parse_double(text, &back) ? back : v;
}

void bti_shortest_pair(double *a, double *b, bool (*same)(double a, double b, const void *user),
                       const void *user)
{
    for (int digits = 0; digits <= 17; digits++) {
        double p = rounded(*a, digits), q = rounded(*b, digits);
        if (!same(p, q, user))
            continue;
        *a = p;
        *b = q;
        break;
    }
    /* Not both need as many digits. */
    for (int digits = 0; digits < 17; digits++) {
        double p = rounded(*a, digits), q = rounded(*b, digits);
        if (same(p, *b, user))
            *a = p;
        if (same(*a, q, user))
            *b = q;
    }
}
