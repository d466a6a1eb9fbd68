/* SPDX-License-Identifier: Apache-2.0
 *
 * Parallel loops on the OpenMP team that oneDNN uses too, so that there is one pool per process.
 */
#ifndef BTI_THREADS_H
#define BTI_THREADS_H

#include <stdint.h>

/* fn(ctx, i, thread) for every i in 0..n-1, `thread` in 0..n_threads-1; dynamic chunks.
 * With n_threads <= 1 it runs in the caller. fn must not depend on the order. */
void bti_parallel_for(int n_threads, int64_t n, void (*fn)(void *ctx, int64_t i, int thread),
                      void *ctx);

#endif
