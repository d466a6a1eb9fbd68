/* SPDX-License-Identifier: Apache-2.0
 *
 * YOLO: data.yaml (path, train, val, names) and for every image of .../images/ a text file in
 * .../labels/ with a line `class cx cy w h` a box, normalised by the sides of the image.
 */
#include "data/boxes.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "base/yaml.h"
#include "data/listing.h"

#include <limits.h>
#include <stdlib.h>

#define MAX_BYTES ((size_t)64 << 20) /* of one text file */

/* data.yaml itself or the one of the folder. */
static bool find_yaml(const char *path, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s", path);
    if (bti_is_dir(path))
        snprintf(out, PATH_MAX, "%s/data.yaml", path);
    return bti_is_file(out) &&
           (bti_has_suffix_nocase(out, ".yaml") || bti_has_suffix_nocase(out, ".yml"));
}

static bool yolo_match(const char *path)
{
    char file[PATH_MAX];

    return find_yaml(path, file);
}

/* ---- data.yaml ---- */

typedef struct yolo {
    bti_box_set *set;
    const char *where;   /* data.yaml */
    char base[PATH_MAX]; /* what its folders are relative to */
    int64_t *number;     /* of each category, as in the label files */
    const bti_yaml *doc;
} yolo;

static void join(char out[PATH_MAX], const char *dir, const char *rel)
{
    if (*rel == '/')
        snprintf(out, PATH_MAX, "%s", rel);
    else
        snprintf(out, PATH_MAX, "%.2000s/%.2000s", dir, rel);
}

static void find_base(yolo *y)
{
    const bti_yaml *path = bti_yaml_get(y->doc, "path");
    char dir[PATH_MAX];

    snprintf(dir, sizeof(dir), "%s", y->where);
    char *slash = strrchr(dir, '/');
    if (slash)
        *slash = 0;
    else
        snprintf(dir, sizeof(dir), ".");
    if (path && path->kind == BTI_YAML_SCALAR && *path->text)
        join(y->base, dir, path->text);
    /* Many a file keeps the path of the machine it was made on. */
    if (!path || path->kind != BTI_YAML_SCALAR || !*path->text || !bti_is_dir(y->base))
        snprintf(y->base, sizeof(y->base), "%s", dir);
}

/* names: [a, b] or {0: a, 2: b}. */
static bt_status read_names(yolo *y, bt_error *err)
{
    const bti_yaml *names = bti_yaml_get(y->doc, "names");

    if (!names || names->kind == BTI_YAML_SCALAR || names->n == 0)
        return bti_fail_at(err, BT_FORMAT, y->where, names ? names->line : 0,
                           "expected names: a list, or a map from class number to name");
    y->number = bti_array((size_t)names->n, sizeof(*y->number));
    if (!y->number)
        return bti_fail_nomem(err);
    for (int i = 0; i < names->n; i++) {
        const bti_yaml *name = names->child[i];
        y->number[i] = i;
        if (names->kind == BTI_YAML_MAP &&
            !bti_parse_int(names->key[i], 0, INT32_MAX, &y->number[i]))
            return bti_fail_at(err, BT_FORMAT, y->where, names->key_line[i],
                               "names: expected a class number from 0, found '%s'", names->key[i]);
        if (name->kind != BTI_YAML_SCALAR || !*name->text)
            return bti_fail_at(err, BT_FORMAT, y->where, name->line, "names: expected a name");
        bti_category c = {.name = name->text, .id = i + 1};
        bt_status rc = bti_boxes_add_category(y->set, &c, err);
        if (rc)
            return rc;
    }
    return BT_OK;
}

/* The folder (or list) of a split; false if data.yaml does not name one. */
static bool split_path(const yolo *y, const char *split, char out[PATH_MAX])
{
    const bti_yaml *to = bti_yaml_get(y->doc, split);

    if (!to || to->kind != BTI_YAML_SCALAR || !*to->text)
        return false;
    join(out, y->base, to->text);
    if (bti_is_dir(out) || bti_is_file(out))
        return true;
    /* Roboflow writes ../train/images for what lies in train/images. */
    if (bti_has_prefix(to->text, "../"))
        join(out, y->base, to->text + 3);
    return true;
}

