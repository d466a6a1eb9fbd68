/* SPDX-License-Identifier: Apache-2.0
 *
 * Every allocation fails once, the JSON library's too: each piece of work then ends with "out of
 * memory", gives back what it had and leaves no half-written file; the next try is whole.
 */
#include "fault_place.h"
#include "space_text.h"
#include "study_text.h"

#include "model/graph.h"
#include "study/sampler.h"
#include "train/trainer.h"

#include <jansson.h>

static const char small_space[] =
    SPACE_HEAD "input: {channels: $channels, classes: $classes, size: $size}\n"
               "model: {depth_multiple: 1.0, width_multiple: 1.0}\n"
               "blocks:\n  - id: m1\n    repeat: {int: [1, 2]}\n    stride: {int: [1, 2]}\n"
               "    module: {Conv: {out: {int: [8, 32, 8]}, kernel: 3, act: {choice: [ReLU, "
               "Hardswish]}}, Pass: {}}\n" SPACE_TAIL;

/* jansson's memory shares the count of failures. 2.14 asserts when the text buffer of its lexer
 * cannot grow; those sizes are powers of two and never fail here. */
static void *json_memory(size_t size)
{
    void *asked = size & (size - 1) ? bti_malloc(1) : NULL;
    if (!asked && size & (size - 1))
        return NULL;
    bti_free(asked);
    return malloc(size);
}

/* ---- data ---- */

static bt_status open_data(void *user, bt_error *err)
{
    const place *p = user;
    bti_data *d = NULL;
    const bt_data_options o = place_data_options(p);
    bt_status rc = bti_data_open(&d, p->photos, &o, err);
    if (rc)
        assert_null(d);
    bti_data_close(d);
    return rc;
}

static bt_status decode_data(void *user, bt_error *err)
{
    bt_error ignored;
    assert_ok(bti_remove_tree(((place *)user)->cache, &ignored), &ignored);
    return open_data(user, err);
}

static void opening_images(void **state)
{
    place *p = *state;
    assert_true(each_allocation_fails(decode_data, p, p->cache) > 20);
    assert_true(each_allocation_fails(open_data, p, p->cache) > 10); /* from the cache */
}

static bt_status info_of_data(void *user, bt_error *err)
{
    const place *p = user;
    char *text = NULL;
    const bt_data_options o = place_data_options(p);
    bt_status rc = bt_data_info(&text, p->photos, &o, err);
    bt_free(text);
    return rc;
}

static void looking_into_and_importing_images(void **state)
{
    place *p = *state;
    each_allocation_fails(info_of_data, p, p->dir);
    each_allocation_fails(import_data, p, p->dir);
    assert_true(bti_is_file(at(p->out, "manifest.json")));
}

/* ---- files people write ---- */

static bt_status info_of_model(void *user, bt_error *err)
{
    char *text = NULL;
    bt_status rc = bt_model_info(&text, user, 0, 0, 0, NULL, err);
    bt_free(text);
    return rc;
}

static bt_status info_of_space(void *user, bt_error *err)
{
    char *text = NULL;
    bt_status rc = bt_space_info(&text, user, 10, 32, 3, 2, 1, err);
    bt_free(text);
    return rc;
}

static bt_status load_recipe(void *user, bt_error *err)
{
    bt_recipe r = bt_recipe_defaults();
    return bt_recipe_load(&r, user, NULL, NULL, err);
}

static void reading_models_spaces_and_recipes(void **state)
{
    place *p = *state;
    const char *space = at(p->dir, "space.yaml");
    bt_error err;
    assert_ok(bti_file_write(space, small_space, strlen(small_space), &err), &err);
    each_allocation_fails(info_of_model,
                          (void *)(uintptr_t)test_source("examples/models/se71k.yaml"), NULL);
    each_allocation_fails(info_of_space, (void *)(uintptr_t)space, NULL);
    each_allocation_fails(load_recipe,
                          (void *)(uintptr_t)test_source("examples/recipes/brief.yaml"), NULL);
}

/* ---- training and its result ---- */

static bt_status evaluate(void *user, bt_error *err)
{
    const place *p = user;
    char *json = NULL;
    const bt_eval_options o = {.model_dir = p->out,
                               .data = p->photos,
                               .data_opt = place_data_options(p),
                               .split = "test",
                               .threads = 1};
    bt_status rc = bt_eval(&json, &o, err);
    bt_free(json);
    return rc;
}

static void training_measuring_and_predicting(void **state)
{
    place *p = *state;
    each_allocation_fails(train_from_nothing, p, p->dir);
    each_allocation_fails(evaluate, p, p->dir);
    each_allocation_fails(predict, p, p->dir);
}

/* ---- a study ---- */

static bt_status cost_of(void *user, const bti_rows *rows, bti_cost *out, bt_error *err)
{
    bti_graph *g = NULL;
    (void)user;
    bt_status rc = bti_graph_build(&g, rows, 0, 0, 0, err);
    if (rc)
        return rc;
    *out = (bti_cost){.params = (double)g->params, .macs = (double)g->macs};
    snprintf(out->hash, sizeof(out->hash), "%s", g->hash);
    bti_graph_free(g);
    return BT_OK;
}

