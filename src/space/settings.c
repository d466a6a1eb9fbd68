/* SPDX-License-Identifier: Apache-2.0
 *
 * From a point to training settings: train.* as recipe keys, augment.* as one policy text.
 */
#include "base/error.h"
#include "base/str.h"
#include "space/space_int.h"

#include <ctype.h>

typedef struct writer {
    const bti_walk *w;
    bti_settings *out;
    bti_arena *arena;
    bti_str text; /* of the value being built */
} writer;

/* Numbers in their shortest form; words in lower case (recipe names are: sgd, adam). */
static void add_value(bti_str *out, bti_value v, bool lower)
{
    char buf[64];
    if (v.kind != BTI_STR) {
        bti_str_add(out, bti_value_text(buf, sizeof(buf), v));
        return;
    }
    for (const char *c = v.u.s; *c; c++) {
        char one[2] = {lower ? (char)tolower((unsigned char)*c) : *c, 0};
        bti_str_add(out, one);
    }
}

static bool has(const writer *x, int slot)
{
    return slot >= 0 && x->w->present[slot];
}

/* Ends the value in x->text as a setting. */
static bool put(writer *x, const char *key)
{
    const char *value = bti_arena_strdup(x->arena, bti_str_c(&x->text));
    bool ok = value && !x->text.failed && x->out->n < BTI_SETTINGS_MAX;
    bti_str_reset(&x->text);
    if (ok)
        x->out->set[x->out->n++] = (bti_setting){.key = key, .value = value};
    return ok;
}

/* ---- train ---- */
static bool put_variant(writer *x, const bti_setting_def *d)
{
    const char *sep = ":";
    bti_str_add(&x->text, d->variant);
    for (int i = 0; i < d->n_args; i++) {
        if (!has(x, d->arg[i].slot))
            continue;
        bti_str_addf(&x->text, "%s%s=", sep, d->arg[i].key);
        add_value(&x->text, x->w->value[d->arg[i].slot], true);
        sep = ",";
    }
    return put(x, d->key);
}

static bool put_train(writer *x, const bti_setting_def *d)
{
    if (d->variant)
        return put_variant(x, d);
    if (!has(x, d->slot) ||
        bti_streq(d->key, "img_size")) /* the size is the network's: bti_space_rows */
        return true;
    bti_value v = x->w->value[d->slot];
    if (bti_streq(d->key, "loss") && v.kind == BTI_STR && bti_streq(v.u.s, "cross_entropy"))
        return true; /* what training minimises anyway */
    add_value(&x->text, v, true);
    return put(x, bti_streq(d->key, "batch_size") ? "batch" : d->key);
}

/* ---- augment ---- */
static void add_item(writer *x, const char *name)
{
    bti_str_addf(&x->text, "%s%s", x->text.len ? "+" : "", name);
}

static void add_arg(writer *x, const char **sep, const char *key, int slot, const char *usual)
{
    bti_str one = {0};
    if (!has(x, slot))
        return;
    add_value(&one, x->w->value[slot], true);
    if (!usual || !bti_streq(bti_str_c(&one), usual)) {
        bti_str_addf(&x->text, "%s%s=%s", *sep, key, bti_str_c(&one));
        *sep = ",";
    }
    bti_str_release(&one);
}

/* flip and crop stand when the section has them, or the policy is flip_crop. */
static void add_flip_crop(writer *x, const bti_augment_def *a, bool implied)
{
    if (has(x, a->flip_p) || implied) {
        const char *sep = ":";
        add_item(x, "flip");
        add_arg(x, &sep, "p", a->flip_p, "0.5");
    }
    if (has(x, a->crop_pad)) {
        add_item(x, "crop:");
        add_value(&x->text, x->w->value[a->crop_pad], true);
    } else if (implied) {
        add_item(x, "crop:4");
    }
}

static void add_randaugment(writer *x, const bti_augment_def *a)
{
    const char *sep = ":";
    add_item(x, "randaugment");
    add_arg(x, &sep, "n", a->n, NULL);
    add_arg(x, &sep, "m", a->m, NULL);
    add_arg(x, &sep, "levels", a->levels, "31");
    add_arg(x, &sep, "flavour", a->flavour, "torchvision");
}

/* autoaugment:levels=10,p0=ShearX/0.4/3|Invert/0.1/2,p1=... */
static void add_autoaugment(writer *x, const bti_augment_def *a)
{
    const char *sep = ":";
    int n_policies = a->fixed ? a->fixed_policies : a->aa_policies;
    int n_ops = a->fixed ? a->fixed_ops : a->aa_ops;
    add_item(x, "autoaugment");
    add_arg(x, &sep, "levels", a->aa_levels, NULL);
    for (int i = 0; i < n_policies * n_ops * 3; i++) {
        if (i % (n_ops * 3) == 0) {
            bti_str_addf(&x->text, "%sp%d=", sep, i / (n_ops * 3));
            sep = ",";
        } else {
            bti_str_add(&x->text, i % 3 ? "/" : "|");
        }
        if (a->fixed)
            add_value(&x->text, a->fixed[i], false);
        else if (has(x, a->aa_first + i))
            add_value(&x->text, x->w->value[a->aa_first + i], false);
    }
}

static bool put_augment(writer *x, const bti_augment_def *a)
{
    const char *policy = has(x, a->policy) ? x->w->value[a->policy].u.s : "none";
    if (!a->given)
        return true;
    if (a->text) {
        bti_str_add(&x->text, a->text);
        return put(x, "augment");
    }
    add_flip_crop(x, a, bti_streq(policy, "flip_crop"));
    if (bti_streq(policy, "randaugment"))
        add_randaugment(x, a);
    if (bti_streq(policy, "trivialaugment"))
        add_item(x, policy);
    if (bti_streq(policy, "autoaugment") && (a->fixed || a->aa_first >= 0))
        add_autoaugment(x, a);
    if (has(x, a->cutout_p) && bti_value_num(x->w->value[a->cutout_p]) > 0) {
        const char *sep = ":";
        add_item(x, "cutout");
        add_arg(x, &sep, "p", a->cutout_p, NULL);
        add_arg(x, &sep, "ratio", a->cutout_ratio, NULL);
    }
    if (!x->text.len)
        bti_str_add(&x->text, "none");
    return put(x, "augment");
}

bt_status bti_space_settings(const bti_space *s, const bti_point *p, bti_settings *out,
                             bti_arena *arena, bt_error *err)
{
    bti_walk w;
    writer x = {.w = &w, .out = out, .arena = arena};
    out->n = 0;
    if (!s->n_settings && !s->augment.given)
        return BT_OK;
    bt_status rc = bti_walk_point(&w, s, p, err);
    if (rc)
        return rc;
    bool ok = true;
    for (int i = 0; i < s->n_settings && ok; i++)
        ok = put_train(&x, &s->setting[i]);
    ok = ok && put_augment(&x, &s->augment);
    bti_str_release(&x.text);
    return ok ? BT_OK : bti_fail_nomem(err);
}
