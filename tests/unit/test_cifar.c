/* SPDX-License-Identifier: Apache-2.0
 *
 * CIFAR's binary files, written here byte by byte as their web page describes them.
 */
#include "make_data.h"

#include "data/dataset.h"

#define PIXELS 3072

/* Record i: label (first + i) % classes; pixel byte k is (seed + i + k) % 251. */
static void make_batch(const char *path, int n, int label_bytes, int classes, int first, int seed)
{
    bt_error err;
    size_t one = (size_t)label_bytes + PIXELS;
    uint8_t *all = bti_calloc((size_t)n, one);
    assert_non_null(all);
    for (int i = 0; i < n; i++) {
        uint8_t *p = all + (size_t)i * one;
        p[0] = 77; /* CIFAR-100: the coarse label, which is not used */
        p[label_bytes - 1] = (uint8_t)((first + i) % classes);
        for (int k = 0; k < PIXELS; k++)
            p[label_bytes + k] = (uint8_t)((seed + i + k) % 251);
    }
    assert_ok(bti_file_write(path, all, (size_t)n * one, &err), &err);
    bti_free(all);
}

/* Pixel (y, x) of channel c is byte 1024 c + 32 y + x of the record. */
static void assert_record(const bti_dataset *set, int64_t i, int base)
{
    const uint8_t *px = set->pixels + (size_t)i * PIXELS;
    for (int k = 0; k < PIXELS; k++)
        assert_int_equal(px[k], (base + k % 3 * 1024 + k / 3) % 251);
}

static void cifar10_opens_with_its_names_and_batches_in_order(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bti_test_data *t;
    bt_error err;
    make_batch(at(p->data, "data_batch_1.bin"), 4, 1, 3, 0, 10);
    make_batch(at(p->data, "data_batch_2.bin"), 5, 1, 3, 1, 40);
    make_batch(at(p->data, "test_batch.bin"), 2, 1, 3, 2, 90);
    write_text(at(p->data, "batches.meta.txt"), "ship\ncat\r\nbird\n\n");
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_true(d->train.n == 9 && d->train.h == 32 && d->train.c == 3 && d->classes == 3);
    assert_true(d->has_test && d->val.n == 0);
    assert_string_equal(d->class_names[0], "ship"); /* the file's order: labels are its numbers */
    assert_string_equal(d->class_names[1], "cat");
    assert_true(d->train.labels[3] == 0 && d->train.labels[4] == 1 && d->train.labels[8] == 2);
    assert_record(&d->train, 0, 10);
    assert_record(&d->train, 8, 44);
    bti_data_close(d);
    assert_ok(bti_test_open(&t, p->data, &p->opt, &err), &err);
    assert_true(t->set.n == 2 && t->set.labels[0] == 2 && t->classes == 3);
    assert_record(&t->set, 1, 91);
    bti_test_close(t);
}

