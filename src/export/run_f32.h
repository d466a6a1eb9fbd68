/* SPDX-License-Identifier: Apache-2.0
 *
 * The folded network in f32 inside bantam, with the kernels that exported sources hold.
 */
#ifndef BTI_RUN_F32_H
#define BTI_RUN_F32_H

#include "export/folded.h"

/* Runs operation i on an arena of f->arena floats. image (h,w,c); logits (classes) is written by
 * the last operation. Returns its output (h,w,c), valid until a later operation takes the place. */
const float *bti_step_f32(const bti_folded *f, int i, const uint8_t *image, float *arena,
                          float *logits);
/* All of them. */
void bti_run_f32(const bti_folded *f, const uint8_t *image, float *arena, float *logits);

/* The activation of one value: for tables. Not Softmax. */
float bti_act_f32(bti_act act, float x);

#endif
