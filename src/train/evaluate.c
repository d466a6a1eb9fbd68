/* SPDX-License-Identifier: Apache-2.0
 *
 * Predictions on a view as a confusion matrix, and the measures that follow from it.
 */
#include "train/evaluate.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/interval.h"
#include "base/threads.h"

#define BATCH 250

/* Everything but the net and its pipeline. */
static bt_status init_counts(bti_evaluator *e, const bti_graph *g, const bti_view *view,
                             bt_error *err)
{
    size_t classes = (size_t)g->classes;

    *e = (bti_evaluator){.view = view, .classes = g->classes};
    const bti_dataset *d = view->set;
    if (view->n < 1)
        return bti_fail(err, BT_INVAL, NULL, "there are no images to evaluate on");
    if (d->c != g->in_c || d->h != g->in_h || d->w != g->in_w || d->classes != g->classes)
        return bti_fail(
            err, BT_INVAL, NULL,
            "the data has %dx%dx%d images of %d classes, the model expects %dx%dx%d and %d", d->h,
            d->w, d->c, d->classes, g->in_h, g->in_w, g->in_c, g->classes);
    e->batch = view->n < BATCH ? (int)view->n : BATCH;
    e->labels = bti_array((size_t)e->batch, sizeof(*e->labels));
    e->confusion = bti_calloc(classes * classes, sizeof(*e->confusion));
    return e->labels && e->confusion ? BT_OK : bti_fail_nomem(err);
}

bt_status bti_evaluator_init(bti_evaluator *e, const bti_graph *g, const bti_view *view,
                             const bti_policy *policy, const float mean[3], const float std[3],
                             int threads, bti_precision precision, bt_error *err)
{
    bt_status rc = init_counts(e, g, view, err);
    bti_pipeline_options opt = {.policy = policy, .threads = threads};
    memcpy(opt.mean, mean, sizeof(opt.mean));
    memcpy(opt.std, std, sizeof(opt.std));
    if (!rc)
        rc = bti_pipeline_new(&e->pipeline, view->set, &opt, err);
    if (!rc) {
        bti_net_options net = bti_net_defaults();
        net.batch = e->batch;
        net.threads = threads;
        net.training = false;
        net.precision = precision;
        rc = bti_net_new(&e->net, g, &net, err);
    }
    if (rc)
        bti_evaluator_release(e);
    return rc;
}

void bti_evaluator_release(bti_evaluator *e)
{
    bti_net_free(e->net);
    bti_pipeline_free(e->pipeline);
    bti_free(e->labels);
    bti_free(e->confusion);
    *e = (bti_evaluator){0};
}

static int largest(const float *logits, int classes)
{
    int best = 0;
    for (int c = 1; c < classes; c++) {
        if (logits[c] > logits[best])
            best = c;
    }
    return best;
}

/* Classes that the model finds likelier than `truth`, the lower number first among equals. */
static int rank_of(const float *logits, int classes, int truth)
{
    int before = 0;
    for (int c = 0; c < classes; c++)
        before += logits[c] > logits[truth] || (logits[c] == logits[truth] && c < truth);
    return before;
}

/* Counts the prediction of the view's sample i; true if it is right. */
static bool count(bti_evaluator *e, int64_t i, const float *logits, int32_t truth)
{
    int guess = largest(logits, e->classes);
    if (e->guess)
        e->guess[i] = guess;
    e->top5 += rank_of(logits, e->classes, truth) < 5;
    e->confusion[(int64_t)truth * e->classes + guess]++;
    return guess == truth;
}

double bti_evaluator_run(bti_evaluator *e, const float *weights)
{
    int64_t classes = e->classes, correct = 0;

    memset(e->confusion, 0, (size_t)(classes * classes) * sizeof(*e->confusion));
    e->top5 = 0;
    bti_net_set_weights(e->net, weights);
    for (int64_t at = 0; at < e->view->n; at += e->batch) {
        /* The last batch is filled up with whatever the one before left: images do not interact. */
        int n = e->view->n - at < e->batch ? (int)(e->view->n - at) : e->batch;
        bti_pipeline_fill(e->pipeline, 0, e->view->index + at, n, bti_net_input(e->net), e->labels);
        bti_net_forward(e->net, false);
        const float *logits = bti_net_logits(e->net);
        for (int i = 0; i < n; i++)
            correct += count(e, at + i, logits + (int64_t)i * classes, e->labels[i]);
    }
    return (double)correct / (double)e->view->n;
}

typedef struct foreign {
    const bti_predictor *by;
    const bti_view *view;
    int64_t classes;
    float *logits; /* (view->n, classes) */
} foreign;

static void predict_one(void *ctx, int64_t i, int thread)
{
    const foreign *f = ctx;
    const bti_dataset *d = f->view->set;
    f->by->run(f->by->ctx, thread, d->pixels + (int64_t)f->view->index[i] * d->h * d->w * d->c,
               f->logits + i * f->classes);
}

