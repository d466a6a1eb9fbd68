/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own kernels, written once in plain C over vectors of BTI_LANES floats and compiled once per
 * instruction set (cmake/SimdKernels.cmake); a table of functions per set, chosen at run time.
 *
 * Maps are blocked: [image][channel block][pixel][lane], `lanes` channels to a block, so that one
 * vector holds one pixel of `lanes` channels. They are passed as void * and hold floats, or
 * bfloat16 in a set with .bf16; what is passed as float * (parameters, sums, maps of one pixel) is
 * float in every set. Channels beyond the real ones (padding lanes) are
 * zero and every kernel keeps them zero. No kernel allocates, starts threads or fails: callers give
 * each thread its own images. Maps start at 64-byte multiples but need not.
 */
#ifndef BTI_SIMD_H
#define BTI_SIMD_H

#include "base/cpu.h"
#include "model/graph.h"

/* Shape of a blocked map. */
typedef struct bti_simd_map {
    int n;    /* images */
    int cb;   /* channel blocks */
    int hw;   /* pixels of one channel */
    int tail; /* real channels in the last block, 1..lanes */
} bti_simd_map;

/* Where the second operand of a normalisation joins. */
typedef enum bti_simd_join {
    BTI_JOIN_NONE,    /* y = act(z) */
    BTI_JOIN_ACT_ADD, /* y = act(z) + r */
    BTI_JOIN_ADD_ACT, /* y = act(z + r) */
} bti_simd_join;

/* z = (x - mean) * scale + beta per channel; scale = gamma / sqrt(var + eps). */
typedef struct bti_simd_norm {
    bti_simd_map map;
    const float *mean, *scale, *beta; /* cb * lanes, zero in padding lanes */
    bti_act act;                      /* one that bti_simd_act_fuses() accepts */
    bti_simd_join join;
} bti_simd_norm;

/* A sliding window: pooling and depthwise convolution. */
typedef struct bti_simd_window {
    int n, cb, ih, iw, oh, ow;
    int k, stride, dilation;
    int pad_t, pad_l, pad_b, pad_r;
    bool count_include_pad;
} bti_simd_window;

/* A 1x1 convolution of n maps of hw pixels, icb blocks of channels to ocb. */
typedef struct bti_simd_matrix {
    int n, icb, ocb, hw;
} bti_simd_matrix;

/* What a bf16 convolution does with its output y besides storing it. x NULL: adds to sum
 * ([cb][2][lane]) the sums of y and of y * y. x the input of a normalisation (shaped as y, whose
 * gradient y is): stores dz = y * act'(z), z = (x - mean) * scale + beta, and adds the sums of dz
 * and of dz * (x - mean). shift (one a channel, zero in padding lanes) not NULL: the forward pass
 * of a net whose normalisations are in its weights; adds nothing up, stores act(y + shift) + r;
 * r is shaped as y, or NULL; with an r act is not hard-swish. */
typedef struct bti_simd_tail {
    const void *x;
    const float *mean, *scale, *beta;
    bti_act act; /* one that bti_simd_tail_takes() accepts */
    double *sum;
    const float *shift;
    const void *r;
} bti_simd_tail;

bool bti_simd_tail_takes(bti_act act);

/* The backward pass of a depthwise convolution: adds the gradient of its weights to dw and stores
 * that of its input x. */
typedef struct bti_simd_depth_back {
    const bti_simd_norm *pre; /* x is first normalised and activated; NULL: not */
    const void *x, *dy;
    /* Not NULL: dy is that of the output of a normalisation of the convolution's output y, and
     * passes it first, as norm_apply does without an activation. */
    const bti_simd_norm *post;
    const void *y;
    const float *abc;
    const float *wei;
    void *dx;                /* NULL: nobody asks */
    const bti_simd_tail *to; /* of dx */
    float *dw;
    bool add; /* to what is in dw */
} bti_simd_depth_back;

/* A matrix product on flat rows: x (n, in) times w (in, out); in and out are multiples of lanes. */
typedef struct bti_simd_linear {
    int n, in, out;
} bti_simd_linear;

