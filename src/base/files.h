/* SPDX-License-Identifier: Apache-2.0
 *
 * Files: whole reads with a limit, atomic writes (temporary name, fsync, rename), folders, maps.
 */
#ifndef BTI_FILES_H
#define BTI_FILES_H

#include "bantam/status.h"
#include <stdbool.h>
#include <stdio.h>

/* Reads all of `path` into *out (yours, bti_free; a NUL follows the *n bytes).
 * BT_IO if it cannot be read, BT_FORMAT if it is larger than `limit` bytes. */
bt_status bti_file_read(const char *path, size_t limit, char **out, size_t *n, bt_error *err);

/* Writes n bytes so that `path` holds either its old content or all of the new. */
bt_status bti_file_write(const char *path, const void *data, size_t n, bt_error *err);

/* A file being written under a temporary name beside its final one. */
typedef struct bti_writer {
    FILE *f; /* write here; buffered */
    char *path, *tmp;
} bti_writer;
bt_status bti_writer_open(bti_writer *w, const char *path, bt_error *err);
bt_status bti_writer_commit(bti_writer *w,
                            bt_error *err); /* flush, fsync, rename, fsync folder; closes */
void bti_writer_abort(bti_writer *w);       /* closes and removes; safe after commit or zeroed */

bt_status bti_make_dirs(const char *path, bt_error *err); /* mkdir -p */
bool bti_is_dir(const char *path);                        /* follows links */
bool bti_is_file(const char *path);
int64_t bti_file_size(const char *path);                    /* -1 if there is none */
bt_status bti_remove_tree(const char *path, bt_error *err); /* rm -rf; absent is fine */
char *bti_path_join(const char *a, const char *b);          /* yours; NULL on no memory */
const char *bti_path_base(const char *path);                /* borrowed, after the last '/' */

/* Names in a folder, sorted by byte, without "." and ".." and hidden ones. Free with
 * bti_names_free. */
typedef struct bti_names {
    char **name;
    size_t n;
} bti_names;
bt_status bti_list_dir(const char *path, bti_names *out, bt_error *err);
void bti_names_free(bti_names *names);

/* A read-only map of a whole file. Zeroed struct = nothing mapped. */
typedef struct bti_map {
    const unsigned char *p;
    size_t n;
} bti_map;
bt_status bti_map_open(bti_map *m, const char *path, bt_error *err);
void bti_map_close(bti_map *m);

/* Tests: the n-th step of writing files from now on (1 = next; creating, writing, syncing,
 * renaming, making a folder) and all later ones fail with `number`, an errno such as ENOSPC; n 0
 * switches it off. Removing always works. */
void bti_files_fail_at(int64_t n, int number);
/* Every such step of the library asks here first: true with errno set when it is to fail. */
bool bti_files_step_fails(void);

/* Free bytes on the file system that holds path; -1 if unknown. */
int64_t bti_disk_free(const char *path);

#endif
