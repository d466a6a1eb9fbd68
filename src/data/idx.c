/* SPDX-License-Identifier: Apache-2.0
 *
 * IDX, the format of MNIST and its relatives (http://yann.lecun.com/exdb/mnist): big-endian
 * headers, then raw bytes; plain or gzip. A split is held in memory while it is loaded.
 */
#include "data/listing.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#include <inttypes.h>
#include <zlib.h>

#define MAGIC_IMAGES 0x803u /* unsigned bytes, 3 dimensions */
#define MAGIC_LABELS 0x801u /* unsigned bytes, 1 dimension */
#define MAX_SIDE 4096
#define MAX_SAMPLES (1 << 28)
/* Zlib's documented limit: a header cannot promise more than this */
#define DEFLATE_MAX_RATIO 1032

typedef struct idx_split {
    char *images_path, *labels_path; /* in the source's arena */
    int h, w;
    uint8_t *pixels; /* (n,h,w) while loaded */
} idx_split;

typedef struct idx_state {
    idx_split split[BTI_SPLITS];
    int first_label; /* 0, or 1 for sets that count from one */
} idx_state;

static const char *const prefix[BTI_SPLITS] = {"train", NULL, "t10k"};

/* path/PREFIX-SUFFIX or the same with .gz; *out stays NULL if there is neither. */
static bt_status find_file(bti_source *s, const char *pre, const char *suffix, char **out,
                           bt_error *err)
{
    static const char *const ends[] = {"", ".gz"};
    *out = NULL;
    for (int i = 0; i < 2 && !*out; i++) {
        bti_str path = {0};
        bti_str_addf(&path, "%s/%s-%s%s", s->path, pre, suffix, ends[i]);
        if (!path.failed && bti_is_file(bti_str_c(&path))) {
            *out = bti_arena_strdup(&s->arena, bti_str_c(&path));
            path.failed = !*out;
        }
        bool failed = path.failed;
        bti_str_release(&path);
        if (failed)
            return bti_fail_nomem(err);
    }
    return BT_OK;
}

static bool idx_match(const char *path)
{
    static const char *const files[] = {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz",
                                        "train-labels-idx1-ubyte", "train-labels-idx1-ubyte.gz"};
    bool found = false;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !found; i++) {
        char *file = bti_path_join(path, files[i]);
        found = file && bti_is_file(file);
        bti_free(file);
    }
    return found;
}

static bt_status open_split(bti_source *s, bti_split split, bti_hash *mark, bt_error *err)
{
    idx_split *d = &((idx_state *)s->state)->split[split];
    bt_status rc = find_file(s, prefix[split], "images-idx3-ubyte", &d->images_path, err);
    if (!rc)
        rc = find_file(s, prefix[split], "labels-idx1-ubyte", &d->labels_path, err);
    if (rc)
        return rc;
    if (!d->images_path && !d->labels_path && split == BTI_TEST)
        return BT_OK;
    if (!d->images_path || !d->labels_path)
        return bti_fail(err, BT_FORMAT, s->path,
                        "%s-%s-ubyte[.gz] is missing; expected an images and a labels file",
                        prefix[split], d->images_path ? "labels-idx1" : "images-idx3");
    s->split[split].present = true;
    rc = bti_mark_file(mark, d->images_path, err);
    return rc ? rc : bti_mark_file(mark, d->labels_path, err);
}

static bt_status idx_open(bti_source *s, bti_hash mark[BTI_SPLITS], bt_error *err)
{
    s->state = bti_calloc(1, sizeof(idx_state));
    if (!s->state)
        return bti_fail_nomem(err);
    bt_status rc = open_split(s, BTI_TRAIN, &mark[BTI_TRAIN], err);
    return rc ? rc : open_split(s, BTI_TEST, &mark[BTI_TEST], err);
}

static void idx_unload(bti_source *s, bti_split split)
{
    idx_split *d = &((idx_state *)s->state)->split[split];
    bti_free(d->pixels);
    d->pixels = NULL;
}

static void idx_close(bti_source *s)
{
    for (int i = 0; s->state && i < BTI_SPLITS; i++)
        idx_unload(s, (bti_split)i);
    bti_free(s->state);
    s->state = NULL;
}

static bt_status fail_zlib(gzFile f, const char *path, bt_error *err)
{
    int code;
    return bti_fail(err, BT_FORMAT, path, "the file is damaged: %s", gzerror(f, &code));
}

