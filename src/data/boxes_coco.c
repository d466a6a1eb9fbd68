/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO: one JSON file with images, categories (ids with gaps) and annotations; bbox = [x, y, w, h]
 * in pixels. Masks and key points are not read: operations do not move them.
 */
#include "data/boxes.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/str.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#define MAX_BYTES ((size_t)1 << 30)
#define OUT_FILE "annotations.json"

/* ---- finding the file ---- */

/* `path` itself, or the only JSON file of the folder or of its `annotations`; false if there is
 * none, or several. */
static bool find_json(const char *path, char out[PATH_MAX])
{
    char dir[PATH_MAX];
    int n = 0;

    if (bti_is_file(path)) {
        snprintf(out, PATH_MAX, "%s", path);
        return bti_has_suffix_nocase(path, ".json");
    }
    for (int i = 0; i < 2 && n == 0; i++) {
        bti_names names;
        bt_error ignored;
        snprintf(dir, sizeof(dir), "%s%s", path, i ? "/annotations" : "");
        if (!bti_is_dir(dir) || bti_list_dir(dir, &names, &ignored))
            continue;
        for (size_t k = 0; k < names.n; k++) {
            if (!bti_has_suffix_nocase(names.name[k], ".json"))
                continue;
            n++;
            snprintf(out, PATH_MAX, "%s", dir);
            size_t used = strlen(out);
            snprintf(out + used, PATH_MAX - used, "/%s", names.name[k]);
        }
        bti_names_free(&names);
    }
    return n == 1;
}

static bool coco_match(const char *path)
{
    char file[PATH_MAX];

    return find_json(path, file);
}

/* ---- reading ---- */

typedef struct coco {
    bti_box_set *set;
    const char *where;
    char dir[PATH_MAX];          /* of the file */
    const char *part;            /* "train2017" of instances_train2017.json; "" */
    struct id *image, *category; /* ascending */
    size_t n_images, n_categories;
} coco;

/* An id and its row; row -1: read, but left out by a finding. */
typedef struct id {
    int64_t id;
    int32_t row;
} id;

static int by_id(const void *a, const void *b)
{
    int64_t x = ((const id *)a)->id, y = ((const id *)b)->id;

    return (x > y) - (x < y);
}

static const id *find_id(const id *list, size_t n, int64_t key)
{
    id want = {key, 0};

    return n ? bsearch(&want, list, n, sizeof(*list), by_id) : NULL;
}

static bt_status sort_ids(id *list, size_t n, const coco *c, const char *what, bt_error *err)
{
    qsort(list, n, sizeof(*list), by_id);
    for (size_t i = 1; i < n; i++)
        if (list[i].id == list[i - 1].id)
            return bti_fail(err, BT_FORMAT, c->where, "two %s have the id %lld", what,
                            (long long)list[i].id);
    return BT_OK;
}

/* Python writes NaN and Infinity, which JSON does not have: they become empty strings, so that one
 * bad box does not spoil the file. */
static void quote_words(char *s)
{
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    bool quoted = false;

    for (; *s; s++) {
        if (quoted && *s == '\\' && s[1])
            s++;
        else if (*s == '"')
            quoted = !quoted;
        for (int i = 0; !quoted && i < 3; i++) {
            size_t n = strlen(words[i]);
            if (strncmp(s, words[i], n))
                continue;
            memset(s, ' ', n);
            memcpy(s, "\"\"", 2);
            s += n - 1;
            break;
        }
    }
}

/* The folder that holds the image `name`: the user's, or the first of COCO's and Roboflow's
 * customs where the file is. */
static void locate(const coco *c, const char *name, char out[PATH_MAX])
{
    char dir[4][PATH_MAX];
    int n = 0;

    if (c->set->opt.images) {
        snprintf(out, PATH_MAX, "%.2000s/%s", c->set->opt.images, name);
        return;
    }
    snprintf(dir[n++], PATH_MAX, "%.2000s/images/%.1000s", c->dir, name);
    snprintf(dir[n++], PATH_MAX, "%.2000s/%.1000s", c->dir, name);
    snprintf(dir[n++], PATH_MAX, "%.2000s/../%.200s/%.1000s", c->dir, c->part, name);
    snprintf(dir[n++], PATH_MAX, "%.2000s/../images/%.1000s", c->dir, name);
    for (int i = 0; i < n; i++) {
        memcpy(out, dir[i], PATH_MAX);
        if (bti_is_file(out))
            return;
    }
    memcpy(out, dir[0], PATH_MAX);
}

static bt_status read_categories(coco *c, const bti_json *rows, bt_error *err)
{
    bti_box_set *set = c->set;

    for (size_t i = 0; i < bti_json_len(rows); i++) {
        const bti_json *row = bti_json_at(rows, i);
        bti_category cat = {.name = bti_json_as_str(bti_json_get(row, "name"), NULL),
                            .super = bti_json_as_str(bti_json_get(row, "supercategory"), NULL),
                            .id = bti_json_as_int(bti_json_get(row, "id"), INT64_MIN)};
        if (!cat.name || !*cat.name || cat.id == INT64_MIN)
            return bti_fail(err, BT_FORMAT, c->where,
                            "category %zu: expected an object with \"id\" and \"name\"", i);
        bt_status rc = bti_boxes_add_category(set, &cat, err);
        if (rc)
            return rc;
        c->category[c->n_categories++] = (id){cat.id, (int32_t)i};
    }
    return sort_ids(c->category, c->n_categories, c, "categories", err);
}

