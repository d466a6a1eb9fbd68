/* SPDX-License-Identifier: Apache-2.0
 *
 * Saving and loading a training. Everything is stored in plain layout, so a checkpoint does not
 * depend on the engine's; copies between layouts do not round, so going on is bit for bit.
 */
#include "train/checkpoint.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/str.h"
#include "train/recipe.h"
#include "train/safetensors.h"

static const char *const state_name[BTI_OPTIMIZER_STATES] = {"momentum", "second"};

/* The arrays beside the weights: the optimiser's states, then the moving average if there is one.
 */
typedef struct extras {
    int n;
    const char *name[BTI_OPTIMIZER_STATES + 1];
    bool all[BTI_OPTIMIZER_STATES + 1]; /* with running statistics, or only what is trained */
} extras;

static extras extras_of(const bti_stepper *s)
{
    extras x = {.n = s->optimizer.ops->n_states};
    for (int i = 0; i < x.n; i++)
        x.name[i] = state_name[i];
    if (s->ema) {
        x.name[x.n] = "ema";
        x.all[x.n++] = true;
    }
    return x;
}

static bool has_tensor(const extras *x, int extra, const bti_tensor *t)
{
    return x->all[extra] || (t->kind != BTI_TENSOR_MEAN && t->kind != BTI_TENSOR_VAR);
}

/* What must be equal for a checkpoint to be gone on with. */
static bti_json *identity(const bti_job *job, const bti_stepper *s)
{
    bti_json *o = bti_json_object();
    char seed[24];

    snprintf(seed, sizeof(seed), "%llu",
             (unsigned long long)job->seed); /* may exceed JSON's integers */
    bti_json_set_str(o, "hash", job->graph->hash);
    bti_json_set_str(o, "seed", seed);
    bti_json_set_int(o, "train_images", job->train->n + (job->extra ? job->extra->n : 0));
    bti_json_set_int(o, "batch", s->batch);
    bti_json_set_str(o, "precision", bti_precision_name(job->precision));
    bti_json *mean = bti_json_array(); /* stands for the pixels: other data has another mean */
    for (int c = 0; c < job->graph->in_c && c < 3; c++)
        bti_json_append(mean, bti_json_num(job->mean[c]));
    bti_json_set(o, "mean", mean);
    bti_json_set(o, "recipe", bti_recipe_json(&job->recipe));
    return o;
}

static char *position_text(const bti_job *job, const bti_stepper *s, const bti_position *at)
{
    bti_json *o = bti_json_object();

    bti_json_set(o, "training", identity(job, s));
    bti_json_set_str(o, "engine", bti_net_backend_name(s->net));
    bti_json_set_int(o, "threads", job->threads);
    bti_json_set_int(o, "epoch", at->epoch);
    bti_json_set_int(o, "step", at->step);
    bti_json_set_int(o, "optimizer_steps", s->optimizer.steps);
    bti_json_set_int(o, "images", at->images);
    bti_json_set_num(o, "loss_sum", at->loss_sum);
    bti_json_set_num(o, "train_s", at->train_s);
    bti_json_set_num(o, "loss", at->loss);
    bti_json_set_num(o, "val_accuracy", at->val_accuracy);
    bti_json_set_num(o, "val_f1_macro", at->val_f1_macro);
    bti_json_set_num(o, "val_balanced_accuracy", at->val_balanced_accuracy);
    bti_json_set(o, "curve", bti_json_copy(at->curve));
    char *text = bti_json_text(o, 0);
    bti_json_free(o);
    return text;
}

static void describe(bti_stored *out, const bti_tensor *t, const char *name, const float *plain)
{
    *out = (bti_stored){.name = name,
                        .n_dims = t->n_dims,
                        .size = t->size,
                        .is_f32 = true,
                        .data = (const unsigned char *)(plain + t->offset)};
    for (int d = 0; d < t->n_dims; d++)
        out->dim[d] = t->dim[d];
}

