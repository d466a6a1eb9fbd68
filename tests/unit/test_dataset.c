/* SPDX-License-Identifier: Apache-2.0
 *
 * The cache of decoded images: made once, found again, never half-made, and blind to the test
 * split.
 */
#include "make_data.h"

#include "base/threads.h"
#include "data/dataset.h"

#include <sys/wait.h>
#include <unistd.h>

static char data[256], cache[256];
static heard ears;
static bt_data_options opt;

/* root/train/{a,b}, root/val, root/test, and an empty cache. */
static int fresh(void **state)
{
    (void)state;
    snprintf(data, sizeof(data), "%s", test_tmp_dir());
    snprintf(cache, sizeof(cache), "%s", test_tmp_dir());
    for (int c = 0; c < 2; c++) {
        const char *name = c ? "b" : "a";
        make_class(data, "train", name, 6, 9, 9, 3);
        make_class(data, "val", name, 2, 9, 9, 3);
        make_class(data, "test", name, 3, 9, 9, 3);
    }
    ears = (heard){0};
    opt = bt_data_defaults();
    opt.cache_dir = cache;
    opt.progress = (bt_progress){hear, &ears};
    return 0;
}

static bti_data *opened(void)
{
    bti_data *d;
    bt_error err;
    ears = (heard){0};
    assert_ok(bti_data_open(&d, data, &opt, &err), &err);
    return d;
}

static void the_first_opening_reports_decoding_and_the_second_does_not_decode(void **state)
{
    (void)state;
    bti_data *d = opened();
    char key[BTI_HASH_HEX];
    memcpy(key, d->key, sizeof(key));
    assert_true(ears.decode >= 2);
    assert_true(ears.done == 4 && ears.total == 4); /* val came last */
    bti_data_close(d);

    d = opened();
    assert_int_equal(ears.decode, 0);
    assert_string_equal(d->key, key);
    assert_true(d->train.n == 12 && d->val.n == 4);
    bti_data_close(d);
}

static void an_entry_opens_by_its_key_without_its_images(void **state)
{
    (void)state;
    bt_error err;
    bti_data *d = opened(), *again, *none;
    int64_t bytes = d->train.n * d->train.h * d->train.w * d->train.c;
    assert_int_equal(test_shell(NULL, 0, "rm -r '%s/train'", data), 0);
    assert_ok(bti_data_open_entry(&again, data, d->key, &opt, &err), &err);
    assert_string_equal(again->key, d->key);
    assert_int_equal(again->classes, d->classes);
    assert_string_equal(again->class_names[1], d->class_names[1]);
    assert_memory_equal(again->mean, d->mean, sizeof(d->mean));
    assert_memory_equal(again->train.pixels, d->train.pixels, (size_t)bytes);
    assert_memory_equal(again->train.labels, d->train.labels, (size_t)d->train.n * sizeof(int32_t));
    assert_int_equal(again->val.n, d->val.n);
    assert_int_equal(
        bti_data_open_entry(&none, data, "00000000000000000000000000000000", &opt, &err), BT_IO);
    assert_null(none);
    bti_data_close(again);
    bti_data_close(d);
}

static void a_changed_added_or_touched_file_gives_a_new_key(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "cp '%s/train/a/000.png' '%s/train/a/new.png'",
        "touch -d '2001-02-03 04:05:06' '%s/train/a/000.png'",
        "cp --preserve=timestamps '%s/train/b/000.png' '%s/val/a/000.png'",
        "mv '%s/train/a/001.png' '%s/train/b/x01.png'",
    };
    char before[BTI_HASH_HEX];
    bti_data *d = opened();
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        memcpy(before, d->key, sizeof(before));
        bti_data_close(d);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        assert_int_equal(test_shell(NULL, 0, changes[i], data, data), 0);
#pragma GCC diagnostic pop
        d = opened();
        assert_string_not_equal(d->key, before);
        assert_true(ears.decode > 0);
    }
    bti_data_close(d);
}

