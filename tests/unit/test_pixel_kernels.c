/* SPDX-License-Identifier: Apache-2.0
 *
 * Pixel kernels: every instruction set that this processor has gives the bytes of the portable one,
 * and writes nothing beside them.
 */
#include "support.h"

#include "augment/simd/kernels.h"
#include "base/cpu.h"
#include "base/rng.h"
#include <string.h>

enum { MOST = 700, GUARD = 64, BYTES = 3 * MOST + GUARD };

typedef struct room {
    uint8_t a[BYTES], b[BYTES], c[BYTES];
    uint8_t to[3][256];
    uint8_t got[BYTES], want[BYTES];
    float planes[3 * MOST + GUARD], planes_want[3 * MOST + GUARD];
} room;

static room r;

static void fill(uint8_t *p, size_t n, bti_rng *rng)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)bti_rng_u32(rng);
}

static void clear(void)
{
    memset(r.got, 0xa5, sizeof(r.got));
    memset(r.want, 0xa5, sizeof(r.want));
    memset(r.planes, 0, sizeof(r.planes));
    memset(r.planes_want, 0, sizeof(r.planes_want));
}

static void same(const char *kernel, size_t n)
{
    if (memcmp(r.got, r.want, sizeof(r.got)) != 0 ||
        memcmp(r.planes, r.planes_want, sizeof(r.planes)) != 0)
        fail_msg("%s of %zu differs from portable C", kernel, n);
}

#define COMPARE(kernel, n, ...)                                                                    \
    do {                                                                                           \
        uint8_t *out = r.got;                                                                      \
        clear();                                                                                   \
        set->kernel(out, __VA_ARGS__);                                                             \
        out = r.want;                                                                              \
        bti_pixel_kernels_portable.kernel(out, __VA_ARGS__);                                       \
        same(#kernel, n);                                                                          \
    } while (0)

static void compare_floats(const bti_pixel_kernels *set, size_t n)
{
    const bti_affine to[3] = {{0.0159, -1.99}, {0.0161, -1.98}, {0.015, -1.7}};

    for (int mirrored = 0; mirrored < 2; mirrored++) {
        clear();
        set->normalise(r.planes, n, r.a, n, mirrored, to);
        bti_pixel_kernels_portable.normalise(r.planes_want, n, r.a, n, mirrored, to);
        same("normalise", n);
        for (size_t i = 0; i < n; i++) {
            size_t x = mirrored ? n - 1 - i : i;
            assert_true(r.planes[n + i] == (float)(r.a[3 * x + 1] * to[1].scale + to[1].shift));
        }
        clear();
        set->normalise_grey(r.planes, r.a, n, mirrored, to[0]);
        bti_pixel_kernels_portable.normalise_grey(r.planes_want, r.a, n, mirrored, to[0]);
        same("normalise_grey", n);
    }
}

/* Spans through an image of 23 x 17 pixels, its last pixel included. */
static void compare_gather(const bti_pixel_kernels *set)
{
    static const int32_t spans[][5] = {{0, 0, 65536, 0, 23},
                                       {32768, 32768, 60000, 45000, 22},
                                       {22 << 16, 16 << 16, 0, 0, 9},
                                       {23 * 65536 - 1, 0, -65536, 40000, 23},
                                       {0, 17 * 65536 - 1, 65535, 0, 23},
                                       {0, 0, 5000, 3500, 300},
                                       {22 << 16, 17 * 65536 - 40000, 0, 100, 300}};

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        size_t n = (size_t)spans[i][4];
        COMPARE(gather, n, r.a, 23, 17, spans[i], n);
        for (size_t k = 0; k < n; k++) {
            int x = (spans[i][0] + (int32_t)k * spans[i][2]) >> 16;
            int y = (spans[i][1] + (int32_t)k * spans[i][3]) >> 16;
            assert_memory_equal(r.got + 3 * k, r.a + 3 * (y * 23 + x), 3);
        }
    }
    COMPARE(gather, (size_t)4, r.a, 1, 1, spans[0], 1);
}

static void compare_all(const bti_pixel_kernels *set, size_t n, bti_rng *rng)
{
    float weight = (float)(bti_rng_unit(rng) * 4 - 1);
    int threshold = (int)bti_rng_below(rng, 257);

    fill(r.a, BYTES, rng);
    fill(r.b, BYTES, rng);
    fill(r.c, BYTES, rng);
    fill(r.to[0], sizeof(r.to), rng);
    COMPARE(table, n, r.a, n, r.to[0]);
    COMPARE(tables, n, r.a, n, (const uint8_t(*)[256])r.to);
    COMPARE(blend, n, r.a, r.b, weight, n);
    COMPARE(blend_flat, n, r.a, 77, weight, n);
    COMPARE(blend_luma, n, r.a, weight, n);
    COMPARE(invert, n, r.a, n);
    COMPARE(mask, n, r.a, 0xf0, n);
    COMPARE(solarize, n, r.a, threshold, n);
    COMPARE(mirror, n, r.a, n);
    for (size_t i = 0; i < n; i++)
        assert_memory_equal(r.got + 3 * i, r.a + 3 * (n - 1 - i), 3);
    COMPARE(smooth, n, r.a, r.b, r.c, n, 3);
    COMPARE(smooth, n, r.a, r.b, r.c, n, 1);
    assert_true(set->sum_luma(r.a, n) == bti_pixel_kernels_portable.sum_luma(r.a, n));
    compare_floats(set, n);
}

static void every_instruction_set_gives_the_bytes_of_portable_c(void **state)
{
    const bti_pixel_kernels *sets[] = {&bti_pixel_kernels_portable, NULL, NULL, NULL};
    bti_rng rng = bti_rng_at(1, BTI_RNG_TEST, 0, 0, 0);
    bti_isa isa = bti_cpu_isa();

    (void)state;
    if (isa >= BTI_ISA_AVX2)
        sets[1] = &bti_pixel_kernels_avx2;
    if (isa >= BTI_ISA_AVX512)
        sets[2] = &bti_pixel_kernels_avx512;
    if (isa >= BTI_ISA_AVX512 && bti_cpu_has_vbmi())
        sets[3] = &bti_pixel_kernels_avx512vbmi;
    for (int i = 0; i < 4; i++) {
        if (!sets[i])
            continue;
        for (size_t n = 0; n < 140; n++)
            compare_all(sets[i], n, &rng);
        compare_all(sets[i], 300, &rng);
        compare_all(sets[i], MOST, &rng);
        compare_gather(sets[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_set_gives_the_bytes_of_portable_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
