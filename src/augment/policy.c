/* SPDX-License-Identifier: Apache-2.0
 *
 * Policies: NAME[:key=value[,...]] joined by '+' becomes a list of checked items, sorted by stage.
 * The names and keys are the rows of policy.def and ops.def.
 */
#include "augment/policy_int.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include <ctype.h>
#include <math.h>
#include <strings.h>

#define POLICY_HELP                                                                                \
    "expected NAME[:key=value,...] joined by '+', for example flip+crop:4+randaugment:n=2,m=15"
#define TOKEN_CAP 64

typedef enum key_kind { KEY_INT, KEY_LEVEL, KEY_REAL, KEY_FILL, KEY_SHIPPED } key_kind;

typedef struct key_row {
    const char *name; /* NULL: no such key */
    key_kind kind;
    double lo, hi;
    double otherwise; /* default; NaN: must be given */
} key_row;

typedef struct item_row {
    const char *name;
    bti_stage stage;
    key_row key[BTI_POLICY_KEYS];
} item_row;

static const item_row item_table[] = {
#define KEY(name, kind, lo, hi, otherwise)                                                         \
    {                                                                                              \
        name, KEY_##kind, lo, hi, otherwise                                                        \
    }
#define POLICY(id, name, stage, ...) {name, BTI_STAGE_##stage, {__VA_ARGS__}},
#include "augment/policy.def"
#undef POLICY
#undef KEY
};

/* The keys of a single operation: value (if it has one) and p. A key that does not exist has no
 * name, so that the positions of BTI_ARG_VALUE and BTI_ARG_P hold for every operation. */
static item_row op_row(bti_op op)
{
    const bti_op_info *info = bti_op_get(op);
    item_row row = {info->name, BTI_STAGE_PIXELS, {{NULL, KEY_REAL, 0, 0, 0}}};

    if (info->unit)
        row.key[BTI_ARG_VALUE] = (key_row){"value", KEY_REAL, info->lo, info->hi, (double)NAN};
    row.key[BTI_ARG_P] = (key_row){"p", KEY_REAL, 0, 1, 1};
    return row;
}

static item_row row_of(const bti_policy_item *item)
{
    return item->kind == BTI_ITEM_OP ? op_row(item->op) : item_table[item->kind];
}

static const key_row *first_key(const item_row *row)
{
    for (int i = 0; i < BTI_POLICY_KEYS; i++)
        if (row->key[i].name)
            return &row->key[i];
    return NULL;
}

/* "n=0..16, m=any|0..999, levels=2..1000": the keys and what they take, for errors. */
static void list_keys(char *buf, size_t cap, const item_row *row)
{
    size_t at = 0;

    buf[0] = 0;
    for (int i = 0; i < BTI_POLICY_KEYS && at < cap; i++) {
        const key_row *k = &row->key[i];
        if (!k->name)
            continue;
        at += (size_t)snprintf(buf + at, cap - at, "%s%s=", at ? ", " : "", k->name);
        if (at >= cap)
            break;
        if (k->kind == KEY_FILL)
            at += (size_t)snprintf(buf + at, cap - at, "mean|0");
        else if (k->kind == KEY_LEVEL)
            at += (size_t)snprintf(buf + at, cap - at, "any|%g..%g", k->lo, k->hi);
        else if (k->kind == KEY_SHIPPED)
            at += (size_t)snprintf(buf + at, cap - at, "NAME");
        else
            at += (size_t)snprintf(buf + at, cap - at, "%g..%g", k->lo, k->hi);
    }
}

/* Copies text[0..n) without surrounding blanks; false if it does not fit. */
static bool token(char out[TOKEN_CAP], const char *text, size_t n)
{
    while (n && isspace((unsigned char)text[0]))
        text++, n--;
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    if (n >= TOKEN_CAP)
        return false;
    memcpy(out, text, n);
    out[n] = 0;
    return true;
}

/* Case matters only between cutout, which follows crop, and the operation Cutout. */
static bool find_name(const char *name, bti_policy_item *item)
{
    for (int i = 0; i < BTI_OP_COUNT; i++) {
        if (bti_streq(bti_op_name((bti_op)i), name)) {
            item->op = (bti_op)i;
            return true;
        }
    }
    for (int i = 0; i < BTI_ITEM_COUNT; i++) {
        if (!strcasecmp(item_table[i].name, name)) {
            item->kind = (bti_item_kind)i;
            return true;
        }
    }
    return bti_op_parse(name, &item->op, NULL) == BT_OK;
}

