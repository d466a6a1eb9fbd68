/* SPDX-License-Identifier: Apache-2.0
 *
 * Images that are damaged, foreign or unusual; conversions; writing.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/files.h"
#include "image/image.h"

#include <stdio.h>
#include <string.h>

static char dir[256];

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "%s", test_tmp_dir());
    return 0;
}

static const char *in_dir(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static const char *golden(const char *name)
{
    char rel[128];
    snprintf(rel, sizeof(rel), "tests/golden/image/%s", name);
    return test_source(rel);
}

/* A copy of a golden file cut to a share of its length. */
static const char *cut_copy(const char *name, double share)
{
    char *bytes;
    size_t n;
    bt_error err;
    assert_ok(bti_file_read(golden(name), 1 << 20, &bytes, &n, &err), &err);
    assert_ok(bti_file_write(in_dir("cut"), bytes, (size_t)(share * (double)n), &err), &err);
    bti_free(bytes);
    return in_dir("cut");
}

static void expect_refused(const char *path, const char *reason)
{
    bti_image im;
    bt_error err = {0};
    int64_t live = bti_alloc_live();
    assert_int_equal(bti_image_read(&im, path, 0, &err), BT_FORMAT);
    if (!strstr(err.text, reason))
        fail_msg("the reason \"%s\" does not contain \"%s\"", err.text, reason);
    assert_string_equal(err.where, path);
    assert_null(im.px);
    assert_int_equal(bti_alloc_live(), live);
}

static void a_truncated_image_is_refused(void **state)
{
    (void)state;
    expect_refused(cut_copy("s420.jpg", 0.9), "Premature end");
    expect_refused(cut_copy("progressive.jpg", 0.6), "Premature end");
    expect_refused(cut_copy("grey.jpg", 0.1), "damaged");
    expect_refused(cut_copy("rgb.png", 0.9), "ends too early");
    expect_refused(cut_copy("rgb.png", 0.05), "damaged");
    expect_refused(cut_copy("interlaced.png", 0.6), "ends too early");
    expect_refused(cut_copy("lossy.webp", 0.8), "pixels cannot be decoded or are cut off");
    expect_refused(cut_copy("clear.webp", 0.9), "the WebP is damaged");
    expect_refused(cut_copy("lossless.webp", 0.015), "it ends before its image");
}

static void an_animation_is_refused(void **state)
{
    (void)state;
    expect_refused(golden("animation.webp"), "is an animation; expected a single image");
}

static void an_empty_or_foreign_file_is_refused_with_the_expected_formats(void **state)
{
    bt_error err;
    (void)state;
    assert_ok(bti_file_write(in_dir("a.jpg"), "", 0, &err), &err);
    expect_refused(in_dir("a.jpg"), "empty");
    assert_ok(bti_file_write(in_dir("b.png"), "GIF89a........", 14, &err), &err);
    expect_refused(in_dir("b.png"), "JPEG, PNG, WebP");
}

static void a_missing_file_is_an_io_error(void **state)
{
    bti_image im;
    bt_error err;
    (void)state;
    assert_int_equal(bti_image_read(&im, in_dir("nothing.png"), 0, &err), BT_IO);
    assert_int_equal(bti_image_probe(in_dir("nothing.png"), &(int){0}, &(int){0}, &(int){0}, &err),
                     BT_IO);
}

static void a_flipped_bit_in_a_png_is_noticed(void **state)
{
    char *bytes;
    size_t n;
    bt_error err;
    (void)state;
    assert_ok(bti_file_read(golden("rgb.png"), 1 << 20, &bytes, &n, &err), &err);
    bytes[n / 2] ^= 4;
    assert_ok(bti_file_write(in_dir("flip.png"), bytes, n, &err), &err);
    bti_free(bytes);
    expect_refused(in_dir("flip.png"), "damaged");
}

static void huge_dimensions_are_refused_before_memory_is_taken(void **state)
{
    /* A header that promises 50000 x 50000 pixels; its checksum is right. */
    static const unsigned char bomb[] = {
        0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0,    0,    0,   13,  'I', 'H',
        'D',  'R',  0,    0,    0xc3, 0x50, 0,    0,    0xc3, 0x50, 8,   2,   0,   0,
        0,    0xc4, 0xcd, 0xaa, 0x9d, 0,    0,    0,    0,    'I',  'D', 'A', 'T'};
    bt_error err;
    (void)state;
    assert_ok(bti_file_write(in_dir("bomb.png"), bomb, sizeof(bomb), &err), &err);
    expect_refused(in_dir("bomb.png"), "50000x50000 pixels are more than the allowed");
}

