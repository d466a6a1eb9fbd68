/* SPDX-License-Identifier: Apache-2.0
 *
 * A large piece of memory that outlives its uses: giving pages back to the system and clearing new
 * ones costs more than the rest of a network's set-up.
 */
#ifndef BTI_SLAB_H
#define BTI_SLAB_H

#include <stddef.h>

typedef struct bti_slab { /* zeroed: empty */
    void *p;
    size_t bytes;
} bti_slab;

/* At least so many bytes, 64-byte aligned; what they hold is arbitrary. May move the slab: nobody
 * may be using it. NULL on no memory; the slab is then empty. */
void *bti_slab_need(bti_slab *s, size_t bytes);
void bti_slab_release(bti_slab *s);

#endif
