/* SPDX-License-Identifier: Apache-2.0
 *
 * Measures a median network for about a second and turns a budget into the size of a trial.
 */
#include "search/calibrate.h"

#include "base/error.h"
#include "search/cost.h"
#include "search/lab.h"
#include "train/trainer.h"

#include <math.h>

#define DRAWS 31
#define MEASURE_S 1.0
/* Speed of a worker beside others, of a worker alone; set-up and validation of a trial included. */
#define SHARED_CORES 0.85
#define MIN_IMAGES 1000
#define MIN_EPOCHS 3
#define MAX_EPOCHS 60
#define SAMPLE 10000  /* the brief's small set: beyond it, more epochs come before more images */
#define VAL_LEAST 500 /* in a budget of a minute or two */
#define VAL_MIN 2000  /* fewer make the front luck (design: honest splits) */

typedef struct drawn {
    double macs;
    int draw;
} drawn;

static int by_macs(const void *a, const void *b)
{
    const drawn *x = a, *y = b;
    return x->macs < y->macs ? -1 : x->macs > y->macs;
}

bt_status bti_median_point(const bti_run *run, const bti_space *space, bti_answer *out,
                           bt_error *err)
{
    const bti_sampler_ops *random;
    const char *params;
    drawn d[DRAWS];
    bti_trials none = {0};
    bti_ask q = {.space = space, .trials = &none, .cost = bti_graph_cost, .seed = run->seed};
    bt_status rc = bti_sampler_find(&random, "random", &params, err);

    for (int i = 0; !rc && i < DRAWS; i++) {
        q.number = i;
        rc = random->ask(&q, out, err);
        d[i] = (drawn){rc ? 0 : out->cost.macs, i};
    }
    if (rc)
        return rc;
    qsort(d, DRAWS, sizeof(d[0]), by_macs);
    q.number = d[DRAWS / 2].draw;
    return random->ask(&q, out, err);
}

bt_status bti_measure_speed(double *images_per_s, const bti_run *run, const bti_space *space,
                            const bti_data *data, const bti_point *point, bt_error *err)
{
    bti_graph *g = NULL;
    bti_view view = {0};
    bti_outcome outcome = {0};
    bti_job job = bti_job_defaults();

    bt_status rc = bti_point_graph(space, point, &g, NULL, err);
    if (!rc)
        rc = bti_point_recipe(space, point, 1000, &job.recipe, err); /* the deadline ends it */
    if (!rc)
        rc = bti_view_all(&view, &data->train, err);
    if (rc)
        goto done;
    job.graph = g;
    job.train = &view;
    memcpy(job.mean, data->mean, sizeof(job.mean));
    memcpy(job.std, data->std, sizeof(job.std));
    job.recipe.lr = 1e-3; /* no divergence: only the speed is wanted */
    job.threads = run->threads;
    job.precision = bti_run_precision(run);
    job.stop.deadline_s = bt_now() + MEASURE_S;
    rc = bti_train_job(&outcome, &job, err);
    if (rc == BT_STOPPED || rc == BT_DIVERGED)
        rc = BT_OK;
    *images_per_s = outcome.images_per_s > 0 ? outcome.images_per_s : 1;
done:
    bti_outcome_release(&outcome);
    bti_view_release(&view);
    bti_graph_free(g);
    return rc;
}

double bti_affordable_images(double images_per_s, int jobs, double seconds)
{
    return fmax(seconds, 1) * jobs * images_per_s * SHARED_CORES / BTI_TRIALS_WANTED;
}

bti_fidelity bti_fidelity_choose(const bti_room *r)
{
    double all = (double)r->train;
    double most = r->folder ? all : all - floor(all / 5); /* images that validation leaves */
    double n = r->epochs ? r->affordable / r->epochs : fmin(SAMPLE, r->affordable / MIN_EPOCHS);
    n = fmin(most, fmax(MIN_IMAGES, n));
    if (r->images)
        n = (double)r->images;
    double epochs = r->epochs ? r->epochs : floor(r->affordable / n);
    if (!r->epochs)
        epochs = fmin(MAX_EPOCHS, fmax(2, epochs));
    if (!r->epochs && !r->images && epochs >= MAX_EPOCHS) /* a generous budget: more of the data */
        n = fmin(most, fmax(n, r->affordable / MAX_EPOCHS));
    bti_fidelity f = {.epochs = (int)epochs, .images = (int64_t)n, .val_images = r->folder};
    if (!r->folder) { /* a trial that trains on little is not measured on much more: trials must
                         train */
        double worth = fmax(VAL_LEAST, floor(n * epochs / 4));
        f.val_images = (int64_t)fmin(fmin(fmax(VAL_MIN, n / 9), worth), floor(all / 5));
    }
    return f;
}
