/* SPDX-License-Identifier: Apache-2.0
 *
 * The data file of the course baseline (DATA_PATH, DATASET, IMG_SIZE ...) in bantam's words: one
 * row a key. docs/course.md says what differs.
 */
#include "bantam/train.h"

#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "base/yaml.h"

#include <math.h>

/* train.py's: Adam without weight decay, one cycle whose first twentieth rises. */
#define OPTIMIZER "adam"
#define SCHEDULE "onecycle:pct_start=0.05"
/* randaugment_train's own arguments */
#define N_SELECT 2
#define LEVEL 14
#define N_LEVEL 31
/* What follows it: a flip, and Cutout at 9/10 of its 0..0.5. */
#define AFTERWARDS "flip:0.5+Cutout:value=0.45,p=0.8"
#define SIMPLE "RandomResizedCrop:value=0.08+flip:0.5"

typedef struct course {
    bt_data_file *out;
    const char *path; /* of the file */
    const char *data_path, *dataset;
    int dataset_line;
    bool own_folders;         /* train, val and test are folders of the data */
    bool randaugment, simple; /* AUG_TRAIN; neither: null */
    double val_ratio;
    int n_select, level, n_level; /* level -1: drawn */
    const bt_progress *progress;
    bt_error *err;
} course;

typedef struct key_row {
    const char *name;
    bt_status (*read)(course *c, const bti_yaml *y);
} key_row;

static bool is_null(const bti_yaml *y)
{
    return y->kind == BTI_YAML_SCALAR && y->value.kind == BTI_NULL;
}

static bool is_word(const bti_yaml *y, const char *word)
{
    return y->kind == BTI_YAML_SCALAR && bti_streq(y->text, word);
}

static bt_status wrong(const course *c, const bti_yaml *y, const char *key, const char *expected)
{
    return bti_fail_at(c->err, BT_INVAL, c->path, y->line, "%s: expected %s, found %s", key,
                       expected,
                       y->kind == BTI_YAML_SCALAR ? y->text
                       : y->kind == BTI_YAML_SEQ  ? "a list"
                                                  : "a mapping");
}

static bt_status read_int(const course *c, const bti_yaml *y, const char *key, int lo, int hi,
                          int *out)
{
    char expected[64];
    snprintf(expected, sizeof(expected), "a whole number from %d to %d", lo, hi);
    if (y->kind != BTI_YAML_SCALAR || y->value.kind != BTI_INT || y->value.u.i < lo ||
        y->value.u.i > hi)
        return wrong(c, y, key, expected);
    *out = (int)y->value.u.i;
    return BT_OK;
}

/* ---- a function a key ---- */

static bt_status data_path(course *c, const bti_yaml *y)
{
    if (y->kind != BTI_YAML_SCALAR || !*y->text || is_null(y))
        return wrong(c, y, "DATA_PATH", "a folder");
    c->data_path = y->text;
    return BT_OK;
}

static bt_status dataset(course *c, const bti_yaml *y)
{
    c->dataset = y->kind == BTI_YAML_SCALAR && *y->text ? y->text : "(nothing)";
    c->dataset_line = y->line;
    return BT_OK;
}

static bt_status img_size(course *c, const bti_yaml *y)
{
    return read_int(c, y, "IMG_SIZE", 1, 4096, &c->out->size);
}

static bt_status batch_size(course *c, const bti_yaml *y)
{
    return read_int(c, y, "BATCH_SIZE", 1, 65536, &c->out->recipe.batch);
}

static bt_status epochs(course *c, const bti_yaml *y)
{
    return read_int(c, y, "EPOCHS", 1, 100000, &c->out->recipe.epochs);
}

static bt_status init_lr(course *c, const bti_yaml *y)
{
    double v = y->kind == BTI_YAML_SCALAR ? bti_value_num(y->value) : (double)NAN;
    if (!(v > 0 && v <= 1e6))
        return wrong(c, y, "INIT_LR", "a learning rate above 0");
    c->out->recipe.lr = v;
    return BT_OK;
}

static bt_status val_ratio(course *c, const bti_yaml *y)
{
    double v = y->kind == BTI_YAML_SCALAR ? bti_value_num(y->value) : (double)NAN;
    if (!(v >= 0 && v < 1))
        return wrong(c, y, "VAL_RATIO", "a share from 0 to below 1");
    c->val_ratio = v;
    return BT_OK;
}

