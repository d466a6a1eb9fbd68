/* SPDX-License-Identifier: Apache-2.0
 *
 * What the functions of ops.def share: the image they work on, and their declarations (made from
 * the table).
 */
#ifndef BTI_OP_INT_H
#define BTI_OP_INT_H

#include <stdint.h>

/* One application: src and dst are (h,w,c), c in {1,3}, apart from each other. */
typedef struct bti_op_image {
    const uint8_t *src;
    uint8_t *dst;
    int h, w, c;
    void *scratch; /* bti_op_scratch(h, w, c) bytes, 8-byte aligned */
} bti_op_image;

typedef void bti_op_fn(double value, const bti_op_image *im);

#define OP(id, name, unit, lo, hi, identity, is_signed, geometric, fn, source) bti_op_fn fn;
#include "augment/ops.def"
#undef OP

#endif
