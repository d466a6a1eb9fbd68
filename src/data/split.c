/* SPDX-License-Identifier: Apache-2.0
 *
 * Which samples train and which validate: stratified, seeded, exact.
 *
 * Each class is shuffled once by address (seed, class); a choice takes a prefix of that order, so a
 * larger subset contains the smaller one of the same seed. How many a class gives: its proportional
 * share, whole parts first, then one each by largest remainder (ties: lower class first), in
 * integers.
 */
#include "data/dataset.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/str.h"

#include <inttypes.h>
#include <math.h>

#define VAL_MIN 2000 /* fewer validation images make a front luck */

enum { SLOT_SUBSET, SLOT_VAL }; /* address space of the two choices */

void bti_view_release(bti_view *v)
{
    if (!v)
        return;
    bti_free(v->index);
    *v = (bti_view){0};
}

static bt_status view_new(bti_view *out, const bti_dataset *set, int64_t n, bt_error *err)
{
    *out = (bti_view){.set = set, .n = n};
    out->index = bti_array((size_t)n, sizeof(int32_t));
    return out->index ? BT_OK : bti_fail_nomem(err);
}

bt_status bti_view_all(bti_view *out, const bti_dataset *set, bt_error *err)
{
    if (set->n > INT32_MAX)
        return bti_fail(err, BT_NOSUPP, NULL, "%" PRId64 " samples are more than a view can index",
                        set->n);
    bt_status rc = view_new(out, set, set->n, err);
    for (int64_t i = 0; !rc && i < set->n; i++)
        out->index[i] = (int32_t)i;
    return rc;
}

/* The samples of a view by class: order[start[c] .. start[c + 1]) are positions in the view,
 * ascending. */
typedef struct by_class {
    int classes;
    int64_t *start; /* classes + 1 */
    int32_t *order;
} by_class;

static void by_class_release(by_class *b)
{
    bti_free(b->start);
    bti_free(b->order);
    *b = (by_class){0};
}

static bt_status by_class_make(by_class *b, const bti_view *v, bt_error *err)
{
    int classes = v->set->classes;
    const int32_t *label = v->set->labels;
    *b = (by_class){.classes = classes};
    b->start = bti_calloc((size_t)classes + 2, sizeof(int64_t));
    b->order = bti_array((size_t)v->n, sizeof(int32_t));
    if (!b->start || !b->order) {
        by_class_release(b);
        return bti_fail_nomem(err);
    }
    /* Counting sort; start is kept one place ahead while it fills. */
    for (int64_t i = 0; i < v->n; i++)
        b->start[label[v->index[i]] + 2]++;
    for (int c = 2; c <= classes; c++)
        b->start[c] += b->start[c - 1];
    for (int64_t i = 0; i < v->n; i++)
        b->order[b->start[label[v->index[i]] + 1]++] = (int32_t)i;
    return BT_OK;
}

static int64_t class_size(const by_class *b, int c)
{
    return b->start[c + 1] - b->start[c];
}

/* quota[c] = k * size[c] / n rounded by largest remainder; at most size[c] - keep of each class. */
static bt_status allocate(int64_t *quota, const by_class *b, int64_t n, int64_t k, int keep,
                          bt_error *err)
{
    int64_t *rest = bti_array((size_t)b->classes, sizeof(*rest));
    if (!rest)
        return bti_fail_nomem(err);
    int64_t left = k;
    for (int c = 0; c < b->classes; c++) {
        quota[c] = k * class_size(b, c) / n;
        rest[c] = k * class_size(b, c) % n;
        left -= quota[c];
    }
    while (left > 0) {
        int best = -1;
        for (int c = 0; c < b->classes; c++) {
            if (quota[c] < class_size(b, c) - keep && (best < 0 || rest[c] > rest[best]))
                best = c;
        }
        if (best < 0)
            break; /* every class is at its limit */
        quota[best]++;
        rest[best] -= n; /* asked again only after all others */
        left--;
    }
    bti_free(rest);
    return BT_OK;
}

/* The positions that `mark` says (or does not say), as a view. */
static bt_status pick(bti_view *out, const bti_view *from, const uint8_t *mark, uint8_t which,
                      bt_error *err)
{
    int64_t n = 0;
    for (int64_t i = 0; i < from->n; i++)
        n += mark[i] == which;
    bt_status rc = view_new(out, from->set, n, err);
    if (rc)
        return rc;
    n = 0;
    for (int64_t i = 0; i < from->n; i++) {
        if (mark[i] == which)
            out->index[n++] = from->index[i];
    }
    return BT_OK;
}

/* Marks k samples of `from`, stratified. */
static bt_status mark_stratified(uint8_t *mark, const bti_view *from, int64_t k, int keep,
                                 uint64_t seed, uint32_t slot, bt_error *err)
{
    by_class b;
    bt_status rc = by_class_make(&b, from, err);
    if (rc)
        return rc;
    int64_t *quota = bti_array((size_t)b.classes, sizeof(*quota));
    rc = quota ? allocate(quota, &b, from->n, k, keep, err) : bti_fail_nomem(err);
    for (int c = 0; c < b.classes && !rc; c++) {
        int32_t *order = b.order + b.start[c];
        bti_rng rng = bti_rng_at(seed, BTI_RNG_SPLIT, 0, (uint32_t)c, slot);
        bti_rng_shuffle(&rng, order, (size_t)class_size(&b, c));
        for (int64_t i = 0; i < quota[c]; i++)
            mark[order[i]] = 1;
    }
    bti_free(quota);
    by_class_release(&b);
    return rc;
}

