/* SPDX-License-Identifier: Apache-2.0
 *
 * The step, its buffers, and the optimiser's state in plain layout.
 */
#include "train/step.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "nn/loss.h"
#include <math.h>
#include <stdlib.h>

static bt_status check_shapes(const bti_job *job, const bti_view *view, bt_error *err)
{
    const bti_graph *g = job->graph;
    const bti_dataset *d = view->set;

    if (d->c != g->in_c || d->h != g->in_h || d->w != g->in_w)
        return bti_fail(err, BT_INVAL, NULL,
                        "the images are %dx%dx%d but the model was built for %dx%dx%d", d->h, d->w,
                        d->c, g->in_h, g->in_w, g->in_c);
    if (d->classes != g->classes)
        return bti_fail(err, BT_INVAL, NULL, "the data has %d classes but the model has %d outputs",
                        d->classes, g->classes);
    return BT_OK;
}

static bt_status open_pipelines(bti_stepper *s, const bti_job *job, bt_error *err)
{
    bt_status rc = bti_policy_parse(&s->policy, job->recipe.augment, err);

    for (int i = 0; !rc && i < 2 && s->view[i]; i++) {
        bti_pipeline_options opt = {.policy = s->policy, .threads = job->threads};
        /* Sample ids of the two sets coincide: other seeds keep their augmentations apart. */
        opt.seed = i ? bti_seed_mix(job->seed, (uint64_t)i) : job->seed;
        memcpy(opt.mean, job->mean, sizeof(opt.mean));
        memcpy(opt.std, job->std, sizeof(opt.std));
        opt.partners = s->view[i]->index;
        opt.n_partners = s->view[i]->n;
        rc = check_shapes(job, s->view[i], err);
        if (!rc)
            rc = bti_pipeline_new(&s->part[i], s->view[i]->set, &opt, err);
    }
    return rc;
}

/* "balanced" as scikit-learn: images / (classes * images of the class); an absent class has 0. */
static bt_status weigh_classes(bti_stepper *s, const bti_job *job, bt_error *err)
{
    double all = 0;

    if (!bti_streq(job->recipe.class_weights, "balanced"))
        return BT_OK;
    s->class_weight = bti_calloc((size_t)s->classes, sizeof(float));
    if (!s->class_weight)
        return bti_fail_nomem(err);
    for (int part = 0; part < 2 && s->view[part]; part++) {
        const bti_view *view = s->view[part];
        for (int64_t i = 0; i < view->n; i++)
            s->class_weight[view->set->labels[view->index[i]]]++; /* exact up to 2^24 */
        all += (double)view->n;
    }
    for (int c = 0; c < s->classes; c++) {
        double n = (double)s->class_weight[c];
        s->class_weight[c] = n > 0 ? (float)(all / (n * s->classes)) : 0;
    }
    return BT_OK;
}

static int by_place(const void *a, const void *b)
{
    int64_t x = ((const bti_piece *)a)->at, y = ((const bti_piece *)b)->at;
    return x < y ? -1 : x > y;
}

/* With decay "weights", biases and the parameters of batch normalisation go without. */
static bt_status open_optimizer(bti_stepper *s, const bti_job *job, bt_error *err)
{
    const bti_graph *g = job->graph;
    bti_piece *bare = bti_array((size_t)g->n_tensors, sizeof(*bare));
    bool split = bti_streq(job->recipe.decay, "weights");
    int n = 0;

    if (!bare)
        return bti_fail_nomem(err);
    for (int i = 0; split && i < g->n_tensors; i++) {
        bti_tensor_kind kind = g->tensor[i].kind;
        int64_t at, floats = bti_net_flat_range(s->net, i, &at);
        if (floats > 0 && kind != BTI_TENSOR_WEIGHT)
            bare[n++] = (bti_piece){.at = at, .n = floats};
    }
    qsort(bare, (size_t)n, sizeof(*bare), by_place);
    bt_status rc = bti_optimizer_init(&s->optimizer, &job->recipe, bti_net_flat(s->net), bare, n,
                                      job->threads, err);
    bti_free(bare);
    return rc;
}

bt_status bti_stepper_init(bti_stepper *s, const bti_job *job, bt_error *err)
{
    int64_t n = job->train->n + (job->extra ? job->extra->n : 0);

    *s = (bti_stepper){.classes = job->graph->classes,
                       .smoothing = job->recipe.label_smoothing,
                       .n_floats = job->graph->n_floats};
    if (n < 1 || n > INT32_MAX)
        return bti_fail(err, BT_INVAL, NULL, "there are %lld images to train on", (long long)n);
    s->batch = job->recipe.batch < n ? job->recipe.batch : (int)n;
    s->view[0] = job->train;
    s->view[1] = job->extra && job->extra->n ? job->extra : NULL;
    s->labels = bti_array((size_t)s->batch, sizeof(*s->labels));
    s->index = bti_array((size_t)s->batch, sizeof(*s->index));
    s->plain = bti_calloc((size_t)job->graph->n_floats, sizeof(float));
    bt_status rc = s->labels && s->index && s->plain ? BT_OK : bti_fail_nomem(err);
    if (!rc)
        rc = open_pipelines(s, job, err);
    if (!rc) {
        bti_net_options opt = bti_net_defaults();
        opt.batch = s->batch;
        opt.threads = job->threads;
        opt.training = true;
        rc = bti_net_new(&s->net, job->graph, &opt, err);
    }
    if (!rc)
        rc = open_optimizer(s, job, err);
    if (!rc)
        rc = weigh_classes(s, job, err);
    if (!rc && job->recipe.ema > 0) {
        s->ema_decay = job->recipe.ema;
        s->ema = bti_calloc((size_t)job->graph->n_floats, sizeof(float));
        if (!s->ema)
            rc = bti_fail_nomem(err);
    }
    if (rc)
        bti_stepper_release(s);
    return rc;
}