static void another_size_is_another_entry(void **state)
{
    (void)state;
    bti_data *own = opened();
    assert_int_equal(own->train.h, 9);
    opt.size = 9;
    bti_data *asked = opened();
    assert_string_equal(asked->key, own->key); /* 0 had chosen 9 */
    opt.size = 5;
    bti_data *small = opened();
    assert_string_not_equal(small->key, own->key);
    assert_int_equal(small->train.h, 5);
    bti_data_close(own);
    bti_data_close(asked);
    bti_data_close(small);
}

static void nothing_that_learning_sees_depends_on_the_test_split(void **state)
{
    (void)state;
    bt_error err;
    bti_test_data *t;
    bti_data *d = opened();
    char key[BTI_HASH_HEX];
    memcpy(key, d->key, sizeof(key));
    bti_data_close(d);
    assert_ok(bti_test_open(&t, data, &opt, &err), &err);
    assert_int_equal(t->set.n, 6);
    bti_test_close(t);

    /* Labels permuted, a colour and a size changed, one image more: only the test split notices. */
    assert_int_equal(test_shell(NULL, 0, "cd '%s/test' && mv a x && mv b a && mv x b", data), 0);
    make_png(data, "test/a/big.png", 40, 50, 1, 3);
    d = opened();
    assert_int_equal(ears.decode, 0);
    assert_string_equal(d->key, key);
    assert_int_equal(d->train.h, 9);
    bti_data_close(d);
    assert_ok(bti_test_open(&t, data, &opt, &err), &err);
    assert_int_equal(t->set.n, 7);
    bti_test_close(t);
}

static void a_test_image_that_cannot_be_read_does_not_stop_learning(void **state)
{
    (void)state;
    bt_error err;
    bti_test_data *t;
    assert_int_equal(test_shell(NULL, 0, "echo x > '%s/test/a/000.png'", data), 0);
    bti_data_close(opened());
    assert_int_equal(ears.warn, 0);
    assert_int_equal(bti_test_open(&t, data, &opt, &err), BT_FORMAT);
    assert_non_null(strstr(err.text, "1 of 6 test images are unreadable"));
}

