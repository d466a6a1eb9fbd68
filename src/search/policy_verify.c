/* SPDX-License-Identifier: Apache-2.0
 *
 * bt_policy_verify: what a policy is worth, by training with it and with what it has to beat. Runs
 * go seed by seed, so that a machine that changes its speed changes it for all policies alike; each
 * is kept, so that a verification that was stopped goes on. Test images are read after the last
 * run, and decide nothing.
 */
#include "search/policy_lab.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/files.h"
#include "base/str.h"

#include <math.h>

#define SEEDS_MAX 20
#define ARMS_MAX 7
#define RANDAUGMENTS 4
#define N_SE 2.0 /* standard errors of a difference that are taken for noise */

/* A policy that is trained with. */
typedef struct arm {
    char name[48], key[32]; /* for people; of its folders */
    char *policy;           /* text */
    double accuracy[SEEDS_MAX], test[SEEDS_MAX], seconds[SEEDS_MAX]; /* test NaN: not read */
    double mean, sd, test_mean, test_sd, seconds_mean;
    bool randaugment;
} arm;

typedef struct verification {
    bti_policy_lab lab;
    int n_arms, n_seeds;
    arm arm[ARMS_MAX];
    int best_randaugment, recommended; /* arms */
    double noise;
    bool tested;
} verification;

/* ---- what is compared ---- */

static bt_status add_arm(verification *v, const char *name, const char *key, char *policy,
                         bt_error *err)
{
    arm *a = &v->arm[v->n_arms];
    if (!policy)
        return bti_fail_nomem(err);
    v->n_arms++;
    snprintf(a->name, sizeof(a->name), "%s", name);
    snprintf(a->key, sizeof(a->key), "%s", key);
    a->policy = policy;
    return BT_OK;
}

static bt_status add_randaugments(verification *v, const char *plain, bt_error *err)
{
    static const int grid[RANDAUGMENTS][2] = {{1, 5}, {1, 10}, {2, 5}, {2, 10}};
    bt_status rc = BT_OK;
    for (int i = 0; i < RANDAUGMENTS && !rc; i++) {
        char item[48], name[48], key[32];
        snprintf(item, sizeof(item), "randaugment:n=%d,m=%d", grid[i][0], grid[i][1]);
        snprintf(name, sizeof(name), "RandAugment n=%d, m=%d", grid[i][0], grid[i][1]);
        snprintf(key, sizeof(key), "randaugment-%d-%d", grid[i][0], grid[i][1]);
        v->arm[v->n_arms].randaugment = true;
        rc = add_arm(v, name, key, bti_policy_plus(plain, item), err);
    }
    return rc;
}

/* No policy, its rivals, and the policy of the file unless that is none. */
static bt_status make_arms(verification *v, bt_error *err)
{
    bti_policy *policy;
    char *plain = NULL, *text = NULL;
    bt_status rc = bti_policy_parse(&policy, v->lab.opt->out_path, err);

    if (rc)
        return rc;
    rc = bti_policy_plain(&plain, policy, err);
    if (!rc && !(text = bti_policy_text(policy)))
        rc = bti_fail_nomem(err);
    if (!rc)
        rc = add_arm(v, "no policy", "none", bti_strdup(plain), err);
    if (!rc)
        rc = add_randaugments(v, plain, err);
    if (!rc)
        rc = add_arm(v, "TrivialAugment", "trivialaugment",
                     bti_policy_plus(plain, "trivialaugment"), err);
    if (!rc && !bti_streq(text, plain))
        rc = add_arm(v, "found", "found", bti_strdup(text), err);
    bti_policy_free(policy);
    bti_free(plain);
    bti_free(text);
    return rc;
}

/* ---- training ---- */

