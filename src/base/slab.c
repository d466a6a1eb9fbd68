/* SPDX-License-Identifier: Apache-2.0
 *
 * An aligned block that grows by being made anew. It is cleared once, when it is made: its pages
 * are then there, and a step that comes first is as fast as the next.
 */
#include "base/slab.h"

#include "base/alloc.h"

void *bti_slab_need(bti_slab *s, size_t bytes)
{
    if (s->p && s->bytes >= bytes)
        return s->p;
    bti_slab_release(s);
    s->p = bti_aligned_calloc(bytes, 1);
    s->bytes = s->p ? bytes : 0;
    return s->p;
}

void bti_slab_release(bti_slab *s)
{
    bti_aligned_free(s->p);
    *s = (bti_slab){0};
}
