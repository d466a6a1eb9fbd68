/* SPDX-License-Identifier: Apache-2.0
 *
 * A model directory at work: classes of image files, logits of arrays. Images reach the network as
 * those of a data set do (convert, pad to a square, resize, normalise), by the same functions.
 */
#include "bantam/train.h"

#include "augment/augment.h"
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/str.h"
#include "data/npy.h"
#include "data/reading.h"
#include "nn/net.h"
#include "train/trainer.h"

#include <math.h>

#define BATCH 64
#define WHOLE_MAX 16384 /* images of one training-mode batch: activations of all are held */

typedef struct runner {
    bti_graph *graph;
    float *weights;
    bti_model_meta meta;
    bti_json *result;
    int threads, batch;
    bti_net *net;
    /* uint8 images on their way to the network */
    bti_dataset set;
    int32_t *labels, *index;
    bti_pipeline *pipeline;
} runner;

static void runner_close(runner *r)
{
    bti_pipeline_free(r->pipeline);
    bti_free(r->labels);
    bti_free(r->index);
    bti_net_free(r->net);
    bti_graph_free(r->graph);
    bti_free(r->weights);
    bti_model_meta_release(&r->meta);
    bti_json_free(r->result);
}

static bt_status runner_open(runner *r, const char *model_dir, int threads, bt_error *err)
{
    *r = (runner){.threads = threads > 0 ? threads : bti_cpu_count()};
    return bti_model_load(model_dir, &r->graph, &r->weights, &r->meta, &r->result, err);
}

/* Running statistics are used unless `train_mode`, which needs a net that can train. */
static bt_status make_net(runner *r, int batch, bool train_mode, bt_error *err)
{
    bti_net_options opt = bti_net_defaults();
    opt.batch = r->batch = batch;
    opt.threads = r->threads;
    opt.training = train_mode;
    bt_status rc = bti_net_new(&r->net, r->graph, &opt, err);
    if (!rc)
        bti_net_set_weights(r->net, r->weights);
    return rc;
}

/* n images (n,h,w,c), borrowed, as a data set whose labels mean nothing. */
static bt_status use_pixels(runner *r, const uint8_t *pixels, int64_t n, bt_error *err)
{
    const bti_model_meta *m = &r->meta;
    bti_pipeline_options opt = {.threads = r->threads};
    memcpy(opt.mean, m->mean, sizeof(opt.mean));
    memcpy(opt.std, m->std, sizeof(opt.std));
    r->labels = bti_calloc((size_t)n, sizeof(*r->labels));
    r->index = bti_array((size_t)n, sizeof(*r->index));
    if (!r->labels || !r->index)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < n; i++)
        r->index[i] = (int32_t)i;
    r->set = (bti_dataset){.n = n,
                           .h = m->h,
                           .w = m->w,
                           .c = m->c,
                           .classes = m->classes,
                           .pixels = pixels,
                           .labels = r->labels};
    return bti_pipeline_new(&r->pipeline, &r->set, &opt, err);
}

static void fill(runner *r, int64_t at, int n)
{
    int32_t ignored[BATCH];
    float *x = bti_net_input(r->net);
    int64_t one = (int64_t)r->meta.h * r->meta.w * r->meta.c;
    for (int done = 0; done < n; done += BATCH) {
        int part = n - done < BATCH ? n - done : BATCH;
        bti_pipeline_fill(r->pipeline, 0, r->index + at + done, part, x + done * one, ignored);
    }
}

/* ---- image files ---- */

/* A batch of decoded files. */
typedef struct slots {
    const char *const *path;
    uint8_t *pixels;
    bti_answer answer[BATCH];
} slots;

static bt_status take_answer(void *user, int64_t i, const bti_answer *a, bt_error *err)
{
    (void)err;
    ((slots *)user)->answer[i] = *a;
    return BT_OK;
}

