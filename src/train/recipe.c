/* SPDX-License-Identifier: Apache-2.0
 *
 * Recipe keys from text. One table, made from recipe.def, serves options, files and programs; names
 * of schedules, optimisers and policies are asked from their own tables.
 */
#include "train/recipe.h"

#include "augment/augment.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "base/yaml.h"
#include "train/imbalance.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include <ctype.h>

typedef enum key_type { TYPE_INT, TYPE_REAL, TYPE_BOOL, TYPE_TEXT } key_type;

typedef struct key_row {
    const char *key;
    key_type type;
    size_t offset, size; /* of the field in bt_recipe */
    double lo, hi;
} key_row;

static const key_row rows[] = {
#define RECIPE(type, key, def, lo, hi, unit, help)                                                 \
    {#key, TYPE_##type, offsetof(bt_recipe, key), sizeof(((bt_recipe *)0)->key), lo, hi},
#include "train/recipe.def"
#undef RECIPE
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* Keys of a recipe file that are not the recipe's own. */
static const char *const other_keys[] = {"subset", "val", "seed", "threads"};
#define N_OTHER (sizeof(other_keys) / sizeof(other_keys[0]))

bt_recipe bt_recipe_defaults(void)
{
    return (bt_recipe){
#define RECIPE(type, key, def, lo, hi, unit, help) .key = def,
#include "train/recipe.def"
#undef RECIPE
    };
}

static const key_row *find_row(const char *key)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (bti_streq(rows[i].key, key))
            return &rows[i];
    }
    return NULL;
}

