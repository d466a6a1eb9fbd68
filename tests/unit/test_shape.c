/* SPDX-License-Identifier: Apache-2.0
 *
 * Boxes go where the pixels go: every operation of the table on marked pixels, exact inverses,
 * identity, clipping, and the rules that drop a box.
 */
#include "support.h"

#include "augment/shape.h"

#include "augment/augment.h"
#include "base/alloc.h"
#include <string.h>

#define W 40
#define H 32

static bti_shape shape_of(double x0, double y0, double x1, double y1)
{
    bti_shape s;

    bti_shape_init(&s, &(bti_box){.x0 = x0, .y0 = y0, .x1 = x1, .y1 = y1});
    return s;
}

static const bti_box_rules keep_all = {0, 0, false};

static bti_box box_of(const bti_shape *s)
{
    bti_box b = {0};

    assert_true(bti_shape_box(s, &keep_all, &b));
    return b;
}

static void assert_box(const bti_shape *s, double x0, double y0, double x1, double y1)
{
    bti_box b = box_of(s);

    if (b.x0 != x0 || b.y0 != y0 || b.x1 != x1 || b.y1 != y1)
        fail_msg("the box is (%.17g %.17g %.17g %.17g), expected (%g %g %g %g)", b.x0, b.y0, b.x1,
                 b.y1, x0, y0, x1, y1);
}

/* Moves by one operation on an image of w x h. */
static void move(bti_shape *s, bti_op op, double value, bti_op_image *im)
{
    double m[9];

    bti_op_get(op)->boxes.map(value, im, m);
    bti_shape_move(s, m, (bti_rect){0, 0, im->w, im->h});
}

/* Every white pixel of im->dst has its centre in the box. Resampled edges lie within half a pixel.
 */
static void assert_holds_white(bti_op op, double value, const bti_op_image *im, const bti_shape *s)
{
    bool resamples =
        op == BTI_OP_RANDOM_CROP || op == BTI_OP_RANDOM_RESIZED_CROP || op == BTI_OP_LETTERBOX;
    double slack = resamples ? 0.5 : 0.01;
    bti_box b = {0};
    bool some = bti_shape_box(s, &keep_all, &b);

    if (some)
        assert_true(b.x0 >= 0 && b.y0 >= 0 && b.x1 <= W && b.y1 <= H);
    for (int i = 0; i < W * H; i++) {
        double x = i % W + 0.5, y = i / W + 0.5;
        if (im->dst[i] != 255 || (some && x >= b.x0 - slack && x <= b.x1 + slack &&
                                  y >= b.y0 - slack && y <= b.y1 + slack))
            continue;
        fail_msg("%s %g: the marked pixel at (%g, %g) is not in (%g %g %g %g)", bti_op_name(op),
                 value, x, y, b.x0, b.y0, b.x1, b.y1);
    }
}

static void marked_pixels_stay_in_the_moved_box_under_every_operation(void **state)
{
    (void)state;
    static uint8_t src[W * H], dst[W * H];
    void *scratch = bti_malloc(bti_op_scratch(H, W, 1));
    bti_op_image im = {src, dst, H, W, 1, scratch, {0}, NULL};
    bti_rng rng = bti_rng_at(1, BTI_RNG_TEST, 0, 0, 0);
    int moved = 0;

    for (int round = 0; round < 60 * BTI_OP_COUNT; round++) {
        bti_op op = (bti_op)(round % BTI_OP_COUNT);
        const bti_op_info *info = bti_op_get(op);
        if (info->boxes.effect != BTI_BOXES_MOVE)
            continue;
        int x0 = (int)bti_rng_below(&rng, W - 6), y0 = (int)bti_rng_below(&rng, H - 6);
        int x1 = x0 + 5 + (int)bti_rng_below(&rng, (uint32_t)(W - x0 - 5));
        int y1 = y0 + 5 + (int)bti_rng_below(&rng, (uint32_t)(H - y0 - 5));
        double t = bti_rng_unit(&rng), scale = info->levels.scale == BTI_SCALE_ONE ? 1 : W;
        double at = scale * (info->levels.from + t * (info->levels.to - info->levels.from));
        double value = info->is_signed ? info->identity + (round & 64 ? at : -at) : at;
        if (op == BTI_OP_ROTATE)
            value *= 6; /* all around */
        memset(src, 0, sizeof(src));
        for (int y = y0; y < y1; y++)
            memset(src + y * W + x0, 255, (size_t)(x1 - x0));
        for (int i = 0; i < BTI_OP_DRAWS; i++)
            im.draw[i] = bti_rng_unit(&rng);
        bti_op_apply(op, value, &im);
        bti_shape s = shape_of(x0, y0, x1, y1);
        move(&s, op, value, &im);
        assert_holds_white(op, value, &im, &s);
        moved++;
    }
    assert_true(moved > 500);
    bti_free(scratch);
}

static void an_operation_of_no_strength_leaves_every_box_alone(void **state)
{
    (void)state;
    bti_op_image im = {.h = H, .w = W, .c = 1, .draw = {0.3, 0.9, 0.1, 0.7, 0.2, 0.5, 0.6, 0.8}};

    for (int op = 0; op < BTI_OP_COUNT; op++) {
        const bti_op_info *info = bti_op_get((bti_op)op);
        if (info->boxes.effect != BTI_BOXES_MOVE || !isfinite(info->identity))
            continue;
        bti_shape s = shape_of(3.25, 4.5, 17, 21.125);
        move(&s, (bti_op)op, info->identity, &im);
        assert_box(&s, 3.25, 4.5, 17, 21.125);
        assert_true(s.visible == 1 && !s.cut);
    }
}

