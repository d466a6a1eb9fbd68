/* SPDX-License-Identifier: Apache-2.0
 *
 * Every operation against torchvision 0.14 on Pillow 9.4, byte for byte
 * (tools/make_augment_goldens.py).
 */
#include "support.h"

#include "augment/augment.h"
#include "augment/policy_int.h"
#include "base/error.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the inputs, generated as in the script ---- */

typedef struct xorshift {
    uint64_t s;
} xorshift;

static uint32_t next(xorshift *r)
{
    r->s ^= r->s >> 12;
    r->s ^= r->s << 25;
    r->s ^= r->s >> 27;
    return (uint32_t)((r->s * 2685821657736338717u) >> 32);
}

typedef struct picture {
    int h, w, c;
    uint8_t *px, *out;
    void *scratch;
} picture;

static size_t bytes(const picture *p)
{
    return (size_t)p->h * (size_t)p->w * (size_t)p->c;
}

static uint32_t value_of(int style, uint32_t v, uint32_t lo, uint32_t span, int x_plus_y,
                         int h_plus_w, int k)
{
    switch (style) {
    case 0:
        return v & 255;
    case 1:
        return lo + span * (uint32_t)x_plus_y / (uint32_t)h_plus_w + v % 3;
    case 2:
        return (lo + span * (v % 4)) & 255;
    case 3:
        return v % 64 == 0 ? v / 64 & 255 : lo;
    default:
        return v % 40 + 20 * (uint32_t)k;
    }
}

static void make_picture(picture *p, int i)
{
    xorshift r = {(uint64_t)(i + 1) * 0x9E3779B97F4A7C15u};
    uint32_t lo[3], span[3];
    size_t at = 0;

    p->c = i % 2 ? 3 : 1;
    p->h = 1 + (int)(next(&r) % 47);
    p->w = 1 + (int)(next(&r) % 47);
    if (i % 25 == 7) {
        p->h += 60;
        p->w += 60;
    }
    if (i % 4 < 2)
        p->w = p->h;
    if (i >= 200) {
        p->h = i == 200 ? 9000 : 3;
        p->w = i == 200 ? 3 : 9000;
        p->c = 1;
    }
    for (int k = 0; k < 3; k++)
        lo[k] = next(&r) % 200;
    for (int k = 0; k < 3; k++)
        span[k] = next(&r) % 56 + 1;
    p->px = malloc(bytes(p));
    p->out = malloc(bytes(p));
    p->scratch = malloc(bti_op_scratch(p->h, p->w, p->c));
    assert_true(p->px && p->out && p->scratch);
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++)
            for (int k = 0; k < p->c; k++) {
                uint32_t v = value_of(i / 2 % 5, next(&r), lo[k], span[k], x + y, p->h + p->w, k);
                p->px[at++] = (uint8_t)(v > 255 ? 255 : v);
            }
}

static void free_picture(picture *p)
{
    free(p->px);
    free(p->out);
    free(p->scratch);
    *p = (picture){0};
}

static uint64_t fnv(const uint8_t *p, size_t n)
{
    uint64_t h = 0xCBF29CE484222325u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001B3u;
    return h;
}

/* ---- goldens ---- */

static FILE *open_golden(const char *name)
{
    FILE *f = fopen(test_source(name), "r");

    if (!f)
        fail_msg("cannot open %s", name);
    return f;
}

/* "Rotate 30=hash -7.5=hash ...": returns the number of results compared. */
static int check_line(char *line, picture *p, int image)
{
    bti_op op;
    bt_error err;
    int n = 0;
    char *at = strchr(line, ' ');

    assert_non_null(at);
    *at++ = 0;
    assert_ok(bti_op_parse(line, &op, &err), &err);
    while (*at && *at != '\n') {
        char *end;
        double value = strtod(at, &end);
        assert_int_equal(*end, '=');
        uint64_t want = strtoull(end + 1, &end, 16);
        memset(p->out, 0xa5, bytes(p));
        bti_op_apply(op, value, p->px, p->out, p->h, p->w, p->c, p->scratch);
        if (fnv(p->out, bytes(p)) != want)
            fail_msg("image %d (%dx%dx%d): %s %.17g differs from torchvision", image, p->h, p->w,
                     p->c, line, value);
        n++;
        at = *end == ' ' ? end + 1 : end;
    }
    return n;
}

static void every_operation_equals_torchvision_on_200_images(void **state)
{
    FILE *f = open_golden("tests/golden/augment_ops.txt");
    char line[1024];
    picture p = {0};
    int image = -1, images = 0, results = 0;

    (void)state;
    while (fgets(line, sizeof(line), f)) {
        int h, w, c;
        unsigned long long hash;
        if (line[0] == '#')
            continue;
        if (sscanf(line, "image %d %d %d %d %llx", &image, &h, &w, &c, &hash) == 5) {
            free_picture(&p);
            make_picture(&p, image);
            assert_true(p.h == h && p.w == w && p.c == c && fnv(p.px, bytes(&p)) == hash);
            images++;
            continue;
        }
        results += check_line(line, &p, image);
    }
    free_picture(&p);
    fclose(f);
    assert_int_equal(images, 202);
    assert_true(results > 7000);
}