static bt_status train_arm(verification *v, const arm *a, const char *name, uint64_t seed,
                           bti_json *mark, bt_error *err)
{
    bti_job job;
    bti_outcome outcome = {0};
    bt_status rc = bti_policy_job(&job, &v->lab, a->policy, seed, err);

    if (rc)
        return rc;
    job.train = &v->lab.train;
    job.val = &v->lab.val;
    job.stop = v->lab.opt->stop;
    rc = bti_train_job(&outcome, &job, err);
    if (!rc) {
        bti_json_set_num(mark, "val_accuracy", outcome.val_accuracy);
        bti_json_set_num(mark, "seconds", outcome.train_s + outcome.eval_s);
        rc = bti_policy_keep(&v->lab, name, outcome.weights, mark, err);
    }
    bti_outcome_release(&outcome);
    return rc;
}

static void run_name(char name[64], const arm *a, int k)
{
    snprintf(name, 64, "verify/%s-%d", a->key, k);
}

/* One run, from an earlier verification if it is the same. */
static bt_status run_arm(verification *v, arm *a, int k, bt_error *err)
{
    char name[64];
    float *weights = NULL;
    bti_json *known = NULL;
    uint64_t seed = bti_seed_mix(v->lab.opt->seed, 1000 + (uint64_t)k);
    bti_json *mark = bti_policy_mark(&v->lab, a->policy, seed);

    run_name(name, a, k);
    bt_status rc = bti_policy_kept(&v->lab, name, mark, &weights, &known, err);
    if (!rc && !known)
        rc = train_arm(v, a, name, seed, mark, err);
    const bti_json *result = known ? known : mark;
    a->accuracy[k] = bti_json_as_num(bti_json_get(result, "val_accuracy"), NAN);
    a->seconds[k] = bti_json_as_num(bti_json_get(result, "seconds"), NAN);
    a->test[k] = NAN;
    if (!rc)
        bti_note(&v->lab.opt->progress, "%s, seed %d of %d: %.2f%% in %.1f s%s", a->name, k + 1,
                 v->n_seeds, 100 * a->accuracy[k], a->seconds[k], known ? " (kept)" : "");
    bti_json_free(known);
    bti_json_free(mark);
    bti_free(weights);
    return rc;
}

/* ---- what it says ---- */

