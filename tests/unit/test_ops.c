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
    uint8_t *other; /* px backwards: what is mixed in */
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
    p->other = malloc(bytes(p));
    p->out = malloc(bytes(p));
    p->scratch = malloc(bti_op_scratch(p->h, p->w, p->c));
    assert_true(p->px && p->other && p->out && p->scratch);
    for (int y = 0; y < p->h; y++)
        for (int x = 0; x < p->w; x++)
            for (int k = 0; k < p->c; k++) {
                uint32_t v = value_of(i / 2 % 5, next(&r), lo[k], span[k], x + y, p->h + p->w, k);
                p->px[at++] = (uint8_t)(v > 255 ? 255 : v);
            }
    for (size_t k = 0; k < at; k++)
        p->other[k] = p->px[at - 1 - k];
}

/* The application of an operation to the picture; draws are 0. */
static bti_op_image image_of(const picture *p)
{
    return (bti_op_image){.src = p->px,
                          .dst = p->out,
                          .h = p->h,
                          .w = p->w,
                          .c = p->c,
                          .scratch = p->scratch,
                          .partner = p->other};
}

static void run(bti_op op, double value, const picture *p)
{
    bti_op_image im = image_of(p);

    bti_op_apply(op, value, &im);
}

static void free_picture(picture *p)
{
    free(p->px);
    free(p->other);
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

/* "Rotate 30=hash -7.5=hash" or "Cutout 0.5@0.1,0.2=hash": value, perhaps draws, hash; returns the
 * number of results compared. */
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
        bti_op_image im = image_of(p);
        for (int k = 0; *end == '@' || *end == ','; k++)
            im.draw[k] = strtod(end + 1, &end);
        assert_int_equal(*end, '=');
        uint64_t want = strtoull(end + 1, &end, 16);
        memset(p->out, 0xa5, bytes(p));
        bti_op_apply(op, value, &im);
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
    assert_true(results > 10000);
}

static double value_in(char policy, bti_op op, int m, int levels, int h, int w, int sign)
{
    return policy == 't' ? bti_trivialaugment_value(op, m, levels, sign)
                         : bti_op_level(op, m, levels, h, w, sign);
}

static void magnitudes_of_rand_trivial_and_auto_augment_equal_torchvision_bin_for_bin(void **state)
{
    FILE *f = open_golden("tests/golden/augment_bins.txt");
    char line[4096], policy[16], name[32];
    int levels, h, w, is_signed, used, in_space[BTI_OP_COUNT] = {0}, rows = 0;
    bt_error err;

    (void)state;
    while (fgets(line, sizeof(line), f)) {
        bti_op op;
        if (sscanf(line, "%15s %31s %d %d %d %d%n", policy, name, &levels, &h, &w, &is_signed,
                   &used) != 6)
            continue;
        assert_ok(bti_op_parse(name, &op, &err), &err);
        assert_int_equal(bti_op_get(op)->is_signed, is_signed);
        in_space[op] |= policy[0] != 'a';
        rows++;
        char *at = line + used;
        bool factor =
            strcmp(bti_op_get(op)->unit ? bti_op_get(op)->unit : "", "enhancement factor") == 0;
        for (int m = 0; *at == ' '; m++) {
            double magnitude = strtod(at, &at);
            double want = factor ? 1.0 + magnitude : magnitude;
            double minus = factor ? 1.0 - magnitude : is_signed ? -magnitude : magnitude;
            double got = value_in(policy[0], op, m, levels, h, w, 1);
            if (got != want || value_in(policy[0], op, m, levels, h, w, -1) != minus)
                fail_msg("%s: %s bin %d of %d at %dx%d: %.17g, torchvision has %.17g", policy, name,
                         m, levels, h, w, got, want);
        }
    }
    fclose(f);
    assert_int_equal(rows, (14 + 3 * 2 + 14 + 14) + 3 * 14 + 2 * 14);
    for (int i = 0; i < BTI_RANDAUGMENT_OPS; i++)
        assert_int_equal(in_space[bti_randaugment_op(i)]--, 1);
    for (int op = 0; op < BTI_OP_COUNT; op++)
        assert_int_equal(in_space[op], 0);
}

static void translation_by_a_fraction_of_a_pixel_is_cut_to_whole_pixels(void **state)
{
    const uint8_t src[4] = {1, 2, 3, 4};
    uint8_t dst[4];
    bti_op_image im = {.src = src, .dst = dst, .h = 1, .w = 4, .c = 1};

    (void)state;
    bti_op_apply(BTI_OP_TRANSLATE_X, 1.99, &im);
    assert_memory_equal(dst, ((uint8_t[]){0, 1, 2, 3}), 4);
    bti_op_apply(BTI_OP_TRANSLATE_X, -1.99, &im);
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
            run((bti_op)op, info->identity, &p);
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
            run((bti_op)op, info->lo, &p);
            run((bti_op)op, info->hi, &p);
        }
        free_picture(&p);
    }
}

static bool covers(const uint8_t *px, int w, int x, int y)
{
    return px[y * w + x] == 128;
}

static void a_cutout_keeps_its_size_except_at_the_border(void **state)
{
    static const struct {
        double x, y;
        int x0, x1, y0, y1;
    } cases[] = {{0.5, 0.5, 8, 12, 8, 12}, {0.0, 0.99, 0, 2, 17, 20}, {0.999, 0.0, 17, 20, 0, 2}};
    uint8_t src[400] = {0}, dst[400];
    bti_op_image im = {.src = src, .dst = dst, .h = 20, .w = 20, .c = 1};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        im.draw[0] = cases[i].x;
        im.draw[1] = cases[i].y;
        bti_op_apply(BTI_OP_CUTOUT, 0.2, &im);
        for (int y = 0; y < 20; y++)
            for (int x = 0; x < 20; x++)
                assert_int_equal(covers(dst, 20, x, y), x >= cases[i].x0 && x < cases[i].x1 &&
                                                            y >= cases[i].y0 && y < cases[i].y1);
    }
}

