/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading blocks, the tail and the stride budget (model-format.md 4.2, 4.3).
 */
#include "space/parse_int.h"

#include <limits.h>

/* ---- blocks ---- */
static bt_status unknown_module(bti_parser *p, int line, const char *word)
{
    bti_str list = {0};
    const char *near = bti_word_nearest(word);
    bt_status rc;
    if (near) {
        rc = bti_parse_fail(p, line, "unknown module '%s'; did you mean '%s'?", word, near);
    } else {
        bti_word_names(&list);
        rc = bti_parse_fail(p, line, "unknown module '%s'; known are %s", word, bti_str_c(&list));
    }
    bti_str_release(&list);
    return rc;
}

static bt_status unknown_argument(bti_parser *p, int line, const bti_word *m, const char *word)
{
    const char *names[BTI_MODULE_ARGS + 2];
    int n = bti_word_n_args(m);
    for (int i = 0; i < n; i++)
        names[i] = m->arg[i].name;
    names[n++] = "repeat";
    names[n] = NULL;
    return bti_parse_unknown(p, line, "argument", word, m->name, names);
}

static bt_status check_required(bti_parser *p, int line, const char *id, const bti_block_module *m)
{
    for (int pos = 0; pos < bti_word_n_args(m->def); pos++) {
        bool named = m->def->arg[pos].otherwise != NULL;
        for (int i = 0; i < m->n_args && !named; i++)
            named = m->arg[i].position == pos;
        if (!named)
            return bti_parse_fail(p, line, "%s.%s needs the argument '%s'", id, m->def->name,
                                  m->def->arg[pos].name);
    }
    return BT_OK;
}

static bt_status parse_argument(bti_parser *p, const char *id, bti_block_module *m, const char *key,
                                int line, const bti_yaml *y)
{
    int slot, pos = bti_word_position(m->def, key);
    bool repeat = bti_streq(key, "repeat");
    if (pos < 0 && !repeat)
        return unknown_argument(p, line, m->def, key);
    bt_status rc =
        bti_parse_slot(p, y, bti_parse_name(p, "%s.%s.%s", id, m->def->name, key), &slot);
    if (rc)
        return rc;
    if (repeat)
        m->repeat = slot;
    else if (bti_streq(key, "stride"))
        m->stride = slot;
    else
        m->arg[m->n_args++] = (bti_block_arg){.position = pos, .slot = slot};
    return BT_OK;
}

static void look_up(bti_block_module *m)
{
    m->n_def = bti_word_n_args(m->def);
    m->out_at = bti_word_position(m->def, "out");
    m->kernel_at = bti_word_position(m->def, "kernel");
    m->stride_at = bti_word_position(m->def, "stride");
    for (int i = 0; i < m->n_def; i++)
        if (m->def->arg[i].otherwise)
            m->otherwise[i] = bti_value_from_text(m->def->arg[i].otherwise);
}

static bt_status parse_module(bti_parser *p, const char *id, const char *name, int line,
                              const bti_yaml *y, bti_block_module *m)
{
    bool is_pass = bti_streq(name, "Pass");
    bool empty = y->kind == BTI_YAML_SCALAR && y->value.kind == BTI_NULL;
    *m = (bti_block_module){.repeat = -1, .stride = -1};
    const bti_word *def = bti_word_find(name);
    if (!def)
        return unknown_module(p, line, name);
    if (y->kind != BTI_YAML_MAP && !empty)
        return bti_parse_fail(p, y->line, "%s.%s needs a mapping of arguments to domains", id,
                              name);
    if (is_pass)
        return y->n ? bti_parse_fail(p, y->line, "Pass takes no arguments") : BT_OK;
    m->def = def;
    look_up(m);
    for (int i = 0; i < y->n; i++) {
        bt_status rc = parse_argument(p, id, m, y->key[i], y->key_line[i], y->child[i]);
        if (rc)
            return rc;
    }
    return check_required(p, line, id, m);
}

static bt_status parse_modules(bti_parser *p, const bti_yaml *y, bti_block *b)
{
    if (!y || y->kind != BTI_YAML_MAP || !y->n)
        return bti_parse_fail(p, y ? y->line : b->line,
                              "block %s needs `module:`, a mapping of module names to arguments",
                              b->id);
    b->module = bti_parse_alloc(p, (size_t)y->n, sizeof(*b->module));
    bti_value *names = bti_parse_alloc(p, (size_t)y->n, sizeof(*names));
    if (!b->module || !names)
        return bti_fail_nomem(p->err);
    for (int i = 0; i < y->n; i++) { /* the word's own text: walks compare pointers first */
        const bti_word *def = bti_word_find(y->key[i]);
        names[i] = bti_value_str(def ? def->name : y->key[i]);
    }
    bt_status rc = bti_parse_choice(p, y->line, names, y->n, b->id, &b->module_slot);
    for (int i = 0; i < y->n && !rc; i++)
        rc = parse_module(p, b->id, y->key[i], y->key_line[i], y->child[i], &b->module[i]);
    b->n_modules = y->n;
    return rc;
}

