/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders of images as people have them: splits, links, odd names, unreadable files.
 */
#include "make_data.h"

#include "data/dataset.h"

#include <unistd.h>

static void expect_refused(data_place *p, bt_status code, const char *reason)
{
    bti_data *d;
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    assert_int_equal(bti_data_open(&d, p->data, &p->opt, &err), code);
    assert_null(d);
    if (!strstr(err.text, reason))
        fail_msg("\"%s\" does not contain \"%s\"", err.text, reason);
    assert_int_equal(bti_alloc_live(), live);
    /* Nothing half-made stays in the cache. */
    assert_int_equal(test_shell(NULL, 0, "! ls '%s' | grep -q new-", p->cache), 0);
}

static void three_splits_are_found_and_the_test_split_opens_apart(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bti_test_data *t;
    bt_error err;
    for (int c = 0; c < 2; c++) {
        const char *name = c ? "dog" : "cat";
        make_class(p->data, "train", name, 5 + c, 16, 16, 3);
        make_class(p->data, "validation", name, 3, 16, 16, 3);
        make_class(p->data, "test", name, 2, 16, 16, 3);
    }
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_true(d->train.n == 11 && d->val.n == 6 && d->has_test);
    assert_true(d->train.h == 16 && d->train.c == 3 && d->classes == 2);
    assert_string_equal(d->class_names[0], "cat");
    assert_int_equal(d->train.labels[4], 0);
    assert_int_equal(d->train.labels[5], 1);
    assert_int_equal(test_shell(NULL, 0, "find '%s' -name 'test*' | grep -q .", p->cache), 1);

    bti_image first;
    assert_ok(bti_image_read(&first, at(p->data, "train/cat/000.png"), 0, &err), &err);
    assert_memory_equal(d->train.pixels, first.px, 16 * 16 * 3);
    bti_image_release(&first);

    assert_ok(bti_test_open(&t, p->data, &p->opt, &err), &err);
    assert_int_equal(t->set.n, 4);
    assert_int_equal(t->set.labels[3], 1);
    bti_test_close(t);
    bti_data_close(d);
}

static void class_folders_alone_are_all_train(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bti_test_data *t;
    bt_error err;
    make_class(p->data, "", "a", 4, 20, 10, 1);
    make_class(p->data, "", "b", 4, 12, 30, 1);
    write_text(at(p->data, "README.txt"), "not a class");
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_true(d->train.n == 8 && d->val.n == 0 && !d->has_test);
    assert_true(d->train.h == 32 && d->train.c == 1); /* sizes differ: 32; all grey: 1 channel */
    assert_string_equal(d->resize_rule, "pad-square+bilinear");
    assert_int_equal(d->train.pixels[0], 0); /* black bar above a wide image */
    bti_data_close(d);
    assert_int_equal(bti_test_open(&t, p->data, &p->opt, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "no test split"));
}

static void one_colour_image_makes_the_set_colour(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bt_error err;
    make_class(p->data, "", "a", 4, 8, 8, 1);
    make_class(p->data, "", "b", 1, 8, 8, 3);
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_int_equal(d->train.c, 3);
    assert_true(d->train.pixels[0] == d->train.pixels[1] &&
                d->train.pixels[1] == d->train.pixels[2]);
    bti_data_close(d);
}

static void a_size_can_be_asked_for(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bt_error err;
    make_class(p->data, "", "a", 2, 8, 8, 3);
    make_class(p->data, "", "b", 2, 8, 8, 3);
    p->opt.size = 20;
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_int_equal(d->train.h, 20);
    bti_data_close(d);
    p->opt.size = -1;
    expect_refused(p, BT_INVAL, "expected 1 to 1024");
}

static void links_to_folders_and_files_are_followed(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bt_error err;
    char real[256];
    snprintf(real, sizeof(real), "%s", test_tmp_dir());
    make_class(real, "x", "a", 3, 8, 8, 3);
    make_class(real, "x", "b", 3, 8, 8, 3);
    assert_ok(bti_make_dirs(at(p->data, "train/b"), &err), &err);
    assert_int_equal(symlink(at(real, "x/a"), at(p->data, "train/a")), 0);
    assert_int_equal(symlink(at(real, "x/b/001.png"), at(p->data, "train/b/link.png")), 0);
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_int_equal(d->train.n, 4);
    bti_data_close(d);

    char root[300];
    snprintf(root, sizeof(root), "%s/root-link", real);
    assert_int_equal(symlink(p->data, root), 0);
    assert_ok(bti_data_open(&d, root, &p->opt, &err), &err);
    assert_int_equal(d->train.n, 4);
    bti_data_close(d);
}

