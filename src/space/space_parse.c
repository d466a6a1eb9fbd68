/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a search-space file (model-format.md section 4): its sections in file order, and the
 * tools that the parse_*.c files share.
 */
#include "space/parse_int.h"

#include <limits.h>
#include <math.h>

/* ---- shared tools ---- */
bt_status bti_parse_fail(bti_parser *p, int line, const char *fmt, ...)
{
    char text[sizeof(p->err->text)];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return bti_fail_at(p->err, BT_INVAL, p->s->where, line, "%s", text);
}

bt_status bti_parse_unknown(bti_parser *p, int line, const char *what, const char *word,
                            const char *context, const char *const *names)
{
    const char *near = bti_nearest(word, names);
    if (near)
        return bti_parse_fail(p, line, "unknown %s '%s' in %s; did you mean '%s'?", what, word,
                              context, near);
    bti_str list = {0};
    for (int i = 0; names[i]; i++)
        bti_str_addf(&list, "%s%s", i ? ", " : "", names[i]);
    bt_status rc = bti_parse_fail(p, line, "unknown %s '%s' in %s; known are %s", what, word,
                                  context, bti_str_c(&list));
    bti_str_release(&list);
    return rc;
}

bt_status bti_parse_keys(bti_parser *p, const bti_yaml *y, const char *context,
                         const char *const *names)
{
    if (y->kind != BTI_YAML_MAP)
        return bti_parse_fail(p, y->line, "%s must be a mapping (key: value)", context);
    for (int i = 0; i < y->n; i++) {
        int k = 0;
        while (names[k] && !bti_streq(names[k], y->key[i]))
            k++;
        if (!names[k])
            return bti_parse_unknown(p, y->key_line[i], "key", y->key[i], context, names);
    }
    return BT_OK;
}

void *bti_parse_alloc(bti_parser *p, size_t n, size_t size)
{
    return bti_arena_alloc(&p->s->arena, (n ? n : 1) * size);
}

const char *bti_parse_name(bti_parser *p, const char *fmt, ...)
{
    char name[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof(name), fmt, ap);
    va_end(ap);
    return bti_arena_strdup(&p->s->arena, name);
}

bt_status bti_parse_item(bti_parser *p, bti_item item)
{
    bti_space *s = p->s;
    if (s->n_items == s->items_cap) {
        int cap = s->items_cap ? 2 * s->items_cap : 32;
        bti_item *more = bti_regrow(s->item, (size_t)cap, sizeof(*more));
        if (!more)
            return bti_fail_nomem(p->err);
        s->item = more;
        s->items_cap = cap;
    }
    s->item[s->n_items++] = item;
    return BT_OK;
}

/* ---- small sections ---- */
static bt_status parse_format(bti_parser *p, const bti_yaml *root)
{
    const bti_yaml *y = bti_yaml_get(root, "format");
    if (!y)
        return bti_parse_fail(p, root->line,
                              "not a search space: `format: search-space/1` is missing");
    if (y->kind != BTI_YAML_SCALAR || !bti_streq(y->text, "search-space/1"))
        return bti_parse_fail(p, y->line, "this bantam reads format search-space/1");
    const bti_yaml *name = bti_yaml_get(root, "name");
    if (name && name->kind != BTI_YAML_SCALAR)
        return bti_parse_fail(p, name->line, "name is one word");
    p->s->name = name ? name->text : "space";
    return BT_OK;
}

static bt_status parse_params(bti_parser *p, const bti_yaml *y)
{
    bt_status rc = y->kind == BTI_YAML_MAP
                       ? BT_OK
                       : bti_parse_fail(p, y->line, "params is a mapping of names to domains");
    for (int i = 0; i < y->n && !rc; i++) {
        int slot;
        rc = bti_parse_single(p, y->child[i], y->key[i], &slot);
    }
    return rc;
}

