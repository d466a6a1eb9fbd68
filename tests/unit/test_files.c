/* SPDX-License-Identifier: Apache-2.0
 *
 * Files: whole or not at all; folders; limits; maps.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/files.h"
#include <stdlib.h>
#include <unistd.h>

static void assert_holds(const char *path, const char *text)
{
    char *got;
    size_t n;
    bt_error e;
    assert_ok(bti_file_read(path, 1000, &got, &n, &e), &e);
    assert_string_equal(got, text);
    assert_int_equal(n, strlen(text));
    bti_free(got);
}

static void an_aborted_write_leaves_the_old_content(void **state)
{
    (void)state;
    bt_error e;
    bti_writer w;
    const char *dir = test_tmp_dir();
    char *path = bti_path_join(dir, "a.txt");
    assert_ok(bti_file_write(path, "old", 3, &e), &e);
    assert_ok(bti_writer_open(&w, path, &e), &e);
    fprintf(w.f, "new and longer");
    fflush(w.f);
    assert_holds(path, "old");
    bti_writer_abort(&w);
    bti_writer_abort(&w);
    assert_holds(path, "old");

    assert_ok(bti_writer_open(&w, path, &e), &e);
    fprintf(w.f, "new");
    assert_ok(bti_writer_commit(&w, &e), &e);
    bti_writer_abort(&w);
    assert_holds(path, "new");

    bti_names names;
    assert_ok(bti_list_dir(dir, &names, &e), &e);
    assert_int_equal(names.n, 1); /* no temporary file is left */
    bti_names_free(&names);
    bti_free(path);
}

static void a_write_into_a_missing_folder_says_where(void **state)
{
    (void)state;
    bt_error e;
    assert_int_equal(bti_file_write("/no/such/folder/x", "a", 1, &e), BT_IO);
    assert_string_equal(e.where, "/no/such/folder/x");
    assert_non_null(strstr(e.text, "No such file"));
}

static void a_file_over_the_limit_is_refused(void **state)
{
    (void)state;
    bt_error e;
    char *got;
    size_t n;
    char *path = bti_path_join(test_tmp_dir(), "b");
    assert_ok(bti_file_write(path, "12345", 5, &e), &e);
    assert_int_equal(bti_file_read(path, 4, &got, &n, &e), BT_FORMAT);
    assert_null(got);
    assert_ok(bti_file_read(path, 5, &got, &n, &e), &e);
    bti_free(got);
    bti_free(path);
}

static void folders_are_made_listed_by_bytes_and_removed_whole(void **state)
{
    (void)state;
    bt_error e;
    const char *dir = test_tmp_dir();
    char *deep = bti_path_join(dir, "x/y/z"), *x = bti_path_join(dir, "x");
    assert_ok(bti_make_dirs(deep, &e), &e);
    assert_ok(bti_make_dirs(deep, &e), &e);
    assert_true(bti_is_dir(deep));
    const char *names[] = {"b", "B", "a", ".hidden"};
    for (int i = 0; i < 4; i++) {
        char *p = bti_path_join(x, names[i]);
        assert_ok(bti_file_write(p, "", 0, &e), &e);
        assert_true(bti_is_file(p));
        assert_int_equal(bti_file_size(p), 0);
        bti_free(p);
    }
    char *file_as_folder = bti_path_join(x, "a/b");
    assert_int_equal(bti_make_dirs(file_as_folder, &e), BT_IO);
    bti_names list;
    assert_ok(bti_list_dir(x, &list, &e), &e);
    assert_int_equal(list.n, 4);
    assert_string_equal(list.name[0], "B");
    assert_string_equal(list.name[3], "y");
    bti_names_free(&list);

    char *link = bti_path_join(x, "link"), *outside = bti_path_join(dir, "outside");
    assert_ok(bti_file_write(outside, "keep", 4, &e), &e);
    assert_int_equal(symlink(dir, link), 0);
    assert_ok(bti_remove_tree(x, &e), &e);
    assert_ok(bti_remove_tree(x, &e), &e);
    assert_false(bti_is_dir(x));
    assert_holds(outside, "keep"); /* links are not followed */
    bti_free(link);
    bti_free(outside);
    bti_free(file_as_folder);
    bti_free(deep);
    bti_free(x);
}

static void a_map_shows_the_bytes_and_refuses_an_empty_file(void **state)
{
    (void)state;
    bt_error e;
    bti_map m;
    char *path = bti_path_join(test_tmp_dir(), "m");
    assert_ok(bti_file_write(path, "abc", 3, &e), &e);
    assert_ok(bti_map_open(&m, path, &e), &e);
    assert_int_equal(m.n, 3);
    assert_memory_equal(m.p, "abc", 3);
    bti_map_close(&m);
    bti_map_close(&m);
    assert_ok(bti_file_write(path, "", 0, &e), &e);
    assert_int_equal(bti_map_open(&m, path, &e), BT_FORMAT);
    bti_free(path);
}

static void a_path_ends_in_its_base(void **state)
{
    (void)state;
    assert_string_equal(bti_path_base("a/b.c"), "b.c");
    assert_string_equal(bti_path_base("b"), "b");
    char *p = bti_path_join("a/", "b");
    assert_string_equal(p, "a/b");
    bti_free(p);
    assert_true(bti_disk_free("/") > 0);
    assert_int_equal(bti_file_size("/no/such"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_aborted_write_leaves_the_old_content),
        cmocka_unit_test(a_write_into_a_missing_folder_says_where),
        cmocka_unit_test(a_file_over_the_limit_is_refused),
        cmocka_unit_test(folders_are_made_listed_by_bytes_and_removed_whole),
        cmocka_unit_test(a_map_shows_the_bytes_and_refuses_an_empty_file),
        cmocka_unit_test(a_path_ends_in_its_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
