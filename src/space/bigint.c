/* SPDX-License-Identifier: Apache-2.0
 *
 * Schoolbook addition and multiplication in base 1e9. A sum or product beyond the limbs is a bug of
 * the caller: the parser bounds parameters (256) and values of each (2e15), hence 4,000 digits.
 */
#include "space/bigint.h"

#include <assert.h>
#include <inttypes.h>

#define BASE 1000000000u

void bti_bigint_set(bti_bigint *a, uint64_t v)
{
    a->n = 0;
    for (; v; v /= BASE)
        a->limb[a->n++] = (uint32_t)(v % BASE);
}

void bti_bigint_copy(bti_bigint *a, const bti_bigint *b)
{
    a->n = b->n;
    memcpy(a->limb, b->limb, (size_t)b->n * sizeof(a->limb[0]));
}

static void push(bti_bigint *a, uint32_t limb)
{
    assert(a->n < BTI_BIGINT_LIMBS);
    a->limb[a->n++] = limb;
}

void bti_bigint_add(bti_bigint *a, const bti_bigint *b)
{
    uint32_t carry = 0;
    while (a->n < b->n)
        push(a, 0);
    for (int i = 0; i < a->n; i++) {
        uint32_t sum = a->limb[i] + carry + (i < b->n ? b->limb[i] : 0);
        carry = sum >= BASE;
        a->limb[i] = sum - carry * BASE;
    }
    if (carry)
        push(a, carry);
}

void bti_bigint_mul(bti_bigint *a, uint64_t v)
{
    unsigned __int128 carry = 0;
    if (!v)
        a->n = 0;
    for (int i = 0; i < a->n; i++) {
        carry += (unsigned __int128)a->limb[i] * v;
        a->limb[i] = (uint32_t)(carry % BASE);
        carry /= BASE;
    }
    for (; carry; carry /= BASE)
        push(a, (uint32_t)(carry % BASE));
}

void bti_bigint_text(const bti_bigint *a, bti_str *out)
{
    bti_str_addf(out, "%" PRIu32, a->n ? a->limb[a->n - 1] : 0);
    for (int i = a->n - 2; i >= 0; i--)
        bti_str_addf(out, "%09" PRIu32, a->limb[i]);
}
