/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a data set: source -> survey -> key -> cache entry, made on the way if it is not there.
 *
 * The test split has an entry of its own, keyed by train + val + test; the entry and the key that
 * learning sees depend on train and val alone, so a study is the same whatever the test split
 * holds.
 */
#include "data/dataset.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/files.h"
#include "data/cache.h"
#include "data/names.h"
#include "data/part.h"

#include <unistd.h>

#define OWN_SIZE_MAX 64 /* equal square images up to this side are kept as they are */
#define DEFAULT_SIDE 32

bt_data_options bt_data_defaults(void)
{
    return (bt_data_options){0};
}

/* One opening: the source and what was found out about it. */
typedef struct opening {
    const char *data;
    const bt_data_options *opt;
    int threads;
    bti_source source;
    bti_source_marks marks;
    bti_survey survey;
    int side;
    bool test_set_aside;
    int64_t n_skipped; /* unreadable images of the splits that were opened */
} opening;

static bt_status check_options(const bt_data_options *opt, bt_error *err)
{
    if (!opt->cache_dir || !*opt->cache_dir)
        return bti_fail(err, BT_INVAL, "cache_dir", "a folder for decoded images is needed");
    if (opt->test_share < 0 || opt->test_share > 0.5)
        return bti_fail(err, BT_INVAL, "test_share", "%g is not a share from 0 to 0.5",
                        opt->test_share);
    if (opt->group_by) {
        bt_status rc = bti_group_check(opt->group_by, err);
        if (rc)
            return rc;
    }
    if (opt->size < 0 || opt->size > BTI_SIDE_MAX)
        return bti_fail(err, BT_INVAL, "size", "%d is not a side in pixels; expected 1 to %d, or 0",
                        opt->size, BTI_SIDE_MAX);
    return BT_OK;
}

/* The survey of a source is kept as cache_dir/MARK.json: reading every header again would make each
 * start with a large folder slow. */
static void survey_path(char path[BTI_CACHE_PATH], const opening *o)
{
    snprintf(path, BTI_CACHE_PATH, "%s/%s.json", o->opt->cache_dir, o->marks.train);
}

static bool survey_load(opening *o)
{
    char path[BTI_CACHE_PATH];
    bti_json *j;
    survey_path(path, o);
    if (bti_json_read(&j, path, NULL))
        return false;
    o->survey.channels = (int)bti_json_as_int(bti_json_get(j, "channels"), 0);
    o->survey.w = (int)bti_json_as_int(bti_json_get(j, "width"), -1);
    o->survey.h = (int)bti_json_as_int(bti_json_get(j, "height"), -1);
    o->survey.shorter = (int)bti_json_as_int(bti_json_get(j, "shorter"), -1);
    o->survey.train = bti_json_as_int(bti_json_get(j, "train"), -1);
    bti_json_free(j);
    return (o->survey.channels == 1 || o->survey.channels == 3) && o->survey.w >= 0 &&
           o->survey.h >= 0 && o->survey.shorter >= 0 && o->survey.train >= 0;
}

static bt_status survey(opening *o, bt_error *err)
{
    char path[BTI_CACHE_PATH];
    if (survey_load(o))
        return BT_OK;
    bt_status rc = bti_survey_source(&o->survey, &o->source, o->threads, o->opt, err);
    if (!rc)
        rc = bti_make_dirs(o->opt->cache_dir, err);
    if (rc)
        return rc;
    bti_json *j = bti_json_object();
    bti_json_set_int(j, "channels", o->survey.channels);
    bti_json_set_int(j, "width", o->survey.w);
    bti_json_set_int(j, "height", o->survey.h);
    bti_json_set_int(j, "shorter", o->survey.shorter);
    bti_json_set_int(j, "train", o->survey.train);
    survey_path(path, o);
    rc = bti_json_write(j, path, err);
    bti_json_free(j);
    return rc;
}

/* The side of all images if it is one that they may keep, else 0. */
static int own_side(const bti_survey *s)
{
    return s->w == s->h && s->w >= 1 && s->w <= OWN_SIZE_MAX ? s->w : 0;
}

static int choose_side(const bti_survey *s, int wanted)
{
    return wanted ? wanted : own_side(s) ? own_side(s) : DEFAULT_SIDE;
}

