/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV lists of images: one file (all of it is train) or a folder with train.csv [val.csv]
 * [test.csv]. The header names the columns; `path` (relative to the CSV file) and `label` are used.
 * Quotes as in RFC 4180, but a value must end on its line, so that every error has a row.
 */
#include "data/listing.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#include <inttypes.h>
#include <limits.h>

#define MAX_BYTES ((size_t)1 << 30) /* of one CSV file */
#define MAX_FIELDS 64

typedef struct csv_state {
    char *dir; /* of the CSV files, in the source's arena */
    bti_file_list list[BTI_SPLITS];
    char *file[BTI_SPLITS]; /* paths of the CSV files, in the arena; NULL: no such split */
} csv_state;

/* One CSV file being read; rows are cut out of `text` in place. */
typedef struct csv_file {
    const char *where;
    char *text, *next; /* next: the rest */
    int line;          /* of the row last read */
    int n_columns, path_column, label_column;
    char **label; /* one a row of the list, pointing into text */
} csv_file;

static bool csv_match(const char *path)
{
    if (bti_is_file(path))
        return bti_has_suffix_nocase(path, ".csv");
    char *train = bti_path_join(path, "train.csv");
    bool found = train && bti_is_file(train);
    bti_free(train);
    return found;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the quotes off the value that starts at `p`; returns what follows it, NULL if no quote ends
 * it. */
static char *unquote(char *p)
{
    char *out = p++;
    while (*p && (*p != '"' || p[1] == '"')) {
        p += *p == '"'; /* "" is one quote */
        *out++ = *p++;
    }
    if (!*p)
        return NULL;
    *out = 0;
    return p + 1;
}

/* The value that starts at *p without blanks around it; *p moves behind its comma, or becomes NULL
 * at the end of the row. NULL: the quotes are wrong. */
static char *take_field(char **p)
{
    char *start = *p;
    while (is_blank(*start))
        start++;
    if (*start == '"') {
        char *rest = unquote(start);
        while (rest && is_blank(*rest))
            rest++;
        if (!rest || (*rest && *rest != ','))
            return NULL;
        *p = *rest ? rest + 1 : NULL;
        return start;
    }
    char *end = start + strcspn(start, ",");
    *p = *end ? end + 1 : NULL;
    while (end > start && is_blank(end[-1]))
        end--;
    *end = 0;
    return start;
}

static bt_status split_row(char *row, char *field[MAX_FIELDS], int *n, const csv_file *f,
                           bt_error *err)
{
    *n = 0;
    for (char *p = row; p;) {
        if (*n == MAX_FIELDS)
            return bti_fail_at(err, BT_FORMAT, f->where, f->line,
                               "the row has more than %d values; expected path,label", MAX_FIELDS);
        field[*n] = take_field(&p);
        if (!field[*n])
            return bti_fail_at(err, BT_FORMAT, f->where, f->line,
                               "value %d: the quotes do not match (a quote inside quotes is \"\")",
                               *n + 1);
        (*n)++;
    }
    return BT_OK;
}

/* The next row that is not empty; NULL at the end of the file. */
static char *next_row(csv_file *f)
{
    while (*f->next) {
        char *row = f->next, *end = row + strcspn(row, "\n");
        f->next = *end ? end + 1 : end;
        *end = 0;
        if (end > row && end[-1] == '\r')
            end[-1] = 0;
        f->line++;
        if (row[strspn(row, " \t")])
            return row;
    }
    return NULL;
}

static bt_status read_header(csv_file *f, bt_error *err)
{
    char *field[MAX_FIELDS];
    char *row = next_row(f);
    if (!row)
        return bti_fail(err, BT_FORMAT, f->where,
                        "the file is empty; expected a header path,label and a row an image");
    bt_status rc = split_row(row, field, &f->n_columns, f, err);
    if (rc)
        return rc;
    f->path_column = f->label_column = -1;
    for (int i = f->n_columns - 1; i >= 0; i--) {
        if (bti_streq(field[i], "path"))
            f->path_column = i;
        if (bti_streq(field[i], "label"))
            f->label_column = i;
    }
    if (f->path_column < 0 || f->label_column < 0)
        return bti_fail_at(err, BT_FORMAT, f->where, f->line,
                           "the header has no column \"%s\"; expected path,label",
                           f->path_column < 0 ? "path" : "label");
    return BT_OK;
}

static bt_status take_row(bti_source *s, csv_file *f, char *row, bti_file_list *l, bt_error *err)
{
    char *field[MAX_FIELDS];
    int n;
    bt_status rc = split_row(row, field, &n, f, err);
    if (rc)
        return rc;
    if (n != f->n_columns)
        return bti_fail_at(
            err, BT_FORMAT, f->where, f->line,
            "the row has %d values, the header %d; a value with a comma needs quotes", n,
            f->n_columns);
    char *path = field[f->path_column], *label = field[f->label_column];
    if (!*path || !*label)
        return bti_fail_at(err, BT_FORMAT, f->where, f->line, "the %s is empty",
                           *path ? "label" : "path");
    if (strlen(path) >= PATH_MAX / 2)
        return bti_fail_at(err, BT_FORMAT, f->where, f->line, "the path is too long");
    f->label[l->n] = label;
    return bti_file_list_add(l, bti_arena_strdup(&s->arena, path), -1, f->line, err);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct labels of train, sorted by byte, become the classes. */
static bt_status take_classes(bti_source *s, const csv_file *f, int64_t n, bt_error *err)
{
    char **sorted = bti_array((size_t)n, sizeof(*sorted));
    int64_t kept = 0;
    if (!sorted)
        return bti_fail_nomem(err);
    memcpy(sorted, f->label, (size_t)n * sizeof(*sorted));
    qsort(sorted, (size_t)n, sizeof(*sorted), by_text);
    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || !bti_streq(sorted[i], sorted[kept - 1]))
            sorted[kept++] = sorted[i];
    }
    bt_status rc = BT_OK;
    s->class_name = bti_arena_alloc(&s->arena, (size_t)kept * sizeof(char *));
    if (!s->class_name)
        rc = bti_fail_nomem(err);
    for (s->classes = 0; !rc && s->classes < kept; s->classes++) {
        s->class_name[s->classes] = bti_arena_strdup(&s->arena, sorted[s->classes]);
        if (!s->class_name[s->classes])
            rc = bti_fail_nomem(err);
    }
    if (!rc && kept < 2)
        rc = bti_fail(err, BT_FORMAT, f->where, "every label is \"%s\"; at least 2 are needed",
                      sorted[0]);
    bti_free(sorted);
    return rc;
}

