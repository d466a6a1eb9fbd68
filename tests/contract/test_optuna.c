/* SPDX-License-Identifier: Apache-2.0
 *
 * Optuna is the judge of our schema: a study made by our store, with every kind of domain, state
 * and attribute, is opened by Optuna, which reads it, takes over its front, and goes on with its
 * own samplers. Skips (77) where Optuna cannot be installed; optuna_env.sh says when that is a
 * failure.
 */
#include "support.h"

#include "base/files.h"
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bt_error err;
static char python[512];

static const bti_value words[] = {{BTI_STR, {.s = "Conv"}},
                                  {BTI_STR, {.s = "d\xc3\xa9j\xc3\xa0 vu"}}};
static const bti_value mixed[] = {
    {BTI_NULL, {.i = 0}}, {BTI_BOOL, {.b = true}}, {BTI_INT, {.i = -5}}, {BTI_FLOAT, {.f = 0.5}}};

/* Trial i of a conditional space with every kind of domain; bounds of m1.out vary by trial. */
static void make_point(bti_point *p, int i)
{
    int module = i % 2;
    p->n = 0;
    p->param[p->n++] = (bti_param){
        "train.lr", {.kind = BTI_DOMAIN_FLOAT, .log = true, .lo = 1e-5, .hi = 1}, 1e-4 * (i + 1)};
    p->param[p->n++] = (bti_param){
        "train.mix", {.kind = BTI_DOMAIN_FLOAT, .lo = 0, .hi = 1, .step = 0.25}, 0.25 * (i % 5)};
    p->param[p->n++] =
        (bti_param){"m1", {.kind = BTI_DOMAIN_CHOICE, .n = 2, .choice = words}, module};
    if (module)
        p->param[p->n++] = (bti_param){
            "m1.MBConv.expand", {.kind = BTI_DOMAIN_INT, .log = true, .lo = 1, .hi = 6}, 1 + i % 6};
    p->param[p->n++] =
        (bti_param){"m1.out",
                    {.kind = BTI_DOMAIN_INT, .lo = 8, .hi = 64 + 8 * (i % 3), .step = 8},
                    8 * (1 + i % 8)};
    p->param[p->n++] = (bti_param){
        "m1.se", {.kind = BTI_DOMAIN_CHOICE, .ordered = true, .n = 4, .choice = mixed}, i % 4};
}

static bti_json *json_of_param(const bti_param *p)
{
    bti_value v = p->domain.kind == BTI_DOMAIN_CHOICE ? p->domain.choice[(int)p->value]
                  : p->domain.kind == BTI_DOMAIN_INT
                      ? (bti_value){BTI_INT, {.i = (int64_t)p->value}}
                      : (bti_value){BTI_FLOAT, {.f = p->value}};
    switch (v.kind) {
    case BTI_NULL:
        return bti_json_null();
    case BTI_BOOL:
        return bti_json_bool(v.u.b);
    case BTI_INT:
        return bti_json_int(v.u.i);
    case BTI_FLOAT:
        return bti_json_num(v.u.f);
    default:
        return bti_json_str(v.u.s);
    }
}

/* 40 trials: mostly COMPLETE, every 7th PRUNED, every 11th FAIL, the last two RUNNING. */
static void add_trial(bti_storage *s, int i)
{
    static bti_point point;
    char key[40];
    bool duplicate;
    int number;
    int64_t id;
    double values[2] = {0.5 + ((i * 37) % 41) * 0.01, 1000.0 + ((i * 29) % 43) * 100};
    bti_json *attrs = bti_json_object(), *end = bti_json_object();
    bti_proposal p = {.point = &point, .key = key, .attrs = attrs, .n_constraints = 1};
    p.constraint[0] = -0.1;
    snprintf(key, sizeof(key), "%032d", i);
    make_point(&point, i);
    bti_json_set_num(attrs, "params", values[1]);
    bti_json_set_str(attrs, "model_yaml", "backbone:\n- [1, Conv, [8]] # \xc3\xa9\n");
    bti_json_set_num(end, "train_s", 1.25 * i);
    assert_ok(s->ops->claim(s, &p, "w", 60, 0, &id, &number, &duplicate, &err), &err);
    assert_int_equal(number, i);
    assert_ok(s->ops->report(s, id, "w", 1, 1, 0.4, &err), &err);
    assert_ok(s->ops->report(s, id, "w", 1, 2, 0.45, &err), &err);
    bti_trial_state state = i % 7 == 6 ? BTI_PRUNED : i % 11 == 10 ? BTI_FAIL : BTI_COMPLETE;
    if (i < 38)
        assert_ok(s->ops->finish(s, id, "w", 1, state, values, end, &err), &err);
    bti_json_free(attrs);
    bti_json_free(end);
}

