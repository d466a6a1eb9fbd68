/* SPDX-License-Identifier: Apache-2.0
 *
 * brief12, the space that the table measures: examples/spaces/brief.yaml with at most 12M MACs and
 * a lighter augmentation, for 32x32 images of ten classes; and its points as cells of a CSV row.
 */
#ifndef BRIEF12_H
#define BRIEF12_H

#include "space/space.h"

#define BRIEF12_MACS 12e6

/* NULL, with err, if examples/spaces/brief.yaml is not below the working folder. */
bti_space *brief12_space(bt_error *err);

/* ",m1.repeat,m1.stride,..." and ",1,,Conv,...": one cell a parameter of
 * bti_space_params, empty where it is not active; appended. */
void brief12_header(const bti_space *s, bti_str *out);
void brief12_cells(const bti_space *s, const bti_point *p, bti_str *out);

/* The point that such cells (NUL-terminated) describe. BT_FORMAT if one is missing or
 * not in its domain. */
bt_status brief12_point(const bti_space *s, char *const *cell, bti_point *out, bt_error *err);

/* ---- the table that measure.c writes ---- */
#define RUNGS 3 /* a run is judged after 1, 3 and 9 epochs */
#define SEEDS_MAX 5

typedef struct measured {
    int network, seed;
    double accuracy[RUNGS];
    double cpu_s[RUNGS]; /* of the run until the rung was judged */
    double validation_s; /* CPU seconds of all its validations */
    double params, macs;
    bti_point point;
} measured;

typedef struct table {
    int n;
    measured *run; /* those that reached their last rung */
} table;

/* BT_IO, BT_FORMAT with the line. */
bt_status table_read(table *t, const bti_space *s, const char *path, bt_error *err);
void table_release(table *t);

#endif
