/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays of others: what NumPy writes is read, what is damaged or unusable is said.
 */
#include "support.h"

#include "base/alloc.h"
#include "data/npy.h"

#include <stdlib.h>
#include <string.h>

static bt_error err;

/* A file with this header text (version 1.0, or 2.0) and n data bytes 0, 1, 2, ... Static path. */
static const char *make(int version, const char *header, size_t n)
{
    static char path[300];
    unsigned char bytes[1024] = "\x93NUMPY";
    size_t len = strlen(header), from = version > 1 ? 12 : 10;
    snprintf(path, sizeof(path), "%s/x.npy", test_tmp_dir());
    bytes[6] = (unsigned char)version;
    bytes[8] = (unsigned char)(len & 255);
    bytes[9] = (unsigned char)(len >> 8);
    memcpy(bytes + from, header, len);
    for (size_t i = 0; i < n; i++)
        bytes[from + len + i] = (unsigned char)i;
    assert_ok(bti_file_write(path, bytes, from + len + n, &err), &err);
    return path;
}

static void arrays_of_versions_1_and_2_are_read_whatever_their_padding(void **state)
{
    static const char header[] =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 3), }   \n";
    (void)state;
    for (int version = 1; version <= 3; version++) {
        bti_map m;
        bti_npy_shape s;
        const void *data;
        assert_ok(bti_npy_open(&m, make(version, header, 24), &s, &data, &err), &err);
        assert_int_equal(s.type, BTI_NPY_F32);
        assert_int_equal(s.n_dims, 3);
        assert_true(s.dim[0] == 2 && s.dim[1] == 1 && s.dim[2] == 3);
        for (int i = 0; i < 24; i++)
            assert_int_equal(((const unsigned char *)data)[i], i);
        bti_map_close(&m);
    }
}

static void what_is_written_is_read_and_replaces_the_old_file(void **state)
{
    (void)state;
    const char *path = make(1, "not a header", 5);
    const float x[6] = {1, -2, 3.5f, 4, 5, 1e-30f};
    const bti_npy_shape shape = {BTI_NPY_F32, 2, {3, 2}};
    bti_map m;
    bti_npy_shape s;
    const void *data;
    assert_ok(bti_npy_write(path, &shape, x, &err), &err);
    assert_ok(bti_npy_open(&m, path, &s, &data, &err), &err);
    assert_true(s.type == BTI_NPY_F32 && s.n_dims == 2 && s.dim[0] == 3 && s.dim[1] == 2);
    assert_memory_equal(data, x, sizeof(x));
    bti_map_close(&m);
}

static void what_cannot_be_used_is_said(void **state)
{
    static const struct {
        const char *header;
        size_t n;
        const char *why;
    } bad[] = {
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", 16, "float32"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 8, "little-endian"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", 8, "ascontiguousarray"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4, "dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1), }", 4, "dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 8, "length"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 8, "length"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 8, "dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }", 8,
         "dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000000000,), }", 8,
         "dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2", 0, "dimensions"},
        {"{'descr': '<f4', 'fortran_order'", 0, "damaged"},
        {"", 0, "damaged"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bti_map m;
        bti_npy_shape s;
        const void *data;
        const char *path = make(1, bad[i].header, bad[i].n);
        assert_int_not_equal(bti_npy_open(&m, path, &s, &data, &err), BT_OK);
        if (bad[i].header[0]) /* an empty one is shorter than any header */
            assert_non_null(strstr(err.text, bad[i].why));
    }
}

/* Under the sanitizers: no byte past the end is read, whatever is cut off. */
static void every_cut_of_a_file_is_refused(void **state)
{
    static const char header[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n";
    char *text;
    size_t n;
    (void)state;
    const char *path = make(1, header, 6);
    assert_ok(bti_file_read(path, 1 << 20, &text, &n, &err), &err);
    for (size_t cut = 0; cut < n; cut++) {
        bti_map m;
        bti_npy_shape s;
        const void *data;
        assert_ok(bti_file_write(path, text, cut, &err), &err);
        assert_int_not_equal(bti_npy_open(&m, path, &s, &data, &err), BT_OK);
    }
    bti_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_of_versions_1_and_2_are_read_whatever_their_padding),
        cmocka_unit_test(what_is_written_is_read_and_replaces_the_old_file),
        cmocka_unit_test(what_cannot_be_used_is_said),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
