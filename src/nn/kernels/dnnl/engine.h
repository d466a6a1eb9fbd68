/* SPDX-License-Identifier: Apache-2.0
 *
 * How the dnnl backend runs a network. Private to this folder.
 *
 * 1. lower.c    turns the graph into fused operations on values (maps): a convolution, or a batch
 *               normalisation with its activation and residual addition, is one operation.
 * 2. schedule.c turns operations into steps, each of which works on any group of whole images. Only
 *               the statistics of batch normalisation need all images: they cut the step list into
 *               segments. Every thread takes its own images through a whole segment, `chunk` images
 *               at a time, so that what one step writes is still in its cache when the next one
 * reads it; threads meet only between segments, where one of them finishes the statistics.
 * 3. memory.c   gives every buffer a place: FULL buffers (alive across segments) hold the whole
 * batch in one arena, the others hold one chunk in each thread's scratch. Normalised maps and
 *               everything cheap are not kept for the backward pass but computed again, in cache.
 * 4. steps.c, steps_norm.c  are the functions that steps run; params.c maps parameters.
 * 5. fold.c     in a net for inference only, puts normalisations into the weights before them.
 * 6. backend.c  builds all this and walks the segments.
 *
 * In a bf16 net maps and their gradients are bfloat16; what follows global pooling (squeeze-and-
 * excite, the classifier) stays float, with casts where the two meet. Sums, statistics, parameters
 * and their gradients are always float.
 *
 * Invariants: padding lanes of maps, parameters and gradients are zero. Images are dealt to threads
 * in a fixed way and all sums over threads run in thread order: same threads, same bits.
 */
#ifndef BTI_DNNL_ENGINE_H
#define BTI_DNNL_ENGINE_H

#include "nn/backend.h"
#include "nn/kernels/dnnl/barrier.h"
#include "nn/kernels/dnnl/conv.h"
#include "nn/kernels/simd/simd.h"

typedef struct bti_engine bti_engine;

/* One map. All are blocked; only the network's input is plain (n,c,h,w). */
typedef struct bti_fmap {
    int c, h, w, cb;
    bool plain;
    bool bf16;              /* of a bf16 net, unless its few numbers are better kept as floats */
    bool wants_grad;        /* something before it has parameters */
    int op;                 /* producer; -1: the input */
    int level;              /* forward segment from which it can be read */
    int buffer;             /* forward buffer; -1 until scheduled */
    int grad;               /* buffer of its gradient so far; -1: none yet */
    int again, again_level; /* newest buffer that recomputes it in the backward pass, and where */
} bti_fmap;

typedef enum bti_fused_kind {
    BTI_FUSED_PACK, /* plain input to blocked */
    BTI_FUSED_CONV,
    BTI_FUSED_LINEAR, /* also convolutions of one pixel */
    BTI_FUSED_NORM,   /* y = act(bn(x) + r) and its relatives: bti_simd_join */
    BTI_FUSED_ACT,
    BTI_FUSED_ADD,
    BTI_FUSED_SCALE, /* act(z * s) */
    BTI_FUSED_MEAN,  /* adaptive average pooling */
    BTI_FUSED_MAXPOOL,
    BTI_FUSED_AVGPOOL,
    BTI_FUSED_FLATTEN,
    BTI_FUSED_CAST,   /* between bf16 and float */
    BTI_FUSED_PAD,    /* zeros around a map, for windows that oneDNN has no fast code for */
    BTI_FUSED_OUTPUT, /* logits */
} bti_fused_kind;

typedef struct bti_fused {
    bti_fused_kind kind;
    int in[2]; /* values; -1: none */
    int out;   /* value; -1 for OUTPUT */
    bti_act act;
    bti_simd_join join;
    int pre;        /* CONV: the normalisation that it applies while it reads; -1: none */
    int post;       /* CONV: the one behind it that it takes its gradient through; -1: none */
    int post_level; /* and from where on that can be done */
    bool skipped;   /* NORM: its only reader does it */
    bool reduced;   /* NORM: the step behind it in the backward pass makes its sums */
    const bti_simd_kernels *simd; /* for the type of its input */
    int level;                    /* forward segment */
    int conv;                     /* index of bti_engine.conv: CONV */
    int norm;                     /* index of bti_engine.norm: NORM; CONV: the one folded into it */
    int arg;                      /* buffer of positions: MAXPOOL */
    int weight, bias;             /* tensors; -1: none */
    bti_simd_window window;
    const bti_node *node;
} bti_fused;

/* A place for a map of one image, times the batch or times a chunk. */
typedef struct bti_buffer {
    int64_t floats; /* per image */
    int64_t offset; /* floats, in the arena or in a thread's scratch */
    bool full, bf16;
    int first_segment, last_segment; /* over both passes; -1: unused */
    int first_step, last_step;
    int write_level, access_level; /* while a pass is scheduled */
} bti_buffer;

/* What a step knows while it runs: images [first, first + n) by one thread. */
typedef struct bti_run {
    bti_engine *e;
    int thread, first, n;
    bool training;
    int seen;       /* images that this thread did before in this segment */
    float *scratch; /* the thread's chunk buffers */
    void *conv_scratch;
    float *weight_scratch; /* a weight gradient of one chunk */
} bti_run;

