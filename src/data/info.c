/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam data info`: what is in a data set, with every image decoded once and nothing written.
 * Apart from the final report this is the one place that reads test images: it reports, it selects
 * nothing.
 */
#include "bantam/data.h"

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/json.h"
#include "data/names.h"
#include "data/reading.h"

#include <math.h>

#define NAME_CAP 4096
#define EXAMPLES 5
#define UNEQUAL 3.0 /* largest class to smallest: from here on something is recommended */

/* What is kept of one image. */
typedef struct sample {
    int w, h, c;             /* c = 0: unreadable */
    char hash[BTI_HASH_HEX]; /* of the pixels as stored */
    char *reason;            /* if unreadable */
    bti_split split;
    int64_t index; /* in its split */
} sample;

typedef struct survey {
    bti_source source;
    const bt_data_options *opt;
    sample *all; /* every split's, one after the other */
    int64_t n, first[BTI_SPLITS + 1];
    bti_split split; /* being read */
} survey;

static bt_status take_answer(void *user, int64_t i, const bti_answer *a, bt_error *err)
{
    survey *v = user;
    sample *s = &v->all[v->first[v->split] + i];
    *s = (sample){.w = a->w, .h = a->h, .c = a->c, .split = v->split, .index = i};
    memcpy(s->hash, a->hash, sizeof(s->hash));
    if (!a->rc)
        return BT_OK;
    s->c = 0;
    s->reason = bti_strdup(a->error.text);
    return s->reason ? BT_OK : bti_fail_nomem(err);
}

static bt_status read_split(survey *v, bti_split split, bt_error *err)
{
    bti_source *s = &v->source;
    v->first[split + 1] = v->first[split];
    if (!s->split[split].present)
        return BT_OK;
    bt_status rc = s->reader->load(s, split, err);
    if (rc)
        return rc;
    int64_t n = s->split[split].n;
    sample *grown = bti_regrow(v->all, (size_t)(v->n + n), sizeof(sample));
    if (!grown)
        return bti_fail_nomem(err);
    memset(grown + v->n, 0, (size_t)n * sizeof(sample));
    v->all = grown;
    v->n += n;
    v->first[split + 1] = v->n;
    v->split = split;
    bti_reading reading = {.source = s,
                           .split = split,
                           .n = n,
                           .ask = {.kind = BTI_ASK_HASH},
                           .program = v->opt->program,
                           .threads = v->opt->threads > 0 ? v->opt->threads : bti_cpu_count(),
                           .stop = &v->opt->stop,
                           .progress = &v->opt->progress,
                           .take = take_answer,
                           .user = v};
    rc = bti_read_images(&reading, err);
    s->reader->unload(s, split);
    return rc;
}

static bti_json *sizes_json(const survey *v)
{
    int lo_w = 0, lo_h = 0, hi_w = 0, hi_h = 0;
    int64_t distinct = 0;
    for (int64_t i = 0; i < v->n; i++) {
        const sample *s = &v->all[i];
        if (!s->c)
            continue;
        lo_w = !lo_w || s->w < lo_w ? s->w : lo_w;
        lo_h = !lo_h || s->h < lo_h ? s->h : lo_h;
        hi_w = s->w > hi_w ? s->w : hi_w;
        hi_h = s->h > hi_h ? s->h : hi_h;
    }
    /* `all` is sorted by size first. */
    for (int64_t i = 0; i < v->n; i++) {
        const sample *s = &v->all[i];
        distinct += s->c && (i == 0 || s->w != s[-1].w || s->h != s[-1].h);
    }
    bti_json *o = bti_json_object(), *lo = bti_json_array(), *hi = bti_json_array();
    bti_json_append(lo, bti_json_int(lo_w));
    bti_json_append(lo, bti_json_int(lo_h));
    bti_json_append(hi, bti_json_int(hi_w));
    bti_json_append(hi, bti_json_int(hi_h));
    bti_json_set(o, "min", lo);
    bti_json_set(o, "max", hi);
    bti_json_set_int(o, "distinct", distinct);
    return o;
}

static bti_json *split_json(const survey *v, bti_split split, int64_t *count)
{
    const bti_samples *in = &v->source.split[split];
    bti_json *o = bti_json_object(), *per_class = bti_json_array();
    int64_t n = 0, lo = INT64_MAX, hi = 0;
    memset(count, 0, (size_t)v->source.classes * sizeof(*count));
    for (int64_t i = v->first[split]; i < v->first[split + 1]; i++) {
        if (v->all[i].c) {
            count[in->label[v->all[i].index]]++;
            n++;
        }
    }
    for (int c = 0; c < v->source.classes; c++) {
        bti_json_append(per_class, bti_json_int(count[c]));
        lo = count[c] < lo ? count[c] : lo;
        hi = count[c] > hi ? count[c] : hi;
    }
    bti_json_set_str(o, "name", bti_split_name[split]);
    bti_json_set_int(o, "n", n);
    bti_json_set(o, "per_class", per_class);
    bti_json_set_num(o, "balance", hi ? (double)lo / (double)hi : 0.0);
    return o;
}

static bti_json *class_json(const survey *v, int c, const int64_t *count, double balanced_weight)
{
    bti_json *o = bti_json_object();
    bti_json_set_str(o, "class", v->source.class_name[c]);
    bti_json_set_int(o, "n", count[c]);
    bti_json_set_num(o, "balanced_weight", balanced_weight);
    return o;
}

/* How unequal the training classes are, and what to do about it. Logit adjustment is recommended:
 * it is the one that is consistent for balanced accuracy (Menon et al., ICLR 2021), and an epoch
 * stays what it was. Null with fewer than two classes that have images. */
static bti_json *imbalance_json(const survey *v, const int64_t *count)
{
    int most = -1, least = -1, present = 0;
    int64_t all = 0;
    for (int c = 0; c < v->source.classes; c++) {
        if (!count[c])
            continue;
        present++;
        all += count[c];
        most = most < 0 || count[c] > count[most] ? c : most;
        least = least < 0 || count[c] < count[least] ? c : least;
    }
    if (present < 2)
        return bti_json_null();
    double ratio = (double)count[most] / (double)count[least], share = (double)all / present;
    bti_json *o = bti_json_object();
    bti_json_set_num(o, "ratio", ratio);
    bti_json_set(o, "largest", class_json(v, most, count, share / (double)count[most]));
    bti_json_set(o, "smallest", class_json(v, least, count, share / (double)count[least]));
    bti_json_set_num(o, "logit_gap", log(ratio));
    bti_json_set(o, "recommended",
                 ratio >= UNEQUAL ? bti_json_str("logit_adjustment: 1") : bti_json_null());
    return o;
}

/* Readable images first; then by size, pixels, split and place: equal images become neighbours. */
static int by_content(const void *x, const void *y)
{
    const sample *a = x, *b = y;
    int d = !a->c - !b->c;
    d = d ? d : (a->w > b->w) - (a->w < b->w);
    d = d ? d : (a->h > b->h) - (a->h < b->h);
    d = d ? d : a->c - b->c;
    d = d ? d : memcmp(a->hash, b->hash, sizeof(a->hash));
    d = d ? d : (int)a->split - (int)b->split;
    return d ? d : (a->index > b->index) - (a->index < b->index);
}

static bool same_image(const sample *a, const sample *b)
{
    return a->c && a->c == b->c && a->w == b->w && a->h == b->h &&
           !memcmp(a->hash, b->hash, sizeof(a->hash));
}

/* Images of `later` that are also in `earlier`; with both the same split, second and further
 * copies. */
typedef struct overlap {
    int64_t count;
    bti_json *examples; /* pairs of names */
} overlap;

static void add_pair(overlap *o, const survey *v, const sample *a, const sample *b)
{
    char name[NAME_CAP];
    if (o->count++ >= EXAMPLES)
        return;
    const sample *both[2] = {a, b};
    bti_json *pair = bti_json_array();
    for (int i = 0; i < 2; i++) {
        v->source.reader->sample_name(&v->source, both[i]->split, both[i]->index, name,
                                      sizeof(name));
        bti_json_append(pair, bti_json_str(name));
    }
    bti_json_append(o->examples, pair);
}

static overlap find_overlap(const survey *v, bti_split earlier, bti_split later)
{
    overlap o = {.examples = bti_json_array()};
    const sample *seen = NULL; /* first image of the present group that lies in `earlier` */
    for (int64_t i = 0; i < v->n; i++) {
        const sample *s = &v->all[i];
        if (!s->c)
            break;
        if (i == 0 || !same_image(s, s - 1))
            seen = NULL;
        if (seen && s->split == later)
            add_pair(&o, v, seen, s);
        if (!seen && s->split == earlier)
            seen = s;
    }
    return o;
}

/* `all` must be sorted. */
static void set_overlaps(bti_json *out, const survey *v)
{
    bti_json *leakage = bti_json_array(), *within = bti_json_object();
    for (int a = 0; a < BTI_SPLITS; a++) {
        for (int b = a; b < BTI_SPLITS; b++) {
            overlap o = find_overlap(v, (bti_split)a, (bti_split)b);
            if (!o.count) {
                bti_json_free(o.examples);
                continue;
            }
            bti_json *j = bti_json_object();
            if (a != b) {
                bti_json *splits = bti_json_array();
                bti_json_append(splits, bti_json_str(bti_split_name[a]));
                bti_json_append(splits, bti_json_str(bti_split_name[b]));
                bti_json_set(j, "splits", splits);
            }
            bti_json_set_int(j, "count", o.count);
            bti_json_set(j, "examples", o.examples);
            if (a != b)
                bti_json_append(leakage, j);
            else
                bti_json_set(within, bti_split_name[a], j);
        }
    }
    bti_json_set(out, "leakage", leakage);
    bti_json_set(out, "duplicates_within", within);
}

static bti_json *unreadable_json(const survey *v)
{
    char name[NAME_CAP];
    bti_json *list = bti_json_array();
    for (int64_t i = 0; i < v->n; i++) {
        const sample *s = &v->all[i];
        if (s->c)
            continue;
        bti_json *o = bti_json_object();
        v->source.reader->sample_name(&v->source, s->split, s->index, name, sizeof(name));
        bti_json_set_str(o, "path", name);
        bti_json_set_str(o, "reason", s->reason);
        bti_json_append(list, o);
    }
    return list;
}

/* As bti_data_open decides it: the test split has no say. */
static int channels(const survey *v)
{
    for (int64_t i = 0; i < v->first[BTI_TEST]; i++) {
        if (v->all[i].c == 3)
            return 3;
    }
    return 1;
}

/* {"regex", "n", "largest", "across": [{"splits": [a, b], "count"}]} */
static bt_status set_groups(bti_json *out, survey *v, const char *regex, bt_error *err)
{
    bti_group_count n;
    bt_status rc = bti_group_count_splits(&n, &v->source, regex, err);
    if (rc)
        return rc;
    bti_json *o = bti_json_object(), *across = bti_json_array();
    bti_json_set_str(o, "regex", regex);
    bti_json_set_int(o, "n", n.groups);
    bti_json_set_int(o, "largest", n.largest);
    for (int a = 0; a < BTI_SPLITS; a++)
        for (int b = a + 1; b < BTI_SPLITS; b++) {
            if (!n.across[a][b])
                continue;
            bti_json *one = bti_json_object(), *splits = bti_json_array();
            bti_json_append(splits, bti_json_str(bti_split_name[a]));
            bti_json_append(splits, bti_json_str(bti_split_name[b]));
            bti_json_set(one, "splits", splits);
            bti_json_set_int(one, "count", n.across[a][b]);
            bti_json_append(across, one);
        }
    bti_json_set(o, "across", across);
    bti_json_set(out, "groups", o);
    return BT_OK;
}

static bt_status to_json(char **text, survey *v, const char *data, const char *group_by,
                         bt_error *err)
{
    int64_t *count = bti_array((size_t)v->source.classes, sizeof(*count));
    if (!count)
        return bti_fail_nomem(err);
    bti_json *o = bti_json_object(), *classes = bti_json_array(), *splits = bti_json_array();
    bti_json_set_str(o, "data", data);
    bti_json_set_str(o, "reader", v->source.reader->name);
    for (int i = 0; i < v->source.classes; i++)
        bti_json_append(classes, bti_json_str(v->source.class_name[i]));
    bti_json_set(o, "classes", classes);
    bti_json_set_int(o, "channels", channels(v));
    for (int i = 0; i < BTI_SPLITS; i++) {
        if (v->source.split[i].present)
            bti_json_append(splits, split_json(v, (bti_split)i, count));
        if (i == BTI_TRAIN)
            bti_json_set(o, "imbalance", imbalance_json(v, count));
    }
    bti_json *unreadable = unreadable_json(v); /* in the order of the files, so before sorting */
    qsort(v->all, (size_t)v->n, sizeof(sample), by_content);
    bti_json_set(o, "sizes", sizes_json(v));
    bti_json_set(o, "splits", splits);
    bti_json_set(o, "unreadable", unreadable);
    set_overlaps(o, v);
    bt_status rc = group_by ? set_groups(o, v, group_by, err) : BT_OK;
    *text = rc ? NULL : bti_json_text(o, 2);
    bti_json_free(o);
    bti_free(count);
    return rc || *text ? rc : bti_fail_nomem(err);
}

bt_status bt_data_info(char **json, const char *data, const bt_data_options *opt, bt_error *err)
{
    survey v = {.opt = opt};
    *json = NULL;
    bt_status rc = opt->group_by ? bti_group_check(opt->group_by, err) : BT_OK;
    if (!rc)
        rc = bti_source_open(&v.source, data, opt, NULL, err);
    for (int i = 0; i < BTI_SPLITS && !rc; i++)
        rc = read_split(&v, (bti_split)i, err);
    const bti_samples *train = &v.source.split[BTI_TRAIN];
    if (!rc)
        rc = bti_classes_warn(v.source.class_name, v.source.classes, train->label, train->n,
                              &opt->progress, err);
    if (!rc)
        rc = to_json(json, &v, data, opt->group_by, err);
    for (int64_t i = 0; i < v.n; i++)
        bti_free(v.all[i].reason);
    bti_free(v.all);
    bti_source_close(&v.source);
    return rc;
}