static void the_content_decides_the_format_not_the_name(void **state)
{
    char *bytes;
    size_t n;
    bt_error err;
    bti_image im;
    (void)state;
    assert_ok(bti_file_read(golden("grey.jpg"), 1 << 20, &bytes, &n, &err), &err);
    assert_ok(bti_file_write(in_dir("really-a-jpeg.png"), bytes, n, &err), &err);
    bti_free(bytes);
    assert_ok(bti_image_read(&im, in_dir("really-a-jpeg.png"), 0, &err), &err);
    assert_int_equal(im.c, 1);
    bti_image_release(&im);
}

static void reading_converts_to_the_asked_channels(void **state)
{
    bti_image grey, colour, asked;
    bt_error err;
    (void)state;
    assert_ok(bti_image_read(&colour, golden("rgb.png"), 0, &err), &err);
    assert_ok(bti_image_convert(&grey, &colour, 1, &err), &err);
    assert_ok(bti_image_read(&asked, golden("rgb.png"), 1, &err), &err);
    assert_int_equal(asked.c, 1);
    assert_memory_equal(asked.px, grey.px, bti_image_bytes(&grey));
    assert_int_equal(grey.px[0],
                     (19595 * colour.px[0] + 38470 * colour.px[1] + 7471 * colour.px[2] + 32768) >>
                         16);
    bti_image_release(&asked);
    assert_ok(bti_image_convert(&asked, &grey, 3, &err), &err);
    assert_true(asked.px[0] == grey.px[0] && asked.px[1] == grey.px[0] &&
                asked.px[2] == grey.px[0]);
    bti_image_release(&asked);
    bti_image_release(&grey);
    bti_image_release(&colour);
}

static void a_written_png_reads_back_equal(void **state)
{
    bt_error err;
    (void)state;
    for (int c = 1; c <= 3; c += 2) {
        bti_image im, back;
        assert_ok(bti_image_new(&im, 13, 7, c, &err), &err);
        for (size_t i = 0; i < bti_image_bytes(&im); i++)
            im.px[i] = (uint8_t)(i * 37);
        assert_ok(bti_image_write_png(&im, in_dir("w.png"), &err), &err);
        assert_ok(bti_image_read(&back, in_dir("w.png"), 0, &err), &err);
        assert_true(back.w == 13 && back.h == 7 && back.c == c);
        assert_memory_equal(im.px, back.px, bti_image_bytes(&im));
        bti_image_release(&im);
        bti_image_release(&back);
    }
}

static void an_unwritable_png_is_an_error(void **state)
{
    bti_image im;
    bt_error err;
    (void)state;
    assert_ok(bti_image_new(&im, 2, 2, 1, &err), &err);
    memset(im.px, 0, 4);
    assert_int_equal(bti_image_write_png(&im, in_dir("no/such/folder.png"), &err), BT_IO);
    bti_image_release(&im);
}

static void every_failed_allocation_is_reported_and_nothing_leaks(void **state)
{
    static const char *const names[] = {"cmyk.jpg", "rgba.png"};
    bt_error err;
    (void)state;
    for (int k = 0; k < 2; k++) {
        bt_status rc = BT_NOMEM;
        for (int n = 1; rc != BT_OK; n++) {
            bti_image im, fit = {0};
            int64_t live = bti_alloc_live();
            assert_true(n < 200);
            bti_alloc_fail_at(n);
            rc = bti_image_read(&im, golden(names[k]), 0, &err);
            if (!rc)
                rc = bti_image_fit_square(&fit, &im, 9, &err);
            bti_alloc_fail_at(0);
            bti_image_release(&im);
            bti_image_release(&fit);
            assert_int_equal(bti_alloc_live(), live);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncated_image_is_refused),
        cmocka_unit_test(an_animation_is_refused),
        cmocka_unit_test(an_empty_or_foreign_file_is_refused_with_the_expected_formats),
        cmocka_unit_test(a_missing_file_is_an_io_error),
        cmocka_unit_test(a_flipped_bit_in_a_png_is_noticed),
        cmocka_unit_test(huge_dimensions_are_refused_before_memory_is_taken),
        cmocka_unit_test(the_content_decides_the_format_not_the_name),
        cmocka_unit_test(reading_converts_to_the_asked_channels),
        cmocka_unit_test(a_written_png_reads_back_equal),
        cmocka_unit_test(an_unwritable_png_is_an_error),
        cmocka_unit_test(every_failed_allocation_is_reported_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
