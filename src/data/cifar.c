/* SPDX-License-Identifier: Apache-2.0
 *
 * The binary versions of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html), as a
 * folder or as their .tar.gz: a record is its label bytes, then 32x32 pixels as three planes. A
 * split is held in memory while it is loaded. Classes of CIFAR-100 are the fine ones.
 */
#include "data/listing.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "data/tar.h"

#include <inttypes.h>
#include <limits.h>

#define SIDE 32
#define PLANE (SIDE * SIDE)
#define PIXELS (3 * PLANE)
#define MAX_FILES 16
#define MAX_SAMPLES (1 << 20) /* 3 GB; the originals have 50,000 */
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
    bool archive;
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
    if (bti_is_file(path))
        return bti_has_suffix_nocase(path, ".tar.gz") || bti_has_suffix_nocase(path, ".tgz");
    return find_kind(path) != NULL;
}

static bt_status check_records(const cifar_state *state, const char *path, int64_t size,
                               bt_error *err)
{
    int64_t one = (int64_t)record_bytes(state);
    if (size < 1 || size % one)
        return bti_fail(err, BT_FORMAT, path,
                        "%" PRId64 " bytes are not whole records of %" PRId64
                        " bytes (%d of label, 32x32x3 pixels): the file is truncated or of "
                        "another format",
                        size < 0 ? 0 : size, one, state->kind->label_bytes);
    return BT_OK;
}

/* A file of `size` bytes joins the split, in the order of names. */
static bt_status add_records(bti_source *s, bti_split split, const char *name, int64_t size,
                             bt_error *err)
{
    cifar_state *state = s->state;
    cifar_split *d = &state->split[split];
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/%s", s->path, name), at = d->n_files;
    if (len < 0 || (size_t)len >= sizeof(path))
        return bti_fail(err, BT_INVAL, s->path, "the path is too long");
    if (d->n_files == MAX_FILES)
        return bti_fail(err, BT_FORMAT, path, "more than %d batches", MAX_FILES);
    bt_status rc = check_records(state, path, size, err);
    if (rc)
        return rc;
    char *copy = bti_arena_strdup(&s->arena, path);
    if (!copy)
        return bti_fail_nomem(err);
    for (; at > 0 && strcmp(d->file[at - 1], copy) >= 0; at--) {
        if (bti_streq(d->file[at - 1], copy))
            return bti_fail(err, BT_FORMAT, path, "there are two files of this name");
        d->file[at] = d->file[at - 1];
        d->count[at] = d->count[at - 1];
    }
    d->file[at] = copy;
    d->count[at] = size / (int64_t)record_bytes(state);
    d->n_files++;
    s->split[split].n += d->count[at];
    s->split[split].present = true;
    if (s->split[split].n > MAX_SAMPLES)
        return bti_fail(err, BT_FORMAT, path, "more than %d samples", MAX_SAMPLES);
    return BT_OK;
}

static bt_status add_file(bti_source *s, bti_split split, const char *name, bti_hash *mark,
                          bt_error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", s->path, name);
    bt_status rc = add_records(s, split, name, bti_file_size(path), err);
    return rc ? rc : bti_mark_file(mark, path, err);
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

static bt_status open_folder(bti_source *s, bti_hash mark[BTI_SPLITS], bt_error *err)
{
    char test[PATH_MAX];
    cifar_state *state = s->state;
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

/* The kind that has a file of this name; NULL: neither. */
static const cifar_kind *kind_of(const char *name)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        if (is_train_name(&kinds[k], name) || bti_streq(name, kinds[k].test) ||
            bti_streq(name, kinds[k].names))
            return &kinds[k];
    }
    return NULL;
}

/* BTI_SPLITS: not a file of records. */
static bti_split split_of(const cifar_kind *kind, const char *name)
{
    if (is_train_name(kind, name))
        return BTI_TRAIN;
    return bti_streq(name, kind->test) ? BTI_TEST : BTI_SPLITS;
}

static bt_status archived_names(bti_source *s, bti_tar *t, int64_t size, bt_error *err)
{
    if (s->class_name || size > MAX_NAMES_BYTES)
        return bti_fail(err, BT_FORMAT, s->path, "a second or too long file of class names");
    char *text = bti_calloc((size_t)size + 1, 1);
    if (!text)
        return bti_fail_nomem(err);
    bt_status rc = bti_tar_read(t, text, (size_t)size, err);
    if (!rc)
        rc = take_names(s, text, s->path, err);
    bti_free(text);
    return rc;
}