static void flips_and_quarter_turns_invert_exactly(void **state)
{
    (void)state;
    bti_op_image im = {.h = H, .w = H, .c = 1};
    bti_shape s = shape_of(3.25, 4.5, 17, 21.125);

    move(&s, BTI_OP_HORIZONTAL_FLIP, 0, &im);
    assert_box(&s, H - 17, 4.5, H - 3.25, 21.125);
    move(&s, BTI_OP_VERTICAL_FLIP, 0, &im);
    move(&s, BTI_OP_HORIZONTAL_FLIP, 0, &im);
    move(&s, BTI_OP_VERTICAL_FLIP, 0, &im);
    assert_box(&s, 3.25, 4.5, 17, 21.125);
    move(&s, BTI_OP_ROTATE, 90, &im); /* counter-clockwise: the right side comes to the top */
    assert_box(&s, 4.5, H - 17, 21.125, H - 3.25);
    move(&s, BTI_OP_ROTATE, -90, &im);
    assert_box(&s, 3.25, 4.5, 17, 21.125);
    for (int i = 0; i < 4; i++)
        move(&s, BTI_OP_ROTATE, 90, &im);
    assert_box(&s, 3.25, 4.5, 17, 21.125);
    im.w = W;
    move(&s, BTI_OP_ROTATE, 180, &im);
    assert_box(&s, W - 17, H - 21.125, W - 3.25, H - 4.5);
    assert_true(s.visible == 1 && !s.cut);
}

static void what_leaves_the_image_is_cut_and_does_not_come_back(void **state)
{
    (void)state;
    bti_op_image im = {.h = H, .w = W, .c = 1};
    bti_shape s = shape_of(30, 10, 38, 20);
    bti_box b = {0};

    move(&s, BTI_OP_TRANSLATE_X, 6, &im);
    assert_box(&s, 36, 10, 40, 20);
    assert_true(s.visible == 0.5 && s.cut);
    move(&s, BTI_OP_TRANSLATE_X, -6, &im);
    assert_box(&s, 30, 10, 34, 20);
    assert_true(bti_shape_box(&s, &(bti_box_rules){0.5, 4, false}, &b) && b.truncated);
    assert_false(bti_shape_box(&s, &(bti_box_rules){0.51, 0, false}, &b));
    assert_false(bti_shape_box(&s, &(bti_box_rules){0, 4.5, false}, &b));
    move(&s, BTI_OP_TRANSLATE_Y, 40, &im);
    assert_false(bti_shape_box(&s, &keep_all, &b));
}

static void a_painted_part_counts_as_hidden_and_is_what_the_operation_paints(void **state)
{
    (void)state;
    static uint8_t src[W * H], dst[W * H];
    void *scratch = bti_malloc(bti_op_scratch(H, W, 1));
    bti_op_image im = {src, dst, H, W, 1, scratch, {0.5, 0.9, 0.3, 0.6, 0.2}, NULL};
    int r[4];

    bti_op_get(BTI_OP_CUTOUT)->boxes.rect(0.5, &im, r);
    bti_op_apply(BTI_OP_CUTOUT, 0.5, &im);
    for (int i = 0; i < W * H; i++)
        assert_int_equal(dst[i] == 128,
                         i % W >= r[0] && i % W < r[2] && i / W >= r[1] && i / W < r[3]);
    bti_shape s = shape_of(r[0] - 8, r[1], r[0] + 8, r[3]);
    bti_shape_hide(&s, (bti_rect){r[0], r[1], r[2], r[3]});
    assert_true(fabs(s.visible - 0.5) < 1e-12);
    assert_box(&s, r[0] - 8, r[1], r[0] + 8, r[3]);
    bti_op_get(BTI_OP_RANDOM_ERASING)->boxes.rect(0.4, &im, r);
    bti_op_apply(BTI_OP_RANDOM_ERASING, 0.4, &im);
    for (int i = 0; i < W * H; i++)
        if (dst[i])
            assert_true(i % W >= r[0] && i % W < r[2] && i / W >= r[1] && i / W < r[3]);
    bti_free(scratch);
}

static void whole_pixels_are_taken_outwards(void **state)
{
    (void)state;
    const bti_box_rules rules = {0, 0, true};
    bti_shape s = shape_of(3.25, 4, 17.5, 21.01);
    bti_box b = {0};

    assert_true(bti_shape_box(&s, &rules, &b));
    assert_true(b.x0 == 3 && b.y0 == 4 && b.x1 == 18 && b.y1 == 21);
}

static void a_long_chain_of_cuts_still_holds_the_shape(void **state)
{
    (void)state;
    bti_op_image im = {.h = H, .w = W, .c = 1};
    bti_shape s = shape_of(0, 0, W, H);

    for (int i = 0; i < 64; i++)
        move(&s, BTI_OP_ROTATE, 7 + i, &im);
    assert_true(s.n >= 3 && s.n <= BTI_SHAPE_POINTS && s.visible > 0);
    bti_box b = box_of(&s);
    assert_true(b.x0 >= 0 && b.y0 >= 0 && b.x1 <= W && b.y1 <= H);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marked_pixels_stay_in_the_moved_box_under_every_operation),
        cmocka_unit_test(an_operation_of_no_strength_leaves_every_box_alone),
        cmocka_unit_test(flips_and_quarter_turns_invert_exactly),
        cmocka_unit_test(what_leaves_the_image_is_cut_and_does_not_come_back),
        cmocka_unit_test(a_painted_part_counts_as_hidden_and_is_what_the_operation_paints),
        cmocka_unit_test(whole_pixels_are_taken_outwards),
        cmocka_unit_test(a_long_chain_of_cuts_still_holds_the_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