/* a then b give the image back. */
static void undoes(bti_op a, double value_a, bti_op b, double value_b, picture *p)
{
    bti_op_image first = image_of(p), second = first;
    uint8_t *back = malloc(bytes(p));

    assert_non_null(back);
    second.src = p->out;
    second.dst = back;
    bti_op_apply(a, value_a, &first);
    bti_op_apply(b, value_b, &second);
    assert_memory_equal(back, p->px, bytes(p));
    free(back);
}

static void flips_and_quarter_turns_invert_exactly(void **state)
{
    picture p;

    (void)state;
    for (int i = 0; i < 12; i++) {
        make_picture(&p, i);
        undoes(BTI_OP_HORIZONTAL_FLIP, 0, BTI_OP_HORIZONTAL_FLIP, 0, &p);
        undoes(BTI_OP_VERTICAL_FLIP, 0, BTI_OP_VERTICAL_FLIP, 0, &p);
        undoes(BTI_OP_ROTATE, 180, BTI_OP_ROTATE, -180, &p);
        if (p.w == p.h) {
            undoes(BTI_OP_ROTATE, 90, BTI_OP_ROTATE, -90, &p);
            undoes(BTI_OP_ROTATE, 270, BTI_OP_ROTATE, 90, &p);
        }
        free_picture(&p);
    }
}

/* Where a point of the result comes from. */
static void source_of(const double m[9], double x, double y, double *sx, double *sy)
{
    double z = m[6] * x + m[7] * y + m[8];

    *sx = (m[0] * x + m[1] * y + m[2]) / z;
    *sy = (m[3] * x + m[4] * y + m[5]) / z;
}

/* A white block of 4 x 4 pixels on black: what is not black afterwards must come from it. */
static int follow_block(bti_op op, double value, bti_op_image *im, int bx, int by)
{
    double m[9], reach = 1;
    int seen = 0;

    for (int y = 0; y < im->h; y++)
        for (int x = 0; x < im->w; x++)
            ((uint8_t *)im->src)[y * im->w + x] =
                x >= bx && x < bx + 4 && y >= by && y < by + 4 ? 255 : 0;
    bti_op_apply(op, value, im);
    bti_op_get(op)->boxes.map(value, im, m);
    for (int i = 0; i < 5; i++) /* a resize looks this far */
        reach = fabs(m[i]) > reach ? fabs(m[i]) : reach;
    for (int y = 0; y < im->h; y++) {
        for (int x = 0; x < im->w; x++) {
            double sx, sy;
            int v = im->dst[y * im->w + x];
            source_of(m, x + 0.5, y + 0.5, &sx, &sy);
            bool near =
                sx > bx - reach && sx < bx + 4 + reach && sy > by - reach && sy < by + 4 + reach;
            bool deep = sx > bx + 1.01 && sx < bx + 2.99 && sy > by + 1.01 && sy < by + 2.99;
            if ((v > 0 && v != 114 && !near) || (deep && reach < 1.5 && v < 255))
                fail_msg("%s %g: pixel (%d, %d) is %d but comes from (%g, %g)", bti_op_name(op),
                         value, x, y, v, sx, sy);
            seen += v == 255;
        }
    }
    return seen;
}

static void maps_of_moving_operations_say_where_pixels_go(void **state)
{
    uint8_t src[40 * 52], dst[40 * 52];
    bti_rng rng = bti_rng_at(3, BTI_RNG_TEST, 0, 0, 0);
    void *scratch = malloc(bti_op_scratch(40, 52, 1));
    bti_op_image im = {.src = src, .dst = dst, .h = 40, .w = 52, .c = 1, .scratch = scratch};
    int moving = 0;

    (void)state;
    assert_non_null(scratch);
    for (int op = 0; op < BTI_OP_COUNT; op++) {
        const bti_op_info *info = bti_op_get((bti_op)op);
        assert_int_equal(info->boxes.effect == BTI_BOXES_MOVE, info->boxes.map != NULL);
        if (!info->boxes.map)
            continue;
        moving++;
        int seen = 0;
        for (int i = 0; i < 40; i++) {
            int sign = i % 2 ? 1 : -1;
            double value = bti_op_level((bti_op)op, i % 10, 10, im.h, im.w, sign);
            for (int k = 0; k < BTI_OP_DRAWS; k++)
                im.draw[k] = bti_rng_unit(&rng);
            seen += follow_block((bti_op)op, value, &im, 4 + (i * 7) % 40, 4 + (i * 5) % 28);
        }
        assert_true(seen > 40);
    }
    assert_int_equal(moving, 13);
    free(scratch);
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
        cmocka_unit_test(magnitudes_of_rand_trivial_and_auto_augment_equal_torchvision_bin_for_bin),
        cmocka_unit_test(translation_by_a_fraction_of_a_pixel_is_cut_to_whole_pixels),
        cmocka_unit_test(the_identity_value_of_every_operation_changes_nothing),
        cmocka_unit_test(the_ends_of_every_range_are_accepted),
        cmocka_unit_test(a_cutout_keeps_its_size_except_at_the_border),
        cmocka_unit_test(flips_and_quarter_turns_invert_exactly),
        cmocka_unit_test(maps_of_moving_operations_say_where_pixels_go),
        cmocka_unit_test(names_are_found_in_any_case_and_misspelt_ones_are_corrected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
