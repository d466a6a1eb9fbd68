/* SPDX-License-Identifier: Apache-2.0
 *
 * The orientation tag in blocks that are odd, cut or damaged. Right blocks are judged by Pillow in
 * test_image_goldens.c.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/files.h"
#include "image/exif.h"

#include <string.h>

#define HEAD 12 /* start marker, APP1 marker, length, "Exif" 0 0 */

/* A JPEG's start with one EXIF block; returns its length. */
static size_t make_jpeg(uint8_t *out, const char *block, size_t n)
{
    memcpy(out, "\xff\xd8\xff\xe1\0\0Exif\0\0", HEAD);
    out[4] = (uint8_t)((n + 8) >> 8);
    out[5] = (uint8_t)(n + 8);
    memcpy(out + HEAD, block, n);
    memcpy(out + HEAD + n, "\xff\xda\0\2", 4);
    return HEAD + n + 4;
}

static int orientation(const char *block, size_t n)
{
    uint8_t jpeg[256];
    return bti_exif_orientation(jpeg, make_jpeg(jpeg, block, n));
}

#define ORIENTATION_OF(text) orientation(text, sizeof(text) - 1)

static void both_byte_orders_are_read(void **state)
{
    (void)state;
    assert_int_equal(ORIENTATION_OF("II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"), 6);
    assert_int_equal(ORIENTATION_OF("MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x08\0\0"), 8);
}

static void what_is_not_an_orientation_leaves_the_image_as_stored(void **state)
{
    (void)state;
    assert_int_equal(ORIENTATION_OF("II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x09\0\0\0"), 1);
    assert_int_equal(ORIENTATION_OF("II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\0\0\0\0"), 1);
    assert_int_equal(ORIENTATION_OF("II*\0\x08\0\0\0\1\0\x12\1\2\0\1\0\0\0\6\0\0\0"), 1); /* text */
    assert_int_equal(ORIENTATION_OF("II*\0\x08\0\0\0\1\0\x13\1\3\0\1\0\0\0\6\0\0\0"),
                     1); /* other */
    assert_int_equal(ORIENTATION_OF("II+\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"), 1);
    assert_int_equal(ORIENTATION_OF("XX*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"), 1);
    assert_int_equal(ORIENTATION_OF("II*\0\xff\xff\xff\xff\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"), 1);
    assert_int_equal(ORIENTATION_OF("II*\0\x08\0\0\0\xff\xff\x13\1\3\0\1\0\0\0\6\0\0\0"), 1);
    assert_int_equal(ORIENTATION_OF(""), 1);
    assert_int_equal(bti_exif_orientation((const uint8_t *)"\xff\xd8\xff\xe1\0\1Exif", 10), 1);
    assert_int_equal(bti_exif_orientation(NULL, 0), 1);
}

/* Each copy has its own exact block of memory: reading one byte too many is a sanitizer's finding.
 */
static void cut_and_damage(const char *golden, int (*read)(const uint8_t *, size_t), int expected)
{
    char *all;
    size_t n;
    bt_error err;
    assert_ok(bti_file_read(test_source(golden), 1 << 20, &all, &n, &err), &err);
    assert_int_equal(read((uint8_t *)all, n), expected);
    for (size_t cut = 0; cut < n; cut += cut < 200 || cut + 50 > n ? 1 : 37) {
        uint8_t *part = bti_malloc(cut);
        assert_non_null(part);
        memcpy(part, all, cut);
        int whole = read(part, cut);
        assert_true(whole == 1 || whole == expected);
        for (size_t at = 0; at < cut && at < 80; at++) {
            static const uint8_t values[] = {0, 1, 0x7f, 0xff};
            for (size_t v = 0; v < sizeof(values); v++) {
                part[at] = values[v];
                int way = read(part, cut);
                assert_true(way >= 1 && way <= 8);
            }
            part[at] = (uint8_t)all[at];
        }
        bti_free(part);
    }
    bti_free(all);
}

static void cut_and_damaged_files_are_read_within_their_bytes(void **state)
{
    (void)state;
    cut_and_damage("tests/golden/image/exif6.jpg", bti_exif_orientation, 6);
    cut_and_damage("tests/golden/image/exif5.png", bti_exif_orientation_png, 5);
    cut_and_damage("tests/golden/image/exif6.webp", bti_exif_orientation_webp, 6);
}

static void turning_there_and_back_gives_the_same_pixels(void **state)
{
    static const int back[9] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    bti_image im, copy;
    bt_error err;
    (void)state;
    assert_ok(bti_image_new(&im, 5, 3, 3, &err), &err);
    for (size_t i = 0; i < bti_image_bytes(&im); i++)
        im.px[i] = (uint8_t)(i * 5);
    for (int way = 1; way <= 8; way++) {
        assert_ok(bti_image_copy(&copy, &im, &err), &err);
        assert_ok(bti_image_orient(&copy, way, &err), &err);
        assert_int_equal(copy.w, way >= 5 ? 3 : 5);
        assert_true(way == 1 || memcmp(copy.px, im.px, bti_image_bytes(&im)) != 0);
        assert_ok(bti_image_orient(&copy, back[way], &err), &err);
        assert_true(copy.w == 5 && copy.h == 3);
        assert_memory_equal(copy.px, im.px, bti_image_bytes(&im));
        bti_image_release(&copy);
    }
    bti_alloc_fail_at(1);
    assert_int_equal(bti_image_orient(&im, 6, &err), BT_NOMEM);
    bti_alloc_fail_at(0);
    assert_true(im.w == 5 && im.px[1] == 5);
    bti_image_release(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_byte_orders_are_read),
        cmocka_unit_test(what_is_not_an_orientation_leaves_the_image_as_stored),
        cmocka_unit_test(cut_and_damaged_files_are_read_within_their_bytes),
        cmocka_unit_test(turning_there_and_back_gives_the_same_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
