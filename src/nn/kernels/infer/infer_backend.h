/* SPDX-License-Identifier: Apache-2.0
 *
 * The inference engine behind nn/backend.h: images one by one, normalisations folded into weights,
 * all maps in one arena. f32, every operation, needs no library. How it works: infer_net.h.
 */
#ifndef BTI_INFER_BACKEND_H
#define BTI_INFER_BACKEND_H

#include "nn/backend.h"

/* BTI_BACKEND_INFER. BT_NOSUPP for nets that train. A thread takes whole images, so that results
 * are the same bits for any number of threads. No flat parameters: bti_flat.n is 0. */
extern const bti_backend_ops bti_backend_infer;

#endif
