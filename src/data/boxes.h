/* SPDX-License-Identifier: Apache-2.0
 *
 * Images with boxes: one model in memory, a reader and writer per file format (box_formats.def),
 * and the one place where bad annotations are judged.
 *
 * Boxes are in pixels; pixel i spans [i, i + 1], so that a box over the whole image is
 * (0, 0, w, h). What a reader accepted and a writer of the same format wrote reads back as the same
 * doubles; whole pixels survive every format.
 */
#ifndef BTI_BOXES_H
#define BTI_BOXES_H

#include "bantam/status.h"
#include "base/arena.h"

#include <math.h>
#include <stdbool.h>

typedef struct bti_box {
    double x0, y0, x1, y1;     /* x0 < x1, y0 < y1, within the image but for BTI_BOX_SLACK */
    int32_t category;          /* index into bti_box_set.category */
    int32_t image;             /* index into bti_box_set.image */
    int64_t id;                /* COCO's; 0: numbered when written */
    const char *pose;          /* VOC's; NULL: none */
    bool crowd;                /* COCO's iscrowd */
    bool truncated, difficult; /* VOC's */
} bti_box;

/* Numbers of few digits put a box that touches the border this far outside, in pixels. */
#define BTI_BOX_SLACK 0.05

/* The nearest multiple of 2^-32 pixel: what arithmetic on boxes is rounded to, so that the way to
 * YOLO's shares of the side and back is exact, and so are two flips. */
static inline double bti_box_grid(double v)
{
    return rint(v * 0x1p32) * 0x1p-32;
}

typedef struct bti_boxed_image {
    const char *name; /* as in the annotation, below the folder of images */
    const char *path; /* where its file is; NULL in a set that is only written */
    int64_t id;       /* COCO's; others: counted from 1 */
    int w, h;         /* of the file, upright */
    int64_t first, n; /* its boxes: [first, first + n) */
} bti_boxed_image;

typedef struct bti_category {
    const char *name;
    const char *super; /* COCO's supercategory; NULL: none */
    int64_t id;        /* COCO's, with gaps; others: counted from 1 */
} bti_category;

/* What can be wrong with an annotation; each costs a box (or an image), never the whole set. */
#define BTI_FINDING_LIST(X)                                                                        \
    X(OUTSIDE, "outside")     /* boxes that reach out of their image, cut at its border */         \
    X(BEYOND, "beyond")       /* boxes with no part inside their image */                          \
    X(INVERTED, "inverted")   /* boxes that end before they begin */                               \
    X(EMPTY, "empty")         /* boxes without an area */                                          \
    X(NUMBER, "number")       /* boxes with a missing or infinite number or NaN */                 \
    X(CATEGORY, "category")   /* boxes of an unknown category */                                   \
    X(MISSING, "missing")     /* images whose file is missing */                                   \
    X(DAMAGED, "damaged")     /* images that cannot be read or are not of the stated size */       \
    X(ORPHAN, "orphan")       /* annotations of an image that is not there */                      \
    X(MALFORMED, "malformed") /* entries that cannot be understood */

typedef enum bti_finding {
#define X(id, name) BTI_FINDING_##id,
    BTI_FINDING_LIST(X)
#undef X
        BTI_FINDINGS
} bti_finding;

typedef struct bti_boxes_options {
    const char *split;    /* "train", "val" or "test"; a COCO file is one split */
    const char *images;   /* folder of the images; NULL: beside the annotations, by the format */
    bool strict;          /* the first finding is the error */
    bt_progress progress; /* BT_EVENT_WARN: one line a finding */
} bti_boxes_options;

typedef struct bti_box_set {
    bti_category *category;
    bti_boxed_image *image;
    bti_box *box; /* image by image, in the order of the file */
    int64_t n_categories, n_images, n_boxes;
    int64_t found[BTI_FINDINGS];
    const char *others[2]; /* YOLO: folders of the val and the test images, absolute; else NULL */
    /* Readers only. */
    bti_boxes_options opt;
    int64_t cap_categories, cap_images, cap_boxes;
    bti_arena arena; /* names and paths */
} bti_box_set;

typedef struct bti_box_format {
    const char *name;
    const char *image_dir; /* where images stand in a folder that it writes */
    bool whole_pixels;     /* coordinates are integers by custom */
    bool (*match)(const char *path);
    bt_status (*read)(bti_box_set *set, const char *path, bt_error *err);
    bt_status (*write)(const bti_box_set *set, const char *dir, bt_error *err);
} bti_box_format;

#define BOX_FORMAT(id) extern const bti_box_format bti_box_format_##id;
#include "data/box_formats.def"
#undef BOX_FORMAT

/* By name; NULL if there is none. The i-th, NULL past the last. */
const bti_box_format *bti_box_format_find(const char *name);
const bti_box_format *bti_box_format_at(int i);

/* Reads annotations and the sizes of their images. Findings are counted, told and skipped.
 * BT_IO, BT_FORMAT: the file as a whole, or, strict, the first finding; BT_FORMAT also when no
 * image is left. */
bt_status bti_boxes_read(bti_box_set **out, const bti_box_format *format, const char *path,
                         const bti_boxes_options *opt, bt_error *err);
/* Writes the annotation files into `dir` (made if it is not there), not the images. BT_INVAL when a
 * name would leave it. */
bt_status bti_boxes_write(const bti_box_set *set, const bti_box_format *format, const char *dir,
                          bt_error *err);
void bti_boxes_free(bti_box_set *set);

const char *bti_finding_name(bti_finding f); /* "outside" */

/* ---- building a set: readers and augmentation ---- */

bti_box_set *bti_boxes_new(void); /* NULL on no memory */
/* Strings are copied. */
bt_status bti_boxes_add_category(bti_box_set *set, const bti_category *c, bt_error *err);
bt_status bti_boxes_add_image(bti_box_set *set, const bti_boxed_image *im, bt_error *err);
/* As it is, without checks. */
bt_status bti_boxes_put(bti_box_set *set, const bti_box *box, bt_error *err);
/* Orders the boxes by image and fills first and n of the images. */
bt_status bti_boxes_sort(bti_box_set *set, bt_error *err);

/* ---- readers ---- */

/* One bad entry: counted and told, or with `strict` the error. line 0: none. */
bt_status bti_boxes_find(bti_box_set *set, bti_finding kind, const char *where, int line,
                         bt_error *err, const char *fmt, ...) BT_PRINTF(6, 7);
/* Adds a box after the checks of every format; `what` names it in findings ("annotation 12"). */
bt_status bti_boxes_check(bti_box_set *set, bti_box box, const char *where, int line,
                          const char *what, bt_error *err);
/* Adds an image after looking at its file. w, h: as annotated, 0 if not. *added is false when it
 * was a finding. `where`, `line`: the annotation. */
bt_status bti_boxes_open_image(bti_box_set *set, bti_boxed_image im, const char *where, int line,
                               bool *added, bt_error *err);

/* The pair (a, b) as decimals with the fewest digits after the point for which same(a, b, user)
 * holds; untouched if there are none up to 17. */
void bti_shortest_pair(double *a, double *b, bool (*same)(double a, double b, const void *user),
                       const void *user);

#endif
