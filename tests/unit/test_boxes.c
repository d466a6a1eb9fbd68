/* SPDX-License-Identifier: Apache-2.0
 *
 * COCO, VOC and YOLO: what was read is written back exactly, and every kind of bad annotation costs
 * one line and one box.
 */
#include "make_data.h"

#include "data/boxes.h"

#include <stdlib.h>

static heard told;

static bti_box_set *read_set(const char *format, const char *path)
{
    bti_boxes_options opt = {.split = "train", .progress = {hear, &told}};
    bti_box_set *set;
    bt_error err = {0};

    told = (heard){0};
    assert_ok(bti_boxes_read(&set, bti_box_format_find(format), path, &opt, &err), &err);
    return set;
}

/* The sentence of a read that must fail. */
static const char *refusal(const char *format, const char *path, bool strict)
{
    static bt_error err;
    bti_boxes_options opt = {.split = "train", .strict = strict};
    bti_box_set *set;

    err = (bt_error){0};
    assert_int_not_equal(bti_boxes_read(&set, bti_box_format_find(format), path, &opt, &err),
                         BT_OK);
    assert_null(set);
    return err.text;
}

static void write_set(const bti_box_set *set, const char *format, const char *dir)
{
    bt_error err = {0};

    assert_ok(bti_boxes_write(set, bti_box_format_find(format), dir, &err), &err);
}

static void put(const char *dir, const char *name, const char *text)
{
    bt_error err = {0};
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    *strrchr(path, '/') = 0;
    assert_ok(bti_make_dirs(path, &err), &err);
    assert_ok(bti_file_write(at(dir, name), text, strlen(text), &err), &err);
}

static char *slurp(const char *path)
{
    bt_error err = {0};
    char *text;
    size_t n;

    assert_ok(bti_file_read(path, 1 << 26, &text, &n, &err), &err);
    return text;
}

static void assert_same_file(const char *a, const char *b)
{
    char *x = slurp(a), *y = slurp(b);

    assert_string_equal(x, y);
    bti_free(x);
    bti_free(y);
}

static void assert_same_boxes(const bti_box_set *a, const bti_box_set *b)
{
    assert_int_equal(a->n_boxes, b->n_boxes);
    assert_int_equal(a->n_images, b->n_images);
    for (int64_t i = 0; i < a->n_boxes; i++) {
        const bti_box *p = &a->box[i], *q = &b->box[i];
        if (p->x0 != q->x0 || p->y0 != q->y0 || p->x1 != q->x1 || p->y1 != q->y1)
            fail_msg("box %lld: (%.17g %.17g %.17g %.17g) became (%.17g %.17g %.17g %.17g)",
                     (long long)i, p->x0, p->y0, p->x1, p->y1, q->x0, q->y0, q->x1, q->y1);
        assert_string_equal(a->category[p->category].name, b->category[q->category].name);
        assert_string_equal(a->image[p->image].name, b->image[q->image].name);
    }
}

/* A fresh folder with img.png of 100 x 50 in `where`. */
static const char *one_image(const char *where)
{
    const char *dir = test_tmp_dir();
    char rel[64];

    snprintf(rel, sizeof(rel), "%s/img.png", where);
    make_png(dir, rel, 100, 50, 3, 5);
    return dir;
}

/* ---- round trips ---- */

static void a_coco_file_comes_back_number_by_number(void **state)
{
    (void)state;
    const char *dir = one_image("images");
    char out[256];

    snprintf(out, sizeof(out), "%s", test_tmp_dir());
    put(dir, "annotations.json",
        "{\"images\": [{\"id\": 391895, \"file_name\": \"img.png\", \"width\": 100, \"height\": "
        "50}], "
        "\"annotations\": ["
        "{\"id\": 151091, \"image_id\": 391895, \"category_id\": 90, \"bbox\": [14.43, 7.07, 53.7, "
        "30.11], \"area\": 1616.9070000000002, \"iscrowd\": 0}, "
        "{\"id\": 7, \"image_id\": 391895, \"category_id\": 3, \"bbox\": [0.0, 0.0, 100.0, 50.0], "
        "\"area\": 5000.0, \"iscrowd\": 1}], "
        "\"categories\": [{\"id\": 3, \"name\": \"car\", \"supercategory\": \"vehicle\"}, "
        "{\"id\": 90, \"name\": \"tooth \\\"brush\\\"\"}]}");
    bti_box_set *set = read_set("coco", dir);
    assert_int_equal(told.warn, 0);
    assert_int_equal(set->n_boxes, 2);
    assert_true(set->box[0].x1 == 14.43 + 53.7 && set->box[1].crowd);
    write_set(set, "coco", out);
    assert_same_file(at(dir, "annotations.json"), at(out, "annotations.json"));
    bti_boxes_free(set);
}

