/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_train and bt_eval on a small IDX folder: what a user finds in the output folder, that the
 * validation split comes back, that stopping and --resume give the same files, and the errors a
 * user meets.
 */
#include "support.h"

#include "base/alloc.h"
#include "base/files.h"
#include "base/json.h"
#include "base/rng.h"
#include "train/safetensors.h"
#include "train/trainer.h"
#include <math.h>

#define SIDE 8
#define CLASSES 3

static const char model_text[] =
    "input_size: [8, 8]\ninput_channel: 1\ndepth_multiple: 1.0\n"
    "width_multiple: 1.0\nbackbone:\n- [1, Conv, [8, 3, 1]]\n"
    "- [1, GlobalAvgPool, []]\n- [1, Flatten, []]\n- [1, Linear, [3]]\n";

static void put_u32(FILE *f, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(v >> shift & 255), f);
}

/* Stripes with noise in MNIST's format, n images. */
static void write_idx(const char *dir, const char *split, uint32_t n, uint32_t seed)
{
    char path[512];
    bti_rng r = bti_rng_at(seed, BTI_RNG_TEST, 0, 0, 0);
    snprintf(path, sizeof(path), "%s/%s-images-idx3-ubyte", dir, split);
    FILE *images = fopen(path, "wb");
    snprintf(path, sizeof(path), "%s/%s-labels-idx1-ubyte", dir, split);
    FILE *labels = fopen(path, "wb");
    assert_true(images && labels);
    put_u32(images, 0x803);
    put_u32(images, n);
    put_u32(images, SIDE);
    put_u32(images, SIDE);
    put_u32(labels, 0x801);
    put_u32(labels, n);
    for (uint32_t i = 0; i < n; i++) {
        int label = (int)(i % CLASSES);
        fputc(label, labels);
        for (int at = 0; at < SIDE * SIDE; at++) {
            int y = at / SIDE, x = at % SIDE, on = label == 0 ? y : label == 1 ? x : x + y;
            fputc((on % 2 ? 150 : 50) + (int)bti_rng_below(&r, 50), images);
        }
    }
    fclose(images);
    fclose(labels);
}

typedef struct place {
    char data[300], cache[300], out[300], model[300];
    bt_train_options opt;
} place;

static place p;

static int set_up(void **state)
{
    (void)state;
    bt_error e;
    const char *dir = test_tmp_dir();
    snprintf(p.data, sizeof(p.data), "%s/data", dir);
    snprintf(p.cache, sizeof(p.cache), "%s/cache", dir);
    snprintf(p.out, sizeof(p.out), "%s/out", dir);
    snprintf(p.model, sizeof(p.model), "%s/tiny.yaml", dir);
    assert_ok(bti_make_dirs(p.data, &e), &e);
    write_idx(p.data, "train", 240, 1);
    write_idx(p.data, "t10k", 60, 2);
    assert_ok(bti_file_write(p.model, model_text, strlen(model_text), &e), &e);
    p.opt = bt_train_defaults();
    p.opt.model_path = p.model;
    p.opt.data = p.data;
    p.opt.data_opt.cache_dir = p.cache;
    p.opt.data_opt.size = SIDE;
    p.opt.threads = 2;
    p.opt.out_dir = p.out;
    p.opt.val = "60";
    p.opt.recipe.epochs = 4;
    p.opt.recipe.batch = 16;
    snprintf(p.opt.recipe.augment, sizeof(p.opt.recipe.augment), "flip+crop:1");
    return 0;
}

static bti_json *parse(char *text)
{
    bti_json *v;
    bt_error e;
    assert_ok(bti_json_parse(&v, text, strlen(text), "result", &e), &e);
    bt_free(text);
    return v;
}

static double number(const bti_json *o, const char *key)
{
    return bti_json_as_num(bti_json_get(o, key), -1);
}

static bti_json *evaluate(const char *split)
{
    char *text;
    bt_error e;
    bt_eval_options o = {
        .model_dir = p.out, .data = p.data, .data_opt = p.opt.data_opt, .split = split};
    assert_ok(bt_eval(&text, &o, &e), &e);
    return parse(text);
}

