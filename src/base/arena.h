/* SPDX-License-Identifier: Apache-2.0
 *
 * An arena: many small objects with one lifetime, freed together.
 */
#ifndef BTI_ARENA_H
#define BTI_ARENA_H

#include <stddef.h>

typedef struct bti_arena {
    struct bti_arena_block *head; /* zeroed struct = empty arena */
} bti_arena;

void bti_arena_release(bti_arena *a);             /* frees everything; a is empty again */
void *bti_arena_alloc(bti_arena *a, size_t size); /* zeroed, 16-byte aligned; NULL on no memory */
char *bti_arena_strdup(bti_arena *a, const char *s);
char *bti_arena_strndup(bti_arena *a, const char *s, size_t n);

#endif
