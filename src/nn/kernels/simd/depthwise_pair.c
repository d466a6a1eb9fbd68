/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolutions on bfloat16 maps, 3x3, 5x5 and 7x7, stride 1 or 2, forward. Each plane
 * passes into a border (vec_border.h), through the normalisation before it if asked; each vector
 * read from there takes part in two output rows.
 */
#include "nn/kernels/simd/simd_int.h"

#if BTI_BF16
#include "nn/kernels/simd/depth_window.h"

static border around_input(const bti_simd_window *w, void *scratch)
{
    const int reach = (w->ow - 1) * w->stride + w->k, own = w->pad_l + w->iw;
    const int below = (w->oh - 1) * w->stride + w->k + 1, high = w->pad_t + w->ih;
    return (border){.at = scratch,
                    .wide = reach > own ? reach : own,
                    .pairs = ((below > high ? below : high) + 1) / 2,
                    .top = w->pad_t,
                    .left = w->pad_l,
                    .gap = 1};
}

size_t SIMD(depth_scratch)(const bti_simd_window *w)
{
    const border b = around_input(w, NULL);
    const size_t forward = border_elems(&b) * sizeof(elem), back = SIMD(depth_back_scratch)(w);
    return forward > back ? forward : back;
}

VINLINE void forward_planes(const bti_simd_window *w, const bti_simd_norm *pre, const elem *x,
                            const float *wei, elem *y, const bti_simd_tail *to, const border *b,
                            int k, int stride)
{
    const int64_t in = (int64_t)w->ih * w->iw * VL, out = (int64_t)w->oh * w->ow * VL;
    const elem *origin = y;
    for (int p = 0; p < w->n * w->cb; p++, x += in, y += out) {
        const int cb = p % w->cb;
        const plane f = {.x = x, .h = w->ih, .w = w->iw, .cb = cb};
        const tail e = tail_of(to, tail_kind(to), origin, cb);
        double *sum = sum_of(to, cb);
        row_taps taps;
        sums s = {};
        pair_taps(wei + (int64_t)cb * k * k * VL, k, false, &taps);
        enclose(b, pre, &f);
#define PLANE(kind)                                                                                \
    depth_plane(b, &taps, y, w->oh, w->ow, k, stride, &e, &s, sum, kind, x + in,                   \
                (int64_t)w->iw * VL)
        FORWARD_TAILS(to, PLANE)
        if (sum)
            sums_flush(&s, &e, sum);
    }
}

void SIMD(depth)(const bti_simd_window *w, const bti_simd_norm *pre, const void *x,
                 const float *wei, void *y, const bti_simd_tail *to, void *scratch)
{
    const border b = around_input(w, scratch);
#define FORWARD(k, stride) forward_planes(w, pre, x, wei, y, to, &b, k, stride)
    WINDOWS(w, FORWARD)
}
#endif
