/* SPDX-License-Identifier: Apache-2.0
 *
 * Which samples train and which validate: what the options mean; holdout.c chooses.
 */
#include "data/dataset.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "data/holdout.h"

#include <inttypes.h>
#include <math.h>

#define VAL_MIN 2000 /* fewer validation images make a front luck */

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

bt_status bti_view_pick(bti_view *out, const bti_view *from, const uint8_t *mark, uint8_t which,
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

/* Marks k samples of `from`, stratified; whole groups of them if `grouped`. */
static bt_status mark_stratified(uint8_t *mark, const bti_view *from, int64_t k, int keep,
                                 bool grouped, uint64_t seed, uint32_t slot, bt_error *err)
{
    const bti_dataset *set = from->set;
    grouped = grouped && set->group;
    int32_t *label = bti_array((size_t)from->n, sizeof(*label));
    int32_t *group = grouped ? bti_array((size_t)from->n, sizeof(*group)) : NULL;
    bt_status rc = label && (group || !grouped) ? BT_OK : bti_fail_nomem(err);
    for (int64_t i = 0; !rc && i < from->n; i++) {
        label[i] = set->labels[from->index[i]];
        if (grouped)
            group[i] = set->group[from->index[i]];
    }
    const bti_pool pool = {from->n, set->classes, label, group};
    if (!rc)
        rc = bti_hold_out(mark, &pool, k, keep, seed, slot, err);
    bti_free(label);
    bti_free(group);
    return rc;
}

static bt_status mark_first(uint8_t *mark, const bti_view *from, int64_t k, bt_error *err)
{
    int64_t *n = bti_calloc((size_t)from->set->classes, sizeof(*n));
    if (!n)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < from->n; i++)
        mark[i] = n[from->set->labels[from->index[i]]]++ < k;
    bti_free(n);
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
    int64_t *n = bti_calloc((size_t)d->classes, sizeof(*n));
    int empty = 0;
    if (!n)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < v->n; i++)
        n[v->set->labels[v->index[i]]]++;
    while (empty < d->classes && n[empty])
        empty++;
    bti_free(n);
    if (empty == d->classes)
        return BT_OK;
    return bti_fail(err, BT_INVAL, option,
                    "\"%s\" leaves the class \"%s\" without a training sample; at least one each "
                    "is needed",
                    text, d->class_names[empty]);
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
                   : mark_stratified(mark, &all, k, 0, false, seed, BTI_HOLD_SUBSET, err);
    if (!rc)
        rc = bti_view_pick(out, &all, mark, 1, err);
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
    bt_status rc = mark_stratified(mark, train, k, 1, true, seed, BTI_HOLD_VAL, err);
    if (!rc)
        rc = bti_view_pick(val, train, mark, 1, err);
    if (!rc && !val->n)
        rc = bti_fail(err, BT_INVAL, "group_by",
                      "no group can be held out for validation without taking all of a class; "
                      "smaller groups are needed");
    if (!rc)
        rc = bti_view_pick(&rest, train, mark, 0, err);
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
