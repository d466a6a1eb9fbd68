/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam policy`: search an augmentation policy for a network, and verify one by training.
 */
#include "cli/cli.h"

#include "base/str.h"

typedef struct policy_args {
    bt_policy_options opt;
    const char *budget, *recipe, *data_dir;
    int verify, size;
    bool strict, json, quiet;
} policy_args;

/* Options of both sub-verbs. */
#define COMMON_OPTIONS(a)                                                                          \
    {.name = "model",                                                                              \
     .letter = 'm',                                                                                \
     .kind = CLI_TEXT,                                                                             \
     .to = &(a)->opt.model_path,                                                                   \
     .arg = "M.yaml",                                                                              \
     .help = "the network that is trained with policies; required"},                               \
        {.name = "recipe",                                                                         \
         .kind = CLI_TEXT,                                                                         \
         .to = &(a)->recipe,                                                                       \
         .arg = "FILE",                                                                            \
         .help = "how networks are trained (its augment and split are not read)"},                 \
        {.name = "epochs",                                                                         \
         .letter = 'e',                                                                            \
         .kind = CLI_RECIPE,                                                                       \
         .to = &(a)->opt.recipe,                                                                   \
         .arg = "E",                                                                               \
         .help = "of a network (default 15); in the search at most so many"},                      \
        {.name = "subset",                                                                         \
         .kind = CLI_TEXT,                                                                         \
         .to = &(a)->opt.subset,                                                                   \
         .arg = "S",                                                                               \
         .help = "training images: 10000, 20% (stratified) or first:1000 of each class"},          \
        {.name = "val",                                                                            \
         .kind = CLI_TEXT,                                                                         \
         .to = &(a)->opt.val,                                                                      \
         .arg = "V",                                                                               \
         .help = "images of the verification, which the search does not see: 10%, 2000"},          \
        {.name = "group-by",                                                                       \
         .kind = CLI_TEXT,                                                                         \
         .to = &(a)->opt.data_opt.group_by,                                                        \
         .arg = "REGEX",                                                                           \
         .help = "images whose paths match it alike (its first group) are not split"},             \
        {.name = "size",                                                                           \
         .kind = CLI_INT,                                                                          \
         .to = &(a)->size,                                                                         \
         .arg = "PX",                                                                              \
         .help = "side to resize to (default: the images' own, or 32)",                            \
         .lo = 1,                                                                                  \
         .hi = 1024},                                                                              \
        {.name = "seed",                                                                           \
         .letter = 's',                                                                            \
         .kind = CLI_SEED,                                                                         \
         .to = &(a)->opt.seed,                                                                     \
         .arg = "N",                                                                               \
         .help = "of everything random (default 0)"},                                              \
        {.name = "threads",                                                                        \
         .letter = 't',                                                                            \
         .kind = CLI_INT,                                                                          \
         .to = &(a)->opt.threads,                                                                  \
         .arg = "N",                                                                               \
         .help = "(default: all cores)",                                                           \
         .lo = 1,                                                                                  \
         .hi = 1024},                                                                              \
        {.name = "precision",                                                                      \
         .kind = CLI_TEXT,                                                                         \
         .to = &(a)->opt.precision,                                                                \
         .arg = "P",                                                                               \
         .help = "f32, bf16 or auto: bf16 where the CPU has it (default auto)"},                   \
        {.name = "data-dir",                                                                       \
         .kind = CLI_TEXT,                                                                         \
         .to = &(a)->data_dir,                                                                     \
         .arg = "DIR",                                                                             \
         .help = "holds data sets that are asked for by name (default: $BANTAM_DATA_DIR)"},        \
        {.name = "strict",                                                                         \
         .kind = CLI_FLAG,                                                                         \
         .to = &(a)->strict,                                                                       \
         .help = "an unreadable image is an error (default: up to 1 % are left out)"},             \
        {.name = "json", .kind = CLI_FLAG, .to = &(a)->json, .help = "print one JSON object"},     \
    {                                                                                              \
        .name = "quiet", .letter = 'q', .kind = CLI_FLAG, .to = &(a)->quiet,                       \
        .help = "warnings only"                                                                    \
    }

/* "20m" or "+20m" into the options; -1 or an exit status. */
static int set_budget(policy_args *a)
{
    const char *text = a->budget;
    if (!text)
        return -1;
    a->opt.budget_adds = text[0] == '+';
    if (bti_parse_duration(text + a->opt.budget_adds, &a->opt.budget_s))
        return -1;
    return cli_usage("policy search", "--budget: '%s' is not a time such as 45s, 20m, 2h or +20m",
                     text);
}

/* What both do with parsed options, which win over the recipe file. -1 or an exit status. */
static int complete(const cli_spec *spec, policy_args *a, int argc, char **argv, cli_args *args)
{
    bt_error err = {0};
    if (!a->opt.model_path)
        return cli_usage(spec->verb, "--model is missing: which network is to be trained?");
    if (a->recipe) {
        a->opt.recipe = bt_recipe_defaults();
        if (bt_recipe_load(&a->opt.recipe, a->recipe, NULL, NULL, &err))
            return cli_fail(&err);
        int status = cli_parse(spec, argc, argv, args);
        if (status >= 0)
            return status;
    }
    a->opt.data = args->v[0];
    a->opt.progress = cli_progress(a->quiet);
    const char *group_by = a->opt.data_opt.group_by;
    a->opt.data_opt = cli_data_options(a->size, a->data_dir, a->opt.progress);
    a->opt.data_opt.group_by = group_by;
    a->opt.data_opt.strict = a->strict;
    a->opt.stop = cli_stop();
    a->opt.data_opt.stop = a->opt.stop;
    return -1;
}

static void print_found(const bti_json *o)
{
    char time[24];
    const char *metric = bti_json_as_str(bti_json_get(o, "metric"), "");
    int trials = (int)bti_json_as_int(bti_json_get(o, "trials"), 0);

    bti_format_duration(time, bti_json_as_num(bti_json_get(o, "used_s"), 0));
    if (bti_json_as_bool(bti_json_get(o, "found"), false))
        printf("%d of %d policies in %s, the best with %s %.4f (without a policy %.4f)\n",
               (int)bti_json_as_int(bti_json_get(o, "policies"), 0), trials, time, metric,
               bti_json_as_num(bti_json_get(o, "score"), 0),
               bti_json_as_num(bti_json_get(o, "plain_score"), 0));
    else
        printf("none: of %d policies in %s no one was better than none\n", trials, time);
    printf("written to %s, trials in %s\n", bti_json_as_str(bti_json_get(o, "path"), ""),
           bti_json_as_str(bti_json_get(o, "study"), ""));
}

/* The verification's JSON, or its exit status. */
static int verify(const policy_args *a, bti_json **out)
{
    char *json;
    bt_error err = {0};
    bt_status rc = bt_policy_verify(&json, &a->opt, &err);

    cli_progress_end();
    *out = rc ? NULL : cli_json(json);
    return rc ? cli_fail(&err) : *out ? 0 : 1;
}

static int print_json(bti_json *o)
{
    char *text = bti_json_text(o, 2);
    bti_json_free(o);
    return cli_print(text);
}

static int verify_verb(int argc, char **argv)
{
    policy_args a = {.opt = bt_policy_defaults()};
    const cli_option options[] = {
        {.name = "policy",
         .letter = 'p',
         .kind = CLI_TEXT,
         .to = &a.opt.out_path,
         .arg = "FILE.yaml",
         .help = "the policy file (default policy.yaml)"},
        {.name = "seeds",
         .kind = CLI_INT,
         .to = &a.opt.seeds,
         .arg = "N",
         .help = "trainings of each policy (default 3)",
         .lo = 1,
         .hi = 20},
        COMMON_OPTIONS(&a),
        {0},
    };
    const cli_spec spec = {
        "policy verify",
        "DATA --model M.yaml [--policy FILE.yaml] [--seeds N]",
        "Trains a network with a policy and with what it has to beat: no policy, the best of 4\n"
        "RandAugments, TrivialAugment. Judged on validation images; none is recommended unless a\n"
        "policy is better by more than the noise. The table is written beside the policy, as .md;\n"
        "a run that was stopped goes on.",
        options,
        1,
        1};
    cli_args args;
    bti_json *o;
    int status = cli_parse(&spec, argc, argv, &args);
    if (status < 0)
        status = complete(&spec, &a, argc, argv, &args);
    if (status >= 0)
        return status;
    if (!a.opt.out_path)
        a.opt.out_path = "policy.yaml";
    status = verify(&a, &o);
    if (status)
        return status;
    if (a.json)
        return print_json(o);
    printf("%s", bti_json_as_str(bti_json_get(o, "table"), ""));
    bti_json_free(o);
    return 0;
}

/* The search's result, then the verification, which has its own time. */
static int search_and_verify(policy_args *a)
{
    char *json;
    bt_error err = {0};
    bti_json *found, *verified = NULL;

    bt_status rc = bt_policy_search(&json, &a->opt, &err);
    cli_progress_end();
    if (rc)
        return cli_fail(&err);
    found = cli_json(json);
    if (!found)
        return 1;
    if (!a->json) {
        print_found(found);
        fflush(stdout);
    }
    int status = 0;
    a->opt.seeds = a->verify;
    if (a->verify && !(a->opt.stop.flag && *a->opt.stop.flag))
        status = verify(a, &verified);
    if (a->json) {
        if (verified)
            bti_json_set(found, "verification", verified);
        int printed = print_json(found);
        return status ? status : printed;
    }
    if (verified)
        printf("\n%s", bti_json_as_str(bti_json_get(verified, "table"), ""));
    bti_json_free(verified);
    bti_json_free(found);
    return status;
}

static int search_verb(int argc, char **argv)
{
    policy_args a = {.opt = bt_policy_defaults(), .verify = 3};
    const cli_option options[] = {
        {.name = "budget",
         .letter = 'b',
         .kind = CLI_TEXT,
         .to = &a.budget,
         .arg = "T",
         .help = "wall clock of the search: 45s, 20m, 2h; +T adds to an existing study"},
        {.name = "by",
         .kind = CLI_TEXT,
         .to = &a.opt.by,
         .arg = "density|training",
         .help = "how policies are scored (default density)"},
        {.name = "out",
         .letter = 'o',
         .kind = CLI_TEXT,
         .to = &a.opt.out_path,
         .arg = "FILE.yaml",
         .help = "the policy (default policy.yaml); its study, FILE.db, goes on"},
        {.name = "verify",
         .kind = CLI_INT,
         .to = &a.verify,
         .arg = "N",
         .help = "seeds of the verification after the search, 0: none (default 3)",
         .lo = 0,
         .hi = 20},
        {.name = "space",
         .kind = CLI_TEXT,
         .to = &a.opt.space_path,
         .arg = "FILE",
         .help = "space of policies: autoaugment (default), randaugment or a file"},
        {.name = "sampler",
         .kind = CLI_TEXT,
         .to = &a.opt.sampler,
         .arg = "S",
         .help = "tpe (default), regularized, evolution, random ..."},
        {.name = "trials",
         .kind = CLI_INT,
         .to = &a.opt.trials,
         .arg = "N",
         .help = "at most N policies",
         .lo = 1,
         .hi = 1e6},
        {.name = "folds",
         .kind = CLI_INT,
         .to = &a.opt.folds,
         .arg = "K",
         .help = "of the training images; training: one of them validates (default 5)",
         .lo = 2,
         .hi = 20},
        {.name = "child-epochs",
         .kind = CLI_INT,
         .to = &a.opt.child_epochs,
         .arg = "E",
         .help = "training: epochs for each policy (default: so that 40 fit)",
         .lo = 1,
         .hi = 1e5},
        COMMON_OPTIONS(&a),
        {0},
    };
    const cli_spec spec = {
        "policy search",
        "DATA --model M.yaml --budget T [--by density|training] [--out FILE.yaml]",
        "Searches an augmentation policy for a network, writes it as a policy file, and verifies "
        "it\n"
        "by training, which is not part of the budget. density: networks that were trained "
        "without\n"
        "a policy judge the images that it makes. training: a network is trained with each policy.",
        options,
        1,
        1};
    cli_args args;
    int status = cli_parse(&spec, argc, argv, &args);
    if (status < 0)
        status = complete(&spec, &a, argc, argv, &args);
    if (status < 0)
        status = set_budget(&a);
    if (status >= 0)
        return status;
    if (!a.budget && !a.opt.trials)
        return cli_usage("policy search", "say when it must be done: --budget 20m or --trials 200");
    if (!a.opt.out_path)
        a.opt.out_path = "policy.yaml";
    return search_and_verify(&a);
}

int cmd_policy(int argc, char **argv)
{
    static const char *const verbs[] = {"search", "verify", NULL};
    static int (*const run[])(int, char **) = {search_verb, verify_verb};
    int status, verb = cli_subverb("policy", verbs, argc, argv, &status);
    return verb < 0 ? status : run[verb](argc - 1, argv + 1);
}
