/* SPDX-License-Identifier: Apache-2.0
 *
 * A folded network as C99 sources: NAME.h and NAME.c.
 */
#ifndef BTI_EMIT_H
#define BTI_EMIT_H

#include "export/quantised.h"
#include "export/sizes.h"
#include <stdio.h>

typedef struct bti_emit {
    const bti_folded *net;
    const bti_quantised *quant;    /* NULL: f32 */
    const char *name;              /* file names and prefix of everything global; a C identifier */
    const char *const *class_name; /* net->classes */
    const char *hash;              /* of the model file's network */
    bti_sizes sizes;
    /* Vectors of the self-test. */
    int n_tests;
    const uint8_t *image; /* (n,h,w,c) */
    const void *logits;   /* (n,classes), int8 or float */
} bti_emit;

bt_status bti_emit_header(const bti_emit *e, const char *path, bt_error *err);
bt_status bti_emit_source(const bti_emit *e, const char *path, bt_error *err);

/* ---- shared by emit.c, emit_f32.c and emit_s8.c ---- */

/* Kernel sources by name ("f32"), embedded by the build; ends with a NULL name. */
typedef struct bti_kernel_text {
    const char *name, *text;
} bti_kernel_text;
extern const bti_kernel_text bti_kernel_texts[];

/* The parts of kernel files that a source needs. */
typedef struct bti_parts {
    const char *name[64];
    int n;
} bti_parts;
void bti_parts_add(bti_parts *p, const char *name);

void bti_parts_of_f32(bti_parts *p, const bti_folded_op *op);
void bti_parts_of_s8(bti_parts *p, const bti_folded_op *op, const bti_quantised_op *q);
/* Constants of operation i: weights, then its descriptor "layer<i>". */
void bti_emit_layer_f32(FILE *f, const bti_folded *net, int i);
void bti_emit_layer_s8(FILE *f, const bti_quantised *q, int i);
/* The call that runs it: one line. */
void bti_emit_call_f32(FILE *f, const bti_folded *net, int i);
void bti_emit_call_s8(FILE *f, const bti_quantised *q, int i);

/* "{28, 28, 1, ...}" */
void bti_emit_window(FILE *f, const bti_folded_op *op);
/* The end of operation i's call: "arena + 96, logits);": where its inputs and its output are. */
void bti_emit_places(FILE *f, const bti_folded *net, int i);
/* A float literal that reads back equal. */
void bti_emit_float(FILE *f, float v);
/* "static const TYPE NAME<i>[] = {...};" */
void bti_emit_floats(FILE *f, const char *name, int i, const float *v, int64_t n);
void bti_emit_int8s(FILE *f, const char *name, int i, const int8_t *v, int64_t n);
void bti_emit_int32s(FILE *f, const char *name, int i, const int32_t *v, int64_t n);

#endif
