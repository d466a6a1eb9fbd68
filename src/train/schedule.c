/* SPDX-License-Identifier: Apache-2.0
 *
 * Learning-rate schedules: adding one is a function and a row.
 */
#include "train/schedule.h"

#include "base/error.h"
#include "base/str.h"
#include <math.h>

/* Loshchilov, Hutter: "SGDR", ICLR 2017, equation 5 without restarts. */
static double cosine(double progress)
{
    return 0.5 * (1.0 + cos(M_PI * progress));
}

static const bti_schedule schedules[] = {
    {"cosine", cosine},
};
#define N_SCHEDULES (sizeof(schedules) / sizeof(schedules[0]))

bt_status bti_schedule_find(const bti_schedule **out, const char *name, bt_error *err)
{
    bti_str list = {0};

    *out = NULL;
    for (size_t i = 0; i < N_SCHEDULES; i++) {
        if (bti_streq(schedules[i].name, name)) {
            *out = &schedules[i];
            bti_str_release(&list);
            return BT_OK;
        }
        bti_str_addf(&list, "%s%s", i ? ", " : "", schedules[i].name);
    }
    bt_status rc =
        bti_fail(err, BT_INVAL, NULL, "unknown schedule '%s', expected %s", name, bti_str_c(&list));
    bti_str_release(&list);
    return rc;
}

double bti_schedule_lr(const bti_schedule *s, double peak, int64_t t, int64_t warmup, int64_t total)
{
    if (t < warmup)
        return peak * (double)(t + 1) / (double)warmup;
    double rest = (double)(total - warmup);
    return peak * s->factor(rest > 0 ? (double)(t - warmup) / rest : 0);
}
