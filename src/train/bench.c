/* SPDX-License-Identifier: Apache-2.0
 *
 * The speed of one training step on random images: exactly the step of the trainer, so that the
 * number is what training reaches.
 */
#include "train/bench_int.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "nn/kernels/simd/simd.h"
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

double bti_bench_median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof(*v), by_time);
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
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
    return bti_bench_median(took, n);
}

#define PROFILED_STEPS 5
#define PEAK_S 0.1

/* What one benchmark found. */
typedef struct findings {
    double step_s;
    bti_net_group group[BTI_BENCH_GROUPS];
    int n_groups;
    int64_t start_rss; /* before the network was built */
} findings;

/* Operations a second of all threads in the registers-only loop of a set of kernels. */
static double peak_of(const bti_simd_kernels *k, int threads)
{
    double best = 0;
    for (double from = bt_now(); bt_now() - from < PEAK_S;) {
        double began = bt_now(), flops = 0;
#pragma omp parallel num_threads(threads) reduction(+ : flops)
        {
            float sink;
            flops += k->peak(200000, &sink);
        }
        best = fmax(best, flops / (bt_now() - began));
    }
    return best;
}

/* After the timing: measuring each operation costs some time itself. */
static void profile(findings *f, bti_stepper *s, const bench_data *d)
{
    if (!bti_net_profile(s->net, true))
        return;
    for (int i = 0; i < PROFILED_STEPS; i++)
        bti_stepper_run(s, 0, d->order + (int64_t)(i % IMAGES_A_BATCH) * s->batch, NULL, 0.01);
    f->n_groups = bti_net_breakdown(s->net, f->group, BTI_BENCH_GROUPS);
    bti_net_profile(s->net, false);
}

static bt_status measure(findings *f, const bti_graph *g, const bt_bench_options *o,
                         bti_precision precision, bt_error *err)
{
    bench_data data = {0};
    bti_view view = {0};
    bti_stepper stepper = {0};
    bti_job job = bti_job_defaults();

    bt_status rc = make_data(&data, g, o->batch, err);
    if (!rc)
        rc = bti_view_all(&view, &data.set, err);
    if (!rc) {
        job.graph = g;
        job.train = &view;
        job.recipe.batch = o->batch;
        job.threads = o->threads;
        job.precision = precision;
        job.ahead = 0; /* assembly is part of what is measured */
        for (int c = 0; c < 3; c++) {
            job.mean[c] = 0.5f;
            job.std[c] = 0.29f; /* of uniform noise */
        }
        rc = bti_stepper_init(&stepper, &job, err);
    }
    if (!rc) {
        bti_init_weights(g, 0, stepper.plain);
        bti_net_set_weights(stepper.net, stepper.plain);
        f->step_s = time_steps(&stepper, &data);
        if (o->breakdown)
            profile(f, &stepper, &data);
        bti_stepper_release(&stepper);
    }
    bti_view_release(&view);
    free_data(&data);
    return rc;
}

static double round_to(double x, double unit)
{
    return round(x / unit) * unit;
}

static int by_seconds(const void *a, const void *b)
{
    double x = ((const bti_net_group *)a)->seconds, y = ((const bti_net_group *)b)->seconds;
    return x < y ? 1 : x > y ? -1 : 0;
}

bti_json *bti_bench_group(const bti_net_group *g, int runs)
{
    const double s = g->seconds / runs;
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "group", g->name);
    bti_json_set_num(o, "ms", round_to(1e3 * s, 1e-3));
    bti_json_set_num(o, "mbytes", round_to(1e-6 * g->bytes, 1e-3));
    bti_json_set_num(o, "gbytes_per_s", s > 0 ? round_to(1e-9 * g->bytes / s, 0.1) : 0);
    bti_json_set_num(o, "gflops", s > 0 ? round_to(1e-9 * g->flops / s, 0.1) : 0);
    return o;
}

/* Of one step: milliseconds, GB/s and GFLOP/s of every group, and what is left of the step. */
static bti_json *breakdown_json(findings *f)
{
    bti_json *list = bti_json_array();
    double sum = 0;

    qsort(f->group, (size_t)f->n_groups, sizeof(f->group[0]), by_seconds);
    for (int i = 0; i < f->n_groups; i++) {
        bti_json_append(list, bti_bench_group(&f->group[i], PROFILED_STEPS));
        sum += f->group[i].seconds / PROFILED_STEPS;
    }
    bti_json *rest = bti_json_object(); /* batch assembly, loss, update, waiting */
    bti_json_set_str(rest, "group", "the rest of the step");
    bti_json_set_num(rest, "ms", round_to(1e3 * fmax(0, f->step_s - sum), 1e-3));
    bti_json_append(list, rest);
    return list;
}

