/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder that `bantam data import` wrote: manifest.json and the NumPy files it names. The files
 * are mapped while their split is loaded. NumPy may have written them again: they are checked
 * against the manifest, not trusted.
 */
#include "data/listing.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "data/npy.h"

#include <inttypes.h>
#include <limits.h>

#define MAX_CLASSES 100000

typedef struct numpy_split {
    char *images, *labels; /* paths, in the source's arena */
    bti_map map;           /* of the images while loaded */
    const uint8_t *px;
} numpy_split;

typedef struct numpy_state {
    int side, channels;
    numpy_split split[BTI_SPLITS];
} numpy_state;

static bool has_file(const char *dir, const char *name)
{
    char *path = bti_path_join(dir, name);
    bool there = path && bti_is_file(path);
    bti_free(path);
    return there;
}

static bool numpy_match(const char *path)
{
    return bti_is_dir(path) && has_file(path, "manifest.json") && has_file(path, "train.npy");
}

static bt_status take_head(bti_source *s, const bti_json *m, const char *where, bt_error *err)
{
    numpy_state *state = s->state;
    const bti_json *classes = bti_json_get(m, "classes");
    size_t n = bti_json_len(classes);
    state->side = (int)bti_json_as_int(bti_json_get(m, "size"), 0);
    state->channels = (int)bti_json_as_int(bti_json_get(m, "channels"), 0);
    if (n < 2 || n > MAX_CLASSES || state->side < 1 || state->side > BTI_SIDE_MAX ||
        (state->channels != 1 && state->channels != 3))
        return bti_fail(err, BT_FORMAT, where,
                        "not a manifest of bantam data import: expected size, channels (1 or 3) "
                        "and at least 2 classes");
    s->class_name = bti_arena_alloc(&s->arena, n * sizeof(char *));
    if (!s->class_name)
        return bti_fail_nomem(err);
    for (size_t i = 0; i < n; i++) {
        const char *name = bti_json_as_str(bti_json_at(classes, i), NULL);
        if (!name || !*name)
            return bti_fail(err, BT_FORMAT, where, "class %zu has no name", i);
        s->class_name[i] = bti_arena_strdup(&s->arena, name);
        if (!s->class_name[i])
            return bti_fail_nomem(err);
    }
    s->classes = (int)n;
    return BT_OK;
}

/* dir/SPLIT.npy or dir/SPLIT-labels.npy, in the arena; NULL on no memory. */
static char *file_of(bti_source *s, bti_split split, const char *tail)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s%s.npy", s->path, bti_split_name[split], tail);
    return bti_arena_strdup(&s->arena, path);
}

static bt_status map_images(const numpy_state *state, const numpy_split *d, bti_map *map,
                            const uint8_t **px, int64_t *n, bt_error *err)
{
    bti_npy_shape shape;
    const void *data;
    bt_status rc = bti_npy_open(map, d->images, &shape, &data, err);
    if (rc)
        return rc;
    if (shape.type != BTI_NPY_U8 || shape.n_dims != 4 || shape.dim[0] < 1 ||
        shape.dim[0] > INT32_MAX || shape.dim[1] != state->side || shape.dim[2] != state->side ||
        shape.dim[3] != state->channels) {
        bti_map_close(map);
        return bti_fail(err, BT_FORMAT, d->images,
                        "not what manifest.json says: expected uint8 (n,%d,%d,%d)", state->side,
                        state->side, state->channels);
    }
    *px = data;
    *n = shape.dim[0];
    return BT_OK;
}

static bt_status open_split(bti_source *s, bti_split split, bti_hash *mark, bt_error *err)
{
    numpy_split *d = &((numpy_state *)s->state)->split[split];
    bti_samples *out = &s->split[split];
    bti_map map;
    const uint8_t *px;
    d->images = file_of(s, split, "");
    d->labels = file_of(s, split, "-labels");
    if (!d->images || !d->labels)
        return bti_fail_nomem(err);
    bt_status rc = map_images(s->state, d, &map, &px, &out->n, err);
    if (rc)
        return rc;
    bti_map_close(&map);
    out->present = true;
    rc = bti_mark_file(mark, d->images, err);
    return rc ? rc : bti_mark_file(mark, d->labels, err);
}

