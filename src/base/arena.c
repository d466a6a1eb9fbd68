/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of blocks, each filled from its start. Blocks double in size so that an arena of n bytes
 * costs O(log n) allocations; an object larger than a block gets one of its own.
 */
#include "base/arena.h"

#include "base/alloc.h"

#define ALIGN 16
#define FIRST_BLOCK 1024
#define LARGEST_BLOCK ((size_t)1 << 20)

struct bti_arena_block {
    struct bti_arena_block *next;
    size_t used, cap;
    _Alignas(ALIGN) unsigned char data[];
};

void bti_arena_release(bti_arena *a)
{
    if (!a)
        return;
    while (a->head) {
        struct bti_arena_block *next = a->head->next;
        bti_free(a->head);
        a->head = next;
    }
}

static struct bti_arena_block *add_block(bti_arena *a, size_t size)
{
    size_t cap = a->head ? 2 * a->head->cap : FIRST_BLOCK;
    if (cap > LARGEST_BLOCK)
        cap = LARGEST_BLOCK;
    if (cap < size)
        cap = size;
    struct bti_arena_block *b = bti_calloc(1, sizeof(*b) + cap);
    if (!b)
        return NULL;
    b->cap = cap;
    b->next = a->head;
    a->head = b;
    return b;
}

void *bti_arena_alloc(bti_arena *a, size_t size)
{
    struct bti_arena_block *b = a->head;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = size ? (size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    if (!b || b->cap - b->used < size) {
        b = add_block(a, size);
        if (!b)
            return NULL;
    }
    void *p = b->data + b->used;
    b->used += size;
    return p;
}

char *bti_arena_strdup(bti_arena *a, const char *s)
{
    return s ? bti_arena_strndup(a, s, strlen(s)) : NULL;
}

char *bti_arena_strndup(bti_arena *a, const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? bti_arena_alloc(a, n + 1) : NULL;
    if (copy && n)
        memcpy(copy, s, n);
    return copy; /* the arena is zeroed: the NUL is there */
}
