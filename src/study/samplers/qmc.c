/* SPDX-License-Identifier: Apache-2.0
 *
 * Quasi-random search: every parameter is filled evenly at every length of the study.
 * Owen, "Randomly permuted (t,m,s)-nets and (t,s)-sequences", 1995.
 */
#include "study/observed.h"

static bt_status ask_qmc(const bti_ask *ask, bti_answer *out, bt_error *err)
{
    bt_status rc = bti_sampler_options(ask->params, "qmc", NULL, 0, err);
    if (rc)
        return rc;
    bti_rng rng =
        bti_rng_at(ask->seed, BTI_RNG_SAMPLER, (uint32_t)ask->number, (uint32_t)ask->retry, 8);
    return bti_quasi_random_draw(ask, &rng, out, err);
}

const bti_sampler_ops bti_sampler_qmc = {
    .name = "qmc",
    .help = "quasi-random: scrambled van der Corput sequences (Owen 1995)",
    .ask = ask_qmc,
};
