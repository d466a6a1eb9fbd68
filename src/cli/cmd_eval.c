/* SPDX-License-Identifier: Apache-2.0
 *
 * `bantam eval`: the accuracy of a model directory, as a table or as JSON.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "base/str.h"

static double number(const bti_json *o, const char *key)
{
    return bti_json_as_num(bti_json_get(o, key), 0);
}

#define WIDEST_MATRIX 20 /* classes; more fit no terminal: --json has them all */

static void print_confusion(const bti_json *o)
{
    const bti_json *rows = bti_json_get(o, "confusion"), *classes = bti_json_get(o, "per_class");
    size_t n = bti_json_len(rows);

    if (n > WIDEST_MATRIX)
        return;
    printf("\n%-20s", "true \\ predicted");
    for (size_t p = 0; p < n; p++)
        printf(" %6zu", p);
    printf("\n");
    for (size_t t = 0; t < n; t++) {
        const bti_json *row = bti_json_at(rows, t);
        const char *name = bti_json_as_str(bti_json_get(bti_json_at(classes, t), "class"), "");
        printf("%2zu %-17s", t, name);
        for (size_t p = 0; p < n; p++)
            printf(" %6lld", (long long)bti_json_as_int(bti_json_at(row, p), 0));
        printf("\n");
    }
}

static void print_table(const bti_json *o, const char *split)
{
    const bti_json *interval = bti_json_get(o, "interval"), *classes = bti_json_get(o, "per_class");

    printf("%s accuracy %.2f%% (95%% interval %.2f to %.2f), ", split, 100 * number(o, "accuracy"),
           100 * bti_json_as_num(bti_json_at(interval, 0), 0),
           100 * bti_json_as_num(bti_json_at(interval, 1), 0));
    if (bti_json_len(classes) > 5)
        printf("top 5 %.2f%%, ", 100 * number(o, "top5"));
    printf("balanced accuracy %.2f%%, macro F1 %.4f, %.0f images\n",
           100 * number(o, "balanced_accuracy"), number(o, "macro_f1"), number(o, "n"));
    printf("%-20s %8s %8s %10s %8s\n", "class", "images", "recall", "precision", "F1");
    for (size_t i = 0; i < bti_json_len(classes); i++) {
        const bti_json *row = bti_json_at(classes, i);
        printf("%-20s %8.0f %8.4f %10.4f %8.4f\n", bti_json_as_str(bti_json_get(row, "class"), ""),
               number(row, "n"), number(row, "recall"), number(row, "precision"),
               number(row, "f1"));
    }
    print_confusion(o);
}

/* "Rotate -10 degrees", in a column of its own. */
static void print_change(const bti_json *row, double unchanged)
{
    const bti_json *value = bti_json_get(row, "value");
    const char *unit = bti_json_as_str(bti_json_get(row, "unit"), NULL);
    char what[64] = "";
    double accuracy = number(row, "accuracy");

    if (unit)
        snprintf(what, sizeof(what), "%.3g %s", bti_json_as_num(value, 0), unit);
    printf("%-14s %-26s %8.2f%% %8.4f %+9.2f\n", bti_json_as_str(bti_json_get(row, "op"), ""), what,
           100 * accuracy, number(row, "macro_f1"), 100 * (accuracy - unchanged));
}

static void print_under(const bti_json *o)
{
    const bti_json *rows = bti_json_get(o, "under");

    if (!rows)
        return;
    printf("\n%-14s %-26s %9s %8s %9s\n", "under", "", "accuracy", "macro F1", "change");
    for (size_t i = 0; i < bti_json_len(rows); i++)
        print_change(bti_json_at(rows, i), number(o, "accuracy"));
}

