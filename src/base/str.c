/* SPDX-License-Identifier: Apache-2.0
 *
 * The growing string and the small comparisons; the nearest name is the Levenshtein distance with
 * case ignored, so that a typo and a wrong capital both find their word.
 */
#include "base/str.h"

#include "base/alloc.h"
#include <ctype.h>
#include <stdarg.h>
#include <strings.h>

void bti_str_release(bti_str *b)
{
    if (!b)
        return;
    bti_free(b->s);
    *b = (bti_str){0};
}

void bti_str_reset(bti_str *b)
{
    b->len = 0;
    b->failed = false;
    if (b->s)
        b->s[0] = 0;
}

/* Room for n more bytes and the NUL. */
static bool reserve(bti_str *b, size_t n)
{
    if (b->failed)
        return false;
    if (n < b->cap && b->len < b->cap - n)
        return true;
    size_t need, cap = b->cap ? b->cap : 64;
    if (__builtin_add_overflow(b->len, n + 1, &need) || need > SIZE_MAX / 4) {
        b->failed = true;
        return false;
    }
    while (cap < need)
        cap *= 2;
    char *s = bti_realloc(b->s, cap);
    if (!s) {
        b->failed = true;
        return false;
    }
    b->s = s;
    b->cap = cap;
    return true;
}

void bti_str_addn(bti_str *b, const char *s, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n)
        memcpy(b->s + b->len, s, n);
    b->len += n;
    b->s[b->len] = 0;
}

void bti_str_add(bti_str *b, const char *s)
{
    bti_str_addn(b, s, strlen(s));
}

void bti_str_addf(bti_str *b, const char *fmt, ...)
{
    va_list ap, again;

    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        b->failed = true;
    else if (reserve(b, (size_t)n)) {
        vsnprintf(b->s + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

const char *bti_str_c(const bti_str *b)
{
    return b->s ? b->s : "";
}

char *bti_str_take(bti_str *b)
{
    if (!b->s && !b->failed)
        bti_str_add(b, "");
    if (b->failed) {
        bti_str_release(b);
        return NULL;
    }
    char *s = b->s;
    *b = (bti_str){0};
    return s;
}

bool bti_streq(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

bool bti_has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool bti_has_suffix_nocase(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcasecmp(s + n - m, suffix) == 0;
}

#define LONGEST_NAME 64

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

/* Edit distance; names longer than LONGEST_NAME are far from everything. */
static int distance(const char *a, const char *b)
{
    int row[LONGEST_NAME + 1];
    size_t n = strlen(a), m = strlen(b);

    if (n > LONGEST_NAME || m > LONGEST_NAME)
        return 2 * LONGEST_NAME;
    for (size_t j = 0; j <= m; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int above = row[j];
            int same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + !same);
            diagonal = above;
        }
    }
    return row[m];
}

const char *bti_nearest(const char *word, const char *const *names)
{
    int limit = (int)(strlen(word) < LONGEST_NAME ? strlen(word) / 2 : LONGEST_NAME / 2);
    const char *best = NULL;
    int best_distance = (limit < 2 ? 2 : limit) + 1;

    for (; *names; names++) {
        int d = distance(word, *names);
        if (d < best_distance && d < (int)strlen(*names)) { /* all letters changed: no likeness */
            best_distance = d;
            best = *names;
        }
    }
    return best;
}