static void cifar100_uses_the_fine_label_and_digits_without_names(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d;
    bti_test_data *t;
    bt_error err;
    make_batch(at(p->data, "train.bin"), 12, 2, 12, 0, 5);
    make_batch(at(p->data, "test.bin"), 3, 2, 12, 9, 6);
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_true(d->train.n == 12 && d->classes == 12);
    assert_string_equal(d->class_names[11], "11");
    assert_int_equal(d->train.labels[11], 11);
    assert_record(&d->train, 7, 12);
    bti_data_close(d);
    assert_ok(bti_test_open(&t, p->data, &p->opt, &err), &err);
    assert_int_equal(t->set.labels[2], 11);
    bti_test_close(t);

    write_text(at(p->data, "fine_label_names.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n");
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    assert_string_equal(d->class_names[11], "l");
    bti_data_close(d);
}

static void refused(data_place *p, bt_status code, const char *reason)
{
    bti_data *d;
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    assert_int_equal(bti_data_open(&d, p->data, &p->opt, &err), code);
    if (!strstr(err.text, reason))
        fail_msg("\"%s\" does not contain \"%s\"", err.text, reason);
    assert_int_equal(bti_alloc_live(), live);
}

static void damaged_files_are_refused_by_name(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    make_batch(at(p->data, "data_batch_1.bin"), 3, 1, 2, 0, 0);
    write_text(at(p->data, "batches.meta.txt"), "only\n");
    refused(p, BT_FORMAT, "1 class names; at least 2");
    write_text(at(p->data, "batches.meta.txt"), "a\nb\n");
    poke(at(p->data, "data_batch_1.bin"), 2 * 3073, 9);
    refused(p, BT_FORMAT, "label 9 of record 2 is out of range; expected 0 to 1");
    write_text(at(p->data, "data_batch_1.bin"), "short");
    refused(p, BT_FORMAT, "5 bytes are not whole records of 3073 bytes");
    write_text(at(p->data, "data_batch_1.bin"), "");
    refused(p, BT_FORMAT, "0 bytes are not whole records");
}

static void a_test_label_that_train_has_not_is_refused(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_test_data *t;
    bt_error err = {0};
    make_batch(at(p->data, "data_batch_1.bin"), 4, 1, 2, 0, 0);
    make_batch(at(p->data, "test_batch.bin"), 3, 1, 3, 0, 0);
    assert_int_equal(bti_test_open(&t, p->data, &p->opt, &err), BT_FORMAT);
    assert_non_null(strstr(err.text, "label 2 of record 2 is out of range"));
    assert_non_null(strstr(err.where, "test_batch.bin"));
}

static void the_archive_gives_the_same_as_its_folder(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    bti_data *d, *a;
    bti_test_data *t;
    bt_error err;
    make_batch(at(p->data, "data_batch_1.bin"), 4, 1, 3, 0, 10);
    make_batch(at(p->data, "data_batch_2.bin"), 5, 1, 3, 1, 40);
    make_batch(at(p->data, "test_batch.bin"), 2, 1, 3, 2, 90);
    write_text(at(p->data, "batches.meta.txt"), "ship\ncat\nbird\n\n");
    write_text(at(p->data, "readme.html"), "<p>");
    assert_ok(bti_data_open(&d, p->data, &p->opt, &err), &err);
    /* As the original: a folder first, and the batches in no order. */
    assert_int_equal(test_shell(NULL, 0,
                                "cd '%s' && mkdir b && mv *.* b && tar czf c.tar.gz --no-recursion "
                                "b b/data_batch_2.bin b/batches.meta.txt b/test_batch.bin "
                                "b/readme.html b/data_batch_1.bin",
                                p->data),
                     0);
    const char *archive = at(p->data, "c.tar.gz");
    assert_ok(bti_data_open(&a, archive, &p->opt, &err), &err);
    assert_true(a->train.n == 9 && a->classes == 3 && a->has_test);
    assert_string_equal(a->class_names[2], "bird");
    assert_memory_equal(a->train.pixels, d->train.pixels, 9 * PIXELS);
    assert_memory_equal(a->train.labels, d->train.labels, 9 * 4);
    assert_ok(bti_test_open(&t, archive, &p->opt, &err), &err);
    assert_record(&t->set, 1, 91);
    bti_test_close(t);
    bti_data_close(d);

    /* What learning sees does not depend on what the test batch holds. */
    char key[BTI_HASH_HEX];
    memcpy(key, a->key, sizeof(key));
    bti_data_close(a);
    make_batch(at(p->data, "b/test_batch.bin"), 7, 1, 3, 0, 1);
    assert_int_equal(test_shell(NULL, 0,
                                "cd '%s' && tar czf c.tar.gz b/data_batch_2.bin "
                                "b/batches.meta.txt b/test_batch.bin b/data_batch_1.bin",
                                p->data),
                     0);
    assert_ok(bti_data_open(&a, archive, &p->opt, &err), &err);
    assert_string_equal(a->key, key);
    bti_data_close(a);
}

static void damaged_archives_are_refused(void **state)
{
    (void)state;
    data_place *p = fresh_place();
    char *bytes;
    size_t n;
    bt_error err;
    make_batch(at(p->data, "train.bin"), 6, 2, 3, 0, 10);
    write_text(at(p->data, "other.txt"), "x");
    assert_int_equal(test_shell(NULL, 0,
                                "cd '%s' && tar czf a.tgz train.bin && tar czf b.tgz other.txt",
                                p->data),
                     0);
    assert_ok(bti_file_read(at(p->data, "a.tgz"), 1 << 20, &bytes, &n, &err), &err);
    snprintf(p->data + strlen(p->data), 32, "/b.tgz");
    refused(p, BT_FORMAT, "has no training images; expected CIFAR's binary version");
    *strrchr(p->data, '/') = 0;
    assert_ok(bti_file_write(at(p->data, "c.tgz"), bytes, n - 5, &err), &err);
    assert_ok(bti_file_write(at(p->data, "d.tgz"), bytes, n / 2, &err), &err);
    bytes[n - 6] ^= 1; /* in the checksum */
    assert_ok(bti_file_write(at(p->data, "e.tgz"), bytes, n, &err), &err);
    assert_ok(bti_file_write(at(p->data, "f.tgz"), "not at all", 10, &err), &err);
    bti_free(bytes);
    for (const char *name = "cdef"; *name; name++) {
        snprintf(p->data + strlen(p->data), 32, "/%c.tgz", *name);
        refused(p, BT_FORMAT, "the archive is ");
        *strrchr(p->data, '/') = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cifar10_opens_with_its_names_and_batches_in_order),
        cmocka_unit_test(cifar100_uses_the_fine_label_and_digits_without_names),
        cmocka_unit_test(damaged_files_are_refused_by_name),
        cmocka_unit_test(a_test_label_that_train_has_not_is_refused),
        cmocka_unit_test(the_archive_gives_the_same_as_its_folder),
        cmocka_unit_test(damaged_archives_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
