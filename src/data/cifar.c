/* SPDX-License-Identifier: Apache-2.0
 *
 * The binary versions of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html): a
 * record is its label bytes, then 32x32 pixels as three planes. A split is held in memory while it
 * is loaded. Classes of CIFAR-100 are the fine ones.
 */
#include "data/listing.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#include <inttypes.h>
#include <limits.h>

#define SIDE 32
#define PLANE (SIDE * SIDE)
#define PIXELS (3 * PLANE)
#define MAX_FILES 16
#define MAX_SAMPLES (1 << 24)
#define MAX_NAMES_BYTES (64 * 1024)

typedef struct cifar_kind {
    const char *train_prefix; /* of train's files, which end with .bin */
    const char *test, *names;
    int label_bytes; /* the last of them is the label */
} cifar_kind;

static const cifar_kind kinds[] = {
    {"data_batch_", "test_batch.bin", "batches.meta.txt", 1},
    {"train", "test.bin", "fine_label_names.txt", 2},
};

typedef struct cifar_split {
    int n_files;
    char *file[MAX_FILES];    /* in the source's arena */
    int64_t count[MAX_FILES]; /* records */
    uint8_t *raw;             /* all records while loaded */
} cifar_split;

typedef struct cifar_state {
    const cifar_kind *kind;
    cifar_split split[BTI_SPLITS];
} cifar_state;

static size_t record_bytes(const cifar_state *state)
{
    return (size_t)state->kind->label_bytes + PIXELS;
}

static bool is_train_name(const cifar_kind *k, const char *name)
{
    return bti_has_prefix(name, k->train_prefix) && bti_has_suffix_nocase(name, ".bin") &&
           (k->label_bytes == 1 || bti_streq(name, "train.bin"));
}

/* The first kind that has a train file here, NULL if there is none. */
static const cifar_kind *find_kind(const char *path)
{
    const cifar_kind *found = NULL;
    bti_names names;
    if (!bti_is_dir(path) || bti_list_dir(path, &names, NULL))
        return NULL;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]) && !found; k++) {
        for (size_t i = 0; i < names.n && !found; i++)
            found = is_train_name(&kinds[k], names.name[i]) ? &kinds[k] : NULL;
    }
    bti_names_free(&names);
    return found;
}

static bool cifar_match(const char *path)
{
    return find_kind(path) != NULL;
}

static bt_status add_file(bti_source *s, bti_split split, const char *name, bti_hash *mark,
                          bt_error *err)
{
    const cifar_state *state = s->state;
    cifar_split *d = &((cifar_state *)s->state)->split[split];
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", s->path, name);
    if (len < 0 || (size_t)len >= sizeof(path))
        return bti_fail(err, BT_INVAL, s->path, "the path is too long");
    if (d->n_files == MAX_FILES)
        return bti_fail(err, BT_FORMAT, path, "more than %d batches", MAX_FILES);
    int64_t size = bti_file_size(path), one = (int64_t)record_bytes(state);
    if (size < 1 || size % one)
        return bti_fail(err, BT_FORMAT, path,
                        "%" PRId64 " bytes are not whole records of %" PRId64
                        " bytes (%d of label, 32x32x3 pixels): the file is truncated or of "
                        "another format",
                        size < 0 ? 0 : size, one, state->kind->label_bytes);
    d->file[d->n_files] = bti_arena_strdup(&s->arena, path);
    d->count[d->n_files] = size / one;
    s->split[split].n += size / one;
    s->split[split].present = true;
    if (!d->file[d->n_files++])
        return bti_fail_nomem(err);
    if (s->split[split].n > MAX_SAMPLES)
        return bti_fail(err, BT_FORMAT, path, "more than %d samples", MAX_SAMPLES);
    return bti_mark_file(mark, path, err);
}

