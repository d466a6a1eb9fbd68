/* SPDX-License-Identifier: Apache-2.0
 *
 * Blends, luma and other arithmetic on bytes. ImagingBlend's float32 steps are kept one by one: the
 * build says -ffp-contract=off.
 */
#include "augment/simd/kernels_int.h"

/* Pillow clips before it cuts to an integer; cutting first gives the same number, in fewer steps.
 */
static inline uint8_t blend(int a, int b, float weight)
{
    int v = (int)((float)a + weight * (float)(b - a));

    v = v > 0 ? v : 0;
    return (uint8_t)(v < 255 ? v : 255);
}

#ifdef __AVX512VBMI__
#include "augment/simd/permute.h"

/* What a blend adds to b or takes from it, by the distance of a and b: the change of a weight from
 * 0 to 2 fits a byte. */
typedef struct steps {
    table_regs up, down; /* b >= a; b < a */
    int adds;            /* away from a: the weight is 1 or more */
} steps;

/* The integer part of weight * d, less d, for 16 distances d; *beside: it is too near below an
 * integer. */
static inline __m512i step16(__m512 d, float weight, __mmask16 *beside)
{
    __m512 t = _mm512_mul_ps(_mm512_set1_ps(weight), d);
    __m512 whole = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);

    *beside |=
        _mm512_cmp_ps_mask(_mm512_sub_ps(t, whole), _mm512_set1_ps(1 - 0x1p-16f), _CMP_NLE_UQ);
    return _mm512_abs_epi32(_mm512_cvtps_epi32(_mm512_sub_ps(whole, d)));
}

/* False: the steps do not give the blend. They do when no product weight * d lies within 2^-16
 * below an integer: then a + product, below 256 and so on a grid of at most 2^-16, is not rounded
 * up to one, and its integer part is a plus the product's. */
static inline int make_steps(steps *s, float weight)
{
    uint8_t up[256], down[256];
    __mmask16 beside = 0;

    if (!(weight >= 0 && weight < 2))
        return 0;
    for (int v = 0; v < 256; v += 16) {
        __m512i at =
            _mm512_add_epi32(_mm512_set1_epi32(v), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
                                                                     10, 11, 12, 13, 14, 15));
        __m512 d = _mm512_cvtepi32_ps(at), minus = _mm512_sub_ps(_mm512_setzero_ps(), d);
        _mm_storeu_si128((__m128i *)(up + v), _mm512_cvtepi32_epi8(step16(d, weight, &beside)));
        _mm_storeu_si128((__m128i *)(down + v),
                         _mm512_cvtepi32_epi8(step16(minus, weight, &beside)));
    }
    s->up = load_table(up);
    s->down = load_table(down);
    s->adds = weight >= 1;
    return !beside;
}

/* One of the two steps is that of distance 0: none. */
static inline __m512i take_steps(const steps *s, __m512i a, __m512i b)
{
    __m512i up = look_up(&s->up, _mm512_subs_epu8(b, a));
    __m512i down = look_up(&s->down, _mm512_subs_epu8(a, b));

    return s->adds ? _mm512_subs_epu8(_mm512_adds_epu8(b, up), down)
                   : _mm512_adds_epu8(_mm512_subs_epu8(b, up), down);
}

static int blend_by_steps(uint8_t *restrict dst, const uint8_t *restrict a,
                          const uint8_t *restrict b, float weight, size_t n)
{
    steps s;
    size_t i = 0;

    if (n < 256 || !make_steps(&s, weight))
        return 0;
    for (; i + 64 <= n; i += 64)
        _mm512_storeu_si512(dst + i,
                            take_steps(&s, _mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i)));
    i = n - 64; /* the last ones once more where they fit */
    _mm512_storeu_si512(dst + i,
                        take_steps(&s, _mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i)));
    return 1;
}
#else
static int blend_by_steps(uint8_t *dst, const uint8_t *a, const uint8_t *b, float weight, size_t n)
{
    (void)dst, (void)a, (void)b, (void)weight, (void)n;
    return 0;
}
#endif

void SIMD(blend)(uint8_t *restrict dst, const uint8_t *restrict a, const uint8_t *restrict b,
                 float weight, size_t n)
{
    if (blend_by_steps(dst, a, b, weight, n))
        return;
    for (size_t i = 0; i < n; i++)
        dst[i] = blend(a[i], b[i], weight);
}

void SIMD(blend_flat)(uint8_t *restrict dst, const uint8_t *restrict src, int grey, float weight,
                      size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = blend(grey, src[i], weight);
}

#ifdef __AVX512VBMI__

/* bti_luma of 16 pixels, from their 48 bytes on: 38470 is twice 19235, so that all weights fit 16
 * bits and pairs of channels are multiplied and added at once. */
