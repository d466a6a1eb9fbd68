/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax cross-entropy: sums in double, image by image and class by class, so that the loss of a
 * batch is the same bits every time.
 */
#include "nn/loss.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

/* Largest logit, for a softmax that cannot overflow, and log(sum of exp(x - largest)). */
static double log_sum_exp(const float *x, int classes, double *top)
{
    double sum = 0;
    *top = (double)x[0];
    for (int c = 1; c < classes; c++)
        *top = (double)x[c] > *top ? (double)x[c] : *top;
    for (int c = 0; c < classes; c++)
        sum += exp((double)x[c] - *top);
    return log(sum);
}

double bti_softmax_xent(const float *logits, const int32_t *labels, int n, int classes,
                        double smoothing, float *dlogits)
{
    const double spread = smoothing / classes;
    double loss = 0;
    for (int i = 0; i < n; i++) {
        const float *x = logits + (size_t)i * (size_t)classes;
        const int32_t label = labels[i];
        assert(label >= 0 && label < classes);

        double top, sum_log_p = 0;
        const double log_sum = log_sum_exp(x, classes, &top);
        for (int c = 0; c < classes; c++) {
            const double log_p = (double)x[c] - top - log_sum;
            sum_log_p += log_p;
            if (!dlogits)
                continue;
            const double target = (c == label ? 1 - smoothing : 0) + spread;
            dlogits[(size_t)i * (size_t)classes + (size_t)c] = (float)((exp(log_p) - target) / n);
        }
        /* Without smoothing the sum still counts: 0 times infinity is NaN, so no bad logit hides.
         */
        loss -= (1 - smoothing) * ((double)x[label] - top - log_sum) + spread * sum_log_p;
    }
    return loss / n;
}

double bti_softmax_xent_weighted(const float *logits, const int32_t *labels, int n, int classes,
                                 double smoothing, const float *weight, float *dlogits)
{
    double loss = 0, whole = 0;
    for (int i = 0; i < n; i++)
        whole += (double)weight[labels[i]];
    for (int i = 0; i < n; i++) {
        const float *x = logits + (size_t)i * (size_t)classes;
        float *d = dlogits ? dlogits + (size_t)i * (size_t)classes : NULL;

        double top, mass = 0;
        const double log_sum = log_sum_exp(x, classes, &top);
        for (int c = 0; c < classes; c++) {
            const double share = (c == labels[i] ? 1 - smoothing : 0) + smoothing / classes;
            const double target = share * (double)weight[c];
            mass += target;
            loss -= target * ((double)x[c] - top - log_sum);
        }
        for (int c = 0; d && c < classes; c++) {
            const double p = exp((double)x[c] - top - log_sum);
            const double share = (c == labels[i] ? 1 - smoothing : 0) + smoothing / classes;
            d[c] = (float)((p * mass - share * (double)weight[c]) / whole);
        }
    }
    return loss / whole;
}

double bti_softmax_xent_soft(const float *logits, const float *targets, int n, int classes,
                             double smoothing, const float *weight, float *dlogits)
{
    double loss = 0, whole = 0;
    for (int i = 0; i < n * classes; i++)
        whole += (double)targets[i] * (weight ? (double)weight[i % classes] : 1);
    for (int i = 0; i < n; i++) {
        const size_t row = (size_t)i * (size_t)classes;
        const float *x = logits + row, *target = targets + row;

        double top, mass = 0;
        const double log_sum = log_sum_exp(x, classes, &top);
        for (int c = 0; c < classes; c++) {
            const double share = (1 - smoothing) * (double)target[c] + smoothing / classes;
            const double weighed = share * (weight ? (double)weight[c] : 1);
            mass += weighed;
            loss -= weighed * ((double)x[c] - top - log_sum);
        }
        for (int c = 0; dlogits && c < classes; c++) {
            const double p = exp((double)x[c] - top - log_sum);
            const double share = (1 - smoothing) * (double)target[c] + smoothing / classes;
            const double weighed = share * (weight ? (double)weight[c] : 1);
            dlogits[row + (size_t)c] = (float)((p * mass - weighed) / whole);
        }
    }
    return loss / whole;
}
