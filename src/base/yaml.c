/* SPDX-License-Identifier: Apache-2.0
 *
 * From libfyaml's events to a tree in an arena. Events, not its document API, because they carry
 * the line of mappings and sequences too. An anchor becomes known when its node is complete, so an
 * alias cannot point into itself, and expanded size is bounded ("billion laughs").
 */
#include "base/yaml.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include <libfyaml.h>

#define DEEPEST 64
#define LARGEST_TREE 1000000 /* nodes after the expansion of aliases */
#define LARGEST_FILE ((size_t)16 << 20)

typedef struct anchor {
    const char *name;
    const bti_yaml *node;
    int64_t weight;
    struct anchor *next;
} anchor;

typedef struct reader {
    struct fy_parser *fy;
    struct fy_diag *diag;
    bti_arena *arena;
    const char *where;
    bt_error *err;
    anchor *anchors; /* newest first: a later anchor of the same name wins */
    int64_t weight;  /* nodes so far */
    int line;        /* of the newest event */
} reader;

/* Children while their number is unknown. */
typedef struct child_list {
    const bti_yaml **child;
    const char **key;
    int *key_line;
    int n, cap;
} child_list;

static void swallow(struct fy_diag *diag, void *user, const char *buf, size_t len)
{
    (void)diag;
    (void)user;
    (void)buf;
    (void)len;
}

/* The first error that libfyaml collected, else a general sentence. */
static bt_status syntax_error(reader *r)
{
    void *it = NULL;
    struct fy_diag_error *e = fy_diag_errors_iterate(r->diag, &it);

    if (!e)
        return bti_fail_at(r->err, BT_FORMAT, r->where, r->line, "is not valid YAML");
    return bti_fail_at(r->err, BT_FORMAT, r->where, e->line > 0 ? e->line : r->line,
                       "is not valid YAML: %s", e->msg);
}

static struct fy_token *token_of(const struct fy_event *e)
{
    switch (e->type) {
    case FYET_DOCUMENT_START:
        return e->document_start.document_start;
    case FYET_SCALAR:
        return e->scalar.value;
    case FYET_ALIAS:
        return e->alias.anchor;
    case FYET_SEQUENCE_START:
        return e->sequence_start.sequence_start;
    case FYET_MAPPING_START:
        return e->mapping_start.mapping_start;
    default:
        return NULL;
    }
}

/* NULL at the end or on an error (then *rc says so). Free with fy_parser_event_free. */
static struct fy_event *next_event(reader *r, bt_status *rc)
{
    struct fy_event *e = fy_parser_parse(r->fy);

    *rc = BT_OK;
    if (!e) {
        if (fy_parser_get_stream_error(r->fy))
            *rc = syntax_error(r);
        return NULL;
    }
    struct fy_token *t = token_of(e);
    const struct fy_mark *mark = t ? fy_token_start_mark(t) : NULL;
    if (mark)
        r->line = mark->line + 1;
    return e;
}

static const char *copy_text(reader *r, struct fy_token *t)
{
    size_t n = 0;
    const char *s = t ? fy_token_get_text(t, &n) : NULL;

    if (!s)
        return bti_arena_strdup(r->arena, "");
    return bti_arena_strndup(r->arena, s, n);
}

static bt_status remember(reader *r, struct fy_token *name, const bti_yaml *node, int64_t weight)
{
    if (!name)
        return BT_OK;
    anchor *a = bti_arena_alloc(r->arena, sizeof(*a));
    if (!a)
        return bti_fail_nomem(r->err);
    *a = (anchor){.name = copy_text(r, name), .node = node, .weight = weight, .next = r->anchors};
    if (!a->name)
        return bti_fail_nomem(r->err);
    r->anchors = a;
    return BT_OK;
}

static bt_status resolve(reader *r, struct fy_event *e, const bti_yaml **out)
{
    const char *name = copy_text(r, e->alias.anchor);

    if (!name)
        return bti_fail_nomem(r->err);
    for (const anchor *a = r->anchors; a; a = a->next) {
        if (strcmp(a->name, name) == 0) {
            *out = a->node;
            r->weight += a->weight;
            return BT_OK;
        }
    }
    return bti_fail_at(r->err, BT_FORMAT, r->where, r->line, "*%s has no anchor &%s before it",
                       name, name);
}

static bt_status read_scalar(reader *r, struct fy_event *e, bti_yaml *node)
{
    struct fy_token *t = e->scalar.value;
    bool plain = !t || fy_scalar_token_get_style(t) == FYSS_PLAIN;
    size_t n = 0;
    const char *text = t ? fy_token_get_text(t, &n) : NULL;

    if (text && memchr(text, 0, n))
        return bti_fail_at(r->err, BT_FORMAT, r->where, r->line, "a text must not hold a NUL byte");
    node->kind = BTI_YAML_SCALAR;
    node->line = r->line;
    node->text = copy_text(r, t);
    if (!node->text)
        return bti_fail_nomem(r->err);
    node->value = plain ? bti_value_from_text(node->text) : bti_value_str(node->text);
    return BT_OK;
}

