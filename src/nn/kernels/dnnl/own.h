/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions that run on our own bf16 kernels (nn/kernels/simd) instead of oneDNN: which ones,
 * their weights' layout, and the calls. Private to conv.c.
 */
#ifndef BTI_DNNL_OWN_H
#define BTI_DNNL_OWN_H

#include "nn/kernels/dnnl/conv.h"

typedef enum bti_own {
    BTI_OWN_NONE,   /* oneDNN */
    BTI_OWN_WINDOW, /* depthwise, any window: the kernels that also serve f32 */
    BTI_OWN_DEPTH,  /* depthwise 3x3, 5x5, 7x7 */
    BTI_OWN_MATRIX, /* 1x1 */
    BTI_OWN_STEM,   /* 3x3 on the plain input */
} bti_own;

bti_own bti_own_for(const bti_conv_shape *s);
int64_t bti_own_weights(bti_own own, const bti_conv_shape *s); /* floats, kernel layout */
void bti_own_positions(bti_own own, const bti_conv_shape *s, int32_t *pos);
size_t bti_own_scratch(bti_own own, const bti_simd_kernels *simd, const bti_conv_shape *s);
/* As bti_conv_copy and bti_conv_make_copy. */
int64_t bti_own_copy(bti_own own, const bti_conv_shape *s, bti_conv_dir dir);
void bti_own_make_copy(bti_own own, const bti_simd_kernels *simd, const bti_conv_shape *s,
                       bti_conv_dir dir, const float *weights, float *copy);
void bti_own_run(bti_own own, const bti_simd_kernels *simd, const bti_conv_shape *s,
                 bti_conv_dir dir, int images, const bti_conv_args *a);

#endif