static bti_json *json_of_trial(const bti_trial *t)
{
    static bti_point point;
    bti_json *row = bti_json_object(), *values = bti_json_array(), *params = bti_json_object();
    make_point(&point, t->number);
    assert_int_equal(t->n_params, point.n);
    for (int k = 0; k < point.n; k++)
        bti_json_set(params, point.param[k].name, json_of_param(&point.param[k]));
    for (int k = 0; k < t->n_values; k++)
        bti_json_append(values, bti_json_num(t->value[k]));
    bti_json_set_int(row, "number", t->number);
    bti_json_set_str(row, "state", bti_trial_state_name(t->state));
    bti_json_set(row, "values", values);
    bti_json_set(row, "params", params);
    bti_json_set(row, "attrs", bti_json_copy(t->attrs));
    return row;
}

static void write_expected(const bti_trials *t, const char *path)
{
    int index[64];
    bti_json *root = bti_json_object(), *trials = bti_json_array(), *front = bti_json_array();
    for (int i = 0; i < t->n; i++)
        bti_json_append(trials, json_of_trial(&t->trial[i]));
    for (int i = 0, n = bti_report_front(t, index); i < n; i++)
        bti_json_append(front, bti_json_int(t->trial[index[i]].number));
    assert_true(bti_json_len(front) >= 3);
    bti_json_set(root, "trials", trials);
    bti_json_set(root, "front", front);
    assert_ok(bti_json_write(root, path, &err), &err);
    bti_json_free(root);
}

/* What Optuna's samplers added on their copies is read back by our store. */
static void check_copy(const char *dir, const char *name, int n_ours)
{
    char path[512];
    bti_storage *s;
    bti_trials t = {0};
    snprintf(path, sizeof(path), "%s/%s.db", dir, name);
    assert_ok(bti_storage_open(&s, path, NULL, false, &err), &err);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    assert_int_equal(t.n, n_ours + 20);
    const bti_trial *last = bti_trials_number(&t, n_ours + 19);
    assert_non_null(last);
    assert_int_equal(last->state, BTI_COMPLETE);
    assert_true(last->n_values == 2 && last->value[1] == 20000 && last->n_params > 0);
    assert_string_equal(bti_json_as_str(bti_json_get(last->attrs, "by"), ""), name);
    bti_trials_release(&t);
    bti_storage_close(s);
}

static void check_in_zone(const char *zone)
{
    static const bti_study_spec spec = {.name = "optuna \xc3\xa9tude",
                                        .n_objectives = 2,
                                        .metric = {"accuracy", "params"},
                                        .maximize = {true, false}};
    static const char *const samplers[] = {"tpe", "tpe-constraints", "tpe-multivariate", "nsga2",
                                           "random"};
    const char *dir = test_tmp_dir();
    char study[300], expected[300], out[4096];
    bti_storage *s;
    bti_trials t = {0};
    setenv("TZ", zone, 1);
    tzset();
    snprintf(study, sizeof(study), "%s/study.db", dir);
    snprintf(expected, sizeof(expected), "%s/expected.json", dir);
    assert_ok(bti_storage_open(&s, study, &spec, true, &err), &err);
    for (int i = 0; i < 40; i++)
        add_trial(s, i);
    assert_ok(s->ops->refresh(s, &t, &err), &err);
    write_expected(&t, expected);
    bti_trials_release(&t);
    bti_storage_close(s);
    int status = test_shell(out, sizeof(out), "'%s' '%s' '%s' '%s' '%s' 2>&1", python,
                            test_source("tests/contract/optuna_check.py"), study, expected, dir);
    if (status)
        fail_msg("TZ=%s: %s", zone, out);
    print_message("TZ=%s: %s", zone, out);
    for (size_t i = 0; i < sizeof(samplers) / sizeof(samplers[0]); i++)
        check_copy(dir, samplers[i], 40);
}

static void optuna_opens_our_study_as_its_own(void **state)
{
    (void)state;
    check_in_zone("UTC");
}

static void optuna_agrees_about_times_in_another_time_zone(void **state)
{
    (void)state;
    check_in_zone("Asia/Kathmandu"); /* 5 h 45 min off */
}

int main(void)
{
    char folder[512];
    snprintf(folder, sizeof(folder), "%s", BT_TEST_PROGRAM);
    *strrchr(folder, '/') = 0;
    int status = test_shell(python, sizeof(python), "'%s' '%s/venv-optuna'",
                            test_source("tests/contract/optuna_env.sh"), folder);
    if (status)
        return status;
    python[strcspn(python, "\n")] = 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optuna_opens_our_study_as_its_own),
        cmocka_unit_test(optuna_agrees_about_times_in_another_time_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
