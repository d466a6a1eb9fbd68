/* SPDX-License-Identifier: Apache-2.0
 *
 * SGD with momentum, Adam and AdamW as in torch.optim, and gradient clipping as clip_grad_norm_.
 * Each rule is one pass over a piece of the arrays; pieces do not depend on the thread count.
 */
#include "train/optimizer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include <math.h>

/* Most floats a task: short arrays stay on one thread. */
#define GRAIN 16384

/* Weight decay is added to the gradient, the momentum buffer starts as the first gradient (zero
 * state gives just that), no dampening. p, g and m do not overlap. */
static void sgd_piece(float *restrict p, const float *restrict g, float *restrict m, int64_t n,
                      float lr, float momentum, float decay, bool nesterov)
{
    if (nesterov) {
        for (int64_t i = 0; i < n; i++) {
            float d = g[i] + decay * p[i];
            m[i] = momentum * m[i] + d;
            p[i] -= lr * (d + momentum * m[i]);
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        m[i] = momentum * m[i] + (g[i] + decay * p[i]);
        p[i] -= lr * m[i];
    }
}

static void sgd_step(const bti_optimizer *o, const bti_piece *c, double lr)
{
    sgd_piece(o->flat.param + c->at, o->flat.grad + c->at, o->state[0] + c->at, c->n, (float)lr,
              (float)o->momentum, c->decay, o->nesterov);
}

/* Kingma, Ba: "Adam", ICLR 2015. `keep` multiplies the parameter first (AdamW's decay), `pull` adds
 * to the gradient (Adam's); root = sqrt(1 - beta2^t), rate = lr / (1 - beta1^t). */
typedef struct adam_scalars {
    float beta1, beta2, rest1, rest2; /* rest = 1 - beta, rounded once */
    float keep, pull, rate, root, eps;
} adam_scalars;

static void adam_piece(float *restrict p, const float *restrict g, float *restrict m,
                       float *restrict v, int64_t n, adam_scalars k)
{
    for (int64_t i = 0; i < n; i++) {
        float d = g[i] + k.pull * p[i];
        m[i] = k.beta1 * m[i] + k.rest1 * d;
        v[i] = k.beta2 * v[i] + k.rest2 * d * d;
        p[i] = k.keep * p[i] - k.rate * m[i] / (sqrtf(v[i]) / k.root + k.eps);
    }
}

static void adam_any(const bti_optimizer *o, const bti_piece *c, double lr, float keep, float pull)
{
    double t = (double)o->steps;
    adam_scalars k = {.beta1 = (float)o->momentum,
                      .beta2 = (float)o->beta2,
                      .rest1 = (float)(1 - o->momentum),
                      .rest2 = (float)(1 - o->beta2),
                      .keep = keep,
                      .pull = pull,
                      .rate = (float)(lr / (1 - pow(o->momentum, t))),
                      .root = (float)sqrt(1 - pow(o->beta2, t)),
                      .eps = 1e-8F};
    adam_piece(o->flat.param + c->at, o->flat.grad + c->at, o->state[0] + c->at,
               o->state[1] + c->at, c->n, k);
}

static void adam_step(const bti_optimizer *o, const bti_piece *c, double lr)
{
    adam_any(o, c, lr, 1, c->decay);
}

/* Loshchilov, Hutter: "Decoupled weight decay regularization", ICLR 2019, as torch: the pull goes
 * by the learning rate. */
static void adamw_step(const bti_optimizer *o, const bti_piece *c, double lr)
{
    adam_any(o, c, lr, (float)(1 - lr * (double)c->decay), 0);
}

static const bti_optimizer_ops optimizers[] = {
    {"sgd", 1, sgd_step},
    {"adam", 2, adam_step},
    {"adamw", 2, adamw_step},
};
#define N_OPTIMIZERS (sizeof(optimizers) / sizeof(optimizers[0]))

bt_status bti_optimizer_find(const bti_optimizer_ops **out, const char *name, bt_error *err)
{
    bti_str list = {0};

    *out = NULL;
    for (size_t i = 0; i < N_OPTIMIZERS; i++) {
        if (bti_streq(optimizers[i].name, name)) {
            *out = &optimizers[i];
            bti_str_release(&list);
            return BT_OK;
        }
        bti_str_addf(&list, "%s%s", i ? ", " : "", optimizers[i].name);
    }
    bt_status rc = bti_fail(err, BT_INVAL, NULL, "unknown optimizer '%s', expected %s", name,
                            bti_str_c(&list));
    bti_str_release(&list);
    return rc;
}

/* Cuts [at, end) into pieces; with o->piece NULL only counts them. */
static void cut(bti_optimizer *o, int64_t at, int64_t end, float decay)
{
    while (at < end) {
        int64_t n = end - at < GRAIN ? end - at : GRAIN;
        if (o->piece)
            o->piece[o->n_pieces] = (bti_piece){at, n, decay};
        o->n_pieces++;
        at += n;
    }
}

static void cut_all(bti_optimizer *o, float decay, const bti_piece *bare, int n_bare)
{
    int64_t at = 0;

    o->n_pieces = 0;
    for (int i = 0; i < n_bare; i++) {
        cut(o, at, bare[i].at, decay);
        cut(o, bare[i].at, bare[i].at + bare[i].n, 0);
        at = bare[i].at + bare[i].n;
    }
    cut(o, at, o->flat.n, decay);
}

static bt_status make_pieces(bti_optimizer *o, float decay, const bti_piece *bare, int n_bare,
                             bt_error *err)
{
    cut_all(o, decay, bare, n_bare);
    size_t n = o->n_pieces ? (size_t)o->n_pieces : 1;
    o->square = bti_array(n, sizeof(*o->square));
    o->piece = bti_array(n, sizeof(*o->piece));
    if (!o->square || !o->piece)
        return bti_fail_nomem(err);
    cut_all(o, decay, bare, n_bare);
    return BT_OK;
}

bt_status bti_optimizer_init(bti_optimizer *o, const bt_recipe *recipe, bti_flat flat,
                             const bti_piece *bare, int n_bare, int threads, bt_error *err)
{
    *o = (bti_optimizer){.flat = flat,
                         .momentum = recipe->momentum,
                         .beta2 = recipe->beta2,
                         .clip = recipe->clip,
                         .nesterov = recipe->nesterov,
                         .threads = threads};
    bt_status rc = bti_optimizer_find(&o->ops, recipe->optimizer, err);
    if (!rc)
        rc = make_pieces(o, (float)recipe->weight_decay, bare, n_bare, err);
    for (int i = 0; !rc && i < o->ops->n_states; i++) {
        o->state[i] = bti_aligned_calloc((size_t)flat.n, sizeof(float));
        if (!o->state[i])
            rc = bti_fail_nomem(err);
    }
    if (rc)
        bti_optimizer_release(o);
    return rc;
}

void bti_optimizer_release(bti_optimizer *o)
{
    for (int i = 0; i < BTI_OPTIMIZER_STATES; i++)
        bti_aligned_free(o->state[i]);
    bti_free(o->piece);
    bti_free(o->square);
    *o = (bti_optimizer){0};
}

/* Pascanu et al., ICML 2013; torch.nn.utils.clip_grad_norm_. Sums in a fixed order. A norm that is
 * not finite passes and shows in the weights. */
static void clip_gradients(bti_optimizer *o)
{
    int64_t pieces = o->n_pieces;
    double sum = 0;

#pragma omp parallel for num_threads(o->threads) if (pieces > 1 && o->threads > 1) schedule(static)
    for (int64_t c = 0; c < pieces; c++) {
        const float *g = o->flat.grad + o->piece[c].at;
        double part = 0;
        for (int64_t i = 0; i < o->piece[c].n; i++)
            part += (double)g[i] * (double)g[i];
        o->square[c] = part;
    }
    for (int64_t c = 0; c < pieces; c++)
        sum += o->square[c];
    double scale = o->clip / (sqrt(sum) + 1e-6);
    if (!(scale < 1))
        return;
    for (int64_t i = 0; i < o->flat.n; i++)
        o->flat.grad[i] *= (float)scale;
}

void bti_optimizer_step(bti_optimizer *o, double lr)
{
    int64_t pieces = o->n_pieces;

    if (o->clip > 0)
        clip_gradients(o);
    o->steps++;
#pragma omp parallel for num_threads(o->threads) if (pieces > 1 && o->threads > 1) schedule(static)
    for (int64_t c = 0; c < pieces; c++)
        o->ops->step(o, &o->piece[c], lr);
}