static const char *extra_tensor(bti_arena *arena, const char *extra, const bti_tensor *t)
{
    bti_str name = {0};

    bti_str_addf(&name, "%s.%s", extra, t->name);
    const char *copy = name.failed ? NULL : bti_arena_strdup(arena, bti_str_c(&name));
    bti_str_release(&name);
    return copy;
}

/* Weights, then each extra; `plain` holds 1 + x->n arrays of graph->n_floats. */
static bt_status write_all(const char *path, const bti_graph *g, const extras *x,
                           const float *plain, const bti_json *metadata, bt_error *err)
{
    bti_arena arena = {0};
    bt_status rc = BT_OK;
    size_t n = 0, most = (size_t)g->n_tensors * (size_t)(1 + x->n);
    bti_stored *list = bti_arena_alloc(&arena, most * sizeof(*list));

    if (!list)
        rc = bti_fail_nomem(err);
    for (int i = 0; !rc && i < g->n_tensors; i++)
        describe(&list[n++], &g->tensor[i], g->tensor[i].name, plain);
    for (int s = 0; !rc && s < x->n; s++) {
        for (int i = 0; !rc && i < g->n_tensors; i++) {
            const bti_tensor *t = &g->tensor[i];
            if (!has_tensor(x, s, t))
                continue;
            const char *name = extra_tensor(&arena, x->name[s], t);
            if (!name)
                rc = bti_fail_nomem(err);
            else
                describe(&list[n++], t, name, plain + (size_t)(1 + s) * (size_t)g->n_floats);
        }
    }
    if (!rc)
        rc = bti_safetensors_write(path, list, n, metadata, err);
    bti_arena_release(&arena);
    return rc;
}

bt_status bti_checkpoint_save(const char *path, const bti_job *job, bti_stepper *s,
                              const bti_position *at, bt_error *err)
{
    const bti_graph *g = job->graph;
    size_t n = (size_t)g->n_floats;
    extras x = extras_of(s);
    int n_states = s->optimizer.ops->n_states;
    float *plain = bti_calloc((size_t)(1 + x.n) * n, sizeof(float));
    char *text = position_text(job, s, at);
    bti_json *metadata = bti_json_object();
    bt_status rc = BT_OK;

    if (!plain || !text) {
        rc = bti_fail_nomem(err);
    } else {
        bti_json_set_str(metadata, "bantam", text);
        bti_net_get_weights(s->net, plain);
        for (int i = 0; i < n_states; i++)
            bti_stepper_get_state(s, i, plain + (size_t)(1 + i) * n);
        if (s->ema)
            memcpy(plain + (size_t)x.n * n, s->ema, n * sizeof(float));
        rc = write_all(path, g, &x, plain, metadata, err);
    }
    bti_json_free(metadata);
    bti_free(text);
    bti_free(plain);
    return rc;
}

/* BT_INVAL names the first part of the identity that differs. */
static bt_status compare(const bti_json *stored, const bti_json *ours, const char *path,
                         bt_error *err)
{
    const char *key;
    const bti_json *value;
    bti_json_walk walk = bti_json_first(ours);
    bt_status rc = BT_OK;

    while (!rc && bti_json_next(&walk, &key, &value)) {
        const bti_json *other = bti_json_get(stored, key);
        if (bti_json_is_object(value)) {
            rc = compare(other, value, path, err);
            continue;
        }
        char *a = bti_json_text(value, 0), *b = bti_json_text(other, 0);
        if (!a || !bti_streq(a, b))
            rc = bti_fail(err, BT_INVAL, path,
                          "is the checkpoint of another training: its %s is %s, now it is %s", key,
                          b ? b : "missing", a ? a : "unknown");
        bti_free(a);
        bti_free(b);
    }
    return rc;
}

