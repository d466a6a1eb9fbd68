/* SPDX-License-Identifier: Apache-2.0
 *
 * Model directories: model.yaml, weights.safetensors, result.json. The weights' metadata hold
 * everything that prediction needs (classes, normalisation, input size, the model's YAML), so that
 * one file is enough to carry a model away.
 */
#include "train/trainer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"
#include "train/safetensors.h"
#include <math.h>

#define FORMAT_NAME "bantam-model-1"

/* ---- metadata ---- */

static void set_array_text(bti_json *o, const char *key, bti_json *array)
{
    char *text = bti_json_text(array, 0);
    bti_json_set(o, key, text ? bti_json_str(text) : NULL);
    bti_free(text);
    bti_json_free(array);
}

static bti_json *floats(const float *v, int n)
{
    bti_json *a = bti_json_array();
    for (int i = 0; i < n; i++)
        bti_json_append(a, bti_json_num(v[i]));
    return a;
}

static bti_json *metadata_of(const bti_model_meta *m, const char *yaml, const char *hash)
{
    bti_json *o = bti_json_object(), *names = bti_json_array(), *size = bti_json_array();
    int channels = m->c < 3 ? m->c : 3;

    for (int i = 0; i < m->classes; i++)
        bti_json_append(names, bti_json_str(m->class_names[i]));
    bti_json_append(size, bti_json_int(m->c));
    bti_json_append(size, bti_json_int(m->h));
    bti_json_append(size, bti_json_int(m->w));
    bti_json_set_str(o, "format", "pt"); /* what PyTorch's loaders look for: plain OIHW tensors */
    bti_json_set_str(o, "bantam_format", FORMAT_NAME);
    set_array_text(o, "input_size", size);
    set_array_text(o, "class_names", names);
    set_array_text(o, "mean", floats(m->mean, channels));
    set_array_text(o, "std", floats(m->std, channels));
    bti_json_set_str(o, "resize_rule", m->resize_rule);
    bti_json_set_str(o, "model_hash", hash);
    bti_json_set_str(o, "model_yaml", yaml);
    return o;
}

static bt_status parse_meta(const bti_safetensors *file, const char *key, const char *path,
                            bti_json **out, bt_error *err)
{
    const char *text = bti_safetensors_meta(file, key);

    *out = NULL;
    if (!text)
        return bti_fail(err, BT_FORMAT, path, "is no model of bantam: its metadata lack '%s'", key);
    bt_status rc = bti_json_parse(out, text, strlen(text), path, err);
    if (!rc && !bti_json_is_array(*out))
        rc = bti_fail(err, BT_FORMAT, path, "metadata '%s' is not a list", key);
    return rc;
}

static bt_status read_names(bti_model_meta *m, const bti_safetensors *file, const char *path,
                            bt_error *err)
{
    bti_json *list;
    bt_status rc = parse_meta(file, "class_names", path, &list, err);
    size_t n = bti_json_len(list);

    if (!rc) {
        m->class_names = bti_calloc(n ? n : 1, sizeof(*m->class_names));
        if (!m->class_names)
            rc = bti_fail_nomem(err);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        m->class_names[i] = bti_strdup(bti_json_as_str(bti_json_at(list, i), ""));
        m->classes = (int)i + 1;
        if (!m->class_names[i])
            rc = bti_fail_nomem(err);
    }
    bti_json_free(list);
    return rc;
}

/* n numbers, each finite and at least `least`. */
static bt_status read_numbers(const bti_safetensors *file, const char *key, const char *path,
                              double least, int n, double *out, bt_error *err)
{
    bti_json *list;
    bt_status rc = parse_meta(file, key, path, &list, err);

    for (int i = 0; !rc && i < n; i++) {
        out[i] = bti_json_as_num(bti_json_at(list, (size_t)i), NAN);
        if (!(isfinite(out[i]) && out[i] >= least))
            rc = bti_fail(err, BT_FORMAT, path, "metadata '%s' does not hold %d usable numbers",
                          key, n);
    }
    bti_json_free(list);
    return rc;
}

static bt_status read_meta(bti_model_meta *m, const bti_safetensors *file, const char *path,
                           bt_error *err)
{
    double size[3] = {0}, mean[3] = {0}, std[3] = {0};
    const char *rule = bti_safetensors_meta(file, "resize_rule");

    bt_status rc = read_numbers(file, "input_size", path, 1, 3, size, err);
    if (!rc && (size[0] > 3 || size[1] > 4096 || size[2] > 4096))
        rc = bti_fail(err, BT_FORMAT, path, "its input size is not an image of 1 to 3 channels");
    if (!rc)
        rc = read_numbers(file, "mean", path, -1e3, (int)size[0], mean, err);
    if (!rc)
        rc = read_numbers(file, "std", path, 1e-9, (int)size[0], std, err);
    if (!rc)
        rc = read_names(m, file, path, err);
    if (rc)
        return rc;
    m->c = (int)size[0];
    m->h = (int)size[1];
    m->w = (int)size[2];
    for (int i = 0; i < 3; i++) {
        m->mean[i] = (float)mean[i];
        m->std[i] = i < m->c ? (float)std[i] : 1;
    }
    snprintf(m->resize_rule, sizeof(m->resize_rule), "%s", rule ? rule : "");
    return BT_OK;
}

