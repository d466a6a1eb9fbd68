/* SPDX-License-Identifier: Apache-2.0
 *
 * .npy files of others (numpy.lib.format, versions 1.0 to 3.0): the header is a Python literal, of
 * which exactly the dictionary that NumPy writes is understood. Nothing in it is trusted.
 */
#include "data/npy.h"

#include "base/error.h"

#include <ctype.h>
#include <string.h>

#define DIM_MAX ((int64_t)1 << 40) /* of a dimension, and of all bytes: products fit 64 bits */

/* What is left of the header. */
typedef struct text {
    const char *p, *end;
} text;

static bool skip(text *t, const char *word)
{
    size_t n = strlen(word);
    while (t->p < t->end && isspace((unsigned char)*t->p))
        t->p++;
    if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n) != 0)
        return false;
    t->p += n;
    return true;
}

static bool number(text *t, int64_t *out)
{
    *out = 0;
    skip(t, "");
    const char *from = t->p;
    for (; t->p < t->end && isdigit((unsigned char)*t->p); t->p++) {
        *out = *out * 10 + (*t->p - '0');
        if (*out > DIM_MAX)
            return false;
    }
    return t->p > from;
}

static bool read_type(text *t, bti_npy_type *type)
{
    static const struct {
        const char *name;
        bti_npy_type type;
    } known[] = {{"'|u1'", BTI_NPY_U8}, {"'<i4'", BTI_NPY_I32}, {"'<f4'", BTI_NPY_F32}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (skip(t, known[i].name)) {
            *type = known[i].type;
            return true;
        }
    }
    return false;
}

/* "(3, 4)", "(3,)"; the product stays below DIM_MAX. */
static bool read_dims(text *t, bti_npy_shape *s)
{
    int64_t all = 4;
    s->n_dims = 0;
    if (!skip(t, "("))
        return false;
    while (!skip(t, ")")) {
        int64_t d;
        if (s->n_dims == 4 || !number(t, &d) || (d > 0 && all > DIM_MAX / d))
            return false;
        all *= d > 0 ? d : 1;
        s->dim[s->n_dims++] = d;
        if (!skip(t, ",")) {
            if (!skip(t, ")"))
                return false;
            break;
        }
    }
    return s->n_dims > 0;
}

/* NULL, or what the array is not. */
static const char *parse(text t, bti_npy_shape *s)
{
    if (!skip(&t, "{") || !skip(&t, "'descr'") || !skip(&t, ":"))
        return "its header is damaged";
    if (!read_type(&t, &s->type))
        return "its numbers are neither float32, uint8 nor int32 (little-endian)";
    if (!skip(&t, ",") || !skip(&t, "'fortran_order'") || !skip(&t, ":"))
        return "its header is damaged";
    if (!skip(&t, "False"))
        return "it is in Fortran order: save numpy.ascontiguousarray(x)";
    if (!skip(&t, ",") || !skip(&t, "'shape'") || !skip(&t, ":") || !read_dims(&t, s))
        return "it is not an array of 1 to 4 dimensions";
    return NULL;
}

bt_status bti_npy_open(bti_map *m, const char *path, bti_npy_shape *shape, const void **data,
                       bt_error *err)
{
    const char *why = "it does not begin as one";
    size_t from = 0;
    bt_status rc = bti_map_open(m, path, err);

    *shape = (bti_npy_shape){0};
    *data = NULL;
    if (rc)
        return rc;
    if (m->n >= 12 && memcmp(m->p, "\x93NUMPY", 6) == 0 && m->p[6] >= 1 && m->p[6] <= 3) {
        size_t n = (size_t)m->p[8] | (size_t)m->p[9] << 8;
        if (m->p[6] > 1)
            n |= (size_t)m->p[10] << 16 | (size_t)m->p[11] << 24;
        from = m->p[6] > 1 ? 12 : 10;
        why = "its header is cut off";
        if (n <= m->n - from) {
            const char *p = (const char *)m->p + from;
            why = parse((text){p, p + n}, shape);
            from += n;
        }
    }
    if (!why && m->n - from != (size_t)bti_npy_bytes(shape))
        why = "its length is not what its shape says";
    if (why) {
        bti_map_close(m);
        return bti_fail(err, BT_FORMAT, path, "is no .npy file that can be used: %s", why);
    }
    *data = m->p + from;
    return BT_OK;
}