/* Shapes in comments are those of the structs above; (n,cb,hw) stands for [n][cb][hw][lanes]. */
typedef struct bti_simd_kernels {
    const char *name;
    int lanes;
    bool bf16; /* maps hold bfloat16 */

    /* Multiplies and adds in registers only; returns the operations done. For measuring. */
    double (*peak)(int64_t rounds, float *out);

    /* Batch statistics of x (n,cb,hw) merged into mean and m2 (sum of squared deviations) of `seen`
     * samples a channel: Chan, Golub and LeVeque 1983. seen = 0: overwritten. */
    void (*stats)(const bti_simd_map *m, const void *x, double *mean, double *m2, int64_t seen);
    /* y = act(z), with r as `join` says (NULL for BTI_JOIN_NONE). */
    void (*norm)(const bti_simd_norm *p, const void *x, const void *r, void *y);
    /* Adds to s1 the sum of dz and to s2 the sum of dz * (x - mean), per channel. With
     * BTI_JOIN_ADD_ACT dy is replaced by the gradient before the activation. */
    void (*norm_reduce)(const bti_simd_norm *p, const void *x, const void *r, void *dy, double *s1,
                        double *s2);
    /* dx = a * dz + b * (x - mean) + c per channel. dy as norm_reduce left it. dx may be dy. */
    void (*norm_apply)(const bti_simd_norm *p, const float *abc, const void *x, const void *dy,
                       void *dx);

    void (*act)(const bti_simd_map *m, bti_act act, const void *x, void *y);
    void (*act_back)(const bti_simd_map *m, bti_act act, const void *x, const void *dy, void *dx);
    void (*softmax)(const bti_simd_map *m, const void *x, void *y); /* over channels */
    void (*softmax_back)(const bti_simd_map *m, const void *y, const void *dy, void *dx);

    void (*add)(int64_t n, const void *a, const void *b, void *y); /* y = a + b */
    void (*accumulate)(int64_t n, void *a, const void *b);         /* a += b */
    void (*multiply)(int64_t n, float *a, const float *b);         /* a *= b */

    /* u = act(z * s): z (n,cb,hw), s (n,cb,1). Backward gives dz and ds. dz may be du. */
    void (*scale)(const bti_simd_map *m, bti_act act, const void *z, const float *s, void *u);
    void (*scale_back)(const bti_simd_map *m, bti_act act, const void *z, const float *s,
                       const void *du, void *dz, float *ds);

    /* Mean over each of oh x ow adaptive windows (PyTorch's bounds); oh = ow = 1: global.
     * Backward overwrites dx, or adds to it. */
    void (*mean)(const bti_simd_window *w, const void *x, float *y);
    void (*mean_back)(const bti_simd_window *w, const float *dy, void *dx, bool add);
    /* `arg` (n,cb,oh*ow): input pixel of each maximum, first of equals. */
    void (*maxpool)(const bti_simd_window *w, const void *x, void *y, int32_t *arg);
    void (*maxpool_back)(const bti_simd_window *w, const int32_t *arg, const void *dy, void *dx);
    void (*avgpool)(const bti_simd_window *w, const void *x, void *y);
    void (*avgpool_back)(const bti_simd_window *w, const void *dy, void *dx);

    /* Depthwise convolution, weights [cb][k][k][lanes]. dw is overwritten. */
    void (*depthwise)(const bti_simd_window *w, const void *x, const float *wei, void *y);
    void (*depthwise_back_data)(const bti_simd_window *w, const void *dy, const float *wei,
                                void *dx);
    void (*depthwise_back_weights)(const bti_simd_window *w, const void *x, const void *dy,
                                   float *dw);

    /* y = x w + bias (NULL: none). dw and dbias are overwritten, or added to. */
    void (*linear)(const bti_simd_linear *p, const float *x, const float *w, const float *bias,
                   float *y);
    void (*linear_back_data)(const bti_simd_linear *p, const float *dy, const float *w, float *dx);
    void (*linear_back_weights)(const bti_simd_linear *p, const float *x, const float *dy,
                                float *dw, float *dbias, bool add);

    /* n numbers of a map to floats, and back; n is a multiple of lanes. */
    void (*widen)(int64_t n, const void *x, float *y);
    void (*narrow)(int64_t n, const float *x, void *y);

    /* Plain (n,c,hw) to blocked, and blocked (n,cb,hw) to plain rows of `row` floats, zero-filled
     * beyond c * hw, and back. */
    void (*pack)(const bti_simd_map *m, const float *plain, void *y);
    void (*flatten)(const bti_simd_map *m, int row, const void *x, float *y);
    void (*flatten_back)(const bti_simd_map *m, int row, const float *dy, void *dx);
    /* y (oh,ow) is x (ih,iw) with pad_t, pad_l, ... rows and columns of zeros around; and back. */
    void (*pad)(const bti_simd_window *w, const void *x, void *y);
    void (*pad_back)(const bti_simd_window *w, const void *dy, void *dx);

    /* Only in bf16 sets, NULL in others: convolutions without bias. Weights and their gradients are
     * float: [ocb][icb][input lane][output lane] (matrix), [cb][k][k][lane] (depth),
     * [ocb][3][3][4][lane] (stem, up to three plain channels). matrix and stem read them packed to
     * pairs of inputs: as many numbers, half the bytes; matrix_pack_back is for the gradient of the
     * input, which is matrix() from ocb to icb. pre: x is first normalised and activated (join
     * NONE, an act that bti_simd_tail_takes(); NULL: not). to: NULL, y is only stored. Gradients of
     * weights are overwritten, or added to. depth: k 3, 5 or 7, stride 1 or 2, padding below k;
     * depth_back makes both gradients in one pass. scratch: 64-byte aligned, the bytes that
     * ..._scratch says. */
    size_t (*matrix_scratch)(const bti_simd_matrix *p);
    void (*matrix_pack)(const bti_simd_matrix *p, const float *w, void *packed);
    void (*matrix_pack_back)(const bti_simd_matrix *p, const float *w, void *packed);
    void (*matrix)(const bti_simd_matrix *p, const void *x, const void *w, void *y,
                   const bti_simd_tail *to);
    void (*matrix_back_weights)(const bti_simd_matrix *p, const void *x, const void *dy, float *dw,
                                bool add, void *scratch);
    size_t (*depth_scratch)(const bti_simd_window *w);
    void (*depth)(const bti_simd_window *w, const bti_simd_norm *pre, const void *x,
                  const float *wei, void *y, const bti_simd_tail *to, void *scratch);
    void (*depth_back)(const bti_simd_window *w, const bti_simd_depth_back *p, void *scratch);
    size_t (*stem_scratch)(const bti_simd_window *w);
    void (*stem_pack)(int ocb, const float *w, void *packed);
    void (*stem)(const bti_simd_window *w, int channels, int ocb, const float *plain,
                 const void *packed, void *y, const bti_simd_tail *to, void *scratch);
    void (*stem_back_weights)(const bti_simd_window *w, int channels, int ocb, const float *plain,
                              const void *dy, float *dw, bool add, void *scratch);
} bti_simd_kernels;

/* True for the activations that norm and scale fuse; the others go through act. */
bool bti_simd_act_fuses(bti_act act);

/* The f32 kernels for an instruction set (AVX512_BF16 uses AVX512's). The caller makes sure that
 * the CPU can run them: bti_cpu_isa(). Static. */
const bti_simd_kernels *bti_simd_for(bti_isa isa);
/* Those on bfloat16 maps; NULL if the instruction set has none. */
const bti_simd_kernels *bti_simd_bf16_for(bti_isa isa);

extern const bti_simd_kernels bti_simd_kernels_portable;
extern const bti_simd_kernels bti_simd_kernels_avx2;
extern const bti_simd_kernels bti_simd_kernels_avx512;
extern const bti_simd_kernels bti_simd_kernels_avx512_bf16;
extern const bti_simd_kernels bti_simd_kernels_portable_bf16; /* its twin, for tests */

#endif
