/* SPDX-License-Identifier: Apache-2.0
 *
 * 128-bit content hashes (XXH3) as 32 hex digits: cache keys, canonical networks, equal images.
 */
#ifndef BTI_HASH_H
#define BTI_HASH_H

#include <stddef.h>

typedef struct bti_hash {
    void *state; /* opaque XXH3 state; zeroed struct = not started */
} bti_hash;

#define BTI_HASH_HEX 33 /* with the NUL */

int bti_hash_init(bti_hash *h); /* 0 ok, -1 no memory */
void bti_hash_add(bti_hash *h, const void *p, size_t n);
void bti_hash_hex(bti_hash *h, char out[BTI_HASH_HEX]); /* digest so far; the state may go on */
void bti_hash_release(bti_hash *h);
void bti_hash_buffer(const void *p, size_t n, char out[BTI_HASH_HEX]); /* one call, no allocation */

#endif
