/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries of the cache come into being by one rename; here are that step and the maps of an entry.
 */
#include "data/cache.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "data/npy.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define TMP_PREFIX "new-"
#define STALE_S (24 * 3600)

struct bti_dataset_maps {
    bti_map images, labels;
};

void bti_cache_key(char key[BTI_HASH_HEX], const char *mark, int side)
{
    char text[BTI_HASH_HEX + 16];
    int n = snprintf(text, sizeof(text), "%s/%d", mark, side);
    bti_hash_buffer(text, (size_t)n, key);
}

/* Best effort: a cache that cannot be tidied still works. */
static void remove_stale(const char *cache_dir)
{
    bti_names names;
    char path[BTI_CACHE_PATH];
    struct stat st;
    if (bti_list_dir(cache_dir, &names, NULL))
        return;
    for (size_t i = 0; i < names.n; i++) {
        snprintf(path, sizeof(path), "%s/%s", cache_dir, names.name[i]);
        if (bti_has_prefix(names.name[i], TMP_PREFIX) && !stat(path, &st) &&
            time(NULL) - st.st_mtime > STALE_S && bti_remove_tree(path, NULL))
            break;
    }
    bti_names_free(&names);
}

bt_status bti_cache_begin(char tmp[BTI_CACHE_PATH], const char *cache_dir, bt_error *err)
{
    bt_status rc = bti_make_dirs(cache_dir, err);
    if (rc)
        return rc;
    remove_stale(cache_dir);
    int n = snprintf(tmp, BTI_CACHE_PATH, "%s/" TMP_PREFIX "XXXXXX", cache_dir);
    if (n >= BTI_CACHE_PATH - 64) /* file names come behind it */
        return bti_fail(err, BT_INVAL, cache_dir, "the path of the cache is too long");
    if (bti_files_step_fails() || !mkdtemp(tmp))
        return bti_fail_errno(err, cache_dir, "cannot make a folder in the cache");
    if (chmod(tmp, 0755)) /* others may read what is not secret in its source */
        return bti_fail_errno(err, tmp, "cannot set the folder's mode");
    return BT_OK;
}

bt_status bti_cache_publish(const char *tmp, const char *cache_dir, const char *key, bool damaged,
                            bt_error *err)
{
    char path[BTI_CACHE_PATH];
    bt_status rc = BT_OK;
    snprintf(path, sizeof(path), "%s/%s", cache_dir, key);
    if (damaged)
        rc = bti_remove_tree(path, err);
    if (!rc && !bti_files_step_fails() && !rename(tmp, path))
        return BT_OK;
    if (!rc && errno != ENOTEMPTY && errno != EEXIST)
        rc = bti_fail_errno(err, path, "cannot put the decoded images into the cache");
    /* Otherwise another process was faster: its entry holds the same. */
    bt_status gone = bti_remove_tree(tmp, rc ? NULL : err);
    return rc ? rc : gone;
}

static bt_status map_files(bti_dataset *out, const char *dir, bti_split split, bt_error *err)
{
    char path[BTI_CACHE_PATH];
    const void *data;
    bti_npy_shape pixels = {BTI_NPY_U8, 4, {out->n, out->h, out->w, out->c}};
    bti_npy_shape ids = {BTI_NPY_I32, 1, {out->n}};
    snprintf(path, sizeof(path), "%s/%s.npy", dir, bti_split_name[split]);
    bt_status rc = bti_npy_map(&out->maps->images, path, &pixels, &data, err);
    if (rc)
        return rc;
    out->pixels = data;
    snprintf(path, sizeof(path), "%s/%s-labels.npy", dir, bti_split_name[split]);
    rc = bti_npy_map(&out->maps->labels, path, &ids, &data, err);
    out->labels = rc ? NULL : data;
    return rc;
}

static bt_status check_labels(const bti_dataset *set, const char *dir, bt_error *err)
{
    for (int64_t i = 0; i < set->n; i++) {
        if (set->labels[i] < 0 || set->labels[i] >= set->classes)
            return bti_fail(err, BT_FORMAT, dir, "a label in the cache is out of range");
    }
    return BT_OK;
}

bt_status bti_cache_map(bti_dataset *out, const char *dir, const bti_json *manifest,
                        bti_split split, bt_error *err)
{
    const bti_json *part = bti_json_get(bti_json_get(manifest, "splits"), bti_split_name[split]);
    int side = (int)bti_json_as_int(bti_json_get(manifest, "size"), 0);
    *out = (bti_dataset){
        .n = bti_json_as_int(bti_json_get(part, "n"), 0),
        .h = side,
        .w = side,
        .c = (int)bti_json_as_int(bti_json_get(manifest, "channels"), 0),
        .classes = (int)bti_json_len(bti_json_get(manifest, "classes")),
    };
    if (!part)
        return BT_OK;
    if (out->n < 1 || side < 1 || (out->c != 1 && out->c != 3))
        return bti_fail(err, BT_FORMAT, dir, "the manifest of the cache is damaged");
    out->maps = bti_calloc(1, sizeof(*out->maps));
    if (!out->maps)
        return bti_fail_nomem(err);
    bt_status rc = map_files(out, dir, split, err);
    if (!rc)
        rc = check_labels(out, dir, err);
    if (rc)
        bti_cache_unmap(out);
    return rc;
}

void bti_cache_unmap(bti_dataset *set)
{
    if (set->maps) {
        bti_map_close(&set->maps->images);
        bti_map_close(&set->maps->labels);
    }
    bti_free(set->maps);
    *set = (bti_dataset){0};
}