static bt_status load_position(const bti_safetensors *file, const char *path, const bti_job *job,
                               bti_stepper *s, bti_position *at, bt_error *err)
{
    const char *text = bti_safetensors_meta(file, "bantam");
    bti_json *o;

    if (!text)
        return bti_fail(err, BT_FORMAT, path, "is not a checkpoint: no 'bantam' in its metadata");
    bt_status rc = bti_json_parse(&o, text, strlen(text), path, err);
    if (rc)
        return rc;
    bti_json *ours = identity(job, s);
    rc = compare(bti_json_get(o, "training"), ours, path, err);
    bti_json_free(ours);
    const bti_json *curve = bti_json_get(o, "curve");
    int64_t threads = bti_json_as_int(bti_json_get(o, "threads"), job->threads);
    if (!rc && threads != job->threads)
        bti_warn(&job->progress,
                 "the checkpoint was made with %lld threads, not %d: the result may differ in the "
                 "last bits",
                 (long long)threads, job->threads);
    if (!rc) {
        at->epoch = (int)bti_json_as_int(bti_json_get(o, "epoch"), -1);
        at->step = bti_json_as_int(bti_json_get(o, "step"), -1);
        at->images = bti_json_as_int(bti_json_get(o, "images"), -1);
        at->loss_sum = bti_json_as_num(bti_json_get(o, "loss_sum"), 0);
        at->train_s = bti_json_as_num(bti_json_get(o, "train_s"), 0);
        at->loss = bti_json_as_num(bti_json_get(o, "loss"), 0);
        at->val_accuracy = bti_json_as_num(bti_json_get(o, "val_accuracy"), -1);
        at->val_f1_macro = bti_json_as_num(bti_json_get(o, "val_f1_macro"), 0);
        at->val_balanced_accuracy = bti_json_as_num(bti_json_get(o, "val_balanced_accuracy"), 0);
        s->optimizer.steps = bti_json_as_int(bti_json_get(o, "optimizer_steps"), 0);
        if (at->epoch < 0 || at->epoch > job->recipe.epochs || at->step < 0 || at->images < 0 ||
            !bti_json_is_array(curve))
            rc = bti_fail(err, BT_FORMAT, path, "is a damaged checkpoint: its position is missing");
    }
    if (!rc) {
        bti_json *copy = bti_json_copy(curve);
        if (copy) {
            bti_json_free(at->curve);
            at->curve = copy;
        } else {
            rc = bti_fail_nomem(err);
        }
    }
    bti_json_free(o);
    return rc;
}

static bt_status load_tensors(const bti_safetensors *file, const char *path, const bti_graph *g,
                              const extras *x, float *plain, bt_error *err)
{
    bti_arena arena = {0};
    bt_status rc = BT_OK;

    for (int s = -1; !rc && s < x->n; s++) {
        for (int i = 0; !rc && i < g->n_tensors; i++) {
            const bti_tensor *t = &g->tensor[i];
            if (s >= 0 && !has_tensor(x, s, t))
                continue;
            const char *name = s < 0 ? t->name : extra_tensor(&arena, x->name[s], t);
            rc = name ? bti_safetensors_take(
                            file, path, name, t->size,
                            plain + (size_t)(1 + s) * (size_t)g->n_floats + t->offset, err)
                      : bti_fail_nomem(err);
        }
    }
    bti_arena_release(&arena);
    return rc;
}

bt_status bti_checkpoint_load(const char *path, const bti_job *job, bti_stepper *s,
                              bti_position *at, bt_error *err)
{
    const bti_graph *g = job->graph;
    size_t n = (size_t)g->n_floats;
    extras x = extras_of(s);
    int n_states = s->optimizer.ops->n_states;
    bti_safetensors file;

    bt_status rc = bti_safetensors_open(&file, path, err);
    if (rc)
        return rc;
    float *plain = bti_calloc((size_t)(1 + x.n) * n, sizeof(float));
    if (!plain)
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = load_position(&file, path, job, s, at, err);
    if (!rc)
        rc = load_tensors(&file, path, g, &x, plain, err);
    if (!rc) {
        bti_net_set_weights(s->net, plain);
        for (int i = 0; i < n_states; i++)
            bti_stepper_set_state(s, i, plain + (size_t)(1 + i) * n);
        if (s->ema)
            memcpy(s->ema, plain + (size_t)x.n * n, n * sizeof(float));
    }
    bti_free(plain);
    bti_safetensors_close(&file);
    return rc;
}
