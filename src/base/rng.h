/* SPDX-License-Identifier: Apache-2.0
 *
 * Counter-based random numbers: addressed, not drawn.
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011; Random123).
 * Key = (seed, purpose); counter = (epoch, sample, operation slot, draw). The same address gives
 * the same numbers for any number of threads, on every ISA, in any order.
 */
#ifndef BTI_RNG_H
#define BTI_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What the numbers are for; part of the key, so streams never overlap. Append only: values are
 * stable. */
typedef enum bti_rng_purpose {
    BTI_RNG_INIT = 1,    /* initial weights; sample = tensor index */
    BTI_RNG_SHUFFLE = 2, /* order of samples in an epoch */
    BTI_RNG_SPLIT = 3,   /* validation split and subsets */
    BTI_RNG_AUGMENT = 4, /* augmentation of one sample in one epoch */
    BTI_RNG_SAMPLER = 5, /* proposals of a sampler; epoch = trial number */
    BTI_RNG_TEST = 6,    /* tests and benches */
    BTI_RNG_SPACE = 7,   /* `bantam space info` draws */
    BTI_RNG_EXPORT = 32, /* orders of an arena plan, test images */
} bti_rng_purpose;

/* A position in a stream. Plain value; copy it to replay. */
typedef struct bti_rng {
    uint32_t key[2];
    uint32_t ctr[4]; /* epoch, sample, slot, draw block */
    uint32_t buf[4];
    int used; /* words of buf already given out; 4 = refill */
} bti_rng;

bti_rng bti_rng_at(uint64_t seed, bti_rng_purpose purpose, uint32_t epoch, uint32_t sample,
                   uint32_t slot);
uint32_t bti_rng_u32(bti_rng *r);
uint64_t bti_rng_u64(bti_rng *r);
double bti_rng_unit(bti_rng *r);                           /* [0, 1), 53 bits */
uint32_t bti_rng_below(bti_rng *r, uint32_t n);            /* 0..n-1 without bias; n >= 1 */
int64_t bti_rng_range(bti_rng *r, int64_t lo, int64_t hi); /* both ends included */
double bti_rng_uniform(bti_rng *r, double lo, double hi);
double bti_rng_normal(bti_rng *r);                      /* Box-Muller, one value a call */
double bti_rng_beta(bti_rng *r, double a, double b);    /* in [0, 1]; a, b > 0 */
void bti_rng_shuffle(bti_rng *r, int32_t *v, size_t n); /* Fisher-Yates */

/* Mixes two words into a new seed (splitmix64 finaliser); a trial's seed = bti_seed_mix(study seed,
 * number). */
uint64_t bti_seed_mix(uint64_t a, uint64_t b);

#endif