static bt_status find_item(const char *name, bti_policy_item *item, bt_error *err)
{
    if (find_name(name, item))
        return BT_OK;
    if (!name[0])
        return bti_fail(err, BT_INVAL, "augment", "an empty name in the policy: " POLICY_HELP);

    const char *names[BTI_ITEM_COUNT + BTI_OP_COUNT + 1];
    int n = 0;
    for (int i = 0; i < BTI_ITEM_COUNT; i++)
        names[n++] = item_table[i].name;
    for (int i = 0; i < BTI_OP_COUNT; i++)
        names[n++] = bti_op_name((bti_op)i);
    names[n] = NULL;
    const char *near = bti_nearest(name, names);
    return bti_fail(err, BT_INVAL, "augment", "unknown augmentation '%s'%s%s%s: " POLICY_HELP, name,
                    near ? ", did you mean '" : "", near ? near : "", near ? "'" : "");
}

static bool read_value(const key_row *k, const char *text, double *out)
{
    int64_t whole;

    switch (k->kind) {
    case KEY_LEVEL:
        if (!strcasecmp(text, "any")) {
            *out = BTI_LEVEL_ANY;
            return true;
        }
        /* fall through */
    case KEY_INT:
        if (!bti_parse_int(text, (int64_t)k->lo, (int64_t)k->hi, &whole))
            return false;
        *out = (double)whole;
        return true;
    case KEY_FILL:
        *out = !strcasecmp(text, "mean");
        return *out > 0 || bti_streq(text, "0");
    case KEY_SHIPPED:
        for (int i = 0; bti_shipped_policies[i].name; i++) {
            *out = i + 1;
            if (!strcasecmp(bti_shipped_policies[i].name, text))
                return true;
        }
        return false;
    case KEY_REAL:
        break;
    }
    return bti_parse_double(text, out) && *out >= k->lo && *out <= k->hi;
}

static bt_status set_key(bti_policy_item *item, const item_row *row, const key_row *k,
                         const char *text, bool *seen, bt_error *err)
{
    ptrdiff_t at = k - row->key;

    if (seen[at])
        return bti_fail(err, BT_INVAL, "augment", "%s: '%s' is given twice", row->name, k->name);
    seen[at] = true;
    if (read_value(k, text, &item->arg[at]))
        return BT_OK;
    if (k->kind == KEY_FILL)
        return bti_fail(err, BT_INVAL, "augment", "%s: %s is 'mean' or '0' (black), found '%s'",
                        row->name, k->name, text);
    if (k->kind == KEY_SHIPPED)
        return bti_fail(err, BT_INVAL, "augment",
                        "%s: %s is cifar10, svhn or imagenet (others: a .yaml file), found '%s'",
                        row->name, k->name, text);
    return bti_fail(err, BT_INVAL, "augment", "%s: %s is %s number from %g to %g, found '%s'",
                    row->name, k->name,
                    k->kind == KEY_LEVEL ? "'any' or a whole"
                    : k->kind == KEY_INT ? "a whole"
                                         : "a",
                    k->lo, k->hi, text);
}

/* One "key=value", or a lone value, which sets the first key when it comes first. */
static bt_status parse_key(bti_policy_item *item, const item_row *row, const char *text, size_t n,
                           bool first, bool *seen, bt_error *err)
{
    char name[TOKEN_CAP], value[TOKEN_CAP], keys[256];
    const char *eq = memchr(text, '=', n);
    const key_row *k = eq ? NULL : first ? first_key(row) : NULL;
    size_t n_name = eq ? (size_t)(eq - text) : 0;

    if (!token(name, text, n_name) || !token(value, eq ? eq + 1 : text, eq ? n - n_name - 1 : n))
        return bti_fail(err, BT_INVAL, "augment", "%s: '%.*s' is too long for key=value", row->name,
                        (int)(n > 80 ? 80 : n), text);
    for (int i = 0; eq && i < BTI_POLICY_KEYS; i++)
        if (row->key[i].name && !strcasecmp(row->key[i].name, name))
            k = &row->key[i];
    if (k)
        return set_key(item, row, k, value, seen, err);

    list_keys(keys, sizeof(keys), row);
    if (!eq)
        return bti_fail(err, BT_INVAL, "augment", "%s: '%s' is not key=value, expected %s",
                        row->name, value, keys);
    return bti_fail(err, BT_INVAL, "augment", "%s: unknown key '%s', expected %s", row->name, name,
                    keys);
}

