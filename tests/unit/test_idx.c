/* SPDX-License-Identifier: Apache-2.0
 *
 * IDX folders: good ones plain and gzipped, every way of being damaged, and Fashion-MNIST itself.
 */
#include "make_data.h"

#include "data/dataset.h"

#define IMAGES "train-images-idx3-ubyte"
#define LABELS "train-labels-idx1-ubyte"

typedef struct place {
    char data[256], cache[272];
    bt_data_options opt;
} place;

/* A good set: 40 images of 6 x 5, 4 classes, and 8 for test. */
static place fresh(void)
{
    place p = {0};
    snprintf(p.data, sizeof(p.data), "%s", test_tmp_dir());
    snprintf(p.cache, sizeof(p.cache), "%s/cache", p.data);
    make_idx(p.data, "train", 40, 6, 5, 4);
    make_idx(p.data, "t10k", 8, 6, 5, 4);
    p.opt = bt_data_defaults();
    return p;
}

static bt_status open_place(bti_data **d, place *p, bt_error *err)
{
    p->opt.cache_dir = p->cache;
    return bti_data_open(d, p->data, &p->opt, err);
}

/* Opening fails with BT_FORMAT at `file`, and the sentence holds `reason`. */
static void expect_damage(place *p, const char *file, const char *reason)
{
    bti_data *d;
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    assert_int_equal(open_place(&d, p, &err), BT_FORMAT);
    assert_null(d);
    if (!strstr(err.text, reason))
        fail_msg("\"%s\" does not contain \"%s\"", err.text, reason);
    if (!strstr(err.where, file))
        fail_msg("the error is about \"%s\", not \"%s\"", err.where, file);
    assert_int_equal(bti_alloc_live(), live);
}

static void a_good_folder_opens_with_its_pixels_and_labels(void **state)
{
    (void)state;
    place p = fresh();
    bti_data *d;
    bt_error err;
    assert_ok(open_place(&d, &p, &err), &err);
    assert_true(d->train.n == 40 && d->val.n == 0 && d->has_test);
    assert_true(d->train.c == 1 && d->classes == 4);
    assert_true(d->train.h == 32 && d->train.w == 32); /* 5 x 6 is not square */
    assert_string_equal(d->resize_rule, "pad-square+bilinear");
    assert_string_equal(d->class_names[3], "3");
    for (int i = 0; i < 40; i++)
        assert_int_equal(d->train.labels[i], i % 4);
    bti_data_close(d);
}

static void square_images_keep_their_pixels(void **state)
{
    (void)state;
    place p = fresh();
    bti_data *d;
    bti_test_data *t;
    bt_error err;
    make_idx(p.data, "train", 12, 9, 9, 3);
    make_idx(p.data, "t10k", 6, 9, 9, 3);
    assert_ok(open_place(&d, &p, &err), &err);
    assert_int_equal(d->train.h, 9);
    assert_string_equal(d->resize_rule, "none");
    assert_int_equal((uintptr_t)d->train.pixels % 64, 0);
    double sum = 0;
    for (int i = 0; i < 12 * 81; i++) {
        assert_int_equal(d->train.pixels[i], (uint8_t)(i * 7 + i / 81));
        sum += d->train.pixels[i] / 255.0;
    }
    assert_true(d->mean[0] > sum / (12 * 81) - 1e-6 && d->mean[0] < sum / (12 * 81) + 1e-6);
    bti_data_close(d);
    assert_ok(bti_test_open(&t, p.data, &p.opt, &err), &err);
    assert_true(t->set.n == 6 && t->set.h == 9 && t->classes == 3);
    assert_int_equal(t->set.labels[5], 2);
    bti_test_close(t);
}

