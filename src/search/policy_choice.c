/* SPDX-License-Identifier: Apache-2.0
 *
 * From trials to one policy: the best few of each fold, if they are better than no policy there,
 * with all their sub-policies (AutoAugment joins its best five, Fast AutoAugment the best of each
 * fold). A policy that has no sub-policies (RandAugment's space) stands alone.
 */
#include "search/policy_search.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"

#include <math.h>

typedef struct ranked {
    const bti_trial *trial;
    int part;
    double gain; /* over no policy in its part */
} ranked;

static int by_gain(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->gain != y->gain)
        return x->gain < y->gain ? 1 : -1;
    return x->trial->number - y->trial->number;
}

/* Complete trials, best first. */
static int rank_trials(const bti_policy_search *s, ranked *out)
{
    int n = 0;
    for (int i = 0; i < s->trials.n; i++) {
        const bti_trial *t = &s->trials.trial[i];
        int part = (int)bti_json_as_int(bti_json_get(t->attrs, "fold"), 0);
        if (t->state != BTI_COMPLETE || t->n_values < 1 || part < 0 || part >= s->n_parts)
            continue;
        double gain = t->value[0] - s->plain_score[part];
        out[n++] = (ranked){t, part, s->way->maximize ? gain : -gain};
    }
    qsort(out, (size_t)n, sizeof(*out), by_gain);
    return n;
}

/* The policies of the first trials that are better than none, so many a part. */
static bt_status take_best(const bti_policy_search *s, const ranked *r, int n, bti_policy **out,
                           int *n_out, bt_error *err)
{
    int most = s->way->policies_most / (s->n_parts ? s->n_parts : 1), taken[BTI_FOLDS_MAX] = {0};
    bt_status rc = BT_OK;

    most = most > s->way->policies_a_fold ? s->way->policies_a_fold : most < 1 ? 1 : most;
    *n_out = 0;
    for (int i = 0; i < n && !rc && r[i].gain > 0; i++) {
        const char *text = bti_json_as_str(bti_json_get(r[i].trial->attrs, "policy"), "");
        if (taken[r[i].part]++ < most)
            rc = bti_policy_parse(&out[(*n_out)++], text, err);
    }
    return rc;
}

/* The longest run of policies from the first that make one policy which a recipe takes. */
static bt_status join(bti_policy *const *p, int n, bti_policy_choice *c, bt_error *err)
{
    size_t room = sizeof(((bt_recipe *)NULL)->augment);

    for (; n > 0; n--) {
        bti_policy *all = NULL;
        bt_status rc = bti_policy_join(&all, (const bti_policy *const *)p, n, NULL);
        if (rc == BT_NOMEM)
            return bti_fail_nomem(err);
        if (rc && n > 1)
            continue;
        c->n_policies = n;
        c->text = bti_policy_text(all ? all : p[0]);
        bti_policy_free(all);
        if (!c->text)
            return bti_fail_nomem(err);
        if (strlen(c->text) < room || n == 1)
            return BT_OK;
        bti_free(c->text);
        c->text = NULL;
    }
    return BT_OK;
}

bt_status bti_policy_choose(bti_policy_search *s, bti_policy_choice *out, bt_error *err)
{
    size_t cap = (size_t)s->trials.n + 1;
    ranked *r = bti_array(cap, sizeof(*r));
    bti_policy **p = bti_calloc(cap, sizeof(bti_policy *));
    int n = 0, n_policies = 0;

    *out = (bti_policy_choice){.score = NAN, .plain = NAN};
    bt_status rc = r && p ? BT_OK : bti_fail_nomem(err);
    if (!rc) {
        n = rank_trials(s, r);
        rc = take_best(s, r, n, p, &n_policies, err);
    }
    if (!rc)
        rc = join(p, n_policies, out, err);
    if (!rc && !out->text && !(out->text = bti_strdup(s->plain)))
        rc = bti_fail_nomem(err);
    out->n_trials = n;
    if (!rc && n) {
        out->score = r[0].trial->value[0];
        out->plain = s->plain_score[r[0].part];
    }
    for (int i = 0; p && i < n_policies; i++)
        bti_policy_free(p[i]);
    bti_free(p);
    bti_free(r);
    return rc;
}

void bti_policy_choice_release(bti_policy_choice *c)
{
    bti_free(c->text);
    *c = (bti_policy_choice){0};
}

/* A name as part of a comment: no line may end in it. */
static void add_word(bti_str *out, const char *word)
{
    for (; *word; word++)
        bti_str_addn(out, (unsigned char)*word < ' ' ? "?" : word, 1);
}

bt_status bti_policy_write(const bti_policy_search *s, const bti_policy_choice *c, bt_error *err)
{
    const bt_policy_options *o = s->lab.opt;
    bti_policy *policy;
    bti_str text = {0};
    bt_status rc = bti_policy_parse(&policy, c->text, err);

    if (rc)
        return rc;
    bti_str_addf(&text, "# bantam policy search --by %s: data ", s->way->name);
    add_word(&text, o->data);
    bti_str_add(&text, ", model ");
    add_word(&text, bti_path_base(o->model_path));
    bti_str_add(&text, ", space ");
    add_word(&text, bti_space_name(s->space));
    bti_str_addf(&text, ", seed %lld\n", (long long)o->seed);
    if (c->n_policies)
        bti_str_addf(&text, "# %d of %d policies; best %s %.4f, without a policy %.4f\n",
                     c->n_policies, c->n_trials, s->way->metric, c->score, c->plain);
    else
        bti_str_addf(&text, "# none of %d policies was better than none\n", c->n_trials);
    rc = bti_policy_yaml(policy, &text, err);
    if (!rc)
        rc = bti_file_write(o->out_path, text.s, text.len, err);
    bti_str_release(&text);
    bti_policy_free(policy);
    return rc;
}
