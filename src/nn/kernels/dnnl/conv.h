/* SPDX-License-Identifier: Apache-2.0
 *
 * One convolution in its three directions: oneDNN primitives on blocked maps, single-threaded (the
 * engine gives each thread its own images), with all memory supplied by the caller. Depthwise
 * directions that oneDNN leaves to its reference code run on our own kernel.
 */
#ifndef BTI_DNNL_CONV_H
#define BTI_DNNL_CONV_H

#include "base/error.h"
#include "nn/kernels/simd/simd.h"

typedef enum bti_conv_dir {
    BTI_CONV_FORWARD,
    BTI_CONV_BACK_DATA,
    BTI_CONV_BACK_WEIGHTS,
    BTI_CONV_DIRS
} bti_conv_dir;

typedef struct bti_conv_shape {
    int ic, oc; /* stored channels: padded to the block, except ic of a plain input */
    int groups; /* merged until a group fills whole blocks; ic: depthwise */
    bool depthwise;
    bool bf16;      /* maps; weights are float outside */
    bool plain_src; /* the network's input, (n,c,h,w) */
    bool bias;
    bti_act act;            /* that FORWARD ends with: oneDNN's, one that bti_conv_acts() */
    bti_simd_window window; /* cb, sizes, kernel, padding; n is ignored */
} bti_conv_shape;

typedef struct bti_conv_context bti_conv_context; /* oneDNN engine and attributes */
typedef struct bti_conv bti_conv;

bt_status bti_conv_context_new(bti_conv_context **out, bti_isa isa, bt_error *err);
void bti_conv_context_free(bti_conv_context *ctx);

bool bti_conv_acts(bti_act act);

/* True if oneDNN would run some direction of this convolution on its reference code, which is
 * about a thousand times slower (2.6: windows that hang far over the edge). */
bool bti_conv_is_slow(bti_conv_context *ctx, const bti_simd_kernels *simd,
                      const bti_conv_shape *shape, bool training);

/* Creates the direction FORWARD for `images` at a time; fixes the layout of the weights. The
 * context and kernels are borrowed. `where` names the convolution in errors (BT_NOSUPP, BT_NOMEM).
 */
bt_status bti_conv_new(bti_conv **out, bti_conv_context *ctx, const bti_simd_kernels *simd,
                       const bti_conv_shape *shape, int images, int threads, const char *where,
                       bt_error *err);
/* Adds one of the two backward directions. */
bt_status bti_conv_add(bti_conv *c, bti_conv_dir dir, int images, bt_error *err);
void bti_conv_free(bti_conv *c);

int64_t bti_conv_weights(const bti_conv *c); /* floats, kernel layout */
size_t bti_conv_scratch(const bti_conv *c);  /* bytes that any call of run may use, per thread */
/* Position in the kernel layout of every element of the shape's plain (groups,O/g,I/g,k,k) weights.
 */
bt_status bti_conv_positions(const bti_conv *c, int32_t *pos, bt_error *err);

/* Floats of a second copy of the weights that FORWARD or BACK_DATA wants to read, in a layout or a
 * type of its own; 0: it reads the weights. */
int64_t bti_conv_copy(const bti_conv *c, bti_conv_dir dir);
void bti_conv_make_copy(const bti_conv *c, bti_conv_dir dir, int thread, const float *weights,
                        float *copy);

/* True if FORWARD can also add up the sums for batch statistics, and BACK_WEIGHTS add to what is
 * there. */
bool bti_conv_is_own(const bti_conv *c);
bool bti_conv_makes_sums(const bti_conv_shape *shape); /* the same, before it is made */
/* FORWARD and BACK_WEIGHTS can normalise and activate what they read. */
bool bti_conv_takes_norm(const bti_conv_shape *shape);

/* BACK_WEIGHTS also does BACK_DATA, and can take dst through the gradient of a normalisation. */
bool bti_conv_joins_back(const bti_conv_shape *shape);

/* What one call works on. src and dst are maps, or their gradients. */
typedef struct bti_conv_args {
    float *src, *weights, *bias, *dst; /* bias: NULL if the shape has none */
    const bti_simd_norm *pre;          /* src passes it first: bti_conv_takes_norm(); NULL: not */
    const bti_simd_tail *tail; /* FORWARD and BACK_DATA of an own kernel; NULL: nothing more */
    bool add;                  /* BACK_WEIGHTS of an own kernel adds */
    /* BACK_WEIGHTS of bti_conv_joins_back(), as in bti_simd_depth_back: */
    float *param, *src_grad; /* weights, gradient of src (NULL: not asked for) */
    const bti_simd_norm *post;
    const float *y, *abc;
    void *scratch; /* 64-byte aligned, bti_conv_scratch() bytes */
} bti_conv_args;

/* FORWARD: dst = src * weights + bias; BACK_DATA: src from dst and weights (or their copy);
 * BACK_WEIGHTS: weights and bias from src and dst. Different threads may run the same convolution.
 */
void bti_conv_run(const bti_conv *c, bti_conv_dir dir, int thread, const bti_conv_args *args);

#endif
