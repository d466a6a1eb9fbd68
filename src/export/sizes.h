/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of flash and RAM that an exported network takes on a 32-bit Cortex-M.
 */
#ifndef BTI_SIZES_H
#define BTI_SIZES_H

#include "export/folded.h"

typedef struct bti_sizes {
    int64_t constants; /* weights, biases, scales, tables, descriptors: exact but for class names */
    int64_t code;      /* kernels as arm-none-eabi-gcc 12 -Os -mcpu=cortex-m4 compiles them */
    int64_t flash;     /* constants + code; without libm, which f32 activations may need */
    int64_t arena;     /* static RAM: all maps; the image and the logits are the caller's */
    int stack;         /* at most, below the caller of NAME_run() */
} bti_sizes;

bti_sizes bti_sizes_of(const bti_folded *f, bool int8);

#endif