static bt_status parse_model(bti_parser *p, const bti_yaml *y)
{
    static const char *const keys[] = {"depth_multiple", "width_multiple", NULL};
    bt_status rc = bti_parse_keys(p, y, "model", keys);
    for (int i = 0; i < y->n && !rc; i++)
        rc =
            bti_parse_single(p, y->child[i], bti_parse_name(p, "model.%s", y->key[i]),
                             bti_streq(y->key[i], keys[0]) ? &p->s->depth_slot : &p->s->width_slot);
    return rc;
}

/* Read last: the input may follow any parameter (size: $train.img_size). */
static bt_status parse_input(bti_parser *p, const bti_yaml *y)
{
    static const char *const keys[] = {"channels", "classes", "size", NULL};
    int classes;
    int *slots[] = {&p->s->channels_slot, &classes, &p->s->size_slot};
    bt_status rc = bti_parse_keys(p, y, "input", keys);
    for (int i = 0; keys[i] && !rc; i++) {
        const bti_yaml *v = bti_yaml_get(y, keys[i]);
        if (v)
            rc = bti_parse_single(p, v, bti_parse_name(p, "input.%s", keys[i]), slots[i]);
    }
    if (rc || p->s->channels_slot < 0)
        return rc;
    const bti_alt *a = &p->s->slot[p->s->channels_slot].alt[0];
    if (a->form == BTI_FORM_CONST && a->value.value.kind == BTI_INT && a->value.value.u.i > 0 &&
        a->value.value.u.i <= INT_MAX)
        p->s->first_channels = (int)a->value.value.u.i;
    return BT_OK;
}

/* {parameter: value}: no longer searched. What `bantam space narrow` writes. */
static bt_status parse_freeze(bti_parser *p, const bti_yaml *y)
{
    if (y->kind != BTI_YAML_MAP)
        return bti_parse_fail(p, y->line, "freeze is a mapping of parameters to values");
    for (int i = 0; i < y->n; i++) {
        int slot = bti_space_slot(p->s, y->key[i], 0);
        if (slot < 0)
            return bti_parse_fail(p, y->child[i]->line, "freeze: there is no parameter '%s'",
                                  y->key[i]);
        if (y->child[i]->kind != BTI_YAML_SCALAR)
            return bti_parse_fail(p, y->child[i]->line, "freeze: %s needs one value", y->key[i]);
        p->s->slot[slot].frozen = true;
        p->s->slot[slot].ice = y->child[i]->value;
    }
    return BT_OK;
}

/* ---- the sections in file order ---- */
typedef struct section {
    const char *key;
    bt_status (*parse)(bti_parser *p, const bti_yaml *y);
} section;
static const section in_order[] = {{"params", parse_params},     {"model", parse_model},
                                   {"blocks", bti_parse_blocks}, {"tail", bti_parse_tail},
                                   {"train", bti_parse_train},   {"augment", bti_parse_augment}};
static const section afterwards[] = {{"input", parse_input},
                                     {"constraints", bti_parse_constraints},
                                     {"stride_budget", bti_parse_budget},
                                     {"objectives", bti_parse_objectives},
                                     {"select", bti_parse_select},
                                     {"freeze", parse_freeze}};

static bt_status parse_sections(bti_parser *p, const bti_yaml *root)
{
    bt_status rc = BT_OK;
    for (int i = 0; i < root->n && !rc; i++)
        for (size_t k = 0; k < sizeof(in_order) / sizeof(in_order[0]) && !rc; k++)
            if (bti_streq(root->key[i], in_order[k].key) &&
                !(p->s->augment.text && in_order[k].parse == bti_parse_augment))
                rc = in_order[k].parse(p, root->child[i]);
    for (size_t k = 0; k < sizeof(afterwards) / sizeof(afterwards[0]) && !rc; k++) {
        const bti_yaml *y = bti_yaml_get(root, afterwards[k].key);
        if (y)
            rc = afterwards[k].parse(p, y);
    }
    return rc;
}

