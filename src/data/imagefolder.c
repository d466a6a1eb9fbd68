/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders of images: root/{train,val,test}/CLASS/files, or root/CLASS/files (then all are train).
 * JPEG, PNG and WebP by extension; classes sorted by byte; links are followed; hidden names are
 * skipped.
 */
#include "data/listing.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#include <limits.h>

/* Names that a split's folder may have; the first that exists is taken, two are an error. */
static const char *const split_dirs[BTI_SPLITS][4] = {
    {"train"}, {"val", "valid", "validation"}, {"test"}};

typedef struct folder_state {
    bti_file_list list[BTI_SPLITS];
} folder_state;

static bool folder_match(const char *path)
{
    return bti_is_dir(path);
}

/* "a/b" or, when a is empty, "b"; in the arena. */
static char *join(bti_source *s, const char *a, const char *b)
{
    bti_str t = {0};
    bti_str_addf(&t, "%s%s%s", a, *a ? "/" : "", b);
    char *out = t.failed ? NULL : bti_arena_strdup(&s->arena, bti_str_c(&t));
    bti_str_release(&t);
    return out;
}

static void full_path(const bti_source *s, const char *rel, char *buf, size_t cap)
{
    snprintf(buf, cap, "%s%s%s", s->path, *rel ? "/" : "", rel);
}

/* The folder `name` inside `dir`, links followed. */
static bool has_folder(const char *dir, const char *name, char *buf, size_t cap)
{
    int n = snprintf(buf, cap, "%s/%s", dir, name);
    return n > 0 && (size_t)n < cap && bti_is_dir(buf);
}

/* Adds the images of one class folder. A broken link stays in the list: reading it says what is
 * wrong. */
static bt_status add_class(bti_source *s, bti_file_list *l, const char *rel_dir, int32_t label,
                           bti_hash *mark, bt_error *err)
{
    char path[PATH_MAX];
    bti_names names;
    full_path(s, rel_dir, path, sizeof(path));
    bt_status rc = bti_list_dir(path, &names, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < names.n && !rc; i++) {
        struct stat st = {0};
        if (!bti_is_image_name(names.name[i]))
            continue;
        char *rel = join(s, rel_dir, names.name[i]);
        full_path(s, rel ? rel : "", path, sizeof(path));
        if (!stat(path, &st) && S_ISDIR(st.st_mode))
            continue;
        rc = bti_file_list_add(l, rel, label, 0, err);
        if (!rc)
            bti_mark_stat(mark, rel, &st);
    }
    bti_names_free(&names);
    return rc;
}

static int class_index(const bti_source *s, const char *name)
{
    for (int i = 0; i < s->classes; i++) {
        if (bti_streq(s->class_name[i], name))
            return i;
    }
    return -1;
}

/* The folders below `dir` become the classes. */
static bt_status take_classes(bti_source *s, const char *dir, bt_error *err)
{
    char path[PATH_MAX];
    bti_names names;
    full_path(s, dir, path, sizeof(path));
    bt_status rc = bti_list_dir(path, &names, err);
    if (rc)
        return rc;
    s->class_name = bti_arena_alloc(&s->arena, (names.n + 1) * sizeof(char *));
    for (size_t i = 0; s->class_name && i < names.n; i++) {
        char sub[PATH_MAX];
        if (!has_folder(path, names.name[i], sub, sizeof(sub)))
            continue;
        s->class_name[s->classes] = bti_arena_strdup(&s->arena, names.name[i]);
        if (!s->class_name[s->classes++])
            break;
    }
    if (!s->class_name || (s->classes && !s->class_name[s->classes - 1]))
        rc = bti_fail_nomem(err);
    bti_names_free(&names);
    return rc;
}

/* Every class folder of a split must be one of train's. */
static bt_status check_classes(bti_source *s, bti_split split, const char *dir, bt_error *err)
{
    char path[PATH_MAX];
    bti_names names;
    full_path(s, dir, path, sizeof(path));
    bt_status rc = bti_list_dir(path, &names, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < names.n && !rc; i++) {
        char sub[PATH_MAX];
        if (has_folder(path, names.name[i], sub, sizeof(sub)) && class_index(s, names.name[i]) < 0)
            rc = bti_fail(err, BT_FORMAT, sub,
                          "the class \"%s\" is in %s but not in train; every split must have the "
                          "classes of train",
                          names.name[i], bti_split_name[split]);
    }
    bti_names_free(&names);
    return rc;
}

