/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of image files, and what goes into the mark of a file.
 */
#include "data/listing.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#define EDGE (64 * 1024) /* bytes at either end of a file that go into its mark */

static bt_status grow(bti_file_list *l, bt_error *err)
{
    size_t cap = l->cap ? 2 * (size_t)l->cap : 256;
    char **path = bti_regrow(l->path, cap, sizeof(*path));
    l->path = path ? path : l->path;
    int32_t *label = bti_regrow(l->label, cap, sizeof(*label));
    l->label = label ? label : l->label;
    int32_t *line = bti_regrow(l->line, cap, sizeof(*line));
    l->line = line ? line : l->line;
    if (!path || !label || !line)
        return bti_fail_nomem(err);
    l->cap = (int64_t)cap;
    return BT_OK;
}

bt_status bti_file_list_add(bti_file_list *l, char *path, int32_t label, int32_t line,
                            bt_error *err)
{
    if (!path)
        return bti_fail_nomem(err);
    bt_status rc = l->n == l->cap ? grow(l, err) : BT_OK;
    if (rc)
        return rc;
    l->path[l->n] = path;
    l->label[l->n] = label;
    l->line[l->n++] = line;
    return BT_OK;
}

void bti_file_list_release(bti_file_list *l)
{
    bti_free(l->path);
    bti_free(l->label);
    bti_free(l->line);
    *l = (bti_file_list){0};
}

bool bti_is_image_name(const char *name)
{
    static const char *const ends[] = {".jpg", ".jpeg", ".png", ".webp"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (bti_has_suffix_nocase(name, ends[i]))
            return true;
    }
    return false;
}

void bti_mark_stat(bti_hash *mark, const char *name, const struct stat *st)
{
    int64_t head[3] = {st->st_size, st->st_mtim.tv_sec, st->st_mtim.tv_nsec};
    bti_hash_add(mark, name, strlen(name) + 1);
    bti_hash_add(mark, head, sizeof(head));
}

bt_status bti_mark_file(bti_hash *mark, const char *path, bt_error *err)
{
    struct stat st;
    FILE *f = fopen(path, "rbe");
    if (!f || fstat(fileno(f), &st)) {
        bt_status rc = bti_fail_errno(err, path, "cannot open the data set");
        if (f)
            fclose(f);
        return rc;
    }
    bti_mark_stat(mark, bti_path_base(path), &st);
    uint8_t *buf = bti_malloc(EDGE);
    if (buf) {
        bti_hash_add(mark, buf, fread(buf, 1, EDGE, f));
        if (st.st_size > EDGE && !fseeko(f, -EDGE, SEEK_END))
            bti_hash_add(mark, buf, fread(buf, 1, EDGE, f));
    }
    fclose(f);
    if (!buf)
        return bti_fail_nomem(err);
    bti_free(buf);
    return BT_OK;
}
