/* SPDX-License-Identifier: Apache-2.0
 *
 * How sure a share is.
 */
#ifndef BTI_INTERVAL_H
#define BTI_INTERVAL_H

/* 95 % interval of a share p of n trials (Wilson, "Probable inference, the law of succession, and
 * statistical inference", J. Am. Stat. Assoc. 22, 1927). n > 0; p is inside. */
void bti_wilson(double p, double n, double *lo, double *hi);

#endif
