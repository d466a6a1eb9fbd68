/* SPDX-License-Identifier: Apache-2.0
 *
 * Model-file text into rows: the document's shape, types and places, nothing about modules.
 *
 * Every message has file:line, and the row number where there is a row. A list among the arguments
 * ([0] for a literal padding, [7, 7] for a size) becomes its own text, "[0]": a row holds scalars.
 */
#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/yaml.h"
#include "model/graph.h"
#include <math.h>

enum { MAX_BYTES = 1 << 20, MAX_INPUT = 1 << 16 };

typedef struct parser {
    bti_rows *rows;
    bti_arena *arena;
    const bt_progress *progress;
    bt_error *err;
} parser;

#define KINDLE                                                                                     \
    "this is a kindle model file (rows [from, repeat, Module, args]), which rounds channels by "   \
    "another rule; bantam reads the course baseline's rows [repeat, Module, [args]]"

static bt_status bad_row(const parser *p, const bti_yaml *at, int i, const char *what)
{
    return bti_fail_at(p->err, BT_FORMAT, p->rows->where, at->line,
                       "row %d: %s, expected [repeat, Module, [args]]", i + 1, what);
}

static bool is_int(const bti_yaml *y)
{
    return y->kind == BTI_YAML_SCALAR && y->value.kind == BTI_INT;
}

/* -1 or a list in front, or one or two entries too many, are kindle's. */
static bool looks_like_kindle(const bti_yaml *row)
{
    if (row->kind != BTI_YAML_SEQ || row->n == 0)
        return false;
    const bti_yaml *first = row->child[0];
    return row->n == 4 || row->n == 5 || (is_int(first) && first->value.u.i == -1) ||
           (first->kind == BTI_YAML_SEQ && row->n > 1);
}

static bool is_int_list(const bti_yaml *y)
{
    bool all = y->kind == BTI_YAML_SEQ;
    for (int i = 0; all && i < y->n; i++)
        all = is_int(y->child[i]);
    return all;
}

/* "[7, 7]" in the arena; NULL on no memory. */
static const char *list_text(bti_arena *arena, const bti_yaml *list)
{
    bti_str s = {0};
    bti_str_add(&s, "[");
    for (int i = 0; i < list->n; i++)
        bti_str_addf(&s, "%s%lld", i ? ", " : "", (long long)list->child[i]->value.u.i);
    bti_str_add(&s, "]");
    const char *text = s.failed ? NULL : bti_arena_strdup(arena, s.s);
    bti_str_release(&s);
    return text;
}

static bt_status parse_args(const parser *p, const bti_yaml *args, int i, bti_row *row)
{
    if (args->n > BTI_ROW_ARGS)
        return bti_fail_at(p->err, BT_FORMAT, p->rows->where, args->line,
                           "row %d (%s): %d arguments, no module takes more than %d", i + 1,
                           row->module, args->n, BTI_ROW_ARGS);
    row->n_args = args->n;
    for (int j = 0; j < args->n; j++) {
        const bti_yaml *arg = args->child[j];
        row->arg[j] = arg->value;
        if (is_int_list(arg)) {
            row->arg[j] = bti_value_str(list_text(p->arena, arg));
            if (!row->arg[j].u.s)
                return bti_fail_nomem(p->err);
        } else if (arg->kind != BTI_YAML_SCALAR) {
            return bti_fail_at(p->err, BT_FORMAT, p->rows->where, arg->line,
                               "row %d (%s): argument %d is a %s, expected a single value", i + 1,
                               row->module, j + 1, arg->kind == BTI_YAML_MAP ? "mapping" : "list");
        }
    }
    return BT_OK;
}

static bt_status parse_row(const parser *p, const bti_yaml *y, int i)
{
    if (looks_like_kindle(y))
        return bti_fail_at(p->err, BT_FORMAT, p->rows->where, y->line, "row %d: " KINDLE, i + 1);
    if (y->kind != BTI_YAML_SEQ)
        return bad_row(p, y, i, "not a list");
    if (y->n != 3)
        return bad_row(p, y, i, y->n < 3 ? "too few entries" : "too many entries");
    const bti_yaml *repeat = y->child[0], *module = y->child[1], *args = y->child[2];
    if (!is_int(repeat))
        return bad_row(p, repeat, i, "the repeat is not a whole number");
    if (module->kind != BTI_YAML_SCALAR || module->value.kind != BTI_STR)
        return bad_row(p, module, i, "the module is not a name");
    if (args->kind != BTI_YAML_SEQ)
        return bad_row(p, args, i, "the arguments are not a list");

    bti_row *row = bti_rows_add(p->rows, p->arena);
    if (!row)
        return bti_fail_nomem(p->err);
    row->repeat = repeat->value.u.i;
    row->module = module->text;
    row->line = y->line;
    return parse_args(p, args, i, row);
}

static bt_status parse_backbone(const parser *p, const bti_yaml *y)
{
    if (y->kind != BTI_YAML_SEQ || y->n == 0)
        return bti_fail_at(p->err, BT_FORMAT, p->rows->where, y->line,
                           "backbone is not a list of rows [repeat, Module, [args]]");
    bt_status rc = BT_OK;
    for (int i = 0; i < y->n && !rc; i++)
        rc = parse_row(p, y->child[i], i);
    return rc;
}