/* The content itself is the mark: the file's own time would tie train to what test holds. */
static bt_status mark_member(bti_hash *mark, bti_tar *t, const char *name, int64_t size,
                             bt_error *err)
{
    uint8_t buf[16 * 1024];
    bt_status rc = BT_OK;
    bti_hash_add(mark, name, strlen(name) + 1);
    while (size > 0 && !rc) {
        size_t n = size < (int64_t)sizeof(buf) ? (size_t)size : sizeof(buf);
        rc = bti_tar_read(t, buf, n, err);
        if (!rc)
            bti_hash_add(mark, buf, n);
        size -= (int64_t)n;
    }
    return rc;
}

static bt_status scan_member(bti_source *s, bti_tar *t, const char *name, int64_t size,
                             bti_hash mark[BTI_SPLITS], bt_error *err)
{
    cifar_state *state = s->state;
    if (!state->kind)
        state->kind = kind_of(name);
    if (!state->kind)
        return BT_OK;
    if (bti_streq(name, state->kind->names))
        return archived_names(s, t, size, err);
    bti_split split = split_of(state->kind, name);
    if (split == BTI_SPLITS)
        return BT_OK;
    bt_status rc = add_records(s, split, name, size, err);
    return rc ? rc : mark_member(&mark[split], t, name, size, err);
}

static bt_status open_archive(bti_source *s, bti_hash mark[BTI_SPLITS], bt_error *err)
{
    char name[BTI_TAR_NAME];
    int64_t size;
    bti_tar t;
    bt_status rc = bti_tar_open(&t, s->path, err);
    while (!rc) {
        rc = bti_tar_next(&t, name, &size, err);
        if (rc || !*name)
            break;
        rc = scan_member(s, &t, bti_path_base(name), size, mark, err);
    }
    bti_tar_close(&t);
    if (!rc && !s->split[BTI_TRAIN].present)
        rc = bti_fail(err, BT_FORMAT, s->path,
                      "the archive has no training images; expected CIFAR's binary version with "
                      "data_batch_*.bin or train.bin");
    return rc;
}

static bt_status cifar_open(bti_source *s, bti_hash mark[BTI_SPLITS], bt_error *err)
{
    cifar_state *state = s->state = bti_calloc(1, sizeof(cifar_state));
    if (!state)
        return bti_fail_nomem(err);
    state->archive = bti_is_file(s->path);
    return state->archive ? open_archive(s, mark, err) : open_folder(s, mark, err);
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

static bt_status load_folder(const cifar_state *state, const cifar_split *d, bt_error *err)
{
    size_t done = 0;
    bt_status rc = BT_OK;
    for (int f = 0; f < d->n_files && !rc; f++) {
        size_t n = (size_t)d->count[f] * record_bytes(state);
        rc = read_records(d->raw + done, n, d->file[f], err);
        done += n;
    }
    return rc;
}

/* One member to its place in d->raw; *loaded counts those that had one. */
static bt_status load_member(const cifar_state *state, const cifar_split *d, bti_tar *t,
                             const char *name, int *loaded, bt_error *err)
{
    uint8_t *at = d->raw;
    for (int f = 0; f < d->n_files; f++) {
        size_t n = (size_t)d->count[f] * record_bytes(state);
        if (bti_streq(bti_path_base(d->file[f]), name)) {
            (*loaded)++;
            return bti_tar_read(t, at, n, err);
        }
        at += n;
    }
    return BT_OK;
}

static bt_status load_archive(const bti_source *s, const cifar_split *d, bt_error *err)
{
    char name[BTI_TAR_NAME];
    int64_t size;
    int loaded = 0;
    bti_tar t;
    bt_status rc = bti_tar_open(&t, s->path, err);
    while (!rc) {
        rc = bti_tar_next(&t, name, &size, err);
        if (rc || !*name)
            break;
        rc = load_member(s->state, d, &t, bti_path_base(name), &loaded, err);
    }
    bti_tar_close(&t);
    if (!rc && loaded != d->n_files)
        rc = bti_fail(err, BT_IO, s->path, "the archive has changed while it was read");
    return rc;
}

static bt_status cifar_load(bti_source *s, bti_split split, bt_error *err)
{
    const cifar_state *state = s->state;
    cifar_split *d = &((cifar_state *)s->state)->split[split];
    if (d->raw)
        return BT_OK;
    d->raw = bti_array((size_t)s->split[split].n, record_bytes(state));
    if (!d->raw)
        return bti_fail_nomem(err);
    bt_status rc = state->archive ? load_archive(s, d, err) : load_folder(state, d, err);
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
    .match = cifar_match,
    .open = cifar_open,
    .close = cifar_close,
    .load = cifar_load,
    .unload = cifar_unload,
    .probe = cifar_probe,
    .decode = cifar_decode,
    .sample_name = cifar_sample_name,
};
