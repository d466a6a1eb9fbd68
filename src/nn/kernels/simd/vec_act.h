/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations and their derivatives on vectors, PyTorch's formulas and its choices at the corners.
 * `act` is a constant at every call, so the switch is decided by the compiler. Private to simd/.
 */
#ifndef BTI_VEC_ACT_H
#define BTI_VEC_ACT_H

#include "model/graph.h"
#include "nn/kernels/simd/vec.h"

#define SELU_LAMBDA 1.0507009873554805f
#define SELU_ALPHA 1.6732632423543772f

VINLINE vf vsigmoid(vf x)
{
    return 1.0f / (1.0f + vexp(-x));
}

/* The normal distribution function; erf by Abramowitz and Stegun 7.1.26 (error below 1.5e-7). */
VINLINE vf vphi(vf x)
{
    const vf z = vmax(-x, x) * 0.70710678f;
    const vf t = 1.0f / (1.0f + 0.3275911f * z);
    vf p = vset(1.061405429f);
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const vf tail = 0.5f * p * t * vexp(-z * z);
    return vgt(x, vset(0), 1.0f - tail, tail);
}

/* tanh(softplus(x)) = n / (n + 2) with n = e^2x + 2 e^x, and its derivative. */
VINLINE vf vmish_tanh(vf x, vf *slope)
{
    const vf e = vexp(vmin(vset(20.0f), x));
    const vf n = e * (e + 2.0f), d = n + 2.0f;
    *slope = 4.0f * e * (e + 1.0f) / (d * d);
    return n / d;
}

VINLINE vf vact(bti_act act, vf x)
{
    const vf zero = vset(0);
    vf slope;
    switch (act) {
    case BTI_ACT_RELU:
        return vmax(zero, x);
    case BTI_ACT_RELU6:
        return vmin(vset(6), vmax(zero, x));
    case BTI_ACT_LEAKY_RELU:
        return vgt(x, zero, x, x * 0.01f);
    case BTI_ACT_ELU:
    case BTI_ACT_CELU:
        return vgt(x, zero, x, vexp(x) - 1.0f);
    case BTI_ACT_SELU:
        return vgt(x, zero, x, SELU_ALPHA * (vexp(x) - 1.0f)) * SELU_LAMBDA;
    case BTI_ACT_SILU:
        return x * vsigmoid(x);
    case BTI_ACT_GELU:
        return x * vphi(x);
    case BTI_ACT_SIGMOID:
        return vsigmoid(x);
    case BTI_ACT_TANH:
        return 1.0f - 2.0f / (1.0f + vexp(x + x));
    case BTI_ACT_SOFTPLUS:
        return vgt(x, vset(20), x, vlog(1.0f + vexp(vmin(vset(20), x))));
    case BTI_ACT_HARDSWISH:
        return x * (vmin(vset(6), vmax(zero, x + 3.0f)) * (1.0f / 6));
    case BTI_ACT_HARDSIGMOID:
        return vmin(vset(6), vmax(zero, x + 3.0f)) * (1.0f / 6);
    case BTI_ACT_HARDTANH:
        return vmin(vset(1), vmax(vset(-1), x));
    case BTI_ACT_MISH:
        return x * vmish_tanh(x, &slope);
    default:
        return x;
    }
}

/* g if low < x < high, else 0. */
VINLINE vf vinside(vf x, float low, float high, vf g)
{
    return vgt(x, vset(low), vgt(vset(high), x, g, vset(0)), vset(0));
}

/* g * act'(x) */
VINLINE vf vact_back(bti_act act, vf x, vf g)
{
    const vf zero = vset(0);
    vf t, slope;
    switch (act) {
    case BTI_ACT_RELU:
        return vgt(x, zero, g, zero);
    case BTI_ACT_RELU6:
        return vinside(x, 0, 6, g);
    case BTI_ACT_LEAKY_RELU:
        return vgt(x, zero, g, g * 0.01f);
    case BTI_ACT_ELU:
    case BTI_ACT_CELU:
        return vgt(x, zero, g, g * vexp(x));
    case BTI_ACT_SELU:
        return vgt(x, zero, g, g * (SELU_ALPHA * vexp(x))) * SELU_LAMBDA;
    case BTI_ACT_SILU:
        t = vsigmoid(x);
        return g * (t * (1.0f + x * (1.0f - t)));
    case BTI_ACT_GELU:
        return g * (vphi(x) + x * 0.39894228f * vexp(-0.5f * x * x));
    case BTI_ACT_SIGMOID:
        t = vsigmoid(x);
        return g * t * (1.0f - t);
    case BTI_ACT_TANH:
        t = 1.0f - 2.0f / (1.0f + vexp(x + x));
        return g * (1.0f - t * t);
    case BTI_ACT_SOFTPLUS:
        return vgt(x, vset(20), g, g * vsigmoid(x));
    case BTI_ACT_HARDSWISH:
        /* 0 below -3, x/3 + 1/2 up to 3, then 1 */
        t = vgt(x, vset(3), vset(1), x * (1.0f / 3) + 0.5f);
        return vgt(vset(-3), x, zero, g * t);
    case BTI_ACT_HARDSIGMOID:
        return vinside(x, -3, 3, g * (1.0f / 6));
    case BTI_ACT_HARDTANH:
        return vinside(x, -1, 1, g);
    case BTI_ACT_MISH:
        t = vmish_tanh(x, &slope);
        return g * (t + x * slope);
    default:
        return g;
    }
}

/* act(0) is not 0: padding lanes need a mask to stay zero. */
VINLINE int vact_lifts_zero(bti_act act)
{
    return act == BTI_ACT_SIGMOID || act == BTI_ACT_SOFTPLUS || act == BTI_ACT_HARDSIGMOID;
}

/* CALL(id) with the activation as a constant, for those that norm and scale fuse
 * (bti_simd_act_fuses) ... */
#define FUSED_ACTS(act, CALL)                                                                      \
    switch (act) {                                                                                 \
    case BTI_ACT_RELU:                                                                             \
        CALL(BTI_ACT_RELU);                                                                        \
        break;                                                                                     \
    case BTI_ACT_RELU6:                                                                            \
        CALL(BTI_ACT_RELU6);                                                                       \
        break;                                                                                     \
    case BTI_ACT_LEAKY_RELU:                                                                       \
        CALL(BTI_ACT_LEAKY_RELU);                                                                  \
        break;                                                                                     \
    case BTI_ACT_HARDSWISH:                                                                        \
        CALL(BTI_ACT_HARDSWISH);                                                                   \
        break;                                                                                     \
    case BTI_ACT_HARDSIGMOID:                                                                      \
        CALL(BTI_ACT_HARDSIGMOID);                                                                 \
        break;                                                                                     \
    case BTI_ACT_HARDTANH:                                                                         \
        CALL(BTI_ACT_HARDTANH);                                                                    \
        break;                                                                                     \
    case BTI_ACT_SILU:                                                                             \
        CALL(BTI_ACT_SILU);                                                                        \
        break;                                                                                     \
    default:                                                                                       \
        CALL(BTI_ACT_IDENTITY);                                                                    \
    }

#endif
