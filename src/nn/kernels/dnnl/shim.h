/* SPDX-License-Identifier: Apache-2.0
 *
 * oneDNN 2.6 and 3.x behind one spelling: memory descriptors as owned handles, convolutions as
 * primitive descriptors made in one call. The only file that asks for DNNL_VERSION_MAJOR.
 *
 * 2.6 has descriptors as public structs: here a handle is then a heap copy of one.
 */
#ifndef BTI_DNNL_SHIM_H
#define BTI_DNNL_SHIM_H

#include "base/alloc.h"

#include <oneapi/dnnl/dnnl.h>

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t bti_md;           /* owned: bti_md_free */
typedef const_dnnl_memory_desc_t bti_md_ref; /* borrowed */
#else
typedef dnnl_memory_desc_t *bti_md;
typedef const dnnl_memory_desc_t *bti_md_ref;
#endif

/* Geometry of a convolution as oneDNN wants it. */
typedef struct bti_dnnl_window {
    dnnl_dims_t strides, dilates, pad_l, pad_r; /* dilates: 0 = dense */
} bti_dnnl_window;

static inline void bti_md_free(bti_md md)
{
#if DNNL_VERSION_MAJOR >= 3
    if (md)
        dnnl_memory_desc_destroy(md);
#else
    bti_free(md);
#endif
}

static inline dnnl_status_t bti_md_clone(bti_md *out, bti_md_ref from)
{
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_clone(out, from);
#else
    *out = bti_malloc(sizeof(**out));
    if (!*out)
        return dnnl_out_of_memory;
    **out = *from;
    return dnnl_success;
#endif
}

/* In the layout of a tag. */
static inline dnnl_status_t bti_md_new(bti_md *out, int n_dims, const dnnl_dims_t dims,
                                       dnnl_data_type_t type, dnnl_format_tag_t tag)
{
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_create_with_tag(out, n_dims, dims, type, tag);
#else
    dnnl_memory_desc_t md;
    const dnnl_status_t rc = dnnl_memory_desc_init_by_tag(&md, n_dims, dims, type, tag);
    return rc ? rc : bti_md_clone(out, &md);
#endif
}

/* alpha and beta as 3.x wants them: 2.6 has hard-swish's built in. */
static inline dnnl_status_t bti_post_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t alg, float alpha,
                                             float beta)
{
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_post_ops_append_eltwise(ops, alg, alpha, beta);
#else
    const bool built_in = alg == dnnl_eltwise_hardswish;
    return dnnl_post_ops_append_eltwise(ops, 1, alg, built_in ? 0 : alpha, built_in ? 0 : beta);
#endif
}

/* src and dst fix the layouts; weights may be of tag any; bias may be NULL. */
static inline dnnl_status_t bti_pd_conv_forward(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
                                                bti_md_ref src, bti_md_ref weights, bti_md_ref bias,
                                                bti_md_ref dst, const bti_dnnl_window *w,
                                                const_dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_convolution_forward_primitive_desc_create(
        out, engine, dnnl_forward_training, dnnl_convolution_direct, src, weights, bias, dst,
        w->strides, w->dilates, w->pad_l, w->pad_r, attr);
#else
    dnnl_convolution_desc_t d;
    const dnnl_status_t rc = dnnl_dilated_convolution_forward_desc_init(
        &d, dnnl_forward_training, dnnl_convolution_direct, src, weights, bias, dst, w->strides,
        w->dilates, w->pad_l, w->pad_r);
    return rc ? rc : dnnl_primitive_desc_create(out, &d, attr, engine, NULL);
#endif
}

static inline dnnl_status_t bti_pd_conv_back_data(dnnl_primitive_desc_t *out, dnnl_engine_t engine,
                                                  bti_md_ref src, bti_md_ref weights,
                                                  bti_md_ref dst, const bti_dnnl_window *w,
                                                  const_dnnl_primitive_desc_t hint,
                                                  const_dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_convolution_backward_data_primitive_desc_create(
        out, engine, dnnl_convolution_direct, src, weights, dst, w->strides, w->dilates, w->pad_l,
        w->pad_r, hint, attr);
#else
    dnnl_convolution_desc_t d;
    const dnnl_status_t rc = dnnl_dilated_convolution_backward_data_desc_init(
        &d, dnnl_convolution_direct, src, weights, dst, w->strides, w->dilates, w->pad_l, w->pad_r);
    return rc ? rc : dnnl_primitive_desc_create(out, &d, attr, engine, hint);
#endif
}

static inline dnnl_status_t bti_pd_conv_back_weights(dnnl_primitive_desc_t *out,
                                                     dnnl_engine_t engine, bti_md_ref src,
                                                     bti_md_ref weights, bti_md_ref bias,
                                                     bti_md_ref dst, const bti_dnnl_window *w,
                                                     const_dnnl_primitive_desc_t hint,
                                                     const_dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_convolution_backward_weights_primitive_desc_create(
        out, engine, dnnl_convolution_direct, src, weights, bias, dst, w->strides, w->dilates,
        w->pad_l, w->pad_r, hint, attr);
#else
    dnnl_convolution_desc_t d;
    const dnnl_status_t rc = dnnl_dilated_convolution_backward_weights_desc_init(
        &d, dnnl_convolution_direct, src, weights, bias, dst, w->strides, w->dilates, w->pad_l,
        w->pad_r);
    return rc ? rc : dnnl_primitive_desc_create(out, &d, attr, engine, hint);
#endif
}

#endif