static bt_status fp16(course *c, const bti_yaml *y)
{
    if (y->kind != BTI_YAML_SCALAR || y->value.kind != BTI_BOOL)
        return wrong(c, y, "FP16", "true or false");
    if (y->value.u.b)
        bti_note(c->progress,
                 "%s:%d: FP16 is a setting of GPUs: --precision says what bantam trains in",
                 c->path, y->line);
    return BT_OK;
}

static bt_status aug_train(course *c, const bti_yaml *y)
{
    c->randaugment = is_word(y, "randaugment_train");
    c->simple = is_word(y, "simple_augment_train");
    if (!c->randaugment && !c->simple && !is_null(y))
        return wrong(c, y, "AUG_TRAIN", "randaugment_train, simple_augment_train or null");
    return BT_OK;
}

static bt_status aug_test(course *c, const bti_yaml *y)
{
    if (!is_null(y) && !is_word(y, "simple_augment_test"))
        return wrong(c, y, "AUG_TEST", "simple_augment_test or null");
    return BT_OK;
}

static bt_status aug_train_params(course *c, const bti_yaml *y)
{
    static const char *const names[] = {"n_select", "level", "n_level", NULL};
    bt_status rc = BT_OK;

    if (is_null(y))
        return BT_OK;
    if (y->kind != BTI_YAML_MAP)
        return wrong(c, y, "AUG_TRAIN_PARAMS", "null or {n_select, level, n_level}");
    for (int i = 0; i < y->n && !rc; i++) {
        const bti_yaml *v = y->child[i];
        if (bti_streq(y->key[i], "n_select")) /* of 14 operations */
            rc = read_int(c, v, "AUG_TRAIN_PARAMS: n_select", 0, 14, &c->n_select);
        else if (bti_streq(y->key[i], "n_level"))
            rc = is_null(v) ? BT_OK
                            : read_int(c, v, "AUG_TRAIN_PARAMS: n_level", 1, 998, &c->n_level);
        else if (bti_streq(y->key[i], "level") && is_null(v))
            c->level = -1;
        else if (bti_streq(y->key[i], "level"))
            rc = read_int(c, v, "AUG_TRAIN_PARAMS: level", 0, 998, &c->level);
        else
            rc = bti_fail_at(c->err, BT_INVAL, c->path, y->key_line[i],
                             "AUG_TRAIN_PARAMS: unknown %s; known are %s, %s and %s", y->key[i],
                             names[0], names[1], names[2]);
    }
    if (!rc && c->level > c->n_level)
        rc = bti_fail_at(c->err, BT_INVAL, c->path, y->line,
                         "AUG_TRAIN_PARAMS: level %d is above n_level %d", c->level, c->n_level);
    return rc;
}

static bt_status aug_test_params(course *c, const bti_yaml *y)
{
    return is_null(y) ? BT_OK : wrong(c, y, "AUG_TEST_PARAMS", "null");
}

