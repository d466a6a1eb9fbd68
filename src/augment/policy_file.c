/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies as YAML: the same keys as the `augment:` section of a search space, with values instead
 * of domains, turned into policy text (augment.h), which is all that anybody keeps.
 *
 *   policy: autoaugment           # none, flip_crop, randaugment, trivialaugment, autoaugment, list
 *   autoaugment:                  # arguments of the policy; those of other policies are not read
 *     levels: 10
 *     fixed: [[[Invert, 0.1, 7], [Contrast, 0.2, 6]]]   # or policy: cifar10
 *   list: [Equalize, "Rotate:30,p=0.5", {ShearX: {value: 0.1, p: 0.5}}]
 *   flip: {p: 0.5}                # flip, crop, cutout and the mixes follow whatever the policy
 *   crop: {pad: 4}
 *   cutout: {p: 1, ratio: 0.5}
 *   mixup: {alpha: 0.2, p: 1}     # and cutmix, mosaic
 */
#include "augment/policy_int.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/yaml.h"

typedef struct builder {
    const char *where;
    bti_str text;
    bt_error *err;
} builder;

static const char *const policies[] = {"none",        "flip_crop", "randaugment", "trivialaugment",
                                       "autoaugment", "list",      NULL};
static const char *const followers[] = {"flip",   "crop",   "cutout", "mixup",
                                        "cutmix", "mosaic", NULL};
static const char *const comments[] = {"name", "source", "format", NULL};

static bool is_in(const char *word, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (bti_streq(names[i], word))
            return true;
    return false;
}

static void begin_item(builder *b, const char *name)
{
    bti_str_addf(&b->text, "%s%s", b->text.len ? "+" : "", name);
}

/* [[OP, P, LEVEL], ...] as ",p0=OP/P/LEVEL|...". */
static bt_status add_sub(builder *b, const bti_yaml *y, int number, const char *sep)
{
    if (y->kind != BTI_YAML_SEQ || !y->n)
        return bti_fail_at(b->err, BT_FORMAT, b->where, y->line,
                           "a sub-policy is a list of operations [OP, P, LEVEL]");
    bti_str_addf(&b->text, "%sp%d=", sep, number);
    for (int i = 0; i < y->n; i++) {
        const bti_yaml *op = y->child[i];
        if (op->kind != BTI_YAML_SEQ || op->n != 3)
            return bti_fail_at(b->err, BT_FORMAT, b->where, op->line,
                               "an operation of a sub-policy is [OP, P, LEVEL]");
        for (int k = 0; k < 3; k++) {
            if (op->child[k]->kind != BTI_YAML_SCALAR)
                return bti_fail_at(b->err, BT_FORMAT, b->where, op->line,
                                   "an operation of a sub-policy is [OP, P, LEVEL]");
            bti_str_addf(&b->text, "%s%s", k ? "/" : i ? "|" : "", op->child[k]->text);
        }
    }
    return BT_OK;
}

/* {key: value, fixed: [...]} as "key=value,p0=...". */
static bt_status add_arguments(builder *b, const bti_yaml *y, const char *sep)
{
    bt_status rc = BT_OK;

    for (int i = 0; i < y->n && !rc; i++) {
        const bti_yaml *v = y->child[i];
        if (bti_streq(y->key[i], "fixed") && v->kind == BTI_YAML_SEQ) {
            for (int k = 0; k < v->n && !rc; k++, sep = ",")
                rc = add_sub(b, v->child[k], k, sep);
            continue;
        }
        if (v->kind != BTI_YAML_SCALAR)
            return bti_fail_at(b->err, BT_FORMAT, b->where, v->line, "%s is one value", y->key[i]);
        bti_str_addf(&b->text, "%s%s=%s", sep, y->key[i], v->text);
        sep = ",";
    }
    return rc;
}

/* NAME with its arguments: nothing, one value, or a mapping. What it says is checked at once, so
 * that the error has a line. */
static bt_status add_item(builder *b, const char *name, const bti_yaml *y, int line)
{
    bt_error why = {0};
    bti_policy *policy;
    bt_status rc = BT_OK;
    size_t start = b->text.len;

    begin_item(b, name);
    if (y && y->kind == BTI_YAML_SEQ)
        return bti_fail_at(b->err, BT_FORMAT, b->where, y->line,
                           "%s takes a mapping such as {p: 0.5}, or one value", name);
    if (y && y->kind == BTI_YAML_MAP)
        rc = add_arguments(b, y, ":");
    else if (y && y->value.kind != BTI_NULL)
        bti_str_addf(&b->text, ":%s", y->text);
    if (rc || b->text.failed)
        return rc ? rc : bti_fail_nomem(b->err);
    rc = bti_policy_parse(&policy, b->text.s + start + (start ? 1 : 0), &why);
    bti_policy_free(rc ? NULL : policy);
    return rc ? bti_fail_at(b->err, rc == BT_INVAL ? BT_FORMAT : rc, b->where, line, "%s", why.text)
              : BT_OK;
}