static bt_status keep_others(yolo *y, bt_error *err)
{
    static const char *const names[] = {"val", "test"};
    char path[PATH_MAX], real[PATH_MAX];

    for (int i = 0; i < 2; i++) {
        if (!split_path(y, names[i], path) || !realpath(path, real))
            continue;
        y->set->others[i] = bti_arena_strdup(&y->set->arena, real);
        if (!y->set->others[i])
            return bti_fail_nomem(err);
    }
    return BT_OK;
}

/* ---- labels ---- */

/* .../images/NAME.jpg -> .../labels/NAME.txt by the last folder of that name; beside the image if
 * there is none. */
static void label_path(const char *image, char out[PATH_MAX])
{
    const char *at = NULL;

    for (const char *p = strstr(image, "/images/"); p; p = strstr(p + 1, "/images/"))
        at = p;
    if (at)
        snprintf(out, PATH_MAX, "%.*s/labels/%.2000s", (int)(at - image), image, at + 8);
    else
        snprintf(out, PATH_MAX, "%s", image);
    char *dot = strrchr(out, '.');
    if (dot && !strchr(dot, '/') && (size_t)(dot - out) < PATH_MAX - 5)
        memcpy(dot, ".txt", 5);
}

/* Cuts the row at blanks into at most n fields; returns how many there are. */
static int fields_of(char *row, char **field, int n)
{
    int found = 0;

    for (char *save = NULL, *f = strtok_r(row, " \t\r", &save); f;
         f = strtok_r(NULL, " \t\r", &save), found++)
        if (found < n)
            field[found] = f;
    return found;
}

static int32_t category_of(const yolo *y, int64_t number)
{
    for (int64_t i = 0; i < y->set->n_categories; i++)
        if (y->number[i] == number)
            return (int32_t)i;
    return -1;
}

/* The pixels at which a side of the box lies. */
static double pixels_at(double centre, double half, int side)
{
    return bti_box_grid((centre + half) * side);
}

static bt_status read_box(yolo *y, char *row, const char *where, int line, bt_error *err)
{
    bti_box_set *set = y->set;
    const bti_boxed_image *im = &set->image[set->n_images - 1];
    char *field[5];
    int n = fields_of(row, field, 5);
    double number, v[4];

    if (n == 0)
        return BT_OK;
    if (n != 5)
        return bti_boxes_find(set, BTI_FINDING_MALFORMED, where, line, err,
                              "expected class cx cy w h, found %d values", n);
    if (!bti_parse_double(field[0], &number) || !(fabs(number) < 0x1p53) || number != rint(number))
        return bti_boxes_find(set, BTI_FINDING_MALFORMED, where, line, err,
                              "expected a class number first, found '%.40s'", field[0]);
    int32_t category = category_of(y, (int64_t)number);
    if (category < 0)
        return bti_boxes_find(set, BTI_FINDING_CATEGORY, where, line, err,
                              "class %lld is not in the names of data.yaml", (long long)number);
    for (int i = 0; i < 4; i++)
        if (!bti_parse_double(field[1 + i], &v[i]))
            return bti_boxes_find(set, BTI_FINDING_NUMBER, where, line, err,
                                  "expected a number, found '%.40s'", field[1 + i]);
    bti_box box = {.x0 = pixels_at(v[0], -v[2] / 2, im->w),
                   .y0 = pixels_at(v[1], -v[3] / 2, im->h),
                   .x1 = pixels_at(v[0], v[2] / 2, im->w),
                   .y1 = pixels_at(v[1], v[3] / 2, im->h),
                   .category = category,
                   .image = (int32_t)set->n_images - 1};
    return bti_boxes_check(set, box, where, line, "box", err);
}

/* An image without a file of labels has no boxes. */
static bt_status read_labels(yolo *y, const char *image, bt_error *err)
{
    char path[PATH_MAX], *text;
    size_t n;
    int line = 0;

    label_path(image, path);
    if (!bti_is_file(path))
        return BT_OK;
    bt_status rc = bti_file_read(path, MAX_BYTES, &text, &n, err);
    if (rc)
        return rc;
    for (char *rest = text, *row; !rc && (row = strsep(&rest, "\n"));)
        rc = read_box(y, row, path, ++line, err);
    bti_free(text);
    return rc;
}