static bt_status opening_begin(opening *o, const char *data, const bt_data_options *opt,
                               bt_error *err)
{
    *o = (opening){.data = data, .opt = opt};
    bt_status rc = check_options(opt, err);
    if (rc)
        return rc;
    o->threads = opt->threads > 0 ? opt->threads : bti_cpu_count();
    rc = bti_source_open(&o->source, data, opt, &o->marks, err);
    const bti_part_rule rule = {opt->test_share, opt->group_by};
    o->test_set_aside = !rc && rule.share > 0 && !o->source.split[BTI_TEST].present;
    if (o->test_set_aside)
        rc = bti_source_part(&o->source, &rule, &o->marks, err);
    if (!rc)
        rc = survey(o, err);
    bool keep = !opt->size && o->source.reader && o->source.reader->prepared;
    o->side = keep ? o->survey.w : choose_side(&o->survey, opt->size);
    return rc;
}

static void opening_end(opening *o)
{
    bti_source_close(&o->source);
}

bt_status bti_data_look(bti_look *out, const char *data, const bt_data_options *opt, bt_error *err)
{
    opening o;
    bt_status rc = opening_begin(&o, data, opt, err);
    *out = (bti_look){.own_side = rc                          ? 0
                                  : o.source.reader->prepared ? o.survey.w
                                                              : own_side(&o.survey),
                      .shorter_side = o.survey.shorter,
                      .train = o.survey.train};
    opening_end(&o);
    return rc;
}

/* "none": nothing was resized. Sizes of test images are not known here, so for them the rule itself
 * is named. */
static bti_manifest_head manifest_head(const opening *o, bool with_test, bti_hash *content)
{
    bool as_is = !with_test && o->survey.w == o->side && o->survey.h == o->side;
    bti_manifest_head head = {.data = o->data,
                              .source = &o->source,
                              .side = o->side,
                              .channels = o->survey.channels,
                              .resize_rule = as_is ? "none" : "pad-square+bilinear"};
    bti_hash_hex(content, head.fingerprint);
    return head;
}

/* Decodes the splits first..last that are present into `dir`; the manifest comes last. */
static bt_status decode_splits(opening *o, const char *dir, bti_split first, bti_split last,
                               bt_error *err)
{
    bti_decoded decoded[BTI_SPLITS] = {0};
    bti_manifest_head head;
    bti_hash content = {0};
    bti_decode_options opt = {.side = o->side,
                              .channels = o->survey.channels,
                              .threads = o->threads,
                              .dir = dir,
                              .given = o->opt,
                              .content = &content};
    bt_status rc = bti_hash_init(&content) ? bti_fail_nomem(err) : BT_OK;
    for (int i = first; i <= (int)last && !rc; i++) {
        if (o->source.split[i].present)
            rc = bti_decode_split(&decoded[i], &o->source, (bti_split)i, &opt, err);
    }
    if (!rc) {
        head = manifest_head(o, last == BTI_TEST && o->source.split[BTI_TEST].present, &content);
        rc = bti_manifest_write(dir, &head, decoded, err);
    }
    bti_hash_release(&content);
    for (int i = 0; i < BTI_SPLITS; i++)
        bti_decoded_release(&decoded[i]);
    return rc;
}

/* Decodes the splits first..last into a new entry. */
static bt_status make_entry(opening *o, const char *key, bti_split first, bti_split last,
                            bool damaged, bt_error *err)
{
    char tmp[BTI_CACHE_PATH];
    bt_status rc = bti_cache_begin(tmp, o->opt->cache_dir, err);
    if (rc)
        return rc;
    rc = decode_splits(o, tmp, first, last, err);
    if (!rc)
        return bti_cache_publish(tmp, o->opt->cache_dir, key, damaged, err);
    if (bti_remove_tree(tmp, NULL))
        bti_note(&o->opt->progress, "could not remove %s", tmp);
    return rc;
}

static bt_status read_manifest(bti_json **out, char dir[BTI_CACHE_PATH], const opening *o,
                               const char *key, bt_error *err)
{
    char path[BTI_CACHE_PATH];
    snprintf(dir, BTI_CACHE_PATH, "%s/%s", o->opt->cache_dir, key);
    snprintf(path, sizeof(path), "%s/%s/manifest.json", o->opt->cache_dir, key);
    return bti_json_read(out, path, err);
}

