/* SPDX-License-Identifier: Apache-2.0
 *
 * Labelled images ready for training: decoded once, resized to one square resolution, mapped from
 * the cache.
 *
 * Two types keep splits honest: bti_data holds what learning and search may see (train, and val
 * where the data has one); the test split opens only through bti_test_open(), which only final
 * reporting calls.
 */
#ifndef BTI_DATASET_H
#define BTI_DATASET_H

#include "bantam/data.h"
#include "base/arena.h"
#include "base/hash.h"
#include <stdbool.h>

#define BTI_SIDE_MAX 1024 /* pixels; of decoded images */

/* One split, mapped read-only from the cache. */
typedef struct bti_dataset {
    int64_t n;
    int h, w, c;
    int classes;
    const uint8_t *pixels; /* (n,h,w,c) */
    const int32_t *labels; /* n, 0..classes-1 */
    const int32_t *group;  /* n: samples of one number stay in one split; NULL: each is alone */
    struct bti_dataset_maps *maps;
} bti_dataset;

typedef struct bti_data {
    char *name; /* what the user said */
    /* Of the reader, class names, train and val, and the side. Image folders: every file's relative
     * path, size and time (ns); IDX: the files' sizes, times and both ends. The test split is not
     * in it. */
    char key[BTI_HASH_HEX];
    /* Of the pixels and labels of train and val as they are here, in their order: what training
     * depends on and nothing else. Computed once when they are decoded (XXH3-128, some 10 GB/s) and
     * kept in the manifest; other files with the same pixels have the same. */
    char fingerprint[BTI_HASH_HEX];
    int classes;
    char **class_names;    /* sorted by byte */
    char resize_rule[32];  /* "none" or "pad-square+bilinear" */
    float mean[3], std[3]; /* of train, pixel / 255, per channel; std is 1 where nothing varies */
    bti_dataset train;
    bti_dataset val; /* n = 0 if the data has no validation folder */
    bool has_test;
    bool test_set_aside; /* it is a part of what the data calls train (bt_data_options) */
    int32_t *group;      /* what train.group points to; NULL without group_by */
} bti_data;

/* What the headers of train and val say, before anything is decoded. */
typedef struct bti_look {
    int own_side;     /* of all images, if they are square, alike and at most 64 pixels; else 0 */
    int shorter_side; /* median */
    int64_t train;    /* images, unreadable ones included */
} bti_look;
bt_status bti_data_look(bti_look *out, const char *data, const bt_data_options *opt, bt_error *err);

/* Opens the cache entry of a key that bti_data_open gave earlier (opt->cache_dir), without a look
 * at the images themselves; has_test and test_set_aside stay false. BT_IO, BT_FORMAT: it is not
 * there or damaged. */
bt_status bti_data_open_entry(bti_data **out, const char *data, const char *key,
                              const bt_data_options *opt, bt_error *err);
/* Opens (decoding into the cache if needed) the train and val splits.
 * data: as in bantam/data.h. opt->size 0: the images' own
 * size when all are equal and square and at most 64, else 32. */
bt_status bti_data_open(bti_data **out, const char *data, const bt_data_options *opt,
                        bt_error *err);
void bti_data_close(bti_data *d);

/* The test split: only for the final report and `bantam eval --split test`. BT_INVAL if the data
 * has none. */
typedef struct bti_test_data {
    bti_dataset set;
    int classes;
    char **name; /* set.n, from bti_test_name; else NULL */
    bti_arena arena;
} bti_test_data;
bt_status bti_test_open(bti_test_data **out, const char *data, const bt_data_options *opt,
                        bt_error *err);
/* Fills t->name: which image is which, paths below `data` where they are files. Same arguments as
 * when *t was opened. */
bt_status bti_test_name(bti_test_data *t, const char *data, const bt_data_options *opt,
                        bt_error *err);
void bti_test_close(bti_test_data *t);

/* At most one BT_EVENT_WARN each about classes whose names differ by case (ASCII) only and classes
 * with a single image among the n training labels. */
bt_status bti_classes_warn(const char *const *name, int classes, const int32_t *label, int64_t n,
                           const bt_progress *progress, bt_error *err);

/* Some samples of a split: indices into it, ascending. */
typedef struct bti_view {
    const bti_dataset *set; /* borrowed */
    int64_t n;
    int32_t *index; /* bti_free via bti_view_release */
} bti_view;
void bti_view_release(bti_view *v);
/* The samples i of `from` with mark[i] == which, perhaps none. */
bt_status bti_view_pick(bti_view *out, const bti_view *from, const uint8_t *mark, uint8_t which,
                        bt_error *err);
/* Fold `fold` of 0..folds-1 of a view: `held` and the rest. Stratified and seeded; samples of one
 * group of the data stay together. Every sample is held in exactly one fold. BT_INVAL: a part would
 * be empty. */
bt_status bti_view_fold(const bti_view *v, int fold, int folds, uint64_t seed, bti_view *rest,
                        bti_view *held, bt_error *err);
bt_status bti_view_all(bti_view *out, const bti_dataset *set, bt_error *err);

/* Training and validation samples.
 * subset: NULL or "" = all; "10000" or "20%": stratified sample; "first:1000": the first K of each
 * class in name order. Taken from the train split before validation is split off. val: NULL or
 * "auto" = the data's own validation split if it has one, else max(10 %, 2000) and at most 20 %;
 *   "0" = none, train on everything (also adds nothing from a val folder); "10%", "0.1" or a count:
 * stratified. Same seed, same split. BT_INVAL with the expected form for anything else, or when a
 * class would have no training sample. */
bt_status bti_data_split(const bti_data *d, const char *subset, const char *val, uint64_t seed,
                         bti_view *train, bti_view *val_out, bt_error *err);

#endif