static void gzipped_files_give_the_same(void **state)
{
    (void)state;
    place p = fresh(), q = fresh();
    bti_data *a, *b;
    bt_error err;
    assert_int_equal(test_shell(NULL, 0, "gzip -9 '%s'/*-ubyte", q.data), 0);
    assert_ok(open_place(&a, &p, &err), &err);
    assert_ok(open_place(&b, &q, &err), &err);
    assert_int_equal(a->train.n, b->train.n);
    assert_memory_equal(a->train.pixels, b->train.pixels, 40 * 32 * 32);
    assert_memory_equal(a->train.labels, b->train.labels, 40 * 4);
    bti_data_close(a);
    bti_data_close(b);
}

static void labels_may_count_from_one(void **state)
{
    (void)state;
    place p = fresh();
    bti_data *d;
    bt_error err;
    for (int i = 0; i < 40; i++)
        poke(at(p.data, LABELS), 8 + i, (uint8_t)(1 + i % 4));
    assert_ok(open_place(&d, &p, &err), &err);
    assert_int_equal(d->classes, 4);
    assert_string_equal(d->class_names[0], "1");
    assert_int_equal(d->train.labels[5], 1);
    bti_data_close(d);
}

static void a_wrong_magic_names_what_was_expected(void **state)
{
    (void)state;
    place p = fresh();
    poke(at(p.data, IMAGES), 2, 9);
    expect_damage(&p, IMAGES, "magic 0x00000903, expected 0x00000803");
    p = fresh();
    poke(at(p.data, LABELS), 3, 3);
    expect_damage(&p, LABELS, "expected 0x00000801");
}

static void truncated_and_overlong_files_are_refused(void **state)
{
    (void)state;
    place p = fresh();
    assert_int_equal(test_shell(NULL, 0, "truncate -s -1 '%s'", at(p.data, IMAGES)), 0);
    expect_damage(&p, IMAGES, "1 bytes are missing");
    p = fresh();
    assert_int_equal(test_shell(NULL, 0, "truncate -s 10 '%s'", at(p.data, IMAGES)), 0);
    expect_damage(&p, IMAGES, "inside its header");
    p = fresh();
    assert_int_equal(test_shell(NULL, 0, "truncate -s +1 '%s'", at(p.data, LABELS)), 0);
    expect_damage(&p, LABELS, "goes on after");
    p = fresh();
    assert_int_equal(test_shell(NULL, 0, "truncate -s 0 '%s'", at(p.data, LABELS)), 0);
    expect_damage(&p, LABELS, "inside its header");
}

static void a_damaged_gzip_file_is_refused(void **state)
{
    (void)state;
    place p = fresh();
    assert_int_equal(test_shell(NULL, 0, "gzip '%s'", at(p.data, IMAGES)), 0);
    assert_int_equal(test_shell(NULL, 0, "truncate -s -4 '%s'", at(p.data, IMAGES ".gz")), 0);
    expect_damage(&p, IMAGES ".gz", "");
    p = fresh();
    assert_int_equal(test_shell(NULL, 0, "gzip '%s'", at(p.data, LABELS)), 0);
    poke(at(p.data, LABELS ".gz"), (long)bti_file_size(at(p.data, LABELS ".gz")) - 7,
         0x5a); /* checksum */
    expect_damage(&p, LABELS ".gz", "damaged");
}

static void a_header_cannot_promise_more_than_the_file_can_hold(void **state)
{
    (void)state;
    place p = fresh();
    poke(at(p.data, IMAGES), 4, 1); /* 16 million images */
    expect_damage(&p, IMAGES, "truncated");
    poke(at(p.data, IMAGES), 4, 0xff);
    expect_damage(&p, IMAGES, "samples; expected 1 to");
    p = fresh();
    poke(at(p.data, IMAGES), 8, 1);
    expect_damage(&p, IMAGES, "a side");
    p = fresh();
    poke(at(p.data, IMAGES), 15, 0);
    expect_damage(&p, IMAGES, "a side");
    p = fresh();
    poke(at(p.data, LABELS), 7, 0);
    expect_damage(&p, LABELS, "0 samples");
}

