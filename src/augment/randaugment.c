/* SPDX-License-Identifier: Apache-2.0
 *
 * RandAugment (Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced
 * search space", 2020) as torchvision 0.14 has it: 14 operations, magnitudes as bins of float32
 * linspaces.
 */
#include "augment/policy_int.h"

#include <math.h>

/* In the order of torchvision's dictionary. */
static const bti_op space[BTI_RANDAUGMENT_OPS] = {
    BTI_OP_IDENTITY,      BTI_OP_SHEAR_X,   BTI_OP_SHEAR_Y,    BTI_OP_TRANSLATE_X,
    BTI_OP_TRANSLATE_Y,   BTI_OP_ROTATE,    BTI_OP_BRIGHTNESS, BTI_OP_COLOR,
    BTI_OP_CONTRAST,      BTI_OP_SHARPNESS, BTI_OP_POSTERIZE,  BTI_OP_SOLARIZE,
    BTI_OP_AUTO_CONTRAST, BTI_OP_EQUALIZE,
};

bti_op bti_randaugment_op(int i)
{
    return space[i];
}

/* The i-th value of torch.linspace's scalar loop: from the nearer end, one rounding a value. */
static float linspace_at(float from, float to, float step, int n, int i)
{
    return i < n / 2 ? fmaf(step, (float)i, from) : fmaf(-step, (float)(n - 1 - i), to);
}

/* torch.linspace(start, end, n)[i] in float32, as PyTorch's default kernels (AVX2) compute it:
 * whole pairs of 8-lane vectors count on from their first value, which rounds twice; the rest is
 * the scalar loop. PyTorch's own result changes in the last bit with the CPU; this is always that
 * of AVX2. */
static float linspace(double start, double end, int n, int i)
{
    float from = (float)start, to = (float)end;
    float step = (to - from) / (float)(n - 1);
    int lane = i % 8;

    if (i >= n / 16 * 16)
        return linspace_at(from, to, step, n, i);
    float more = step * (float)lane;
    return linspace_at(from, to, step, n, i - lane) + more;
}

double bti_randaugment_value(bti_op op, int m, int levels, int h, int w, int sign)
{
    switch (op) {
    case BTI_OP_SHEAR_X:
    case BTI_OP_SHEAR_Y:
        return sign * (double)linspace(0.0, 0.3, levels, m);
    case BTI_OP_TRANSLATE_X:
        return sign * (double)linspace(0.0, 150.0 / 331.0 * w, levels, m);
    case BTI_OP_TRANSLATE_Y:
        return sign * (double)linspace(0.0, 150.0 / 331.0 * h, levels, m);
    case BTI_OP_ROTATE:
        return sign * (double)linspace(0.0, 30.0, levels, m);
    case BTI_OP_BRIGHTNESS:
    case BTI_OP_COLOR:
    case BTI_OP_CONTRAST:
    case BTI_OP_SHARPNESS:
        return 1.0 + sign * (double)linspace(0.0, 0.9, levels, m);
    case BTI_OP_POSTERIZE: /* ties to even, as torch.round */
        return 8.0 - (double)rintf((float)m / ((float)(levels - 1) / 4.0f));
    case BTI_OP_SOLARIZE:
        return (double)linspace(255.0, 0.0, levels, m);
    default:
        return 0.0;
    }
}