static bt_status check_item(const bti_policy *p, const bti_policy_item *item, const item_row *row,
                            bt_error *err)
{
    for (int i = 0; i < BTI_POLICY_KEYS; i++)
        if (row->key[i].name && isnan(item->arg[i]))
            return bti_fail(err, BT_INVAL, "augment", "%s needs %s=%g..%g (%s)", row->name,
                            row->key[i].name, row->key[i].lo, row->key[i].hi,
                            bti_op_get(item->op)->unit);
    if (item->kind == BTI_ITEM_RANDAUGMENT && item->arg[BTI_ARG_M] >= item->arg[BTI_ARG_LEVELS])
        return bti_fail(err, BT_INVAL, "augment",
                        "randaugment: m counts from 0 and is below levels (%g), found %g",
                        item->arg[BTI_ARG_LEVELS], item->arg[BTI_ARG_M]);
    return item->kind == BTI_ITEM_AUTOAUGMENT ? bti_policy_check_subs(p, item, err) : BT_OK;
}

/* "p3=" where sub-policy 3 is due: the sub-policy's text, else NULL. */
static const char *sub_policy(const bti_policy_item *item, const char *text, const char *stop)
{
    char key[16];
    int n = snprintf(key, sizeof(key), "p%d=", item->n_subs);

    while (text < stop && *text == ' ')
        text++;
    if (item->kind != BTI_ITEM_AUTOAUGMENT || stop - text < n || memcmp(text, key, (size_t)n) != 0)
        return NULL;
    return text + n;
}

/* Comma-separated keys in [at, end). */
static bt_status parse_keys(bti_policy *p, bti_policy_item *item, const item_row *row,
                            const char *at, const char *end, bt_error *err)
{
    bool seen[BTI_POLICY_KEYS] = {false};

    for (const char *first = at; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        const char *sub = sub_policy(item, at, stop);
        bt_status rc = sub ? bti_policy_add_sub(p, item, sub, (size_t)(stop - sub), err)
                           : parse_key(item, row, at, (size_t)(stop - at), at == first, seen, err);
        if (rc)
            return rc;
        at = stop + 1;
    }
    return BT_OK;
}

/* autoaugment:NAME: the levels and sub-policies of the shipped file. */
static bt_status load_shipped(bti_policy *p, bti_policy_item *item, const item_row *row,
                              bt_error *err)
{
    char *text;

    if (item->n_subs)
        return bti_fail(err, BT_INVAL, "augment",
                        "autoaugment takes the name of a policy or sub-policies, not both");
    bt_status rc = bti_policy_shipped_text(&text, (int)item->arg[BTI_ARG_POLICY] - 1, err);
    if (!rc)
        rc = parse_keys(p, item, row, text, text + strlen(text), err);
    bti_free(text);
    return rc;
}

static bt_status parse_item(bti_policy *p, bti_policy_item *item, const char *text, size_t n,
                            bt_error *err)
{
    const char *colon = memchr(text, ':', n);
    char name[TOKEN_CAP];
    item_row row;
    bt_status rc;

    *item = (bti_policy_item){.kind = BTI_ITEM_OP};
    if (!token(name, text, colon ? (size_t)(colon - text) : n))
        return bti_fail(err, BT_INVAL, "augment", "unknown augmentation '%.60s...': " POLICY_HELP,
                        text);
    rc = find_item(name, item, err);
    if (rc)
        return rc;
    row = row_of(item);
    item->stage = row.stage;
    for (int i = 0; i < BTI_POLICY_KEYS; i++)
        item->arg[i] = row.key[i].otherwise;
    if (colon)
        rc = parse_keys(p, item, &row, colon + 1, text + n, err);
    if (!rc && item->kind == BTI_ITEM_AUTOAUGMENT && item->arg[BTI_ARG_POLICY] > 0)
        rc = load_shipped(p, item, &row, err);
    return rc ? rc : check_item(p, item, &row, err);
}

