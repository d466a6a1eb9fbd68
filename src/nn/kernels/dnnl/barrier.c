/* SPDX-License-Identifier: Apache-2.0
 *
 * A barrier that spins, then sleeps. The round number tells a thread that is late to wake from one
 * that has not arrived.
 */
#include "nn/kernels/dnnl/barrier.h"

#define SPINS 4000 /* some tens of microseconds */

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

int bti_barrier_init(bti_barrier *b)
{
    atomic_init(&b->arrived, 0);
    atomic_init(&b->round, 0);
    const int rc = pthread_mutex_init(&b->mutex, NULL);
    return rc ? rc : pthread_cond_init(&b->moved, NULL);
}

void bti_barrier_release(bti_barrier *b)
{
    pthread_cond_destroy(&b->moved);
    pthread_mutex_destroy(&b->mutex);
}

void bti_barrier_wait(bti_barrier *b, int n)
{
    const unsigned round = atomic_load(&b->round);
    if (atomic_fetch_add(&b->arrived, 1) == n - 1) {
        atomic_store(&b->arrived, 0);
        pthread_mutex_lock(&b->mutex);
        atomic_fetch_add(&b->round, 1);
        pthread_cond_broadcast(&b->moved);
        pthread_mutex_unlock(&b->mutex);
        return;
    }
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&b->round, memory_order_acquire) != round)
            return;
        relax();
    }
    pthread_mutex_lock(&b->mutex);
    while (atomic_load(&b->round) == round)
        pthread_cond_wait(&b->moved, &b->mutex);
    pthread_mutex_unlock(&b->mutex);
}