/* One trial from the question to its result, in a study that is opened for it. */
static bt_status one_trial(bti_space *space, bti_storage *st, const char *sampler, bt_error *err)
{
    const bti_sampler_ops *ops;
    const char *params;
    bti_trials trials = {0};
    bti_answer answer;
    int64_t id = -1;
    int number;
    bool duplicate;
    bt_status rc = st->ops->refresh(st, &trials, err);
    if (!rc)
        rc = bti_sampler_find(&ops, sampler, &params, err);
    const bti_ask ask = {.space = space,
                         .trials = &trials,
                         .goals = bti_trials_goals(&trials),
                         .cost = cost_of,
                         .params = rc ? NULL : params,
                         .seed = 5,
                         .number = trials.n};
    if (!rc)
        rc = bti_sampler_ask(ops, &ask, &answer, err);
    bti_json *attrs = bti_json_object();
    bti_json_set_num(attrs, "params", rc ? 0 : answer.cost.params);
    bti_json_set_num(attrs, "macs", rc ? 0 : answer.cost.macs);
    const bti_proposal proposal = {.point = &answer.point, .key = answer.key, .attrs = attrs};
    if (!rc)
        rc = st->ops->claim(st, &proposal, "w", 60, 0, &id, &number, &duplicate, err);
    const double value[2] = {0.5, rc ? 0 : answer.cost.params};
    if (!rc && id >= 0)
        rc = st->ops->finish(st, id, "w", 1, BTI_COMPLETE, value, attrs, err);
    bti_json_free(attrs);
    bti_trials_release(&trials);
    return rc;
}

static const bti_study_spec spec = {"s", 2, {"accuracy", "params"}, {true, false}};

typedef struct ask_and_tell {
    const place *p;
    const char *sampler;
} ask_and_tell;

static bt_status open_ask_tell(void *user, bt_error *err)
{
    const ask_and_tell *a = user;
    const bti_space_vars vars = {.classes = 10, .size = 32, .channels = 3};
    bti_space *space = NULL;
    bti_storage *st = NULL;
    bt_status rc =
        bti_space_parse(&space, small_space, strlen(small_space), "small.yaml", &vars, err);
    if (!rc)
        rc = bti_storage_open(&st, a->p->study, &spec, true, err);
    if (!rc)
        rc = one_trial(space, st, a->sampler, err);
    bti_storage_close(st);
    bti_space_free(space);
    return rc;
}

static int complete_trials(const char *study)
{
    bti_storage *st;
    bti_trials trials = {0};
    bt_error err;
    int n = 0;
    assert_ok(bti_storage_open(&st, study, NULL, false, &err), &err);
    assert_ok(st->ops->refresh(st, &trials, &err), &err);
    for (int i = 0; i < trials.n; i++)
        n += trials.trial[i].state == BTI_COMPLETE;
    bti_trials_release(&trials);
    bti_storage_close(st);
    return n;
}

static void asking_and_telling(void **state)
{
    place *p = *state;
    each_allocation_fails(open_ask_tell, &(ask_and_tell){p, "random"}, p->dir);
    assert_int_equal(complete_trials(p->study), 1);
    each_allocation_fails(open_ask_tell, &(ask_and_tell){p, "evolution"}, p->dir);
    assert_int_equal(complete_trials(p->study), 2);
}

typedef struct show {
    const char *study;
    bt_front_options options;
    size_t length;
} show;

static bt_status print_front(void *user, bt_error *err)
{
    show *s = user;
    char *text = NULL;
    bt_status rc = bt_front(&text, s->study, &s->options, err);
    if (!rc) /* never half of it */
        assert_int_equal(strlen(text), s->length);
    bt_free(text);
    return rc;
}

static void showing_the_front(void **state)
{
    place *p = *state;
    bti_storage *st;
    bt_error err;
    const char *study = at(p->dir, "front.db");
    assert_ok(bti_storage_open(&st, study, &spec, true, &err), &err);
    for (int i = 0; i < 5; i++)
        finish_trial(st, 0.5 + 0.1 * i, 1000 + 500 * i);
    bti_storage_close(st);
    for (bt_front_format f = BT_FRONT_TABLE; f <= BT_FRONT_SVG; f++) {
        char *whole;
        show s = {study, {.format = f}, 0};
        assert_ok(bt_front(&whole, study, &s.options, &err), &err);
        s.length = strlen(whole);
        bt_free(whole);
        each_allocation_fails(print_front, &s, p->dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_images),
        cmocka_unit_test(looking_into_and_importing_images),
        cmocka_unit_test(reading_models_spaces_and_recipes),
        cmocka_unit_test(training_measuring_and_predicting),
        cmocka_unit_test(asking_and_telling),
        cmocka_unit_test(showing_the_front),
    };
    json_set_alloc_funcs(json_memory, free);
    return cmocka_run_group_tests_name("each allocation fails once", tests, make_place, NULL);
}