static inline __m512i luma16(const uint8_t *rgb, __mmask64 read)
{
    static const uint8_t red_green[64] = {
#define PAIR(i) 3 * (i), 64, 3 * (i) + 1, 64
        PAIR(0), PAIR(1), PAIR(2),  PAIR(3),  PAIR(4),  PAIR(5),  PAIR(6),  PAIR(7),
        PAIR(8), PAIR(9), PAIR(10), PAIR(11), PAIR(12), PAIR(13), PAIR(14), PAIR(15)};
#undef PAIR
    const __m512i first = _mm512_loadu_si512(red_green);
    const __m512i second = _mm512_add_epi8(first, _mm512_set1_epi32(2)); /* blue, green */
    const __mmask64 bytes = 0x5555555555555555;
    __m512i v = _mm512_maskz_loadu_epi8(read, rgb);
    __m512i a = _mm512_madd_epi16(_mm512_maskz_permutexvar_epi8(bytes, first, v),
                                  _mm512_set1_epi32(19235 << 16 | 19595));
    __m512i b = _mm512_madd_epi16(_mm512_maskz_permutexvar_epi8(bytes, second, v),
                                  _mm512_set1_epi32(19235 << 16 | 7471));

    return _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_set1_epi32(32768)),
                             16);
}

#define BYTES48 0xffffffffffffull

/* 16 pixels at rgb, v, blended from their greys; three: which grey each byte takes. */
static inline __m512i luma_steps48(const steps *s, const uint8_t *rgb, __m512i v, __m512i three)
{
    return take_steps(s, _mm512_permutexvar_epi8(three, luma16(rgb, BYTES48)), v);
}

static int luma_by_steps(uint8_t *dst, const uint8_t *rgb, float weight, size_t n)
{
    uint8_t of[64];
    steps s;

    if (n < 256 || !make_steps(&s, weight))
        return 0;
    for (int i = 0; i < 64; i++)
        of[i] = (uint8_t)(i / 3 * 4);
    const __m512i three = _mm512_loadu_si512(of);
    size_t bytes = 3 * n, i = 0;
    for (; i + 64 <= bytes; i += 48) /* 16 bytes too many, which the next ones overwrite */
        _mm512_storeu_si512(dst + i, luma_steps48(&s, rgb + i, _mm512_loadu_si512(rgb + i), three));
    for (; i < bytes; i += 48) {
        size_t at = i + 48 <= bytes ? i : bytes - 48;
        __m512i v = _mm512_maskz_loadu_epi8(BYTES48, rgb + at);
        _mm512_mask_storeu_epi8(dst + at, BYTES48, luma_steps48(&s, rgb + at, v, three));
    }
    return 1;
}

uint64_t SIMD(sum_luma)(const uint8_t *rgb, size_t n)
{
    uint64_t sum = 0;
    size_t i = 0;

    while (i + 16 <= n) {
        __m512i part = _mm512_setzero_si512(); /* of 2^16 steps of at most 255 a lane */
        for (size_t end = i + (1 << 20); i + 16 <= n && i < end; i += 16)
            part = _mm512_add_epi32(part, luma16(rgb + 3 * i, BYTES48));
        sum += (uint32_t)_mm512_reduce_add_epi32(part);
    }
    __mmask64 rest = ((__mmask64)1 << 3 * (n - i)) - 1;
    return sum + (uint32_t)_mm512_reduce_add_epi32(luma16(rgb + 3 * i, rest));
}

#else
static int luma_by_steps(uint8_t *dst, const uint8_t *rgb, float weight, size_t n)
{
    (void)dst, (void)rgb, (void)weight, (void)n;
    return 0;
}
#endif

/* bti_luma of every pixel. */
static inline void luma_block(uint8_t *restrict grey, const planes *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        grey[i] = (uint8_t)((19595u * p->r[i] + 38470u * p->g[i] + 7471u * p->b[i] + 32768u) >> 16);
}

static inline void blend_block(uint8_t *restrict channel, const uint8_t *restrict grey,
                               float weight, size_t n)
{
    for (size_t i = 0; i < n; i++)
        channel[i] = blend(grey[i], channel[i], weight);
}

static inline void colour_block(uint8_t *dst, const uint8_t *rgb, float weight, size_t n)
{
    planes p;
    uint8_t grey[BLOCK];

    split(&p, rgb, n);
    luma_block(grey, &p, n);
    blend_block(p.r, grey, weight, n);
    blend_block(p.g, grey, weight, n);
    blend_block(p.b, grey, weight, n);
    join(dst, &p, n);
}