/* repeat and stride of the block go to the modules that do not have their own. */
static bt_status parse_common(bti_parser *p, const bti_yaml *y, bti_block *b)
{
    const bti_yaml *repeat = bti_yaml_get(y, "repeat"), *stride = bti_yaml_get(y, "stride");
    int repeat_slot = -1, stride_slot = -1;
    bt_status rc = BT_OK;
    if (repeat)
        rc = bti_parse_slot(p, repeat, bti_parse_name(p, "%s.repeat", b->id), &repeat_slot);
    if (!rc && stride)
        rc = bti_parse_slot(p, stride, bti_parse_name(p, "%s.stride", b->id), &stride_slot);
    for (int i = 0; i < b->n_modules && !rc; i++) {
        bti_block_module *m = &b->module[i];
        if (!m->def)
            continue;
        if (m->repeat < 0)
            m->repeat = repeat_slot;
        if (m->stride < 0 && m->stride_at >= 0)
            m->stride = stride_slot;
    }
    return rc;
}

/* A block that looks at $prev.out, or at its own values, is walked in order: arguments, repeat,
 * stride. */
static bt_status parse_block(bti_parser *p, const bti_yaml *y, bti_block *b)
{
    static const char *const keys[] = {"id", "repeat", "stride", "module", "when", NULL};
    bt_status rc = bti_parse_keys(p, y, "a block", keys);
    if (rc)
        return rc;
    const bti_yaml *id = bti_yaml_get(y, "id");
    if (!id || id->kind != BTI_YAML_SCALAR || !*id->text || strpbrk(id->text, " $+*."))
        return bti_parse_fail(p, id ? id->line : y->line, "a block needs an `id:` of one word");
    *b = (bti_block){.id = id->text, .line = y->line, .force = -1};
    rc = bti_parse_when(p, bti_yaml_get(y, "when"), &b->when);
    if (!rc)
        rc = parse_modules(p, bti_yaml_get(y, "module"), b);
    return rc ? rc : parse_common(p, y, b);
}

bt_status bti_parse_blocks(bti_parser *p, const bti_yaml *y)
{
    if (y->kind != BTI_YAML_SEQ)
        return bti_parse_fail(p, y->line, "blocks is a list of {id, repeat, stride, module}");
    if (y->n > BTI_BLOCKS_MAX)
        return bti_parse_fail(p, y->line, "a space may have at most %d blocks", BTI_BLOCKS_MAX);
    for (int i = 0; i < y->n; i++) {
        bt_status rc = parse_block(p, y->child[i], &p->s->block[i]);
        if (!rc)
            rc = bti_parse_item(p, (bti_item){.block = i, .slot = -1});
        if (rc)
            return rc;
        p->s->n_blocks = i + 1;
    }
    return BT_OK;
}

/* ---- tail ---- */
static bt_status parse_tail_module(bti_parser *p, const bti_yaml *y, int row, int *slot,
                                   const bti_word **def)
{
    bt_status rc = bti_parse_single(p, y, bti_parse_name(p, "tail%d.module", row), slot);
    if (rc)
        return rc;
    const bti_slot *sl = &p->s->slot[*slot];
    *def = NULL;
    for (int i = 0; i < sl->n_alt; i++) {
        const bti_alt *a = &sl->alt[i];
        bool fixed = a->form == BTI_FORM_CONST;
        for (int j = 0; j < (fixed ? 1 : a->n); j++) {
            bti_value v = fixed ? a->value.value : a->choice[j];
            if (v.kind != BTI_STR)
                return bti_parse_fail(p, y->line, "a tail row is [repeat, Module, [arguments]]");
            *def = bti_word_find(v.u.s);
            if (!*def)
                return unknown_module(p, y->line, v.u.s);
        }
        if (!fixed)
            *def = NULL; /* its arguments have no common names */
    }
    return BT_OK;
}