static void mean_sd(const double *x, int n, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    *mean = sum / n;
    for (int i = 0; i < n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *sd = n > 1 ? sqrt(squares / (n - 1)) : NAN;
}

/* Two standard errors of the difference of two means of n seeds; the spread is that of all arms
 * together. With one seed: that of a share of the validation images. */
static double noise_of(const verification *v)
{
    double variance = 0;
    for (int i = 0; i < v->n_arms; i++) {
        const arm *a = &v->arm[i];
        variance += v->n_seeds > 1 ? a->sd * a->sd
                                   : fmax(a->mean * (1 - a->mean), 0) / (double)v->lab.val.n;
    }
    return N_SE * sqrt(2 * variance / v->n_arms / v->n_seeds);
}

static void conclude(verification *v)
{
    const arm *plain = &v->arm[0];
    v->best_randaugment = -1;
    v->recommended = 0;
    for (int i = 0; i < v->n_arms; i++) {
        arm *a = &v->arm[i];
        mean_sd(a->accuracy, v->n_seeds, &a->mean, &a->sd);
        mean_sd(a->seconds, v->n_seeds, &a->seconds_mean, &(double){0});
        if (a->randaugment &&
            (v->best_randaugment < 0 || a->mean > v->arm[v->best_randaugment].mean))
            v->best_randaugment = i;
    }
    v->noise = noise_of(v);
    for (int i = 1; i < v->n_arms; i++)
        if (v->arm[i].mean - plain->mean > v->noise && v->arm[i].mean > v->arm[v->recommended].mean)
            v->recommended = i;
}

/* One row a policy; of the RandAugments the best alone. */
static bool is_row(const verification *v, int i)
{
    return !v->arm[i].randaugment || i == v->best_randaugment;
}

static bt_status test_run(verification *v, arm *a, int k, const bti_dataset *set, bt_error *err)
{
    char name[64];
    float *weights = NULL;
    bti_json *known = NULL;
    bti_score score = {0};
    bti_json *mark =
        bti_policy_mark(&v->lab, a->policy, bti_seed_mix(v->lab.opt->seed, 1000 + (uint64_t)k));

    run_name(name, a, k);
    bt_status rc = bti_policy_kept(&v->lab, name, mark, &weights, &known, err);
    if (!rc && !weights)
        rc = bti_fail(err, BT_IO, v->lab.work, "%s is no longer there", name);
    if (!rc)
        rc = bti_evaluate(&score, v->lab.graph, weights, set, NULL, v->lab.data->mean,
                          v->lab.data->std, v->lab.threads, err);
    if (!rc)
        a->test[k] = score.accuracy;
    bti_score_release(&score);
    bti_json_free(known);
    bti_json_free(mark);
    bti_free(weights);
    return rc;
}

static bt_status read_test(verification *v, bt_error *err)
{
    bti_test_data *test = NULL;
    if (!v->lab.data->has_test)
        return BT_OK;
    bt_status rc = bti_test_open(&test, v->lab.opt->data, &v->lab.opt->data_opt, err);
    for (int i = 0; i < v->n_arms && !rc; i++) {
        for (int k = 0; k < v->n_seeds && !rc && is_row(v, i); k++)
            rc = test_run(v, &v->arm[i], k, &test->set, err);
        mean_sd(v->arm[i].test, v->n_seeds, &v->arm[i].test_mean, &v->arm[i].test_sd);
    }
    v->tested = !rc;
    bti_test_close(test);
    return rc;
}

/* ---- the table ---- */

static void row_name(char *out, size_t cap, const verification *v, int i)
{
    snprintf(out, cap, "%s%s", v->arm[i].name, i == v->best_randaugment ? " (best of 4)" : "");
}

static void add_share(bti_str *t, double mean, double sd)
{
    bti_str_addf(t, " %.2f %% |", 100 * mean);
    if (isnan(sd))
        bti_str_add(t, " - |");
    else
        bti_str_addf(t, " %.2f |", 100 * sd);
}

static void add_verdict(bti_str *t, const verification *v)
{
    const arm *best = &v->arm[v->recommended];
    char name[64];
    row_name(name, sizeof(name), v, v->recommended);
    bti_str_addf(t, "\nNoise: %.2f points (two standard errors of a difference%s).\n",
                 100 * v->noise,
                 v->n_seeds > 1 ? "" : ", of the validation images: one seed has no spread");
    if (!bti_streq(v->arm[v->n_arms - 1].key, "found"))
        bti_str_add(t, "The search found no policy that scored better than none.\n");
    if (v->recommended == 0)
        bti_str_add(t, "Recommended: none. No policy beats no policy by more than the noise.\n");
    else
        bti_str_addf(t, "Recommended: %s, %.2f points above no policy.\n", name,
                     100 * (best->mean - v->arm[0].mean));
    bti_str_addf(t, "Use it: --augment %s\n",
                 bti_streq(best->key, "found") ? v->lab.opt->out_path : best->policy);
}

static void make_table(bti_str *t, const verification *v)
{
    const bti_policy_lab *lab = &v->lab;
    bti_str_addf(
        t, "%s: %lld parameters, %d epochs on %lld images, %d seed%s, %lld validation images",
        bti_path_base(lab->opt->model_path), (long long)lab->graph->params, lab->opt->recipe.epochs,
        (long long)lab->train.n, v->n_seeds, v->n_seeds > 1 ? "s" : "", (long long)lab->val.n);
    bti_str_addf(t,
                 "\n\n| policy | validation | sd | to no policy | seconds "
                 "|%s\n|---|---:|---:|---:|---:|%s\n",
                 v->tested ? " test | sd |" : "", v->tested ? "---:|---:|" : "");
    for (int i = 0; i < v->n_arms; i++) {
        const arm *a = &v->arm[i];
        char name[64];
        if (!is_row(v, i))
            continue;
        row_name(name, sizeof(name), v, i);
        bti_str_addf(t, "| %s |", name);
        add_share(t, a->mean, a->sd);
        bti_str_addf(t, " %+.2f | %.1f |", 100 * (a->mean - v->arm[0].mean), a->seconds_mean);
        if (v->tested)
            add_share(t, a->test_mean, a->test_sd);
        bti_str_add(t, "\n");
    }
    add_verdict(t, v);
}

static bti_json *row_json(const verification *v, int i)
{
    const arm *a = &v->arm[i];
    bti_json *o = bti_json_object(), *runs = bti_json_array();
    for (int k = 0; k < v->n_seeds; k++)
        bti_json_append(runs, bti_json_num(a->accuracy[k]));
    bti_json_set_str(o, "name", a->name);
    bti_json_set_str(o, "policy", a->policy);
    bti_json_set(o, "runs", runs);
    bti_json_set_num(o, "val_accuracy", a->mean);
    bti_json_set_num(o, "sd", a->sd);
    bti_json_set_num(o, "against", a->mean - v->arm[0].mean);
    bti_json_set_num(o, "seconds", a->seconds_mean);
    bti_json_set_num(o, "test_accuracy", v->tested && is_row(v, i) ? a->test_mean : NAN);
    return o;
}

static bt_status report(const verification *v, char **json, bt_error *err)
{
    bti_str table = {0}, path = {0};
    bti_json *o = bti_json_object(), *rows = bti_json_array();

    make_table(&table, v);
    bti_str_addf(&path, "%s.md", v->lab.stem);
    bt_status rc = table.failed || path.failed ? bti_fail_nomem(err)
                                               : bti_file_write(path.s, table.s, table.len, err);
    for (int i = 0; i < v->n_arms; i++)
        bti_json_append(rows, row_json(v, i));
    bti_json_set_str(o, "table", bti_str_c(&table));
    bti_json_set_str(o, "path", bti_str_c(&path));
    bti_json_set(o, "rows", rows);
    bti_json_set_num(o, "noise", v->noise);
    bti_json_set_str(o, "recommended", v->arm[v->recommended].policy);
    bti_json_set_str(o, "recommended_name", v->arm[v->recommended].name);
    if (!rc && json && !(*json = bti_json_text(o, 2)))
        rc = bti_fail_nomem(err);
    bti_json_free(o);
    bti_str_release(&table);
    bti_str_release(&path);
    return rc;
}

static bt_status verify(verification *v, char **json, bt_error *err)
{
    bt_status rc = make_arms(v, err);
    for (int k = 0; k < v->n_seeds && !rc; k++)
        for (int i = 0; i < v->n_arms && !rc; i++)
            rc = run_arm(v, &v->arm[i], k, err);
    if (rc == BT_STOPPED)
        return bti_fail(err, rc, v->lab.work,
                        "stopped; the finished trainings are kept, bantam policy verify goes on");
    if (rc)
        return rc;
    conclude(v);
    rc = read_test(v, err);
    return rc ? rc : report(v, json, err);
}

bt_status bt_policy_verify(char **json, const bt_policy_options *opt, bt_error *err)
{
    verification *v = bti_calloc(1, sizeof(*v));
    bt_status rc = BT_OK;

    if (json)
        *json = NULL;
    if (!v)
        return bti_fail_nomem(err);
    v->n_seeds = opt->seeds;
    v->lab.lock = -1;
    if (opt->seeds < 1 || opt->seeds > SEEDS_MAX)
        rc = bti_fail(err, BT_INVAL, "--seeds", "from 1 to %d, found %d", SEEDS_MAX, opt->seeds);
    if (!rc)
        rc = bti_policy_lab_open(&v->lab, opt, err);
    if (!rc && !v->lab.val.n)
        rc = bti_fail(err, BT_INVAL, "--val", "a verification needs validation images");
    if (!rc)
        rc = verify(v, json, err);
    for (int i = 0; i < v->n_arms; i++)
        bti_free(v->arm[i].policy);
    bti_policy_lab_close(&v->lab);
    bti_free(v);
    return rc;
}
