/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk is full at every step of writing: creating, writing, syncing, renaming. The error names
 * the file and says why, the old file stays as it was, no temporary one is left.
 */
#include "fault_place.h"

#include "base/json.h"

#include <signal.h>
#include <sys/resource.h>

static void assert_file_is(const char *path, const char *text)
{
    char *now;
    size_t n;
    bt_error err;
    assert_ok(bti_file_read(path, 1 << 20, &now, &n, &err), &err);
    assert_string_equal(now, text);
    bti_free(now);
}

static bt_status write_new(void *user, bt_error *err)
{
    const place *p = user;
    bt_status rc = bti_file_write(p->file, "new", 3, err);
    assert_file_is(p->file, rc ? "old" : "new");
    return rc;
}

static void a_file_holds_the_old_or_the_new(void **state)
{
    place *p = *state;
    bt_error err;
    assert_ok(bti_file_write(p->file, "old", 3, &err), &err);
    assert_int_equal(each_write_fails(write_new, p, p->dir),
                     5); /* create write flush sync rename */
}

/* Not simulated: the kernel refuses to let a file grow past the limit in the middle of a write. */
static void a_write_cut_in_the_middle_leaves_the_old_file(void **state)
{
    place *p = *state;
    bt_error err = {0};
    struct rlimit old, small;
    static char big[1 << 20];
    memset(big, 'x', sizeof(big));
    assert_ok(bti_file_write(p->file, "old", 3, &err), &err);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){100000, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bt_status rc = bti_file_write(p->file, big, sizeof(big), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rc, BT_IO);
    assert_string_equal(err.where, p->file);
    assert_no_temporaries(p->dir);
    assert_file_is(p->file, "old");
}

static void an_import_is_whole_or_absent(void **state)
{
    place *p = *state;
    bt_error err;
    assert_true(each_write_fails(import_data, p, p->dir) > 10);
    assert_true(bti_is_file(at(p->out, "train.npy")));
    assert_ok(bti_remove_tree(p->out, &err), &err);
}

/* Decoding into the cache, training, writing the model. */
static bt_status decode_and_train(void *user, bt_error *err)
{
    bt_error ignored;
    assert_ok(bti_remove_tree(((place *)user)->cache, &ignored), &ignored);
    return train_from_nothing(user, err);
}

static bt_status train_over_a_model(void *user, bt_error *err)
{
    bt_status rc = train(user, err);
    bt_error other = {0};
    assert_ok(predict(user, &other), &other); /* the old model, or the new one */
    return rc;
}

static void a_model_directory_stays_usable(void **state)
{
    place *p = *state;
    bt_error err;
    assert_true(each_write_fails(decode_and_train, p, p->dir) > 20);
    assert_ok(predict(p, &err), &err);
    p->epochs = 2;
    assert_true(each_write_fails(train_over_a_model, p, p->dir) > 10);
}

static bt_status write_json(void *user, bt_error *err)
{
    bti_json *o = bti_json_object();
    bti_json_set_int(o, "n", 1);
    bt_status rc = bti_json_write(o, ((place *)user)->file, err);
    bti_json_free(o);
    if (rc)
        assert_file_is(((place *)user)->file, "old");
    return rc;
}

static bt_status apply_operation(void *user, bt_error *err)
{
    const place *p = user;
    return bt_augment_apply(&(bt_augment_op){.name = "Invert"}, at(p->photos, "train/cat/000.png"),
                            at(p->dir, "out.png"), err);
}

static void small_files_and_pictures(void **state)
{
    place *p = *state;
    bt_error err;
    assert_ok(bti_file_write(p->file, "old", 3, &err), &err);
    assert_true(each_write_fails(write_json, p, p->dir) >= 5);
    assert_true(each_write_fails(apply_operation, p, p->dir) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_holds_the_old_or_the_new),
        cmocka_unit_test(a_write_cut_in_the_middle_leaves_the_old_file),
        cmocka_unit_test(an_import_is_whole_or_absent),
        cmocka_unit_test(a_model_directory_stays_usable),
        cmocka_unit_test(small_files_and_pictures),
    };
    return cmocka_run_group_tests_name("a full disk", tests, make_place, NULL);
}
