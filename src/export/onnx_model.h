/* SPDX-License-Identifier: Apache-2.0
 *
 * An ONNX file being built: nodes, constants and metadata, then one write.
 * onnx_model.c is the only file that sees protobuf-c and the messages made from onnx.proto.
 */
#ifndef BTI_ONNX_MODEL_H
#define BTI_ONNX_MODEL_H

#include "bantam/status.h"
#include <stddef.h>
#include <stdint.h>

#define BTI_ONNX_N (-1) /* as a dimension: the batch, any number */

typedef enum bti_onnx_type { BTI_ONNX_F32, BTI_ONNX_S8, BTI_ONNX_S32, BTI_ONNX_S64 } bti_onnx_type;

/* Building needs no checks in between: after a failed step the others do nothing and
 * bti_onnx_write() returns BT_NOMEM. Everything given is copied. */
typedef struct bti_onnx bti_onnx;
bti_onnx *bti_onnx_new(const char *graph_name, const char *doc); /* opset 17, IR 8; or NULL */
void bti_onnx_free(bti_onnx *o);

void bti_onnx_meta(bti_onnx *o, const char *key, const char *value); /* metadata_props */
void bti_onnx_input(bti_onnx *o, const char *name, int n_dims, const int64_t *dims); /* f32 */
/* Renames what the last node gives and declares it (f32). */
void bti_onnx_output(bti_onnx *o, const char *name, int n_dims, const int64_t *dims);

/* Constants (initialisers), in C order. */
void bti_onnx_constant(bti_onnx *o, const char *name, bti_onnx_type type, int n_dims,
                       const int64_t *dims, const void *data);

/* A node of one output, which has the node's name. in: n_in names. */
void bti_onnx_node(bti_onnx *o, const char *op_type, const char *name, int n_in,
                   const char *const *in);
/* Attributes of the last node. */
void bti_onnx_attr_int(bti_onnx *o, const char *name, int64_t v);
void bti_onnx_attr_ints(bti_onnx *o, const char *name, int n, const int *v);
void bti_onnx_attr_float(bti_onnx *o, const char *name, float v);

/* Writes the file atomically. */
bt_status bti_onnx_write(const bti_onnx *o, const char *path, bt_error *err);

#endif
