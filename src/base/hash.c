/* SPDX-License-Identifier: Apache-2.0
 *
 * XXH3 with 128 bits, printed in its canonical (big-endian) byte order like xxhsum.
 */
#include "base/hash.h"

#include <xxhash.h>

static void to_hex(XXH128_hash_t digest, char out[BTI_HASH_HEX])
{
    static const char hex[] = "0123456789abcdef";
    XXH128_canonical_t bytes;

    XXH128_canonicalFromHash(&bytes, digest);
    for (int i = 0; i < 16; i++) {
        out[2 * i] = hex[bytes.digest[i] >> 4];
        out[2 * i + 1] = hex[bytes.digest[i] & 15];
    }
    out[BTI_HASH_HEX - 1] = 0;
}

int bti_hash_init(bti_hash *h)
{
    XXH3_state_t *state = XXH3_createState();

    h->state = state;
    if (!state)
        return -1;
    XXH3_128bits_reset(state);
    return 0;
}

void bti_hash_add(bti_hash *h, const void *p, size_t n)
{
    if (n)
        XXH3_128bits_update(h->state, p, n);
}

void bti_hash_hex(bti_hash *h, char out[BTI_HASH_HEX])
{
    to_hex(XXH3_128bits_digest(h->state), out);
}

void bti_hash_release(bti_hash *h)
{
    if (!h)
        return;
    XXH3_freeState(h->state);
    h->state = NULL;
}

void bti_hash_buffer(const void *p, size_t n, char out[BTI_HASH_HEX])
{
    to_hex(XXH3_128bits(p, n), out);
}
