/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax cross-entropy on logits with label smoothing (Szegedy et al. 2016, section 7).
 */
#ifndef BTI_LOSS_H
#define BTI_LOSS_H

#include <stdint.h>

/* logits (n,classes), labels (n). Returns the mean loss over n. dlogits (n,classes), may be NULL,
 * receives d(mean loss)/d(logits). smoothing in [0,1): target = (1-s)*onehot + s/classes, as
 * PyTorch. A non-finite logit makes the returned loss non-finite. Fixed order of summation. */
double bti_softmax_xent(const float *logits, const int32_t *labels, int n, int classes,
                        double smoothing, float *dlogits);

/* The same with a weight for each class (>= 0): as torch's CrossEntropyLoss(weight), each class's
 * share of a target is multiplied by its weight and the sum is divided by the weights of the
 * labels, which must not all be 0. */
double bti_softmax_xent_weighted(const float *logits, const int32_t *labels, int n, int classes,
                                 double smoothing, const float *weight, float *dlogits);

/* With a share of each class as target, (n,classes) summing to 1 in each row, and a weight for each
 * class or NULL (all 1). Smoothing and weights act on the shares as torch's CrossEntropyLoss has
 * it; the sum is divided by the weights of the targets before smoothing, so that targets of one
 * class give the loss of that label. */
double bti_softmax_xent_soft(const float *logits, const float *targets, int n, int classes,
                             double smoothing, const float *weight, float *dlogits);

#endif
