/* SPDX-License-Identifier: Apache-2.0
 *
 * Random search: uniform draws until one satisfies the constraints and is new.
 * Bergstra and Bengio, "Random search for hyper-parameter optimization", JMLR 13, 2012.
 */
#include "study/sampler.h"

static bt_status ask_random(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    bt_status rc = bti_sampler_options(ask->params, "random", NULL, 0, err);
    if (rc)
        return rc;
    bti_rng rng =
        bti_rng_at(ask->seed, BTI_RNG_SAMPLER, (uint32_t)ask->number, (uint32_t)ask->retry, 0);
    return bti_sampler_draw(ask, &rng, -1, out, err);
}

const bti_sampler_ops bti_sampler_random = {
    .name = "random",
    .help = "uniform draws within the constraints (Bergstra and Bengio 2012)",
    .ask = ask_random,
};
