/* SPDX-License-Identifier: Apache-2.0
 *
 * Philox4x32-10 from Random123: key = (seed, purpose), counter = (epoch, sample, slot, draw block).
 */
#include "base/rng.h"

#include <Random123/philox.h>
#include <assert.h>
#include <math.h>

static void refill(bti_rng *r)
{
    philox4x32_ctr_t ctr = {{r->ctr[0], r->ctr[1], r->ctr[2], r->ctr[3]}};
    philox4x32_key_t key = {{r->key[0], r->key[1]}};
    philox4x32_ctr_t x = philox4x32(ctr, key);

    for (int i = 0; i < 4; i++)
        r->buf[i] = x.v[i];
    r->ctr[3]++;
    r->used = 0;
}

bti_rng bti_rng_at(uint64_t seed, bti_rng_purpose purpose, uint32_t epoch, uint32_t sample,
                   uint32_t slot)
{
    /* The key has 64 bits for a seed of 64 and a purpose: mixing is a bijection of the seed for
     * each purpose, so two seeds never share a stream, and two purposes of one seed do not either.
     */
    uint64_t key = bti_seed_mix(seed, (uint64_t)purpose);
    return (bti_rng){
        .key = {(uint32_t)key, (uint32_t)(key >> 32)}, .ctr = {epoch, sample, slot, 0}, .used = 4};
}

uint32_t bti_rng_u32(bti_rng *r)
{
    if (r->used == 4)
        refill(r);
    return r->buf[r->used++];
}

uint64_t bti_rng_u64(bti_rng *r)
{
    uint64_t low = bti_rng_u32(r);
    return low | (uint64_t)bti_rng_u32(r) << 32;
}

double bti_rng_unit(bti_rng *r)
{
    return (double)(bti_rng_u64(r) >> 11) * 0x1p-53;
}

/* Lemire, "Fast random integer generation in an interval", 2019: multiply, reject the biased rest.
 */
uint32_t bti_rng_below(bti_rng *r, uint32_t n)
{
    assert(n >= 1);
    uint64_t product = (uint64_t)bti_rng_u32(r) * n;
    if ((uint32_t)product < n) {
        uint32_t least = -n % n;
        while ((uint32_t)product < least)
            product = (uint64_t)bti_rng_u32(r) * n;
    }
    return (uint32_t)(product >> 32);
}

int64_t bti_rng_range(bti_rng *r, int64_t lo, int64_t hi)
{
    assert(lo <= hi);
    uint64_t n = (uint64_t)hi - (uint64_t)lo + 1;
    if (n && n <= UINT32_MAX)
        return lo + (int64_t)bti_rng_below(r, (uint32_t)n);
    uint64_t x = bti_rng_u64(r);
    if (n) {
        uint64_t least = -n % n; /* 2^64 mod n values at the bottom would come too often */
        while (x < least)
            x = bti_rng_u64(r);
        x %= n;
    }
    return (int64_t)((uint64_t)lo + x);
}

double bti_rng_uniform(bti_rng *r, double lo, double hi)
{
    return lo + (hi - lo) * bti_rng_unit(r);
}

double bti_rng_normal(bti_rng *r)
{
    double u = 1.0 - bti_rng_unit(r); /* (0, 1]: the logarithm is finite */
    double v = bti_rng_unit(r);
    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

/* The logarithm of a gamma variate: Marsaglia & Tsang, "A simple method for generating gamma
 * variables", 2000, for shape + 1 and then its boost to `shape`, which only the logarithm survives
 * when the shape is small. */
static double log_gamma_variate(bti_rng *r, double shape)
{
    double d = shape + 1 - 1.0 / 3, c = 1 / sqrt(9 * d);

    for (;;) {
        double x = bti_rng_normal(r), u = 1.0 - bti_rng_unit(r), v = 1 + c * x;
        v = v * v * v;
        if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v))
            return log(d * v) + log(1.0 - bti_rng_unit(r)) / shape;
    }
}

double bti_rng_beta(bti_rng *r, double a, double b)
{
    assert(a > 0 && b > 0);
    double x = log_gamma_variate(r, a), y = log_gamma_variate(r, b);
    return 1 / (1 + exp(y - x));
}

void bti_rng_shuffle(bti_rng *r, int32_t *v, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = bti_rng_below(r, (uint32_t)i);
        int32_t t = v[i - 1];
        v[i - 1] = v[j];
        v[j] = t;
    }
}

/* Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014 (splitmix64).
 */
static uint64_t finalise(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t bti_seed_mix(uint64_t a, uint64_t b)
{
    return finalise(finalise(a + 0x9e3779b97f4a7c15u) ^ finalise(b * 0x9e3779b97f4a7c15u + 1));
}
