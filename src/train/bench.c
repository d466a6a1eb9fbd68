/* SPDX-License-Identifier: Apache-2.0
 *
 * The speed of one training step on random images: exactly the step of the trainer, so that the
 * number is what training reaches.
 */
#include "bantam/train.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "train/step.h"

#include <math.h>

#define IMAGES_A_BATCH 8 /* batches of different images, so that they do not sit in the cache */
#define WARM_UP 3
#define LEAST_STEPS 9
#define MOST_STEPS 1000
#define LEAST_S 1.0

typedef struct bench_data {
    bti_dataset set;
    uint8_t *pixels;
    int32_t *labels, *order;
} bench_data;

static void free_data(bench_data *d)
{
    bti_free(d->pixels);
    bti_free(d->labels);
    bti_free(d->order);
}

static bt_status make_data(bench_data *d, const bti_graph *g, int batch, bt_error *err)
{
    int64_t n = (int64_t)batch * IMAGES_A_BATCH;
    size_t image = (size_t)g->in_c * (size_t)g->in_h * (size_t)g->in_w;
    bti_rng rng = bti_rng_at(0, BTI_RNG_TEST, 0, 0, 0);

    *d = (bench_data){.pixels = bti_array((size_t)n, image),
                      .labels = bti_array((size_t)n, sizeof(*d->labels)),
                      .order = bti_array((size_t)n, sizeof(*d->order))};
    if (!d->pixels || !d->labels || !d->order)
        return bti_fail_nomem(err);
    for (size_t i = 0; i < (size_t)n * image; i++)
        d->pixels[i] = (uint8_t)bti_rng_below(&rng, 256);
    for (int64_t i = 0; i < n; i++) {
        d->labels[i] = (int32_t)bti_rng_below(&rng, (uint32_t)g->classes);
        d->order[i] = (int32_t)i;
    }
    bti_rng_shuffle(&rng, d->order, (size_t)n);
    d->set = (bti_dataset){.n = n,
                           .h = g->in_h,
                           .w = g->in_w,
                           .c = g->in_c,
                           .classes = g->classes,
                           .pixels = d->pixels,
                           .labels = d->labels};
    return BT_OK;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Median seconds of a step. */
static double time_steps(bti_stepper *s, const bench_data *d)
{
    double took[MOST_STEPS], began = 0;
    int n = 0;

    for (int i = 0; n < MOST_STEPS; i++) {
        if (i == WARM_UP)
            began = bt_now();
        double from = bt_now();
        bti_stepper_run(s, (uint32_t)(i / IMAGES_A_BATCH),
                        d->order + (int64_t)(i % IMAGES_A_BATCH) * s->batch, NULL, 0.01);
        double now = bt_now();
        if (i < WARM_UP)
            continue;
        took[n++] = now - from;
        if (n >= LEAST_STEPS && now - began >= LEAST_S)
            break;
    }
    qsort(took, (size_t)n, sizeof(took[0]), by_time);
    return n % 2 ? took[n / 2] : 0.5 * (took[n / 2 - 1] + took[n / 2]);
}

static bt_status measure(double *step_s, const bti_graph *g, int batch, int threads, bt_error *err)
{
    bench_data data = {0};
    bti_view view = {0};
    bti_stepper stepper = {0};
    bti_job job = bti_job_defaults();

    bt_status rc = make_data(&data, g, batch, err);
    if (!rc)
        rc = bti_view_all(&view, &data.set, err);
    if (!rc) {
        job.graph = g;
        job.train = &view;
        job.recipe.batch = batch;
        job.threads = threads;
        for (int c = 0; c < 3; c++) {
            job.mean[c] = 0.5f;
            job.std[c] = 0.29f; /* of uniform noise */
        }
        rc = bti_stepper_init(&stepper, &job, err);
    }
    if (!rc) {
        bti_init_weights(g, 0, stepper.plain);
        bti_net_set_weights(stepper.net, stepper.plain);
        *step_s = time_steps(&stepper, &data);
        bti_stepper_release(&stepper);
    }
    bti_view_release(&view);
    free_data(&data);
    return rc;
}

static char *speed_text(const char *path, const bti_graph *g, int batch, int threads, double step_s)
{
    bti_json *o = bti_json_object();

    char name[64]; /* "tiny20k" of examples/models/tiny20k.yaml */
    snprintf(name, sizeof(name), "%s", bti_path_base(path));
    if (strrchr(name, '.'))
        *strrchr(name, '.') = '\0';
    bti_json_set_str(o, "model", name);
    bti_json_set_int(o, "params", g->params);
    bti_json_set_int(o, "macs", g->macs);
    bti_json_set_int(o, "batch", batch);
    bti_json_set_int(o, "threads", threads);
    bti_json_set_num(o, "step_ms", round(1e5 * step_s) / 100);
    bti_json_set_num(o, "images_per_s", round(10 * batch / step_s) / 10);
    bti_json_set_str(o, "precision", "f32");
    bti_json_set_str(o, "isa", bti_isa_name(bti_cpu_isa()));
    bti_json_set_int(o, "peak_rss_bytes", bti_peak_rss_bytes());
    char *text = bti_json_text(o, 0);
    bti_json_free(o);
    return text;
}

bt_status bt_bench_train(char **json, const char *model_path, int batch, int threads, bt_error *err)
{
    bti_arena arena = {0};
    bti_rows rows;
    bti_graph *g = NULL;
    double step_s = 0;

    *json = NULL;
    if (batch < 1 || batch > 65536)
        return bti_fail(err, BT_INVAL, "batch", "%d is not from 1 to 65536", batch);
    if (threads < 1)
        threads = bti_cpu_count();
    bt_status rc = bti_rows_read(&rows, &arena, model_path, NULL, err);
    if (!rc)
        rc = bti_graph_build(&g, &rows, 0, 0, 0, err);
    if (!rc)
        rc = measure(&step_s, g, batch, threads, err);
    if (!rc) {
        *json = speed_text(model_path, g, batch, threads, step_s);
        if (!*json)
            rc = bti_fail_nomem(err);
    }
    bti_graph_free(g);
    bti_arena_release(&arena);
    return rc;
}
