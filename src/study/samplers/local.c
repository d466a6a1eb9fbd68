/* SPDX-License-Identifier: Apache-2.0
 *
 * Local search: the neighbours of the front, one change away. Strong on architecture spaces (White
 * et al., "Exploring the loss landscape in neural architecture search", UAI 2021). A member of the
 * front is left alone for a while once many of its children have failed to join it.
 */
#include "study/observed.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>

#define TRIES 64

/* Trials made of each front member so far, by their attribute "parent", which only we set. */
static void count_children(const bti_ask *ask, const bti_observed *o, int *children)
{
    for (int i = 0; i < o->n_front; i++)
        children[i] = 0;
    for (int k = 0; k < ask->trials->n; k++) {
        const bti_json *parent = bti_json_get(ask->trials->trial[k].attrs, "parent");
        int64_t number = parent ? bti_json_as_int(parent, -1) : -1;
        for (int i = 0; number >= 0 && i < o->n_front; i++)
            children[i] += o->trial[i]->number == number;
    }
}

/* A member of the front, the less visited the likelier. */
static int pick_member(const int *children, int n, bti_rng *rng)
{
    double total = 0;
    for (int i = 0; i < n; i++)
        total += 1.0 / (1 + children[i]);
    double at = bti_rng_unit(rng) * total;
    for (int i = 0; i < n; i++) {
        at -= 1.0 / (1 + children[i]);
        if (at < 0)
            return i;
    }
    return n - 1;
}

static bt_status step_away(const bti_ask *ask, const bti_observed *o, const int *children,
                           bti_rng *rng, bti_answer *out, bt_error *err)
{
    bti_point parent;
    int64_t rejected = 0;
    for (int i = 0; i < TRIES; i++) {
        const bti_trial *from = o->trial[pick_member(children, o->n_front, rng)];
        bti_observed_point(ask, from, &parent);
        bti_space_mutate(ask->space, &parent, 1 + i / 32, rng, &out->point);
        bt_status rc = bti_sampler_complete(ask, out, err);
        out->rejected = rejected;
        out->parent = from->number;
        if (rc != BT_EMPTY)
            return rc;
        rejected++;
    }
    bt_status rc = bti_sampler_draw(ask, rng, -1, out, err);
    out->parent = -1;
    out->rejected += rejected;
    return rc;
}

static bt_status ask_local(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    double startup = 12;
    const bti_sampler_option known[] = {{"startup", &startup, 1, 1e6}};
    bti_observed seen = {0};
    int *children = NULL;
    bt_status rc = bti_sampler_options(ask->params, "local", known, 1, err);
    if (rc)
        return rc;
    bti_rng rng =
        bti_rng_at(ask->seed, BTI_RNG_SAMPLER, (uint32_t)ask->number, (uint32_t)ask->retry, 6);
    rc = bti_observe(ask, 1, &seen, err);
    if (!rc && (ask->number < (int)startup || seen.n_front == 0)) {
        rc = bti_sampler_draw(ask, &rng, -1, out, err);
    } else if (!rc) {
        children = bti_array((size_t)seen.n_front, sizeof(*children));
        rc = children ? BT_OK : bti_fail_nomem(err);
        if (!rc) {
            count_children(ask, &seen, children);
            rc = step_away(ask, &seen, children, &rng, out, err);
        }
    }
    bti_free(children);
    bti_observed_release(&seen);
    return rc;
}

const bti_sampler_ops bti_sampler_local = {
    .name = "local",
    .help = "one change away from members of the front (White et al. 2021)",
    .ask = ask_local,
};
