/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of pruners, and what they share.
 */
#include "study/pruner.h"

#include "base/error.h"
#include "base/str.h"

#include <math.h>

static const bti_pruner_ops *const pruners[] = {
#define PRUNER(ops) &ops,
#include "study/pruners/pruners.def"
#undef PRUNER
};
#define N_PRUNERS ((int)(sizeof(pruners) / sizeof(pruners[0])))

bt_status bti_pruner_find(const bti_pruner_ops **out, const char *spec, const char **params,
                          bt_error *err)
{
    const char *names[N_PRUNERS + 1] = {NULL};
    size_t n = spec ? strcspn(spec, ":") : 0;
    char word[64];
    *params = NULL;
    *out = pruners[0];
    if (!n)
        return BT_OK;
    snprintf(word, sizeof(word), "%.*s", (int)n, spec);
    for (int i = 0; i < N_PRUNERS; i++) {
        names[i] = pruners[i]->name;
        if (!bti_streq(word, names[i]))
            continue;
        *out = pruners[i];
        *params = spec[n] ? spec + n + 1 : NULL;
        return BT_OK;
    }
    const char *near = bti_nearest(word, names);
    return bti_fail(err, BT_INVAL, "pruner", "unknown pruner '%s'; did you mean '%s'?", word,
                    near ? near : names[0]);
}

double bti_rung_value(const bti_trial *t, int epochs)
{
    const bti_json *rungs = bti_json_get(t->attrs, "rungs");
    for (size_t i = 0; i < bti_json_len(rungs); i++) {
        const bti_json *one = bti_json_at(rungs, i);
        if (bti_json_as_int(bti_json_at(one, 0), -1) == epochs)
            return bti_json_as_num(bti_json_at(one, 1), NAN);
    }
    return NAN;
}

int bti_geometric_rungs(int epochs, double eta, int least, int rung[BTI_RUNGS_MAX])
{
    int n = 0, down[BTI_RUNGS_MAX];
    for (double at = epochs / eta; n < BTI_RUNGS_MAX && at >= least; at /= eta) {
        int e = (int)lround(at);
        if (e < epochs && (!n || e < down[n - 1]))
            down[n++] = e;
    }
    for (int i = 0; i < n; i++)
        rung[i] = down[n - 1 - i];
    return n;
}
