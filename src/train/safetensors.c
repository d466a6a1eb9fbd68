/* SPDX-License-Identifier: Apache-2.0
 *
 * Reader and writer of .safetensors. Nothing in a file is trusted: every number is checked against
 * the size of the map before it is used.
 */
#include "train/safetensors.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

#define LARGEST_HEADER ((uint64_t)100 << 20) /* as the format's own library */
#define ALIGN 64

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "floats are written as they are in memory");

/* ---- write ---- */

/* The header as JSON, padded with spaces so that the data starts aligned. */
static char *header_text(const bti_stored *tensor, size_t n, const bti_json *metadata, size_t *len)
{
    bti_json *header = bti_json_object();
    int64_t at = 0;

    if (metadata)
        bti_json_set(header, "__metadata__", bti_json_copy(metadata));
    for (size_t i = 0; i < n; i++) {
        bti_json *entry = bti_json_object(), *shape = bti_json_array(), *range = bti_json_array();
        int64_t bytes = tensor[i].size * (int64_t)sizeof(float);
        for (int d = 0; d < tensor[i].n_dims; d++)
            bti_json_append(shape, bti_json_int(tensor[i].dim[d]));
        bti_json_append(range, bti_json_int(at));
        bti_json_append(range, bti_json_int(at + bytes));
        bti_json_set_str(entry, "dtype", "F32");
        bti_json_set(entry, "shape", shape);
        bti_json_set(entry, "data_offsets", range);
        bti_json_set(header, tensor[i].name, entry);
        at += bytes;
    }
    char *json = bti_json_text(header, 0);
    bti_json_free(header);
    if (!json)
        return NULL;
    bti_str text = {0};
    bti_str_add(&text, json);
    bti_free(json);
    while (!text.failed && (8 + text.len) % ALIGN)
        bti_str_add(&text, " ");
    *len = text.len;
    return bti_str_take(&text);
}

bt_status bti_safetensors_write(const char *path, const bti_stored *tensor, size_t n,
                                const bti_json *metadata, bt_error *err)
{
    bti_writer w;
    size_t len;
    char *header = header_text(tensor, n, metadata, &len);

    if (!header)
        return bti_fail_nomem(err);
    bt_status rc = bti_writer_open(&w, path, err);
    if (!rc) {
        uint64_t length = len; /* little endian: asserted above */
        bool ok =
            fwrite(&length, sizeof(length), 1, w.f) == 1 && fwrite(header, 1, len, w.f) == len;
        for (size_t i = 0; ok && i < n; i++) {
            size_t size = (size_t)tensor[i].size;
            ok = fwrite(tensor[i].data, sizeof(float), size, w.f) == size;
        }
        if (ok) {
            rc = bti_writer_commit(&w, err);
        } else {
            rc = bti_fail_errno(err, path, "cannot write");
            bti_writer_abort(&w);
        }
    }
    bti_free(header);
    return rc;
}

/* ---- read ---- */

/* Bytes of an element, 0 for a dtype that we do not know. */
static int64_t element_bytes(const char *dtype)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } known[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8}, {"I64", 8},
                 {"I32", 4}, {"I16", 2}, {"I8", 1},   {"U8", 1},  {"BOOL", 1}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (bti_streq(known[i].name, dtype))
            return known[i].bytes;
    }
    return 0;
}

/* Shape and number of elements; false if a dimension is negative or the product overflows. */
static bool read_shape(bti_stored *t, const bti_json *shape)
{
    size_t n = bti_json_len(shape);

    if (!bti_json_is_array(shape) || n > BTI_SAFETENSORS_DIMS)
        return false;
    t->n_dims = (int)n;
    t->size = 1;
    for (size_t i = 0; i < n; i++) {
        t->dim[i] = bti_json_as_int(bti_json_at(shape, i), -1);
        if (t->dim[i] < 0 || __builtin_mul_overflow(t->size, t->dim[i], &t->size))
            return false;
    }
    return true;
}

static bt_status read_entry(bti_stored *t, const char *name, const bti_json *entry,
                            const unsigned char *data, int64_t n_data, const char *path,
                            bt_error *err)
{
    const char *dtype = bti_json_as_str(bti_json_get(entry, "dtype"), "");
    const bti_json *range = bti_json_get(entry, "data_offsets");
    int64_t begin = bti_json_as_int(bti_json_at(range, 0), -1);
    int64_t end = bti_json_as_int(bti_json_at(range, 1), -1);
    int64_t bytes = element_bytes(dtype);

    t->name = name;
    t->is_f32 = bti_streq(dtype, "F32");
    if (!bytes)
        return bti_fail(err, BT_FORMAT, path, "tensor %s has an unknown dtype '%s'", name, dtype);
    if (!read_shape(t, bti_json_get(entry, "shape")))
        return bti_fail(err, BT_FORMAT, path, "tensor %s has a bad shape", name);
    if (bti_json_len(range) != 2 || begin < 0 || end < begin || end > n_data)
        return bti_fail(err, BT_FORMAT, path,
                        "tensor %s lies outside the file's %lld bytes of data", name,
                        (long long)n_data);
    if (__builtin_mul_overflow(t->size, bytes, &bytes) || bytes != end - begin)
        return bti_fail(err, BT_FORMAT, path,
                        "tensor %s has %lld bytes, its shape needs another size", name,
                        (long long)(end - begin));
    t->data = data + begin;
    return BT_OK;
}

