/* SPDX-License-Identifier: Apache-2.0
 *
 * Cross-layer equalisation: the channels of a map share its one scale better when none of them is
 * much larger than the rest.
 */
#include "export/quantise.h"

#include <float.h>
#include <math.h>

#define MOST 16.0 /* a channel is scaled by no more than this, nor by less than its inverse */

static bool is_conv(const bti_folded_op *op)
{
    return op->kind == BTI_OP_CONV || op->kind == BTI_OP_DEPTHWISE;
}

/* Scaling a channel by a positive number and this operation may change places. */
static bool commutes(const bti_folded_op *op)
{
    return op->kind == BTI_OP_MAXPOOL || op->kind == BTI_OP_AVGPOOL ||
           op->kind == BTI_OP_GRID_AVERAGE;
}

/* The only operation that reads map i, or -1. */
static int sole_reader(const bti_folded *f, int i)
{
    int found = -1;
    for (int j = i + 1; j < f->n_ops; j++)
        for (int side = 0; side < 2; side++) {
            if (f->op[j].in[side] != i)
                continue;
            if (found >= 0)
                return -1;
            found = j;
        }
    return found;
}

/* The convolution that alone reads what operation i makes, through pools; -1: there is none. */
static int partner(const bti_folded *f, int i)
{
    const bti_folded_op *op = &f->op[i];
    if (!is_conv(op) || op->hi != FLT_MAX || (op->lo != 0 && op->lo != -FLT_MAX))
        return -1;
    int j = sole_reader(f, i);
    while (j >= 0 && commutes(&f->op[j]))
        j = sole_reader(f, j);
    return j >= 0 && is_conv(&f->op[j]) ? j : -1;
}

/* Largest weight of `op` that multiplies its input channel c; or scales those weights by s. */
static float reading_weight(bti_folded_op *op, int c, float s)
{
    const int taps = op->k * op->k, group = op->in_c / op->groups, out_group = op->c / op->groups;
    float most = 0;

    if (op->kind == BTI_OP_DEPTHWISE) {
        for (int t = 0; t < taps; t++) {
            float *w = &op->weight[(int64_t)t * op->c + c];
            *w *= s;
            most = fmaxf(most, fabsf(*w));
        }
        return most;
    }
    for (int o = c / group * out_group; o < (c / group + 1) * out_group; o++)
        for (int t = 0; t < taps; t++) {
            float *w = &op->weight[((int64_t)o * taps + t) * group + c % group];
            *w *= s;
            most = fmaxf(most, fabsf(*w));
        }
    return most;
}

static void divide_channel(bti_folded_op *op, int c, float s)
{
    const int64_t per = op->n_weight / op->c;
    for (int64_t j = 0; j < per; j++)
        op->weight[op->kind == BTI_OP_DEPTHWISE ? j * op->c + c : c * per + j] /= s;
    op->bias[c] /= s;
}

static double wish(bti_folded_op *reader, const float *peak, int c)
{
    const double p = (double)peak[c], w = (double)reading_weight(reader, c, 1);
    return p > 0 && w > 0 ? sqrt(p / w) : 0; /* 0: a dead channel */
}

static void equalise_pair(bti_folded_op *maker, bti_folded_op *reader, const float *peak)
{
    double logs = 0;
    int n = 0;

    for (int c = 0; c < maker->c; c++) {
        const double s = wish(reader, peak, c);
        logs += s > 0 ? log(s) : 0;
        n += s > 0;
    }
    const double middle = n ? exp(logs / n) : 1; /* only ratios matter */
    for (int c = 0; c < maker->c; c++) {
        double s = wish(reader, peak, c) / middle;
        if (s <= 0)
            continue;
        s = fmin(MOST, fmax(1 / MOST, s));
        divide_channel(maker, c, (float)s);
        reading_weight(reader, c, (float)s);
    }
}

int bti_equalise(bti_folded *f, const bti_map_stats *seen)
{
    int pairs = 0;
    for (int i = 0; i < f->n_ops; i++) {
        const int j = partner(f, i);
        if (j < 0)
            continue;
        equalise_pair(&f->op[i], &f->op[j], seen->peak + seen->first[i]);
        pairs++;
    }
    return pairs;
}