static bt_status take_head(bti_data *d, const bti_json *manifest, bt_error *err)
{
    const bti_json *classes = bti_json_get(manifest, "classes");
    const bti_json *mean = bti_json_get(manifest, "mean"), *std = bti_json_get(manifest, "std");
    d->classes = (int)bti_json_len(classes);
    d->class_names = bti_calloc((size_t)d->classes + 1, sizeof(char *));
    if (!d->class_names)
        return bti_fail_nomem(err);
    for (int i = 0; i < d->classes; i++) {
        d->class_names[i] = bti_strdup(bti_json_as_str(bti_json_at(classes, (size_t)i), "?"));
        if (!d->class_names[i])
            return bti_fail_nomem(err);
    }
    for (size_t i = 0; i < 3; i++) {
        d->mean[i] = (float)bti_json_as_num(bti_json_at(mean, i), 0.0);
        d->std[i] = (float)bti_json_as_num(bti_json_at(std, i), 1.0);
    }
    snprintf(d->resize_rule, sizeof(d->resize_rule), "%s",
             bti_json_as_str(bti_json_get(manifest, "resize"), ""));
    snprintf(d->fingerprint, sizeof(d->fingerprint), "%s",
             bti_json_as_str(bti_json_get(manifest, "fingerprint"), ""));
    return BT_OK;
}

/* Everything of *d that comes from the cache entry; on failure what was taken is released by the
 * caller. */
static bt_status load_entry(bti_data *d, opening *o, bt_error *err)
{
    char dir[BTI_CACHE_PATH];
    bti_json *manifest;
    bt_status rc = read_manifest(&manifest, dir, o, d->key, err);
    if (rc)
        return rc;
    rc = take_head(d, manifest, err);
    if (!rc)
        rc = bti_cache_map(&d->train, dir, manifest, BTI_TRAIN, err);
    if (!rc)
        rc = bti_cache_map(&d->val, dir, manifest, BTI_VAL, err);
    if (!rc && (!d->train.n || d->classes < 2 || !d->fingerprint[0]))
        rc = bti_fail(err, BT_FORMAT, dir, "the manifest of the cache is damaged");
    if (!rc)
        o->n_skipped = bti_manifest_warn(manifest, &o->opt->progress);
    bti_json_free(manifest);
    return rc;
}

/* An entry is the same for all; whether something may be missing from it is not. */
static bt_status check_strict(const opening *o, bt_error *err)
{
    if (!o->opt->strict || !o->n_skipped)
        return BT_OK;
    return bti_fail(err, BT_FORMAT, o->data, "%lld images are unreadable (at most 0 %% may be)",
                    (long long)o->n_skipped);
}

static void drop_entry(bti_data *d)
{
    bti_cache_unmap(&d->train);
    bti_cache_unmap(&d->val);
    for (int i = 0; d->class_names && i < d->classes; i++)
        bti_free(d->class_names[i]);
    bti_free(d->class_names);
    d->class_names = NULL;
}

static bool entry_exists(const opening *o, const char *key)
{
    char path[BTI_CACHE_PATH];
    snprintf(path, sizeof(path), "%s/%s", o->opt->cache_dir, key);
    return bti_is_dir(path);
}

/* Groups of train by the names of its images. */
static bt_status tie_samples(bti_data *d, opening *o, const bti_json *manifest, bt_error *err)
{
    bti_source *s = &o->source;
    bti_arena arena = {0};
    bti_group_list list = {0};
    int64_t n = d->train.n;
    char **name = bti_array((size_t)n + 1, sizeof(*name));
    d->group = bti_array((size_t)n + 1, sizeof(*d->group));
    bt_status rc = name && d->group ? s->reader->load(s, BTI_TRAIN, err) : bti_fail_nomem(err);
    if (!rc)
        rc = bti_names_kept(name, n, &arena, s, BTI_TRAIN, manifest, err);
    if (!rc)
        rc = bti_group_list_add(&list, o->opt->group_by, name, n, err);
    if (!rc)
        rc = bti_group_list_ids(&list, d->group, err);
    d->train.group = d->group;
    bti_group_list_release(&list);
    bti_arena_release(&arena);
    bti_free(name);
    return rc;
}

/* Splits that the data brings along may tear groups: nothing here can mend that. */
static bt_status warn_of_torn_groups(opening *o, bt_error *err)
{
    bti_group_count n;
    bt_status rc = bti_group_count_splits(&n, &o->source, o->opt->group_by, err);
    for (int a = 0; !rc && a < BTI_SPLITS; a++)
        for (int b = a + 1; b < BTI_SPLITS; b++)
            if (n.across[a][b])
                bti_warn(&o->opt->progress,
                         "%lld groups of '%s' have images in %s and in %s of %s: accuracy there "
                         "will look better than it is",
                         (long long)n.across[a][b], o->opt->group_by, bti_split_name[a],
                         bti_split_name[b], o->data);
    return rc;
}

