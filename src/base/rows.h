/* SPDX-License-Identifier: Apache-2.0
 *
 * A network written as rows `[repeat, Module, [args]]`: the one vocabulary that the choosing half
 * (which writes it) and the learning half (which reads it) share. No meaning lives here, only the
 * words.
 */
#ifndef BTI_ROWS_H
#define BTI_ROWS_H

#include "base/arena.h"
#include "base/str.h"
#include "base/value.h"

#define BTI_ROW_ARGS 8

typedef struct bti_row {
    int64_t repeat;
    const char *module; /* borrowed from the arena that the rows were made in */
    int n_args;
    bti_value arg[BTI_ROW_ARGS];
    int line; /* 1-based in the source file, 0 if made by a program */
} bti_row;

typedef struct bti_rows {
    int h, w;     /* default input size, 0 if not stated */
    int channels; /* of the input */
    double depth_multiple, width_multiple;
    int n, cap;
    bti_row *row;      /* in `arena` */
    const char *where; /* file name for errors, "model" if made by a program */
} bti_rows;

/* Appends a zeroed row (grown inside the arena); NULL on no memory. */
bti_row *bti_rows_add(bti_rows *rows, bti_arena *arena);

/* The rows as a model file (model-format.md section 1), flow-style rows, one a line. Appends to
 * *out. */
void bti_rows_to_yaml(const bti_rows *rows, bti_str *out);

#endif
