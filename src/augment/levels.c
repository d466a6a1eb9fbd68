/* SPDX-License-Identifier: Apache-2.0
 *
 * Strengths: the value of an operation at level m of n, as torchvision 0.14 has it (bins of float32
 * linspaces), and the operations that RandAugment and TrivialAugment draw from.
 */
#include "augment/policy_int.h"

#include <math.h>

/* In the order of torchvision's dictionaries. */
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

/* Level m of n from `from` to `to`. */
static double level(bti_op op, double from, double to, int m, int n, int sign)
{
    const bti_op_info *info = bti_op_get(op);

    if (!info->unit)
        return 0.0;
    if (op == BTI_OP_POSTERIZE) /* whole bits; ties to even, as torch.round */
        return from - (double)rintf((float)m / ((float)(n - 1) / (float)(from - to)));
    double v = (double)linspace(from, to, n, m);
    return info->is_signed ? info->identity + sign * v : v;
}

double bti_op_level(bti_op op, int m, int n, int h, int w, int sign)
{
    const bti_op_info *info = bti_op_get(op);
    double to = info->levels.to;

    if (info->levels.scale != BTI_SCALE_ONE)
        to *= info->levels.scale == BTI_SCALE_WIDTH ? w : h;
    return level(op, info->levels.from, to, m, n, sign);
}

/* The wide ranges of Müller & Hutter, "TrivialAugment: Tuning-free yet state-of-the-art data
 * augmentation", 2021. Translations are in pixels whatever the image's size. */
double bti_trivialaugment_value(bti_op op, int m, int n, int sign)
{
    const bti_op_info *info = bti_op_get(op);

    switch (op) {
    case BTI_OP_SHEAR_X:
    case BTI_OP_SHEAR_Y:
    case BTI_OP_BRIGHTNESS:
    case BTI_OP_COLOR:
    case BTI_OP_CONTRAST:
    case BTI_OP_SHARPNESS:
        return level(op, 0.0, 0.99, m, n, sign);
    case BTI_OP_TRANSLATE_X:
    case BTI_OP_TRANSLATE_Y:
        return level(op, 0.0, 32.0, m, n, sign);
    case BTI_OP_ROTATE:
        return level(op, 0.0, 135.0, m, n, sign);
    case BTI_OP_POSTERIZE:
        return level(op, 8.0, 2.0, m, n, sign);
    default:
        return level(op, info->levels.from, info->levels.to, m, n, sign);
    }
}