static void a_training_leaves_a_model_that_evaluates_the_same(void **state)
{
    (void)state;
    bt_error e;
    char *text, path[400];
    set_up(NULL);
    assert_ok(bt_train(&text, &p.opt, &e), &e);
    bti_json *r = parse(text);
    assert_true(number(r, "val_accuracy") > 0.9);
    assert_int_equal(number(r, "train_images"), 180);
    assert_int_equal(number(r, "val_images"), 60);
    assert_int_equal(number(r, "epochs"), 4);
    assert_int_equal(bti_json_len(bti_json_get(r, "curve")), 4);
    assert_true(bti_json_is_null(bti_json_get(r, "test_accuracy")));
    assert_string_equal(bti_json_as_str(bti_json_get(bti_json_get(r, "split"), "val"), ""), "60");

    bti_names names;
    assert_ok(bti_list_dir(p.out, &names, &e), &e);
    assert_int_equal(names.n, 3); /* no checkpoint is left */
    bti_names_free(&names);

    bti_json *val = evaluate("val"), *test = evaluate("test");
    assert_true(number(val, "accuracy") == number(r, "val_accuracy"));
    assert_int_equal(number(val, "n"), 60);
    assert_int_equal(number(test, "n"), 60);
    assert_true(number(test, "accuracy") > 0.8 && number(test, "macro_f1") > 0.8);
    assert_int_equal(bti_json_len(bti_json_get(test, "per_class")), CLASSES);
    const bti_json *confusion = bti_json_get(test, "confusion");
    double right = 0, all = 0;
    for (size_t t = 0; t < CLASSES; t++)
        for (size_t k = 0; k < CLASSES; k++) {
            double n = bti_json_as_num(bti_json_at(bti_json_at(confusion, t), k), -1);
            all += n;
            right += t == k ? n : 0;
        }
    assert_true(all == 60 && fabs(right / 60 - number(test, "accuracy")) < 1e-12);
    assert_true(number(test, "top5") == 1);

    /* One file is enough to carry the model away. */
    bti_safetensors s;
    snprintf(path, sizeof(path), "%s/weights.safetensors", p.out);
    assert_ok(bti_safetensors_open(&s, path, &e), &e);
    assert_string_equal(bti_safetensors_meta(&s, "model_yaml"), model_text);
    assert_string_equal(bti_safetensors_meta(&s, "input_size"), "[1, 8, 8]");
    assert_non_null(bti_safetensors_find(&s, "model.0.conv.weight"));
    assert_non_null(bti_safetensors_find(&s, "model.0.bn.running_var"));
    bti_safetensors_close(&s);
    bti_json_free(val);
    bti_json_free(test);
    bti_json_free(r);
}

static void stop_at_epoch_two(void *user, const bt_event *event)
{
    if (event->kind == BT_EVENT_TRAIN && event->epoch == 2)
        *(volatile int *)user = 1;
}

static char *read_whole(const char *name, size_t *n)
{
    char path[400], *text;
    bt_error e;
    snprintf(path, sizeof(path), "%s/%s", p.out, name);
    assert_ok(bti_file_read(path, 1 << 24, &text, n, &e), &e);
    return text;
}

static void a_stopped_training_resumes_to_the_same_files(void **state)
{
    (void)state;
    bt_error e;
    size_t n[2];
    char *weights[2];
    volatile int flag = 0;
    set_up(NULL);
    assert_ok(bt_train(NULL, &p.opt, &e), &e);
    weights[0] = read_whole("weights.safetensors", &n[0]);

    snprintf(p.out + strlen(p.out), 10, "2");
    p.opt.stop.flag = &flag;
    p.opt.progress = (bt_progress){stop_at_epoch_two, (void *)(uintptr_t)&flag};
    assert_int_equal(bt_train(NULL, &p.opt, &e), BT_STOPPED);
    assert_non_null(strstr(e.text, "--resume"));
    p.opt.progress = (bt_progress){0};
    flag = 0;
    p.opt.resume = true;
    assert_ok(bt_train(NULL, &p.opt, &e), &e);
    weights[1] = read_whole("weights.safetensors", &n[1]);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(weights[0], weights[1], n[0]);
    bti_free(weights[0]);
    bti_free(weights[1]);
}