static void counts_of_images_and_labels_must_agree(void **state)
{
    (void)state;
    place p = fresh(), q = fresh();
    make_idx(q.data, "train", 39, 6, 5, 4);
    assert_int_equal(test_shell(NULL, 0, "cp '%s' '%s'", at(q.data, LABELS), at(p.data, LABELS)),
                     0);
    expect_damage(&p, IMAGES, "40 images but 39 labels");
}

static void a_label_out_of_range_is_refused(void **state)
{
    (void)state;
    place p = fresh();
    poke(at(p.data, LABELS), 20, 200);
    expect_damage(&p, LABELS, "label 200 is out of range");

    p = fresh();
    for (int i = 0; i < 40; i++)
        poke(at(p.data, LABELS), 8 + i, 0);
    expect_damage(&p, LABELS, "at least 2 classes");

    p = fresh();
    bti_test_data *t;
    bt_error err;
    poke(at(p.data, "t10k-labels-idx1-ubyte"), 9, 7);
    p.opt.cache_dir = p.cache;
    assert_int_equal(bti_test_open(&t, p.data, &p.opt, &err), BT_FORMAT);
    assert_non_null(strstr(err.text, "label 7 of sample 1 is out of range; expected 0 to 3"));
}

static void images_without_labels_are_refused(void **state)
{
    (void)state;
    place p = fresh();
    assert_int_equal(remove(at(p.data, LABELS)), 0);
    expect_damage(&p, p.data, "train-labels-idx1-ubyte[.gz] is missing");
}

static void fashion_mnist_opens_by_name(void **state)
{
    (void)state;
    if (!bti_is_dir("/usr/share/datasets/fashion-mnist")) {
        print_message("skipped: apt install dataset-fashion-mnist\n");
        skip();
    }
    place p = fresh();
    bti_data *d;
    bti_test_data *t;
    bt_error err;
    p.opt.cache_dir = p.cache;
    assert_ok(bti_data_open(&d, "fashion-mnist", &p.opt, &err), &err);
    assert_true(d->train.n == 60000 && d->train.h == 28 && d->train.w == 28 && d->train.c == 1);
    assert_int_equal(d->classes, 10);
    assert_string_equal(d->class_names[9], "Ankle boot");
    assert_true(d->mean[0] > 0.2860f && d->mean[0] < 0.2861f); /* the figures that everybody uses */
    assert_true(d->std[0] > 0.3530f && d->std[0] < 0.3531f);
    assert_int_equal(d->train.labels[0], 9);
    assert_ok(bti_test_open(&t, "fashion-mnist", &p.opt, &err), &err);
    assert_int_equal(t->set.n, 10000);
    bti_test_close(t);
    bti_data_close(d);
}

static void an_unknown_name_says_what_was_expected(void **state)
{
    (void)state;
    place p = fresh();
    bti_data *d;
    bt_error err;
    p.opt.cache_dir = p.cache;
    assert_int_equal(bti_data_open(&d, "fashion-minst", &p.opt, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "did you mean fashion-mnist?"));
    assert_non_null(strstr(err.text, "train/CLASS/*.jpg"));
    assert_int_equal(bti_data_open(&d, at(p.data, LABELS), &p.opt, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "is a file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_folder_opens_with_its_pixels_and_labels),
        cmocka_unit_test(square_images_keep_their_pixels),
        cmocka_unit_test(gzipped_files_give_the_same),
        cmocka_unit_test(labels_may_count_from_one),
        cmocka_unit_test(a_wrong_magic_names_what_was_expected),
        cmocka_unit_test(truncated_and_overlong_files_are_refused),
        cmocka_unit_test(a_damaged_gzip_file_is_refused),
        cmocka_unit_test(a_header_cannot_promise_more_than_the_file_can_hold),
        cmocka_unit_test(counts_of_images_and_labels_must_agree),
        cmocka_unit_test(a_label_out_of_range_is_refused),
        cmocka_unit_test(images_without_labels_are_refused),
        cmocka_unit_test(fashion_mnist_opens_by_name),
        cmocka_unit_test(an_unknown_name_says_what_was_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
