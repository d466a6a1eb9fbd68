/* SPDX-License-Identifier: Apache-2.0
 *
 * Measures a median network for about a second and turns a budget into the size of a trial.
 */
#include "search/calibrate.h"

#include "base/alloc.h"
#include "base/error.h"
#include "search/cost.h"
#include "study/sampler.h"
#include "train/trainer.h"

#include <math.h>

#define DRAWS 31
#define MEASURE_S 1.0
#define SHARED_CORES                                                                               \
    0.85 /* speed of a worker beside others, of a worker alone; validation and set-up included */
#define MIN_IMAGES 1000
#define MIN_EPOCHS 3
#define MAX_EPOCHS 60
#define SAMPLE 10000 /* the brief's small set: beyond it, more epochs come before more images */

typedef struct drawn {
    double macs;
    int draw;
} drawn;

static int by_macs(const void *a, const void *b)
{
    const drawn *x = a, *y = b;
    return x->macs < y->macs ? -1 : x->macs > y->macs;
}

/* The feasible draw with the median MACs. */
static bt_status median_point(const bti_run *run, const bti_space *space, bti_answer *out,
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

static bt_status measure(bti_fidelity *f, const bti_run *run, const bti_space *space,
                         const bti_data *data, const bti_point *point, bt_error *err)
{
    bti_graph *g = NULL;
    bti_view view = {0};
    bti_outcome outcome = {0};
    bti_job job = bti_job_defaults();

    bt_status rc = bti_point_graph(space, point, &g, NULL, err);
    if (!rc)
        rc = bti_view_all(&view, &data->train, err);
    if (rc)
        goto done;
    job.graph = g;
    job.train = &view;
    memcpy(job.mean, data->mean, sizeof(job.mean));
    memcpy(job.std, data->std, sizeof(job.std));
    job.recipe = bt_recipe_defaults();
    job.recipe.epochs = 1000; /* the deadline ends it */
    job.recipe.lr = 1e-3;     /* no divergence: only the speed is wanted */
    job.threads = run->threads;
    job.stop.deadline_s = bt_now() + MEASURE_S;
    rc = bti_train_job(&outcome, &job, err);
    if (rc == BT_STOPPED)
        rc = BT_OK;
    f->images_per_s = outcome.images_per_s > 0 ? outcome.images_per_s : 1;
done:
    bti_outcome_release(&outcome);
    bti_view_release(&view);
    bti_graph_free(g);
    return rc;
}

bt_status bti_calibrate(bti_fidelity *f, const bti_run *run, const bti_space *space,
                        const bti_data *data, double seconds, bt_error *err)
{
    *f = (bti_fidelity){0};
    bti_answer *answer = bti_calloc(1, sizeof(*answer));
    if (!answer)
        return bti_fail_nomem(err);
    bt_status rc = median_point(run, space, answer, err);
    f->median_macs = answer->cost.macs;
    if (!rc)
        rc = measure(f, run, space, data, &answer->point, err);
    bti_free(answer);
    if (rc)
        return rc;

    int64_t all = data->train.n;
    int64_t room = data->val.n ? all : all - all / 5;
    double images = seconds * run->jobs * f->images_per_s * SHARED_CORES / BTI_TRIALS_WANTED;
    double n = fmin((double)room, fmax(MIN_IMAGES, fmin(SAMPLE, images / MIN_EPOCHS)));
    f->images = (int64_t)n;
    f->epochs = run->epochs ? run->epochs : (int)fmin(MAX_EPOCHS, fmax(2, floor(images / n)));
    if (!run->epochs && f->epochs == MAX_EPOCHS) /* a generous budget: more of the data */
        f->images = (int64_t)fmin((double)room, fmax((double)f->images, images / MAX_EPOCHS));
    f->val_images = data->val.n
                        ? data->val.n
                        : (int64_t)fmin(fmax(2000, (double)f->images / 9), 0.2 * (double)all);
    return BT_OK;
}
