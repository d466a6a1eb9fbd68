/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader around another one: sample i of train or test is sample index[i] of the inner train.
 */
#include "data/part.h"

#include "base/alloc.h"
#include "base/error.h"
#include "data/holdout.h"
#include "data/names.h"

#include <math.h>

typedef struct part_state {
    bti_source inner;
    bti_reader reader; /* the outer functions under the inner name */
    double share;
    char *group_by; /* in the inner arena, or NULL */
    bool made;
    int64_t *index[BTI_SPLITS]; /* of train and test; NULL for val */
    int32_t *label[BTI_SPLITS];
} part_state;

static part_state *state_of(const bti_source *s)
{
    return s->state;
}

static bti_split inner_split(bti_split split)
{
    return split == BTI_TEST ? BTI_TRAIN : split;
}

static int64_t inner_index(const bti_source *s, bti_split split, int64_t i)
{
    const int64_t *index = state_of(s)->index[split];
    return index ? index[i] : i;
}

/* Groups of the inner train; *group is yours. */
static bt_status make_groups(const part_state *p, int32_t **group, bt_error *err)
{
    bti_arena arena = {0};
    bti_group_list list = {0};
    int64_t n = p->inner.split[BTI_TRAIN].n;
    char **name = bti_array((size_t)n + 1, sizeof(*name));
    *group = bti_array((size_t)n + 1, sizeof(**group));
    bt_status rc = name && *group ? BT_OK : bti_fail_nomem(err);
    if (!rc)
        rc = bti_names_kept(name, n, &arena, &p->inner, BTI_TRAIN, NULL, err);
    if (!rc)
        rc = bti_group_list_add(&list, p->group_by, name, n, err);
    if (!rc)
        rc = bti_group_list_ids(&list, *group, err);
    bti_group_list_release(&list);
    bti_arena_release(&arena);
    bti_free(name);
    return rc;
}

/* The samples with mark `which` become a split of the outer source. */
static bt_status take(bti_source *s, bti_split split, const uint8_t *mark, uint8_t which,
                      bt_error *err)
{
    part_state *p = state_of(s);
    const bti_samples *all = &p->inner.split[BTI_TRAIN];
    int64_t n = 0;
    p->index[split] = bti_array((size_t)all->n + 1, sizeof(int64_t));
    p->label[split] = bti_array((size_t)all->n + 1, sizeof(int32_t));
    if (!p->index[split] || !p->label[split])
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < all->n; i++) {
        if (mark[i] != which)
            continue;
        p->index[split][n] = i;
        p->label[split][n++] = all->label[i];
    }
    s->split[split] = (bti_samples){.present = true, .n = n, .label = p->label[split]};
    if (!n)
        return bti_fail(err, BT_INVAL, "group_by",
                        "no group can be set aside as test without taking all of a class; smaller "
                        "groups are needed, or a test folder");
    return BT_OK;
}

static bt_status make_parts(bti_source *s, bt_error *err)
{
    part_state *p = state_of(s);
    const bti_samples *all = &p->inner.split[BTI_TRAIN];
    int32_t *group = NULL;
    int64_t k = llround(p->share * (double)all->n);
    uint8_t *mark = bti_calloc((size_t)all->n + 1, 1);
    bt_status rc = mark ? BT_OK : bti_fail_nomem(err);
    if (!rc && p->group_by)
        rc = make_groups(p, &group, err);
    const bti_pool pool = {all->n, p->inner.classes, all->label, group};
    k = k > BTI_PART_MOST ? BTI_PART_MOST : k > 1 ? k : 1;
    if (!rc)
        rc = bti_hold_out(mark, &pool, k, 1, 0, BTI_HOLD_TEST, err);
    if (!rc)
        rc = take(s, BTI_TRAIN, mark, 0, err);
    if (!rc)
        rc = take(s, BTI_TEST, mark, 1, err);
    p->made = !rc;
    bti_free(group);
    bti_free(mark);
    return rc;
}

