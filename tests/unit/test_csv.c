/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV lists of images: what is read, and that every mistake is named with its row.
 */
#include "make_data.h"

#include "data/dataset.h"

static data_place *fresh(void)
{
    data_place *p = fresh_place();
    for (uint32_t i = 0; i < 6; i++) {
        char rel[32];
        snprintf(rel, sizeof(rel), "img/%u.png", i);
        make_png(p->data, rel, 8, 8, 3, 100 + i);
    }
    return p;
}

static void assert_pixels(const data_place *p, const bti_dataset *set, int64_t i, const char *rel)
{
    bt_error err;
    bti_image im;
    assert_ok(bti_image_read(&im, at(p->data, rel), 0, &err), &err);
    assert_memory_equal(set->pixels + (size_t)i * 8 * 8 * 3, im.px, 8 * 8 * 3);
    bti_image_release(&im);
}

static void a_csv_file_is_a_training_set_with_paths_relative_to_it(void **state)
{
    (void)state;
    data_place *p = fresh();
    bti_data *d;
    bt_error err;
    char odd[512];
    snprintf(odd, sizeof(odd), "img/a, \"b\".png");
    make_png(p->data, odd, 8, 8, 3, 7);
    /* Byte order mark, CR LF, blanks, quotes, an empty row, another column, no last newline. */
    write_text(at(p->data, "list.csv"), "\xef\xbb\xbf"
                                        "label,path,who\r\n"
                                        "dog , img/0.png,x\r\n\r\n"
                                        "\"big, cat\",\"img/a, \"\"b\"\".png\" ,\r\n"
                                        "dog,img/2.png,\"\"");
    assert_ok(bti_data_open(&d, at(p->data, "list.csv"), &p->opt, &err), &err);
    assert_true(d->train.n == 3 && d->val.n == 0 && !d->has_test && d->classes == 2);
    assert_string_equal(d->class_names[0], "big, cat");
    assert_string_equal(d->class_names[1], "dog");
    assert_true(d->train.labels[0] == 1 && d->train.labels[1] == 0 && d->train.labels[2] == 1);
    assert_pixels(p, &d->train, 0, "img/0.png");
    assert_pixels(p, &d->train, 1, odd);
    bti_data_close(d);
}

static void a_folder_with_three_csv_files_has_three_splits(void **state)
{
    (void)state;
    data_place *p = fresh();
    bti_data *d;
    bti_test_data *t;
    bt_error err;
    char absolute[600];
    snprintf(absolute, sizeof(absolute), "path,label\n%s/img/5.png,b\n", p->data);
    write_text(at(p->data, "train.csv"), "path,label\nimg/0.png,b\nimg/1.png,a\n");
    write_text(at(p->data, "val.csv"), "path,label\nimg/2.png,b\n");
    write_text(at(p->data, "test.csv"), absolute);
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_true(d->train.n == 2 && d->val.n == 1 && d->has_test);
    assert_int_equal(d->val.labels[0], 1);
    char before[BTI_HASH_HEX];
    memcpy(before, d->key, sizeof(before));
    bti_data_close(d);
    assert_ok(bti_test_open(&t, p->data, &p->opt, &err), &err);
    assert_pixels(p, &t->set, 0, "img/5.png");
    bti_test_close(t);

    /* Another label is other data, though no image has changed. */
    write_text(at(p->data, "train.csv"), "path,label\nimg/0.png,a\nimg/1.png,b\n");
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_string_not_equal(d->key, before);
    assert_int_equal(d->train.labels[0], 0);
    bti_data_close(d);
}

static void refused(data_place *p, const char *text, int line, const char *reason)
{
    bti_data *d;
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    write_text(at(p->data, "train.csv"), text);
    assert_int_equal(bti_data_open(&d, p->data, &p->opt, &err), BT_FORMAT);
    if (!strstr(err.text, reason) || err.line != line)
        fail_msg("line %d \"%s\"; expected line %d \"%s\"", err.line, err.text, line, reason);
    assert_non_null(strstr(err.where, ".csv"));
    assert_int_equal(bti_alloc_live(), live);
}

static void every_mistake_is_named_with_its_row(void **state)
{
    (void)state;
    data_place *p = fresh();
    refused(p, "", 0, "the file is empty");
    refused(p, "\n\n", 0, "the file is empty");
    refused(p, "img/0.png,a\n", 1, "no column \"path\"; expected path,label");
    refused(p, "path,class\n", 1, "no column \"label\"");
    refused(p, "path,label\n", 0, "no row after the header");
    refused(p, "path,label\nimg/0.png,a\nimg/1.png\n", 3, "the row has 1 values, the header 2");
    refused(p, "path,label\n\nimg/0.png,a,b\n", 3, "a value with a comma needs quotes");
    refused(p, "path,label\nimg/0.png,\n", 2, "the label is empty");
    refused(p, "path,label\n\"\",b\n", 2, "the path is empty");
    refused(p, "path,label\nimg/0.png,\"a\nb\"\n", 2, "value 2: the quotes do not match");
    refused(p, "path,label\nimg/0.png,\"a\"b\n", 2, "value 2: the quotes do not match");
    refused(p, "path,label\nimg/0.png,a\nimg/1.png,a\n", 0, "every label is \"a\"");
    write_text(at(p->data, "val.csv"), "path,label\nimg/3.png,a\nimg/4.png,c\n");
    refused(p, "path,label\nimg/0.png,a\nimg/1.png,b\n", 3, "the label \"c\" is not in train");
}

static void a_missing_image_is_named_with_its_row(void **state)
{
    (void)state;
    data_place *p = fresh();
    bti_data *d;
    bt_error err = {0};
    write_text(at(p->data, "train.csv"), "path,label\nimg/0.png,a\nimg/nowhere.png,b\n");
    assert_int_equal(bti_data_open(&d, p->data, &p->opt, &err), BT_FORMAT);
    assert_non_null(strstr(err.text, "1 of 2 train images are unreadable"));
    assert_non_null(strstr(err.text, "train.csv:3 img/nowhere.png"));
}

static void a_file_that_is_no_csv_is_refused(void **state)
{
    (void)state;
    data_place *p = fresh();
    bti_data *d;
    bt_error err = {0};
    assert_int_equal(bti_data_open(&d, at(p->data, "img/0.png"), &p->opt, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "expected a .csv file"));
    err = (bt_error){0};
    assert_ok(bti_file_write(at(p->data, "zero.csv"), "path,label\0", 11, &err), &err);
    assert_int_equal(bti_data_open(&d, at(p->data, "zero.csv"), &p->opt, &err), BT_FORMAT);
    assert_non_null(strstr(err.text, "zero byte"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_csv_file_is_a_training_set_with_paths_relative_to_it),
        cmocka_unit_test(a_folder_with_three_csv_files_has_three_splits),
        cmocka_unit_test(every_mistake_is_named_with_its_row),
        cmocka_unit_test(a_missing_image_is_named_with_its_row),
        cmocka_unit_test(a_file_that_is_no_csv_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