void SIMD(blend_luma)(uint8_t *dst, const uint8_t *rgb, float weight, size_t n)
{
    size_t i = 0;

    if (luma_by_steps(dst, rgb, weight, n))
        return;
    for (; i + BLOCK <= n; i += BLOCK)
        colour_block(dst + 3 * i, rgb + 3 * i, weight, BLOCK);
    if (i < n)
        colour_block(dst + 3 * i, rgb + 3 * i, weight, n - i);
}

#ifndef __AVX512VBMI__
static inline uint32_t sum_block(const uint8_t *rgb, size_t n)
{
    planes p;
    uint8_t grey[BLOCK];
    uint32_t sum = 0;

    split(&p, rgb, n);
    luma_block(grey, &p, n);
    for (size_t i = 0; i < n; i++)
        sum += grey[i];
    return sum;
}

uint64_t SIMD(sum_luma)(const uint8_t *rgb, size_t n)
{
    uint64_t sum = 0;
    size_t i = 0;

    for (; i + BLOCK <= n; i += BLOCK)
        sum += sum_block(rgb + 3 * i, BLOCK);
    return i < n ? sum + sum_block(rgb + 3 * i, n - i) : sum;
}
#endif

#define PHASE 192 /* bytes after which channels and vectors are in step again */

void SIMD(range)(uint8_t lo[3], uint8_t hi[3], const uint8_t *restrict rgb, size_t n)
{
    uint8_t least[PHASE], most[PHASE];
    size_t bytes = 3 * n, i = 0;

    memset(least, 255, sizeof(least));
    memset(most, 0, sizeof(most));
    for (; i + PHASE <= bytes; i += PHASE)
        for (size_t k = 0; k < PHASE; k++) {
            least[k] = rgb[i + k] < least[k] ? rgb[i + k] : least[k];
            most[k] = rgb[i + k] > most[k] ? rgb[i + k] : most[k];
        }
    for (size_t k = 0; i + k < bytes; k++) {
        least[k] = rgb[i + k] < least[k] ? rgb[i + k] : least[k];
        most[k] = rgb[i + k] > most[k] ? rgb[i + k] : most[k];
    }
    for (size_t half = PHASE / 2; half >= 3; half /= 2)
        for (size_t k = 0; k < half; k++) {
            least[k] = least[k + half] < least[k] ? least[k + half] : least[k];
            most[k] = most[k + half] > most[k] ? most[k + half] : most[k];
        }
    memcpy(lo, least, 3);
    memcpy(hi, most, 3);
}

#define COLUMNS 512
#define LANES 32 /* columns whose loops the compiler unrolls; the last ones are done again */

static inline void add_columns(uint16_t *restrict three, const uint8_t *restrict up,
                               const uint8_t *restrict mid, const uint8_t *restrict down, size_t n)
{
    for (size_t i = 0; i < n; i++)
        three[i] = (uint16_t)(up[i] + mid[i] + down[i]);
}

/* s / 13 = s * 5042 / 65536 for s <= 3321. */
static inline void smooth_columns(uint8_t *restrict dst, const uint16_t *restrict three,
                                  const uint8_t *restrict mid, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t s = (uint16_t)(three[i] + three[i + d] + three[i + 2 * d] + 4 * mid[i] + 6);
        dst[i] = (uint8_t)(s * 5042u >> 16);
    }
}

/* Bytes [d, n - d) of up to COLUMNS. */
static inline void smooth_block(uint8_t *dst, const uint8_t *up, const uint8_t *mid,
                                const uint8_t *down, size_t n, size_t d)
{
    uint16_t three[COLUMNS]; /* a column's sum */
    size_t inner = n - 2 * d;

    if (inner < LANES) {
        add_columns(three, up, mid, down, n);
        smooth_columns(dst + d, three, mid + d, inner, d);
        return;
    }
    for (size_t i = 0; i + LANES <= n; i += LANES)
        add_columns(three + i, up + i, mid + i, down + i, LANES);
    add_columns(three + n - LANES, up + n - LANES, mid + n - LANES, down + n - LANES, LANES);
    for (size_t i = 0; i + LANES <= inner; i += LANES)
        smooth_columns(dst + d + i, three + i, mid + d + i, LANES, d);
    inner -= LANES;
    smooth_columns(dst + d + inner, three + inner, mid + d + inner, LANES, d);
}

/* ImageFilter.SMOOTH: (1 1 1; 1 5 1; 1 1 1) / 13, rounded. */
void SIMD(smooth)(uint8_t *dst, const uint8_t *up, const uint8_t *mid, const uint8_t *down,
                  size_t n, size_t d)
{
    for (size_t i = 0; i + 2 * d < n; i += COLUMNS - 2 * d) {
        size_t part = n - i < COLUMNS ? n - i : COLUMNS;
        smooth_block(dst + i, up + i, mid + i, down + i, part, d);
    }
}