static bool comes_before(const bti_policy_item *a, const bti_policy_item *b)
{
    if (a->stage != b->stage)
        return a->stage < b->stage;
    return a->stage == BTI_STAGE_MIX && a->kind < b->kind; /* one is drawn: no order to keep */
}

/* Keeps items sorted by stage, operations in the given order; all other items happen once. */
static bt_status add_item(bti_policy *p, const bti_policy_item *item, bt_error *err)
{
    int at = p->n;

    if (p->n == BTI_POLICY_ITEMS)
        return bti_fail(err, BT_INVAL, "augment", "a policy has at most %d items",
                        BTI_POLICY_ITEMS);
    while (at && comes_before(item, &p->item[at - 1]))
        at--;
    if (at && item->stage != BTI_STAGE_PIXELS && p->item[at - 1].kind == item->kind)
        return bti_fail(err, BT_INVAL, "augment", "'%s' is given twice",
                        item_table[item->kind].name);
    memmove(&p->item[at + 1], &p->item[at], (size_t)(p->n - at) * sizeof(p->item[0]));
    p->item[at] = *item;
    p->n++;
    return BT_OK;
}

static bt_status parse_file(bti_policy **out, const char *path, bt_error *err)
{
    char *text;
    bt_status rc = bti_policy_file_text(&text, path, err);

    if (!rc)
        rc = bti_policy_parse(out, text, err);
    bti_free(text);
    return rc;
}

bt_status bti_policy_parse(bti_policy **out, const char *spec, bt_error *err)
{
    bt_status rc = BT_OK;
    bti_policy *p;

    *out = NULL;
    if (spec && (bti_has_suffix_nocase(spec, ".yaml") || bti_has_suffix_nocase(spec, ".yml")))
        return parse_file(out, spec, err);
    p = bti_calloc(1, sizeof(*p));
    if (!p)
        return bti_fail_nomem(err);
    if (!spec || !spec[0] || bti_streq(spec, "none"))
        spec = NULL;
    while (spec && !rc) {
        const char *plus = strchr(spec, '+');
        bti_policy_item item;
        rc = parse_item(p, &item, spec, plus ? (size_t)(plus - spec) : strlen(spec), err);
        if (!rc)
            rc = add_item(p, &item, err);
        spec = plus ? plus + 1 : NULL;
    }
    if (rc) {
        bti_policy_free(p);
        return rc;
    }
    *out = p;
    return BT_OK;
}

bool bti_policy_mixes(const bti_policy *p)
{
    return p && p->n && p->item[p->n - 1].stage == BTI_STAGE_MIX; /* sorted by stage */
}

void bti_policy_free(bti_policy *p)
{
    bti_free(p);
}

void bti_policy_item_text(const bti_policy *p, const bti_policy_item *item, bti_str *text)
{
    item_row row = row_of(item);
    char number[32], sep = ':';

    bti_str_add(text, row.name);
    for (int k = 0; k < BTI_POLICY_KEYS; k++) {
        const char *value = bti_format_double(number, item->arg[k]);
        if (!row.key[k].name || (row.key[k].kind == KEY_SHIPPED && item->arg[k] <= 0))
            continue;
        if (row.key[k].kind == KEY_FILL && item->arg[k] > 0)
            value = "mean";
        if (row.key[k].kind == KEY_LEVEL && item->arg[k] < 0)
            value = "any";
        if (row.key[k].kind == KEY_SHIPPED) {
            /* The name says the rest. */
            bti_str_addf(text, ":%s=%s", row.key[k].name,
                         bti_shipped_policies[(int)item->arg[k] - 1].name);
            return;
        }
        bti_str_addf(text, "%c%s=%s", sep, row.key[k].name, value);
        sep = ',';
    }
    bti_policy_subs_text(p, item, text);
}

char *bti_policy_text(const bti_policy *p)
{
    bti_str text = {0};

    if (!p->n)
        return bti_strdup("none");
    for (int i = 0; i < p->n; i++) {
        bti_str_add(&text, i ? "+" : "");
        bti_policy_item_text(p, &p->item[i], &text);
    }
    return bti_str_take(&text);
}
