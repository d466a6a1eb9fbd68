/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights and inputs that tools/make_nn_goldens.py and the tests make alike, so that golden files
 * need to hold results only. Number i of a stream: splitmix64 of (FNV-1a of the stream's name + i *
 * golden ratio), its upper 53 bits as a double in [0, 1); everything made from it is rounded to
 * float once.
 */
#ifndef BT_TEST_NN_NUMBERS_H
#define BT_TEST_NN_NUMBERS_H

#include "model/graph.h"

#include <math.h>
#include <stdint.h>

static inline uint64_t nn_stream(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return h;
}

static inline double nn_unit(uint64_t stream, uint64_t i)
{
    uint64_t z = stream + (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
}

/* x (n): evenly distributed in (-bound, bound). */
static inline void nn_fill(float *x, int64_t n, const char *name, double bound)
{
    const uint64_t stream = nn_stream(name);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)((2 * nn_unit(stream, (uint64_t)i) - 1) * bound);
}

/* All tensors of a graph, plain layout: weights keep the variance of a map, running statistics are
 * such that no normalisation is trivial. */
static inline void nn_fill_weights(const bti_graph *g, float *plain)
{
    for (int t = 0; t < g->n_tensors; t++) {
        const bti_tensor *x = &g->tensor[t];
        float *v = plain + x->offset;
        const bool positive = x->kind == BTI_TENSOR_GAMMA || x->kind == BTI_TENSOR_VAR;
        const bool weight = x->kind == BTI_TENSOR_WEIGHT;
        nn_fill(v, x->size, x->name, weight ? sqrt(6.0 / x->fan_in) : 0.5);
        for (int64_t i = 0; positive && i < x->size; i++)
            v[i] += 1.0f;
    }
}

static inline void nn_fill_labels(int32_t *labels, int n, int classes)
{
    const uint64_t stream = nn_stream("labels");
    for (int i = 0; i < n; i++)
        labels[i] = (int32_t)(nn_unit(stream, (uint64_t)i) * classes);
}

#endif