static bt_status parse_channels(const parser *p, const bti_yaml *y)
{
    if (!is_int(y) || y->value.u.i < 1 || y->value.u.i > MAX_INPUT)
        return bti_fail_at(p->err, BT_FORMAT, p->rows->where, y->line,
                           "input_channel is not a whole number from 1 to %d", MAX_INPUT);
    p->rows->channels = (int)y->value.u.i;
    return BT_OK;
}

static bt_status parse_multiple(const parser *p, const bti_yaml *y, const char *key, double *out)
{
    bool number = y->kind == BTI_YAML_SCALAR && bti_value_is_num(y->value);
    *out = number ? bti_value_num(y->value) : NAN;
    if (!isfinite(*out) || *out <= 0)
        return bti_fail_at(p->err, BT_FORMAT, p->rows->where, y->line, "%s is not a number above 0",
                           key);
    return BT_OK;
}

static bool side(const bti_yaml *y, int *out)
{
    if (!is_int(y) || y->value.u.i < 1 || y->value.u.i > MAX_INPUT)
        return false;
    *out = (int)y->value.u.i;
    return true;
}

/* Tuners write the size and the baseline ignores it, so one that cannot be used is only a warning.
 */
static void parse_size(const parser *p, const bti_yaml *y, int line)
{
    int h = 0, w = 0;
    bool ok = y->kind == BTI_YAML_SEQ ? y->n == 2 && side(y->child[0], &h) && side(y->child[1], &w)
                                      : side(y, &h) && side(y, &w);
    if (ok) {
        p->rows->h = h;
        p->rows->w = w;
    } else {
        bti_warn(p->progress, "%s:%d: the input size is not [height, width]; it is ignored",
                 p->rows->where, line);
    }
}

static bt_status parse_key(const parser *p, const char *key, int line, const bti_yaml *y)
{
    if (bti_streq(key, "input_channel"))
        return parse_channels(p, y);
    if (bti_streq(key, "depth_multiple"))
        return parse_multiple(p, y, key, &p->rows->depth_multiple);
    if (bti_streq(key, "width_multiple"))
        return parse_multiple(p, y, key, &p->rows->width_multiple);
    if (bti_streq(key, "backbone"))
        return parse_backbone(p, y);
    if (bti_streq(key, "input_size") || bti_streq(key, "INPUT_SIZE"))
        parse_size(p, y, line);
    else
        bti_warn(p->progress, "%s:%d: unknown key %s; it is ignored", p->rows->where, line, key);
    return BT_OK;
}

/* Missing keys are told before anything inside, kindle before both: it lacks keys of its own right.
 */
static bt_status check_document(const parser *p, const bti_yaml *doc)
{
    static const char *const required[] = {"input_channel", "depth_multiple", "width_multiple",
                                           "backbone"};
    const char *where = p->rows->where;
    if (doc->kind != BTI_YAML_MAP)
        return bti_fail_at(p->err, BT_FORMAT, where, doc->line,
                           "not a model file, expected the keys input_channel, depth_multiple, "
                           "width_multiple and backbone");
    const bti_yaml *backbone = bti_yaml_get(doc, "backbone"), *head = bti_yaml_get(doc, "head");
    if (backbone && backbone->kind == BTI_YAML_SEQ && backbone->n > 0 &&
        looks_like_kindle(backbone->child[0]))
        return bti_fail_at(p->err, BT_FORMAT, where, backbone->child[0]->line, "row 1: " KINDLE);
    if (head)
        return bti_fail_at(p->err, BT_FORMAT, where, head->line, "`head` is no key here: " KINDLE);
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
        if (!bti_yaml_get(doc, required[i]))
            return bti_fail_at(p->err, BT_FORMAT, where, doc->line, "the key %s is missing",
                               required[i]);
    return BT_OK;
}

bt_status bti_rows_parse(bti_rows *out, bti_arena *arena, const char *text, size_t n,
                         const char *where, const bt_progress *progress, bt_error *err)
{
    *out = (bti_rows){.where = bti_arena_strdup(arena, where)};
    if (!out->where)
        return bti_fail_nomem(err);
    parser p = {.rows = out, .arena = arena, .progress = progress, .err = err};
    const bti_yaml *doc;
    bt_status rc = bti_yaml_parse(&doc, arena, text, n, where, err);
    if (!rc)
        rc = check_document(&p, doc);
    for (int i = 0; !rc && i < doc->n; i++)
        rc = parse_key(&p, doc->key[i], doc->key_line[i], doc->child[i]);
    return rc;
}

bt_status bti_rows_read(bti_rows *out, bti_arena *arena, const char *path,
                        const bt_progress *progress, bt_error *err)
{
    char *text = NULL;
    size_t n = 0;
    bt_status rc = bti_file_read(path, MAX_BYTES, &text, &n, err);
    if (rc)
        return rc;
    rc = bti_rows_parse(out, arena, text, n, path, progress, err);
    bti_free(text);
    return rc;
}
