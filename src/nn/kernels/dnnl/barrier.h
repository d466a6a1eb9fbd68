/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the threads of a pass meet between segments. Spins for some microseconds, then sleeps: an
 * OpenMP barrier that spins on keeps its core from whoever holds up the missing thread, and one
 * that sleeps at once pays a wake-up dozens of times a step.
 */
#ifndef BTI_DNNL_BARRIER_H
#define BTI_DNNL_BARRIER_H

#include <pthread.h>
#include <stdatomic.h>

typedef struct bti_barrier {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    atomic_int arrived;
    atomic_uint round;
} bti_barrier;

/* 0, or an errno value. */
int bti_barrier_init(bti_barrier *b);
void bti_barrier_release(bti_barrier *b);
/* Returns once `n` threads have called it. All of them must pass the same n. */
void bti_barrier_wait(bti_barrier *b, int n);

#endif
