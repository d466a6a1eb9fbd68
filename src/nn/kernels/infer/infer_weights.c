/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of inference: batch normalisation folded in, in double, and packed in the order in which
 * the kernels read them.
 */
#include "nn/kernels/infer/infer_net.h"

#include <math.h>
#include <string.h>

#define BN_EPS 1e-5

static const float *tensor(const bti_infer_net *e, int t)
{
    return e->plain + e->graph->tensor[t].offset;
}

/* Slope and intercept that the step's normalisation gives output channel o; the bias is in. */
static void fold_channel(const bti_infer_net *e, const bti_infer_step *s, int o, double *slope,
                         double *bias)
{
    *slope = 1;
    *bias = s->node && s->node->bias >= 0 ? (double)tensor(e, s->node->bias)[o] : 0;
    if (!s->norm)
        return;
    const bti_node *n = s->norm;
    *slope = (double)tensor(e, n->weight)[o] / sqrt((double)tensor(e, n->var)[o] + BN_EPS);
    *bias = (*bias - (double)tensor(e, n->mean)[o]) * *slope + (double)tensor(e, n->bias)[o];
}

/* The plain weight of output o at tap (u, v) and input i of the run's numbering; 0 between groups.
 */
static float weight_of(const bti_infer_net *e, const bti_infer_step *s, int o, int u, int v, int i)
{
    const bti_node *n = s->node;
    const int groups = n->kind == BTI_NODE_CONV ? n->groups : 1;
    const int k = s->conv.kh, in = e->value[s->in].c / groups, out = n->c / groups;
    if (e->value[s->in].narrow) { /* a run is (column, channel) */
        v = i / e->value[s->in].c;
        i = i % e->value[s->in].c;
    }
    if (o / out != i / in)
        return 0;
    return tensor(e, n->weight)[(((int64_t)o * in + i % in) * k + u) * k + v];
}

/* The vectors of one tap of one input: every output of the part. */
static float *pack_input(const bti_infer_net *e, const bti_infer_step *s,
                         const bti_infer_part *part, int u, int v, int i, const double *slope,
                         float *to)
{
    const int first = part->block * e->k->lanes;
    for (int j = 0; j < part->blocks * e->k->lanes; j++)
        *to++ = first + j < s->node->c
                    ? (float)(slope[j] * (double)weight_of(e, s, first + j, u, v, i))
                    : 0;
    return to;
}

#define MOST_LANES 16

static void pack_part(bti_infer_net *e, const bti_infer_step *s, const bti_infer_part *part)
{
    double slope[BTI_INFER_BLOCKS * MOST_LANES] = {0};
    const bti_infer_conv *p = &s->conv;
    const int lanes = e->k->lanes;
    float *to = e->weight + s->weight + part->weight;
    for (int j = 0; j < part->blocks * lanes; j++) {
        const int o = part->block * lanes + j;
        double bias = 0;
        if (o < s->node->c)
            fold_channel(e, s, o, &slope[j], &bias);
        e->weight[s->bias + o] = (float)bias;
    }
    for (int c = part->first, end; c < part->end; c = end) {
        end = (c / p->run + 1) * p->run;
        end = end < part->end ? end : part->end;
        for (int u = 0; u < p->kh; u++)
            for (int v = 0; v < p->kw; v++)
                for (int i = c; i < end; i++)
                    to = pack_input(e, s, part, u, v, i, slope, to);
    }
}

/* A normalisation alone is 1x1 with the slope as its weight. */
static void pack_depthwise(bti_infer_net *e, const bti_infer_step *s)
{
    const int lanes = e->k->lanes, taps = s->window.k * s->window.k;
    for (int o = 0; o < s->window.out.c; o++) {
        double slope, bias;
        fold_channel(e, s, o, &slope, &bias);
        e->weight[s->bias + o] = (float)bias;
        for (int t = 0; t < taps; t++) {
            const double w = s->node ? (double)tensor(e, s->node->weight)[o * taps + t] : 1;
            e->weight[s->weight + (int64_t)(o / lanes * taps + t) * lanes + o % lanes] =
                (float)(w * slope);
        }
    }
}

void bti_infer_fold(bti_infer_net *e)
{
    memset(e->weight, 0, (size_t)e->n_weight * sizeof(float));
    for (int i = 0; i < e->n_steps; i++) {
        const bti_infer_step *s = &e->step[i];
        if (s->kind == BTI_INFER_DEPTHWISE)
            pack_depthwise(e, s);
        for (int p = 0; s->kind == BTI_INFER_CONV && p < s->conv.n_parts; p++)
            pack_part(e, s, &s->part[p]);
    }
}
