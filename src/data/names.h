/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of samples: which file is behind each decoded image, and which samples a regular expression
 * on their names ties together.
 */
#ifndef BTI_NAMES_H
#define BTI_NAMES_H

#include "base/json.h"
#include "data/reader.h"

/* Names of the samples of a loaded split that were decoded, in their order: all but those that the
 * manifest lists as skipped. name: n, filled; the texts are in `arena`. BT_FORMAT if there are not
 * n of them. */
bt_status bti_names_kept(char **name, int64_t n, bti_arena *arena, const bti_source *s,
                         bti_split split, const bti_json *manifest, bt_error *err);

/* BT_INVAL (where "group_by") if the text is no POSIX extended regular expression. */
bt_status bti_group_check(const char *regex, bt_error *err);

/* Names by group. Zeroed struct = empty. */
typedef struct bti_group_list {
    int64_t n;
    char **key;
    bti_arena arena;
} bti_group_list;
/* A name's key is the first group of the regular expression, or all that matched if it has none; a
 * name that does not match has a key of its own. */
bt_status bti_group_list_add(bti_group_list *l, const char *regex, char *const *name, int64_t n,
                             bt_error *err);
/* id[i] (l->n): equal for equal keys, from 0 without gaps. */
bt_status bti_group_list_ids(const bti_group_list *l, int32_t *id, bt_error *err);
void bti_group_list_release(bti_group_list *l);

/* What a regular expression makes of the names of all splits. */
typedef struct bti_group_count {
    int64_t groups, largest;
    int64_t across[BTI_SPLITS][BTI_SPLITS]; /* groups with samples in both, a < b */
} bti_group_count;
/* Loads (and leaves loaded) all splits. */
bt_status bti_group_count_splits(bti_group_count *out, bti_source *s, const char *regex,
                                 bt_error *err);

#endif