static bt_status numpy_open(bti_source *s, bti_hash mark[BTI_SPLITS], bt_error *err)
{
    bti_json *m = NULL;
    char *where = bti_path_join(s->path, "manifest.json");
    s->state = bti_calloc(1, sizeof(numpy_state));
    bt_status rc = s->state && where ? bti_json_read(&m, where, err) : bti_fail_nomem(err);
    if (!rc)
        rc = take_head(s, m, where, err);
    bti_json_free(m);
    bti_free(where);
    for (int i = 0; i < BTI_SPLITS && !rc; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%s.npy", bti_split_name[i]);
        if (has_file(s->path, name))
            rc = open_split(s, (bti_split)i, &mark[i], err);
    }
    return rc;
}

static void numpy_unload(bti_source *s, bti_split split)
{
    numpy_split *d = &((numpy_state *)s->state)->split[split];
    bti_map_close(&d->map);
    d->px = NULL;
}

static void numpy_close(bti_source *s)
{
    for (int i = 0; s->state && i < BTI_SPLITS; i++)
        numpy_unload(s, (bti_split)i);
    bti_free(s->state);
    s->state = NULL;
}

static bt_status take_labels(bti_source *s, bti_split split, const char *path, bt_error *err)
{
    bti_samples *out = &s->split[split];
    bti_npy_shape shape;
    bti_map map;
    const void *data;
    bt_status rc = bti_npy_open(&map, path, &shape, &data, err);
    if (rc)
        return rc;
    if (shape.type != BTI_NPY_I32 || shape.n_dims != 1 || shape.dim[0] != out->n)
        rc = bti_fail(err, BT_FORMAT, path, "expected int32 (%" PRId64 "), a label an image",
                      out->n);
    if (!rc && !out->label)
        out->label = bti_arena_alloc(&s->arena, (size_t)out->n * sizeof(int32_t));
    if (!rc && !out->label)
        rc = bti_fail_nomem(err);
    if (!rc)
        memcpy(out->label, data, (size_t)out->n * sizeof(int32_t));
    bti_map_close(&map);
    for (int64_t i = 0; i < out->n && !rc; i++) {
        if (out->label[i] < 0 || out->label[i] >= s->classes)
            rc =
                bti_fail(err, BT_FORMAT, path,
                         "label %" PRId32 " of image %" PRId64 " is out of range; expected 0 to %d",
                         out->label[i], i, s->classes - 1);
    }
    return rc;
}

static bt_status numpy_load(bti_source *s, bti_split split, bt_error *err)
{
    numpy_state *state = s->state;
    numpy_split *d = &state->split[split];
    int64_t n;
    if (d->px)
        return BT_OK;
    bt_status rc = map_images(state, d, &d->map, &d->px, &n, err);
    if (!rc && n != s->split[split].n)
        rc = bti_fail(err, BT_IO, d->images, "the file has changed while it was read");
    if (!rc)
        rc = take_labels(s, split, d->labels, err);
    if (rc)
        numpy_unload(s, split);
    return rc;
}

static bt_status numpy_probe(const bti_source *s, bti_split split, int64_t i, int *w, int *h,
                             int *c, bt_error *err)
{
    const numpy_state *state = s->state; /* all images are alike */
    (void)split;
    (void)i;
    (void)err;
    *w = *h = state->side;
    *c = state->channels;
    return BT_OK;
}

static bt_status numpy_decode(const bti_source *s, bti_split split, int64_t i, bti_image *out,
                              bt_error *err)
{
    const numpy_state *state = s->state;
    bt_status rc = bti_image_new(out, state->side, state->side, state->channels, err);
    if (!rc)
        memcpy(out->px, state->split[split].px + (size_t)i * bti_image_bytes(out),
               bti_image_bytes(out));
    return rc;
}

/* "train.npy[17]" */
static void numpy_sample_name(const bti_source *s, bti_split split, int64_t i, char *buf,
                              size_t cap)
{
    (void)s;
    snprintf(buf, cap, "%s.npy[%" PRId64 "]", bti_split_name[split], i);
}

const bti_reader bti_reader_numpy = {
    .name = "numpy",
    .prepared = true,
    .match = numpy_match,
    .open = numpy_open,
    .close = numpy_close,
    .load = numpy_load,
    .unload = numpy_unload,
    .probe = numpy_probe,
    .decode = numpy_decode,
    .sample_name = numpy_sample_name,
};
