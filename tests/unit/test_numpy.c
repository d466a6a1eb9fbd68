/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder that `bantam data import` wrote is a data set: the same one as before, until somebody
 * spoils a file of it.
 */
#include "make_data.h"

#include "data/dataset.h"
#include "data/npy.h"

static data_place *imported(int size)
{
    data_place *p = fresh_place();
    bt_error err;
    for (int c = 0; c < 2; c++) {
        make_class(p->data, "train", c ? "dog" : "cat", 5 + c, 20, 14, 3);
        make_class(p->data, "val", c ? "dog" : "cat", 3, 9, 14, 3);
        make_class(p->data, "test", c ? "dog" : "cat", 2, 9, 9, 3);
    }
    p->opt.size = size;
    assert_ok(bt_data_import(p->data, p->out, &p->opt, &err), &err);
    return p;
}

static void what_was_imported_is_the_same_data_set(void **state)
{
    (void)state;
    data_place *p = imported(80);
    bti_data *before, *after;
    bti_test_data *t;
    bt_error err;
    assert_ok(bti_data_open(&before, p->data, &p->opt, &err), &err);
    p->opt.size = 0; /* kept, though it is above 64 */
    assert_ok(bti_data_open(&after, p->out, &p->opt, &err), &err);
    assert_int_equal(after->train.h, 80);
    assert_string_equal(after->class_names[1], "dog");
    assert_string_equal(before->fingerprint, after->fingerprint);
    assert_string_not_equal(before->key, after->key);
    assert_memory_equal(before->train.pixels, after->train.pixels, 11 * 80 * 80 * 3);
    assert_true(after->val.n == 6 && after->has_test && after->mean[2] == before->mean[2]);
    bti_data_close(before);
    bti_data_close(after);
    assert_ok(bti_test_open(&t, p->out, &p->opt, &err), &err);
    assert_int_equal(t->set.n, 4);
    bti_test_close(t);
    p->opt.size = 16;
    assert_ok(bti_data_open(&after, p->out, &p->opt, &err), &err);
    assert_int_equal(after->train.h, 16);
    bti_data_close(after);
}

static void the_fingerprint_follows_pixels_and_labels_of_train_and_val_only(void **state)
{
    (void)state;
    data_place *p = imported(16);
    bti_data *d;
    bt_error err;
    char first[BTI_HASH_HEX];
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    snprintf(first, sizeof(first), "%s", d->fingerprint);
    bti_data_close(d);

    make_class(p->data, "test", "cat", 3, 9, 9, 3);
    assert_int_equal(test_shell(NULL, 0, "touch '%s'/train/cat/*", p->data), 0);
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_string_equal(d->fingerprint, first);
    bti_data_close(d);

    assert_int_equal(
        test_shell(NULL, 0, "cd '%s/val' && mv cat x && mv dog cat && mv x dog", p->data), 0);
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_string_not_equal(d->fingerprint, first);
    bti_data_close(d);
}

static void refused(data_place *p, const char *where, const char *reason)
{
    bt_error err = {0};
    bti_data *d;
    int64_t live = bti_alloc_live();
    assert_int_equal(bti_data_open(&d, p->out, &p->opt, &err), BT_FORMAT);
    if (!strstr(err.text, reason) || !strstr(err.where, where))
        fail_msg("\"%s: %s\" is not \"%s: %s\"", err.where, err.text, where, reason);
    assert_int_equal(bti_alloc_live(), live);
}

static void write_manifest(const data_place *p, const char *text)
{
    bt_error err;
    assert_ok(bti_file_write(at(p->out, "manifest.json"), text, strlen(text), &err), &err);
}

static void spoiled_files_are_refused_by_name(void **state)
{
    (void)state;
    data_place *p = imported(16);
    bt_error err;
    int32_t labels[11] = {0, 1, 0, 1, 0, 1, 2};
    bti_npy_shape shape = {BTI_NPY_I32, 1, {11}};
    const char *path = at(p->out, "train-labels.npy");
    assert_ok(bti_npy_write(path, &shape, labels, &err), &err);
    refused(p, "train-labels.npy", "label 2 of image 6 is out of range; expected 0 to 1");
    shape.dim[0] = 10;
    assert_ok(bti_npy_write(path, &shape, labels, &err), &err);
    refused(p, "train-labels.npy", "expected int32 (11), a label an image");
    shape = (bti_npy_shape){BTI_NPY_U8, 4, {1, 2, 2, 3}};
    assert_ok(bti_npy_write(at(p->out, "val.npy"), &shape, labels, &err), &err);
    refused(p, "val.npy", "expected uint8 (n,16,16,3)");
    write_manifest(p, "{\"size\": 16, \"channels\": 2}");
    refused(p, "manifest.json", "not a manifest of bantam data import");
    write_manifest(p, "{");
    refused(p, "manifest.json", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_imported_is_the_same_data_set),
        cmocka_unit_test(the_fingerprint_follows_pixels_and_labels_of_train_and_val_only),
        cmocka_unit_test(spoiled_files_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
