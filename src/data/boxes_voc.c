/* SPDX-License-Identifier: Apache-2.0
 *
 * Pascal VOC: Annotations/NAME.xml beside JPEGImages, coordinates from 1 with both ends inside the
 * box; ImageSets/Main/SPLIT.txt lists the names of a split. The only file that sees libxml2.
 */
#include "data/boxes.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#include <libxml/parser.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#define MAX_BYTES ((size_t)16 << 20) /* of one annotation, and of a list */

static bool voc_match(const char *path)
{
    char dir[PATH_MAX];

    snprintf(dir, sizeof(dir), "%s/Annotations", path);
    return bti_is_dir(dir);
}

/* ---- elements ---- */

static const xmlNode *child(const xmlNode *parent, const char *name)
{
    for (const xmlNode *p = parent ? parent->children : NULL; p; p = p->next)
        if (p->type == XML_ELEMENT_NODE && bti_streq((const char *)p->name, name))
            return p;
    return NULL;
}

/* The text of parent's child `name` without blanks around it; false if there is none. */
static bool text_of(const xmlNode *parent, const char *name, char *out, size_t cap)
{
    const xmlNode *node = child(parent, name);
    const xmlNode *text = node ? node->children : NULL;

    if (!text || (text->type != XML_TEXT_NODE && text->type != XML_CDATA_SECTION_NODE) ||
        text->next)
        return false;
    const char *s = (const char *)text->content;
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n", s[n - 1]))
        n--;
    for (; n && strchr(" \t\r\n", *s); n--)
        s++;
    snprintf(out, cap, "%.*s", (int)(n < cap ? n : cap - 1), s);
    return n > 0 && n < cap;
}

/* NaN if it is missing or not a finite number. */
static double number_of(const xmlNode *parent, const char *name)
{
    char text[64];
    double v;

    return text_of(parent, name, text, sizeof(text)) && bti_parse_double(text, &v) ? v
                                                                                   : (double)NAN;
}

static int side_of(const xmlNode *size, const char *name)
{
    double v = number_of(size, name);

    return v >= 1 && v <= INT_MAX ? (int)v : 0;
}

static bool flag_of(const xmlNode *object, const char *name)
{
    return number_of(object, name) > 0;
}

/* ---- reading ---- */

typedef struct voc {
    bti_box_set *set;
    const char *root;
    char images[PATH_MAX];
} voc;

/* Index of the category, added if it is new; -1 on no memory. */
static int32_t category_of(bti_box_set *set, const char *name, bt_error *err)
{
    for (int64_t i = 0; i < set->n_categories; i++)
        if (bti_streq(set->category[i].name, name))
            return (int32_t)i;
    if (bti_boxes_add_category(set, &(bti_category){.name = name}, err))
        return -1;
    return (int32_t)set->n_categories - 1;
}

static bt_status read_object(voc *v, const xmlNode *object, const char *where, bt_error *err)
{
    const xmlNode *box = child(object, "bndbox");
    int line = (int)xmlGetLineNo((xmlNode *)object); /* only read */
    char name[256], pose[64];

    if (!box)
        return bti_boxes_find(v->set, BTI_FINDING_MALFORMED, where, line, err,
                              "object: expected a bndbox with xmin, ymin, xmax, ymax");
    if (!text_of(object, "name", name, sizeof(name)))
        return bti_boxes_find(v->set, BTI_FINDING_CATEGORY, where, line, err,
                              "object: expected a name of at most 255 bytes");
    bti_box b = {.x0 = number_of(box, "xmin") - 1,
                 .y0 = number_of(box, "ymin") - 1,
                 .x1 = number_of(box, "xmax"),
                 .y1 = number_of(box, "ymax"),
                 .image = (int32_t)v->set->n_images - 1,
                 .pose = text_of(object, "pose", pose, sizeof(pose)) ? pose : NULL,
                 .truncated = flag_of(object, "truncated"),
                 .difficult = flag_of(object, "difficult")};
    b.category = category_of(v->set, name, err);
    if (b.category < 0)
        return BT_NOMEM;
    return bti_boxes_check(v->set, b, where, line, name, err);
}