static bt_status group_samples(bti_data *d, opening *o, bt_error *err)
{
    char dir[BTI_CACHE_PATH];
    bti_json *manifest;
    if (!o->opt->group_by)
        return BT_OK;
    bt_status rc = read_manifest(&manifest, dir, o, d->key, err);
    if (rc)
        return rc;
    rc = tie_samples(d, o, manifest, err);
    bti_json_free(manifest);
    return rc ? rc : warn_of_torn_groups(o, err);
}

static bt_status open_or_make(bti_data *d, opening *o, bt_error *err)
{
    bool there = entry_exists(o, d->key);
    if (there && !load_entry(d, o, NULL))
        return BT_OK;
    drop_entry(d);
    bt_status rc = make_entry(o, d->key, BTI_TRAIN, BTI_VAL, there, err);
    return rc ? rc : load_entry(d, o, err);
}

bt_status bti_data_open(bti_data **out, const char *data, const bt_data_options *opt, bt_error *err)
{
    opening o;
    *out = NULL;
    bt_status rc = opening_begin(&o, data, opt, err);
    if (rc) {
        opening_end(&o);
        return rc;
    }
    bti_data *d = bti_calloc(1, sizeof(*d));
    if (d)
        d->name = bti_strdup(data);
    if (!d || !d->name) {
        rc = bti_fail_nomem(err);
        goto done;
    }
    d->has_test = o.source.split[BTI_TEST].present;
    bti_cache_key(d->key, o.marks.train, o.side);
    d->test_set_aside = o.test_set_aside;
    rc = open_or_make(d, &o, err);
    if (!rc)
        rc = group_samples(d, &o, err);
    if (!rc)
        rc = check_strict(&o, err);
    if (!rc)
        rc = bti_classes_warn((const char *const *)d->class_names, d->classes, d->train.labels,
                              d->train.n, &opt->progress, err);
    if (rc)
        goto done;
    *out = d; /* ownership moves to the caller */
    d = NULL;
done:
    bti_data_close(d);
    opening_end(&o);
    return rc;
}

bt_status bti_data_open_entry(bti_data **out, const char *data, const char *key,
                              const bt_data_options *opt, bt_error *err)
{
    opening o = {.data = data, .opt = opt};

    *out = NULL;
    bti_data *d = bti_calloc(1, sizeof(*d));
    if (!d)
        return bti_fail_nomem(err);
    snprintf(d->key, sizeof(d->key), "%s", key);
    d->name = bti_strdup(data);
    bt_status rc = d->name ? load_entry(d, &o, err) : bti_fail_nomem(err);
    if (rc)
        bti_data_close(d);
    else
        *out = d;
    return rc;
}

void bti_data_close(bti_data *d)
{
    if (!d)
        return;
    drop_entry(d);
    bti_free(d->group);
    bti_free(d->name);
    bti_free(d);
}

static bt_status load_test(bti_test_data *t, opening *o, const char *key, bt_error *err)
{
    char dir[BTI_CACHE_PATH];
    bti_json *manifest;
    bt_status rc = read_manifest(&manifest, dir, o, key, err);
    if (rc)
        return rc;
    rc = bti_cache_map(&t->set, dir, manifest, BTI_TEST, err);
    if (!rc && !t->set.n)
        rc = bti_fail(err, BT_FORMAT, dir, "the manifest of the cache is damaged");
    if (!rc)
        o->n_skipped = bti_manifest_warn(manifest, &o->opt->progress);
    t->classes = t->set.classes;
    bti_json_free(manifest);
    return rc;
}

static bt_status test_open_or_make(bti_test_data *t, opening *o, bt_error *err)
{
    char key[BTI_HASH_HEX];
    bti_cache_key(key, o->marks.test, o->side);
    bool there = entry_exists(o, key);
    if (there && !load_test(t, o, key, NULL))
        return BT_OK;
    bti_cache_unmap(&t->set);
    bt_status rc = o->source.reader->load(&o->source, BTI_TRAIN, err); /* defines the classes */
    if (!rc)
        rc = make_entry(o, key, BTI_TEST, BTI_TEST, there, err);
    return rc ? rc : load_test(t, o, key, err);
}