static bool grow(child_list *list)
{
    if (list->n < list->cap)
        return true;
    int cap = list->cap ? 2 * list->cap : 16;
    void *child = bti_regrow((void *)list->child, (size_t)cap, sizeof(*list->child));
    if (child)
        list->child = child;
    void *key = bti_regrow((void *)list->key, (size_t)cap, sizeof(*list->key));
    if (key)
        list->key = key;
    void *key_line = bti_regrow(list->key_line, (size_t)cap, sizeof(*list->key_line));
    if (key_line)
        list->key_line = key_line;
    if (!child || !key || !key_line)
        return false;
    list->cap = cap;
    return true;
}

static void *copy_array(bti_arena *arena, const void *p, size_t n, size_t size)
{
    void *copy = bti_arena_alloc(arena, n * size);
    if (copy && n)
        memcpy(copy, p, n * size);
    return copy;
}

static bt_status store_children(reader *r, bti_yaml *node, const child_list *list)
{
    size_t n = (size_t)list->n;

    node->n = list->n;
    node->child = copy_array(r->arena, (const void *)list->child, n, sizeof(*list->child));
    if (!node->child)
        return bti_fail_nomem(r->err);
    if (node->kind == BTI_YAML_SEQ)
        return BT_OK;
    node->key = copy_array(r->arena, (const void *)list->key, n, sizeof(*list->key));
    node->key_line = copy_array(r->arena, list->key_line, n, sizeof(*list->key_line));
    return node->key && node->key_line ? BT_OK : bti_fail_nomem(r->err);
}

static bt_status read_node(reader *r, struct fy_event *e, int depth, const bti_yaml **out);

static bt_status check_key(reader *r, const bti_yaml *key, const child_list *list)
{
    if (key->kind != BTI_YAML_SCALAR)
        return bti_fail_at(r->err, BT_FORMAT, r->where, key->line, "a key must be a plain text");
    for (int i = 0; i < list->n; i++) {
        if (strcmp(list->key[i], key->text) == 0)
            return bti_fail_at(r->err, BT_FORMAT, r->where, key->line,
                               "'%s' is given twice (first in line %d)", key->text,
                               list->key_line[i]);
    }
    return BT_OK;
}

/* One element of a sequence or one pair of a mapping; *more is false at the end. */
static bt_status read_child(reader *r, bti_yaml_kind kind, int depth, child_list *list, bool *more)
{
    bt_status rc;
    const bti_yaml *key = NULL, *value = NULL;
    struct fy_event *e = next_event(r, &rc);

    if (!e)
        return rc ? rc : syntax_error(r);
    *more = e->type != FYET_SEQUENCE_END && e->type != FYET_MAPPING_END;
    if (*more)
        rc = read_node(r, e, depth, kind == BTI_YAML_MAP ? &key : &value);
    fy_parser_event_free(r->fy, e);
    if (rc || !*more)
        return rc;
    if (kind == BTI_YAML_MAP) {
        rc = check_key(r, key, list);
        if (rc)
            return rc;
        e = next_event(r, &rc);
        if (!e)
            return rc ? rc : syntax_error(r);
        rc = read_node(r, e, depth, &value);
        fy_parser_event_free(r->fy, e);
        if (rc)
            return rc;
    }
    if (!grow(list))
        return bti_fail_nomem(r->err);
    list->key[list->n] = key ? key->text : NULL;
    list->key_line[list->n] = key ? key->line : 0;
    list->child[list->n] = value;
    list->n++;
    return BT_OK;
}

static bt_status read_children(reader *r, bti_yaml *node, bool has_line, int depth)
{
    child_list list = {0};
    bool more = true;
    bt_status rc = BT_OK;

    while (more && !rc)
        rc = read_child(r, node->kind, depth, &list, &more);
    if (!rc)
        rc = store_children(r, node, &list);
    if (!rc && !has_line && list.n) /* block style: begins where its first child does */
        node->line = list.key[0] ? list.key_line[0] : list.child[0]->line;
    bti_free((void *)list.child);
    bti_free((void *)list.key);
    bti_free(list.key_line);
    return rc;
}

