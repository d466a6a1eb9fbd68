/* SPDX-License-Identifier: Apache-2.0
 *
 * Every line of storages.def, a small study and hand-made trials for the contract of stores.
 */
#ifndef BT_TEST_STORES_H
#define BT_TEST_STORES_H

#include "support.h"

#include "study/storages/storages.h"

#include <stdio.h>

static const bti_storage_ops *const stores[] = {
#define STORAGE(scheme, ops) &ops,
#include "study/storages/storages.def"
#undef STORAGE
};
#define N_STORES (sizeof(stores) / sizeof(stores[0]))

static const bti_study_spec spec = {
    .name = "t", .n_objectives = 2, .metric = {"accuracy", "params"}, .maximize = {true, false}};
static bt_error err;

/* ---- a small hand-made space ---- */

static const bti_value modules[] = {{BTI_STR, {.s = "Conv"}}, {BTI_STR, {.s = "MBConv"}}};

static inline bti_point *point_of(double lr, int width, int module)
{
    static bti_point p;
    p = (bti_point){.n = 3};
    p.param[0] =
        (bti_param){"train.lr", {.kind = BTI_DOMAIN_FLOAT, .log = true, .lo = 1e-5, .hi = 1}, lr};
    p.param[1] =
        (bti_param){"m1.out", {.kind = BTI_DOMAIN_INT, .lo = 8, .hi = 64, .step = 8}, width};
    p.param[2] = (bti_param){"m1", {.kind = BTI_DOMAIN_CHOICE, .n = 2, .choice = modules}, module};
    return &p;
}

typedef struct claim {
    int64_t id;
    int number;
    bool duplicate;
} claim;

static inline claim claim_key(bti_storage *s, const char *key, const char *worker, double lease_s)
{
    claim c = {0};
    bti_json *attrs = bti_json_object();
    bti_json_set_int(attrs, "params", 1234);
    bti_json_set_str(attrs, "hash", key);
    bti_proposal p = {.point = point_of(0.1, 16, 1),
                      .key = key,
                      .attrs = attrs,
                      .n_constraints = 1,
                      .constraint = {-0.5}};
    assert_ok(s->ops->claim(s, &p, worker, lease_s, 0, &c.id, &c.number, &c.duplicate, &err), &err);
    bti_json_free(attrs);
    return c;
}

static inline claim claim_nth(bti_storage *s, int i, const char *worker, double lease_s)
{
    char key[40];
    snprintf(key, sizeof(key), "%032d", i);
    return claim_key(s, key, worker, lease_s);
}

static inline void complete(bti_storage *s, int64_t id, const char *worker, int attempt,
                            double accuracy)
{
    double values[2] = {accuracy, 1000};
    assert_ok(s->ops->finish(s, id, worker, attempt, BTI_COMPLETE, values, NULL, &err), &err);
}

#endif
