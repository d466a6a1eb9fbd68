/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam data import`: NumPy files that hold what training would see, or nothing at all.
 */
#include "make_data.h"

#include "base/json.h"
#include "data/dataset.h"

static data_place *fresh(void)
{
    data_place *p = fresh_place();
    for (int c = 0; c < 2; c++) {
        make_class(p->data, "train", c ? "dog" : "cat", 5 + c, 20, 14, 3);
        make_class(p->data, "test", c ? "dog" : "cat", 2, 9, 9, 3);
    }
    return p;
}

/* A .npy file of version 1.0 has its length at 8 and its header from 10 on. */
static char *read_npy(const char *path, const char *header, size_t *n)
{
    char *bytes;
    bt_error err;
    assert_ok(bti_file_read(path, 1 << 20, &bytes, n, &err), &err);
    assert_memory_equal(bytes, "\x93NUMPY\1\0", 8);
    bytes[127] = 0;
    assert_int_equal(bytes[8] + 10, 128);
    if (!strstr(bytes + 10, header))
        fail_msg("%s: the header is %s", path, bytes + 10);
    *n -= 128;
    return bytes;
}

static void the_files_hold_the_pixels_and_labels_that_training_sees(void **state)
{
    (void)state;
    data_place *p = fresh();
    bti_data *d;
    bti_test_data *t;
    bt_error err;
    size_t n;
    p->opt.size = 16;
    assert_ok(bt_data_import(p->data, p->out, &p->opt, &err), &err);
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_ok(bti_test_open(&t, p->data, &p->opt, &err), &err);

    char *train = read_npy(at(p->out, "train.npy"),
                           "'|u1', 'fortran_order': False, 'shape': (11, "
                           "16, 16, 3)",
                           &n);
    assert_int_equal(n, 11 * 16 * 16 * 3);
    assert_memory_equal(train + 128, d->train.pixels, n);
    char *labels = read_npy(at(p->out, "train-labels.npy"), "'<i4'", &n);
    assert_int_equal(n, 44);
    assert_memory_equal(labels + 128, d->train.labels, n);
    char *test = read_npy(at(p->out, "test.npy"), "(4, 16, 16, 3)", &n);
    assert_memory_equal(test + 128, t->set.pixels, n);
    assert_false(bti_is_file(at(p->out, "val.npy")));
    bti_free(train);
    bti_free(labels);
    bti_free(test);

    bti_json *m;
    assert_ok(bti_json_read(&m, at(p->out, "manifest.json"), &err), &err);
    assert_int_equal(bti_json_as_int(bti_json_get(m, "size"), 0), 16);
    assert_string_equal(bti_json_as_str(bti_json_at(bti_json_get(m, "classes"), 1), ""), "dog");
    assert_true((float)bti_json_as_num(bti_json_at(bti_json_get(m, "mean"), 2), 0) == d->mean[2]);
    bti_json_free(m);
    bti_test_close(t);
    bti_data_close(d);
}

static void refused(data_place *p, bt_status code, const char *reason)
{
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    assert_int_equal(bt_data_import(p->data, p->out, &p->opt, &err), code);
    if (!strstr(err.text, reason))
        fail_msg("\"%s\" does not contain \"%s\"", err.text, reason);
    assert_int_equal(bti_alloc_live(), live);
}

static void a_folder_with_something_in_it_is_left_alone(void **state)
{
    (void)state;
    data_place *p = fresh();
    bt_error err;
    assert_ok(bti_make_dirs(p->out, &err), &err);
    assert_ok(bti_file_write(at(p->out, "train.npy"), "mine", 4, &err), &err);
    refused(p, BT_INVAL, "the folder is not empty (train.npy)");
    assert_int_equal(bti_file_size(at(p->out, "train.npy")), 4);
    assert_ok(bti_remove_tree(at(p->out, "train.npy"), &err), &err);
    assert_ok(bt_data_import(p->data, p->out, &p->opt, &err), &err);
}

static void a_failed_import_leaves_nothing(void **state)
{
    (void)state;
    data_place *p = fresh();
    bt_error err;
    assert_ok(bti_file_write(at(p->data, "test/dog/x.png"), "no image", 8, &err), &err);
    refused(p, BT_FORMAT, "1 of 5 test images are unreadable");
    assert_false(bti_is_dir(p->out));
    assert_ok(bti_make_dirs(p->out, &err), &err);
    refused(p, BT_FORMAT, "1 of 5 test images are unreadable");
    assert_true(bti_is_dir(p->out)); /* it was there before */
    assert_int_equal(test_shell(NULL, 0, "ls '%s' | grep -q .", p->out), 1);
}

static void when_memory_runs_out_nothing_is_left_or_leaked(void **state)
{
    (void)state;
    data_place *p = fresh();
    bt_error err;
    bt_status rc = BT_NOMEM;
    p->opt.threads = 1;
    for (int64_t n = 1; rc && n < 5000; n += 1 + n / 40) {
        int64_t live = bti_alloc_live();
        assert_ok(bti_remove_tree(p->cache, &err), &err);
        bti_alloc_fail_at(n);
        rc = bt_data_import(p->data, p->out, &p->opt, &err);
        bti_alloc_fail_at(0);
        assert_true(!rc || rc == BT_NOMEM || rc == BT_FORMAT);
        assert_int_equal(bti_alloc_live(), live);
        assert_int_equal(bti_is_dir(p->out), rc == BT_OK);
    }
    assert_int_equal(rc, BT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_hold_the_pixels_and_labels_that_training_sees),
        cmocka_unit_test(a_folder_with_something_in_it_is_left_alone),
        cmocka_unit_test(a_failed_import_leaves_nothing),
        cmocka_unit_test(when_memory_runs_out_nothing_is_left_or_leaked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