static int side(const bti_json *row, const char *key)
{
    int64_t v = bti_json_as_int(bti_json_get(row, key), 0);

    return v < 0 || v > INT_MAX ? -1 : (int)v;
}

static bt_status read_images(coco *c, const bti_json *rows, bt_error *err)
{
    bti_box_set *set = c->set;
    char path[PATH_MAX];

    for (size_t i = 0; i < bti_json_len(rows); i++) {
        const bti_json *row = bti_json_at(rows, i);
        bti_boxed_image im = {.name = bti_json_as_str(bti_json_get(row, "file_name"), NULL),
                              .path = path,
                              .id = bti_json_as_int(bti_json_get(row, "id"), INT64_MIN),
                              .w = side(row, "width"),
                              .h = side(row, "height")};
        bool added = false;
        bt_status rc;
        if (!im.name || !*im.name || im.id == INT64_MIN) {
            rc = bti_boxes_find(set, BTI_FINDING_MALFORMED, c->where, 0, err,
                                "image %zu: expected an object with \"id\" and \"file_name\"", i);
            if (rc)
                return rc;
            continue;
        }
        locate(c, im.name, path);
        rc = bti_boxes_open_image(set, im, c->where, 0, &added, err);
        if (rc)
            return rc;
        c->image[c->n_images++] = (id){im.id, added ? (int32_t)set->n_images - 1 : -1};
    }
    return sort_ids(c->image, c->n_images, c, "images", err);
}

static bt_status read_annotation(coco *c, const bti_json *row, size_t i, bt_error *err)
{
    bti_box_set *set = c->set;
    const bti_json *bbox = bti_json_get(row, "bbox");
    int64_t image = bti_json_as_int(bti_json_get(row, "image_id"), INT64_MIN);
    int64_t category = bti_json_as_int(bti_json_get(row, "category_id"), INT64_MIN);
    int64_t number = bti_json_as_int(bti_json_get(row, "id"), 0);
    const id *im = find_id(c->image, c->n_images, image);
    const id *cat = find_id(c->category, c->n_categories, category);
    char what[64];
    double v[4];

    snprintf(what, sizeof(what), "annotation %zu (id %lld)", i, (long long)number);
    if (!bti_json_is_array(bbox) || bti_json_len(bbox) != 4)
        return bti_boxes_find(set, BTI_FINDING_MALFORMED, c->where, 0, err,
                              "%s: expected \"bbox\": [x, y, width, height]", what);
    if (!im)
        return bti_boxes_find(set, BTI_FINDING_ORPHAN, c->where, 0, err,
                              "%s: no image has its image_id (%lld)", what, (long long)image);
    if (im->row < 0)
        return BT_OK; /* of an image that was a finding */
    if (!cat)
        return bti_boxes_find(set, BTI_FINDING_CATEGORY, c->where, 0, err,
                              "%s: no category has its category_id (%lld)", what,
                              (long long)category);
    for (size_t k = 0; k < 4; k++)
        v[k] = bti_json_as_num(bti_json_at(bbox, k), (double)NAN);
    bti_box box = {.x0 = v[0],
                   .y0 = v[1],
                   .x1 = v[0] + v[2],
                   .y1 = v[1] + v[3],
                   .category = cat->row,
                   .image = im->row,
                   .id = number,
                   .crowd = bti_json_as_int(bti_json_get(row, "iscrowd"), 0) != 0 ||
                            bti_json_as_bool(bti_json_get(row, "iscrowd"), false)};
    return bti_boxes_check(set, box, c->where, 0, what, err);
}

static bt_status read_all(coco *c, const bti_json *all, bt_error *err)
{
    const bti_json *images = bti_json_get(all, "images");
    const bti_json *categories = bti_json_get(all, "categories");
    const bti_json *annotations = bti_json_get(all, "annotations");

    if (!bti_json_is_array(images) || !bti_json_is_array(categories) ||
        !bti_json_is_array(annotations))
        return bti_fail(err, BT_FORMAT, c->where,
                        "expected an object with the arrays images, categories and annotations");
    c->image = bti_array(bti_json_len(images) + 1, sizeof(id));
    c->category = bti_array(bti_json_len(categories) + 1, sizeof(id));
    if (!c->image || !c->category)
        return bti_fail_nomem(err);
    bt_status rc = read_categories(c, categories, err);
    if (!rc)
        rc = read_images(c, images, err);
    for (size_t i = 0; i < bti_json_len(annotations) && !rc; i++)
        rc = read_annotation(c, bti_json_at(annotations, i), i, err);
    return rc;
}

