/* SPDX-License-Identifier: Apache-2.0
 *
 * The speed of prediction: forward passes of one compiled network, which is what `predict` and the
 * latency of a search run. Decoding and normalising images are not part of it.
 */
#include "train/bench_int.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/rng.h"
#include "nn/net.h"
#include "train/trainer.h"

#include <math.h>
#include <sys/stat.h>
#include <time.h>

#define WARM_UP 10
#define LEAST_RUNS 30
#define MOST_RUNS 20000
#define LEAST_S 0.5

typedef struct timing {
    double wall_s, cpu_s; /* medians of a pass */
    int runs;
} timing;

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* wall, cpu: room for MOST_RUNS. */
static timing time_passes(bti_net *net, double *wall, double *cpu)
{
    int n = 0;
    for (int i = 0; i < WARM_UP; i++)
        bti_net_forward(net, false);
    const double began = seconds(CLOCK_MONOTONIC);
    while (n < LEAST_RUNS || (n < MOST_RUNS && seconds(CLOCK_MONOTONIC) - began < LEAST_S)) {
        const double from = seconds(CLOCK_MONOTONIC), at = seconds(CLOCK_PROCESS_CPUTIME_ID);
        bti_net_forward(net, false);
        cpu[n] = seconds(CLOCK_PROCESS_CPUTIME_ID) - at;
        wall[n++] = seconds(CLOCK_MONOTONIC) - from;
    }
    return (timing){
        .wall_s = bti_bench_median(wall, n), .cpu_s = bti_bench_median(cpu, n), .runs = n};
}

static bti_json *breakdown_json(bti_net *net, int runs)
{
    bti_net_group group[BTI_BENCH_GROUPS];
    bti_json *list = bti_json_array();
    if (!bti_net_profile(net, true))
        return list;
    for (int i = 0; i < runs; i++)
        bti_net_forward(net, false);
    const int n = bti_net_breakdown(net, group, BTI_BENCH_GROUPS);
    for (int i = 0; i < n; i++)
        bti_json_append(list, bti_bench_group(&group[i], runs));
    bti_net_profile(net, false);
    return list;
}

/* A trained directory, or a model file with PyTorch's initial weights. */
static bt_status open_model(const char *path, bti_graph **g, float **weights, bt_error *err)
{
    struct stat st;
    bti_arena arena = {0};
    bti_rows rows;
    *g = NULL;
    *weights = NULL;
    if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
        bti_model_meta meta = {0};
        bti_json *result = NULL;
        const bt_status rc = bti_model_load(path, g, weights, &meta, &result, err);
        if (!rc) {
            bti_model_meta_release(&meta);
            bti_json_free(result);
        }
        return rc;
    }
    bt_status rc = bti_rows_read(&rows, &arena, path, NULL, err);
    if (!rc)
        rc = bti_graph_build(g, &rows, 0, 0, 0, err);
    if (!rc && !(*weights = bti_array((size_t)(*g)->n_floats, sizeof(float))))
        rc = bti_fail_nomem(err);
    if (!rc)
        bti_init_weights(*g, 1, *weights);
    bti_arena_release(&arena);
    return rc;
}

static char *speed_text(const bt_bench_options *o, const bti_graph *g, bti_net *net,
                        const timing *t)
{
    bti_json *j = bti_bench_head(o, g);
    bti_json_set_str(j, "engine", bti_net_backend_name(net));
    bti_json_set_num(j, "wall_ms", round(1e6 * t->wall_s) / 1e3);
    bti_json_set_num(j, "cpu_ms", round(1e6 * t->cpu_s) / 1e3);
    bti_json_set_int(j, "runs", t->runs);
    if (o->breakdown)
        bti_json_set(j, "breakdown", breakdown_json(net, t->runs));
    char *text = bti_json_text(j, 0);
    bti_json_free(j);
    return text;
}

bt_status bt_bench_infer(char **json, const bt_bench_options *opt, bt_error *err)
{
    bt_bench_options o = *opt;
    bti_graph *g = NULL;
    float *weights = NULL;
    bti_net *net = NULL;
    double *took = NULL;

    *json = NULL;
    if (o.batch < 1 || o.batch > 65536)
        return bti_fail(err, BT_INVAL, "batch", "%d is not from 1 to 65536", o.batch);
    if (o.threads < 1)
        o.threads = bti_cpu_count();
    bti_net_options net_opt = bti_net_defaults();
    net_opt.batch = o.batch;
    net_opt.threads = o.threads;
    net_opt.training = false;
    bt_status rc = open_model(o.model_path, &g, &weights, err);
    if (!rc)
        rc = bti_precision_parse(&net_opt.precision, o.precision, err);
    if (!rc)
        rc = bti_net_new(&net, g, &net_opt, err);
    if (!rc && !(took = bti_array(2 * MOST_RUNS, sizeof(*took))))
        rc = bti_fail_nomem(err);
    if (!rc) {
        const int64_t n = (int64_t)o.batch * g->in_c * g->in_h * g->in_w;
        bti_rng rng = bti_rng_at(0, BTI_RNG_TEST, 0, 0, 0);
        bti_net_set_weights(net, weights);
        for (int64_t i = 0; i < n; i++)
            bti_net_input(net)[i] = (float)bti_rng_uniform(&rng, -1.7, 1.7);
        const timing t = time_passes(net, took, took + MOST_RUNS);
        if (!(*json = speed_text(&o, g, net, &t)))
            rc = bti_fail_nomem(err);
    }
    bti_free(took);
    bti_net_free(net);
    bti_free(weights);
    bti_graph_free(g);
    return rc;
}