#define BTI_STEP_BUFFERS 5

typedef struct bti_step {
    void (*run)(const bti_run *r, const struct bti_step *s);
    /* After all images of the segment, in one thread; NULL: nothing. */
    void (*finish)(bti_engine *e, const struct bti_step *s, int segment);
    int op;
    int norm;                /* whose statistics `finish` makes from sums of this step; -1: none */
    int b[BTI_STEP_BUFFERS]; /* buffers in the order that run expects; -1: none */
    bool add;                /* MEAN backward: adds to what is there */
    bool train_only;         /* statistics: skipped by an inference-mode forward */
    int pass, level, order;
} bti_step;

typedef struct bti_segment {
    int first_step, n_steps;
    int chunk; /* images at a time; divides the batch */
} bti_segment;

/* State of one batch normalisation; arrays of `channels` (padded) numbers. */
typedef struct bti_norm {
    int value; /* its input x */
    int op;
    int channels;
    int tensor_mean, tensor_var, tensor_gamma, tensor_beta;
    float *mean, *scale, *invstd, *abc; /* of the last forward, of the last backward */
    float *running_mean, *running_var;
    double *part; /* (threads, 2, channels): statistics of each thread's images */
} bti_norm;

/* A plain tensor's place in the flat arrays. */
typedef struct bti_slot {
    int64_t offset; /* -1: not a trained tensor */
    int64_t n;      /* floats including padding */
    int32_t *pos;   /* of every plain element, relative to offset; NULL: the same order */
    float *mask;    /* merged groups: 1 where a weight is real; NULL: no mask needed */
} bti_slot;

typedef struct bti_conv_state {
    bti_conv *conv;
    bti_conv_shape shape;
    float *copy[2]; /* weights in the form that FORWARD, BACK_DATA read; NULL: as they are */
    int merged;     /* groups of the graph that share one group here */
    float *shift;   /* what a folded normalisation adds, a channel; NULL: none is folded */
} bti_conv_state;

struct bti_engine {
    bti_net net; /* first member: nn/backend.h */
    const bti_graph *graph;
    bti_net_options opt;
    const bti_simd_kernels *simd; /* for maps in the net's precision */
    const bti_simd_kernels *f32;  /* for parameters and float maps; same lanes */
    bti_conv_context *context;
    char name[64];
    bti_barrier barrier;

    bti_fmap *value;
    bti_fused *op;
    bti_buffer *buffer;
    bti_step *step;
    bti_segment *segment; /* forward [0, n_forward), backward [n_forward, n_segments) */
    bti_norm *norm;
    bti_conv_state *conv;
    bti_slot *slot; /* one per tensor of the graph */
    int n_values, n_ops, n_buffers, n_steps, n_segments, n_forward, n_norms, n_convs;
    int cap_buffers, cap_steps;

    float *input, *logits, *dlogits;
    float *param, *grad;
    float *read;         /* parameters as the steps read them: param, or a copy with folds */
    float **thread_grad; /* [0] is grad; the others are added to it */
    int64_t n_flat;
    float *arena, *state;
    bti_slab maps;   /* the arena, unless the options bring one */
    float **scratch; /* per thread: chunk buffers, then weight_scratch, then conv scratch */
    int64_t arena_floats, scratch_floats, weight_floats, conv_floats;
    double *step_s;       /* (threads, n_steps): seconds in each step; NULL: nobody asks */
    int64_t state_floats; /* everything else, for bti_net_bytes */
};

/* Fills op, value, norm, conv (shapes only). */
bt_status bti_engine_lower(bti_engine *e, bt_error *err);
/* Fills step, segment, buffer. */
bt_status bti_engine_schedule(bti_engine *e, bt_error *err);
/* Chooses chunk sizes and places buffers; fills offsets and arena_floats, scratch_floats. */
bt_status bti_engine_place(bti_engine *e, bt_error *err);
/* Starts to measure (from zero), or stops; false on no memory. */
bool bti_engine_profile(bti_engine *e, bool on);
int bti_engine_breakdown(const bti_engine *e, bti_net_group *out, int cap);

/* Chunks of a segment that thread t runs: [*lo, *hi). */
static inline void bti_engine_share(const bti_engine *e, int segment, int t, int *lo, int *hi)
{
    const int n = e->opt.batch / e->segment[segment].chunk;
    const int each = n / e->opt.threads, extra = n % e->opt.threads;
    *lo = t * each + (t < extra ? t : extra);
    *hi = *lo + each + (t < extra ? 1 : 0);
}

/* Where a step finds a buffer; NULL for -1. */
static inline float *bti_run_at(const bti_run *r, int buffer)
{
    if (buffer < 0)
        return NULL;
    const bti_buffer *b = &r->e->buffer[buffer];
    return b->full ? r->e->arena + b->offset + r->first * b->floats : r->scratch + b->offset;
}

static inline bti_simd_map bti_fmap_shape(const bti_engine *e, int value, int n)
{
    const bti_fmap *v = &e->value[value];
    const int lanes = e->simd->lanes;
    return (bti_simd_map){
        .n = n, .cb = v->cb, .hw = v->h * v->w, .tail = v->c - (v->cb - 1) * lanes};
}

#endif