static bt_status decode(const runner *r, slots *s, int n, const char *program, bt_error *err)
{
    bti_reading reading = {
        .path = s->path,
        .n = n,
        .ask = {.kind = BTI_ASK_PIXELS, .side = r->meta.h, .channels = r->meta.c},
        .px = s->pixels,
        .program = program,
        .threads = r->threads,
        .take = take_answer,
        .user = s};
    return bti_read_images(&reading, err);
}

/* The `top` likeliest classes, by softmax. `p` is scratch, one a class. */
static bti_json *top_classes(const float *logits, const bti_model_meta *m, int top, double *p)
{
    bti_json *list = bti_json_array();
    double most = logits[0], sum = 0;
    for (int c = 1; c < m->classes; c++)
        most = fmax(most, (double)logits[c]);
    for (int c = 0; c < m->classes; c++)
        sum += p[c] = exp((double)logits[c] - most);
    for (int k = 0; k < top && k < m->classes; k++) {
        int best = 0; /* of equal ones the first, as in eval */
        for (int c = 1; c < m->classes; c++)
            if (p[c] > p[best])
                best = c;
        bti_json *o = bti_json_object();
        bti_json_set_str(o, "class", m->class_names[best]);
        bti_json_set_num(o, "p", p[best] / sum);
        bti_json_append(list, o);
        p[best] = -1; /* taken */
    }
    return list;
}

static bt_status predict_batch(runner *r, slots *s, int n, const bt_predict_options *opt, double *p,
                               bti_json *list, bt_error *err)
{
    bt_status rc = decode(r, s, n, opt->program, err);
    if (rc)
        return rc;
    fill(r, 0, n);
    bti_net_forward(r->net, false);
    const float *logits = bti_net_logits(r->net);
    for (int i = 0; i < n; i++) {
        bti_json *o = bti_json_object();
        bti_json_set_str(o, "path", s->path[i]);
        if (s->answer[i].rc)
            bti_json_set_str(o, "error", s->answer[i].error.text);
        else
            bti_json_set(o, "top",
                         top_classes(logits + (int64_t)i * r->meta.classes, &r->meta, opt->top, p));
        bti_json_append(list, o);
    }
    return BT_OK;
}

/* Files can be brought to what this model takes. */
static bt_status check_rule(const bti_model_meta *m, const char *dir, bt_error *err)
{
    if (!bti_streq(m->resize_rule, "none") && !bti_streq(m->resize_rule, "pad-square+bilinear"))
        return bti_fail(err, BT_NOSUPP, dir, "its resize rule '%s' is not known to this version",
                        m->resize_rule);
    if (m->h != m->w || m->c == 2)
        return bti_fail(err, BT_NOSUPP, dir,
                        "the model takes %dx%dx%d arrays, which image files are not: use --input",
                        m->h, m->w, m->c);
    return BT_OK;
}

static bt_status predict_all(runner *r, const bt_predict_options *opt, bti_json *list,
                             bt_error *err)
{
    int batch = opt->n_images < BATCH ? (int)opt->n_images : BATCH;
    size_t one = (size_t)r->meta.h * (size_t)r->meta.w * (size_t)r->meta.c;
    slots *s = bti_calloc(1, sizeof(*s));
    double *p = bti_array((size_t)r->meta.classes, sizeof(*p));
    uint8_t *pixels = bti_calloc((size_t)batch, one);
    bt_status rc = s && p && pixels ? BT_OK : bti_fail_nomem(err);

    if (!rc)
        rc = make_net(r, batch, false, err);
    if (!rc)
        rc = use_pixels(r, pixels, batch, err);
    for (int64_t at = 0; !rc && at < opt->n_images; at += batch) {
        int n = opt->n_images - at < batch ? (int)(opt->n_images - at) : batch;
        s->path = opt->image + at;
        s->pixels = pixels;
        rc = predict_batch(r, s, n, opt, p, list, err);
    }
    bti_free(s);
    bti_free(p);
    bti_free(pixels);
    return rc;
}