static bt_status mark_first(uint8_t *mark, const bti_view *from, int64_t k, bt_error *err)
{
    by_class b;
    bt_status rc = by_class_make(&b, from, err);
    if (rc)
        return rc;
    for (int c = 0; c < b.classes; c++) {
        for (int64_t i = 0; i < k && i < class_size(&b, c); i++)
            mark[b.order[b.start[c] + i]] = 1;
    }
    by_class_release(&b);
    return BT_OK;
}

/* "20%", "0.2" or a count: how many of n; false if it is none of these. 0 is a count. */
static bool parse_share(const char *text, int64_t n, int64_t *out)
{
    char number[32];
    double v;
    size_t len = strlen(text);
    if (len == 0 || len >= sizeof(number))
        return false;
    bool percent = text[len - 1] == '%';
    memcpy(number, text, len + 1);
    if (percent)
        number[len - 1] = 0;
    if (!percent && !strchr(text, '.'))
        return bti_parse_count(text, out) && *out >= 0;
    if (!bti_parse_double(number, &v))
        return percent ? false : bti_parse_count(text, out); /* "1.5k" */
    v = percent ? v / 100.0 : v;
    if (!(v >= 0.0 && v <= 1.0))
        return false;
    *out = llround(v * (double)n);
    return true;
}

static bt_status check_every_class(const bti_data *d, const bti_view *v, const char *option,
                                   const char *text, bt_error *err)
{
    by_class b;
    bt_status rc = by_class_make(&b, v, err);
    if (rc)
        return rc;
    for (int c = 0; c < b.classes && !rc; c++) {
        if (class_size(&b, c) == 0)
            rc = bti_fail(
                err, BT_INVAL, option,
                "\"%s\" leaves the class \"%s\" without a training sample; at least one each "
                "is needed",
                text, d->class_names[c]);
    }
    by_class_release(&b);
    return rc;
}

static bt_status choose_subset(bti_view *out, const bti_data *d, const char *text, uint64_t seed,
                               bt_error *err)
{
    static const char first[] = "first:";
    bti_view all = {0};
    int64_t k;
    if (!text || !*text)
        return bti_view_all(out, &d->train, err);
    bool by_name = bti_has_prefix(text, first);
    bool ok =
        by_name ? bti_parse_count(text + sizeof(first) - 1, &k) : parse_share(text, d->train.n, &k);
    if (!ok || k < 1)
        return bti_fail(
            err, BT_INVAL, "subset",
            "\"%s\" is not a subset; expected a count (10000), a share (20%%) or first:1000", text);
    if (!by_name && k > d->train.n)
        return bti_fail(err, BT_INVAL, "subset",
                        "\"%s\" is more than the %" PRId64 " training images", text, d->train.n);
    bt_status rc = bti_view_all(&all, &d->train, err);
    if (rc)
        return rc;
    uint8_t *mark = bti_calloc((size_t)all.n, 1);
    rc = !mark     ? bti_fail_nomem(err)
         : by_name ? mark_first(mark, &all, k, err)
                   : mark_stratified(mark, &all, k, 0, seed, SLOT_SUBSET, err);
    if (!rc)
        rc = pick(out, &all, mark, 1, err);
    if (!rc)
        rc = check_every_class(d, out, "subset", text, err);
    bti_free(mark);
    bti_view_release(&all);
    return rc;
}

/* max(10 %, 2000), at most 20 %. */
static int64_t auto_val(int64_t n)
{
    int64_t k = n / 10 > VAL_MIN ? n / 10 : VAL_MIN;
    return k < n / 5 ? k : n / 5;
}

/* Moves k samples of *train to *val. */
static bt_status take_val(bti_view *train, bti_view *val, int64_t k, uint64_t seed, bt_error *err)
{
    bti_view rest = {0};
    uint8_t *mark = bti_calloc((size_t)train->n, 1);
    if (!mark)
        return bti_fail_nomem(err);
    bt_status rc = mark_stratified(mark, train, k, 1, seed, SLOT_VAL, err);
    if (!rc)
        rc = pick(val, train, mark, 1, err);
    if (!rc)
        rc = pick(&rest, train, mark, 0, err);
    if (!rc) {
        bti_view_release(train);
        *train = rest; /* ownership moves */
    }
    bti_free(mark);
    return rc;
}

static bt_status choose_val(const bti_data *d, bti_view *train, bti_view *val, const char *text,
                            uint64_t seed, bt_error *err)
{
    int64_t k;
    bool is_auto = !text || !*text || bti_streq(text, "auto");
    if (is_auto && d->val.n)
        return bti_view_all(val, &d->val, err);
    if (is_auto)
        k = auto_val(train->n);
    else if (!parse_share(text, train->n, &k))
        return bti_fail(
            err, BT_INVAL, "val",
            "\"%s\" is not a validation split; expected auto, 0, a share (10%% or 0.1) or a "
            "count",
            text);
    if (k == 0)
        return view_new(val, &d->train, 0, err);
    if (k > train->n - d->classes)
        return bti_fail(err, BT_INVAL, "val",
                        "\"%s\" takes %" PRId64 " of %" PRId64
                        " images: a class would have no training "
                        "sample",
                        text ? text : "auto", k, train->n);
    return take_val(train, val, k, seed, err);
}

bt_status bti_data_split(const bti_data *d, const char *subset, const char *val, uint64_t seed,
                         bti_view *train, bti_view *val_out, bt_error *err)
{
    *train = (bti_view){0};
    *val_out = (bti_view){0};
    bt_status rc = choose_subset(train, d, subset, seed, err);
    if (!rc)
        rc = choose_val(d, train, val_out, val, seed, err);
    if (rc) {
        bti_view_release(train);
        bti_view_release(val_out);
    }
    return rc;
}