/* ---- the reader's functions ---- */
static bt_status part_load(bti_source *s, bti_split split, bt_error *err)
{
    part_state *p = state_of(s);
    bt_status rc = p->inner.reader->load(&p->inner, inner_split(split), err);
    if (rc)
        return rc;
    s->classes = p->inner.classes;
    s->class_name = p->inner.class_name;
    if (split == BTI_VAL)
        s->split[BTI_VAL] = p->inner.split[BTI_VAL];
    else if (!p->made)
        rc = make_parts(s, err);
    return rc;
}

static void part_unload(bti_source *s, bti_split split)
{
    part_state *p = state_of(s);
    p->inner.reader->unload(&p->inner, inner_split(split));
}

static void part_path(const bti_source *s, bti_split split, int64_t i, char *buf, size_t cap)
{
    const bti_source *inner = &state_of(s)->inner;
    inner->reader->path(inner, inner_split(split), inner_index(s, split, i), buf, cap);
}

static bt_status part_probe(const bti_source *s, bti_split split, int64_t i, int *w, int *h, int *c,
                            bt_error *err)
{
    const bti_source *inner = &state_of(s)->inner;
    return inner->reader->probe(inner, inner_split(split), inner_index(s, split, i), w, h, c, err);
}

static bt_status part_decode(const bti_source *s, bti_split split, int64_t i, bti_image *out,
                             bt_error *err)
{
    const bti_source *inner = &state_of(s)->inner;
    return inner->reader->decode(inner, inner_split(split), inner_index(s, split, i), out, err);
}

static void part_sample_name(const bti_source *s, bti_split split, int64_t i, char *buf, size_t cap)
{
    const bti_source *inner = &state_of(s)->inner;
    inner->reader->sample_name(inner, inner_split(split), inner_index(s, split, i), buf, cap);
}

static void part_close(bti_source *s)
{
    part_state *p = state_of(s);
    for (int i = 0; i < BTI_SPLITS; i++) {
        bti_free(p->index[i]);
        bti_free(p->label[i]);
    }
    bti_source_close(&p->inner);
    bti_free(p);
    s->state = NULL;
}

/* What is inside depends on the rule: another rule is other data. */
static void mark_rule(char mark[BTI_HASH_HEX], const bti_part_rule *rule)
{
    char text[BTI_HASH_HEX + 64], groups[BTI_HASH_HEX] = "";
    if (rule->group_by)
        bti_hash_buffer(rule->group_by, strlen(rule->group_by), groups);
    int n = snprintf(text, sizeof(text), "%s/part-1/%g/%s", mark, rule->share, groups);
    bti_hash_buffer(text, (size_t)n, mark);
}

bt_status bti_source_part(bti_source *s, const bti_part_rule *rule, bti_source_marks *marks,
                          bt_error *err)
{
    part_state *p = bti_calloc(1, sizeof(*p));
    if (!p)
        return bti_fail_nomem(err);
    *p = (part_state){.inner = *s, .share = rule->share};
    p->reader = (bti_reader){.name = s->reader->name,
                             .prepared = s->reader->prepared,
                             .close = part_close,
                             .load = part_load,
                             .unload = part_unload,
                             .path = s->reader->path ? part_path : NULL,
                             .probe = part_probe,
                             .decode = part_decode,
                             .sample_name = part_sample_name};
    *s = (bti_source){.reader = &p->reader,
                      .path = p->inner.path,
                      .classes = p->inner.classes,
                      .class_name = p->inner.class_name,
                      .state = p};
    s->split[BTI_TRAIN] = p->inner.split[BTI_TRAIN]; /* until load */
    s->split[BTI_VAL] = p->inner.split[BTI_VAL];
    s->split[BTI_TEST] = (bti_samples){.present = true};
    if (rule->group_by) {
        p->group_by = bti_arena_strdup(&p->inner.arena, rule->group_by);
        if (!p->group_by)
            return bti_fail_nomem(err);
    }
    mark_rule(marks->train, rule);
    mark_rule(marks->test, rule);
    return BT_OK;
}