bt_status bt_predict(char **json, const bt_predict_options *opt, bt_error *err)
{
    runner r;
    bti_json *list = bti_json_array();

    *json = NULL;
    bt_status rc = runner_open(&r, opt->model_dir, opt->threads, err);
    if (!rc)
        rc = check_rule(&r.meta, opt->model_dir, err);
    if (!rc && opt->n_images > 0)
        rc = predict_all(&r, opt, list, err);
    if (!rc) {
        *json = bti_json_text(list, 0);
        if (!*json)
            rc = bti_fail_nomem(err);
    }
    bti_json_free(list);
    runner_close(&r);
    return rc;
}

/* ---- arrays ---- */

typedef struct array {
    const char *path;
    bti_map map;
    bti_npy_shape shape;
    const uint8_t *data;
    int64_t n;
} array;

static bt_status open_input(array *a, const bti_model_meta *m, bt_error *err)
{
    const void *data;
    bti_npy_shape *s = &a->shape;
    bt_status rc = bti_npy_open(&a->map, a->path, s, &data, err);
    if (rc)
        return rc;
    a->data = data;
    a->n = s->dim[0];
    if (s->type == BTI_NPY_U8 && s->n_dims == 3) /* grey images without their 1 */
        s->dim[s->n_dims++] = 1;
    bool raw = s->type == BTI_NPY_U8;
    const int64_t want[3] = {raw ? m->h : m->c, raw ? m->w : m->h, raw ? m->c : m->w};
    bool same = s->n_dims == 4 && s->type != BTI_NPY_I32;
    for (int i = 0; same && i < 3; i++)
        same = s->dim[i + 1] == want[i];
    if (!same)
        return bti_fail(err, BT_INVAL, a->path,
                        "is not what the model takes: float32 (n,%d,%d,%d), normalised, or uint8 "
                        "(n,%d,%d,%d)",
                        m->c, m->h, m->w, m->h, m->w, m->c);
    if (a->n < 1 || a->n > INT32_MAX)
        return bti_fail(err, BT_INVAL, a->path, "holds %lld images, one is the least",
                        (long long)a->n);
    return BT_OK;
}

static bt_status run_array(runner *r, const array *a, bool train_mode, float *out, bt_error *err)
{
    int64_t batch = train_mode || a->n < BATCH ? a->n : BATCH;
    size_t one = (size_t)r->meta.h * (size_t)r->meta.w * (size_t)r->meta.c * sizeof(float);
    size_t row = (size_t)r->meta.classes * sizeof(float);
    bool raw = a->shape.type == BTI_NPY_U8;

    if (batch > WHOLE_MAX)
        return bti_fail(err, BT_INVAL, a->path,
                        "training mode takes the whole input as one batch, at most %d images",
                        WHOLE_MAX);
    bt_status rc = make_net(r, (int)batch, train_mode, err);
    if (!rc && raw)
        rc = use_pixels(r, a->data, a->n, err);
    for (int64_t at = 0; !rc && at < a->n; at += batch) {
        int n = a->n - at < batch ? (int)(a->n - at) : (int)batch;
        if (raw)
            fill(r, at, n);
        else
            memcpy(bti_net_input(r->net), a->data + (size_t)at * one, (size_t)n * one);
        bti_net_forward(r->net, train_mode);
        memcpy((char *)out + (size_t)at * row, bti_net_logits(r->net), (size_t)n * row);
    }
    return rc;
}

bt_status bt_logits(const bt_logits_options *opt, bt_error *err)
{
    runner r;
    array a = {.path = opt->input};
    float *out = NULL;

    bt_status rc = runner_open(&r, opt->model_dir, opt->threads, err);
    if (!rc)
        rc = open_input(&a, &r.meta, err);
    if (!rc) {
        out = bti_array((size_t)a.n * (size_t)r.meta.classes, sizeof(*out));
        rc = out ? run_array(&r, &a, opt->train_mode, out, err) : bti_fail_nomem(err);
    }
    if (!rc) {
        const bti_npy_shape shape = {BTI_NPY_F32, 2, {a.n, r.meta.classes}};
        rc = bti_npy_write(opt->output, &shape, out, err);
    }
    bti_free(out);
    bti_map_close(&a.map);
    runner_close(&r);
    return rc;
}