/* n bytes or a sentence about why not. */
static bt_status read_bytes(gzFile f, void *dst, size_t n, const char *path, bt_error *err)
{
    size_t got = 0;
    while (got < n) {
        unsigned ask = n - got > (1u << 30) ? 1u << 30 : (unsigned)(n - got);
        int r = gzread(f, (uint8_t *)dst + got, ask);
        if (r < 0)
            return fail_zlib(f, path, err);
        if (r == 0)
            return bti_fail(
                err, BT_FORMAT, path,
                "the file is truncated: %zu bytes are missing of the %zu that its header "
                "promises",
                n - got, n);
        got += (size_t)r;
    }
    return BT_OK;
}

static bt_status read_header(gzFile f, uint32_t magic, uint32_t *dims, int n_dims, const char *path,
                             bt_error *err)
{
    uint8_t raw[16];
    size_t n = 4 + 4 * (size_t)n_dims;
    int got = gzread(f, raw, (unsigned)n);
    if (got < 0)
        return fail_zlib(f, path, err);
    if (got < (int)n)
        return bti_fail(err, BT_FORMAT, path, "the file ends inside its header of %zu bytes", n);
    uint32_t word[4] = {0};
    for (size_t i = 0; i < n / 4; i++)
        word[i] = (uint32_t)raw[4 * i] << 24 | (uint32_t)raw[4 * i + 1] << 16 |
                  (uint32_t)raw[4 * i + 2] << 8 | raw[4 * i + 3];
    if (word[0] != magic)
        return bti_fail(err, BT_FORMAT, path,
                        "not an IDX file of %s: magic 0x%08x, expected 0x%08x",
                        n_dims == 3 ? "images" : "labels", word[0], magic);
    memcpy(dims, word + 1, 4 * (size_t)n_dims);
    if (dims[0] == 0 || dims[0] > MAX_SAMPLES)
        return bti_fail(err, BT_FORMAT, path, "the header says %u samples; expected 1 to %d",
                        dims[0], MAX_SAMPLES);
    return BT_OK;
}

/* The body after the header; checked against the file's size before anything is allocated. */
static bt_status read_body(gzFile f, uint64_t n, uint8_t **out, const char *path, bt_error *err)
{
    uint8_t more;
    int64_t size = bti_file_size(path);
    if (size < 0 || n / DEFLATE_MAX_RATIO > (uint64_t)size)
        return bti_fail(err, BT_FORMAT, path,
                        "the file is truncated: its header promises %" PRIu64 " bytes", n);
    uint8_t *p = bti_malloc((size_t)n);
    if (!p)
        return bti_fail_nomem(err);
    bt_status rc = read_bytes(f, p, (size_t)n, path, err);
    int r = rc ? 0 : gzread(f, &more, 1); /* also makes zlib check the sum at the end */
    if (r > 0)
        rc = bti_fail(err, BT_FORMAT, path,
                      "the file goes on after the %" PRIu64 " bytes that its header promises", n);
    else if (r < 0)
        rc = fail_zlib(f, path, err);
    if (rc) {
        bti_free(p);
        return rc;
    }
    *out = p;
    return BT_OK;
}

static bt_status read_dims_and_body(gzFile f, uint32_t magic, uint32_t *dims, int n_dims,
                                    uint8_t **out, const char *path, bt_error *err)
{
    bt_status rc = read_header(f, magic, dims, n_dims, path, err);
    if (rc)
        return rc;
    uint64_t n = dims[0];
    for (int i = 1; i < n_dims; i++) {
        if (!dims[i] || dims[i] > MAX_SIDE)
            return bti_fail(err, BT_FORMAT, path,
                            "the header says images of %ux%u; expected 1 to %d a side", dims[2],
                            dims[1], MAX_SIDE);
        n *= dims[i];
    }
    return read_body(f, n, out, path, err);
}

/* Header (1 or 3 dimensions) and body of one file; *out is yours. */
static bt_status read_file(const char *path, uint32_t magic, uint32_t *dims, int n_dims,
                           uint8_t **out, bt_error *err)
{
    *out = NULL;
    gzFile f = gzopen(path, "rbe");
    if (!f)
        return bti_fail_errno(err, path, "cannot open the data set");
    gzbuffer(f, 128 * 1024);
    bt_status rc = read_dims_and_body(f, magic, dims, n_dims, out, path, err);
    if (gzclose_r(f) == Z_BUF_ERROR && !rc) /* the checksum itself is cut off */
        rc = bti_fail(err, BT_FORMAT, path, "the file is truncated: its gzip stream does not end");
    return rc;
}

