/* SPDX-License-Identifier: Apache-2.0
 *
 * Sample names and the groups that a regular expression makes of them.
 */
#include "data/names.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"

#include <inttypes.h>
#include <regex.h>

#define NAME_CAP 4096

bt_status bti_names_kept(char **name, int64_t n, bti_arena *arena, const bti_source *s,
                         bti_split split, const bti_json *manifest, bt_error *err)
{
    const bti_json *part = bti_json_get(bti_json_get(manifest, "splits"), bti_split_name[split]);
    const bti_json *skipped = bti_json_get(part, "skipped");
    char text[NAME_CAP];
    int64_t kept = 0;
    size_t next = 0; /* the list is in the order of the samples */
    for (int64_t i = 0; i < s->split[split].n; i++) {
        s->reader->sample_name(s, split, i, text, sizeof(text));
        const char *gone = bti_json_as_str(bti_json_get(bti_json_at(skipped, next), "path"), NULL);
        if (gone && bti_streq(gone, text)) {
            next++;
            continue;
        }
        if (kept < n && !(name[kept] = bti_arena_strdup(arena, text)))
            return bti_fail_nomem(err);
        kept++;
    }
    if (kept != n)
        return bti_fail(err, BT_FORMAT, s->path,
                        "%s has %" PRId64 " readable images where the cache has %" PRId64,
                        bti_split_name[split], kept, n);
    return BT_OK;
}

static bt_status compile(regex_t *re, const char *regex, bt_error *err)
{
    char why[128];
    int rc = regcomp(re, regex, REG_EXTENDED);
    if (!rc)
        return BT_OK;
    regerror(rc, re, why, sizeof(why));
    return bti_fail(err, BT_INVAL, "group_by", "'%s' is no extended regular expression (POSIX): %s",
                    regex, why);
}

bt_status bti_group_check(const char *regex, bt_error *err)
{
    regex_t re;
    bt_status rc = compile(&re, regex, err);
    if (!rc)
        regfree(&re);
    return rc;
}

/* The part of a name that makes its group; a key that no part can equal if it has none. */
static char *key_of(bti_arena *arena, const regex_t *re, const char *name, int64_t place)
{
    regmatch_t m[2];
    char alone[32];
    if (regexec(re, name, 2, m, 0)) {
        int n = snprintf(alone, sizeof(alone), "\n%" PRId64, place);
        return bti_arena_strndup(arena, alone, (size_t)n);
    }
    const regmatch_t *part = re->re_nsub && m[1].rm_so >= 0 ? &m[1] : &m[0];
    return bti_arena_strndup(arena, name + part->rm_so, (size_t)(part->rm_eo - part->rm_so));
}

bt_status bti_group_list_add(bti_group_list *l, const char *regex, char *const *name, int64_t n,
                             bt_error *err)
{
    regex_t re;
    bt_status rc = compile(&re, regex, err);
    if (rc)
        return rc;
    char **grown = bti_regrow(l->key, (size_t)(l->n + n) + 1, sizeof(*grown));
    if (grown)
        l->key = grown;
    else
        rc = bti_fail_nomem(err);
    for (int64_t i = 0; !rc && i < n; i++) {
        char *key = key_of(&l->arena, &re, name[i], l->n);
        if (key)
            l->key[l->n++] = key;
        else
            rc = bti_fail_nomem(err);
    }
    regfree(&re);
    return rc;
}

static int by_key(const void *a, const void *b, void *user)
{
    char *const *key = user;
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    int d = strcmp(key[x], key[y]);
    return d ? d : (x > y) - (x < y);
}

bt_status bti_group_list_ids(const bti_group_list *l, int32_t *id, bt_error *err)
{
    int32_t next = -1;
    int64_t *order = bti_array((size_t)l->n + 1, sizeof(*order));
    if (!order)
        return bti_fail_nomem(err);
    for (int64_t i = 0; i < l->n; i++)
        order[i] = i;
    if (l->n)
        qsort_r(order, (size_t)l->n, sizeof(*order), by_key, l->key);
    for (int64_t i = 0; i < l->n; i++) {
        if (i == 0 || !bti_streq(l->key[order[i]], l->key[order[i - 1]]))
            next++;
        id[order[i]] = next;
    }
    bti_free(order);
    return BT_OK;
}

void bti_group_list_release(bti_group_list *l)
{
    bti_free(l->key);
    bti_arena_release(&l->arena);
    *l = (bti_group_list){0};
}

/* ---- groups over splits ---- */
static bt_status list_split(bti_group_list *l, bti_source *s, bti_split split, const char *regex,
                            bt_error *err)
{
    bti_arena arena = {0};
    bt_status rc = s->reader->load(s, split, err);
    int64_t n = s->split[split].n;
    char **name = bti_array((size_t)n + 1, sizeof(*name));
    if (!rc && !name)
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = bti_names_kept(name, n, &arena, s, split, NULL, err);
    if (!rc)
        rc = bti_group_list_add(l, regex, name, n, err);
    bti_arena_release(&arena);
    bti_free(name);
    return rc;
}

static void count_groups(bti_group_count *out, const int32_t *id, const int64_t *end,
                         int64_t (*in)[BTI_SPLITS])
{
    for (int64_t i = 0, split = 0; i < end[BTI_SPLITS - 1]; i++) {
        while (i >= end[split])
            split++;
        in[id[i]][split]++;
        out->groups = id[i] >= out->groups ? id[i] + 1 : out->groups;
    }
    for (int64_t g = 0; g < out->groups; g++) {
        int64_t all = in[g][BTI_TRAIN] + in[g][BTI_VAL] + in[g][BTI_TEST];
        out->largest = all > out->largest ? all : out->largest;
        for (int a = 0; a < BTI_SPLITS; a++)
            for (int b = a + 1; b < BTI_SPLITS; b++)
                out->across[a][b] += in[g][a] && in[g][b];
    }
}

bt_status bti_group_count_splits(bti_group_count *out, bti_source *s, const char *regex,
                                 bt_error *err)
{
    bti_group_list list = {0};
    int64_t end[BTI_SPLITS];
    bt_status rc = BT_OK;
    *out = (bti_group_count){0};
    for (int i = 0; i < BTI_SPLITS; i++) {
        if (!rc && s->split[i].present)
            rc = list_split(&list, s, (bti_split)i, regex, err);
        end[i] = list.n;
    }
    int32_t *id = bti_array((size_t)list.n + 1, sizeof(*id));
    int64_t(*in)[BTI_SPLITS] = bti_calloc((size_t)list.n + 1, sizeof(*in));
    if (!rc && (!id || !in))
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = bti_group_list_ids(&list, id, err);
    if (!rc)
        count_groups(out, id, end, in);
    bti_free(in);
    bti_free(id);
    bti_group_list_release(&list);
    return rc;
}
