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

#endif