static bt_status unknown_key(const char *key, const char *where, int line, bt_error *err)
{
    const char *names[N_ROWS + N_OTHER + 1];
    size_t n = 0;

    for (size_t i = 0; i < N_ROWS; i++)
        names[n++] = rows[i].key;
    for (size_t i = 0; i < N_OTHER; i++)
        names[n++] = other_keys[i];
    names[n] = NULL;
    if (bti_streq(key, "DATA_PATH") || bti_streq(key, "DATASET"))
        return bti_fail_at(err, BT_INVAL, where, line,
                           "%s is a key of a data file: give the file to --data", key);
    const char *near = bti_nearest(key, names);
    return bti_fail_at(err, BT_INVAL, where, line, "unknown recipe key '%s'%s%s%s", key,
                       near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bt_status check_either(const char *value, const char *one, const char *other, bt_error *err)
{
    if (bti_streq(value, one) || bti_streq(value, other))
        return BT_OK;
    return bti_fail(err, BT_INVAL, NULL, "'%s' is neither %s nor %s", value, one, other);
}

/* Is the text of a TEXT key one that training will understand? */
static bt_status check_text(const char *key, const char *value, bt_error *err)
{
    bti_policy *policy;
    const bti_optimizer_ops *optimizer;
    bti_schedule schedule;

    if (bti_streq(key, "schedule"))
        return bti_schedule_parse(&schedule, value, err);
    if (bti_streq(key, "decay"))
        return check_either(value, "all", "weights", err);
    if (bti_streq(key, "class_weights"))
        return bti_class_weights_check(value, err);
    if (bti_streq(key, "sampling"))
        return bti_sampling_check(value, err);
    if (bti_streq(key, "optimizer"))
        return bti_optimizer_find(&optimizer, value, err);
    bt_status rc = bti_policy_parse(&policy, value, err);
    if (!rc)
        bti_policy_free(policy);
    return rc;
}

/* A recipe keeps what a policy file says, not its name: it must mean the same elsewhere. */
static bt_status resolve_policy(char *text, size_t cap, bt_error *err)
{
    bti_policy *policy;
    size_t n = strlen(text);

    if (!bti_has_suffix_nocase(text, ".yaml") && !bti_has_suffix_nocase(text, ".yml"))
        return BT_OK;
    bt_status rc = bti_policy_parse(&policy, text, err);
    if (rc)
        return rc;
    char *canonical = bti_policy_text(policy);
    bti_policy_free(policy);
    if (!canonical)
        return bti_fail_nomem(err);
    n = strlen(canonical);
    if (n < cap)
        memcpy(text, canonical, n + 1);
    bti_free(canonical);
    return n < cap
               ? BT_OK
               : bti_fail(err, BT_INVAL, text, "the policy is longer than %zu characters", cap - 1);
}

static bt_status set_text(char *field, const key_row *row, const char *value, const char *where,
                          int line, bt_error *err)
{
    bt_error why = {0};
    char text[sizeof(((bt_recipe *)0)->augment)];

    if (strlen(value) >= row->size || strlen(value) >= sizeof(text))
        return bti_fail_at(err, BT_INVAL, where, line, "%s is longer than %zu characters", row->key,
                           row->size - 1);
    snprintf(text, sizeof(text), "%s", value);
    for (char *c = text; !bti_streq(row->key, "augment") && *c; c++)
        *c = (char)tolower((unsigned char)*c); /* Adam, OneCycle: as they are written elsewhere */
    if (bti_streq(row->key, "augment")) {
        bt_status failed = resolve_policy(text, row->size, err);
        if (failed)
            return failed;
    }
    bt_status rc = check_text(row->key, text, &why);
    if (rc == BT_INVAL)
        return bti_fail_at(err, rc, where, line, "%s: %s", row->key, why.text);
    if (rc)
        return bti_fail_nomem(err);
    snprintf(field, row->size, "%s", text);
    return BT_OK;
}

static bt_status bad_value(const key_row *row, const char *value, const char *where, int line,
                           bt_error *err)
{
    static const char *const kind[] = {"a whole number", "a number", "true or false", "a text"};
    if (row->type == TYPE_BOOL)
        return bti_fail_at(err, BT_INVAL, where, line, "%s: '%s' is not true or false", row->key,
                           value);
    return bti_fail_at(err, BT_INVAL, where, line, "%s: '%s' is not %s from %g to %g", row->key,
                       value, kind[row->type], row->lo, row->hi);
}

bt_status bt_recipe_set(bt_recipe *r, const char *key, const char *value, const char *where,
                        int line, bt_error *err)
{
    const key_row *row = find_row(key);
    int64_t whole;
    double real;
    bool flag;

    if (!row)
        return unknown_key(key, where, line, err);
    char *field = (char *)r + row->offset;
    switch (row->type) {
    case TYPE_INT:
        if (!bti_parse_int(value, (int64_t)row->lo, (int64_t)row->hi, &whole))
            return bad_value(row, value, where, line, err);
        *(int *)(void *)field = (int)whole;
        return BT_OK;
    case TYPE_REAL:
        if (!bti_parse_double(value, &real) || real < row->lo || real > row->hi)
            return bad_value(row, value, where, line, err);
        *(double *)(void *)field = real;
        return BT_OK;
    case TYPE_BOOL:
        if (!bti_parse_bool(value, &flag))
            return bad_value(row, value, where, line, err);
        *(bool *)(void *)field = flag;
        return BT_OK;
    case TYPE_TEXT:
        break;
    }
    return set_text(field, row, value, where, line, err);
}

static bool is_other(const char *key)
{
    for (size_t i = 0; i < N_OTHER; i++) {
        if (bti_streq(other_keys[i], key))
            return true;
    }
    return false;
}

bt_status bt_recipe_load(bt_recipe *r, const char *path,
                         bt_status (*other)(void *user, const char *key, const char *value,
                                            int line, bt_error *err),
                         void *user, bt_error *err)
{
    bti_arena arena = {0};
    const bti_yaml *doc;
    bt_status rc = bti_yaml_read(&doc, &arena, path, err);

    if (!rc && doc->kind != BTI_YAML_MAP)
        rc = bti_fail_at(err, BT_FORMAT, path, doc->line,
                         "expected a mapping of recipe keys, such as 'epochs: 15'");
    for (int i = 0; !rc && i < doc->n; i++) {
        const bti_yaml *value = doc->child[i];
        if (value->kind != BTI_YAML_SCALAR)
            rc = bti_fail_at(err, BT_FORMAT, path, value->line,
                             "%s: expected one value, not a list", doc->key[i]);
        else if (!is_other(doc->key[i]))
            rc = bt_recipe_set(r, doc->key[i], value->text, path, doc->key_line[i], err);
        else if (other)
            rc = other(user, doc->key[i], value->text, doc->key_line[i], err);
    }
    bti_arena_release(&arena);
    return rc;
}

bt_status bti_recipe_check(const bt_recipe *r, bt_error *err)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        const key_row *row = &rows[i];
        const char *field = (const char *)r + row->offset;
        double v = 0;
        bt_status rc = BT_OK;
        if (row->type == TYPE_INT)
            v = *(const int *)(const void *)field;
        else if (row->type == TYPE_REAL)
            v = *(const double *)(const void *)field;
        else if (row->type == TYPE_TEXT)
            rc = check_text(row->key, field, err);
        if (rc)
            return rc;
        if (!(v >= row->lo && v <= row->hi))
            return bti_fail(err, BT_INVAL, "recipe", "%s: %g is not from %g to %g", row->key, v,
                            row->lo, row->hi);
    }
    return BT_OK;
}

bti_json *bti_recipe_json(const bt_recipe *r)
{
    bti_json *o = bti_json_object();

    for (size_t i = 0; i < N_ROWS; i++) {
        const key_row *row = &rows[i];
        const char *field = (const char *)r + row->offset;
        switch (row->type) {
        case TYPE_INT:
            bti_json_set_int(o, row->key, *(const int *)(const void *)field);
            break;
        case TYPE_REAL:
            bti_json_set_num(o, row->key, *(const double *)(const void *)field);
            break;
        case TYPE_BOOL:
            bti_json_set_bool(o, row->key, *(const bool *)(const void *)field);
            break;
        case TYPE_TEXT:
            bti_json_set_str(o, row->key, field);
            break;
        }
    }
    return o;
}