/* The file that the annotation names, or one of its own name. */
static void locate(const voc *v, const char *file_name, const char *stem, char name[PATH_MAX],
                   char path[PATH_MAX])
{
    static const char *const ends[] = {"jpg", "jpeg", "png", "webp", "JPG"};

    snprintf(name, PATH_MAX, "%s", file_name);
    snprintf(path, PATH_MAX, "%.2000s/%.1000s", v->images, name);
    for (int i = 0; i < 5 && !(*file_name && bti_is_file(path)); i++) {
        char other[PATH_MAX];
        snprintf(other, sizeof(other), "%.2000s/%.1000s.%s", v->images, stem, ends[i]);
        if (!*file_name)
            snprintf(name, PATH_MAX, "%.1000s.%s", stem, ends[i]);
        if (!bti_is_file(other))
            continue;
        snprintf(name, PATH_MAX, "%.1000s.%s", stem, ends[i]);
        memcpy(path, other, PATH_MAX);
        return;
    }
}

static bt_status read_tree(voc *v, const xmlNode *root, const char *stem, const char *where,
                           bt_error *err)
{
    const xmlNode *size = child(root, "size");
    char file_name[256] = "", name[PATH_MAX], path[PATH_MAX];
    bool added;

    if (!root || !bti_streq((const char *)root->name, "annotation"))
        return bti_boxes_find(v->set, BTI_FINDING_MALFORMED, where, 1, err,
                              "expected <annotation> as the outermost element");
    text_of(root, "filename", file_name, sizeof(file_name));
    locate(v, file_name, stem, name, path);
    bti_boxed_image im = {.name = name,
                          .path = path,
                          .id = v->set->n_images + 1,
                          .w = side_of(size, "width"),
                          .h = side_of(size, "height")};
    bt_status rc = bti_boxes_open_image(v->set, im, where, 0, &added, err);
    for (const xmlNode *p = root->children; p && added && !rc; p = p->next)
        if (p->type == XML_ELEMENT_NODE && bti_streq((const char *)p->name, "object"))
            rc = read_object(v, p, where, err);
    return rc;
}

static bt_status read_file(voc *v, const char *stem, bt_error *err)
{
    char where[PATH_MAX], *text;
    size_t n;

    snprintf(where, sizeof(where), "%.2000s/Annotations/%.1000s.xml", v->root, stem);
    if (!bti_is_file(where))
        return bti_boxes_find(v->set, BTI_FINDING_MISSING, where, 0, err,
                              "the annotation of a listed image is missing");
    bt_status rc = bti_file_read(where, MAX_BYTES, &text, &n, err);
    if (rc)
        return rc;
    xmlParserCtxt *ctx = xmlNewParserCtxt();
    xmlDoc *doc = ctx ? xmlCtxtReadMemory(ctx, text, (int)n, where, NULL,
                                          XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)
                      : NULL;
    bti_free(text);
    if (!ctx || (!doc && ctx->lastError.code == XML_ERR_NO_MEMORY)) {
        rc = bti_fail_nomem(err);
    } else if (!doc) {
        const char *why = ctx->lastError.message ? ctx->lastError.message : "it is empty";
        rc = bti_boxes_find(v->set, BTI_FINDING_MALFORMED, where, ctx->lastError.line, err,
                            "not well-formed XML: %.*s", (int)strcspn(why, "\n"), why);
    } else if (doc->intSubset) { /* entities of its own: no annotation needs them */
        rc = bti_boxes_find(v->set, BTI_FINDING_MALFORMED, where, 1, err,
                            "an annotation has no <!DOCTYPE>");
    } else {
        rc = read_tree(v, xmlDocGetRootElement(doc), stem, where, err);
    }
    xmlFreeDoc(doc);
    xmlFreeParserCtxt(ctx);
    return rc;
}