static bt_status add_train(bti_source *s, bti_hash *mark, bt_error *err)
{
    const cifar_kind *kind = ((cifar_state *)s->state)->kind;
    bti_names names;
    bt_status rc = bti_list_dir(s->path, &names, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < names.n && !rc; i++) {
        if (is_train_name(kind, names.name[i]))
            rc = add_file(s, BTI_TRAIN, names.name[i], mark, err);
    }
    bti_names_free(&names);
    return rc;
}

/* One name a line; empty lines (the originals end with one) are left out. */
static bt_status take_names(bti_source *s, char *text, const char *path, bt_error *err)
{
    const char *name[256];
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        line[strcspn(line, "\r")] = 0;
        if (!*line)
            continue;
        if (s->classes == 256)
            return bti_fail(err, BT_FORMAT, path, "more than 256 class names");
        name[s->classes] = bti_arena_strdup(&s->arena, line);
        if (!name[s->classes++])
            return bti_fail_nomem(err);
    }
    if (s->classes < 2)
        return bti_fail(err, BT_FORMAT, path, "%d class names; at least 2 are needed", s->classes);
    s->class_name = bti_arena_alloc(&s->arena, (size_t)s->classes * sizeof(char *));
    if (!s->class_name)
        return bti_fail_nomem(err);
    memcpy(s->class_name, name, (size_t)s->classes * sizeof(char *));
    return BT_OK;
}

static bt_status read_names(bti_source *s, bt_error *err)
{
    char path[PATH_MAX], *text;
    size_t n;
    snprintf(path, sizeof(path), "%s/%s", s->path, ((cifar_state *)s->state)->kind->names);
    if (!bti_is_file(path))
        return BT_OK; /* then the labels' own numbers are the names */
    bt_status rc = bti_file_read(path, MAX_NAMES_BYTES, &text, &n, err);
    if (rc)
        return rc;
    rc = take_names(s, text, path, err);
    bti_free(text);
    return rc;
}

static bt_status cifar_open(bti_source *s, bti_hash mark[BTI_SPLITS], bt_error *err)
{
    char test[PATH_MAX];
    cifar_state *state = s->state = bti_calloc(1, sizeof(cifar_state));
    if (!state)
        return bti_fail_nomem(err);
    state->kind = find_kind(s->path);
    if (!state->kind)
        return bti_fail(err, BT_IO, s->path, "the files have gone");
    bt_status rc = s->class_name ? BT_OK : read_names(s, err);
    if (!rc)
        rc = add_train(s, &mark[BTI_TRAIN], err);
    snprintf(test, sizeof(test), "%s/%s", s->path, state->kind->test);
    if (!rc && bti_is_file(test))
        rc = add_file(s, BTI_TEST, state->kind->test, &mark[BTI_TEST], err);
    return rc;
}

static void cifar_unload(bti_source *s, bti_split split)
{
    cifar_split *d = &((cifar_state *)s->state)->split[split];
    bti_free(d->raw);
    d->raw = NULL;
}

static void cifar_close(bti_source *s)
{
    for (int i = 0; s->state && i < BTI_SPLITS; i++)
        cifar_unload(s, (bti_split)i);
    bti_free(s->state);
    s->state = NULL;
}

/* Exactly n bytes: a file that has shrunk since it was opened is an error, not a short read. */
static bt_status read_records(uint8_t *dst, size_t n, const char *path, bt_error *err)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return bti_fail_errno(err, path, "cannot open the data set");
    size_t got = fread(dst, 1, n, f);
    fclose(f);
    return got == n ? BT_OK : bti_fail(err, BT_IO, path, "the file cannot be read to its end");
}

/* "0", "1", ... up to the greatest label of train. */
static bt_status number_classes(bti_source *s, bt_error *err)
{
    const bti_samples *train = &s->split[BTI_TRAIN];
    for (int64_t i = 0; i < train->n; i++)
        s->classes = train->label[i] >= s->classes ? train->label[i] + 1 : s->classes;
    if (s->classes < 2)
        return bti_fail(err, BT_FORMAT, s->path, "every label is 0; at least 2 are needed");
    s->class_name = bti_arena_alloc(&s->arena, (size_t)s->classes * sizeof(char *));
    for (int i = 0; s->class_name && i < s->classes; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        s->class_name[i] = bti_arena_strdup(&s->arena, text);
        if (!s->class_name[i])
            return bti_fail_nomem(err);
    }
    return s->class_name ? BT_OK : bti_fail_nomem(err);
}

