/* SPDX-License-Identifier: Apache-2.0
 *
 * An ONNX file holds every weight of the folded network and names what it promises; no memory and a
 * full disk at every step leave the old file. What runtimes make of it: tests/cli/export_onnx.sh.
 */
#include "faults.h"
#include "model_text.h"

#include "base/error.h"
#include "base/rng.h"
#include "export/onnx_net.h"
#include "export/quantise.h"

#define ROWS                                                                                       \
    "[1, Conv, [8, 3, 2, null, 1, GELU]], [1, InvertedResidualv3, [3, 2, 8, 1, 1, 1]], "           \
    "[1, GlobalAvgPool, [3]], [1, MaxPool, [2]], [1, GlobalAvgPool, []], [1, Flatten, []], "       \
    "[1, Linear, [4]]"

typedef struct subject {
    bti_graph *graph;
    bti_folded *net;
    bti_quantised *quant; /* or NULL: f32 */
    char dir[256], file[300];
} subject;

static void subject_open(subject *s, bool int8)
{
    static const float mean[3] = {0.5f, 0.4f, 0.3f}, std[3] = {0.2f, 0.3f, 0.25f};
    const bti_model_meta meta = {.classes = 4, .c = 3, .h = 16, .w = 16};
    bti_images images;
    bti_map_stats seen;
    bt_error e = {0};

    *s = (subject){.graph = test_graph((test_model){.rows = ROWS, .h = 16, .w = 16})};
    float *weights = bti_array((size_t)s->graph->n_floats, sizeof(float));
    assert_non_null(weights);
    bti_rng r = bti_rng_at(1, BTI_RNG_TEST, 0, 0, 0);
    for (int64_t i = 0; i < s->graph->n_floats; i++)
        weights[i] = (float)bti_rng_uniform(&r, 0.1, 1);
    assert_ok(bti_fold(&s->net, s->graph, weights, mean, std, &e), &e);
    bti_free(weights);
    snprintf(s->dir, sizeof(s->dir), "%s", test_ram_dir());
    snprintf(s->file, sizeof(s->file), "%s/m.onnx", s->dir);
    if (!int8)
        return;
    assert_ok(bti_images_make(&images, 4, &meta, &e), &e);
    assert_ok(bti_map_stats_collect(&seen, s->net, &images, 1, &e), &e);
    assert_ok(bti_quantise(&s->quant, s->net, &seen, BTI_RANGE_MINMAX, &e), &e);
    bti_map_stats_release(&seen);
    bti_images_release(&images);
}

static void subject_close(subject *s)
{
    bti_quantised_free(s->quant);
    bti_folded_free(s->net);
    bti_graph_free(s->graph);
}

static bt_status export(void *user, bt_error *err)
{
    const subject *s = user;
    bti_onnx *o = bti_onnx_new("bantam", "a test");
    if (!o)
        return bti_fail_nomem(err);
    bti_onnx_meta(o, "class_names", "[\"a\"]");
    bt_status rc = bti_onnx_add_net(o, s->net, s->quant, err);
    if (!rc)
        rc = bti_onnx_write(o, s->file, err);
    bti_onnx_free(o);
    return rc;
}

static bool holds(const char *file, size_t n, const void *bytes, size_t size)
{
    return memmem(file, n, bytes, size) != NULL;
}

static void the_file_holds_every_bias_and_the_names_of_its_ends(void **state)
{
    (void)state;
    static const char *const words[] = {"input", "logits", "N", "class_names", "[\"a\"]", "bantam"};
    subject s;
    bt_error e = {0};
    char *file;
    size_t n;

    subject_open(&s, false);
    assert_ok(export(&s, &e), &e);
    assert_ok(bti_file_read(s.file, 1 << 20, &file, &n, &e), &e);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_true(holds(file, n, words[i], strlen(words[i])));
    for (int i = 0; i < s.net->n_ops; i++)
        if (s.net->op[i].bias)
            assert_true(
                holds(file, n, s.net->op[i].bias, (size_t)s.net->op[i].n_bias * sizeof(float)));
    bti_free(file);
    subject_close(&s);
}

static void an_int8_file_takes_a_byte_a_weight(void **state)
{
    (void)state;
    subject f32, int8;
    bt_error e = {0};
    subject_open(&f32, false);
    subject_open(&int8, true);
    assert_ok(export(&f32, &e), &e);
    assert_ok(export(&int8, &e), &e);
    char *file;
    size_t n;
    assert_ok(bti_file_read(int8.file, 1 << 20, &file, &n, &e), &e);
    const int last = int8.net->n_ops - 1;
    assert_true(holds(file, n, int8.quant->op[last].weight, (size_t)int8.net->op[last].n_weight));
    assert_true(holds(file, n, "QuantizeLinear", strlen("QuantizeLinear")));
    bti_free(file);
    subject_close(&f32);
    subject_close(&int8);
}

static void no_memory_at_any_step_is_an_error_and_gives_everything_back(void **state)
{
    (void)state;
    for (int int8 = 0; int8 < 2; int8++) {
        subject s;
        subject_open(&s, int8);
        assert_true(each_allocation_fails(export, &s, s.dir) > 3);
        subject_close(&s);
    }
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    subject s;
    bt_error e = {0};
    char *file;
    size_t n;
    subject_open(&s, false);
    assert_ok(bti_file_write(s.file, "old", 3, &e), &e);
    bti_files_fail_at(3, ENOSPC);
    assert_int_equal(export(&s, &e), BT_IO);
    bti_files_fail_at(0, 0);
    assert_ok(bti_file_read(s.file, 1 << 20, &file, &n, &e), &e);
    assert_string_equal(file, "old");
    bti_free(file);
    assert_int_equal(each_write_fails(export, &s, s.dir), 5);
    subject_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_holds_every_bias_and_the_names_of_its_ends),
        cmocka_unit_test(an_int8_file_takes_a_byte_a_weight),
        cmocka_unit_test(no_memory_at_any_step_is_an_error_and_gives_everything_back),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