static void a_yolo_label_comes_back_digit_by_digit(void **state)
{
    (void)state;
    static const char labels[] = "1 0.5 0.5 1 1\n0 0.123457 0.654321 0.2 0.31\n"
                                 "0 0.716797 0.395833333333 0.216406 0.147222\n";
    const char *dir = one_image("images/train");
    char out[256];

    snprintf(out, sizeof(out), "%s", test_tmp_dir());
    put(dir, "data.yaml", "path: /made/elsewhere\ntrain: images/train\nnames: [a, 'b: c']\n");
    put(dir, "labels/train/img.txt", labels);
    bti_box_set *set = read_set("yolo", dir);
    assert_int_equal(told.warn, 0);
    write_set(set, "yolo", out);
    assert_same_file(at(dir, "labels/train/img.txt"), at(out, "labels/train/img.txt"));
    bti_boxes_free(set);

    make_png(out, "images/train/img.png", 100, 50, 3, 5);
    set = read_set("yolo", out);
    assert_string_equal(set->category[1].name, "b: c");
    bti_boxes_free(set);
}

/* The elements that VOC's own tools read, without layout. */
static void voc_numbers(const char *from, const char *to)
{
    assert_int_equal(
        test_shell(NULL, 0,
                   "cd '%s/Annotations' && for f in *.xml; do echo $f; grep -ohE "
                   "'<(name|pose|truncated|difficult|xmin|ymin|xmax|ymax|width|height)>[^<]*' $f; "
                   "done > '%s'",
                   from, to),
        0);
}

static void link_images(const char *from, const char *to)
{
    assert_int_equal(test_shell(NULL, 0,
                                "mkdir -p \"$(dirname '%s')\" && rm -rf '%s' && "
                                "ln -s '%s/JPEGImages' '%s'",
                                to, to, from, to),
                     0);
}

static void real_boxes_survive_every_format(void **state)
{
    (void)state;
    const char *tar = test_shared("data/bccd-voc.tar.xz");
    static const char *const formats[] = {"voc", "coco", "yolo"};
    char root[300], dir[256];

    if (!tar) {
        print_message("skipped: ../shared/data/bccd-voc.tar.xz is not there\n");
        skip();
    }
    snprintf(dir, sizeof(dir), "%s", test_tmp_dir());
    assert_int_equal(test_shell(NULL, 0, "tar -xJf '%s' -C '%s'", tar, dir), 0);
    assert_int_equal(test_shell(root, sizeof(root),
                                "dirname \"$(find '%s' -name Annotations)\" | tr -d '\\n'", dir),
                     0);
    assert_int_equal(test_shell(NULL, 0, "rm -rf '%s/ImageSets'", root), 0); /* all images */
    bti_box_set *set = read_set("voc", root);
    assert_true(set->n_images > 300 && set->n_boxes > 4000);
    print_message("%lld images, %lld boxes, %d findings\n", (long long)set->n_images,
                  (long long)set->n_boxes, told.warn);
    for (int i = 0; i < 3; i++) {
        const bti_box_format *f = bti_box_format_find(formats[i]);
        const char *out = test_ram_dir();
        write_set(set, f->name, out);
        link_images(root, at(out, f->image_dir));
        bti_box_set *again = read_set(f->name, out);
        assert_int_equal(told.warn, 0);
        assert_same_boxes(set, again);
        bti_boxes_free(again);
        if (i == 0 && !set->found[BTI_FINDING_OUTSIDE]) {
            voc_numbers(root, at(dir, "before"));
            voc_numbers(out, at(dir, "after"));
            assert_same_file(at(dir, "before"), at(dir, "after"));
        }
    }
    bti_boxes_free(set);
}

/* ---- findings ---- */

static void assert_found(const bti_box_set *set, bti_finding kind, int64_t n)
{
    if (set->found[kind] != n)
        fail_msg("%s: %lld found, expected %lld", bti_finding_name(kind),
                 (long long)set->found[kind], (long long)n);
}

