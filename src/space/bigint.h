/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole numbers of up to 4,600 decimal digits, for the exact size of a space. Base 1e9, so that the
 * text is only printing; plain values, no allocation.
 */
#ifndef BTI_BIGINT_H
#define BTI_BIGINT_H

#include "base/str.h"

#define BTI_BIGINT_LIMBS 512

typedef struct bti_bigint {
    int n;                           /* limbs in use; 0: zero */
    uint32_t limb[BTI_BIGINT_LIMBS]; /* least significant first, each below 1e9 */
} bti_bigint;

void bti_bigint_set(bti_bigint *a, uint64_t v);
void bti_bigint_copy(bti_bigint *a, const bti_bigint *b); /* only the limbs in use */
void bti_bigint_add(bti_bigint *a, const bti_bigint *b);
void bti_bigint_mul(bti_bigint *a, uint64_t v); /* v < 1e18 */
void bti_bigint_text(const bti_bigint *a, bti_str *out);

#endif