bti_json *bti_bench_head(const bt_bench_options *opt, const bti_graph *g)
{
    char name[64];
    bti_json *o = bti_json_object();
    snprintf(name, sizeof(name), "%s", bti_path_base(opt->model_path));
    if (strrchr(name, '.'))
        *strrchr(name, '.') = '\0';
    bti_json_set_str(o, "model", name);
    bti_json_set_int(o, "params", g->params);
    bti_json_set_int(o, "macs", g->macs);
    bti_json_set_int(o, "batch", opt->batch);
    bti_json_set_int(o, "threads", opt->threads);
    return o;
}

static char *speed_text(const bt_bench_options *opt, const bti_graph *g, bti_precision precision,
                        findings *f)
{
    const bti_simd_kernels *f32 = bti_simd_for(bti_cpu_isa());
    const double step_s = f->step_s, flops = 6.0 * (double)g->macs * opt->batch;
    double depthwise = 0; /* share of the multiply-adds, which the mixed peak counts at f32 */
    bti_json *o = bti_bench_head(opt, g);

    bti_json_set_num(o, "step_ms", round(1e5 * step_s) / 100);
    bti_json_set_num(o, "images_per_s", round(10 * opt->batch / step_s) / 10);
    bti_json_set_str(o, "precision", bti_precision_name(precision));
    bti_json_set_str(o, "isa", bti_isa_name(bti_cpu_isa()));
    bti_json_set_int(o, "start_rss_bytes", f->start_rss);
    bti_json_set_int(o, "peak_rss_bytes", bti_peak_rss_bytes());
    for (int i = 0; i < g->n_nodes; i++)
        if (g->node[i].kind == BTI_NODE_CONV && g->node[i].groups == g->node[i].c)
            depthwise += (double)g->tensor[g->node[i].weight].size * g->node[i].h * g->node[i].w /
                         (double)g->macs;
    const double slow = peak_of(f32, opt->threads);
    const double fast = precision == BTI_PRECISION_BF16
                            ? peak_of(bti_simd_bf16_for(bti_cpu_isa()), opt->threads)
                            : slow;
    const double mixed = 1 / (depthwise / slow + (1 - depthwise) / fast);
    bti_json_set_num(o, "gflops", round_to(1e-9 * flops / step_s, 1e-3));
    bti_json_set_num(o, "peak_gflops", round_to(1e-9 * mixed, 0.1));
    bti_json_set_num(o, "share_of_peak", round_to(flops / step_s / mixed, 1e-6));
    if (opt->breakdown)
        bti_json_set(o, "breakdown", breakdown_json(f));
    char *text = bti_json_text(o, 0);
    bti_json_free(o);
    return text;
}

bt_bench_options bt_bench_defaults(void)
{
    return (bt_bench_options){.batch = 128, .precision = "auto"};
}

bt_status bt_bench_train(char **json, const bt_bench_options *opt, bt_error *err)
{
    bt_bench_options o = *opt;
    bti_arena arena = {0};
    bti_rows rows;
    bti_graph *g = NULL;
    bti_precision precision = BTI_PRECISION_AUTO;
    findings found = {.start_rss = bti_peak_rss_bytes()};

    *json = NULL;
    if (o.batch < 1 || o.batch > 65536)
        return bti_fail(err, BT_INVAL, "batch", "%d is not from 1 to 65536", o.batch);
    if (o.threads < 1)
        o.threads = bti_cpu_count();
    bt_status rc = bti_precision_parse(&precision, o.precision, err);
    precision = bti_net_precision(precision);
    if (!rc)
        rc = bti_rows_read(&rows, &arena, o.model_path, NULL, err);
    if (!rc)
        rc = bti_graph_build(&g, &rows, 0, 0, 0, err);
    if (!rc)
        rc = measure(&found, g, &o, precision, err);
    if (!rc) {
        *json = speed_text(&o, g, precision, &found);
        if (!*json)
            rc = bti_fail_nomem(err);
    }
    bti_graph_free(g);
    bti_arena_release(&arena);
    return rc;
}
