/* SPDX-License-Identifier: Apache-2.0
 *
 * The sizes of one operation as the reference kernels see them, and the one piece of window
 * arithmetic that convolution and pooling share.
 */
#ifndef BTI_REF_SHAPE_H
#define BTI_REF_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

/* Maps are n, c, h, w, dense, row-major. A window at output (oh,ow) and tap (kh,kw) reads the input
 * at (oh*stride + kh*dilation - pad_t, ow*stride + kw*dilation - pad_l). */
typedef struct ref_shape {
    int n;          /* images */
    int ic, ih, iw; /* input channels and map */
    int oc, oh, ow; /* output channels and map */
    int k, stride, dilation, groups;
    int pad_t, pad_l, pad_b, pad_r;
    bool count_include_pad; /* average pooling */
    int threads; /* never changes a result: every sum is made by one thread, in one order */
} ref_shape;

static inline size_t ref_in_map(const ref_shape *s)
{
    return (size_t)s->ih * (size_t)s->iw;
}

static inline size_t ref_out_map(const ref_shape *s)
{
    return (size_t)s->oh * (size_t)s->ow;
}

/* The outputs o in [lo, hi) whose input position o*stride + offset lies inside [0, n_in). */
typedef struct ref_span {
    int lo, hi;
} ref_span;

static inline ref_span ref_valid(int n_out, int n_in, int stride, int offset)
{
    ref_span v = {offset < 0 ? (-offset + stride - 1) / stride : 0, 0};
    if (n_in > offset)
        v.hi = (n_in - offset + stride - 1) / stride;
    if (v.hi > n_out)
        v.hi = n_out;
    return v;
}

#endif