static void every_bad_coco_annotation_is_one_line_and_skipped(void **state)
{
    (void)state;
    const char *dir = one_image("images");
    put(dir, "annotations.json",
        "{\"images\": [{\"id\": 1, \"file_name\": \"img.png\", \"width\": 100, \"height\": 50},"
        "{\"id\": 2, \"file_name\": \"gone.png\"}, {\"id\": 3}, "
        "{\"id\": 4, \"file_name\": \"img.png\", \"width\": 7}],"
        "\"categories\": [{\"id\": 5, \"name\": \"NaN Infinity\"}], \"annotations\": ["
        "{\"image_id\": 1, \"category_id\": 5, \"bbox\": [1, 1, 2, 2]},"
        "{\"image_id\": 1, \"category_id\": 5, \"bbox\": [90, 1, 20, 2]},"
        "{\"image_id\": 1, \"category_id\": 5, \"bbox\": [200, 1, 20, 2]},"
        "{\"image_id\": 1, \"category_id\": 5, \"bbox\": [9, 1, -2, 2]},"
        "{\"image_id\": 1, \"category_id\": 5, \"bbox\": [9, 1, 2, 0]},"
        "{\"image_id\": 1, \"category_id\": 5, \"bbox\": [NaN, 1, 2, 2]},"
        "{\"image_id\": 1, \"category_id\": 5, \"bbox\": [1, 1, 2, -Infinity]},"
        "{\"image_id\": 1, \"category_id\": 6, \"bbox\": [1, 1, 2, 2]},"
        "{\"image_id\": 9, \"category_id\": 5, \"bbox\": [1, 1, 2, 2]},"
        "{\"image_id\": 2, \"category_id\": 5, \"bbox\": [1, 1, 2, 2]},"
        "{\"image_id\": 1, \"category_id\": 5, \"bbox\": [1, 1, 2]}]}");
    bti_box_set *set = read_set("coco", dir);
    assert_int_equal(set->n_images, 1);
    assert_int_equal(set->n_boxes, 2);
    assert_true(set->box[1].x1 == 100);
    assert_string_equal(set->category[0].name, "NaN Infinity");
    assert_found(set, BTI_FINDING_OUTSIDE, 1);
    assert_found(set, BTI_FINDING_BEYOND, 1);
    assert_found(set, BTI_FINDING_INVERTED, 1);
    assert_found(set, BTI_FINDING_EMPTY, 1);
    assert_found(set, BTI_FINDING_NUMBER, 2);
    assert_found(set, BTI_FINDING_CATEGORY, 1);
    assert_found(set, BTI_FINDING_MISSING, 1);
    assert_found(set, BTI_FINDING_DAMAGED, 1);
    assert_found(set, BTI_FINDING_ORPHAN, 1);
    assert_found(set, BTI_FINDING_MALFORMED, 2);
    assert_int_equal(told.warn, 12);
    bti_boxes_free(set);
    assert_non_null(strstr(refusal("coco", dir, true), "gone.png is missing"));
}

static void every_bad_yolo_line_is_named_with_its_number(void **state)
{
    (void)state;
    const char *dir = one_image("images");
    put(dir, "data.yaml", "train: images\nnames: {0: a, 7: b}\n");
    put(dir, "labels/img.txt",
        "7 0.5 0.5 0.5 0.5\n\n3 0.5 0.5 0.1 0.1\n0 0.5 nan 0.1 0.1\n0 0.5 0.5 0.1\nx 0.5 0.5 1 1\n"
        "0 0.5 0.5 -0.1 0.1\n0 0.5 0.5 0 0.1\n0 1.5 0.5 0.1 0.1\n0 0.99 0.5 0.1 0.1\n");
    put(dir, "labels/other.txt", "0 0.5 0.5 0.1 0.1\n");
    bti_box_set *set = read_set("yolo", dir);
    assert_int_equal(set->n_boxes, 2);
    assert_int_equal(set->box[0].category, 1);
    assert_found(set, BTI_FINDING_CATEGORY, 1);
    assert_found(set, BTI_FINDING_NUMBER, 1);
    assert_found(set, BTI_FINDING_MALFORMED, 2);
    assert_found(set, BTI_FINDING_INVERTED, 1);
    assert_found(set, BTI_FINDING_EMPTY, 1);
    assert_found(set, BTI_FINDING_BEYOND, 1);
    assert_found(set, BTI_FINDING_OUTSIDE, 1);
    assert_found(set, BTI_FINDING_ORPHAN, 1);
    assert_non_null(strstr(told.text, "other.txt"));
    bti_boxes_free(set);
    assert_non_null(strstr(refusal("yolo", dir, true), "class 3 is not in the names"));
}

#define VOC_BOX(name, a, b, c, d)                                                                  \
    "<object><name>" name "</name><bndbox><xmin>" a "</xmin><ymin>" b "</ymin><xmax>" c            \
    "</xmax><ymax>" d "</ymax></bndbox></object>\n"