static bt_status read_image(yolo *y, const char *name, const char *path, const char *where,
                            int line, bt_error *err)
{
    bti_boxed_image im = {.name = name, .path = path, .id = y->set->n_images + 1};
    bool added;
    bt_status rc = bti_boxes_open_image(y->set, im, where, line, &added, err);

    return rc || !added ? rc : read_labels(y, path, err);
}

/* Whether one of the names (sorted by byte) is `stem` and an extension; stem ends with '.'. */
static bool has_stem(const bti_names *names, const char *stem)
{
    size_t lo = 0, hi = names->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(names->name[mid], stem) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < names->n && bti_has_prefix(names->name[lo], stem);
}

/* Label files whose image is not in `images`. */
static bt_status find_orphans(yolo *y, const char *dir, const bti_names *images, bt_error *err)
{
    char labels[PATH_MAX], path[PATH_MAX];
    bti_names names;

    snprintf(path, sizeof(path), "%.2000s/x.png", dir);
    label_path(path, labels);
    *strrchr(labels, '/') = 0;
    if (bti_streq(labels, dir) || !bti_is_dir(labels))
        return BT_OK;
    bt_status rc = bti_list_dir(labels, &names, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < names.n && !rc; i++) {
        char *name = names.name[i];
        if (!bti_has_suffix_nocase(name, ".txt"))
            continue;
        snprintf(path, sizeof(path), "%.2000s/%.1000s", labels, name);
        name[strlen(name) - 3] = 0; /* keeps the dot */
        if (!has_stem(images, name))
            rc = bti_boxes_find(y->set, BTI_FINDING_ORPHAN, path, 0, err,
                                "there is no image of this name in %s", dir);
    }
    bti_names_free(&names);
    return rc;
}

static bt_status read_folder(yolo *y, const char *dir, bt_error *err)
{
    char path[PATH_MAX];
    bti_names names;
    bt_status rc = bti_list_dir(dir, &names, err);

    if (rc)
        return rc;
    for (size_t i = 0; i < names.n && !rc; i++) {
        if (!bti_is_image_name(names.name[i]))
            continue;
        snprintf(path, sizeof(path), "%.2000s/%.1000s", dir, names.name[i]);
        rc = read_image(y, names.name[i], path, dir, 0, err);
    }
    if (!rc)
        rc = find_orphans(y, dir, &names, err);
    bti_names_free(&names);
    return rc;
}

/* A text file with the path of an image a line. */
static bt_status read_list(yolo *y, const char *list, bt_error *err)
{
    char path[PATH_MAX], *text;
    int line = 0;
    size_t n;
    bt_status rc = bti_file_read(list, MAX_BYTES, &text, &n, err);

    if (rc)
        return rc;
    for (char *rest = text, *row; !rc && (row = strsep(&rest, "\n"));) {
        row += strspn(row, " \t");
        row[strcspn(row, "\r")] = 0;
        line++;
        if (!*row)
            continue;
        join(path, y->base, bti_has_prefix(row, "./") ? row + 2 : row);
        rc = read_image(y, bti_path_base(row), path, list, line, err);
    }
    bti_free(text);
    return rc;
}

static bt_status read_split(yolo *y, bt_error *err)
{
    char path[PATH_MAX];

    if (y->set->opt.images)
        snprintf(path, sizeof(path), "%s", y->set->opt.images);
    else if (!split_path(y, y->set->opt.split, path))
        return bti_fail(err, BT_FORMAT, y->where, "expected %s: a folder of images or a list",
                        y->set->opt.split);
    if (bti_is_file(path))
        return read_list(y, path, err);
    return read_folder(y, path, err);
}