/* The file and the place in it of a sample. */
static const char *locate(const cifar_split *d, int64_t *i)
{
    int f = 0;
    while (f + 1 < d->n_files && *i >= d->count[f])
        *i -= d->count[f++];
    return d->file[f];
}

static bt_status take_labels(bti_source *s, bti_split split, bt_error *err)
{
    const cifar_state *state = s->state;
    const cifar_split *d = &state->split[split];
    bti_samples *out = &s->split[split];
    size_t one = record_bytes(state), at = (size_t)state->kind->label_bytes - 1;
    if (!out->label)
        out->label = bti_arena_alloc(&s->arena, (size_t)out->n * sizeof(int32_t));
    if (!out->label)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < out->n; i++)
        out->label[i] = d->raw[(size_t)i * one + at];
    bt_status rc = s->class_name ? BT_OK : number_classes(s, err);
    for (int64_t i = 0; i < out->n && !rc; i++) {
        int64_t record = i;
        const char *path = out->label[i] < s->classes ? NULL : locate(d, &record);
        if (path)
            rc = bti_fail(err, BT_FORMAT, path,
                          "label %d of record %" PRId64 " is out of range; expected 0 to %d",
                          out->label[i], record, s->classes - 1);
    }
    return rc;
}

static bt_status cifar_load(bti_source *s, bti_split split, bt_error *err)
{
    cifar_split *d = &((cifar_state *)s->state)->split[split];
    size_t one = record_bytes(s->state), done = 0;
    if (d->raw)
        return BT_OK;
    d->raw = bti_array((size_t)s->split[split].n, one);
    bt_status rc = d->raw ? BT_OK : bti_fail_nomem(err);
    for (int f = 0; f < d->n_files && !rc; f++) {
        size_t n = (size_t)d->count[f] * one;
        rc = read_records(d->raw + done, n, d->file[f], err);
        done += n;
    }
    if (!rc)
        rc = take_labels(s, split, err);
    if (rc)
        cifar_unload(s, split);
    return rc;
}

static bt_status cifar_probe(const bti_source *s, bti_split split, int64_t i, int *w, int *h,
                             int *c, bt_error *err)
{
    (void)s; /* all records are alike */
    (void)split;
    (void)i;
    (void)err;
    *w = *h = SIDE;
    *c = 3;
    return BT_OK;
}

static bt_status cifar_decode(const bti_source *s, bti_split split, int64_t i, bti_image *out,
                              bt_error *err)
{
    const cifar_state *state = s->state;
    const uint8_t *plane =
        state->split[split].raw + (size_t)i * record_bytes(state) + state->kind->label_bytes;
    bt_status rc = bti_image_new(out, SIDE, SIDE, 3, err);
    for (int k = 0; k < PIXELS && !rc; k++)
        out->px[k] = plane[k % 3 * PLANE + k / 3];
    return rc;
}

/* "data_batch_2.bin[17]" */
static void cifar_sample_name(const bti_source *s, bti_split split, int64_t i, char *buf,
                              size_t cap)
{
    const char *path = locate(&((const cifar_state *)s->state)->split[split], &i);
    snprintf(buf, cap, "%s[%" PRId64 "]", bti_path_base(path), i);
}

const bti_reader bti_reader_cifar = {
    .name = "cifar",
    .may_skip = false,
    .match = cifar_match,
    .open = cifar_open,
    .close = cifar_close,
    .load = cifar_load,
    .unload = cifar_unload,
    .probe = cifar_probe,
    .decode = cifar_decode,
    .sample_name = cifar_sample_name,
};
