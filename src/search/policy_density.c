/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies by density matching (Lim et al., "Fast AutoAugment", NeurIPS 2019): a good policy makes
 * images that a network trained without it takes for images of the same kind. For each fold a
 * network is trained on the others; a policy's score is the loss of images of the fold under it,
 * the smallest of DRAWS augmentations of each image, as in the authors' code: the mean of one draw
 * would say that the best policy is the weakest.
 */
#include "search/policy_search.h"

#include "base/alloc.h"
#include "base/error.h"
#include "nn/loss.h"

#include <math.h>

#define DRAWS 5
#define BATCH 250
#define TRAIN_SHARE 0.5   /* of the budget at most: for the networks of the folds */
#define TRIALS_WANTED 200 /* that the rest should hold ... */
#define IMAGES_LEAST 200  /* ... on so many images ... */
#define IMAGES_MOST 2000  /* ... or, where time is plenty, on so many */
#define IMAGES_USUAL 1000 /* without a deadline */

/* ---- the networks ---- */

static void part_name(char name[32], int part)
{
    snprintf(name, 32, "fold-%d", part);
}

/* When this network is to be trained: the rest of the share, evenly. 0: after its epochs. */
static double finish_of(const bti_policy_search *s, int part)
{
    double left = s->began_s + TRAIN_SHARE * (s->deadline_s - s->began_s) - bt_now();
    return s->deadline_s > 0 ? bt_now() + fmax(left, 0) / (s->n_parts - part) : 0;
}

static bt_status train_part(bti_policy_search *s, int k, const char *name, bti_json *mark,
                            bt_error *err)
{
    bti_policy_part *p = &s->part[k];
    bti_job job;
    bti_outcome outcome = {0};
    uint64_t seed = bti_seed_mix(s->lab.opt->seed, (uint64_t)k);

    bt_status rc = bti_policy_job(&job, &s->lab, s->plain, seed, err);
    if (rc)
        return rc;
    job.train = &p->rest;
    job.finish_s = finish_of(s, k);
    job.stop = bti_policy_stop(s);
    rc = bti_train_job(&outcome, &job, err);
    if (!rc && outcome.images == 0)
        rc = bti_fail(err, BT_STOPPED, NULL, "no time was left to train fold %d", k + 1);
    if (!rc) {
        double epochs = (double)outcome.images / (double)p->rest.n;
        bti_json_set_num(mark, "epochs", epochs);
        rc = bti_policy_keep(&s->lab, name, outcome.weights, mark, err);
        bti_note(&s->lab.opt->progress, "fold %d of %d: trained %.1f epochs on %lld images", k + 1,
                 s->n_parts, epochs, (long long)p->rest.n);
        p->weights = outcome.weights;
        outcome.weights = NULL;
    }
    bti_outcome_release(&outcome);
    return rc;
}

static bt_status make_part(bti_policy_search *s, int k, bt_error *err)
{
    bti_policy_part *p = &s->part[k];
    const bt_policy_options *o = s->lab.opt;
    bti_json *mark = NULL, *known = NULL;
    char name[32];

    part_name(name, k);
    bt_status rc = bti_view_fold(&s->lab.train, k, s->n_parts, o->seed, &p->rest, &p->held, err);
    if (rc)
        return rc;
    mark = bti_policy_mark(&s->lab, s->plain, o->seed);
    bti_json_set_int(mark, "fold", k);
    bti_json_set_int(mark, "folds", s->n_parts);
    rc = bti_policy_kept(&s->lab, name, mark, &p->weights, &known, err);
    if (!rc && !p->weights)
        rc = train_part(s, k, name, mark, err);
    bti_json_free(known);
    bti_json_free(mark);
    return rc;
}

/* ---- scores ---- */

/* Images at even steps through the fold: of a sorted data set all classes. */
static bt_status take_sample(bti_policy_part *p, int64_t n, bt_error *err)
{
    bti_free(p->sample.index);
    p->sample = (bti_view){.set = p->held.set, .n = n < p->held.n ? n : p->held.n};
    p->sample.index = bti_array((size_t)p->sample.n, sizeof(int32_t));
    if (!p->sample.index)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < p->sample.n; i++)
        p->sample.index[i] = p->held.index[i * p->held.n / p->sample.n];
    return BT_OK;
}

static bt_status open_net(bti_policy_search *s, bt_error *err)
{
    bti_net_options opt = bti_net_defaults();

    opt.batch = BATCH;
    opt.threads = s->lab.threads;
    opt.training = false;
    opt.precision = s->lab.precision;
    s->net_part = -1;
    s->least = bti_array(IMAGES_MOST, sizeof(*s->least));
    s->label = bti_array(BATCH, sizeof(*s->label));
    return s->least && s->label ? bti_net_new(&s->net, s->lab.graph, &opt, err)
                                : bti_fail_nomem(err);
}

