/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and resizing against what Pillow gives (tools/make_image_goldens.py), equal to the bit.
 */
#include "support.h"

#include "base/alloc.h"
#include "image/image.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t fnv(const uint8_t *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static void make_noise(bti_image *im, uint32_t seed, int w, int h, int c)
{
    bt_error err;
    assert_ok(bti_image_new(im, w, h, c, &err), &err);
    for (size_t i = 0; i < bti_image_bytes(im); i++) {
        seed = seed * 1664525u + 1013904223u;
        im->px[i] = (uint8_t)(seed >> 24);
    }
}

static FILE *open_golden(const char *name)
{
    char rel[64];
    snprintf(rel, sizeof(rel), "tests/golden/image/%s", name);
    FILE *f = fopen(test_source(rel), "r");
    assert_non_null(f);
    return f;
}

static void every_image_file_reads_as_in_pillow(void **state)
{
    (void)state;
    char name[64], rel[128];
    int w, h, c, n = 0;
    uint64_t hash;
    bt_error err;
    FILE *f = open_golden("files.txt");
    while (fscanf(f, "%63s %d %d %d %" SCNx64, name, &w, &h, &c, &hash) == 5) {
        bti_image im;
        int pw, ph, pc;
        snprintf(rel, sizeof(rel), "tests/golden/image/%s", name);
        assert_ok(bti_image_probe(test_source(rel), &pw, &ph, &pc, &err), &err);
        assert_ok(bti_image_read(&im, test_source(rel), 0, &err), &err);
        if (im.w != w || im.h != h || im.c != c || pw != w || ph != h || pc != c)
            fail_msg("%s: read %dx%dx%d, header %dx%dx%d, Pillow %dx%dx%d", name, im.w, im.h, im.c,
                     pw, ph, pc, w, h, c);
        if (fnv(im.px, bti_image_bytes(&im)) != hash)
            fail_msg("%s: pixels differ from Pillow's", name);
        bti_image_release(&im);
        n++;
    }
    fclose(f);
    assert_int_equal(n, 36);
}

static void resizing_equals_pillow_to_the_bit(void **state)
{
    (void)state;
    unsigned seed;
    int w, h, c, w2, h2, n = 0;
    uint64_t hash;
    bt_error err;
    FILE *f = open_golden("resize.txt");
    while (fscanf(f, "%u %d %d %d %d %d %" SCNx64, &seed, &w, &h, &c, &w2, &h2, &hash) == 7) {
        bti_image in, out;
        make_noise(&in, seed, w, h, c);
        assert_ok(bti_image_resize(&out, &in, w2, h2, &err), &err);
        assert_true(out.w == w2 && out.h == h2 && out.c == c);
        if (fnv(out.px, bti_image_bytes(&out)) != hash)
            fail_msg("%dx%dx%d to %dx%d differs from Pillow", w, h, c, w2, h2);
        bti_image_release(&in);
        bti_image_release(&out);
        n++;
    }
    fclose(f);
    assert_int_equal(n, 98);
}

static void fitting_a_square_pads_with_black_and_resizes(void **state)
{
    (void)state;
    unsigned seed;
    int w, h, c, side, n = 0;
    uint64_t hash;
    bt_error err;
    FILE *f = open_golden("square.txt");
    while (fscanf(f, "%u %d %d %d %d %" SCNx64, &seed, &w, &h, &c, &side, &hash) == 6) {
        bti_image in, out;
        make_noise(&in, seed, w, h, c);
        assert_ok(bti_image_fit_square(&out, &in, side, &err), &err);
        if (fnv(out.px, bti_image_bytes(&out)) != hash)
            fail_msg("%dx%dx%d to a square of %d differs from Pillow", w, h, c, side);
        bti_image_release(&in);
        bti_image_release(&out);
        n++;
    }
    fclose(f);
    assert_int_equal(n, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_image_file_reads_as_in_pillow),
        cmocka_unit_test(resizing_equals_pillow_to_the_bit),
        cmocka_unit_test(fitting_a_square_pads_with_black_and_resizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