static void val_0_trains_on_everything_and_has_no_validation(void **state)
{
    (void)state;
    bt_error e;
    char *text;
    set_up(NULL);
    p.opt.val = "0";
    p.opt.recipe.epochs = 1;
    assert_ok(bt_train(&text, &p.opt, &e), &e);
    bti_json *r = parse(text);
    assert_int_equal(number(r, "train_images"), 240);
    assert_true(bti_json_is_null(bti_json_get(r, "val_accuracy")));
    bti_json_free(r);
    bt_eval_options o = {
        .model_dir = p.out, .data = p.data, .data_opt = p.opt.data_opt, .split = "val"};
    assert_int_equal(bt_eval(&text, &o, &e), BT_INVAL);
    assert_non_null(strstr(e.text, "test"));
    o.split = "train";
    assert_int_equal(bt_eval(&text, &o, &e), BT_INVAL);
}

static void another_engine_is_not_asked_about_changed_images(void **state)
{
    (void)state;
    bt_error e;
    char *text;
    static const char *const under[] = {"Rotate:15"};
    const bti_predictor by = {.threads = 1};
    const bt_eval_options o = {
        .model_dir = p.out, .data = p.data, .split = "test", .under = under, .n_under = 1};
    assert_int_equal(bti_eval_by(&text, &o, &by, &e), BT_INVAL);
    assert_string_equal(e.where, "under");
    assert_null(text);
}

static void a_model_of_other_classes_is_refused(void **state)
{
    (void)state;
    bt_error e;
    set_up(NULL);
    char *other = bti_strdup(model_text);
    *strrchr(other, '3') = '5';
    assert_ok(bti_file_write(p.model, other, strlen(other), &e), &e);
    bti_free(other);
    assert_int_equal(bt_train(NULL, &p.opt, &e), BT_INVAL);
    assert_non_null(strstr(e.text, "5 outputs"));
    assert_string_equal(e.where, p.model);
    p.opt.recipe.epochs = 0;
    assert_int_equal(bt_train(NULL, &p.opt, &e), BT_INVAL);
    assert_non_null(strstr(e.text, "epochs"));
}

static void damaged_weights_are_refused(void **state)
{
    (void)state;
    bt_error e;
    char path[400], *text;
    size_t n;
    set_up(NULL);
    p.opt.recipe.epochs = 1;
    assert_ok(bt_train(NULL, &p.opt, &e), &e);
    char *bytes = read_whole("weights.safetensors", &n);
    snprintf(path, sizeof(path), "%s/weights.safetensors", p.out);
    bt_eval_options o = {
        .model_dir = p.out, .data = p.data, .data_opt = p.opt.data_opt, .split = "test"};
    for (size_t cut = 0; cut < n; cut += n / 7) {
        assert_ok(bti_file_write(path, bytes, cut, &e), &e);
        assert_int_equal(bt_eval(&text, &o, &e), BT_FORMAT);
    }
    char *name = memmem(bytes, n, "model.0.conv", 12); /* a tensor under another name */
    name[0] = 'X';
    assert_ok(bti_file_write(path, bytes, n, &e), &e);
    assert_int_equal(bt_eval(&text, &o, &e), BT_FORMAT);
    assert_non_null(strstr(e.text, "model.0.conv.weight"));
    bti_free(bytes);
}

static void bench_reports_a_speed(void **state)
{
    (void)state;
    bt_error e;
    char *text;
    set_up(NULL);
    bt_bench_options opt = bt_bench_defaults();
    opt.model_path = p.model;
    opt.batch = 16;
    opt.threads = 2;
    opt.precision = "f32";
    assert_ok(bt_bench_train(&text, &opt, &e), &e);
    bti_json *o = parse(text);
    assert_true(number(o, "images_per_s") > 0);
    assert_true(number(o, "peak_rss_bytes") > 0);
    assert_true(number(o, "share_of_peak") > 0 && number(o, "share_of_peak") < 1);
    assert_string_equal(bti_json_as_str(bti_json_get(o, "precision"), ""), "f32");
    bti_json_free(o);
    opt.precision = "f16";
    assert_int_equal(bt_bench_train(&text, &opt, &e), BT_INVAL);
    assert_non_null(strstr(e.text, "f16"));
    assert_int_equal(bti_alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_leaves_a_model_that_evaluates_the_same),
        cmocka_unit_test(a_stopped_training_resumes_to_the_same_files),
        cmocka_unit_test(val_0_trains_on_everything_and_has_no_validation),
        cmocka_unit_test(another_engine_is_not_asked_about_changed_images),
        cmocka_unit_test(a_model_of_other_classes_is_refused),
        cmocka_unit_test(damaged_weights_are_refused),
        cmocka_unit_test(bench_reports_a_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