void bti_stepper_release(bti_stepper *s)
{
    bti_optimizer_release(&s->optimizer);
    bti_net_free(s->net);
    for (int i = 0; i < 2; i++)
        bti_pipeline_free(s->part[i]);
    bti_policy_free(s->policy);
    bti_free(s->labels);
    bti_free(s->index);
    bti_free(s->plain);
    bti_free(s->ema);
    bti_free(s->class_weight);
    *s = (bti_stepper){0};
}

/* The batch's samples of the first view come first, then those of the second: order does not matter
 * to the gradient, and each pipeline is called once. */
static void assemble(bti_stepper *s, uint32_t epoch, const int32_t *sample)
{
    const bti_dataset *set = s->view[0]->set;
    size_t image = (size_t)set->c * (size_t)set->h * (size_t)set->w;
    float *x = bti_net_input(s->net);
    int32_t first = (int32_t)s->view[0]->n;
    int filled = 0;

    for (int part = 0; part < 2 && s->part[part]; part++) {
        const bti_view *view = s->view[part];
        int n = 0;
        for (int i = 0; i < s->batch; i++) {
            int32_t at = part ? sample[i] - first : sample[i];
            if (at >= 0 && at < view->n)
                s->index[n++] = view->index[at];
        }
        if (n)
            bti_pipeline_fill(s->part[part], epoch, s->index, n, x + (size_t)filled * image,
                              s->labels + filled);
        filled += n;
    }
}

/* Polyak averaging with the warm-up of TensorFlow's ExponentialMovingAverage(num_updates): early
 * steps weigh more, or a short training would average in its random beginning. */
static void average(bti_stepper *s)
{
    double t = (double)s->optimizer.steps - 1;
    float keep = (float)fmin(s->ema_decay, (1 + t) / (10 + t)), add = 1 - keep;

    bti_net_get_weights(s->net, s->plain);
    for (int64_t i = 0; i < s->n_floats; i++)
        s->ema[i] = keep * s->ema[i] + add * s->plain[i];
}

static double batch_loss(bti_stepper *s)
{
    const float *logits = bti_net_logits(s->net);
    float *dlogits = bti_net_dlogits(s->net);

    if (s->class_weight)
        return bti_softmax_xent_weighted(logits, s->labels, s->batch, s->classes, s->smoothing,
                                         s->class_weight, dlogits);
    return bti_softmax_xent(logits, s->labels, s->batch, s->classes, s->smoothing, dlogits);
}

double bti_stepper_run(bti_stepper *s, uint32_t epoch, const int32_t *sample, double lr)
{
    assemble(s, epoch, sample);
    bti_net_forward(s->net, true);
    double loss = batch_loss(s);
    if (!isfinite(loss))
        return loss;
    bti_net_backward(s->net);
    bti_optimizer_step(&s->optimizer, lr);
    if (s->ema)
        average(s);
    return loss;
}

void bti_stepper_get_weights(bti_stepper *s, float *plain)
{
    if (s->ema)
        memcpy(plain, s->ema, (size_t)s->n_floats * sizeof(float));
    else
        bti_net_get_weights(s->net, plain);
}

void bti_stepper_set_weights(bti_stepper *s, const float *plain)
{
    bti_net_set_weights(s->net, plain);
    if (s->ema)
        memcpy(s->ema, plain, (size_t)s->n_floats * sizeof(float));
}

/* State and parameters have one layout, so the net's own mapping between layouts serves both: the
 * state takes the parameters' place for a moment. */
void bti_stepper_get_state(bti_stepper *s, int i, float *plain)
{
    size_t bytes = (size_t)s->optimizer.flat.n * sizeof(float);

    bti_net_get_weights(s->net, s->plain);
    memcpy(s->optimizer.flat.param, s->optimizer.state[i], bytes);
    bti_net_get_weights(s->net, plain);
    bti_net_set_weights(s->net, s->plain);
}

void bti_stepper_set_state(bti_stepper *s, int i, const float *plain)
{
    size_t bytes = (size_t)s->optimizer.flat.n * sizeof(float);

    bti_net_get_weights(s->net, s->plain);
    bti_net_set_weights(s->net, plain);
    memcpy(s->optimizer.state[i], s->optimizer.flat.param, bytes);
    bti_net_set_weights(s->net, s->plain);
}
