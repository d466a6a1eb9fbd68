/* SPDX-License-Identifier: Apache-2.0
 *
 * From what the user typed to an open source: a known name or a path, then the first reader that
 * matches, then the checks that hold for every kind of source.
 */
#include "data/reader.h"

#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

/* Change when a reader finds other samples in the same files */
#define MARK_VERSION "bantam-data-3"

const char *const bti_split_name[BTI_SPLITS] = {"train", "val", "test"};

static const bti_reader *const readers[] = {
#define READER(id) &bti_reader_##id,
#include "data/readers.def"
#undef READER
};

static bt_status use_known(bti_source *s, const bti_known *k, const bt_data_options *opt,
                           bt_error *err)
{
    char path[PATH_MAX];
    bt_status rc = bti_known_locate(path, k, opt, err);
    if (rc)
        return rc;
    s->path = bti_arena_strdup(&s->arena, path);
    if (!s->path)
        return bti_fail_nomem(err);
    while (k->class_name && k->class_name[s->classes])
        s->classes++;
    if (!s->classes)
        return BT_OK;
    s->class_name = bti_arena_alloc(&s->arena, (size_t)s->classes * sizeof(char *));
    if (!s->class_name)
        return bti_fail_nomem(err);
    memcpy(s->class_name, k->class_name, (size_t)s->classes * sizeof(char *));
    return BT_OK;
}

/* The folder or file behind `data`, and fixed class names if it is a name that has them. */
static bt_status resolve(bti_source *s, const char *data, const bt_data_options *opt, bt_error *err)
{
    const bti_known *k = bti_known_find(data);
    if (k)
        return use_known(s, k, opt, err);
    s->path = data;
    if (bti_is_dir(data) || bti_is_file(data))
        return BT_OK;
    const char *near = bti_nearest(data, bti_known_names());
    return bti_fail(err, BT_INVAL, data,
                    "no such data set%s%s%s; expected a name (fashion-mnist, cifar10, cifar100), a "
                    "folder of images (train/CLASS/*.jpg or CLASS/*.jpg), a .csv file (path,label) "
                    "or a folder with train-images-idx3-ubyte[.gz]",
                    near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static bt_status find_reader(bti_source *s, bt_error *err)
{
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (readers[i]->match(s->path)) {
            s->reader = readers[i];
            return BT_OK;
        }
    }
    return bti_fail(
        err, BT_INVAL, s->path,
        "DATA is a file; expected a .csv file (path,label), CIFAR's .tar.gz or a folder with "
        "train/CLASS/*.jpg, CLASS/*.jpg or train-images-idx3-ubyte[.gz]");
}

static void add_text(bti_hash *h, const char *text)
{
    bti_hash_add(h, text, strlen(text) + 1);
}

/* The test mark contains the train mark; never the other way round. */
static bt_status digest(const bti_source *s, bti_hash mark[BTI_SPLITS], bti_source_marks *out,
                        bt_error *err)
{
    char part[BTI_HASH_HEX];
    bti_hash h = {0};
    if (bti_hash_init(&h))
        return bti_fail_nomem(err);
    add_text(&h, MARK_VERSION);
    add_text(&h, s->reader->name);
    for (int i = 0; s->class_name && i < s->classes; i++)
        add_text(&h, s->class_name[i]);
    for (int split = 0; split < BTI_SPLITS; split++) {
        bti_hash_hex(&mark[split], part);
        add_text(&h, part);
        if (split == BTI_VAL)
            bti_hash_hex(&h, out->train);
    }
    bti_hash_hex(&h, out->test);
    bti_hash_release(&h);
    return BT_OK;
}

bt_status bti_source_open(bti_source *s, const char *data, const bt_data_options *opt,
                          bti_source_marks *marks, bt_error *err)
{
    bti_hash mark[BTI_SPLITS] = {0};
    *s = (bti_source){0};
    bt_status rc = resolve(s, data, opt, err);
    if (!rc)
        rc = find_reader(s, err);
    for (int i = 0; !rc && i < BTI_SPLITS; i++)
        rc = bti_hash_init(&mark[i]) ? bti_fail_nomem(err) : BT_OK;
    if (!rc)
        rc = s->reader->open(s, mark, err);
    if (!rc && marks)
        rc = digest(s, mark, marks, err);
    for (int i = 0; i < BTI_SPLITS; i++)
        bti_hash_release(&mark[i]);
    if (rc)
        bti_source_close(s);
    return rc;
}

void bti_source_close(bti_source *s)
{
    if (s->reader)
        s->reader->close(s);
    bti_arena_release(&s->arena);
    *s = (bti_source){0};
}