static void every_bad_voc_object_is_named_with_its_line(void **state)
{
    (void)state;
    const char *dir = one_image("JPEGImages");
    put(dir, "Annotations/img.xml",
        "<annotation><filename>img.jpg</filename>\n"
        "<size><width>100</width><height>50</height></size>\n" VOC_BOX("a", "1", "1", "100", "50")
            VOC_BOX("", "1", "1", "2", "2") VOC_BOX("b", "8", "1", "2", "2")
                VOC_BOX("b", "8", "1", "7", "2") VOC_BOX("b", "nan", "1", "2", "2")
                    VOC_BOX("b", "90", "1", "120", "2") "<object/></annotation>");
    put(dir, "Annotations/gone.xml", "<annotation><filename>gone.jpg</filename></annotation>");
    put(dir, "Annotations/cut.xml", "<annotation><filename>img.png</file");
    put(dir, "Annotations/bomb.xml",
        "<!DOCTYPE a [<!ENTITY x \"&#38;x;\">]><annotation>&x;</annotation>");
    bti_box_set *set = read_set("voc", dir);
    assert_int_equal(set->n_images, 1);
    assert_string_equal(set->image[0].name, "img.png");
    assert_int_equal(set->n_boxes, 2);
    assert_true(set->box[0].x0 == 0 && set->box[0].y0 == 0 && set->box[0].x1 == 100 &&
                set->box[0].y1 == 50);
    assert_found(set, BTI_FINDING_CATEGORY, 1);
    assert_found(set, BTI_FINDING_INVERTED, 1);
    assert_found(set, BTI_FINDING_EMPTY, 1);
    assert_found(set, BTI_FINDING_NUMBER, 1);
    assert_found(set, BTI_FINDING_OUTSIDE, 1);
    assert_found(set, BTI_FINDING_MISSING, 1);
    assert_found(set, BTI_FINDING_MALFORMED, 3);
    assert_non_null(strstr(told.text, "img.xml:9: object: expected a bndbox"));
    bti_boxes_free(set);
}

static void a_list_names_the_images_of_a_split(void **state)
{
    (void)state;
    const char *dir = one_image("JPEGImages");
    put(dir, "Annotations/img.xml",
        "<annotation>" VOC_BOX("a", "1", "1", "9", "9") "</annotation>");
    put(dir, "Annotations/other.xml", "<annotation/>");
    put(dir, "ImageSets/Main/train.txt", "\n img  1\r\ngone -1\n../img\n");
    bti_box_set *set = read_set("voc", dir);
    assert_true(set->n_images == 1 && set->n_boxes == 1);
    assert_found(set, BTI_FINDING_MISSING, 1);
    assert_found(set, BTI_FINDING_MALFORMED, 1);
    bti_boxes_free(set);

    dir = one_image("images");
    put(dir, "data.yaml", "train: list.txt\nnames: [a]\n");
    put(dir, "list.txt", "./images/img.png\r\n\n images/gone.png");
    put(dir, "labels/img.txt", "0 0.5 0.5 1 1\r\n1e300 0.5 0.5 1 1");
    set = read_set("yolo", dir);
    assert_true(set->n_images == 1 && set->n_boxes == 1);
    assert_found(set, BTI_FINDING_MISSING, 1);
    assert_found(set, BTI_FINDING_MALFORMED, 1);
    assert_non_null(strstr(told.text, "list.txt:3: the image gone.png is missing"));
    bti_boxes_free(set);
}

static void names_that_leave_the_folder_are_not_written(void **state)
{
    (void)state;
    static const char *const bad[] = {"../a.png", "/a.png", "a/../../b.png", "a//b.png", ""};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bti_box_set *set = bti_boxes_new();
        bt_error err = {0};
        assert_non_null(set);
        assert_ok(
            bti_boxes_add_image(set, &(bti_boxed_image){.name = bad[i], .w = 1, .h = 1}, &err),
            &err);
        assert_int_equal(bti_boxes_write(set, bti_box_format_find("yolo"), test_tmp_dir(), &err),
                         BT_INVAL);
        bti_boxes_free(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coco_file_comes_back_number_by_number),
        cmocka_unit_test(a_yolo_label_comes_back_digit_by_digit),
        cmocka_unit_test(real_boxes_survive_every_format),
        cmocka_unit_test(every_bad_coco_annotation_is_one_line_and_skipped),
        cmocka_unit_test(every_bad_yolo_line_is_named_with_its_number),
        cmocka_unit_test(every_bad_voc_object_is_named_with_its_line),
        cmocka_unit_test(a_list_names_the_images_of_a_split),
        cmocka_unit_test(names_that_leave_the_folder_are_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
