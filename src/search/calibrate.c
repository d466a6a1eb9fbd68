/* SPDX-License-Identifier: Apache-2.0
 *
 * Measures a median network for about a second and turns a budget into the size of a trial.
 */
#include "search/calibrate.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/rng.h"
#include "search/auto_space.h"
#include "search/cost.h"
#include "search/lab.h"
#include "train/trainer.h"

#include <math.h>

#define DRAWS 31
#define REJECTED_MOST 6000 /* after which the draws that were feasible are enough */
#define MEASURE_S 1.0
#define MEASURE_LONGEST_S 8.0 /* until a large network has made a step */
#define NOISE_IMAGES 256
#define NOISE_SIDE 32
/* MACs of a network for each image that its trial trains on: 1M for 23k images (a search of a
 * minute), 5M for 110k (an hour) */
#define MACS_AN_IMAGE 44.0
#define S_A_TRIAL 2.5 /* of the search: fewer trials where they would be shorter */
/* Speed of a worker beside others, of a worker alone; set-up and validation of a trial included. */
#define SHARED_CORES 0.85
#define MIN_IMAGES 1000
#define MIN_EPOCHS 3
#define MAX_EPOCHS 60
#define MAX_STEPS 1000 /* of a small set, whose 60 epochs are few steps ... */
#define SMALL_BATCH 16 /* ... of so many images */
#define SAMPLE 10000   /* the brief's small set: beyond it, more epochs come before more images */
#define VAL_LEAST 500  /* in a budget of a minute or two */
#define VAL_MIN 2000   /* fewer make the front luck (design: honest splits) */

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
    bti_ask q = {.space = space,
                 .trials = &none,
                 .cost = bti_graph_cost_for(bti_run_deploy(run)),
                 .seed = run->seed};
    bt_status rc = bti_sampler_find(&random, "random", &params, err);

    int n = 0;
    for (int64_t rejected = 0; !rc && n < DRAWS && rejected < REJECTED_MOST; n++) {
        q.number = n;
        rc = random->ask(&q, out, err);
        rejected += out->rejected;
        d[n] = (drawn){rc ? 0 : out->cost.macs, n};
    }
    if (rc)
        return rc;
    qsort(d, (size_t)n, sizeof(d[0]), by_macs);
    q.number = d[n / 2].draw;
    return random->ask(&q, out, err);
}

bt_status bti_time_training(double *images_per_s, bti_job *job, double seconds, bt_error *err)
{
    bt_status rc = BT_OK;
    *images_per_s = 0;
    for (; !rc && *images_per_s <= 0 && seconds <= MEASURE_LONGEST_S; seconds *= 2) {
        bti_outcome outcome = {0};
        job->stop.deadline_s = bt_now() + seconds;
        rc = bti_train_job(&outcome, job, err);
        if (rc == BT_STOPPED || rc == BT_DIVERGED)
            rc = BT_OK;
        *images_per_s = outcome.images_per_s;
        bti_outcome_release(&outcome);
    }
    *images_per_s = *images_per_s > 0 ? *images_per_s : 1;
    return rc;
}

static bt_status measure(double *images_per_s, const bti_run *run, const bti_space *space,
                         const bti_data *data, const bti_point *point, double seconds,
                         bt_error *err)
{
    bti_graph *g = NULL;
    bti_view view = {0};
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
    job.ahead = 0; /* the other cores will have workers */
    rc = bti_time_training(images_per_s, &job, seconds, err);
done:
    bti_view_release(&view);
    bti_graph_free(g);
    return rc;
}

bt_status bti_measure_speed(double *images_per_s, const bti_run *run, const bti_space *space,
                            const bti_data *data, const bti_point *point, bt_error *err)
{
    return measure(images_per_s, run, space, data, point, MEASURE_S, err);
}

/* Noise of two classes. *pixels and *labels are yours. */
static bt_status make_noise(bti_data *out, uint8_t **pixels, int32_t **labels, bt_error *err)
{
    size_t n = (size_t)NOISE_IMAGES * NOISE_SIDE * NOISE_SIDE * 3;
    bti_rng rng = bti_rng_at(0, BTI_RNG_TEST, 0, 0, 0);
    *pixels = bti_array(n, 1);
    *labels = bti_calloc(NOISE_IMAGES, sizeof(**labels));
    if (!*pixels || !*labels)
        return bti_fail_nomem(err);
    for (size_t i = 0; i < n; i++)
        (*pixels)[i] = (uint8_t)bti_rng_u32(&rng);
    for (int i = 0; i < NOISE_IMAGES; i++)
        (*labels)[i] = i % 2;
    *out = (bti_data){.classes = 2, .mean = {0.5F, 0.5F, 0.5F}, .std = {0.3F, 0.3F, 0.3F}};
    out->train = (bti_dataset){.n = NOISE_IMAGES,
                               .h = NOISE_SIDE,
                               .w = NOISE_SIDE,
                               .c = 3,
                               .classes = 2,
                               .pixels = *pixels,
                               .labels = *labels};
    return BT_OK;
}

bt_status bti_measure_machine(double *macs_per_s, const bti_run *run, bt_error *err)
{
    bti_run own = {.size = NOISE_SIDE, .channels = 3, .classes = 2, .threads = run->threads};
    bti_auto_space small = bti_auto_space_of(NOISE_SIDE);
    bti_data noise = {0};
    uint8_t *pixels = NULL;
    int32_t *labels = NULL;
    char *text = NULL;
    bti_space *space = NULL;
    double rate = 0;
    bti_answer *median = bti_calloc(1, sizeof(*median));
    bt_status rc = median ? bti_auto_space_text(&text, &small, err) : bti_fail_nomem(err);
    own.space_text = text;
    if (!rc)
        rc = bti_run_space(&own, &space, err);
    if (!rc)
        rc = bti_median_point(&own, space, median, err);
    if (!rc)
        rc = make_noise(&noise, &pixels, &labels, err);
    if (!rc)
        rc = measure(&rate, &own, space, &noise, &median->point, 0.5 * MEASURE_S, err);
    if (!rc)
        *macs_per_s = rate * median->cost.macs;
    bti_free(pixels);
    bti_free(labels);
    bti_free(text);
    bti_free(median);
    bti_space_free(space);
    return rc;
}

static double trials_wanted(double seconds)
{
    return fmin(BTI_TRIALS_WANTED, fmax(BTI_TRIALS_LEAST, seconds / S_A_TRIAL));
}

double bti_affordable_images(double images_per_s, int jobs, double seconds)
{
    return fmax(seconds, 1) * jobs * images_per_s * SHARED_CORES / trials_wanted(seconds);
}

bti_means bti_means_share(double total, int64_t train)
{
    bti_means m;
    double most = fmax((double)train * MAX_EPOCHS, MAX_STEPS * SMALL_BATCH);
    m.images = fmin(sqrt(total / MACS_AN_IMAGE), most);
    m.macs = total / fmax(1, m.images);
    return m;
}

int bti_epochs_most(int64_t n, int batch)
{
    if (batch < 1)
        return MAX_EPOCHS;
    double steps = ceil((double)n / batch);
    return (int)fmax(MAX_EPOCHS, ceil(MAX_STEPS / steps));
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
        epochs = fmin(bti_epochs_most((int64_t)n, r->batch), fmax(2, epochs));
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