static const key_row keys[] = {
    {"DATA_PATH", data_path},
    {"DATASET", dataset},
    {"IMG_SIZE", img_size},
    {"AUG_TRAIN", aug_train},
    {"AUG_TEST", aug_test},
    {"AUG_TRAIN_PARAMS", aug_train_params},
    {"AUG_TEST_PARAMS", aug_test_params},
    {"BATCH_SIZE", batch_size},
    {"EPOCHS", epochs},
    {"VAL_RATIO", val_ratio},
    {"INIT_LR", init_lr},
    {"FP16", fp16},
};
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static bt_status unknown_key(const course *c, const char *key, int line)
{
    const char *names[N_KEYS + 1];
    for (size_t i = 0; i < N_KEYS; i++)
        names[i] = keys[i].name;
    names[N_KEYS] = NULL;
    const char *near = bti_nearest(key, names);
    return bti_fail_at(c->err, BT_INVAL, c->path, line, "unknown key %s%s%s%s", key,
                       near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

static bt_status read_keys(course *c, const bti_yaml *doc)
{
    bt_status rc = BT_OK;

    if (doc->kind != BTI_YAML_MAP)
        return bti_fail_at(c->err, BT_FORMAT, c->path, doc->line,
                           "expected a mapping of DATA_PATH, DATASET, IMG_SIZE ...");
    for (int i = 0; i < doc->n && !rc; i++) {
        size_t k = 0;
        while (k < N_KEYS && !bti_streq(keys[k].name, doc->key[i]))
            k++;
        rc = k < N_KEYS ? keys[k].read(c, doc->child[i])
                        : unknown_key(c, doc->key[i], doc->key_line[i]);
    }
    return rc;
}

/* ---- what they mean together ---- */

/* torchvision's names for what bantam reads; NULL: folders of images at DATA_PATH. */
static const struct {
    const char *dataset, *name;
    const char *place[2]; /* in DATA_PATH */
} known[] = {
    {"CIFAR10", "cifar10", {"cifar-10-batches-bin", "cifar-10-binary.tar.gz"}},
    {"CIFAR100", "cifar100", {"cifar-100-binary", "cifar-100-binary.tar.gz"}},
    {"FashionMNIST", "fashion-mnist", {"fashion-mnist", "FashionMNIST/raw"}},
    {"TACO", NULL, {NULL}},
    {"ImageFolder", NULL, {NULL}},
};
#define N_KNOWN (sizeof(known) / sizeof(known[0]))

static bt_status set_data(course *c, const char *text)
{
    if (strlen(text) >= sizeof(c->out->data))
        return bti_fail(c->err, BT_INVAL, c->path, "DATA_PATH is too long");
    snprintf(c->out->data, sizeof(c->out->data), "%s", text);
    return BT_OK;
}

/* The data set's files in DATA_PATH if they are there, else its name. */
static bt_status find_known(course *c, size_t k)
{
    bool found = false;
    for (int i = 0; i < 2 && c->data_path && !found; i++) {
        char path[sizeof(c->out->data)];
        snprintf(path, sizeof(path), "%s/%s", c->data_path, known[k].place[i]);
        found = bti_is_file(path) || bti_is_dir(path);
        if (found)
            snprintf(c->out->data, sizeof(c->out->data), "%s", path);
    }
    return found ? BT_OK : set_data(c, known[k].name);
}

static bt_status resolve_data(course *c)
{
    size_t k = 0;

    if (!c->dataset)
        return bti_fail(c->err, BT_INVAL, c->path, "DATASET is missing: CIFAR10, TACO ...");
    while (k < N_KNOWN && !bti_streq(known[k].dataset, c->dataset))
        k++;
    if (k == N_KNOWN)
        return bti_fail_at(c->err, BT_INVAL, c->path, c->dataset_line,
                           "DATASET: %s is none of CIFAR10, CIFAR100, FashionMNIST, TACO and "
                           "ImageFolder (the last two: folders of images at DATA_PATH)",
                           c->dataset);
    c->own_folders = !known[k].name;
    if (known[k].name)
        return find_known(c, k);
    return c->data_path ? set_data(c, c->data_path)
                        : bti_fail(c->err, BT_INVAL, c->path, "DATA_PATH is missing");
}

static void resolve_rest(course *c)
{
    bt_recipe *r = &c->out->recipe;
    char level[16] = "any";

    if (!c->own_folders && !isnan(c->val_ratio))
        snprintf(c->out->val, sizeof(c->out->val), c->val_ratio > 0 ? "%g%%" : "%g",
                 100 * c->val_ratio);
    if (c->level >= 0)
        snprintf(level, sizeof(level), "%d", c->level);
    if (c->randaugment) /* both ends of 0..n_level are levels */
        snprintf(r->augment, sizeof(r->augment), "randaugment:n=%d,m=%s,levels=%d+" AFTERWARDS,
                 c->n_select, level, c->n_level + 1);
    else
        snprintf(r->augment, sizeof(r->augment), c->simple ? SIMPLE : "none");
}

bt_status bt_data_file_load(bt_data_file *out, const char *path, const bt_progress *progress,
                            bt_error *err)
{
    bti_arena arena = {0};
    const bti_yaml *doc;
    course c = {.out = out,
                .path = path,
                .val_ratio = (double)NAN,
                .n_select = N_SELECT,
                .level = LEVEL,
                .n_level = N_LEVEL,
                .progress = progress,
                .err = err};

    *out = (bt_data_file){.recipe = bt_recipe_defaults()};
    out->recipe.weight_decay = 0;
    snprintf(out->recipe.optimizer, sizeof(out->recipe.optimizer), OPTIMIZER);
    snprintf(out->recipe.schedule, sizeof(out->recipe.schedule), SCHEDULE);
    bt_status rc = bti_yaml_read(&doc, &arena, path, err);
    if (!rc)
        rc = read_keys(&c, doc);
    if (!rc)
        rc = resolve_data(&c);
    if (!rc)
        resolve_rest(&c);
    bti_arena_release(&arena);
    return rc;
}
