/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading train and augment (model-format.md 4.4): hyper-parameters in the same space and trial.
 */
#include "space/parse_int.h"

/* Every value that a slot can have must be one of `names`. */
static bt_status check_words(bti_parser *p, int slot, const char *what, const char *const *names)
{
    const bti_slot *sl = &p->s->slot[slot];
    for (int i = 0; i < sl->n_alt; i++) {
        const bti_alt *a = &sl->alt[i];
        bool fixed = a->form == BTI_FORM_CONST;
        for (int j = 0; j < (fixed ? 1 : a->n); j++) {
            bti_value v = fixed ? a->value.value : a->choice[j];
            const char *word = v.kind == BTI_STR ? v.u.s : "";
            int k = 0;
            while (names[k] && !bti_streq(names[k], word))
                k++;
            if (!names[k])
                return bti_parse_unknown(p, sl->line, what, word, sl->name, names);
        }
    }
    return BT_OK;
}

/* ---- train ---- */
static const char *const train_keys[] = {"epochs",
                                         "img_size",
                                         "batch_size",
                                         "optimizer",
                                         "schedule",
                                         "lr",
                                         "momentum",
                                         "nesterov",
                                         "weight_decay",
                                         "decay",
                                         "warmup",
                                         "label_smoothing",
                                         "clip",
                                         "ema",
                                         "beta2",
                                         "class_weights",
                                         "loss",
                                         "sampling",
                                         "logit_adjustment",
                                         "no_aug_epochs",
                                         NULL};

static const char *const losses[] = {"cross_entropy", NULL};

/* schedule: {onecycle: {pct_start: 0.05}} */
static bt_status parse_variant(bti_parser *p, const char *key, const bti_yaml *y,
                               bti_setting_def *d)
{
    if (!bti_streq(key, "schedule") || y->n != 1)
        return bti_parse_fail(p, y->line,
                              "train.%s is a value or a domain (choice, int, float ...)", key);
    const bti_yaml *args = y->child[0];
    d->variant = y->key[0];
    if (args->kind != BTI_YAML_MAP || args->n > (int)(sizeof(d->arg) / sizeof(d->arg[0])))
        return bti_parse_fail(p, args->line, "train.%s.%s is a mapping of at most 4 settings", key,
                              d->variant);
    for (int i = 0; i < args->n; i++) {
        bt_status rc = bti_parse_single(
            p, args->child[i], bti_parse_name(p, "train.%s.%s.%s", key, d->variant, args->key[i]),
            &d->arg[i].slot);
        if (rc)
            return rc;
        d->arg[i].key = args->key[i];
    }
    d->n_args = args->n;
    return BT_OK;
}

bt_status bti_parse_train(bti_parser *p, const bti_yaml *y)
{
    bti_space *s = p->s;
    bt_status rc = bti_parse_keys(p, y, "train", train_keys);
    p->hyper = true;
    for (int i = 0; i < y->n && !rc; i++) {
        bti_setting_def *d = &s->setting[s->n_settings];
        const bti_yaml *v = y->child[i];
        *d = (bti_setting_def){.key = y->key[i], .slot = -1};
        if (v->kind == BTI_YAML_MAP && !bti_yaml_is_domain(v))
            rc = parse_variant(p, d->key, v, d);
        else
            rc = bti_parse_single(p, v, bti_parse_name(p, "train.%s", d->key), &d->slot);
        if (!rc && bti_streq(d->key, "loss"))
            rc = check_words(p, d->slot, "loss", losses);
        s->n_settings++;
    }
    p->hyper = false;
    return rc;
}

/* ---- augment ---- */
static const char *const policies[] = {"none",           "flip_crop",   "randaugment",
                                       "trivialaugment", "autoaugment", NULL};
static const char *const operations[] = {
    "Identity",     "ShearX",        "ShearY",        "TranslateX",  "TranslateY",
    "Rotate",       "AutoContrast",  "Invert",        "Equalize",    "Solarize",
    "Posterize",    "Contrast",      "Color",         "Brightness",  "Sharpness",
    "Cutout",       "SamplePairing", "Scale",         "AspectRatio", "HorizontalFlip",
    "VerticalFlip", "RandomCrop",    "Letterbox",     "Perspective", "RandomResizedCrop",
    "Hue",          "Saturation",    "Exposure",      "Grayscale",   "GaussianBlur",
    "BoxBlur",      "Noise",         "RandomErasing", NULL};

