/* SPDX-License-Identifier: Apache-2.0
 *
 * The speed of augmentation: whole policies into training batches, and single operations, on a data
 * set's images or on noise. Rows are named as those of the torchvision script that bench/augment.sh
 * runs beside this.
 */
#include "augment/policy_int.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/json.h"
#include <time.h>

#define IMAGES 1000           /* at most; enough that they do not sit in the first cache */
#define BATCH 128             /* images for each thread */
#define BATCH_BYTES (4 << 20) /* of floats for each: what a small machine's cache holds */
#define LEAST_S 0.2

typedef struct bench {
    bti_dataset set;
    uint8_t *noise; /* pixels without a data set */
    int32_t *labels, *index;
    float *x;
    bti_json *rows;
    int threads, batch;
    bool processor_time;
} bench;

static const struct {
    const char *what, *policy;
} policies[] = {
    {"crop+flip+normalise", "crop:%d+flip"},
    {"crop+flip+randaugment(2,15)+normalise", "crop:%d+flip+randaugment:n=2,m=15"},
    {"crop+flip+autoaugment(cifar10)+normalise", "crop:%d+flip+autoaugment:cifar10"},
    {"crop+flip+trivialaugment+normalise", "crop:%d+flip+trivialaugment"},
};

/* The strengths of the script; TranslateX is a quarter of the side. */
static const struct {
    bti_op op;
    double value;
} single[] = {
    {BTI_OP_ROTATE, 30},         {BTI_OP_SHEAR_X, 0.3057306814586604},
    {BTI_OP_TRANSLATE_X, 0},     {BTI_OP_AUTO_CONTRAST, 0},
    {BTI_OP_INVERT, 0},          {BTI_OP_EQUALIZE, 0},
    {BTI_OP_SOLARIZE, 128},      {BTI_OP_POSTERIZE, 4},
    {BTI_OP_CONTRAST, 1.9},      {BTI_OP_COLOR, 1.9},
    {BTI_OP_BRIGHTNESS, 1.9},    {BTI_OP_SHARPNESS, 1.9},
    {BTI_OP_HORIZONTAL_FLIP, 0},
};

/* The clock of a run: the wall's or, on a machine that others use, the processor time of all
 * threads by their number (with OMP_WAIT_POLICY=passive without what they wait for each other). */