static bt_status yolo_read(bti_box_set *set, const char *path, bt_error *err)
{
    char file[PATH_MAX];
    yolo y = {.set = set, .where = file};
    bti_arena arena = {0};

    if (!find_yaml(path, file))
        return bti_fail(err, BT_FORMAT, path, "expected a data.yaml, or a folder with one");
    bt_status rc = bti_yaml_read(&y.doc, &arena, file, err);
    if (!rc) {
        find_base(&y);
        rc = read_names(&y, err);
    }
    if (!rc)
        rc = keep_others(&y, err);
    if (!rc)
        rc = read_split(&y, err);
    bti_free(y.number);
    bti_arena_release(&arena);
    return rc;
}

/* ---- writing ---- */

typedef struct span {
    double from, to;
    int side;
} span;

static bool spans(double centre, double length, const void *user)
{
    const span *s = user;

    return pixels_at(centre, -length / 2, s->side) == s->from &&
           pixels_at(centre, length / 2, s->side) == s->to;
}

static void normalised(double from, double to, int side, double *centre, double *length)
{
    span s = {from, to, side};

    *centre = (from + to) / 2 / side;
    *length = (to - from) / side;
    bti_shortest_pair(centre, length, spans, &s);
}

static void add_box(bti_str *out, const bti_box_set *set, const bti_box *b)
{
    const bti_boxed_image *im = &set->image[b->image];
    double v[4];
    char number[32];

    normalised(b->x0, b->x1, im->w, &v[0], &v[2]);
    normalised(b->y0, b->y1, im->h, &v[1], &v[3]);
    bti_str_addf(out, "%d", (int)b->category);
    for (int i = 0; i < 4; i++)
        bti_str_addf(out, " %s", bti_format_double(number, v[i]));
    bti_str_add(out, "\n");
}

static bt_status write_labels(const bti_box_set *set, const bti_boxed_image *im, const char *dir,
                              bt_error *err)
{
    char image[PATH_MAX], path[PATH_MAX];
    bti_str out = {0};

    snprintf(image, sizeof(image), "%.2000s/images/train/%.1000s", dir, im->name);
    label_path(image, path);
    char *slash = strrchr(path, '/');
    *slash = 0;
    bt_status rc = bti_make_dirs(path, err);
    *slash = '/';
    for (int64_t i = im->first; i < im->first + im->n; i++)
        add_box(&out, set, &set->box[i]);
    if (!rc)
        rc = out.failed ? bti_fail_nomem(err) : bti_file_write(path, bti_str_c(&out), out.len, err);
    bti_str_release(&out);
    return rc;
}

/* A double-quoted scalar. */
static void add_quoted(bti_str *out, const char *s)
{
    bti_str_add(out, "\"");
    for (; *s; s++) {
        if ((unsigned char)*s < ' ')
            bti_str_addf(out, "\\x%02x", (unsigned)*s);
        else
            bti_str_addf(out, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    }
    bti_str_add(out, "\"");
}

static bt_status yolo_write(const bti_box_set *set, const char *dir, bt_error *err)
{
    char path[PATH_MAX];
    bti_str out = {0};
    bt_status rc = BT_OK;

    bti_str_add(&out, "train: images/train\n");
    for (int i = 0; i < 2; i++) {
        if (!set->others[i])
            continue;
        bti_str_add(&out, i ? "test: " : "val: ");
        add_quoted(&out, set->others[i]);
        bti_str_add(&out, "\n");
    }
    bti_str_addf(&out, "nc: %lld\nnames:\n", (long long)set->n_categories);
    for (int64_t i = 0; i < set->n_categories; i++) {
        bti_str_addf(&out, "  %lld: ", (long long)i);
        add_quoted(&out, set->category[i].name);
        bti_str_add(&out, "\n");
    }
    for (int64_t i = 0; i < set->n_images && !rc; i++)
        rc = write_labels(set, &set->image[i], dir, err);
    snprintf(path, sizeof(path), "%.2000s/data.yaml", dir);
    if (!rc)
        rc = out.failed ? bti_fail_nomem(err) : bti_file_write(path, bti_str_c(&out), out.len, err);
    bti_str_release(&out);
    return rc;
}

const bti_box_format bti_box_format_yolo = {
    .name = "yolo",
    .image_dir = "images/train",
    .match = yolo_match,
    .read = yolo_read,
    .write = yolo_write,
};
