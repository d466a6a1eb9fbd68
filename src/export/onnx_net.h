/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes of a folded network, for an ONNX file: f32, or int8 between QuantizeLinear and
 * DequantizeLinear ("QDQ").
 */
#ifndef BTI_ONNX_NET_H
#define BTI_ONNX_NET_H

#include "export/onnx_model.h"
#include "export/quantised.h"

/* Adds input "input" (N,C,H,W): pixels 0..255 as f32, output "logits" (N,classes), and all between.
 * q: of the same network, or NULL for f32. Only memory can fail. */
bt_status bti_onnx_add_net(bti_onnx *o, const bti_folded *f, const bti_quantised *q, bt_error *err);

#endif