static void randaugment_magnitudes_equal_torchvision_bin_for_bin(void **state)
{
    FILE *f = open_golden("tests/golden/augment_bins.txt");
    char line[4096], name[32];
    int levels, h, w, is_signed, used, in_space[BTI_OP_COUNT] = {0}, rows = 0;
    bt_error err;

    (void)state;
    while (fgets(line, sizeof(line), f)) {
        bti_op op;
        if (sscanf(line, "%31s %d %d %d %d%n", name, &levels, &h, &w, &is_signed, &used) != 5)
            continue;
        assert_ok(bti_op_parse(name, &op, &err), &err);
        assert_int_equal(bti_op_get(op)->is_signed, is_signed);
        in_space[op] = 1;
        rows++;
        char *at = line + used;
        bool factor =
            strcmp(bti_op_get(op)->unit ? bti_op_get(op)->unit : "", "enhancement factor") == 0;
        for (int m = 0; *at == ' '; m++) {
            double magnitude = strtod(at, &at);
            double want = factor ? 1.0 + magnitude : magnitude;
            double minus = factor ? 1.0 - magnitude : is_signed ? -magnitude : magnitude;
            double got = bti_randaugment_value(op, m, levels, h, w, 1);
            if (got != want || bti_randaugment_value(op, m, levels, h, w, -1) != minus)
                fail_msg("%s bin %d of %d at %dx%d: %.17g, torchvision has %.17g", name, m, levels,
                         h, w, got, want);
        }
    }
    fclose(f);
    assert_int_equal(rows, 14 + 3 * 2 + 14 + 14);
    for (int i = 0; i < BTI_RANDAUGMENT_OPS; i++)
        assert_int_equal(in_space[bti_randaugment_op(i)]--, 1);
    for (int op = 0; op < BTI_OP_COUNT; op++)
        assert_int_equal(in_space[op], 0);
}

static void translation_by_a_fraction_of_a_pixel_is_cut_to_whole_pixels(void **state)
{
    const uint8_t src[4] = {1, 2, 3, 4};
    uint8_t dst[4], scratch[64];

    (void)state;
    bti_op_apply(BTI_OP_TRANSLATE_X, 1.99, src, dst, 1, 4, 1, scratch);
    assert_memory_equal(dst, ((uint8_t[]){0, 1, 2, 3}), 4);
    bti_op_apply(BTI_OP_TRANSLATE_X, -1.99, src, dst, 1, 4, 1, scratch);
    assert_memory_equal(dst, ((uint8_t[]){2, 3, 4, 0}), 4);
}

static void the_identity_value_of_every_operation_changes_nothing(void **state)
{
    picture p;

    (void)state;
    for (int i = 0; i < 8; i++) {
        make_picture(&p, i);
        for (int op = 0; op < BTI_OP_COUNT; op++) {
            const bti_op_info *info = bti_op_get((bti_op)op);
            if (isnan(info->identity) && op != BTI_OP_IDENTITY)
                continue;
            memset(p.out, 0, bytes(&p));
            bti_op_apply((bti_op)op, info->identity, p.px, p.out, p.h, p.w, p.c, p.scratch);
            assert_memory_equal(p.px, p.out, bytes(&p));
        }
        free_picture(&p);
    }
}

static void the_ends_of_every_range_are_accepted(void **state)
{
    picture p;

    (void)state;
    for (int i = 0; i < 4; i++) {
        make_picture(&p, i);
        for (int op = 0; op < BTI_OP_COUNT; op++) {
            const bti_op_info *info = bti_op_get((bti_op)op);
            bti_op_apply((bti_op)op, info->lo, p.px, p.out, p.h, p.w, p.c, p.scratch);
            bti_op_apply((bti_op)op, info->hi, p.px, p.out, p.h, p.w, p.c, p.scratch);
        }
        free_picture(&p);
    }
}

static void names_are_found_in_any_case_and_misspelt_ones_are_corrected(void **state)
{
    bti_op op;
    bt_error err;

    (void)state;
    assert_ok(bti_op_parse("autocontrast", &op, &err), &err);
    assert_int_equal(op, BTI_OP_AUTO_CONTRAST);
    assert_int_equal(bti_op_parse("Sherpness", &op, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "'Sharpness'"));
    assert_int_equal(bti_op_parse("qqqqqqqqqqqqqq", &op, &err), BT_INVAL);
    assert_non_null(strstr(err.text, "augment list"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_equals_torchvision_on_200_images),
        cmocka_unit_test(randaugment_magnitudes_equal_torchvision_bin_for_bin),
        cmocka_unit_test(translation_by_a_fraction_of_a_pixel_is_cut_to_whole_pixels),
        cmocka_unit_test(the_identity_value_of_every_operation_changes_nothing),
        cmocka_unit_test(the_ends_of_every_range_are_accepted),
        cmocka_unit_test(names_are_found_in_any_case_and_misspelt_ones_are_corrected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