static bt_status add_list(builder *b, const bti_yaml *y)
{
    bt_status rc = BT_OK;

    if (y->kind != BTI_YAML_SEQ)
        return bti_fail_at(b->err, BT_FORMAT, b->where, y->line,
                           "list is a list of operations such as {Rotate: {value: 30, p: 0.5}}");
    for (int i = 0; i < y->n && !rc; i++) {
        const bti_yaml *v = y->child[i];
        if (v->kind == BTI_YAML_MAP && v->n == 1)
            rc = add_item(b, v->key[0], v->child[0], v->line);
        else if (v->kind == BTI_YAML_SCALAR)
            rc = add_item(b, v->text, NULL, v->line);
        else
            rc = bti_fail_at(b->err, BT_FORMAT, b->where, v->line,
                             "an operation is OP, \"OP:30,p=0.5\" or {OP: {value: 30, p: 0.5}}");
    }
    return rc;
}

static bt_status check_key(builder *b, const bti_yaml *doc, int i)
{
    const char *key = doc->key[i], *all[16];
    int n = 0;

    if (bti_streq(key, "policy") || is_in(key, policies + 2) || is_in(key, followers) ||
        is_in(key, comments))
        return BT_OK;
    all[n++] = "policy";
    for (int k = 2; policies[k]; k++)
        all[n++] = policies[k];
    for (int k = 0; followers[k]; k++)
        all[n++] = followers[k];
    all[n] = NULL;
    const char *near = bti_nearest(key, all);
    return bti_fail_at(b->err, BT_FORMAT, b->where, doc->key_line[i],
                       "unknown key '%s'%s%s%s: a policy has policy, randaugment, trivialaugment, "
                       "autoaugment, list, flip, crop, cutout, mixup, cutmix, mosaic",
                       key, near ? ", did you mean '" : "", near ? near : "", near ? "'" : "");
}

static bt_status add_policy(builder *b, const bti_yaml *doc, const bti_yaml *y)
{
    const char *name = y->text;
    const bti_yaml *args = bti_yaml_get(doc, name);

    if (!is_in(name, policies)) {
        const char *near = bti_nearest(name, policies);
        return bti_fail_at(b->err, BT_FORMAT, b->where, y->line,
                           "unknown policy '%s'%s%s%s: none, flip_crop, randaugment, "
                           "trivialaugment, autoaugment or list",
                           name, near ? ", did you mean '" : "", near ? near : "", near ? "'" : "");
    }
    if (bti_streq(name, "none") || bti_streq(name, "flip_crop"))
        return BT_OK;
    if (!bti_streq(name, "list"))
        return add_item(b, name, args, args ? args->line : y->line);
    if (!args)
        return bti_fail_at(b->err, BT_FORMAT, b->where, y->line,
                           "policy: list needs list: [operation, ...]");
    return add_list(b, args);
}

static bt_status build(builder *b, const bti_yaml *doc)
{
    const bti_yaml *policy = bti_yaml_get(doc, "policy");
    bt_status rc = BT_OK;

    if (doc->kind != BTI_YAML_MAP || !policy || policy->kind != BTI_YAML_SCALAR)
        return bti_fail_at(b->err, BT_FORMAT, b->where, doc->line,
                           "a policy file is a mapping with `policy:` (none, flip_crop, "
                           "randaugment, trivialaugment, autoaugment, list)");
    for (int i = 0; i < doc->n && !rc; i++)
        rc = check_key(b, doc, i);
    if (!rc)
        rc = add_policy(b, doc, policy);
    for (int i = 0; followers[i] && !rc; i++) {
        const bti_yaml *y = bti_yaml_get(doc, followers[i]);
        if (y)
            rc = add_item(b, followers[i], y, y->line);
        else if (i < 2 && bti_streq(policy->text, "flip_crop")) /* flip and crop, as they come */
            begin_item(b, followers[i]);
    }
    if (!rc && !b->text.len)
        bti_str_add(&b->text, "none");
    return rc;
}

/* The builder's text as the caller's own, or why there is none. */
static bt_status finish(builder *b, bt_status rc, char **out)
{
    if (!rc && !(*out = bti_str_take(&b->text)))
        rc = bti_fail_nomem(b->err);
    bti_str_release(&b->text);
    return rc;
}

bt_status bti_policy_file_text(char **out, const char *path, bt_error *err)
{
    builder b = {.where = path, .err = err};
    bti_arena arena = {0};
    const bti_yaml *doc;

    *out = NULL;
    bt_status rc = bti_yaml_read(&doc, &arena, path, err);
    if (!rc)
        rc = build(&b, doc);
    rc = finish(&b, rc, out);
    bti_arena_release(&arena);
    return rc;
}

bt_status bti_policy_shipped_text(char **out, int i, bt_error *err)
{
    const bti_shipped_policy *file = &bti_shipped_policies[i];
    builder b = {.where = file->name, .err = err};
    bti_arena arena = {0};
    const bti_yaml *doc;

    *out = NULL;
    bt_status rc = bti_yaml_parse(&doc, &arena, file->text, strlen(file->text), file->name, err);
    if (!rc)
        rc = add_arguments(&b, bti_yaml_get(doc, "autoaugment"), "");
    rc = finish(&b, rc, out);
    bti_arena_release(&arena);
    return rc;
}
