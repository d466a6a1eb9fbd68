/* SPDX-License-Identifier: Apache-2.0
 *
 * Small studies made by tests: finished trials with the attributes that a search gives them.
 */
#ifndef BT_TEST_STUDY_TEXT_H
#define BT_TEST_STUDY_TEXT_H

#include "support.h"

#include "study/study.h"

#include <stdio.h>
#include <string.h>

/* The next trial of a list in memory. */
static inline bti_trial *add_trial(bti_trials *t, double accuracy, double params,
                                   double images_per_s)
{
    bt_error err;
    bti_trial trial = {.id = t->n + 1,
                       .number = t->n,
                       .state = BTI_COMPLETE,
                       .n_values = 2,
                       .value = {accuracy, params}};
    trial.attrs = bti_json_object();
    bti_json_set_num(trial.attrs, "params", params);
    bti_json_set_num(trial.attrs, "images_per_s", images_per_s);
    assert_ok(bti_trials_take(t, &trial, &err), &err);
    return &t->trial[t->n - 1];
}

static inline bti_storage *memory_study(void)
{
    bt_error err;
    bti_storage *st;
    const bti_study_spec spec = {"s", 2, {"accuracy", "params"}, {true, false}};
    assert_ok(bti_storage_open(&st, "memory://", &spec, true, &err), &err);
    return st;
}

/* A COMPLETE trial in a store; returns its id. */
static inline int64_t finish_trial(bti_storage *st, double accuracy, double params)
{
    bt_error err;
    int64_t id;
    int number;
    bool duplicate;
    char key[40];
    static const bti_point nothing;
    double value[2] = {accuracy, params};
    snprintf(key, sizeof(key), "%.0f/%.9f", params, accuracy);
    bti_json *attrs = bti_json_object();
    bti_json_set_num(attrs, "params", params);
    bti_json_set_num(attrs, "macs", 50 * params);
    bti_json_set_num(attrs, "train_cpu_s", 2);
    const bti_proposal p = {.point = &nothing, .key = key, .attrs = attrs};
    assert_ok(st->ops->claim(st, &p, "w", 60, 0, &id, &number, &duplicate, &err), &err);
    assert_ok(st->ops->finish(st, id, "w", 1, BTI_COMPLETE, value, NULL, &err), &err);
    bti_json_free(attrs);
    return id;
}

#endif