/* The slots of one sub-mapping, under its `when`. Keys end with NULL; "when" is always allowed. */
static bt_status parse_part(bti_parser *p, const bti_yaml *y, const char *part,
                            const char *const *keys, int *const *slots)
{
    const char *allowed[8] = {"when"};
    bti_when outer = p->scope;
    for (int i = 0; keys[i]; i++)
        allowed[i + 1] = keys[i];
    bt_status rc = bti_parse_keys(p, y, part, allowed);
    if (!rc)
        rc = bti_parse_when(p, bti_yaml_get(y, "when"), &p->scope);
    for (int i = 0; keys[i] && !rc; i++) {
        const bti_yaml *v = bti_yaml_get(y, keys[i]);
        if (v)
            rc =
                bti_parse_single(p, v, bti_parse_name(p, "augment.%s.%s", part, keys[i]), slots[i]);
    }
    p->scope = outer;
    return rc;
}

static bt_status read_count(bti_parser *p, const bti_yaml *y, const char *key, int otherwise,
                            int *out)
{
    const bti_yaml *v = bti_yaml_get(y, key);
    *out = otherwise;
    if (!v)
        return BT_OK;
    if (v->kind != BTI_YAML_SCALAR || v->value.kind != BTI_INT || v->value.u.i < 1 ||
        v->value.u.i > 64)
        return bti_parse_fail(p, v->line, "augment.autoaugment.%s is a whole number from 1 to 64",
                              key);
    *out = (int)v->value.u.i;
    return BT_OK;
}

/* One copy of op, p and level for every place of the policy set. */
static bt_status parse_copies(bti_parser *p, const bti_yaml *y)
{
    static const char *const parts[] = {"op", "p", "level"};
    bti_augment_def *a = &p->s->augment;
    bt_status rc = read_count(p, y, "policies", 5, &a->aa_policies);
    if (!rc)
        rc = read_count(p, y, "ops_per_policy", 2, &a->aa_ops);
    for (int i = 0; i < 3 && !rc; i++)
        if (!bti_yaml_get(y, parts[i]))
            rc = bti_parse_fail(p, y->line, "augment.autoaugment needs '%s' (or `fixed:`)",
                                parts[i]);
    for (int i = 0; i < a->aa_policies * a->aa_ops * 3 && !rc; i++) {
        int slot, place = i / 3;
        rc = bti_parse_single(p, bti_yaml_get(y, parts[i % 3]),
                              bti_parse_name(p, "augment.autoaugment.p%d.o%d.%s", place / a->aa_ops,
                                             place % a->aa_ops, parts[i % 3]),
                              &slot);
        if (!rc && i == 0) {
            a->aa_first = slot;
            rc = check_words(p, slot, "operation", operations);
        }
    }
    return rc;
}

static bt_status parse_fixed_op(bti_parser *p, const bti_yaml *y, bti_value *op)
{
    if (y->kind != BTI_YAML_SEQ || y->n != 3)
        return bti_parse_fail(p, y->line, "an operation is [op, p, level]");
    for (int i = 0; i < 3; i++) {
        bt_status rc = bti_parse_value(p, y->child[i], &op[i]);
        if (rc)
            return rc;
    }
    int k = 0;
    const char *word = op[0].kind == BTI_STR ? op[0].u.s : "";
    while (operations[k] && !bti_streq(operations[k], word))
        k++;
    if (!operations[k])
        return bti_parse_unknown(p, y->line, "operation", word, "augment.autoaugment.fixed",
                                 operations);
    if (!bti_value_is_num(op[1]) || !(bti_value_num(op[1]) >= 0 && bti_value_num(op[1]) <= 1))
        return bti_parse_fail(p, y->line, "the probability of %s must be from 0 to 1", word);
    if (!bti_value_is_num(op[2]) || !(bti_value_num(op[2]) >= 0))
        return bti_parse_fail(p, y->line, "the level of %s must be a number of at least 0", word);
    return BT_OK;
}