static int64_t bytes_of(const bti_stored *t, const bti_json *header)
{
    const bti_json *range = bti_json_get(bti_json_get(header, t->name), "data_offsets");
    return bti_json_as_int(bti_json_at(range, 1), 0) - bti_json_as_int(bti_json_at(range, 0), 0);
}

static int by_position(const void *a, const void *b)
{
    const bti_stored *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return x->size < y->size ? -1 : x->size > y->size; /* empty tensors first */
}

/* No byte in two tensors and no byte in none: what the format demands, and no room for hidden data.
 */
static bt_status check_cover(const bti_safetensors *s, const unsigned char *data, int64_t n_data,
                             const char *path, bt_error *err)
{
    const unsigned char *at = data;

    for (size_t i = 0; i < s->n; i++) {
        if (s->tensor[i].data != at)
            return bti_fail(err, BT_FORMAT, path, "tensor %s %s", s->tensor[i].name,
                            s->tensor[i].data < at ? "overlaps another one" : "follows a gap");
        at += bytes_of(&s->tensor[i], s->header);
    }
    if (at != data + n_data)
        return bti_fail(err, BT_FORMAT, path, "%lld bytes at the end belong to no tensor",
                        (long long)(data + n_data - at));
    return BT_OK;
}

/* Every key and value of the metadata must be a text. */
static bool good_metadata(const bti_json *meta)
{
    const char *key;
    const bti_json *value;

    bti_json_walk walk = bti_json_first(meta);
    while (bti_json_next(&walk, &key, &value)) {
        if (!bti_json_as_str(value, NULL))
            return false;
    }
    return !meta || bti_json_is_object(meta);
}

static bt_status read_tensors(bti_safetensors *s, const unsigned char *data, int64_t n_data,
                              const char *path, bt_error *err)
{
    size_t n = bti_json_len(s->header);
    const char *name;
    const bti_json *entry;

    s->tensor = bti_arena_alloc(&s->arena, (n ? n : 1) * sizeof(*s->tensor));
    if (!s->tensor)
        return bti_fail_nomem(err);
    bti_json_walk walk = bti_json_first(s->header);
    while (bti_json_next(&walk, &name, &entry)) {
        if (bti_streq(name, "__metadata__"))
            continue;
        bt_status rc = read_entry(&s->tensor[s->n], name, entry, data, n_data, path, err);
        if (rc)
            return rc;
        s->n++;
    }
    if (s->n)
        qsort(s->tensor, s->n, sizeof(*s->tensor), by_position);
    return check_cover(s, data, n_data, path, err);
}

bt_status bti_safetensors_open(bti_safetensors *s, const char *path, bt_error *err)
{
    uint64_t length;
    bt_status rc;

    *s = (bti_safetensors){0};
    rc = bti_map_open(&s->map, path, err);
    if (rc)
        return rc;
    if (s->map.n < sizeof(length)) {
        rc = bti_fail(err, BT_FORMAT, path, "is too short for a .safetensors file");
        goto done;
    }
    memcpy(&length, s->map.p, sizeof(length));
    if (length > LARGEST_HEADER || length > s->map.n - sizeof(length)) {
        rc = bti_fail(err, BT_FORMAT, path,
                      "is not a .safetensors file, or cut short: its header would have %llu bytes",
                      (unsigned long long)length);
        goto done;
    }
    rc = bti_json_parse(&s->header, (const char *)s->map.p + sizeof(length), (size_t)length, path,
                        err);
    if (rc)
        goto done;
    if (!bti_json_is_object(s->header) || !good_metadata(bti_json_get(s->header, "__metadata__"))) {
        rc = bti_fail(err, BT_FORMAT, path, "has a header that is not a table of tensors");
        goto done;
    }
    size_t start = sizeof(length) + (size_t)length;
    rc = read_tensors(s, s->map.p + start, (int64_t)(s->map.n - start), path, err);
done:
    if (rc)
        bti_safetensors_close(s);
    return rc;
}

void bti_safetensors_close(bti_safetensors *s)
{
    if (!s)
        return;
    bti_json_free(s->header);
    bti_map_close(&s->map);
    bti_arena_release(&s->arena);
    *s = (bti_safetensors){0};
}

const bti_stored *bti_safetensors_find(const bti_safetensors *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->tensor[i].name, name) == 0)
            return &s->tensor[i];
    }
    return NULL;
}

const char *bti_safetensors_meta(const bti_safetensors *s, const char *key)
{
    return bti_json_as_str(bti_json_get(bti_json_get(s->header, "__metadata__"), key), NULL);
}

bt_status bti_safetensors_take(const bti_safetensors *s, const char *path, const char *name,
                               int64_t size, float *out, bt_error *err)
{
    const bti_stored *t = bti_safetensors_find(s, name);

    if (!t)
        return bti_fail(err, BT_FORMAT, path, "has no tensor %s, which the model needs", name);
    if (!t->is_f32 || t->size != size)
        return bti_fail(err, BT_FORMAT, path,
                        "tensor %s has %lld elements%s, the model needs %lld (F32)", name,
                        (long long)t->size, t->is_f32 ? "" : " of another type", (long long)size);
    memcpy(out, t->data, (size_t)size * sizeof(float));
    return BT_OK;
}
