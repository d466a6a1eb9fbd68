/* SPDX-License-Identifier: Apache-2.0
 *
 * .safetensors: what is written reads back; every damaged file is refused.
 */
#include "support.h"

#include "base/alloc.h"
#include "train/safetensors.h"
#include <stdbool.h>

static void written_tensors_read_back_with_their_metadata(void **state)
{
    (void)state;
    bt_error e;
    char *path = bti_path_join(test_tmp_dir(), "w.safetensors");
    const float a[6] = {1, 2, 3, 4, 5, -0.0f}, b[1] = {7};
    float back[6];
    const bti_stored tensors[] = {
        {.name = "conv.weight",
         .n_dims = 2,
         .dim = {2, 3},
         .size = 6,
         .data = (const unsigned char *)a},
        {.name = "scale", .n_dims = 0, .size = 1, .data = (const unsigned char *)b},
        {.name = "none", .n_dims = 1, .dim = {0}, .size = 0, .data = (const unsigned char *)b},
    };
    bti_json *meta = bti_json_object();
    bti_json_set_str(meta, "k", "v \"1\"");
    assert_ok(bti_safetensors_write(path, tensors, 3, meta, &e), &e);
    bti_json_free(meta);

    bti_safetensors s;
    assert_ok(bti_safetensors_open(&s, path, &e), &e);
    assert_int_equal(s.n, 3);
    assert_string_equal(bti_safetensors_meta(&s, "k"), "v \"1\"");
    assert_null(bti_safetensors_meta(&s, "other"));
    const bti_stored *t = bti_safetensors_find(&s, "conv.weight");
    assert_int_equal(t->n_dims, 2);
    assert_int_equal(t->dim[1], 3);
    assert_int_equal((t->data - s.map.p) % 64, 0);
    assert_ok(bti_safetensors_take(&s, path, "conv.weight", 6, back, &e), &e);
    assert_memory_equal(back, a, sizeof(a));
    assert_int_equal(bti_safetensors_take(&s, path, "conv.weight", 5, back, &e), BT_FORMAT);
    assert_int_equal(bti_safetensors_take(&s, path, "conv", 6, back, &e), BT_FORMAT);
    assert_non_null(strstr(e.text, "conv"));
    bti_safetensors_close(&s);
    bti_safetensors_close(&s);
    assert_int_equal(
        test_shell(
            NULL, 0,
            "/usr/bin/python3 -c 'import json,struct,sys; d=open(sys.argv[1],\"rb\").read(); "
            "n=struct.unpack(\"<Q\",d[:8])[0]; h=json.loads(d[8:8+n]); "
            "b,e=h[\"conv.weight\"][\"data_offsets\"]; "
            "assert h[\"conv.weight\"][\"dtype\"]==\"F32\"; "
            "assert struct.unpack(\"<6f\",d[8+n+b:8+n+e])==(1,2,3,4,5,0)' '%s' || ! test -x "
            "/usr/bin/python3",
            path),
        0);
    bti_free(path);
}

/* A file of a header text and n_data zero bytes. */
static bt_status open_made(const char *header, uint64_t length, size_t n_data, bt_error *e)
{
    bti_writer w;
    bti_safetensors s;
    char *path = bti_path_join(test_tmp_dir(), "x.safetensors");
    assert_ok(bti_writer_open(&w, path, e), e);
    assert_int_equal(fwrite(&length, 8, 1, w.f), 1);
    fputs(header, w.f);
    for (size_t i = 0; i < n_data; i++)
        fputc(0, w.f);
    assert_ok(bti_writer_commit(&w, e), e);
    bt_status rc = bti_safetensors_open(&s, path, e);
    bti_safetensors_close(&s);
    bti_free(path);
    return rc;
}

static void a_damaged_file_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t n_data;
        const char *word;
    } bad[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "outside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12, "no tensor"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "another size"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
         6, "overlaps"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
         12, "gap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}}", 4,
         "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,4]}}", 4,
         "size"},
        {"{\"a\":{\"dtype\":\"Q9\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "outside"},
        {"{\"a\":7}", 0, "dtype"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "header"},
        {"[1]", 0, "header"},
        {"{\"a\":", 0, "JSON"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bt_error e = {0};
        if (open_made(bad[i].header, strlen(bad[i].header), bad[i].n_data, &e) != BT_FORMAT)
            fail_msg("accepted: %s", bad[i].header);
        if (!strstr(e.text, bad[i].word))
            fail_msg("%s: %s", bad[i].header, e.text);
    }
    bt_error e = {0};
    assert_int_equal(open_made("{}", 3, 0, &e), BT_FORMAT);
    assert_int_equal(open_made("{}", UINT64_MAX, 0, &e), BT_FORMAT);
    assert_int_equal(open_made("{}", UINT64_MAX - 6, 0, &e), BT_FORMAT);
    assert_ok(open_made("{}", 2, 0, &e), &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_tensors_read_back_with_their_metadata),
        cmocka_unit_test(a_damaged_file_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
