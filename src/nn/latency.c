/* SPDX-License-Identifier: Apache-2.0
 *
 * Latency of a network: the same compiled engine that predicts, one image at a time.
 */
#include "nn/latency.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/process.h"
#include "nn/net.h"

#include <stdlib.h>

#define RUNS_LEAST 50
#define RUNS_MOST 2000
#define ENOUGH_S 0.2
#define WARM_UP 5

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_run(bti_net *net, double *took)
{
    int n = 0;
    double spent = 0;
    for (int i = 0; i < WARM_UP; i++)
        bti_net_forward(net, false);
    while (n < RUNS_LEAST || (n < RUNS_MOST && spent < ENOUGH_S)) {
        double began = bti_thread_cpu_seconds();
        bti_net_forward(net, false);
        took[n] = bti_thread_cpu_seconds() - began;
        spent += took[n++];
    }
    qsort(took, (size_t)n, sizeof(*took), ascending);
    return took[n / 2];
}

bt_status bti_latency_ms(double *ms, const bti_graph *g, bt_error *err)
{
    bti_net *net = NULL;
    bti_net_options opt = bti_net_defaults();
    opt.batch = 1;
    opt.threads = 1;
    opt.training = false;
    float *weights = bti_array((size_t)g->n_floats, sizeof(*weights));
    double *took = bti_array(RUNS_MOST, sizeof(*took));
    *ms = 0;
    bt_status rc = weights && took ? bti_net_new(&net, g, &opt, err) : bti_fail_nomem(err);
    if (!rc) { /* numbers of a usual size: denormals would be slow */
        int64_t pixels = (int64_t)g->in_c * g->in_h * g->in_w;
        bti_init_weights(g, 1, weights);
        bti_net_set_weights(net, weights);
        for (int64_t i = 0; i < pixels; i++)
            bti_net_input(net)[i] = (float)(i % 17) / 8 - 1;
        *ms = 1e3 * median_run(net, took);
    }
    bti_net_free(net);
    bti_free(took);
    bti_free(weights);
    return rc;
}
