/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread that keeps a lease alive while a worker trains, and tells the trainer when to halt.
 *
 * It has its own database handle (a handle serves one thread). A renewal that fails for another
 * reason than a lost lease (a full disk, a locked file) is tried again at the next turn: the lease
 * outlives many turns.
 */
#include "search/lab.h"

#include "base/alloc.h"
#include "base/error.h"

#include <errno.h>
#include <pthread.h>

#define TURN_NS 200000000L /* a stop or a new phase is noticed within it */

struct bti_keeper {
    bti_claim claim;
    bt_stop outer;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;         /* under lock */
    volatile int halt; /* read by the training loop between steps */
};

/* One look at the control record, and a renewal when it is due. Returns when the next one is;
 * *wanted false: the work is not any more. */
static double turn(const bti_keeper *k, bti_storage *store, bti_storage *control, double renew_at,
                   bool *wanted)
{
    bti_control c;
    const bti_claim *cl = &k->claim;
    *wanted = !(control && bti_control_load(&c, control, NULL) == BT_OK && c.phase != cl->phase);
    if (!store || bt_now() < renew_at)
        return renew_at;
    if (store->ops->renew(store, cl->id, cl->worker, cl->attempt, BTI_LEASE_S, NULL) == BT_BUSY)
        *wanted = false;
    return bt_now() + BTI_RENEW_S;
}

static void wait_turn(bti_keeper *k)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_nsec += TURN_NS;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_nsec -= 1000000000;
        ts.tv_sec++;
    }
    pthread_cond_timedwait(&k->wake, &k->lock, &ts);
}

static void *keep(void *arg)
{
    bti_keeper *k = arg;
    bti_storage *store = NULL, *control = NULL;
    double renew_at = bt_now() + BTI_RENEW_S;

    pthread_mutex_lock(&k->lock);
    while (!k->done && !k->halt) {
        bool wanted = true;
        wait_turn(k);
        if (k->done || bti_stopped(&k->outer)) {
            k->halt = 1;
            break;
        }
        pthread_mutex_unlock(&k->lock);
        if (!store && bti_storage_open(&store, k->claim.store, NULL, false, NULL))
            store = NULL;
        if (!control && bti_storage_open(&control, k->claim.control, NULL, false, NULL))
            control = NULL;
        renew_at = turn(k, store, control, renew_at, &wanted);
        pthread_mutex_lock(&k->lock);
        if (!wanted)
            k->halt = 1;
    }
    pthread_mutex_unlock(&k->lock);
    bti_storage_close(store);
    bti_storage_close(control);
    return NULL;
}

bt_status bti_keeper_start(bti_keeper **out, const bti_claim *claim, const bt_stop *outer,
                           bt_error *err)
{
    *out = NULL;
    bti_keeper *k = bti_calloc(1, sizeof(*k));
    if (!k)
        return bti_fail_nomem(err);
    k->claim = *claim;
    if (outer)
        k->outer = *outer;
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->wake, NULL);
    int rc = pthread_create(&k->thread, NULL, keep, k);
    if (rc) {
        errno = rc;
        bt_status status = bti_fail_errno(err, "worker", "cannot start the lease thread");
        pthread_cond_destroy(&k->wake);
        pthread_mutex_destroy(&k->lock);
        bti_free(k);
        return status;
    }
    *out = k;
    return BT_OK;
}

const volatile int *bti_keeper_halt(const bti_keeper *k)
{
    return &k->halt;
}

void bti_keeper_stop(bti_keeper *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->done = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->wake);
    pthread_mutex_destroy(&k->lock);
    bti_free(k);
}