static bt_status add_split(bti_source *s, bti_split split, const char *dir, bti_hash *mark,
                           bt_error *err)
{
    bti_file_list *l = &((folder_state *)s->state)->list[split];
    char path[PATH_MAX];
    bt_status rc = check_classes(s, split, dir, err);
    for (int c = 0; c < s->classes && !rc; c++) {
        char *rel = join(s, dir, s->class_name[c]);
        if (!rel)
            return bti_fail_nomem(err);
        full_path(s, rel, path, sizeof(path));
        if (bti_is_dir(path))
            rc = add_class(s, l, rel, c, mark, err);
    }
    if (rc)
        return rc;
    full_path(s, dir, path, sizeof(path));
    if (!l->n)
        return bti_fail(err, BT_FORMAT, path,
                        "the %s split has no images; expected CLASS/*.jpg, .jpeg, .png or .webp",
                        bti_split_name[split]);
    s->split[split] = (bti_samples){.present = true, .n = l->n, .label = l->label};
    return BT_OK;
}

/* The folder of a split, NULL if there is none. */
static bt_status find_dir(const bti_source *s, bti_split split, const char **out, bt_error *err)
{
    char path[PATH_MAX];
    *out = NULL;
    for (int i = 0; i < 4 && split_dirs[split][i]; i++) {
        const char *name = split_dirs[split][i];
        full_path(s, name, path, sizeof(path));
        if (!bti_is_dir(path))
            continue;
        if (*out)
            return bti_fail(err, BT_FORMAT, s->path,
                            "both %s and %s exist; expected one validation folder", *out, name);
        *out = name;
    }
    return BT_OK;
}

static bt_status check_found(const bti_source *s, const char *dir, bt_error *err)
{
    char path[PATH_MAX];
    full_path(s, dir, path, sizeof(path));
    if (s->classes == 0)
        return bti_fail(err, BT_FORMAT, path,
                        "no class folders here; expected train/CLASS/*.jpg, CLASS/*.jpg or "
                        "train-images-idx3-ubyte[.gz]");
    if (s->classes < 2)
        return bti_fail(err, BT_FORMAT, path, "only one class (\"%s\"); at least 2 are needed",
                        s->class_name[0]);
    return BT_OK;
}

static bt_status folder_open(bti_source *s, bti_hash mark[BTI_SPLITS], bt_error *err)
{
    const char *dir[BTI_SPLITS];
    bt_status rc = BT_OK;
    s->state = bti_calloc(1, sizeof(folder_state));
    if (!s->state)
        return bti_fail_nomem(err);
    for (int i = 0; i < BTI_SPLITS && !rc; i++)
        rc = find_dir(s, (bti_split)i, &dir[i], err);
    if (rc)
        return rc;
    if (!dir[BTI_TRAIN] && (dir[BTI_VAL] || dir[BTI_TEST]))
        return bti_fail(err, BT_FORMAT, s->path, "there is a %s folder but no train folder",
                        dir[BTI_VAL] ? dir[BTI_VAL] : dir[BTI_TEST]);
    if (!dir[BTI_TRAIN])
        dir[BTI_TRAIN] = "";
    rc = take_classes(s, dir[BTI_TRAIN], err);
    if (!rc)
        rc = check_found(s, dir[BTI_TRAIN], err);
    for (int i = 0; i < BTI_SPLITS && !rc; i++) {
        if (dir[i])
            rc = add_split(s, (bti_split)i, dir[i], &mark[i], err);
    }
    return rc;
}

static void folder_close(bti_source *s)
{
    folder_state *state = s->state;
    for (int i = 0; state && i < BTI_SPLITS; i++)
        bti_file_list_release(&state->list[i]);
    bti_free(state);
    s->state = NULL;
}

static bt_status folder_load(bti_source *s, bti_split split, bt_error *err)
{
    (void)s; /* images are read one by one */
    (void)split;
    (void)err;
    return BT_OK;
}

static void folder_unload(bti_source *s, bti_split split)
{
    (void)s;
    (void)split;
}

static const char *rel_path(const bti_source *s, bti_split split, int64_t i)
{
    return ((const folder_state *)s->state)->list[split].path[i];
}

static void folder_path(const bti_source *s, bti_split split, int64_t i, char *buf, size_t cap)
{
    full_path(s, rel_path(s, split, i), buf, cap);
}

static void folder_sample_name(const bti_source *s, bti_split split, int64_t i, char *buf,
                               size_t cap)
{
    snprintf(buf, cap, "%s", rel_path(s, split, i));
}

const bti_reader bti_reader_imagefolder = {
    .name = "imagefolder",
    .match = folder_match,
    .open = folder_open,
    .close = folder_close,
    .load = folder_load,
    .unload = folder_unload,
    .path = folder_path,
    .sample_name = folder_sample_name,
};