/* As bti_evaluator_run(), by another engine. */
static bt_status run_by(bti_evaluator *e, const bti_predictor *by, double *accuracy, bt_error *err)
{
    foreign f = {.by = by, .view = e->view, .classes = e->classes};
    int64_t correct = 0;

    f.logits = bti_array((size_t)e->view->n * (size_t)e->classes, sizeof(*f.logits));
    if (!f.logits)
        return bti_fail_nomem(err);
    bti_parallel_for(by->threads, e->view->n, predict_one, &f);
    for (int64_t i = 0; i < e->view->n; i++)
        correct += count(e, i, f.logits + i * f.classes, e->view->set->labels[e->view->index[i]]);
    bti_free(f.logits);
    *accuracy = (double)correct / (double)e->view->n;
    return BT_OK;
}

static double ratio(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* Of one class: its samples, those taken for it, and those of both. */
typedef struct tally {
    int64_t truth, guessed, hit;
} tally;

static tally tally_of(const int64_t *confusion, int64_t classes, int64_t c)
{
    tally t = {.hit = confusion[c * classes + c]};

    for (int64_t j = 0; j < classes; j++) {
        t.truth += confusion[c * classes + j];
        t.guessed += confusion[j * classes + c];
    }
    return t;
}

static void score_classes(bti_score *s, const int64_t *confusion)
{
    for (int c = 0; c < s->classes; c++) {
        tally t = tally_of(confusion, s->classes, c);
        s->count[c] = t.truth;
        s->recall[c] = ratio(t.hit, t.truth);
        s->precision[c] = ratio(t.hit, t.guessed);
        s->f1[c] = ratio(2 * t.hit, t.truth + t.guessed);
        s->correct += t.hit;
    }
}

void bti_evaluator_macro(const bti_evaluator *e, double *f1, double *recall)
{
    int seen = 0;

    *f1 = *recall = 0;
    for (int c = 0; c < e->classes; c++) {
        tally t = tally_of(e->confusion, e->classes, c);
        *f1 += ratio(2 * t.hit, t.truth + t.guessed) / e->classes;
        *recall += ratio(t.hit, t.truth);
        seen += t.truth > 0;
    }
    *recall /= seen ? seen : 1;
}

/* Fills out->accuracy and guess, and what `e` counts. */
static bt_status predict_all(bti_evaluator *e, bti_score *out, const bti_subject *s,
                             const bti_view *view, const bti_policy *policy, bt_error *err)
{
    bt_status rc = s->by ? init_counts(e, s->graph, view, err)
                         : bti_evaluator_init(e, s->graph, view, policy, s->mean, s->std,
                                              s->threads, BTI_PRECISION_F32, err);
    if (rc)
        return rc;
    e->guess = out->guess;
    if (s->by)
        return run_by(e, s->by, &out->accuracy, err);
    out->accuracy = bti_evaluator_run(e, s->weights);
    return BT_OK;
}

bt_status bti_evaluate_under(bti_score *out, const bti_subject *subject, const bti_view *view,
                             const bti_policy *policy, bt_error *err)
{
    bti_evaluator e = {0};
    size_t k = (size_t)subject->graph->classes;

    *out = (bti_score){.classes = subject->graph->classes};
    bt_status rc = BT_OK;
    out->recall = bti_calloc(k, sizeof(double));
    out->precision = bti_calloc(k, sizeof(double));
    out->f1 = bti_calloc(k, sizeof(double));
    out->count = bti_calloc(k, sizeof(int64_t));
    out->guess = bti_array((size_t)view->n, sizeof(int32_t));
    if (!out->recall || !out->precision || !out->f1 || !out->count || !out->guess)
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = predict_all(&e, out, subject, view, policy, err);
    if (!rc) {
        out->n = view->n;
        out->top5 = (double)e.top5 / (double)view->n;
        bti_evaluator_macro(&e, &out->macro_f1, &out->balanced);
        out->confusion = e.confusion;
        e.confusion = NULL;
        score_classes(out, out->confusion);
        bti_wilson(out->accuracy, (double)out->n, &out->lo, &out->hi);
    } else {
        bti_score_release(out);
    }
    bti_evaluator_release(&e);
    return rc;
}

bt_status bti_evaluate(bti_score *out, const bti_graph *g, const float *weights,
                       const bti_dataset *set, const bti_view *view, const float mean[3],
                       const float std[3], int threads, bt_error *err)
{
    bti_view all = {0};
    bt_status rc = view ? BT_OK : bti_view_all(&all, set, err);
    bti_subject subject = {.graph = g, .weights = weights, .threads = threads};

    *out = (bti_score){0};
    memcpy(subject.mean, mean, sizeof(subject.mean));
    memcpy(subject.std, std, sizeof(subject.std));
    if (!rc)
        rc = bti_evaluate_under(out, &subject, view ? view : &all, NULL, err);
    bti_view_release(&all);
    return rc;
}

bt_status bti_evaluate_by(bti_score *out, const bti_graph *g, const bti_predictor *by,
                          const bti_view *view, bt_error *err)
{
    const bti_subject subject = {.graph = g, .threads = by->threads, .by = by};
    return bti_evaluate_under(out, &subject, view, NULL, err);
}

void bti_score_release(bti_score *s)
{
    if (!s)
        return;
    bti_free(s->recall);
    bti_free(s->precision);
    bti_free(s->f1);
    bti_free(s->count);
    bti_free(s->confusion);
    bti_free(s->guess);
    *s = (bti_score){0};
}
