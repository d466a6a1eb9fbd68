/* SPDX-License-Identifier: Apache-2.0
 *
 * Images with boxes that meet in one canvas: marked pixels of all of them stay in the boxes of the
 * result, boxes stay in the image, and what is painted over or cut off drops them.
 */
#include "support.h"

#include "augment/plan.h"

enum { N = 4 };

static bt_error err;

typedef struct world {
    bti_box_set *set;
    bti_policy *policy;
    bti_plan_rules rules;
} world;

static void add_box(world *w, bti_image *im, int image, double x0, double y0, double x1, double y1)
{
    const bti_box b = {.x0 = x0, .y0 = y0, .x1 = x1, .y1 = y1, .category = image, .image = image};

    assert_ok(bti_boxes_put(w->set, &b, &err), &err);
    for (int y = (int)y0; y < (int)y1; y++)
        for (int x = (int)x0; x < (int)x1; x++)
            im->px[(y * im->w + x) * 3] = 255;
}

/* Black images of several sizes, red in their boxes. */
static void make_world(world *w, const char *policy)
{
    static const int side[N][2] = {{64, 48}, {40, 70}, {96, 96}, {24, 20}};
    const char *dir = test_ram_dir();

    *w = (world){0};
    w->set = bti_boxes_new();
    assert_non_null(w->set);
    for (int i = 0; i < N; i++) {
        char name[32], path[4096];
        bti_image px;
        int width = side[i][0], height = side[i][1];
        snprintf(name, sizeof(name), "%d.png", i);
        snprintf(path, sizeof(path), "%s/%s", dir, name);
        bti_boxed_image im = {.name = name, .path = path, .id = i + 1, .w = width, .h = height};
        bti_category c = {.name = name, .id = i + 1};
        assert_ok(bti_boxes_add_category(w->set, &c, &err), &err);
        assert_ok(bti_boxes_add_image(w->set, &im, &err), &err);
        assert_ok(bti_image_new(&px, width, height, 3, &err), &err);
        memset(px.px, 0, bti_image_bytes(&px));
        add_box(w, &px, i, 2, 3, width / 2, height / 2);
        add_box(w, &px, i, width / 2 + 3, height / 2 + 2, width, height - 1);
        assert_ok(bti_image_write_png(&px, path, &err), &err);
        bti_image_release(&px);
    }
    assert_ok(bti_boxes_sort(w->set, &err), &err);
    assert_ok(bti_policy_parse(&w->policy, policy, &err), &err);
    w->rules = (bti_plan_rules){.policy = w->policy, .set = w->set, .n_partners = N, .seed = 3};
}

static void free_world(world *w)
{
    bti_boxes_free(w->set);
    bti_policy_free(w->policy);
}

/* The boxes of a plan; yours. */
static bti_box_set *boxes_of(const world *w, const bti_plan *p, double min_visible,
                             int64_t *dropped)
{
    const bti_box_rules rules = {.min_visible = min_visible};
    bti_box_set *out = bti_boxes_new();
    bti_boxed_image im = {.name = "out", .w = p->w, .h = p->h};

    *dropped = 0;
    assert_non_null(out);
    assert_ok(bti_boxes_add_image(out, &im, &err), &err);
    assert_ok(bti_plan_boxes(p, w->set, &rules, out, 0, dropped, &err), &err);
    return out;
}

static bool in_a_box(const bti_box_set *set, double x, double y, double slack)
{
    for (int64_t i = 0; i < set->n_boxes; i++) {
        const bti_box *b = &set->box[i];
        if (x >= b->x0 - slack && x <= b->x1 + slack && y >= b->y0 - slack && y <= b->y1 + slack)
            return true;
    }
    return false;
}

/* Red pixels are in boxes but for what scaling spreads; how many there are. */
static int64_t check_marks(const world *w, const bti_plan *p, const bti_box_set *set)
{
    bti_image im = {0};
    int64_t marks = 0;

    assert_ok(bti_plan_pixels(p, &w->rules, &im, &err), &err);
    assert_true(im.w == p->w && im.h == p->h && im.c == 3);
    for (int at = 0; at < im.w * im.h; at++) {
        const uint8_t *px = im.px + 3 * at;
        if (px[0] < 80 || px[1] > px[0] / 4)
            continue;
        marks++;
        if (!in_a_box(set, at % im.w + 0.5, at / im.w + 0.5, 1.5))
            fail_msg("%s of image %lld, copy %d: the marked pixel (%d, %d) is in no box",
                     p->n_tiles ? bti_plan_mix_name(p->mix) : "no mix", (long long)p->source,
                     p->copy, at % im.w, at / im.w);
    }
    bti_image_release(&im);
    return marks;
}

static void check_inside(const bti_plan *p, const bti_box_set *set)
{
    for (int64_t i = 0; i < set->n_boxes; i++) {
        const bti_box *b = &set->box[i];
        assert_true(b->x0 >= 0 && b->y0 >= 0 && b->x1 <= p->w && b->y1 <= p->h);
        assert_true(b->x0 < b->x1 && b->y0 < b->y1);
    }
}