static bt_status parse_fixed(bti_parser *p, const bti_yaml *y)
{
    bti_augment_def *a = &p->s->augment;
    if (y->kind != BTI_YAML_SEQ || !y->n || y->child[0]->kind != BTI_YAML_SEQ || !y->child[0]->n)
        return bti_parse_fail(p, y->line, "fixed is a list of policies [[op, p, level], ...]");
    int n_ops = y->child[0]->n;
    bti_value *v = bti_parse_alloc(p, (size_t)(y->n * n_ops * 3), sizeof(*v));
    if (!v)
        return bti_fail_nomem(p->err);
    for (int i = 0; i < y->n; i++) {
        const bti_yaml *policy = y->child[i];
        if (policy->kind != BTI_YAML_SEQ || policy->n != n_ops)
            return bti_parse_fail(p, policy->line, "every policy needs %d operations", n_ops);
        for (int j = 0; j < n_ops; j++) {
            bt_status rc = parse_fixed_op(p, policy->child[j], &v[(i * n_ops + j) * 3]);
            if (rc)
                return rc;
        }
    }
    a->fixed = v;
    a->fixed_policies = y->n;
    a->fixed_ops = n_ops;
    return BT_OK;
}

static bt_status parse_autoaugment(bti_parser *p, const bti_yaml *y)
{
    static const char *const keys[] = {"when",  "levels", "policies", "ops_per_policy", "op", "p",
                                       "level", "fixed",  NULL};
    bti_when outer = p->scope;
    const bti_yaml *levels = bti_yaml_get(y, "levels"), *fixed = bti_yaml_get(y, "fixed");
    bt_status rc = bti_parse_keys(p, y, "augment.autoaugment", keys);
    if (!rc)
        rc = bti_parse_when(p, bti_yaml_get(y, "when"), &p->scope);
    if (!rc && levels)
        rc = bti_parse_single(p, levels, "augment.autoaugment.levels", &p->s->augment.aa_levels);
    if (!rc)
        rc = fixed ? parse_fixed(p, fixed) : parse_copies(p, y);
    p->scope = outer;
    return rc;
}

static bt_status parse_augment_key(bti_parser *p, const char *key, const bti_yaml *y)
{
    bti_augment_def *a = &p->s->augment;
    if (bti_streq(key, "policy")) {
        bt_status rc = bti_parse_single(p, y, "augment.policy", &a->policy);
        return rc ? rc : check_words(p, a->policy, "policy", policies);
    }
    if (bti_streq(key, "autoaugment"))
        return parse_autoaugment(p, y);
    if (bti_streq(key, "randaugment"))
        return parse_part(p, y, key, (const char *const[]){"n", "m", "levels", "flavour", NULL},
                          (int *const[]){&a->n, &a->m, &a->levels, &a->flavour});
    if (bti_streq(key, "cutout"))
        return parse_part(p, y, key, (const char *const[]){"p", "ratio", NULL},
                          (int *const[]){&a->cutout_p, &a->cutout_ratio});
    if (bti_streq(key, "flip"))
        return parse_part(p, y, key, (const char *const[]){"p", NULL}, (int *const[]){&a->flip_p});
    return parse_part(p, y, key, (const char *const[]){"pad", NULL}, (int *const[]){&a->crop_pad});
}

bt_status bti_parse_augment(bti_parser *p, const bti_yaml *y)
{
    static const char *const keys[] = {"policy", "randaugment", "autoaugment", "cutout",
                                       "flip",   "crop",        NULL};
    p->s->augment.given = true;
    if (y->kind == BTI_YAML_SCALAR && y->value.kind == BTI_STR) {
        p->s->augment.text = y->text; /* a whole policy, the same for every trial */
        return BT_OK;
    }
    bt_status rc = bti_parse_keys(p, y, "augment", keys);
    p->hyper = true;
    for (int i = 0; i < y->n && !rc; i++)
        rc = parse_augment_key(p, y->key[i], y->child[i]);
    p->hyper = false;
    return rc;
}