static void a_damaged_entry_is_made_again(void **state)
{
    (void)state;
    static const char *const harm[] = {
        "truncate -s -1 '%s'/*/train.npy",
        "echo 'not json' | tee '%s'/*/manifest.json > /dev/null",
        "rm '%s'/*/val-labels.npy",
        ("printf '\\377' | dd of=\"$(ls '%s'/*/train-labels.npy)\" bs=1 seek=131 conv=notrunc "
         "2>/dev/null"),
    };
    bti_data_close(opened());
    for (size_t i = 0; i < sizeof(harm) / sizeof(harm[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        assert_int_equal(test_shell(NULL, 0, harm[i], cache), 0);
#pragma GCC diagnostic pop
        bti_data *d = opened();
        assert_true(ears.decode > 0);
        assert_true(d->train.n == 12 && d->val.n == 4);
        bti_data_close(d);
        bti_data_close(opened());
        assert_int_equal(ears.decode, 0);
    }
}

static void two_processes_at_once_both_succeed(void **state)
{
    (void)state;
    pid_t child[3];
    for (int i = 0; i < 3; i++) {
        child[i] = fork(); /* before any parallel region of this process: see main */
        if (!child[i]) {
            bti_data *d;
            bt_error err;
            opt.threads = 1;
            bt_status rc = bti_data_open(&d, data, &opt, &err);
            bool ok = !rc && d->train.n == 12;
            bti_data_close(d);
            _exit(ok ? 0 : 1);
        }
    }
    for (int i = 0; i < 3; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(test_shell(NULL, 0, "test $(ls '%s' | wc -l) = 2", cache),
                     0); /* entry + survey */
}

static void what_a_killed_process_left_is_cleared_after_a_day(void **state)
{
    (void)state;
    assert_int_equal(
        test_shell(NULL, 0,
                   "mkdir '%s/new-dead' '%s/new-live' && touch -d '2 days ago' '%s/new-dead'",
                   cache, cache, cache),
        0);
    bti_data_close(opened());
    assert_false(bti_is_dir(at(cache, "new-dead")));
    assert_true(bti_is_dir(at(cache, "new-live")));
}

static void any_number_of_threads_gives_the_same_files(void **state)
{
    (void)state;
    bti_data *d[2];
    for (int i = 0; i < 2; i++) {
        char sub[280];
        snprintf(sub, sizeof(sub), "%s/%d", cache, i);
        opt.cache_dir = sub;
        opt.threads = i ? 4 : 1;
        d[i] = opened();
    }
    assert_memory_equal(d[0]->train.pixels, d[1]->train.pixels, 12 * 9 * 9 * 3);
    assert_memory_equal(d[0]->train.labels, d[1]->train.labels, 12 * 4);
    assert_true(d[0]->mean[2] == d[1]->mean[2] && d[0]->std[2] == d[1]->std[2]);
    bti_data_close(d[0]);
    bti_data_close(d[1]);
}

static void files_are_npy_1_0_with_aligned_data(void **state)
{
    (void)state;
    char out[256];
    bti_data *d = opened();
    assert_int_equal(
        test_shell(out, sizeof(out), "head -c 128 '%s/%s/train.npy' | tail -c +11", cache, d->key),
        0);
    assert_non_null(
        strstr(out, "{'descr': '|u1', 'fortran_order': False, 'shape': (12, 9, 9, 3), }"));
    assert_int_equal(out[117], '\n');
    assert_int_equal(test_shell(out, sizeof(out),
                                "head -c 128 '%s/%s/train-labels.npy' | tail -c +11", cache,
                                d->key),
                     0);
    assert_non_null(strstr(out, "{'descr': '<i4', 'fortran_order': False, 'shape': (12,), }"));
    bti_data_close(d);
}

static void a_cache_that_cannot_be_written_is_an_io_error(void **state)
{
    (void)state;
    bti_data *d;
    bt_error err;
    assert_int_equal(test_shell(NULL, 0, "touch '%s/file'", cache), 0);
    opt.cache_dir = at(cache, "file/below");
    assert_int_equal(bti_data_open(&d, data, &opt, &err), BT_IO);
    opt.cache_dir = NULL;
    assert_int_equal(bti_data_open(&d, data, &opt, &err), BT_INVAL);
}

static void every_failed_allocation_is_reported_and_nothing_leaks(void **state)
{
    (void)state;
    bt_status rc = BT_NOMEM;
    opt.threads = 1;
    for (int n = 1; rc != BT_OK; n += 1 + n / 50) {
        bti_data *d;
        bt_error err;
        int64_t live = bti_alloc_live();
        bti_alloc_fail_at(n);
        rc = bti_data_open(&d, data, &opt, &err);
        bti_alloc_fail_at(0);
        bti_data_close(d);
        assert_int_equal(bti_alloc_live(), live);
        assert_true(n < 100000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, since a child made by fork must not find a running OpenMP team. */
        cmocka_unit_test_setup(two_processes_at_once_both_succeed, fresh),
        cmocka_unit_test_setup(the_first_opening_reports_decoding_and_the_second_does_not_decode,
                               fresh),
        cmocka_unit_test_setup(an_entry_opens_by_its_key_without_its_images, fresh),
        cmocka_unit_test_setup(a_changed_added_or_touched_file_gives_a_new_key, fresh),
        cmocka_unit_test_setup(another_size_is_another_entry, fresh),
        cmocka_unit_test_setup(nothing_that_learning_sees_depends_on_the_test_split, fresh),
        cmocka_unit_test_setup(a_test_image_that_cannot_be_read_does_not_stop_learning, fresh),
        cmocka_unit_test_setup(a_damaged_entry_is_made_again, fresh),
        cmocka_unit_test_setup(what_a_killed_process_left_is_cleared_after_a_day, fresh),
        cmocka_unit_test_setup(any_number_of_threads_gives_the_same_files, fresh),
        cmocka_unit_test_setup(files_are_npy_1_0_with_aligned_data, fresh),
        cmocka_unit_test_setup(a_cache_that_cannot_be_written_is_an_io_error, fresh),
        cmocka_unit_test_setup(every_failed_allocation_is_reported_and_nothing_leaks, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