static bt_status parse_tail_row(bti_parser *p, const bti_yaml *y, int row, bti_tail_row *t)
{
    const bti_word *def;
    if (y->kind != BTI_YAML_SEQ || y->n < 2 || y->n > 3 ||
        (y->n == 3 && y->child[2]->kind != BTI_YAML_SEQ))
        return bti_parse_fail(p, y->line, "a tail row is [repeat, Module, [arguments]]");
    t->line = y->line;
    bt_status rc =
        bti_parse_single(p, y->child[0], bti_parse_name(p, "tail%d.repeat", row), &t->repeat);
    if (!rc)
        rc = parse_tail_module(p, y->child[1], row, &t->module, &def);
    if (rc || y->n == 2)
        return rc;
    const bti_yaml *args = y->child[2];
    if (args->n > BTI_ROW_ARGS)
        return bti_parse_fail(p, args->line, "a row has at most %d arguments", BTI_ROW_ARGS);
    for (int i = 0; i < args->n && !rc; i++) {
        const char *name = def && i < bti_word_n_args(def)
                               ? bti_parse_name(p, "tail%d.%s.%s", row, def->name, def->arg[i].name)
                               : bti_parse_name(p, "tail%d.arg%d", row, i + 1);
        rc = bti_parse_single(p, args->child[i], name, &t->arg[i]);
    }
    t->n_args = args->n;
    return rc;
}

bt_status bti_parse_tail(bti_parser *p, const bti_yaml *y)
{
    if (y->kind != BTI_YAML_SEQ)
        return bti_parse_fail(p, y->line, "tail is a list of rows [repeat, Module, [arguments]]");
    p->s->tail = bti_parse_alloc(p, (size_t)y->n, sizeof(*p->s->tail));
    if (!p->s->tail)
        return bti_fail_nomem(p->err);
    for (int i = 0; i < y->n; i++) {
        bt_status rc = parse_tail_row(p, y->child[i], i + 1, &p->s->tail[i]);
        if (rc)
            return rc;
    }
    p->s->n_tail = y->n;
    return BT_OK;
}

/* ---- stride budget ---- */
static bt_status parse_count(bti_parser *p, const bti_yaml *y, const char *what, int *out)
{
    if (y->kind != BTI_YAML_SCALAR || y->value.kind != BTI_INT || y->value.u.i < 0 ||
        y->value.u.i > INT_MAX)
        return bti_parse_fail(p, y->line, "%s is a whole number of at least 0", what);
    *out = (int)y->value.u.i;
    return BT_OK;
}

static bt_status parse_force(bti_parser *p, const bti_yaml *y)
{
    bti_space *s = p->s;
    const char *ids[BTI_BLOCKS_MAX + 1];
    if (y->kind != BTI_YAML_MAP)
        return bti_parse_fail(p, y->line, "force is a mapping of block ids to numbers of strides");
    for (int i = 0; i < s->n_blocks; i++)
        ids[i] = s->block[i].id;
    ids[s->n_blocks] = NULL;
    for (int i = 0; i < y->n; i++) {
        int at = 0;
        while (at < s->n_blocks && !bti_streq(ids[at], y->key[i]))
            at++;
        if (at == s->n_blocks)
            return bti_parse_unknown(p, y->key_line[i], "block", y->key[i], "force", ids);
        bt_status rc = parse_count(p, y->child[i], y->key[i], &s->block[at].force);
        if (rc)
            return rc;
    }
    return BT_OK;
}

bt_status bti_parse_budget(bti_parser *p, const bti_yaml *y)
{
    static const char *const keys[] = {"max", "force", "force_rule", "min_out", NULL};
    static const char *const rules[] = {"exactly", "at_most", NULL};
    bt_status rc = bti_parse_keys(p, y, "stride_budget", keys);
    const bti_yaml *max = bti_yaml_get(y, "max"), *force = bti_yaml_get(y, "force");
    const bti_yaml *rule = bti_yaml_get(y, "force_rule"), *min_out = bti_yaml_get(y, "min_out");
    if (!rc && max)
        rc = parse_count(p, max, "max", &p->s->stride_max);
    if (!rc && force)
        rc = parse_force(p, force);
    if (!rc && rule) {
        const char *text = rule->kind == BTI_YAML_SCALAR ? rule->text : "";
        p->s->at_most = bti_streq(text, "at_most");
        if (!p->s->at_most && !bti_streq(text, "exactly"))
            rc = bti_parse_unknown(p, rule->line, "rule", text, "force_rule", rules);
    }
    if (!rc && min_out) {
        int n = 0;
        rc = parse_count(p, min_out, "min_out", &n);
        if (!rc && n > p->s->constraints.out_size.lo)
            p->s->constraints.out_size.lo = n;
    }
    return rc;
}
