/* SPDX-License-Identifier: Apache-2.0
 *
 * Cross-validation: a view in folds, each class dealt out over them in a seeded order.
 */
#include "data/dataset.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/rng.h"
#include "data/holdout.h"

/* mark[i] = 1 of the samples of one fold. Of each class the samples are dealt in a shuffled order;
 * the deal goes on from class to class, so that folds differ by one sample at most. */
static bt_status deal(uint8_t *mark, const bti_view *v, int fold, int folds, uint64_t seed,
                      bt_error *err)
{
    const bti_dataset *set = v->set;
    int32_t *order = bti_array((size_t)v->n, sizeof(*order));
    int64_t dealt = 0;

    if (!order)
        return bti_fail_nomem(err);
    for (int c = 0; c < set->classes; c++) {
        bti_rng rng = bti_rng_at(seed, BTI_RNG_SPLIT, 0, (uint32_t)c, BTI_HOLD_FOLD);
        size_t n = 0;
        for (int64_t i = 0; i < v->n; i++)
            if (set->labels[v->index[i]] == c)
                order[n++] = (int32_t)i;
        bti_rng_shuffle(&rng, order, n);
        for (size_t i = 0; i < n; i++)
            mark[order[i]] = dealt++ % folds == fold;
    }
    bti_free(order);
    return BT_OK;
}

bt_status bti_view_fold(const bti_view *v, int fold, int folds, uint64_t seed, bti_view *rest,
                        bti_view *held, bt_error *err)
{
    uint8_t *mark = bti_calloc((size_t)v->n + 1, 1);
    bt_status rc = mark ? BT_OK : bti_fail_nomem(err);

    *rest = *held = (bti_view){0};
    if (!rc && v->set->group) /* groups are whole, classes as even as that leaves them */
        for (int64_t i = 0; i < v->n; i++)
            mark[i] = bti_seed_mix(seed, (uint64_t)v->set->group[v->index[i]]) % (uint64_t)folds ==
                      (uint64_t)fold;
    else if (!rc)
        rc = deal(mark, v, fold, folds, seed, err);
    if (!rc)
        rc = bti_view_pick(held, v, mark, 1, err);
    if (!rc)
        rc = bti_view_pick(rest, v, mark, 0, err);
    if (!rc && (!held->n || !rest->n))
        rc = bti_fail(err, BT_INVAL, "folds", "%lld images cannot be dealt into %d folds",
                      (long long)v->n, folds);
    if (rc) {
        bti_view_release(held);
        bti_view_release(rest);
    }
    bti_free(mark);
    return rc;
}
