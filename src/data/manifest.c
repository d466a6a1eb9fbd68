/* SPDX-License-Identifier: Apache-2.0
 *
 * manifest.json of a cache entry: what the .npy files beside it mean.
 */
#include "data/cache.h"

static bti_json *numbers(const double *v, int n)
{
    bti_json *a = bti_json_array();
    for (int i = 0; i < n; i++)
        bti_json_append(a, bti_json_num(v[i]));
    return a;
}

static bti_json *split_json(const bti_decoded *d, bti_split split)
{
    char name[32];
    bti_json *o = bti_json_object(), *skipped = bti_json_array();
    bti_json_set_int(o, "n", d->n);
    snprintf(name, sizeof(name), "%s.npy", bti_split_name[split]);
    bti_json_set_str(o, "images", name);
    snprintf(name, sizeof(name), "%s-labels.npy", bti_split_name[split]);
    bti_json_set_str(o, "labels", name);
    for (int64_t i = 0; i < d->n_skipped; i++) {
        bti_json *s = bti_json_object();
        bti_json_set_str(s, "path", d->skipped[i].path);
        bti_json_set_str(s, "reason", d->skipped[i].reason);
        bti_json_append(skipped, s);
    }
    bti_json_set(o, "skipped", skipped);
    return o;
}

bt_status bti_manifest_write(const char *dir, const bti_manifest_head *head,
                             const bti_decoded split[BTI_SPLITS], bt_error *err)
{
    char path[BTI_CACHE_PATH];
    bti_json *o = bti_json_object(), *classes = bti_json_array(), *splits = bti_json_object();
    bti_json_set_str(o, "format", "bantam-data-1");
    bti_json_set_str(o, "data", head->data);
    bti_json_set_str(o, "reader", head->source->reader->name);
    bti_json_set_int(o, "size", head->side);
    bti_json_set_int(o, "channels", head->channels);
    bti_json_set_str(o, "resize", head->resize_rule);
    for (int i = 0; i < head->source->classes; i++)
        bti_json_append(classes, bti_json_str(head->source->class_name[i]));
    bti_json_set(o, "classes", classes);
    if (split[BTI_TRAIN].n) {
        bti_json_set(o, "mean", numbers(split[BTI_TRAIN].mean, head->channels));
        bti_json_set(o, "std", numbers(split[BTI_TRAIN].std, head->channels));
    }
    for (int i = 0; i < BTI_SPLITS; i++) {
        if (split[i].n)
            bti_json_set(splits, bti_split_name[i], split_json(&split[i], (bti_split)i));
    }
    bti_json_set(o, "splits", splits);
    bti_json_set_str(o, "fingerprint", head->fingerprint);
    snprintf(path, sizeof(path), "%s/manifest.json", dir);
    bt_status rc = bti_json_write(o, path, err);
    bti_json_free(o);
    return rc;
}

int64_t bti_manifest_warn(const bti_json *manifest, const bt_progress *progress)
{
    const bti_json *part;
    const char *name;
    int64_t all = 0;
    for (size_t i = 0; bti_json_pair(bti_json_get(manifest, "splits"), i, &name, &part); i++) {
        const bti_json *list = bti_json_get(part, "skipped");
        bti_skipped first[BTI_SKIPPED_SHOWN]; /* borrowed from the manifest */
        size_t n = bti_json_len(list);
        for (size_t k = 0; k < n && k < BTI_SKIPPED_SHOWN; k++) {
            const bti_json *s = bti_json_at(list, k);
            first[k].path = (char *)bti_json_as_str(bti_json_get(s, "path"), "?");
            first[k].reason = (char *)bti_json_as_str(bti_json_get(s, "reason"), "?");
        }
        bti_skipped_warn(first, (int64_t)n, name, progress);
        all += (int64_t)n;
    }
    return all;
}