/* Lowers s->least by one augmentation of every image of the sample. */
static bt_status one_draw(bti_policy_search *s, const bti_view *sample, bti_pipeline *pipeline,
                          uint32_t draw, bt_error *err)
{
    const bt_stop stop = bti_policy_stop(s);
    int classes = s->lab.graph->classes;

    for (int64_t at = 0; at < sample->n; at += BATCH) {
        int n = sample->n - at < BATCH ? (int)(sample->n - at) : BATCH;
        if (bti_stopped(&stop))
            return bti_fail(err, BT_STOPPED, NULL, "stopped");
        bti_pipeline_fill(pipeline, draw, sample->index + at, n, bti_net_input(s->net), s->label);
        bti_net_forward(s->net, false);
        const float *logits = bti_net_logits(s->net);
        for (int i = 0; i < n; i++) {
            float loss = (float)bti_softmax_xent(logits + (int64_t)i * classes, &s->label[i], 1,
                                                 classes, 0, NULL);
            s->least[at + i] = draw ? fminf(s->least[at + i], loss) : loss;
        }
    }
    return BT_OK;
}

static bt_status score(bti_policy_search *s, int part, const char *text, double *value,
                       bt_error *err)
{
    const bti_policy_part *p = &s->part[part];
    bti_pipeline_options opt = {.seed = s->lab.opt->seed,
                                .threads = s->lab.threads,
                                .partners = p->held.index,
                                .n_partners = p->held.n};
    bti_pipeline *pipeline = NULL;
    bti_policy *policy;
    double sum = 0;

    memcpy(opt.mean, s->lab.data->mean, sizeof(opt.mean));
    memcpy(opt.std, s->lab.data->std, sizeof(opt.std));
    bt_status rc = bti_policy_parse(&policy, text, err);
    opt.policy = policy;
    if (!rc)
        rc = bti_pipeline_new(&pipeline, p->held.set, &opt, err);
    if (!rc && s->net_part != part) {
        bti_net_set_weights(s->net, p->weights);
        s->net_part = part;
    }
    for (uint32_t draw = 0; draw < DRAWS && !rc; draw++)
        rc = one_draw(s, &p->sample, pipeline, draw, err);
    for (int64_t i = 0; i < p->sample.n; i++)
        sum += (double)s->least[i];
    *value = sum / (double)p->sample.n;
    if (!rc && !isfinite(*value))
        rc = bti_fail(err, BT_DIVERGED, NULL, "the loss of fold %d is not finite", part + 1);
    bti_pipeline_free(pipeline);
    bti_policy_free(policy);
    return rc;
}

/* Images of a score, so that enough policies are tried in the time that is left. */
static bt_status choose_images(bti_policy_search *s, int64_t *n, bt_error *err)
{
    double value;

    *n = bti_json_as_int(bti_json_get(s->measured, "images"), 0);
    if (*n > 0 && *n <= IMAGES_MOST)
        return BT_OK;
    *n = IMAGES_USUAL;
    if (s->deadline_s <= 0)
        return BT_OK;
    bt_status rc = take_sample(&s->part[0], IMAGES_LEAST, err);
    if (!rc) /* the first run of a network is no measure of those that follow */
        rc = score(s, 0, s->plain, &value, err);
    double began = bt_now();
    if (!rc)
        rc = score(s, 0, s->plain, &value, err);
    double an_image = (bt_now() - began) / (double)s->part[0].sample.n;
    double fit = (s->deadline_s - bt_now()) / (TRIALS_WANTED * fmax(an_image, 1e-9));
    *n = (int64_t)fmin(fmax(fit, IMAGES_LEAST), IMAGES_MOST);
    return rc;
}

static bt_status score_plain(bti_policy_search *s, bt_error *err)
{
    const bti_json *known = bti_json_get(s->measured, "plain");
    int64_t images;
    bt_status rc = choose_images(s, &images, err);

    for (int k = 0; k < s->n_parts && !rc; k++) {
        rc = take_sample(&s->part[k], images, err);
        if (!rc && !known)
            rc = score(s, k, s->plain, &s->plain_score[k], err);
    }
    if (rc || known)
        return rc;
    bti_json *list = bti_json_array();
    for (int k = 0; k < s->n_parts; k++)
        bti_json_append(list, bti_json_num(s->plain_score[k]));
    bti_json_set_int(s->measured, "images", images);
    bti_json_set_int(s->measured, "draws", DRAWS);
    bti_json_set(s->measured, "plain", list);
    return bti_policy_save(s, err);
}

static bt_status prepare(bti_policy_search *s, bt_error *err)
{
    bt_status rc = BT_OK;

    s->n_parts = s->lab.opt->folds;
    for (int k = 0; k < s->n_parts && !rc; k++)
        rc = make_part(s, k, err);
    if (!rc)
        rc = open_net(s, err);
    return rc ? rc : score_plain(s, err);
}

static void release(bti_policy_search *s)
{
    for (int k = 0; k < BTI_FOLDS_MAX; k++) {
        bti_view_release(&s->part[k].rest);
        bti_view_release(&s->part[k].held);
        bti_free(s->part[k].sample.index);
        bti_free(s->part[k].weights);
    }
    bti_net_free(s->net);
    bti_free(s->least);
    bti_free(s->label);
}

const bti_policy_way bti_policy_density = {.name = "density",
                                           .metric = "loss",
                                           .maximize = false,
                                           .policies_a_fold = 3,
                                           .policies_most = 15,
                                           .prepare = prepare,
                                           .score = score,
                                           .release = release};