int cmd_eval(int argc, char **argv)
{
    bt_eval_options opt = {.split = "val"};
    bt_quant_options quant = bt_export_defaults().quant;
    const char *dtype = "f32";
    cli_list under = {0};
    const char *data_dir = NULL;
    bool json = false, quiet = false, strict = false;
    const cli_option options[] = {
        {"data", 'd', CLI_TEXT, &opt.data, "DATA",
         "the images, or the course's data.yaml; required", 0, 0},
        {"split", 0, CLI_TEXT, &opt.split, "val|test", "val: as in training (default)", 0, 0},
        {"predictions", 0, CLI_TEXT, &opt.predictions, "FILE",
         "with --split test: write path,class,prediction of each image as CSV", 0, 0},
        {"under", 0, CLI_LIST, &under, "OP:VALUE",
         "also with every image changed: Rotate:15, Equalize, or all; may be repeated", 0, 0},
        {"dtype", 0, CLI_TEXT, &dtype, "f32|int8", "int8: as export c --dtype int8 computes", 0, 0},
        {"calibrate", 0, CLI_TEXT, &quant.calibrate, "DATA:N",
         "int8: N training images to find ranges on (those of --data, 500)", 0, 0},
        {"calibration", 0, CLI_TEXT, &quant.calibration, "RULE",
         "int8: auto (default), minmax, percentile or mse", 0, 0},
        {"threads", 't', CLI_INT, &opt.threads, "N", "(default: all cores)", 1, 1024},
        {"data-dir", 0, CLI_TEXT, &data_dir, "DIR",
         "holds data sets that are asked for by name (default: $BANTAM_DATA_DIR)", 0, 0},
        {"strict", 0, CLI_FLAG, &strict, NULL,
         "an unreadable image is an error (default: up to 1 % are left out)", 0, 0},
        {"json", 0, CLI_FLAG, &json, NULL, "print one JSON object", 0, 0},
        {"quiet", 'q', CLI_FLAG, &quiet, NULL, "no progress", 0, 0},
        {0},
    };
    const cli_spec spec = {
        "eval",
        "DIR --data DATA [--split val|test] [--dtype int8] [--under OP:VALUE]... [--json]",
        "Accuracy of the model in DIR (model.yaml and weights.safetensors).\n"
        "bantam augment list shows what --under takes.",
        options,
        1,
        1};
    cli_args args;
    bt_error err = {0};
    char *text = NULL;

    int status = cli_parse(&spec, argc, argv, &args);
    if (status >= 0)
        return status;
    if (!opt.data)
        return cli_usage("eval", "--data is missing: which images?");
    if (!bti_streq(opt.split, "val") && !bti_streq(opt.split, "test"))
        return cli_usage("eval", "--split: '%s' is neither val nor test", opt.split);
    bool int8 = bti_streq(dtype, "int8");
    if (!int8 && !bti_streq(dtype, "f32"))
        return cli_usage("eval", "--dtype: '%s' is not f32 or int8", dtype);
    if (int8 && under.n)
        return cli_usage("eval", "--under and --dtype int8 exclude each other");
    bt_data_file file;
    if (cli_is_data_file(opt.data)) {
        if (bt_data_file_load(&file, opt.data, &opt.progress, &err))
            return cli_fail(&err);
        opt.data = file.data;
    }
    opt.model_dir = args.v[0];
    opt.under = under.v;
    opt.n_under = under.n;
    opt.progress = cli_progress(quiet);
    opt.data_opt = cli_data_options(0, data_dir, opt.progress);
    opt.data_opt.strict = strict;
    quant.data_opt = opt.data_opt;
    quant.threads = opt.threads;
    bt_status rc = int8 ? bt_eval_int8(&text, &opt, &quant, &err) : bt_eval(&text, &opt, &err);
    cli_progress_end();
    if (rc)
        return cli_fail(&err);
    if (json)
        return cli_print(text);
    bti_json *o = cli_json(text);
    if (!o)
        return 1;
    print_table(o, opt.split);
    print_under(o);
    bti_json_free(o);
    return 0;
}
