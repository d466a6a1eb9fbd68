/* SPDX-License-Identifier: Apache-2.0
 *
 * Regression over networks by two unrelated families: a random forest (src/study/forest.h) and
 * kernel ridge regression (Saunders et al., "Ridge regression learning algorithm in dual
 * variables", ICML 1998), so that what one of them makes up can be told from what is in the data.
 */
#ifndef REGRESS_H
#define REGRESS_H

#include "brief12.h"
#include "network_features.h"

typedef enum family { FAMILY_FOREST, FAMILY_KERNEL, FAMILIES } family;

/* The features of a point's network. */
bt_status row_of(const bti_space *s, const bti_point *p, double row[FEATURES], bt_error *err);

typedef struct regression regression;
/* x (n, FEATURES), y (n): not needed after it returns. */
bt_status regression_fit(regression **out, family f, const double *x, const double *y, int n,
                         bt_error *err);
double regression_predict(const regression *r, const double *row);
void regression_free(regression *r);

#endif