void bti_model_meta_release(bti_model_meta *m)
{
    if (!m)
        return;
    for (int i = 0; m->class_names && i < m->classes; i++)
        bti_free(m->class_names[i]);
    bti_free(m->class_names);
    *m = (bti_model_meta){0};
}

/* ---- save ---- */

static bt_status save_weights(const char *path, const char *yaml, const bti_graph *g,
                              const float *weights, const bti_model_meta *meta, bt_error *err)
{
    bti_stored *list = bti_calloc((size_t)g->n_tensors, sizeof(*list));
    bti_json *metadata = metadata_of(meta, yaml, g->hash);
    bt_status rc = list ? BT_OK : bti_fail_nomem(err);

    for (int i = 0; !rc && i < g->n_tensors; i++) {
        const bti_tensor *t = &g->tensor[i];
        list[i] = (bti_stored){.name = t->name,
                               .n_dims = t->n_dims,
                               .size = t->size,
                               .data = (const unsigned char *)(weights + t->offset)};
        for (int d = 0; d < t->n_dims; d++)
            list[i].dim[d] = t->dim[d];
    }
    if (!rc)
        rc = bti_safetensors_write(path, list, (size_t)g->n_tensors, metadata, err);
    bti_json_free(metadata);
    bti_free(list);
    return rc;
}

/* The three paths of a model directory; all yours. */
typedef struct model_paths {
    char *yaml, *weights, *result;
} model_paths;

static bt_status make_paths(model_paths *p, const char *dir, bt_error *err)
{
    p->yaml = bti_path_join(dir, "model.yaml");
    p->weights = bti_path_join(dir, "weights.safetensors");
    p->result = bti_path_join(dir, "result.json");
    return p->yaml && p->weights && p->result ? BT_OK : bti_fail_nomem(err);
}

static void free_paths(model_paths *p)
{
    bti_free(p->yaml);
    bti_free(p->weights);
    bti_free(p->result);
}

bt_status bti_model_save(const char *dir, const char *model_yaml, const bti_graph *g,
                         const float *weights, const bti_model_meta *meta, const bti_json *result,
                         bt_error *err)
{
    model_paths path = {0};
    bt_status rc = bti_make_dirs(dir, err);

    if (!rc)
        rc = make_paths(&path, dir, err);
    if (!rc)
        rc = bti_file_write(path.yaml, model_yaml, strlen(model_yaml), err);
    if (!rc)
        rc = save_weights(path.weights, model_yaml, g, weights, meta, err);
    if (!rc)
        rc = bti_json_write(result, path.result, err); /* last: with it the directory is complete */
    free_paths(&path);
    return rc;
}

/* ---- load ---- */

static bt_status load_graph(bti_graph **out, const char *path, const bti_model_meta *m,
                            bt_error *err)
{
    bti_arena arena = {0};
    bti_rows rows;

    bt_status rc = bti_rows_read(&rows, &arena, path, NULL, err);
    if (!rc)
        rc = bti_graph_build(out, &rows, m->c, m->h, m->w, err);
    if (!rc && (*out)->classes != m->classes)
        rc = bti_fail(err, BT_FORMAT, path, "has %d outputs but its weights name %d classes",
                      (*out)->classes, m->classes);
    bti_arena_release(&arena);
    return rc;
}

static bt_status check_dims(const bti_safetensors *file, const char *path, const bti_tensor *t,
                            bt_error *err)
{
    const bti_stored *s = bti_safetensors_find(file, t->name);
    bool same = s && s->n_dims == t->n_dims;

    for (int d = 0; same && d < t->n_dims; d++)
        same = s->dim[d] == t->dim[d];
    if (s && !same)
        return bti_fail(err, BT_FORMAT, path, "tensor %s has another shape than the model's",
                        t->name);
    return BT_OK; /* a missing one is reported when it is taken */
}

static bt_status load_weights(float **out, const bti_safetensors *file, const char *path,
                              const bti_graph *g, bt_error *err)
{
    bt_status rc = BT_OK;

    *out = bti_array((size_t)g->n_floats, sizeof(float));
    if (!*out)
        return bti_fail_nomem(err);
    for (int i = 0; !rc && i < g->n_tensors; i++) {
        const bti_tensor *t = &g->tensor[i];
        rc = check_dims(file, path, t, err);
        if (!rc)
            rc = bti_safetensors_take(file, path, t->name, t->size, *out + t->offset, err);
    }
    return rc;
}

bt_status bti_model_load(const char *dir, bti_graph **g, float **weights, bti_model_meta *meta,
                         bti_json **result, bt_error *err)
{
    model_paths path = {0};
    bti_safetensors file = {0};
    bt_status rc;

    *g = NULL;
    *weights = NULL;
    *meta = (bti_model_meta){0};
    *result = NULL;
    rc = make_paths(&path, dir, err);
    if (!rc)
        rc = bti_safetensors_open(&file, path.weights, err);
    if (!rc)
        rc = read_meta(meta, &file, path.weights, err);
    if (!rc)
        rc = load_graph(g, path.yaml, meta, err);
    if (!rc)
        rc = load_weights(weights, &file, path.weights, *g, err);
    if (!rc)
        rc = bti_json_read(result, path.result, err);
    bti_safetensors_close(&file);
    free_paths(&path);
    if (!rc)
        return BT_OK;
    bti_graph_free(*g);
    bti_free(*weights);
    bti_model_meta_release(meta);
    bti_json_free(*result);
    *g = NULL;
    *weights = NULL;
    *result = NULL;
    return rc;
}
