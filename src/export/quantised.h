/* SPDX-License-Identifier: Apache-2.0
 *
 * The folded network in int8: what the integer kernels need of every operation.
 *
 * real = scale * (q - zero). Weights: -127..127, zero 0, a scale an output channel. Maps: one scale
 * and zero, -128..127. Biases: int32. See kernels/s8.inc for the arithmetic.
 */
#ifndef BTI_QUANTISED_H
#define BTI_QUANTISED_H

#include "export/folded.h"

typedef struct bti_scale {
    double scale;
    int zero;
} bti_scale;

typedef struct bti_quantised_op {
    bti_scale out;
    int lo, hi;     /* clamp of CONV, DEPTHWISE, ADD */
    bool pointwise; /* CONV 1x1 without padding: zero(input) is in the bias */
    int8_t *weight; /* as bti_folded_op.weight */
    int32_t *bias, *multiplier;
    int8_t *shift;
    uint8_t black[3]; /* CONV on the image */
    int8_t *table;    /* ACT, CLAMP: 256; IMAGE: 256 a channel */
    /* ADD: a, b, result; SCALE and averages: [0]. */
    int32_t mult[3];
    int exponent[3];
    int count; /* averages: values of a whole area */
} bti_quantised_op;

typedef struct bti_quantised {
    const bti_folded *net; /* borrowed */
    bti_quantised_op *op;  /* net->n_ops */
    bti_arena memory;
} bti_quantised;

/* Runs operation i on an arena of net->arena bytes; as bti_step_f32(). */
const int8_t *bti_step_s8(const bti_quantised *q, int i, const uint8_t *image, int8_t *arena,
                          int8_t *logits);
void bti_run_s8(const bti_quantised *q, const uint8_t *image, int8_t *arena, int8_t *logits);

void bti_quantised_free(bti_quantised *q);

#endif