/* The largest number of parameters that can be active together must fit a point. */
static bt_status check_point_size(bti_parser *p)
{
    const bti_space *s = p->s;
    int most = 0;
    for (int i = 0; i < s->n_items; i++) {
        int args = 0;
        const bti_block *b = s->item[i].block >= 0 ? &s->block[s->item[i].block] : NULL;
        for (int k = 0; b && k < b->n_modules; k++)
            args = b->module[k].n_args > args ? b->module[k].n_args : args;
        most += b ? args + 3
                  : s->slot[s->item[i].slot].n_alt > 1 ||
                        s->slot[s->item[i].slot].alt[0].form != BTI_FORM_CONST;
    }
    if (most > BTI_POINT_MAX)
        return bti_parse_fail(p, 1,
                              "up to %d parameters of this space can be active; at most %d may",
                              most, BTI_POINT_MAX);
    return BT_OK;
}

static bt_status parse_root(bti_parser *p, const bti_yaml *root)
{
    static const char *const keys[] = {"format",      "name",          "input",  "model",
                                       "params",      "stride_budget", "blocks", "tail",
                                       "train",       "augment",       "select", "objectives",
                                       "constraints", "freeze",        NULL};
    if (root->kind != BTI_YAML_MAP)
        return bti_parse_fail(p, root->line,
                              "a search space is a mapping (format, blocks, tail ...)");
    bt_status rc = parse_format(p, root);
    if (!rc)
        rc = bti_parse_keys(p, root, "a search space", keys);
    if (!rc)
        rc = parse_sections(p, root);
    if (!rc && !bti_space_has_network(p->s) && !p->s->augment.given)
        rc = bti_parse_fail(p, root->line,
                            "a search space needs blocks or a tail (or, of policies, augment)");
    return rc ? rc : check_point_size(p);
}

/* ---- the object ---- */
static void set_nothing_written(bti_space *s)
{
    s->depth_slot = s->width_slot = s->channels_slot = s->size_slot = -1;
    s->stride_max = INT_MAX;
    s->constraints = bti_constraints_none();
    s->augment = (bti_augment_def){.policy = -1,
                                   .n = -1,
                                   .m = -1,
                                   .levels = -1,
                                   .flavour = -1,
                                   .flip_p = -1,
                                   .crop_pad = -1,
                                   .cutout_p = -1,
                                   .cutout_ratio = -1,
                                   .aa_levels = -1,
                                   .aa_first = -1};
    s->first_channels = s->vars.channels;
}

bt_status bti_space_parse(bti_space **out, const char *text, size_t n, const char *where,
                          const bti_space_vars *vars, bt_error *err)
{
    bt_status rc;
    const bti_yaml *root;

    *out = NULL;
    bti_space *s = bti_calloc(1, sizeof(*s));
    if (!s)
        return bti_fail_nomem(err);
    s->vars = *vars;
    set_nothing_written(s);
    bti_parser p = {.s = s, .err = err};
    s->where = bti_arena_strdup(&s->arena, where);
    s->text = bti_arena_strndup(&s->arena, text, n);
    if (!s->where || !s->text) {
        rc = bti_fail_nomem(err);
        goto done;
    }
    s->augment.given = vars->augment != NULL;
    s->augment.text = vars->augment ? bti_arena_strdup(&s->arena, vars->augment) : NULL;
    if (vars->augment && !s->augment.text) {
        rc = bti_fail_nomem(err);
        goto done;
    }
    rc = bti_yaml_parse(&root, &s->arena, text, n, s->where, err);
    if (!rc)
        rc = parse_root(&p, root);
    if (!rc)
        rc = bti_space_list_params(s, err);
    if (rc)
        goto done;
    *out = s;
    s = NULL;
done:
    bti_space_free(s);
    return rc;
}

void bti_space_free(bti_space *s)
{
    if (!s)
        return;
    bti_free(s->slot);
    bti_free(s->item);
    bti_arena_release(&s->arena);
    bti_free(s);
}

const char *bti_space_name(const bti_space *s)
{
    return s->name;
}

bool bti_space_has_network(const bti_space *s)
{
    return s->n_blocks || s->n_tail;
}

const char *bti_space_text(const bti_space *s)
{
    return s->text;
}