/* Names of the split, one a line; a second column (as in the lists of a class) is not read. */
static bt_status read_list(voc *v, const char *list, bt_error *err)
{
    char *text;
    size_t n;
    bt_status rc = bti_file_read(list, MAX_BYTES, &text, &n, err);

    if (rc)
        return rc;
    for (char *rest = text, *row; !rc && (row = strsep(&rest, "\n"));) {
        row += strspn(row, " \t");
        row[strcspn(row, " \t\r")] = 0;
        if (*row && strchr(row, '/'))
            rc = bti_boxes_find(v->set, BTI_FINDING_MALFORMED, list, 0, err,
                                "\"%.200s\" is not the name of an annotation", row);
        else if (*row)
            rc = read_file(v, row, err);
    }
    bti_free(text);
    return rc;
}

static bt_status read_folder(voc *v, bt_error *err)
{
    char dir[PATH_MAX];
    bti_names names;

    snprintf(dir, sizeof(dir), "%s/Annotations", v->root);
    bt_status rc = bti_list_dir(dir, &names, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < names.n && !rc; i++) {
        if (!bti_has_suffix_nocase(names.name[i], ".xml"))
            continue;
        names.name[i][strlen(names.name[i]) - 4] = 0;
        rc = read_file(v, names.name[i], err);
    }
    bti_names_free(&names);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const bti_category *)a)->name, ((const bti_category *)b)->name);
}

/* VOC does not list its categories: they are those that occur, by name. */
static bt_status sort_categories(bti_box_set *set, bt_error *err)
{
    int32_t *to = bti_array((size_t)set->n_categories + 1, sizeof(*to));

    if (!to)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < set->n_categories; i++)
        set->category[i].id = i; /* where it was */
    if (set->n_categories)
        qsort(set->category, (size_t)set->n_categories, sizeof(*set->category), by_name);
    for (int64_t i = 0; i < set->n_categories; i++) {
        to[set->category[i].id] = (int32_t)i;
        set->category[i].id = i + 1;
    }
    for (int64_t i = 0; i < set->n_boxes; i++)
        set->box[i].category = to[set->box[i].category];
    bti_free(to);
    return BT_OK;
}

static bt_status voc_read(bti_box_set *set, const char *path, bt_error *err)
{
    voc v = {.set = set, .root = path};
    char list[PATH_MAX];

    if (!voc_match(path))
        return bti_fail(err, BT_FORMAT, path, "expected a folder with Annotations and JPEGImages");
    if (set->opt.images)
        snprintf(v.images, sizeof(v.images), "%s", set->opt.images);
    else
        snprintf(v.images, sizeof(v.images), "%s/JPEGImages", path);
    snprintf(list, sizeof(list), "%.2000s/ImageSets/Main/%.100s.txt", path, set->opt.split);
    bt_status rc = BT_OK;
    if (bti_is_file(list))
        rc = read_list(&v, list, err);
    else if (bti_streq(set->opt.split, "train"))
        rc = read_folder(&v, err);
    else
        rc = bti_fail(err, BT_IO, list, "the list of the split is missing");
    return rc ? rc : sort_categories(set, err);
}

/* ---- writing ---- */

static void add_escaped(bti_str *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '&' || *s == '<' || *s == '>')
            bti_str_add(out, *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : "&gt;");
        else
            bti_str_addn(out, (unsigned char)*s < ' ' ? " " : s, 1);
    }
}

static void add_element(bti_str *out, const char *indent, const char *name, const char *text)
{
    bti_str_addf(out, "%s<%s>", indent, name);
    add_escaped(out, text);
    bti_str_addf(out, "</%s>\n", name);
}

static bool starts(double v, double ignored, const void *user)
{
    (void)ignored;
    return v - 1 == *(const double *)user;
}

