/* SPDX-License-Identifier: Apache-2.0
 *
 * The only way to the heap. Counted, and made to fail on purpose by tests.
 */
#ifndef BTI_ALLOC_H
#define BTI_ALLOC_H

#include <stddef.h>
#include <stdint.h>

void *bti_malloc(size_t size);           /* NULL on no memory; size 0 gives a valid pointer */
void *bti_calloc(size_t n, size_t size); /* zeroed; NULL on overflow or no memory */
void *bti_array(size_t n, size_t size);  /* n * size bytes, not zeroed, overflow-checked */
void *bti_realloc(void *p, size_t size); /* as realloc; p stays valid on NULL */
void *bti_regrow(void *p, size_t n, size_t size); /* realloc to n * size, overflow-checked */
char *bti_strdup(const char *s);
void bti_free(void *p); /* NULL is fine; only for the calls above */

/* 64-byte aligned, zeroed; free with bti_aligned_free. NULL on no memory. */
void *bti_aligned_calloc(size_t n, size_t size);
void bti_aligned_free(void *p);

/* Tests: the n-th allocation from now (1 = next) and all later ones fail; 0 switches it off. */
void bti_alloc_fail_at(int64_t n);
int64_t bti_alloc_live(void); /* blocks not yet freed */

#endif
