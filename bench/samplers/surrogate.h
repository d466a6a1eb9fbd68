/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers for any network of brief12 what the table's networks let expect: accuracy and CPU seconds
 * at each rung, and how much of the former is luck.
 */
#ifndef SURROGATE_H
#define SURROGATE_H

#include "regress.h"

#define SURROGATE_TABLE "bench/samplers/brief12.csv" /* below the working folder */

typedef struct surrogate surrogate;

typedef struct curve {
    double accuracy[RUNGS]; /* without noise; before the last rung NaN unless asked for */
    double cpu_s[RUNGS];    /* until the rung was judged, earlier rungs too */
    double validation_s;    /* CPU seconds of one of its validations */
} curve;

/* Fits a regression to each column of the table. `rungs`: accuracy at early rungs, too. */
bt_status surrogate_open(surrogate **out, const bti_space *s, family f, bool rungs, bt_error *err);
void surrogate_free(surrogate *s);
bt_status surrogate_curve(const surrogate *s, const bti_point *p, curve *out, bt_error *err);

/* What a seed adds to the accuracies of a network: the deviations, at all rungs together, that one
 * run of the table's repeated networks had from their mean; the same for the same hash and seed. */
void surrogate_noise(const surrogate *s, const char *hash, uint64_t seed, double out[RUNGS]);

#endif
