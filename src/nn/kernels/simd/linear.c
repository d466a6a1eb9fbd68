/* SPDX-License-Identifier: Apache-2.0
 *
 * Fully connected layers and 1x1 convolutions of 1x1 maps: the classifier and the two small
 * matrices of squeeze-and-excite. Weights are (in, out), so that a vector holds `lanes` outputs.
 */
#include "nn/kernels/simd/simd_int.h"
#include "nn/kernels/simd/vec.h"

#define ROWS 4 /* images that share a loaded weight */

VINLINE void forward_rows(const bti_simd_linear *p, const float *x, const float *w,
                          const float *bias, float *y, int rows)
{
    for (int o = 0; o < p->out; o += VL) {
        vf sum[ROWS];
        for (int r = 0; r < rows; r++)
            sum[r] = bias ? vload(bias + o) : vset(0);
        for (int i = 0; i < p->in; i++) {
            const vf v = vload(w + (int64_t)i * p->out + o);
            for (int r = 0; r < rows; r++)
                sum[r] += x[(int64_t)r * p->in + i] * v;
        }
        for (int r = 0; r < rows; r++)
            vstore(y + (int64_t)r * p->out + o, sum[r]);
    }
}

void SIMD(linear)(const bti_simd_linear *p, const float *x, const float *w, const float *bias,
                  float *y)
{
    int n = p->n;
    for (; n >= ROWS; n -= ROWS, x += ROWS * (int64_t)p->in, y += ROWS * (int64_t)p->out)
        forward_rows(p, x, w, bias, y, ROWS);
    for (; n > 0; n--, x += p->in, y += p->out)
        forward_rows(p, x, w, bias, y, 1);
}

VINLINE void back_rows(const bti_simd_linear *p, const float *dy, const float *w, float *dx,
                       int rows)
{
    for (int i = 0; i < p->in; i++) {
        vf sum[ROWS] = {};
        for (int o = 0; o < p->out; o += VL) {
            const vf v = vload(w + (int64_t)i * p->out + o);
            for (int r = 0; r < rows; r++)
                sum[r] += vload(dy + (int64_t)r * p->out + o) * v;
        }
        for (int r = 0; r < rows; r++)
            dx[(int64_t)r * p->in + i] = vsum(sum[r]);
    }
}

void SIMD(linear_back_data)(const bti_simd_linear *p, const float *dy, const float *w, float *dx)
{
    int n = p->n;
    for (; n >= ROWS; n -= ROWS, dx += ROWS * (int64_t)p->in, dy += ROWS * (int64_t)p->out)
        back_rows(p, dy, w, dx, ROWS);
    for (; n > 0; n--, dx += p->in, dy += p->out)
        back_rows(p, dy, w, dx, 1);
}

VINLINE void weight_rows(const bti_simd_linear *p, const float *x, const float *dy, float *dw,
                         int i, int rows, bool add)
{
    for (int o = 0; o < p->out; o += VL) {
        vf sum[ROWS];
        for (int r = 0; r < rows; r++)
            sum[r] = add ? vload(dw + (int64_t)(i + r) * p->out + o) : vset(0);
        for (int n = 0; n < p->n; n++) {
            const vf g = vload(dy + (int64_t)n * p->out + o);
            for (int r = 0; r < rows; r++)
                sum[r] += x[(int64_t)n * p->in + i + r] * g;
        }
        for (int r = 0; r < rows; r++)
            vstore(dw + (int64_t)(i + r) * p->out + o, sum[r]);
    }
}

void SIMD(linear_back_weights)(const bti_simd_linear *p, const float *x, const float *dy, float *dw,
                               float *dbias, bool add)
{
    for (int i = 0; i < p->in; i += ROWS) /* in is a multiple of lanes */
        weight_rows(p, x, dy, dw, i, ROWS, add);
    for (int o = 0; dbias && o < p->out; o += VL) {
        vf sum = add ? vload(dbias + o) : vset(0);
        for (int n = 0; n < p->n; n++)
            sum += vload(dy + (int64_t)n * p->out + o);
        vstore(dbias + o, sum);
    }
}
