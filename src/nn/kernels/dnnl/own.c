/* SPDX-License-Identifier: Apache-2.0
 *
 * From a convolution's shape to the arguments of our own kernels.
 */
#include "nn/kernels/dnnl/own.h"

#define LANES 16 /* of every bf16 set */
#define STEM_DEPTH 4

bti_own bti_own_for(const bti_conv_shape *s)
{
    const bti_simd_window *w = &s->window;
    const bool padded = w->pad_t || w->pad_l || w->pad_b || w->pad_r;
    if (!s->bf16 || s->bias || w->dilation != 1)
        return BTI_OWN_NONE;
    if (s->plain_src)
        return w->k == 3 && s->groups == 1 && s->ic <= 3 ? BTI_OWN_STEM : BTI_OWN_NONE;
    if (!s->depthwise)
        return w->k == 1 && s->groups == 1 && w->stride == 1 && !padded ? BTI_OWN_MATRIX
                                                                        : BTI_OWN_NONE;
    const bool odd = w->k == 3 || w->k == 5 || w->k == 7;
    return odd && w->stride <= 2 && w->pad_t < w->k && w->pad_l < w->k ? BTI_OWN_DEPTH
                                                                       : BTI_OWN_WINDOW;
}

static bti_simd_matrix matrix_of(const bti_conv_shape *s, int images)
{
    return (bti_simd_matrix){
        .n = images, .icb = s->ic / LANES, .ocb = s->oc / LANES, .hw = s->window.ih * s->window.iw};
}

int64_t bti_own_weights(bti_own own, const bti_conv_shape *s)
{
    const int64_t taps = (int64_t)s->window.k * s->window.k;
    if (own == BTI_OWN_MATRIX)
        return (int64_t)s->ic * s->oc;
    return taps * s->oc * (own == BTI_OWN_STEM ? STEM_DEPTH : 1);
}

/* Plain weights are (O, I/G, k, k). */
void bti_own_positions(bti_own own, const bti_conv_shape *s, int32_t *pos)
{
    const int taps = s->window.k * s->window.k;
    const int inputs = s->ic / s->groups, icb = s->ic / LANES;
    for (int o = 0; o < s->oc; o++)
        for (int i = 0; i < inputs; i++)
            for (int t = 0; t < taps; t++) {
                int row = o / LANES * taps + t; /* depthwise: [block][tap][lane] */
                if (own == BTI_OWN_MATRIX)
                    row = (o / LANES * icb + i / LANES) * LANES + i % LANES;
                else if (own == BTI_OWN_STEM)
                    row = row * STEM_DEPTH + i;
                pos[((int64_t)o * inputs + i) * taps + t] = row * LANES + o % LANES;
            }
}

size_t bti_own_scratch(bti_own own, const bti_simd_kernels *simd, const bti_conv_shape *s)
{
    const bti_simd_matrix m = matrix_of(s, 1);
    switch (own) {
    case BTI_OWN_DEPTH:
        return simd->depth_scratch(&s->window);
    case BTI_OWN_MATRIX:
        return simd->matrix_scratch(&m);
    case BTI_OWN_STEM:
        return simd->stem_scratch(&s->window);
    default:
        return 0;
    }
}

int64_t bti_own_copy(bti_own own, const bti_conv_shape *s, bti_conv_dir dir)
{
    if (own == BTI_OWN_MATRIX || (own == BTI_OWN_STEM && dir == BTI_CONV_FORWARD))
        return bti_own_weights(own, s) / 2;
    return 0;
}

void bti_own_make_copy(bti_own own, const bti_simd_kernels *simd, const bti_conv_shape *s,
                       bti_conv_dir dir, const float *weights, float *copy)
{
    const bti_simd_matrix m = matrix_of(s, 1);
    if (own == BTI_OWN_STEM)
        simd->stem_pack(s->oc / LANES, weights, copy);
    else if (dir == BTI_CONV_FORWARD)
        simd->matrix_pack(&m, weights, copy);
    else
        simd->matrix_pack_back(&m, weights, copy);
}

static void run_matrix(const bti_simd_kernels *simd, const bti_conv_shape *s, bti_conv_dir dir,
                       int images, const bti_conv_args *a)
{
    const bti_simd_matrix m = matrix_of(s, images);
    const bti_simd_matrix back = {.n = images, .icb = m.ocb, .ocb = m.icb, .hw = m.hw};
    if (dir == BTI_CONV_FORWARD)
        simd->matrix(&m, a->src, a->weights, a->dst, a->tail);
    else if (dir == BTI_CONV_BACK_DATA)
        simd->matrix(&back, a->dst, a->weights, a->src, a->tail);
    else
        simd->matrix_back_weights(&m, a->src, a->dst, a->weights, a->add, a->scratch);
}

static void run_stem(const bti_simd_kernels *simd, const bti_conv_shape *s, bti_conv_dir dir,
                     const bti_simd_window *w, const bti_conv_args *a)
{
    if (dir == BTI_CONV_FORWARD)
        simd->stem(w, s->ic, s->oc / LANES, a->src, a->weights, a->dst, a->tail, a->scratch);
    else
        simd->stem_back_weights(w, s->ic, s->oc / LANES, a->src, a->dst, a->weights, a->add,
                                a->scratch);
}

static void run_depth(const bti_simd_kernels *simd, bti_conv_dir dir, const bti_simd_window *w,
                      const bti_conv_args *a)
{
    if (dir == BTI_CONV_FORWARD) {
        simd->depth(w, a->pre, a->src, a->weights, a->dst, a->tail, a->scratch);
        return;
    }
    const bti_simd_depth_back both = {.pre = a->pre,
                                      .x = a->src,
                                      .dy = a->dst,
                                      .post = a->post,
                                      .y = a->y,
                                      .abc = a->abc,
                                      .wei = a->param,
                                      .dx = a->src_grad,
                                      .to = a->tail,
                                      .dw = a->weights,
                                      .add = a->add};
    simd->depth_back(w, &both, a->scratch);
}

static void run_window(const bti_simd_kernels *simd, bti_conv_dir dir, const bti_simd_window *w,
                       const bti_conv_args *a)
{
    if (dir == BTI_CONV_FORWARD)
        simd->depthwise(w, a->src, a->weights, a->dst);
    else if (dir == BTI_CONV_BACK_DATA)
        simd->depthwise_back_data(w, a->dst, a->weights, a->src);
    else
        simd->depthwise_back_weights(w, a->src, a->dst, a->weights);
}

void bti_own_run(bti_own own, const bti_simd_kernels *simd, const bti_conv_shape *s,
                 bti_conv_dir dir, int images, const bti_conv_args *a)
{
    bti_simd_window w = s->window;
    w.n = images;
    switch (own) {
    case BTI_OWN_MATRIX:
        run_matrix(simd, s, dir, images, a);
        break;
    case BTI_OWN_STEM:
        run_stem(simd, s, dir, &w, a);
        break;
    case BTI_OWN_DEPTH:
        run_depth(simd, dir, &w, a);
        break;
    default:
        run_window(simd, dir, &w, a);
    }
}
