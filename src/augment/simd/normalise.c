/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes to normalised float planes: what ends every augmentation. With VBMI the four bytes of each
 * float are looked up, so that tones before cost nothing; elsewhere the float is computed.
 */
#include "augment/simd/kernels_int.h"

#ifdef __AVX512VBMI__
#include "augment/simd/permute.h"

#define PART 512 /* pixels whose channels are taken apart at a time */
#define GROUP 64

/* The pixel that place i of a group holds: 16 L + 4 q + k holds pixel 16 q + 4 L + k, as unpacking
 * bytes to floats exchanges lanes L and quarters q. */
static const uint8_t places[GROUP] = {
    0,  1,  2,  3,  16, 17, 18, 19, 32, 33, 34, 35, 48, 49, 50, 51, 4,  5,  6,  7,  20, 21,
    22, 23, 36, 37, 38, 39, 52, 53, 54, 55, 8,  9,  10, 11, 24, 25, 26, 27, 40, 41, 42, 43,
    56, 57, 58, 59, 12, 13, 14, 15, 28, 29, 30, 31, 44, 45, 46, 47, 60, 61, 62, 63,
};

static inline __m512i channel(const __m512i v[3], __m512i at)
{
    __m512i low = _mm512_permutex2var_epi8(v[0], at, v[1]); /* bytes 0..127 */

    return _mm512_mask_permutexvar_epi8(low, _mm512_movepi8_mask(at), at, v[2]);
}

/* A group of pixels to one array a channel. at: three times the pixel of each place. */
static inline void take_apart(uint8_t to[3][PART], size_t i, const uint8_t *rgb, __m512i at)
{
    const __m512i v[3] = {_mm512_loadu_si512(rgb), _mm512_loadu_si512(rgb + 64),
                          _mm512_loadu_si512(rgb + 128)};

    for (int k = 0; k < 3; k++)
        _mm512_storeu_si512(to[k] + i, channel(v, _mm512_add_epi8(at, _mm512_set1_epi8((char)k))));
}

/* The floats of 64 values in their places, by the tables of their bytes. */
static inline void put_floats(float *out, const table_regs byte[4], __m512i v)
{
    __m512i b0 = look_up(&byte[0], v), b1 = look_up(&byte[1], v);
    __m512i b2 = look_up(&byte[2], v), b3 = look_up(&byte[3], v);
    __m512i low01 = _mm512_unpacklo_epi8(b0, b1), high01 = _mm512_unpackhi_epi8(b0, b1);
    __m512i low23 = _mm512_unpacklo_epi8(b2, b3), high23 = _mm512_unpackhi_epi8(b2, b3);

    _mm512_storeu_si512(out, _mm512_unpacklo_epi16(low01, low23));
    _mm512_storeu_si512(out + 16, _mm512_unpackhi_epi16(low01, low23));
    _mm512_storeu_si512(out + 32, _mm512_unpacklo_epi16(high01, high23));
    _mm512_storeu_si512(out + 48, _mm512_unpackhi_epi16(high01, high23));
}

static inline void plane_of(float *out, const uint8_t *v, size_t n, const uint8_t byte[4][256])
{
    const table_regs t[4] = {load_table(byte[0]), load_table(byte[1]), load_table(byte[2]),
                             load_table(byte[3])};

    for (size_t i = 0; i < n; i += GROUP)
        put_floats(out + i, t, _mm512_loadu_si512(v + i));
}

/* n pixels, whole groups of them. */
static inline void groups(float *out, size_t plane, const uint8_t *rgb, size_t n,
                          const bti_shades *s)
{
    const __m512i one = _mm512_loadu_si512(places);
    const __m512i three = _mm512_add_epi8(one, _mm512_add_epi8(one, one));
    uint8_t part[3][PART];

    for (size_t at = 0; at < n; at += PART) {
        size_t many = n - at < PART ? n - at : PART;
        for (size_t i = 0; i < many; i += GROUP)
            take_apart(part, i, rgb + 3 * (at + i), three);
        for (size_t k = 0; k < 3; k++)
            plane_of(out + k * plane + at, part[k], many, s->byte[k]);
    }
}

