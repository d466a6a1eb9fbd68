/* SPDX-License-Identifier: Apache-2.0
 *
 * One parallel loop over OpenMP.
 */
#include "base/threads.h"

#include <omp.h>

void bti_parallel_for(int n_threads, int64_t n, void (*fn)(void *ctx, int64_t i, int thread),
                      void *ctx)
{
    if (n_threads <= 1 || n <= 1) {
        for (int64_t i = 0; i < n; i++)
            fn(ctx, i, 0);
        return;
    }
    /* About 16 chunks a thread: even load without a lock per element. */
    int64_t chunk = n / (16 * (int64_t)n_threads);
    if (chunk < 1)
        chunk = 1;
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, chunk)
    for (int64_t i = 0; i < n; i++)
        fn(ctx, i, omp_get_thread_num());
}
