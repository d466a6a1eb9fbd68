/* SPDX-License-Identifier: Apache-2.0
 *
 * Data sets that have a name instead of a path (names.def): found in the folder of data sets that
 * the user names, in the cache, or on their own server.
 */
#include "data/reader.h"

#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "fetch/fetch.h"

#include <limits.h>

#define DOWNLOAD_MAX ((int64_t)1 << 30) /* bytes; the largest has 170 MB */

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PLACES(...) LIST(__VA_ARGS__)
#define CLASSES(...) LIST(__VA_ARGS__)
#define CLASSES_OF_FILES NULL
#define DOWNLOAD(site_, file_, sha256_)                                                            \
    {                                                                                              \
        .site = site_, .file = file_, .sha256 = sha256_                                            \
    }
#define NO_DOWNLOAD                                                                                \
    {                                                                                              \
        .site = NULL                                                                               \
    }

static const bti_known known[] = {
#define KNOWN(name_, places_, install_, download_, classes_)                                       \
    {.name = name_,                                                                                \
     .place = places_,                                                                             \
     .install = install_,                                                                          \
     .download = download_,                                                                        \
     .class_name = classes_},
#include "data/names.def"
#undef KNOWN
};

static const char *const names[] = {
#define KNOWN(name_, ...) name_,
#include "data/names.def"
#undef KNOWN
    NULL};

const bti_known *bti_known_find(const char *name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (bti_streq(known[i].name, name))
            return &known[i];
    }
    return NULL;
}

const char *const *bti_known_names(void)
{
    return names;
}

static bool is_there(const char *path)
{
    return bti_is_dir(path) || bti_is_file(path);
}

/* The first place that exists; the last one tried stays in `path`. */
static bool find_place(char path[PATH_MAX], const bti_known *k, const char *data_dir)
{
    for (int i = 0; k->place[i]; i++) {
        bool absolute = *k->place[i] == '/';
        if (!absolute && (!data_dir || !*data_dir))
            continue;
        snprintf(path, PATH_MAX, "%s%s%s", absolute ? "" : data_dir, absolute ? "" : "/",
                 k->place[i]);
        if (is_there(path))
            return true;
    }
    return false;
}

static bt_status download(char path[PATH_MAX], const bti_known *k, const bt_data_options *opt,
                          bt_error *err)
{
    char url[512];
    bti_fetch f = {.name = k->name,
                   .url = url,
                   .path = path,
                   .sha256 = k->download.sha256,
                   .size_max = DOWNLOAD_MAX,
                   .stop = &opt->stop,
                   .progress = &opt->progress};
    if (!opt->cache_dir || !*opt->cache_dir)
        return bti_fail(err, BT_INVAL, k->name, "a cache folder to download it to is needed");
    snprintf(url, sizeof(url), "%s/%s", opt->data_url ? opt->data_url : k->download.site,
             k->download.file);
    snprintf(path, PATH_MAX, "%s/downloads/%s", opt->cache_dir, k->download.file);
    return bti_fetch_file(&f, err);
}

bt_status bti_known_locate(char path[PATH_MAX], const bti_known *k, const bt_data_options *opt,
                           bt_error *err)
{
    path[0] = 0;
    if (find_place(path, k, opt->data_dir))
        return BT_OK;
    if (k->download.site)
        return download(path, k, opt, err);
    return bti_fail(err, BT_IO, k->name, "the data set is not installed (%s is missing): %s", path,
                    k->install);
}
