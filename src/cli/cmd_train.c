/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam train`: options and a recipe file into one bt_train call. Options win over the recipe
 * file.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/str.h"

typedef struct train_args {
    bt_train_options opt;
    const char *recipe, *data_dir;
    char subset[64], val[32]; /* from the recipe file */
    bt_data_file file;        /* of --data, if that is the course's YAML file */
    int size;
    bool no_nesterov, strict, json, quiet;
} train_args;

/* A key of the recipe file that belongs to the command, not to the recipe. */
static bt_status other_key(void *user, const char *key, const char *value, int line, bt_error *err)
{
    train_args *a = user;
    int64_t v;

    if (bti_streq(key, "subset") || bti_streq(key, "val")) {
        bool subset = bti_streq(key, "subset");
        snprintf(subset ? a->subset : a->val, subset ? sizeof(a->subset) : sizeof(a->val), "%s",
                 value);
        if (subset)
            a->opt.subset = a->subset;
        else
            a->opt.val = a->val;
        return BT_OK;
    }
    bool seed = bti_streq(key, "seed");
    if (!bti_parse_int(value, 0, seed ? INT64_MAX : 1024, &v)) {
        if (err) {
            *err = (bt_error){.code = BT_INVAL, .line = line};
            snprintf(err->where, sizeof(err->where), "%s", a->recipe);
            snprintf(err->text, sizeof(err->text), "%s: '%s' is not a whole number from 0", key,
                     value);
        }
        return BT_INVAL;
    }
    if (seed)
        a->opt.seed = (uint64_t)v;
    else
        a->opt.threads = (int)v;
    return BT_OK;
}

static void print_summary(const bti_json *r, const char *out_dir)
{
    char params[16], time[24];
    double accuracy = bti_json_as_num(bti_json_get(r, "val_accuracy"), -1);

    printf("%s: %s parameters, %lld epochs on %lld images, loss %.4f",
           bti_json_as_str(bti_json_get(r, "model"), ""),
           bti_format_count(params, bti_json_as_num(bti_json_get(r, "params"), 0)),
           (long long)bti_json_as_int(bti_json_get(r, "epochs"), 0),
           (long long)bti_json_as_int(bti_json_get(r, "train_images"), 0),
           bti_json_as_num(bti_json_get(r, "loss"), 0));
    if (accuracy >= 0)
        printf(", validation accuracy %.2f%% (%lld images)", 100 * accuracy,
               (long long)bti_json_as_int(bti_json_get(r, "val_images"), 0));
    printf("\n%.0f images/s, %s", bti_json_as_num(bti_json_get(r, "images_per_s"), 0),
           bti_format_duration(time, bti_json_as_num(bti_json_get(r, "seconds"), 0)));
    if (out_dir)
        printf(", written to %s", out_dir);
    printf("\n");
}

static int run(train_args *a)
{
    char *json = NULL;
    bt_error err = {0};

    if (a->no_nesterov)
        a->opt.recipe.nesterov = false;
    a->opt.progress = cli_progress(a->quiet);
    const char *group_by = a->opt.data_opt.group_by;
    a->opt.data_opt = cli_data_options(a->size, a->data_dir, a->opt.progress);
    a->opt.data_opt.group_by = group_by;
    a->opt.stop = cli_stop();
    a->opt.data_opt.strict = a->strict;
    a->opt.data_opt.stop = a->opt.stop;
    bt_status rc = bt_train(&json, &a->opt, &err);
    cli_progress_end();
    if (rc)
        return cli_fail(&err);
    if (a->json)
        return cli_print(json);
    bti_json *result = cli_json(json);
    if (!result)
        return 1;
    print_summary(result, a->opt.out_dir);
    bti_json_free(result);
    return 0;
}

/* The settings of the course's data file under those of the recipe file and of the options. */
static int load_data_file(train_args *a)
{
    bt_error err = {0};
    bt_progress progress = cli_progress(a->quiet);
    if (bt_data_file_load(&a->file, a->opt.data, &progress, &err))
        return cli_fail(&err);
    a->opt.recipe = a->file.recipe;
    a->size = a->file.size;
    if (a->file.val[0])
        a->opt.val = a->file.val;
    return -1;
}

int cmd_train(int argc, char **argv)
{
    train_args a = {.opt = bt_train_defaults()};
    bt_recipe *r = &a.opt.recipe;
    const cli_option options[] = {
        {"data", 'd', CLI_TEXT, &a.opt.data, "DATA",
         "fashion-mnist, cifar10, an image folder, a .csv, IDX or CIFAR files, or the course's "
         "data.yaml",
         0, 0},
        {"out", 'o', CLI_TEXT, &a.opt.out_dir, "DIR",
         "write model.yaml, weights.safetensors, result.json here", 0, 0},
        {"recipe", 0, CLI_TEXT, &a.recipe, "FILE",
         "YAML file with any of the keys below; options win over it", 0, 0},
        {"epochs", 'e', CLI_RECIPE, r, "E", "passes over the training images (default 15)", 0, 0},
        {"batch", 'b', CLI_RECIPE, r, "B", "images a step (default 128)", 0, 0},
        {"lr", 0, CLI_RECIPE, r, "LR", "peak learning rate (default 0.1)", 0, 0},
        {"weight-decay", 0, CLI_RECIPE, r, "W", "pull of the parameters to 0 (default 5e-4)", 0, 0},
        {"decay", 0, CLI_RECIPE, r, "WHAT",
         "weight decay on all parameters (default), or weights: not on BN and biases", 0, 0},
        {"schedule", 0, CLI_RECIPE, r, "S",
         "cosine (default), constant, onecycle:pct_start=0.3 or step:every=30,gamma=0.1", 0, 0},
        {"optimizer", 0, CLI_RECIPE, r, "NAME", "sgd (default), adam or adamw", 0, 0},
        {"momentum", 0, CLI_RECIPE, r, "M", "also Adam's beta 1 (default 0.9)", 0, 0},
        {"beta2", 0, CLI_RECIPE, r, "B", "Adam's memory of squared gradients (default 0.999)", 0,
         0},
        {"nesterov", 0, CLI_RECIPE_FLAG, r, NULL, "look ahead along the momentum (default)", 0, 0},
        {"no-nesterov", 0, CLI_FLAG, &a.no_nesterov, NULL, "plain momentum", 0, 0},
        {"warmup", 0, CLI_RECIPE, r, "E", "epochs of linear warm-up from 0 (default 0)", 0, 0},
        {"label-smoothing", 0, CLI_RECIPE, r, "S",
         "share of the target spread over all classes (default 0)", 0, 0},
        {"clip", 0, CLI_RECIPE, r, "NORM", "largest norm of all gradients (default 0: any)", 0, 0},
        {"ema", 0, CLI_RECIPE, r, "D",
         "moving average of the weights, such as 0.999; it is what is kept (default 0: none)", 0,
         0},
        {"class-weights", 0, CLI_RECIPE, r, "HOW",
         "none (default), balanced or effective:beta=0.9999: rare classes count more in the loss",
         0, 0},
        {"sampling", 0, CLI_RECIPE, r, "HOW",
         "shuffle (default), balanced, sqrt or oversample:ratio=0.5: rare classes come more often",
         0, 0},
        {"logit-adjustment", 0, CLI_RECIPE, r, "TAU",
         "1: train for balanced accuracy on unequal classes (default 0)", 0, 0},
        {"augment", 'a', CLI_RECIPE, r, "POLICY",
         "such as flip+crop:4+randaugment:n=2,m=15 (default flip+crop:4)", 0, 0},
        {"no-aug-epochs", 0, CLI_RECIPE, r, "E", "last epochs with flip and crop only (default 0)",
         0, 0},
        {"subset", 0, CLI_TEXT, &a.opt.subset, "S",
         "10000, 20% (stratified) or first:1000 of each class", 0, 0},
        {"val", 0, CLI_TEXT, &a.opt.val, "V",
         "validation: auto, a count, 10%, or 0 to train on everything", 0, 0},
        {"group-by", 0, CLI_TEXT, &a.opt.data_opt.group_by, "REGEX",
         "images whose paths match it alike (its first group) are not split by --val", 0, 0},
        {"size", 0, CLI_INT, &a.size, "PIXELS",
         "side to resize to (default: the images' own, or 32)", 1, 4096},
        {"seed", 's', CLI_SEED, &a.opt.seed, "N", "(default 0)", 0, 0},
        {"threads", 't', CLI_INT, &a.opt.threads, "N", "(default: all cores)", 1, 1024},
        {"precision", 0, CLI_TEXT, &a.opt.precision, "P",
         "f32, bf16 or auto: bf16 where the CPU has it (default auto)", 0, 0},
        {"ahead", 0, CLI_INT, &a.opt.ahead, "N",
         "more threads, that make batches ahead (default: of the cores left; same result)", 0, 64},
        {"resume", 0, CLI_FLAG, &a.opt.resume, NULL,
         "go on from the checkpoint in --out, bit for bit", 0, 0},
        {"data-dir", 0, CLI_TEXT, &a.data_dir, "DIR",
         "holds data sets that are asked for by name (default: $BANTAM_DATA_DIR)", 0, 0},
        {"strict", 0, CLI_FLAG, &a.strict, NULL,
         "an unreadable image is an error (default: up to 1 % are left out)", 0, 0},
        {"json", 0, CLI_FLAG, &a.json, NULL, "print the result as one JSON object", 0, 0},
        {"quiet", 'q', CLI_FLAG, &a.quiet, NULL, "no progress", 0, 0},
        {0},
    };
    const cli_spec spec = {
        "train",
        "MODEL.yaml --data DATA [--out DIR] [options]",
        "Trains one model. Ctrl-C saves a checkpoint; --resume goes on from it.\n"
        "A recipe file may also hold subset, val, seed and threads.",
        options,
        1,
        1};
    cli_args args;
    bt_error err = {0};

    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    if (!a.opt.data)
        return cli_usage("train", "--data is missing: which images?");
    bool data_file = cli_is_data_file(a.opt.data);
    *r = a.recipe || data_file ? bt_recipe_defaults() : *r;
    if (data_file && (status = load_data_file(&a)) >= 0)
        return status;
    if (a.recipe && bt_recipe_load(r, a.recipe, other_key, &a, &err))
        return cli_fail(&err);
    if (a.recipe || data_file) { /* the options once more, over the files */
        status = cli_parse(&spec, argc, argv, &args);
        if (status >= 0)
            return status;
    }
    if (data_file)
        a.opt.data = a.file.data;
    if (a.opt.resume && !a.opt.out_dir)
        return cli_usage("train", "--resume needs --out, the folder that holds the checkpoint");
    a.opt.model_path = args.v[0];
    return run(&a);
}