void SIMD(normalise)(float *out, size_t plane, const uint8_t *rgb, size_t n, const bti_shades *s)
{
    size_t whole = n / GROUP * GROUP;
    uint8_t few[3 * GROUP] = {0};
    float of_few[3 * GROUP];

    groups(out, plane, rgb, whole, s);
    if (whole == n)
        return;
    if (whole) { /* the last group once more where it fits: the same values */
        groups(out + n - GROUP, plane, rgb + 3 * (n - GROUP), GROUP, s);
        return;
    }
    memcpy(few, rgb, 3 * n);
    groups(of_few, GROUP, few, GROUP, s);
    for (size_t k = 0; k < 3; k++)
        memcpy(out + k * plane, of_few + k * GROUP, n * sizeof(*out));
}

void SIMD(normalise_grey)(float *out, const uint8_t *src, size_t n, const bti_shades *s)
{
    const __m512i at = _mm512_loadu_si512(places);
    size_t whole = n / GROUP * GROUP;
    uint8_t part[PART];

    for (size_t from = 0; from < whole; from += PART) {
        size_t many = whole - from < PART ? whole - from : PART;
        for (size_t i = 0; i < many; i += GROUP) {
            __m512i v = _mm512_loadu_si512(src + from + i);
            _mm512_storeu_si512(part + i, _mm512_permutexvar_epi8(at, v));
        }
        plane_of(out + from, part, many, s->byte[0]);
    }
    for (size_t i = whole; i < n; i++)
        out[i] = s->value[0][src[i]];
}

/* Tables of what comes out of tables. */
void SIMD(retone)(bti_shades *out, const bti_shades *of, const uint8_t tone[3][256], int c)
{
    for (int k = 0; k < c; k++) {
        for (int j = 0; j < 4; j++)
            SIMD(table)(out->byte[k][j], tone[k], 256, of->byte[k][j]);
        for (int v = 0; v < 256 && c == 1; v++) /* its last few values are looked up one by one */
            out->value[k][v] = of->value[k][tone[k][v]];
    }
}

#else

static inline void to_float(float *restrict out, const uint8_t *restrict v, size_t n,
                            const bti_shades *s, int k)
{
    double scale = s->affine[k].scale, shift = s->affine[k].shift;

    if (s->is_affine)
        for (size_t i = 0; i < n; i++)
            out[i] = (float)((double)(int)v[i] * scale + shift);
    else
        for (size_t i = 0; i < n; i++)
            out[i] = s->value[k][v[i]];
}

/* Up to BLOCK pixels. */
static inline void block(float *out, size_t plane, const uint8_t *rgb, size_t n,
                         const bti_shades *s)
{
    uint8_t toned[3 * BLOCK];
    planes p;

    if (s->tone) {
        SIMD(tables)(toned, rgb, n, s->tone);
        rgb = toned;
    }
    split(&p, rgb, n);
    to_float(out, p.r, n, s, 0);
    to_float(out + plane, p.g, n, s, 1);
    to_float(out + 2 * plane, p.b, n, s, 2);
}

#define STEP 32 /* pixels whose loops the compiler unrolls */

void SIMD(normalise)(float *out, size_t plane, const uint8_t *rgb, size_t n, const bti_shades *s)
{
    size_t i = 0;

    for (; i + STEP <= n; i += STEP)
        block(out + i, plane, rgb + 3 * i, STEP, s);
    if (i == n)
        return;
    if (n < STEP)
        block(out, plane, rgb, n, s);
    else /* the last step once more where it fits: the same values */
        block(out + n - STEP, plane, rgb + 3 * (n - STEP), STEP, s);
}

void SIMD(normalise_grey)(float *out, const uint8_t *src, size_t n, const bti_shades *s)
{
    uint8_t toned[BLOCK];

    for (size_t i = 0; i < n; i += BLOCK) {
        size_t many = n - i < BLOCK ? n - i : BLOCK;
        if (s->tone)
            SIMD(table)(toned, src + i, many, s->tone[0]);
        to_float(out + i, s->tone ? toned : src + i, many, s, 0);
    }
}

void SIMD(retone)(bti_shades *out, const bti_shades *of, const uint8_t tone[3][256], int c)
{
    (void)c;
    *out = *of;
    out->tone = tone;
}

#endif
