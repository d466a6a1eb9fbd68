/* SPDX-License-Identifier: Apache-2.0
 *
 * Where labelled images come from: one reader per kind of source, all behind this table of
 * functions. Adding one is a file and a line of readers.def.
 *
 * Life of a source: bti_source_open (names and sizes only, cheap) -> load(split) -> probe/decode
 * samples from any number of threads -> unload(split) -> bti_source_close.
 */
#ifndef BTI_READER_H
#define BTI_READER_H

#include "base/arena.h"
#include "base/hash.h"
#include "data/dataset.h"
#include "image/image.h"

#include <limits.h>

typedef enum bti_split { BTI_TRAIN, BTI_VAL, BTI_TEST, BTI_SPLITS } bti_split;

extern const char *const bti_split_name[BTI_SPLITS]; /* "train" "val" "test" */

typedef struct bti_samples {
    bool present;
    int64_t n;      /* set by open or load, unreadable ones included */
    int32_t *label; /* n, 0..classes-1; the reader's */
} bti_samples;

typedef struct bti_source {
    const struct bti_reader *reader;
    const char *path;
    int classes; /* set by open or by load(BTI_TRAIN) */
    const char **class_name;
    bti_samples split[BTI_SPLITS];
    bti_arena arena; /* class names, and what the reader puts there */
    void *state;     /* the reader's own */
} bti_source;

typedef struct bti_reader {
    const char *name;
    bool prepared; /* its images have the size that somebody chose for them: it is kept */
    bool (*match)(const char *path);
    /* Finds the splits without reading images. For every split a text that changes with its content
     * (names, sizes, times) goes into mark[split]. class_name is already set if the user's name
     * fixes it. */
    bt_status (*open)(bti_source *s, bti_hash mark[BTI_SPLITS], bt_error *err);
    void (*close)(bti_source *s); /* state may be NULL */
    /* Makes the samples of a split ready; nothing if they are. BTI_TRAIN must be loaded before the
     * others, since it defines the classes. */
    bt_status (*load)(bti_source *s, bti_split split, bt_error *err);
    void (*unload)(bti_source *s, bti_split split);
    /* The rest may be called from several threads at once. Either `path`: each sample is an image
     * file of its own, decoded in another process and skipped if it is unreadable; or `probe` and
     * `decode`: the samples share files, and what is wrong with one is wrong with all. */
    void (*path)(const bti_source *s, bti_split split, int64_t i, char *buf, size_t cap);
    bt_status (*probe)(const bti_source *s, bti_split split, int64_t i, int *w, int *h, int *c,
                       bt_error *err);
    bt_status (*decode)(const bti_source *s, bti_split split, int64_t i, bti_image *out,
                        bt_error *err);
    /* For people: a path below the source or "train[17]". */
    void (*sample_name)(const bti_source *s, bti_split split, int64_t i, char *buf, size_t cap);
} bti_reader;

#define READER(id) extern const bti_reader bti_reader_##id;
#include "data/readers.def"
#undef READER

/* A source with its content marks: train and val together, and test apart, so that nothing that a
 * study sees or stores depends on the test split. */
typedef struct bti_source_marks {
    char train[BTI_HASH_HEX]; /* reader, class names, train and val */
    char test[BTI_HASH_HEX];  /* the above and test */
} bti_source_marks;

/* `data` is a known name or a path, borrowed until close. Of the options those about names are
 * used: data_dir, data_url, cache_dir, stop, progress. marks may be NULL. */
bt_status bti_source_open(bti_source *s, const char *data, const bt_data_options *opt,
                          bti_source_marks *marks, bt_error *err);
void bti_source_close(bti_source *s); /* zeroed is fine */

/* Known names (names.def): where such a data set lives and what its classes are called. */
typedef struct bti_known {
    const char *name;
    const char *const *place;      /* NULL-terminated; relative to data_dir unless absolute */
    const char *install;           /* how to get it; NULL if it is downloaded */
    const char *const *class_name; /* NULL-terminated; NULL: the files say */
    struct {
        const char *site, *file, *sha256; /* site/file; NULL: not from a server */
    } download;
} bti_known;
const bti_known *bti_known_find(const char *name); /* NULL if there is none */
const char *const *bti_known_names(void);          /* NULL-terminated, static */
/* Its file or folder: the first place that exists, else cache_dir/downloads/, where it may have to
 * be downloaded to (fetch/fetch.h says how that fails). BT_IO with what to do if it is nowhere. */
bt_status bti_known_locate(char path[PATH_MAX], const bti_known *k, const bt_data_options *opt,
                           bt_error *err);

#endif