static void odd_names_and_extensions_are_read_and_hidden_ones_are_not(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bt_error err;
    make_png(p->data, "Z z/a b.PNG", 8, 8, 3, 1);
    make_png(p->data, "Z z/\xc3\xa9 'q\".JpG", 8, 8, 3, 2); /* a PNG inside, as it happens */
    make_png(p->data, "a%s/100%d.jpeg", 8, 8, 3, 3);
    make_png(p->data, "a%s/.hidden.png", 8, 8, 3, 4);
    make_png(p->data, ".git/x.png", 8, 8, 3, 5);
    make_png(p->data, "a%s/sub.png/x.png", 8, 8, 3, 6); /* a folder with an image's name */
    write_text(at(p->data, "a%s/notes.txt"), "x");
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_int_equal(d->train.n, 3);
    assert_int_equal(d->classes, 2);
    assert_string_equal(d->class_names[0], "Z z"); /* by byte: Z before a */
    assert_string_equal(d->class_names[1], "a%s");
    bti_data_close(d);
}

static void a_few_unreadable_images_are_left_out_with_a_warning(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bt_error err;
    make_class(p->data, "", "a", 99, 4, 4, 1);
    make_class(p->data, "", "b", 100, 4, 4, 1);
    write_text(at(p->data, "a/050x.jpg"), "this is no image");
    for (int again = 0; again < 2; again++) {
        p->heard = (heard){0};
        assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
        assert_int_equal(d->train.n, 199);
        assert_int_equal(d->train.labels[98], 0);
        assert_int_equal(d->train.labels[99], 1);
        assert_int_equal(p->heard.warn, 1);
        assert_non_null(strstr(p->heard.text, "1 unreadable train image"));
        assert_non_null(strstr(p->heard.text, "a/050x.jpg (not an image"));
        bti_image im;
        assert_ok(bti_image_read(&im, at(p->data, "a/051.png"), 0, &err), &err);
        assert_memory_equal(d->train.pixels + 51 * 16, im.px, 16); /* the gap is closed */
        bti_image_release(&im);
        bti_data_close(d);
    }
    write_text(at(p->data, "b/zz.png"), "");
    assert_int_equal(symlink("/nowhere/x.jpg", at(p->data, "b/zzz.jpg")), 0);
    expect_refused(p, BT_FORMAT,
                   "3 of 202 train images are unreadable (at most 1 % may be), first a/050x.jpg");
}

static void folders_that_cannot_be_learned_from_are_refused(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bt_error err;
    expect_refused(p, BT_FORMAT, "no class folders");
    make_class(p->data, "train", "a", 3, 8, 8, 1);
    expect_refused(p, BT_FORMAT, "only one class (\"a\")");
    assert_ok(bti_make_dirs(at(p->data, "train/b"), &err), &err);
    expect_refused(p, BT_FORMAT, "the class \"b\" has no image in train");
    make_class(p->data, "train", "b", 3, 8, 8, 1);
    assert_ok(bti_make_dirs(at(p->data, "test/a"), &err), &err);
    expect_refused(p, BT_FORMAT, "the test split has no images");
    make_class(p->data, "test", "c", 1, 8, 8, 1);
    expect_refused(p, BT_FORMAT, "the class \"c\" is in test but not in train");
    assert_ok(bti_remove_tree(at(p->data, "train"), &err), &err);
    expect_refused(p, BT_FORMAT, "there is a test folder but no train folder");
}

static void two_validation_folders_are_ambiguous(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    make_class(p->data, "train", "a", 1, 8, 8, 1);
    make_class(p->data, "train", "b", 1, 8, 8, 1);
    make_class(p->data, "val", "a", 1, 8, 8, 1);
    make_class(p->data, "valid", "a", 1, 8, 8, 1);
    expect_refused(p, BT_FORMAT, "both val and valid exist");
}

static void cifar_jpegs_open_from_the_shared_archive(void **state)
{
    (void)state;
    const char *archive = test_shared("data/cifar10-jpeg.tar.xz");
    if (!archive) {
        print_message("skipped: ../shared/data/cifar10-jpeg.tar.xz is not there\n");
        skip();
    }
    data_place *p = fresh_place();
    bti_data *d;
    bt_error err;
    assert_int_equal(test_shell(NULL, 0,
                                "tar xf '%s' -C '%s' --wildcards 'test/cat/00*' 'test/dog/00*' "
                                "--transform 's,^test/,train/,'",
                                archive, p->data),
                     0);
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_true(d->train.n == 200 && d->train.h == 32 && d->train.c == 3 && d->classes == 2);
    bti_data_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_splits_are_found_and_the_test_split_opens_apart),
        cmocka_unit_test(class_folders_alone_are_all_train),
        cmocka_unit_test(one_colour_image_makes_the_set_colour),
        cmocka_unit_test(a_size_can_be_asked_for),
        cmocka_unit_test(links_to_folders_and_files_are_followed),
        cmocka_unit_test(odd_names_and_extensions_are_read_and_hidden_ones_are_not),
        cmocka_unit_test(a_few_unreadable_images_are_left_out_with_a_warning),
        cmocka_unit_test(folders_that_cannot_be_learned_from_are_refused),
        cmocka_unit_test(two_validation_folders_are_ambiguous),
        cmocka_unit_test(cifar_jpegs_open_from_the_shared_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
