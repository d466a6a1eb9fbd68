/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels of the inference engine: one image, f32, batch normalisation already in the weights.
 * Compiled per instruction set as those of simd.h; a table of functions per set.
 *
 * A map stands in memory with its border: the zeros that the windows which read it reach. No tap
 * asks where the edge is. Channels beyond the real ones (padding lanes) may hold anything finite;
 * no kernel lets them near a real one.
 */
#ifndef BTI_SIMD_INFER_H
#define BTI_SIMD_INFER_H

#include "nn/kernels/simd/simd.h"

/* Channel c of pixel (y, x) is at [c / lanes * block + y * row + x * step + c % lanes]; step is
 * `lanes`, but in a narrow map, which has one block: its channels. Pointers to maps point to pixel
 * (0, 0), behind the border. */
typedef struct bti_infer_map {
    int c, h, w;
    int step;
    int64_t row, block;
} bti_infer_map;

/* Rows and columns of zeros around a map. */
typedef struct bti_infer_border {
    int top, left, bottom, right;
} bti_infer_border;

/* Output blocks that are made together, from inputs [first, end) only: those of their groups. */
typedef struct bti_infer_part {
    int block, blocks; /* at most BTI_INFER_BLOCKS */
    int first, end;
    int64_t weight; /* where its weights begin */
} bti_infer_part;

#define BTI_INFER_BLOCKS 3
#define BTI_INFER_TILE 8 /* most pixels at a time */

/* y = act(conv(x) + bias), with r as `join` says (simd.h). Inputs are taken in runs of `run`
 * neighbours in memory: the channels of a block or, of a narrow map, of a whole row of a window.
 * Weights: [part][run][kh][kw][input of the run][block of the part][lane]. */
typedef struct bti_infer_conv {
    bti_infer_map in, out, other; /* other: of r */
    int kh, kw, run, stride, dilation, pad_t, pad_l;
    int n_parts;
    const bti_infer_part *part;
    bti_act act; /* any but Softmax */
    bti_simd_join join;
} bti_infer_conv;

/* k x k with a channel each: weights [block][k][k][lane]. */
typedef struct bti_infer_window {
    bti_infer_map in, out;
    int k, stride, dilation;
    int pad_t, pad_l;
    bool count_pad; /* average: padding counts */
    bti_act act;
} bti_infer_window;

typedef struct bti_infer_kernels {
    int lanes;
    void (*conv)(const bti_infer_conv *p, const float *x, const float *w, const float *bias,
                 const float *r, float *y);
    void (*depthwise)(const bti_infer_window *p, const float *x, const float *w, const float *bias,
                      float *y);
    /* Padding never wins; of the average as bti_node.count_include_pad. */
    void (*maxpool)(const bti_infer_window *p, const float *x, float *y);
    void (*avgpool)(const bti_infer_window *p, const float *x, float *y);
    void (*mean)(const bti_infer_map *in, const bti_infer_map *out, const float *x, float *y);
    /* y = act(x), act(x + r), act(x * s): one number a channel. r, s NULL: none. */
    void (*pointwise)(const bti_infer_map *in, const bti_infer_map *other, const bti_infer_map *out,
                      bti_act act, const float *x, const float *r, const float *s, float *y);
    void (*softmax)(const bti_infer_map *in, const bti_infer_map *out, const float *x, float *y);
    /* Plain (c,h,w) into a map, and a map into c * h * w plain numbers. */
    void (*pack)(const bti_infer_map *out, const float *plain, float *y);
    void (*flatten)(const bti_infer_map *in, const float *x, float *plain);
    /* Zeros around y. */
    void (*edge)(const bti_infer_map *m, const bti_infer_border *b, float *y);
} bti_infer_kernels;

extern const bti_infer_kernels bti_infer_kernels_portable;
extern const bti_infer_kernels bti_infer_kernels_avx2;
extern const bti_infer_kernels bti_infer_kernels_avx512;

#endif
