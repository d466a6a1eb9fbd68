/* SPDX-License-Identifier: Apache-2.0
 *
 * malloc with a count of live blocks and a switch that makes the n-th call fail. Both are atomic:
 * tests allocate from several threads. They are the only mutable globals of the library, and only
 * tests change what they do.
 */
#include "base/alloc.h"

#include "bantam/status.h"
#include <stdatomic.h>
#include <sys/mman.h>

static atomic_int_least64_t live_blocks;
static atomic_int_least64_t fail_countdown; /* 0: off; 1: fail from now on */

static int must_fail(void)
{
    int_least64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (left == 0)
        return 0;
    if (left == 1)
        return 1;
    atomic_fetch_sub_explicit(&fail_countdown, 1, memory_order_relaxed);
    return 0;
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
    return p;
}

void bti_alloc_fail_at(int64_t n)
{
    atomic_store(&fail_countdown, n);
}

int64_t bti_alloc_live(void)
{
    return atomic_load(&live_blocks);
}

void *bti_malloc(size_t size)
{
    return must_fail() ? NULL : counted(malloc(size ? size : 1));
}

void *bti_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : counted(n && size ? calloc(n, size) : calloc(1, 1));
}

void *bti_array(size_t n, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(n, size, &bytes) ? NULL : bti_malloc(bytes);
}

void *bti_realloc(void *p, size_t size)
{
    if (!p)
        return bti_malloc(size);
    return must_fail() ? NULL : realloc(p, size ? size : 1);
}

void *bti_regrow(void *p, size_t n, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(n, size, &bytes) ? NULL : bti_realloc(p, bytes);
}

char *bti_strdup(const char *s)
{
    if (!s)
        return NULL;
    size_t n = strlen(s) + 1;
    char *copy = bti_malloc(n);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

void bti_free(void *p)
{
    if (!p)
        return;
    atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
    free(p);
}

void bt_free(void *p)
{
    bti_free(p);
}

/* Large blocks are walked from end to end at every training step: huge pages save their address
 * look-ups. */
static void ask_for_huge_pages(void *p, size_t bytes)
{
    const uintptr_t huge = (uintptr_t)2 << 20;
    uintptr_t from = ((uintptr_t)p + huge - 1) / huge * huge,
              to = ((uintptr_t)p + bytes) / huge * huge;
    if (bytes >= 2 * huge && to > from)
        madvise((void *)from, to - from, MADV_HUGEPAGE); /* only a wish: failing changes nothing */
}

void *bti_aligned_calloc(size_t n, size_t size)
{
    size_t bytes;
    if (must_fail() || __builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - 64)
        return NULL;
    bytes = bytes ? (bytes + 63) / 64 * 64 : 64;
    void *p = counted(aligned_alloc(64, bytes));
    if (p) {
        ask_for_huge_pages(p, bytes);
        memset(p, 0, bytes);
    }
    return p;
}

void bti_aligned_free(void *p)
{
    bti_free(p);
}