static void add_corner(bti_str *out, const char *name, double v)
{
    char number[32];

    add_element(out, "\t\t\t", name, bti_format_double(number, v));
}

static void add_object(bti_str *out, const bti_box_set *set, const bti_box *b)
{
    double x = b->x0 + 1, y = b->y0 + 1, none = 0;

    bti_shortest_pair(&x, &none, starts, &b->x0);
    bti_shortest_pair(&y, &none, starts, &b->y0);
    bti_str_add(out, "\t<object>\n");
    add_element(out, "\t\t", "name", set->category[b->category].name);
    add_element(out, "\t\t", "pose", b->pose ? b->pose : "Unspecified");
    add_element(out, "\t\t", "truncated", b->truncated ? "1" : "0");
    add_element(out, "\t\t", "difficult", b->difficult ? "1" : "0");
    bti_str_add(out, "\t\t<bndbox>\n");
    add_corner(out, "xmin", x);
    add_corner(out, "ymin", y);
    add_corner(out, "xmax", b->x1);
    add_corner(out, "ymax", b->y1);
    bti_str_add(out, "\t\t</bndbox>\n\t</object>\n");
}

/* The name without its extension. */
static void add_stem(bti_str *out, const char *name)
{
    const char *dot = strrchr(name, '.');

    bti_str_addn(out, name, dot ? (size_t)(dot - name) : strlen(name));
}

static bt_status write_image(const bti_box_set *set, const bti_boxed_image *im, const char *dir,
                             bt_error *err)
{
    bti_str path = {0}, out = {0};
    bt_status rc;

    bti_str_addf(&path, "%s/Annotations/", dir);
    add_stem(&path, im->name);
    bti_str_add(&path, ".xml");
    bti_str_add(&out, "<annotation>\n\t<folder>JPEGImages</folder>\n");
    add_element(&out, "\t", "filename", im->name);
    bti_str_addf(&out,
                 "\t<size>\n\t\t<width>%d</width>\n\t\t<height>%d</height>\n"
                 "\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>\n",
                 im->w, im->h);
    for (int64_t i = im->first; i < im->first + im->n; i++)
        add_object(&out, set, &set->box[i]);
    bti_str_add(&out, "</annotation>\n");
    if (path.failed || out.failed)
        rc = bti_fail_nomem(err);
    else
        rc = bti_file_write(bti_str_c(&path), bti_str_c(&out), out.len, err);
    bti_str_release(&path);
    bti_str_release(&out);
    return rc;
}

static bt_status voc_write(const bti_box_set *set, const char *dir, bt_error *err)
{
    static const char *const made[] = {"Annotations", "JPEGImages", "ImageSets/Main"};
    char path[PATH_MAX];
    bti_str list = {0};
    bt_status rc = BT_OK;

    for (int i = 0; i < 3 && !rc; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, made[i]);
        rc = bti_make_dirs(path, err);
    }
    for (int64_t i = 0; i < set->n_images && !rc; i++) {
        if (strchr(set->image[i].name, '/'))
            rc = bti_fail(err, BT_INVAL, dir, "VOC has no folders of images, found \"%s\"",
                          set->image[i].name);
        else
            rc = write_image(set, &set->image[i], dir, err);
        add_stem(&list, set->image[i].name);
        bti_str_add(&list, "\n");
    }
    snprintf(path, sizeof(path), "%s/ImageSets/Main/train.txt", dir);
    if (!rc)
        rc = list.failed ? bti_fail_nomem(err)
                         : bti_file_write(path, bti_str_c(&list), list.len, err);
    bti_str_release(&list);
    return rc;
}

const bti_box_format bti_box_format_voc = {
    .name = "voc",
    .image_dir = "JPEGImages",
    .whole_pixels = true,
    .match = voc_match,
    .read = voc_read,
    .write = voc_write,
};