bt_status bti_test_open(bti_test_data **out, const char *data, const bt_data_options *opt,
                        bt_error *err)
{
    opening o;
    *out = NULL;
    bt_status rc = opening_begin(&o, data, opt, err);
    bti_test_data *t = NULL;
    if (rc)
        goto done;
    if (!o.source.split[BTI_TEST].present) {
        rc = bti_fail(err, BT_INVAL, data, "the data has no test split");
        goto done;
    }
    t = bti_calloc(1, sizeof(*t));
    rc = t ? test_open_or_make(t, &o, err) : bti_fail_nomem(err);
    if (!rc)
        rc = check_strict(&o, err);
    if (rc)
        goto done;
    *out = t; /* ownership moves to the caller */
    t = NULL;
done:
    bti_test_close(t);
    opening_end(&o);
    return rc;
}

/* Names of a test split's images in its order, from the source and the manifest. */
static bt_status name_test(bti_test_data *t, opening *o, bt_error *err)
{
    char key[BTI_HASH_HEX], dir[BTI_CACHE_PATH];
    bti_json *manifest = NULL;
    bti_source *s = &o->source;
    bti_cache_key(key, o->marks.test, o->side);
    bt_status rc = read_manifest(&manifest, dir, o, key, err);
    if (!rc)
        rc = s->reader->load(s, BTI_TRAIN, err); /* before the others */
    if (!rc)
        rc = s->reader->load(s, BTI_TEST, err);
    t->name = rc ? NULL : bti_arena_alloc(&t->arena, ((size_t)t->set.n + 1) * sizeof(char *));
    if (!rc && !t->name)
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = bti_names_kept(t->name, t->set.n, &t->arena, s, BTI_TEST, manifest, err);
    bti_json_free(manifest);
    return rc;
}

bt_status bti_test_name(bti_test_data *t, const char *data, const bt_data_options *opt,
                        bt_error *err)
{
    opening o;
    bt_status rc = opening_begin(&o, data, opt, err);
    if (!rc)
        rc = name_test(t, &o, err);
    opening_end(&o);
    return rc;
}

void bti_test_close(bti_test_data *t)
{
    if (!t)
        return;
    bti_cache_unmap(&t->set);
    bti_arena_release(&t->arena);
    bti_free(t);
}

/* A folder of its own: anything already in it might be overwritten, or be taken for a split. */
static bt_status make_empty_dir(const char *dir, bool *made, bt_error *err)
{
    bti_names names;
    if (strlen(dir) >= BTI_CACHE_PATH - 64) /* file names come behind it */
        return bti_fail(err, BT_INVAL, dir, "the path is too long");
    *made = !bti_is_dir(dir);
    bt_status rc = bti_make_dirs(dir, err);
    if (!rc)
        rc = bti_list_dir(dir, &names, err);
    if (rc)
        return rc;
    if (names.n)
        rc = bti_fail(err, BT_INVAL, dir,
                      "the folder is not empty (%s); expected a new or an "
                      "empty one",
                      names.name[0]);
    bti_names_free(&names);
    return rc;
}

static void remove_files(const char *dir, bool with_dir)
{
    char path[BTI_CACHE_PATH];
    for (int i = 0; i < BTI_SPLITS; i++) {
        snprintf(path, sizeof(path), "%s/%s.npy", dir, bti_split_name[i]);
        unlink(path);
        snprintf(path, sizeof(path), "%s/%s-labels.npy", dir, bti_split_name[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/manifest.json", dir);
    unlink(path);
    if (with_dir)
        rmdir(dir);
}

static bt_status warn_imported(const opening *o, const char *dir, bt_error *err)
{
    char path[BTI_CACHE_PATH];
    bti_json *manifest;
    const bti_samples *train = &o->source.split[BTI_TRAIN];
    snprintf(path, sizeof(path), "%s/manifest.json", dir);
    bt_status rc = bti_json_read(&manifest, path, err);
    if (rc)
        return rc;
    bti_manifest_warn(manifest, &o->opt->progress);
    bti_json_free(manifest);
    return bti_classes_warn(o->source.class_name, o->source.classes, train->label, train->n,
                            &o->opt->progress, err);
}

bt_status bt_data_import(const char *data, const char *dir, const bt_data_options *opt,
                         bt_error *err)
{
    opening o;
    bool made = false;
    bt_status rc = opening_begin(&o, data, opt, err);
    if (rc)
        goto done;
    rc = make_empty_dir(dir, &made, err);
    if (rc)
        goto done;
    rc = decode_splits(&o, dir, BTI_TRAIN, BTI_TEST, err);
    if (!rc)
        rc = warn_imported(&o, dir, err);
    if (rc)
        remove_files(dir, made);
done:
    opening_end(&o);
    return rc;
}