static bt_status set_labels(const bti_source *s, const csv_file *f, bti_file_list *l, bt_error *err)
{
    for (int64_t i = 0; i < l->n; i++) {
        const char **at = bsearch(&f->label[i], s->class_name, (size_t)s->classes,
                                  sizeof(*s->class_name), by_text);
        if (!at)
            return bti_fail_at(err, BT_FORMAT, f->where, l->line[i],
                               "the label \"%s\" is not in train; every split must have the "
                               "classes of train",
                               f->label[i]);
        l->label[i] = (int32_t)(at - s->class_name);
    }
    return BT_OK;
}

static void full_path(const csv_state *state, const char *path, char *buf, size_t cap)
{
    if (*path == '/')
        snprintf(buf, cap, "%s", path);
    else
        snprintf(buf, cap, "%s/%s", state->dir, path);
}

static void mark_images(const csv_state *state, const bti_file_list *l, bti_hash *mark)
{
    char path[PATH_MAX];
    for (int64_t i = 0; i < l->n; i++) {
        struct stat st = {0};
        full_path(state, l->path[i], path, sizeof(path));
        if (stat(path, &st))
            st = (struct stat){0}; /* reading it will say what is wrong */
        bti_mark_stat(mark, l->path[i], &st);
    }
}

static bt_status take_rows(bti_source *s, bti_split split, csv_file *f, bt_error *err)
{
    bti_file_list *l = &((csv_state *)s->state)->list[split];
    bt_status rc = read_header(f, err);
    size_t most = 1;
    for (const char *p = f->next; (p = strchr(p, '\n')); p++)
        most++;
    f->label = bti_array(most, sizeof(*f->label));
    if (!rc && !f->label)
        rc = bti_fail_nomem(err);
    for (char *row; !rc && (row = next_row(f));)
        rc = take_row(s, f, row, l, err);
    if (!rc && !l->n)
        rc = bti_fail(err, BT_FORMAT, f->where, "there is no row after the header");
    if (!rc && split == BTI_TRAIN)
        rc = take_classes(s, f, l->n, err);
    if (!rc)
        rc = set_labels(s, f, l, err);
    bti_free(f->label);
    return rc;
}