/* "train2017" of ".../instances_train2017.json" into `out`. */
static void part_of(const char *file, char out[PATH_MAX])
{
    const char *base = bti_path_base(file), *mark = strchr(base, '_');

    snprintf(out, PATH_MAX, "%s", mark ? mark + 1 : "");
    char *dot = strrchr(out, '.');
    if (dot)
        *dot = 0;
}

static bt_status coco_read(bti_box_set *set, const char *path, bt_error *err)
{
    char file[PATH_MAX], part[PATH_MAX];
    coco c = {.set = set, .where = file, .part = part};
    bti_json *all = NULL;
    char *text = NULL;
    size_t n;

    if (!find_json(path, file))
        return bti_fail(err, BT_FORMAT, path,
                        "expected a COCO file (.json), or a folder with exactly one, there or in "
                        "annotations/");
    snprintf(c.dir, sizeof(c.dir), "%s", file);
    char *slash = strrchr(c.dir, '/');
    if (slash)
        *slash = 0;
    else
        snprintf(c.dir, sizeof(c.dir), ".");
    part_of(file, part);
    bt_status rc = bti_file_read(file, MAX_BYTES, &text, &n, err);
    if (rc)
        return rc;
    quote_words(text);
    rc = bti_json_parse(&all, text, n, file, err);
    bti_free(text);
    if (!rc)
        rc = read_all(&c, all, err);
    bti_json_free(all);
    bti_free(c.image);
    bti_free(c.category);
    return rc;
}

/* ---- writing ---- */

typedef struct span {
    double from, to;
} span;

static bool spans(double from, double length, const void *user)
{
    const span *s = user;

    return from == s->from && from + length == s->to;
}

static void append_span(bti_json *first, bti_json *second, double from, double to)
{
    span s = {from, to};
    double length = to - from;

    bti_shortest_pair(&from, &length, spans, &s);
    bti_json_append(first, bti_json_num(from));
    bti_json_append(second, bti_json_num(length));
}

static bti_json *bbox_of(const bti_box *b)
{
    bti_json *all = bti_json_array(), *size = bti_json_array();

    append_span(all, size, b->x0, b->x1);
    append_span(all, size, b->y0, b->y1);
    for (size_t i = 0; i < 2; i++)
        bti_json_append(all, bti_json_num(bti_json_as_num(bti_json_at(size, i), 0)));
    bti_json_free(size);
    return all;
}

static bti_json *images_of(const bti_box_set *set)
{
    bti_json *rows = bti_json_array();

    for (int64_t i = 0; i < set->n_images; i++) {
        bti_json *row = bti_json_object();
        bti_json_set_int(row, "id", set->image[i].id);
        bti_json_set_str(row, "file_name", set->image[i].name);
        bti_json_set_int(row, "width", set->image[i].w);
        bti_json_set_int(row, "height", set->image[i].h);
        bti_json_append(rows, row);
    }
    return rows;
}

static bti_json *categories_of(const bti_box_set *set)
{
    bti_json *rows = bti_json_array();

    for (int64_t i = 0; i < set->n_categories; i++) {
        bti_json *row = bti_json_object();
        bti_json_set_int(row, "id", set->category[i].id);
        bti_json_set_str(row, "name", set->category[i].name);
        if (set->category[i].super)
            bti_json_set_str(row, "supercategory", set->category[i].super);
        bti_json_append(rows, row);
    }
    return rows;
}

/* Boxes without an id of their own are numbered after the greatest that there is. */
static bti_json *annotations_of(const bti_box_set *set)
{
    bti_json *rows = bti_json_array();
    int64_t next = 0;

    for (int64_t i = 0; i < set->n_boxes; i++)
        next = set->box[i].id > next ? set->box[i].id : next;
    for (int64_t i = 0; i < set->n_boxes; i++) {
        const bti_box *b = &set->box[i];
        bti_json *row = bti_json_object(), *bbox = bbox_of(b);
        double w = bti_json_as_num(bti_json_at(bbox, 2), 0);
        double h = bti_json_as_num(bti_json_at(bbox, 3), 0);
        bti_json_set_int(row, "id", b->id ? b->id : ++next);
        bti_json_set_int(row, "image_id", set->image[b->image].id);
        bti_json_set_int(row, "category_id", set->category[b->category].id);
        bti_json_set(row, "bbox", bbox);
        bti_json_set_num(row, "area", w * h);
        bti_json_set_int(row, "iscrowd", b->crowd);
        bti_json_append(rows, row);
    }
    return rows;
}

static bt_status coco_write(const bti_box_set *set, const char *dir, bt_error *err)
{
    bti_json *all = bti_json_object();
    char *path = bti_path_join(dir, OUT_FILE);

    bti_json_set(all, "images", images_of(set));
    bti_json_set(all, "annotations", annotations_of(set));
    bti_json_set(all, "categories", categories_of(set));
    char *text = bti_json_text(all, 0);
    bt_status rc =
        path && text ? bti_file_write(path, text, strlen(text), err) : bti_fail_nomem(err);
    bti_free(text);
    bti_json_free(all);
    bti_free(path);
    return rc;
}

const bti_box_format bti_box_format_coco = {
    .name = "coco",
    .image_dir = "images",
    .match = coco_match,
    .read = coco_read,
    .write = coco_write,
};
