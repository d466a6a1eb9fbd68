/* SPDX-License-Identifier: Apache-2.0
 *
 * bti_space_suits: the ends and choices of the train section as recipe values, the input and the
 * outputs of one network.
 */
#include "search/suits.h"

#include "bantam/train.h"
#include "base/error.h"
#include "base/str.h"
#include "search/cost.h"

#include <ctype.h>
#include <math.h>

/* One value of the parameter "train.KEY", as bti_space_settings writes it. */
static bt_status try_value(const bti_param *p, bti_value v, bt_error *err)
{
    const char *key = p->name + strlen("train.");
    char text[64];
    bt_error why = {0};
    bt_recipe r = bt_recipe_defaults();

    bti_value_text(text, sizeof(text), v);
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    bt_status rc =
        bt_recipe_set(&r, bti_streq(key, "batch_size") ? "batch" : key, text, NULL, 0, &why);
    return rc ? bti_fail(err, rc, "space", "train.%s", why.text) : BT_OK; /* begins with the key */
}

static bt_status try_param(const bti_param *p, bt_error *err)
{
    static const char *const not_recipe[] = {"train.epochs", "train.img_size", "train.loss"};
    bt_status rc = BT_OK;

    if (!bti_has_prefix(p->name, "train.") || strchr(p->name + strlen("train."), '.'))
        return BT_OK; /* the settings of a schedule are checked with it, at the point */
    for (size_t i = 0; i < sizeof(not_recipe) / sizeof(not_recipe[0]); i++)
        if (bti_streq(p->name, not_recipe[i]))
            return BT_OK;
    bti_param one = *p;
    int n = p->domain.kind == BTI_DOMAIN_CHOICE ? p->domain.n : 2;
    for (int i = 0; i < n && !rc; i++) {
        one.value = p->domain.kind == BTI_DOMAIN_CHOICE ? i : i ? p->domain.hi : p->domain.lo;
        rc = try_value(p, bti_param_value(&one), err);
    }
    return rc;
}

static bt_status check_input(const bti_graph *g, const bti_run *run, bt_error *err)
{
    if (g->in_h != run->size || g->in_w != run->size)
        return bti_fail(err, BT_INVAL, "space",
                        "its networks take %dx%d images, these are %dx%d: --size %d decodes them "
                        "so, and size: $size in the space follows the images",
                        g->in_h, g->in_w, run->size, run->size, g->in_h);
    if (g->in_c != run->channels)
        return bti_fail(err, BT_INVAL, "space",
                        "its networks take %d channels, the images have %d: write channels: "
                        "$channels",
                        g->in_c, run->channels);
    if (g->classes != run->classes)
        return bti_fail(err, BT_INVAL, "space",
                        "its networks have %d outputs, the data has %d classes: write $classes in "
                        "the last row of the tail",
                        g->classes, run->classes);
    return BT_OK;
}

/* Without an export nobody knows the flash. */
static bt_status check_flash(const bti_space *space, bt_error *err)
{
    const bti_objective *objective;
    const bti_constraints c = bti_space_constraints(space);
    bool asked = c.flash.lo > 0 || isfinite(c.flash.hi);
    for (int i = 0, n = bti_space_objectives(space, &objective); i < n; i++)
        asked = asked || objective[i].id == BTI_METRIC_FLASH;
    return asked ? bti_fail(err, BT_INVAL, "space",
                            "flash is that of an exported network: add --deploy int8 or f32")
                 : BT_OK;
}

bt_status bti_space_suits(const bti_space *space, const bti_run *run, const bti_point *p,
                          bt_error *err)
{
    const bti_param *param;
    int n = bti_space_params(space, &param);
    bti_graph *graph = NULL;
    bt_status rc = BT_OK;

    for (int i = 0; i < n && !rc; i++) {
        if (bti_streq(param[i].name, "train.img_size"))
            return bti_fail(err, BT_INVAL, "space",
                            "train.img_size is searched, but a study decodes its images once: "
                            "write one size, such as img_size: $size");
        rc = try_param(&param[i], err);
    }
    if (!rc && !run->deploy)
        rc = check_flash(space, err);
    if (!rc)
        rc = bti_point_graph(space, p, &graph, NULL, err);
    if (!rc)
        rc = check_input(graph, run, err);
    bti_graph_free(graph);
    return rc;
}