static bt_status open_split(bti_source *s, bti_split split, bti_hash *mark, bt_error *err)
{
    csv_state *state = s->state;
    csv_file f = {.where = state->file[split]};
    size_t n;
    bt_status rc = bti_file_read(f.where, MAX_BYTES, &f.text, &n, err);
    if (rc)
        return rc;
    bti_hash_add(mark, f.text, n); /* before the rows are cut out of it */
    f.next = f.text + (bti_has_prefix(f.text, "\xef\xbb\xbf") ? 3 : 0);
    if (strlen(f.text) != n)
        rc = bti_fail(err, BT_FORMAT, f.where, "not a text file: there is a zero byte in it");
    if (!rc)
        rc = take_rows(s, split, &f, err);
    bti_free(f.text);
    if (rc)
        return rc;
    const bti_file_list *l = &state->list[split];
    mark_images(state, l, mark);
    s->split[split] = (bti_samples){.present = true, .n = l->n, .label = l->label};
    return BT_OK;
}

static bt_status find_files(bti_source *s, csv_state *state, bt_error *err)
{
    if (bti_is_file(s->path)) {
        size_t n = (size_t)(bti_path_base(s->path) - s->path);
        state->dir =
            n ? bti_arena_strndup(&s->arena, s->path, n) : bti_arena_strdup(&s->arena, ".");
        state->file[BTI_TRAIN] = bti_arena_strdup(&s->arena, s->path);
        return state->dir && state->file[BTI_TRAIN] ? BT_OK : bti_fail_nomem(err);
    }
    state->dir = bti_arena_strdup(&s->arena, s->path);
    for (int i = 0; state->dir && i < BTI_SPLITS; i++) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof(path), "%s/%s.csv", s->path, bti_split_name[i]);
        if (n < 0 || (size_t)n >= sizeof(path) || !bti_is_file(path))
            continue;
        state->file[i] = bti_arena_strdup(&s->arena, path);
        if (!state->file[i])
            return bti_fail_nomem(err);
    }
    return state->dir ? BT_OK : bti_fail_nomem(err);
}

static bt_status csv_open(bti_source *s, bti_hash mark[BTI_SPLITS], bt_error *err)
{
    csv_state *state = s->state = bti_calloc(1, sizeof(csv_state));
    bt_status rc = state ? find_files(s, state, err) : bti_fail_nomem(err);
    for (int i = 0; i < BTI_SPLITS && !rc; i++) {
        if (state->file[i])
            rc = open_split(s, (bti_split)i, &mark[i], err);
    }
    return rc;
}

static void csv_close(bti_source *s)
{
    csv_state *state = s->state;
    for (int i = 0; state && i < BTI_SPLITS; i++)
        bti_file_list_release(&state->list[i]);
    bti_free(state);
    s->state = NULL;
}

static bt_status csv_load(bti_source *s, bti_split split, bt_error *err)
{
    (void)s; /* images are read one by one */
    (void)split;
    (void)err;
    return BT_OK;
}

static void csv_unload(bti_source *s, bti_split split)
{
    (void)s;
    (void)split;
}

static void csv_path(const bti_source *s, bti_split split, int64_t i, char *buf, size_t cap)
{
    const csv_state *state = s->state;
    full_path(state, state->list[split].path[i], buf, cap);
}

/* "train.csv:17 cats/a.jpg" */
static void csv_sample_name(const bti_source *s, bti_split split, int64_t i, char *buf, size_t cap)
{
    const csv_state *state = s->state;
    snprintf(buf, cap, "%s:%" PRId32 " %s", bti_path_base(state->file[split]),
             state->list[split].line[i], state->list[split].path[i]);
}

const bti_reader bti_reader_csv = {
    .name = "csv",
    .match = csv_match,
    .open = csv_open,
    .close = csv_close,
    .load = csv_load,
    .unload = csv_unload,
    .path = csv_path,
    .sample_name = csv_sample_name,
};
