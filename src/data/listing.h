/* SPDX-License-Identifier: Apache-2.0
 *
 * What readers of files have in common: a list of image files with labels, and the marks by which a
 * changed file is noticed.
 */
#ifndef BTI_LISTING_H
#define BTI_LISTING_H

#include "data/reader.h"

#include <sys/stat.h>

/* The image files of one split. Zeroed struct = empty. */
typedef struct bti_file_list {
    int64_t n, cap;
    char **path; /* borrowed, usually from the source's arena */
    int32_t *label;
    int32_t *line; /* where it was listed, 0 if nowhere */
} bti_file_list;

/* `path` NULL counts as no memory, so that a failed copy can be passed on. */
bt_status bti_file_list_add(bti_file_list *l, char *path, int32_t label, int32_t line,
                            bt_error *err);
void bti_file_list_release(bti_file_list *l);

/* By its extension: what a folder's file must be called to be taken for an image. */
bool bti_is_image_name(const char *name);

/* Name, size and time of a file; a zeroed stat marks one that is not there. */
void bti_mark_stat(bti_hash *mark, const char *name, const struct stat *st);
/* The same and both ends of the file's content: raw files of one family all have the same size, and
 * unpacked archives the same times. */
bt_status bti_mark_file(bti_hash *mark, const char *path, bt_error *err);

#endif
