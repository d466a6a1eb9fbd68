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

static void compare_planes(const bti_pixel_kernels *set, size_t n, const bti_shades *shades,
                           const bti_shades *portable, const char *what)
{
    clear();
    set->normalise(r.planes, n, r.a, n, shades);
    bti_pixel_kernels_portable.normalise(r.planes_want, n, r.a, n, portable);
    same(what, n);
    clear();
    set->normalise_grey(r.planes, r.a, n, shades);
    bti_pixel_kernels_portable.normalise_grey(r.planes_want, r.a, n, portable);
    same(what, n);
}

/* Floats are those of the table; also behind tones, and where arithmetic cannot give the table. */
static void compare_floats(const bti_pixel_kernels *set, size_t n)
{
    const float mean[3] = {0.49f, 0.48f, 0.44f},
                std[2][3] = {{0.2f, 0.21f, 0}, {0.5f, 0.3f, 0.25f}};
    static bti_shades shades, toned, want;

    for (int k = 0; k < 2; k++) {
        bti_shades_init(&shades, mean, std[k]);
        shades.is_affine = k ? shades.is_affine : 0;
        compare_planes(set, n, &shades, &shades, "normalise");
        for (size_t i = 0; i < n; i++)
            assert_true(r.planes_want[i] == shades.value[0][r.a[i]]);
        set->normalise(r.planes, n, r.a, n, &shades);
        for (size_t i = 0; i < n; i++)
            assert_true(r.planes[n + i] ==
                        (float)((r.a[3 * i + 1] / 255.0 - (double)mean[1]) / (double)std[k][1]));
        for (int c = 1; c <= 3; c += 2) {
            set->retone(&toned, &shades, (const uint8_t(*)[256])r.to, c);
            bti_pixel_kernels_portable.retone(&want, &shades, (const uint8_t(*)[256])r.to, c);
            clear();
            if (c == 3) {
                set->normalise(r.planes, n, r.a, n, &toned);
                bti_pixel_kernels_portable.normalise(r.planes_want, n, r.a, n, &want);
            } else {
                set->normalise_grey(r.planes, r.a, n, &toned);
                bti_pixel_kernels_portable.normalise_grey(r.planes_want, r.a, n, &want);
            }
            same("normalise behind a tone", n);
            for (size_t i = 0; i < n; i++)
                assert_true(r.planes[i] == shades.value[0][r.to[0][r.a[(size_t)c * i]]]);
        }
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
                                       {22 << 16, 17 * 65536 - 40000, 0, 100, 300},
                                       {0, 5 << 16, 65536, 10000, 23},
                                       {70000, 12 * 65536 - 3, 65536, -9830, 21},
                                       {32768, 30000, 65536, 32767, 22},
                                       {0, 12 << 16, 65536, 2000, 23},
                                       {0, 11 << 16, 65536, -1, 23}};

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        size_t n = (size_t)spans[i][4];
        COMPARE(gather, n, r.a, 23, 17, spans[i], n, 0);
        clear();
        set->gather(r.got, r.a, 23, 17, spans[i], n, GUARD);
        for (size_t k = 3 * n + GUARD; k < BYTES; k++)
            assert_int_equal(r.got[k], 0xa5);
        for (size_t k = 0; k < n; k++) {
            int x = (spans[i][0] + (int32_t)k * spans[i][2]) >> 16;
            int y = (spans[i][1] + (int32_t)k * spans[i][3]) >> 16;
            assert_memory_equal(r.got + 3 * k, r.a + 3 * (y * 23 + x), 3);
        }
    }
    COMPARE(gather, (size_t)4, r.a, 1, 1, spans[0], 1, 0);
}

static void compare_all(const bti_pixel_kernels *set, size_t n, bti_rng *rng)
{
    float weight = (float)(bti_rng_unit(rng) * 4 - 1);
    fill(r.a, BYTES, rng);
    fill(r.b, BYTES, rng);
    fill(r.c, BYTES, rng);
    fill(r.to[0], sizeof(r.to), rng);
    COMPARE(table, n, r.a, n, r.to[0]);
    COMPARE(tables, n, r.a, n, (const uint8_t(*)[256])r.to);
    COMPARE(blend, n, r.a, r.b, weight, n);
    COMPARE(blend_flat, n, r.a, 77, weight, n);
    COMPARE(blend_luma, n, r.a, weight, n);
    COMPARE(mirror, n, r.a, n);
    for (size_t i = 0; i < n; i++)
        assert_memory_equal(r.got + 3 * i, r.a + 3 * (n - 1 - i), 3);
    COMPARE(smooth, n, r.a, r.b, r.c, n, 3);
    COMPARE(smooth, n, r.a, r.b, r.c, n, 1);
    assert_true(set->sum_luma(r.a, n) == bti_pixel_kernels_portable.sum_luma(r.a, n));
    if (n) {
        clear();
        set->range(r.got, r.got + 3, r.a, n);
        bti_pixel_kernels_portable.range(r.want, r.want + 3, r.a, n);
        same("range", n);
    }
    compare_floats(set, n);
}

/* Weights whose products come near integers, too near below one, or leave the range of steps. */
static void compare_weights(const bti_pixel_kernels *set, bti_rng *rng)
{
    const float weights[] = {0,    1,          1.45f,      0.55f, 1.9f,  0.1f, 0.9999999f, 1e-9f,
                             0.5f, 1.9999999f, 1.0000001f, 2,     -0.5f, 3,    -0.0f,      1.5f};

    for (size_t i = 0; i < sizeof(r.a); i++) { /* all distances often */
        r.a[i] = (uint8_t)(i * 7);
        r.b[i] = (uint8_t)bti_rng_u32(rng);
    }
    for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
        COMPARE(blend, (size_t)MOST, r.a, r.b, weights[i], 3 * MOST);
        COMPARE(blend_luma, (size_t)MOST, r.b, weights[i], MOST);
    }
    for (int i = 0; i < 300; i++) {
        float weight = (float)bti_rng_unit(rng) * 2;
        size_t n = 3 * (size_t)MOST - (size_t)i;
        COMPARE(blend, n, r.a, r.b, weight, n);
        COMPARE(blend_luma, n / 3, r.b, weight, n / 3);
    }
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
        compare_weights(sets[i], &rng);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_set_gives_the_bytes_of_portable_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