static void marked_pixels_of_all_images_stay_in_boxes_under_every_mix(void **state)
{
    world w;
    int64_t dropped, marks = 0, others = 0;

    (void)state;
    make_world(&w, "flip+crop:pad=5,fill=0+Rotate:value=20,p=0.5+Scale:value=0.8,p=0.3");
    for (int mix = 0; mix < BTI_PLAN_MIXES; mix++) {
        memset(w.rules.mix, 0, sizeof(w.rules.mix));
        w.rules.mix[mix] = 1;
        for (int copy = 1; copy <= 25; copy++)
            for (int i = 0; i < N; i++) {
                bti_plan p;
                bti_plan_draw(&p, &w.rules, i, copy);
                assert_true(p.n_tiles > 0 && p.mix == (bti_plan_mix)mix);
                bti_box_set *set = boxes_of(&w, &p, 0, &dropped);
                check_inside(&p, set);
                marks += check_marks(&w, &p, set);
                for (int64_t k = 0; k < set->n_boxes; k++)
                    others += set->box[k].category != i;
                bti_boxes_free(set);
            }
        assert_true(marks > 20000 && others > 40);
        marks = others = 0;
    }
    free_world(&w);
}

static void boxes_of_which_too_little_is_left_are_dropped_in_mixes_too(void **state)
{
    world w;
    int64_t all = 0, some = 0, few = 0, dropped, was_dropped;

    (void)state;
    make_world(&w, "none");
    w.rules.mix[BTI_PLAN_CUTMIX] = 0.5;
    w.rules.mix[BTI_PLAN_COPY_PASTE] = 0.5;
    for (int copy = 1; copy <= 60; copy++) {
        bti_plan p;
        bti_plan_draw(&p, &w.rules, copy % N, copy);
        bti_box_set *loose = boxes_of(&w, &p, 0, &dropped);
        bti_box_set *strict = boxes_of(&w, &p, 0.8, &was_dropped);
        assert_true(loose->n_boxes + dropped == strict->n_boxes + was_dropped);
        all += loose->n_boxes;
        some += strict->n_boxes;
        few += strict->n_boxes < loose->n_boxes;
        bti_boxes_free(loose);
        bti_boxes_free(strict);
    }
    assert_true(some < all && some > all / 4 && few > 10);
    free_world(&w);
}

/* What an opaque tile hides counts, what a blend shows through does not. */
static void a_box_under_another_image_is_hidden_unless_they_are_blended(void **state)
{
    world w;
    bti_plan p;
    int64_t dropped;

    (void)state;
    make_world(&w, "none");
    bti_plan_draw(&p, &w.rules, 0, 1);
    p.mix = BTI_PLAN_CUTMIX;
    p.n_tiles = 2;
    p.tile[0] = (bti_tile){.source = 0, .w = 64, .h = 48, .x1 = 64, .y1 = 48, .opacity = 1};
    p.tile[1] = (bti_tile){.source = 2, .w = 96, .h = 96, .x1 = 32, .y1 = 24, .opacity = 1};
    bti_box_set *set = boxes_of(&w, &p, 0.1, &dropped);
    assert_int_equal(set->n_boxes, 2); /* the lower box of the first, the upper of the other */
    assert_int_equal(dropped, 2);
    assert_true(set->box[0].category == 0 && set->box[0].x1 == 64 && set->box[0].y1 == 47);
    assert_true(set->box[1].category == 2 && set->box[1].x1 == 32 && set->box[1].y1 == 24);
    bti_boxes_free(set);
    p.tile[1].opacity = 0.5;
    set = boxes_of(&w, &p, 0.1, &dropped);
    assert_int_equal(set->n_boxes, 3);
    bti_boxes_free(set);
    free_world(&w);
}

static void shares_of_mixes_are_kept_and_an_image_gets_one(void **state)
{
    world w;
    int n[BTI_PLAN_MIXES] = {0}, alone = 0;

    (void)state;
    make_world(&w, "none");
    for (int i = 0; i < BTI_PLAN_MIXES; i++)
        w.rules.mix[i] = 0.15;
    for (int copy = 1; copy <= 1000; copy++) {
        bti_plan p;
        bti_plan_draw(&p, &w.rules, copy % N, copy);
        if (p.n_tiles)
            n[p.mix]++;
        else
            alone++;
    }
    for (int i = 0; i < BTI_PLAN_MIXES; i++)
        assert_in_range(n[i], 110, 190);
    assert_in_range(alone, 200, 300);
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marked_pixels_of_all_images_stay_in_boxes_under_every_mix),
        cmocka_unit_test(boxes_of_which_too_little_is_left_are_dropped_in_mixes_too),
        cmocka_unit_test(a_box_under_another_image_is_hidden_unless_they_are_blended),
        cmocka_unit_test(shares_of_mixes_are_kept_and_an_image_gets_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