static double now_s(const bench *b)
{
    struct timespec t;

    clock_gettime(b->processor_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    double s = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    return b->processor_time ? s / b->threads : s;
}

static void add_row(bench *b, const char *what, int64_t images, double seconds)
{
    bti_json *row = bti_json_object();

    bti_json_set_str(row, "what", what);
    bti_json_set_int(row, "size", b->set.h);
    bti_json_set_int(row, "threads", b->threads);
    bti_json_set_num(row, "images_per_s", (double)images / seconds);
    bti_json_append(b->rows, row);
}

static bt_status run_policy(bench *b, const char *what, const char *form, bt_error *err)
{
    bti_policy *policy = NULL;
    bti_pipeline *pipeline = NULL;
    char spec[80];
    bti_pipeline_options opt = {.mean = {0.4914f, 0.4822f, 0.4465f},
                                .std = {0.2470f, 0.2435f, 0.2616f},
                                .threads = b->threads};

    snprintf(spec, sizeof(spec), form, b->set.h / 8); /* NOLINT: forms of the table above */
    bt_status rc = bti_policy_parse(&policy, spec, err);
    opt.policy = policy;
    if (!rc)
        rc = bti_pipeline_new(&pipeline, &b->set, &opt, err);
    if (!rc) {
        int64_t images = 0;
        int n = b->batch;
        bti_pipeline_fill(pipeline, 0, b->index, n, b->x, b->labels); /* warm up */
        double start = now_s(b), end = start;
        for (int64_t at = 0; end - start < LEAST_S; at = at + 2 * n <= b->set.n ? at + n : 0) {
            bti_pipeline_fill(pipeline, 1, b->index + at, n, b->x, b->labels);
            images += n;
            end = now_s(b);
        }
        add_row(b, what, images, end - start);
    }
    bti_pipeline_free(pipeline);
    bti_policy_free(policy);
    return rc;
}

static bt_status run_op(bench *b, bti_op op, double value, bt_error *err)
{
    const bti_dataset *set = &b->set;
    size_t bytes = (size_t)set->h * (size_t)set->w * (size_t)set->c;
    bti_op_image im = {.h = set->h, .w = set->w, .c = set->c};

    if (op == BTI_OP_TRANSLATE_X)
        value = set->w / 4;
    im.dst = bti_malloc(bytes);
    im.scratch = bti_malloc(bti_op_scratch(set->h, set->w, set->c));
    if (im.dst && im.scratch) {
        int64_t images = 0;
        double start = now_s(b), end = start;
        while (end - start < LEAST_S / 2) {
            for (int64_t i = 0; i < set->n; i++) {
                im.src = set->pixels + (size_t)i * bytes;
                bti_op_apply(op, value, &im);
            }
            images += set->n;
            end = now_s(b);
        }
        add_row(b, bti_op_name(op), images, end - start);
    }
    bt_status rc = im.dst && im.scratch ? BT_OK : bti_fail_nomem(err);
    bti_free(im.dst);
    bti_free(im.scratch);
    return rc;
}

/* Noise of the size, or the first images of a data set, which stays open. */
static bt_status make_images(bench *b, const bti_data *data, int size, bt_error *err)
{
    bti_rng rng = bti_rng_at(0, BTI_RNG_TEST, 0, 0, 0);

    if (data) {
        b->set = data->train;
        b->set.n = b->set.n < IMAGES ? b->set.n : IMAGES;
    } else {
        b->set = (bti_dataset){.n = size <= 64 ? IMAGES : IMAGES / 5, .h = size, .w = size, .c = 3};
        size_t bytes = (size_t)b->set.n * (size_t)size * (size_t)size * 3;
        b->noise = bti_malloc(bytes);
        for (size_t i = 0; b->noise && i < bytes; i++)
            b->noise[i] = (uint8_t)bti_rng_u32(&rng);
        b->set.pixels = b->noise;
    }
    size_t values = (size_t)b->set.h * (size_t)b->set.w * (size_t)b->set.c;
    b->batch = (int)(BATCH_BYTES / (values * sizeof(float)));
    b->batch = b->batch < 1 ? 1 : b->batch > BATCH ? BATCH : b->batch;
    b->batch *= b->threads;
    b->batch = b->set.n < b->batch ? (int)b->set.n : b->batch;
    values *= (size_t)b->batch;
    b->labels = bti_calloc((size_t)b->set.n, sizeof(*b->labels));
    b->index = bti_array((size_t)b->set.n, sizeof(*b->index));
    b->x = bti_array(values, sizeof(*b->x));
    if (!b->set.pixels || !b->labels || !b->index || !b->x)
        return bti_fail_nomem(err);
    if (!data)
        b->set.labels = b->labels;
    for (int64_t i = 0; i < b->set.n; i++)
        b->index[i] = (int32_t)i;
    return BT_OK;
}

bt_status bt_bench_augment(char **json, const char *data, const bt_data_options *data_opt,
                           int threads, bool processor_time, bt_error *err)
{
    bench b = {.threads = threads > 1 ? threads : 1, .rows = bti_json_array()};
    b.processor_time = processor_time;
    bti_data *d = NULL;
    bt_status rc = data ? bti_data_open(&d, data, data_opt, err) : BT_OK;

    *json = NULL;
    if (!rc)
        rc = make_images(&b, d, data_opt->size ? data_opt->size : 32, err);
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]) && !rc; i++)
        rc = run_policy(&b, policies[i].what, policies[i].policy, err);
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]) && !rc && b.threads == 1; i++)
        rc = run_op(&b, single[i].op, single[i].value, err);
    if (!rc && !(*json = bti_json_text(b.rows, 2)))
        rc = bti_fail_nomem(err);
    bti_json_free(b.rows);
    bti_free(b.noise);
    bti_free(b.labels);
    bti_free(b.index);
    bti_free(b.x);
    bti_data_close(d);
    return rc;
}
