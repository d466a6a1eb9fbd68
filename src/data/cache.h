/* SPDX-License-Identifier: Apache-2.0
 *
 * The cache of decoded images: one folder an entry, cache_dir/KEY/{SPLIT.npy, SPLIT-labels.npy,
 * manifest.json}.
 *
 * Invariants: an entry is made under another name and renamed into place, so a folder called KEY is
 * whole or absent; entries are never changed; of two processes that make the same entry the first
 * wins and the second uses its work; whatever fails to open is made again.
 */
#ifndef BTI_CACHE_H
#define BTI_CACHE_H

#include "base/json.h"
#include "data/decode.h"

#define BTI_CACHE_PATH 4096

/* Key of an entry: the content mark of the source and the side it was brought to. */
void bti_cache_key(char key[BTI_HASH_HEX], const char *mark, int side);

/* An empty folder for a new entry inside cache_dir (made if absent). Also clears away what
 * processes that were killed left there more than a day ago. */
bt_status bti_cache_begin(char tmp[BTI_CACHE_PATH], const char *cache_dir, bt_error *err);
/* Renames it to cache_dir/key. `damaged`: an old entry that did not open is there and is to be
 * replaced. The temporary folder is gone afterwards, whatever happened. */
bt_status bti_cache_publish(const char *tmp, const char *cache_dir, const char *key, bool damaged,
                            bt_error *err);

/* What all splits of an entry share, for its manifest. */
typedef struct bti_manifest_head {
    const char *data; /* what the user typed */
    const bti_source *source;
    int side, channels;
    const char *resize_rule;
    char fingerprint[BTI_HASH_HEX]; /* of pixels and labels of the splits, one after the other */
} bti_manifest_head;

/* dir/manifest.json with the splits that have samples. */
bt_status bti_manifest_write(const char *dir, const bti_manifest_head *head,
                             const bti_decoded split[BTI_SPLITS], bt_error *err);

/* Maps dir/SPLIT.npy as the manifest describes it; n = 0 if the manifest has no such split. */
bt_status bti_cache_map(bti_dataset *out, const char *dir, const bti_json *manifest,
                        bti_split split, bt_error *err);
void bti_cache_unmap(bti_dataset *set);

/* bti_skipped_warn for each split; returns how many images all splits lack. */
int64_t bti_manifest_warn(const bti_json *manifest, const bt_progress *progress);

#endif