/* The node that begins with event e (which stays the caller's). */
static bt_status read_node(reader *r, struct fy_event *e, int depth, const bti_yaml **out)
{
    int64_t weight_before = r->weight++;
    struct fy_token *name = NULL, *start = token_of(e);
    bt_status rc;

    if (depth > DEEPEST)
        return bti_fail_at(r->err, BT_FORMAT, r->where, r->line, "is nested deeper than %d levels",
                           DEEPEST);
    if (e->type == FYET_ALIAS) {
        rc = resolve(r, e, out);
    } else {
        bti_yaml *node = bti_arena_alloc(r->arena, sizeof(*node));
        if (!node)
            return bti_fail_nomem(r->err);
        *out = node;
        node->line = r->line;
        node->text = "";
        if (e->type == FYET_SCALAR) {
            name = e->scalar.anchor;
            rc = read_scalar(r, e, node);
        } else {
            bool map = e->type == FYET_MAPPING_START;
            name = map ? e->mapping_start.anchor : e->sequence_start.anchor;
            node->kind = map ? BTI_YAML_MAP : BTI_YAML_SEQ;
            rc = read_children(r, node, start && fy_token_start_mark(start), depth + 1);
        }
    }
    if (rc)
        return rc;
    if (r->weight > LARGEST_TREE)
        return bti_fail_at(r->err, BT_FORMAT, r->where, r->line, "has more than %d values",
                           LARGEST_TREE);
    return remember(r, name, *out, r->weight - weight_before);
}

/* Exactly one document. */
static bt_status read_stream(reader *r, const bti_yaml **out)
{
    bt_status rc = BT_OK;
    struct fy_event *e;

    while (!rc && (e = next_event(r, &rc))) {
        switch (e->type) {
        case FYET_DOCUMENT_START:
            if (*out)
                rc = bti_fail_at(r->err, BT_FORMAT, r->where, r->line,
                                 "holds several YAML documents, expected one");
            break;
        case FYET_SCALAR:
        case FYET_ALIAS:
        case FYET_SEQUENCE_START:
        case FYET_MAPPING_START:
            rc = read_node(r, e, 0, out);
            break;
        default:
            break;
        }
        fy_parser_event_free(r->fy, e);
    }
    if (!rc && !*out)
        return bti_fail(r->err, BT_FORMAT, r->where, "is empty, expected a YAML document");
    return rc;
}

/* Bytes of the UTF-8 sequence at p, 0 if there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if ((p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

/* What libfyaml 0.7 hangs on or misreads: bytes that are no text, and directives, which no file of
 * ours needs. */
static bt_status check_text(const char *text, size_t n, const char *where, bt_error *err)
{
    const unsigned char *p = (const unsigned char *)text;
    int line = 1;
    for (size_t i = 0; i < n;) {
        size_t step = utf8_length(p + i, n - i);
        bool control = p[i] < 0x20 && p[i] != '\n' && p[i] != '\r' && p[i] != '\t';
        if (!step || control || p[i] == 0x7f)
            return bti_fail_at(err, BT_FORMAT, where, line,
                               "is not a text file in UTF-8 (byte %zu)", i + 1);
        if (p[i] == '%' && (i == 0 || p[i - 1] == '\n' || p[i - 1] == '\r'))
            return bti_fail_at(err, BT_FORMAT, where, line,
                               "YAML directives (%%) are not supported");
        line += p[i] == '\n';
        i += step;
    }
    return BT_OK;
}

bt_status bti_yaml_parse(const bti_yaml **out, bti_arena *arena, const char *text, size_t n,
                         const char *where, bt_error *err)
{
    reader r = {.arena = arena, .where = where, .err = err, .line = 1};
    struct fy_diag_cfg diag_cfg;
    bt_status rc;

    *out = NULL;
    if (n == 0)
        return bti_fail(err, BT_FORMAT, where, "is empty, expected a YAML document");
    rc = check_text(text, n, where, err);
    if (rc)
        return rc;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.output_fn = swallow;
    r.diag = fy_diag_create(&diag_cfg);
    if (!r.diag)
        return bti_fail_nomem(err);
    fy_diag_set_collect_errors(r.diag, true);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE,
                               .diag = r.diag};
    r.fy = fy_parser_create(&cfg);
    if (!r.fy || fy_parser_set_string(r.fy, text, n))
        rc = bti_fail_nomem(err);
    else
        rc = read_stream(&r, out);
    if (r.fy)
        fy_parser_destroy(r.fy);
    fy_diag_destroy(r.diag);
    if (rc)
        *out = NULL;
    return rc;
}

bt_status bti_yaml_read(const bti_yaml **out, bti_arena *arena, const char *path, bt_error *err)
{
    char *text;
    size_t n;

    *out = NULL;
    bt_status rc = bti_file_read(path, LARGEST_FILE, &text, &n, err);
    if (rc)
        return rc;
    rc = bti_yaml_parse(out, arena, text, n, path, err);
    bti_free(text);
    return rc;
}

const bti_yaml *bti_yaml_get(const bti_yaml *map, const char *key)
{
    if (!map || map->kind != BTI_YAML_MAP)
        return NULL;
    for (int i = 0; i < map->n; i++) {
        if (strcmp(map->key[i], key) == 0)
            return map->child[i];
    }
    return NULL;
}