/* Class names "0".."9" from the labels of train: they start at 0 or 1 and leave no gap. */
static bt_status name_classes(bti_source *s, const uint8_t *label, int64_t n, const char *path,
                              bt_error *err)
{
    int64_t seen[256] = {0};
    int lo = 255, hi = 0;
    for (int64_t i = 0; i < n; i++) {
        seen[label[i]]++;
        lo = label[i] < lo ? label[i] : lo;
        hi = label[i] > hi ? label[i] : hi;
    }
    if (lo > 1)
        return bti_fail(err, BT_FORMAT, path,
                        "the smallest label is %d; labels must start at 0 or 1", lo);
    for (int v = lo; v <= hi; v++) {
        if (!seen[v])
            return bti_fail(
                err, BT_FORMAT, path,
                "label %d is out of range: no sample has label %d, and labels must leave "
                "no gap",
                hi, v);
    }
    if (hi == lo)
        return bti_fail(err, BT_FORMAT, path, "every label is %d; at least 2 classes are needed",
                        lo);
    s->classes = hi - lo + 1;
    s->class_name = bti_arena_alloc(&s->arena, (size_t)s->classes * sizeof(char *));
    for (int i = 0; s->class_name && i < s->classes; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", lo + i);
        s->class_name[i] = bti_arena_strdup(&s->arena, text);
        if (!s->class_name[i])
            return bti_fail_nomem(err);
    }
    ((idx_state *)s->state)->first_label = lo;
    return s->class_name ? BT_OK : bti_fail_nomem(err);
}

static bt_status take_labels(bti_source *s, bti_split split, const uint8_t *raw, int64_t n,
                             bt_error *err)
{
    const idx_state *state = s->state;
    const char *path = state->split[split].labels_path;
    bt_status rc = s->class_name ? BT_OK : name_classes(s, raw, n, path, err);
    if (rc)
        return rc;
    int32_t *label = bti_arena_alloc(&s->arena, (size_t)n * sizeof(int32_t));
    if (!label)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < n; i++) {
        label[i] = raw[i] - state->first_label;
        if (label[i] < 0 || label[i] >= s->classes)
            return bti_fail(err, BT_FORMAT, path,
                            "label %d of sample %" PRId64 " is out of range; expected %d to %d",
                            raw[i], i, state->first_label, state->first_label + s->classes - 1);
    }
    s->split[split].n = n;
    s->split[split].label = label;
    return BT_OK;
}

static bt_status idx_load(bti_source *s, bti_split split, bt_error *err)
{
    idx_split *d = &((idx_state *)s->state)->split[split];
    uint32_t n_labels, dims[3];
    uint8_t *raw = NULL;

    if (d->pixels)
        return BT_OK;
    bt_status rc = read_file(d->labels_path, MAGIC_LABELS, &n_labels, 1, &raw, err);
    if (!rc)
        rc = read_file(d->images_path, MAGIC_IMAGES, dims, 3, &d->pixels, err);
    if (!rc && dims[0] != n_labels)
        rc = bti_fail(err, BT_FORMAT, d->images_path, "%u images but %u labels in %s", dims[0],
                      n_labels, bti_path_base(d->labels_path));
    if (!rc)
        rc = take_labels(s, split, raw, n_labels, err);
    if (!rc) {
        d->h = (int)dims[1];
        d->w = (int)dims[2];
    } else {
        idx_unload(s, split);
    }
    bti_free(raw);
    return rc;
}

static bt_status idx_probe(const bti_source *s, bti_split split, int64_t i, int *w, int *h, int *c,
                           bt_error *err)
{
    const idx_split *d = &((const idx_state *)s->state)->split[split];
    (void)i; /* all images of a file have one size */
    (void)err;
    *w = d->w;
    *h = d->h;
    *c = 1;
    return BT_OK;
}

static bt_status idx_decode(const bti_source *s, bti_split split, int64_t i, bti_image *out,
                            bt_error *err)
{
    const idx_split *d = &((const idx_state *)s->state)->split[split];
    bt_status rc = bti_image_new(out, d->w, d->h, 1, err);
    if (!rc)
        memcpy(out->px, d->pixels + (size_t)i * bti_image_bytes(out), bti_image_bytes(out));
    return rc;
}

static void idx_sample_name(const bti_source *s, bti_split split, int64_t i, char *buf, size_t cap)
{
    (void)s;
    snprintf(buf, cap, "%s[%" PRId64 "]", bti_split_name[split], i);
}

const bti_reader bti_reader_idx = {
    .name = "idx",
    .match = idx_match,
    .open = idx_open,
    .close = idx_close,
    .load = idx_load,
    .unload = idx_unload,
    .probe = idx_probe,
    .decode = idx_decode,
    .sample_name = idx_sample_name,
};
