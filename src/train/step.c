/* SPDX-License-Identifier: Apache-2.0
 *
 * The step, its buffers, and the optimiser's state in plain layout.
 */
#include "train/step.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "nn/loss.h"
#include "train/imbalance.h"
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

static bt_status open_parts(bti_stepper *s, const bti_job *job, int threads, bti_parts *parts,
                            bt_error *err)
{
    bt_status rc = BT_OK;

    for (int i = 0; !rc && i < 2 && s->source.view[i]; i++) {
        bti_pipeline_options opt = {.policy = s->policy, .threads = threads};
        /* Sample ids of the two sets coincide: other seeds keep their augmentations apart. */
        opt.seed = i ? bti_seed_mix(job->seed, (uint64_t)i) : job->seed;
        memcpy(opt.mean, job->mean, sizeof(opt.mean));
        memcpy(opt.std, job->std, sizeof(opt.std));
        opt.partners = s->source.view[i]->index;
        opt.n_partners = s->source.view[i]->n;
        rc = check_shapes(job, s->source.view[i], err);
        if (!rc)
            rc = bti_pipeline_new(&parts->of[i], s->source.view[i]->set, &opt, err);
    }
    return rc;
}

static bt_status open_input(bti_stepper *s, const bti_job *job, bt_error *err)
{
    const bt_recipe *r = &job->recipe;
    int n = job->ahead < 0 ? bti_feeder_spare(job->threads) : job->ahead;
    bt_status rc = bti_policy_parse(&s->policy, job->recipe.augment, err);

    if (!rc)
        rc = open_parts(s, job, job->threads, &s->parts, err);
    if (!rc && bti_policy_mixes(s->policy)) {
        s->order.targets = bti_calloc((size_t)s->batch, (size_t)s->classes * sizeof(float));
        rc = s->order.targets ? BT_OK : bti_fail_nomem(err);
    }
    /* Shared labels, repeated samples and a change of policy on the way are the team's work. */
    if (rc || !n || s->order.targets || r->no_aug_epochs > 0 || !bti_streq(r->sampling, "shuffle"))
        return rc;
    s->ahead = bti_calloc((size_t)n, sizeof(*s->ahead));
    if (!s->ahead)
        return bti_fail_nomem(err);
    s->n_ahead = n;
    for (int k = 0; k < n && !rc; k++)
        rc = open_parts(s, job, 1, &s->ahead[k], err);
    return rc ? rc : bti_feeder_new(&s->feeder, &s->source, s->ahead, n, err);
}

/* Weights and offsets, of the images that an epoch draws. */
static bt_status weigh_classes(bti_stepper *s, const bti_job *job, bt_error *err)
{
    const bt_recipe *r = &job->recipe;
    size_t classes = (size_t)s->classes;
    bool weighs = !bti_streq(r->class_weights, "none"), moves = r->logit_adjustment > 0;

    if (!weighs && !moves)
        return BT_OK;
    int64_t *count = bti_array(2 * classes, sizeof(*count));
    if (weighs)
        s->class_weight = bti_array(classes, sizeof(float));
    if (moves) {
        s->logit_offset = bti_array(classes, sizeof(float));
        s->adjusted = bti_array((size_t)s->batch * classes, sizeof(float));
    }
    if (count && (!weighs || s->class_weight) && (!moves || (s->logit_offset && s->adjusted))) {
        bti_class_images(count, job);
        bti_class_draws(count + classes, count, s->classes, r->sampling);
        if (weighs)
            bti_class_weights(s->class_weight, count + classes, s->classes, r->class_weights);
        if (moves)
            bti_logit_offsets(s->logit_offset, count + classes, s->classes, r->logit_adjustment);
        bti_free(count);
        return BT_OK;
    }
    bti_free(count);
    return bti_fail_nomem(err);
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
    s->source = (bti_feed){.view = {job->train, job->extra && job->extra->n ? job->extra : NULL},
                           .batch = s->batch};
    s->labels = bti_array((size_t)s->batch, sizeof(*s->labels));
    s->order.index = bti_array((size_t)s->batch, sizeof(*s->order.index));
    s->order.copy = bti_array((size_t)s->batch, sizeof(*s->order.copy));
    s->plain = bti_calloc((size_t)job->graph->n_floats, sizeof(float));
    bool ok = s->labels && s->order.index && s->order.copy && s->plain;
    bt_status rc = ok ? open_input(s, job, err) : bti_fail_nomem(err);
    if (!rc) {
        bti_net_options opt = bti_net_defaults();
        opt.batch = s->batch;
        opt.threads = job->threads;
        opt.training = true;
        opt.precision = job->precision;
        opt.maps = job->maps;
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
    bti_feeder_free(s->feeder); /* first: its threads use what follows */
    for (int k = 0; k < s->n_ahead; k++)
        bti_parts_release(&s->ahead[k]);
    bti_free(s->ahead);
    bti_parts_release(&s->parts);
    bti_optimizer_release(&s->optimizer);
    bti_net_free(s->net);
    bti_policy_free(s->policy);
    bti_free(s->labels);
    bti_free(s->order.targets);
    bti_free(s->order.copy);
    bti_free(s->order.index);
    bti_free(s->plain);
    bti_free(s->ema);
    bti_free(s->class_weight);
    bti_free(s->logit_offset);
    bti_free(s->adjusted);
    *s = (bti_stepper){0};
}

void bti_stepper_announce(bti_stepper *s, uint32_t epoch, const int32_t *sample, int64_t n_steps)
{
    if (s->feeder)
        bti_feeder_announce(s->feeder, epoch, sample, n_steps);
}

static void assemble(bti_stepper *s, uint32_t epoch, const int32_t *sample, const int32_t *copy)
{
    float *x = bti_net_input(s->net);

    if (s->feeder && bti_feeder_take(s->feeder, sample, &s->parts, x, s->labels))
        return;
    s->order.repeat = copy;
    bti_feed_arrange(&s->source, epoch, sample, &s->order);
    bti_feed_fill(&s->source, &s->parts, &s->order, 0, s->batch, x, s->labels);
}

void bti_stepper_set_standard(bti_stepper *s, bool standard)
{
    for (int i = 0; i < 2 && s->parts.of[i]; i++)
        bti_pipeline_set_standard(s->parts.of[i], standard);
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

static const float *adjusted_logits(bti_stepper *s)
{
    const float *logits = bti_net_logits(s->net);

    for (int i = 0; s->logit_offset && i < s->batch * s->classes; i++)
        s->adjusted[i] = logits[i] + s->logit_offset[i % s->classes];
    return s->logit_offset ? s->adjusted : logits;
}

static double batch_loss(bti_stepper *s)
{
    const float *logits = adjusted_logits(s);
    float *dlogits = bti_net_dlogits(s->net);

    if (s->order.targets)
        return bti_softmax_xent_soft(logits, s->order.targets, s->batch, s->classes, s->smoothing,
                                     s->class_weight, dlogits);
    if (s->class_weight)
        return bti_softmax_xent_weighted(logits, s->labels, s->batch, s->classes, s->smoothing,
                                         s->class_weight, dlogits);
    return bti_softmax_xent(logits, s->labels, s->batch, s->classes, s->smoothing, dlogits);
}

double bti_stepper_run(bti_stepper *s, uint32_t epoch, const int32_t *sample, const int32_t *copy,
                       double lr)
{
    assemble(s, epoch, sample, copy);
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
