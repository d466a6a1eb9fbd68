/* SPDX-License-Identifier: Apache-2.0
 *
 * The brief's space as the table of measured networks uses it.
 */
#include "brief12.h"

#include "base/error.h"
#include "spaces.h"

bti_space *brief12_space(bt_error *err)
{
    /* RandAugment, the file's own, pays after more epochs than the table has. */
    bti_space *s = brief_space("flip+crop:4", err);
    if (s)
        bti_space_limit(s, BTI_METRIC_MACS, BRIEF12_MACS);
    return s;
}

void brief12_header(const bti_space *s, bti_str *out)
{
    const bti_param *param;
    for (int i = 0, n = bti_space_params(s, &param); i < n; i++)
        bti_str_addf(out, ",%s", param[i].name);
}

void brief12_cells(const bti_space *s, const bti_point *p, bti_str *out)
{
    const bti_param *param;
    char text[64];
    for (int i = 0, n = bti_space_params(s, &param); i < n; i++) {
        const bti_param *mine = bti_point_find(p, param[i].name);
        bti_str_addf(out, ",%s",
                     mine ? bti_value_text(text, sizeof(text), bti_param_value(mine)) : "");
    }
}

bt_status brief12_point(const bti_space *s, char *const *cell, bti_point *out, bt_error *err)
{
    const bti_param *param;
    bti_wish wish[BTI_POINT_MAX];
    bti_rng rng = bti_rng_at(0, BTI_RNG_TEST, 0, 0, 0);
    int n = 0;
    for (int i = 0, all = bti_space_params(s, &param); i < all; i++)
        if (*cell[i])
            wish[n++] = (bti_wish){.name = param[i].name, .value = bti_value_from_text(cell[i])};
    if (bti_space_grant(s, wish, n, &rng, out))
        return bti_fail(err, BT_FORMAT, NULL, "the cells of a row make no point of %s",
                        bti_space_name(s));
    return BT_OK;
}
